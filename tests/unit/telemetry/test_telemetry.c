/* Messages become points: aligned intervals, online and offline, what counts at all. Interface, Telemetry 1 and 4. */
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

/* ---- Telemetry 1: intervals ---- */

START_TEST(intervals_are_aligned_to_utc_multiples)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_start(&h);
    home_wait(&h, 10 * MINUTE);
    ck_assert_uint_eq(home_points(&h, "battery"), 2);
    ck_field(&h, 0, "start_time", "\"2026-01-31T12:00:00.000Z\"");
    ck_field(&h, 0, "duration_s", "300");
    ck_field(&h, 1, "start_time", "\"2026-01-31T12:05:00.000Z\"");
}
END_TEST

START_TEST(a_point_after_the_start_is_partial)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_sleep(&h, 100250);
    home_start(&h);
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 0, "start_time", "\"2026-01-31T12:01:40.250Z\"");
    ck_field(&h, 0, "duration_s", "199.75");
}
END_TEST

START_TEST(a_point_at_the_stop_is_partial)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_start(&h);
    home_send(&h, "soc", "55");
    home_wait(&h, 61500);
    home_stop(&h);
    ck_assert_uint_eq(home_points(&h, "battery"), 1);
    ck_field(&h, 0, "start_time", "\"2026-01-31T12:00:00.000Z\"");
    ck_field(&h, 0, "duration_s", "61.5");
    ck_field(&h, 0, "battery_last_state_of_charge_percentage", "55");
}
END_TEST

START_TEST(a_partial_shorter_than_a_second_is_skipped)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_sleep(&h, 299001);
    home_start(&h);
    home_wait(&h, 999 + 5 * MINUTE);
    ck_assert_uint_eq(home_points(&h, "battery"), 1);
    ck_field(&h, 0, "start_time", "\"2026-01-31T12:05:00.000Z\"");
}
END_TEST

START_TEST(every_point_has_all_20_fields_in_order)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_start(&h);
    home_send(&h, "soc", "55");
    home_wait(&h, 5 * MINUTE);
    ck_assert_str_eq(home_point(&h, "battery", 0),
                     "{\"start_time\":\"2026-01-31T12:00:00.000Z\",\"duration_s\":300,\"device_id\":\"battery\","
                     "\"last_is_online\":true,\"last_mode\":\"SELF_CONSUMPTION\",\"battery_last_power_charge_w\":null,"
                     "\"battery_last_power_discharge_w\":null,\"battery_total_energy_charge_wh\":null,"
                     "\"battery_total_energy_discharge_wh\":null,\"battery_last_stored_energy_wh\":7425,"
                     "\"battery_last_capacity_energy_wh\":13500,\"battery_last_backup_reserve_percentage\":null,"
                     "\"battery_last_state_of_charge_percentage\":55,\"battery_last_state_of_health_percentage\":null,"
                     "\"last_is_grid_online\":null,\"home_total_energy_wh\":null,\"home_last_power_w\":null,"
                     "\"solar_total_energy_wh\":null,\"solar_last_power_w\":null,\"oem_raw_data\":null}");
}
END_TEST

START_TEST(a_message_after_the_boundary_belongs_to_the_next_point)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_start(&h);
    home_send(&h, "soc", "55");
    home_sleep(&h, 5 * MINUTE); /* no tick on the way */
    home_send(&h, "soc", "60");
    ck_field(&h, 0, "battery_last_state_of_charge_percentage", "55");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 1, "battery_last_state_of_charge_percentage", "60");
}
END_TEST

START_TEST(endpoint_off_closes_nothing)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    h.devices[0].telemetry.endpoint = F2M_TELEMETRY_OFF;
    home_start(&h);
    home_send(&h, "soc", "55");
    home_wait(&h, 20 * MINUTE);
    home_stop(&h);
    ck_assert_uint_eq(home_points(&h, "battery"), 0);
}
END_TEST

/* ---- Interface, Telemetry 4, clarifications 6 and 28: online ---- */

START_TEST(before_anything_was_heard_online_is_null)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    h.devices[0].telemetry.max_age_ms = 400000;
    home_start(&h);
    ck_assert_int_eq(f2m_telemetry_online(h.telemetry, "battery", h.now), F2M_ONLINE_UNKNOWN);
    home_wait(&h, 10 * MINUTE);
    ck_field(&h, 0, "last_is_online", "null");
    ck_field(&h, 0, "last_mode", "null");
    ck_field(&h, 0, "battery_last_capacity_energy_wh", "null");
    ck_field(&h, 1, "last_is_online", "false"); /* max_age has passed */
}
END_TEST

