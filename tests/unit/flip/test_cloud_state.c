/* Flip counts as offline after two failures in a row, twenty seconds after one, or when it refuses the client token. */
#include "fixture.h"

static uint64_t next_id;

static void setup(void)
{
    fixture_setup();
    next_id = 0;
}

static void call(int status, const char *body)
{
    size_t n = fixture_requests();
    ck_assert_int_eq(fixture_call(F2M_ENDPOINT_COMMANDS_GET, NULL, next_id++), 0);
    fixture_answer(n, status, body);
}

static void lose(void)
{
    size_t n = fixture_requests();
    ck_assert_int_eq(fixture_call(F2M_ENDPOINT_COMMANDS_GET, NULL, next_id++), 0);
    fixture_lost(n, "connection refused");
}

START_TEST(online_after_the_first_success)
{
    ck_assert_int_eq(f2m_cloud_state(cloud), F2M_CLOUD_UNKNOWN);
    ck_assert_str_eq(f2m_cloud_last_error(cloud), "");
    call(200, "[]");
    ck_assert_int_eq(f2m_cloud_state(cloud), F2M_CLOUD_ONLINE);
    call(200, "[]");
    ck_assert_str_eq(fixture_logs(), "info Flip is reachable and accepts the token \n");
}
END_TEST

START_TEST(two_failures_in_a_row_are_offline_until_a_success)
{
    call(200, "[]");
    lose();
    ck_assert_int_eq(f2m_cloud_state(cloud), F2M_CLOUD_ONLINE);
    call(503, NULL);
    ck_assert_int_eq(f2m_cloud_state(cloud), F2M_CLOUD_OFFLINE);
    for (int i = 0; i < 20; i++)
        lose();
    ck_assert_str_eq(f2m_cloud_last_error(cloud), "commands/get: connection refused");
    call(200, "[]");
    ck_assert_int_eq(f2m_cloud_state(cloud), F2M_CLOUD_ONLINE);
    ck_assert_str_eq(fixture_logs(), "info Flip is reachable and accepts the token \n"
                                     "warn Flip is not reachable reason=\"commands/get: HTTP 503\"\n"
                                     "info Flip is reachable and accepts the token \n");
    ck_assert_uint_eq(counters.retries, 22);
}
END_TEST

START_TEST(one_failure_is_offline_after_twenty_seconds)
{
    call(200, "[]");
    lose();
    int64_t due = f2m_cloud_deadline(cloud);
    ck_assert_int_eq(due, now.mono_ms + 20000);
    fixture_pass(19999);
    ck_assert_int_eq(f2m_cloud_state(cloud), F2M_CLOUD_ONLINE);
    fixture_pass(1);
    ck_assert_int_eq(f2m_cloud_state(cloud), F2M_CLOUD_OFFLINE);
    ck_assert_int_eq(f2m_cloud_deadline(cloud), INT64_MAX);
    call(200, "[]");
    lose();
    fixture_pass(10000);
    call(200, "[]");
    ck_assert_int_eq(f2m_cloud_deadline(cloud), INT64_MAX);
    fixture_pass(20000);
    ck_assert_int_eq(f2m_cloud_state(cloud), F2M_CLOUD_ONLINE);
}
END_TEST

START_TEST(a_portal_is_not_flip)
{
    call(200, "<html>please pay</html>");
    call(404, "<html>not here</html>");
    ck_assert_int_eq(f2m_cloud_state(cloud), F2M_CLOUD_OFFLINE);
}
END_TEST

START_TEST(a_refusal_by_flip_is_an_answer)
{
    lose();
    call(404, "{\"message\":\"no\"}");
    ck_assert_int_eq(f2m_cloud_state(cloud), F2M_CLOUD_ONLINE);
    ck_assert_str_eq(f2m_cloud_last_error(cloud), "commands/get: HTTP 404: no");
}
END_TEST

START_TEST(too_many_requests_says_nothing)
{
    call(200, "[]");
    for (int i = 0; i < 5; i++)
        call(429, NULL);
    ck_assert_int_eq(f2m_cloud_state(cloud), F2M_CLOUD_ONLINE);
    ck_assert_int_eq(f2m_cloud_deadline(cloud), INT64_MAX);
}
END_TEST

START_TEST(a_refused_client_token_pauses_for_a_minute)
{
    call(200, "[]");
    call(401, "{\"message\":\"revoked\"}");
    ck_assert_int_eq(f2m_cloud_state(cloud), F2M_CLOUD_OFFLINE);
    ck_assert(f2m_cloud_paused(cloud, now));
    ck_assert_int_eq(f2m_cloud_paused_until(cloud), now.mono_ms + 60000);
    fixture_pass(30000);
    call(403, NULL); /* does not prolong it */
    fixture_pass(29999);
    ck_assert(f2m_cloud_paused(cloud, now));
    fixture_pass(1);
    ck_assert(!f2m_cloud_paused(cloud, now));
    ck_assert_int_eq(f2m_cloud_state(cloud), F2M_CLOUD_OFFLINE);
    call(401, NULL);
    ck_assert(f2m_cloud_paused(cloud, now));
    call(200, "[]"); /* an accepted call ends it */
    ck_assert(!f2m_cloud_paused(cloud, now));
    ck_assert_int_eq(f2m_cloud_state(cloud), F2M_CLOUD_ONLINE);
    ck_assert_str_eq(fixture_logs(), "info Flip is reachable and accepts the token \n"
                                     "warn Flip refuses the client token reason=\"commands/get: HTTP 401: revoked\"\n"
                                     "info Flip is reachable and accepts the token \n");
}
END_TEST

