/* How many points a request may hold. Interface, clarification 34: 413 halves it, the size is remembered and grows
 * again slowly.
 */
#include "telemetry/upload_internal.h"

#include "util/number.h"

#include <inttypes.h>
#include <stdio.h>

#define GROW_AFTER 10 /* full batches that Flip took */

static const char *key(const struct f2m_lane *lane)
{
    return lane->endpoint == F2M_TELEMETRY_INTERVAL ? "upload_points/interval" : "upload_points/counter";
}

void f2m_limit_load(struct f2m_lane *lane)
{
    f2m_autostrbuf text;
    f2m_strbuf_init(&text, F2M_NUMBER_SIZE);
    int64_t limit = F2M_MAX_POINTS_PER_REQUEST;
    if (f2m_store_record_get(lane->up->store, F2M_STORE_META, key(lane), &text) != 0 ||
        !f2m_integer_parse((struct f2m_slice){text.data, text.len}, 1, F2M_MAX_POINTS_PER_REQUEST, &limit))
        limit = F2M_MAX_POINTS_PER_REQUEST;
    lane->limit = (size_t)limit;
}

static void set(struct f2m_lane *lane, struct f2m_now now, size_t limit)
{
    char text[F2M_NUMBER_SIZE];
    lane->limit = limit;
    lane->full_batches = 0;
    int len = snprintf(text, sizeof text, "%zu", limit);
    /* Where the disk refuses it the size is learnt again after a restart; the commit tells of the disk. */
    (void)f2m_store_record_put(lane->up->store, F2M_STORE_META, key(lane), (struct f2m_slice){text, (size_t)len},
                               now.wall_ms);
}

void f2m_limit_too_large(struct f2m_lane *lane, struct f2m_now now, size_t points, struct f2m_effects *fx)
{
    set(lane, now, points / 2);
    f2m_effects_log(fx, F2M_LOG_INFO, "upload", "a request was too large for Flip: halved", "points=%zu", lane->limit);
}

void f2m_limit_succeeded(struct f2m_lane *lane, struct f2m_now now, size_t points)
{
    /* A small batch proves nothing about larger ones. */
    if (lane->limit == F2M_MAX_POINTS_PER_REQUEST || points < lane->limit || ++lane->full_batches < GROW_AFTER)
        return;
    size_t grown = lane->limit + (lane->limit < 10 ? 1 : lane->limit / 10);
    set(lane, now, grown < F2M_MAX_POINTS_PER_REQUEST ? grown : F2M_MAX_POINTS_PER_REQUEST);
}
