/* The words for true and false, in any case, and no others. */
#include "suite.h"

#include "util/boolean.h"

START_TEST(the_words_are_read_in_any_case_with_blanks_around)
{
    static const char *const words[][2] = {
        {"true", "false"}, {"ON", "OFF"}, {"1", "0"}, {"Online", "oFFLINE"}, {" on\n", "\t0 "}};
    bool value;

    for (size_t i = 0; i < F2M_COUNT(words); i++) {
        value = false;
        ck_assert(f2m_boolean_parse(f2m_slice_of(words[i][0]), &value) && value);
        ck_assert(f2m_boolean_parse(f2m_slice_of(words[i][1]), &value) && !value);
    }
}
END_TEST

START_TEST(anything_else_is_refused_and_changes_nothing)
{
    static const char *const others[] = {"", " ", "yes", "no", "onn", "o n", "10", "1.0", "\"on\"", "onl"};
    bool value = true;

    for (size_t i = 0; i < F2M_COUNT(others); i++)
        ck_assert_msg(!f2m_boolean_parse(f2m_slice_of(others[i]), &value) && value, "%s", others[i]);
    ck_assert(!f2m_boolean_parse((struct f2m_slice){"on\0", 3}, &value));
    ck_assert(!f2m_boolean_parse((struct f2m_slice){NULL, 0}, &value));
}
END_TEST

F2M_SUITE("util/boolean", the_words_are_read_in_any_case_with_blanks_around,
          anything_else_is_refused_and_changes_nothing)
