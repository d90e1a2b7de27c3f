/* A lost record is made again of what the broker holds, and of nothing that is not ours. */
#include "util/limits.h"
#include "world.h"

#define ALL BRIDGE "\n" SITE "\n" BATTERY "\n"

#define FILTER "homeassistant/device/+/config\n"
#define LOST   "homeassistant/device/flip2mqtt_device_gone/config"
#define PAYLOAD(origin, availability, components)                                                                      \
    "{\"o\":{\"name\":\"" origin "\"},\"avty\":[{\"t\":\"" availability "\"}],\"cmps\":" components "}"

START_TEST(a_former_run_is_looked_for_once_and_only_without_a_record)
{
    world_start();
    ck_assert_str_eq(subscribed(), "+" FILTER);
    world_down(); /* before it was over */
    world_up();
    world_pass(F2M_DISCOVERY_SEARCH_MS);
    ck_assert_str_eq(subscribed(), "+" FILTER "+" FILTER "-" FILTER);
    world_forget();
    world_message(LOST, PAYLOAD("flip2mqtt", "flip2mqtt/bridge/state", "{}"), true); /* too late */
    world_down();
    world_up();
    world_restart();
    world_pass(10000);
    ck_assert_str_eq(subscribed(), "+" FILTER "+" FILTER "-" FILTER);
    ck_assert_str_eq(published(), ALL ALL);
}
END_TEST

START_TEST(what_a_former_run_left_is_cleared)
{
    world_start();
    world_forget();
    world_message(LOST, PAYLOAD("flip2mqtt", "flip2mqtt/bridge/state", "{\"a\":{\"p\":\"sensor\"}}"), true);
    world_message(BATTERY, PAYLOAD("flip2mqtt", "flip2mqtt/bridge/state", "{\"old\":{\"p\":\"number\"}}"), true);
    world_pass(F2M_DISCOVERY_SEARCH_MS);
    ck_assert_str_eq(published(), "-" LOST "\n" BRIDGE "\n" SITE "\n" BATTERY "\n" BATTERY "\n");
    ck_assert_ptr_nonnull(strstr(payload_at(3), "\"old\":{\"p\":\"number\"}"));
    ck_assert_ptr_null(component(BATTERY, "old"));
    world_forget();
    world_restart();
    ck_assert_str_eq(published(), ALL);
}
END_TEST

START_TEST(what_is_not_ours_or_not_sound_is_left_alone)
{
    static const struct {
        const char *topic, *payload;
        bool retain;
    } others[] = {
        {LOST, PAYLOAD("flip2mqtt", "flip2mqtt/bridge/state", "{}"), false}, /* what is published now */
        {LOST, PAYLOAD("flip2mqtt", "another/bridge/state", "{}"), true},
        {LOST, PAYLOAD("another", "flip2mqtt/bridge/state", "{}"), true},
        {"homeassistant/device/x/config", PAYLOAD("flip2mqtt", "flip2mqtt/bridge/state", "{}"), true},
        {"elsewhere1234/device/flip2mqtt_x/config", PAYLOAD("flip2mqtt", "flip2mqtt/bridge/state", "{}"), true},
        {"h", PAYLOAD("flip2mqtt", "flip2mqtt/bridge/state", "{}"), true},
        {LOST, "[]", true},
        {LOST, "{\"o\":", true},
        {LOST, "", true},
    };

    world_start();
    world_forget();
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        world_message(others[i].topic, others[i].payload, others[i].retain);
    world_pass(10000);
    ck_assert_uint_eq(published_len(), 0);
}
END_TEST

/* Components that are none are left out; the rest goes. */
START_TEST(odd_components_do_no_harm)
{
    world_start();
    world_forget();
    world_message(
        BATTERY,
        PAYLOAD("flip2mqtt", "flip2mqtt/bridge/state",
                "{\"n\":1,\"m\":{\"p\":2},\"\":{},\"old\":{\"p\":\"number\"},"
                "\"long_long_long_long_long_long_long_long_long_long_long_long_long_long\":{\"p\":\"sensor\"}}"),
        true);
    world_message(SITE, PAYLOAD("flip2mqtt", "flip2mqtt/bridge/state", "[1]"), true);
    world_pass(F2M_DISCOVERY_SEARCH_MS);
    ck_assert_str_eq(published(), BRIDGE "\n" SITE "\n" BATTERY "\n" BATTERY "\n");
    ck_assert_ptr_nonnull(strstr(payload_at(2), "\"old\":{\"p\":\"number\"}"));
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("search");
    tcase_add_test(tc, a_former_run_is_looked_for_once_and_only_without_a_record);
    tcase_add_test(tc, what_a_former_run_left_is_cleared);
    tcase_add_test(tc, what_is_not_ours_or_not_sound_is_left_alone);
    tcase_add_test(tc, odd_components_do_no_harm);
    return world_main("homeassistant_search", tc);
}
