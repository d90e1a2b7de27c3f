/* The one reading of the clocks that a turn of the loop works with. Nobody below app/ reads a clock. */
#ifndef F2M_UTIL_NOW_H
#define F2M_UTIL_NOW_H

#include <stdint.h>

struct f2m_now {
    int64_t mono_ms; /* for waits: never steps, counts while the machine is suspended (CLOCK_BOOTTIME) */
    int64_t wall_ms; /* for data and schedules: UTC, milliseconds since 1970; may step either way */
};

#endif
