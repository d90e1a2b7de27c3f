/* Participation changes with Flip's answer and not before; an error is told. */
#include "world.h"

#include <string.h>

#define EVENTS "/v1/site/home/events"
#define EVENT(in, updated)                                                                                             \
    "{\"id\":\"e1\",\"site_id\":\"home\",\"starts_at\":\"2025-06-15T16:00:00Z\",\"ends_at\":null,\"status\":"          \
    "\"UPCOMING\",\"is_participating\":" in ",\"updated_at\":\"" updated "\"}"
#define T0  "2025-06-15T15:00:00Z"
#define T1  "2025-06-15T15:10:00Z"
#define ONE "/v1/site/home/event/e1"

static void open_up(void)
{
    flip_says("GET", EVENTS, 200, "[" EVENT("true", T0) "]");
    flip_says("PATCH", ONE, 200, EVENT("false", T1));
    world_open();
    world_up();
    world_forget();
}

static const struct {
    const char *payload, *body; /* NULL = refused */
} payloads[] = {
    {"OFF", "{\"is_participating\":false}"},
    {" off\n", "{\"is_participating\":false}"},
    {"false", "{\"is_participating\":false}"},
    {"0", "{\"is_participating\":false}"},
    {"ON", "{\"is_participating\":true}"},
    {"True", "{\"is_participating\":true}"},
    {"1", "{\"is_participating\":true}"},
    {"online", "{\"is_participating\":true}"},
    {"", NULL},
    {"None", NULL},
    {"OFF!", NULL},
    {"\"OFF\"", NULL},
};

START_TEST(the_words_for_on_and_off)
{
    open_up();
    participation("home", NULL, payloads[_i].payload);
    if (payloads[_i].body) {
        ck_assert_uint_eq(flip_asked("PATCH", ONE), 1);
        ck_assert_str_eq(flip_body(), payloads[_i].body);
        ck_assert_uint_eq(counters.invalid, 0);
    } else {
        ck_assert_uint_eq(flip_asked("PATCH", ONE), 0);
        ck_assert_str_eq(told(), "participation.error ?\n");
        ck_assert_ptr_nonnull(strstr(last_notification(), "participation/set: expected ON or OFF, found '"));
        ck_assert_uint_eq(counters.invalid, 1);
    }
}
END_TEST

START_TEST(the_state_changes_with_the_answer_alone)
{
    open_up();
    flip_slow = true;
    participation("home", NULL, "OFF");
    ck_assert_str_eq(shown("site/home/participation"), "ON");
    flip_answers();
    ck_assert_str_eq(shown("site/home/participation"), "OFF");
    ck_assert_ptr_nonnull(strstr(shown("site/home/event"), "\"is_participating\":false"));
    ck_assert_str_eq(told(), "event.updated e1\n");
    webhook("w1", "{\"event_type\":\"event.updated\",\"event_object\":" EVENT("false", T1) "}");
    ck_assert_str_eq(told(), "event.updated e1\n");
}
END_TEST

START_TEST(any_event_can_be_named)
{
    open_up();
    flip_says("PATCH", "/v1/site/home/event/e%2F2", 200, NULL); /* says yes, shows nothing */
    size_t polls = flip_asked("GET", EVENTS);
    participation("home", "e/2", "OFF");
    ck_assert_uint_eq(flip_asked("PATCH", "/v1/site/home/event/e%2F2"), 1);
    ck_assert_uint_eq(flip_asked("GET", EVENTS), polls + 1);
    ck_assert_str_eq(shown("site/home/participation"), "ON");
}
END_TEST

START_TEST(an_error_is_told_and_nothing_changes)
{
    open_up();
    flip_says("PATCH", ONE, 409, "{\"message\":\"The event is over\"}");
    participation("home", NULL, "OFF");
    ck_assert_str_eq(shown("site/home/participation"), "ON");
    ck_assert_ptr_nonnull(strstr(last_notification(), "{\"event_type\":\"participation.error\",\"event_object\":{"
                                                      "\"event_id\":\"e1\",\"message\":\"The event is over\"},"
                                                      "\"timestamp\":\"2025-06-15T15:06:40.000Z\"}"));
    flip_says("PATCH", ONE, 0, NULL);
    participation("home", NULL, "OFF");
    ck_assert_ptr_nonnull(strstr(last_notification(), "\"message\":\"timed out\""));
    ck_assert_uint_eq(flip_asked("PATCH", ONE), 2); /* the owner decides whether to try again */
    ck_assert_ptr_nonnull(
        strstr(logs(), "participation is not changed site=home event=e1 reason=\"The event is over\""));
}
END_TEST

