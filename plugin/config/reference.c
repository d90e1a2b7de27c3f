/* docs/configuration.md, from the table. A test compares the committed file with what this writes. */
#include "config/source.h"
#include "config/table.h"

#include <string.h>

static const char INTRO[] =
    "# Configuration\n"
    "\n"
    "This page is generated from the table that also reads the configuration (`plugin/config/keys_*.c`): "
    "`cmake --build <folder> --target f2m-docs` writes it anew.\n"
    "\n"
    "The bridge reads `/etc/flip2mqtt/configuration.yaml`, or the file after `-c`. `flip2mqtt check` shows every "
    "mistake "
    "with its place, `flip2mqtt config` what holds in the end. [minimal.yaml](../config/minimal.yaml) is the shortest "
    "file that works, [configuration.example.yaml](../config/configuration.example.yaml) shows every key, and "
    "[configuration.schema.json](../mqtt-schemas/configuration.schema.json) teaches them to an editor.\n"
    "\n"
    "## How values are written\n"
    "\n"
    "* **Quantities** carry their unit: `5 kW`, `13.5 kWh`, `5min`, `20 %`, `256 MB`. Powers: `mW` `W` `kW` `MW`; "
    "energies: "
    "`Wh` `kWh` `MWh`; durations: `ms` `s` `min` `h` `d`; percentages: `%` or `ratio`; sizes: `B` `kB` `MB` `GB` "
    "(powers of "
    "1000) and `KiB` `MiB` `GiB`. A number alone is refused, except `0`. Alone, the percent sign needs quotes: `unit: "
    "\"%\"`.\n"
    "* **Booleans**: `true` or `false`; `yes`, `no`, `on` and `off` are taken too.\n"
    "* **Texts** are taken as they stand: `zip_code: 01234` and `start: 16:00` lose nothing.\n"
    "* **Paths** of files start from the folder of the configuration, unless they begin with `/`.\n"
    "* `null` (or `~`) means that a key is not given; in a device it takes away what its preset says.\n"
    "* Anchors, aliases and merge keys (`&a`, `*a`, `<<: *a`) work.\n"
    "\n"
    "## Secrets and the environment\n"
    "\n"
    "Any text may be `!env NAME` (an environment variable), `!file PATH` (a file's content without the newline at its "
    "end) "
    "or `!secret KEY` (from `secrets.yaml` beside the configuration). Such files must not be writable by group or "
    "others; "
    "being readable by others gives a warning.\n"
    "\n"
    "Every key outside `sites` can be set by a variable: `FLIP2MQTT_` and its path in capitals, joined by `_`, such as "
    "`FLIP2MQTT_FLIP_POLL_COMMANDS=30s`; with `_FILE` behind it the variable names a file with the value: "
    "`FLIP2MQTT_FLIP_TOKEN_FILE=/run/secrets/flip_token`. Lists are written with commas. An unknown variable with this "
    "prefix that looks like one of them is an error. A flag wins over the environment, the environment over the file, "
    "the file over the default.\n"
    "\n"
    "## Presets\n"
    "\n"
    "`preset: NAME` fills in what a well-known system speaks, `preset: { name: NAME, <parameter>: … }` does so where "
    "the "
    "preset has parameters, such as a serial number. They are looked for in `presets/` beside the configuration, then "
    "among those that come with the bridge (`config/presets/` in its sources). The device's own keys win: mappings are "
    "merged, lists and texts replaced. A source that says where it comes from (`topic`, `const`, `sum`, `difference`, "
    "`product`) replaces the preset's as a whole; one that only says more about it (`max_age: 60s`) is merged.\n"
    "\n"
    "A preset file holds `description`, `status` (`stable` or `experimental`), `notes`, `traps`, `recognise` (what "
    "`flip2mqtt learn` knows the system by, see below), `parameters` (each with "
    "`description`, a `default` or an `example`, and perhaps `from`, the device's own key that is used where the "
    "parameter is "
    "not given), and any key of a device. `${parameter}` stands for a parameter "
    "in every text and key.\n";

static const char RECOGNISE[] =
    "\n"
    "`recognise` is a list. The topics of all entries without `optional` must be there; the parameters that all of "
    "these "
    "hold tell one system from another, such as a serial number. A parameter is a part of one level of the topic, or "
    "several levels where it begins the topic or where its default or example holds a `/`.\n"
    "\n"
    "| key of an entry | |\n"
    "|---|---|\n"
    "| `topic` | with `${parameter}`; `/#` at its end: anything below |\n"
    "| `number: true`, `json: [/pointer, …]` or `keyvalue: [key, …]` | what the payload must be; none of them: anything "
    "|\n"
    "| `optional: true` | tells more, but need not be there |\n"
    "| `like: { parameter: [pattern, …] }` | what a parameter may look like (`*`: any characters), the best first |\n"
    "| `gives: { parameter: path }` | the payload is the parameter's value: all of it (`\"\"`), or what stands at the "
    "pointer |\n"
    "| `tells: { capacity: { path, unit, scale } }` | likewise for a key of the device: `capacity`, `max_charge`, "
    "`max_discharge`, `serial_number`, `manufacturer_name`, `product_name`; a text, which may hold `${parameter}`, "
    "stands for itself |\n"
    "| `maps: { source: { … } }` | where the preset's own source is not heard: a source that the device gets instead "
    "|\n"
    "| `unless: preset` (alone) | not where that preset is recognised with the same values of the parameters that both "
    "have |\n";

