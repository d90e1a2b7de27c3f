/* A source: which keys fit together, and what they give. Interface, section 2 and clarifications 1 and 21. */
#include "config/source.h"

#include "config/source_keys.h"
#include "config/suggest.h"
#include "util/boolean.h"
#include "util/limits.h"
#include "util/number.h"
#include "util/secret.h"
#include "util/xalloc.h"

#include <stdlib.h>
#include <string.h>

enum role {
    ROLE_WHOLE,
    ROLE_PART,   /* of a sum or difference */
    ROLE_FACTOR, /* of a product: a plain number */
};

struct reading {
    struct f2m_loader *loader;
    const char *name; /* the key in telemetry.sources */
    enum f2m_value_kind kind;
};

enum { TOPIC = 1, CONST = 2, COMPOSED = 4, ANY = 7 };

static const struct {
    const char *key;
    enum f2m_source_op op;
    int class;
    size_t min_parts, max_parts;
} ops[] = {
    {"topic", F2M_SOURCE_TOPIC, TOPIC, 0, 0},
    {"const", F2M_SOURCE_CONST, CONST, 0, 0},
    {"sum", F2M_SOURCE_SUM, COMPOSED, 1, F2M_MAX_SOURCE_PARTS},
    {"difference", F2M_SOURCE_DIFFERENCE, COMPOSED, 2, 2},
    {"product", F2M_SOURCE_PRODUCT, COMPOSED, 2, F2M_MAX_SOURCE_PARTS},
};

/* Which keys stand beside which of the five; numeric ones only where the value is a number. */
static const struct {
    const char *key;
    int class;
    bool numeric;
    bool whole; /* beside the list, never in a part of it (Interface, clarification 21) */
} fits[] = {
    {"path", TOPIC, false, false},
    {"format", TOPIC, false, false},
    {"timestamp_path", TOPIC, false, false},
    {"retained", TOPIC, false, false},
    {"map", TOPIC, false, false},
    {"missing", COMPOSED, false, false},
    {"max_age", TOPIC | COMPOSED, false, false},
    {"unit", ANY, true, false},
    {"scale", ANY, true, false},
    {"offset", ANY, true, false},
    {"positive", ANY, true, true},
};

static bool is_numeric(enum f2m_value_kind kind)
{
    return f2m_value_quantity(kind) != F2M_QUANTITY_NONE;
}

static const char *class_name(int class)
{
    return class == TOPIC ? "topic" : class == COMPOSED ? "sum, difference or product" : "anything but const";
}

static void check_fits(const struct reading *r, const struct f2m_yaml *map, size_t op, enum role role)
{
    for (size_t i = 0; i < sizeof fits / sizeof fits[0]; i++) {
        const struct f2m_yaml_item *item = f2m_yaml_item(map, fits[i].key);
        if (!item)
            continue;
        if (!(fits[i].class & ops[op].class))
            f2m_report_error(&r->loader->report, item->key_at, "%s: found '%s' beside '%s', expected it beside %s",
                             r->name, fits[i].key, ops[op].key, class_name(fits[i].class));
        else if (fits[i].numeric && !is_numeric(r->kind))
            f2m_report_error(&r->loader->report, item->key_at, "%s: found '%s', expected it for numbers only", r->name,
                             fits[i].key);
        else if (fits[i].whole && role != ROLE_WHOLE)
            f2m_report_error(
                &r->loader->report, item->key_at,
                "%s: found '%s' in a part, expected it beside the list; a part is turned round by scale: -1", r->name,
                fits[i].key);
    }
}

/* Which of the five is given: its index in ops; false after a report. */
static bool find_op(const struct reading *r, const struct f2m_yaml *map, size_t *op)
{
    const char *first = NULL;

    for (size_t i = 0; i < map->len; i++) {
        for (size_t k = 0; k < sizeof ops / sizeof ops[0]; k++) {
            if (strcmp(map->items[i].key, ops[k].key) != 0)
                continue;
            if (first) {
                f2m_report_error(&r->loader->report, map->items[i].key_at,
                                 "%s: found '%s' beside '%s', expected one of them", r->name, ops[k].key, first);
                return false;
            }
            first = ops[k].key;
            *op = k;
        }
    }
    if (!first)
        f2m_report_error(&r->loader->report, map->at,
                         "%s: expected one of topic, const, sum, difference or product, found none", r->name);
    return first != NULL;
}

