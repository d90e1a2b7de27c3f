/* What a configuration says arrives in struct f2m_config: quantities in canonical units, defaults filled in. */
#include "fixture.h"
#include "suite.h"

#include "config/timezone.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct f2m_config *load_file(const char *name)
{
    static char token[] = "FLIP_TOKEN=fl_x", password[] = "MQTT_PASSWORD=p",
                secret[] = "FLIP_WEBHOOK_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    char *const variables[] = {token, password, secret, NULL};
    struct f2m_findings findings;
    f2m_autostrbuf text = {0};
    char path[512];

    snprintf(path, sizeof path, F2M_SOURCE_DIR "/config/%s", name);
    const struct f2m_config_options options = {.file = path, .environ = variables};
    struct f2m_config *config = f2m_config_load(&options, &findings);
    f2m_strbuf_init(&text, 0);
    f2m_findings_print(&findings, &text);
    f2m_findings_free(&findings);
    ck_assert_str_eq(text.data, "");
    return config;
}

START_TEST(test_defaults)
{
    fixture_enter();
    struct f2m_config *c = fixture_load_valid("flip: { token: x }\nsites: [ { id: a, devices: [ { id: b } ] } ]\n");
    ck_assert_str_eq(c->flip.base_url, "https://api-sandbox.flip.energy");
    ck_assert_int_eq(c->flip.upload_delay_ms, 2000);
    ck_assert_int_eq(c->flip.poll.commands_ms, 60000);
    ck_assert_int_eq(c->flip.poll.programs_ms, 6 * 3600000);
    ck_assert(!c->flip.reject_unknown_devices);
    ck_assert_str_eq(c->mqtt.host, "localhost");
    ck_assert_int_eq(c->mqtt.port, 1883);
    ck_assert_int_eq(c->mqtt.version, 5);
    ck_assert_int_eq(c->mqtt.keepalive_s, 60);
    ck_assert_ptr_null(c->mqtt.client_id);
    ck_assert(c->homeassistant.enabled);
    ck_assert_str_eq(c->storage.path, "/var/lib/flip2mqtt/flip2mqtt.db");
    ck_assert_int_eq(c->storage.max_age_ms, 30LL * 86400000);
    ck_assert_int_eq(c->storage.max_size, 256000000);
    ck_assert_ptr_null(c->http.listen);
    ck_assert_uint_eq(c->requests.allow, 1u << F2M_GROUP_READ | 1u << F2M_GROUP_PARTICIPATION | 1u << F2M_GROUP_OUTBOX);
    const struct f2m_device *d = &c->sites[0].devices[0];
    ck_assert_str_eq(d->name, "b");
    ck_assert(isnan(d->capacity) && isnan(d->max_charge) && isnan(d->control.reserve_floor));
    ck_assert_int_eq(d->telemetry.interval_ms, 300000);
    ck_assert_int_eq(d->telemetry.default_mode, F2M_MODE_SELF_CONSUMPTION);
    ck_assert_int_eq(d->control.acknowledge_timeout_ms, 600000);
    ck_assert_int_eq(d->control.veto.op, F2M_SOURCE_NONE);
    ck_assert_ptr_eq(d->site, &c->sites[0]);
    f2m_config_free(c);
}
END_TEST

