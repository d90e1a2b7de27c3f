/* Every operation makes its one call with the right method, path, token and body, and hands Flip's answer through. */
#include "world.h"

#define UNKNOWN_IDS                                                                                                    \
    "\"site_id\":\"ho/me\",\"device_id\":\"b t\",\"program_id\":\"p\",\"enrollment_id\":\"e\",\"event_id\":\"v\","     \
    "\"command_id\":\"c\",\"settings_request_id\":\"s\""

static const struct {
    const char *operation;
    enum f2m_http_method method;
    const char *path;
    enum f2m_token_kind token;
    bool body;
} rows[] = {
    {"site_token/create", F2M_HTTP_POST, "/v1/auth/site/asked", F2M_TOKEN_CLIENT, false},
    {"commission", F2M_HTTP_POST, "/v1/commission", F2M_TOKEN_CLIENT, true},
    {"commands/get", F2M_HTTP_GET, "/v1/commands", F2M_TOKEN_CLIENT, false},
    {"command/update", F2M_HTTP_PATCH, "/v1/command/c", F2M_TOKEN_CLIENT, true},
    {"telemetry/report", F2M_HTTP_POST, "/v1/telemetry/BATTERY", F2M_TOKEN_CLIENT, true},
    {"telemetry_counter/report", F2M_HTTP_POST, "/v1/telemetry/BATTERY_COUNTER", F2M_TOKEN_CLIENT, true},
    {"settings/update", F2M_HTTP_PATCH, "/v1/settings/s", F2M_TOKEN_CLIENT, true},
    {"supplements/create", F2M_HTTP_POST, "/v1/supplements", F2M_TOKEN_CLIENT, true},
    {"sites/get", F2M_HTTP_GET, "/v1/sites?skip=0&limit=100", F2M_TOKEN_CLIENT, false},
    {"client_programs/get", F2M_HTTP_GET, "/v1/programs", F2M_TOKEN_CLIENT, false},
    {"site/get", F2M_HTTP_GET, "/v1/site/ho%2Fme", F2M_TOKEN_SITE, false},
    {"site/update", F2M_HTTP_PATCH, "/v1/site/ho%2Fme", F2M_TOKEN_SITE, true},
    {"devices/get", F2M_HTTP_GET, "/v1/site/ho%2Fme/devices", F2M_TOKEN_SITE, false},
    {"device/get", F2M_HTTP_GET, "/v1/site/ho%2Fme/device/b%20t", F2M_TOKEN_SITE, false},
    {"device/update", F2M_HTTP_PATCH, "/v1/site/ho%2Fme/device/b%20t", F2M_TOKEN_SITE, true},
    {"device/delete", F2M_HTTP_DELETE, "/v1/site/ho%2Fme/device/b%20t", F2M_TOKEN_SITE, false},
    {"enrollments/get", F2M_HTTP_GET, "/v1/site/ho%2Fme/enrollments", F2M_TOKEN_SITE, false},
    {"enrollment/delete", F2M_HTTP_DELETE, "/v1/site/ho%2Fme/enrollment/e", F2M_TOKEN_SITE, false},
    {"programs/get", F2M_HTTP_GET, "/v1/site/ho%2Fme/programs?skip=0&limit=100", F2M_TOKEN_SITE, false},
    {"program/get", F2M_HTTP_GET, "/v1/site/ho%2Fme/program/p", F2M_TOKEN_SITE, false},
    {"events/get", F2M_HTTP_GET, "/v1/site/ho%2Fme/events", F2M_TOKEN_SITE, false},
    {"event/get", F2M_HTTP_GET, "/v1/site/ho%2Fme/event/v", F2M_TOKEN_SITE, false},
    {"event/update", F2M_HTTP_PATCH, "/v1/site/ho%2Fme/event/v", F2M_TOKEN_SITE, true},
};
#define ROWS (sizeof rows / sizeof *rows)

