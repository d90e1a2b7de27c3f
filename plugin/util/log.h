/*
 * Log lines: one event, one line, `level component key=value …` (Interface, section 1). The pure rooms do not write:
 * they put lines into their effects (port/effect.h); app/ writes those. Only app/ and the command-line tools call
 * f2m_log() itself. A value with blanks, quotes or controls is quoted and escaped; secrets never get here.
 */
#ifndef F2M_UTIL_LOG_H
#define F2M_UTIL_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum f2m_log_level {
    F2M_LOG_ERROR,
    F2M_LOG_WARN,
    F2M_LOG_INFO,
    F2M_LOG_DEBUG,
};
enum f2m_log_format {
    F2M_LOG_TEXT,
    F2M_LOG_JSON,
};

/* Writes to stderr without ever blocking the caller: where the pipe is full the line is dropped and counted, and the
 * count is told with the next line that fits. `timestamps` false under the journal. */
void f2m_log_init(enum f2m_log_level, enum f2m_log_format, bool timestamps);
bool f2m_log_level_parse(const char *name, enum f2m_log_level *);
bool f2m_log_enabled(enum f2m_log_level);
/* One line: `level component msg="…" key=value …`. `msg` is a plain sentence without a final stop; `pairs` is "" or
 * "key=value key=value", each value made safe with f2m_log_value(). In JSON format the pairs become members. */
void f2m_log_line(enum f2m_log_level, const char *component, const char *msg, const char *pairs);
/* Convenience for app/ and edges: pairs formatted. */
void f2m_log(enum f2m_log_level, const char *component, const char *msg, const char *pairs_fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Escapes a value for a key=value pair into buf (clipped with "…"): quoted where it needs it. Returns buf. */
const char *f2m_log_value(const char *value, char *buf, unsigned size);

#endif
