/* Private to the JSON files of this room: the inside of a raw string, character by character. */
#ifndef F2M_UTIL_JSON_DECODE_H
#define F2M_UTIL_JSON_DECODE_H

#include "util/slice.h"

/* What stands between the quotes; false where the value is no string. */
bool f2m_json_inside(struct f2m_slice value, struct f2m_slice *inside);
/* Decodes what stands at *at (an escape, a surrogate pair, or one plain byte), moves on; returns the bytes written. */
size_t f2m_json_decode(const char **at, const char *end, char out[4]);

#endif
