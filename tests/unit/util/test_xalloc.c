/* Allocation gives memory or ends the process with 71; secrets are freed, NULL included. */
#include "suite.h"

#include "util/secret.h"
#include "util/xalloc.h"

#include <stdint.h>
#include <string.h>

/* Else the address or thread sanitizer would end the process itself when too much is asked for. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* Not known to the compiler, which would warn. */
static volatile size_t huge = SIZE_MAX / 2;

START_TEST(memory_is_given)
{
    char *p = f2m_xmalloc(3);
    int *zeroed = f2m_xcalloc(4, sizeof *zeroed);

    memcpy(p, "ab", 3);
    p = f2m_xreallocarray(p, 100, 2);
    ck_assert_str_eq(p, "ab");
    ck_assert_int_eq(zeroed[0] | zeroed[1] | zeroed[2] | zeroed[3], 0);
    free(p);
    free(zeroed);
    p = f2m_xreallocarray(NULL, 2, 8);
    free(p);
}
END_TEST

START_TEST(nothing_is_a_size_too)
{
    void *volatile p = f2m_xmalloc(0);
    ck_assert_ptr_nonnull(p);
    p = f2m_xreallocarray(p, 0, 8);
    ck_assert_ptr_nonnull(p);
    free(p);
    p = f2m_xcalloc(0, 8);
    ck_assert_ptr_nonnull(p);
    free(p);
}
END_TEST

START_TEST(copies_are_terminated)
{
    char *copy = f2m_xstrdup("text");
    ck_assert_str_eq(copy, "text");
    free(copy);
    copy = f2m_xmemdup0("a\0bc", 3);
    ck_assert_mem_eq(copy, "a\0b", 4);
    free(copy);
    copy = f2m_xmemdup0(NULL, 0);
    ck_assert_str_eq(copy, "");
    free(copy);
}
END_TEST

START_TEST(secrets_are_freed)
{
    f2m_secret_free(f2m_xstrdup("canary"));
    f2m_secret_free(f2m_xstrdup(""));
    f2m_secret_free(NULL);
}
END_TEST

START_TEST(malloc_beyond_memory_exits)
{
    free(f2m_xmalloc(huge));
}
END_TEST

START_TEST(calloc_beyond_memory_exits)
{
    free(f2m_xcalloc(huge, 1));
}
END_TEST

START_TEST(an_overflow_of_the_size_exits)
{
    free(f2m_xreallocarray(NULL, huge, 4));
}
END_TEST

START_TEST(a_copy_of_everything_exits)
{
    free(f2m_xmemdup0("", huge + huge + 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("util/xalloc");
    TCase *tcase = tcase_create("xalloc");

    tcase_add_test(tcase, memory_is_given);
    tcase_add_test(tcase, nothing_is_a_size_too);
    tcase_add_test(tcase, copies_are_terminated);
    tcase_add_test(tcase, secrets_are_freed);
    tcase_add_exit_test(tcase, malloc_beyond_memory_exits, 71);
    tcase_add_exit_test(tcase, calloc_beyond_memory_exits, 71);
    tcase_add_exit_test(tcase, an_overflow_of_the_size_exits, 71);
    tcase_add_exit_test(tcase, a_copy_of_everything_exits, 71);
    tcase_set_timeout(tcase, F2M_TIMEOUT);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
