/* Error texts are wrapped from the inside out and clipped between characters, never torn. */
#include "suite.h"

#include "util/err.h"
#include "util/slice.h"
#include "util/utf8.h"

#include <string.h>

START_TEST(texts_are_set_and_wrapped)
{
    struct f2m_err err;

    f2m_err_set(&err, "expected %s", "a duration");
    f2m_err_wrap(&err, "line %d", 3);
    f2m_err_wrap(&err, "cannot load %s", "/etc/x.yaml");
    ck_assert_str_eq(err.text, "cannot load /etc/x.yaml: line 3: expected a duration");
}
END_TEST

START_TEST(a_text_may_quote_itself)
{
    struct f2m_err err;

    f2m_err_set(&err, "inner");
    f2m_err_set(&err, "outer (%s)", err.text);
    f2m_err_wrap(&err, "again %s", err.text);
    ck_assert_str_eq(err.text, "again outer (inner): outer (inner)");
}
END_TEST

START_TEST(long_texts_are_clipped_between_characters)
{
    struct f2m_err err;
    char text[1200];

    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'a', shift);
        for (size_t i = shift; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "\xE2\x82\xAC", 4);
        f2m_err_set(&err, "%s", text);
        ck_assert(f2m_utf8_valid(err.text, strlen(err.text)));
        ck_assert_uint_ge(strlen(err.text), sizeof err.text - 3);
        f2m_err_wrap(&err, "b");
        ck_assert(f2m_utf8_valid(err.text, strlen(err.text)));
        ck_assert_uint_ge(strlen(err.text), sizeof err.text - 3);
        ck_assert_int_eq(strncmp(err.text, "b: ", 3), 0);
        f2m_err_wrap(&err, "%s", text);
        ck_assert(f2m_utf8_valid(err.text, strlen(err.text)));
    }
    memset(text, 'x', 511);
    text[511] = '\0';
    f2m_err_set(&err, "%s", text);
    ck_assert_str_eq(err.text, text);
}
END_TEST

START_TEST(slices_are_trimmed_and_compared)
{
    struct f2m_slice none = {NULL, 0};

    ck_assert(f2m_slice_is(f2m_slice_trim(f2m_slice_of(" \t\r\nab c\n ")), "ab c"));
    ck_assert(f2m_slice_is(f2m_slice_trim(f2m_slice_of("\v")), "\v"));
    ck_assert_uint_eq(f2m_slice_trim(f2m_slice_of("  ")).len, 0);
    ck_assert_ptr_null(f2m_slice_trim(none).at);
    ck_assert(f2m_slice_is(none, ""));
    ck_assert(!f2m_slice_is(f2m_slice_of("ab"), "abc"));
    ck_assert_uint_eq(f2m_slice_of(NULL).len, 0);
}
END_TEST

F2M_SUITE("util/err", texts_are_set_and_wrapped, a_text_may_quote_itself, long_texts_are_clipped_between_characters,
          slices_are_trimmed_and_compared)