static const char *ask(size_t i, const char *transaction)
{
    static char payload[600];
    bool token = strcmp(rows[i].operation, "site_token/create") == 0;
    snprintf(payload, sizeof payload, "{\"transaction\":%s,%s%s}", transaction,
             token ? "\"site_id\":\"asked\"" : UNKNOWN_IDS, rows[i].body ? ",\"body\":{\"a\":[1]}" : "");
    world_ask(rows[i].operation, payload);
    return rows[i].operation;
}

START_TEST(each_operation_calls_its_endpoint)
{
    const char *operation = ask((size_t)_i, "7");
    ck_assert_uint_eq(world_calls(), 1);
    const struct f2m_http_request *call = world_call(0);
    ck_assert_int_eq(call->method, rows[_i].method);
    ck_assert_str_eq(call->path, rows[_i].path);
    ck_assert_str_eq(call->token, rows[_i].token == F2M_TOKEN_SITE ? WORLD_SITE_TOKEN : WORLD_CLIENT_TOKEN);
    ck_assert_uint_eq(world_token_calls(), rows[_i].token == F2M_TOKEN_SITE);
    if (rows[_i].body)
        ck_assert_str_eq(call->body.at, "{\"a\":[1]}");
    else
        ck_assert_ptr_null(call->body.at);
    ck_assert_uint_eq(world_answers(), 0);
    bool list = strchr(rows[_i].path, '?') != NULL;
    world_reply(0, 200, list ? "[{\"x\":1}]" : " {\"x\":1} ");
    world_expect(operation, list ? "{\"transaction\":7,\"status\":\"ok\",\"http_status\":200,\"data\":[{\"x\":1}]}"
                                 : "{\"transaction\":7,\"status\":\"ok\",\"http_status\":200,\"data\":{\"x\":1}}");
    ck_assert_str_eq(world_observed(), operation);
    ck_assert_str_eq(world_observed_body(), list ? "[{\"x\":1}]" : "{\"x\":1}");
}
END_TEST

START_TEST(each_operation_hands_flips_refusal_through)
{
    const char *operation = ask((size_t)_i, "\"t\"");
    world_reply(0, 422, "{\"detail\":[{\"loc\":[\"body\",\"a\"],\"msg\":\"no such field\",\"type\":\"x\"}]}");
    world_expect(operation, "{\"transaction\":\"t\",\"status\":\"error\",\"http_status\":422,"
                            "\"error\":\"body.a: no such field\"}");
    ck_assert_ptr_null(world_observed());
}
END_TEST

START_TEST(each_operation_of_the_endpoint_table_is_tried_here)
{
    /* enrollment/create has tests of its own (test_agreement.c) */
    ck_assert_uint_eq(ROWS + 1, F2M_ENDPOINT_COUNT);
    for (size_t i = 0; i < ROWS; i++) {
        enum f2m_endpoint endpoint;
        ck_assert(f2m_endpoint_find(f2m_slice_of(rows[i].operation), &endpoint));
        ck_assert_int_eq(f2m_endpoint_info[endpoint].token, rows[i].token);
    }
}
END_TEST

START_TEST(a_missing_id_is_named_and_nothing_is_sent)
{
    world_ask("event/get", "{\"transaction\":1,\"site_id\":\"home\"}");
    world_expect("event/get",
                 "{\"transaction\":1,\"status\":\"error\",\"http_status\":null,\"error\":\"missing event_id\"}");
    world_ask("site/get", "{\"transaction\":2,\"site_id\":null}");
    world_expect("site/get",
                 "{\"transaction\":2,\"status\":\"error\",\"http_status\":null,\"error\":\"missing site_id\"}");
    ck_assert_uint_eq(world_calls() + world_token_calls(), 0);
}
END_TEST

START_TEST(no_content_is_null)
{
    world_ask("device/delete", "{\"site_id\":\"home\",\"device_id\":\"bat\"}");
    world_reply(0, 204, "");
    world_expect("device/delete", "{\"transaction\":null,\"status\":\"ok\",\"http_status\":204,\"data\":null}");
}
END_TEST

