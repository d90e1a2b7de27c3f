/* One suite per file, each test in a fork of its own. */
#ifndef F2M_TESTS_CONTROL_SUITE_H
#define F2M_TESTS_CONTROL_SUITE_H

#include "world.h"

#include <stdio.h>
#include <stdlib.h>

/* A command of three members only is a whole one: the others are zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* The control section of a battery that takes a setpoint, and 0 as its own mode. */
#define SIMPLE                                                                                                         \
    "{ modes: { DISCHARGE: [ { topic: inv/w, payload: \"{{ setpoint_w }}\" } ] },"                                     \
    " restore: [ { topic: inv/w, payload: \"0\" } ] }"

#define SUITE(name, ...)                                                                                               \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const TTest *const tests[] = {__VA_ARGS__};                                                                    \
        Suite *suite = suite_create(name);                                                                             \
        TCase *tcase = tcase_create(name);                                                                             \
        tcase_set_timeout(tcase, 60);                                                                                  \
        for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)                                                      \
            tcase_add_test(tcase, tests[i]);                                                                           \
        tcase_add_checked_fixture(tcase, NULL, world_close);                                                           \
        suite_add_tcase(suite, tcase);                                                                                 \
        SRunner *runner = srunner_create(suite);                                                                       \
        srunner_set_fork_status(runner, CK_FORK);                                                                      \
        srunner_run_all(runner, CK_NORMAL);                                                                            \
        int failed = srunner_ntests_failed(runner);                                                                    \
        srunner_free(runner);                                                                                          \
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;                                                              \
    }

#endif
