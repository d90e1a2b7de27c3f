/* A point's last values, energies and what is derived from them. Interface, Telemetry 2 and 3. */
#include "fixture.h"

#define MINUTE INT64_C(60000)

static struct home h;

static void setup(void)
{
    home_init(&h, 1);
}

static void teardown(void)
{
    home_deinit(&h);
}

/* ---- Telemetry 2: last values and energies ---- */

START_TEST(a_last_value_counts_while_it_is_not_older_than_max_age)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_map(&h, F2M_SRC_STATE_OF_HEALTH, source_on("soh"));
    h.devices[0].telemetry.sources[F2M_SRC_STATE_OF_HEALTH].max_age_ms = 299999;
    home_start(&h);
    home_send(&h, "soc", "55");
    home_send(&h, "soh", "98");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 0, "battery_last_state_of_charge_percentage", "55");
    ck_field(&h, 0, "battery_last_state_of_health_percentage", "null");
}
END_TEST

START_TEST(signed_power_is_split_before_it_is_summed)
{
    home_map(&h, F2M_SRC_BATTERY_POWER, source_on("p"));
    home_start(&h);
    home_send(&h, "p", "1200");
    home_wait(&h, 2 * MINUTE);
    home_send(&h, "p", "-600");
    home_wait(&h, 3 * MINUTE);
    ck_field(&h, 0, "battery_total_energy_charge_wh", "40");
    ck_field(&h, 0, "battery_total_energy_discharge_wh", "30");
    ck_field(&h, 0, "battery_last_power_charge_w", "0");
    ck_field(&h, 0, "battery_last_power_discharge_w", "600");
}
END_TEST

START_TEST(a_power_holds_until_the_next_value_and_over_the_boundary)
{
    home_map(&h, F2M_SRC_SOLAR_POWER, source_on("pv"));
    home_start(&h);
    home_wait(&h, 4 * MINUTE);
    home_send(&h, "pv", "600");
    home_wait(&h, 2 * MINUTE);
    home_send(&h, "pv", "0");
    home_wait(&h, 4 * MINUTE);
    ck_field(&h, 0, "solar_total_energy_wh", "10");
    ck_field(&h, 1, "solar_total_energy_wh", "10");
}
END_TEST

START_TEST(a_power_holds_at_most_max_age)
{
    home_map(&h, F2M_SRC_SOLAR_POWER, source_on("pv"));
    h.devices[0].telemetry.sources[F2M_SRC_SOLAR_POWER].max_age_ms = 60000;
    home_start(&h);
    home_send(&h, "pv", "600");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 0, "solar_total_energy_wh", "null"); /* offline: nothing is fresh */
    home_send(&h, "pv", "600");
    home_wait(&h, 3 * MINUTE);
    home_send(&h, "pv", "1200");
    home_wait(&h, MINUTE);
    home_send(&h, "pv", "60");
    home_wait(&h, MINUTE);
    ck_field(&h, 1, "solar_total_energy_wh", "31"); /* 10 + 20 + 1 */
}
END_TEST

START_TEST(no_data_ends_what_a_power_held)
{
    home_map(&h, F2M_SRC_SOLAR_POWER, source_on("pv"));
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_start(&h);
    home_send(&h, "pv", "600");
    home_wait(&h, MINUTE);
    home_send(&h, "pv", "unavailable");
    home_send(&h, "soc", "50");
    home_wait(&h, 4 * MINUTE);
    ck_field(&h, 0, "solar_total_energy_wh", "10");
    ck_field(&h, 0, "solar_last_power_w", "null");
    home_send(&h, "soc", "50");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 1, "solar_total_energy_wh", "null"); /* no data is not 0 */
}
END_TEST

START_TEST(a_counter_gives_the_difference_over_the_interval)
{
    home_map(&h, F2M_SRC_BATTERY_CHARGE_ENERGY, source_at("e", NULL, "kWh"));
    home_map(&h, F2M_SRC_BATTERY_POWER, source_on("p")); /* not asked: the counter knows better */
    home_start(&h);
    home_send(&h, "p", "5000");
    home_send(&h, "e", "5000.1");
    home_wait(&h, 2 * MINUTE);
    home_send(&h, "e", "5000.3");
    home_wait(&h, 4 * MINUTE);
    home_send(&h, "e", "5000.4");
    home_wait(&h, 4 * MINUTE);
    ck_field(&h, 0, "battery_total_energy_charge_wh", "200");
    ck_field(&h, 1, "battery_total_energy_charge_wh", "100");
}
END_TEST

