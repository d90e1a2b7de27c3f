#include "telemetry/upload_internal.h"

#include "util/xalloc.h"

#include <stdlib.h>

#define REACHABLE_SPREAD_MS 2000 /* homes that waited for the same outage do not call at the same moment */
#define SPREAD_PART         10   /* of the interval: a tenth */
#define SPREAD_MOST_MS      10000
/* Points closed this long before the end of gathering are fresh: one answer may take half a minute. */
#define FRESH_MS      60000
#define BUSY_RETRY_MS 1000
#define UNREADABLE_MS 5000 /* the store could not be read */

/* ---- life ---- */

struct f2m_uploader *f2m_uploader_new(const struct f2m_config *config, struct f2m_cloud *cloud,
                                      struct f2m_outbox *outbox, struct f2m_store *store, struct f2m_rng *rng,
                                      struct f2m_counters *counters)
{
    static const enum f2m_endpoint calls[F2M_UPLOAD_LANES] = {
        [F2M_TELEMETRY_INTERVAL] = F2M_ENDPOINT_TELEMETRY_REPORT,
        [F2M_TELEMETRY_COUNTER] = F2M_ENDPOINT_TELEMETRY_COUNTER_REPORT,
    };
    struct f2m_uploader *up = f2m_xcalloc(1, sizeof *up);
    up->config = config;
    up->cloud = cloud;
    up->outbox = outbox;
    up->store = store;
    up->rng = rng;
    up->counters = counters;
    f2m_strbuf_init(&up->scratch, 0);
    for (unsigned i = 0; i < F2M_UPLOAD_LANES; i++) {
        struct f2m_lane *lane = &up->lanes[i];
        lane->up = up;
        lane->endpoint = (enum f2m_telemetry_endpoint)i;
        lane->call = calls[i];
        lane->due_mono = INT64_MAX;
        lane->backlog = true; /* what waited over the restart */
        f2m_limit_load(lane);
    }
    return up;
}

void f2m_uploader_free(struct f2m_uploader *up)
{
    if (!up)
        return;
    struct f2m_held *all = up->held;
    HASH_CLEAR(hh, up->held);
    for (struct f2m_held *h = all, *next; h; h = next) {
        next = h->hh.next;
        free(h);
    }
    for (size_t i = 0; i < F2M_UPLOAD_LANES; i++) {
        f2m_search_free(&up->lanes[i]);
        f2m_batch_free(up->lanes[i].batch);
    }
    f2m_strbuf_deinit(&up->scratch);
    free(up);
}

/* SIGHUP: perhaps the base URL is right now, so nothing waits for a long backoff. */
void f2m_uploader_reload(struct f2m_uploader *up, const struct f2m_config *config)
{
    up->config = config;
    for (size_t i = 0; i < F2M_UPLOAD_LANES; i++)
        f2m_backoff_reset(&up->lanes[i].backoff);
}

/* The backoff goes on from where it was, should this be a mistake. */
void f2m_uploader_reachable(struct f2m_uploader *up, struct f2m_now now)
{
    for (size_t i = 0; i < F2M_UPLOAD_LANES; i++) {
        struct f2m_lane *lane = &up->lanes[i];
        int64_t soon = now.mono_ms + f2m_rng_below(up->rng, REACHABLE_SPREAD_MS);
        if (lane->unanswered && lane->backoff.until_mono_ms > soon)
            lane->backoff.until_mono_ms = soon;
    }
}

/* ---- when ---- */

/* The shortest interval of the devices that report here; the documented longest where none does. */
static int64_t interval_of(const struct f2m_config *config, enum f2m_telemetry_endpoint endpoint)
{
    int64_t shortest = 300000;
    for (size_t s = 0; s < config->sites_len; s++)
        for (size_t d = 0; d < config->sites[s].devices_len; d++) {
            const struct f2m_telemetry_config *t = &config->sites[s].devices[d].telemetry;
            if (t->endpoint == endpoint && t->interval_ms < shortest)
                shortest = t->interval_ms;
        }
    return shortest;
}

