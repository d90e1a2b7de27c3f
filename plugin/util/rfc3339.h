/* Date-times. Flip, decision 5: read `T` or blank, `Z` or offset, 0 to 9 fraction digits; write
 * YYYY-MM-DDTHH:MM:SS.sssZ. strptime() accepts 31 February and leading blanks, so it is not used. */
#ifndef F2M_UTIL_RFC3339_H
#define F2M_UTIL_RFC3339_H

#include "util/slice.h"

#include <stdint.h>

#define F2M_RFC3339_SIZE 32
/* Strict: real calendar dates, years 1970 to 9999, hours 00-23, a leap second 60 reads as 59.999, zone required,
 * nothing around it. Fractions beyond milliseconds are cut. */
bool f2m_rfc3339_parse(struct f2m_slice text, int64_t *wall_ms);
/* A date alone (YYYY-MM-DD, midnight UTC) or a date-time. */
bool f2m_rfc3339_parse_date(struct f2m_slice text, int64_t *wall_ms);
const char *f2m_rfc3339_format(int64_t wall_ms, char buf[F2M_RFC3339_SIZE]);

#endif
