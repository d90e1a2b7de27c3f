/* Templates: what each variable and filter gives, and that nothing empty ever goes to an inverter. */
#include "suite.h"

#include "config/template.h"
#include "config/timezone.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NOW 1750372200123 /* 2025-06-19T22:30:00.123Z */

static const struct f2m_template_value list[] = {
    {.name = "mode", .kind = F2M_TEMPLATE_TEXT, .text = "DISCHARGE"},
    {.name = "power_mode", .kind = F2M_TEMPLATE_NULL},
    {.name = "setpoint_w", .kind = F2M_TEMPLATE_NUMBER, .number = 3333},
    {.name = "backup_reserve_percentage", .kind = F2M_TEMPLATE_NUMBER, .number = 20.50},
    {.name = "enable_grid_import", .kind = F2M_TEMPLATE_BOOL, .boolean = false},
    {.name = "now", .kind = F2M_TEMPLATE_TIME, .wall_ms = NOW},
    {.name = "duration_s", .kind = F2M_TEMPLATE_NUMBER, .number = 7230},
    {.name = "device_id", .kind = F2M_TEMPLATE_TEXT, .text = "x \"1\""},
};
static const struct f2m_template_values values = {list, sizeof list / sizeof list[0]};

static const struct {
    const char *text, *expected;
} good[] = {
    {"", ""},
    {"plain { text } }}", "plain { text } }}"},
    {"{{ setpoint_w }}", "3333"},
    {"{{setpoint_w}}W", "3333W"},
    {"a{{ mode }}b{{ setpoint_w }}c", "aDISCHARGEb3333c"},
    {"{{ backup_reserve_percentage }}", "20.5"},
    {"{{ enable_grid_import }}", "false"},
    {"{{ now }}", "2025-06-19T22:30:00.123Z"},
    {"{{ setpoint_w | scale(0.001) }}", "3.333"},
    {"{{ setpoint_w | scale(0.001) | round(1) }}", "3.3"},
    {"{{ setpoint_w | scale(-1) }}", "-3333"},
    {"{{ setpoint_w | scale(-0.0001) | round(0) }}", "0"},
    {"{{ setpoint_w | offset(-33) | scale(0.01) }}", "33"},
    {"{{ setpoint_w | min(3000) }}", "3000"},
    {"{{ setpoint_w | min(5000) }}", "3333"},
    {"{{ setpoint_w | max(5000) }}", "5000"},
    {"{{ setpoint_w | max( 1 ) }}", "3333"},
    {"{{ setpoint_w | percent_of(5 kW) | round(0) }}", "67"},
    {"{{ setpoint_w | percent_of(6666) }}", "50"},
    {"{{ duration_s | minutes }}", "120.5"},
    {"{{ duration_s | minutes() | round(0) }}", "121"},
    {"{{ now | local(\"%H:%M\") }}", "15:30"},
    {"{{ now | local('%Y-%m-%d %Z %z') }}", "2025-06-19 PDT -0700"},
    {"{{ power_mode | default(\"NONE\") }}", "NONE"},
    {"{{ power_mode | default(\"\") }}", ""},
    {"{{ mode | default(\"NONE\") }}", "DISCHARGE"},
    {"{{ ends_at | local(\"%H:%M\") | default(\"23:59\") }}", "23:59"},
    {"{{ remaining_s | minutes | default(5) }}", "5"},
    {"{{ remaining_s | default(\"120\") | minutes }}", "2"},
    {"{{ remaining_s | default(120) | minutes }}", "2"},
    {"{\"p\":{{ setpoint_w }}}", "{\"p\":3333}"},
    {"{{{ setpoint_w }}}", "{3333}"},
    {"{{ power_mode | default(\"a \\\"b\\\" }} c\") }}", "a \"b\" }} c"},
    {"{{ device_id }}", "x \"1\""},
    {"a{{ enable_grid_import | refuse(\"true\") }}b", "ab"},
    {"a{{ power_mode | refuse(\"SETPOINT\") }}b", "ab"},
    {"a{{ setpoint_w | refuse(3334) }}b", "ab"},
};

START_TEST(test_expand)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct f2m_err err = {""};
        f2m_autostrbuf out = {0};
        f2m_strbuf_init(&out, 0);
        ck_assert_msg(f2m_template_check(good[i].text, &err) == 0, "%s: %s", good[i].text, err.text);
        int rc = f2m_template_expand(good[i].text, &values, "America/Los_Angeles", &out, &err);
        ck_assert_msg(rc == 0, "%s: %s", good[i].text, err.text);
        ck_assert_msg(strcmp(out.data, good[i].expected) == 0, "%s: expected '%s', found '%s'", good[i].text,
                      good[i].expected, out.data);
    }
    f2m_timezone_forget_all();
}
END_TEST

static const struct {
    const char *text;
    int rc;
    const char *expected;
} failing[] = {
    {"{{ power_mode }}", -ENODATA, "power_mode has no value, and the template no default"},
    {"{{ ends_at | local(\"%H\") }}", -ENODATA, "ends_at has no value, and the template no default"},
    {"{{ remaining_s | minutes }}", -ENODATA, "remaining_s has no value, and the template no default"},
    {"{{ remaining_s | default(\"soon\") | minutes }}", -EINVAL,
     "remaining_s: minutes: expected a number, found a text"},
    {"a{{ enable_grid_import | refuse(\"false\") }}", -EINVAL,
     "enable_grid_import: refuse: the battery cannot do it where this is false"},
    {"{{ mode | refuse(\"DISCHARGE\") }}", -EINVAL, "mode: refuse: the battery cannot do it where this is DISCHARGE"},
    {"{{ setpoint_w | refuse(3333) }}", -EINVAL, "setpoint_w: refuse: the battery cannot do it where this is 3333"},
    {"{{ setpoint_w | scale(1e308) | scale(1e308) }}", -EINVAL,
     "setpoint_w: scale: expected a number, found one that is too large"},
};

START_TEST(test_fail)
{
    for (size_t i = 0; i < sizeof failing / sizeof failing[0]; i++) {
        struct f2m_err err = {""};
        f2m_autostrbuf out = {0};
        f2m_strbuf_init(&out, 0);
        ck_assert_int_eq(f2m_template_check(failing[i].text, &err), 0);
        ck_assert_int_eq(f2m_template_expand(failing[i].text, &values, NULL, &out, &err), failing[i].rc);
        ck_assert_str_eq(err.text, failing[i].expected);
    }
    f2m_timezone_forget_all();
}
END_TEST

/* What check() refuses (the configuration's tests have its words), expand() refuses too. */
START_TEST(test_malformed)
{
    static const char *const bad[] = {"{{",          "{{ }}", "{{ nope }}", "{{ mode | }}", "{{ mode | scale(2) }}",
                                      "{{ mode x }}"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct f2m_err err;
        f2m_autostrbuf out = {0};
        f2m_strbuf_init(&out, 0);
        ck_assert_int_eq(f2m_template_check(bad[i], &err), -EINVAL);
        ck_assert_int_eq(f2m_template_expand(bad[i], &values, NULL, &out, &err), -EINVAL);
    }
}
END_TEST

START_TEST(test_overflow)
{
    struct f2m_err err;
    f2m_autostrbuf out = {0};

    f2m_strbuf_init(&out, 5);
    ck_assert_int_eq(f2m_template_expand("{{ mode }}", &values, NULL, &out, &err), -EINVAL);
    ck_assert_str_eq(err.text, "expected at most 5 bytes, found more");
}
END_TEST

RUN_SUITE("template", test_expand, test_fail, test_malformed, test_overflow)
