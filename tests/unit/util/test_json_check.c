/* The scanner accepts exactly RFC 8259 within our limits, says where and what is wrong, and reads what cJSON reads. */
#include "suite.h"

#include "util/json.h"

#include <cjson/cJSON.h>

#define TEXT(literal)                                                                                                  \
    {                                                                                                                  \
        literal, sizeof literal - 1                                                                                    \
    }

/* After JSONTestSuite's y_ files, and our own edges. */
static const struct f2m_slice good[] = {
    TEXT("[[]   ]"),
    TEXT("[\"\"]"),
    TEXT("[]"),
    TEXT("[\"a\"]"),
    TEXT("[false]"),
    TEXT("[null, 1, \"1\", {}]"),
    TEXT("[null]"),
    TEXT("[1\n]"),
    TEXT(" [1]"),
    TEXT("[1,null,null,null,2]"),
    TEXT("[2] "),
    TEXT("[123e65]"),
    TEXT("[0e+1]"),
    TEXT("[0e1]"),
    TEXT("[ 4]"),
    TEXT("[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]"),
    TEXT("[20e1]"),
    TEXT("[-0]"),
    TEXT("[-123]"),
    TEXT("[-1]"),
    TEXT("[1E22]"),
    TEXT("[1E-2]"),
    TEXT("[1E+2]"),
    TEXT("[123e45]"),
    TEXT("[123.456e78]"),
    TEXT("[1e-2]"),
    TEXT("[1e+2]"),
    TEXT("[123]"),
    TEXT("[123.456789]"),
    TEXT("[1e-999]"),
    TEXT("[1.7976931348623157e308]"),
    TEXT("{\"asd\":\"sdf\", \"dfg\":\"fgh\"}"),
    TEXT("{\"asd\":\"sdf\"}"),
    TEXT("{\"a\":\"b\",\"a\":\"c\"}"),
    TEXT("{}"),
    TEXT("{\"\":0}"),
    TEXT("{ \"min\": -1.0e+28, \"max\": 1.0e+28 }"),
    TEXT("{\"x\":[{\"id\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}], \"id\": \"xxxxxxxxxxxxxxxxxxxx\"}"),
    TEXT("{\"a\":[]}"),
    TEXT("{\"title\":\"\\u041f\\u043e\\u043b\\u0442\\u043e\\u0440\\u0430\"}"),
    TEXT("{\n\"a\": \"b\"\n}"),
    TEXT("[\"\\u0060\\u012a\\u12AB\"]"),
    TEXT("[\"\\uD801\\udc37\"]"),
    TEXT("[\"\\ud83d\\ude39\\ud83d\\udc8d\"]"),
    TEXT("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"),
    TEXT("[\"\\\\u0000\"]"),
    TEXT("[\"\\\"\"]"),
    TEXT("[\"a/*b*/c/*d//e\"]"),
    TEXT("[\"\\\\a\"]"),
    TEXT("[\"\\\\n\"]"),
    TEXT("[\"\\u0012\"]"),
    TEXT("[\"\\uFFFF\"]"),
    TEXT("[\"asd\"]"),
    TEXT("[ \"asd\"]"),
    TEXT("[\"\\uDBFF\\uDFFF\"]"),
    TEXT("[\"new\\u00A0line\"]"),
    TEXT("[\"\xF4\x8F\xBF\xBF\"]"),
    TEXT("[\"\xEF\xBF\xBF\"]"),
    TEXT("[\"\\u002c\"]"),
    TEXT("[\"\xCF\x80\"]"),
    TEXT("[\"\xF0\x9B\xBF\xBF\"]"),
    TEXT("\" \""),
    TEXT("[\"\xE2\x80\xA8\"]"),
    TEXT("[\"\xE2\x8D\x82\xE3\x88\xB4\xE2\x8D\x82\"]"),
    TEXT("[\"a\x7F"
         "a\"]"),
    TEXT("false"),
    TEXT("42"),
    TEXT("-0.1"),
    TEXT("null"),
    TEXT("\"asd\""),
    TEXT("true"),
    TEXT("\"\""),
    TEXT("[\"a\"]\n"),
    TEXT("[true]"),
    TEXT(" [] "),
    TEXT("\t\r\n {\"a\" : [ 1 , 2 ] , \"b\" : { } }\r\n"),
    /* strings around the eight bytes that are looked at together */
    TEXT("[\"1234567\",\"12345678\",\"123456789\",\"1234567\\n\",\"12345678\\n\",\"1234567\xC3\xBC\"]"),
    TEXT("{\"1234567\":1,\"12345678\":2,\"123456789\":{\"\\\"12345678\":[\"}]\"]}}"),
};