START_TEST(test_example)
{
    struct f2m_config *c = load_file("configuration.example.yaml");
    struct f2m_device *d = f2m_config_device(c, "xyz-123");
    ck_assert_ptr_nonnull(d);
    ck_assert_str_eq(d->name, "Garage battery");
    ck_assert_double_eq(d->capacity, 13500);
    ck_assert_str_eq(d->capacity_wh.value, "13500");
    ck_assert_ptr_nonnull(d->serial_number.source);
    ck_assert(d->serial_number.source->retained_accept);
    const struct f2m_source *soc = &d->telemetry.sources[F2M_SRC_STATE_OF_CHARGE];
    ck_assert_int_eq(soc->op, F2M_SOURCE_TOPIC);
    ck_assert_int_eq(soc->format, F2M_FORMAT_JSON);
    ck_assert_str_eq(soc->path, "/soc");
    ck_assert_str_eq(soc->unit->name, "%");
    ck_assert_int_eq(soc->max_age_ms, 300000);
    const struct f2m_source *power = &d->telemetry.sources[F2M_SRC_BATTERY_POWER];
    ck_assert_int_eq(power->op, F2M_SOURCE_PRODUCT);
    ck_assert_uint_eq(power->parts_len, 2);
    ck_assert_int_eq(power->sign, -1);
    ck_assert_int_eq(power->parts[0].sign, 1);
    ck_assert_ptr_null(power->parts[0].unit);
    ck_assert_str_eq(power->unit->name, "W");
    const struct f2m_source *grid = &d->telemetry.sources[F2M_SRC_GRID_POWER];
    ck_assert_double_eq(grid->scale, 0.1);
    ck_assert_int_eq(grid->max_age_ms, 60000);
    ck_assert(d->telemetry.sources[F2M_SRC_SOLAR_POWER].missing_zero);
    ck_assert_uint_eq(d->telemetry.sources[F2M_SRC_MODE].map_len, 3);
    ck_assert_str_eq(d->telemetry.sources[F2M_SRC_MODE].map[1].raw, "1");
    ck_assert_str_eq(d->telemetry.sources[F2M_SRC_MODE].map[1].value, "SAVINGS");
    ck_assert_double_eq(d->control.reserve_floor, 20);
    ck_assert_uint_eq(d->control.modes_len, 2);
    ck_assert_int_eq(d->control.modes[0].mode, F2M_MODE_DISCHARGE);
    ck_assert_str_eq(d->control.modes[0].power_mode, "SETPOINT");
    ck_assert_ptr_null(d->control.modes[1].power_mode);
    const struct f2m_control_publish *first = &d->control.modes[0].publishes[0];
    ck_assert_int_eq(first->refresh_ms, 30000);
    ck_assert_str_eq(first->confirm.equals, "{{ setpoint_w }}");
    ck_assert_int_eq(first->confirm.within_ms, 30000);
    ck_assert_int_eq(d->control.modes[0].publishes[1].delay_ms, 2000);
    ck_assert_str_eq(f2m_config_device(c, "charger-1")->attributes, "{\"connector\":\"J1772\",\"amps\":32}");
    ck_assert_ptr_null(f2m_config_device(c, "nobody"));
    ck_assert_ptr_eq(f2m_config_site(c, "abc-789"), &c->sites[0]);
    f2m_config_free(c);
    f2m_timezone_forget_all();
}
END_TEST

START_TEST(test_minimal)
{
    struct f2m_config *c = load_file("minimal.yaml");
    const struct f2m_device *d = f2m_config_device(c, "xyz-123");
    ck_assert_str_eq(d->preset, "solarassistant");
    ck_assert_str_eq(d->telemetry.sources[F2M_SRC_BATTERY_POWER].topic, "solar_assistant/total/battery_power/state");
    ck_assert_int_eq(d->telemetry.sources[F2M_SRC_BATTERY_POWER].sign, 1);
    f2m_config_free(c);
}
END_TEST

START_TEST(test_texts_lose_nothing)
{
    fixture_enter();
    struct f2m_config *c =
        fixture_load_valid("flip: { token: 0123 }\n"
                           "mqtt: { username: yes, password: 1e3 }\n"
                           "sites: [ { id: 007, zip_code: 01234, devices: [ { id: 16:00, name: no } ] } ]\n");
    ck_assert_str_eq(c->flip.token, "0123");
    ck_assert_str_eq(c->mqtt.username, "yes");
    ck_assert_str_eq(c->mqtt.password, "1e3");
    ck_assert_str_eq(c->sites[0].id, "007");
    ck_assert_str_eq(c->sites[0].zip_code, "01234");
    ck_assert_str_eq(c->sites[0].devices[0].id, "16:00");
    ck_assert_str_eq(c->sites[0].devices[0].name, "no");
    f2m_config_free(c);
}
END_TEST

