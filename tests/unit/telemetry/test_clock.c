/* Whatever the clock does, points stay true: no overlap, no key twice, no flood. Interface, clarifications 31 and 44.
 */
#include "fixture.h"

#include <string.h>

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)

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

START_TEST(forward_the_open_interval_moves_with_the_clock)
{
    home_start(&h);
    home_send(&h, "e", "5000");
    home_send(&h, "pv", "600");
    home_wait(&h, 2 * MINUTE);
    home_set_clock(&h, HOUR);
    home_send(&h, "e", "5010");
    home_wait(&h, 3 * MINUTE);
    ck_assert_uint_eq(home_points(&h, "battery"), 1);
    ck_field(&h, 0, "start_time", "\"2026-01-31T13:00:00.000Z\"");
    ck_field(&h, 0, "duration_s", "300");
    ck_field(&h, 0, "battery_total_energy_charge_wh", "10");
    ck_field(&h, 0, "solar_total_energy_wh", "50");
}
END_TEST

START_TEST(forward_over_a_boundary_it_closes_as_a_partial_of_true_duration)
{
    home_start(&h);
    home_send(&h, "pv", "600");
    home_wait(&h, 4 * MINUTE);
    home_set_clock(&h, 12 * MINUTE); /* 12:16, opened at 12:12 */
    home_tick(&h);
    ck_assert_uint_eq(home_points(&h, "battery"), 1);
    ck_field(&h, 0, "start_time", "\"2026-01-31T12:12:00.000Z\"");
    ck_field(&h, 0, "duration_s", "240");
    ck_field(&h, 0, "solar_total_energy_wh", "40");
    home_send(&h, "pv", "600");
    home_wait(&h, 4 * MINUTE);
    ck_field(&h, 1, "start_time", "\"2026-01-31T12:16:00.000Z\"");
    ck_field(&h, 1, "duration_s", "240");
}
END_TEST

START_TEST(forward_by_years_makes_no_empty_points)
{
    h.devices[0].telemetry.interval_ms = 1000;
    home_start(&h);
    home_send(&h, "pv", "600");
    home_wait(&h, 10 * 1000);
    home_set_clock(&h, 12 * 365 * 24 * HOUR); /* beyond 2038 */
    home_wait(&h, 10 * 1000);
    ck_assert_uint_ge(home_points(&h, "battery"), 19);
    ck_assert_uint_le(home_points(&h, "battery"), 20);
}
END_TEST

START_TEST(back_no_key_is_built_again)
{
    home_start(&h);
    home_send(&h, "e", "5000");
    home_send(&h, "pv", "600");
    home_wait(&h, 7 * MINUTE);
    home_set_clock(&h, -HOUR); /* 11:07 */
    home_tick(&h);
    ck_assert_uint_eq(home_points(&h, "battery"), 2);
    ck_field(&h, 1, "start_time", "\"2026-01-31T12:05:00.000Z\"");
    ck_field(&h, 1, "duration_s", "120");
    home_wait(&h, 30 * MINUTE);
    home_send(&h, "e", "5100");
    home_wait(&h, 31 * MINUTE); /* 12:08 */
    ck_assert_uint_eq(home_points(&h, "battery"), 2);
    home_send(&h, "e", "5130");
    home_send(&h, "pv", "600");
    home_wait(&h, 2 * MINUTE);
    ck_assert_uint_eq(home_points(&h, "battery"), 3);
    ck_field(&h, 2, "start_time", "\"2026-01-31T12:07:00.000Z\"");
    ck_field(&h, 2, "duration_s", "180");
    ck_field(&h, 2, "battery_total_energy_charge_wh", "130"); /* counters go on counting */
    ck_field(&h, 2, "solar_total_energy_wh", "20");           /* powers only inside of the interval */
}
END_TEST

