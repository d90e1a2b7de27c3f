#include "learn/configuration.h"

#include "config/yaml_writer.h"
#include "learn/choose.h"
#include "learn/report.h"
#include "util/number.h"

#include <inttypes.h>
#include <stdlib.h>

#define DEVICE "        " /* where a device's keys stand */

static void add_text(struct f2m_strbuf *out, const char *before, const char *text, const char *comment)
{
    f2m_strbuf_adds(out, before);
    f2m_yaml_write_scalar(out, text);
    f2m_strbuf_addf(out, comment ? "  # %s\n" : "\n", comment);
}

static void add_header(const struct f2m_survey *s, size_t systems, int64_t listened_ms, struct f2m_strbuf *out)
{
    f2m_strbuf_addf(
        out,
        "# Written by flip2mqtt learn " F2M_VERSION " after %" PRId64 " s and %" PRIu64 " messages: %zu system%s.\n"
        "#\n"
        "# `flip2mqtt check` takes it as it stands, but it is not yet yours:\n"
        "#  1. every line that says FILL IN holds an example: put in what is true;\n"
        "#  2. `flip2mqtt doctor` shows each value as it is read: compare with what the system itself shows;\n"
        "#  3. then delete `control: { observe: true }`: until then Flip's commands are shown and not carried "
        "out.\n",
        listened_ms / 1000, s->messages, systems, systems == 1 ? "" : "s");
    if (systems > 1)
        f2m_strbuf_adds(
            out, "#\n"
                 "# Several systems: delete what is the same battery seen twice. Where they stand in one house, "
                 "let one\n"
                 "# device alone read its solar, home and grid values, or Flip counts them twice; in the others\n"
                 "# `telemetry: { sources: { solar_power: null, home_power: null, grid_power: null } }` takes them "
                 "away.\n");
}

static void add_bridge(const struct f2m_mqtt_config *mqtt, struct f2m_strbuf *out)
{
    bool ipv6 = strchr(mqtt->host, ':') != NULL;
    f2m_autostrbuf url;
    f2m_strbuf_init(&url, 0);

    f2m_strbuf_adds(out,
                    "version: 1\n"
                    "flip:\n"
                    "  environment: sandbox  # then: production\n"
                    "  token: FILL-IN-client-token  # FILL IN: from Flip; better: !file /etc/flip2mqtt/flip_token\n"
                    "mqtt:\n");
    f2m_strbuf_addf(&url, "%s://%s%s%s:%d", mqtt->tls ? "mqtts" : "mqtt", ipv6 ? "[" : "", mqtt->host, ipv6 ? "]" : "",
                    mqtt->port);
    add_text(out, "  server: ", url.data, NULL);
    if (mqtt->username) {
        add_text(out, "  username: ", mqtt->username, NULL);
        f2m_strbuf_adds(out,
                        "  # password: !file /etc/flip2mqtt/mqtt_password  # FILL IN: the one that was used now\n");
    }
    if (mqtt->version != 5)
        f2m_strbuf_adds(out, "  version: 3.1.1\n");
    if (mqtt->ca)
        add_text(out, "  ca: ", mqtt->ca, NULL);
    if (mqtt->cert)
        add_text(out, "  cert: ", mqtt->cert, NULL);
    if (mqtt->key)
        add_text(out, "  key: ", mqtt->key, NULL);
}

/* ---- the preset and its parameters ---- */

static void add_parameter(const struct f2m_learn_system *system, int i, struct f2m_strbuf *out)
{
    const struct f2m_recognise_parameter *p = &system->preset->parameters[i];
    struct f2m_learn_choice choice = f2m_learn_choose(system, i);
    const char *what = p->description ? p->description : p->name;

    f2m_strbuf_addf(out, DEVICE "  %s: ", p->name);
    f2m_yaml_write_scalar(out, choice.text);
    if (choice.origin == F2M_LEARN_PAYLOAD)
        f2m_strbuf_addf(out, "  # as it is just now: %s", what);
    else if (choice.origin == F2M_LEARN_EXAMPLE)
        f2m_strbuf_addf(out, "  # FILL IN: %s", what);
    f2m_strbuf_addc(out, '\n');
}

static bool must_be_given(const struct f2m_learn_system *system, int i)
{
    const char *fallback = system->preset->parameters[i].fallback;
    struct f2m_learn_choice choice = f2m_learn_choose(system, i);

    if (choice.origin == F2M_LEARN_DEFAULT || choice.origin == F2M_LEARN_DEVICE)
        return false;
    return !fallback || strcmp(fallback, choice.text) != 0;
}

static void add_preset(const struct f2m_learn_system *system, struct f2m_strbuf *out)
{
    const struct f2m_recognise_preset *preset = system->preset;
    bool any = false;

    for (size_t i = 0; i < preset->parameters_len; i++)
        any = any || must_be_given(system, (int)i);
    if (!any) {
        f2m_strbuf_addf(out, DEVICE "preset: %s\n", preset->name);
        return;
    }
    f2m_strbuf_addf(out, DEVICE "preset:\n" DEVICE "  name: %s\n", preset->name);
    for (size_t i = 0; i < preset->parameters_len; i++)
        if (must_be_given(system, (int)i))
            add_parameter(system, (int)i, out);
}

