/* An energy counter gives the energy that flowed, whatever its readings do. Interface, clarification 7. */
#include "fixture.h"

#include "telemetry/counter.h"

#include <math.h>

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define END    (-1.0)

static const struct {
    const char *what;
    double readings[10]; /* one a minute, Wh */
    double energy;
    double total; /* the continued reading afterwards */
} series[] = {
    {"an ordinary counter gives its differences", {5000, 5010, 5010, 5035, END}, 35, 5035},
    {"5000 -> 4990 -> 5010 gives 10", {5000, 4990, 5010, END}, 10, 5010},
    {"5000 -> 0 -> 5010 gives 10", {5000, 0, 5010, END}, 10, 5010},
    {"5000 -> 1e9 -> 5020 gives 20", {5000, 1e9, 5020, END}, 20, 5020},
    {"a reset counts from 0", {5000, 0, 10, 30, END}, 30, 5030},
    {"a reset that first shows some energy counts all of it", {5000, 4, 10, END}, 10, 5010},
    {"a daily counter at rest after midnight", {12300, 0, 0, 0, 100, END}, 100, 12400},
    {"a decrease confirmed elsewhere is a new baseline", {5000, 3000, 3000, 3010, END}, 10, 5010},
    {"what confirms a new baseline counts from it", {5000, 3000, 3010, END}, 10, 5010},
    {"a decrease confirmed by an equal reading gives nothing", {5000, 4000, 4000, END}, 0, 5000},
    {"a falling series is never energy", {5000, 4900, 4800, 4700, 4600, END}, 0, 5000},
    {"a jump that stays is a new baseline", {5000, 1e9, 1e9, 1e9 + 7, END}, 7, 5007},
    {"a jump that goes on moving is a new baseline", {5000, 1e9, 1e9 + 5, END}, 5, 5005},
    {"two different jumps are both held back", {5000, 1e9, 2e9, 5030, END}, 30, 5030},
    {"a dip in a dip", {5000, 4990, 4980, 5020, END}, 20, 5020},
    {"a coarse counter steps by 1 kWh", {5000, 5000, 6000, 6000, 7000, END}, 2000, 7000},
    {"5 kW for a minute and one step is the most", {5000, 5000 + 1000 + 125, END}, 1125, 6125},
    {"beyond that it is held back", {5000, 5000 + 1000 + 126, END}, 0, 5000},
    {"a 32-bit counter wraps", {4294967290, 20, 30, END}, 30, 4294967290 + 30.0},
    {"a single reading says nothing", {5000, END}, 0, 5000},
    {"a counter that starts at 0", {0, 0, 5, END}, 5, 5},
};

START_TEST(every_series_gives_its_energy)
{
    struct f2m_counter c;

    f2m_counter_init(&c);
    for (int i = 0; series[_i].readings[i] != END; i++)
        f2m_counter_read(&c, series[_i].readings[i], MINUTE * i, 5000);
    ck_assert_msg(c.pending == series[_i].energy, "%s: %g Wh", series[_i].what, c.pending);
    ck_assert_msg(c.total == series[_i].total, "%s: reading %g", series[_i].what, c.total);
}
END_TEST

START_TEST(the_continued_reading_never_falls)
{
    struct f2m_counter c;

    f2m_counter_init(&c);
    double before = 0;
    for (int i = 0; series[_i].readings[i] != END; i++) {
        f2m_counter_read(&c, series[_i].readings[i], MINUTE * i, 5000);
        ck_assert_msg(c.total >= before, "%s: from %g to %g", series[_i].what, before, c.total);
        before = c.total;
    }
}
END_TEST

START_TEST(more_time_allows_more_energy)
{
    struct f2m_counter c;

    f2m_counter_init(&c);
    f2m_counter_read(&c, 0, 0, 5000);
    ck_assert_int_eq(f2m_counter_read(&c, 1000 + 7500 * 3, 3 * HOUR, 5000), F2M_COUNTER_COUNTED);
    ck_assert_double_eq(c.pending, 23500);
}
END_TEST

START_TEST(without_a_rating_100_kw_are_possible)
{
    struct f2m_counter c;

    f2m_counter_init(&c);
    f2m_counter_read(&c, 0, 0, NAN);
    ck_assert_int_eq(f2m_counter_read(&c, 151001, HOUR, NAN), F2M_COUNTER_HELD);
    ck_assert_int_eq(f2m_counter_read(&c, 150000, HOUR, NAN), F2M_COUNTER_COUNTED);
}
END_TEST

START_TEST(a_jump_that_stays_does_not_become_energy_with_time)
{
    struct f2m_counter c;

    f2m_counter_init(&c);
    f2m_counter_read(&c, 5000, 0, 5000);
    ck_assert_int_eq(f2m_counter_read(&c, 7000, 5000, 5000), F2M_COUNTER_HELD);
    ck_assert_int_eq(f2m_counter_read(&c, 7000, HOUR, 5000), F2M_COUNTER_REBASED);
    ck_assert_double_eq(c.pending, 0);
}
END_TEST

