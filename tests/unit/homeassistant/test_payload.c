/* Discovery payloads hold what Home Assistant needs, under ids that never change: the golden files are the scheme. */
#include "world.h"

#include "util/strbuf.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define GOLDEN F2M_SOURCE_DIR "/tests/unit/homeassistant/golden/"

/* The golden files are written by F2M_UPDATE_GOLDEN=1, and looked at before they are committed: a changed unique_id
 * makes every user's entity a second time. */
static void is_golden(const char *topic, const char *file)
{
    char path[512];
    char *text = cJSON_Print(held_json(topic));

    snprintf(path, sizeof path, "%s%s.json", GOLDEN, file);
    if (getenv("F2M_UPDATE_GOLDEN")) {
        FILE *f = fopen(path, "w");
        ck_assert_ptr_nonnull(f);
        fprintf(f, "%s\n", text);
        fclose(f);
    }
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "no %s", path);
    f2m_autostrbuf golden;
    f2m_strbuf_init(&golden, 0);
    char part[4096];
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        f2m_strbuf_add(&golden, part, n);
    fclose(f);
    f2m_strbuf_truncate(&golden, golden.len ? golden.len - 1 : 0);
    ck_assert_str_eq(text, golden.data);
    free(text);
}

START_TEST(the_scheme_is_frozen)
{
    world_map_all(&devices[0][0]);
    world_start();
    is_golden(BRIDGE, "bridge");
    is_golden(SITE, "site");
    is_golden(BATTERY, "battery");
}
END_TEST

START_TEST(a_battery_has_what_its_sources_give)
{
    world_start();
    is_golden(BATTERY, "battery-small");
    ck_assert_ptr_nonnull(component(BATTERY, "battery_charge_power")); /* from the signed power */
    ck_assert_ptr_nonnull(component(BATTERY, "stored_energy"));        /* from state of charge and capacity */
    ck_assert_ptr_null(component(BATTERY, "home_power"));
    ck_assert_ptr_null(component(BATTERY, "solar_power"));
    world_map(&devices[0][0], F2M_SRC_GRID_POWER);
    devices[0][0].capacity = NAN;
    world_reload();
    ck_assert_ptr_nonnull(component(BATTERY, "home_power"));
    ck_assert_ptr_null(component(BATTERY, "stored_energy"));
    struct f2m_source learnt = {.op = F2M_SOURCE_TOPIC};
    devices[0][0].capacity_wh.source = &learnt;
    world_reload();
    ck_assert_ptr_nonnull(component(BATTERY, "stored_energy"));
}
END_TEST

START_TEST(endpoints_decide_what_was_reported)
{
    world_start();
    ck_assert_ptr_nonnull(component(BATTERY, "reported_charge"));
    devices[0][0].telemetry.endpoint = F2M_TELEMETRY_COUNTER;
    world_reload();
    ck_assert_ptr_null(component(BATTERY, "reported_charge"));
    ck_assert_ptr_nonnull(component(BATTERY, "upload_state"));
    devices[0][0].telemetry.endpoint = F2M_TELEMETRY_OFF;
    world_reload();
    ck_assert_ptr_null(component(BATTERY, "upload_state"));
    ck_assert_ptr_nonnull(component(BATTERY, "commanded_mode"));
}
END_TEST

START_TEST(the_owners_switch_needs_no_cloud_and_participation_does)
{
    world_start();
    cJSON *pause = component(BATTERY, "pause"), *participation = component(SITE, "participation");
    cJSON *both = cJSON_GetObjectItemCaseSensitive(participation, "avty");
    ck_assert_ptr_null(cJSON_GetObjectItemCaseSensitive(pause, "avty"));
    ck_assert_int_eq(cJSON_GetArraySize(both), 2);
    ck_assert_str_eq(member(cJSON_GetArrayItem(both, 0), "t"), "flip2mqtt/bridge/state");
    ck_assert_str_eq(member(cJSON_GetArrayItem(both, 1), "t"), "flip2mqtt/cloud/state");
    cJSON *root = held_json(BATTERY), *shared = cJSON_GetObjectItemCaseSensitive(root, "avty");
    ck_assert_int_eq(cJSON_GetArraySize(shared), 1);
    ck_assert_str_eq(member(root, "avty_mode"), "all");
    ck_assert_str_eq(member(pause, "cmd_t"), "flip2mqtt/device/xyz-123/pause/set");
}
END_TEST

