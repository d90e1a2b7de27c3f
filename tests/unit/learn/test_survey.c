/* Each system is recognised as its preset and as no other one, whatever else is published. */
#include "world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* Every sample of tests/fixtures/samples, and the payloads of tests/fixtures/presets. "" = nothing: a meter, a solar
 * sensor, a predecessor with other topics, or a battery that no preset reads. */
static const struct {
    const char *folder, *name, *presets;
    bool sure; /* state of charge and battery power are there */
} samples[] = {
    {"samples", "deye-kbialek", "deye", true},
    {"samples", "e3dc-rscp2mqtt", "e3dc", true},
    {"samples", "enphase-envoy-battery", "enphase", true},
    {"samples", "enphase-envoy-fw7-meters", "", false},
    {"samples", "evcc-charging", "evcc", true},
    {"samples", "givtcp", "givtcp", true},
    {"samples", "grott-sph", "growatt", true},
    {"samples", "growatt2mqtt", "growatt2mqtt", true},
    {"samples", "hm2mqtt-ct-meter", "", false},
    {"samples", "luxpower-octolux", "", false},
    {"samples", "lxp-bridge", "lxp", true},
    {"samples", "marstek-jupiter-raw", "", false},
    {"samples", "marstek-venus-raw", "marstek-raw", true},
    {"samples", "powerwall-pypowerwall-server", "powerwall", true},
    {"samples", "solarassistant-grid", "solarassistant", true},
    {"samples", "solarassistant-solar", "solarassistant", true},
    {"samples", "statestream-solar", "", false},
    {"samples", "victron-batteries-array", "victron", true},
    {"samples", "victron-battery-idle", "victron", true},
    {"samples", "victron-discharge-no-power", "victron", true},
    {"samples", "victron-three-phase-grid", "victron", false},
    {"presets", "evcc", "evcc", true},
    {"presets", "franklinwh", "franklinwh", true},
    {"presets", "marstek", "marstek", true},
    {"presets", "powerwall", "powerwall", true},
    {"presets", "powerwall3", "powerwall3", true},
    {"presets", "sigenergy", "sigenergy", true},
    {"presets", "solaredge", "solaredge", true},
    {"presets", "statestream", "statestream", true},
    {"presets", "sunsynk", "sunsynk", true},
};
#define SAMPLES (sizeof samples / sizeof samples[0])

START_TEST(every_sample_is_its_preset_and_no_other)
{
    struct world w;

    world_open(&w);
    world_replay(&w, samples[_i].folder, samples[_i].name);
    ck_assert_msg(strcmp(world_presets(&w), samples[_i].presets) == 0, "%s: found '%s', expected '%s'",
                  samples[_i].name, world_presets(&w), samples[_i].presets);
    ck_assert_uint_eq(w.found, *samples[_i].presets ? 1 : 0);
    if (*samples[_i].presets)
        ck_assert_msg(f2m_learn_sure(world_system(&w, samples[_i].presets)) == samples[_i].sure, "%s",
                      samples[_i].name);
    world_close(&w);
}
END_TEST

START_TEST(every_preset_is_recognised_in_some_sample)
{
    struct world w;

    world_open(&w);
    for (const struct f2m_recognise_preset *p = f2m_recognise_presets(w.recognise); p; p = p->next) {
        bool found = false;
        for (size_t i = 0; i < SAMPLES; i++)
            found = found || strcmp(samples[i].presets, p->name) == 0;
        ck_assert_msg(found, "no payloads by which %s is recognised", p->name);
    }
    world_close(&w);
}
END_TEST

/* All at once, as on a broker that many houses share: each is found, under its own parameters. */
START_TEST(all_at_once)
{
    struct world w;

    world_open(&w);
    for (size_t i = 0; i < SAMPLES; i++)
        world_replay(&w, samples[i].folder, samples[i].name);
    ck_assert_str_eq(world_presets(&w),
                     "deye e3dc enphase evcc franklinwh givtcp growatt growatt2mqtt lxp marstek powerwall powerwall3 "
                     "sigenergy solarassistant solaredge statestream sunsynk victron victron victron victron");
    world_close(&w);
}
END_TEST