START_TEST(back_a_sample_with_a_time_of_its_own_is_not_late_until_the_clock_has_caught_up)
{
    struct f2m_source soc = source_at("b", "/soc", "");

    soc.timestamp_path = text("/t");
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, soc);
    home_start(&h);
    home_wait(&h, 7 * MINUTE);
    home_set_clock(&h, -HOUR);
    home_tick(&h);
    home_wait(&h, MINUTE);                               /* 11:08 */
    home_send(&h, "b", "{\"soc\":55,\"t\":1769857670}"); /* 11:07:50 */
    ck_assert_uint_eq(h.counters.late, 0);
    ck_assert_double_eq(f2m_telemetry_reading(h.telemetry, "battery", F2M_SRC_STATE_OF_CHARGE, h.now).number, 55);
}
END_TEST

START_TEST(back_and_forth_loses_nothing_that_counters_count)
{
    home_start(&h);
    home_send(&h, "e", "5000");
    home_wait(&h, 7 * MINUTE);
    home_set_clock(&h, -HOUR);
    home_send(&h, "e", "5010");
    home_wait(&h, MINUTE);
    home_set_clock(&h, HOUR);
    home_send(&h, "e", "5020");
    home_send(&h, "pv", "600");
    home_wait(&h, 2 * MINUTE);
    ck_assert_uint_eq(home_points(&h, "battery"), 3);
    ck_field(&h, 2, "start_time", "\"2026-01-31T12:07:00.000Z\"");
    ck_field(&h, 2, "duration_s", "180");
    ck_field(&h, 2, "battery_total_energy_charge_wh", "20");
    ck_field(&h, 2, "solar_total_energy_wh", "20");
}
END_TEST

START_TEST(a_leap_second_is_no_step)
{
    h.devices[0].telemetry.interval_ms = 10000;
    home_start(&h);
    home_wait(&h, 10 * 1000 + 5);
    home_set_clock(&h, -999);
    home_wait(&h, 20 * 1000);
    ck_assert_uint_eq(home_points(&h, "battery"), 2);
    ck_field(&h, 1, "start_time", "\"2026-01-31T12:00:10.000Z\"");
    ck_field(&h, 1, "duration_s", "10");
}
END_TEST

START_TEST(a_machine_that_slept_leaves_one_gap_and_no_flood)
{
    home_start(&h);
    home_send(&h, "e", "5000");
    home_send(&h, "pv", "600");
    home_sleep(&h, 3 * HOUR + 2 * MINUTE);
    home_tick(&h);
    ck_assert_uint_eq(home_points(&h, "battery"), 1);
    ck_field(&h, 0, "duration_s", "300");
    ck_field(&h, 0, "solar_total_energy_wh", "50");
    home_send(&h, "e", "7000");
    home_wait(&h, 3 * MINUTE);
    ck_assert_uint_eq(home_points(&h, "battery"), 2);
    ck_field(&h, 1, "start_time", "\"2026-01-31T12:05:00.000Z\"");
    ck_field(&h, 1, "duration_s", "10800");
    ck_field(&h, 1, "battery_total_energy_charge_wh", "2000");
    ck_field(&h, 1, "solar_total_energy_wh", "null");
}
END_TEST

START_TEST(a_loop_that_was_late_for_seconds_misses_no_interval)
{
    h.devices[0].telemetry.interval_ms = 1000;
    home_start(&h);
    home_send(&h, "pv", "3600");
    home_sleep(&h, 30 * 1000);
    home_tick(&h);
    ck_assert_uint_eq(home_points(&h, "battery"), 30);
    ck_field(&h, 29, "solar_total_energy_wh", "1");
}
END_TEST

START_TEST(while_the_clock_is_unset_nothing_closes_and_then_the_point_is_true)
{
    home_set_clock(&h, -NOON); /* 1970 */
    home_start(&h);
    f2m_telemetry_hold(h.telemetry, true);
    home_send(&h, "e", "5000");
    home_send(&h, "pv", "600");
    home_wait(&h, 10 * MINUTE);
    home_send(&h, "e", "5100");
    home_send(&h, "pv", "600");
    ck_assert_uint_eq(home_points(&h, "battery"), 0);
    home_set_clock(&h, NOON + 2 * MINUTE); /* 12:12, opened at 12:02 */
    f2m_telemetry_hold(h.telemetry, false);
    home_wait(&h, 3 * MINUTE);
    ck_assert_uint_eq(home_points(&h, "battery"), 1);
    ck_field(&h, 0, "start_time", "\"2026-01-31T12:02:00.000Z\"");
    ck_field(&h, 0, "duration_s", "780");
    ck_field(&h, 0, "battery_total_energy_charge_wh", "100");
    ck_field(&h, 0, "solar_total_energy_wh", "80"); /* 5 min of max_age, then 3 */
}
END_TEST

