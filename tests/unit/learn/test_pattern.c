/* Which topics a preset's topic stands for, and what its parameters are in them. */
#include "config/topic_pattern.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "A/x/B" with upper-case letters as parameters; wide ones are those in `wide`. */
static struct f2m_pattern pattern_of(const char *text, const char *wide)
{
    struct f2m_pattern p = {.open = strlen(text) > 2 && strcmp(text + strlen(text) - 2, "/#") == 0};
    const char *end = text + strlen(text) - (p.open ? 2 : 0);

    while (text < end) {
        size_t len = strcspn(text, "ABC");
        len = len > (size_t)(end - text) ? (size_t)(end - text) : len;
        if (len)
            p.parts[p.len++] = (struct f2m_pattern_part){.text = {text, len}, .parameter = -1};
        text += len;
        if (text < end) {
            p.parts[p.len++] = (struct f2m_pattern_part){.parameter = *text - 'A', .wide = strchr(wide, *text) != NULL};
            text++;
        }
    }
    return p;
}

static const struct {
    const char *pattern, *wide, *topic;
    const char *a, *b; /* NULL = it does not match; "" = not in the pattern */
} cases[] = {
    {"x/y", "", "x/y", "", ""},
    {"x/y", "", "x/y/z", NULL, NULL},
    {"x/y", "", "x", NULL, NULL},
    {"A/power", "", "deye/power", "deye", ""},
    {"A/power", "", "deye/1/power", NULL, NULL},
    {"A/power", "A", "deye/1/power", "deye/1", ""},
    {"A/power", "A", "/power", NULL, NULL},
    {"A/power", "A", "//power", "/", ""},
    {"A", "A", "/envoy/json", "/envoy/json", ""},
    {"A/B/Power", "A", "Giv/Energy/SA1/Power", "Giv/Energy", "SA1"},
    {"A/B/B/Power", "A", "G/SA1/SA1/Power", "G", "SA1"},
    {"A/B/B/Power", "A", "G/SA1/SA2/Power", NULL, NULL},
    {"A/B_plant/state", "A", "s/sigen_0_plant/state", "s", "sigen_0"},
    {"A/B_plant/state", "A", "s/_plant/state", NULL, NULL},
    {"A/B_x/s", "A", "p/a_x_x/s", "p", "a_x"},
    {"N/A/system/#", "", "N/e0ff/system/0/Serial", "e0ff", ""},
    {"N/A/system/#", "", "N/e0ff/system", NULL, NULL},
    {"N/A/system/#", "", "N/e0ff/system/", NULL, NULL},
    {"A/site/B", "AB", "evcc/site/battery/soc", "evcc", "battery/soc"},
    {"A/power", "A", "", NULL, NULL},
};

static void check_capture(const struct f2m_captures *captures, int index, const char *expected, const char *topic)
{
    struct f2m_slice found = captures->of[index];

    if (*expected)
        ck_assert_msg(f2m_slice_is(found, expected), "%s: found '%.*s', expected '%s'", topic, (int)found.len,
                      found.at ? found.at : "", expected);
    else
        ck_assert_ptr_null(found.at);
}

START_TEST(test_match)
{
    struct f2m_pattern p = pattern_of(cases[_i].pattern, cases[_i].wide);
    struct f2m_captures captures;
    bool matches = f2m_pattern_match(&p, f2m_slice_of(cases[_i].topic), &captures);

    ck_assert_msg(matches == (cases[_i].a != NULL), "%s and %s", cases[_i].pattern, cases[_i].topic);
    if (!matches)
        return;
    check_capture(&captures, 0, cases[_i].a, cases[_i].topic);
    check_capture(&captures, 1, cases[_i].b, cases[_i].topic);
}
END_TEST

/* A topic that is longer than any system's is passed over, however well it fits. */
START_TEST(test_long_topics_match_nothing)
{
    struct f2m_pattern p = pattern_of("A/power", "A");
    struct f2m_captures captures;
    char topic[400];

    for (size_t len = 250; len < 270; len++) {
        snprintf(topic, sizeof topic, "%0*d/power", (int)len - 6, 7);
        ck_assert_uint_eq(strlen(topic), len);
        ck_assert_int_eq(f2m_pattern_match(&p, f2m_slice_of(topic), &captures), len <= F2M_PATTERN_TOPIC_MAX);
    }
}
END_TEST

START_TEST(test_globs)
{
    static const struct {
        const char *glob, *text;
        bool matches;
    } globs[] = {
        {"", "", true},           {"*", "", true},           {"a*", "abc", true},        {"a*", "ba", false},
        {"*soc", "my_soc", true}, {"*soc", "socket", false}, {"b*p*r", "bpower", true},  {"b*p*r", "bower", false},
        {"**a", "a", true},       {"a", "a*", false},        {"a*b*c", "aXbXbXc", true},
    };

    for (size_t i = 0; i < sizeof globs / sizeof globs[0]; i++)
        ck_assert_msg(f2m_glob_match(globs[i].glob, f2m_slice_of(globs[i].text)) == globs[i].matches, "%s and %s",
                      globs[i].glob, globs[i].text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("learn");
    TCase *tcase = tcase_create("pattern");

    tcase_add_loop_test(tcase, test_match, 0, (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(tcase, test_long_topics_match_nothing);
    tcase_add_test(tcase, test_globs);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
