/* Calls get the right token, wait for it where needed, and end exactly once. */
#include "fixture.h"

#include "util/limits.h"

#include <errno.h>

#define HOUR  "{\"site_access_token\":\"site-token-1\",\"expires_at\":\"2025-06-15T16:06:40Z\"}"
#define SHORT "{\"site_access_token\":\"site-token-2s\",\"expires_at\":\"2025-06-15T15:06:42Z\"}"

#define FIRST_BACKOFF 2001 /* ms, at the most */

START_TEST(a_client_call_goes_out_at_once)
{
    ck_assert_int_eq(fixture_call(F2M_ENDPOINT_TELEMETRY_REPORT, NULL, 1), 0);
    const struct f2m_http_request *r = fixture_request(0);
    ck_assert_str_eq(r->path, "/v1/telemetry/BATTERY");
    ck_assert_str_eq(r->token, FIXTURE_CLIENT_TOKEN);
    ck_assert_int_eq(r->method, F2M_HTTP_POST);
    ck_assert(f2m_slice_is(r->body, "{\"a\":1}"));
    ck_assert_uint_eq(f2m_cloud_in_flight(cloud), 1);
    fixture_answer(0, 200, "[1]");
    ck_assert_int_eq(replies[1].count, 1);
    ck_assert_int_eq(replies[1].outcome, F2M_OUTCOME_OK);
    ck_assert_str_eq(replies[1].body, "[1]");
    ck_assert_uint_eq(f2m_cloud_in_flight(cloud), 0);
    ck_assert(!f2m_cloud_http_done(cloud, now, &(struct f2m_http_result){.tag = r->tag, .status = 200}, fx));
    ck_assert(!f2m_cloud_http_done(cloud, now, &(struct f2m_http_result){.tag = 77, .status = 200}, fx));
    ck_assert_int_eq(replies[1].count, 1);
}
END_TEST

START_TEST(one_token_serves_all_calls_of_a_site)
{
    fixture_call(F2M_ENDPOINT_SITE_GET, "a", 1);
    fixture_call(F2M_ENDPOINT_EVENTS_GET, "a", 2);
    fixture_call(F2M_ENDPOINT_SITE_GET, "b", 3);
    ck_assert_uint_eq(fixture_requests(), 2);
    ck_assert_str_eq(fixture_request(0)->path, "/v1/auth/site/a");
    ck_assert_str_eq(fixture_request(0)->token, FIXTURE_CLIENT_TOKEN);
    ck_assert_ptr_null(fixture_request(0)->body.at);
    ck_assert_str_eq(fixture_request(1)->path, "/v1/auth/site/b");
    fixture_answer(0, 200, HOUR);
    ck_assert_uint_eq(fixture_requests(), 4);
    ck_assert_str_eq(fixture_request(2)->path, "/v1/site/a");
    ck_assert_str_eq(fixture_request(2)->token, "site-token-1");
    ck_assert_str_eq(fixture_request(3)->path, "/v1/site/a/events");
    fixture_answer(3, 200, "[]");
    fixture_answer(2, 200, "{}");
    fixture_call(F2M_ENDPOINT_DEVICES_GET, "a", 4);
    ck_assert_str_eq(fixture_request(4)->path, "/v1/site/a/devices"); /* cached */
    ck_assert_int_eq(replies[1].count + replies[2].count, 2);
    ck_assert_int_eq(replies[3].count, 0);
}
END_TEST

START_TEST(a_token_of_two_seconds_works)
{
    for (uint64_t id = 1; id <= 2; id++) {
        size_t n = fixture_requests();
        fixture_call(F2M_ENDPOINT_SITE_GET, "a", id);
        ck_assert_str_eq(fixture_request(n)->path, "/v1/auth/site/a");
        fixture_answer(n, 200, SHORT);
        ck_assert_str_eq(fixture_request(n + 1)->token, "site-token-2s");
        fixture_answer(n + 1, 200, "{}");
        ck_assert_int_eq(replies[id].outcome, F2M_OUTCOME_OK);
        fixture_pass(3000);
    }
    ck_assert_uint_eq(fixture_requests(), 4);
}
END_TEST

