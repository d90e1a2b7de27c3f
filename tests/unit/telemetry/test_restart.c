/* A restart loses no counted energy, reuses no key and overlaps no point. Interface, Telemetry 5, clarifications 6, 31.
 */
#include "fixture.h"

#include "store/sqlite.h"

#include <errno.h>
#include <string.h>

#define MINUTE INT64_C(60000)

static struct home h;

static void setup(void)
{
    home_init(&h, 1);
    home_map(&h, F2M_SRC_BATTERY_CHARGE_ENERGY, source_on("e"));
    home_map(&h, F2M_SRC_SOLAR_POWER, source_on("pv"));
}

static void teardown(void)
{
    home_deinit(&h);
}

START_TEST(the_first_point_after_a_gap_begins_where_the_last_one_ended)
{
    home_start(&h);
    home_send(&h, "e", "5000");
    home_wait(&h, MINUTE);
    home_send(&h, "e", "5010");
    home_wait(&h, 4 * MINUTE);
    home_crash(&h);
    home_sleep(&h, 42 * MINUTE + 250);
    home_start(&h);
    home_send(&h, "e", "5700");
    home_wait(&h, 3 * MINUTE);
    ck_assert_uint_eq(home_points(&h, "battery"), 2);
    ck_field(&h, 1, "start_time", "\"2026-01-31T12:05:00.000Z\"");
    ck_field(&h, 1, "duration_s", "2700"); /* to 12:50 */
    ck_field(&h, 1, "battery_total_energy_charge_wh", "690");
    home_send(&h, "e", "5710");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 2, "start_time", "\"2026-01-31T12:50:00.000Z\"");
    ck_field(&h, 2, "duration_s", "300");
    ck_field(&h, 2, "battery_total_energy_charge_wh", "10");
}
END_TEST

START_TEST(a_counter_may_speak_after_the_first_boundary)
{
    home_start(&h);
    home_send(&h, "e", "5000");
    home_wait(&h, 5 * MINUTE);
    home_crash(&h);
    home_sleep(&h, 43 * MINUTE);
    home_start(&h); /* 12:48 */
    home_send(&h, "pv", "600");
    home_wait(&h, 3 * MINUTE);
    ck_assert_uint_eq(home_points(&h, "battery"), 1);
    home_send(&h, "e", "5700");
    home_wait(&h, 4 * MINUTE);
    ck_assert_uint_eq(home_points(&h, "battery"), 2);
    ck_field(&h, 1, "start_time", "\"2026-01-31T12:05:00.000Z\"");
    ck_field(&h, 1, "duration_s", "3000"); /* to 12:55 */
    ck_field(&h, 1, "battery_total_energy_charge_wh", "700");
    ck_field(&h, 1, "solar_total_energy_wh", "50"); /* 600 W as long as the value holds */
}
END_TEST

START_TEST(a_counter_that_stays_silent_is_awaited_over_one_boundary_only)
{
    home_start(&h);
    home_send(&h, "e", "5000");
    home_wait(&h, 5 * MINUTE);
    home_crash(&h);
    home_sleep(&h, 43 * MINUTE);
    home_start(&h);
    home_send(&h, "pv", "600");
    home_wait(&h, 7 * MINUTE);
    ck_assert_uint_eq(home_points(&h, "battery"), 2);
    ck_field(&h, 1, "start_time", "\"2026-01-31T12:48:00.000Z\"");
    ck_field(&h, 1, "duration_s", "420");
    ck_field(&h, 1, "battery_total_energy_charge_wh", "null");
    home_send(&h, "e", "5700");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 2, "duration_s", "300");
    ck_field(&h, 2, "battery_total_energy_charge_wh", "700"); /* late is better than lost */
}
END_TEST

START_TEST(a_device_that_is_offline_awaits_no_counter)
{
    h.devices[0].telemetry.availability.topic = text("lwt");
    home_start(&h);
    home_send(&h, "e", "5000");
    home_wait(&h, 5 * MINUTE);
    home_crash(&h);
    home_sleep(&h, 43 * MINUTE);
    home_start(&h);
    home_send(&h, "lwt", "offline");
    home_wait(&h, 2 * MINUTE);
    ck_field(&h, 1, "start_time", "\"2026-01-31T12:48:00.000Z\"");
    ck_field(&h, 1, "last_is_online", "false");
}
END_TEST

