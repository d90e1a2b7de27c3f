/* The strict check. One pass without recursion: a stack of bits says which open containers are objects. */
#include "util/json.h"

#include "util/json_bytes.h"
#include "util/number.h"
#include "util/utf8.h"

#include <errno.h>

struct scan {
    const char *start, *end;
    struct f2m_err *err;
    uint64_t objects; /* bit 0 = the innermost open container is an object */
    int depth;
};

_Static_assert(F2M_JSON_DEPTH <= 64, "one bit per open container");

/* Every function below takes the place where it begins and returns the place behind what it read, NULL on failure. */

static const char *fail(struct scan *s, const char *at, const char *expected)
{
    f2m_err_set(s->err, "at byte %zu: %s%s", (size_t)(at - s->start), expected,
                at == s->end ? ", but the text ends" : "");
    return NULL;
}

static inline const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (unsigned char)*at <= ' ' && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

static inline bool at_char(const struct scan *s, const char *at, char c)
{
    return at < s->end && *at == c;
}

/* The four digits of \uXXXX, -1 where they are not there. */
static int hex4(const char *at, const char *end)
{
    int value = 0;

    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static const char *unicode_escape(struct scan *s, const char *at)
{
    int code = hex4(at + 2, s->end);

    if (code < 0)
        return fail(s, at, "expected four hexadecimal digits after \\u");
    if (code == 0)
        return fail(s, at, "\\u0000 is not allowed");
    if (code < 0xD800 || code > 0xDFFF)
        return at + 6;
    bool pair = code < 0xDC00 && s->end - at >= 12 && at[6] == '\\' && at[7] == 'u';
    int low = pair ? hex4(at + 8, s->end) : -1;
    if (low < 0xDC00 || low > 0xDFFF)
        return fail(s, at, "a surrogate without its partner is not allowed");
    return at + 12;
}

static const char *escape(struct scan *s, const char *at)
{
    char c = s->end - at > 1 ? at[1] : '\0';

    if (c == 'u')
        return unicode_escape(s, at);
    if (c == '\0' || !strchr("\"\\/bfnrt", c))
        return fail(s, at, "expected a valid escape after \\");
    return at + 2;
}

/* A character of a string that does not stand for itself, or a whole one beyond ASCII. */
static const char *special(struct scan *s, const char *at)
{
    if (*at == '\\')
        return escape(s, at);
    if ((unsigned char)*at < 0x20)
        return fail(s, at, "a control character must be escaped");
    size_t len = f2m_utf8_length(at, (size_t)(s->end - at));
    return len > 0 ? at + len : fail(s, at, "not UTF-8");
}

/* Behind the bytes of a string that stand for themselves: no quote, escape or control, nothing beyond ASCII. */
static inline const char *skip_plain(const char *at, const char *end)
{
    for (; end - at >= F2M_BYTES; at += F2M_BYTES) {
        uint64_t word = f2m_bytes_load(at);
        uint64_t stop = f2m_bytes_or_high(
            f2m_bytes_mark_controls(word) | f2m_bytes_mark(word, '"') | f2m_bytes_mark(word, '\\'), word);
        if (stop)
            return at + f2m_bytes_first(stop);
    }
    while (at < end && (signed char)*at >= 0x20 && *at != '"' && *at != '\\')
        at++;
    return at;
}

/* From the first byte that is not plain to behind the closing quote. */
static const char *rest_of_string(struct scan *s, const char *at)
{
    for (;;) {
        if (at == s->end)
            return fail(s, at, "expected '\"'");
        if (*at == '"')
            return at + 1;
        at = special(s, at);
        if (!at)
            return NULL;
        at = skip_plain(at, s->end);
    }
}

/* From the opening quote to behind the closing one. */
static inline const char *string(struct scan *s, const char *at)
{
    at = skip_plain(at + 1, s->end);
    return at_char(s, at, '"') ? at + 1 : rest_of_string(s, at);
}

static inline bool digit(const struct scan *s, const char *at)
{
    return at < s->end && *at >= '0' && *at <= '9';
}

static inline const char *skip_digits(const struct scan *s, const char *at)
{
    while (digit(s, at))
        at++;
    return at;
}

static const char *exponent(struct scan *s, const char *at)
{
    at++;
    if (at_char(s, at, '-') || at_char(s, at, '+'))
        at++;
    return digit(s, at) ? skip_digits(s, at + 1) : fail(s, at, "expected a digit in the exponent");
}

/* Without an exponent, at most so many digits before the point cannot overflow a double. */
#define SAFE_DIGITS 308

static const char *number(struct scan *s, const char *first)
{
    const char *at = first + (*first == '-');
    double parsed;

    if (!digit(s, at))
        return fail(s, at, at == first ? "expected a value" : "expected a digit");
    const char *point = skip_digits(s, at + 1);
    if (*at == '0' && point - at > 1)
        return fail(s, first, "a number must not begin with 0");
    bool check = point - at > SAFE_DIGITS;
    at = point;
    if (at_char(s, at, '.')) {
        if (!digit(s, at + 1))
            return fail(s, at + 1, "expected a digit after the point");
        at = skip_digits(s, at + 2);
    }
    if (at_char(s, at, 'e') || at_char(s, at, 'E')) {
        check = true;
        at = exponent(s, at);
        if (!at)
            return NULL;
    }
    if (check && !f2m_number_parse((struct f2m_slice){first, (size_t)(at - first)}, &parsed))
        return fail(s, first, "the number is too large");
    return at;
}

static const char *literal(struct scan *s, const char *at, const char *word, size_t len)
{
    if ((size_t)(s->end - at) < len || memcmp(at, word, len) != 0)
        return fail(s, at, "expected a value");
    return at + len;
}

static const char *scalar(struct scan *s, const char *at)
{
    if (at == s->end)
        return fail(s, at, "expected a value");
    switch (*at) {
    case '"': return string(s, at);
    case 't': return literal(s, at, "true", 4);
    case 'f': return literal(s, at, "false", 5);
    case 'n': return literal(s, at, "null", 4);
    default: return number(s, at);
    }
}

/* An object's member up to its value. */
static inline const char *key(struct scan *s, const char *at)
{
    at = skip_blanks(at, s->end);
    if (!at_char(s, at, '"'))
        return fail(s, at, "expected a name in quotes");
    at = string(s, at);
    if (!at)
        return NULL;
    at = skip_blanks(at, s->end);
    return at_char(s, at, ':') ? at + 1 : fail(s, at, "expected ':'");
}

static char closing(const struct scan *s)
{
    return s->objects & 1 ? '}' : ']';
}

/* Behind an opening bracket; at the closing one where nothing stands between. */
static inline const char *open_container(struct scan *s, const char *at)
{
    if (s->depth == F2M_JSON_DEPTH)
        return fail(s, at, "nested too deeply");
    s->depth++;
    s->objects = s->objects << 1 | (*at == '{');
    return skip_blanks(at + 1, s->end);
}

/* Behind a value: closes what ends here, up to the next comma. Then stands behind it, or behind the outermost value
 * (depth 0). */
static inline const char *close_containers(struct scan *s, const char *at)
{
    while (s->depth > 0) {
        at = skip_blanks(at, s->end);
        if (at_char(s, at, ','))
            return at + 1;
        if (!at_char(s, at, closing(s)))
            return fail(s, at, s->objects & 1 ? "expected ',' or '}'" : "expected ',' or ']'");
        at++;
        s->depth--;
        s->objects >>= 1;
    }
    return at;
}

/* The outermost value with all that is in it. Each turn reads one value, or the bracket that opens one. */
static const char *value(struct scan *s, const char *at)
{
    do {
        if (s->objects & 1 && !(at = key(s, at)))
            return NULL;
        at = skip_blanks(at, s->end);
        if (at_char(s, at, '{') || at_char(s, at, '[')) {
            at = open_container(s, at);
            if (at && !at_char(s, at, closing(s)))
                continue;
        } else {
            at = scalar(s, at);
        }
        if (!at || !(at = close_containers(s, at)))
            return NULL;
    } while (s->depth > 0);
    return at;
}

int f2m_json_check(struct f2m_slice text, struct f2m_err *err)
{
    const char *start = text.len ? text.at : "";
    struct scan s = {.start = start, .end = start + text.len, .err = err};
    const char *at = value(&s, start);

    if (!at)
        return -EINVAL;
    at = skip_blanks(at, s.end);
    if (at != s.end) {
        fail(&s, at, "expected the end of the text");
        return -EINVAL;
    }
    return 0;
}
