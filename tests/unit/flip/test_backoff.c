/* Waits after failures double from at most two seconds up to five minutes, with full jitter, never below Retry-After.
 */
#include "fixture.h"

#include "flip/backoff.h"

static int64_t wait_after(struct f2m_backoff *b, struct f2m_rng *rng, int64_t retry_after_s)
{
    struct f2m_now at = {5000, 0};
    f2m_backoff_fail(b, rng, at, retry_after_s);
    ck_assert(!f2m_backoff_ready(b, at));
    at.mono_ms = b->until_mono_ms - 1;
    ck_assert(!f2m_backoff_ready(b, at));
    at.mono_ms++;
    ck_assert(f2m_backoff_ready(b, at));
    return b->until_mono_ms - 5000;
}

START_TEST(waits_double_up_to_five_minutes)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct f2m_rng rng = {seed};
        struct f2m_backoff b = {0};
        int64_t ceiling = 2000;
        for (int i = 0; i < 100; i++) {
            int64_t wait = wait_after(&b, &rng, 0);
            ck_assert_int_ge(wait, 100);
            ck_assert_int_le(wait, ceiling);
            ceiling = ceiling * 2 > 300000 ? 300000 : ceiling * 2;
        }
    }
}
END_TEST

START_TEST(jitter_uses_the_whole_range)
{
    struct f2m_rng rng = {7};
    int64_t least = INT64_MAX, most = 0;
    for (int i = 0; i < 2000; i++) {
        struct f2m_backoff b = {.failures = 20};
        int64_t wait = wait_after(&b, &rng, 0);
        least = wait < least ? wait : least;
        most = wait > most ? wait : most;
    }
    ck_assert_int_lt(least, 3000);
    ck_assert_int_gt(most, 297000);
}
END_TEST

START_TEST(retry_after_is_a_lower_bound)
{
    struct f2m_rng rng = {7};
    for (int i = 0; i < 100; i++) {
        struct f2m_backoff b = {0};
        int64_t wait = wait_after(&b, &rng, 30);
        ck_assert_int_ge(wait, 30000);
        ck_assert_int_lt(wait, 31000);
    }
    struct f2m_backoff b = {0};
    ck_assert_int_lt(wait_after(&b, &rng, 315360000), 3601000); /* ten years: an hour */
    b = (struct f2m_backoff){0};
    ck_assert_int_le(wait_after(&b, &rng, -5), 2000);
}
END_TEST

START_TEST(success_resets)
{
    struct f2m_rng rng = {7};
    struct f2m_backoff b = {0};
    ck_assert(f2m_backoff_ready(&b, (struct f2m_now){0, 0}));
    for (int i = 0; i < 10; i++)
        wait_after(&b, &rng, 0);
    f2m_backoff_reset(&b);
    ck_assert(f2m_backoff_ready(&b, (struct f2m_now){0, 0}));
    ck_assert_int_le(wait_after(&b, &rng, 0), 2000);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("backoff");
    tcase_add_test(t, waits_double_up_to_five_minutes);
    tcase_add_test(t, jitter_uses_the_whole_range);
    tcase_add_test(t, retry_after_is_a_lower_bound);
    tcase_add_test(t, success_resets);
    return fixture_main("backoff", t);
}