static const char TEMPLATES[] =
    "\n"
    "## Templates\n"
    "\n"
    "Topics and payloads of `control` may hold `{{ variable | filter | … }}`.\n"
    "\n"
    "| variable | |\n"
    "|---|---|\n"
    "| `mode` `power_mode` | as Flip names them: `DISCHARGE`, `SETPOINT` |\n"
    "| `setpoint_w` | watts, within `max_charge` or `max_discharge` |\n"
    "| `backup_reserve_percentage` | percent, at least `reserve_floor` |\n"
    "| `enable_grid_import` | `true` or `false` |\n"
    "| `starts_at` `ends_at` `now` | times, written `2025-06-19T15:30:00.000Z` |\n"
    "| `duration_s` `remaining_s` | seconds |\n"
    "| `command_id` `event_id` `device_id` `site_id` | texts |\n"
    "\n"
    "| filter | |\n"
    "|---|---|\n"
    "| `scale(x)` `offset(x)` | the number times x, plus x |\n"
    "| `round(n)` | to n digits after the point, 0 to 9 |\n"
    "| `min(x)` `max(x)` | the smaller, the greater of the number and x: `min(3000)` is at most 3000 |\n"
    "| `percent_of(5 kW)` | the number in percent of that |\n"
    "| `minutes` | seconds as minutes |\n"
    "| `local(\"%H:%M\")` | a time in the site's `timezone`; codes as in strftime |\n"
    "| `default(\"0\")` | what to write where the variable has no value |\n"
    "| `refuse(\"false\")` | makes the command impossible (FAILED_FAULT) where the value is this one, writes nothing "
    "otherwise |\n"
    "\n"
    "Numbers are written without trailing zeros, booleans as `true` and `false`. A variable without a value and "
    "without "
    "`default` makes the command fail (FAILED_FAULT): an inverter never gets an empty payload by accident.\n";

/* As GitHub makes them: flip.poll becomes #flippoll. */
static void write_link(const char *text, const char *section, struct f2m_strbuf *out)
{
    f2m_strbuf_addf(out, "[%s](#", text);
    for (const char *c = section; *c; c++)
        if (*c != '.')
            f2m_strbuf_addc(out, *c);
    f2m_strbuf_addc(out, ')');
}

static void write_value(const struct f2m_key *key, struct f2m_strbuf *out)
{
    struct f2m_err expected;

    if (key->type == F2M_KEY_SECTION) {
        write_link(key->section->name, key->section->name, out);
    } else if (key->type == F2M_KEY_LIST) {
        f2m_strbuf_adds(out, "list of ");
        write_link(key->section->name, key->section->name, out);
    } else if (key->type == F2M_KEY_TEXTS) {
        f2m_strbuf_adds(out, "a text, or a list of texts");
    } else if (key->custom == &f2m_custom_source || key->custom == &f2m_custom_field) {
        f2m_strbuf_addf(out, "%s",
                        key->custom == &f2m_custom_source ? "[source](#source)" : "value or [source](#source)");
    } else if (key->type == F2M_KEY_CUSTOM && !key->choices) {
        f2m_strbuf_adds(out, key->custom->type);
    } else {
        struct f2m_key plain = *key;
        plain.type = key->choices ? F2M_KEY_CHOICE : key->type;
        f2m_value_expected(&plain, &expected);
        f2m_strbuf_adds(out, expected.text);
    }
}

static void write_row(const struct f2m_key *key, struct f2m_strbuf *out)
{
    f2m_strbuf_addf(out, "| `%s` | ", key->name);
    write_value(key, out);
    if (key->required)
        f2m_strbuf_adds(out, " | **required** | ");
    else if (key->fallback)
        f2m_strbuf_addf(out, " | `%s` | ", *key->fallback ? key->fallback : "\"\"");
    else
        f2m_strbuf_adds(out, " | | ");
    f2m_strbuf_adds(out, key->help);
    if (key->secret)
        f2m_strbuf_adds(out, " A secret.");
    if (key->example)
        f2m_strbuf_addf(out, " Example: `%s`", key->example);
    f2m_strbuf_adds(out, " |\n");
}

static void write_section(const struct f2m_section *section, struct f2m_strbuf *out)
{
    if (section != &f2m_section_root)
        f2m_strbuf_addf(out, "\n### %s\n\n%s\n", section->name, section->help);
    f2m_strbuf_adds(out, "\n| key | value | default | |\n|---|---|---|---|\n");
    for (size_t i = 0; i < section->keys_len; i++)
        write_row(&section->keys[i], out);
    for (size_t i = 0; i < section->keys_len; i++)
        if (section->keys[i].section && section->keys[i].section != &f2m_section_publish)
            write_section(section->keys[i].section, out);
    /* After the sections that refer to them. */
    if (section == &f2m_section_telemetry)
        write_section(&f2m_section_source, out);
    if (section == &f2m_section_control)
        write_section(&f2m_section_publish, out);
}

void f2m_config_write_reference(struct f2m_strbuf *out)
{
    f2m_strbuf_adds(out, INTRO);
    f2m_strbuf_adds(out, RECOGNISE);
    f2m_strbuf_adds(out, TEMPLATES);
    f2m_strbuf_adds(out, "\n## Keys\n");
    write_section(&f2m_section_root, out);
}
