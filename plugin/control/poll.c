/* GET /v1/commands: at start, then every poll.commands. Interface, Commands 1; Flip: Commands (no filter, no paging
 * known; a command that is missing from an answer is not canceled). */
#include "control/internal.h"
#include "flip/list.h"
#include "util/json.h"

#define PATIENT_MS 60000 /* once a minute is no load, also for a cloud in trouble */

/* Homes do not all call at the same second: up to a tenth earlier. */
static int64_t interval(struct f2m_control *c)
{
    int64_t every = c->c.config->flip.poll.commands_ms;

    return every - f2m_rng_below(c->c.rng, every / 10 + 1);
}

static void failed(struct f2m_control *c, struct f2m_now now, int64_t retry_after_s)
{
    int64_t most = now.mono_ms + (c->c.config->flip.poll.commands_ms > PATIENT_MS ? interval(c) : PATIENT_MS);

    f2m_backoff_fail(&c->poll.backoff, c->c.rng, now, retry_after_s);
    /* A command may be waiting when the cloud is back: not the five minutes that uploads wait. */
    if (retry_after_s == 0 && c->poll.backoff.until_mono_ms > most)
        c->poll.backoff.until_mono_ms = most;
    c->poll.due_mono = c->poll.backoff.until_mono_ms;
}

/* Once, until it shows them again. Where Flip is away, or refuses the token, the cloud tells. */
static void complain(const struct f2m_control *c, const char *reason, struct f2m_effects *fx)
{
    char text[256];

    if (c->poll.backoff.failures == 0)
        f2m_effects_log(fx, F2M_LOG_WARN, F2M_COMPONENT, "Flip does not show its commands", "reason=%s",
                        f2m_log_value(reason, text, sizeof text));
}

static void baseline_done(struct f2m_control *c, struct f2m_now now)
{
    if (c->polled_before)
        return;
    c->polled_before = true;
    f2m_journal_put(c, F2M_STORE_META, F2M_POLLED_KEY, f2m_slice_of("1"), now);
}

static void done(void *owner, uint64_t id, struct f2m_now now, const struct f2m_reply *reply, struct f2m_effects *fx)
{
    struct f2m_control *c = owner;
    struct f2m_slice list, name, command;

    (void)id;
    c->poll.in_flight = false;
    if (reply->outcome == F2M_OUTCOME_AUTH) {
        c->poll.due_mono = now.mono_ms; /* after the pause */
        return;
    }
    if (reply->outcome != F2M_OUTCOME_OK) {
        if (reply->outcome != F2M_OUTCOME_RETRY)
            complain(c, reply->message, fx);
        failed(c, now, reply->retry_after_s);
        return;
    }
    if (!reply->body.at || !f2m_list_find(reply->body, "commands", &list)) {
        complain(c, "the answer holds no list of commands", fx);
        failed(c, now, 0);
        return;
    }
    f2m_backoff_reset(&c->poll.backoff);
    f2m_backoff_reset(&c->ack_backoff); /* the cloud answers */
    c->poll.due_mono = c->poll.again ? now.mono_ms : now.mono_ms + interval(c);
    c->poll.again = false;
    c->poll.number++;
    struct f2m_json_iter it = f2m_json_iter(list);
    while (f2m_json_next(&it, &name, &command))
        (void)f2m_ingest(c, now, command, c->poll.began_mono, fx); /* told in the log; the others are judged alone */
    baseline_done(c, now);
    /* Once for all of them: what one starts another may cover. */
    f2m_settle_all(c, now, fx);
}

void f2m_poll_tick(struct f2m_control *c, struct f2m_now now, struct f2m_effects *fx)
{
    struct f2m_call call = {.endpoint = F2M_ENDPOINT_COMMANDS_GET, .done = done, .owner = c};
    struct f2m_err err;

    if (!c->c.cloud || c->stopped || c->poll.in_flight || now.mono_ms < c->poll.due_mono ||
        !f2m_backoff_ready(&c->poll.backoff, now) || f2m_cloud_paused(c->c.cloud, now))
        return;
    c->poll.began_mono = now.mono_ms;
    if (f2m_cloud_call(c->c.cloud, now, &call, fx, &err) < 0) {
        failed(c, now, 0); /* too many calls wait */
        return;
    }
    c->poll.in_flight = true;
    c->poll.again = false;
}

int64_t f2m_poll_deadline(const struct f2m_control *c, struct f2m_now now)
{
    int64_t at = c->poll.due_mono;

    if (!c->c.cloud || c->stopped || c->poll.in_flight)
        return INT64_MAX;
    if (c->poll.backoff.failures && at < c->poll.backoff.until_mono_ms)
        at = c->poll.backoff.until_mono_ms;
    if (f2m_cloud_paused(c->c.cloud, now) && at < f2m_cloud_paused_until(c->c.cloud))
        at = f2m_cloud_paused_until(c->c.cloud);
    return at;
}