START_TEST(an_unset_clock_after_a_restart_bridges_by_the_true_time)
{
    home_start(&h);
    home_send(&h, "e", "5000");
    home_wait(&h, 5 * MINUTE);
    home_crash(&h);
    home_sleep(&h, HOUR);
    int64_t right = h.now.wall_ms;
    home_set_clock(&h, -right); /* no battery behind the clock */
    home_start(&h);
    f2m_telemetry_hold(h.telemetry, true);
    home_send(&h, "e", "9000");
    home_wait(&h, MINUTE);
    home_set_clock(&h, right);
    f2m_telemetry_hold(h.telemetry, false);
    home_wait(&h, 4 * MINUTE);
    ck_assert_uint_eq(home_points(&h, "battery"), 2);
    ck_field(&h, 1, "start_time", "\"2026-01-31T12:05:00.000Z\"");
    ck_field(&h, 1, "duration_s", "3900");
    ck_field(&h, 1, "battery_total_energy_charge_wh", "4000");
}
END_TEST

START_TEST(a_kill_after_steps_back_still_knows_how_long_a_counter_ran)
{
    home_start(&h);
    home_send(&h, "e", "5000");
    home_wait(&h, 5 * MINUTE);
    home_set_clock(&h, -HOUR);
    home_wait(&h, 30 * MINUTE);
    home_set_clock(&h, -HOUR); /* no point closes any more until 12:05 */
    home_wait(&h, 90 * MINUTE);
    home_crash(&h);
    home_start(
        &h); /* 12:05 by a clock that shows 11:00 for the baseline of an hour before: 2 h have passed, not 65 min */
    home_send(&h, "e", "15000");
    home_wait(&h, 35 * MINUTE);
    ck_field(&h, 1, "battery_total_energy_charge_wh", "null"); /* the partial before the first step */
    home_send(&h, "e", "15000");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, home_points(&h, "battery") - 1, "battery_total_energy_charge_wh", "10000");
}
END_TEST

START_TEST(steps_are_told)
{
    size_t told = 0;

    home_start(&h);
    home_forget(&h);
    home_set_clock(&h, 90500);
    home_tick(&h);
    home_tick(&h);
    for (size_t i = 0; i < f2m_effects_count(h.fx); i++) {
        const struct f2m_effect *e = f2m_effects_at(h.fx, i);
        if (e->type == F2M_FX_LOG && strcmp(e->log.msg, "the clock was set") == 0) {
            ck_assert_str_eq(e->log.pairs, "by_s=90.500");
            told++;
        }
    }
    ck_assert_uint_eq(told, 1);
}
END_TEST

RUN_TESTS("clock", setup, teardown, forward_the_open_interval_moves_with_the_clock,
          forward_over_a_boundary_it_closes_as_a_partial_of_true_duration, forward_by_years_makes_no_empty_points,
          back_no_key_is_built_again, back_a_sample_with_a_time_of_its_own_is_not_late_until_the_clock_has_caught_up,
          back_and_forth_loses_nothing_that_counters_count, a_leap_second_is_no_step,
          a_machine_that_slept_leaves_one_gap_and_no_flood, a_loop_that_was_late_for_seconds_misses_no_interval,
          while_the_clock_is_unset_nothing_closes_and_then_the_point_is_true,
          an_unset_clock_after_a_restart_bridges_by_the_true_time,
          a_kill_after_steps_back_still_knows_how_long_a_counter_ran, steps_are_told)
