/* `config` prints what holds, loads again to the same, and shows no secret; findings show the line and a caret. */
#include "fixture.h"
#include "suite.h"

#include <string.h>

static void print_again(struct f2m_config *config, struct f2m_strbuf *out)
{
    f2m_strbuf_init(out, 0);
    f2m_config_print(config, out);
    f2m_config_free(config);
}

static const char WHOLE[] =
    "flip: { token: fl_hush, base_url: http://127.0.0.1:8080 }\n"
    "mqtt: { server: \"mqtts://ann:hush@[::1]\" }\n"
    "http: { webhook: { secret: [ whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, whsec_c2VjcmV0 ] } }\n"
    "requests: { allow: [ token, read ], response_topics: [ a/+/b, \"#\" ] }\n"
    "sites:\n"
    "  - id: \"a: b # c\"\n"
    "    city: \"true\"\n"
    "    devices:\n"
    "      - id: \"- x\"\n"
    "        preset: { name: mine, serial: \"S:7, {x}\" }\n"
    "        serial_number: { topic: s/n, path: \"/a~1b\", retained: accept }\n"
    "        capacity: 13.5 kWh\n"
    "        max_charge: 999 W\n"
    "        telemetry:\n"
    "          keepalive: { topic: k }\n"
    "          sources:\n"
    "            mode: { topic: m, map: { \"0\": SAVINGS, off: BACKUP } }\n"
    "            grid_power: { sum: [ { product: [ v, { topic: i, scale: -1 } ], unit: W }, { const: 5 kW } ], "
    "missing: zero, positive: export }\n"
    "        control:\n"
    "          modes:\n"
    "            CHARGE/FOLLOW_LOAD:\n"
    "              - { topic: t, payload: \"line\\nbreak \\\"q\\\" \\\\\", delay: 1500ms, refresh: 90s }\n"
    "              - { topic: t, payload: \"\", confirm: { topic: c, equals: ON } }\n"
    "          veto: { topic: v, map: { yes: true } }\n"
    "      - { id: y, type: EV_CHARGER, attributes: { a: [ 1, x, null, true ], b: \"1\" } }\n";

/* The preset's name is a comment: it is not there when the text is printed from itself. */
static void cut_line(struct f2m_strbuf *text, const char *line)
{
    char *at = strstr(text->data, line);

    ck_assert_ptr_nonnull(at);
    size_t len = strlen(line);
    memmove(at, at + len, strlen(at + len) + 1);
}

START_TEST(test_loads_again)
{
    f2m_autostrbuf first = {0}, second = {0};

    fixture_enter();
    print_again(fixture_load_valid(WHOLE), &first);
    print_again(fixture_load_valid(first.data), &second);
    cut_line(&first, "        # preset: mine\n");
    ck_assert(strcmp(first.data, second.data) == 0);
    ck_assert_ptr_nonnull(strstr(first.data, "server: \"mqtts://[::1]:8883\""));
    ck_assert_ptr_nonnull(strstr(first.data, "capacity: 13.5 kWh"));
    ck_assert_ptr_nonnull(strstr(first.data, "max_charge: 999 W"));
    ck_assert_ptr_nonnull(strstr(first.data, "delay: 1500ms"));
    ck_assert_ptr_nonnull(strstr(first.data, "attributes: {\"a\":[1,\"x\",null,true],\"b\":\"1\"}"));
}
END_TEST

START_TEST(test_no_secret)
{
    f2m_autostrbuf text = {0};

    fixture_enter();
    print_again(fixture_load_valid(WHOLE), &text);
    ck_assert_ptr_null(strstr(text.data, "hush"));
    ck_assert_ptr_null(strstr(text.data, "MfKQ"));
    ck_assert_ptr_null(strstr(text.data, "c2Vj"));
    ck_assert_ptr_nonnull(strstr(text.data, "token: \"***\""));
    ck_assert_ptr_nonnull(strstr(text.data, "password: \"***\""));
}
END_TEST