static int64_t gather_until(struct f2m_lane *lane, struct f2m_now now)
{
    int64_t spread = interval_of(lane->up->config, lane->endpoint) / SPREAD_PART;
    if (spread > SPREAD_MOST_MS)
        spread = SPREAD_MOST_MS;
    return now.mono_ms + lane->up->config->flip.upload_delay_ms + f2m_rng_below(lane->up->rng, spread + 1);
}

static bool unseen(const struct f2m_lane *lane, struct f2m_outbox_news news)
{
    return news.closed != lane->seen.closed || news.returned != lane->seen.returned;
}

/* Points of this turn are not on disk yet: they start to gather after the end of what gathered before. */
static void look(struct f2m_lane *lane, struct f2m_now now)
{
    struct f2m_outbox_news news = f2m_outbox_news(lane->up->outbox, lane->endpoint);
    if (now.mono_ms >= lane->due_mono) {
        lane->backlog = true;
        lane->due_mono = INT64_MAX;
    }
    if (news.closed != lane->seen.closed && lane->due_mono == INT64_MAX)
        lane->due_mono = gather_until(lane, now);
    if (news.returned != lane->seen.returned)
        lane->backlog = true;
    lane->seen = news;
}

/* No request before: backoff, Retry-After, the pause after 401/403. */
static int64_t earliest(const struct f2m_lane *lane)
{
    int64_t at = lane->not_before_mono, paused = f2m_cloud_paused_until(lane->up->cloud);
    if (lane->backoff.failures > 0 && lane->backoff.until_mono_ms > at)
        at = lane->backoff.until_mono_ms;
    return paused > at ? paused : at;
}

/* ---- sending ---- */

struct choosing {
    const struct f2m_uploader *up;
    struct f2m_batch *batch;
    bool full;
};

static bool choose(void *ctx, const struct f2m_point *p)
{
    struct choosing *c = ctx;
    struct f2m_held *held = NULL;
    if (c->up->held)
        HASH_FIND_STR(c->up->held, p->device_id, held);
    if (held || c->full)
        return false;
    c->full = !f2m_batch_add(c->batch, p);
    return !c->full;
}

static bool transmit(struct f2m_lane *lane, struct f2m_now now, struct f2m_slice body, struct f2m_effects *fx)
{
    struct f2m_err err;
    struct f2m_call call = {.endpoint = lane->call, .body = body, .done = f2m_lane_done, .owner = lane};
    lane->flying = f2m_cloud_call(lane->up->cloud, now, &call, fx, &err) == 0;
    if (!lane->flying) { /* too many calls wait: soon there are fewer */
        f2m_lane_postpone(lane, now.mono_ms + BUSY_RETRY_MS);
        lane->test_len = 0;
    }
    return lane->flying;
}

static void send_batch(struct f2m_lane *lane, struct f2m_now now, struct f2m_effects *fx)
{
    struct f2m_uploader *up = lane->up;
    if (!lane->batch)
        lane->batch = f2m_batch_new();
    f2m_batch_reset(lane->batch);
    int64_t fresh_since_ms = now.wall_ms - up->config->flip.upload_delay_ms - SPREAD_MOST_MS - FRESH_MS;
    struct choosing choosing = {.up = up, .batch = lane->batch};
    size_t n = 0;
    int rc = f2m_outbox_take(up->outbox, lane->endpoint, lane->limit, fresh_since_ms, choose, &choosing, &n);
    lane->backlog = rc != 0 || n == lane->limit || choosing.full; /* then more may wait */
    if (rc != 0)
        f2m_lane_postpone(lane, now.mono_ms + UNREADABLE_MS);
    lane->tested_last = false;
    if (n == 0 || transmit(lane, now, f2m_batch_request(lane->batch), fx))
        return;
    f2m_lane_release(lane, lane->batch, 0, n);
    lane->backlog = true;
}

