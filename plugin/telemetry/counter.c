#include "telemetry/counter.h"

#include <math.h>

#define HOUR_MS 3600000.0

/* To 1 mWh: 8.139 kWh × 1000 is 8138.999…, which is no decrease from the 8139 that the store gave back. */
static double settle(double wh)
{
    return round(wh * 1000) / 1000;
}

void f2m_counter_init(struct f2m_counter *c)
{
    *c = (struct f2m_counter){.base = NAN, .held = NAN, .total = NAN};
}

void f2m_counter_restore(struct f2m_counter *c, double base, double total, double pending, int64_t elapsed_ms,
                         int64_t mono_ms)
{
    f2m_counter_init(c);
    c->base = settle(base);
    c->total = total;
    c->pending = pending;
    c->base_ms = mono_ms - (elapsed_ms >= 0 ? elapsed_ms : F2M_COUNTER_UNKNOWN_ELAPSED_MS);
    c->stored = !isnan(c->base);
}

void f2m_counter_mark_gap(struct f2m_counter *c)
{
    c->stored = !isnan(c->base);
}

static double most(int64_t elapsed_ms, double rating_w)
{
    double watts = rating_w > 0 ? rating_w : F2M_COUNTER_DEFAULT_W;

    return F2M_COUNTER_MARGIN * watts * (double)elapsed_ms / HOUR_MS + F2M_COUNTER_STEP_WH;
}

/* Whether a counter can have gone from one reading to the other in that time. */
static bool plausible(double from, double to, int64_t elapsed_ms, double rating_w)
{
    return to >= from && to - from <= most(elapsed_ms, rating_w);
}

static void count(struct f2m_counter *c, double energy, double wh, int64_t mono_ms)
{
    c->pending += energy;
    c->total += energy;
    c->base = wh;
    c->base_ms = mono_ms;
    c->held = NAN;
    c->counted = true;
    c->bridged = c->bridged || c->stored;
    c->stored = false;
}

static enum f2m_counter_step confirm(struct f2m_counter *c, double wh, int64_t mono_ms, double rating_w)
{
    bool near_zero = c->held <= c->base / 2 && c->held <= most(c->held_ms - c->base_ms, rating_w);

    if (near_zero) {
        count(c, wh, wh, mono_ms);
        return F2M_COUNTER_RESET;
    }
    /* What was between the old baseline and the new one is not known to be energy, so it bridges nothing. */
    c->stored = false;
    count(c, wh - c->held, wh, mono_ms);
    return F2M_COUNTER_REBASED;
}

enum f2m_counter_step f2m_counter_read(struct f2m_counter *c, double wh, int64_t mono_ms, double rating_w)
{
    wh = settle(wh);
    if (isnan(c->base)) {
        c->base = wh;
        c->base_ms = mono_ms;
        c->first = true;
        if (isnan(c->total))
            c->total = wh;
        return F2M_COUNTER_FIRST;
    }
    bool jumped = c->held > c->base; /* false where nothing is held */
    bool confirms = !isnan(c->held) && plausible(c->held, wh, mono_ms - c->held_ms, rating_w);

    /* A jump that stays is confirmed first: with time passing it would become plausible. A dip is over as soon as the
     * counter goes on from where it was. */
    if (jumped && confirms)
        return confirm(c, wh, mono_ms, rating_w);
    if (plausible(c->base, wh, mono_ms - c->base_ms, rating_w)) {
        count(c, wh - c->base, wh, mono_ms);
        return F2M_COUNTER_COUNTED;
    }
    if (confirms && wh < c->base)
        return confirm(c, wh, mono_ms, rating_w);
    c->held = wh;
    c->held_ms = mono_ms;
    return F2M_COUNTER_HELD;
}

void f2m_counter_consume(struct f2m_counter *c)
{
    c->pending = 0;
    c->first = false;
    c->counted = false;
    c->bridged = false;
}
