/* The bridge subscribes to a minimal cover, knows what the broker said to each, and asks again where it was refused. */
#include "engine/subscriptions.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct f2m_subscriptions *s;
static struct f2m_effects *fx;

static void setup(void)
{
    s = f2m_subscriptions_new();
    fx = f2m_effects_new();
}

static void teardown(void)
{
    f2m_subscriptions_free(s);
    f2m_effects_free(fx);
}

static void want(const char *const *filters)
{
    f2m_subscriptions_begin(s);
    for (; *filters; filters++)
        f2m_subscriptions_add(s, *filters);
    f2m_subscriptions_apply(s, fx);
}

/* The effects since the last call as "+a -b", log lines left out. */
static const char *said(void)
{
    static char text[512];
    text[0] = '\0';
    for (size_t i = 0; i < f2m_effects_count(fx); i++) {
        const struct f2m_effect *e = f2m_effects_at(fx, i);
        if (e->type != F2M_FX_SUBSCRIBE && e->type != F2M_FX_UNSUBSCRIBE)
            continue;
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof text - len, "%s%c%s", len ? " " : "", e->type == F2M_FX_SUBSCRIBE ? '+' : '-',
                       e->filter);
    }
    f2m_effects_reset(fx);
    return text;
}

static void count_refused(void *n, const char *filter)
{
    (void)filter;
    ++*(int *)n;
}

START_TEST(nothing_is_sent_before_a_connection)
{
    want((const char *const[]){"a", "b", NULL});
    ck_assert_str_eq(said(), "");
    ck_assert(!f2m_subscriptions_complete(s));
}
END_TEST

START_TEST(a_connection_subscribes_to_the_minimal_cover)
{
    want((const char *const[]){"a/b", "a/#", "c", "c", NULL});
    f2m_subscriptions_up(s, fx);
    ck_assert_str_eq(said(), "+a/# +c");
}
END_TEST

START_TEST(complete_only_after_every_answer_refusals_included)
{
    int refused = 0;
    want((const char *const[]){"a", "b", NULL});
    f2m_subscriptions_up(s, fx);
    f2m_subscriptions_answered(s, (struct f2m_now){0}, "a", 1, fx);
    ck_assert(!f2m_subscriptions_complete(s));
    f2m_subscriptions_answered(s, (struct f2m_now){0}, "b", 0x87, fx);
    ck_assert(f2m_subscriptions_complete(s));
    f2m_subscriptions_refused(s, count_refused, &refused);
    ck_assert_int_eq(refused, 1);
}
END_TEST

START_TEST(a_refused_one_is_asked_again_every_minute_and_told_once)
{
    want((const char *const[]){"a", NULL});
    f2m_subscriptions_up(s, fx);
    (void)said();
    for (int64_t minute = 0; minute < 3; minute++) {
        f2m_subscriptions_answered(s, (struct f2m_now){.mono_ms = minute * 60000}, "a", 0x80, fx);
        ck_assert_uint_eq(f2m_effects_count(fx), minute == 0);
        f2m_effects_reset(fx);
        ck_assert_int_eq(f2m_subscriptions_deadline(s), (minute + 1) * 60000);
        f2m_subscriptions_tick(s, (struct f2m_now){.mono_ms = (minute + 1) * 60000 - 1}, fx);
        ck_assert_str_eq(said(), "");
        f2m_subscriptions_tick(s, (struct f2m_now){.mono_ms = (minute + 1) * 60000}, fx);
        ck_assert_str_eq(said(), "+a");
        ck_assert(f2m_subscriptions_complete(s));
    }
    f2m_subscriptions_answered(s, (struct f2m_now){0}, "a", 1, fx);
    int refused = 0;
    f2m_subscriptions_refused(s, count_refused, &refused);
    ck_assert_int_eq(refused, 0);
}
END_TEST

START_TEST(a_reload_subscribes_and_unsubscribes_the_difference)
{
    want((const char *const[]){"a", "b", NULL});
    f2m_subscriptions_up(s, fx);
    f2m_subscriptions_answered(s, (struct f2m_now){0}, "a", 1, fx);
    f2m_subscriptions_answered(s, (struct f2m_now){0}, "b", 1, fx);
    (void)said();
    want((const char *const[]){"b", "c", NULL});
    ck_assert_str_eq(said(), "-a +c");
    ck_assert(!f2m_subscriptions_complete(s));
    f2m_subscriptions_answered(s, (struct f2m_now){0}, "c", 1, fx);
    ck_assert(f2m_subscriptions_complete(s));
}
END_TEST

START_TEST(a_new_connection_asks_for_everything_anew)
{
    want((const char *const[]){"a", NULL});
    f2m_subscriptions_up(s, fx);
    f2m_subscriptions_answered(s, (struct f2m_now){0}, "a", 1, fx);
    (void)said();
    f2m_subscriptions_down(s);
    ck_assert(!f2m_subscriptions_complete(s));
    f2m_subscriptions_answered(s, (struct f2m_now){0}, "a", 1, fx); /* a late answer of the old connection */
    ck_assert(!f2m_subscriptions_complete(s));
    f2m_subscriptions_up(s, fx);
    ck_assert_str_eq(said(), "+a");
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("subscriptions");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, nothing_is_sent_before_a_connection);
    tcase_add_test(tc, a_connection_subscribes_to_the_minimal_cover);
    tcase_add_test(tc, complete_only_after_every_answer_refusals_included);
    tcase_add_test(tc, a_refused_one_is_asked_again_every_minute_and_told_once);
    tcase_add_test(tc, a_reload_subscribes_and_unsubscribes_the_difference);
    tcase_add_test(tc, a_new_connection_asks_for_everything_anew);
    Suite *suite = suite_create("engine_subscriptions");
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
