/* The same main() for every suite of this room. */
#ifndef F2M_TESTS_CONFIG_SUITE_H
#define F2M_TESTS_CONFIG_SUITE_H

#include <check.h>
#include <stdlib.h>

#define RUN_SUITE(name, ...)                                                                                           \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const TTest *const tests[] = {__VA_ARGS__};                                                                    \
        Suite *suite = suite_create(name);                                                                             \
        TCase *tc = tcase_create(name);                                                                                \
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)                                                    \
            tcase_add_test(tc, tests[i]);                                                                              \
        tcase_set_timeout(tc, 100); /* sanitizers on a busy machine */                                                 \
        suite_add_tcase(suite, tc);                                                                                    \
        SRunner *runner = srunner_create(suite);                                                                       \
        srunner_run_all(runner, CK_NORMAL);                                                                            \
        int failed = srunner_ntests_failed(runner);                                                                    \
        srunner_free(runner);                                                                                          \
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                                                   \
    }

#endif
