/* A buffer grows to its maximum and no further, stays terminated, and says when something did not fit. */
#include "suite.h"

#include "util/strbuf.h"

#include <string.h>

START_TEST(it_begins_empty_and_readable)
{
    f2m_autostrbuf b;

    f2m_strbuf_init(&b, 0);
    ck_assert_str_eq(b.data, "");
    ck_assert_uint_eq(b.len, 0);
    ck_assert_uint_eq(b.max, F2M_STRBUF_MAX);
    f2m_strbuf_reset(&b);
    f2m_strbuf_truncate(&b, 0);
    f2m_strbuf_add(&b, NULL, 0);
    ck_assert_str_eq(b.data, "");
    ck_assert(!b.overflow);
}
END_TEST

START_TEST(appends_come_one_after_another)
{
    f2m_autostrbuf b;

    f2m_strbuf_init(&b, 0);
    f2m_strbuf_adds(&b, "ab");
    f2m_strbuf_addc(&b, 'c');
    f2m_strbuf_addf(&b, "-%d-%s", 7, "x");
    f2m_strbuf_addf(&b, "%s", "");
    f2m_strbuf_add(&b, "q\0r", 3);
    ck_assert_uint_eq(b.len, 10);
    ck_assert_mem_eq(b.data, "abc-7-xq\0r", 11);
}
END_TEST

START_TEST(an_append_beyond_the_maximum_changes_nothing)
{
    f2m_autostrbuf b;

    f2m_strbuf_init(&b, 5);
    f2m_strbuf_adds(&b, "abc");
    f2m_strbuf_adds(&b, "def");
    ck_assert_str_eq(b.data, "abc");
    ck_assert(b.overflow);
    f2m_strbuf_adds(&b, "de");
    ck_assert_str_eq(b.data, "abcde");
    ck_assert_msg(b.overflow, "it stays until reset");
    f2m_strbuf_reset(&b);
    ck_assert(!b.overflow);
    f2m_strbuf_addf(&b, "%d", 12345);
    ck_assert(!b.overflow);
    ck_assert_str_eq(b.data, "12345");
    f2m_strbuf_addc(&b, 'x');
    ck_assert(b.overflow);
    f2m_strbuf_reset(&b);
    f2m_strbuf_addf(&b, "%d", 123456);
    ck_assert(b.overflow);
    ck_assert_str_eq(b.data, "");
}
END_TEST

START_TEST(an_absurd_length_is_an_overflow)
{
    f2m_autostrbuf b;

    f2m_strbuf_init(&b, SIZE_MAX - 2);
    f2m_strbuf_adds(&b, "abc");
    f2m_strbuf_add(&b, "x", SIZE_MAX - 3);
    ck_assert(b.overflow);
    ck_assert_str_eq(b.data, "abc");
}
END_TEST

START_TEST(memory_never_passes_the_maximum_and_is_kept)
{
    f2m_autostrbuf b;

    f2m_strbuf_init(&b, 1000);
    for (int i = 0; i < 1000; i++)
        f2m_strbuf_addc(&b, 'a');
    ck_assert(!b.overflow);
    ck_assert_uint_le(b.cap, 1001);
    const char *before = b.data;
    f2m_strbuf_reset(&b);
    f2m_strbuf_adds(&b, "b");
    ck_assert_ptr_eq(b.data, before);
}
END_TEST

START_TEST(truncating_only_shortens)
{
    f2m_autostrbuf b;

    f2m_strbuf_init(&b, 0);
    f2m_strbuf_adds(&b, "abcdef");
    f2m_strbuf_truncate(&b, 10);
    ck_assert_str_eq(b.data, "abcdef");
    f2m_strbuf_truncate(&b, 2);
    ck_assert_str_eq(b.data, "ab");
    ck_assert_uint_eq(b.len, 2);
}
END_TEST

START_TEST(taking_hands_over_the_text)
{
    struct f2m_strbuf b;

    f2m_strbuf_init(&b, 3);
    f2m_strbuf_adds(&b, "abc");
    char *text = f2m_strbuf_take(&b);
    ck_assert_str_eq(text, "abc");
    free(text);
    ck_assert_str_eq(b.data, "");
    ck_assert_uint_eq(b.max, 3);
    text = f2m_strbuf_take(&b);
    ck_assert_str_eq(text, "");
    free(text);
    f2m_strbuf_adds(&b, "d");
    f2m_strbuf_deinit(&b);
    ck_assert_str_eq(b.data, "");
    f2m_strbuf_deinit(&b);
}
END_TEST

F2M_SUITE("util/strbuf", it_begins_empty_and_readable, appends_come_one_after_another,
          an_append_beyond_the_maximum_changes_nothing, an_absurd_length_is_an_overflow,
          memory_never_passes_the_maximum_and_is_kept, truncating_only_shortens, taking_hands_over_the_text)
