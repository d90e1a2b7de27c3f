#include "util/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A number's text taken apart: digits × 10^exponent, digits being the mantissa without its point. */
struct decimal {
    bool negative;
    struct f2m_slice text; /* the mantissa as written */
    uint64_t mantissa;     /* its digits as a number, while there are at most EXACT_DIGITS */
    size_t significant;    /* its digits from the first that is not 0 */
    long exponent;
};

#define EXACT_DIGITS 19         /* always fit into 64 bits */
#define EXPONENT_CAP 1000000000 /* no mantissa in memory is long enough to bring this back into a double */
#define SLOW_DIGITS  780        /* more cannot change the rounding, except by not being all 0 */

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads digits from *at on; returns how many (leading zeros included). */
static size_t read_digits(struct decimal *d, const char **at, const char *end)
{
    const char *first = *at;

    for (; *at < end && digit(**at); ++*at) {
        if (d->significant == 0 && **at == '0')
            continue;
        if (d->significant++ < EXACT_DIGITS)
            d->mantissa = d->mantissa * 10 + (unsigned)(**at - '0');
    }
    return (size_t)(*at - first);
}

/* "e-7": false where malformed; *at at "e". */
static bool read_exponent(long *exponent, const char **at, const char *end)
{
    bool negative = false;
    long value = 0;

    ++*at;
    if (*at < end && (**at == '-' || **at == '+'))
        negative = *(*at)++ == '-';
    if (*at == end || !digit(**at))
        return false;
    for (; *at < end && digit(**at); ++*at)
        if (value < EXPONENT_CAP)
            value = value * 10 + (**at - '0');
    *exponent = negative ? -value : value;
    return true;
}

static bool take_apart(struct f2m_slice text, struct decimal *d)
{
    const char *at = text.at, *end = text.at + text.len;

    *d = (struct decimal){0};
    if (at < end && (*at == '-' || *at == '+'))
        d->negative = *at++ == '-';
    d->text.at = at;
    size_t whole = read_digits(d, &at, end), fraction = 0;
    if (at < end && *at == '.') {
        at++;
        fraction = read_digits(d, &at, end);
    }
    d->text.len = (size_t)(at - d->text.at);
    if (whole + fraction == 0)
        return false;
    if (at < end && (*at == 'e' || *at == 'E') && !read_exponent(&d->exponent, &at, end))
        return false;
    d->exponent -= (long)fraction;
    return at == end;
}

/* strtod() rounds right whatever the length; it gets an integer mantissa, so that the locale's point is not asked. */
static double slow_value(const struct decimal *d)
{
    char buf[SLOW_DIGITS + 32];
    size_t n = 0, dropped = 0;
    bool rest = false;

    for (size_t i = 0; i < d->text.len; i++) {
        char c = d->text.at[i];
        if (c == '.' || (n == 0 && c == '0'))
            continue;
        if (n < SLOW_DIGITS) {
            buf[n++] = c;
        } else {
            dropped++;
            rest = rest || c != '0';
        }
    }
    if (rest) { /* a hair above what was kept */
        buf[n++] = '1';
        dropped--;
    }
    snprintf(buf + n, sizeof buf - n, "e%ld", d->exponent + (long)dropped);
    return strtod(buf, NULL);
}

static double value_of(const struct decimal *d)
{
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const long last = (long)(sizeof tens / sizeof tens[0]) - 1;

    if (d->significant == 0)
        return 0;
    /* Both operands are exact, so the one operation rounds once, as strtod() would (Clinger). */
    if (d->significant <= EXACT_DIGITS && d->mantissa <= UINT64_C(1) << 53 && d->exponent >= -last &&
        d->exponent <= last) {
        double m = (double)d->mantissa;
        return d->exponent < 0 ? m / tens[-d->exponent] : m * tens[d->exponent];
    }
    return slow_value(d);
}

bool f2m_number_parse(struct f2m_slice text, double *out)
{
    struct decimal d;

    text = f2m_slice_trim(text);
    if (text.len == 0 || !take_apart(text, &d))
        return false;
    double value = value_of(&d);
    if (!isfinite(value))
        return false;
    *out = d.negative && value != 0 ? -value : value;
    return true;
}

bool f2m_integer_parse(struct f2m_slice text, int64_t min, int64_t max, int64_t *out)
{
    size_t i = text.len && text.at[0] == '-' ? 1 : 0;
    bool negative = i == 1;
    int64_t value = 0; /* kept negative: INT64_MIN has no positive twin */

    if (i == text.len)
        return false;
    for (; i < text.len; i++) {
        if (!digit(text.at[i]) || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, text.at[i] - '0', &value))
            return false;
    }
    if (!negative && __builtin_sub_overflow((int64_t)0, value, &value))
        return false;
    if (value < min || value > max)
        return false;
    *out = value;
    return true;
}

#define DIGITS 15 /* every double has this many right ones */

/* The digits and the power of ten of the first, from "-d.dddde±x" (whatever the locale's point looks like). */
static int split(double value, char digits[DIGITS + 1])
{
    char text[64];
    int n = 0;
    const char *c = text;

    snprintf(text, sizeof text, "%.*e", DIGITS - 1, fabs(value));
    for (; *c && *c != 'e'; c++)
        if (digit(*c) && n < DIGITS)
            digits[n++] = *c;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    digits[n] = '\0';
    return *c ? (int)strtol(c + 1, NULL, 10) : 0;
}

/* Between 0 and 1: "0.", zeros, digits. What does not fit is far below anything a battery measures. */
static void format_small(char *at, char *end, const char *digits, int power)
{
    char *start = at;

    *at++ = '0';
    *at++ = '.';
    for (int i = -1; i > power && at < end; i--)
        *at++ = '0';
    for (; *digits && at < end; digits++)
        *at++ = *digits;
    while (at > start + 1 && (at[-1] == '0' || at[-1] == '.'))
        at--;
    *at = '\0';
}

static void format_plain(char *at, const char *digits, int power)
{
    for (int i = 0; i <= power; i++)
        *at++ = *digits ? *digits++ : '0';
    if (*digits) {
        *at++ = '.';
        while (*digits)
            *at++ = *digits++;
    }
    *at = '\0';
}

const char *f2m_number_format(double value, char buf[F2M_NUMBER_SIZE])
{
    char digits[DIGITS + 1] = "";
    char *at = buf;

    if (!isfinite(value)) {
        memcpy(buf, "null", 5);
        return buf;
    }
    if (fabs(value) < 1e15 && value == (double)(int64_t)value) {
        snprintf(buf, F2M_NUMBER_SIZE, "%" PRId64, (int64_t)value);
        return buf;
    }
    int power = split(value, digits);
    if (value < 0)
        *at++ = '-';
    if (power < 0)
        format_small(at, buf + F2M_NUMBER_SIZE - 1, digits, power);
    else if (power < DIGITS)
        format_plain(at, digits, power);
    else
        snprintf(at, (size_t)(buf + F2M_NUMBER_SIZE - at), "%c%s%se+%d", digits[0], digits[1] ? "." : "", digits + 1,
                 power);
    if (buf[0] == '-' && buf[1] == '0' && buf[2] == '\0')
        memcpy(buf, "0", 2);
    return buf;
}
