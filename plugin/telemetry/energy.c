#include "telemetry/energy.h"

#include <math.h>

#define HOUR_MS 3600000.0

void f2m_integral_open(struct f2m_integral *i, int64_t mono_ms, int64_t now_ms)
{
    f2m_integral_resume(i, now_ms);
    *i = (struct f2m_integral){.cursor_ms = mono_ms > i->cursor_ms ? mono_ms : i->cursor_ms};
}

void f2m_integral_resume(struct f2m_integral *i, int64_t now_ms)
{
    if (i->cursor_ms > now_ms)
        i->cursor_ms = now_ms;
}

void f2m_integral_advance(struct f2m_integral *i, const struct f2m_source_reader *reader, int64_t to_ms)
{
    while (i->cursor_ms < to_ms) {
        /* By age alone a value changes only at until_ms: each turn of this loop ends one part's max_age. */
        struct f2m_value v = f2m_source_reader_held(reader, i->cursor_ms);
        int64_t end = v.until_ms < to_ms ? v.until_ms : to_ms;
        double span = (double)(end - i->cursor_ms);
        if (v.fresh) {
            i->covered_ms += end - i->cursor_ms;
            if (v.number >= 0)
                i->plus_wms += v.number * span;
            else
                i->minus_wms -= v.number * span;
        }
        i->cursor_ms = end;
    }
}

double f2m_integral_plus(const struct f2m_integral *i)
{
    return i->covered_ms > 0 ? i->plus_wms / HOUR_MS : NAN;
}

double f2m_integral_minus(const struct f2m_integral *i)
{
    return i->covered_ms > 0 ? i->minus_wms / HOUR_MS : NAN;
}