START_TEST(test_booleans)
{
    fixture_enter();
    struct f2m_config *c = fixture_load_valid(
        "flip: { token: x, insecure: On, base_url: \"http://flip.example.com:8080//\" }\n"
        "homeassistant: { enabled: no }\n"
        "sites: [ { id: a, commission: FALSE, can_auto_enroll: \"true\", devices: [ { id: b } ] } ]\n");
    ck_assert(c->flip.insecure && !c->homeassistant.enabled && !c->sites[0].commission && c->sites[0].can_auto_enroll);
    ck_assert_str_eq(c->flip.base_url, "http://flip.example.com:8080");
    f2m_config_free(c);
}
END_TEST

START_TEST(test_server_urls)
{
    static const struct {
        const char *url, *host;
        int port;
        bool tls;
        const char *user, *password;
    } good[] = {
        {"mqtt://broker", "broker", 1883, false, NULL, NULL},
        {"mqtts://broker", "broker", 8883, true, NULL, NULL},
        {"mqtt://broker:1884/", "broker", 1884, false, NULL, NULL},
        {"mqtts://[::1]:8884", "::1", 8884, true, NULL, NULL},
        {"mqtt://ann:p%40ss%2Fw@10.0.0.1", "10.0.0.1", 1883, false, "ann", "p@ss/w"},
        {"mqtt://ann:100%@host", "host", 1883, false, "ann", "100%"},
        {"mqtt://ann@host", "host", 1883, false, "ann", NULL},
    };

    fixture_enter();
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char yaml[200];
        snprintf(yaml, sizeof yaml, "flip: { token: x }\nmqtt: { server: \"%s\" }\n", good[i].url);
        struct f2m_config *c = fixture_load_valid(yaml);
        ck_assert_str_eq(c->mqtt.host, good[i].host);
        ck_assert_int_eq(c->mqtt.port, good[i].port);
        ck_assert_int_eq(c->mqtt.tls, good[i].tls);
        ck_assert_pstr_eq(c->mqtt.username, good[i].user);
        ck_assert_pstr_eq(c->mqtt.password, good[i].password);
        f2m_config_free(c);
    }
}
END_TEST

START_TEST(test_loopback)
{
    static const char *const urls[] = {"http://localhost:8080", "http://127.0.0.1",
                                       "http://127.9.9.9:1",    "http://[::1]:8080",
                                       "http://flip.localhost", "https://flip.example.com/api"};

    fixture_enter();
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        char yaml[200];
        snprintf(yaml, sizeof yaml, "flip: { token: x, base_url: \"%s\" }\n", urls[i]);
        struct f2m_config *c = fixture_load_valid(yaml);
        ck_assert_str_eq(c->flip.base_url, urls[i]);
        f2m_config_free(c);
    }
}
END_TEST

START_TEST(test_allow)
{
    fixture_enter();
    struct f2m_config *c = fixture_load_valid("flip: { token: x }\nrequests: { allow: all }\n");
    ck_assert_uint_eq(c->requests.allow, (1u << F2M_GROUP_COUNT) - 1);
    f2m_config_free(c);
    c = fixture_load_valid("flip: { token: x }\nrequests: { allow: [ token ] }\n");
    ck_assert_uint_eq(c->requests.allow, 1u << F2M_GROUP_TOKEN);
    f2m_config_free(c);
    c = fixture_load_valid("flip: { token: x }\nrequests: { allow: [] }\n");
    ck_assert_uint_eq(c->requests.allow, 0);
    f2m_config_free(c);
}
END_TEST

