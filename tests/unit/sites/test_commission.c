/* Commissioning asks Flip first, commissions what it does not know, once, and lets uploads go when it was answered. */
#include "world.h"

#include <string.h>

#define TEXT(s) ((char *)(uintptr_t)(s))
#define TOKEN   "{\"site_access_token\":\"t\",\"expires_at\":null}"
#define UNKNOWN "{\"message\":\"Site not found\"}"
#define POSTS   flip_asked("POST", "/v1/commission")
#define MINUTE  60000

static struct f2m_source serial_source = {
    .op = F2M_SOURCE_TOPIC, .topic = TEXT("inverter/serial"), .scale = 1, .sign = 1, .max_age_ms = 60000};
static struct f2m_source capacity_source = {.op = F2M_SOURCE_TOPIC,
                                            .topic = TEXT("inverter/info"),
                                            .format = F2M_FORMAT_JSON,
                                            .path = TEXT("/capacity_kwh"),
                                            .scale = 1000,
                                            .sign = 1,
                                            .max_age_ms = 60000};

static void battery(struct f2m_device *d, const char *id)
{
    d->id = TEXT(id);
    d->type = F2M_DEVICE_BATTERY;
    d->site = &config_sites[0];
    d->manufacturer_name.value = TEXT("DeviceMaker");
    d->product_name.value = TEXT("Model \"1\"");
    d->serial_number.value = TEXT("123");
    d->install_date.value = TEXT("2022-02-22");
    d->capacity_wh.value = TEXT("13500");
    d->max_charge_w.value = TEXT("4999.6");
    d->max_discharge_w.value = TEXT("5000");
}

static void setup(void)
{
    world_setup();
    config_sites[0].commission = true;
    config_sites[0].state_code = TEXT("CA");
    config_sites[0].zip_code = TEXT("88800");
    battery(&config_devices[0][0], "bat");
    flip_says("POST", "/v1/auth/site/home", 404, UNKNOWN);
    flip_says("POST", "/v1/commission", 200,
              "{\"programs\":[{\"id\":\"p1\",\"name\":\"Summer\"}],\"enrollment\":null}");
}

/* From now on Flip knows the site. */
static void flip_learns(const char *devices)
{
    flip_says("POST", "/v1/auth/site/home", 200, TOKEN);
    flip_says("GET", "/v1/site/home/devices", 200, devices);
}

START_TEST(an_unknown_site_is_commissioned_with_all_devices)
{
    flip_slow = true;
    world_open();
    ck_assert_str_eq(held(), "bat+ ");
    ck_assert_uint_eq(POSTS, 0); /* it looks first */
    world_up();
    flip_answers();
    ck_assert_uint_eq(POSTS, 1);
    ck_assert_str_eq(flip_body(),
                     "{\"site\":{\"id\":\"home\",\"state_code\":\"CA\",\"zip_code\":\"88800\"},\"devices\":[{\"id\":"
                     "\"bat\",\"site_id\":\"home\",\"manufacturer_name\":\"DeviceMaker\",\"product_name\":\"Model "
                     "\\\"1\\\"\",\"serial_number\":\"123\",\"install_date\":\"2022-02-22\",\"type\":\"BATTERY\","
                     "\"attributes\":{\"battery_capacity_wh\":13500,\"battery_power_input_w\":5000,"
                     "\"battery_power_output_w\":5000}}],\"can_auto_enroll\":false}");
    ck_assert_str_eq(held(), "bat+ bat- ");
    ck_assert(was_shown("site/home/programs", "[{\"id\":\"p1\",\"name\":\"Summer\"}]"));
    flip_learns("[{\"id\":\"bat\"}]");
    world_pass(60 * MINUTE);
    ck_assert_str_eq(problems(), "");
    ck_assert_uint_eq(POSTS, 1);
}
END_TEST

START_TEST(a_known_site_is_left_alone)
{
    flip_learns("[{\"id\":\"bat\"}]");
    world_open();
    ck_assert_str_eq(held(), "bat+ bat- ");
    world_pass(60 * MINUTE);
    world_restart();
    ck_assert_uint_eq(POSTS, 0);
    ck_assert_str_eq(held(), "bat+ bat- "); /* remembered: nothing waits after the first time */
}
END_TEST

