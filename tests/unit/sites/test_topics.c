/* A site's retained topics show Flip's own objects, change only when they change, and go when their owner goes. */
#include "world.h"

#include <stdio.h>
#include <string.h>

#define SITE   "/v1/site/home"
#define EVENTS SITE "/events"
#define EVENT(id, from, to, more)                                                                                      \
    "{\"id\":\"" id "\",\"starts_at\":\"2025-06-15T" from ":00Z\",\"ends_at\":" to more "}"
#define AT(time) "\"2025-06-15T" time ":00Z\""
#define MINUTE   60000

static void open_up(void)
{
    world_open();
    world_up();
}

START_TEST(objects_are_shown_as_flip_sent_them)
{
    flip_says("GET", SITE, 200, " { \"id\" : \"home\", \"zip_code\": \"88800\",\"later\":{\"a\":1e2} } ");
    flip_says("GET", SITE "/devices", 200, "{\"data\":[{\"id\":\"bat\", \"x\":\"\\u00e9\"}]}");
    flip_says("GET", SITE "/programs", 200, "{\"programs\":[{\"id\":\"p1\"},{\"id\":\"p2\"}]}");
    open_up();
    ck_assert_str_eq(shown("site/home/info"), "{ \"id\" : \"home\", \"zip_code\": \"88800\",\"later\":{\"a\":1e2} }");
    ck_assert_str_eq(shown("site/home/devices"), "[{\"id\":\"bat\", \"x\":\"\\u00e9\"}]");
    ck_assert_str_eq(shown("site/home/programs"), "[{\"id\":\"p1\"},{\"id\":\"p2\"}]");
    ck_assert_str_eq(shown("site/home/enrollments"), "[]");
    ck_assert_str_eq(shown("site/home/events"), "[]");
    ck_assert_str_eq(shown("site/home/event"), "{\"phase\":\"none\"}");
    ck_assert_str_eq(shown("site/home/participation"), "None");
}
END_TEST

START_TEST(only_changes_are_published_and_everything_when_the_broker_is_back)
{
    open_up();
    world_forget();
    world_pass(24 * 60 * MINUTE);
    ck_assert_uint_eq(published_in_all(), 0);
    flip_says("GET", SITE, 200, "{\"id\":\"home\",\"city\":\"X\"}");
    world_pass(7 * 60 * MINUTE);
    ck_assert_uint_eq(published_in_all(), 1);
    world_down();
    world_up();
    ck_assert_uint_eq(published_in_all(), 8);
    world_restart(); /* from the store, before Flip answers */
    flip_slow = true;
    world_forget();
    world_up();
    ck_assert_uint_eq(published_in_all(), 7);
    ck_assert_str_eq(shown("site/home/info"), "{\"id\":\"home\",\"city\":\"X\"}");
}
END_TEST

START_TEST(the_event_topic_follows_the_clock)
{
    flip_says("GET", EVENTS, 200,
              "[" EVENT("e2", "16:00", AT("17:00"), ",\"is_participating\":false") "," EVENT(
                  "e1", "15:30", AT("15:40"), ",\"is_participating\":true,\"phase\":\"mine\"") "]");
    open_up(); /* at 15:06:40 */
    ck_assert_str_eq(shown("site/home/event"), "{\"id\":\"e1\",\"starts_at\":\"2025-06-15T15:30:00Z\",\"ends_at\":"
                                               "\"2025-06-15T15:40:00Z\",\"is_participating\":true,"
                                               "\"phase\":\"upcoming\"}");
    ck_assert_str_eq(shown("site/home/participation"), "ON");
    world_pass(23 * MINUTE + 19999);
    ck_assert_ptr_nonnull(strstr(shown("site/home/event"), "\"phase\":\"upcoming\""));
    world_pass(1);
    ck_assert_ptr_nonnull(strstr(shown("site/home/event"), "\"phase\":\"active\""));
    world_pass(10 * MINUTE);
    ck_assert_ptr_nonnull(strstr(shown("site/home/event"), "\"id\":\"e2\""));
    ck_assert_ptr_nonnull(strstr(shown("site/home/event"), "\"phase\":\"upcoming\""));
    ck_assert_str_eq(shown("site/home/participation"), "OFF");
    world_pass(85 * MINUTE);
    ck_assert_str_eq(shown("site/home/event"), "{\"phase\":\"none\"}");
    ck_assert_str_eq(shown("site/home/participation"), "None");
    ck_assert_uint_eq(times_shown("site/home/event"), 5);
}
END_TEST