START_TEST(parameters_come_from_topics)
{
    static const struct {
        const char *folder, *name, *preset, *parameter, *value;
        enum f2m_learn_origin origin;
    } expected[] = {
        {"samples", "givtcp", "givtcp", "serial", "SA0000G003", F2M_LEARN_TOPIC},
        {"samples", "givtcp", "givtcp", "mode", "Eco", F2M_LEARN_PAYLOAD},
        {"samples", "givtcp", "givtcp", "discharge_rate", "2600", F2M_LEARN_PAYLOAD},
        {"samples", "lxp-bridge", "lxp", "serial", "2222222222", F2M_LEARN_TOPIC},
        {"samples", "lxp-bridge", "lxp", "power", "", F2M_LEARN_DEVICE},
        {"samples", "victron-battery-idle", "victron", "portal", "7c3866000001", F2M_LEARN_TOPIC},
        {"samples", "victron-battery-idle", "victron", "reserve", "20", F2M_LEARN_EXAMPLE},
        {"samples", "solarassistant-grid", "solarassistant", "inverter", "inverter_1", F2M_LEARN_TOPIC},
        {"samples", "enphase-envoy-battery", "enphase", "topic", "/envoy/json", F2M_LEARN_TOPIC},
        {"samples", "evcc-charging", "evcc", "soc", "batterySoC", F2M_LEARN_TOPIC},
        {"samples", "evcc-charging", "evcc", "power", "batteryPower", F2M_LEARN_TOPIC},
        {"samples", "powerwall-pypowerwall-server", "powerwall", "mode", "self_consumption", F2M_LEARN_PAYLOAD},
        {"samples", "marstek-venus-raw", "marstek-raw", "mac", "009b00000001", F2M_LEARN_TOPIC},
        {"presets", "sunsynk", "sunsynk", "prefix", "SS/ss1", F2M_LEARN_TOPIC},
        {"presets", "statestream", "statestream", "state_of_charge", "battery_state_of_charge", F2M_LEARN_TOPIC},
        {"presets", "statestream", "statestream", "positive", "charging", F2M_LEARN_EXAMPLE},
    };

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct world w;
        world_open(&w);
        world_replay(&w, expected[i].folder, expected[i].name);
        struct f2m_learn_choice c = world_choice(world_system(&w, expected[i].preset), expected[i].parameter);
        ck_assert_msg(strcmp(c.text, expected[i].value) == 0 && c.origin == expected[i].origin,
                      "%s: %s is '%s' (%d), expected '%s'", expected[i].name, expected[i].parameter, c.text, c.origin,
                      expected[i].value);
        world_close(&w);
    }
}
END_TEST

/* Of several sensors the one that looks most like it is taken, and its unit with it. */
START_TEST(the_likeliest_entity_and_its_unit)
{
    struct world w;

    world_open(&w);
    world_publish(&w, "ha/sensor/car_state_of_charge/state", "80");
    world_publish(&w, "ha/sensor/powerwall_battery_power/state", "1200");
    world_publish(&w, "ha/sensor/powerwall_battery_power/unit_of_measurement", "\"W\"");
    world_publish(&w, "ha/sensor/battery_power/state", "1.2");
    world_publish(&w, "ha/sensor/battery_power/unit_of_measurement", "\"kW\"");
    world_publish(&w, "ha/sensor/battery_soc/state", "57");
    world_publish(&w, "ha/sensor/battery_kitchen_sensor_level/state", "unavailable");
    const struct f2m_learn_system *s = world_system(&w, "statestream");
    ck_assert_str_eq(world_choice(s, "state_of_charge").text, "battery_soc");
    ck_assert_str_eq(world_choice(s, "power").text, "battery_power");
    ck_assert_str_eq(world_choice(s, "unit").text, "kW");
    ck_assert_str_eq(world_choice(s, "prefix").text, "ha");
    world_close(&w);
}
END_TEST

/* With several inverters SolarAssistant adds up: what is whole is taken, and of the whole ones the sum. */
START_TEST(the_sum_of_inverters)
{
    struct world w;

    world_open(&w);
    world_replay(&w, "samples", "solarassistant-grid");
    world_publish(&w, "solar_assistant/total/pv_power/state", "5");
    ck_assert_str_eq(world_choice(world_system(&w, "solarassistant"), "inverter").text, "inverter_1");
    world_publish(&w, "solar_assistant/total/grid_power/state", "5");
    world_publish(&w, "solar_assistant/total/load_power/state", "5");
    ck_assert_str_eq(world_choice(world_system(&w, "solarassistant"), "inverter").text, "total");
    world_close(&w);
}
END_TEST

