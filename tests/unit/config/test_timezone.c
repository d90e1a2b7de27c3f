/* Local times by the TZ database, without the process's own zone, in summer and winter, now and far ahead. */
#include "suite.h"

#include "config/posix_tz.h"
#include "config/timezone.h"

#include <string.h>

static void expect(const char *zone, int64_t unix_s, const char *expected)
{
    struct f2m_err err;
    struct tm local;
    char text[64];

    const struct f2m_timezone *tz = f2m_timezone_find(zone, &err);
    ck_assert_msg(tz != NULL, "%s", err.text);
    f2m_timezone_local(tz, unix_s * 1000, &local);
    strftime(text, sizeof text, "%F %T %z %Z", &local);
    ck_assert_msg(strcmp(text, expected) == 0, "%s at %lld: expected %s, found %s", zone, (long long)unix_s, expected,
                  text);
}

START_TEST(test_edges)
{
    /* 2025-03-09 10:00Z: 02:00 becomes 03:00 */
    expect("America/Los_Angeles", 1741514399, "2025-03-09 01:59:59 -0800 PST");
    expect("America/Los_Angeles", 1741514400, "2025-03-09 03:00:00 -0700 PDT");
    /* 2025-11-02 09:00Z: 02:00 becomes 01:00 */
    expect("America/Los_Angeles", 1762073999, "2025-11-02 01:59:59 -0700 PDT");
    expect("America/Los_Angeles", 1762074000, "2025-11-02 01:00:00 -0800 PST");
    expect("Europe/Berlin", 1743296399, "2025-03-30 01:59:59 +0100 CET");
    expect("Europe/Berlin", 1743296400, "2025-03-30 03:00:00 +0200 CEST");
    expect("Europe/Berlin", 1761440399, "2025-10-26 02:59:59 +0200 CEST");
    expect("Europe/Berlin", 1761440400, "2025-10-26 02:00:00 +0100 CET");
    /* Half an hour of summer time, in the southern year. */
    expect("Australia/Lord_Howe", 1743865199, "2025-04-06 01:59:59 +1100 +11");
    expect("Australia/Lord_Howe", 1743865200, "2025-04-06 01:30:00 +1030 +1030");
    expect("Australia/Lord_Howe", 1759591799, "2025-10-05 01:59:59 +1030 +1030");
    expect("Australia/Lord_Howe", 1759591800, "2025-10-05 02:30:00 +1100 +11");
    f2m_timezone_forget_all();
}
END_TEST

START_TEST(test_far)
{
    /* Beyond the table: the rule at the file's end. */
    expect("America/Los_Angeles", 4118083200, "2100-06-30 17:00:00 -0700 PDT");
    expect("America/Los_Angeles", 4102444800, "2099-12-31 16:00:00 -0800 PST");
    expect("Australia/Lord_Howe", 4118083200, "2100-07-01 10:30:00 +1030 +1030");
    expect("Australia/Lord_Howe", 4102444800, "2100-01-01 11:00:00 +1100 +11");
    expect("Europe/Berlin", 0, "1970-01-01 01:00:00 +0100 CET");
    expect("Asia/Kolkata", 1750372200, "2025-06-20 04:00:00 +0530 IST");
    expect("UTC", -1, "1969-12-31 23:59:59 +0000 UTC");
    f2m_timezone_forget_all();
}
END_TEST

/* All through 2020 to 2045 it says the same as the C library. */
START_TEST(test_against_the_c_library)
{
    static const char *const names[] = {"America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe",
                                        "Europe/Dublin",       "America/Nuuk",  "Africa/Casablanca",
                                        "Pacific/Chatham",     "Asia/Tehran"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct f2m_err err;
        const struct f2m_timezone *tz = f2m_timezone_find(names[i], &err);
        ck_assert_msg(tz != NULL, "%s", err.text);
        setenv("TZ", names[i], 1);
        tzset();
        for (time_t t = 1577836800; t < 2366841600; t += 5 * 3600 + 900) {
            struct tm ours, theirs;
            f2m_timezone_local(tz, (int64_t)t * 1000 + 999, &ours);
            localtime_r(&t, &theirs);
            if (ours.tm_gmtoff != theirs.tm_gmtoff || ours.tm_hour != theirs.tm_hour ||
                ours.tm_yday != theirs.tm_yday || ours.tm_isdst != theirs.tm_isdst ||
                strcmp(ours.tm_zone, theirs.tm_zone) != 0)
                ck_abort_msg("%s at %lld: %ld %s and %ld %s", names[i], (long long)t, ours.tm_gmtoff, ours.tm_zone,
                             theirs.tm_gmtoff, theirs.tm_zone);
        }
    }
    f2m_timezone_forget_all();
}
END_TEST

START_TEST(test_names)
{
    static const char *const bad[] = {"",        "/etc/localtime", "../../etc/passwd", "America/Los_Angelos",
                                      "America", "zone.tab"};
    struct f2m_err err;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_ptr_null(f2m_timezone_find(bad[i], &err));
    f2m_timezone_find("America/Los_Angelos", &err);
    ck_assert_str_eq(err.text, "time zone 'America/Los_Angelos': cannot read: No such file or directory");
    f2m_timezone_find("America", &err);
    ck_assert_str_eq(err.text, "time zone 'America': expected a regular file, found a folder");
    f2m_timezone_find("zone.tab", &err);
}
END_TEST

START_TEST(test_system)
{
    struct f2m_err err;
    struct tm local;

    setenv("TZ", "Europe/Berlin", 1);
    const struct f2m_timezone *tz = f2m_timezone_find(NULL, &err);
    ck_assert_ptr_nonnull(tz);
    f2m_timezone_local(tz, 0, &local);
    ck_assert_int_eq(local.tm_gmtoff, 3600);
    f2m_timezone_forget_all();
    unsetenv("TZ");
    ck_assert_ptr_nonnull(f2m_timezone_find(NULL, &err));
    f2m_timezone_forget_all();
}
END_TEST

START_TEST(test_posix)
{
    static const char *const bad[] = {"",
                                      "X5",
                                      "EST",
                                      "EST5EDT",
                                      "EST5EDT,M3.2.0",
                                      "EST168",
                                      "<+1>-1x",
                                      "<ab",
                                      "EST5EDT,M13.2.0,M11.1.0",
                                      "EST5EDT,M3.6.0,M11.1.0",
                                      "EST5EDT,M3.2.7,M11.1.0",
                                      "EST5EDT,J0,J2",
                                      "EST5EDT,366,1"};
    struct f2m_posix_tz tz;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!f2m_posix_tz_parse(bad[i], &tz), "%s", bad[i]);
    ck_assert(f2m_posix_tz_parse("<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", &tz));
    ck_assert_int_eq(tz.start.time, -7200);
    ck_assert_int_eq(tz.summer.seconds, -7200);
    ck_assert(f2m_posix_tz_parse("EST5EDT,J60/24,300/0:30:15", &tz));
    ck_assert_int_eq(tz.end.time, 1815);
    /* Day 60 without leap days is the first of March, in 2024 and in 2025: 24 hours later, on the second, it begins. */
    ck_assert(!f2m_posix_tz_at(&tz, 1709355599)->dst && f2m_posix_tz_at(&tz, 1709355600)->dst);
    ck_assert(!f2m_posix_tz_at(&tz, 1740891599)->dst && f2m_posix_tz_at(&tz, 1740891600)->dst);
}
END_TEST

RUN_SUITE("timezone", test_edges, test_far, test_against_the_c_library, test_names, test_system, test_posix)