static const struct {
    const char *events, *expected; /* id and phase at 15:06:40 */
} choices[] = {
    {"[]", "none"},
    {"[" EVENT("a", "14:00", AT("15:00"), "") "]", "none"},
    {"[" EVENT("a", "14:00", "null", "") "]", "a active"}, /* open-ended */
    {"[" EVENT("a", "14:00", AT("16:00"), ",\"status\":\"CANCELED\"") "]", "none"},
    {"[" EVENT("a", "14:00", AT("16:00"), ",\"status\":\"COMPLETED\"") "]", "none"},
    {"[" EVENT("a", "14:00", AT("16:00"), ",\"status\":\"NEW\"") "]", "a active"},
    {"[" EVENT("a", "14:00", AT("16:00"), "") "," EVENT("b", "15:00", AT("16:00"), "") "]", "b active"},
    {"[" EVENT("a", "17:00", AT("18:00"), "") "," EVENT("b", "16:00", AT("16:10"), "") "]", "b upcoming"},
    {"[" EVENT("a", "16:00", AT("18:00"), "") "," EVENT("b", "15:00", AT("15:10"), "") "]", "b active"},
    {"[{\"id\":\"a\",\"starts_at\":\"soon\",\"status\":\"UPCOMING\"}]", "none"},
    {"[{\"id\":\"a\",\"starts_at\":null,\"status\":\"ACTIVE\"}]", "a active"},
    {"[{\"id\":\"a\",\"starts_at\":\"2025-06-15 08:00:00.5-07:00\",\"ends_at\":\"never\"}]", "a active"},
};

START_TEST(the_running_or_else_next_event_is_chosen)
{
    char expected[100];
    flip_says("GET", EVENTS, 200, choices[_i].events);
    open_up();
    const char *event = shown("site/home/event"), *space = strchr(choices[_i].expected, ' ');
    if (space)
        snprintf(expected, sizeof expected, "{\"id\":\"%c\",", choices[_i].expected[0]);
    else
        snprintf(expected, sizeof expected, "{\"phase\":");
    ck_assert_msg(strncmp(event, expected, strlen(expected)) == 0, "%s: %s", choices[_i].events, event);
    snprintf(expected, sizeof expected, "\"phase\":\"%s\"}", space ? space + 1 : choices[_i].expected);
    ck_assert_msg(strstr(event, expected) != NULL, "%s: %s", choices[_i].events, event);
}
END_TEST

START_TEST(a_clock_that_is_set_moves_the_phase)
{
    flip_says("GET", EVENTS, 200, "[" EVENT("e1", "16:00", AT("17:00"), "") "]");
    open_up();
    now.wall_ms += 60 * MINUTE;
    world_pass(MINUTE);
    ck_assert_ptr_nonnull(strstr(shown("site/home/event"), "\"phase\":\"active\""));
    now.wall_ms -= 60 * MINUTE;
    world_pass(6 * MINUTE); /* at the latest with the next poll's tick */
    ck_assert_ptr_nonnull(strstr(shown("site/home/event"), "\"phase\":\"upcoming\""));
}
END_TEST

START_TEST(ids_are_percent_encoded)
{
    config_sites[0].id = (char *)(uintptr_t) "häus/1+#";
    config_sites[0].devices_len = 0;
    flip_says("POST", "/v1/auth/site/h%C3%A4us%2F1%2B%23", 200, "{\"site_access_token\":\"t\",\"expires_at\":null}");
    flip_says("GET", "/v1/site/h%C3%A4us%2F1%2B%23/events", 200, "[]");
    open_up();
    ck_assert_str_eq(shown("site/h%C3%A4us%2F1%2B%23/events"), "[]");
}
END_TEST