START_TEST(a_refused_site_token_is_renewed_once)
{
    fixture_call(F2M_ENDPOINT_SITE_UPDATE, "a", 1);
    fixture_answer(0, 200, HOUR);
    fixture_answer(1, 401, "{\"message\":\"expired\"}");
    ck_assert_int_eq(replies[1].count, 0);
    ck_assert_str_eq(fixture_request(2)->path, "/v1/auth/site/a");
    fixture_answer(2, 200, "{\"site_access_token\":\"site-token-2\",\"expires_at\":\"2025-06-15T16:06:40Z\"}");
    ck_assert_str_eq(fixture_request(3)->token, "site-token-2");
    ck_assert_str_eq(fixture_request(3)->path, fixture_request(1)->path);
    ck_assert(f2m_slice_is(fixture_request(3)->body, "{\"a\":1}"));
    fixture_answer(3, 401, NULL);
    ck_assert_int_eq(replies[1].count, 1);
    ck_assert_int_eq(replies[1].outcome, F2M_OUTCOME_AUTH);
    ck_assert_uint_eq(fixture_requests(), 4);
    /* The second refusal is remembered: the next call asks for another token. */
    fixture_call(F2M_ENDPOINT_SITE_GET, "a", 2);
    ck_assert_str_eq(fixture_request(4)->path, "/v1/auth/site/a");
}
END_TEST

START_TEST(forbidden_is_not_a_matter_of_a_new_token)
{
    fixture_call(F2M_ENDPOINT_SITE_GET, "a", 1);
    fixture_answer(0, 200, HOUR);
    fixture_answer(1, 403, "{\"message\":\"not your site\"}");
    ck_assert_int_eq(replies[1].outcome, F2M_OUTCOME_AUTH);
    ck_assert_str_eq(replies[1].message, "not your site");
    ck_assert_uint_eq(fixture_requests(), 2);
}
END_TEST

START_TEST(without_a_token_its_calls_end_with_the_fetchs_outcome)
{
    fixture_call(F2M_ENDPOINT_SITE_GET, "a", 1);
    fixture_call(F2M_ENDPOINT_EVENTS_GET, "a", 2);
    fixture_answer(0, 404, "{\"message\":\"no such site\"}");
    for (int id = 1; id <= 2; id++) {
        ck_assert_int_eq(replies[id].count, 1);
        ck_assert_int_eq(replies[id].outcome, F2M_OUTCOME_REJECT);
        ck_assert_int_eq(replies[id].status, 404);
        ck_assert_str_eq(replies[id].message, "no such site");
    }
    fixture_call(F2M_ENDPOINT_SITE_GET, "a", 3);
    fixture_lost(1, "connection refused");
    ck_assert_int_eq(replies[3].outcome, F2M_OUTCOME_RETRY);
    ck_assert_str_eq(replies[3].message, "connection refused");
    fixture_pass(FIRST_BACKOFF);
    fixture_call(F2M_ENDPOINT_SITE_GET, "a", 4);
    fixture_answer(2, 200, "{\"device_access_token\":\"x\"}");
    ck_assert_int_eq(replies[4].outcome, F2M_OUTCOME_RETRY);
    ck_assert_str_eq(replies[4].message, "the answer to site_token/create holds no site_access_token");
}
END_TEST

START_TEST(eight_calls_are_out_at_a_time)
{
    for (uint64_t id = 0; id < 20; id++)
        ck_assert_int_eq(fixture_call(F2M_ENDPOINT_COMMANDS_GET, NULL, id), 0);
    ck_assert_uint_eq(fixture_requests(), F2M_MAX_HTTP_IN_FLIGHT);
    for (size_t n = 0; n < 20; n++) {
        fixture_answer(n, 200, "[]");
        ck_assert_int_eq(replies[n].count, 1);
        ck_assert_uint_le(f2m_cloud_in_flight(cloud), F2M_MAX_HTTP_IN_FLIGHT);
    }
    ck_assert_uint_eq(fixture_requests(), 20);
}
END_TEST