START_TEST(a_counter_with_one_reading_gives_no_difference_yet)
{
    home_map(&h, F2M_SRC_BATTERY_CHARGE_ENERGY, source_on("e"));
    home_start(&h);
    home_send(&h, "e", "5000");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 0, "battery_total_energy_charge_wh", "null");
    home_send(&h, "e", "5000");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 1, "battery_total_energy_charge_wh", "0");
}
END_TEST

START_TEST(the_worked_counter_examples_hold_in_points)
{
    static const char *const examples[][4] = {
        {"5000", "4990", "5010", "10"}, {"5000", "0", "5010", "10"}, {"5000", "1e9", "5020", "20"}};

    for (int e = 0; e < 3; e++) {
        teardown();
        setup();
        home_map(&h, F2M_SRC_BATTERY_CHARGE_ENERGY, source_on("e"));
        home_start(&h);
        for (int i = 0; i < 3; i++)
            home_send(&h, "e", examples[e][i]);
        home_wait(&h, 5 * MINUTE);
        ck_field(&h, 0, "battery_total_energy_charge_wh", examples[e][3]);
    }
}
END_TEST

/* ---- Telemetry 3: what is derived ---- */

START_TEST(home_follows_from_solar_grid_and_battery)
{
    home_map(&h, F2M_SRC_SOLAR_POWER, source_on("pv"));
    home_map(&h, F2M_SRC_GRID_POWER, source_on("grid"));
    home_map(&h, F2M_SRC_BATTERY_POWER, source_on("p"));
    home_start(&h);
    home_send(&h, "pv", "3000");
    home_send(&h, "grid", "-400.5");
    home_send(&h, "p", "1000");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 0, "home_last_power_w", "1599.5");
    ck_field(&h, 0, "home_total_energy_wh", "133.291667");
}
END_TEST

START_TEST(home_is_null_where_a_mapped_source_is_stale)
{
    home_map(&h, F2M_SRC_SOLAR_POWER, source_on("pv"));
    home_map(&h, F2M_SRC_GRID_POWER, source_on("grid"));
    home_map(&h, F2M_SRC_BATTERY_POWER, source_on("p"));
    home_start(&h);
    home_send(&h, "grid", "500");
    home_send(&h, "p", "0");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 0, "home_last_power_w", "null");
    ck_field(&h, 0, "home_total_energy_wh", "null");
}
END_TEST

START_TEST(unmapped_solar_is_0)
{
    home_map(&h, F2M_SRC_GRID_POWER, source_on("grid"));
    home_map(&h, F2M_SRC_BATTERY_CHARGE_POWER, source_on("chg"));
    home_map(&h, F2M_SRC_BATTERY_DISCHARGE_POWER, source_on("dis"));
    home_start(&h);
    home_send(&h, "grid", "500");
    home_send(&h, "chg", "0");
    home_send(&h, "dis", "250");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 0, "home_last_power_w", "750");
    ck_field(&h, 0, "home_total_energy_wh", "62.5");
    ck_field(&h, 0, "solar_last_power_w", "null");
}
END_TEST

START_TEST(a_home_slightly_below_0_is_0_and_far_below_null)
{
    home_map(&h, F2M_SRC_GRID_POWER, source_on("grid"));
    home_map(&h, F2M_SRC_BATTERY_POWER, source_on("p"));
    home_start(&h);
    home_send(&h, "grid", "3900");
    home_send(&h, "p", "4000");
    ck_assert(!f2m_telemetry_mismatch(h.telemetry, "battery", h.now));
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 0, "home_last_power_w", "0");
    ck_field(&h, 0, "home_total_energy_wh", "0");
    home_send(&h, "grid", "3700");
    home_send(&h, "p", "4000");
    ck_assert(f2m_telemetry_mismatch(h.telemetry, "battery", h.now));
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 1, "home_last_power_w", "null");
    ck_field(&h, 1, "home_total_energy_wh", "null");
}
END_TEST

