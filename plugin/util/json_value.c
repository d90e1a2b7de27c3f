/* Typed reading of single values. */
#include "util/json.h"

#include "util/json_decode.h"
#include "util/number.h"
#include "util/utf8.h"

#include <math.h>

enum f2m_json_type f2m_json_type(struct f2m_slice value)
{
    value = f2m_slice_trim(value);
    if (value.len == 0)
        return F2M_JSON_NONE;
    switch (value.at[0]) {
    case '{': return F2M_JSON_OBJECT;
    case '[': return F2M_JSON_ARRAY;
    case '"': return F2M_JSON_STRING;
    case 't':
    case 'f': return F2M_JSON_BOOL;
    case 'n': return F2M_JSON_NULL;
    default: return F2M_JSON_NUMBER;
    }
}

const char *f2m_json_type_name(enum f2m_json_type type)
{
    static const char *const names[] = {
        [F2M_JSON_NONE] = "nothing",     [F2M_JSON_NULL] = "null",       [F2M_JSON_BOOL] = "a boolean",
        [F2M_JSON_NUMBER] = "a number",  [F2M_JSON_STRING] = "a string", [F2M_JSON_ARRAY] = "an array",
        [F2M_JSON_OBJECT] = "an object",
    };
    return names[type];
}

bool f2m_json_inside(struct f2m_slice value, struct f2m_slice *inside)
{
    if (value.len < 2 || value.at[0] != '"') {
        value = f2m_slice_trim(value);
        if (value.len < 2 || value.at[0] != '"')
            return false;
    }
    *inside = (struct f2m_slice){value.at + 1, value.len - 2};
    return true;
}

static unsigned hex4(const char *at)
{
    unsigned value = 0;

    for (int i = 0; i < 4; i++) {
        unsigned c = (unsigned char)at[i];
        value = value * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10) % 16;
    }
    return value;
}

size_t f2m_json_decode(const char **at, const char *end, char out[4])
{
    const char *from = *at;

    *at = from + 1;
    out[0] = *from;
    if (*from != '\\' || end - from < 2)
        return 1;
    *at = from + 2;
    switch (from[1]) {
    case 'b': out[0] = '\b'; return 1;
    case 'f': out[0] = '\f'; return 1;
    case 'n': out[0] = '\n'; return 1;
    case 'r': out[0] = '\r'; return 1;
    case 't': out[0] = '\t'; return 1;
    case 'u': break;
    default: out[0] = from[1]; return 1;
    }
    if (end - from < 6)
        return 1;
    unsigned code = hex4(from + 2);
    *at = from + 6;
    if (code >= 0xD800 && code <= 0xDBFF && end - from >= 12) {
        code = 0x10000 + ((code - 0xD800) << 10) + ((hex4(from + 8) - 0xDC00) & 0x3FF);
        *at = from + 12;
    }
    return f2m_utf8_encode(code, out);
}

bool f2m_json_string(struct f2m_slice value, struct f2m_strbuf *out)
{
    struct f2m_slice raw;
    char piece[4];

    if (!f2m_json_inside(value, &raw))
        return false;
    const char *at = raw.at, *end = raw.at + raw.len;
    while (at < end) {
        const char *plain = memchr(at, '\\', (size_t)(end - at));
        f2m_strbuf_add(out, at, (size_t)((plain ? plain : end) - at));
        if (!plain)
            return true;
        at = plain;
        f2m_strbuf_add(out, piece, f2m_json_decode(&at, end, piece));
    }
    return true;
}

bool f2m_json_string_copy(struct f2m_slice value, char *buf, size_t size)
{
    struct f2m_slice raw;
    char piece[4];
    size_t len = 0;

    if (size == 0)
        return false;
    buf[0] = '\0';
    if (!f2m_json_inside(value, &raw))
        return false;
    for (const char *at = raw.at, *end = raw.at + raw.len; at < end;) {
        size_t n = f2m_json_decode(&at, end, piece);
        if (n >= size - len) {
            buf[0] = '\0';
            return false;
        }
        memcpy(buf + len, piece, n);
        len += n;
    }
    buf[len] = '\0';
    return true;
}

bool f2m_json_string_is(struct f2m_slice value, const char *s)
{
    struct f2m_slice raw;
    char piece[4];

    if (!f2m_json_inside(value, &raw))
        return false;
    if (!memchr(raw.at, '\\', raw.len))
        return f2m_slice_is(raw, s);
    for (const char *at = raw.at, *end = raw.at + raw.len; at < end;) {
        size_t n = f2m_json_decode(&at, end, piece);
        for (size_t i = 0; i < n; i++, s++)
            if (*s == '\0' || *s != piece[i])
                return false;
    }
    return *s == '\0';
}

bool f2m_json_number(struct f2m_slice value, double *out)
{
    return f2m_json_type(value) == F2M_JSON_NUMBER && f2m_number_parse(value, out);
}

#define EXACT_MAX (INT64_C(1) << 53)

bool f2m_json_integer(struct f2m_slice value, int64_t *out)
{
    double number;

    if (f2m_json_type(value) != F2M_JSON_NUMBER)
        return false;
    if (f2m_integer_parse(f2m_slice_trim(value), -EXACT_MAX, EXACT_MAX, out))
        return true;
    /* "5.0" and "5e3" are whole too; 2^53 in such a form may be a rounded 2^53 + 1. */
    if (!f2m_number_parse(value, &number) || number != floor(number) || fabs(number) >= (double)EXACT_MAX)
        return false;
    *out = (int64_t)number;
    return true;
}

bool f2m_json_bool(struct f2m_slice value, bool *out)
{
    if (f2m_json_type(value) != F2M_JSON_BOOL)
        return false;
    *out = f2m_slice_trim(value).at[0] == 't';
    return true;
}
