/* device/<id>/state tells every source with value, unit, age and freshness, at most once in 5 s; keepalives are sent.
 * Interface, section 3.3, clarifications 11 and 33. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#define TOPIC "flip2mqtt/device/battery/state"

static struct home h;

static void setup(void)
{
    home_init(&h, 1);
}

static void teardown(void)
{
    home_deinit(&h);
}

START_TEST(every_mapped_and_derived_source_is_told)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_map(&h, F2M_SRC_BATTERY_POWER, source_on("p"));
    home_map(&h, F2M_SRC_GRID_ONLINE, source_on("grid"));
    home_map(&h, F2M_SRC_MODE, source_on("mode"));
    home_map(&h, F2M_SRC_BATTERY_CHARGE_ENERGY, source_at("e", NULL, "kWh"));
    home_start(&h);
    home_send(&h, "soc", "50");
    home_send(&h, "p", "-1200");
    home_send(&h, "grid", "ON");
    home_send(&h, "mode", "CHARGE");
    home_wait(&h, 5000);
    ck_assert_str_eq(home_published(&h, TOPIC),
                     "{\"online\":true,\"state_of_charge\":{\"value\":50,\"unit\":\"%\",\"age_s\":5,\"fresh\":true},"
                     "\"stored_energy\":{\"value\":6750,\"unit\":\"Wh\",\"age_s\":5,\"fresh\":true},"
                     "\"capacity\":{\"value\":13500,\"unit\":\"Wh\",\"age_s\":0,\"fresh\":true},"
                     "\"mode\":{\"value\":\"CHARGE\",\"unit\":null,\"age_s\":5,\"fresh\":true},"
                     "\"grid_online\":{\"value\":true,\"unit\":null,\"age_s\":5,\"fresh\":true},"
                     "\"battery_power\":{\"value\":-1200,\"unit\":\"W\",\"age_s\":5,\"fresh\":true},"
                     "\"battery_charge_power\":{\"value\":0,\"unit\":\"W\",\"age_s\":5,\"fresh\":true},"
                     "\"battery_discharge_power\":{\"value\":1200,\"unit\":\"W\",\"age_s\":5,\"fresh\":true},"
                     "\"battery_charge_energy\":{\"value\":null,\"unit\":\"Wh\",\"age_s\":null,\"fresh\":false,"
                     "\"total\":null}}");
}
END_TEST

static const char *total(struct home *home)
{
    home_wait(home, 5000);
    return json_at(home, home_published(home, TOPIC), "/solar_energy/total");
}

/* What Home Assistant's Energy Dashboard needs. */
START_TEST(a_counters_total_never_falls)
{
    home_map(&h, F2M_SRC_SOLAR_ENERGY, source_at("e", NULL, "kWh"));
    home_start(&h);
    home_send(&h, "e", "8.139");
    ck_assert_str_eq(total(&h), "8139");
    home_send(&h, "e", "8.15");
    ck_assert_str_eq(total(&h), "8150");
    home_send(&h, "e", "0"); /* a dip, or a reset: not yet known */
    ck_assert_str_eq(total(&h), "8150");
    home_send(&h, "e", "0.01");
    ck_assert_str_eq(total(&h), "8160");
    home_wait(&h, 300000);
    home_crash(&h);
    home_start(&h);
    home_send(&h, "e", "0.02");
    ck_assert_str_eq(total(&h), "8170");
}
END_TEST

static const char *problem(void)
{
    f2m_telemetry_problems_done(h.telemetry, h.now);
    home_wait(&h, 5000);
    return json_at(&h, home_published(&h, TOPIC), "/problem");
}