static const struct f2m_unit *find_unit(const struct reading *r, const struct f2m_yaml *node, const char *text)
{
    static const char *const names[] = {"mW", "W", "kW", "MW", "Wh", "kWh", "MWh", "%", "ratio"};
    enum f2m_quantity quantity = f2m_value_quantity(r->kind);
    const struct f2m_unit *unit = f2m_unit_find(f2m_slice_of(text));
    struct f2m_suggestion near = {NULL, 0};
    char found[F2M_FOUND_SIZE], hint[F2M_SUGGEST_SIZE];

    if (unit && unit->quantity == quantity)
        return unit;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct f2m_unit *other = f2m_unit_find(f2m_slice_of(names[i]));
        if (other && other->quantity == quantity)
            f2m_suggest(&near, text, names[i]);
    }
    f2m_report_error(&r->loader->report, node->at, "unit: expected %s for %s, %s%s", f2m_unit_names(quantity), r->name,
                     f2m_found(node, false, found), f2m_suggestion_text(&near, hint));
    return NULL;
}

static void apply_unit(const struct reading *r, const struct f2m_yaml *map, struct f2m_source_draft *draft,
                       enum role role, const struct f2m_unit *inherited)
{
    const struct f2m_yaml *node = f2m_yaml_get(map, "unit");
    char found[F2M_FOUND_SIZE];

    draft->source.unit = inherited;
    if (!is_numeric(r->kind))
        return;
    if (node && role == ROLE_FACTOR)
        f2m_report_error(&r->loader->report, node->at,
                         "unit: %s in a part of a product, expected a plain number: the unit stands beside the list",
                         f2m_found(node, false, found));
    else if (node && draft->unit)
        draft->source.unit = find_unit(r, node, draft->unit);
}

static void apply_positive(const struct reading *r, const struct f2m_yaml *map, struct f2m_source_draft *draft)
{
    static const struct {
        const char *source, *plus, *minus;
    } signs[] = {{"battery_power", "charging", "discharging"}, {"grid_power", "import", "export"}};
    const struct f2m_yaml *node = f2m_yaml_get(map, "positive");
    char found[F2M_FOUND_SIZE];

    draft->source.sign = 1;
    if (!node || !draft->positive || !is_numeric(r->kind))
        return;
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (strcmp(r->name, signs[i].source) != 0)
            continue;
        if (strcmp(draft->positive, signs[i].minus) == 0)
            draft->source.sign = -1;
        else if (strcmp(draft->positive, signs[i].plus) != 0)
            f2m_report_error(&r->loader->report, node->at, "positive: expected %s or %s for %s, %s", signs[i].plus,
                             signs[i].minus, r->name, f2m_found(node, false, found));
        return;
    }
    f2m_report_error(&r->loader->report, f2m_yaml_item(map, "positive")->key_at,
                     "%s: found 'positive', expected it for battery_power and grid_power only", r->name);
}

static void apply_format(const struct reading *r, const struct f2m_yaml *map, struct f2m_source *source)
{
    const struct f2m_yaml *format = f2m_yaml_get(map, "format"), *path = f2m_yaml_get(map, "path");

    if (!format)
        source->format = source->path ? F2M_FORMAT_JSON : F2M_FORMAT_TEXT;
    if (source->path && source->format == F2M_FORMAT_TEXT)
        f2m_report_error(&r->loader->report, path->at, "%s: found a path with format: text, expected json or keyvalue",
                         r->name);
    if (source->timestamp_path && source->format == F2M_FORMAT_TEXT && format)
        f2m_report_error(&r->loader->report, f2m_yaml_get(map, "timestamp_path")->at,
                         "%s: found a timestamp_path with format: text, expected json or keyvalue", r->name);
    if (format && source->format == F2M_FORMAT_KEYVALUE &&
        (!source->path || source->path[0] != '/' || !source->path[1] || strchr(source->path + 1, '/')))
        f2m_report_error(&r->loader->report, (path ? path : map)->at,
                         "%s: expected one key as path: /key with format: keyvalue, found %s", r->name,
                         path ? "another path" : "no path");
}

/* Whether a text can be a value of the kind, as it would be in a payload (Interface, clarification 22). */
static const char *kind_expected(enum f2m_value_kind kind, const char *text)
{
    enum f2m_mode mode;
    double number;
    bool boolean;

    switch (kind) {
    case F2M_VALUE_MODE:
        return f2m_mode_parse(f2m_slice_of(text), &mode)
                   ? NULL
                   : "BACKUP, CHARGE, DISCHARGE, SAVINGS, SELF_CONSUMPTION or STANDBY";
    case F2M_VALUE_BOOL: return f2m_boolean_parse(f2m_slice_of(text), &boolean) ? NULL : "true or false";
    case F2M_VALUE_TEXT: return *text ? NULL : "a text";
    default: return f2m_number_parse(f2m_slice_of(text), &number) ? NULL : "a number";
    }
}