START_TEST(nothing_fresh_at_all_is_offline_and_everything_null)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_map(&h, F2M_SRC_STATE_OF_HEALTH,
             (struct f2m_source){.op = F2M_SOURCE_CONST, .constant = text("99"), .scale = 1, .sign = 1});
    home_start(&h);
    home_send(&h, "soc", "55");
    home_wait(&h, 10 * MINUTE);
    ck_field(&h, 0, "last_is_online", "true");
    ck_field(&h, 0, "battery_last_state_of_health_percentage", "99");
    ck_assert_str_eq(
        home_point(&h, "battery", 1),
        "{\"start_time\":\"2026-01-31T12:05:00.000Z\",\"duration_s\":300,\"device_id\":\"battery\","
        "\"last_is_online\":false,\"last_mode\":null,\"battery_last_power_charge_w\":null,"
        "\"battery_last_power_discharge_w\":null,\"battery_total_energy_charge_wh\":null,"
        "\"battery_total_energy_discharge_wh\":null,\"battery_last_stored_energy_wh\":null,"
        "\"battery_last_capacity_energy_wh\":null,\"battery_last_backup_reserve_percentage\":null,"
        "\"battery_last_state_of_charge_percentage\":null,\"battery_last_state_of_health_percentage\":null,"
        "\"last_is_grid_online\":null,\"home_total_energy_wh\":null,\"home_last_power_w\":null,"
        "\"solar_total_energy_wh\":null,\"solar_last_power_w\":null,\"oem_raw_data\":null}");
}
END_TEST

START_TEST(availability_says_offline_at_once_even_retained)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    h.devices[0].telemetry.availability.topic = text("lwt");
    home_start(&h);
    home_send(&h, "soc", "55");
    ck_assert_int_eq(f2m_telemetry_online(h.telemetry, "battery", h.now), F2M_ONLINE);
    home_send_retained(&h, "lwt", "offline");
    ck_assert_int_eq(f2m_telemetry_online(h.telemetry, "battery", h.now), F2M_OFFLINE);
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 0, "last_is_online", "false");
    ck_field(&h, 0, "battery_last_state_of_charge_percentage", "null");
    home_send(&h, "lwt", "online");
    home_send(&h, "soc", "56");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 1, "battery_last_state_of_charge_percentage", "56");
}
END_TEST

START_TEST(availability_may_stand_at_a_json_path)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    h.devices[0].telemetry.availability = (struct f2m_availability){
        .topic = text("status"), .path = text("/up"), .online = text("true"), .offline = text("false")};
    home_start(&h);
    home_send(&h, "status", "{\"up\":false}");
    ck_assert_int_eq(f2m_telemetry_online(h.telemetry, "battery", h.now), F2M_OFFLINE);
    home_send(&h, "status", "{\"up\": \"true\"}");
    ck_assert_int_eq(f2m_telemetry_online(h.telemetry, "battery", h.now), F2M_ONLINE);
    home_send(&h, "status", "{\"up\": \"perhaps\"}");
    ck_assert_uint_eq(h.counters.invalid, 1);
    ck_assert_int_eq(f2m_telemetry_online(h.telemetry, "battery", h.now), F2M_ONLINE);
}
END_TEST

START_TEST(available_but_silent_beyond_max_age_is_offline)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    h.devices[0].telemetry.availability.topic = text("lwt");
    home_start(&h);
    home_send_retained(&h, "lwt", "online");
    ck_assert_int_eq(f2m_telemetry_online(h.telemetry, "battery", h.now), F2M_ONLINE);
    home_wait(&h, 5 * MINUTE + 1);
    ck_assert_int_eq(f2m_telemetry_online(h.telemetry, "battery", h.now), F2M_OFFLINE);
}
END_TEST

START_TEST(a_device_without_sources_and_availability_is_never_offline)
{
    home_start(&h);
    home_wait(&h, 60 * MINUTE);
    ck_assert_int_eq(f2m_telemetry_online(h.telemetry, "battery", h.now), F2M_ONLINE_UNKNOWN);
    ck_assert_int_eq(f2m_telemetry_online(h.telemetry, "someone else", h.now), F2M_ONLINE_UNKNOWN);
}
END_TEST

START_TEST(const_does_not_make_a_device_fresh)
{
    struct f2m_source parts[] = {source_on("soc"),
                                 {.op = F2M_SOURCE_CONST, .constant = text("5"), .scale = 1, .sign = 1}};

    home_map(&h, F2M_SRC_STATE_OF_CHARGE,
             (struct f2m_source){.op = F2M_SOURCE_SUM,
                                 .parts = parts,
                                 .parts_len = 2,
                                 .missing_zero = true,
                                 .scale = 1,
                                 .sign = 1,
                                 .max_age_ms = 300000});
    home_start(&h);
    home_wait(&h, 10 * MINUTE);
    ck_field(&h, 1, "last_is_online", "false");
}
END_TEST

