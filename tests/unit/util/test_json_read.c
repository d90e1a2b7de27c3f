/* Values of a checked text are found by pointer, name and order, and read by type, escapes and duplicates included. */
#include "suite.h"

#include "util/json.h"

static struct f2m_slice checked(const char *text)
{
    struct f2m_err err;
    struct f2m_slice slice = f2m_slice_of(text);

    ck_assert_msg(f2m_json_check(slice, &err) == 0, "%s: %s", text, err.text);
    return slice;
}

static void assert_slice(struct f2m_slice s, const char *expected)
{
    ck_assert_msg(f2m_slice_is(s, expected), "got %.*s, expected %s", (int)s.len, s.at ? s.at : "", expected);
}

/* RFC 6901, section 5, and beyond: NULL where nothing is there. */
static const char document[] = " {\"foo\": [\"bar\", \"baz\"], \"\": 0, \"a/b\": 1, \"c%d\": 2, \"e^f\": 3, \"g|h\": 4,"
                               " \"i\\\\j\": 5, \"k\\\"l\": 6, \" \": 7, \"m~n\": 8, \"~1\": 9, \"\\u00fc\": 10,"
                               " \"deep\": {\"er\": [[], [{\"x\": \"}]\\\"\"}, 11]]}, \"\\u0064up\": 1, \"dup\": 12,"
                               " \"null\": null, \"same length\": {\"abc\": 1, \"abd\": 2, \"ab\": 3, \"abcd\": 4}} ";

static const struct {
    const char *pointer, *value;
} pointers[] = {
    {"/foo", "[\"bar\", \"baz\"]"},
    {"/foo/0", "\"bar\""},
    {"/foo/1", "\"baz\""},
    {"/foo/2", NULL},
    {"/foo/00", NULL},
    {"/foo/01", NULL},
    {"/foo/-", NULL},
    {"/foo/-1", NULL},
    {"/foo/", NULL},
    {"/foo/1x", NULL},
    {"/foo/4294967296", NULL},
    {"/foo/18446744073709551616", NULL},
    {"/foo/0/0", NULL},
    {"/", "0"},
    {"//", NULL},
    {"/a~1b", "1"},
    {"/a/b", NULL},
    {"/c%d", "2"},
    {"/e^f", "3"},
    {"/g|h", "4"},
    {"/i\\j", "5"},
    {"/i\\\\j", NULL},
    {"/k\"l", "6"},
    {"/ ", "7"},
    {"/m~0n", "8"},
    {"/~01", "9"},
    {"/\xC3\xBC", "10"},
    {"/\\u00fc", NULL},
    {"/deep/er/1/1", "11"},
    {"/deep/er/1/0/x", "\"}]\\\"\""},
    {"/deep/er/0", "[]"},
    {"/deep/er/0/0", NULL},
    {"/dup", "12"},
    {"/null", "null"},
    {"/null/x", NULL},
    {"/same length/abc", "1"},
    {"/same length/abd", "2"},
    {"/same length/ab", "3"},
    {"/same length/abcd", "4"},
    {"/same length/a", NULL},
    {"/same length/abcde", NULL},
    {"foo", NULL},
    {"/m~n", NULL},
    {"/m~2n", NULL},
    {"/m~", NULL},
};

START_TEST(pointers_find_what_rfc_6901_says)
{
    struct f2m_slice root = checked(document), value;

    for (size_t i = 0; i < F2M_COUNT(pointers); i++) {
        bool found = f2m_json_find(root, pointers[i].pointer, &value);
        ck_assert_msg(found == (pointers[i].value != NULL), "%s", pointers[i].pointer);
        if (found)
            assert_slice(value, pointers[i].value);
    }
    ck_assert(f2m_json_find(root, "", &value));
    ck_assert_ptr_eq(value.at, document + 1);
    ck_assert_uint_eq(value.len, sizeof document - 3);
}
END_TEST

START_TEST(a_value_that_is_no_container_has_no_children)
{
    struct f2m_slice value;

    ck_assert(f2m_json_find(checked("12"), "", &value));
    ck_assert(!f2m_json_find(checked("12"), "/0", &value));
    ck_assert(!f2m_json_find(checked("\"a\""), "/a", &value));
    ck_assert(!f2m_json_find((struct f2m_slice){NULL, 0}, "", &value));
    ck_assert(!f2m_json_find((struct f2m_slice){NULL, 0}, "/a", &value));
}
END_TEST

