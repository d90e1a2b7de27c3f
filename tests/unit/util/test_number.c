/* Numbers are read in every form that batteries send and in no other, and written as short as they are exact. */
#include "suite.h"

#include "util/number.h"
#include "util/rng.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>

#define TEXT(literal)                                                                                                  \
    {                                                                                                                  \
        literal, sizeof literal - 1                                                                                    \
    }

static const struct {
    struct f2m_slice text;
    double value;
} good[] = {
    {TEXT("0"), 0},
    {TEXT("007"), 7},
    {TEXT("+5"), 5},
    {TEXT("-5"), -5},
    {TEXT(".5"), 0.5},
    {TEXT("-.5"), -0.5},
    {TEXT("5."), 5},
    {TEXT("12.50"), 12.5},
    {TEXT(" \t\r\n42\n "), 42},
    {TEXT("1e3"), 1000},
    {TEXT("1E+3"), 1000},
    {TEXT("1.5e-3"), 0.0015},
    {TEXT("5.e1"), 50},
    {TEXT("0e999999999999"), 0},
    {TEXT("1e-999999999999"), 0},
    {TEXT("472.851013184"), 472.851013184},
    {TEXT("0.1"), 0.1},
    {TEXT("1e22"), 1e22},
    {TEXT("1e23"), 1e23},
    {TEXT("8.5e-23"), 8.5e-23},
    {TEXT("9007199254740993"), 9007199254740992.0},
    {TEXT("9007199254740993.00000000000000000000000000001"), 9007199254740994.0},
    {TEXT("18446744073709551616"), 18446744073709551616.0},
    {TEXT("123456789012345678901234567890"), 123456789012345678901234567890.0},
    {TEXT("0.000000000000000000000000000000000000000001234567890123456789"), 1.234567890123456789e-42},
    {TEXT("1.7976931348623157e308"), 1.7976931348623157e308},
    {TEXT("2.2250738585072014e-308"), 2.2250738585072014e-308},
    {TEXT("4.9e-324"), 4.9e-324},
    {TEXT("1e0000000000000000000000000000003"), 1000},
};

static const struct f2m_slice bad[] = {
    TEXT(""),
    TEXT(" "),
    TEXT("."),
    TEXT("-"),
    TEXT("+"),
    TEXT("+-5"),
    TEXT("--5"),
    TEXT("e5"),
    TEXT(".e5"),
    TEXT("5e"),
    TEXT("5e+"),
    TEXT("5e 3"),
    TEXT("0x10"),
    TEXT("0x1p3"),
    TEXT("NaN"),
    TEXT("nan"),
    TEXT("inf"),
    TEXT("-inf"),
    TEXT("Infinity"),
    TEXT("1e309"),
    TEXT("-1e309"),
    TEXT("5W"),
    TEXT("5 W"),
    TEXT("5,5"),
    TEXT("1 000"),
    TEXT("1_000"),
    TEXT("5\0"),
    TEXT("\0"
         "5"),
    TEXT("5\0"
         "5"),
    TEXT("5\v"),
    TEXT("1.2.3"),
    TEXT("1e1.5"),
    TEXT("1e999999999999999999999"),
    TEXT("\xC2\xA0"
         "5"),
    TEXT("\xEF\xBC\x95"),
    TEXT("true"),
    TEXT("5-"),
    TEXT("- 5"),
    TEXT("1d"),
    TEXT("1f"),
};

START_TEST(numbers_are_read)
{
    double value;

    for (size_t i = 0; i < F2M_COUNT(good); i++) {
        ck_assert_msg(f2m_number_parse(good[i].text, &value), "%s", good[i].text.at);
        ck_assert_msg(value == good[i].value, "%s: %.17g", good[i].text.at, value);
    }
}
END_TEST

START_TEST(what_is_no_number_is_refused_and_changes_nothing)
{
    double value = 7;

    for (size_t i = 0; i < F2M_COUNT(bad); i++)
        ck_assert_msg(!f2m_number_parse(bad[i], &value), "%.*s: %g", (int)bad[i].len, bad[i].at, value);
    ck_assert(!f2m_number_parse((struct f2m_slice){NULL, 0}, &value));
    ck_assert_double_eq(value, 7);
}
END_TEST