START_TEST(offline_counters_keep_their_baseline_for_the_next_online_point)
{
    home_map(&h, F2M_SRC_BATTERY_CHARGE_ENERGY, source_on("e"));
    h.devices[0].telemetry.availability.topic = text("lwt");
    home_start(&h);
    home_send(&h, "e", "5000");
    home_wait(&h, MINUTE);
    home_send(&h, "e", "5010");
    home_send(&h, "lwt", "offline");
    home_wait(&h, 14 * MINUTE);
    home_send(&h, "lwt", "online");
    home_send(&h, "e", "5300");
    home_wait(&h, 5 * MINUTE);
    for (size_t i = 0; i < 3; i++)
        ck_field(&h, i, "battery_total_energy_charge_wh", "null");
    ck_field(&h, 3, "battery_total_energy_charge_wh", "300");
    ck_field(&h, 3, "duration_s", "300");
}
END_TEST

/* ---- Interface, clarification 5: retained ---- */

START_TEST(a_retained_replay_shows_as_stale_and_is_not_uploaded)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_map(&h, F2M_SRC_BATTERY_CHARGE_ENERGY, source_on("e"));
    home_start(&h);
    home_send_retained(&h, "soc", "55");
    home_send_retained(&h, "e", "4000");
    struct f2m_reading r = f2m_telemetry_reading(h.telemetry, "battery", F2M_SRC_STATE_OF_CHARGE, h.now);
    ck_assert(r.mapped && r.known && !r.fresh);
    ck_assert_double_eq(r.number, 55);
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 0, "last_is_online", "null");
    ck_field(&h, 0, "battery_last_state_of_charge_percentage", "null");
    home_send(&h, "e", "5000"); /* the first reading that counts */
    home_send(&h, "e", "5001");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 1, "battery_total_energy_charge_wh", "1");
}
END_TEST

START_TEST(a_retained_replay_does_not_push_a_live_value_aside)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_start(&h);
    home_send(&h, "soc", "60");
    home_wait(&h, MINUTE);
    home_send_retained(&h, "soc", "55");
    home_wait(&h, 4 * MINUTE);
    ck_field(&h, 0, "battery_last_state_of_charge_percentage", "60");
}
END_TEST

START_TEST(retained_accept_takes_it)
{
    struct f2m_source soc = source_on("soc");

    soc.retained_accept = true;
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, soc);
    home_start(&h);
    home_send_retained(&h, "soc", "55");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 0, "battery_last_state_of_charge_percentage", "55");
}
END_TEST

START_TEST(a_retained_replay_with_a_young_timestamp_counts)
{
    struct f2m_source soc = source_at("b", "/soc", "");

    soc.timestamp_path = text("/t");
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, soc);
    home_start(&h);
    home_send_retained(&h, "b", "{\"soc\":54,\"t\":1769860499}"); /* 301 s old */
    ck_assert(!f2m_telemetry_reading(h.telemetry, "battery", F2M_SRC_STATE_OF_CHARGE, h.now).fresh);
    home_send_retained(&h, "b", "{\"soc\":55,\"t\":1769860510}"); /* 290 s old */
    ck_assert(f2m_telemetry_reading(h.telemetry, "battery", F2M_SRC_STATE_OF_CHARGE, h.now).fresh);
    ck_assert_int_eq(f2m_telemetry_reading(h.telemetry, "battery", F2M_SRC_STATE_OF_CHARGE, h.now).age_ms, 290000);
    home_wait(&h, 11000);
    ck_assert(!f2m_telemetry_reading(h.telemetry, "battery", F2M_SRC_STATE_OF_CHARGE, h.now).fresh);
}
END_TEST

/* ---- Interface, clarification 32: timestamps ---- */

START_TEST(a_sample_with_a_time_is_placed_in_the_open_interval)
{
    struct f2m_source pv = source_at("b", "/p", "");

    pv.timestamp_path = text("/t");
    home_map(&h, F2M_SRC_SOLAR_POWER, pv);
    home_start(&h);
    home_wait(&h, 2 * MINUTE);
    home_send(&h, "b", "{\"p\":600,\"t\":\"2026-01-31T12:01:00Z\"}"); /* a minute ago */
    home_wait(&h, 3 * MINUTE);
    ck_field(&h, 0, "solar_total_energy_wh", "40"); /* 600 W for 4 min */
    ck_assert_uint_eq(h.counters.late, 0);
}
END_TEST

