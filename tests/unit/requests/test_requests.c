/* Every request is answered exactly once, whatever it holds: envelope, groups, response topic, bounds, deadline, stop.
 */
#include "world.h"

#define ERROR(transaction, text)                                                                                       \
    "{\"transaction\":" transaction ",\"status\":\"error\",\"http_status\":null,\"error\":\"" text "\"}"

static const struct {
    const char *operation, *payload, *answer;
} bad[] = {
    {"site/get", "[1]", ERROR("null", "expected an object, found an array")},
    {"site/get", "{\"transaction\":4,\"site\":\"home\"}",
     ERROR("4", "site: unknown member; expected transaction, query, body or an id such as site_id")},
    {"site/get", "{\"transaction\":4,\"site_id\":5}", ERROR("4", "site_id: expected a text of 1 to 256 bytes")},
    {"site/get", "{\"transaction\":4,\"site_id\":\"\"}", ERROR("4", "site_id: expected a text of 1 to 256 bytes")},
    {"site/get", "{\"site_id\":\"home\",\"transaction\":{}}",
     ERROR("null", "transaction: expected a short text or number (at most 256 bytes)")},
    {"site/get", "{\"site_id\":\"home\",\"body\":{}}", ERROR("null", "body: site/get takes none")},
    {"site/update", "{\"site_id\":\"home\"}", ERROR("null", "body: expected an object, found none")},
    {"site/update", "{\"site_id\":\"home\",\"body\":[]}", ERROR("null", "body: expected an object, found an array")},
    {"site/get", "{\"site_id\":\"home\",\"query\":[]}", ERROR("null", "query: expected an object, found an array")},
    {"site/get", "{\"site_id\":\"home\",\"query\":{\"a\":{}}}",
     ERROR("null", "query.a: expected a text, a number, a boolean or a list of such")},
    {"site/get", "{\"site_id\":\"home\",\"query\":{\"a\":[null]}}",
     ERROR("null", "query.a: expected a text, a number, a boolean or a list of such")},
    {"no/such", "{\"transaction\":\"x\"}", ERROR("\"x\"", "unknown operation; docs/mqtt.md lists them")},
    {"no/such", "{", ERROR("null", "unknown operation; docs/mqtt.md lists them")},
    {"no/such", "{\"transaction\":[1]}", ERROR("null", "unknown operation; docs/mqtt.md lists them")},
};

START_TEST(what_is_wrong_with_an_envelope_is_named)
{
    world_ask(bad[_i].operation, bad[_i].payload);
    world_expect(bad[_i].operation, bad[_i].answer);
    ck_assert_uint_eq(world_calls() + world_token_calls(), 0);
}
END_TEST

START_TEST(bad_json_is_answered_with_its_place)
{
    world_ask("site/get", "{\"site_id\":\"home\"");
    ck_assert_ptr_nonnull(strstr(world_answer(0)->text, "\"error\":\"the payload is no JSON: at byte "));
    world_ask("site/get", "");
    ck_assert_ptr_nonnull(strstr(world_answer(1)->text, "\"error\":\"the payload is no JSON: at byte "));
}
END_TEST

START_TEST(a_query_too_long_is_refused)
{
    static char payload[6000];
    int len = snprintf(payload, sizeof payload, "{\"site_id\":\"home\",\"query\":{\"a\":\"");
    memset(payload + len, 'x', 5000);
    snprintf(payload + len + 5000, sizeof payload - (size_t)len - 5000, "\"}}");
    world_ask("events/get", payload);
    world_expect("events/get", ERROR("null", "query: longer than 4096 bytes"));
}
END_TEST

/* ---- groups ---- */

START_TEST(what_is_not_allowed_names_the_key_and_the_group)
{
    world_config.requests.allow = 1u << F2M_GROUP_READ;
    world_ask("event/update", "{\"transaction\":1,\"site_id\":\"home\",\"event_id\":\"e\",\"body\":{}}");
    world_expect("event/update", ERROR("1", "event/update is not allowed: add 'participation' to requests.allow in the "
                                            "configuration"));
    world_ask("outbox/retry", "{}");
    world_expect("outbox/retry",
                 ERROR("null", "outbox/retry is not allowed: add 'outbox' to requests.allow in the configuration"));
    ck_assert_uint_eq(world_calls(), 0);
    world_ask("commands/get", "{}");
    ck_assert_uint_eq(world_calls(), 1);
}
END_TEST