START_TEST(the_table_of_calls_is_bounded_with_room_for_writes)
{
    uint64_t id = 0;
    while (fixture_call(F2M_ENDPOINT_SITE_GET, "a", id) == 0)
        id++;
    ck_assert_uint_eq(id, F2M_MAX_HTTP_WAITING - 32);
    ck_assert_int_eq(fixture_call(F2M_ENDPOINT_SITE_GET, "a", id), -EBUSY);
    for (int i = 0; i < 32; i++)
        ck_assert_int_eq(fixture_call(F2M_ENDPOINT_TELEMETRY_REPORT, NULL, id++), 0);
    ck_assert_int_eq(fixture_call(F2M_ENDPOINT_TELEMETRY_REPORT, NULL, id), -EBUSY);
    fixture_lost(0, "timed out"); /* the token: all calls of the site end */
    ck_assert_int_eq(replies[0].count, 1);
    ck_assert_int_eq(replies[F2M_MAX_HTTP_WAITING - 33].count, 1);
    ck_assert_int_eq(fixture_call(F2M_ENDPOINT_SITE_GET, "a", id), 0);
}
END_TEST

START_TEST(a_missing_id_is_an_error_of_the_caller)
{
    ck_assert_int_eq(fixture_call(F2M_ENDPOINT_SITE_GET, NULL, 1), -EINVAL);
    ck_assert_uint_eq(fixture_requests(), 0);
}
END_TEST

START_TEST(a_reload_forgets_site_tokens_and_uses_the_new_client_token)
{
    fixture_call(F2M_ENDPOINT_SITE_GET, "a", 1);
    fixture_answer(0, 200, HOUR);
    fixture_answer(1, 200, "{}");
    fixture_call(F2M_ENDPOINT_SITE_GET, "b", 2); /* its token is being fetched with the old one */
    struct f2m_config other = config;
    char token[] = "another-client-token";
    other.flip.token = token;
    f2m_cloud_reload(cloud, &other);
    fixture_answer(2, 401, NULL);
    ck_assert(!f2m_cloud_paused(cloud, now)); /* says nothing about the new token */
    ck_assert_int_eq(replies[2].count, 0);
    ck_assert_str_eq(fixture_request(3)->path, "/v1/auth/site/b");
    ck_assert_str_eq(fixture_request(3)->token, "another-client-token");
    fixture_call(F2M_ENDPOINT_SITE_GET, "a", 3);
    ck_assert_str_eq(fixture_request(4)->path, "/v1/auth/site/a");
}
END_TEST

/* In an outage each of a site's polls would fetch the token on its own: seventeen requests in four seconds. */
START_TEST(one_backoff_holds_for_all_calls_of_a_site)
{
    uint64_t id = 1;
    size_t answered = 0;
    for (int64_t ms = 0; ms < 20000; ms += 100) {
        for (int poll = 0; ms % 1000 == 0 && poll < 5; poll++)
            fixture_call(F2M_ENDPOINT_EVENTS_GET, "a", id++);
        for (; answered < fixture_requests(); answered++)
            fixture_lost(answered, "connection refused");
        fixture_pass(100);
    }
    ck_assert_uint_le(fixture_requests(), 8); /* five would double from two seconds on */
    ck_assert_uint_ge(fixture_requests(), 4);
    for (uint64_t i = 1; i < id; i++) {
        ck_assert_int_eq(replies[i].count, 1);
        ck_assert_int_eq(replies[i].outcome, F2M_OUTCOME_RETRY);
        ck_assert_str_eq(replies[i].message, "connection refused");
    }
    ck_assert_int_ge(replies[id - 1].retry_after_s, 1);
    fixture_call(F2M_ENDPOINT_EVENTS_GET, "b", id); /* another site is another matter */
    ck_assert_str_eq(fixture_request(answered)->path, "/v1/auth/site/b");
}
END_TEST

