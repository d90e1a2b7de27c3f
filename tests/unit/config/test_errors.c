/* Every mistake in a configuration is told with its place, what was found and what was expected, in exact words. */
#include "fixture.h"
#include "suite.h"

#include "config/timezone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * cases/NAME.txt: "=== title", perhaps "@env NAME=value" lines, the configuration, ">>>", and the lines of findings.
 */
struct one_case {
    const char *title, *yaml, *expected;
    char *environment[8];
};

/* Cuts the next case out of *rest; false at the end. */
static bool next_case(char **rest, struct one_case *out)
{
    char *at = *rest;
    size_t n = 0;

    if (!at || strncmp(at, "=== ", 4) != 0)
        return false;
    *out = (struct one_case){.title = at + 4};
    at = strchr(at, '\n');
    *at++ = '\0';
    while (strncmp(at, "@env ", 5) == 0) {
        out->environment[n++] = at + 5;
        at = strchr(at, '\n');
        *at++ = '\0';
    }
    out->yaml = at;
    char *separator = strstr(at, "\n>>>\n");
    ck_assert_msg(separator != NULL, "%s: no >>>", out->title);
    separator[1] = '\0';
    out->expected = separator + 5;
    char *next = strstr(separator + 4, "\n=== ");
    if (next)
        next[0] = '\0';
    if (next == separator + 4)
        out->expected = next; /* no finding is expected */
    *rest = next ? next + 1 : NULL;
    return true;
}

static bool check_case(const struct one_case *c)
{
    struct f2m_findings findings;
    f2m_autostrbuf lines = {0};

    struct f2m_config *config = fixture_load(c->yaml, c->environment, &findings);
    f2m_strbuf_init(&lines, 0);
    fixture_lines(&findings, &lines);
    bool any_error = f2m_findings_any_error(&findings);
    f2m_findings_free(&findings);
    ck_assert_msg((config == NULL) == any_error, "%s: a configuration and an error, or neither", c->title);
    f2m_config_free(config);
    /* The last line end was cut with the separator of the next case, or is the file's own. */
    size_t expected = strlen(c->expected);
    while (expected && c->expected[expected - 1] == '\n')
        expected--;
    bool same = lines.len == expected + (expected > 0) && memcmp(lines.data, c->expected, expected) == 0;
    if (!same)
        fprintf(stderr, "=== %s\nexpected:\n%s\nfound:\n%s", c->title, c->expected, lines.data);
    return same;
}

static void check_file(const char *name, int at_least)
{
    char path[512];
    struct one_case c;
    int cases = 0, wrong = 0;

    snprintf(path, sizeof path, F2M_SOURCE_DIR "/tests/unit/config/cases/%s.txt", name);
    char *text = fixture_read_file(path), *rest = text;
    fixture_enter();
    while (next_case(&rest, &c)) {
        cases++;
        wrong += !check_case(&c);
    }
    free(text);
    f2m_timezone_forget_all();
    ck_assert_int_ge(cases, at_least);
    ck_assert_msg(wrong == 0, "%d of %d cases in %s", wrong, cases, path);
}

#define CASES(name, at_least)                                                                                          \
    START_TEST(test_##name)                                                                                            \
    {                                                                                                                  \
        check_file(#name, at_least);                                                                                   \
    }                                                                                                                  \
    END_TEST

CASES(yaml, 25)
CASES(bridge, 50)
CASES(secrets, 15)
CASES(device, 25)
CASES(source, 45)
CASES(control, 35)
CASES(preset, 10)
CASES(warnings, 5)

RUN_SUITE("errors", test_yaml, test_bridge, test_secrets, test_device, test_source, test_control, test_preset,
          test_warnings)
