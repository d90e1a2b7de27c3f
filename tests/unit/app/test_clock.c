/* The watch of the wall clock wakes nobody while the clock is not set, whatever the clock says: a machine whose battery
 * died may believe that it is 2099. */
#include "app/clock.h"

#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define CENTURY (100 * 365 * INT64_C(86400))

START_TEST(the_watch_is_quiet_and_never_expires)
{
    struct itimerspec left;
    int fd = f2m_clock_watch();

    ck_assert_int_ge(fd, 0);
    for (int i = 0; i < 2; i++) { /* armed, and armed again */
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ck_assert_int_eq(poll(&p, 1, 0), 0);
        ck_assert_int_eq(timerfd_gettime(fd, &left), 0);
        ck_assert(sizeof(time_t) == 4 || left.it_value.tv_sec > CENTURY);
        f2m_clock_rearm(fd);
    }
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clock");
    TCase *tcase = tcase_create("clock");

    tcase_add_test(tcase, the_watch_is_quiet_and_never_expires);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
