/* What is configured is announced, at connection and birth; what is not any more is cleared, also after a restart. */
#include "util/limits.h"
#include "world.h"

#include <errno.h>
#include <stdio.h>

#define ALL BRIDGE "\n" SITE "\n" BATTERY "\n"

static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

static void many_devices(size_t n)
{
    static char ids[40][24];

    for (size_t i = 1; i < n; i++) {
        snprintf(ids[i], sizeof ids[i], "b%zu", i);
        devices[0][i] = devices[0][0];
        devices[0][i].id = ids[i];
    }
    sites[0].devices_len = n;
}

START_TEST(parents_come_before_their_children)
{
    world_start();
    ck_assert_str_eq(published(), ALL);
    world_forget();
    world_down();
    world_up();
    ck_assert_str_eq(published(), ALL);
}
END_TEST

START_TEST(nothing_is_sent_without_a_connection)
{
    world_start();
    world_down();
    world_forget();
    world_reload();
    world_status("online");
    world_pass(10000);
    ck_assert_uint_eq(published_len(), 0);
    ck_assert_int_eq(f2m_homeassistant_deadline(room), INT64_MAX);
}
END_TEST

START_TEST(acknowledgements_pull_the_next_payloads)
{
    many_devices(40);
    world_silent = true;
    world_start();
    ck_assert_uint_eq(published_len(), 16);
    world_pass(60000);
    ck_assert_uint_eq(published_len(), 16);
    world_acknowledge(3);
    ck_assert_uint_eq(published_len(), 19);
    world_acknowledge(100);
    ck_assert_uint_eq(published_len(), 42);
    ck_assert_uint_eq(held_len(), 42);
}
END_TEST

START_TEST(a_full_client_is_given_time)
{
    many_devices(4);
    world_reason = 0x97;
    world_refusals = 2;
    world_start();
    ck_assert_uint_eq(published_len(), 6);
    world_pass(499);
    ck_assert_uint_eq(published_len(), 6);
    world_pass(1);
    ck_assert_uint_eq(published_len(), 8);
    ck_assert_str_eq(logs(), "");
}
END_TEST

static void note_problem(void *ctx, const char *topic, const char *text)
{
    ck_assert_str_eq(topic, BRIDGE);
    ck_assert_ptr_nonnull(strstr(text, "the broker refuses it"));
    ++*(int *)ctx;
}

static int problems(void)
{
    int n = 0;

    f2m_homeassistant_problems(room, note_problem, &n);
    return n;
}

START_TEST(a_refusal_is_told_once_and_stays_a_problem_until_all_is_taken)
{
    world_reason = 0x87;
    world_refusals = 2;
    world_start();
    ck_assert_str_eq(logs(), "the broker refused a discovery topic topic=" BRIDGE " reason=0x87\n");
    ck_assert_uint_eq(published_len(), 3);
    ck_assert_int_eq(problems(), 1);
    world_forget();
    world_refusals = 1;
    world_reload();
    ck_assert_str_eq(logs(), "");
    ck_assert_int_eq(problems(), 1);
    world_reload();
    ck_assert_str_eq(logs(), "the broker takes discovery topics again \n");
    ck_assert_int_eq(problems(), 0);
}
END_TEST

/* ---- birth ---- */

START_TEST(a_birth_announces_again_after_jitter_and_then_the_states)
{
    bool differ = false;
    int64_t first = 0;

    world_start();
    world_pass(F2M_DISCOVERY_SEARCH_MS);
    for (int i = 0; i < 20; i++) {
        world_forget();
        world_status("online");
        ck_assert_uint_eq(published_len(), 0);
        int64_t wait = f2m_homeassistant_deadline(room) - now.mono_ms;
        ck_assert_int_ge(wait, 1000);
        ck_assert_int_le(wait, 5000);
        first = first ? first : wait;
        differ = differ || wait != first;
        world_pass(wait - 1);
        ck_assert_uint_eq(published_len(), 0);
        world_pass(1);
        ck_assert_str_eq(published(), ALL);
        world_pass(999);
        ck_assert(!world_states_due());
        world_pass(1);
        ck_assert(world_states_due());
        world_pass(60000);
        ck_assert(!world_states_due());
        ck_assert_str_eq(published(), ALL);
    }
    ck_assert_msg(differ, "no jitter");
}
END_TEST

