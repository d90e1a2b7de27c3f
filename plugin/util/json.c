/* The strict check. One pass without recursion: a stack of bits says which open containers are objects. */
#include "util/json.h"

#include "util/number.h"
#include "util/utf8.h"

#include <errno.h>

struct scan {
    const char *start, *at, *end;
    struct f2m_err *err;
    uint64_t objects; /* bit 0 = the innermost open container is an object */
    int depth;
};

_Static_assert(F2M_JSON_DEPTH <= 64, "one bit per open container");

/* A string's byte that stands for itself: no quote, escape or control, and nothing beyond ASCII (negative here). */
static bool plain(char c)
{
    return (signed char)c >= 0x20 && c != '"' && c != '\\';
}

static bool fail(struct scan *s, const char *expected)
{
    f2m_err_set(s->err, "at byte %zu: %s%s", (size_t)(s->at - s->start), expected,
                s->at == s->end ? ", but the text ends" : "");
    return false;
}

static void skip_blanks(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
        s->at++;
}

static int peek(const struct scan *s)
{
    return s->at < s->end ? (unsigned char)*s->at : -1;
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

static bool unicode_escape(struct scan *s)
{
    int code = hex4(s->at + 2, s->end);

    if (code < 0)
        return fail(s, "expected four hexadecimal digits after \\u");
    if (code == 0)
        return fail(s, "\\u0000 is not allowed");
    if (code >= 0xD800 && code <= 0xDFFF) {
        bool pair = code < 0xDC00 && s->end - s->at >= 12 && s->at[6] == '\\' && s->at[7] == 'u';
        int low = pair ? hex4(s->at + 8, s->end) : -1;
        if (low < 0xDC00 || low > 0xDFFF)
            return fail(s, "a surrogate without its partner is not allowed");
        s->at += 6;
    }
    s->at += 6;
    return true;
}

static bool escape(struct scan *s)
{
    char c = s->end - s->at > 1 ? s->at[1] : '\0';

    if (c == 'u')
        return unicode_escape(s);
    if (c == '\0' || !strchr("\"\\/bfnrt", c))
        return fail(s, "expected a valid escape after \\");
    s->at += 2;
    return true;
}

/* A character that is not plain, other than the closing quote. */
static bool special(struct scan *s)
{
    unsigned char c = (unsigned char)*s->at;

    if (c == '\\')
        return escape(s);
    if (c < 0x20)
        return fail(s, "a control character must be escaped");
    size_t len = f2m_utf8_length(s->at, (size_t)(s->end - s->at));
    s->at += len;
    return len > 0 || fail(s, "not UTF-8");
}

/* From the opening quote to behind the closing one. */
static bool string(struct scan *s)
{
    const char *end = s->end;

    s->at++;
    for (;;) {
        const char *at = s->at;
        while (at < end && plain(*at))
            at++;
        s->at = at;
        if (at == end)
            return fail(s, "expected '\"'");
        if (*at == '"') {
            s->at++;
            return true;
        }
        if (!special(s))
            return false;
    }
}

static bool digit(int c)
{
    return c >= '0' && c <= '9';
}

static size_t digits(struct scan *s)
{
    const char *at = s->at;

    while (at < s->end && digit(*at))
        at++;
    size_t n = (size_t)(at - s->at);
    s->at = at;
    return n;
}

/* Without an exponent, at most so many digits before the point cannot overflow a double. */
#define SAFE_DIGITS 308

static bool number(struct scan *s)
{
    const char *first = s->at;
    double value;

    if (peek(s) == '-')
        s->at++;
    else if (!digit(peek(s)))
        return fail(s, "expected a value");
    bool zero = peek(s) == '0';
    size_t whole = digits(s);
    if (whole == 0)
        return fail(s, "expected a digit");
    if (zero && whole > 1) {
        s->at = first;
        return fail(s, "a number must not begin with 0");
    }
    if (peek(s) == '.') {
        s->at++;
        if (digits(s) == 0)
            return fail(s, "expected a digit after the point");
    }
    bool exponent = peek(s) == 'e' || peek(s) == 'E';
    if (exponent) {
        s->at++;
        if (peek(s) == '-' || peek(s) == '+')
            s->at++;
        if (digits(s) == 0)
            return fail(s, "expected a digit in the exponent");
    }
    if ((exponent || whole > SAFE_DIGITS) &&
        !f2m_number_parse((struct f2m_slice){first, (size_t)(s->at - first)}, &value)) {
        s->at = first;
        return fail(s, "the number is too large");
    }
    return true;
}

static bool literal(struct scan *s, const char *word, size_t len)
{
    if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
        return fail(s, "expected a value");
    s->at += len;
    return true;
}

/* An object's member up to its value. */
static bool key(struct scan *s)
{
    skip_blanks(s);
    if (peek(s) != '"')
        return fail(s, "expected a name in quotes");
    if (!string(s))
        return false;
    skip_blanks(s);
    if (peek(s) != ':')
        return fail(s, "expected ':'");
    s->at++;
    return true;
}

enum step {
    STEP_BAD,
    STEP_VALUE, /* a value must follow */
    STEP_AFTER, /* a value is complete */
};

static enum step open_container(struct scan *s, bool object)
{
    if (s->depth == F2M_JSON_DEPTH) {
        fail(s, "nested too deeply");
        return STEP_BAD;
    }
    s->at++;
    skip_blanks(s);
    if (peek(s) == (object ? '}' : ']')) {
        s->at++;
        return STEP_AFTER;
    }
    s->depth++;
    s->objects = s->objects << 1 | object;
    if (object && !key(s))
        return STEP_BAD;
    return STEP_VALUE;
}

static enum step begin_value(struct scan *s)
{
    bool ok;

    skip_blanks(s);
    switch (peek(s)) {
    case '{': return open_container(s, true);
    case '[': return open_container(s, false);
    case '"': ok = string(s); break;
    case 't': ok = literal(s, "true", 4); break;
    case 'f': ok = literal(s, "false", 5); break;
    case 'n': ok = literal(s, "null", 4); break;
    default: ok = number(s);
    }
    return ok ? STEP_AFTER : STEP_BAD;
}

/* Behind a value within a container: the next one, or the end of the container. */
static enum step after_value(struct scan *s)
{
    bool object = s->objects & 1;

    skip_blanks(s);
    if (peek(s) == ',') {
        s->at++;
        return !object || key(s) ? STEP_VALUE : STEP_BAD;
    }
    if (peek(s) != (object ? '}' : ']')) {
        fail(s, object ? "expected ',' or '}'" : "expected ',' or ']'");
        return STEP_BAD;
    }
    s->at++;
    s->depth--;
    s->objects >>= 1;
    return STEP_AFTER;
}

int f2m_json_check(struct f2m_slice text, struct f2m_err *err)
{
    const char *start = text.len ? text.at : "";
    struct scan s = {.start = start, .at = start, .end = start + text.len, .err = err};
    enum step step = STEP_VALUE;

    while (step == STEP_VALUE) {
        step = begin_value(&s);
        while (step == STEP_AFTER && s.depth > 0)
            step = after_value(&s);
    }
    if (step == STEP_BAD)
        return -EINVAL;
    skip_blanks(&s);
    if (s.at != s.end) {
        fail(&s, "expected the end of the text");
        return -EINVAL;
    }
    return 0;
}