START_TEST(a_sample_from_before_the_open_interval_is_late)
{
    struct f2m_source soc = source_at("b", "/soc", "");

    soc.timestamp_path = text("/t");
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, soc);
    home_start(&h);
    home_send(&h, "b", "{\"soc\":55,\"t\":1769860799.5}");
    ck_assert_uint_eq(h.counters.late, 1);
    ck_assert(!f2m_telemetry_reading(h.telemetry, "battery", F2M_SRC_STATE_OF_CHARGE, h.now).known);
    home_send(&h, "b", "{\"soc\":56,\"t\":1769860800000}"); /* ms; just inside */
    ck_assert(f2m_telemetry_reading(h.telemetry, "battery", F2M_SRC_STATE_OF_CHARGE, h.now).fresh);
}
END_TEST

START_TEST(a_sample_older_than_the_value_in_force_is_late)
{
    struct f2m_source soc = source_at("b", "/soc", "");

    soc.timestamp_path = text("/t");
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, soc);
    home_start(&h);
    home_wait(&h, MINUTE);
    home_send(&h, "b", "{\"soc\":55,\"t\":1769860850}");
    home_send(&h, "b", "{\"soc\":54,\"t\":1769860840}");
    ck_assert_uint_eq(h.counters.late, 1);
    ck_assert_double_eq(f2m_telemetry_reading(h.telemetry, "battery", F2M_SRC_STATE_OF_CHARGE, h.now).number, 55);
}
END_TEST

START_TEST(a_time_without_zone_is_an_error)
{
    struct f2m_source soc = source_at("b", "/soc", "");

    soc.timestamp_path = text("/t");
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, soc);
    home_start(&h);
    home_send(&h, "b", "{\"soc\":55,\"t\":\"2026-01-31T12:00:00\"}");
    ck_assert_uint_eq(h.counters.invalid, 1);
    ck_assert_int_eq(f2m_telemetry_outcome(h.telemetry, "battery", F2M_SRC_STATE_OF_CHARGE), F2M_OUTCOME_INVALID);
}
END_TEST

START_TEST(of_a_wildcard_the_last_message_wins)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("site/+/soc"));
    home_start(&h);
    home_send(&h, "site/a/soc", "40");
    home_send(&h, "site/b/soc", "60");
    home_wait(&h, 5 * MINUTE);
    ck_field(&h, 0, "battery_last_state_of_charge_percentage", "60");
}
END_TEST

/* ---- Interface, clarification 22: invalid payloads ---- */

START_TEST(an_invalid_payload_is_counted_and_leaves_the_former_value)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_start(&h);
    home_send(&h, "soc", "55");
    home_send(&h, "soc", "101");
    home_send(&h, "soc", "-1");
    home_send(&h, "soc", "full");
    home_wait(&h, 5 * MINUTE);
    ck_assert_uint_eq(h.counters.invalid, 3);
    ck_assert_uint_eq(h.counters.messages, 4);
    ck_field(&h, 0, "battery_last_state_of_charge_percentage", "55");
}
END_TEST

START_TEST(a_log_line_names_topic_path_and_reason_once_a_minute)
{
    size_t lines = 0;

    h.devices[0].id = text("garage battery"); /* ids may hold any character */
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_at("b", "/soc", ""));
    home_start(&h);
    home_forget(&h);
    for (int i = 0; i < 10; i++)
        home_send(&h, "b", "{\"soc\":\"abc\"}");
    for (size_t i = 0; i < f2m_effects_count(h.fx); i++) {
        const struct f2m_effect *e = f2m_effects_at(h.fx, i);
        if (e->type != F2M_FX_LOG)
            continue;
        lines++;
        ck_assert_str_eq(e->log.msg, "unreadable payload");
        ck_assert_ptr_nonnull(strstr(e->log.pairs, "device=\"garage battery\" source=state_of_charge"));
        ck_assert_ptr_nonnull(strstr(e->log.pairs, "topic=b path=/soc"));
        ck_assert_ptr_nonnull(strstr(e->log.pairs, "expected a number, found 'abc'"));
    }
    ck_assert_uint_eq(lines, 1);
}
END_TEST

/* ---- the counter endpoint ---- */