START_TEST(zero_has_no_sign)
{
    double value;

    ck_assert(f2m_number_parse(f2m_slice_of("-0.0"), &value));
    ck_assert(value == 0 && !signbit(value));
}
END_TEST

/* Many digits round as exactly as few: half-way cases decided by the last of 900 digits. */
START_TEST(long_mantissas_round_right)
{
    char text[1000];
    double value;
    int len = snprintf(text, sizeof text, "9007199254740993.%0900d", 0); /* a tie: to even, down */

    ck_assert(f2m_number_parse((struct f2m_slice){text, (size_t)len}, &value));
    ck_assert(value == 9007199254740992.0);
    text[len - 1] = '1'; /* a hair above: up */
    ck_assert(f2m_number_parse((struct f2m_slice){text, (size_t)len}, &value));
    ck_assert(value == 9007199254740994.0);
    len = snprintf(text, sizeof text, "0.%0900d1e901", 0);
    ck_assert(f2m_number_parse((struct f2m_slice){text, (size_t)len}, &value));
    ck_assert(value == 1);
    len = snprintf(text, sizeof text, "1%0900de-900", 0);
    ck_assert(f2m_number_parse((struct f2m_slice){text, (size_t)len}, &value));
    ck_assert(value == 1);
}
END_TEST

START_TEST(reading_agrees_with_strtod)
{
    struct f2m_rng rng = {20250430};
    char text[64];
    double value;

    for (int i = 0; i < 20000; i++) {
        int len = snprintf(text, sizeof text, "%s%lld.%04llde%d", i % 2 ? "-" : "",
                           (long long)f2m_rng_below(&rng, INT64_C(1) << (i % 62)),
                           (long long)f2m_rng_below(&rng, 10000), (int)f2m_rng_below(&rng, 80) - 40);
        bool ok = f2m_number_parse((struct f2m_slice){text, (size_t)len}, &value);
        F2M_HOLD(ok && value == strtod(text, NULL), "%s: %.17g (seed 20250430)", text, value);
    }
}
END_TEST

