/* The keys of a source. Which of them fit together is source.c's. */
#include "config/source.h"
#include "config/source_keys.h"

#include <math.h>

static const struct f2m_choice formats[] = {
    {"text", F2M_FORMAT_TEXT}, {"json", F2M_FORMAT_JSON}, {"keyvalue", F2M_FORMAT_KEYVALUE}, {NULL, 0}};
static const struct f2m_choice retained[] = {{"ignore", 0}, {"accept", 1}, {NULL, 0}};
static const struct f2m_choice missing[] = {{"wait", 0}, {"zero", 1}, {NULL, 0}};

/* source.c reads what stands here once the whole source is known: it depends on the source's kind. */
static void read_later(struct f2m_loader *loader, const struct f2m_key *key, const struct f2m_yaml *node, void *at)
{
    (void)loader;
    (void)key;
    (void)node;
    (void)at;
}

static void parts_schema(struct f2m_jw *w, const struct f2m_key *key)
{
    f2m_jw_string(w, "type", "array");
    f2m_jw_integer(w, "minItems", key->kind);
    f2m_jw_object(w, "items");
    f2m_jw_string(w, "$ref", "#/$defs/source");
    f2m_jw_end(w);
}

static void map_schema(struct f2m_jw *w, const struct f2m_key *key)
{
    (void)key;
    f2m_jw_string(w, "type", "object");
    f2m_jw_object(w, "additionalProperties");
    f2m_jw_array(w, "type");
    f2m_jw_string(w, NULL, "string");
    f2m_jw_string(w, NULL, "number");
    f2m_jw_string(w, NULL, "boolean");
    f2m_jw_end(w);
    f2m_jw_end(w);
}

static const struct f2m_key_custom parts = {.type = "list of sources", .read = read_later, .schema = parts_schema};
static const struct f2m_key_custom map = {.type = "mapping of texts", .read = read_later, .schema = map_schema};

#define AT(member) .at = offsetof(struct f2m_source_draft, member)

static const struct f2m_key keys[] = {
    {.name = "topic",
     .type = F2M_KEY_FILTER,
     AT(source.topic),
     .help = "The MQTT topic. It may hold `+` and `#`; the last message wins. A source that is nothing but a text is "
             "its topic.",
     .example = "solar_assistant/total/battery_power/state"},
    {.name = "const",
     .type = F2M_KEY_TEXT,
     AT(source.constant),
     .help = "A fixed value instead of a topic. It does not make a device fresh.",
     .example = "13.5 kWh"},
    {.name = "sum",
     .type = F2M_KEY_CUSTOM,
     .custom = &parts,
     .kind = 1,
     .unstored = true,
     .help = "The sum of sources. Each part carries its own `unit`, `scale` and `path`.",
     .example = "[{ topic: deye/dc/pv1/power }, { topic: deye/dc/pv2/power }]"},
    {.name = "difference",
     .type = F2M_KEY_CUSTOM,
     .custom = &parts,
     .kind = 2,
     .unstored = true,
     .help = "The first of two sources minus the second.",
     .example = "[{ topic: a/charge, unit: W }, { topic: a/discharge, unit: W }]"},
    {.name = "product",
     .type = F2M_KEY_CUSTOM,
     .custom = &parts,
     .kind = 2,
     .unstored = true,
     .help = "The product of sources, which are plain numbers here; the `unit` of the result stands beside the list.",
     .example = "[{ topic: battery/volts }, { topic: battery/amps }]"},
    {.name = "path",
     .type = F2M_KEY_POINTER,
     AT(source.path),
     .help = "An RFC 6901 JSON Pointer into the payload; with `format: keyvalue` the key after a slash.",
     .example = "/p_pv"},
    {.name = "format",
     .type = F2M_KEY_CHOICE,
     AT(source.format),
     .choices = formats,
     .help = "How the payload is written: a plain text, JSON, or `k=v,k=v`. Default: `json` where a `path` is given, "
             "else `text`.",
     .example = "keyvalue"},
    {.name = "unit",
     .type = F2M_KEY_TEXT,
     AT(unit),
     .help =
         "The unit of the number in the payload: `mW` `W` `kW` `MW`, `Wh` `kWh` `MWh`, `\"%\"` or `ratio`. Default: "
         "`W`, `Wh`, `%`.",
     .example = "kW"},
    {.name = "positive",
     .type = F2M_KEY_TEXT,
     AT(positive),
     .help = "What a positive number means: `charging` (default) or `discharging` for `battery_power`, `import` "
             "(default) or `export` for `grid_power`. Not allowed elsewhere.",
     .example = "charging"},
    {.name = "scale",
     .type = F2M_KEY_NUMBER,
     AT(source.scale),
     .fallback = "1",
     .help = "The number in the payload is multiplied by this, before `offset`, in `unit`.",
     .example = "0.1"},
    {.name = "offset",
     .type = F2M_KEY_NUMBER,
     AT(source.offset),
     .fallback = "0",
     .help = "This is added after `scale`, in `unit`.",
     .example = "-5"},
    {.name = "map",
     .type = F2M_KEY_CUSTOM,
     .custom = &map,
     .unstored = true,
     .help = "What the texts of the payload stand for, tried first; a text that is not listed is no data.",
     .example = "{ \"0\": SELF_CONSUMPTION, \"1\": SAVINGS }"},
    {.name = "max_age",
     .type = F2M_KEY_DURATION,
     AT(source.max_age_ms),
     .min = 1000,
     .max = INFINITY,
     .help = "How long a value counts. Default: `telemetry.max_age`.",
     .example = "60s"},
    {.name = "timestamp_path",
     .type = F2M_KEY_POINTER,
     AT(source.timestamp_path),
     .help = "Where the payload holds its own time: seconds or milliseconds since 1970, or RFC 3339 with a zone.",
     .example = "/time"},
    {.name = "retained",
     .type = F2M_KEY_CHOICE,
     AT(retained),
     .choices = retained,
     .fallback = "ignore",
     .help = "A retained message on (re)connect has no known age. `ignore`: it shows as stale and is not reported; "
             "`accept`: it counts as new.",
     .example = "accept"},
    {.name = "missing",
     .type = F2M_KEY_CHOICE,
     AT(missing),
     .choices = missing,
     .fallback = "wait",
     .help = "Beside `sum`, `difference` and `product`. `wait`: all parts must have data; `zero`: absent ones count 0.",
     .example = "zero"},
};

const struct f2m_section f2m_section_source = {
    .name = "source",
    F2M_KEYS(keys),
    .size = sizeof(struct f2m_source_draft),
    .placed = true,
    .place_at = offsetof(struct f2m_source_draft, source.line),
    .shorthand = "topic",
    .help =
        "How a value is read from MQTT: exactly one of `topic`, `const`, `sum`, `difference` and `product`, and what "
        "goes with it. The value is (number × `scale` + `offset`) in `unit`, then the sign by `positive`.",
};