static void send_test(struct f2m_lane *lane, struct f2m_now now, struct f2m_effects *fx)
{
    const struct f2m_suspects *s = &lane->suspects[0];
    lane->test_len = f2m_search_next(lane);
    lane->tested_last = true;
    (void)transmit(lane, now, f2m_batch_request_of(s->batch, s->lo, lane->test_len, &lane->up->scratch), fx);
}

static void lane_tick(struct f2m_lane *lane, struct f2m_now now, struct f2m_effects *fx)
{
    if (lane->flying)
        return;
    look(lane, now);
    if (now.mono_ms < earliest(lane))
        return;
    bool batch = lane->backlog && lane->suspects_len < F2M_MAX_SUSPECT_GROUPS;
    if (batch && (lane->suspects_len == 0 || lane->tested_last))
        send_batch(lane, now, fx);
    if (!lane->flying && lane->suspects_len > 0 && now.mono_ms >= earliest(lane))
        send_test(lane, now, fx);
}

void f2m_uploader_tick(struct f2m_uploader *up, struct f2m_now now, struct f2m_effects *fx)
{
    for (size_t i = 0; i < F2M_UPLOAD_LANES && !up->waiting; i++)
        lane_tick(&up->lanes[i], now, fx);
}

void f2m_uploader_flush(struct f2m_uploader *up, struct f2m_now now, struct f2m_effects *fx)
{
    for (size_t i = 0; i < F2M_UPLOAD_LANES && !up->waiting; i++) {
        struct f2m_lane *lane = &up->lanes[i];
        if (!lane->flying && now.mono_ms >= earliest(lane) && lane->suspects_len < F2M_MAX_SUSPECT_GROUPS)
            send_batch(lane, now, fx);
    }
}

int64_t f2m_uploader_deadline(const struct f2m_uploader *up, struct f2m_now now)
{
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < F2M_UPLOAD_LANES && !up->waiting; i++) {
        const struct f2m_lane *lane = &up->lanes[i];
        if (lane->flying)
            continue;
        if (unseen(lane, f2m_outbox_news(up->outbox, lane->endpoint)))
            return now.mono_ms;
        int64_t at = lane->backlog || lane->suspects_len > 0 ? now.mono_ms : lane->due_mono;
        int64_t not_before = earliest(lane);
        if (at != INT64_MAX && at < not_before)
            at = not_before;
        if (at < first)
            first = at;
    }
    return first;
}

/* ---- what others ask ---- */

void f2m_uploader_wait(struct f2m_uploader *up, bool wait)
{
    up->waiting = wait;
}

void f2m_uploader_hold(struct f2m_uploader *up, const char *device_id, bool hold)
{
    struct f2m_held *h;
    HASH_FIND_STR(up->held, device_id, h);
    if (hold && !h) {
        size_t size = strlen(device_id) + 1;
        h = f2m_xmalloc(sizeof *h + size);
        memcpy(h->device_id, device_id, size);
        HASH_ADD_STR(up->held, device_id, h);
    } else if (!hold && h) {
        HASH_DEL(up->held, h);
        free(h);
        for (size_t i = 0; i < F2M_UPLOAD_LANES; i++)
            up->lanes[i].backlog = true;
    }
}

bool f2m_uploader_busy(const struct f2m_uploader *up)
{
    for (size_t i = 0; i < F2M_UPLOAD_LANES; i++)
        if (up->lanes[i].flying)
            return true;
    return false;
}

int64_t f2m_uploader_last_upload(const struct f2m_uploader *up)
{
    return up->last_upload_ms;
}

const char *f2m_uploader_trouble(const struct f2m_uploader *up)
{
    for (size_t i = 0; i < F2M_UPLOAD_LANES; i++)
        if (up->lanes[i].trouble[0])
            return up->lanes[i].trouble;
    return "";
}
