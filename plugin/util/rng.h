/* A seeded generator for jitter. The seed comes from app/ (getrandom) or from a test, which prints it. */
#ifndef F2M_UTIL_RNG_H
#define F2M_UTIL_RNG_H

#include <stdint.h>

struct f2m_rng {
    uint64_t state;
};
uint64_t f2m_rng_next(struct f2m_rng *);                /* splitmix64 */
int64_t f2m_rng_below(struct f2m_rng *, int64_t bound); /* 0 … bound-1; 0 where bound ≤ 1 */
double f2m_rng_unit(struct f2m_rng *);                  /* [0, 1) */

#endif