/* After JSONTestSuite's n_ files, the i_ files that we refuse, and our own edges; some with their whole message. */
static const struct {
    struct f2m_slice text;
    const char *message; /* NULL: any */
} bad[] = {
    {TEXT(""), "at byte 0: expected a value, but the text ends"},
    {TEXT(" "), "at byte 1: expected a value, but the text ends"},
    {TEXT("[1 true]"), "at byte 3: expected ',' or ']'"},
    {TEXT("[a\xE5]"), "at byte 1: expected a value"},
    {TEXT("[\"\": 1]"), "at byte 3: expected ',' or ']'"},
    {TEXT("[\"\"],"), "at byte 4: expected the end of the text"},
    {TEXT("[,1]"), "at byte 1: expected a value"},
    {TEXT("[1,,2]"), "at byte 3: expected a value"},
    {TEXT("[\"x\",,]"), NULL},
    {TEXT("[\"x\"]]"), NULL},
    {TEXT("[\"\",]"), "at byte 4: expected a value"},
    {TEXT("[\"x\""), "at byte 4: expected ',' or ']', but the text ends"},
    {TEXT("[x"), NULL},
    {TEXT("[3[4]]"), NULL},
    {TEXT("[\xFF]"), NULL},
    {TEXT("[1:2]"), NULL},
    {TEXT("[,]"), NULL},
    {TEXT("[-]"), "at byte 2: expected a digit"},
    {TEXT("[   , \"\"]"), NULL},
    {TEXT("[\"a\",\n4\n,1,"), NULL},
    {TEXT("[1,]"), NULL},
    {TEXT("[\"\va\"\\f]"), "at byte 2: a control character must be escaped"},
    {TEXT("[*]"), NULL},
    {TEXT("[1,\n1\n,1"), NULL},
    {TEXT("[{}"), NULL},
    {TEXT("[fals]"), "at byte 1: expected a value"},
    {TEXT("[nul]"), NULL},
    {TEXT("[tru]"), NULL},
    {TEXT("[True]"), NULL},
    {TEXT("tru"), "at byte 0: expected a value"},
    {TEXT("123\0"), "at byte 3: expected the end of the text"},
    {TEXT("[++1234]"), NULL},
    {TEXT("[+1]"), NULL},
    {TEXT("[+Inf]"), NULL},
    {TEXT("[-01]"), "at byte 1: a number must not begin with 0"},
    {TEXT("[-1.0.]"), NULL},
    {TEXT("[-2.]"), "at byte 4: expected a digit after the point"},
    {TEXT("[-NaN]"), "at byte 2: expected a digit"},
    {TEXT("[.-1]"), NULL},
    {TEXT("[.2e-3]"), NULL},
    {TEXT("[0.1.2]"), NULL},
    {TEXT("[0.3e+]"), "at byte 6: expected a digit in the exponent"},
    {TEXT("[0.3e]"), NULL},
    {TEXT("[0.e1]"), NULL},
    {TEXT("[0E]"), NULL},
    {TEXT("[0E+]"), NULL},
    {TEXT("[1.0e-"), "at byte 6: expected a digit in the exponent, but the text ends"},
    {TEXT("[1 000.0]"), NULL},
    {TEXT("[1eE2]"), NULL},
    {TEXT("[2.e+3]"), NULL},
    {TEXT("[9.e+]"), NULL},
    {TEXT("[Inf]"), NULL},
    {TEXT("[NaN]"), NULL},
    {TEXT("[\xEF\xBC\x91]"), NULL},
    {TEXT("[1+2]"), NULL},
    {TEXT("[0x1]"), NULL},
    {TEXT("[0x42]"), NULL},
    {TEXT("[Infinity]"), NULL},
    {TEXT("[-Infinity]"), NULL},
    {TEXT("[-foo]"), NULL},
    {TEXT("[- 1]"), NULL},
    {TEXT("[-012]"), NULL},
    {TEXT("[-.123]"), NULL},
    {TEXT("[-1x]"), NULL},
    {TEXT("[1ea]"), NULL},
    {TEXT("[1.]"), NULL},
    {TEXT("[.123]"), NULL},
    {TEXT("[1.2a-3]"), NULL},
    {TEXT("[1.8011670033376514H-308]"), NULL},
    {TEXT("[012]"), "at byte 1: a number must not begin with 0"},
    {TEXT("[1e309]"), "at byte 1: the number is too large"},
    {TEXT("[-1e9999999999999999999]"), "at byte 1: the number is too large"},
    {TEXT("[\"x\", truth]"), NULL},
    {TEXT("{[: \"x\"}\n"), "at byte 1: expected a name in quotes"},
    {TEXT("{\"x\", null}"), "at byte 4: expected ':'"},
    {TEXT("{\"x\"::\"b\"}"), NULL},
    {TEXT("{\xF0\x9F\x87\xA8}"), NULL},
    {TEXT("{\"a\":\"a\" 123}"), "at byte 9: expected ',' or '}'"},
    {TEXT("{key: 'value'}"), NULL},
    {TEXT("{\"\xB9\":\"0\",}"), "at byte 2: not UTF-8"},
    {TEXT("{\"a\" b}"), NULL},
    {TEXT("{:\"b\"}"), NULL},
    {TEXT("{\"a\":"), "at byte 5: expected a value, but the text ends"},
    {TEXT("{\"a\""), "at byte 4: expected ':', but the text ends"},
    {TEXT("{1:1}"), NULL},
    {TEXT("{9999E9999:1}"), NULL},
    {TEXT("{null:null,null:null}"), NULL},
    {TEXT("{\"id\":0,,,,,}"), NULL},
    {TEXT("{'a':0}"), NULL},
    {TEXT("{\"id\":0,}"), "at byte 8: expected a name in quotes"},
    {TEXT("{\"a\":\"b\"}/**/"), NULL},
    {TEXT("{\"a\":\"b\"}//"), NULL},
    {TEXT("{\"a\":\"b\",,\"c\":\"d\"}"), NULL},
    {TEXT("{a: \"b\"}"), NULL},
    {TEXT("{\"a\":\"a"), "at byte 7: expected '\"', but the text ends"},
    {TEXT("{ \"foo\" : \"bar\", \"a\" }"), NULL},
    {TEXT("{\"a\":\"b\"}#"), NULL},
    {TEXT("{}}"), NULL},
    {TEXT("{]"), NULL},
    {TEXT("[}"), NULL},
    {TEXT("[\"\\uD800\\\"]"), "at byte 2: a surrogate without its partner is not allowed"},
    {TEXT("[\"\\uD800\\u\"]"), NULL},
    {TEXT("[\"\\uD800\\u1\"]"), NULL},
    {TEXT("[\"\\uD800\\u1x\"]"), NULL},
    {TEXT("[\"\\uDADA\"]"), NULL},
    {TEXT("[\"\\uD888\\u1234\"]"), NULL},
    {TEXT("[\"\\uDd1e\\uD834\"]"), NULL},
    {TEXT("[\"\\uDFAA\"]"), NULL},
    {TEXT("[\"a\\u0000b\"]"), "at byte 3: \\u0000 is not allowed"},
    {TEXT("[\xC3\xA9]"), NULL},
    {TEXT("[\"\\\0\"]"), "at byte 2: expected a valid escape after \\"},
    {TEXT("[\"\\x00\"]"), NULL},
    {TEXT("[\"\\\\\\\"]"), NULL},
    {TEXT("[\"\\\t\"]"), NULL},
    {TEXT("[\"\\\xF0\x9F\x8C\x80\"]"), NULL},
    {TEXT("[\"\\\"]"), NULL},
    {TEXT("[\"\\u00A\"]"), "at byte 2: expected four hexadecimal digits after \\u"},
    {TEXT("[\"\\uqqqq\"]"), NULL},
    {TEXT("[\"\\a\"]"), NULL},
    {TEXT("[\"\\u\xE5\"]"), NULL},
    {TEXT("[\\u0020\"asd\"]"), NULL},
    {TEXT("[\\n]"), NULL},
    {TEXT("\""), NULL},
    {TEXT("['single quote']"), NULL},
    {TEXT("abc"), NULL},
    {TEXT("[\"\\"), "at byte 2: expected a valid escape after \\"},
    {TEXT("[\"a\0a\"]"), "at byte 3: a control character must be escaped"},
    {TEXT("[\"new\nline\"]"), "at byte 5: a control character must be escaped"},
    {TEXT("[\"\t\"]"), NULL},
    {TEXT("\"\\UA66D\""), NULL},
    {TEXT("<.>"), NULL},
    {TEXT("[<null>]"), NULL},
    {TEXT("[1]x"), NULL},
    {TEXT("['"), NULL},
    {TEXT("2@"), NULL},
    {TEXT("\xEF\xBB\xBF{}"), "at byte 0: expected a value"},
    {TEXT("\xE5"), NULL},
    {TEXT("[\xE2\x81\xA0]"), NULL},
    {TEXT("1]"), NULL},
    {TEXT("[1}"), "at byte 2: expected ',' or ']'"},
    {TEXT("{\"a\":1]"), "at byte 6: expected ',' or '}'"},
    {TEXT("[\f1]"), NULL},
    {TEXT("[1\xC2\xA0]"), NULL},
    /* UTF-8: cut, overlong, a surrogate, too large, a lone continuation */
    {TEXT("[\"12345678\xC3\"]"), "at byte 10: not UTF-8"},
    {TEXT("[\"\xC0\xAF\"]"), "at byte 2: not UTF-8"},
    {TEXT("[\"\xE0\x80\xAF\"]"), "at byte 2: not UTF-8"},
    {TEXT("[\"\xED\xA0\x80\"]"), "at byte 2: not UTF-8"},
    {TEXT("[\"\xF4\x90\x80\x80\"]"), "at byte 2: not UTF-8"},
    {TEXT("[\"\x81\"]"), "at byte 2: not UTF-8"},
    {TEXT("[\"\xFC\x80\x80\x80\x80\x80\"]"), "at byte 2: not UTF-8"},
};

