/* The only reader of the clocks, and the wake-up when somebody sets the wall clock. */
#ifndef F2M_APP_CLOCK_H
#define F2M_APP_CLOCK_H

#include "util/now.h"

struct f2m_now f2m_clock_now(void);
/* A timerfd that becomes readable when the wall clock is stepped (TFD_TIMER_CANCEL_ON_SET), or -1. */
int f2m_clock_watch(void);
/* Takes the wake-up and arms it again. */
void f2m_clock_rearm(int fd);

#endif
