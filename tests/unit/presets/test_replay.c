/* What a preset makes of the payloads of its system: the value of every source and all fields of the uploaded point,
 * exactly. tests/fixtures/presets/README.md. */
#include "case.h"

#include "config/preset.h"
#include "store/sqlite.h"
#include "telemetry/telemetry.h"
#include "util/json.h"
#include "util/json_writer.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;   /* of the case */
    const char *sample; /* of tests/fixtures/samples; NULL = the case's own payloads, which are documented ones */
} cases[] = {
    {"solarassistant-grid", "solarassistant-grid"},
    {"solarassistant-solar", "solarassistant-solar"},
    {"lxp", "lxp-bridge"},
    {"enphase", "enphase-envoy-battery"},
    {"powerwall", NULL},
    {"powerwall-sample", "powerwall-pypowerwall-server"},
    {"powerwall3", NULL},
    {"franklinwh", NULL},
    {"victron-idle", "victron-battery-idle"},
    {"victron-three-phase", "victron-three-phase-grid"},
    {"victron-volts-and-amps", "victron-discharge-no-power"},
    {"victron-array", "victron-batteries-array"},
    {"statestream", NULL},
    {"givtcp", "givtcp"},
    {"deye", "deye-kbialek"},
    {"sunsynk", NULL},
    {"growatt", "grott-sph"},
    {"growatt2mqtt", "growatt2mqtt"},
    {"solaredge", NULL},
    {"sigenergy", NULL},
    {"marstek", NULL},
    {"marstek-raw", "marstek-venus-raw"},
    {"e3dc", "e3dc-rscp2mqtt"},
    {"evcc", NULL},
    {"evcc-old", "evcc-charging"},
};
#define CASES (sizeof cases / sizeof cases[0])

#define NOON     INT64_C(1769860800000) /* 2026-01-31T12:00:00Z, a boundary of every interval */
#define UNTIL_MS 36000                  /* 100 W are 1 Wh */

static void feed_line(struct f2m_telemetry *t, struct f2m_now now, struct f2m_slice line, struct f2m_effects *fx)
{
    f2m_autostrbuf topic, payload;
    struct f2m_err err;

    f2m_strbuf_init(&topic, 0);
    f2m_strbuf_init(&payload, 0);
    ck_assert_msg(f2m_json_check(line, &err) == 0, "%s", err.text);
    ck_assert(f2m_json_string(f2m_json_member(line, "topic"), &topic));
    ck_assert(f2m_json_string(f2m_json_member(line, "payload"), &payload));
    /* A subscriber that is there when they are published: the broker's retained copies are another story. */
    struct f2m_mqtt_message m = {.topic = {topic.data, topic.len}, .payload = {payload.data, payload.len}};
    f2m_telemetry_message(t, now, &m, fx);
}

static void write_reading(struct f2m_jw *w, enum f2m_source_id id, const struct f2m_reading *r)
{
    const char *name = f2m_source_info[id].name;

    if (!r->fresh)
        f2m_jw_null(w, name);
    else if (f2m_source_info[id].kind == F2M_VALUE_BOOL)
        f2m_jw_bool(w, name, r->number != 0);
    else
        f2m_jw_number(w, name, r->number);
}

/* {"sources":{…},"point":{…}}, one member a line. */
static void describe(struct f2m_telemetry *t, const struct f2m_device *d, struct f2m_now now, struct f2m_strbuf *out)
{
    f2m_autostrbuf text, point;

    f2m_strbuf_init(&text, 0);
    f2m_strbuf_init(&point, 0);
    ck_assert(f2m_telemetry_preview(t, d->id, now, &point));
    struct f2m_jw w = f2m_jw(&text);
    f2m_jw_object(&w, NULL);
    f2m_jw_object(&w, "sources");
    for (size_t id = 0; id < F2M_SRC_COUNT; id++) {
        struct f2m_reading r = f2m_telemetry_reading(t, d->id, (enum f2m_source_id)id, now);
        if (d->telemetry.sources[id].op != F2M_SOURCE_NONE)
            write_reading(&w, (enum f2m_source_id)id, &r);
    }
    f2m_jw_end(&w);
    f2m_jw_raw(&w, "point", (struct f2m_slice){point.data, point.len});
    f2m_jw_end(&w);
    for (const char *c = text.data; *c; c++) {
        f2m_strbuf_addc(out, *c);
        if (*c == ',' || *c == '{')
            f2m_strbuf_adds(out, "\n ");
    }
    f2m_strbuf_addc(out, '\n');
}

START_TEST(every_payload_gives_its_numbers)
{
    const char *name = cases[_i].name, *sample = cases[_i].sample;
    struct f2m_now now = {.mono_ms = 5000, .wall_ms = NOON};
    struct f2m_counters counters = {0};
    f2m_autostrbuf lines, said;

    f2m_strbuf_init(&lines, 0);
    f2m_strbuf_init(&said, 0);
    struct f2m_config *config = case_load(name, &said);
    ck_assert_msg(config && said.len == 0, "%s", said.data);
    struct f2m_store *store = f2m_store_open_memory();
    struct f2m_outbox *outbox = f2m_outbox_new(config, store, &counters);
    struct f2m_telemetry *t = f2m_telemetry_new(config, store, outbox, &counters, now);
    struct f2m_effects *fx = f2m_effects_new();
    ck_assert(case_read(sample ? "samples" : "presets", sample ? sample : name, ".jsonl", &lines));
    for (char *line = lines.data, *end; (end = strchr(line, '\n')); line = end + 1)
        feed_line(t, now, (struct f2m_slice){line, (size_t)(end - line)}, fx);
    ck_assert_uint_gt(counters.messages, 0);

    now = (struct f2m_now){.mono_ms = now.mono_ms + UNTIL_MS, .wall_ms = now.wall_ms + UNTIL_MS};
    describe(t, &config->sites[0].devices[0], now, &said);
    ck_assert_msg(case_is_golden(name, ".expected.json", said.data), "%s: found %s", name, said.data);

    f2m_telemetry_free(t);
    f2m_outbox_free(outbox);
    f2m_effects_free(fx);
    f2m_store_free(store);
    f2m_config_free(config);
}
END_TEST

START_TEST(every_preset_has_a_case)
{
    for (const struct f2m_preset_text *preset = f2m_preset_texts; preset->name; preset++) {
        bool found = false;
        for (size_t i = 0; i < CASES; i++) {
            size_t len = strlen(preset->name);
            found = found || (strncmp(cases[i].name, preset->name, len) == 0 &&
                              (cases[i].name[len] == '\0' || cases[i].name[len] == '-'));
        }
        ck_assert_msg(found, "no payloads for the preset %s", preset->name);
    }
}
END_TEST

/* A preset that rests on documented payloads alone says so. */
START_TEST(documented_is_experimental)
{
    for (size_t i = 0; i < CASES; i++) {
        if (cases[i].sample)
            continue;
        for (const struct f2m_preset_text *preset = f2m_preset_texts; preset->name; preset++)
            ck_assert_msg(strcmp(preset->name, cases[i].name) != 0 || strstr(preset->text, "\nstatus: experimental\n"),
                          "%s has no real payloads and is not marked experimental", preset->name);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("presets");
    TCase *tcase = tcase_create("replay");

    tcase_add_loop_test(tcase, every_payload_gives_its_numbers, 0, (int)CASES);
    tcase_add_test(tcase, every_preset_has_a_case);
    tcase_add_test(tcase, documented_is_experimental);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
