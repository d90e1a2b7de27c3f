/* Flip's news becomes one notification each, whether a webhook or a poll brought it, also across restarts. */
#include "world.h"

#include "support/fault_store.h"

#define EVENT(id, status, updated)                                                                                     \
    "{\"id\":\"" id "\",\"site_id\":\"home\",\"starts_at\":\"2025-06-15T16:00:00Z\",\"ends_at\":"                      \
    "\"2025-06-15T18:00:00Z\",\"status\":\"" status "\",\"is_participating\":true,\"updated_at\":\"" updated           \
    "\",\"new_field\":[1, 2]}"
#define ENROLLMENT(id, status)                                                                                         \
    "{\"id\":\"" id "\",\"site_id\":\"home\",\"device_ids\":[\"bat\"],\"status\":\"" status                            \
    "\",\"status_reason\":null,\"enrolled_at\":null,\"unenrolled_at\":null}"
#define HOOK(type, object)                                                                                             \
    "{\"event_type\":\"" type "\",\"event_object\":" object ",\"timestamp\":\"2025-06-15T15:06:41Z\"}"
#define T0 "2025-06-15T15:00:00Z"
#define T1 "2025-06-15T15:10:00Z"
#define T2 "2025-06-15T15:20:00Z"
#define T3 "2025-06-15T15:30:00Z"
#define T4 "2025-06-15T15:40:00Z"
#define T5 "2025-06-15T15:50:00Z"
#define T6 "2025-06-15T15:59:00Z"

#define EVENTS "/v1/site/home/events"
#define POLL   (6 * 60000)

static void open_up(void)
{
    world_open();
    world_up();
    world_forget();
}

START_TEST(the_first_poll_is_the_baseline)
{
    flip_says("GET", EVENTS, 200, "[" EVENT("e1", "UPCOMING", T0) "]");
    flip_says("GET", "/v1/site/home/enrollments", 200, "[" ENROLLMENT("n1", "PENDING") "]");
    world_open();
    world_up();
    ck_assert_str_eq(told(), "");
    ck_assert_str_eq(shown("site/home/events"), "[" EVENT("e1", "UPCOMING", T0) "]");
    ck_assert_str_eq(shown("site/home/enrollments"), "[" ENROLLMENT("n1", "PENDING") "]");
    world_restart();
    world_up();
    ck_assert_str_eq(told(), "");
}
END_TEST

START_TEST(polling_tells_what_is_new_and_what_changed)
{
    open_up();
    flip_says("GET", EVENTS, 200, "[" EVENT("e1", "UPCOMING", T0) "]");
    world_pass(POLL);
    ck_assert_str_eq(told(), "event.created e1\n");
    ck_assert_str_eq(last_notification(),
                     "{\"event_type\":\"event.created\",\"event_object\":{\"object_type\":\"event\","
                     "\"id\":\"e1\",\"site_id\":\"home\",\"starts_at\":\"2025-06-15T16:00:00Z\",\"ends_at\":"
                     "\"2025-06-15T18:00:00Z\",\"status\":\"UPCOMING\",\"is_participating\":true,\"updated_at\":"
                     "\"2025-06-15T15:00:00Z\",\"new_field\":[1, 2]},\"timestamp\":\"2025-06-15T15:11:32.203Z\"}");
    flip_says("GET", EVENTS, 200, "[" EVENT("e1", "UPCOMING", T1) "]");
    world_pass(POLL);
    ck_assert_str_eq(told(), "event.created e1\nevent.updated e1\n");
    world_pass(3 * POLL);
    ck_assert_str_eq(told(), "event.created e1\nevent.updated e1\n");
}
END_TEST

START_TEST(a_canceled_event_gives_that_alone)
{
    open_up();
    flip_says("GET", EVENTS, 200, "[" EVENT("e1", "UPCOMING", T0) "," EVENT("e2", "CANCELED", T0) "]");
    world_pass(POLL);
    flip_says("GET", EVENTS, 200, "[" EVENT("e1", "CANCELED", T1) "," EVENT("e2", "CANCELED", T2) "]");
    world_pass(2 * POLL);
    ck_assert_str_eq(told(), "event.created e1\nevent.canceled e2\nevent.canceled e1\n");
    /* Flip may tell it as an update as well. */
    ck_assert_int_eq(webhook("w1", HOOK("event.updated", EVENT("e1", "CANCELED", T1))), 204);
    ck_assert_int_eq(webhook("w2", HOOK("event.canceled", EVENT("e1", "CANCELED", T1))), 204);
    ck_assert_str_eq(told(), "event.created e1\nevent.canceled e2\nevent.canceled e1\n");
}
END_TEST