START_TEST(test_sources)
{
    fixture_enter();
    struct f2m_config *c =
        fixture_load_valid("flip: { token: x }\n"
                           "sites:\n"
                           "  - id: a\n"
                           "    devices:\n"
                           "      - id: b\n"
                           "        telemetry:\n"
                           "          max_age: 2min\n"
                           "          sources:\n"
                           "            state_of_charge: a/b\n"
                           "            capacity: { const: 13.5 kWh }\n"
                           "            grid_power: { difference: [ i, { topic: e, unit: W, max_age: 10s } ], unit: "
                           "kW, offset: 2, positive: export }\n"
                           "            solar_power: { topic: kv, format: keyvalue, path: /p, unit: mW }\n");
    const struct f2m_source *s = c->sites[0].devices[0].telemetry.sources;
    ck_assert_str_eq(s[F2M_SRC_STATE_OF_CHARGE].topic, "a/b");
    ck_assert_int_eq(s[F2M_SRC_STATE_OF_CHARGE].format, F2M_FORMAT_TEXT);
    ck_assert_ptr_null(s[F2M_SRC_STATE_OF_CHARGE].unit);
    ck_assert_double_eq(s[F2M_SRC_STATE_OF_CHARGE].scale, 1);
    ck_assert_int_eq(s[F2M_SRC_STATE_OF_CHARGE].line, 9);
    ck_assert_int_eq(s[F2M_SRC_STATE_OF_CHARGE].col, 30);
    ck_assert_int_eq(s[F2M_SRC_CAPACITY].op, F2M_SOURCE_CONST);
    ck_assert_str_eq(s[F2M_SRC_CAPACITY].constant, "13500");
    /* A unit beside a difference is that of the parts which give none. */
    const struct f2m_source *grid = &s[F2M_SRC_GRID_POWER];
    ck_assert_str_eq(grid->parts[0].unit->name, "kW");
    ck_assert_str_eq(grid->parts[1].unit->name, "W");
    ck_assert_ptr_null(grid->unit);
    ck_assert_double_eq(grid->offset, 2000);
    ck_assert_int_eq(grid->sign, -1);
    ck_assert_int_eq(grid->parts[0].max_age_ms, 120000);
    ck_assert_int_eq(grid->parts[1].max_age_ms, 10000);
    ck_assert_int_eq(s[F2M_SRC_SOLAR_POWER].format, F2M_FORMAT_KEYVALUE);
    f2m_config_free(c);
}
END_TEST

START_TEST(test_tags)
{
    fixture_enter();
    struct f2m_config *c = fixture_load_valid("flip: { token: !secret flip_token }\n"
                                              "mqtt: { username: !file link, password: !file two_lines }\n"
                                              "sites: [ { id: !env FLIP_TOKEN, devices: [ { id: b } ] } ]\n");
    ck_assert_str_eq(c->flip.token, "fl_from_secrets");
    ck_assert_str_eq(c->mqtt.username, "fl_from_file");
    ck_assert_str_eq(c->mqtt.password, "first\nsecond\n");
    ck_assert_str_eq(c->sites[0].id, "fl_from_env");
    f2m_config_free(c);
}
END_TEST

/* Paths in the configuration start from its folder, wherever the program was started. */
START_TEST(test_paths)
{
    struct f2m_findings findings;
    char folder[256], file[300], expected[300];

    fixture_enter();
    ck_assert_ptr_nonnull(getcwd(folder, sizeof folder));
    fixture_write("test.yaml", "flip: { token: !file good, ca: good }\nstorage: { path: f.db }\n", 0644);
    ck_assert_int_eq(chdir("/"), 0);
    snprintf(file, sizeof file, "%s/test.yaml", folder);
    const struct f2m_config_options options = {.file = file};
    struct f2m_config *c = f2m_config_load(&options, &findings);
    f2m_findings_free(&findings);
    ck_assert_ptr_nonnull(c);
    snprintf(expected, sizeof expected, "%s/f.db", folder);
    ck_assert_str_eq(c->storage.path, expected);
    snprintf(expected, sizeof expected, "%s/good", folder);
    ck_assert_str_eq(c->flip.ca, expected);
    f2m_config_free(c);
}
END_TEST

static char *const none[] = {NULL};

