/* An id has exactly one encoded form, safe in topics and URLs, and only that form is read back. */
#include "suite.h"

#include "util/percent.h"

static const struct {
    const char *id, *text;
} pairs[] = {
    {"", ""},
    {"AZaz09-._~", "AZaz09-._~"},
    {"a b", "a%20b"},
    {"a/b+c#d", "a%2Fb%2Bc%23d"},
    {"$SYS", "%24SYS"},
    {"100%", "100%25"},
    {"a%2Fb", "a%252Fb"},
    {"gr\xC3\xBC\xC3\x9F", "gr%C3%BC%C3%9F"},
    {"..", ".."},
    {"\x01\x7F\xFF", "%01%7F%FF"},
    {"!*'();:@&=,?[]", "%21%2A%27%28%29%3B%3A%40%26%3D%2C%3F%5B%5D"},
};

static const char *const bad[] = {"%",   "%2",  "a%",  "a%2", "%2f", "%zz", "%G0", "%0G",      "%00",   "%41",
                                  "%7E", "%2d", "a b", "a/b", "a+b", "#",   "$",   "\xC3\xBC", "a%20%", "%%20"};

START_TEST(ids_are_encoded_and_decoded)
{
    f2m_autostrbuf out;

    f2m_strbuf_init(&out, 0);
    for (size_t i = 0; i < F2M_COUNT(pairs); i++) {
        f2m_strbuf_reset(&out);
        f2m_percent_encode(&out, pairs[i].id);
        ck_assert_str_eq(out.data, pairs[i].text);
        f2m_strbuf_reset(&out);
        ck_assert(f2m_percent_decode(&out, f2m_slice_of(pairs[i].text)));
        ck_assert_str_eq(out.data, pairs[i].id);
    }
}
END_TEST

START_TEST(another_spelling_is_refused_and_leaves_nothing)
{
    f2m_autostrbuf out;

    f2m_strbuf_init(&out, 0);
    f2m_strbuf_adds(&out, "kept");
    for (size_t i = 0; i < F2M_COUNT(bad); i++) {
        ck_assert_msg(!f2m_percent_decode(&out, f2m_slice_of(bad[i])), "%s", bad[i]);
        ck_assert_str_eq(out.data, "kept");
    }
    ck_assert(!f2m_percent_decode(&out, (struct f2m_slice){"a\0b", 3}));
    ck_assert(f2m_percent_decode(&out, (struct f2m_slice){NULL, 0}));
}
END_TEST

F2M_SUITE("util/percent", ids_are_encoded_and_decoded, another_spelling_is_refused_and_leaves_nothing)
