/* What Flip's answer to a batch means for its points. Interface, Telemetry 6; docs/faults.md. */
#include "telemetry/upload_internal.h"

#include "telemetry/upload_reply.h"
#include "util/xalloc.h"

#include <stdio.h>
#include <stdlib.h>

/* Refusals without a single accepted point between them. The search for one point takes eleven; when it never ends,
 * Flip refuses everything, and then one request a second is enough. */
#define PATIENCE   24
#define PACE_MS    1000
#define AFTER_AUTH 1000 /* the cloud's pause is what counts; this much lies between two attempts in any case */

/* The points that the answer is about. */
struct window {
    struct f2m_batch *batch;
    size_t from, n;
};

static struct window window_of(const struct f2m_lane *lane)
{
    if (lane->test_len > 0)
        return (struct window){lane->suspects[0].batch, lane->suspects[0].lo, lane->test_len};
    return (struct window){lane->batch, 0, lane->batch->len};
}

void f2m_lane_release(struct f2m_lane *lane, const struct f2m_batch *batch, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        f2m_outbox_release(lane->up->outbox, batch->items[i].id);
}

void f2m_lane_postpone(struct f2m_lane *lane, int64_t until_mono_ms)
{
    if (lane->not_before_mono < until_mono_ms)
        lane->not_before_mono = until_mono_ms;
}

void f2m_lane_reject(struct f2m_lane *lane, struct f2m_now now, const struct f2m_batch *batch, size_t i,
                     const char *message, struct f2m_effects *fx)
{
    struct f2m_point p = f2m_batch_point(batch, i);
    f2m_outbox_rejected(lane->up->outbox, now, &p, message, fx);
    char device[128], why[300];
    f2m_effects_log(fx, F2M_LOG_WARN, "upload", "Flip rejects a point", "device=%s message=%s",
                    f2m_log_value(p.device_id, device, sizeof device), f2m_log_value(message, why, sizeof why));
}

/* One line when uploads begin to fail in another way, one when they succeed again; not one per attempt. */
static void tell(struct f2m_lane *lane, const char *what, const char *reason, struct f2m_effects *fx)
{
    char why[400];
    const char *operation = f2m_endpoint_info[lane->call].operation;
    if (what == lane->failing)
        return;
    lane->failing = what;
    if (what)
        f2m_effects_log(fx, F2M_LOG_WARN, "upload", what, "operation=%s reason=%s", operation,
                        f2m_log_value(reason, why, sizeof why));
    else
        f2m_effects_log(fx, F2M_LOG_INFO, "upload", "uploads succeed again", "operation=%s", operation);
}

/* The outcome is unknown or Flip cannot take points now: all wait. A point under search stays under search. */
static void wait_all(struct f2m_lane *lane, struct f2m_now now, int64_t retry_after_s)
{
    if (lane->test_len == 0)
        f2m_lane_release(lane, lane->batch, 0, lane->batch->len);
    lane->backlog = true;
    f2m_backoff_fail(&lane->backoff, lane->up->rng, now, retry_after_s);
    /* Retry-After is meant for all of us. */
    for (size_t i = 0; i < F2M_UPLOAD_LANES && retry_after_s > 0; i++)
        f2m_lane_postpone(&lane->up->lanes[i], lane->backoff.until_mono_ms);
}

/* ---- 2xx ---- */

struct settling {
    struct f2m_lane *lane;
    struct f2m_now now;
    struct f2m_effects *fx;
    struct window w;
    struct f2m_point *sent;
    size_t sent_len, rejected;
};

static void settle(void *ctx, size_t index, bool ok, const char *message)
{
    struct settling *s = ctx;
    struct f2m_point p = f2m_batch_point(s->w.batch, s->w.from + index);
    if (ok) {
        s->sent[s->sent_len++] = p;
        return;
    }
    if (s->rejected++ == 0) /* one line per answer, however many points it rejects */
        f2m_lane_reject(s->lane, s->now, s->w.batch, s->w.from + index, message, s->fx);
    else
        f2m_outbox_rejected(s->lane->up->outbox, s->now, &p, message, s->fx);
}

static void answered(struct f2m_lane *lane, struct f2m_now now, struct window w, size_t known, struct f2m_effects *fx)
{
    struct f2m_uploader *up = lane->up;
    up->counters->uploads++;
    up->last_upload_ms = now.wall_ms;
    if (lane->test_len > 0)
        f2m_search_known(lane, known);
    else
        f2m_lane_release(lane, w.batch, known, w.n);
    if (known < w.n) { /* Flip, decision 7: fewer entries than points, the rest is unknown */
        lane->backlog = true;
        f2m_backoff_fail(&lane->backoff, up->rng, now, 0);
        tell(lane, "Flip's answer is shorter than the batch: the rest is sent again", "fewer results than points", fx);
        return;
    }
    f2m_backoff_reset(&lane->backoff);
    f2m_limit_succeeded(lane, now, w.n);
    lane->trouble[0] = '\0';
    tell(lane, NULL, NULL, fx);
}