START_TEST(without_commission_true_nothing_is_commissioned)
{
    config_sites[0].commission = false;
    world_open();
    world_pass(60 * MINUTE);
    ck_assert_uint_eq(POSTS, 0);
    ck_assert_str_eq(held(), "");
}
END_TEST

START_TEST(a_new_device_on_a_known_site_is_commissioned_alone)
{
    flip_learns("[{\"id\":\"bat\"},{\"id\":\"ev\"}]");
    config_sites[0].devices_len = 3;
    battery(&config_devices[0][1], "bat2");
    config_devices[0][2] =
        (struct f2m_device){.id = TEXT("ev"), .type = F2M_DEVICE_EV_CHARGER, .site = &config_sites[0]};
    world_open();
    ck_assert_uint_eq(POSTS, 1);
    ck_assert_ptr_nonnull(strstr(flip_body(), "\"id\":\"bat2\""));
    ck_assert_ptr_null(strstr(flip_body(), "\"id\":\"bat\""));
    ck_assert_ptr_null(strstr(flip_body(), "\"id\":\"ev\""));
    /* Later, by a reload. */
    flip_learns("[{\"id\":\"bat\"},{\"id\":\"bat2\"},{\"id\":\"ev\"}]");
    config_sites[0].devices_len = 1;
    world_reload();
    ck_assert_uint_eq(POSTS, 1);
    flip_learns("[{\"id\":\"bat\"}]");
    config_sites[0].devices_len = 2;
    battery(&config_devices[0][1], "bat3");
    world_reload();
    ck_assert_uint_eq(POSTS, 2);
    ck_assert_ptr_nonnull(strstr(flip_body(), "\"id\":\"bat3\""));
    ck_assert_ptr_null(strstr(flip_body(), "\"id\":\"bat\""));
}
END_TEST

START_TEST(a_charger_has_free_attributes)
{
    battery(&config_devices[0][0], "ev");
    config_devices[0][0].type = F2M_DEVICE_EV_CHARGER;
    config_devices[0][0].capacity_wh.value = config_devices[0][0].max_charge_w.value = NULL;
    if (_i)
        config_devices[0][0].attributes = TEXT("{\"plug\": \"CCS\"}");
    world_open();
    ck_assert_uint_eq(POSTS, 1);
    ck_assert_ptr_nonnull(strstr(flip_body(), _i ? "\"type\":\"EV_CHARGER\",\"attributes\":{\"plug\": \"CCS\"}}"
                                                 : "\"type\":\"EV_CHARGER\",\"attributes\":{}}"));
}
END_TEST

START_TEST(conflict_means_known)
{
    flip_says("POST", "/v1/commission", 409, "{\"message\":\"Device already commissioned\"}");
    world_open();
    ck_assert_uint_eq(POSTS, 1);
    ck_assert_str_eq(held(), "bat+ bat- ");
    ck_assert_str_eq(problems(), "");
    world_pass(3 * 60 * MINUTE);
    ck_assert_uint_eq(POSTS, 1);
}
END_TEST

START_TEST(of_several_in_conflict_each_is_tried_alone)
{
    config_sites[0].devices_len = 2;
    battery(&config_devices[0][1], "bat2");
    flip_says("POST", "/v1/commission", 409, "{\"message\":\"Device already commissioned\"}");
    world_open();
    ck_assert_uint_eq(POSTS, 3);
    ck_assert_ptr_nonnull(strstr(flip_body(), "\"id\":\"bat2\""));
    ck_assert_ptr_null(strstr(flip_body(), "\"id\":\"bat\""));
    ck_assert_str_eq(held(), "bat+ bat2+ bat- bat2- ");
}
END_TEST

