/* One entry of `recognise`; the grammar stands in recognise.h. */
#include "config/recognise_rules.h"

#include "config/suggest.h"
#include "config/yaml_writer.h"
#include "util/json.h"
#include "util/number.h"
#include "util/topic.h"

#include <string.h>

static int parameter_index(const struct f2m_recognise_preset *preset, struct f2m_slice name)
{
    for (size_t i = 0; i < preset->parameters_len; i++)
        if (f2m_slice_is(name, preset->parameters[i].name))
            return (int)i;
    return -1;
}

/* A parameter of the preset named by a key, or -1 after a report. */
static int named_parameter(struct f2m_compiler *c, const struct f2m_yaml_item *item, const char *where)
{
    int index = parameter_index(c->preset, f2m_slice_of(item->key));
    struct f2m_suggestion near = {NULL, 0};
    char hint[F2M_SUGGEST_SIZE];

    if (index >= 0)
        return index;
    for (size_t i = 0; i < c->preset->parameters_len; i++)
        f2m_suggest(&near, item->key, c->preset->parameters[i].name);
    f2m_report_error(c->report, item->key_at, "%s: expected a parameter of the preset, found '%.60s'%s", where,
                     item->key, f2m_suggestion_text(&near, hint));
    return -1;
}

/* ---- topics ---- */

/* A parameter that begins the topic may be of several levels, and so may one whose default or example is. */
static bool is_wide(const struct f2m_recognise_preset *preset, int index, bool begins)
{
    const struct f2m_recognise_parameter *p = &preset->parameters[index];

    return begins || (p->fallback && strchr(p->fallback, '/')) || (p->example && strchr(p->example, '/'));
}

static bool add_part(struct f2m_compiler *c, const struct f2m_yaml *topic, struct f2m_pattern *pattern,
                     struct f2m_pattern_part part)
{
    if (pattern->len == F2M_PATTERN_PARTS) {
        f2m_report_error(c->report, topic->at, "recognise: expected a topic with fewer parameters, found '%.200s'",
                         topic->text);
        return false;
    }
    pattern->parts[pattern->len++] = part;
    return true;
}

static bool add_parameter(struct f2m_compiler *c, const struct f2m_yaml *topic, struct f2m_pattern *pattern,
                          struct f2m_slice name)
{
    int index = parameter_index(c->preset, name);

    if (index < 0) {
        f2m_report_error(c->report, topic->at, "unknown parameter '${%.*s}', expected it in 'parameters'",
                         (int)(name.len < 60 ? name.len : 60), name.at);
        return false;
    }
    bool wide = is_wide(c->preset, index, pattern->len == 0);
    pattern->parameters |= UINT32_C(1) << index;
    return add_part(c, topic, pattern, (struct f2m_pattern_part){.parameter = index, .wide = wide});
}

bool f2m_recognise_pattern(struct f2m_compiler *c, const struct f2m_yaml *topic, struct f2m_pattern *pattern)
{
    const char *at = topic->text, *end = at + strlen(at);

    *pattern = (struct f2m_pattern){.open = end - at > 2 && strcmp(end - 2, "/#") == 0};
    if (pattern->open)
        end -= 2;
    while (at < end) {
        const char *open = strstr(at, "${");
        const char *stop = open ? open : end;
        struct f2m_pattern_part text = {.text = {at, (size_t)(stop - at)}, .parameter = -1};
        if (stop > at && !add_part(c, topic, pattern, text))
            return false;
        if (!open)
            break;
        const char *close = strchr(open, '}');
        if (!close) {
            f2m_report_error(c->report, topic->at, "expected ${parameter}, found '%.40s'", open);
            return false;
        }
        if (!add_parameter(c, topic, pattern, (struct f2m_slice){open + 2, (size_t)(close - open - 2)}))
            return false;
        at = close + 1;
    }
    return pattern->len > 0;
}

static bool read_topic(struct f2m_compiler *c, const struct f2m_yaml *topic, struct f2m_sign *sign)
{
    if (topic->type != F2M_YAML_SCALAR || !f2m_topic_filter_valid(topic->text) || strchr(topic->text, '+')) {
        f2m_report_error(c->report, topic->at,
                         "recognise: expected a topic such as \"${prefix}/battery/power\", found %.200s",
                         topic->type == F2M_YAML_SCALAR ? topic->text : f2m_yaml_describe(topic));
        return false;
    }
    sign->topic = topic->text;
    return f2m_recognise_pattern(c, topic, &sign->pattern);
}

/* ---- what the payload must be ---- */

