#include "telemetry/interval.h"

static int64_t boundary_after(const struct f2m_interval *i, int64_t wall_ms)
{
    return (wall_ms / i->length_ms + 1) * i->length_ms;
}

static int64_t beginning(const struct f2m_interval *i)
{
    return i->opened_ms > i->high_water_ms ? i->opened_ms : i->high_water_ms;
}

void f2m_interval_init(struct f2m_interval *i, int64_t length_ms, int64_t high_water_ms)
{
    *i = (struct f2m_interval){.length_ms = length_ms, .high_water_ms = high_water_ms};
}

void f2m_interval_open(struct f2m_interval *i, int64_t wall_ms, bool gap)
{
    i->opened_ms = wall_ms;
    i->gap = gap && i->high_water_ms > 0;
    i->end_ms = boundary_after(i, beginning(i));
}

int64_t f2m_interval_start(const struct f2m_interval *i, bool bridged)
{
    return bridged && i->gap ? i->high_water_ms : beginning(i);
}

bool f2m_interval_due(const struct f2m_interval *i, int64_t wall_ms)
{
    return wall_ms >= i->end_ms;
}

void f2m_interval_skipped(struct f2m_interval *i, int64_t end_ms)
{
    i->opened_ms = end_ms;
    i->end_ms = boundary_after(i, beginning(i));
}

void f2m_interval_closed(struct f2m_interval *i, int64_t end_ms)
{
    i->high_water_ms = end_ms;
    i->gap = false;
    f2m_interval_skipped(i, end_ms);
}

void f2m_interval_shift(struct f2m_interval *i, int64_t delta_ms)
{
    i->opened_ms += delta_ms;
    i->end_ms = boundary_after(i, beginning(i));
}

bool f2m_interval_fresh_gap(const struct f2m_interval *i)
{
    return i->gap && i->end_ms - i->opened_ms < i->length_ms;
}

void f2m_interval_extend(struct f2m_interval *i, int64_t wall_ms)
{
    if (f2m_interval_due(i, wall_ms))
        i->end_ms = boundary_after(i, wall_ms);
}

bool f2m_interval_missed(const struct f2m_interval *i, int64_t wall_ms)
{
    return f2m_interval_due(i, wall_ms) && wall_ms - i->opened_ms > F2M_MAX_LATE_MS;
}