START_TEST(an_event_that_vanished_is_looked_up)
{
    flip_says("GET", EVENTS, 200,
              "[" EVENT("e1", "UPCOMING", T0) "," EVENT("e2", "UPCOMING", T0) "," EVENT("e3", "UPCOMING", T0) "," EVENT(
                  "e4", "COMPLETED", T0) "]");
    open_up();
    flip_says("GET", EVENTS, 200, "[]");
    flip_says("GET", "/v1/site/home/event/e1", 200, EVENT("e1", "CANCELED", T1));
    flip_says("GET", "/v1/site/home/event/e2", 404, "{\"message\":\"Event not found\"}");
    flip_says("GET", "/v1/site/home/event/e3", 503, NULL);
    world_pass(POLL);
    ck_assert_str_eq(told(), "event.canceled e1\n");
    ck_assert_uint_eq(flip_asked("GET", "/v1/site/home/event/e4"), 0);
    ck_assert_str_eq(shown("site/home/events"), "[" EVENT("e1", "CANCELED", T1) "," EVENT("e3", "UPCOMING", T0) "]");
    world_pass(POLL);
    ck_assert_uint_eq(flip_asked("GET", "/v1/site/home/event/e3"), 2);
    ck_assert_uint_eq(flip_asked("GET", "/v1/site/home/event/e1"), 1);
    ck_assert_str_eq(shown("site/home/events"), "[" EVENT("e3", "UPCOMING", T0) "]");
    ck_assert_str_eq(told(), "event.canceled e1\n");
}
END_TEST

#define COMMAND(status, device_status, updated)                                                                         \
    "{\"id\":\"c1\",\"device_id\":\"bat\",\"starts_at\":\"2025-06-15T16:00:00Z\",\"ends_at\":null,\"status\":\"" status \
    "\",\"device_status\":\"" device_status "\",\"updated_at\":\"" updated "\"}"

START_TEST(a_change_of_a_command_that_our_acknowledgement_overtook_is_told_once)
{
    open_up();
    /* In Flip's answer to the acknowledgement of what was before, with a later updated_at; then the webhook of it. */
    news("command.updated", COMMAND("OPT_OUT", "OK", T1));
    ck_assert_int_eq(webhook("w1", HOOK("command.updated", COMMAND("OPT_OUT", "PENDING", T0))), 204);
    ck_assert_str_eq(told(), "command.updated c1\n");
    world_restart();
    world_up();
    ck_assert_int_eq(webhook("w2", HOOK("command.updated", COMMAND("OPT_OUT", "PENDING", T2))), 204);
    ck_assert_str_eq(told(), "command.updated c1\n");
    /* What is really new, and Flip's word that it waited in vain, are told. */
    ck_assert_int_eq(webhook("w3", HOOK("command.updated", COMMAND("OK", "PENDING", T2))), 204);
    ck_assert_int_eq(webhook("w4", HOOK("command.updated", COMMAND("OPT_OUT", "PENDING", T3))), 204);
    ck_assert_int_eq(webhook("w5", HOOK("command.updated", COMMAND("OPT_OUT", "FAILED", T4))), 204);
    ck_assert_int_eq(webhook("w6", HOOK("command.canceled", COMMAND("CANCELED", "PENDING", T5))), 204);
    news("command.canceled", COMMAND("CANCELED", "OK", T6));
    ck_assert_str_eq(told(), "command.updated c1\ncommand.updated c1\ncommand.updated c1\ncommand.updated c1\n"
                             "command.canceled c1\n");
}
END_TEST

START_TEST(a_webhook_and_a_poll_of_the_same_are_told_once)
{
    open_up();
    flip_says("GET", EVENTS, 200, "[" EVENT("e1", "UPCOMING", T0) "]");
    ck_assert_int_eq(webhook("w1", HOOK("event.created", EVENT("e1", "UPCOMING", T0))), 204);
    ck_assert_str_eq(told(), "event.created e1\n");
    ck_assert_ptr_nonnull(strstr(last_notification(), "\"timestamp\":\"2025-06-15T15:06:41.000Z\"}"));
    world_pass(POLL);
    flip_says("GET", EVENTS, 200, "[" EVENT("e1", "UPCOMING", T1) "]");
    world_pass(POLL);
    ck_assert_int_eq(webhook("w2", HOOK("event.updated", EVENT("e1", "UPCOMING", T1))), 204);
    ck_assert_str_eq(told(), "event.created e1\nevent.updated e1\n");
    world_restart();
    world_up();
    ck_assert_int_eq(webhook("w3", HOOK("event.updated", EVENT("e1", "UPCOMING", T1))), 204);
    ck_assert_int_eq(webhook("w2", HOOK("event.updated", EVENT("e1", "UPCOMING", T2))), 204); /* the same id */
    world_pass(POLL);
    ck_assert_str_eq(told(), "event.created e1\nevent.updated e1\n");
    ck_assert_uint_eq(counters.notifications, 2);
    ck_assert_uint_eq(counters.webhooks, 4);
}
END_TEST