/* Sources that this system tells in another way than the preset expects. */
static void add_maps(const struct f2m_learn_system *system, struct f2m_strbuf *out)
{
    uint64_t heard = f2m_learn_heard(system);
    bool any = false;

    for (size_t id = 0; id < F2M_SRC_COUNT; id++) {
        const struct f2m_sign_map *map = f2m_learn_map(system, (enum f2m_source_id)id, heard);
        if (!map)
            continue;
        if (!any)
            f2m_strbuf_adds(out, DEVICE "telemetry:\n" DEVICE "  sources:  # in place of the preset's\n");
        any = true;
        f2m_strbuf_addf(out, DEVICE "    %s: ", f2m_source_info[id].name);
        f2m_learn_add_topic(system, map->yaml, out);
        f2m_strbuf_addc(out, '\n');
    }
}

/* ---- the device's own keys ---- */

static const struct f2m_learn_fact *fact_of(const struct f2m_learn_system *system, const char *key)
{
    for (size_t i = 0; i < system->facts_len; i++)
        if (strcmp(system->facts[i].gift->key, key) == 0)
            return &system->facts[i];
    return NULL;
}

static void add_seen(const struct f2m_learn_system *system, const struct f2m_learn_fact *fact, struct f2m_strbuf *out)
{
    f2m_strbuf_adds(out, "  # seen: ");
    f2m_learn_add_topic(system, fact->sign->topic, out);
    f2m_strbuf_addc(out, '\n');
}

static void add_quantity(const struct f2m_learn_system *system, const char *key, const char *unit, const char *example,
                         const char *what, struct f2m_strbuf *out)
{
    const struct f2m_learn_fact *fact = fact_of(system, key);
    char number[F2M_NUMBER_SIZE];
    double value;

    if (!fact || !f2m_number_parse(f2m_slice_of(fact->text), &value)) {
        f2m_strbuf_addf(out, DEVICE "%s: %s  # FILL IN: %s\n", key, example, what);
        return;
    }
    value *= fact->gift->scale * fact->gift->unit->factor / 1000;
    f2m_strbuf_addf(out, DEVICE "%s: %s %s", key, f2m_number_format(value, number), unit);
    add_seen(system, fact, out);
}

static void add_texts(const struct f2m_learn_system *system, struct f2m_strbuf *out)
{
    static const char *const keys[] = {"manufacturer_name", "product_name", "serial_number"};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct f2m_learn_fact *fact = fact_of(system, keys[i]);
        f2m_autostrbuf text;
        f2m_strbuf_init(&text, 0);
        if (!fact)
            continue;
        f2m_learn_add_topic(system, fact->gift->text ? fact->gift->text : "", &text);
        if (!fact->gift->text)
            f2m_strbuf_adds(&text, fact->text);
        f2m_strbuf_addf(out, DEVICE "%s: ", keys[i]);
        f2m_yaml_write_scalar(out, text.data);
        add_seen(system, fact, out);
    }
}

static void add_device(const struct f2m_learn_system *system, size_t number, struct f2m_strbuf *out)
{
    f2m_autostrbuf name;
    f2m_strbuf_init(&name, 0);

    f2m_strbuf_addf(out, "      # %zu. %s; docs/presets.md, \"%s\".\n", number, system->preset->description,
                    system->preset->name);
    f2m_learn_describe(system, "      # ", out);
    f2m_strbuf_addf(out, "      - id: FILL-IN-device-id-%zu  # FILL IN: the device's id at Flip\n", number);
    f2m_learn_add_name(system, &name);
    add_text(out, DEVICE "name: ", name.data, "as you like");
    f2m_strbuf_adds(out, DEVICE "type: BATTERY\n");
    add_texts(system, out);
    add_quantity(system, "capacity", "kWh", "10 kWh", "the usable energy of the full battery", out);
    add_quantity(system, "max_charge", "kW", "5 kW", "the most that the battery takes", out);
    add_quantity(system, "max_discharge", "kW", "5 kW", "the most that the battery gives", out);
    add_preset(system, out);
    add_maps(system, out);
    if (system->preset->observe)
        f2m_strbuf_adds(out, DEVICE "control: { observe: true }  # delete this once the numbers are right\n");
}

size_t f2m_learn_write_configuration(const struct f2m_survey *s, const struct f2m_mqtt_config *mqtt,
                                     int64_t listened_ms, struct f2m_strbuf *out)
{
    size_t len;
    const struct f2m_learn_system **systems = f2m_learn_systems(s, &len);

    if (len) {
        add_header(s, len, listened_ms, out);
        add_bridge(mqtt, out);
        f2m_strbuf_adds(out, "sites:\n"
                             "  - id: FILL-IN-site-id  # FILL IN: your site's id at Flip\n"
                             "    devices:\n");
    }
    for (size_t i = 0; i < len; i++)
        add_device(systems[i], i + 1, out);
    free(systems);
    return len;
}
