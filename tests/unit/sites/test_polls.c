/* Flip is asked for each kind at its own pace, politely when it fails, and not at all while it refuses the token. */
#include "world.h"

#include "util/limits.h"

#include <stdio.h>
#include <string.h>

#define SITE   "/v1/site/home"
#define MINUTE 60000
#define HOUR   (60 * MINUTE)

static const struct {
    const char *path;
    int64_t every_ms;
} kinds[] = {
    {SITE, 6 * HOUR},
    {SITE "/devices", 6 * HOUR},
    {SITE "/programs", 6 * HOUR},
    {SITE "/enrollments", 15 * MINUTE},
    {SITE "/events", 5 * MINUTE},
};

START_TEST(each_kind_has_its_pace)
{
    const char *path = kinds[_i].path;
    int64_t every = kinds[_i].every_ms;
    world_open();
    ck_assert_uint_eq(flip_asked("GET", path), 1); /* first at start */
    ck_assert_uint_eq(flip_asked("POST", "/v1/auth/site/home"), 1);
    world_pass(every * 9 / 10 - 1);
    ck_assert_uint_eq(flip_asked("GET", path), 1);
    world_pass(every / 5 + 2);
    ck_assert_uint_eq(flip_asked("GET", path), 2);
    world_pass(every * 20);
    size_t n = flip_asked("GET", path);
    ck_assert_msg(n >= 20 && n <= 25, "%zu", n);
}
END_TEST

START_TEST(programs_are_asked_for_by_type_and_zip_code_in_pages)
{
    static char page[6000];
    size_t len = (size_t)snprintf(page, sizeof page, "[");
    for (int i = 0; i < 100; i++)
        len += (size_t)snprintf(page + len, sizeof page - len, "%s{\"id\":\"p%d\"}", i ? "," : "", i);
    snprintf(page + len, sizeof page - len, "]");
    config_sites[0].zip_code = (char *)(uintptr_t) "88800 1";
    config_sites[0].devices_len = 2;
    config_devices[0][1] =
        (struct f2m_device){.id = (char *)(uintptr_t) "ev", .type = F2M_DEVICE_EV_CHARGER, .site = &config_sites[0]};
    flip_slow = true;
    world_open();
    flip_says("GET", SITE "/programs", 200, page); /* the same again and again: `skip` means nothing to it */
    flip_answers();
    ck_assert_uint_eq(flip_asked("GET", SITE "/programs"), 4); /* two per type: nothing new in the second */
    ck_assert_str_eq(flip_query(), "device_type=EV_CHARGER&zip_code=88800%201&skip=100&limit=100");
    world_up();
    ck_assert_uint_eq(strlen(shown("site/home/programs")), strlen(page));
}
END_TEST

START_TEST(a_short_page_is_the_last)
{
    flip_says("GET", SITE "/programs", 200, "[{\"id\":\"p1\"}]");
    world_open();
    ck_assert_uint_eq(flip_asked("GET", SITE "/programs"), 1);
    ck_assert_str_eq(flip_query(), "device_type=BATTERY&skip=0&limit=100");
}
END_TEST

START_TEST(failures_back_off_and_success_resets)
{
    flip_says("GET", SITE "/events", 503, NULL);
    world_open();
    world_pass(10 * MINUTE);
    size_t n = flip_asked("GET", SITE "/events");
    ck_assert_msg(n >= 6 && n <= 40, "%zu", n);
    flip_says("GET", SITE "/events", 200, "[]");
    world_pass(6 * MINUTE);
    n = flip_asked("GET", SITE "/events");
    world_pass(4 * MINUTE);
    ck_assert_uint_le(flip_asked("GET", SITE "/events"), n + 1);
}
END_TEST

static const struct {
    int status;
    const char *body;
} wrong[] = {
    {200, "{\"id\":1}"},           {200, ""},   {200, "\"x\""}, {200, "nonsense"},
    {422, "{\"message\":\"no\"}"}, {403, "{}"}, {0, NULL},
};

START_TEST(an_answer_that_is_none_changes_nothing)
{
    flip_says("GET", SITE "/events", 200, "[{\"id\":\"e1\",\"status\":\"UPCOMING\"}]");
    world_open();
    world_up();
    flip_says("GET", SITE "/events", wrong[_i].status, wrong[_i].body);
    size_t before = flip_asked("GET", SITE "/events");
    world_pass(30 * MINUTE);
    ck_assert_str_eq(shown("site/home/events"), "[{\"id\":\"e1\",\"status\":\"UPCOMING\"}]");
    ck_assert_str_eq(told(), "");
    ck_assert_uint_gt(flip_asked("GET", SITE "/events"), before + 3);
    const char *complaint = strstr(logs(), "Flip refused to show");
    ck_assert(!complaint || !strstr(complaint + 1, "Flip refused to show")); /* told once */
}
END_TEST

/* Other events with every poll. */
static void flood(char prefix)
{
    f2m_autostrbuf out;

    f2m_strbuf_init(&out, 0);
    for (int i = 0; i < 2600; i++)
        f2m_strbuf_addf(&out, "%c{\"id\":\"%c%d\"}", i ? ',' : '[', prefix, i);
    f2m_strbuf_addc(&out, ']');
    flip_says("GET", SITE "/events", 200, out.data);
}

