/* What every suite of this room shares. */
#ifndef F2M_TESTS_UNIT_UTIL_SUITE_H
#define F2M_TESTS_UNIT_UTIL_SUITE_H

#include <check.h>
#include <stdlib.h>

#define F2M_COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Seconds; generous, since machines that run tests are busy. */
#define F2M_TIMEOUT 30

/* Runs a suite in forked tests; the exit code of main(). */
static inline int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);

    srunner_set_fork_status(runner, CK_FORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* For long loops: Check tells its parent of each assertion that holds, this only of the first that does not. */
#define F2M_HOLD(condition, ...)                                                                                       \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            ck_abort_msg(__VA_ARGS__);                                                                                 \
    } while (0)

/* A suite of one case. */
#define F2M_SUITE(name, ...)                                                                                           \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const TTest *const tests[] = {__VA_ARGS__};                                                                    \
        Suite *suite = suite_create(name);                                                                             \
        TCase *tcase = tcase_create(name);                                                                             \
        for (size_t i = 0; i < F2M_COUNT(tests); i++)                                                                  \
            tcase_add_test(tcase, tests[i]);                                                                           \
        tcase_set_timeout(tcase, F2M_TIMEOUT);                                                                         \
        suite_add_tcase(suite, tcase);                                                                                 \
        return run_suite(suite);                                                                                       \
    }

#endif