static void a_second_site(void)
{
    config_sites[1] =
        (struct f2m_site){.id = (char *)(uintptr_t) "cabin", .devices = config_devices[1], .devices_len = 1};
    config_devices[1][0] = (struct f2m_device){.id = (char *)(uintptr_t) "old", .site = &config_sites[1]};
    config.sites_len = 2;
    flip_says("POST", "/v1/auth/site/cabin", 200, "{\"site_access_token\":\"t\",\"expires_at\":null}");
    flip_says("GET", "/v1/site/cabin/events", 200, "[" EVENT("e9", "16:00", AT("17:00"), "") "]");
}

START_TEST(what_is_not_configured_any_more_is_cleared)
{
    static const char *const topics[] = {"site/cabin/info",          "site/cabin/devices", "site/cabin/programs",
                                         "site/cabin/enrollments",   "site/cabin/events",  "site/cabin/event",
                                         "site/cabin/participation", "device/old/state",   "device/old/telemetry",
                                         "device/old/control",       "device/old/pause"};
    a_second_site();
    open_up();
    ck_assert_ptr_nonnull(strstr(shown("site/cabin/events"), "e9"));
    world_forget();
    config.sites_len = 1;
    if (_i == 0) {
        world_reload();
    } else { /* while the bridge was down */
        world_restart();
        world_up();
    }
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
        ck_assert_msg(shown(topics[i]) && shown(topics[i])[0] == '\0', "%s", topics[i]);
    ck_assert_str_ne(shown("site/home/events"), "");
    world_forget();
    world_down();
    world_up();
    ck_assert_uint_eq(times_shown("device/old/state"), 0); /* once */
    /* Back again: its first poll is the baseline. */
    config.sites_len = 2;
    world_reload();
    ck_assert_ptr_nonnull(strstr(shown("site/cabin/events"), "e9"));
    ck_assert_str_eq(told(), "");
}
END_TEST

START_TEST(what_went_is_cleared_until_the_broker_has_taken_it)
{
    a_second_site();
    open_up();
    world_forget();
    config.sites_len = 1;
    world_silent = true; /* the connection breaks before the broker acknowledges */
    world_reload();
    ck_assert_uint_eq(times_shown("device/old/state"), 1);
    world_restart();
    world_silent = false;
    world_refuses = 0x97; /* the client to it is full */
    world_refusals = 11;
    world_up();
    ck_assert_uint_eq(times_shown("device/old/state"), 2);
    world_pass(500);
    ck_assert_uint_eq(times_shown("device/old/state"), 3);
    ck_assert_uint_eq(times_shown("site/cabin/events"), 3);
    world_forget();
    world_down();
    world_up();
    world_pass(60 * MINUTE);
    ck_assert_uint_eq(times_shown("device/old/state") + times_shown("site/cabin/events"), 0);
}
END_TEST

START_TEST(a_site_that_flip_does_not_know_any_more_shows_nothing)
{
    flip_says("GET", EVENTS, 200, "[" EVENT("e1", "16:00", AT("17:00"), "") "]");
    open_up();
    flip_says("GET", SITE "/devices", 404, "<html>proxy</html>");
    flip_says("GET", EVENTS, 404, "<html>proxy</html>");
    world_pass(7 * 60 * MINUTE);
    ck_assert_ptr_nonnull(strstr(shown("site/home/events"), "e1"));
    flip_says("GET", SITE "/devices", 404, "{\"message\":\"Site not found\"}");
    world_pass(7 * 60 * MINUTE);
    ck_assert_str_eq(shown("site/home/events"), "");
    ck_assert_str_eq(shown("site/home/info"), "");
    ck_assert_str_eq(shown("site/home/event"), "{\"phase\":\"none\"}");
    ck_assert_str_eq(problems(), "home: Flip does not know this site: set commission: true, or commission it "
                                 "otherwise\n");
    size_t asked = flip_asked("GET", EVENTS);
    world_pass(60 * MINUTE);
    ck_assert_uint_eq(flip_asked("GET", EVENTS), asked); /* its devices alone are asked for */
    flip_says("GET", SITE "/devices", 200, "[]");
    flip_says("GET", EVENTS, 200, "[]");
    world_pass(6 * MINUTE);
    ck_assert_str_eq(shown("site/home/events"), "[]");
    ck_assert_str_eq(problems(), "");
}
END_TEST