START_TEST(states_wait_for_the_last_configuration)
{
    world_start();
    world_silent = true;
    world_status("online");
    world_pass(60000);
    ck_assert_uint_eq(world_waiting(), 3);
    ck_assert(!world_states_due());
    world_acknowledge(3);
    world_pass(1000);
    ck_assert(world_states_due());
}
END_TEST

START_TEST(births_in_a_row_are_one)
{
    world_start();
    world_forget();
    for (int i = 0; i < 5; i++) {
        world_status("online");
        world_pass(100);
    }
    world_pass(10000);
    ck_assert_str_eq(published(), ALL);
}
END_TEST

START_TEST(only_births_count)
{
    world_start();
    world_forget();
    world_status("offline");
    world_status("");
    world_pass(10000);
    ck_assert_uint_eq(published_len(), 0);
    world_status(" alive\n"); /* the payload is the user's choice */
    world_pass(10000);
    ck_assert_uint_eq(published_len(), 3);
    config.homeassistant.enabled = false;
    world_reload();
    world_forget();
    world_status("online");
    world_pass(10000);
    ck_assert_uint_eq(published_len(), 0);
}
END_TEST

/* ---- what goes ---- */

START_TEST(a_removed_device_is_cleared_at_a_reload)
{
    many_devices(2);
    world_start();
    sites[0].devices_len = 1;
    world_forget();
    world_reload();
    ck_assert_str_eq(published(), "-homeassistant/device/flip2mqtt_device_b1/config\n" ALL);
    world_forget();
    world_restart();
    ck_assert_str_eq(published(), ALL);
}
END_TEST

START_TEST(a_site_removed_while_the_bridge_was_down_is_cleared)
{
    sites[1] = (struct f2m_site){.id = text("other"), .devices = devices[1], .devices_len = 1};
    devices[1][0] = devices[0][0];
    devices[1][0].id = text("bat");
    config.sites_len = 2;
    world_start();
    ck_assert_uint_eq(held_len(), 5);
    config.sites_len = 1;
    world_forget();
    world_restart();
    ck_assert_str_eq(published(), "-homeassistant/device/flip2mqtt_device_bat/config\n"
                                  "-homeassistant/device/flip2mqtt_site_other/config\n" ALL);
    ck_assert_uint_eq(held_len(), 3);
}
END_TEST

START_TEST(what_the_broker_did_not_take_is_cleared_again)
{
    many_devices(2);
    world_start();
    sites[0].devices_len = 1;
    world_silent = true;
    world_reload();
    world_silent = false;
    world_forget();
    world_restart();
    ck_assert_str_eq(published(), "-homeassistant/device/flip2mqtt_device_b1/config\n" ALL);
}
END_TEST

/* Home Assistant: a component goes by its platform alone, then by its absence. */
START_TEST(a_removed_source_takes_its_entities_along)
{
    world_map(&devices[0][0], F2M_SRC_SOLAR_POWER);
    world_start();
    ck_assert_ptr_nonnull(component(BATTERY, "solar_power"));
    devices[0][0].telemetry.sources[F2M_SRC_SOLAR_POWER].op = F2M_SOURCE_NONE;
    world_forget();
    world_restart();
    ck_assert_str_eq(published(), BRIDGE "\n" SITE "\n" BATTERY "\n" BATTERY "\n");
    ck_assert_ptr_nonnull(strstr(payload_at(2), "\"solar_power\":{\"p\":\"sensor\"}"));
    ck_assert_ptr_nonnull(strstr(payload_at(2), "\"state_of_charge\":{\"p\":\"sensor\",\"uniq_id\""));
    ck_assert_ptr_null(component(BATTERY, "solar_power"));
    world_forget();
    world_restart();
    ck_assert_str_eq(published(), ALL);
}
END_TEST