static void accepted(struct f2m_lane *lane, struct f2m_now now, const struct f2m_reply *reply, struct f2m_effects *fx)
{
    struct window w = window_of(lane);
    struct f2m_err err = {""};
    size_t known = 0;
    struct settling s = {.lane = lane, .now = now, .fx = fx, .w = w};
    s.sent = f2m_xreallocarray(NULL, w.n, sizeof *s.sent);
    int rc = f2m_upload_reply_read(reply->body, w.n, settle, &s, &known, &err);
    if (rc == 0) {
        f2m_outbox_sent(lane->up->outbox, now, s.sent, s.sent_len, fx);
        if (s.rejected > 1)
            f2m_effects_log(fx, F2M_LOG_WARN, "upload", "Flip rejects more points of the same batch", "count=%zu",
                            s.rejected - 1);
        if (known > 0)
            lane->refusals = 0;
        answered(lane, now, w, known, fx);
    } else {
        static const char what[] = "Flip's answer breaks the contract: the batch is sent again";
        snprintf(lane->trouble, sizeof lane->trouble, "%s: %.250s", f2m_endpoint_info[lane->call].operation, err.text);
        wait_all(lane, now, 0);
        tell(lane, what, err.text, fx);
    }
    free(s.sent);
}

/* ---- the others ---- */

static void pace(struct f2m_lane *lane, struct f2m_now now)
{
    f2m_backoff_reset(&lane->backoff);
    if (++lane->refusals > PATIENCE)
        f2m_lane_postpone(lane, now.mono_ms + PACE_MS);
}

static void too_large(struct f2m_lane *lane, struct f2m_now now, const struct f2m_reply *reply, struct f2m_effects *fx)
{
    struct window w = window_of(lane);
    if (w.n > 1) {
        f2m_limit_too_large(lane, now, w.n, fx);
        if (lane->test_len == 0)
            f2m_lane_release(lane, w.batch, 0, w.n);
        lane->backlog = true;
        return;
    }
    pace(lane, now);
    f2m_lane_reject(lane, now, w.batch, w.from, reply->message, fx);
    if (lane->test_len > 0)
        f2m_search_known(lane, 1);
    lane->backlog = true;
}

static void refused(struct f2m_lane *lane, struct f2m_now now, const struct f2m_reply *reply, struct f2m_effects *fx)
{
    pace(lane, now);
    lane->backlog = true;
    if (lane->test_len > 0)
        f2m_search_refused(lane, now, reply->message, fx);
    else if (lane->batch->len == 1)
        f2m_lane_reject(lane, now, lane->batch, 0, reply->message, fx);
    else
        f2m_search_begin(lane, fx, reply->message);
}

/* 404, 405, 409, … : not the points' fault (a wrong base URL above all), so none of them is rejected for it. */
static void misdirected(struct f2m_lane *lane, struct f2m_now now, const struct f2m_reply *reply,
                        struct f2m_effects *fx)
{
    char bare[16];
    snprintf(bare, sizeof bare, "HTTP %d", reply->status);
    bool said = strcmp(bare, reply->message) != 0;
    snprintf(lane->trouble, sizeof lane->trouble, "%s: %s%s%s (check flip.base_url)",
             f2m_endpoint_info[lane->call].operation, bare, said ? ": " : "", said ? reply->message : "");
    wait_all(lane, now, reply->retry_after_s);
    tell(lane, "Flip does not take telemetry here: points wait", lane->trouble, fx);
}

void f2m_lane_done(void *owner, uint64_t id, struct f2m_now now, const struct f2m_reply *reply, struct f2m_effects *fx)
{
    struct f2m_lane *lane = owner;
    (void)id;
    lane->flying = lane->unanswered = false;
    switch (reply->outcome) {
    case F2M_OUTCOME_OK: accepted(lane, now, reply, fx); break;
    case F2M_OUTCOME_SPLIT: too_large(lane, now, reply, fx); break;
    case F2M_OUTCOME_REJECT:
        if (reply->status == 400 || reply->status == 422)
            refused(lane, now, reply, fx);
        else
            misdirected(lane, now, reply, fx);
        break;
    case F2M_OUTCOME_AUTH: /* the cloud pauses and logs */
        if (lane->test_len == 0)
            f2m_lane_release(lane, lane->batch, 0, lane->batch->len);
        lane->backlog = true;
        f2m_lane_postpone(lane, now.mono_ms + AFTER_AUTH);
        break;
    case F2M_OUTCOME_RETRY:
        wait_all(lane, now, reply->retry_after_s);
        lane->unanswered = reply->status == 0;
        tell(lane, "uploads fail: points wait", reply->message, fx);
        break;
    }
    lane->test_len = 0;
}
