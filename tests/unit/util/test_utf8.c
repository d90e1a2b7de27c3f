/* UTF-8 is exactly what Unicode says: every code point in one form, and nothing else. */
#include "suite.h"

#include "util/utf8.h"

#include <string.h>

START_TEST(every_code_point_has_one_form)
{
    char buf[4];

    for (unsigned code = 0; code <= 0x10FFFF; code++) {
        if (code >= 0xD800 && code <= 0xDFFF)
            continue;
        size_t len = f2m_utf8_encode(code, buf);
        size_t expected = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        if (len != expected || f2m_utf8_length(buf, len) != len || (len > 1 && f2m_utf8_length(buf, len - 1) != 0))
            ck_abort_msg("U+%04X", code);
    }
}
END_TEST

/* All two-byte texts, and all three-byte ones with a continuation at the end: how many are one character? */
START_TEST(nothing_else_is_accepted)
{
    unsigned two = 0, three = 0;

    for (unsigned a = 0x80; a <= 0xFF; a++) {
        for (unsigned b = 0; b <= 0xFF; b++) {
            char text[] = {(char)a, (char)b, (char)0x80};
            two += f2m_utf8_length(text, 2) == 2;
            three += f2m_utf8_length(text, 3) == 3;
        }
    }
    ck_assert_uint_eq(two, 0x800 - 0x80);
    ck_assert_uint_eq(three, (0x10000 - 0x800 - 0x800) / 64);
}
END_TEST

START_TEST(texts_are_valid_as_a_whole)
{
    ck_assert(f2m_utf8_valid("", 0));
    ck_assert(f2m_utf8_valid("a\xC3\xBC\xF0\x9F\x94\x8Bz", 8));
    ck_assert(!f2m_utf8_valid("a\xC3", 2));
    ck_assert(!f2m_utf8_valid("a\xF5\x80\x80\x80", 5));
    ck_assert(!f2m_utf8_valid("\xC1\xBF", 2));
}
END_TEST

START_TEST(clipping_keeps_characters_whole)
{
    static const char text[] = "ab\xE2\x82\xAC\xF0\x9F\x94\x8Bz";
    static const size_t expected[] = {0, 1, 2, 2, 2, 5, 5, 5, 5, 9, 10};

    for (size_t max = 0; max < F2M_COUNT(expected); max++)
        ck_assert_uint_eq(f2m_utf8_clip(text, max), expected[max]);
    /* what is no UTF-8 is cut anywhere */
    ck_assert_uint_eq(f2m_utf8_clip("\x80\x80\x80\x80\x80\x80", 5), 5);
}
END_TEST

F2M_SUITE("util/utf8", every_code_point_has_one_form, nothing_else_is_accepted, texts_are_valid_as_a_whole,
          clipping_keeps_characters_whole)
