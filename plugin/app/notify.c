#include "app/notify.h"

#include <inttypes.h>
#include <stdint.h>
#include <systemd/sd-daemon.h>
#include <time.h>

/* A failed notification is no reason to do anything: systemd acts on its absence. */

void f2m_notify_ready(void)
{
    (void)sd_notify(0, "READY=1");
}

/* sd_notify(3) asks for CLOCK_MONOTONIC, which unlike the loop's clock stands still while the machine sleeps. */
void f2m_notify_reloading(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000);
}

void f2m_notify_stopping(void)
{
    (void)sd_notify(0, "STOPPING=1");
}

void f2m_notify_alive(void)
{
    (void)sd_notify(0, "WATCHDOG=1");
}

int64_t f2m_notify_watchdog_ms(void)
{
    uint64_t usec = 0;
    return sd_watchdog_enabled(0, &usec) > 0 ? (int64_t)(usec / 2000) : 0; /* twice per period */
}
