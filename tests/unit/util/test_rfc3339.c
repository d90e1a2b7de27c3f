/* Date-times are read strictly in the forms that Flip sends, and written in one. */
#include "suite.h"

#include "util/rfc3339.h"
#include "util/rng.h"

#include <stdio.h>
#include <time.h>

#define LAST INT64_C(253402300799999)

static const struct {
    const char *text;
    int64_t ms;
} good[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01T00:00:00.001Z", 1},
    {"2019-08-24T14:15:22Z", INT64_C(1566656122000)},
    {"2025-04-30 12:00:00.000Z", INT64_C(1746014400000)},
    {"2025-04-30T12:00:00.123Z", INT64_C(1746014400123)},
    {"2025-06-19T15:30:00-07:00", INT64_C(1750372200000)},
    {"2025-06-20T00:30:00+02:00", INT64_C(1750372200000)},
    {"2025-06-19T22:30:00-00:00", INT64_C(1750372200000)},
    {"2025-06-19T22:30:00+00:00", INT64_C(1750372200000)},
    {"2025-06-20T22:29:00+23:59", INT64_C(1750372200000)},
    {"2025-04-30T12:00:00.1Z", INT64_C(1746014400100)},
    {"2025-04-30T12:00:00.12Z", INT64_C(1746014400120)},
    {"2025-04-30T12:00:00.1239Z", INT64_C(1746014400123)},
    {"2025-04-30T12:00:00.999999999Z", INT64_C(1746014400999)},
    {"2024-02-29T00:00:00Z", INT64_C(1709164800000)},
    {"2000-02-29T00:00:00Z", INT64_C(951782400000)},
    {"2023-12-31T23:59:59.999Z", INT64_C(1704067199999)},
    {"2016-12-31T23:59:60Z", INT64_C(1483228799999)},
    {"2016-12-31T23:59:60.5Z", INT64_C(1483228799999)},
    {"2017-01-01T00:59:60+01:00", INT64_C(1483228799999)},
    {"9999-12-31T23:59:59.999Z", LAST},
};

static const char *const bad[] = {
    "",
    "2025",
    "2025-04-30",
    "2025-04-30T",
    "2025-04-30T12:00Z",
    "2025-04-30T12:00:00",
    "2025-04-30T12:00:00.Z",
    "2025-04-30T12:00:00.1234567890Z",
    "2025-04-30T12:00:00,5Z",
    "2025-04-30T12:00:00z",
    "2025-04-30t12:00:00Z",
    "2025-04-30_12:00:00Z",
    "2025-04-30  12:00:00Z",
    " 2025-04-30T12:00:00Z",
    "2025-04-30T12:00:00Z ",
    "2025-04-30T12:00:00ZZ",
    "2025-04-30T12:00:00 Z",
    "2025-04-30T12:00:00+02",
    "2025-04-30T12:00:00+0200",
    "2025-04-30T12:00:00+02:0",
    "2025-04-30T12:00:00+02:000",
    "2025-04-30T12:00:00+24:00",
    "2025-04-30T12:00:00+02:60",
    "2025-04-30T12:00:00~02:00",
    "2025-04-30T24:00:00Z",
    "2025-04-30T12:60:00Z",
    "2025-04-30T12:00:61Z",
    "2025-04-30T12:00:60Z",      /* no leap second at noon */
    "2025-04-30T23:59:60+01:00", /* nor at 22:59 UTC */
    "2025-00-30T12:00:00Z",
    "2025-13-30T12:00:00Z",
    "2025-04-00T12:00:00Z",
    "2025-04-31T12:00:00Z",
    "2025-02-29T12:00:00Z",
    "2025-02-31T12:00:00Z",
    "2100-02-29T12:00:00Z",
    "1900-02-29T12:00:00Z",
    "1969-12-31T23:59:59Z",
    "1970-01-01T00:00:00+00:01", /* before 1970 in UTC */
    "9999-12-31T23:59:59-00:01", /* after 9999 in UTC */
    "12025-04-30T12:00:00Z",
    "-2025-04-30T12:00:00Z",
    "+2025-04-30T12:00:00Z",
    "2025-4-30T12:00:00Z",
    "2025-04-30T1:00:00Z",
    "2025-04-30T12:0:00Z",
    "2025-0a-30T12:00:00Z",
    "2025-04-30T-1:00:00Z",
    "1746014400",
    "now",
    "0000-00-00T00:00:00Z",
};

START_TEST(date_times_are_read)
{
    for (size_t i = 0; i < F2M_COUNT(good); i++) {
        int64_t ms = -1;
        bool ok = f2m_rfc3339_parse(f2m_slice_of(good[i].text), &ms);
        ck_assert_msg(ok && ms == good[i].ms, "%s: %lld", good[i].text, (long long)ms);
    }
}
END_TEST

