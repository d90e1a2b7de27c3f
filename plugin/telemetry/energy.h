/*
 * Power turned into energy: each value holds until the next one and at most max_age (Interface, Telemetry 2). A signed
 * power is split before it is summed, so that charging does not cancel discharging.
 */
#ifndef F2M_TELEMETRY_ENERGY_H
#define F2M_TELEMETRY_ENERGY_H

#include "telemetry/source.h"

struct f2m_integral {
    double plus_wms;    /* W·ms of positive values */
    double minus_wms;   /* of negative ones, ≥ 0 */
    int64_t covered_ms; /* how much of the interval has values */
    int64_t cursor_ms;  /* mono: summed up to here; never goes back, so that no moment counts twice */
};

/* A new interval begins at mono_ms, which lies ahead where a clock set back must pass the last point's end first. */
void f2m_integral_open(struct f2m_integral *, int64_t mono_ms, int64_t now_ms);
/* The interval's beginning lies no longer ahead. */
void f2m_integral_resume(struct f2m_integral *, int64_t now_ms);
/* Sums what the reader's source holds, up to the time. To be called before its value changes. */
void f2m_integral_advance(struct f2m_integral *, const struct f2m_source_reader *, int64_t to_ms);
/* Wh; NAN where the interval holds no value at all. */
double f2m_integral_plus(const struct f2m_integral *);
double f2m_integral_minus(const struct f2m_integral *);

#endif
