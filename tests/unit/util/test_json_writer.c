/* What the writer writes is JSON that our scanner accepts and reads back as it was given. */
#include "suite.h"

#include "util/json.h"
#include "util/json_writer.h"

#include <math.h>

static struct f2m_strbuf out;

static void setup(void)
{
    f2m_strbuf_init(&out, 0);
}

static void teardown(void)
{
    f2m_strbuf_deinit(&out);
}

static void assert_written(const char *expected)
{
    struct f2m_err err;

    ck_assert(!out.overflow);
    ck_assert_str_eq(out.data, expected);
    ck_assert_msg(f2m_json_check((struct f2m_slice){out.data, out.len}, &err) == 0, "%s", err.text);
}

START_TEST(commas_and_names_are_kept_by_the_writer)
{
    struct f2m_jw w = f2m_jw(&out);

    f2m_jw_object(&w, NULL);
    f2m_jw_string(&w, "state", "pending");
    f2m_jw_number(&w, "duration_s", 300);
    f2m_jw_array(&w, "list");
    f2m_jw_integer(&w, NULL, -9007199254740993);
    f2m_jw_bool(&w, NULL, true);
    f2m_jw_bool(&w, NULL, false);
    f2m_jw_null(&w, NULL);
    f2m_jw_object(&w, NULL);
    f2m_jw_end(&w);
    f2m_jw_array(&w, NULL);
    f2m_jw_end(&w);
    f2m_jw_end(&w);
    f2m_jw_time(&w, "timestamp", INT64_C(1746014400123));
    f2m_jw_string(&w, "reason", NULL);
    f2m_jw_raw(&w, "command", f2m_slice_of("{\"id\": 1}"));
    f2m_jw_number(&w, "nan", NAN);
    f2m_jw_end(&w);
    ck_assert_int_eq(w.depth, 0);
    assert_written("{\"state\":\"pending\",\"duration_s\":300,\"list\":[-9007199254740993,true,false,null,{},[]],"
                   "\"timestamp\":\"2025-04-30T12:00:00.123Z\",\"reason\":null,\"command\":{\"id\": 1},\"nan\":null}");
}
END_TEST

START_TEST(a_name_may_be_any_text)
{
    struct f2m_jw w = f2m_jw(&out);

    f2m_jw_object(&w, NULL);
    f2m_jw_key_text(&w, f2m_slice_of("a\"b\\\n"));
    f2m_jw_integer(&w, NULL, 1);
    f2m_jw_key_text(&w, f2m_slice_of(""));
    f2m_jw_array(&w, NULL);
    f2m_jw_end(&w);
    f2m_jw_integer(&w, "z", 2);
    f2m_jw_end(&w);
    assert_written("{\"a\\\"b\\\\\\n\":1,\"\":[],\"z\":2}");
}
END_TEST

static const struct {
    const char *text;
    size_t len;
    const char *json;
} texts[] = {
    {"", 0, "\"\""},
    {"plain /", 7, "\"plain /\""},
    {"\"\\\b\f\n\r\t\x01\x1F\x7F", 10, "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\x7F\""},
    {"\xC3\xBC \xE2\x82\xAC \xF0\x9F\x94\x8B", 11, "\"\xC3\xBC \xE2\x82\xAC \xF0\x9F\x94\x8B\""},
    /* what our own scanner would refuse becomes U+FFFD: bad UTF-8 (a byte each) and NUL */
    {"a\xFFz", 3, "\"a\xEF\xBF\xBDz\""},
    {"a\xE2\x82", 3, "\"a\xEF\xBF\xBD\xEF\xBF\xBD\""},
    {"a\0z", 3, "\"a\xEF\xBF\xBDz\""},
};

START_TEST(text_is_escaped)
{
    for (size_t i = 0; i < F2M_COUNT(texts); i++) {
        struct f2m_jw w = f2m_jw(&out);
        f2m_strbuf_reset(&out);
        f2m_jw_text(&w, NULL, (struct f2m_slice){texts[i].text, texts[i].len});
        assert_written(texts[i].json);
    }
}
END_TEST

START_TEST(every_byte_survives_a_round_trip)
{
    f2m_autostrbuf text, back;
    struct f2m_err err;

    f2m_strbuf_init(&text, 0);
    f2m_strbuf_init(&back, 0);
    for (unsigned c = 1; c < 0x80; c++)
        f2m_strbuf_addc(&text, (char)c);
    f2m_strbuf_adds(&text, "\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xF0\x90\x80\x80\xF4\x8F\xBF\xBF");
    struct f2m_jw w = f2m_jw(&out);
    f2m_jw_string(&w, NULL, text.data);
    struct f2m_slice json = {out.data, out.len};
    ck_assert_int_eq(f2m_json_check(json, &err), 0);
    ck_assert(f2m_json_string(json, &back));
    ck_assert_str_eq(back.data, text.data);
}
END_TEST

START_TEST(numbers_survive_a_round_trip)
{
    static const double values[] = {0,      1,    -1,   0.1,    12.5,     472.851013184,    6369400, 1e-7,
                                    -1e-12, 1e15, 1e22, -1e300, 123456.7, 999999999999999., 5e-9,    1.0 / 1024};

    for (size_t i = 0; i < F2M_COUNT(values); i++) {
        struct f2m_jw w = f2m_jw(&out);
        struct f2m_err err;
        double back;
        f2m_strbuf_reset(&out);
        f2m_jw_number(&w, NULL, values[i]);
        struct f2m_slice json = {out.data, out.len};
        ck_assert_msg(f2m_json_check(json, &err) == 0, "%s: %s", out.data, err.text);
        ck_assert(f2m_json_number(json, &back));
        ck_assert_msg(back == values[i], "%s", out.data);
    }
}
END_TEST

START_TEST(a_text_that_does_not_fit_says_so)
{
    f2m_autostrbuf small;

    f2m_strbuf_init(&small, 10);
    struct f2m_jw w = f2m_jw(&small);
    f2m_jw_object(&w, NULL);
    f2m_jw_string(&w, "name", "far too long");
    f2m_jw_end(&w);
    ck_assert(small.overflow);
    ck_assert_uint_le(small.len, 10);
}
END_TEST

START_TEST(nesting_is_bounded)
{
    struct f2m_jw w = f2m_jw(&out);

    for (int i = 0; i < F2M_JW_DEPTH; i++)
        f2m_jw_array(&w, NULL);
    ck_assert(!out.overflow);
    f2m_jw_object(&w, NULL);
    ck_assert(out.overflow);

    f2m_strbuf_reset(&out);
    w = f2m_jw(&out);
    f2m_jw_end(&w);
    ck_assert(out.overflow);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        commas_and_names_are_kept_by_the_writer,
        a_name_may_be_any_text,
        text_is_escaped,
        every_byte_survives_a_round_trip,
        numbers_survive_a_round_trip,
        a_text_that_does_not_fit_says_so,
        nesting_is_bounded,
    };
    Suite *suite = suite_create("util/json writer");
    TCase *tcase = tcase_create("json writer");

    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < F2M_COUNT(tests); i++)
        tcase_add_test(tcase, tests[i]);
    tcase_set_timeout(tcase, F2M_TIMEOUT);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