static void read_members(struct f2m_compiler *c, const struct f2m_yaml_item *item, struct f2m_sign *sign, bool json)
{
    const struct f2m_yaml *list = item->value;
    const char **members = f2m_arena_alloc(c->arena, (list->len + 1) * sizeof *members);

    sign->shape = json ? F2M_SIGN_JSON : F2M_SIGN_KEYVALUE;
    sign->format = json ? F2M_FORMAT_JSON : F2M_FORMAT_KEYVALUE;
    sign->members = members;
    if (list->type != F2M_YAML_LIST || list->len == 0) {
        f2m_report_error(c->report, list->at, "%s: expected a list of %s, found %s", item->key,
                         json ? "JSON Pointers such as /battery/power" : "keys", f2m_yaml_describe(list));
        return;
    }
    for (size_t i = 0; i < list->len; i++) {
        const struct f2m_yaml *member = list->items[i].value;
        if (member->type != F2M_YAML_SCALAR || (json && !f2m_json_pointer_valid(member->text))) {
            f2m_report_error(c->report, member->at, "%s: expected %s, found %.200s", item->key,
                             json ? "a JSON Pointer such as /battery/power" : "a key",
                             member->type == F2M_YAML_SCALAR ? member->text : f2m_yaml_describe(member));
            return;
        }
        members[sign->members_len++] = json ? member->text : f2m_arena_printf(c->arena, "/%s", member->text);
    }
}

static void read_json(struct f2m_compiler *c, const struct f2m_yaml_item *item, struct f2m_sign *sign)
{
    read_members(c, item, sign, true);
}

static void read_keyvalue(struct f2m_compiler *c, const struct f2m_yaml_item *item, struct f2m_sign *sign)
{
    read_members(c, item, sign, false);
}

static bool read_flag(struct f2m_compiler *c, const struct f2m_yaml_item *item)
{
    if (item->value->type == F2M_YAML_SCALAR && strcmp(item->value->text, "true") == 0)
        return true;
    f2m_report_error(c->report, item->value->at, "%s: expected true, or no such key", item->key);
    return false;
}

/* ---- what it gives ---- */

static void read_likes(struct f2m_compiler *c, const struct f2m_yaml_item *item, struct f2m_sign *sign)
{
    const struct f2m_yaml *map = item->value;

    (void)sign;
    if (map->type != F2M_YAML_MAP)
        f2m_report_error(c->report, map->at, "like: expected { parameter: [pattern, …] }, found %s",
                         f2m_yaml_describe(map));
    for (size_t i = 0; map->type == F2M_YAML_MAP && i < map->len; i++) {
        const struct f2m_yaml *list = map->items[i].value;
        int parameter = named_parameter(c, &map->items[i], "like");
        if (list->type != F2M_YAML_LIST || list->len == 0) {
            f2m_report_error(c->report, list->at, "like: expected a list of patterns, the best first, found %s",
                             f2m_yaml_describe(list));
            continue;
        }
        const char **globs = f2m_arena_alloc(c->arena, list->len * sizeof *globs);
        for (size_t k = 0; k < list->len; k++)
            globs[k] = list->items[k].value->type == F2M_YAML_SCALAR ? list->items[k].value->text : "";
        if (parameter >= 0)
            c->preset->likes[parameter] = (struct f2m_sign_like){globs, list->len};
    }
}

static struct f2m_sign_gift *next_gift(struct f2m_compiler *c, struct f2m_sign *sign)
{
    struct f2m_sign_gift *gifts = f2m_arena_alloc(c->arena, (sign->gifts_len + 1) * sizeof *gifts);

    if (sign->gifts_len)
        memcpy(gifts, sign->gifts, sign->gifts_len * sizeof *gifts);
    sign->gifts = gifts;
    gifts[sign->gifts_len] = (struct f2m_sign_gift){.parameter = -1, .scale = 1};
    return &gifts[sign->gifts_len++];
}

static void read_gives(struct f2m_compiler *c, const struct f2m_yaml_item *item, struct f2m_sign *sign)
{
    const struct f2m_yaml *map = item->value;

    if (map->type != F2M_YAML_MAP)
        f2m_report_error(c->report, map->at, "gives: expected { parameter: path }, found %s", f2m_yaml_describe(map));
    for (size_t i = 0; map->type == F2M_YAML_MAP && i < map->len; i++) {
        const struct f2m_yaml *path = map->items[i].value;
        int parameter = named_parameter(c, &map->items[i], "gives");
        if (path->type != F2M_YAML_SCALAR || !f2m_json_pointer_valid(path->text))
            f2m_report_error(c->report, path->at,
                             "gives: expected \"\" for the whole payload or a JSON Pointer, found %.200s",
                             path->type == F2M_YAML_SCALAR ? path->text : f2m_yaml_describe(path));
        else if (parameter >= 0)
            *next_gift(c, sign) = (struct f2m_sign_gift){.parameter = parameter, .path = path->text, .scale = 1};
    }
}

