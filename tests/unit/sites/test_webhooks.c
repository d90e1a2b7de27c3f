/* A webhook is taken once, by its id; what it is about decides where its news goes. */
#include "world.h"

#include "support/fault_store.h"
#include "util/limits.h"

#include <stdio.h>
#include <string.h>

static void open_up(void)
{
    world_open();
    world_up();
    world_forget();
}

static const struct {
    const char *body;
    int status;
} envelopes[] = {
    {"", 400},
    {"nonsense", 400},
    {"[]", 400},
    {"{}", 400},
    {"{\"event_type\":\"event.created\"}", 400},
    {"{\"event_object\":{}}", 400},
    {"{\"event_type\":1,\"event_object\":{}}", 400},
    {"{\"event_type\":\"\",\"event_object\":{}}", 400},
    {"{\"event_type\":\"event.created\",\"event_object\":[]}", 400},
    {"{\"event_type\":\"event.created\",\"event_object\":null}", 400},
    {"{\"event_type\":\"event.created\",\"event_object\":{}} x", 400},
    {"{\"event_type\":\"event.created\",\"event_object\":{}}", 204},
    {"{\"event_type\":\"event.created\",\"event_object\":{\"id\":\"e1\"},\"timestamp\":\"yesterday\"}", 204},
    {" {\"timestamp\":null,\"event_object\":{\"id\":7},\"event_type\":\"x\",\"more\":1}\n", 204},
};

START_TEST(the_envelope)
{
    open_up();
    ck_assert_int_eq(webhook("w1", envelopes[_i].body), envelopes[_i].status);
    ck_assert_uint_eq(times_shown("site/home/notification"), envelopes[_i].status == 204);
    ck_assert_int_eq(webhook("", envelopes[_i].body), 400);
}
END_TEST

static const struct {
    const char *type, *object, *site; /* site NULL = not ours */
} addressees[] = {
    {"event.created", "{\"id\":\"e1\",\"site_id\":\"home\"}", "home"},
    {"event.created", "{\"id\":\"e1\",\"site_id\":\"cabin\"}", "cabin"},
    {"event.created", "{\"id\":\"e1\",\"site_id\":\"other\"}", NULL},
    {"event.created", "{\"id\":\"e1\",\"site_id\":\"other\",\"device_id\":\"bat\"}", NULL},
    {"command.created", "{\"id\":\"c1\",\"device_id\":\"bat\"}", "home"},
    {"command.created", "{\"id\":\"c1\",\"device_id\":\"bat2\"}", "cabin"},
    {"command.created", "{\"id\":\"c1\",\"device_id\":\"foreign\"}", NULL},
    {"enrollment.created", "{\"id\":\"n1\",\"device_ids\":[\"foreign\",\"bat2\"]}", "cabin"},
    {"enrollment.created", "{\"id\":\"n1\",\"device_ids\":[\"foreign\"]}", NULL},
    {"settings.apply", "{\"id\":\"s1\"}", "home"}, /* names nobody: the first site */
    {"settings.apply", "{\"id\":\"s1\",\"device_id\":\"bat2\"}", "cabin"},
    {"something.new", "{\"id\":\"x\",\"site_id\":\"cabin\"}", "cabin"},
};

START_TEST(the_object_says_whose_news_it_is)
{
    char body[400], topic[64];
    config_sites[1] =
        (struct f2m_site){.id = (char *)(uintptr_t) "cabin", .devices = config_devices[1], .devices_len = 1};
    config_devices[1][0] = (struct f2m_device){.id = (char *)(uintptr_t) "bat2", .site = &config_sites[1]};
    config.sites_len = 2;
    open_up();
    snprintf(body, sizeof body, "{\"event_type\":\"%s\",\"event_object\":%s}", addressees[_i].type,
             addressees[_i].object);
    ck_assert_int_eq(webhook("w1", body), 204);
    ck_assert_uint_eq(times_shown("site/home/notification") + times_shown("site/cabin/notification"),
                      addressees[_i].site != NULL);
    if (addressees[_i].site) {
        snprintf(topic, sizeof topic, "site/%s/notification", addressees[_i].site);
        ck_assert_uint_eq(times_shown(topic), 1);
    }
    bool command = strncmp(addressees[_i].type, "command", 7) == 0;
    ck_assert_uint_eq(counters.foreign_webhooks, !addressees[_i].site && !command);
}
END_TEST

static const struct {
    const char *type, *object_type; /* of the notification; NULL = none added */
} types[] = {
    {"event.created", "event"},
    {"event.updated", "event"},
    {"event.canceled", "event"},
    {"command.created", "command"},
    {"command.started", "command"},
    {"command.ended", "command"},
    {"command.canceled", "command"},
    {"command.updated", "command"},
    {"enrollment.created", "enrollment"},
    {"enrollment.updated", "enrollment"},
    {"settings.apply", "settings_request"},
    {"party.over", NULL},
};

START_TEST(the_eleven_types_and_unknown_ones_are_passed_on)
{
    char body[300], expected[300];
    open_up();
    snprintf(body, sizeof body, "{\"event_type\":\"%s\",\"event_object\":{ \"id\":\"x\",\"device_id\":\"bat\" }}",
             types[_i].type);
    ck_assert_int_eq(webhook("w1", body), 204);
    snprintf(expected, sizeof expected, "{\"event_type\":\"%s\",\"event_object\":{%s%s%s%s \"", types[_i].type,
             types[_i].object_type ? "\"object_type\":\"" : "", types[_i].object_type ? types[_i].object_type : "",
             types[_i].object_type ? "\"," : "", "");
    if (types[_i].object_type)
        expected[strlen(expected) - 2] = '\0';
    ck_assert_msg(strncmp(last_notification(), expected, strlen(expected)) == 0, "%s", last_notification());
    webhook("w2", "{\"event_type\":\"party.over\",\"event_object\":{\"id\":\"y\",\"device_id\":\"bat\"}}");
    webhook("w3", "{\"event_type\":\"party.over\",\"event_object\":{\"id\":\"z\",\"device_id\":\"bat\"}}");
    const char *first = strstr(logs(), "webhook of a type that is not known: passed on type=party.over");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(strstr(first + 1, "webhook of a type"));
}
END_TEST