START_TEST(pointers_are_checked)
{
    ck_assert(f2m_json_pointer_valid(""));
    ck_assert(f2m_json_pointer_valid("/"));
    ck_assert(f2m_json_pointer_valid("/a~0b~1c/~01"));
    ck_assert(!f2m_json_pointer_valid("a"));
    ck_assert(!f2m_json_pointer_valid("/~"));
    ck_assert(!f2m_json_pointer_valid("/~2"));
    ck_assert(!f2m_json_pointer_valid("/a~/b"));
}
END_TEST

START_TEST(members_are_found_by_their_plain_name)
{
    struct f2m_slice root = checked(document);

    assert_slice(f2m_json_member(root, "a/b"), "1");
    assert_slice(f2m_json_member(root, "dup"), "12");
    assert_slice(f2m_json_member(root, "\xC3\xBC"), "10");
    assert_slice(f2m_json_member(root, ""), "0");
    ck_assert_ptr_null(f2m_json_member(root, "er").at);
    ck_assert_ptr_null(f2m_json_member(checked("[\"a\", 1]"), "a").at);
    ck_assert_ptr_null(f2m_json_member((struct f2m_slice){NULL, 0}, "a").at);
}
END_TEST

START_TEST(containers_are_walked_in_order)
{
    struct f2m_json_iter it = f2m_json_iter(checked("{ \"a\" :1, \"b\":\"x:y\" ,\"a\":[2,{}]}"));
    struct f2m_slice name, value;

    ck_assert(f2m_json_next(&it, &name, &value));
    assert_slice(name, "\"a\"");
    assert_slice(value, "1");
    ck_assert(f2m_json_next(&it, &name, &value));
    assert_slice(name, "\"b\"");
    assert_slice(value, "\"x:y\"");
    ck_assert(f2m_json_next(&it, &name, &value));
    assert_slice(value, "[2,{}]");
    ck_assert(!f2m_json_next(&it, &name, &value));
    ck_assert(!f2m_json_next(&it, &name, &value));

    it = f2m_json_iter(checked("[\"a\", true]"));
    ck_assert(f2m_json_next(&it, &name, &value));
    ck_assert_ptr_null(name.at);
    assert_slice(value, "\"a\"");
    ck_assert(f2m_json_next(&it, &name, &value));
    assert_slice(value, "true");
    ck_assert(!f2m_json_next(&it, &name, &value));
}
END_TEST

START_TEST(members_and_elements_are_counted)
{
    ck_assert_uint_eq(f2m_json_count(checked("[]")), 0);
    ck_assert_uint_eq(f2m_json_count(checked("{ }")), 0);
    ck_assert_uint_eq(f2m_json_count(checked("[[1,2,3],{\"a\":1,\"b\":2},\"]\",\"\\\"\"]")), 4);
    ck_assert_uint_eq(f2m_json_count(checked("{\"a\":[1,2],\"b\":{}}")), 2);
    ck_assert_uint_eq(f2m_json_count(checked("12")), 0);
    ck_assert_uint_eq(f2m_json_count(checked("\"[1]\"")), 0);
    ck_assert_uint_eq(f2m_json_count((struct f2m_slice){NULL, 0}), 0);
}
END_TEST

START_TEST(types_have_names_for_messages)
{
    static const struct {
        const char *text, *name;
    } cases[] = {{"", "nothing"},      {"null", "null"},   {" true ", "a boolean"}, {"-1", "a number"},
                 {"\"\"", "a string"}, {"[]", "an array"}, {"{}", "an object"}};

    for (size_t i = 0; i < F2M_COUNT(cases); i++)
        ck_assert_str_eq(f2m_json_type_name(f2m_json_type(f2m_slice_of(cases[i].text))), cases[i].name);
}
END_TEST

static const struct {
    const char *json, *text;
} strings[] = {
    {"\"\"", ""},
    {"\"plain\"", "plain"},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
    {"\"\\u0041\\u00e9\\u20AC\\uD834\\uDD1E\"", "A\xC3\xA9\xE2\x82\xAC\xF0\x9D\x84\x9E"},
    {"\"a\\u0001z\"", "a\001z"},
    {"\"gr\xC3\xBC\xC3\x9F\x65\"", "gr\xC3\xBC\xC3\x9F\x65"},
    {" \"blank around\" ", "blank around"},
};

