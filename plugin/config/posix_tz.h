/* The POSIX TZ string at the end of a TZif file: "PST8PDT,M3.2.0,M11.1.0". It holds after the last transition. */
#ifndef F2M_CONFIG_POSIX_TZ_H
#define F2M_CONFIG_POSIX_TZ_H

#include <stdbool.h>
#include <stdint.h>

#define F2M_TZ_NAME_SIZE 16

struct f2m_tz_offset {
    int32_t seconds; /* east of Greenwich */
    bool dst;
    char name[F2M_TZ_NAME_SIZE];
};

struct f2m_tz_rule {
    char form; /* 'J' (1 to 365, no leap day), '0' (0 to 365) or 'M' */
    int month, week, day;
    int32_t time; /* seconds after midnight, local; may be negative or beyond a day */
};

struct f2m_posix_tz {
    struct f2m_tz_offset standard, summer;
    bool has_summer;
    struct f2m_tz_rule start, end;
};

bool f2m_posix_tz_parse(const char *text, struct f2m_posix_tz *);
const struct f2m_tz_offset *f2m_posix_tz_at(const struct f2m_posix_tz *, int64_t unix_s);

#endif
