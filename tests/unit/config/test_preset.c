/* A preset lies under the device's own keys: mappings merged, lists and whole sources replaced, parameters filled in.
 */
#include "fixture.h"
#include "suite.h"

#include "config/preset.h"

#include <stdio.h>
#include <string.h>

static struct f2m_config *load_device(const char *keys)
{
    char yaml[1000];

    snprintf(yaml, sizeof yaml, "flip: { token: x }\nsites:\n  - id: a\n    devices:\n      - id: b\n%s", keys);
    return fixture_load_valid(yaml);
}

START_TEST(test_alone)
{
    fixture_enter();
    struct f2m_config *c = load_device("        preset: { name: mine, serial: S7 }\n");
    const struct f2m_device *d = &c->sites[0].devices[0];
    ck_assert_str_eq(d->preset, "mine");
    ck_assert_str_eq(d->manufacturer_name.value, "Maker");
    ck_assert_int_eq(d->telemetry.interval_ms, 60000);
    ck_assert_str_eq(d->telemetry.sources[F2M_SRC_BATTERY_POWER].topic, "pre/S7/power");
    ck_assert_int_eq(d->telemetry.sources[F2M_SRC_BATTERY_POWER].sign, -1);
    ck_assert_str_eq(d->telemetry.availability.topic, "pre/LWT");
    ck_assert_str_eq(d->control.modes[0].publishes[0].payload, "{{ setpoint_w | percent_of(3 kW) }}");
    f2m_config_free(c);
}
END_TEST

START_TEST(test_own_keys_win)
{
    fixture_enter();
    struct f2m_config *c = load_device("        preset: { name: mine, serial: S7, prefix: other }\n"
                                       "        max_discharge: 5 kW\n"
                                       "        manufacturer_name: Other\n"
                                       "        telemetry:\n"
                                       "          max_age: 10min\n"
                                       "          availability: { offline: down }\n"
                                       "          sources:\n"
                                       "            battery_power: { topic: mine/power }\n"
                                       "            solar_power: { unit: W }\n"
                                       "            grid_power: g\n"
                                       "        control:\n"
                                       "          modes:\n"
                                       "            DISCHARGE: []\n"
                                       "            CHARGE: []\n");
    const struct f2m_device *d = &c->sites[0].devices[0];
    ck_assert_str_eq(d->manufacturer_name.value, "Other");
    ck_assert_int_eq(d->telemetry.interval_ms, 60000);
    ck_assert_int_eq(d->telemetry.max_age_ms, 600000);
    ck_assert_str_eq(d->telemetry.availability.topic, "other/LWT");
    ck_assert_str_eq(d->telemetry.availability.online, "up");
    ck_assert_str_eq(d->telemetry.availability.offline, "down");
    /* Replaced as a whole: nothing of the preset's unit and sign is left. */
    ck_assert_str_eq(d->telemetry.sources[F2M_SRC_BATTERY_POWER].topic, "mine/power");
    ck_assert_ptr_null(d->telemetry.sources[F2M_SRC_BATTERY_POWER].unit);
    ck_assert_int_eq(d->telemetry.sources[F2M_SRC_BATTERY_POWER].sign, 1);
    /* Merged: it only says more. */
    ck_assert_str_eq(d->telemetry.sources[F2M_SRC_SOLAR_POWER].topic, "other/S7/solar");
    ck_assert_str_eq(d->telemetry.sources[F2M_SRC_SOLAR_POWER].unit->name, "W");
    ck_assert_int_eq(d->telemetry.sources[F2M_SRC_SOLAR_POWER].max_age_ms, 60000);
    ck_assert_uint_eq(d->control.modes_len, 3);
    ck_assert_uint_eq(d->control.modes[0].publishes_len, 0);
    f2m_config_free(c);
}
END_TEST

START_TEST(test_null_takes_away)
{
    fixture_enter();
    struct f2m_config *c = load_device("        preset: { name: mine, serial: S7 }\n"
                                       "        telemetry: { sources: { battery_power: null, battery_charge_power: c,\n"
                                       "            battery_discharge_power: d }, availability: ~ }\n");
    const struct f2m_telemetry_config *t = &c->sites[0].devices[0].telemetry;
    ck_assert_int_eq(t->sources[F2M_SRC_BATTERY_POWER].op, F2M_SOURCE_NONE);
    ck_assert_str_eq(t->sources[F2M_SRC_BATTERY_CHARGE_POWER].topic, "c");
    ck_assert_ptr_null(t->availability.topic);
    f2m_config_free(c);
}
END_TEST

START_TEST(test_parameter_from_the_device)
{
    fixture_enter();
    struct f2m_config *c = load_device("        preset: { name: mine, serial: S7 }\n        max_discharge: 4.6 kW\n");
    ck_assert_str_eq(c->sites[0].devices[0].control.modes[0].publishes[0].payload,
                     "{{ setpoint_w | percent_of(4.6 kW) }}");
    f2m_config_free(c);
}
END_TEST

START_TEST(test_own_preset_before_built_in)
{
    fixture_enter();
    fixture_write("presets/solarassistant.yaml", "telemetry: { sources: { solar_power: own/topic } }\n", 0644);
    struct f2m_config *c = load_device("        preset: solarassistant\n");
    ck_assert_str_eq(c->sites[0].devices[0].telemetry.sources[F2M_SRC_SOLAR_POWER].topic, "own/topic");
    f2m_config_free(c);
}
END_TEST

/* Every preset that is built in loads with its examples, and leaves no ${…} behind. */
START_TEST(test_built_in)
{
    size_t n = 0;

    fixture_enter();
    for (const struct f2m_preset_text *text = f2m_preset_texts; text->name; text++, n++) {
        f2m_autostrbuf keys = {0}, printed = {0};
        const char *parameters = strstr(text->text, "\nparameters:\n");
        f2m_strbuf_init(&keys, 0);
        f2m_strbuf_addf(&keys,
                        "        capacity: 10 kWh\n        max_charge: 5 kW\n        max_discharge: 5 kW\n        "
                        "preset:\n          name: %s\n",
                        text->name);
        /* "  NAME:" at two blanks, "    example: TEXT" below it */
        char name[64] = "", line[300];
        for (const char *at = parameters ? parameters + 13 : NULL; at && *at == ' '; at = strchr(at, '\n') + 1) {
            snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
            char *example = strstr(line, "    example: ");
            if (strspn(line, " ") == 2 && strchr(line, ':'))
                snprintf(name, sizeof name, "%.*s", (int)strcspn(line + 2, ":"), line + 2);
            else if (example == line)
                f2m_strbuf_addf(&keys, "          %s: %s\n", name, example + 13);
        }
        struct f2m_config *c = load_device(keys.data);
        f2m_strbuf_init(&printed, 0);
        f2m_config_print(c, &printed);
        ck_assert_msg(!strstr(printed.data, "${"), "%s leaves a parameter", text->name);
        f2m_config_free(c);
    }
    ck_assert_uint_ge(n, 2);
}
END_TEST

RUN_SUITE("preset", test_alone, test_own_keys_win, test_null_takes_away, test_parameter_from_the_device,
          test_own_preset_before_built_in, test_built_in)