START_TEST(a_component_goes_only_once_the_broker_has_it)
{
    world_map(&devices[0][0], F2M_SRC_SOLAR_POWER);
    world_start();
    devices[0][0].telemetry.sources[F2M_SRC_SOLAR_POWER].op = F2M_SOURCE_NONE;
    world_silent = true;
    world_reload();
    world_silent = false;
    world_forget();
    world_restart();
    ck_assert_ptr_nonnull(strstr(payload_at(2), "\"solar_power\":{\"p\":\"sensor\"}"));
}
END_TEST

/* What a former version announced: components that are not in the table any more, or on another platform. */
START_TEST(an_upgrade_clears_what_a_former_version_had)
{
    const char *former = "{\"mood\":\"text\",\"pause\":\"button\",\"commanded_mode\":\"sensor\",\"odd\":7}";
    ck_assert_int_eq(
        f2m_store_record_put(store, F2M_STORE_ANNOUNCED, "homeassistant/" BATTERY, f2m_slice_of(former), 1), 0);
    ck_assert_int_eq(f2m_store_record_put(store, F2M_STORE_ANNOUNCED, "homeassistant/homeassistant/sensor/old/config",
                                          f2m_slice_of("{}"), 1),
                     0);
    ck_assert_int_eq(f2m_store_commit(store), 0);
    world_start();
    ck_assert_str_eq(published(), "-homeassistant/sensor/old/config\n" BRIDGE "\n" SITE "\n" BATTERY "\n" BATTERY "\n");
    ck_assert_ptr_nonnull(strstr(payload_at(3), "\"mood\":{\"p\":\"text\"},\"pause\":{\"p\":\"button\"}"));
    ck_assert_ptr_null(strstr(payload_at(3), "\"odd\""));
    ck_assert_ptr_null(strstr(payload_at(3), "\"pause\":{\"p\":\"switch\""));
    ck_assert_str_eq(member(component(BATTERY, "pause"), "p"), "switch");
    ck_assert_ptr_null(component(BATTERY, "mood"));
    world_forget();
    world_restart();
    ck_assert_str_eq(published(), ALL);
}
END_TEST

START_TEST(a_spoilt_record_is_written_anew)
{
    ck_assert_int_eq(
        f2m_store_record_put(store, F2M_STORE_ANNOUNCED, "homeassistant/" BATTERY, f2m_slice_of("{\"a"), 1), 0);
    world_start();
    ck_assert_str_eq(published(), ALL);
}
END_TEST

START_TEST(records_of_other_rooms_are_left_alone)
{
    ck_assert_int_eq(f2m_store_record_put(store, F2M_STORE_ANNOUNCED, "sites/site/x", f2m_slice_of("flip2mqtt"), 1), 0);
    world_start();
    ck_assert_str_eq(published(), ALL);
    f2m_autostrbuf value;
    f2m_strbuf_init(&value, 0);
    ck_assert_int_eq(f2m_store_record_get(store, F2M_STORE_ANNOUNCED, "sites/site/x", &value), 0);
}
END_TEST

START_TEST(switched_off_it_clears_everything_and_announces_nothing)
{
    world_start();
    config.homeassistant.enabled = false;
    world_forget();
    world_restart();
    ck_assert_str_eq(published(), "-" BRIDGE "\n-" BATTERY "\n-" SITE "\n");
    ck_assert_uint_eq(held_len(), 0);
    world_forget();
    world_restart();
    ck_assert_uint_eq(published_len(), 0);
    config.homeassistant.enabled = true;
    world_reload();
    ck_assert_uint_eq(held_len(), 3);
}
END_TEST

/* The same unique ids stand below another topic: the old ones go first. */
START_TEST(another_discovery_topic_moves_everything)
{
    world_start();
    config.homeassistant.discovery_topic = text("ha/discovery");
    world_forget();
    world_reload();
    ck_assert_uint_eq(published_len(), 6);
    ck_assert_ptr_eq(strstr(published(), "-homeassistant/"), published());
    ck_assert_ptr_nonnull(strstr(published(), "config\nha/discovery/device/flip2mqtt_bridge_abc-789/config\n"));
    ck_assert_uint_eq(held_len(), 3);
}
END_TEST

