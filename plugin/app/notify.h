/* systemd's readiness and watchdog protocol; does nothing where NOTIFY_SOCKET is not set. */
#ifndef F2M_APP_NOTIFY_H
#define F2M_APP_NOTIFY_H

#include <stdint.h>

void f2m_notify_ready(void);
void f2m_notify_reloading(void);
void f2m_notify_stopping(void);
void f2m_notify_alive(void);
/* How often f2m_notify_alive() is due, in ms; 0 = no watchdog. */
int64_t f2m_notify_watchdog_ms(void);

#endif
