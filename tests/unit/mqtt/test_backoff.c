/* The broker is tried again after a jittered, doubling delay up to a cap, slowly after bad credentials, and slowly with
 * a word about it when connections keep ending soon after they were made. */
#include "mqtt/backoff.h"

#include <check.h>
#include <stdlib.h>

static struct f2m_backoff backoff;

static void setup(void)
{
    f2m_backoff_init(&backoff, 1000, 30000, 30000, 42);
}

static int64_t next_after(int reason, bool *takeover)
{
    struct f2m_attempt attempt = {.ended_ms = 1000, .reason = reason};
    return f2m_backoff_next(&backoff, &attempt, takeover);
}

START_TEST(the_delay_doubles_up_to_the_cap)
{
    bool takeover;
    int64_t cap = 1000, largest = 0;
    for (int i = 0; i < 200; i++) {
        int64_t wait = next_after(0, &takeover);
        ck_assert_int_ge(wait, 100);
        ck_assert_int_le(wait, cap);
        ck_assert(!takeover);
        if (wait > largest)
            largest = wait;
        cap = cap * 2 > 30000 ? 30000 : cap * 2;
    }
    ck_assert_int_gt(largest, 28000); /* full jitter reaches the cap */
}
END_TEST

START_TEST(different_seeds_wait_differently)
{
    struct f2m_backoff other;
    bool takeover;
    int differ = 0;
    f2m_backoff_init(&other, 1000, 30000, 30000, 43);
    for (int i = 0; i < 10; i++) {
        struct f2m_attempt attempt = {.ended_ms = 1000};
        differ += next_after(0, &takeover) != f2m_backoff_next(&other, &attempt, &takeover);
    }
    ck_assert_int_ge(differ, 8);
}
END_TEST

START_TEST(bad_credentials_wait_at_least_half_a_minute)
{
    static const int reasons[] = {4, 5, 0x86, 0x87, 0x8a};
    bool takeover;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        int64_t wait = next_after(reasons[i], &takeover);
        ck_assert_int_ge(wait, 30000);
        ck_assert_int_lt(wait, 60000);
    }
    ck_assert_int_le(next_after(0x88, &takeover), 1000); /* busy: an ordinary failure */
}
END_TEST

START_TEST(a_long_connection_resets_the_delay)
{
    bool takeover;
    for (int i = 0; i < 10; i++)
        next_after(0, &takeover);
    struct f2m_attempt attempt = {.up_ms = 1000, .ended_ms = 1000 + 60000};
    ck_assert_int_le(f2m_backoff_next(&backoff, &attempt, &takeover), 1000);
}
END_TEST

START_TEST(three_short_connections_within_a_minute_are_a_takeover_loop)
{
    bool takeover;
    struct f2m_attempt attempt = {.up_ms = 100000, .ended_ms = 101000};
    ck_assert_int_le(f2m_backoff_next(&backoff, &attempt, &takeover), 1000);
    ck_assert(!takeover);
    attempt = (struct f2m_attempt){.up_ms = 102000, .ended_ms = 110000};
    f2m_backoff_next(&backoff, &attempt, &takeover);
    ck_assert(!takeover);
    attempt = (struct f2m_attempt){.up_ms = 150000, .ended_ms = 160000};
    ck_assert_int_ge(f2m_backoff_next(&backoff, &attempt, &takeover), 30000);
    ck_assert(takeover);
}
END_TEST

START_TEST(short_connections_far_apart_are_no_takeover_loop)
{
    bool takeover;
    for (int64_t t = 1000; t < 400000; t += 31000) {
        struct f2m_attempt attempt = {.up_ms = t, .ended_ms = t + 500};
        ck_assert_int_le(f2m_backoff_next(&backoff, &attempt, &takeover), 1000);
        ck_assert(!takeover);
    }
}
END_TEST

START_TEST(a_long_connection_ends_the_suspicion)
{
    bool takeover;
    const struct f2m_attempt attempts[] = {{1000, 2000, 0}, {3000, 4000, 0}, {5000, 26000, 0}, {27000, 28000, 0}};
    for (size_t i = 0; i < 4; i++) {
        f2m_backoff_next(&backoff, &attempts[i], &takeover);
        ck_assert(!takeover);
    }
}
END_TEST

START_TEST(a_broker_that_is_away_in_between_is_no_takeover_loop)
{
    bool takeover;
    for (int64_t t = 1000; t < 60000; t += 5000) {
        struct f2m_attempt up = {.up_ms = t, .ended_ms = t + 3000}, away = {.ended_ms = t + 4000};
        ck_assert_int_le(f2m_backoff_next(&backoff, &up, &takeover), 1000);
        ck_assert(!takeover);
        f2m_backoff_next(&backoff, &away, &takeover);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backoff");
    TCase *tcase = tcase_create("backoff");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, the_delay_doubles_up_to_the_cap);
    tcase_add_test(tcase, different_seeds_wait_differently);
    tcase_add_test(tcase, bad_credentials_wait_at_least_half_a_minute);
    tcase_add_test(tcase, a_long_connection_resets_the_delay);
    tcase_add_test(tcase, three_short_connections_within_a_minute_are_a_takeover_loop);
    tcase_add_test(tcase, short_connections_far_apart_are_no_takeover_loop);
    tcase_add_test(tcase, a_long_connection_ends_the_suspicion);
    tcase_add_test(tcase, a_broker_that_is_away_in_between_is_no_takeover_loop);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