/* `const: 13.5 kWh` is the number with its unit; `const: 13.5` stands in `unit`. */
static void apply_const(const struct reading *r, const struct f2m_yaml *map, struct f2m_source *source, enum role role)
{
    const struct f2m_yaml *node = f2m_yaml_get(map, "const");
    enum f2m_quantity quantity = f2m_value_quantity(r->kind);
    char number[F2M_NUMBER_SIZE], found[F2M_FOUND_SIZE];
    double value;

    if (!source->constant)
        return;
    const char *expected = kind_expected(r->kind, source->constant);
    if (!expected)
        return;
    if (is_numeric(r->kind) && role != ROLE_FACTOR && !f2m_yaml_get(map, "unit") &&
        f2m_quantity_parse(f2m_slice_of(source->constant), quantity, &value)) {
        free(source->constant);
        source->constant = f2m_xstrdup(f2m_number_format(value, number));
        source->unit = NULL;
        return;
    }
    f2m_report_error(&r->loader->report, node->at, "const: expected %s%s%s for %s, %s", expected,
                     is_numeric(r->kind) ? ", or one with " : "", is_numeric(r->kind) ? f2m_unit_names(quantity) : "",
                     r->name, f2m_found(node, false, found));
}

static void apply_map(const struct reading *r, const struct f2m_yaml *map, struct f2m_source *source)
{
    const struct f2m_yaml *node = f2m_yaml_get(map, "map");
    char found[F2M_FOUND_SIZE];

    if (!node || node->broken || f2m_yaml_is_null(node))
        return;
    if (node->type != F2M_YAML_MAP) {
        f2m_report_error(&r->loader->report, node->at, "map: expected a mapping such as { \"0\": %s }, %s",
                         r->kind == F2M_VALUE_MODE ? "SELF_CONSUMPTION" : "false", f2m_found(node, false, found));
        return;
    }
    source->map = f2m_xcalloc(node->len + 1, sizeof *source->map);
    for (size_t i = 0; i < node->len; i++) {
        const struct f2m_yaml_item *item = &node->items[i];
        const char *text = f2m_scalar_text(r->loader, "map", "a text", item->value);
        const char *expected = text ? kind_expected(r->kind, text) : NULL;
        if (expected)
            f2m_report_error(&r->loader->report, item->value->at, "map: expected %s for %s, %s", expected, r->name,
                             f2m_found(item->value, false, found));
        if (text)
            source->map[source->map_len++] = (struct f2m_map_entry){f2m_xstrdup(item->key), f2m_xstrdup(text)};
    }
}

static void read_source(const struct reading *r, const struct f2m_yaml *node, enum role role, size_t depth,
                        const struct f2m_unit *inherited, struct f2m_source *out);

static void read_parts(const struct reading *r, const struct f2m_yaml *map, size_t op, enum role role, size_t depth,
                       struct f2m_source *source)
{
    const struct f2m_yaml *list = f2m_yaml_get(map, ops[op].key);
    char found[F2M_FOUND_SIZE];

    if (list->broken)
        return;
    if (list->type != F2M_YAML_LIST || list->len < ops[op].min_parts || list->len > ops[op].max_parts) {
        f2m_report_error(&r->loader->report, list->at, "%s: expected a list of %s sources, %s", ops[op].key,
                         ops[op].max_parts == 2   ? "two"
                         : ops[op].min_parts == 2 ? "two or more"
                                                  : "one or more",
                         f2m_found(list, false, found));
        return;
    }
    if (depth == F2M_MAX_SOURCE_DEPTH) {
        f2m_report_error(&r->loader->report, list->at, "%s: expected at most %d levels of sources, found more", r->name,
                         F2M_MAX_SOURCE_DEPTH);
        return;
    }
    enum role parts = source->op == F2M_SOURCE_PRODUCT || role == ROLE_FACTOR ? ROLE_FACTOR : ROLE_PART;
    source->parts = f2m_xcalloc(list->len, sizeof *source->parts);
    source->parts_len = list->len;
    for (size_t i = 0; i < list->len; i++)
        read_source(r, list->items[i].value, parts, depth + 1, parts == ROLE_PART ? source->unit : NULL,
                    &source->parts[i]);
}

static void apply_composed(const struct reading *r, const struct f2m_yaml *map, size_t op, enum role role, size_t depth,
                           struct f2m_source *source)
{
    bool product = source->op == F2M_SOURCE_PRODUCT;

