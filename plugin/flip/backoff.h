/* Exponential backoff with full jitter. Interface, clarification 10: first delay ≤ 2 s, doubling, cap 5 min, success
 * resets; Retry-After is obeyed (the wait is at least that long). */
#ifndef F2M_FLIP_BACKOFF_H
#define F2M_FLIP_BACKOFF_H

#include "util/now.h"
#include "util/rng.h"

#include <stdbool.h>

struct f2m_backoff {
    unsigned failures;     /* in a row; 0 = not waiting */
    int64_t until_mono_ms; /* no attempt before */
};

void f2m_backoff_fail(struct f2m_backoff *, struct f2m_rng *, struct f2m_now, int64_t retry_after_s);
void f2m_backoff_reset(struct f2m_backoff *);
bool f2m_backoff_ready(const struct f2m_backoff *, struct f2m_now);

#endif