START_TEST(test_findings_text)
{
    struct f2m_findings findings;
    f2m_autostrbuf text = {0};

    fixture_enter();
    ck_assert_ptr_null(fixture_load("flip:\n  token: fl_hush\n  ca: \"\"\n\tx: 1\n", NULL, &findings));
    f2m_findings_free(&findings);
    ck_assert_ptr_null(fixture_load("flip: { token: fl_hush, tokn: fl_hush2, poll: { site: 1 } }\n", NULL, &findings));
    f2m_strbuf_init(&text, 0);
    f2m_findings_print(&findings, &text);
    ck_assert_str_eq(text.data, "test.yaml:1:25: error: unknown key 'tokn' in flip, did you mean 'token'?\n"
                                "flip: { token: ***, tokn: ***, poll: { site: 1 } }\n"
                                "                        ^\n"
                                "test.yaml:1:55: error: site: expected a duration of at least 1s, found '1'\n"
                                "flip: { token: ***, tokn: ***, poll: { site: 1 } }\n"
                                "                                             ^\n");
    f2m_findings_free(&findings);
}
END_TEST

START_TEST(test_unprintable_bytes)
{
    struct f2m_findings findings;
    f2m_autostrbuf text = {0};

    fixture_enter();
    ck_assert_ptr_null(fixture_load("version: 1\nx\ty: \xc3\xa9\xe9\n", NULL, &findings));
    f2m_strbuf_init(&text, 0);
    f2m_findings_print(&findings, &text);
    ck_assert_str_eq(text.data, "test.yaml:2:7: error: expected UTF-8 text, found the byte 0xe9\n"
                                "x y: \xc3\xa9?\n"
                                "      ^\n");
    f2m_findings_free(&findings);
}
END_TEST

/* Whatever else is wrong on its line: a password with odd characters, a list or mapping by mistake, a key misspelt. */
START_TEST(test_no_secret_is_quoted)
{
    static const char *const lines[] = {
        "server: \"mqtt://u:hu/shed@h\", foo: 1",
        "server: \"mqtt://u:hu,shed@h\", foo: 1",
        "server: \"mqtt://u:hu shed@h\", foo: 1",
        "server: \"mqtt://u:hu}sh@ed@h\", foo: 1",
        "server: 'mqtt://u:hu\"shed@h', foo: 1",
        "server: \"u:hushed@h:1883\"",
        "srver: \"mqtt://u:hu shed@h\"",
        "a: \"mqtt://h\", b: \"mqtt://u:hushed@h\"",
        "username: u, password: { hushed: 1 }",
        "username: u, password: { a: hushed }",
        "username: u, password: [ hush, shed ]",
        "username: u, password: \"hu\\\"shed\", foo: 1",
        "username: u, password: 'hu''shed', foo: 1",
        "username: u, pass: hushed",
        "username: u, passwords: [ hush, shed ]",
        "username: u, password: [ hush, shed ], foo: : 1",
    };
    fixture_enter();
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct f2m_findings findings;
        f2m_autostrbuf text = {0}, yaml = {0};
        f2m_strbuf_init(&yaml, 0);
        f2m_strbuf_addf(&yaml, "flip: { token: x }\nmqtt: { %s }\n", lines[i]);
        ck_assert_ptr_null(fixture_load(yaml.data, NULL, &findings));
        f2m_strbuf_init(&text, 0);
        f2m_findings_print(&findings, &text);
        ck_assert_msg(strstr(text.data, "***") && !strstr(text.data, "shed"), "%s", text.data);
        f2m_findings_free(&findings);
    }
}
END_TEST

