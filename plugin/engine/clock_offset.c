#include "engine/clock_offset.h"

#include <stdlib.h>

#define GRAIN_S 2

static bool near(int64_t a, int64_t b)
{
    return llabs(a - b) < GRAIN_S;
}

void f2m_clock_offset_note(struct f2m_clock_offset *o, struct f2m_now now, int64_t date_ms)
{
    if (!date_ms)
        return;
    int64_t seconds = (now.wall_ms - date_ms) / 1000;
    if (near(seconds, 0))
        seconds = 0;
    bool again = !o->known || near(seconds, o->last);
    o->last = seconds;
    if (again && !(o->known && near(seconds, o->seconds)))
        o->seconds = seconds;
    o->known = true;
}