START_TEST(retry_after_of_a_token_holds_for_its_site)
{
    fixture_call(F2M_ENDPOINT_SITE_GET, "a", 1);
    fixture_answer_later(0, 429, 30);
    ck_assert_int_eq(replies[1].retry_after_s, 30);
    fixture_pass(29000);
    fixture_call(F2M_ENDPOINT_SITE_GET, "a", 2);
    fixture_pass(0);
    ck_assert_int_eq(replies[2].count, 1);
    ck_assert_int_eq(replies[2].status, 429);
    ck_assert_uint_eq(fixture_requests(), 1);
    fixture_pass(2001);
    fixture_call(F2M_ENDPOINT_SITE_GET, "a", 3);
    fixture_answer(1, 200, HOUR);
    fixture_answer(2, 200, "{}");
    ck_assert_int_eq(replies[3].outcome, F2M_OUTCOME_OK);
}
END_TEST

START_TEST(the_end_of_an_outage_ends_the_backoff)
{
    for (uint64_t id = 1; id <= 12; id++) {
        fixture_pass(300000);
        fixture_call(F2M_ENDPOINT_SITE_GET, "a", id);
        fixture_lost(fixture_requests() - 1, "connection refused");
    }
    ck_assert_uint_eq(fixture_requests(), 12);
    fixture_call(F2M_ENDPOINT_COMMANDS_GET, NULL, 13);
    fixture_answer(12, 200, "[]");
    fixture_call(F2M_ENDPOINT_SITE_GET, "a", 14);
    ck_assert_str_eq(fixture_request(13)->path, "/v1/auth/site/a");
}
END_TEST

/* An owner that calls again from within done(), as a poll that pages through a list does. */
static int again_count;
static void again(void *owner, uint64_t id, struct f2m_now when, const struct f2m_reply *r, struct f2m_effects *effects)
{
    (void)owner;
    (void)r;
    again_count++;
    if (id == 0)
        return;
    struct f2m_err err;
    struct f2m_call call = {.endpoint = F2M_ENDPOINT_SITE_GET, .ids = {.site_id = "a"}, .done = again, .id = id - 1};
    ck_assert_int_eq(f2m_cloud_call(cloud, when, &call, effects, &err), 0);
}

START_TEST(an_owner_may_call_from_within_done)
{
    struct f2m_err err;
    struct f2m_call call = {.endpoint = F2M_ENDPOINT_SITE_GET, .ids = {.site_id = "a"}, .done = again, .id = 2};
    ck_assert_int_eq(f2m_cloud_call(cloud, now, &call, fx, &err), 0);
    fixture_pass(0);
    fixture_lost(0, "timed out"); /* the token; done() of the call asks again */
    fixture_pass(FIRST_BACKOFF);
    fixture_answer(1, 200, HOUR);
    fixture_answer(2, 200, "{}");
    fixture_answer(3, 200, "{}");
    ck_assert_int_eq(again_count, 3);
    ck_assert_uint_eq(fixture_requests(), 4);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("calls");
    tcase_add_checked_fixture(t, fixture_setup, fixture_teardown);
    tcase_add_test(t, a_client_call_goes_out_at_once);
    tcase_add_test(t, one_token_serves_all_calls_of_a_site);
    tcase_add_test(t, a_token_of_two_seconds_works);
    tcase_add_test(t, a_refused_site_token_is_renewed_once);
    tcase_add_test(t, forbidden_is_not_a_matter_of_a_new_token);
    tcase_add_test(t, without_a_token_its_calls_end_with_the_fetchs_outcome);
    tcase_add_test(t, eight_calls_are_out_at_a_time);
    tcase_add_test(t, the_table_of_calls_is_bounded_with_room_for_writes);
    tcase_add_test(t, a_missing_id_is_an_error_of_the_caller);
    tcase_add_test(t, a_reload_forgets_site_tokens_and_uses_the_new_client_token);
    tcase_add_test(t, one_backoff_holds_for_all_calls_of_a_site);
    tcase_add_test(t, retry_after_of_a_token_holds_for_its_site);
    tcase_add_test(t, the_end_of_an_outage_ends_the_backoff);
    tcase_add_test(t, an_owner_may_call_from_within_done);
    return fixture_main("cloud calls", t);
}
