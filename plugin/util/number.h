/* Numbers as text. Independent of the locale. Interface, clarification 22. */
#ifndef F2M_UTIL_NUMBER_H
#define F2M_UTIL_NUMBER_H

#include "util/slice.h"

#include <stdint.h>

/* Decimal and exponent form, optional sign, ASCII blanks around trimmed; no hex, no NaN or infinity, no trailing
 * text, no NUL inside, no overflow. "007" and "+5", ".5", "5." are numbers here (payloads are not JSON). */
bool f2m_number_parse(struct f2m_slice text, double *out);
/* Whole decimal number, nothing around it. */
bool f2m_integer_parse(struct f2m_slice text, int64_t min, int64_t max, int64_t *out);

#define F2M_NUMBER_SIZE 32
/* %.15g without an exponent where |value| < 1e15: hides binary noise, keeps every digit a battery sends, no trailing
 * zeros, never "-0". Returns buf. A value that is not finite gives "null". */
const char *f2m_number_format(double value, char buf[F2M_NUMBER_SIZE]);

#endif