START_TEST(what_the_client_to_the_broker_cannot_take_is_published_again)
{
    world_open();
    world_refuses = 0x97;
    world_refusals = 7;
    world_up();
    ck_assert_uint_eq(published_in_all(), 7);
    world_pass(499);
    ck_assert_uint_eq(published_in_all(), 7);
    world_pass(1);
    ck_assert_uint_eq(published_in_all(), 14);
    world_forget();
    world_refusals = 1;
    webhook("w1", "{\"event_type\":\"event.created\",\"event_object\":{\"id\":\"e1\",\"site_id\":\"home\"}}");
    ck_assert_str_eq(told(), "event.created e1\n");
    world_pass(500);
    ck_assert_str_eq(told(), "event.created e1\nevent.created e1\n"); /* the first one was not taken */
    world_forget();
    world_refuses = 0x87; /* for good */
    world_refusals = 2;
    webhook("w2", "{\"event_type\":\"event.created\",\"event_object\":{\"id\":\"e2\",\"site_id\":\"home\"}}");
    world_pass(60 * MINUTE);
    ck_assert_str_eq(told(), "event.created e2\n");
    ck_assert_ptr_nonnull(strstr(logs(), "the broker refused a notification site=home"));
}
END_TEST

static char many_ids[300][8];
static struct f2m_site many_sites[300];

START_TEST(many_sites_are_published_in_slices)
{
    for (int i = 0; i < 300; i++) {
        snprintf(many_ids[i], sizeof many_ids[i], "s%d", i);
        many_sites[i] = (struct f2m_site){.id = many_ids[i]};
    }
    config.sites = many_sites;
    config.sites_len = 300;
    config.flip.poll.site_ms = config.flip.poll.events_ms = 3600000;
    flip_slow = true;
    world_open();
    world_up();
    ck_assert_uint_eq(published_in_all(), 600); /* event and participation of each */
}
END_TEST

START_TEST(a_collection_too_large_for_a_message_shows_its_first_objects)
{
    static char body[1400000];
    size_t len = 0;
    len += (size_t)snprintf(body + len, sizeof body - len, "[");
    for (int i = 0; i < 1200; i++)
        len += (size_t)snprintf(body + len, sizeof body - len,
                                "%s{\"id\":\"e%d\",\"starts_at\":\"2025-06-14T00:00:00Z\",\"ends_at\":"
                                "\"2025-06-14T01:00:00Z\",\"x\":\"%0900d\"}",
                                i ? "," : "", i, 0);
    snprintf(body + len, sizeof body - len, "]");
    flip_says("GET", EVENTS, 200, body);
    open_up();
    const char *events = shown("site/home/events");
    ck_assert_uint_le(strlen(events), 1 << 20);
    ck_assert_uint_gt(strlen(events), 1000000);
    ck_assert_str_eq(events + strlen(events) - 2, "}]");
    ck_assert_ptr_nonnull(strstr(events, "\"e0\""));
    ck_assert_ptr_null(strstr(events, "\"e1199\""));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("topics");
    tcase_add_checked_fixture(t, world_setup, world_teardown);
    tcase_add_test(t, objects_are_shown_as_flip_sent_them);
    tcase_add_test(t, only_changes_are_published_and_everything_when_the_broker_is_back);
    tcase_add_test(t, the_event_topic_follows_the_clock);
    tcase_add_loop_test(t, the_running_or_else_next_event_is_chosen, 0, sizeof choices / sizeof choices[0]);
    tcase_add_test(t, a_clock_that_is_set_moves_the_phase);
    tcase_add_test(t, ids_are_percent_encoded);
    tcase_add_loop_test(t, what_is_not_configured_any_more_is_cleared, 0, 2);
    tcase_add_test(t, what_went_is_cleared_until_the_broker_has_taken_it);
    tcase_add_test(t, a_site_that_flip_does_not_know_any_more_shows_nothing);
    tcase_add_test(t, what_the_client_to_the_broker_cannot_take_is_published_again);
    tcase_add_test(t, many_sites_are_published_in_slices);
    tcase_add_test(t, a_collection_too_large_for_a_message_shows_its_first_objects);
    return world_main("topics", t);
}