START_TEST(a_lost_call_is_an_error_without_status)
{
    world_ask("site/get", "{\"site_id\":\"home\"}");
    world_lost(0, "timed out");
    world_expect("site/get",
                 "{\"transaction\":null,\"status\":\"error\",\"http_status\":null,\"error\":\"timed out\"}");
}
END_TEST

START_TEST(an_answer_that_is_no_json_is_an_error)
{
    world_ask("site/get", "{\"site_id\":\"home\"}");
    world_reply(0, 200, "<html>");
    ck_assert_ptr_nonnull(strstr(world_answer(0)->text, "\"http_status\":200,\"error\":\"HTTP 200 whose answer is no"));
}
END_TEST

START_TEST(the_query_is_encoded_and_lists_repeat)
{
    world_ask("events/get", "{\"site_id\":\"home\",\"query\":{\"status\":[\"ACTIVE\",\"UP COMING\"],\"n\":5,\"b\":true,"
                            "\"a&b\":\"c=d\"}}");
    ck_assert_str_eq(world_call(0)->path,
                     "/v1/site/home/events?status=ACTIVE&status=UP%20COMING&n=5&b=true&a%26b=c%3Dd");
}
END_TEST

/* ---- paging ---- */

static const char *page(size_t n, size_t first)
{
    static char text[4000];
    size_t len = 0;
    text[len++] = '[';
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%zu", i ? "," : "", first + i);
    text[len++] = ']';
    text[len] = '\0';
    return text;
}

START_TEST(pages_are_put_together_until_a_short_one)
{
    world_ask("programs/get", "{\"transaction\":3,\"site_id\":\"home\",\"query\":{\"device_type\":\"BATTERY\"}}");
    ck_assert_str_eq(world_call(0)->path, "/v1/site/home/programs?device_type=BATTERY&skip=0&limit=100");
    world_reply(0, 200, page(100, 0));
    ck_assert_str_eq(world_call(1)->path, "/v1/site/home/programs?device_type=BATTERY&skip=100&limit=100");
    world_reply(1, 200, page(100, 100));
    ck_assert_uint_eq(world_answers(), 0);
    world_reply(2, 200, "{\"programs\":[200]}");
    ck_assert_uint_eq(world_calls(), 3);
    const char *text = world_answer(0)->text;
    ck_assert_ptr_eq(strstr(text, "{\"transaction\":3,\"status\":\"ok\",\"http_status\":200,\"data\":[0,1,2,"), text);
    ck_assert_ptr_nonnull(strstr(text, ",99,100,101,"));
    ck_assert_ptr_nonnull(strstr(text, ",199,200]}"));
    ck_assert_str_eq(world_observed(), "programs/get");
}
END_TEST

START_TEST(a_page_that_comes_again_is_the_last)
{
    world_ask("sites/get", "{}");
    world_reply(0, 200, page(100, 0));
    world_reply(1, 200, page(100, 100));
    world_reply(2, 200, page(100, 100)); /* skip means nothing to it */
    ck_assert_uint_eq(world_calls(), 3);
    ck_assert_uint_eq(world_answers(), 1);
    const char *text = world_answer(0)->text;
    ck_assert_ptr_nonnull(strstr(text, ",198,199]}"));
    ck_assert_ptr_null(strstr(strstr(text, ",150,") + 1, ",150,"));
}
END_TEST

START_TEST(an_empty_collection_is_an_empty_list)
{
    world_ask("sites/get", "{}");
    world_reply(0, 200, "[]");
    world_expect("sites/get", "{\"transaction\":null,\"status\":\"ok\",\"http_status\":200,\"data\":[]}");
}
END_TEST

START_TEST(skip_or_limit_asks_for_that_page_alone)
{
    world_ask("sites/get", "{\"query\":{\"limit\":2}}");
    ck_assert_str_eq(world_call(0)->path, "/v1/sites?limit=2");
    world_reply(0, 200, page(2, 0));
    world_expect("sites/get", "{\"transaction\":null,\"status\":\"ok\",\"http_status\":200,\"data\":[0,1]}");
}
END_TEST