START_TEST(a_charger_without_entities_is_not_announced)
{
    many_devices(2);
    devices[0][1].type = F2M_DEVICE_EV_CHARGER;
    world_start();
    ck_assert_str_eq(published(), ALL);
}
END_TEST

/* ---- the disk ---- */

START_TEST(a_failing_disk_puts_it_off)
{
    room = NULL;
    f2m_fault_store_fail(store, F2M_FAULT_COMMIT, 1, -ENOSPC, true);
    world_start();
    ck_assert_uint_eq(published_len(), 0);
    world_pass(4999);
    ck_assert_uint_eq(published_len(), 0);
    f2m_fault_store_heal(store);
    world_pass(1);
    ck_assert_str_eq(published(), ALL);
    sites[1] = sites[0];
    sites[0] = (struct f2m_site){.id = text("first"), .devices = devices[1]};
    config.sites_len = 2;
    world_restart(); /* the bridge's name was stored with the second try */
    ck_assert_ptr_nonnull(held(BRIDGE));
}
END_TEST

START_TEST(nothing_is_forgotten_where_the_store_fails_at_the_acknowledgement)
{
    many_devices(2);
    world_start();
    sites[0].devices_len = 1;
    f2m_fault_store_fail(store, F2M_FAULT_RECORD_DELETE, 1, -EIO, false);
    world_reload();
    world_forget();
    world_restart();
    ck_assert_str_eq(published(), "-homeassistant/device/flip2mqtt_device_b1/config\n" ALL);
}
END_TEST

START_TEST(nothing_is_written_where_nothing_changed)
{
    world_start();
    int64_t puts = f2m_fault_store_calls(store, F2M_FAULT_RECORD_PUT);
    world_status("online");
    world_pass(20000);
    world_restart();
    ck_assert_int_eq(f2m_fault_store_calls(store, F2M_FAULT_RECORD_PUT), puts);
}
END_TEST

static TCase *going(TCase *tc)
{
    tcase_add_test(tc, a_removed_device_is_cleared_at_a_reload);
    tcase_add_test(tc, a_site_removed_while_the_bridge_was_down_is_cleared);
    tcase_add_test(tc, what_the_broker_did_not_take_is_cleared_again);
    tcase_add_test(tc, a_removed_source_takes_its_entities_along);
    tcase_add_test(tc, a_component_goes_only_once_the_broker_has_it);
    tcase_add_test(tc, an_upgrade_clears_what_a_former_version_had);
    tcase_add_test(tc, a_spoilt_record_is_written_anew);
    tcase_add_test(tc, records_of_other_rooms_are_left_alone);
    tcase_add_test(tc, switched_off_it_clears_everything_and_announces_nothing);
    tcase_add_test(tc, another_discovery_topic_moves_everything);
    tcase_add_test(tc, a_charger_without_entities_is_not_announced);
    tcase_add_test(tc, a_failing_disk_puts_it_off);
    tcase_add_test(tc, nothing_is_forgotten_where_the_store_fails_at_the_acknowledgement);
    tcase_add_test(tc, nothing_is_written_where_nothing_changed);
    return tc;
}

int main(void)
{
    TCase *tc = tcase_create("announce");
    tcase_add_test(tc, parents_come_before_their_children);
    tcase_add_test(tc, nothing_is_sent_without_a_connection);
    tcase_add_test(tc, acknowledgements_pull_the_next_payloads);
    tcase_add_test(tc, a_full_client_is_given_time);
    tcase_add_test(tc, a_refusal_is_told_once_and_stays_a_problem_until_all_is_taken);
    tcase_add_test(tc, a_birth_announces_again_after_jitter_and_then_the_states);
    tcase_add_test(tc, states_wait_for_the_last_configuration);
    tcase_add_test(tc, births_in_a_row_are_one);
    tcase_add_test(tc, only_births_count);
    return world_main("homeassistant_announce", going(tc));
}