START_TEST(a_reload_ends_the_pause)
{
    call(401, NULL);
    f2m_cloud_reload(cloud, &config);
    ck_assert(!f2m_cloud_paused(cloud, now));
    ck_assert_int_eq(f2m_cloud_state(cloud), F2M_CLOUD_OFFLINE); /* until it is accepted */
}
END_TEST

START_TEST(a_refused_site_token_is_no_matter_of_the_client_token)
{
    call(200, "[]");
    fixture_call(F2M_ENDPOINT_SITE_GET, "a", 500);
    fixture_answer(1, 200, "{\"site_access_token\":\"site-token-1\",\"expires_at\":\"2025-06-15T16:06:40Z\"}");
    fixture_answer(2, 403, NULL);
    ck_assert(!f2m_cloud_paused(cloud, now));
    ck_assert_int_eq(f2m_cloud_state(cloud), F2M_CLOUD_ONLINE);
}
END_TEST

START_TEST(no_secret_gets_out)
{
    call(401, "{\"message\":\"bad token " FIXTURE_CLIENT_TOKEN "\"}");
    fixture_call(F2M_ENDPOINT_SITE_GET, "a", 500);
    fixture_answer(1, 200, "{\"site_access_token\":\"site-token-1\",\"expires_at\":\"2025-06-15T16:06:40Z\"}");
    fixture_answer(2, 422, "{\"message\":\"bad token site-token-1\"}");
    ck_assert_str_eq(replies[500].message, "bad token ***");
    ck_assert_str_eq(f2m_cloud_last_error(cloud), "site/get: HTTP 422: bad token ***");
    ck_assert_ptr_null(strstr(fixture_logs(), "secret"));
    ck_assert_ptr_null(strstr(fixture_logs(), "site-token"));
}
END_TEST

START_TEST(known_already_is_no_error)
{
    ck_assert_int_eq(fixture_call(F2M_ENDPOINT_COMMISSION, NULL, 0), 0);
    fixture_answer(0, 409, "{\"message\":\"exists\"}");
    ck_assert_str_eq(f2m_cloud_last_error(cloud), "");
    ck_assert_int_eq(f2m_cloud_state(cloud), F2M_CLOUD_ONLINE);
}
END_TEST

START_TEST(not_known_yet_is_no_error)
{
    ck_assert_int_eq(fixture_call(F2M_ENDPOINT_DEVICES_GET, "a", 0), 0);
    fixture_answer(0, 404, "{\"message\":\"Site not found\"}"); /* to the site's token */
    ck_assert_int_eq(replies[0].status, 404);
    ck_assert_str_eq(f2m_cloud_last_error(cloud), "");
    ck_assert_int_eq(f2m_cloud_state(cloud), F2M_CLOUD_ONLINE);
    ck_assert_int_eq(fixture_call(F2M_ENDPOINT_DEVICE_GET, "a", 1), 0);
    fixture_answer(1, 200, "{\"site_access_token\":\"site-token-1\",\"expires_at\":\"2025-06-15T16:06:40Z\"}");
    fixture_answer(2, 404, "{\"message\":\"Device not found\"}");
    ck_assert_str_eq(f2m_cloud_last_error(cloud), "");
    ck_assert_int_eq(fixture_call(F2M_ENDPOINT_DEVICE_UPDATE, "a", 2), 0);
    fixture_answer(3, 404, "{\"message\":\"Device not found\"}"); /* a change that is not made is one */
    ck_assert_str_eq(f2m_cloud_last_error(cloud), "device/update: HTTP 404: Device not found");
}
END_TEST

START_TEST(a_proxy_that_knows_nothing_is_an_error)
{
    ck_assert_int_eq(fixture_call(F2M_ENDPOINT_DEVICES_GET, "a", 0), 0);
    fixture_answer(0, 404, "<html>not here</html>");
    ck_assert_str_eq(f2m_cloud_last_error(cloud), "site_token/create: HTTP 404");
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("state");
    tcase_add_checked_fixture(t, setup, fixture_teardown);
    tcase_add_test(t, online_after_the_first_success);
    tcase_add_test(t, two_failures_in_a_row_are_offline_until_a_success);
    tcase_add_test(t, one_failure_is_offline_after_twenty_seconds);
    tcase_add_test(t, a_portal_is_not_flip);
    tcase_add_test(t, a_refusal_by_flip_is_an_answer);
    tcase_add_test(t, too_many_requests_says_nothing);
    tcase_add_test(t, a_refused_client_token_pauses_for_a_minute);
    tcase_add_test(t, a_reload_ends_the_pause);
    tcase_add_test(t, a_refused_site_token_is_no_matter_of_the_client_token);
    tcase_add_test(t, no_secret_gets_out);
    tcase_add_test(t, known_already_is_no_error);
    tcase_add_test(t, not_known_yet_is_no_error);
    tcase_add_test(t, a_proxy_that_knows_nothing_is_an_error);
    return fixture_main("cloud state", t);
}