START_TEST(good_texts_are_accepted)
{
    struct f2m_err err;

    for (size_t i = 0; i < F2M_COUNT(good); i++)
        ck_assert_msg(f2m_json_check(good[i], &err) == 0, "%s: %s", good[i].at, err.text);
}
END_TEST

START_TEST(bad_texts_are_refused_with_place_and_reason)
{
    for (size_t i = 0; i < F2M_COUNT(bad); i++) {
        struct f2m_err err = {""};
        ck_assert_msg(f2m_json_check(bad[i].text, &err) == -22, "accepted: %s", bad[i].text.at);
        ck_assert_msg(strncmp(err.text, "at byte ", 8) == 0, "%s: %s", bad[i].text.at, err.text);
        if (bad[i].message)
            ck_assert_str_eq(err.text, bad[i].message);
    }
}
END_TEST

START_TEST(nothing_at_all_is_no_value)
{
    struct f2m_err err;

    ck_assert_int_eq(f2m_json_check((struct f2m_slice){NULL, 0}, &err), -22);
    ck_assert_str_eq(err.text, "at byte 0: expected a value, but the text ends");
}
END_TEST

/* Every text cut short is refused (but a number, and what only loses blanks), and never read past its end. */
START_TEST(truncated_texts_are_refused)
{
    struct f2m_err err;

    for (size_t i = 0; i < F2M_COUNT(good); i++) {
        struct f2m_slice whole = f2m_slice_trim(good[i]);
        if (f2m_json_type(whole) == F2M_JSON_NUMBER)
            continue;
        for (size_t len = 0; len < whole.len; len++) {
            char *exact = malloc(len + !len); /* the sanitizer watches its end */
            memcpy(exact, whole.at, len);
            ck_assert_msg(f2m_json_check((struct f2m_slice){exact, len}, &err) != 0, "%.*s", (int)len, whole.at);
            free(exact);
        }
    }
}
END_TEST