START_TEST(energy_counted_in_the_open_interval_of_a_crash_is_not_lost)
{
    home_start(&h);
    home_send(&h, "e", "5000");
    home_wait(&h, 6 * MINUTE);
    home_send(&h, "e", "5040"); /* in an interval that never closes */
    home_crash(&h);
    home_sleep(&h, 30 * 1000);
    home_start(&h);
    home_send(&h, "e", "5050");
    home_wait(&h, 4 * MINUTE);
    ck_field(&h, 1, "battery_total_energy_charge_wh", "50");
    ck_field(&h, 1, "start_time", "\"2026-01-31T12:05:00.000Z\"");
    ck_field(&h, 1, "duration_s", "300");
}
END_TEST

START_TEST(a_clean_stop_and_start_bridges_the_seconds_between)
{
    home_start(&h);
    home_send(&h, "e", "5000");
    home_wait(&h, 2 * MINUTE);
    home_send(&h, "e", "5010");
    home_stop(&h);
    home_sleep(&h, 3000);
    home_start(&h);
    home_send(&h, "e", "5011");
    home_wait(&h, 3 * MINUTE);
    ck_assert_uint_eq(home_points(&h, "battery"), 2);
    ck_field(&h, 0, "duration_s", "120");
    ck_field(&h, 1, "start_time", "\"2026-01-31T12:02:00.000Z\"");
    ck_field(&h, 1, "duration_s", "180");
    ck_field(&h, 1, "battery_total_energy_charge_wh", "1");
}
END_TEST

START_TEST(without_a_counter_reading_the_gap_stays_a_gap)
{
    home_start(&h);
    home_send(&h, "pv", "600");
    home_wait(&h, 5 * MINUTE);
    home_crash(&h);
    home_sleep(&h, 41 * MINUTE);
    home_start(&h);
    home_send(&h, "pv", "600");
    home_wait(&h, 4 * MINUTE);
    ck_field(&h, 1, "start_time", "\"2026-01-31T12:46:00.000Z\"");
    ck_field(&h, 1, "duration_s", "240");
    ck_field(&h, 1, "solar_total_energy_wh", "40");
    ck_field(&h, 1, "battery_total_energy_charge_wh", "null");
}
END_TEST

START_TEST(integrated_power_loses_at_most_the_open_interval)
{
    home_start(&h);
    home_send(&h, "pv", "600");
    home_wait(&h, 8 * MINUTE);
    home_crash(&h);
    home_start(&h);
    home_send(&h, "pv", "600");
    home_wait(&h, 2 * MINUTE);
    ck_field(&h, 0, "solar_total_energy_wh", "50");
    ck_field(&h, 1, "solar_total_energy_wh", "20");
}
END_TEST

START_TEST(energy_carried_through_offline_points_survives_a_crash)
{
    h.devices[0].telemetry.availability.topic = text("lwt");
    home_start(&h);
    home_send(&h, "e", "5000");
    home_wait(&h, 5 * MINUTE);
    home_send(&h, "e", "5010");
    home_send(&h, "e", "0"); /* a reset that only a running bridge can see */
    home_send(&h, "e", "5");
    home_send(&h, "lwt", "offline");
    home_wait(&h, 5 * MINUTE);
    home_crash(&h);
    home_start(&h);
    home_send(&h, "lwt", "online");
    home_send(&h, "e", "7");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 1, "battery_total_energy_charge_wh", "null");
    ck_field(&h, 2, "battery_total_energy_charge_wh", "17");
}
END_TEST

START_TEST(a_counter_with_another_meaning_has_no_baseline)
{
    home_start(&h);
    home_send(&h, "e", "5000");
    home_wait(&h, 5 * MINUTE);
    home_crash(&h);
    home_sleep(&h, 30 * MINUTE);
    home_map(&h, F2M_SRC_BATTERY_CHARGE_ENERGY, source_at("e", NULL, "kWh"));
    home_start(&h);
    home_send(&h, "e", "5.001");
    home_send(&h, "e", "5.002");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 1, "battery_total_energy_charge_wh", "1");
    /* and says nothing of the time before it was read */
    ck_field(&h, 1, "start_time", "\"2026-01-31T12:35:00.000Z\"");
}
END_TEST