START_TEST(an_enrollment_that_comes_with_it_is_told_once)
{
#define ENROLLMENT "{\"id\":\"n1\",\"site_id\":\"home\",\"status\":\"PENDING\"}"
    config_sites[0].can_auto_enroll = true;
    flip_says("POST", "/v1/commission", 200, "{\"programs\":[],\"enrollment\":" ENROLLMENT "}");
    flip_says("GET", "/v1/site/home/enrollments", 200, "[" ENROLLMENT "]");
    flip_slow = true;
    world_open();
    world_up();
    flip_answers();
    ck_assert_ptr_nonnull((POSTS, strstr(flip_body(), "\"can_auto_enroll\":true}")));
    flip_learns("[{\"id\":\"bat\"}]");
    world_pass(20 * MINUTE);
    ck_assert_str_eq(shown("site/home/enrollments"), "[" ENROLLMENT "]");
    ck_assert_str_eq(told(), "enrollment.created n1\n");
    webhook("w1", "{\"event_type\":\"enrollment.created\",\"event_object\":" ENROLLMENT "}");
    ck_assert_str_eq(told(), "enrollment.created n1\n");
}
END_TEST

START_TEST(after_an_answer_that_never_came_it_looks_again)
{
    flip_says("POST", "/v1/commission", 0, NULL);
    world_open();
    ck_assert_uint_eq(POSTS, 1);
    flip_learns("[{\"id\":\"bat\"}]"); /* it was done nevertheless */
    world_pass(10 * MINUTE);
    ck_assert_uint_eq(POSTS, 1);
    ck_assert_str_eq(held(), "bat+ bat- ");
}
END_TEST

START_TEST(failures_are_tried_again_with_backoff)
{
    flip_says("POST", "/v1/commission", 503, NULL);
    world_open();
    world_pass(20 * MINUTE);
    size_t n = POSTS;
    ck_assert_msg(n >= 6 && n <= 40, "%zu", n);
    ck_assert_str_eq(held(), "bat+ ");
    flip_says("POST", "/v1/commission", 200, "{}");
    world_pass(6 * MINUTE);
    ck_assert_str_eq(held(), "bat+ bat- ");
}
END_TEST

START_TEST(a_refusal_is_named_and_tried_again_after_an_hour_or_a_reload)
{
    flip_says("POST", "/v1/commission", 422, "{\"detail\":[{\"loc\":[\"body\",\"site\"],\"msg\":\"no such state\"}]}");
    world_open();
    ck_assert_uint_eq(POSTS, 1);
    ck_assert_ptr_nonnull(strstr(problems(), "home: Flip refused to commission the site: "));
    ck_assert_ptr_nonnull(strstr(problems(), "no such state"));
    world_pass(59 * MINUTE);
    ck_assert_uint_eq(POSTS, 1);
    world_pass(2 * MINUTE);
    ck_assert_uint_eq(POSTS, 2);
    ck_assert_str_eq(held(), "bat+ ");
    flip_says("POST", "/v1/commission", 200, "{}");
    world_reload();
    ck_assert_uint_eq(POSTS, 3);
    ck_assert_str_eq(problems(), "");
    ck_assert_str_eq(held(), "bat+ bat- ");
}
END_TEST

static void learn_serial(void)
{
    config_devices[0][0].serial_number = (struct f2m_device_field){.source = &serial_source};
    config_devices[0][0].capacity_wh = (struct f2m_device_field){.source = &capacity_source};
}

START_TEST(it_waits_for_fields_that_are_sources)
{
    learn_serial();
    world_open();
    world_pass(5 * MINUTE);
    ck_assert_uint_eq(POSTS, 0);
    ck_assert_str_eq(problems(), "home: commissioning waits for serial_number of device bat (topic inverter/serial), "
                                 "capacity of device bat (topic inverter/info)\n");
    ck_assert_str_eq(held(), "bat+ ");
    message("inverter/serial", "  SN-77 ", true); /* retained deliveries are welcome */
    ck_assert_uint_eq(POSTS, 0);
    message("inverter/info", "{\"capacity_kwh\":\"x\"}", true);
    ck_assert_uint_eq(counters.invalid, 1);
    message("inverter/info", "{\"capacity_kwh\":10.24}", true);
    ck_assert_uint_eq(POSTS, 1);
    ck_assert_ptr_nonnull(strstr(flip_body(), "\"serial_number\":\"SN-77\""));
    ck_assert_ptr_nonnull(strstr(flip_body(), "\"battery_capacity_wh\":10240,"));
    ck_assert_str_eq(problems(), "");
}
END_TEST