START_TEST(without_an_event_there_is_nothing_to_change)
{
    open_up();
    flip_says("GET", EVENTS, 200, "[]");
    flip_says("GET", ONE, 404, "{}");
    world_pass(6 * 60000);
    participation("home", NULL, "OFF");
    ck_assert_ptr_nonnull(strstr(last_notification(), "\"event_object\":{\"event_id\":null,\"message\":"
                                                      "\"participation/set: the site has no running or coming event"));
    participation("elsewhere", NULL, "OFF");
    ck_assert_uint_eq(counters.invalid, 1);
    ck_assert_ptr_nonnull(strstr(logs(), "participation/set for a site that is not configured site=elsewhere"));
}
END_TEST

START_TEST(the_latest_wish_is_sent_last)
{
    open_up();
    flip_slow = true;
    participation("home", NULL, "OFF");
    participation("home", NULL, "ON");
    participation("home", NULL, "OFF");
    participation("home", NULL, "ON");
    ck_assert_uint_eq(flip_asked("PATCH", ONE), 1);
    flip_answers();
    ck_assert_uint_eq(flip_asked("PATCH", ONE), 2);
    ck_assert_str_eq(flip_body(), "{\"is_participating\":true}");
    flip_slow = true;
    participation("home", NULL, "OFF");
    participation("home", NULL, "ON");
    participation("home", NULL, "OFF");
    flip_answers();
    ck_assert_uint_eq(flip_asked("PATCH", ONE), 3); /* that is what the first one says already */
}
END_TEST

START_TEST(requests_from_mqtt_show_objects_too)
{
    open_up();
    observed(F2M_ENDPOINT_EVENT_UPDATE, "home", EVENT("false", T1));
    ck_assert_str_eq(shown("site/home/participation"), "OFF");
    observed(F2M_ENDPOINT_ENROLLMENT_CREATE, "home", "{\"id\":\"n1\",\"site_id\":\"home\",\"status\":\"PENDING\"}");
    ck_assert_str_eq(shown("site/home/enrollments"), "[{\"id\":\"n1\",\"site_id\":\"home\",\"status\":\"PENDING\"}]");
    ck_assert_str_eq(told(), "event.updated e1\nenrollment.created n1\n");
    size_t polls = flip_asked("GET", "/v1/site/home/enrollments");
    observed(F2M_ENDPOINT_ENROLLMENT_DELETE, "home", "");
    ck_assert_uint_eq(flip_asked("GET", "/v1/site/home/enrollments"), polls + 1);
    observed(F2M_ENDPOINT_SITE_UPDATE, "home", "{\"id\":\"home\",\"city\":\"Y\"}");
    ck_assert_str_eq(shown("site/home/info"), "{\"id\":\"home\",\"city\":\"Y\"}");
    observed(F2M_ENDPOINT_DEVICE_UPDATE, "home", "{\"id\":\"bat\",\"z\":1}");
    ck_assert_str_eq(shown("site/home/devices"), "[{\"id\":\"bat\",\"z\":1}]");
    observed(F2M_ENDPOINT_DEVICE_DELETE, "home", "");
    ck_assert_str_eq(shown("site/home/devices"), "[]");
    observed(F2M_ENDPOINT_EVENTS_GET, "home", "[{\"id\":\"e2\"}]"); /* perhaps a part of them */
    ck_assert_ptr_nonnull(strstr(shown("site/home/events"), "e1"));
    ck_assert_ptr_nonnull(strstr(shown("site/home/events"), "e2"));
    observed(F2M_ENDPOINT_SITES_GET, NULL, "[{\"id\":\"home\",\"city\":\"W\"},{\"id\":\"x\"}]");
    ck_assert_str_eq(shown("site/home/info"), "{\"id\":\"home\",\"city\":\"W\"}");
    observed(F2M_ENDPOINT_PROGRAMS_GET, "home", "[{\"id\":\"p9\"}]"); /* of whatever type was asked for */
    ck_assert_str_eq(shown("site/home/programs"), "[]");
    observed(F2M_ENDPOINT_SITE_GET, "elsewhere", "{\"id\":\"elsewhere\"}");
    ck_assert_ptr_null(shown("site/elsewhere/info"));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("participation");
    tcase_add_checked_fixture(t, world_setup, world_teardown);
    tcase_add_loop_test(t, the_words_for_on_and_off, 0, sizeof payloads / sizeof payloads[0]);
    tcase_add_test(t, the_state_changes_with_the_answer_alone);
    tcase_add_test(t, any_event_can_be_named);
    tcase_add_test(t, an_error_is_told_and_nothing_changes);
    tcase_add_test(t, without_an_event_there_is_nothing_to_change);
    tcase_add_test(t, the_latest_wish_is_sent_last);
    tcase_add_test(t, requests_from_mqtt_show_objects_too);
    return world_main("participation", t);
}