/* Interface, clarification 46, and topics as the interface encodes them. */
START_TEST(any_id_makes_valid_names)
{
    char id[] = "h\xc3\xa9 'x' {{ 1 }} %}/+#";
    devices[0][0].id = id;
    devices[0][0].name = id;
    config.mqtt.base_topic = (char *)(uintptr_t) "home/flip";
    world_start();
    ck_assert_msg(strstr(published(), "homeassistant/device/flip2mqtt_device_h____x____") != NULL, "%s", published());
    for (size_t i = 0; i < published_len(); i++) {
        cJSON *payload = cJSON_Parse(payload_at(i));
        ck_assert_ptr_nonnull(payload);
        cJSON *mode =
            cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(payload, "cmps"), "commanded_mode");
        if (mode) {
            ck_assert_str_eq(member(mode, "stat_t"),
                             "home/flip/device/h%C3%A9%20%27x%27%20%7B%7B%201%20%7D%7D%20%25%7D%2F%2B%23/control");
            ck_assert_str_eq(member(mode, "default_entity_id"), "sensor.flip_h_x_1_commanded_mode");
        }
        cJSON_Delete(payload);
    }
}
END_TEST

START_TEST(a_name_without_letters_gives_way_to_the_id)
{
    devices[0][0].name = (char *)(uintptr_t) "\xe9\x9b\xbb\xe6\xb1\xa0";
    world_start();
    ck_assert_str_eq(member(component(BATTERY, "pause"), "default_entity_id"), "switch.flip_xyz_123_pause");
    ck_assert_str_eq(member(cJSON_GetObjectItemCaseSensitive(held_json(BATTERY), "dev"), "name"), devices[0][0].name);
}
END_TEST

/* A user may rename the device, move the base topic or learn the maker: Home Assistant's ids stay. */
START_TEST(nothing_that_a_user_may_rename_is_in_an_id)
{
    world_start();
    char *before = cJSON_PrintUnformatted(component(BATTERY, "state_of_charge"));
    ck_assert_ptr_nonnull(strstr(before, "\"uniq_id\":\"flip2mqtt_device_xyz-123_state_of_charge\""));
    free(before);
    devices[0][0].name = (char *)(uintptr_t) "Cellar";
    devices[0][0].manufacturer_name.value = NULL;
    config.mqtt.base_topic = (char *)(uintptr_t) "elsewhere";
    world_reload();
    ck_assert_str_eq(member(component(BATTERY, "state_of_charge"), "uniq_id"),
                     "flip2mqtt_device_xyz-123_state_of_charge");
    ck_assert_str_eq(member(component(BRIDGE, "cloud"), "uniq_id"), "flip2mqtt_bridge_abc-789_cloud");
    ck_assert_str_eq(member(component(BRIDGE, "cloud"), "stat_t"), "elsewhere/cloud/state");
}
END_TEST

START_TEST(the_bridge_keeps_the_site_it_was_named_after)
{
    world_start();
    sites[1] = sites[0];
    sites[0] = (struct f2m_site){.id = (char *)(uintptr_t) "a-new-one", .devices = devices[1]};
    config.sites_len = 2;
    world_restart();
    ck_assert_ptr_nonnull(held(BRIDGE));
    cJSON *device =
        cJSON_GetObjectItemCaseSensitive(held_json("homeassistant/device/flip2mqtt_site_a-new-one/config"), "dev");
    ck_assert_str_eq(member(device, "via_device"), "flip2mqtt_bridge_abc-789");
}
END_TEST

START_TEST(a_bridge_without_sites_is_announced)
{
    config.sites_len = 0;
    world_start();
    ck_assert_str_eq(published(), "homeassistant/device/flip2mqtt_bridge/config\n");
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("payload");
    tcase_add_test(tc, the_scheme_is_frozen);
    tcase_add_test(tc, a_battery_has_what_its_sources_give);
    tcase_add_test(tc, endpoints_decide_what_was_reported);
    tcase_add_test(tc, the_owners_switch_needs_no_cloud_and_participation_does);
    tcase_add_test(tc, any_id_makes_valid_names);
    tcase_add_test(tc, a_name_without_letters_gives_way_to_the_id);
    tcase_add_test(tc, nothing_that_a_user_may_rename_is_in_an_id);
    tcase_add_test(tc, the_bridge_keeps_the_site_it_was_named_after);
    tcase_add_test(tc, a_bridge_without_sites_is_announced);
    return world_main("homeassistant_payload", tc);
}
