/* Real payloads of real batteries become the numbers that they mean, exactly. tests/fixtures/samples/README.md. */
#include "fixture.h"

#include "config/load.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/number.h"
#include "util/xalloc.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;  /* .yaml and .expected.json */
    const char *lines; /* .jsonl; NULL = the same name */
} samples[] = {
    {"solarassistant-grid", NULL},
    {"solarassistant-solar", NULL},
    {"victron-battery-idle", NULL},
    {"victron-discharge-no-power", NULL},
    {"victron-discharge-product", "victron-discharge-no-power"},
    {"victron-three-phase-grid", NULL},
    {"victron-batteries-array", NULL},
    {"lxp-bridge", NULL},
    {"luxpower-octolux", NULL},
    {"givtcp", NULL},
    {"enphase-envoy-battery", NULL},
    {"enphase-envoy-fw7-meters", NULL},
    {"deye-kbialek", NULL},
    {"e3dc-rscp2mqtt", NULL},
    {"grott-sph", NULL},
    {"growatt2mqtt", NULL},
    {"evcc-charging", NULL},
    {"powerwall-pypowerwall-server", NULL},
    {"marstek-venus-raw", NULL},
    {"marstek-jupiter-raw", NULL},
    {"hm2mqtt-ct-meter", NULL},
    {"statestream-solar", NULL},
};

static char *path_of(const char *name, const char *suffix)
{
    static char path[1024];

    snprintf(path, sizeof path, F2M_SOURCE_DIR "/tests/fixtures/samples/%s%s", name, suffix);
    return path;
}

static void read_file(const char *path, struct f2m_strbuf *out)
{
    FILE *f = fopen(path, "r");
    char chunk[4096];

    ck_assert_msg(f != NULL, "cannot open %s", path);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        f2m_strbuf_add(out, chunk, n);
    fclose(f);
}

static struct f2m_config *load(const char *name)
{
    struct f2m_config_options options = {.file = path_of(name, ".yaml")};
    struct f2m_findings findings = {0};
    f2m_autostrbuf told;

    f2m_strbuf_init(&told, 0);
    struct f2m_config *config = f2m_config_load(&options, &findings);
    f2m_findings_print(&findings, &told);
    ck_assert_msg(config != NULL, "%s", told.data);
    f2m_findings_free(&findings);
    return config;
}

static void feed_line(struct f2m_telemetry *t, struct f2m_now now, struct f2m_slice line, struct f2m_effects *fx)
{
    f2m_autostrbuf topic, payload;
    struct f2m_err err;

    f2m_strbuf_init(&topic, 0);
    f2m_strbuf_init(&payload, 0);
    ck_assert_msg(f2m_json_check(line, &err) == 0, "%s", err.text);
    ck_assert(f2m_json_string(f2m_json_member(line, "topic"), &topic));
    ck_assert(f2m_json_string(f2m_json_member(line, "payload"), &payload));
    struct f2m_mqtt_message m = {.topic = {topic.data, topic.len}, .payload = {payload.data, payload.len}};
    f2m_telemetry_message(t, now, &m, fx);
}

/* The names of the table: two of them are one direction of the grid's signed power. */
static bool source_named(struct f2m_slice name, enum f2m_source_id *id, int *sign)
{
    *sign = f2m_json_string_is(name, "grid_export_power") ? -1 : 1;
    if (f2m_json_string_is(name, "grid_import_power") || *sign < 0) {
        *id = F2M_SRC_GRID_POWER;
        return true;
    }
    *sign = 0;
    for (size_t i = 0; i < F2M_SRC_COUNT; i++) {
        *id = (enum f2m_source_id)i;
        if (f2m_json_string_is(name, f2m_source_info[i].name))
            return true;
    }
    return false;
}

static bool is_published(const struct f2m_device *d, enum f2m_source_id id)
{
    if (id == F2M_SRC_BATTERY_CHARGE_POWER || id == F2M_SRC_BATTERY_DISCHARGE_POWER)
        return d->telemetry.sources[id].op || d->telemetry.sources[F2M_SRC_BATTERY_POWER].op;
    return d->telemetry.sources[id].op;
}

static void compare(const char *sample, struct f2m_telemetry *t, const struct f2m_device *d, struct f2m_now now,
                    struct f2m_slice name, struct f2m_slice expected)
{
    char number[F2M_NUMBER_SIZE];
    enum f2m_source_id id;
    int sign;

    ck_assert_msg(source_named(name, &id, &sign), "%s: no source %.*s", sample, (int)name.len, name.at);
    struct f2m_reading r = f2m_telemetry_reading(t, d->id, id, now);
    double value = sign == 0 ? r.number : r.number * sign > 0 ? r.number * sign : 0;
    bool known = is_published(d, id) && r.fresh;
    const char *got = !known                                       ? "null"
                      : f2m_source_info[id].kind == F2M_VALUE_BOOL ? (value != 0 ? "true" : "false")
                                                                   : f2m_number_format(value, number);
    ck_assert_msg(f2m_slice_is(expected, got), "%s: %.*s is %s, not %.*s", sample, (int)name.len, name.at, got,
                  (int)expected.len, expected.at);
}

START_TEST(every_sample_gives_its_numbers)
{
    const char *name = samples[_i].name, *lines = samples[_i].lines ? samples[_i].lines : name;
    struct f2m_now now = {.mono_ms = 5000, .wall_ms = NOON};
    struct f2m_counters counters = {0};
    f2m_autostrbuf text;

    struct f2m_config *config = load(name);
    struct f2m_effects *fx = f2m_effects_new();
    struct home h;
    home_init(&h, 0);
    struct f2m_outbox *outbox = f2m_outbox_new(config, h.store, &counters);
    struct f2m_telemetry *t = f2m_telemetry_new(config, h.store, outbox, &counters, now);
    f2m_strbuf_init(&text, 0);
    read_file(path_of(lines, ".jsonl"), &text);
    for (char *line = text.data, *end; (end = strchr(line, '\n')); line = end + 1)
        feed_line(t, now, (struct f2m_slice){line, (size_t)(end - line)}, fx);
    ck_assert_uint_gt(counters.messages, 0);

    f2m_strbuf_reset(&text);
    read_file(path_of(name, ".expected.json"), &text);
    struct f2m_json_iter it = f2m_json_iter(f2m_json_root((struct f2m_slice){text.data, text.len}));
    struct f2m_slice key, expected;
    size_t n = 0;
    for (; f2m_json_next(&it, &key, &expected); n++)
        compare(name, t, &config->sites[0].devices[0], now, key, expected);
    ck_assert_uint_gt(n, 1);

    f2m_telemetry_free(t);
    f2m_outbox_free(outbox);
    f2m_effects_free(fx);
    f2m_config_free(config);
    home_deinit(&h);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("samples");
    TCase *tcase = tcase_create("samples");

    tcase_add_loop_test(tcase, every_sample_gives_its_numbers, 0, (int)(sizeof samples / sizeof samples[0]));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