START_TEST(each_group_opens_its_operations_and_no_others)
{
    for (unsigned e = 0; e < F2M_ENDPOINT_COUNT; e++) {
        const struct f2m_endpoint_info *info = &f2m_endpoint_info[e];
        world_config.requests.allow = ~(1u << info->group);
        world_ask(info->operation, "{}");
        const char *text = world_answer(world_answers() - 1)->text;
        ck_assert_msg(strstr(text, "is not allowed: add '") && strstr(text, f2m_group_name(info->group)), "%s", text);
    }
    ck_assert_uint_eq(world_calls() + world_token_calls(), 0);
}
END_TEST

/* ---- response topics ---- */

START_TEST(the_answer_goes_to_the_response_topic_alone)
{
    world_ask_v5("commands/get", "{\"transaction\":1}", "me/answers", "corr");
    world_reply(0, 200, "[]");
    ck_assert_uint_eq(world_answers(), 1);
    ck_assert_str_eq(world_answer(0)->topic, "me/answers");
    ck_assert_str_eq(world_answer(0)->correlation, "corr");
}
END_TEST

START_TEST(correlation_data_come_back_without_a_response_topic_too)
{
    world_ask_v5("commands/get", "{}", NULL, "corr");
    world_reply(0, 200, "[]");
    ck_assert_str_eq(world_answer(0)->topic, "flip2mqtt/bridge/response/commands/get");
    ck_assert_str_eq(world_answer(0)->correlation, "corr");
}
END_TEST

START_TEST(an_unknown_operation_answers_on_the_response_topic)
{
    world_ask_v5("nope", "{}", "me", "c");
    ck_assert_str_eq(world_answer(0)->topic, "me");
    world_ask_v5("nope", "{}", "homeassistant/switch/x/config", "c");
    ck_assert_str_eq(world_answer(1)->topic, "flip2mqtt/bridge/response/nope");
}
END_TEST

static const struct {
    const char *topic;
    bool allowed;
} topics[] = {
    {"me", true},
    {"flip2mqttx/a", true},
    {"flip2mqtt/bridge/response/mine", true},
    {"homeassistantx", true},
    {"inverter/mode/set2", true},
    {"$SYS/x", false},
    {"flip2mqtt", false},
    {"flip2mqtt/bridge/state", false},
    {"flip2mqtt/bridge/response", false},
    {"flip2mqtt/bridge/request/site/get", false},
    {"flip2mqtt/device/bat/pause/set", false},
    {"homeassistant", false},
    {"homeassistant/sensor/x/config", false},
    {"inverter/mode/set", false},
    {"inverter/restore/set", false},
    {"inverter/bat/templated", false},
    {"keep/alive", false},
    {"a/+/b", false},
    {"a/#", false},
};

static char mode_topic[] = "inverter/mode/set", restore_topic[] = "inverter/restore/set",
            template_topic[] = "inverter/bat/{{ mode }}", keepalive_topic[] = "keep/alive";
static struct f2m_control_publish mode_publishes[2], restore_publish;
static struct f2m_control_mode mode;

static void add_battery_topics(void)
{
    mode_publishes[0].topic = mode_topic;
    mode_publishes[1].topic = template_topic;
    restore_publish.topic = restore_topic;
    mode.publishes = mode_publishes;
    mode.publishes_len = 2;
    struct f2m_device *d = &world_config.sites[0].devices[0];
    d->control.modes = &mode;
    d->control.modes_len = 1;
    d->control.restore = &restore_publish;
    d->control.restore_len = 1;
    d->telemetry.keepalive.topic = keepalive_topic;
}

START_TEST(response_topics_must_not_reach_into_the_house)
{
    add_battery_topics();
    world_ask_v5("commands/get", "{\"transaction\":1}", topics[_i].topic, "c");
    if (topics[_i].allowed) {
        world_reply(0, 200, "[]");
        ck_assert_str_eq(world_answer(0)->topic, topics[_i].topic);
        return;
    }
    char error[300];
    snprintf(error, sizeof error, ERROR("1", "the response topic is not allowed: %s"), topics[_i].topic);
    world_expect("commands/get", error);
    ck_assert_str_eq(world_answer(0)->correlation, "c");
    ck_assert_uint_eq(world_calls(), 0);
}
END_TEST

