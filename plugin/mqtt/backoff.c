#include "mqtt/backoff.h"

#include <string.h>

void f2m_backoff_init(struct f2m_backoff *b, int64_t min_ms, int64_t max_ms, int64_t refused_ms, uint64_t seed)
{
    *b = (struct f2m_backoff){.min_ms = min_ms, .max_ms = max_ms, .refused_ms = refused_ms, .rng.state = seed};
}

bool f2m_backoff_refused(int reason)
{
    switch (reason) {
    case 4:    /* 3.1.1: bad user name or password */
    case 5:    /* 3.1.1: not authorised */
    case 0x86: /* MQTT 5: bad user name or password */
    case 0x87: /* MQTT 5: not authorised */
    case 0x8a: /* MQTT 5: banned */ return true;
    default: return false;
    }
}

/* Notes a short connection; true when the last few all ended within the window. */
static bool takeover_loop(struct f2m_backoff *b, int64_t ended_ms)
{
    memmove(b->short_ended_ms + 1, b->short_ended_ms, (F2M_TAKEOVER_COUNT - 1) * sizeof *b->short_ended_ms);
    b->short_ended_ms[0] = ended_ms;
    if (b->short_count < F2M_TAKEOVER_COUNT)
        b->short_count++;
    return b->short_count == F2M_TAKEOVER_COUNT &&
           ended_ms - b->short_ended_ms[F2M_TAKEOVER_COUNT - 1] <= F2M_TAKEOVER_WINDOW_MS;
}

int64_t f2m_backoff_next(struct f2m_backoff *b, const struct f2m_attempt *attempt, bool *takeover)
{
    *takeover = false;
    if (attempt->up_ms != 0) {
        bool is_short = attempt->ended_ms - attempt->up_ms < F2M_SHORT_CONNECTION_MS;
        *takeover = is_short && takeover_loop(b, attempt->ended_ms);
        b->failures = 0;
        if (!is_short)
            b->short_count = 0;
    } else if (!f2m_backoff_refused(attempt->reason)) {
        b->short_count = 0; /* the broker is away: it ended them, no other client */
    }
    if (*takeover || f2m_backoff_refused(attempt->reason))
        return b->refused_ms + f2m_rng_below(&b->rng, b->refused_ms);
    int64_t cap = b->min_ms;
    for (int i = 0; i < b->failures && cap < b->max_ms; i++)
        cap *= 2;
    if (cap > b->max_ms)
        cap = b->max_ms;
    b->failures++;
    /* Full jitter, but never at once: a tenth of the first step is the least. */
    int64_t least = b->min_ms / 10;
    return least + f2m_rng_below(&b->rng, cap - least + 1);
}