/* What a device may be told to be, and in which quantity. */
static const struct {
    const char *key;
    enum f2m_quantity quantity;
} told[] = {
    {"capacity", F2M_QUANTITY_ENERGY},        {"max_charge", F2M_QUANTITY_POWER},
    {"max_discharge", F2M_QUANTITY_POWER},    {"serial_number", F2M_QUANTITY_NONE},
    {"manufacturer_name", F2M_QUANTITY_NONE}, {"product_name", F2M_QUANTITY_NONE},
};

static void read_told(struct f2m_compiler *c, const struct f2m_yaml *value, enum f2m_quantity quantity,
                      struct f2m_sign_gift *gift)
{
    const struct f2m_yaml *path = f2m_yaml_get(value, "path"), *unit = f2m_yaml_get(value, "unit");
    const struct f2m_yaml *scale = f2m_yaml_get(value, "scale");

    gift->path = path && path->type == F2M_YAML_SCALAR ? path->text : "";
    if (!f2m_json_pointer_valid(gift->path))
        f2m_report_error(c->report, value->at,
                         "tells: expected \"\" for the whole payload or a JSON Pointer, found %.200s", gift->path);
    gift->unit = unit && unit->type == F2M_YAML_SCALAR ? f2m_unit_find(f2m_slice_of(unit->text)) : NULL;
    if (quantity != F2M_QUANTITY_NONE && (!gift->unit || gift->unit->quantity != quantity))
        f2m_report_error(c->report, unit ? unit->at : value->at, "tells: expected unit: %s for '%s', found %s",
                         f2m_unit_names(quantity), gift->key,
                         unit && unit->type == F2M_YAML_SCALAR ? unit->text : "none");
    if (scale && !(scale->type == F2M_YAML_SCALAR && f2m_number_parse(f2m_slice_of(scale->text), &gift->scale)))
        f2m_report_error(c->report, scale->at, "tells: expected a number as scale, found %s", f2m_yaml_describe(scale));
}

static void read_tells(struct f2m_compiler *c, const struct f2m_yaml_item *item, struct f2m_sign *sign)
{
    const struct f2m_yaml *map = item->value;

    if (map->type != F2M_YAML_MAP)
        f2m_report_error(c->report, map->at, "tells: expected { key of the device: where }, found %s",
                         f2m_yaml_describe(map));
    for (size_t i = 0; map->type == F2M_YAML_MAP && i < map->len; i++) {
        const struct f2m_yaml_item *one = &map->items[i];
        size_t k = 0;
        while (k < sizeof told / sizeof told[0] && strcmp(told[k].key, one->key) != 0)
            k++;
        if (k == sizeof told / sizeof told[0]) {
            f2m_report_error(c->report, one->key_at,
                             "tells: expected capacity, max_charge, max_discharge, serial_number, manufacturer_name or "
                             "product_name, found '%.60s'",
                             one->key);
            continue;
        }
        struct f2m_sign_gift *gift = next_gift(c, sign);
        struct f2m_pattern ignored;
        gift->key = one->key;
        if (one->value->type != F2M_YAML_SCALAR)
            read_told(c, one->value, told[k].quantity, gift);
        else if (f2m_recognise_pattern(c, one->value, &ignored))
            gift->text = one->value->text;
        else if (!*one->value->text)
            f2m_report_error(c->report, one->value->at, "tells: expected a text or { path: … } for '%s', found none",
                             one->key);
    }
}

/* ---- another way to read a source ---- */

/* False after a report: a parameter that is none. */
static bool write_flow(struct f2m_compiler *c, const struct f2m_yaml *node, struct f2m_strbuf *out)
{
    bool map = node->type == F2M_YAML_MAP;
    struct f2m_pattern ignored;

    if (node->type == F2M_YAML_SCALAR) {
        f2m_yaml_write_scalar(out, node->text);
        return !strstr(node->text, "${") || f2m_recognise_pattern(c, node, &ignored);
    }
    f2m_strbuf_adds(out, map ? "{ " : "[ ");
    for (size_t i = 0; i < node->len; i++) {
        f2m_strbuf_addf(out, "%s%s%s", i ? ", " : "", map ? node->items[i].key : "", map ? ": " : "");
        if (!write_flow(c, node->items[i].value, out))
            return false;
    }
    f2m_strbuf_adds(out, map ? " }" : " ]");
    return true;
}