START_TEST(response_topics_can_be_narrowed)
{
    char filter[] = "automations/+/answer";
    char *filters[] = {filter};
    world_config.requests.response_topics = filters;
    world_config.requests.response_topics_len = 1;
    world_ask_v5("commands/get", "{}", "automations/a/answer", NULL);
    ck_assert_uint_eq(world_calls(), 1);
    world_ask_v5("commands/get", "{}", "elsewhere", NULL);
    world_expect("commands/get", ERROR("null", "the response topic is not allowed: elsewhere"));
    ck_assert_uint_eq(world_calls(), 1);
}
END_TEST

/* ---- bounds ---- */

START_TEST(too_many_at_once_are_told_to_come_later)
{
    for (int i = 0; i < F2M_MAX_REQUESTS_IN_FLIGHT; i++)
        world_ask("commands/get", "{}");
    ck_assert_uint_eq(world_answers(), 0);
    world_ask("commands/get", "{\"transaction\":9}");
    world_expect("commands/get", ERROR("9", "too many requests under way (32): try again later"));
    world_reply(0, 200, "[]");
    ck_assert_uint_eq(world_answers(), 2);
    world_ask("commands/get", "{\"transaction\":10}");
    ck_assert_uint_eq(world_answers(), 2);
}
END_TEST

START_TEST(the_deadline_answers_once_and_late_replies_are_dropped)
{
    world_ask("site/get", "{\"transaction\":1,\"site_id\":\"home\"}");
    ck_assert_int_eq(f2m_requests_deadline(world_requests), 1000000 + F2M_REQUEST_DEADLINE_MS);
    world_pass(F2M_REQUEST_DEADLINE_MS - 1);
    ck_assert_uint_eq(world_answers(), 0);
    world_pass(1);
    world_expect("site/get", ERROR("1", "no answer from Flip within 60 s; the outcome is unknown"));
    world_reply(0, 200, "{}");
    ck_assert_uint_eq(world_answers(), 1);
    ck_assert_ptr_null(world_observed());
    ck_assert_int_eq(f2m_requests_deadline(world_requests), INT64_MAX);
}
END_TEST

START_TEST(stopping_answers_what_is_open)
{
    world_ask("commands/get", "{\"transaction\":1}");
    world_ask_v5("commands/get", "{\"transaction\":2}", "me", NULL);
    world_stop();
    ck_assert_uint_eq(world_answers(), 2);
    for (size_t i = 0; i < 2; i++)
        ck_assert_ptr_nonnull(
            strstr(world_answer(i)->text, "\"error\":\"the bridge is stopping; the outcome is unknown\""));
    world_stop();
    ck_assert_uint_eq(world_answers(), 2);
}
END_TEST

/* ---- repeated deliveries ---- */

START_TEST(a_repeated_delivery_makes_one_call_and_one_answer)
{
    const char *payload = "{\"transaction\":\"once\",\"site_id\":\"home\",\"event_id\":\"e\",\"body\":{}}";
    world_ask("event/update", payload);
    world_ask("event/update", payload);
    ck_assert_uint_eq(world_calls(), 1);
    world_reply(0, 200, "{}");
    ck_assert_uint_eq(world_answers(), 1);
    world_ask("event/update", payload); /* answered: a new request */
    ck_assert_uint_eq(world_calls(), 2);
}
END_TEST

START_TEST(equal_transactions_of_two_automations_are_two_requests)
{
    world_ask_v5("commands/get", "{\"transaction\":1}", "a", NULL);
    world_ask_v5("commands/get", "{\"transaction\":1}", "b", NULL);
    world_ask_v5("commands/get", "{\"transaction\":1}", "a", "x");
    world_ask_v5("commands/get", "{\"transaction\":1,\"query\":{\"a\":1}}", "a", NULL);
    world_ask("commands/get", "{\"transaction\":null}");
    world_ask("commands/get", "{\"transaction\":null}");
    world_ask("commands/get", "{}");
    world_ask("commands/get", "{}");
    ck_assert_uint_eq(world_calls(), 8);
}
END_TEST