START_TEST(strings_are_decoded)
{
    f2m_autostrbuf out;
    char copy[32];

    f2m_strbuf_init(&out, 0);
    for (size_t i = 0; i < F2M_COUNT(strings); i++) {
        struct f2m_slice value = checked(strings[i].json);
        f2m_strbuf_reset(&out);
        f2m_strbuf_adds(&out, "before ");
        ck_assert(f2m_json_string(value, &out));
        ck_assert_str_eq(out.data + 7, strings[i].text);
        ck_assert(f2m_json_string_copy(value, copy, sizeof copy));
        ck_assert_str_eq(copy, strings[i].text);
        ck_assert(f2m_json_string_is(value, strings[i].text));
    }
}
END_TEST

START_TEST(strings_are_compared_whole)
{
    ck_assert(!f2m_json_string_is(checked("\"abc\""), "ab"));
    ck_assert(!f2m_json_string_is(checked("\"ab\""), "abc"));
    ck_assert(!f2m_json_string_is(checked("\"a\\u0062\""), "a"));
    ck_assert(!f2m_json_string_is(checked("\"a\\u0062\""), "abc"));
    ck_assert(!f2m_json_string_is(checked("\"\\u20ac\""), "\xE2\x82"));
    ck_assert(!f2m_json_string_is(checked("12"), "12"));
    ck_assert(!f2m_json_string_is((struct f2m_slice){NULL, 0}, ""));
}
END_TEST

START_TEST(a_copied_string_must_fit)
{
    char buf[4] = "xyz";

    ck_assert(f2m_json_string_copy(checked("\"abc\""), buf, sizeof buf));
    ck_assert_str_eq(buf, "abc");
    ck_assert(!f2m_json_string_copy(checked("\"abcd\""), buf, sizeof buf));
    ck_assert_str_eq(buf, "");
    ck_assert(!f2m_json_string_copy(checked("\"ab\\u00e9\""), buf, sizeof buf));
    ck_assert(!f2m_json_string_copy(checked("\"\""), buf, 0));
    ck_assert(!f2m_json_string_copy(checked("null"), buf, sizeof buf));
}
END_TEST

START_TEST(a_value_of_another_type_is_not_read)
{
    static const char *const texts[] = {"null", "true", "1", "\"1\"", "[1]", "{\"a\":1}"};
    enum f2m_json_type types[] = {F2M_JSON_NULL,   F2M_JSON_BOOL,  F2M_JSON_NUMBER,
                                  F2M_JSON_STRING, F2M_JSON_ARRAY, F2M_JSON_OBJECT};
    f2m_autostrbuf out;
    double number;
    int64_t integer;
    bool boolean;

    f2m_strbuf_init(&out, 0);
    for (size_t i = 0; i < F2M_COUNT(texts); i++) {
        struct f2m_slice value = checked(texts[i]);
        ck_assert_int_eq(f2m_json_type(value), types[i]);
        ck_assert(f2m_json_is_null(value) == (types[i] == F2M_JSON_NULL));
        ck_assert(f2m_json_bool(value, &boolean) == (types[i] == F2M_JSON_BOOL));
        ck_assert(f2m_json_number(value, &number) == (types[i] == F2M_JSON_NUMBER));
        ck_assert(f2m_json_integer(value, &integer) == (types[i] == F2M_JSON_NUMBER));
        ck_assert(f2m_json_string(value, &out) == (types[i] == F2M_JSON_STRING));
    }
}
END_TEST

START_TEST(integers_are_whole_and_exact)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"-17", true, -17},
        {"5.0", true, 5},
        {"5e3", true, 5000},
        {"0.5", false, 0},
        {"-1.5e0", false, 0},
        {"9007199254740992", true, INT64_C(9007199254740992)},
        {"-9007199254740992", true, -INT64_C(9007199254740992)},
        {"9007199254740993", false, 0},
        {"9007199254740992.0", false, 0},
        {"9007199254740991.0", true, INT64_C(9007199254740991)},
        {"1e300", false, 0},
        {"99999999999999999999999999", false, 0},
    };
    int64_t value;

    for (size_t i = 0; i < F2M_COUNT(cases); i++) {
        ck_assert_msg(f2m_json_integer(checked(cases[i].text), &value) == cases[i].ok, "%s", cases[i].text);
        if (cases[i].ok)
            ck_assert_int_eq(value, cases[i].value);
    }
}
END_TEST

F2M_SUITE("util/json read", pointers_find_what_rfc_6901_says, a_value_that_is_no_container_has_no_children,
          pointers_are_checked, members_are_found_by_their_plain_name, containers_are_walked_in_order,
          members_and_elements_are_counted, types_have_names_for_messages, strings_are_decoded,
          strings_are_compared_whole, a_copied_string_must_fit, a_value_of_another_type_is_not_read,
          integers_are_whole_and_exact)