START_TEST(what_was_learnt_is_remembered)
{
    learn_serial();
    flip_says("POST", "/v1/commission", 503, NULL);
    world_open();
    message("inverter/serial", "SN-77", false);
    message("inverter/info", "{\"capacity_kwh\":10.24}", false);
    world_restart();
    world_pass(MINUTE);
    ck_assert_uint_ge(POSTS, 2);
    ck_assert_ptr_nonnull(strstr(flip_body(), "\"serial_number\":\"SN-77\""));
}
END_TEST

START_TEST(the_devices_of_a_site_go_together_where_they_can)
{
    config_sites[0].devices_len = 2;
    battery(&config_devices[0][1], "bat2");
    learn_serial();
    world_open();
    world_pass(59000);
    ck_assert_uint_eq(POSTS, 0); /* retained values may still be on their way */
    if (_i == 0) {
        message("inverter/serial", "SN-77", true);
        message("inverter/info", "{\"capacity_kwh\":10.24}", true);
        ck_assert_uint_eq(POSTS, 1);
        ck_assert_ptr_nonnull(strstr(flip_body(), "\"id\":\"bat\""));
        ck_assert_ptr_nonnull(strstr(flip_body(), "\"id\":\"bat2\""));
    } else {
        world_pass(1000);
        ck_assert_uint_eq(POSTS, 1);
        ck_assert_ptr_null(strstr(flip_body(), "\"id\":\"bat\""));
        ck_assert_str_eq(held(), "bat+ bat2+ bat2- ");
    }
}
END_TEST

START_TEST(commissioned_by_a_request_it_is_seen_at_once)
{
    learn_serial();
    world_open();
    world_pass(30 * MINUTE);
    flip_learns("[{\"id\":\"bat\"}]");
    observed(F2M_ENDPOINT_COMMISSION, NULL, "{\"programs\":[]}");
    ck_assert_str_eq(held(), "bat+ bat- ");
    ck_assert_uint_eq(POSTS, 0);
}
END_TEST

START_TEST(nothing_is_sent_while_the_client_token_is_refused)
{
    flip_says("POST", "/v1/commission", 401, "{}");
    world_open();
    ck_assert_uint_eq(POSTS, 1);
    world_pass(59000);
    ck_assert_uint_eq(POSTS, 1);
    flip_says("POST", "/v1/commission", 200, "{}");
    world_pass(10 * MINUTE);
    ck_assert_uint_eq(POSTS, 2);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("commission");
    tcase_add_checked_fixture(t, setup, world_teardown);
    tcase_add_test(t, an_unknown_site_is_commissioned_with_all_devices);
    tcase_add_test(t, a_known_site_is_left_alone);
    tcase_add_test(t, without_commission_true_nothing_is_commissioned);
    tcase_add_test(t, a_new_device_on_a_known_site_is_commissioned_alone);
    tcase_add_loop_test(t, a_charger_has_free_attributes, 0, 2);
    tcase_add_test(t, conflict_means_known);
    tcase_add_test(t, of_several_in_conflict_each_is_tried_alone);
    tcase_add_test(t, an_enrollment_that_comes_with_it_is_told_once);
    tcase_add_test(t, after_an_answer_that_never_came_it_looks_again);
    tcase_add_test(t, failures_are_tried_again_with_backoff);
    tcase_add_test(t, a_refusal_is_named_and_tried_again_after_an_hour_or_a_reload);
    tcase_add_test(t, it_waits_for_fields_that_are_sources);
    tcase_add_test(t, what_was_learnt_is_remembered);
    tcase_add_loop_test(t, the_devices_of_a_site_go_together_where_they_can, 0, 2);
    tcase_add_test(t, commissioned_by_a_request_it_is_seen_at_once);
    tcase_add_test(t, nothing_is_sent_while_the_client_token_is_refused);
    return world_main("commission", t);
}
