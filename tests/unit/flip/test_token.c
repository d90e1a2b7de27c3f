/* A site token is cached until a minute before it expires, on the monotonic clock, and read strictly. */
#include "fixture.h"

#include "flip/token.h"
#include "util/limits.h"

#include <stdio.h>

static struct f2m_tokens *tokens;
static struct f2m_rng rng = {1};
static struct f2m_now at;

static void setup(void)
{
    tokens = f2m_tokens_new(&rng);
    at = (struct f2m_now){1000, 1750000000000}; /* 2025-06-15T15:06:40Z */
}

static void teardown(void)
{
    f2m_tokens_free(tokens);
}

static const char *put(const char *site, const char *answer)
{
    return f2m_tokens_put(tokens, site, f2m_slice_of(answer), at);
}

START_TEST(cached_until_a_minute_before_it_expires)
{
    ck_assert_str_eq(put("s", "{\"site_access_token\":\"t1\",\"expires_at\":\"2025-06-15T16:06:40Z\"}"), "t1");
    ck_assert_str_eq(f2m_tokens_get(tokens, "s", at), "t1");
    ck_assert_ptr_null(f2m_tokens_get(tokens, "other", at));
    at.mono_ms += 59 * 60000 - 1;
    ck_assert_str_eq(f2m_tokens_get(tokens, "s", at), "t1");
    at.mono_ms += 1;
    ck_assert_ptr_null(f2m_tokens_get(tokens, "s", at));
}
END_TEST

START_TEST(a_step_of_the_wall_clock_does_not_matter)
{
    put("s", "{\"site_access_token\":\"t1\",\"expires_at\":\"2025-06-15 16:06:40.000Z\"}");
    at.wall_ms += 86400000;
    ck_assert_str_eq(f2m_tokens_get(tokens, "s", at), "t1");
    at.mono_ms += 3600000;
    at.wall_ms -= 10 * 86400000LL;
    ck_assert_ptr_null(f2m_tokens_get(tokens, "s", at));
}
END_TEST

START_TEST(a_short_or_unreadable_lifetime_serves_the_waiting_calls_only)
{
    static const char *const expiries[] = {"\"2025-06-15T15:06:42Z\"", "\"2001-01-01T00:00:00Z\"", "\"soon\"", "7",
                                           "null"};
    for (size_t i = 0; i < sizeof expiries / sizeof *expiries; i++) {
        char answer[160];
        snprintf(answer, sizeof answer, "{\"site_access_token\":\"t\",\"expires_at\":%s}", expiries[i]);
        ck_assert_str_eq(put("s", answer), "t");
        ck_assert_ptr_null(f2m_tokens_get(tokens, "s", at));
    }
    ck_assert_str_eq(put("s", "{\"site_access_token\":\"t\"}"), "t");
}
END_TEST

START_TEST(an_answer_without_a_usable_token_is_none)
{
    static const char *const answers[] = {
        "{}",
        "[]",
        "null",
        "{\"site_access_token\":\"\"}",
        "{\"site_access_token\":7}",
        "{\"site_access_token\":\"a\\r\\nX-Header: b\"}",
        "{\"site_access_token\":\"a b\"}",
        "{\"site_access_token\":\"\xC3\xA4\"}",
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        ck_assert_ptr_null(put("s", answers[i]));
}
END_TEST

START_TEST(a_refused_token_is_forgotten_but_not_its_successor)
{
    put("s", "{\"site_access_token\":\"t1\",\"expires_at\":\"2025-06-15T16:06:40Z\"}");
    f2m_tokens_drop(tokens, "s", "t0");
    ck_assert_str_eq(f2m_tokens_get(tokens, "s", at), "t1");
    f2m_tokens_drop(tokens, "s", "t1");
    ck_assert_ptr_null(f2m_tokens_get(tokens, "s", at));
}
END_TEST

START_TEST(the_table_is_bounded)
{
    char site[32];
    for (int i = 0; i <= F2M_MAX_SITE_TOKENS; i++) {
        snprintf(site, sizeof site, "s%d", i);
        put(site, "{\"site_access_token\":\"t\",\"expires_at\":\"2025-06-15T16:06:40Z\"}");
    }
    ck_assert_ptr_null(f2m_tokens_get(tokens, "s0", at));
    ck_assert_str_eq(f2m_tokens_get(tokens, "s1", at), "t");
    f2m_tokens_clear(tokens);
    ck_assert_ptr_null(f2m_tokens_get(tokens, "s1", at));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("token");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, cached_until_a_minute_before_it_expires);
    tcase_add_test(t, a_step_of_the_wall_clock_does_not_matter);
    tcase_add_test(t, a_short_or_unreadable_lifetime_serves_the_waiting_calls_only);
    tcase_add_test(t, an_answer_without_a_usable_token_is_none);
    tcase_add_test(t, a_refused_token_is_forgotten_but_not_its_successor);
    tcase_add_test(t, the_table_is_bounded);
    return fixture_main("token", t);
}