START_TEST(an_older_picture_never_replaces_a_newer_one)
{
    open_up();
    flip_says("GET", EVENTS, 200, "[" EVENT("e1", "UPCOMING", T1) "]");
    ck_assert_int_eq(webhook("w2", HOOK("event.updated", EVENT("e1", "UPCOMING", T1))), 204);
    ck_assert_int_eq(webhook("w1", HOOK("event.created", EVENT("e1", "UPCOMING", T0))), 204);
    ck_assert_str_eq(told(), "event.updated e1\nevent.created e1\n"); /* late news is news */
    ck_assert_str_eq(shown("site/home/events"), "[" EVENT("e1", "UPCOMING", T1) "]");
    flip_says("GET", EVENTS, 200, "[" EVENT("e1", "UPCOMING", T0) "]"); /* a cache at Flip */
    world_pass(POLL);
    ck_assert_str_eq(shown("site/home/events"), "[" EVENT("e1", "UPCOMING", T1) "]");
    ck_assert_str_eq(told(), "event.updated e1\nevent.created e1\n");
}
END_TEST

START_TEST(a_poll_that_began_before_a_webhook_does_not_undo_it)
{
    open_up();
    flip_slow = true;
    world_pass(POLL);
    ck_assert_int_eq(webhook("w1", HOOK("event.created", EVENT("e1", "UPCOMING", T0))), 204);
    ck_assert_int_eq(webhook("w2", HOOK("enrollment.created", ENROLLMENT("n1", "PENDING"))), 204);
    flip_answers(); /* with the events of before */
    ck_assert_str_eq(shown("site/home/events"), "[" EVENT("e1", "UPCOMING", T0) "]");
    ck_assert_uint_eq(flip_asked("GET", "/v1/site/home/event/e1"), 0);
    ck_assert_str_eq(told(), "event.created e1\nenrollment.created n1\n");
}
END_TEST

START_TEST(enrollments_have_no_time_of_change)
{
    open_up();
    flip_says("GET", "/v1/site/home/enrollments", 200, "[" ENROLLMENT("n1", "PENDING") "]");
    world_pass(17 * 60000);
    ck_assert_int_eq(webhook("w1", HOOK("enrollment.created", ENROLLMENT("n1", "PENDING"))), 204);
    ck_assert_int_eq(webhook("w2", HOOK("enrollment.updated", ENROLLMENT("n1", "ACTIVE"))), 204);
    flip_says("GET", "/v1/site/home/enrollments", 200, "[" ENROLLMENT("n1", "ACTIVE") "]");
    world_pass(17 * 60000);
    ck_assert_str_eq(told(), "enrollment.created n1\nenrollment.updated n1\n");
    ck_assert_str_eq(shown("site/home/enrollments"), "[" ENROLLMENT("n1", "ACTIVE") "]");
}
END_TEST

START_TEST(the_same_written_differently_is_the_same)
{
#define FIRST                                                                                                          \
    "{\"id\":\"n1\",\"site_id\":\"home\",\"status\":\"ACTIVE\",\"device_ids\":[\"bat\",\"b 2\"],"                      \
    "\"enrolled_at\":\"2025-06-15T15:00:00Z\",\"unenrolled_at\":null}"
#define SECOND                                                                                                         \
    "{ \"status\" : \"ACTIVE\", \"id\":\"n1\", \"enrolled_at\":\"2025-06-15 08:00:00.000-07:00\","                     \
    " \"device_ids\" : [ \"bat\" , \"b 2\" ] ,\"site_id\":\"home\", \"object_type\":\"enrollment\"}"
    open_up();
    ck_assert_int_eq(webhook("w1", HOOK("enrollment.updated", FIRST)), 204);
    ck_assert_int_eq(webhook("w2", HOOK("enrollment.updated", SECOND)), 204);
    ck_assert_str_eq(told(), "enrollment.updated n1\n");
    ck_assert_int_eq(webhook("w3", HOOK("enrollment.updated", "{\"id\":\"n1\",\"device_ids\":[\"bat\",\"b2\"]}")), 204);
    ck_assert_str_eq(told(), "enrollment.updated n1\nenrollment.updated n1\n");
    /* Likewise the time of an event's change. */
    ck_assert_int_eq(webhook("w4", HOOK("event.updated", "{\"id\":\"e1\",\"updated_at\":\"2025-06-15T15:00:00Z\"}")),
                     204);
    ck_assert_int_eq(
        webhook("w5", HOOK("event.updated", "{\"id\":\"e1\",\"updated_at\":\"2025-06-15 17:00:00.000+02:00\"}")), 204);
    ck_assert_str_eq(told(), "enrollment.updated n1\nenrollment.updated n1\nevent.updated e1\n");
}
END_TEST

