/* What is written loads as it stands, says what was learnt and what was not, and is the same every time. */
#include "world.h"

#include "../presets/case.h"
#include "learn/configuration.h"
#include "learn/report.h"
#include "util/xalloc.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static char host[] = "127.0.0.1", user[] = "ann", secret[] = "canary";

static size_t write_to(struct world *w, struct f2m_strbuf *out)
{
    struct f2m_mqtt_config mqtt = {.host = host, .port = 1883, .username = user, .password = secret, .version = 5};

    return f2m_learn_write_configuration(w->survey, &mqtt, 60000, out);
}

/* What `check` says of it, but for what nobody but the user knows: each FILL-IN gives its warning. */
static struct f2m_config *load(const char *text, struct f2m_strbuf *said)
{
    struct f2m_findings findings, kept = {0};
    struct f2m_config *config =
        f2m_config_load(&(struct f2m_config_options){.file = "learnt.yaml", .text = text}, &findings);
    size_t placeholders = 0, asked = 0;

    for (const char *at = text; (at = strstr(at, ": FILL-IN")); at++)
        placeholders++;
    kept.list = f2m_xcalloc(findings.len, sizeof *kept.list);
    for (size_t i = 0; i < findings.len; i++) {
        if (strstr(findings.list[i].message, "FILL-IN"))
            asked++;
        else
            kept.list[kept.len++] = findings.list[i];
    }
    ck_assert_uint_eq(asked, placeholders);
    f2m_findings_print(&kept, said);
    free(kept.list);
    f2m_findings_free(&findings);
    return config;
}

/* Each sample alone, and those of the presets. */
static const char *const samples[][2] = {
    {"samples", "deye-kbialek"},
    {"samples", "e3dc-rscp2mqtt"},
    {"samples", "enphase-envoy-battery"},
    {"samples", "evcc-charging"},
    {"samples", "givtcp"},
    {"samples", "grott-sph"},
    {"samples", "growatt2mqtt"},
    {"samples", "lxp-bridge"},
    {"samples", "marstek-venus-raw"},
    {"samples", "powerwall-pypowerwall-server"},
    {"samples", "solarassistant-grid"},
    {"samples", "victron-batteries-array"},
    {"samples", "victron-battery-idle"},
    {"samples", "victron-three-phase-grid"},
    {"presets", "evcc"},
    {"presets", "franklinwh"},
    {"presets", "marstek"},
    {"presets", "powerwall"},
    {"presets", "powerwall3"},
    {"presets", "sigenergy"},
    {"presets", "solaredge"},
    {"presets", "statestream"},
    {"presets", "sunsynk"},
};

START_TEST(every_sample_gives_a_valid_configuration)
{
    struct world w;
    f2m_autostrbuf text, said;

    f2m_strbuf_init(&text, 0);
    f2m_strbuf_init(&said, 0);
    world_open(&w);
    world_replay(&w, samples[_i][0], samples[_i][1]);
    ck_assert_uint_eq(write_to(&w, &text), 1);
    struct f2m_config *config = load(text.data, &said);
    ck_assert_msg(config && said.len == 0, "%s: %s\n%s", samples[_i][1], said.data, text.data);
    ck_assert_ptr_null(strstr(text.data, secret));
    const struct f2m_device *d = &config->sites[0].devices[0];
    ck_assert_str_eq(d->preset, world_presets(&w));
    /* Nothing reaches a battery before its owner has looked. */
    for (size_t i = 0; i < d->control.modes_len; i++)
        ck_assert(d->control.modes[i].publishes_len == 0 || d->control.observe);
    ck_assert(d->control.modes_len > 0 || d->control.observe);
    f2m_config_free(config);
    world_close(&w);
}
END_TEST