    read_parts(r, map, op, role, depth, source);
    if (product && role != ROLE_FACTOR && is_numeric(r->kind) && !f2m_yaml_get(map, "unit"))
        f2m_report_error(&r->loader->report, map->at, "%s: missing key 'unit' beside 'product', expected %s", r->name,
                         f2m_unit_names(f2m_value_quantity(r->kind)));
    if (!is_numeric(r->kind))
        f2m_report_error(&r->loader->report, map->at, "%s: found '%s', expected it for numbers only", r->name,
                         ops[op].key);
    /* A unit beside a sum is that of its parts, which give canonical values: only the offset is still in it. */
    if (!product && source->unit) {
        source->offset *= source->unit->factor;
        source->unit = NULL;
    }
}

static void draft_deinit(struct f2m_source_draft *draft)
{
    free(draft->unit);
    free(draft->positive);
}

static void assemble(const struct reading *r, const struct f2m_yaml *map, enum role role, size_t depth,
                     const struct f2m_unit *inherited, struct f2m_source_draft *draft)
{
    struct f2m_source *source = &draft->source;
    const struct f2m_yaml *scale = f2m_yaml_get(map, "scale");
    size_t op = 0;

    if (!find_op(r, map, &op))
        return;
    source->op = ops[op].op;
    source->retained_accept = draft->retained == 1;
    source->missing_zero = draft->missing == 1;
    check_fits(r, map, op, role);
    apply_unit(r, map, draft, role, inherited);
    apply_positive(r, map, draft);
    apply_map(r, map, source);
    if (scale && source->scale == 0)
        f2m_report_error(&r->loader->report, scale->at, "scale: expected a number other than 0, found '%.100s'",
                         scale->text);
    if (source->op == F2M_SOURCE_TOPIC)
        apply_format(r, map, source);
    else if (source->op == F2M_SOURCE_CONST)
        apply_const(r, map, source, role);
    else
        apply_composed(r, map, op, role, depth, source);
}

/* The map of a source; a bare text is its topic, but a bare number or an empty place is a slip. */
static const struct f2m_yaml *source_map(const struct reading *r, const struct f2m_yaml *node)
{
    char found[F2M_FOUND_SIZE];
    double number;

    if (node->broken || node->type == F2M_YAML_MAP)
        return node->broken ? NULL : node;
    if (node->type != F2M_YAML_SCALAR || f2m_yaml_is_null(node)) {
        f2m_report_error(&r->loader->report, node->at, "%s: expected a topic or a source such as { topic: … }, %s",
                         r->name, f2m_found(node, false, found));
        return NULL;
    }
    if (node->plain && f2m_number_parse(f2m_slice_of(node->text), &number)) {
        f2m_report_error(&r->loader->report, node->at,
                         "%s: expected a topic, found the number '%.40s'; a fixed value is { const: %.40s }", r->name,
                         node->text, node->text);
        return NULL;
    }
    struct f2m_yaml *map = f2m_yaml_collection(&r->loader->arena, F2M_YAML_MAP, node->at);
    struct f2m_yaml *topic = f2m_yaml_scalar(&r->loader->arena, node->at, node->text);
    topic->hidden = node->hidden;
    f2m_yaml_add(&r->loader->arena, map, "topic", node->at, topic);
    return map;
}

static void read_source(const struct reading *r, const struct f2m_yaml *node, enum role role, size_t depth,
                        const struct f2m_unit *inherited, struct f2m_source *out)
{
    struct f2m_source_draft draft = {0};

    const struct f2m_yaml *map = source_map(r, node);
    if (!map)
        return;
    f2m_section_read(r->loader, &f2m_section_source, map, &draft);
    assemble(r, map, role, depth, inherited, &draft);
    draft_deinit(&draft);
    *out = draft.source;
}

void f2m_source_read(struct f2m_loader *loader, const char *name, enum f2m_value_kind kind, const struct f2m_yaml *node,
                     struct f2m_source *out)
{
    const struct reading r = {loader, name, kind};

    read_source(&r, node, ROLE_WHOLE, 1, NULL, out);
}

void f2m_source_free(struct f2m_source *source)
{
    for (size_t i = 0; i < source->parts_len; i++)
        f2m_source_free(&source->parts[i]);
    for (size_t i = 0; i < source->map_len; i++) {
        free(source->map[i].raw);
        free(source->map[i].value);
    }
    free(source->parts);
    free(source->map);
    f2m_secret_free(source->topic);
    free(source->path);
    free(source->timestamp_path);
    free(source->constant);
    *source = (struct f2m_source){0};
}

void f2m_source_default_max_age(struct f2m_source *source, int64_t max_age_ms)
{
    if (!source->max_age_ms)
        source->max_age_ms = max_age_ms;
    for (size_t i = 0; i < source->parts_len; i++)
        f2m_source_default_max_age(&source->parts[i], source->max_age_ms);
}