START_TEST(a_failing_page_fails_the_whole)
{
    world_ask("sites/get", "{}");
    world_reply(0, 200, page(100, 0));
    world_reply(1, 500, "");
    world_expect("sites/get", "{\"transaction\":null,\"status\":\"error\",\"http_status\":500,\"error\":\"HTTP 500\"}");
}
END_TEST

START_TEST(an_answer_without_a_list_is_told)
{
    world_ask("sites/get", "{}");
    world_reply(0, 200, "{\"x\":1}");
    world_expect("sites/get", "{\"transaction\":null,\"status\":\"error\",\"http_status\":200,"
                              "\"error\":\"Flip's answer holds no list\"}");
}
END_TEST

/* ---- outbox ---- */

START_TEST(the_outbox_answers_at_once)
{
    world_ask("outbox/stats", "{\"transaction\":\"a\"}");
    ck_assert_ptr_nonnull(strstr(world_answer(0)->text, "\"http_status\":null,\"data\":{\"pending\":0,\"rejected\":0,"
                                                        "\"oldest_start_time\":null,\"bytes\":"));
    world_ask("outbox/retry", "{\"device_id\":\"bat\"}");
    ck_assert_ptr_nonnull(strstr(world_answer(1)->text, "\"data\":{\"retried\":0,\"pending\":0"));
    world_ask("outbox/drop", "{}");
    ck_assert_ptr_nonnull(strstr(world_answer(2)->text, "\"data\":{\"dropped\":0,"));
    world_ask("outbox/list", "{}");
    ck_assert_ptr_nonnull(strstr(world_answer(3)->text, "\"data\":{\"points\":[],\"more\":false,"));
    ck_assert_uint_eq(world_calls(), 0);
}
END_TEST

START_TEST(the_outbox_refuses_ids_that_it_would_ignore)
{
    world_ask("outbox/drop", "{\"site_id\":\"home\",\"device_id\":\"bat\"}");
    world_expect("outbox/drop", "{\"transaction\":null,\"status\":\"error\",\"http_status\":null,"
                                "\"error\":\"site_id: outbox/drop does not know it\"}");
    world_ask("outbox/stats", "{\"device_id\":\"bat\"}");
    world_expect("outbox/stats", "{\"transaction\":null,\"status\":\"error\",\"http_status\":null,"
                                 "\"error\":\"device_id: outbox/stats does not know it\"}");
    world_ask("outbox/list", "{\"device_id\":\"bat\",\"site_id\":null}");
    ck_assert_ptr_nonnull(strstr(world_answer(2)->text, "\"data\":{\"points\":[],"));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("operations");
    tcase_add_loop_test(t, each_operation_calls_its_endpoint, 0, (int)ROWS);
    tcase_add_loop_test(t, each_operation_hands_flips_refusal_through, 0, (int)ROWS);
    tcase_add_test(t, each_operation_of_the_endpoint_table_is_tried_here);
    tcase_add_test(t, a_missing_id_is_named_and_nothing_is_sent);
    tcase_add_test(t, no_content_is_null);
    tcase_add_test(t, a_lost_call_is_an_error_without_status);
    tcase_add_test(t, an_answer_that_is_no_json_is_an_error);
    tcase_add_test(t, the_query_is_encoded_and_lists_repeat);
    tcase_add_test(t, pages_are_put_together_until_a_short_one);
    tcase_add_test(t, a_page_that_comes_again_is_the_last);
    tcase_add_test(t, an_empty_collection_is_an_empty_list);
    tcase_add_test(t, skip_or_limit_asks_for_that_page_alone);
    tcase_add_test(t, a_failing_page_fails_the_whole);
    tcase_add_test(t, an_answer_without_a_list_is_told);
    tcase_add_test(t, the_outbox_answers_at_once);
    tcase_add_test(t, the_outbox_refuses_ids_that_it_would_ignore);
    return world_main("requests_operations", t);
}