START_TEST(what_is_wrong_with_it_is_told_as_long_as_it_is)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_start(&h);
    ck_assert_ptr_null(strstr(home_published(&h, TOPIC), "problem"));
    f2m_telemetry_problem(h.telemetry, "battery", "nobody listens");
    f2m_telemetry_problem(h.telemetry, "another", "not ours");
    f2m_telemetry_problem(h.telemetry, "battery", "veto: house/grid");
    ck_assert_str_eq(problem(), "\"nobody listens; veto: house/grid\"");
    home_forget(&h);
    f2m_telemetry_problem(h.telemetry, "battery", "nobody listens");
    f2m_telemetry_problem(h.telemetry, "battery", "veto: house/grid");
    f2m_telemetry_problems_done(h.telemetry, h.now);
    home_wait(&h, 60000);
    ck_assert_uint_eq(home_publishes(&h, TOPIC), 0);
    f2m_telemetry_problems_done(h.telemetry, h.now);
    home_wait(&h, 5000);
    ck_assert_ptr_null(strstr(home_published(&h, TOPIC), "problem"));
}
END_TEST

START_TEST(problems_are_bounded)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_start(&h);
    for (int i = 0; i < 1000; i++)
        f2m_telemetry_problem(h.telemetry, "battery", "the same again");
    (void)problem();
    const char *begin = strstr(home_published(&h, TOPIC), "the same again"), *end = strstr(begin, "\",");
    ck_assert_int_gt(end - begin, 900);
    ck_assert_int_le(end - begin, 1000);
}
END_TEST

START_TEST(before_anything_was_heard_online_is_null)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_start(&h);
    ck_assert_str_eq(json_at(&h, home_published(&h, TOPIC), "/online"), "null");
    home_wait(&h, 300001);
    ck_assert_str_eq(json_at(&h, home_published(&h, TOPIC), "/online"), "false");
}
END_TEST

START_TEST(it_is_retained_and_its_id_percent_encoded)
{
    h.devices[0].id = text("a/b +\xC3\xA4");
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_start(&h);
    ck_assert_ptr_nonnull(home_published(&h, "flip2mqtt/device/a%2Fb%20%2B%C3%A4/state"));
    for (size_t i = 0; i < f2m_effects_count(h.fx); i++)
        if (f2m_effects_at(h.fx, i)->type == F2M_FX_PUBLISH)
            ck_assert(f2m_effects_at(h.fx, i)->publish.retain);
}
END_TEST

START_TEST(at_most_once_in_5_s)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_start(&h);
    home_wait(&h, 5000);
    home_forget(&h);
    for (int i = 0; i < 100; i++) {
        char payload[8];
        snprintf(payload, sizeof payload, "%d", i);
        home_send(&h, "soc", payload);
        home_wait(&h, 100);
    }
    ck_assert_uint_eq(home_publishes(&h, TOPIC), 3); /* after 0, 5 and 10 s */
    home_wait(&h, 60000);
    ck_assert_uint_eq(home_publishes(&h, TOPIC), 3);
    ck_assert_str_eq(json_at(&h, home_published(&h, TOPIC), "/state_of_charge/value"), "99");
}
END_TEST

START_TEST(the_same_value_again_is_no_news)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_start(&h);
    home_send(&h, "soc", "50");
    home_wait(&h, 60000);
    home_forget(&h);
    home_send(&h, "soc", "50.0");
    home_wait(&h, 60000);
    ck_assert_uint_eq(home_publishes(&h, TOPIC), 0);
}
END_TEST

START_TEST(going_stale_is_news)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_start(&h);
    home_send(&h, "soc", "50");
    home_wait(&h, 300000);
    home_forget(&h);
    home_wait(&h, 1);
    ck_assert_uint_eq(home_publishes(&h, TOPIC), 1);
    ck_assert_str_eq(home_published(&h, TOPIC),
                     "{\"online\":false,\"state_of_charge\":{\"value\":50,\"unit\":\"%\",\"age_s\":300.001,"
                     "\"fresh\":false},\"stored_energy\":{\"value\":6750,\"unit\":\"Wh\",\"age_s\":300.001,"
                     "\"fresh\":false},\"capacity\":{\"value\":13500,\"unit\":\"Wh\",\"age_s\":0,\"fresh\":true}}");
}
END_TEST