START_TEST(an_object_that_says_its_type_keeps_it)
{
    open_up();
    webhook("w1", "{\"event_type\":\"event.created\",\"event_object\":{\"id\":\"e1\",\"object_type\":\"event\"}}");
    ck_assert_ptr_nonnull(strstr(last_notification(), "\"event_object\":{\"id\":\"e1\",\"object_type\":\"event\"}"));
    ck_assert_str_eq(shown("site/home/events"), "[{\"id\":\"e1\"}]"); /* as a poll would show it */
}
END_TEST

START_TEST(the_same_id_is_taken_once)
{
    open_up();
    ck_assert_int_eq(webhook("w1", "{\"event_type\":\"event.created\",\"event_object\":{\"id\":\"e1\"}}"), 204);
    ck_assert_int_eq(webhook("w1", "{\"event_type\":\"event.created\",\"event_object\":{\"id\":\"e2\"}}"), 204);
    ck_assert_str_eq(told(), "event.created e1\n");
    world_restart();
    world_up();
    ck_assert_int_eq(webhook("w1", "{\"event_type\":\"event.created\",\"event_object\":{\"id\":\"e3\"}}"), 204);
    ck_assert_str_eq(told(), "event.created e1\n");
}
END_TEST

START_TEST(what_cannot_be_stored_is_answered_503_and_comes_again)
{
    static const enum f2m_fault_call calls[] = {F2M_FAULT_RECORD_GET, F2M_FAULT_RECORD_PUT, F2M_FAULT_COMMIT};
    open_up();
    for (int64_t nth = 1; nth <= 2; nth++) {
        for (size_t i = 0; i < 3; i++) {
            if (calls[i] == F2M_FAULT_COMMIT && nth > 1)
                continue;
            f2m_fault_store_fail(store, calls[i], nth, -5, true);
            ck_assert_int_eq(webhook("w1", "{\"event_type\":\"event.created\",\"event_object\":{\"id\":\"e1\"}}"), 503);
            ck_assert_str_eq(told(), "");
            f2m_fault_store_heal(store);
            world_pass(120000);
        }
    }
    ck_assert_int_eq(webhook("w1", "{\"event_type\":\"event.created\",\"event_object\":{\"id\":\"e1\"}}"), 204);
    ck_assert_str_eq(told(), "event.created e1\n");
    ck_assert_str_eq(shown("site/home/events"), "[{\"id\":\"e1\"}]");
}
END_TEST

START_TEST(a_thousand_at_once_are_told_once_each)
{
    char id[16], body[128];
    open_up();
    world_silent = true; /* acknowledged later */
    for (int i = 0; i < 1000; i++) {
        snprintf(id, sizeof id, "w%d", i / 2); /* every second one is a replay */
        snprintf(body, sizeof body, "{\"event_type\":\"event.created\",\"event_object\":{\"id\":\"e%d\"}}", i / 2);
        ck_assert_int_eq(webhook(id, body), 204);
    }
    ck_assert_uint_eq(times_shown("site/home/notification"), F2M_MAX_NOTIFICATIONS_IN_FLIGHT);
    world_down();
    world_silent = false;
    world_forget();
    world_up();
    ck_assert_uint_eq(times_shown("site/home/notification"), 500);
    ck_assert_uint_eq(counters.notifications, 500);
}
END_TEST

START_TEST(too_many_that_wait_for_the_broker_lose_the_oldest)
{
    char id[16], body[128];
    world_open();
    for (int i = 0; i < F2M_MAX_NOTIFICATIONS_WAITING + 3; i++) {
        snprintf(id, sizeof id, "w%d", i);
        snprintf(body, sizeof body, "{\"event_type\":\"x.y\",\"event_object\":{\"id\":\"e%d\"}}", i);
        ck_assert_int_eq(webhook(id, body), 204);
    }
    ck_assert_uint_eq(counters.dropped, 3);
    world_up();
    ck_assert_uint_eq(times_shown("site/home/notification"), F2M_MAX_NOTIFICATIONS_WAITING);
    ck_assert_ptr_nonnull(strstr(last_notification(), "\"e2002\""));
    ck_assert_ptr_nonnull(
        strstr(logs(), "too many notifications wait for the broker: the oldest is dropped site=home"));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("webhooks");
    tcase_add_checked_fixture(t, world_setup, world_teardown);
    tcase_set_timeout(t, 90);
    tcase_add_loop_test(t, the_envelope, 0, sizeof envelopes / sizeof envelopes[0]);
    tcase_add_loop_test(t, the_object_says_whose_news_it_is, 0, sizeof addressees / sizeof addressees[0]);
    tcase_add_loop_test(t, the_eleven_types_and_unknown_ones_are_passed_on, 0, sizeof types / sizeof types[0]);
    tcase_add_test(t, an_object_that_says_its_type_keeps_it);
    tcase_add_test(t, the_same_id_is_taken_once);
    tcase_add_test(t, what_cannot_be_stored_is_answered_503_and_comes_again);
    tcase_add_test(t, a_thousand_at_once_are_told_once_each);
    tcase_add_test(t, too_many_that_wait_for_the_broker_lose_the_oldest);
    return world_main("webhooks", t);
}