START_TEST(home_energy_follows_from_counters)
{
    home_map(&h, F2M_SRC_GRID_IMPORT_ENERGY, source_on("imp"));
    home_map(&h, F2M_SRC_GRID_EXPORT_ENERGY, source_on("exp"));
    home_map(&h, F2M_SRC_SOLAR_ENERGY, source_on("pv"));
    home_map(&h, F2M_SRC_BATTERY_CHARGE_ENERGY, source_on("chg"));
    home_map(&h, F2M_SRC_BATTERY_DISCHARGE_ENERGY, source_on("dis"));
    home_start(&h);
    static const char *const topics[] = {"imp", "exp", "pv", "chg", "dis"};
    static const char *const first[] = {"1000", "2000", "3000", "4000", "5000"};
    static const char *const second[] = {"1100", "2020", "3300", "4080", "5000"};
    for (int i = 0; i < 5; i++)
        home_send(&h, topics[i], first[i]);
    home_wait(&h, MINUTE);
    for (int i = 0; i < 5; i++)
        home_send(&h, topics[i], second[i]);
    home_wait(&h, 4 * MINUTE);
    ck_field(&h, 0, "home_total_energy_wh", "300");
    ck_field(&h, 0, "home_last_power_w", "null");
}
END_TEST

START_TEST(a_mapped_home_is_not_derived)
{
    home_map(&h, F2M_SRC_GRID_POWER, source_on("grid"));
    home_map(&h, F2M_SRC_BATTERY_POWER, source_on("p"));
    home_map(&h, F2M_SRC_HOME_POWER, source_on("home"));
    home_start(&h);
    home_send(&h, "grid", "500");
    home_send(&h, "p", "0");
    home_send(&h, "home", "480");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 0, "home_last_power_w", "480");
    ck_field(&h, 0, "home_total_energy_wh", "40");
}
END_TEST

START_TEST(capacity_and_stored_energy_follow_from_health_and_charge)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_map(&h, F2M_SRC_STATE_OF_HEALTH, source_on("soh"));
    home_start(&h);
    home_send(&h, "soc", "50");
    home_send(&h, "soh", "90");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 0, "battery_last_capacity_energy_wh", "12150");
    ck_field(&h, 0, "battery_last_stored_energy_wh", "6075");
}
END_TEST

START_TEST(mapped_capacity_and_stored_energy_win)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_map(&h, F2M_SRC_CAPACITY, source_at("cap", NULL, "kWh"));
    home_start(&h);
    home_send(&h, "soc", "50");
    home_send(&h, "cap", "10");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 0, "battery_last_capacity_energy_wh", "10000");
    ck_field(&h, 0, "battery_last_stored_energy_wh", "5000");
}
END_TEST

START_TEST(the_mode_is_the_mapped_one_else_flips_else_the_default)
{
    struct f2m_map_entry map[] = {{text("Battery first"), text("CHARGE")}};
    struct f2m_source mode = source_on("mode");

    mode.map = map;
    mode.map_len = 1;
    home_map(&h, F2M_SRC_MODE, mode);
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_start(&h);
    home_send(&h, "soc", "50");
    home_wait(&h, 5 * MINUTE);
    f2m_telemetry_set_flip_mode(h.telemetry, "battery", F2M_MODE_DISCHARGE);
    home_send(&h, "soc", "50");
    home_wait(&h, 5 * MINUTE);
    home_send(&h, "mode", "Battery first");
    home_wait(&h, 5 * MINUTE);
    home_send(&h, "mode", "an unlisted text");
    home_send(&h, "soc", "50");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 0, "last_mode", "\"SELF_CONSUMPTION\"");
    ck_field(&h, 1, "last_mode", "\"DISCHARGE\"");
    ck_field(&h, 2, "last_mode", "\"CHARGE\"");
    ck_field(&h, 3, "last_mode", "\"DISCHARGE\"");
}
END_TEST

RUN_TESTS("values", setup, teardown, a_last_value_counts_while_it_is_not_older_than_max_age,
          signed_power_is_split_before_it_is_summed, a_power_holds_until_the_next_value_and_over_the_boundary,
          a_power_holds_at_most_max_age, no_data_ends_what_a_power_held,
          a_counter_gives_the_difference_over_the_interval, a_counter_with_one_reading_gives_no_difference_yet,
          the_worked_counter_examples_hold_in_points, home_follows_from_solar_grid_and_battery,
          home_is_null_where_a_mapped_source_is_stale, unmapped_solar_is_0,
          a_home_slightly_below_0_is_0_and_far_below_null, home_energy_follows_from_counters,
          a_mapped_home_is_not_derived, capacity_and_stored_energy_follow_from_health_and_charge,
          mapped_capacity_and_stored_energy_win, the_mode_is_the_mapped_one_else_flips_else_the_default)