START_TEST(three_systems_as_written)
{
    static const char *const names[] = {"solarassistant-grid", "givtcp", "victron-battery-idle"};
    struct world w;
    f2m_autostrbuf text, golden;

    f2m_strbuf_init(&text, 0);
    f2m_strbuf_init(&golden, 0);
    world_open(&w);
    for (size_t i = 0; i < 3; i++)
        world_replay(&w, "samples", names[i]);
    ck_assert_uint_eq(write_to(&w, &text), 3);
    if (getenv("F2M_UPDATE_GOLDEN")) {
        FILE *f = fopen(F2M_SOURCE_DIR "/tests/fixtures/learn/three.yaml", "w");
        ck_assert_ptr_nonnull(f);
        fputs(text.data, f);
        fclose(f);
    }
    ck_assert(case_read("learn", "three", ".yaml", &golden));
    /* The version stands in the first line. */
    ck_assert_msg(strcmp(strchr(golden.data, '\n'), strchr(text.data, '\n')) == 0, "found\n%s", text.data);
    world_close(&w);
}
END_TEST

/* Quotes, comments and line ends in what strangers publish stay texts. */
START_TEST(nothing_breaks_out)
{
    struct world w;
    f2m_autostrbuf text, said;

    f2m_strbuf_init(&text, 0);
    f2m_strbuf_init(&said, 0);
    world_open(&w);
    world_publish(&w, "lxp/BA1', x: 'y z/inputs/1", "{\"soc\":1,\n\"p_charge\":2,\"p_discharge\":3}");
    world_publish(&w, "lxp/!env HOME/inputs/1", "{\"soc\":1,\"p_charge\":2,\"p_discharge\":3}");
    world_publish(&w, "lxp/null/inputs/1", "{\"soc\":1,\"p_charge\":2,\"p_discharge\":3}");
    world_publish(&w, "GivEnergy/S1/Power/Power/SOC", "50\n  evil: 1");
    world_publish(&w, "GivEnergy/S1/Power/Power/SOC", " 50 ");
    world_publish(&w, "GivEnergy/S1/Power/Power/Battery_Power", "5");
    world_publish(&w, "GivEnergy/S1/Control/Mode", "Eco: \"#'");
    world_publish(&w, "GivEnergy/S1/S1/Battery_Capacity_kWh", "-3");
    ck_assert_uint_eq(write_to(&w, &text), 4);
    struct f2m_config *config = load(text.data, &said);
    ck_assert_msg(config && said.len == 0, "%s\n%s", said.data, text.data);
    ck_assert_str_eq(config->sites[0].devices[2].telemetry.sources[F2M_SRC_STATE_OF_CHARGE].topic,
                     "lxp/BA1', x: 'y z/inputs/1");
    ck_assert(strstr(text.data, "capacity: 10 kWh  # FILL IN"));
    f2m_config_free(config);
    world_close(&w);
}
END_TEST

START_TEST(what_is_missing_is_told)
{
    struct world w;
    f2m_autostrbuf report;

    f2m_strbuf_init(&report, 0);
    world_open(&w);
    world_replay(&w, "samples", "victron-three-phase-grid");
    world_publish(&w, "solar_assistant/total/battery_power/state", "5");
    ck_assert_uint_eq(f2m_learn_report(w.survey, &report), 1);
    ck_assert_msg(strstr(report.data, "Likely: "), "%s", report.data);
    ck_assert_msg(strstr(report.data, "It talks when it is asked"), "%s", report.data);
    ck_assert_msg(strstr(report.data, "Not heard: state_of_charge, N/XXXXXXXXXXX/system/0/Dc/Battery/Soc at /value\n"),
                  "%s", report.data);
    ck_assert_msg(strstr(report.data, "Perhaps solarassistant: there is solar_assistant/total/battery_power/state = 5, "
                                      "but not solar_assistant/total/battery_state_of_charge/state\n"),
                  "%s", report.data);
    world_close(&w);
}
END_TEST