START_TEST(anything_else_is_refused_and_changes_nothing)
{
    int64_t ms = 42;

    for (size_t i = 0; i < F2M_COUNT(bad); i++)
        ck_assert_msg(!f2m_rfc3339_parse(f2m_slice_of(bad[i]), &ms), "%s: %lld", bad[i], (long long)ms);
    ck_assert(!f2m_rfc3339_parse((struct f2m_slice){NULL, 0}, &ms));
    ck_assert(!f2m_rfc3339_parse((struct f2m_slice){"2025-04-30T12:00:00Z\0", 21}, &ms));
    ck_assert_int_eq(ms, 42);
}
END_TEST

START_TEST(every_cut_is_refused)
{
    static const char text[] = "2025-06-19T15:30:00.123456789-07:00";
    int64_t ms;

    for (size_t len = 0; len < sizeof text - 1; len++) {
        char *exact = malloc(len + !len);
        memcpy(exact, text, len);
        ck_assert(!f2m_rfc3339_parse((struct f2m_slice){exact, len}, &ms));
        free(exact);
    }
}
END_TEST

START_TEST(a_date_alone_is_midnight_utc)
{
    int64_t ms;

    ck_assert(f2m_rfc3339_parse_date(f2m_slice_of("2022-02-22"), &ms));
    ck_assert_int_eq(ms, INT64_C(1645488000000));
    ck_assert(f2m_rfc3339_parse_date(f2m_slice_of("2025-06-19T15:30:00-07:00"), &ms));
    ck_assert_int_eq(ms, INT64_C(1750372200000));
    ck_assert(!f2m_rfc3339_parse_date(f2m_slice_of("2025-02-29"), &ms));
    ck_assert(!f2m_rfc3339_parse_date(f2m_slice_of("2025-02-2"), &ms));
    ck_assert(!f2m_rfc3339_parse_date(f2m_slice_of("2025-02-22 "), &ms));
    ck_assert(!f2m_rfc3339_parse_date(f2m_slice_of("22.02.2022"), &ms));
    ck_assert(!f2m_rfc3339_parse_date(f2m_slice_of(""), &ms));
}
END_TEST

START_TEST(times_are_written_in_one_form)
{
    char buf[F2M_RFC3339_SIZE];

    ck_assert_str_eq(f2m_rfc3339_format(0, buf), "1970-01-01T00:00:00.000Z");
    ck_assert_str_eq(f2m_rfc3339_format(INT64_C(1746014400007), buf), "2025-04-30T12:00:00.007Z");
    ck_assert_str_eq(f2m_rfc3339_format(INT64_C(1709164800000), buf), "2024-02-29T00:00:00.000Z");
    ck_assert_str_eq(f2m_rfc3339_format(LAST, buf), "9999-12-31T23:59:59.999Z");
    /* what the form cannot say is held at its ends */
    ck_assert_str_eq(f2m_rfc3339_format(INT64_MAX, buf), "9999-12-31T23:59:59.999Z");
    ck_assert_str_eq(f2m_rfc3339_format(INT64_MIN, buf), "1970-01-01T00:00:00.000Z");
}
END_TEST

START_TEST(random_times_survive_and_agree_with_libc)
{
    struct f2m_rng rng = {20240229};
    char buf[F2M_RFC3339_SIZE], expected[64];

    for (int i = 0; i < 20000; i++) {
        int64_t ms = f2m_rng_below(&rng, LAST + 1), back;
        time_t seconds = (time_t)(ms / 1000);
        struct tm tm;
        gmtime_r(&seconds, &tm);
        size_t len = strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(expected + len, sizeof expected - len, ".%03dZ", (int)(ms % 1000));
        F2M_HOLD(strcmp(f2m_rfc3339_format(ms, buf), expected) == 0, "%s, %s (seed 20240229)", buf, expected);
        F2M_HOLD(f2m_rfc3339_parse(f2m_slice_of(buf), &back) && back == ms, "%s (seed 20240229)", buf);
    }
}
END_TEST

/* Each day of 400 years follows the one before, and the day after a month's last is refused. */
START_TEST(the_calendar_has_no_gaps)
{
    char buf[F2M_RFC3339_SIZE];
    int64_t ms = 0, read;

    for (int day = 0; day < 146097; day++, ms += 86400000) {
        f2m_rfc3339_format(ms, buf);
        F2M_HOLD(f2m_rfc3339_parse_date((struct f2m_slice){buf, 10}, &read) && read == ms, "%s", buf);
    }
    ck_assert_str_eq(f2m_rfc3339_format(ms, buf), "2370-01-01T00:00:00.000Z");
}
END_TEST

F2M_SUITE("util/rfc3339", date_times_are_read, anything_else_is_refused_and_changes_nothing, every_cut_is_refused,
          a_date_alone_is_midnight_utc, times_are_written_in_one_form, random_times_survive_and_agree_with_libc,
          the_calendar_has_no_gaps)