START_TEST(a_daily_counter_that_rolled_over_while_nobody_looked_counts_what_it_shows)
{
    struct f2m_counter c;

    f2m_counter_init(&c);
    f2m_counter_read(&c, 25000, 0, 5000);
    ck_assert_int_eq(f2m_counter_read(&c, 8000, 13 * HOUR, 5000), F2M_COUNTER_HELD);
    ck_assert_int_eq(f2m_counter_read(&c, 8100, 13 * HOUR + MINUTE, 5000), F2M_COUNTER_RESET);
    ck_assert_double_eq(c.pending, 8100);
}
END_TEST

START_TEST(a_small_decrease_over_a_long_time_is_no_reset)
{
    struct f2m_counter c;

    f2m_counter_init(&c);
    f2m_counter_read(&c, 25000, 0, 5000);
    f2m_counter_read(&c, 24990, 13 * HOUR, 5000);
    ck_assert_int_eq(f2m_counter_read(&c, 24990, 13 * HOUR + MINUTE, 5000), F2M_COUNTER_REBASED);
    ck_assert_double_eq(c.pending, 0);
}
END_TEST

START_TEST(a_stored_baseline_bridges_what_passed)
{
    struct f2m_counter c;

    f2m_counter_restore(&c, 5000, 15000, 2, 3 * HOUR, 0);
    ck_assert_int_eq(f2m_counter_read(&c, 9000, 1000, 5000), F2M_COUNTER_COUNTED);
    ck_assert_double_eq(c.pending, 4002);
    ck_assert_double_eq(c.total, 19000);
    ck_assert(c.bridged);
    f2m_counter_consume(&c);
    f2m_counter_read(&c, 9001, 2000, 5000);
    ck_assert(!c.bridged);
    ck_assert_double_eq(c.pending, 1);
}
END_TEST

START_TEST(a_stored_baseline_of_unknown_age_may_be_a_week_old)
{
    struct f2m_counter c;

    f2m_counter_restore(&c, 5000, 5000, 0, -1, 0);
    ck_assert_int_eq(f2m_counter_read(&c, 45000, 1000, 5000), F2M_COUNTER_COUNTED);
    ck_assert_double_eq(c.pending, 40000);
}
END_TEST

START_TEST(a_stored_baseline_still_doubts_a_spike)
{
    struct f2m_counter c;

    f2m_counter_restore(&c, 5000, 5000, 0, HOUR, 0);
    ck_assert_int_eq(f2m_counter_read(&c, 1e9, 1000, 5000), F2M_COUNTER_HELD);
    ck_assert(!c.bridged);
    ck_assert_int_eq(f2m_counter_read(&c, 5020, 2000, 5000), F2M_COUNTER_COUNTED);
    ck_assert_double_eq(c.pending, 20);
}
END_TEST

START_TEST(binary_noise_is_no_decrease)
{
    struct f2m_counter c;

    f2m_counter_restore(&c, 8139, 8139, 0, MINUTE, 0);
    ck_assert_int_eq(f2m_counter_read(&c, 7325, 1000, 5000), F2M_COUNTER_HELD);
    ck_assert_int_eq(f2m_counter_read(&c, 8.139 * 1000, 2000, 5000), F2M_COUNTER_COUNTED);
    ck_assert_double_eq(c.pending, 0);
    f2m_counter_init(&c);
    f2m_counter_read(&c, 8139, 0, 5000);
    ck_assert_int_eq(f2m_counter_read(&c, 8138.9999999999991, 1000, 5000), F2M_COUNTER_COUNTED);
}
END_TEST

START_TEST(a_new_baseline_after_a_restart_bridges_nothing)
{
    struct f2m_counter c;

    f2m_counter_restore(&c, 500000, 500000, 0, HOUR, 0);
    f2m_counter_read(&c, 300000, 1000, 5000);
    ck_assert_int_eq(f2m_counter_read(&c, 300010, 2000, 5000), F2M_COUNTER_REBASED);
    ck_assert(!c.bridged);
    ck_assert_double_eq(c.pending, 10);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("counter");
    TCase *tcase = tcase_create("counter");
    int n = (int)(sizeof series / sizeof series[0]);

    tcase_add_loop_test(tcase, every_series_gives_its_energy, 0, n);
    tcase_add_loop_test(tcase, the_continued_reading_never_falls, 0, n);
    tcase_add_test(tcase, more_time_allows_more_energy);
    tcase_add_test(tcase, without_a_rating_100_kw_are_possible);
    tcase_add_test(tcase, a_jump_that_stays_does_not_become_energy_with_time);
    tcase_add_test(tcase, a_daily_counter_that_rolled_over_while_nobody_looked_counts_what_it_shows);
    tcase_add_test(tcase, a_small_decrease_over_a_long_time_is_no_reset);
    tcase_add_test(tcase, a_stored_baseline_bridges_what_passed);
    tcase_add_test(tcase, a_stored_baseline_of_unknown_age_may_be_a_week_old);
    tcase_add_test(tcase, a_stored_baseline_still_doubts_a_spike);
    tcase_add_test(tcase, binary_noise_is_no_decrease);
    tcase_add_test(tcase, a_new_baseline_after_a_restart_bridges_nothing);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