START_TEST(the_counter_endpoint_sends_readings_with_one_timestamp)
{
    h.devices[0].telemetry.endpoint = F2M_TELEMETRY_COUNTER;
    home_map(&h, F2M_SRC_BATTERY_CHARGE_ENERGY, source_on("chg"));
    home_map(&h, F2M_SRC_BATTERY_DISCHARGE_ENERGY, source_on("dis"));
    home_start(&h);
    home_send(&h, "chg", "5000");
    home_send(&h, "dis", "400");
    home_wait(&h, 5 * MINUTE);
    home_send(&h, "chg", "0");
    home_send(&h, "chg", "10");
    home_wait(&h, 5 * MINUTE);
    ck_assert_str_eq(
        home_point(&h, "battery", 0),
        "{\"device_id\":\"battery\",\"timestamp\":\"2026-01-31T12:05:00.000Z\",\"last_is_online\":true,"
        "\"last_mode\":\"SELF_CONSUMPTION\",\"battery_last_power_charge_w\":null,"
        "\"battery_last_power_discharge_w\":null,\"battery_total_energy_charge_wh\":5000,"
        "\"battery_total_energy_discharge_wh\":400,\"battery_last_stored_energy_wh\":null,"
        "\"battery_last_capacity_energy_wh\":13500,\"battery_last_backup_reserve_percentage\":null,"
        "\"battery_last_state_of_charge_percentage\":null,\"battery_last_state_of_health_percentage\":null,"
        "\"last_is_grid_online\":null,\"home_total_energy_wh\":null,\"home_last_power_w\":null,"
        "\"solar_total_energy_wh\":null,\"solar_last_power_w\":null}");
    ck_field(&h, 1, "timestamp", "\"2026-01-31T12:10:00.000Z\"");
    ck_field(&h, 1, "battery_total_energy_charge_wh", "5010"); /* the reset is continued */
}
END_TEST

START_TEST(a_derived_home_reading_never_falls)
{
    h.devices[0].telemetry.endpoint = F2M_TELEMETRY_COUNTER;
    home_map(&h, F2M_SRC_GRID_IMPORT_ENERGY, source_on("imp"));
    home_map(&h, F2M_SRC_GRID_EXPORT_ENERGY, source_on("exp"));
    home_map(&h, F2M_SRC_BATTERY_CHARGE_ENERGY, source_on("chg"));
    home_map(&h, F2M_SRC_BATTERY_DISCHARGE_ENERGY, source_on("dis"));
    home_start(&h);
    static const char *const rounds[][4] = {
        {"100", "900", "0", "0"}, {"150", "900", "0", "0"}, {"150", "910", "0", "0"}, {"250", "910", "0", "0"}};
    for (int r = 0; r < 4; r++) {
        home_send(&h, "imp", rounds[r][0]);
        home_send(&h, "exp", rounds[r][1]);
        home_send(&h, "chg", rounds[r][2]);
        home_send(&h, "dis", rounds[r][3]);
        home_wait(&h, 5 * MINUTE);
    }
    ck_field(&h, 0, "home_total_energy_wh", "0"); /* a level below 0 begins at 0 */
    ck_field(&h, 1, "home_total_energy_wh", "50");
    ck_field(&h, 2, "home_total_energy_wh", "50");
    ck_field(&h, 3, "home_total_energy_wh", "140");
}
END_TEST

RUN_TESTS("telemetry", setup, teardown, intervals_are_aligned_to_utc_multiples, a_point_after_the_start_is_partial,
          a_point_at_the_stop_is_partial, a_partial_shorter_than_a_second_is_skipped,
          every_point_has_all_20_fields_in_order, a_message_after_the_boundary_belongs_to_the_next_point,
          endpoint_off_closes_nothing, before_anything_was_heard_online_is_null,
          nothing_fresh_at_all_is_offline_and_everything_null, availability_says_offline_at_once_even_retained,
          availability_may_stand_at_a_json_path, available_but_silent_beyond_max_age_is_offline,
          a_device_without_sources_and_availability_is_never_offline, const_does_not_make_a_device_fresh,
          offline_counters_keep_their_baseline_for_the_next_online_point,
          a_retained_replay_shows_as_stale_and_is_not_uploaded, a_retained_replay_does_not_push_a_live_value_aside,
          retained_accept_takes_it, a_retained_replay_with_a_young_timestamp_counts,
          a_sample_with_a_time_is_placed_in_the_open_interval, a_sample_from_before_the_open_interval_is_late,
          a_sample_older_than_the_value_in_force_is_late, a_time_without_zone_is_an_error,
          of_a_wildcard_the_last_message_wins, an_invalid_payload_is_counted_and_leaves_the_former_value,
          a_log_line_names_topic_path_and_reason_once_a_minute, the_counter_endpoint_sends_readings_with_one_timestamp,
          a_derived_home_reading_never_falls)
