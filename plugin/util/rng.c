#include "util/rng.h"

uint64_t f2m_rng_next(struct f2m_rng *rng)
{
    uint64_t z = (rng->state += UINT64_C(0x9E3779B97F4A7C15));

    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

int64_t f2m_rng_below(struct f2m_rng *rng, int64_t bound)
{
    if (bound <= 1)
        return 0;
    /* Values past the last whole multiple of bound would favour the small results. */
    uint64_t n = (uint64_t)bound, limit = UINT64_MAX - UINT64_MAX % n, x;
    do
        x = f2m_rng_next(rng);
    while (x >= limit);
    return (int64_t)(x % n);
}

double f2m_rng_unit(struct f2m_rng *rng)
{
    return (double)(f2m_rng_next(rng) >> 11) * 0x1p-53;
}