/* Some Victron systems tell the battery in an array only, or its volts and amps: the device gets sources of its own. */
START_TEST(another_way_to_read_it)
{
    struct world w;
    f2m_autostrbuf text, said;

    f2m_strbuf_init(&text, 0);
    f2m_strbuf_init(&said, 0);
    world_open(&w);
    world_replay(&w, "samples", "victron-batteries-array");
    world_replay(&w, "samples", "victron-discharge-no-power");
    world_replay(&w, "samples", "victron-battery-idle");
    ck_assert_uint_eq(write_to(&w, &text), 3);
    struct f2m_config *config = load(text.data, &said);
    ck_assert_msg(config && said.len == 0, "%s\n%s", said.data, text.data);
    const struct f2m_device *d = config->sites[0].devices;
    const struct f2m_source *amps = d[0].telemetry.sources, *idle = d[1].telemetry.sources,
                            *array = d[2].telemetry.sources;
    ck_assert_str_eq(idle[F2M_SRC_BATTERY_POWER].topic, "N/7c3866000001/system/0/Dc/Battery/Power");
    ck_assert_int_eq(amps[F2M_SRC_BATTERY_POWER].op, F2M_SOURCE_PRODUCT);
    ck_assert_str_eq(amps[F2M_SRC_BATTERY_POWER].parts[1].topic, "N/78a504000001/system/0/Dc/Battery/Current");
    ck_assert_int_eq(amps[F2M_SRC_BATTERY_POWER].sign, 1);
    ck_assert_str_eq(amps[F2M_SRC_STATE_OF_CHARGE].topic, "N/78a504000001/system/0/Dc/Battery/Soc");
    ck_assert_str_eq(array[F2M_SRC_STATE_OF_CHARGE].path, "/value/0/soc");
    ck_assert_str_eq(array[F2M_SRC_BATTERY_POWER].topic, "N/e0ff50000001/system/0/Batteries");
    f2m_config_free(config);
    world_close(&w);
}
END_TEST

START_TEST(a_second_inverter_is_told)
{
    struct world w;
    f2m_autostrbuf report;

    f2m_strbuf_init(&report, 0);
    world_open(&w);
    world_replay(&w, "samples", "solarassistant-grid");
    world_publish(&w, "solar_assistant/inverter_2/grid_power/state", "5");
    ck_assert_uint_eq(f2m_learn_report(w.survey, &report), 1);
    ck_assert_msg(strstr(report.data, "Also there, and not read: inverter inverter_2 (beside inverter_1)\n"), "%s",
                  report.data);
    world_close(&w);
}
END_TEST

START_TEST(nothing_recognised)
{
    struct world w;
    f2m_autostrbuf report, text;

    f2m_strbuf_init(&report, 0);
    f2m_strbuf_init(&text, 0);
    world_open(&w);
    ck_assert_uint_eq(f2m_learn_report(w.survey, &report), 0);
    ck_assert(strstr(report.data, "Nothing was published at all"));
    f2m_strbuf_reset(&report);
    world_publish(&w, "home/battery", "{\"soc\":50}");
    ck_assert_uint_eq(f2m_learn_report(w.survey, &report), 0);
    ck_assert_msg(strstr(report.data, "       1  home/battery, such as home/battery = {\"soc\":50}\n"), "%s",
                  report.data);
    ck_assert(strstr(report.data, "state_of_charge: { topic: battery/soc"));
    ck_assert_uint_eq(write_to(&w, &text), 0);
    ck_assert_uint_eq(text.len, 0);
    world_close(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("learn");
    TCase *tcase = tcase_create("configuration");

    tcase_add_loop_test(tcase, every_sample_gives_a_valid_configuration, 0, (int)(sizeof samples / sizeof samples[0]));
    tcase_add_test(tcase, three_systems_as_written);
    tcase_add_test(tcase, nothing_breaks_out);
    tcase_add_test(tcase, what_is_missing_is_told);
    tcase_add_test(tcase, another_way_to_read_it);
    tcase_add_test(tcase, a_second_inverter_is_told);
    tcase_add_test(tcase, nothing_recognised);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