START_TEST(the_continued_reading_goes_on_over_a_restart)
{
    h.devices[0].telemetry.endpoint = F2M_TELEMETRY_COUNTER;
    home_start(&h);
    home_send(&h, "e", "5000");
    home_send(&h, "e", "0");
    home_send(&h, "e", "10");
    home_wait(&h, 5 * MINUTE);
    home_crash(&h);
    home_start(&h);
    home_send(&h, "e", "30");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 0, "battery_total_energy_charge_wh", "5010");
    ck_field(&h, 1, "battery_total_energy_charge_wh", "5030");
}
END_TEST

START_TEST(a_counter_unmapped_for_a_while_goes_on_from_where_its_reading_stood)
{
    h.devices[0].telemetry.endpoint = F2M_TELEMETRY_COUNTER;
    home_map(&h, F2M_SRC_SOLAR_ENERGY, source_on("pv"));
    home_map(&h, F2M_SRC_HOME_ENERGY, source_on("home"));
    home_start(&h);
    home_send(&h, "e", "0");
    home_send(&h, "pv", "7000");
    home_send(&h, "home", "9000");
    home_wait(&h, 5 * MINUTE);
    home_crash(&h);
    h.devices[0].telemetry.sources[F2M_SRC_SOLAR_ENERGY] = (struct f2m_source){0};
    h.devices[0].telemetry.sources[F2M_SRC_HOME_ENERGY] = (struct f2m_source){0};
    for (int i = 0; i < 2; i++) { /* the record without them is read, and written again */
        home_start(&h);
        home_send(&h, "e", "0");
        home_wait(&h, 5 * MINUTE);
        home_crash(&h);
    }
    home_map(&h, F2M_SRC_SOLAR_ENERGY, source_on("pv"));
    home_map(&h, F2M_SRC_HOME_ENERGY, source_on("home"));
    home_start(&h);
    home_send(&h, "pv", "40"); /* the meter was exchanged */
    home_send(&h, "pv", "50");
    home_send(&h, "home", "20");
    home_send(&h, "home", "40");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 0, "solar_total_energy_wh", "7000");
    ck_field(&h, 0, "home_total_energy_wh", "9000");
    ck_field(&h, 2, "solar_total_energy_wh", "null");
    ck_field(&h, 3, "solar_total_energy_wh", "7010");
    ck_field(&h, 3, "home_total_energy_wh", "9020");
}
END_TEST

static void send_home_round(const char *imported, const char *solar)
{
    home_send(&h, "imp", imported);
    home_send(&h, "exp", "900");
    home_send(&h, "e", "0");
    home_send(&h, "dis", "0");
    home_send(&h, "pv", solar);
    home_wait(&h, 5 * MINUTE);
}

START_TEST(a_counter_mapped_later_makes_the_derived_home_reading_neither_jump_nor_stick)
{
    h.devices[0].telemetry.endpoint = F2M_TELEMETRY_COUNTER;
    home_map(&h, F2M_SRC_GRID_IMPORT_ENERGY, source_on("imp"));
    home_map(&h, F2M_SRC_GRID_EXPORT_ENERGY, source_on("exp"));
    home_map(&h, F2M_SRC_BATTERY_DISCHARGE_ENERGY, source_on("dis"));
    home_start(&h);
    send_home_round("1000", "5000000");
    home_crash(&h);
    home_map(&h, F2M_SRC_SOLAR_ENERGY, source_on("pv"));
    home_start(&h);
    send_home_round("1000", "5000000");
    send_home_round("1020", "5000010");
    home_crash(&h);
    h.devices[0].telemetry.sources[F2M_SRC_SOLAR_ENERGY] = (struct f2m_source){0};
    home_start(&h);
    send_home_round("1020", "5000020");
    send_home_round("1030", "5000030");
    ck_field(&h, 0, "home_total_energy_wh", "100");
    ck_field(&h, 1, "home_total_energy_wh", "100");
    ck_field(&h, 2, "home_total_energy_wh", "130");
    ck_field(&h, 3, "home_total_energy_wh", "130");
    ck_field(&h, 4, "home_total_energy_wh", "140");
}
END_TEST

