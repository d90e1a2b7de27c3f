/*
 * Local time of a zone of the TZ database, without the process's own TZ: several sites may lie in several zones.
 * Reads TZif files (RFC 8536) with their POSIX footer. Zones are read once and kept for good: they do not change while
 * we run, and f2m_config_load() asks for every zone that is configured, so that nobody reads a file later.
 * Not for several threads.
 */
#ifndef F2M_CONFIG_TIMEZONE_H
#define F2M_CONFIG_TIMEZONE_H

#include "util/err.h"

#include <stdint.h>
#include <time.h>

struct f2m_timezone;

/* By name ("America/Los_Angeles"); NULL = the system's (TZ, else /etc/localtime, else UTC). NULL where there is none.
 */
const struct f2m_timezone *f2m_timezone_find(const char *name, struct f2m_err *);
/* Broken-down local time, with tm_gmtoff, tm_zone and tm_isdst; ready for strftime(). */
void f2m_timezone_local(const struct f2m_timezone *, int64_t wall_ms, struct tm *out);
/* Frees all zones: for tests that look for leaks. */
void f2m_timezone_forget_all(void);

#endif