/* Reuses out. */
static struct f2m_slice nested(struct f2m_strbuf *out, int depth, const char *open, const char *inside,
                               const char *close)
{
    f2m_strbuf_reset(out);
    for (int i = 0; i < depth; i++)
        f2m_strbuf_adds(out, open);
    f2m_strbuf_adds(out, inside);
    for (int i = 0; i < depth; i++)
        f2m_strbuf_adds(out, close);
    return (struct f2m_slice){out->data, out->len};
}

START_TEST(nesting_is_bounded)
{
    f2m_autostrbuf buf;
    struct f2m_err err;

    f2m_strbuf_init(&buf, 0);
    ck_assert_int_eq(f2m_json_check(nested(&buf, 64, "[", "", "]"), &err), 0);
    ck_assert_int_eq(f2m_json_check(nested(&buf, 64, "{\"a\":", "1", "}"), &err), 0);
    ck_assert_int_eq(f2m_json_check(nested(&buf, 32, "[{\"a\":", "1", "}]"), &err), 0);
    ck_assert_int_eq(f2m_json_check(nested(&buf, 65, "[", "", "]"), &err), -22);
    ck_assert_str_eq(err.text, "at byte 64: nested too deeply");
    ck_assert_int_eq(f2m_json_check(nested(&buf, 64, "[", "{}", "]"), &err), -22);
    ck_assert_int_eq(f2m_json_check(nested(&buf, 100000, "[", "", ""), &err), -22);
    ck_assert_int_eq(f2m_json_check(nested(&buf, 100000, "{\"\":", "", ""), &err), -22);
}
END_TEST