START_TEST(events_that_a_poll_does_not_show_any_more_do_not_pile_up)
{
    world_open();
    for (char prefix = 'a'; prefix < 'e'; prefix++) {
        flood(prefix);
        world_pass(6 * MINUTE);
    }
    world_up();
    size_t n = 0;
    for (const char *at = shown("site/home/events"); (at = strstr(at, "\"id\"")); at++)
        n++;
    ck_assert_uint_ge(n, 2600);
    ck_assert_uint_le(n, F2M_MAX_SITE_OBJECTS);
    ck_assert_ptr_nonnull(strstr(shown("site/home/events"), "\"d2599\""));
}
END_TEST

START_TEST(nothing_is_asked_while_the_client_token_is_refused)
{
    flip_says("POST", "/v1/auth/site/home", 401, "{\"message\":\"Unauthorized\"}");
    world_open();
    ck_assert_uint_eq(flip_asked("POST", "/v1/auth/site/home"), 1);
    world_pass(59000);
    ck_assert_uint_eq(flip_asked("POST", "/v1/auth/site/home"), 1);
    flip_says("POST", "/v1/auth/site/home", 200, "{\"site_access_token\":\"t\",\"expires_at\":null}");
    world_pass(10 * MINUTE);
    ck_assert_uint_ge(flip_asked("GET", SITE "/events"), 1);
}
END_TEST

START_TEST(objects_without_id_and_other_things_are_survived)
{
    flip_says("GET", SITE "/events", 200, "[1,null,{\"x\":1},{\"id\":7},{\"id\":\"e1\"},{\"id\":\"e1\",\"y\":2},[]]");
    world_open();
    world_up();
    ck_assert_str_eq(shown("site/home/events"), "[{\"x\":1},{\"id\":7},{\"id\":\"e1\"}]");
}
END_TEST

START_TEST(a_reload_asks_again_for_what_failed_and_respects_a_shorter_pace)
{
    flip_says("GET", SITE "/events", 422, "{\"message\":\"no\"}");
    world_open();
    world_pass(30 * MINUTE);
    size_t events = flip_asked("GET", SITE "/events"), site = flip_asked("GET", SITE);
    flip_says("GET", SITE "/events", 200, "[]");
    config.flip.poll.site_ms = 10 * MINUTE;
    world_reload();
    ck_assert_uint_eq(flip_asked("GET", SITE "/events"), events + 1);
    ck_assert_uint_eq(flip_asked("GET", SITE), site);
    world_pass(11 * MINUTE);
    ck_assert_uint_eq(flip_asked("GET", SITE), site + 1);
}
END_TEST

START_TEST(the_answer_for_a_site_that_is_gone_is_ignored)
{
    flip_slow = true;
    world_open();
    config.sites_len = 0;
    world_reload();
    flip_answers();
    world_up();
    ck_assert_ptr_null(shown("site/home/events"));
    world_pass(HOUR);
    ck_assert_uint_le(flip_asked("GET", SITE "/events"), 1);
}
END_TEST

static char many_ids[40][8];
static struct f2m_site many_sites[40];

START_TEST(polls_leave_room_for_others)
{
    for (int i = 0; i < 40; i++) {
        snprintf(many_ids[i], sizeof many_ids[i], "s%d", i);
        many_sites[i] = (struct f2m_site){.id = many_ids[i]};
        char path[64];
        snprintf(path, sizeof path, "/v1/auth/site/s%d", i);
        flip_says("POST", path, 200, "{\"site_access_token\":\"t\",\"expires_at\":null}");
        snprintf(path, sizeof path, "/v1/site/s%d/events", i);
        flip_says("GET", path, 200, "[]");
        snprintf(path, sizeof path, "/v1/site/s%d/devices", i);
        flip_says("GET", path, 200, "[]");
    }
    config.sites = many_sites;
    config.sites_len = 40;
    flip_slow = true;
    world_open();
    size_t n = 0;
    for (int i = 0; i < 40; i++) {
        char path[64];
        snprintf(path, sizeof path, "/v1/auth/site/s%d", i);
        n += flip_asked("POST", path);
    }
    ck_assert_uint_le(n, 4);
    flip_answers();
    ck_assert_uint_eq(flip_asked("GET", "/v1/site/s0/events"), 1);
    ck_assert_uint_eq(flip_asked("GET", "/v1/site/s39/events"), 1);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("polls");
    tcase_add_checked_fixture(t, world_setup, world_teardown);
    tcase_add_loop_test(t, each_kind_has_its_pace, 0, sizeof kinds / sizeof kinds[0]);
    tcase_add_test(t, programs_are_asked_for_by_type_and_zip_code_in_pages);
    tcase_add_test(t, a_short_page_is_the_last);
    tcase_add_test(t, failures_back_off_and_success_resets);
    tcase_add_loop_test(t, an_answer_that_is_none_changes_nothing, 0, sizeof wrong / sizeof wrong[0]);
    tcase_add_test(t, events_that_a_poll_does_not_show_any_more_do_not_pile_up);
    tcase_add_test(t, nothing_is_asked_while_the_client_token_is_refused);
    tcase_add_test(t, objects_without_id_and_other_things_are_survived);
    tcase_add_test(t, a_reload_asks_again_for_what_failed_and_respects_a_shorter_pace);
    tcase_add_test(t, the_answer_for_a_site_that_is_gone_is_ignored);
    tcase_add_test(t, polls_leave_room_for_others);
    return world_main("polls", t);
}
