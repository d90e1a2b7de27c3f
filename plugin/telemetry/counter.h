/*
 * An energy counter and what may be believed of it. Interface, clarification 7:
 *  - a decrease is held back until a second reading confirms it; confirmed near zero it is a reset (energy counted from
 *    0), confirmed otherwise a new baseline without energy;
 *  - an increase beyond 1.5 × the most that can flow × elapsed + one step (1 kWh) is held back, and if it stays becomes
 *    the new baseline without energy.
 * So 5000 → 4990 → 5010 gives 10, 5000 → 0 → 5010 gives 10, 5000 → 1e9 → 5020 gives 20.
 *
 * Decided here: "near zero" is at most half of the former reading and no more than could have flowed since; a reading
 * that confirms a new baseline counts from that baseline on (5000 → 3000 → 3010 gives 10). A 32-bit counter that wraps
 * is a reset. Readings count to 1 mWh. Pure values: no allocation, NAN = none.
 */
#ifndef F2M_TELEMETRY_COUNTER_H
#define F2M_TELEMETRY_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#define F2M_COUNTER_STEP_WH   1000.0   /* resolution of a coarse counter */
#define F2M_COUNTER_MARGIN    1.5      /* above the rating */
#define F2M_COUNTER_DEFAULT_W 100000.0 /* home, solar, grid; and where no rating is known */
/* Elapsed time of a stored baseline whose age the clock cannot tell (a clock set back, or not yet set). */
#define F2M_COUNTER_UNKNOWN_ELAPSED_MS INT64_C(604800000)

enum f2m_counter_step {
    F2M_COUNTER_FIRST,   /* the first baseline */
    F2M_COUNTER_COUNTED, /* an ordinary reading */
    F2M_COUNTER_HELD,    /* held back */
    F2M_COUNTER_RESET,   /* counted from 0 */
    F2M_COUNTER_REBASED, /* a new baseline without energy */
};

struct f2m_counter {
    double base;     /* Wh: the last reading believed */
    int64_t base_ms; /* mono: when it was read */
    double held;     /* Wh: held back */
    int64_t held_ms; /* mono */
    double total;    /* Wh: the continued reading, which never falls (the counter endpoint) */
    double pending;  /* Wh: counted, and not yet in a point */
    bool first;      /* the baseline is the first: since the last point there is nothing to compare it with */
    bool counted;    /* a difference was counted since the last point (may be 0) */
    bool stored;     /* base comes from the store: the next difference bridges a gap */
    bool bridged;    /* the pending energy begins at such a baseline */
};

void f2m_counter_init(struct f2m_counter *);
/* A baseline from before a restart. elapsed_ms < 0: unknown. */
void f2m_counter_restore(struct f2m_counter *, double base, double total, double pending, int64_t elapsed_ms,
                         int64_t mono_ms);
/* Nobody looked for a while: the next difference bridges that gap, as after a restart. */
void f2m_counter_mark_gap(struct f2m_counter *);
/* rating_w: the most that can flow; NAN = unknown. */
enum f2m_counter_step f2m_counter_read(struct f2m_counter *, double wh, int64_t mono_ms, double rating_w);
/* The energy went into a point. */
void f2m_counter_consume(struct f2m_counter *);

#endif