/* Not even where it is wrong itself; HUSH, TEMPLATE and URL hold the word. */
START_TEST(test_no_hidden_value_is_told)
{
    static const char *const lines[] = {
        "mqtt: { server: !env HUSH }",
        "mqtt: { server: \"mqtts://h\", ca: !env HUSH }",
        "mqtt: { base_topic: !env PATH }",
        "flip: { token: x, base_url: !env HUSH }",
        "flip: { token: x, base_url: !env URL }",
        "sites: [{ id: !env HUSH }, { id: !env HUSH }]",
        "sites: [{ id: s, devices: [{ id: d, preset: !env HUSH }] }]",
        "sites: [{ id: s, devices: [{ id: d, telemetry: { sources: { state_of_charge: !env HUSH } } }] }]",
        "sites: [{ id: s, devices: [{ id: d, telemetry: { sources: { solar_power: { topic: a, unit: !env HUSH } } } }] }]",
        "sites: [{ id: s, devices: [{ id: d, telemetry: { sources: { battery_power: { topic: a, positive: !env HUSH } } "
        "} }] }]",
        "sites: [{ id: s, devices: [{ id: d, control: { modes: { CHARGE: [{ topic: !env HUSH, payload: x }] } } }] }]",
        "sites: [{ id: s, devices: [{ id: d, control: { modes: { CHARGE: [{ topic: a, payload: !env TEMPLATE }] } } }] "
        "}]",
    };
    char *environment[] = {(char[]){"HUSH=hushed/+#"}, (char[]){"TEMPLATE={{ hushed }}"},
                           (char[]){"URL=http://hushed.example"}, (char[]){"PATH=/hushed"}, NULL};
    fixture_enter();
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct f2m_findings findings;
        f2m_autostrbuf text = {0}, yaml = {0};
        f2m_strbuf_init(&yaml, 0);
        f2m_strbuf_addf(&yaml, "%s%s\n", strncmp(lines[i], "flip", 4) == 0 ? "" : "flip: { token: x }\n", lines[i]);
        ck_assert_ptr_null(fixture_load(yaml.data, environment, &findings));
        f2m_strbuf_init(&text, 0);
        f2m_findings_print(&findings, &text);
        ck_assert_msg(strstr(text.data, "***") && !strstr(text.data, "hushed"), "%s", text.data);
        f2m_findings_free(&findings);
    }
}
END_TEST

START_TEST(test_secret_of_several_lines)
{
    struct f2m_findings findings;
    f2m_autostrbuf text = {0};

    fixture_enter();
    ck_assert_ptr_null(fixture_load("flip:\n  token: |\n    fl_hush\n    more_hush\n", NULL, &findings));
    f2m_strbuf_init(&text, 0);
    f2m_findings_print(&findings, &text);
    ck_assert_str_eq(text.data, "test.yaml:3:1: error: token: expected a token without blanks and controls, found ***\n"
                                "    ***\n"
                                "^\n");
    f2m_findings_free(&findings);
}
END_TEST

START_TEST(test_findings_json)
{
    struct f2m_findings findings;
    f2m_autostrbuf text = {0};

    fixture_enter();
    ck_assert_ptr_null(fixture_load("flip: { token: x }\nx: 1\n", NULL, &findings));
    f2m_strbuf_init(&text, 0);
    f2m_findings_print_json(&findings, &text);
    ck_assert_str_eq(text.data, "[{\"severity\":\"error\",\"file\":\"test.yaml\",\"line\":2,\"column\":1,"
                                "\"message\":\"unknown key 'x' in the configuration\",\"source_line\":\"x: 1\"}]\n");
    f2m_findings_free(&findings);
}
END_TEST

/* docs/configuration.md and the schema are what the table writes: run `ninja f2m-docs` after changing it. */
START_TEST(test_documents)
{
    f2m_autostrbuf text = {0};

    f2m_strbuf_init(&text, 0);
    f2m_config_write_reference(&text);
    char *committed = fixture_read_file(F2M_SOURCE_DIR "/docs/configuration.md");
    ck_assert_msg(strcmp(committed, text.data) == 0, "docs/configuration.md is old: run ninja f2m-docs");
    free(committed);
    f2m_strbuf_reset(&text);
    f2m_config_write_schema(&text);
    committed = fixture_read_file(F2M_SOURCE_DIR "/mqtt-schemas/configuration.schema.json");
    ck_assert_msg(strcmp(committed, text.data) == 0, "configuration.schema.json is old: run ninja f2m-docs");
    free(committed);
}
END_TEST

RUN_SUITE("print", test_loads_again, test_no_secret, test_findings_text, test_unprintable_bytes,
          test_secret_of_several_lines, test_no_secret_is_quoted, test_no_hidden_value_is_told, test_findings_json,
          test_documents)