START_TEST(mixed_nesting_is_kept_apart)
{
    struct f2m_err err;
    struct f2m_slice text = f2m_slice_of("[{\"a\":[{\"b\":[[],{}]}]},[{}]]");

    ck_assert_int_eq(f2m_json_check(text, &err), 0);
    ck_assert_int_ne(f2m_json_check(f2m_slice_of("[{\"a\":[{\"b\":[[],{}]]}},[{}]]"), &err), 0);
}
END_TEST

START_TEST(long_numbers_cost_no_more_than_their_length)
{
    static char buf[1000002];
    struct f2m_err err;
    double value;

    memset(buf, '9', 308);
    ck_assert_int_eq(f2m_json_check((struct f2m_slice){buf, 308}, &err), 0);
    memset(buf, '9', 1000000);
    ck_assert_int_eq(f2m_json_check((struct f2m_slice){buf, 1000000}, &err), -22);
    ck_assert_str_eq(err.text, "at byte 0: the number is too large");
    buf[1] = '.';
    ck_assert_int_eq(f2m_json_check((struct f2m_slice){buf, 1000000}, &err), 0);
    ck_assert(f2m_json_number((struct f2m_slice){buf, 1000000}, &value));
    ck_assert_double_eq(value, 10);
}
END_TEST

static void compare(struct f2m_slice ours, const cJSON *theirs, struct f2m_strbuf *text);

