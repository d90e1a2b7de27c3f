#include "fixture.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/f2m-config-XXXXXX";

static void leave(void)
{
    char command[128];

    if (chdir("/") != 0)
        return;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0)
        fprintf(stderr, "cannot remove %s\n", folder);
}

void fixture_write(const char *name, const char *text, unsigned mode)
{
    FILE *f = fopen(name, "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(text, 1, strlen(text), f), strlen(text));
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(chmod(name, mode), 0);
}

static void write_presets(void)
{
    ck_assert_int_eq(mkdir("presets", 0755), 0);
    fixture_write("presets/mine.yaml",
                  "description: ours\n"
                  "parameters:\n"
                  "  serial: { description: the serial number, example: A1 }\n"
                  "  prefix: { description: the prefix, default: pre }\n"
                  "  rated: { description: the power, from: max_discharge, default: 3 kW }\n"
                  "manufacturer_name: Maker\n"
                  "telemetry:\n"
                  "  interval: 1min\n"
                  "  availability: { topic: \"${prefix}/LWT\", online: up }\n"
                  "  sources:\n"
                  "    battery_power: { topic: \"${prefix}/${serial}/power\", unit: kW, positive: discharging }\n"
                  "    solar_power: { topic: \"${prefix}/${serial}/solar\", unit: kW, max_age: 1min }\n"
                  "control:\n"
                  "  modes:\n"
                  "    DISCHARGE:\n"
                  "      - { topic: \"${prefix}/set\", payload: \"{{ setpoint_w | percent_of(${rated}) }}\" }\n"
                  "    STANDBY: [ { topic: \"${prefix}/set\", payload: \"0\" } ]\n",
                  0644);
    fixture_write("presets/broken.yaml", "telemetry:\n  sources:\n    solar_power: { topic: a, unit: kw }\n", 0644);
    fixture_write("presets/hole.yaml",
                  "parameters:\n  serial: { description: s, example: A1 }\n"
                  "telemetry: { sources: { solar_power: \"${serial}/${seriel}\" } }\n",
                  0644);
    fixture_write("presets/scrap.yaml", "telemetry: [\n", 0644);
    fixture_write("presets/list.yaml", "- a\n", 0644);
    fixture_write("presets/signs.yaml",
                  "parameters: { serial: { description: s, default: A1 } }\n"
                  "recognise:\n"
                  "  - { number: true }\n"
                  "  - serial\n"
                  "  - { topic: \"a/+/b\" }\n"
                  "  - { topic: \"a/${seriel}\" }\n"
                  "  - { topic: \"a/${serial\" }\n"
                  "  - { topic: a, number: yes }\n"
                  "  - { topic: a, number: true, json: [/b] }\n"
                  "  - { topic: a, json: [b] }\n"
                  "  - { topic: a, keyvalue: b }\n"
                  "  - { topic: a, optinal: true }\n"
                  "  - { topic: a, like: { seriel: [b*] } }\n"
                  "  - { topic: a, like: { serial: b } }\n"
                  "  - { topic: a, gives: { serial: b } }\n"
                  "  - { topic: a, gives: [] }\n"
                  "  - { topic: a, tells: { colour: { path: /b } } }\n"
                  "  - { topic: a, tells: { capacity: { path: /b, unit: kW } } }\n"
                  "  - { topic: a, tells: { capacity: { path: /b, unit: kWh, scale: x } } }\n"
                  "  - { topic: a, tells: { serial_number: \"${s}\" } }\n"
                  "  - { topic: a, maps: { solar: { topic: b } } }\n"
                  "  - { topic: a, maps: { solar_power: { topic: \"${b}\" } } }\n"
                  "  - { topic: a, maps: [] }\n",
                  0644);
    fixture_write("presets/apart.yaml",
                  "parameters: { a: { default: A }, b: { default: B } }\n"
                  "recognise: [ { topic: \"${a}/x\" }, { topic: \"y/${b}\", optional: true } ]\n",
                  0644);
    fixture_write("presets/optional.yaml", "recognise: [ { topic: x, optional: true } ]\n", 0644);
    fixture_write("presets/word.yaml", "recognise: x\n", 0644);
}

void fixture_enter(void)
{
    static char large[70 * 1024];

    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    atexit(leave);
    fixture_write("secrets.yaml", "flip_token: fl_from_secrets\nlist: [ 1 ]\n", 0600);
    fixture_write("good", "fl_from_file\n", 0600);
    fixture_write("two_lines", "first\nsecond\n\n", 0600);
    fixture_write("readable", "fl_from_file\n", 0644);
    fixture_write("writable", "fl_from_file\n", 0622);
    fixture_write("binary", "\xff\xfe", 0600);
    memset(large, 'x', sizeof large - 1);
    fixture_write("large", large, 0600);
    ck_assert_int_eq(mkdir("folder", 0700), 0);
    ck_assert_int_eq(mkfifo("pipe", 0600), 0);
    ck_assert_int_eq(symlink("good", "link"), 0);
    write_presets();
}

struct f2m_config *fixture_load(const char *yaml, char *const *environment, struct f2m_findings *findings)
{
    static char token[] = "FLIP_TOKEN=fl_from_env";
    char *variables[16] = {token};
    struct f2m_config_options options = {.file = "test.yaml", .environ = variables};

    for (size_t i = 0; environment && environment[i] && i < 14; i++)
        variables[i + 1] = environment[i];
    fixture_write("test.yaml", yaml, 0644);
    return f2m_config_load(&options, findings);
}

struct f2m_config *fixture_load_valid(const char *yaml)
{
    struct f2m_findings findings;
    f2m_autostrbuf text = {0};

    struct f2m_config *config = fixture_load(yaml, NULL, &findings);
    f2m_strbuf_init(&text, 0);
    f2m_findings_print(&findings, &text);
    f2m_findings_free(&findings);
    ck_assert_msg(config != NULL, "%s", text.data);
    return config;
}

void fixture_lines(const struct f2m_findings *findings, struct f2m_strbuf *out)
{
    for (size_t i = 0; i < findings->len; i++) {
        const struct f2m_finding *f = &findings->list[i];
        f2m_strbuf_addf(out, "%s:%d:%d: %s: %s\n", f->file, f->line ? f->line : 1, f->col ? f->col : 1,
                        f->severity == F2M_CONFIG_ERROR ? "error" : "warning", f->message);
    }
}

char *fixture_read_file(const char *path)
{
    FILE *f = fopen(path, "r");
    struct stat st;

    ck_assert_msg(f != NULL, "cannot open %s", path);
    ck_assert_int_eq(fstat(fileno(f), &st), 0);
    char *text = calloc(1, (size_t)st.st_size + 1);
    ck_assert_uint_eq(fread(text, 1, (size_t)st.st_size, f), (size_t)st.st_size);
    fclose(f);
    return text;
}
