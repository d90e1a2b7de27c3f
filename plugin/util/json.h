/*
 * A small strict RFC 8259 scanner: it checks a whole text, then yields raw slices of it. No tree, no allocation,
 * so that one value of a large payload costs one pass and Flip's own objects pass through byte for byte
 * (unknown fields included). Strict: UTF-8 checked, no leading zeros, no trailing text, no BOM, escapes valid,
 * lone surrogates and \u0000 refused, nesting at most F2M_JSON_DEPTH, numbers that overflow a double refused.
 * Duplicate names are legal JSON: the last one wins.
 *
 * Everything but f2m_json_check() expects text that f2m_json_check() accepted (or a slice of such text).
 */
#ifndef F2M_UTIL_JSON_H
#define F2M_UTIL_JSON_H

#include "util/err.h"
#include "util/slice.h"
#include "util/strbuf.h"

#include <stdint.h>

#define F2M_JSON_DEPTH 64

enum f2m_json_type {
    F2M_JSON_NONE, /* no value (an empty slice) */
    F2M_JSON_NULL,
    F2M_JSON_BOOL,
    F2M_JSON_NUMBER,
    F2M_JSON_STRING,
    F2M_JSON_ARRAY,
    F2M_JSON_OBJECT,
};

/* 0, or -EINVAL with "at byte 17: expected ',' or '}'" in err. Blanks around the value are allowed. */
int f2m_json_check(struct f2m_slice text, struct f2m_err *err) __attribute__((warn_unused_result));
/* The single value in a checked text, without the blanks around it. */
struct f2m_slice f2m_json_root(struct f2m_slice text);
enum f2m_json_type f2m_json_type(struct f2m_slice value);
const char *f2m_json_type_name(enum f2m_json_type); /* "a number", "an object", … for messages */

/* RFC 6901. "" = the root. False where nothing is there or the pointer is malformed. */
bool f2m_json_find(struct f2m_slice root, const char *pointer, struct f2m_slice *value);
/* Whether the text is a well-formed RFC 6901 pointer ("" or "/…", ~ only as ~0 or ~1). */
bool f2m_json_pointer_valid(const char *pointer);
/* A member of an object by its plain name; {NULL, 0} where absent or where the value is no object. */
struct f2m_slice f2m_json_member(struct f2m_slice object, const char *name);

/* Walks an object's members or an array's elements in order:
 *   struct f2m_json_iter it = f2m_json_iter(value); while (f2m_json_next(&it, &name, &v)) …
 * name is the raw string with its quotes (compare with f2m_json_string_is), {NULL, 0} in an array. */
struct f2m_json_iter {
    const char *at, *end;
};
struct f2m_json_iter f2m_json_iter(struct f2m_slice value);
bool f2m_json_next(struct f2m_json_iter *, struct f2m_slice *name, struct f2m_slice *value);
size_t f2m_json_count(struct f2m_slice value); /* members or elements; 0 for anything else */

/* Typed reading: false where the value has another type (or does not fit). */
bool f2m_json_string(struct f2m_slice value, struct f2m_strbuf *out);      /* appends the decoded UTF-8 */
bool f2m_json_string_copy(struct f2m_slice value, char *buf, size_t size); /* decoded, terminated, must fit */
bool f2m_json_string_is(struct f2m_slice value, const char *s);            /* decoded text equals s */
bool f2m_json_number(struct f2m_slice value, double *out);                 /* finite */
bool f2m_json_integer(struct f2m_slice value, int64_t *out);               /* whole, within ±2^53 */
bool f2m_json_bool(struct f2m_slice value, bool *out);
static inline bool f2m_json_is_null(struct f2m_slice value)
{
    return f2m_json_type(value) == F2M_JSON_NULL;
}

#endif