START_TEST(a_stale_replay_has_no_known_age)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_start(&h);
    home_send_retained(&h, "soc", "50");
    home_wait(&h, 5000);
    ck_assert_str_eq(json_at(&h, home_published(&h, TOPIC), "/state_of_charge"),
                     "{\"value\":50,\"unit\":\"%\",\"age_s\":null,\"fresh\":false}");
    ck_assert_str_eq(json_at(&h, home_published(&h, TOPIC), "/online"), "null");
}
END_TEST

START_TEST(after_a_reconnect_it_is_published_anew)
{
    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc"));
    home_start(&h);
    f2m_telemetry_mqtt_down(h.telemetry, h.now);
    home_wait(&h, 60000);
    home_forget(&h);
    home_send(&h, "soc", "51");
    home_wait(&h, 10000);
    ck_assert_uint_eq(home_publishes(&h, TOPIC), 0);
    f2m_telemetry_mqtt_up(h.telemetry, h.now, h.fx);
    home_tick(&h);
    ck_assert_uint_eq(home_publishes(&h, TOPIC), 1);
}
END_TEST

START_TEST(keepalives_are_sent_while_connected)
{
    h.devices[0].telemetry.keepalive =
        (struct f2m_keepalive){.topic = text("R/abc/keepalive"), .payload = text(""), .every_ms = 50000};
    home_start(&h);
    home_wait(&h, 100000);
    ck_assert_uint_eq(home_publishes(&h, "R/abc/keepalive"), 3);
    f2m_telemetry_mqtt_down(h.telemetry, h.now);
    home_wait(&h, 100000);
    ck_assert_uint_eq(home_publishes(&h, "R/abc/keepalive"), 3);
    f2m_telemetry_mqtt_up(h.telemetry, h.now, h.fx);
    home_tick(&h);
    ck_assert_uint_eq(home_publishes(&h, "R/abc/keepalive"), 4);
}
END_TEST

static void count_filter(void *ctx, const char *filter)
{
    ck_assert_uint_gt(strlen(filter), 0);
    ++*(size_t *)ctx;
}

START_TEST(the_filters_are_those_of_sources_parts_and_availability)
{
    struct f2m_source parts[] = {source_on("pv1"), source_on("pv2")};

    home_map(&h, F2M_SRC_STATE_OF_CHARGE, source_on("soc/+"));
    home_map(&h, F2M_SRC_SOLAR_POWER,
             (struct f2m_source){.op = F2M_SOURCE_SUM, .parts = parts, .parts_len = 2, .scale = 1, .sign = 1});
    h.devices[0].telemetry.availability.topic = text("lwt");
    home_start(&h);
    size_t n = 0;
    f2m_telemetry_filters(h.telemetry, count_filter, &n);
    ck_assert_uint_eq(n, 4);
    struct f2m_mqtt_message m = {.topic = f2m_slice_of("another"), .payload = f2m_slice_of("1")};
    ck_assert(!f2m_telemetry_message(h.telemetry, h.now, &m, h.fx));
    m.topic = f2m_slice_of("soc/x");
    ck_assert(f2m_telemetry_message(h.telemetry, h.now, &m, h.fx));
}
END_TEST

RUN_TESTS("state", setup, teardown, every_mapped_and_derived_source_is_told, before_anything_was_heard_online_is_null,
          it_is_retained_and_its_id_percent_encoded, at_most_once_in_5_s, the_same_value_again_is_no_news,
          going_stale_is_news, a_stale_replay_has_no_known_age, after_a_reconnect_it_is_published_anew,
          keepalives_are_sent_while_connected, a_counters_total_never_falls,
          what_is_wrong_with_it_is_told_as_long_as_it_is, problems_are_bounded,
          the_filters_are_those_of_sources_parts_and_availability)
