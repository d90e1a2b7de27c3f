/* A hostile configuration costs bounded memory and time, and ends in an error that says why. */
#include "fixture.h"
#include "suite.h"

#include <string.h>

static void expect(const char *yaml, const char *part)
{
    struct f2m_findings findings;
    f2m_autostrbuf lines = {0};

    ck_assert_ptr_null(fixture_load(yaml, NULL, &findings));
    f2m_strbuf_init(&lines, 0);
    fixture_lines(&findings, &lines);
    f2m_findings_free(&findings);
    ck_assert_msg(strstr(lines.data, part) != NULL, "expected '%s' in:\n%s", part, lines.data);
}

START_TEST(test_laughs)
{
    fixture_enter();
    expect("a: &a [x, x, x, x, x, x, x, x, x, x]\n"
           "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
           "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
           "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
           "e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n"
           "f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]\n"
           "g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]\n",
           "test.yaml:7:7: error: expected at most 2000000 values, aliases written out, found more");
}
END_TEST

START_TEST(test_depth)
{
    f2m_autostrbuf yaml = {0};

    fixture_enter();
    f2m_strbuf_init(&yaml, 0);
    for (int i = 0; i < 60; i++)
        f2m_strbuf_addc(&yaml, '[');
    expect(yaml.data, "test.yaml:1:49: error: expected at most 48 levels, found more");
    f2m_strbuf_reset(&yaml);
    for (int i = 0; i < 100000; i++)
        f2m_strbuf_adds(&yaml, "- ");
    expect(yaml.data, "error: ");
}
END_TEST

START_TEST(test_size)
{
    f2m_autostrbuf yaml = {0};

    fixture_enter();
    f2m_strbuf_init(&yaml, 0);
    while (yaml.len <= 8u << 20)
        f2m_strbuf_adds(&yaml, "# a comment that goes on and on and says nothing at all\n");
    expect(yaml.data, "test.yaml:1:1: error: expected at most 8388608 bytes, found ");
}
END_TEST

START_TEST(test_many_errors)
{
    struct f2m_findings findings;
    f2m_autostrbuf yaml = {0};

    fixture_enter();
    f2m_strbuf_init(&yaml, 0);
    f2m_strbuf_adds(&yaml, "flip: { token: x }\n");
    for (int i = 0; i < 300; i++)
        f2m_strbuf_addf(&yaml, "wrong_%d: x\n", i);
    ck_assert_ptr_null(fixture_load(yaml.data, NULL, &findings));
    ck_assert_uint_eq(findings.len, 200);
    ck_assert_str_eq(findings.list[199].message, "and 101 more findings; they show when these are mended");
    f2m_findings_free(&findings);
}
END_TEST

/* Quadratic duplicate checks would take minutes here. */
START_TEST(test_many_keys)
{
    f2m_autostrbuf yaml = {0};

    fixture_enter();
    f2m_strbuf_init(&yaml, 0);
    for (int i = 0; i < 30000; i++)
        f2m_strbuf_addf(&yaml, "key_%d: x\n", i);
    f2m_strbuf_adds(&yaml, "key_5: y\n");
    expect(yaml.data, "duplicate key 'key_5'");
}
END_TEST

START_TEST(test_many_devices)
{
    f2m_autostrbuf yaml = {0};

    fixture_enter();
    f2m_strbuf_init(&yaml, 0);
    f2m_strbuf_adds(&yaml, "flip: { token: x }\nsites: [ { id: a, devices: [");
    for (int i = 0; i < 100000; i++)
        f2m_strbuf_adds(&yaml, "{},");
    f2m_strbuf_adds(&yaml, "] } ]\n");
    expect(yaml.data, "devices: expected fewer entries, found 100000: all lists together may take 256 MB");
}
END_TEST

START_TEST(test_strange_bytes)
{
    fixture_enter();
    expect("flip: {\xff}\n", "test.yaml:1:8: error: expected UTF-8 text, found the byte 0xff");
    expect("a: 1\nb: \x01\n", "test.yaml:2:4: error: expected UTF-8 text, found the byte 0x01");
}
END_TEST

RUN_SUITE("bounds", test_laughs, test_depth, test_size, test_many_errors, test_many_keys, test_many_devices,
          test_strange_bytes)