START_TEST(an_answer_waits_for_the_broker)
{
    world_ask_v5("commands/get", "{\"transaction\":1}", "home/answers", "c");
    world_broker(false);
    world_reply(0, 200, "[]");
    world_pass(3600000);
    ck_assert_uint_eq(world_answers(), 0);
    world_broker(true);
    ck_assert_uint_eq(world_answers(), 1);
    ck_assert_str_eq(world_answer(0)->topic, "home/answers");
    ck_assert_str_eq(world_answer(0)->correlation, "c");
    ck_assert_str_eq(world_answer(0)->text, "{\"transaction\":1,\"status\":\"ok\",\"http_status\":200,\"data\":[]}");
    world_broker(false);
    world_broker(true);
    world_pass(3600000);
    ck_assert_uint_eq(world_answers(), 1);
}
END_TEST

START_TEST(an_answer_in_a_turn_that_the_disk_refuses_is_given_after_it)
{
    world_commit_fails = true;
    world_ask("no/such", "{\"transaction\":1}");
    world_ask("outbox/stats", "{\"transaction\":2}");
    world_ask("outbox/drop", "{\"transaction\":3}");
    ck_assert_uint_eq(world_answers(), 0);
    ck_assert_int_eq(f2m_requests_deadline(world_requests), INT64_MIN);
    world_commit_fails = false;
    world_pass(0);
    ck_assert_uint_eq(world_answers(), 3);
    ck_assert_ptr_nonnull(strstr(world_answer(0)->text, "unknown operation"));
    ck_assert_ptr_nonnull(strstr(world_answer(1)->text, "\"pending\":0"));
    ck_assert_str_eq(world_answer(2)->text, "{\"transaction\":3,\"status\":\"error\",\"http_status\":null,\"error\":"
                                            "\"the database cannot be written: nothing was changed\"}");
    world_pass(3600000);
    ck_assert_uint_eq(world_answers(), 3);
    ck_assert_int_eq(f2m_requests_deadline(world_requests), INT64_MAX);
}
END_TEST

START_TEST(of_too_many_answers_that_wait_the_newest_stay)
{
    world_broker(false);
    for (int i = 0; i < F2M_MAX_ANSWERS_WAITING + 10; i++) {
        char payload[64];
        snprintf(payload, sizeof payload, "{\"transaction\":%d}", i);
        world_ask("no/such", payload);
    }
    world_broker(true);
    ck_assert_uint_eq(world_answers(), F2M_MAX_ANSWERS_WAITING);
    ck_assert_ptr_nonnull(strstr(world_answer(0)->text, "\"transaction\":10,"));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("requests");
    tcase_add_loop_test(t, what_is_wrong_with_an_envelope_is_named, 0, (int)(sizeof bad / sizeof *bad));
    tcase_add_test(t, bad_json_is_answered_with_its_place);
    tcase_add_test(t, a_query_too_long_is_refused);
    tcase_add_test(t, what_is_not_allowed_names_the_key_and_the_group);
    tcase_add_test(t, each_group_opens_its_operations_and_no_others);
    tcase_add_test(t, the_answer_goes_to_the_response_topic_alone);
    tcase_add_test(t, correlation_data_come_back_without_a_response_topic_too);
    tcase_add_test(t, an_unknown_operation_answers_on_the_response_topic);
    tcase_add_loop_test(t, response_topics_must_not_reach_into_the_house, 0, (int)(sizeof topics / sizeof *topics));
    tcase_add_test(t, response_topics_can_be_narrowed);
    tcase_add_test(t, too_many_at_once_are_told_to_come_later);
    tcase_add_test(t, the_deadline_answers_once_and_late_replies_are_dropped);
    tcase_add_test(t, stopping_answers_what_is_open);
    tcase_add_test(t, a_repeated_delivery_makes_one_call_and_one_answer);
    tcase_add_test(t, equal_transactions_of_two_automations_are_two_requests);
    tcase_add_test(t, an_answer_waits_for_the_broker);
    tcase_add_test(t, an_answer_in_a_turn_that_the_disk_refuses_is_given_after_it);
    tcase_add_test(t, of_too_many_answers_that_wait_the_newest_stay);
    return world_main("requests", t);
}