static void compare_children(struct f2m_slice ours, const cJSON *theirs, struct f2m_strbuf *text)
{
    struct f2m_json_iter it = f2m_json_iter(ours);
    struct f2m_slice name, value;
    const cJSON *child = theirs->child;

    ck_assert_uint_eq(f2m_json_count(ours), (size_t)cJSON_GetArraySize(theirs));
    while (f2m_json_next(&it, &name, &value)) {
        ck_assert_ptr_nonnull(child);
        if (cJSON_IsObject(theirs))
            ck_assert_msg(f2m_json_string_is(name, child->string), "%.*s", (int)name.len, name.at);
        else
            ck_assert_ptr_null(name.at);
        compare(value, child, text);
        child = child->next;
    }
    ck_assert_ptr_null(child);
}

static void compare(struct f2m_slice ours, const cJSON *theirs, struct f2m_strbuf *text)
{
    double number;
    bool boolean;

    switch (f2m_json_type(ours)) {
    case F2M_JSON_OBJECT: ck_assert(cJSON_IsObject(theirs)); break;
    case F2M_JSON_ARRAY: ck_assert(cJSON_IsArray(theirs)); break;
    case F2M_JSON_STRING:
        f2m_strbuf_reset(text);
        ck_assert(cJSON_IsString(theirs) && f2m_json_string(ours, text));
        ck_assert_str_eq(text->data, theirs->valuestring);
        return;
    case F2M_JSON_NUMBER:
        ck_assert(cJSON_IsNumber(theirs) && f2m_json_number(ours, &number));
        ck_assert_msg(number == theirs->valuedouble, "%.*s", (int)ours.len, ours.at);
        return;
    case F2M_JSON_BOOL:
        ck_assert(cJSON_IsBool(theirs) && f2m_json_bool(ours, &boolean) && boolean == cJSON_IsTrue(theirs));
        return;
    case F2M_JSON_NULL: ck_assert(cJSON_IsNull(theirs)); return;
    case F2M_JSON_NONE: ck_abort_msg("no value: %s", cJSON_PrintUnformatted(theirs));
    }
    compare_children(ours, theirs, text);
}

START_TEST(good_texts_mean_what_cjson_reads)
{
    f2m_autostrbuf text;

    f2m_strbuf_init(&text, 0);
    for (size_t i = 0; i < F2M_COUNT(good); i++) {
        cJSON *tree = cJSON_ParseWithLength(good[i].at, good[i].len);
        ck_assert_msg(tree != NULL, "%s", good[i].at);
        compare(f2m_json_root(good[i]), tree, &text);
        cJSON_Delete(tree);
    }
}
END_TEST

/* cJSON is lax, so it may accept what we refuse; the other way round one of the two would be wrong. */
START_TEST(what_cjson_refuses_is_refused)
{
    struct f2m_err err;

    for (size_t i = 0; i < F2M_COUNT(bad); i++) {
        cJSON *tree = cJSON_ParseWithLength(bad[i].text.at, bad[i].text.len);
        if (!tree)
            ck_assert_int_ne(f2m_json_check(bad[i].text, &err), 0);
        cJSON_Delete(tree);
    }
}
END_TEST

F2M_SUITE("util/json check", good_texts_are_accepted, bad_texts_are_refused_with_place_and_reason,
          nothing_at_all_is_no_value, truncated_texts_are_refused, nesting_is_bounded, mixed_nesting_is_kept_apart,
          long_numbers_cost_no_more_than_their_length, good_texts_mean_what_cjson_reads, what_cjson_refuses_is_refused)
