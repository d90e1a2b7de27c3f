/*
 * The search for the poison point. Interface, Telemetry 6: 400/422 for a whole batch halves it until the poison stands
 * alone. Of a refused set one half is tested: refused, the poison is in it and the other half goes back to the queue
 * unjudged; accepted, the poison is in the other half. So n points cost log2 n tests and the last one alone, whatever
 * else is sent meanwhile.
 */
#include "telemetry/upload_internal.h"

static void drop(struct f2m_lane *lane)
{
    f2m_batch_free(lane->suspects[0].batch);
    lane->suspects_len--;
    memmove(&lane->suspects[0], &lane->suspects[1], lane->suspects_len * sizeof lane->suspects[0]);
}

void f2m_search_begin(struct f2m_lane *lane, struct f2m_effects *fx, const char *message)
{
    lane->suspects[lane->suspects_len++] = (struct f2m_suspects){.batch = lane->batch, .hi = lane->batch->len};
    char why[300];
    f2m_effects_log(fx, F2M_LOG_WARN, "upload", "Flip refuses a whole batch: searching the point that is why",
                    "points=%zu message=%s", lane->batch->len, f2m_log_value(message, why, sizeof why));
    lane->batch = NULL;
}

size_t f2m_search_next(const struct f2m_lane *lane)
{
    size_t n = lane->suspects[0].hi - lane->suspects[0].lo, half = n > 1 ? n / 2 : 1;
    return half < lane->limit ? half : lane->limit;
}

void f2m_search_known(struct f2m_lane *lane, size_t n)
{
    struct f2m_suspects *s = &lane->suspects[0];
    s->lo += n;
    if (s->lo == s->hi)
        drop(lane);
}

void f2m_search_refused(struct f2m_lane *lane, struct f2m_now now, const char *message, struct f2m_effects *fx)
{
    struct f2m_suspects *s = &lane->suspects[0];
    size_t tested = s->lo + lane->test_len;
    lane->backlog = true;
    f2m_lane_release(lane, s->batch, tested, s->hi);
    s->hi = tested;
    if (lane->test_len > 1)
        return;
    f2m_lane_reject(lane, now, s->batch, s->lo, message, fx);
    drop(lane);
}

void f2m_search_free(struct f2m_lane *lane)
{
    while (lane->suspects_len > 0)
        drop(lane);
}
