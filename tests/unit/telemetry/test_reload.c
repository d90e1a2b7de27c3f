/* SIGHUP: what did not change goes on as if nothing had happened, what changed closes its interval first. */
#include "fixture.h"

#define MINUTE INT64_C(60000)

static struct home h;
static struct f2m_device next_devices[HOME_DEVICES];
static struct f2m_site next_site;
static struct f2m_config next;

static void setup(void)
{
    home_init(&h, 1);
    home_map(&h, F2M_SRC_BATTERY_CHARGE_ENERGY, source_on("e"));
    home_map(&h, F2M_SRC_SOLAR_POWER, source_on("pv"));
    home_start(&h);
    home_send(&h, "e", "5000");
    home_send(&h, "pv", "600");
    home_wait(&h, MINUTE);
    for (size_t i = 0; i < HOME_DEVICES; i++)
        next_devices[i] = h.devices[i];
    next_site = h.site;
    next_site.devices = next_devices;
    next = h.config;
    next.sites = &next_site;
}

static void teardown(void)
{
    home_deinit(&h);
}

static void reload(void)
{
    f2m_telemetry_reload(h.telemetry, h.now, &next, h.fx);
    f2m_outbox_reload(h.outbox, &next);
    /* Nothing may look at the old configuration any more. */
    for (size_t i = 0; i < HOME_DEVICES; i++)
        h.devices[i].telemetry = (struct f2m_telemetry_config){0};
    home_tick(&h);
}

START_TEST(an_unchanged_device_goes_on)
{
    reload();
    home_send(&h, "e", "5010");
    home_wait(&h, 4 * MINUTE);
    ck_assert_uint_eq(home_points(&h, "battery"), 1);
    ck_field(&h, 0, "duration_s", "300");
    ck_field(&h, 0, "battery_total_energy_charge_wh", "10");
    ck_field(&h, 0, "solar_total_energy_wh", "50");
    ck_field(&h, 0, "solar_last_power_w", "600");
}
END_TEST

START_TEST(a_changed_device_closes_a_partial_first_and_keeps_its_baseline)
{
    next_devices[0].telemetry.interval_ms = MINUTE;
    home_send(&h, "e", "5005");
    home_wait(&h, 30000);
    reload();
    ck_assert_uint_eq(home_points(&h, "battery"), 1);
    ck_field(&h, 0, "duration_s", "90");
    ck_field(&h, 0, "battery_total_energy_charge_wh", "5");
    ck_field(&h, 0, "solar_total_energy_wh", "15");
    home_send(&h, "e", "5010");
    home_wait(&h, 30000);
    ck_field(&h, 1, "start_time", "\"2026-01-31T12:01:30.000Z\"");
    ck_field(&h, 1, "duration_s", "30");
    ck_field(&h, 1, "battery_total_energy_charge_wh", "5");
    ck_field(&h, 1, "solar_total_energy_wh", "5"); /* the value in force stays in force */
}
END_TEST

START_TEST(a_clock_that_was_set_just_before_makes_no_point_longer)
{
    next_devices[0].telemetry.interval_ms = MINUTE;
    home_set_clock(&h, 60 * MINUTE + 30000); /* 13:01:30, opened at 13:00:30 */
    reload();
    ck_assert_uint_eq(home_points(&h, "battery"), 1);
    ck_field(&h, 0, "start_time", "\"2026-01-31T13:00:30.000Z\"");
    ck_field(&h, 0, "duration_s", "60");
}
END_TEST

START_TEST(a_counter_on_another_topic_begins_afresh)
{
    next_devices[0].telemetry.sources[F2M_SRC_BATTERY_CHARGE_ENERGY] = source_on("e2");
    reload();
    home_send(&h, "e", "5999");
    home_send(&h, "e2", "7000");
    home_send(&h, "e2", "7001");
    home_wait(&h, 4 * MINUTE);
    ck_field(&h, 1, "battery_total_energy_charge_wh", "1");
}
END_TEST

START_TEST(a_removed_device_closes_and_its_topics_are_nobodys)
{
    next_site.devices_len = 0;
    reload();
    ck_assert_uint_eq(home_points(&h, "battery"), 1);
    ck_field(&h, 0, "duration_s", "60");
    struct f2m_mqtt_message m = {.topic = f2m_slice_of("pv"), .payload = f2m_slice_of("1")};
    ck_assert(!f2m_telemetry_message(h.telemetry, h.now, &m, h.fx));
    ck_assert_int_eq(f2m_telemetry_deadline(h.telemetry, h.now), INT64_MAX);
}
END_TEST

START_TEST(an_added_device_begins)
{
    next_site.devices_len = 2;
    next_devices[1].telemetry.sources[F2M_SRC_STATE_OF_CHARGE] = source_on("soc-2");
    reload();
    home_send(&h, "soc-2", "44");
    home_wait(&h, 4 * MINUTE);
    ck_assert_uint_eq(home_points(&h, "battery-2"), 1);
    ck_assert_str_eq(json_at(&h, home_point(&h, "battery-2", 0), "/duration_s"), "240");
    ck_assert_str_eq(json_at(&h, home_point(&h, "battery-2", 0), "/battery_last_state_of_charge_percentage"), "44");
}
END_TEST

START_TEST(a_device_that_comes_back_continues_from_its_record)
{
    next_site.devices_len = 0;
    reload();
    home_wait(&h, 10 * MINUTE);
    next_site.devices_len = 1;
    f2m_telemetry_reload(h.telemetry, h.now, &next, h.fx);
    home_send(&h, "e", "5070");
    home_wait(&h, 4 * MINUTE);
    ck_field(&h, 1, "start_time", "\"2026-01-31T12:01:00.000Z\"");
    ck_field(&h, 1, "battery_total_energy_charge_wh", "70");
}
END_TEST

START_TEST(a_counter_unmapped_and_mapped_again_goes_on_from_where_its_reading_stood)
{
    struct f2m_source mapped = next_devices[0].telemetry.sources[F2M_SRC_BATTERY_CHARGE_ENERGY];
    struct f2m_device again[HOME_DEVICES];
    next_devices[0].telemetry.endpoint = F2M_TELEMETRY_COUNTER;
    next_devices[0].telemetry.sources[F2M_SRC_BATTERY_CHARGE_ENERGY] = (struct f2m_source){0};
    reload();
    home_wait(&h, MINUTE);
    memcpy(again, next_devices, sizeof again);
    again[0].telemetry.sources[F2M_SRC_BATTERY_CHARGE_ENERGY] = mapped;
    next_site.devices = again;
    f2m_telemetry_reload(h.telemetry, h.now, &next, h.fx);
    home_send(&h, "e", "10");
    home_send(&h, "e", "30");
    home_wait(&h, 3 * MINUTE);
    ck_field(&h, 2, "battery_total_energy_charge_wh", "5020");
    home_crash(&h);
}
END_TEST

RUN_TESTS("reload", setup, teardown, an_unchanged_device_goes_on,
          a_changed_device_closes_a_partial_first_and_keeps_its_baseline,
          a_clock_that_was_set_just_before_makes_no_point_longer, a_counter_on_another_topic_begins_afresh,
          a_removed_device_closes_and_its_topics_are_nobodys, an_added_device_begins,
          a_device_that_comes_back_continues_from_its_record,
          a_counter_unmapped_and_mapped_again_goes_on_from_where_its_reading_stood)
