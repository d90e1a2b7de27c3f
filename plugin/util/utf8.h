/* UTF-8 by Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef F2M_UTIL_UTF8_H
#define F2M_UTIL_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#define F2M_UTF8_REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* The bytes (1 to 4) of the well-formed character that begins at `at`, 0 where there is none within `left` bytes. */
size_t f2m_utf8_length(const char *at, size_t left);
bool f2m_utf8_valid(const char *text, size_t len);
/* The longest length ≤ max that does not cut a character of text in two; text has at least max bytes. */
size_t f2m_utf8_clip(const char *text, size_t max);
/* Writes a code point's 1 to 4 bytes; it must be a valid one. Returns their number. */
size_t f2m_utf8_encode(unsigned code, char out[4]);

#endif