/* hm2mqtt shows what the battery says on the same broker: one battery, not two. */
START_TEST(one_battery_behind_two_presets)
{
    struct world w;

    world_open(&w);
    world_replay(&w, "samples", "marstek-venus-raw");
    ck_assert_str_eq(world_presets(&w), "marstek-raw");
    world_replay(&w, "presets", "marstek");
    ck_assert_str_eq(world_presets(&w), "marstek");
    world_publish(&w, "hame_energy/HMG-50/device/009b00000002/ctrl", "cel_c=27,grd_o=807,tot_i=1,tot_o=2");
    ck_assert_str_eq(world_presets(&w), "marstek marstek-raw");
    world_close(&w);
}
END_TEST

START_TEST(shapes_matter)
{
    struct world w;

    world_open(&w);
    world_publish(&w, "deye/battery/power", "online");
    world_publish(&w, "deye/battery/soc", "");
    world_publish(&w, "deye/ac/total_power", "NaN");
    world_publish(&w, "lxp/BA1/inputs/1", "{\"soc\":1,\"p_charge\":2}");
    world_publish(&w, "lxp/BA1/inputs/1", "{\"soc\":1,\"p_charge\":2,\"p_discharge\":3");
    world_publish(&w, "/envoy/json", "[{\"meters\":1}]");
    world_publish(&w, "hame_energy/HMG-50/device/1/ctrl", "cel_c,grd_o,tot_i,tot_o");
    world_publish(&w, "N/abc/system/0/Serial", "");
    ck_assert_str_eq(world_presets(&w), "");
    world_publish(&w, "lxp/BA1/inputs/1", "{\"soc\":null,\"p_charge\":2,\"p_discharge\":{}}");
    ck_assert_str_eq(world_presets(&w), "lxp");
    ck_assert(!f2m_learn_sure(world_system(&w, "lxp")));
    world_close(&w);
}
END_TEST

/* What would get a meaning of its own in YAML, topics or templates is nobody's serial number. */
START_TEST(hostile_texts)
{
    static const char *const serials[] = {"a\nb",
                                          "a\x01",
                                          "${mode}",
                                          "x{{ now }}",
                                          "\xff\xfe",
                                          "a\x7f",
                                          "a\xc2\x85",
                                          ("a\xe2\x80\xae"
                                           "b"),
                                          "a#",
                                          "a+"};
    struct world w;
    char topic[300];

    world_open(&w);
    for (size_t i = 0; i < sizeof serials / sizeof serials[0]; i++) {
        snprintf(topic, sizeof topic, "lxp/%s/inputs/1", serials[i]);
        world_publish(&w, topic, "{\"soc\":1,\"p_charge\":2,\"p_discharge\":3}");
    }
    snprintf(topic, sizeof topic, "lxp/%0200d/inputs/1", 7);
    world_publish(&w, topic, "{\"soc\":1,\"p_charge\":2,\"p_discharge\":3}");
    ck_assert_str_eq(world_presets(&w), "");
    world_publish(&w, "GivEnergy/S1/Power/Power/SOC", "50");
    world_publish(&w, "GivEnergy/S1/Power/Power/Battery_Power", "50");
    world_publish(&w, "GivEnergy/S1/Control/Mode", "Eco\", evil: \"{{ now }}");
    ck_assert_int_eq(world_choice(world_system(&w, "givtcp"), "mode").origin, F2M_LEARN_EXAMPLE);
    world_close(&w);
}
END_TEST

START_TEST(own_topics_are_nobodys)
{
    struct world w;

    world_open(&w);
    world_publish(&w, "flip2mqtt/battery/power", "1");
    world_publish(&w, "flip2mqtt/battery/soc", "1");
    world_publish(&w, "flip2mqtt/ac/total_power", "1");
    ck_assert_uint_eq(w.survey->messages, 0);
    ck_assert_str_eq(world_presets(&w), "");
    world_close(&w);
}
END_TEST

static size_t count_systems(const struct f2m_survey *s)
{
    size_t n = 0;

    for (const struct f2m_learn_system *system = s->systems; system; system = system->next)
        n++;
    return n;
}

