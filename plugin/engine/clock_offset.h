/*
 * By how much this machine's clock differs from Flip's, as far as the Date of Flip's answers tells: whole seconds, some
 * of which the answer was on its way. So what is less than 2 s counts as none, and it changes by 2 s or more, and only
 * where two answers in a row say the same.
 */
#ifndef F2M_ENGINE_CLOCK_OFFSET_H
#define F2M_ENGINE_CLOCK_OFFSET_H

#include "util/now.h"

#include <stdbool.h>

#define F2M_CLOCK_OFFSET_TOLD_S 10 /* from here on it is a problem: commands start by this clock */

struct f2m_clock_offset {
    bool known;
    int64_t seconds; /* > 0: ours is ahead */
    int64_t last;    /* as the last answer told it */
};

/* date_ms: of an answer (wall ms); 0 = it had none. */
void f2m_clock_offset_note(struct f2m_clock_offset *, struct f2m_now, int64_t date_ms);

#endif
