/*
 * Retention: what goes by age and size, and how that is told. Interface, storage.max_age and max_size.
 *
 * A step of the clock ages no point. Ages are reckoned by an offset of the wall against the monotonic clock: the lowest
 * one since the clock last jumped ahead, until max_age has passed since then. So a point of this run goes when it is
 * really that old, and one of an earlier run at the worst later than it should. The first sight of the clock counts as
 * a jump where it makes the oldest point too old: a long pause, or a clock that jumped before this start (the newest
 * point may then carry the wrong time itself); nobody can tell.
 */
#include "telemetry/outbox_internal.h"

#include <inttypes.h>

#define TRIM_EVERY_MS  60000
#define LOSSES_OVER_MS 600000
#define STEP_MS        1000 /* a faster change of the offset is a jump, a slower one the clock being disciplined */

/* ---- losses ---- */

void f2m_outbox_lost(struct f2m_outbox *o, struct f2m_now now, int64_t n, const char *why, struct f2m_effects *fx)
{
    if (n <= 0)
        return;
    o->counters->dropped += (uint64_t)n;
    o->losses.total += n;
    o->losses.last_mono_ms = now.mono_ms;
    if (o->losses.open)
        return;
    o->losses.open = true;
    f2m_effects_log(fx, F2M_LOG_ERROR, "outbox", "the oldest points are lost", "reason=%s count=%" PRId64, why, n);
}

static void losses_tick(struct f2m_outbox *o, struct f2m_now now, struct f2m_effects *fx)
{
    if (!o->losses.open || now.mono_ms - o->losses.last_mono_ms < LOSSES_OVER_MS)
        return;
    f2m_effects_log(fx, F2M_LOG_WARN, "outbox", "no more points are lost", "count=%" PRId64, o->losses.total);
    o->losses = (struct f2m_losses){0};
}

/* ---- age ---- */

static bool first_closed(void *ctx, const struct f2m_point *p)
{
    *(int64_t *)ctx = p->closed_ms;
    return false;
}

/* The oldest point's closing time; 0 where there is none (or none that can be read: then nothing is trimmed either). */
static int64_t oldest(struct f2m_outbox *o)
{
    int64_t waiting = 0, rejected = 0;
    struct f2m_point_query query = {.endpoint = F2M_TELEMETRY_OFF, .order = F2M_POINTS_OLDEST};
    (void)f2m_store_points_each(o->store, &query, first_closed, &waiting);
    query.rejected = true;
    (void)f2m_store_points_each(o->store, &query, first_closed, &rejected);
    if (waiting == 0 || rejected == 0)
        return waiting + rejected;
    return waiting < rejected ? waiting : rejected;
}

static void start_ages(struct f2m_outbox *o, struct f2m_now now, struct f2m_effects *fx)
{
    struct f2m_ages *a = &o->ages;
    int64_t first = oldest(o), max_age = o->config->storage.max_age_ms;
    a->known = true;
    a->lowest_ms = a->seen_ms = now.wall_ms - now.mono_ms;
    if (first == 0 || now.wall_ms - first <= max_age)
        return;
    a->lowest_ms = first - now.mono_ms;
    a->until_mono_ms = now.mono_ms + max_age;
    f2m_effects_log(
        fx, F2M_LOG_WARN, "outbox",
        "points are older than storage.max_age: a long pause or a wrong clock; they are kept once more for as long",
        "age_s=%" PRId64, (now.wall_ms - first) / 1000);
}

static void follow_clock(struct f2m_outbox *o, struct f2m_now now, struct f2m_effects *fx)
{
    struct f2m_ages *a = &o->ages;
    int64_t offset = now.wall_ms - now.mono_ms;
    if (!a->known)
        start_ages(o, now, fx);
    if (offset - a->seen_ms >= STEP_MS)
        a->until_mono_ms = now.mono_ms + o->config->storage.max_age_ms;
    a->seen_ms = offset;
    if (offset < a->lowest_ms || now.mono_ms >= a->until_mono_ms)
        a->lowest_ms = offset;
}

/* ---- trimming ---- */

static bool too_large(const struct f2m_outbox *o, const struct f2m_outbox_stats *s)
{
    return o->grown && s->bytes > o->config->storage.max_size;
}

static void trim(struct f2m_outbox *o, struct f2m_now now, struct f2m_effects *fx)
{
    struct f2m_outbox_stats before = f2m_outbox_stats(o);
    if (before.pending + before.rejected == 0 || (now.mono_ms < o->trim_at && !too_large(o, &before)))
        return;
    o->trim_at = now.mono_ms + TRIM_EVERY_MS;
    o->grown = false;
    int64_t dropped = 0, closed_before = now.mono_ms + o->ages.lowest_ms - o->config->storage.max_age_ms;
    /* An error poisons the turn's transaction: the commit tells it. */
    (void)f2m_store_outbox_trim(o->store, closed_before, o->config->storage.max_size, &dropped);
    if (dropped > 0)
        f2m_outbox_touch_stats(o);
    f2m_outbox_lost(o, now, dropped, before.bytes > o->config->storage.max_size ? "max-size" : "max-age", fx);
}

void f2m_outbox_tick(struct f2m_outbox *o, struct f2m_now now, struct f2m_effects *fx)
{
    follow_clock(o, now, fx);
    f2m_outbox_disk_tick(o, now, fx);
    trim(o, now, fx);
    losses_tick(o, now, fx);
}

int64_t f2m_outbox_deadline(const struct f2m_outbox *o)
{
    struct f2m_outbox_stats s = f2m_outbox_stats(o);
    int64_t at = o->retry_at ? o->retry_at : INT64_MAX;
    int64_t trim_at = too_large(o, &s) ? INT64_MIN : o->trim_at;
    if (s.pending + s.rejected > 0 && trim_at < at)
        at = trim_at;
    if (o->losses.open && o->losses.last_mono_ms + LOSSES_OVER_MS < at)
        at = o->losses.last_mono_ms + LOSSES_OVER_MS;
    return at;
}