START_TEST(integers_are_read_within_their_range)
{
    static const struct {
        const char *text;
        int64_t min, max;
        bool ok;
        int64_t value;
    } cases[] = {
        {"0", 0, 10, true, 0},
        {"10", 0, 10, true, 10},
        {"11", 0, 10, false, 0},
        {"-1", 0, 10, false, 0},
        {"-1", -1, 10, true, -1},
        {"0010", 0, 10, true, 10},
        {"9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN},
        {"9223372036854775808", INT64_MIN, INT64_MAX, false, 0},
        {"-9223372036854775809", INT64_MIN, INT64_MAX, false, 0},
        {"99999999999999999999", INT64_MIN, INT64_MAX, false, 0},
        {"", INT64_MIN, INT64_MAX, false, 0},
        {"-", INT64_MIN, INT64_MAX, false, 0},
        {"+1", INT64_MIN, INT64_MAX, false, 0},
        {" 1", INT64_MIN, INT64_MAX, false, 0},
        {"1 ", INT64_MIN, INT64_MAX, false, 0},
        {"1.0", INT64_MIN, INT64_MAX, false, 0},
        {"1e1", INT64_MIN, INT64_MAX, false, 0},
        {"0x1", INT64_MIN, INT64_MAX, false, 0},
    };

    for (size_t i = 0; i < F2M_COUNT(cases); i++) {
        int64_t value = 0;
        bool ok = f2m_integer_parse(f2m_slice_of(cases[i].text), cases[i].min, cases[i].max, &value);
        ck_assert_msg(ok == cases[i].ok, "%s", cases[i].text);
        ck_assert_int_eq(value, cases[i].value);
    }
}
END_TEST

static const struct {
    double value;
    const char *text;
} formats[] = {
    {0, "0"},
    {-0.0, "0"},
    {1, "1"},
    {-1, "-1"},
    {12.5, "12.5"},
    {0.1, "0.1"},
    {-0.1, "-0.1"},
    {472.851013184, "472.851013184"},
    {6369400, "6369400"},
    {797296 * 0.001, "797.296"},
    {0.1 + 0.2, "0.3"},
    {1.1 * 3, "3.3"},
    {100, "100"},
    {1e6, "1000000"},
    {123456789.125, "123456789.125"},
    {123456789012345, "123456789012345"},
    {-999999999999999, "-999999999999999"},
    {99999999999999.9, "99999999999999.9"},
    {1e15, "1e+15"},
    {-1.5e15, "-1.5e+15"},
    {1e16, "1e+16"},
    {1.7976931348623157e308, "1.79769313486232e+308"},
    {1e-3, "0.001"},
    {1e-5, "0.00001"},
    {-1.25e-10, "-0.000000000125"},
    {1.0 / 3, "0.333333333333333"},
    {2.0 / 3, "0.666666666666667"},
    {0.9999999999999999, "1"},
    {-0.9999999999999999, "-1"},
    {999999999999999.9, "1e+15"},
    {1e-28, "0.0000000000000000000000000001"},
    {-1e-28, "-0.0000000000000000000000000001"},
    {1e-40, "0"},
    {-1e-40, "0"},
    {4.9e-324, "0"},
    {NAN, "null"},
    {INFINITY, "null"},
    {-INFINITY, "null"},
};

START_TEST(numbers_are_written)
{
    char buf[F2M_NUMBER_SIZE];

    for (size_t i = 0; i < F2M_COUNT(formats); i++)
        ck_assert_str_eq(f2m_number_format(formats[i].value, buf), formats[i].text);
}
END_TEST

/* Up to 15 significant digits come back as they went in. */
START_TEST(decimal_digits_survive)
{
    struct f2m_rng rng = {17};
    char text[64], buf[F2M_NUMBER_SIZE];
    double value;

    for (int i = 0; i < 20000; i++) {
        long long whole = (long long)f2m_rng_below(&rng, 1000000000), part = (long long)f2m_rng_below(&rng, 1000000);
        int len = snprintf(text, sizeof text, "%lld.%06lld", whole, part / 10 * 10 + 7);
        bool ok = f2m_number_parse((struct f2m_slice){text, (size_t)len}, &value);
        F2M_HOLD(ok && strcmp(f2m_number_format(value, buf), text) == 0, "%s: %s (seed 17)", text, buf);
    }
}
END_TEST

START_TEST(every_double_fits_the_buffer)
{
    struct f2m_rng rng = {99};
    struct {
        char buf[F2M_NUMBER_SIZE], guard;
    } s = {.guard = 'g'};

    for (int i = 0; i < 50000; i++) {
        uint64_t bits = f2m_rng_next(&rng);
        double value, back;
        memcpy(&value, &bits, sizeof value);
        f2m_number_format(value, s.buf);
        F2M_HOLD(strlen(s.buf) < sizeof s.buf && s.guard == 'g', "%.17g (seed 99)", value);
        if (isfinite(value) && fabs(value) < 1e308) {
            F2M_HOLD(f2m_number_parse(f2m_slice_of(s.buf), &back), "%s", s.buf);
            F2M_HOLD(fabs(back - value) <= fabs(value) * 1e-14 + 1e-28, "%.17g: %s (seed 99)", value, s.buf);
        }
    }
}
END_TEST

/* A locale with a decimal comma changes neither direction. Debian has C.UTF-8 alone by default, so where no such
 * locale is installed this shows only that setlocale() does no harm. */
START_TEST(the_locale_is_not_asked)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_AT.UTF-8", "fr_FR.UTF-8", "nl_NL.UTF-8", "C.UTF-8"};
    char buf[F2M_NUMBER_SIZE];
    double value;

    for (size_t i = 0; i < F2M_COUNT(names) && !setlocale(LC_ALL, names[i]); i++)
        continue;
    ck_assert_str_eq(f2m_number_format(12.5, buf), "12.5");
    ck_assert(f2m_number_parse(f2m_slice_of("1234567890.12345678901234567890"), &value));
    ck_assert(value == 1234567890.1234567890123);
    ck_assert(!f2m_number_parse(f2m_slice_of("12,5"), &value));
}
END_TEST

F2M_SUITE("util/number", numbers_are_read, what_is_no_number_is_refused_and_changes_nothing, zero_has_no_sign,
          long_mantissas_round_right, reading_agrees_with_strtod, integers_are_read_within_their_range,
          numbers_are_written, decimal_digits_survive, every_double_fits_the_buffer, the_locale_is_not_asked)