/* A flood of topics that look like a part of something: the tables stay as they are, and a real system is found
 * before, within and behind it. */
START_TEST(a_flood_of_halves)
{
    struct world w;
    char topic[100];

    world_open(&w);
    world_publish(&w, "deye/battery/power", "100");
    for (int i = 0; i < 20000; i++) {
        snprintf(topic, sizeof topic, "junk%d/battery/power", i);
        world_publish(&w, topic, "1");
        if (i == 10000)
            world_replay(&w, "samples", "givtcp");
    }
    world_publish(&w, "deye/battery/soc", "50");
    world_publish(&w, "deye/ac/total_power", "50");
    ck_assert_str_eq(world_presets(&w), "deye givtcp");
    ck_assert_uint_le(count_systems(w.survey), (size_t)19 * F2M_MAX_LEARN_SYSTEMS);
    ck_assert_uint_le(w.survey->prefixes.len, F2M_MAX_LEARN_PREFIXES);
    world_close(&w);
}
END_TEST

/* A flood of systems that are complete: as many as there is room for, the rest is counted. */
START_TEST(a_flood_of_systems)
{
    struct world w;
    char topic[100];

    world_open(&w);
    for (int i = 0; i < 1000; i++) {
        snprintf(topic, sizeof topic, "lxp/BA%d/inputs/1", i);
        world_publish(&w, topic, "{\"soc\":1,\"p_charge\":2,\"p_discharge\":3}");
    }
    ck_assert_uint_eq(count_systems(w.survey), F2M_MAX_LEARN_SYSTEMS);
    ck_assert_uint_gt(w.survey->turned_away, 900);
    world_close(&w);
}
END_TEST

/* Values of one parameter without end, on one system. */
START_TEST(a_flood_of_values)
{
    struct world w;
    char topic[100];

    world_open(&w);
    for (int i = 0; i < 1000; i++) {
        snprintf(topic, sizeof topic, "statestream/sensor/battery_%d_soc/state", i);
        world_publish(&w, topic, "1");
    }
    world_publish(&w, "statestream/sensor/battery_power/state", "1");
    ck_assert_uint_le(w.survey->systems->values_len, F2M_MAX_LEARN_VALUES);
    world_close(&w);
}
END_TEST

/* The frequent ones are told, however many rare ones come between. */
START_TEST(frequent_prefixes_survive_a_flood)
{
    struct world w;
    f2m_autostrbuf out;
    char topic[100];

    world_open(&w);
    f2m_strbuf_init(&out, 0);
    for (int i = 0; i < 20000; i++) {
        snprintf(topic, sizeof topic, "junk/%d/x", i);
        world_publish(&w, topic, "1");
        if (i % 10 == 0)
            world_publish(&w, "zigbee2mqtt/kitchen/lamp", "{\"state\":\"ON\"}\n\x1b[2J");
    }
    f2m_learn_prefixes_write(&w.survey->prefixes, 5, &out);
    ck_assert_msg(strstr(out.data, "zigbee2mqtt/kitchen, such as zigbee2mqtt/kitchen/lamp = {\"state\":\"ON\"}??[2J\n"),
                  "%s", out.data);
    ck_assert(strstr(out.data, "and rarer ones"));
    world_close(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("learn");
    TCase *tcase = tcase_create("survey");

    tcase_add_loop_test(tcase, every_sample_is_its_preset_and_no_other, 0, (int)SAMPLES);
    tcase_add_test(tcase, every_preset_is_recognised_in_some_sample);
    tcase_add_test(tcase, all_at_once);
    tcase_add_test(tcase, parameters_come_from_topics);
    tcase_add_test(tcase, the_likeliest_entity_and_its_unit);
    tcase_add_test(tcase, the_sum_of_inverters);
    tcase_add_test(tcase, one_battery_behind_two_presets);
    tcase_add_test(tcase, shapes_matter);
    tcase_add_test(tcase, hostile_texts);
    tcase_add_test(tcase, own_topics_are_nobodys);
    tcase_add_test(tcase, a_flood_of_halves);
    tcase_add_test(tcase, a_flood_of_systems);
    tcase_add_test(tcase, a_flood_of_values);
    tcase_add_test(tcase, frequent_prefixes_survive_a_flood);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