START_TEST(a_clock_behind_the_high_water_mark_builds_no_key_again)
{
    home_start(&h);
    home_send(&h, "e", "5000");
    home_wait(&h, 10 * MINUTE);
    home_crash(&h);
    home_set_clock(&h, -7 * MINUTE); /* 12:03 again */
    home_start(&h);
    home_send(&h, "e", "5020");
    home_wait(&h, 7 * MINUTE);
    ck_assert_uint_eq(home_points(&h, "battery"), 2);
    home_send(&h, "e", "5030");
    home_wait(&h, 5 * MINUTE);
    ck_assert_uint_eq(home_points(&h, "battery"), 3);
    ck_field(&h, 2, "start_time", "\"2026-01-31T12:10:00.000Z\"");
    ck_field(&h, 2, "battery_total_energy_charge_wh", "30");
}
END_TEST

START_TEST(an_unreadable_record_is_told_and_not_believed)
{
    bool told = false;

    ck_assert_int_eq(f2m_store_record_put(h.store, F2M_STORE_DEVICE, "battery", f2m_slice_of("{\"high_water\":"), 1),
                     0);
    ck_assert_int_eq(f2m_store_commit(h.store), 0);
    home_start(&h);
    for (size_t i = 0; i < f2m_effects_count(h.fx); i++)
        told = told || (f2m_effects_at(h.fx, i)->type == F2M_FX_LOG &&
                        strstr(f2m_effects_at(h.fx, i)->log.msg, "stored baselines could not be read"));
    ck_assert(told);
    home_wait(&h, 5 * MINUTE);
    ck_assert_uint_eq(home_points(&h, "battery"), 1);
}
END_TEST

START_TEST(nothing_is_written_between_points)
{
    struct f2m_strbuf before, after;

    f2m_strbuf_init(&before, 0);
    f2m_strbuf_init(&after, 0);
    home_start(&h);
    home_send(&h, "e", "5000");
    home_wait(&h, 6 * MINUTE);
    ck_assert_int_eq(f2m_store_record_get(h.store, F2M_STORE_DEVICE, "battery", &before), 0);
    home_send(&h, "e", "5100");
    home_wait(&h, 3 * MINUTE);
    ck_assert_int_eq(f2m_store_record_get(h.store, F2M_STORE_DEVICE, "battery", &after), 0);
    ck_assert_str_eq(before.data, after.data);
    f2m_strbuf_deinit(&before);
    f2m_strbuf_deinit(&after);
}
END_TEST

/* ---- the disk refuses ---- */

static bool recorded(void)
{
    f2m_strbuf_reset(&h.text);
    int err = f2m_store_record_get(h.store, F2M_STORE_DEVICE, "battery", &h.text);
    ck_assert(err == 0 || err == -ENOENT);
    return err == 0;
}

/* A failed commit takes point and baselines back, and both come again together. */
START_TEST(baselines_undone_with_the_commit_are_written_with_the_point)
{
    home_start(&h);
    home_send(&h, "e", "5000");
    home_sleep(&h, 5 * MINUTE);
    f2m_telemetry_tick(h.telemetry, h.now, h.fx);
    f2m_store_undo(h.store); /* what a failed commit does */
    f2m_outbox_committed(h.outbox, h.now, false, h.fx);
    ck_assert(!recorded());
    ck_assert_uint_eq(home_points(&h, "battery"), 0);
    home_wait(&h, 2 * MINUTE);
    ck_assert(recorded());
    ck_assert_uint_eq(home_points(&h, "battery"), 1);
}
END_TEST

RUN_TESTS("restart", setup, teardown, the_first_point_after_a_gap_begins_where_the_last_one_ended,
          a_counter_may_speak_after_the_first_boundary, a_counter_that_stays_silent_is_awaited_over_one_boundary_only,
          a_device_that_is_offline_awaits_no_counter, energy_counted_in_the_open_interval_of_a_crash_is_not_lost,
          a_clean_stop_and_start_bridges_the_seconds_between, without_a_counter_reading_the_gap_stays_a_gap,
          integrated_power_loses_at_most_the_open_interval, energy_carried_through_offline_points_survives_a_crash,
          a_counter_with_another_meaning_has_no_baseline, the_continued_reading_goes_on_over_a_restart,
          a_counter_unmapped_for_a_while_goes_on_from_where_its_reading_stood,
          a_counter_mapped_later_makes_the_derived_home_reading_neither_jump_nor_stick,
          a_clock_behind_the_high_water_mark_builds_no_key_again, an_unreadable_record_is_told_and_not_believed,
          nothing_is_written_between_points, baselines_undone_with_the_commit_are_written_with_the_point)
