#include "app/clock.h"

#include <limits.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec t;
    (void)clock_gettime(id, &t); /* cannot fail for these clocks (clock_gettime(2)) */
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct f2m_now f2m_clock_now(void)
{
    return (struct f2m_now){.mono_ms = read_ms(CLOCK_BOOTTIME), .wall_ms = read_ms(CLOCK_REALTIME)};
}

void f2m_clock_rearm(int fd)
{
    uint64_t expirations;
    ssize_t got = read(fd, &expirations, sizeof expirations); /* ECANCELED: the clock was set */
    (void)got;
    /* It is not to expire, only to be cancelled: the latest time that there is, so that no clock is ever past it. */
    struct itimerspec far = {.it_value.tv_sec = sizeof(time_t) > 4 ? INT64_MAX : INT32_MAX};
    (void)timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL);
}

int f2m_clock_watch(void)
{
    int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd >= 0)
        f2m_clock_rearm(fd);
    return fd;
}