START_TEST(what_changed_while_the_bridge_was_down_is_told_after_the_restart)
{
    flip_says("GET", EVENTS, 200, "[" EVENT("e1", "UPCOMING", T0) "]");
    open_up();
    flip_says("GET", EVENTS, 200, "[" EVENT("e2", "UPCOMING", T0) "," EVENT("e1", "UPCOMING", T1) "]");
    world_restart();
    ck_assert_str_eq(told(), ""); /* the broker is away */
    world_up();
    ck_assert_str_eq(told(), "event.created e2\nevent.updated e1\n");
    world_restart();
    world_up();
    ck_assert_str_eq(told(), "event.created e2\nevent.updated e1\n");
}
END_TEST

START_TEST(news_waits_for_the_broker)
{
    open_up();
    world_down();
    ck_assert_int_eq(webhook("w1", HOOK("event.created", EVENT("e1", "UPCOMING", T0))), 204);
    ck_assert_int_eq(webhook("w2", HOOK("event.updated", EVENT("e1", "UPCOMING", T1))), 204);
    ck_assert_str_eq(told(), "");
    world_restart();
    world_silent = true; /* the connection breaks before the broker acknowledges */
    world_up();
    ck_assert_str_eq(told(), "event.created e1\nevent.updated e1\n");
    world_forget();
    world_down();
    world_silent = false;
    world_up();
    ck_assert_str_eq(told(), "event.created e1\nevent.updated e1\n");
    world_forget();
    world_restart();
    world_up();
    ck_assert_str_eq(told(), "");
}
END_TEST

START_TEST(nothing_is_told_that_is_not_on_disk)
{
    open_up();
    f2m_fault_store_fail(store, F2M_FAULT_RECORD_PUT, 1, -5, true);
    ck_assert_int_eq(webhook("w1", HOOK("event.created", EVENT("e1", "UPCOMING", T0))), 503);
    flip_says("GET", EVENTS, 200, "[" EVENT("e1", "UPCOMING", T0) "," EVENT("e2", "UPCOMING", T0) "]");
    world_pass(2 * POLL);
    ck_assert_str_eq(told(), "");
    ck_assert_str_eq(shown("site/home/events"), "[]");
    f2m_fault_store_heal(store);
    ck_assert_int_eq(webhook("w1", HOOK("event.created", EVENT("e1", "UPCOMING", T0))), 204);
    world_pass(POLL);
    ck_assert_str_eq(told(), "event.created e1\nevent.created e2\n");
    ck_assert_uint_eq(counters.notifications, 2);
}
END_TEST

START_TEST(an_acknowledgement_that_the_disk_does_not_take_is_not_forgotten)
{
    open_up();
    world_silent = true;
    ck_assert_int_eq(webhook("w1", HOOK("event.created", EVENT("e1", "UPCOMING", T0))), 204);
    f2m_fault_store_fail(store, F2M_FAULT_COMMIT, 1, -5, true);
    f2m_sites_published(sites, now, &(struct f2m_mqtt_published){.tag = F2M_TAG_SITES | 1}, NULL);
    world_pass(POLL);
    ck_assert_str_eq(told(), "event.created e1\n");
    f2m_fault_store_heal(store);
    world_pass(2 * 60000);
    world_restart();
    world_up();
    ck_assert_str_eq(told(), "event.created e1\n");
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("notifications");
    tcase_add_checked_fixture(t, world_setup, world_teardown);
    tcase_add_test(t, the_first_poll_is_the_baseline);
    tcase_add_test(t, polling_tells_what_is_new_and_what_changed);
    tcase_add_test(t, a_canceled_event_gives_that_alone);
    tcase_add_test(t, an_event_that_vanished_is_looked_up);
    tcase_add_test(t, a_change_of_a_command_that_our_acknowledgement_overtook_is_told_once);
    tcase_add_test(t, a_webhook_and_a_poll_of_the_same_are_told_once);
    tcase_add_test(t, an_older_picture_never_replaces_a_newer_one);
    tcase_add_test(t, a_poll_that_began_before_a_webhook_does_not_undo_it);
    tcase_add_test(t, enrollments_have_no_time_of_change);
    tcase_add_test(t, the_same_written_differently_is_the_same);
    tcase_add_test(t, what_changed_while_the_bridge_was_down_is_told_after_the_restart);
    tcase_add_test(t, news_waits_for_the_broker);
    tcase_add_test(t, nothing_is_told_that_is_not_on_disk);
    tcase_add_test(t, an_acknowledgement_that_the_disk_does_not_take_is_not_forgotten);
    return world_main("notifications", t);
}
