#include "flip/backoff.h"

#include "util/limits.h"

#define FIRST_CEILING_MS 2000
/* Full jitter may draw nothing at all; a peer that fails at once must still not be called in a tight loop. */
#define FLOOR_MS 100
/* Flip tells the same Retry-After to everyone: the second after it keeps homes from returning at the same instant. */
#define RETRY_AFTER_SPREAD_MS 1000

void f2m_backoff_fail(struct f2m_backoff *b, struct f2m_rng *rng, struct f2m_now now, int64_t retry_after_s)
{
    if (b->failures < 64)
        b->failures++;
    int64_t ceiling = FIRST_CEILING_MS;
    for (unsigned i = 1; i < b->failures && ceiling < F2M_MAX_BACKOFF_MS; i++)
        ceiling *= 2;
    if (ceiling > F2M_MAX_BACKOFF_MS)
        ceiling = F2M_MAX_BACKOFF_MS;
    int64_t wait = FLOOR_MS + f2m_rng_below(rng, ceiling - FLOOR_MS + 1);
    if (retry_after_s > F2M_MAX_RETRY_AFTER_S)
        retry_after_s = F2M_MAX_RETRY_AFTER_S;
    if (retry_after_s > 0 && wait < retry_after_s * 1000)
        wait = retry_after_s * 1000 + f2m_rng_below(rng, RETRY_AFTER_SPREAD_MS);
    b->until_mono_ms = now.mono_ms + wait;
}

void f2m_backoff_reset(struct f2m_backoff *b)
{
    *b = (struct f2m_backoff){0};
}

bool f2m_backoff_ready(const struct f2m_backoff *b, struct f2m_now now)
{
    return b->failures == 0 || now.mono_ms >= b->until_mono_ms;
}