static bool find_source(struct f2m_compiler *c, const struct f2m_yaml_item *item, enum f2m_source_id *id)
{
    struct f2m_suggestion near = {NULL, 0};
    char hint[F2M_SUGGEST_SIZE];

    for (size_t i = 0; i < F2M_SRC_COUNT; i++) {
        f2m_suggest(&near, item->key, f2m_source_info[i].name);
        if (strcmp(item->key, f2m_source_info[i].name) == 0) {
            *id = (enum f2m_source_id)i;
            return true;
        }
    }
    f2m_report_error(c->report, item->key_at, "maps: expected a source, found '%.60s'%s", item->key,
                     f2m_suggestion_text(&near, hint));
    return false;
}

static void read_maps(struct f2m_compiler *c, const struct f2m_yaml_item *item, struct f2m_sign *sign)
{
    const struct f2m_yaml *map = item->value;
    struct f2m_sign_map *maps = f2m_arena_alloc(c->arena, (map->len + 1) * sizeof *maps);

    if (map->type != F2M_YAML_MAP)
        f2m_report_error(c->report, map->at, "maps: expected { source: { topic: … } }, found %s",
                         f2m_yaml_describe(map));
    for (size_t i = 0; map->type == F2M_YAML_MAP && i < map->len; i++) {
        f2m_autostrbuf flow = {0};
        enum f2m_source_id id;
        f2m_strbuf_init(&flow, 0);
        if (find_source(c, &map->items[i], &id) && write_flow(c, map->items[i].value, &flow))
            maps[sign->maps_len++] = (struct f2m_sign_map){id, f2m_arena_copy(c->arena, flow.data, flow.len)};
    }
    sign->maps = maps;
}

/* ---- the entry ---- */

static void read_number(struct f2m_compiler *c, const struct f2m_yaml_item *item, struct f2m_sign *sign)
{
    if (read_flag(c, item))
        sign->shape = F2M_SIGN_NUMBER;
}

static void read_optional(struct f2m_compiler *c, const struct f2m_yaml_item *item, struct f2m_sign *sign)
{
    sign->required = !read_flag(c, item);
}

static const struct entry_key {
    const char *key;
    void (*read)(struct f2m_compiler *, const struct f2m_yaml_item *, struct f2m_sign *); /* NULL = read already */
    bool shape; /* says what the payload must be: one of them at most */
} entry_keys[] = {
    {"topic", NULL, false},
    {"number", read_number, true},
    {"json", read_json, true},
    {"keyvalue", read_keyvalue, true},
    {"optional", read_optional, false},
    {"like", read_likes, false},
    {"gives", read_gives, false},
    {"tells", read_tells, false},
    {"maps", read_maps, false},
};
#define ENTRY_KEYS (sizeof entry_keys / sizeof entry_keys[0])

static void read_item(struct f2m_compiler *c, const struct f2m_yaml_item *item, struct f2m_sign *sign)
{
    struct f2m_suggestion near = {NULL, 0};
    char hint[F2M_SUGGEST_SIZE];

    for (size_t i = 0; i < ENTRY_KEYS; i++) {
        const struct entry_key *key = &entry_keys[i];
        f2m_suggest(&near, item->key, key->key);
        if (strcmp(item->key, key->key) != 0)
            continue;
        if (key->shape && sign->shape != F2M_SIGN_ANY)
            f2m_report_error(c->report, item->key_at,
                             "recognise: found '%s' beside another one, expected one of number, json and keyvalue",
                             item->key);
        else if (key->read)
            key->read(c, item, sign);
        return;
    }
    f2m_report_error(c->report, item->key_at, "unknown key '%.60s' in recognise%s", item->key,
                     f2m_suggestion_text(&near, hint));
}

void f2m_recognise_entry(struct f2m_compiler *c, const struct f2m_yaml *entry)
{
    const struct f2m_yaml *unless = f2m_yaml_get(entry, "unless"), *topic = f2m_yaml_get(entry, "topic");

    if (unless && unless->type == F2M_YAML_SCALAR && entry->len == 1) {
        c->preset->unless = unless->text;
        return;
    }
    if (!topic) {
        f2m_report_error(c->report, entry->at, "recognise: expected { topic: …, … } or { unless: preset }, found %s",
                         entry->type == F2M_YAML_MAP ? "no topic" : f2m_yaml_describe(entry));
        return;
    }
    struct f2m_sign *sign = f2m_recognise_add(c, entry->at);
    if (!sign)
        return;
    *sign = (struct f2m_sign){.required = true};
    if (!read_topic(c, topic, sign))
        return;
    for (size_t i = 0; i < entry->len; i++)
        read_item(c, &entry->items[i], sign);
}