START_TEST(test_environment_wins)
{
    static char token[] = "FLIP2MQTT_FLIP_TOKEN_FILE=good", poll[] = "FLIP2MQTT_FLIP_POLL_COMMANDS=7s",
                allow[] = "FLIP2MQTT_REQUESTS_ALLOW=read, device", url[] = "FLIP2MQTT_FLIP_BASE_URL=http://localhost:1",
                listen[] = "FLIP2MQTT_HTTP_LISTEN=0.0.0.0:80", other[] = "FLIP2MQTTX=1";
    char *const variables[] = {token, poll, allow, url, listen, other, NULL};
    struct f2m_findings findings;

    fixture_enter();
    struct f2m_config *c =
        fixture_load("flip: { token: from_file, poll: { commands: 5s, events: 6s } }\n", variables, &findings);
    f2m_findings_free(&findings);
    ck_assert_ptr_nonnull(c);
    ck_assert_str_eq(c->flip.token, "fl_from_file");
    ck_assert_str_eq(c->flip.base_url, "http://localhost:1");
    ck_assert_int_eq(c->flip.poll.commands_ms, 7000);
    ck_assert_int_eq(c->flip.poll.events_ms, 6000);
    ck_assert_uint_eq(c->requests.allow, 1u << F2M_GROUP_READ | 1u << F2M_GROUP_DEVICE);
    ck_assert_str_eq(c->http.listen, "0.0.0.0:80");
    f2m_config_free(c);
    /* An empty file and the environment are enough. */
    c = fixture_load("", variables, &findings);
    f2m_findings_free(&findings);
    ck_assert_ptr_nonnull(c);
    f2m_config_free(c);
    c = fixture_load("", none, &findings);
    f2m_findings_free(&findings);
    ck_assert_ptr_null(c);
}
END_TEST

START_TEST(test_aliases)
{
    fixture_enter();
    struct f2m_config *c = fixture_load_valid("flip: { token: x }\n"
                                              "sites:\n"
                                              "  - id: a\n"
                                              "    devices:\n"
                                              "      - &first\n"
                                              "        id: b\n"
                                              "        capacity: &capacity 10 kWh\n"
                                              "        telemetry: { sources: { state_of_charge: &soc { topic: s } } }\n"
                                              "      - <<: *first\n"
                                              "        id: c\n"
                                              "      - id: d\n"
                                              "        capacity: *capacity\n"
                                              "        telemetry: { sources: { state_of_charge: *soc } }\n");
    ck_assert_uint_eq(c->sites[0].devices_len, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct f2m_device *d = &c->sites[0].devices[i];
        ck_assert_double_eq(d->capacity, 10000);
        ck_assert_str_eq(d->telemetry.sources[F2M_SRC_STATE_OF_CHARGE].topic, "s");
    }
    ck_assert_str_eq(c->sites[0].devices[1].id, "c");
    f2m_config_free(c);
}
END_TEST

START_TEST(test_strange_ids)
{
    fixture_enter();
    struct f2m_config *c = fixture_load_valid(
        "flip: { token: x }\nsites: [ { id: \"a/b +#\", devices: [ { id: \"..\" }, { id: \"ü \\\" %2F\" } ] } ]\n");
    ck_assert_str_eq(c->sites[0].id, "a/b +#");
    ck_assert_ptr_nonnull(f2m_config_device(c, ".."));
    ck_assert_ptr_nonnull(f2m_config_device(c, "ü \" %2F"));
    f2m_config_free(c);
}
END_TEST

START_TEST(test_missing_file)
{
    const struct f2m_config_options options = {.file = "/nowhere/configuration.yaml"};
    struct f2m_findings findings;
    f2m_autostrbuf text = {0};

    ck_assert_ptr_null(f2m_config_load(&options, &findings));
    f2m_strbuf_init(&text, 0);
    f2m_findings_print(&findings, &text);
    f2m_findings_free(&findings);
    ck_assert_str_eq(text.data, "/nowhere/configuration.yaml:1:1: error: cannot read: No such file or directory\n");
}
END_TEST

RUN_SUITE("load", test_defaults, test_example, test_minimal, test_texts_lose_nothing, test_booleans, test_server_urls,
          test_loopback, test_allow, test_sources, test_tags, test_paths, test_environment_wins, test_aliases,
          test_strange_ids, test_missing_file)
