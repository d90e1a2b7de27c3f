#include "config/recognise_rules.h"

#include <string.h>

static void read_parameters(struct f2m_compiler *c, const struct f2m_yaml *root)
{
    const struct f2m_yaml *parameters = f2m_yaml_get(root, "parameters");

    for (size_t i = 0; parameters && i < parameters->len; i++) {
        const struct f2m_yaml_item *item = &parameters->items[i];
        if (i == F2M_PATTERN_PARAMETERS) {
            f2m_report_error(c->report, item->key_at, "parameters: expected at most %d, found more",
                             F2M_PATTERN_PARAMETERS);
            return;
        }
        c->preset->parameters[c->preset->parameters_len++] = (struct f2m_recognise_parameter){
            .name = item->key,
            .description = f2m_yaml_text(item->value, "description"),
            .fallback = f2m_yaml_text(item->value, "default"),
            .example = f2m_yaml_text(item->value, "example"),
            .from = f2m_yaml_text(item->value, "from"),
        };
    }
}

struct f2m_sign *f2m_recognise_add(struct f2m_compiler *c, struct f2m_place at)
{
    if (c->preset->signs_len < F2M_MAX_PRESET_SIGNS)
        return &c->preset->signs[c->preset->signs_len++];
    f2m_report_error(c->report, at,
                     "recognise: expected at most %d topics together with those of the sources, found more",
                     F2M_MAX_PRESET_SIGNS);
    return NULL;
}

/* ---- the sources: what the system was heard to tell ---- */

static enum f2m_source_format format_of(const struct f2m_yaml *source, const char *path)
{
    const char *format = f2m_yaml_text(source, "format");

    if (format && strcmp(format, "keyvalue") == 0)
        return F2M_FORMAT_KEYVALUE;
    return path || (format && strcmp(format, "json") == 0) ? F2M_FORMAT_JSON : F2M_FORMAT_TEXT;
}

/* Mistakes in a source are the reader's of sources to report; one that cannot be listened for is left out here. */
static void add_source_topic(struct f2m_compiler *c, enum f2m_source_id id, const struct f2m_yaml *source)
{
    const struct f2m_yaml *topic = source->type == F2M_YAML_MAP ? f2m_yaml_get(source, "topic") : source;
    struct f2m_pattern pattern = {.len = 0};

    if (!topic || topic->type != F2M_YAML_SCALAR || strpbrk(topic->text, "+#"))
        return;
    if (!f2m_recognise_pattern(c, topic, &pattern) || (pattern.parameters & c->preset->key) != c->preset->key)
        return;
    struct f2m_sign *sign = f2m_recognise_add(c, topic->at);
    if (!sign)
        return;
    const char *path = f2m_yaml_text(source, "path");
    *sign = (struct f2m_sign){
        .topic = topic->text,
        .pattern = pattern,
        .shape = F2M_SIGN_VALUE,
        .format = format_of(source, path),
        .path = path,
    };
    c->preset->source[id] |= UINT64_C(1) << (c->preset->signs_len - 1);
}

static void add_source(struct f2m_compiler *c, enum f2m_source_id id, const struct f2m_yaml *source, int depth)
{
    static const char *const ops[] = {"sum", "difference", "product"};
    const char *missing = f2m_yaml_text(source, "missing");

    if (missing && strcmp(missing, "zero") == 0)
        c->preset->source_any[id] = true;
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        const struct f2m_yaml *parts = f2m_yaml_get(source, ops[i]);
        for (size_t k = 0; parts && parts->type == F2M_YAML_LIST && k < parts->len && depth > 0; k++)
            add_source(c, id, parts->items[k].value, depth - 1);
        if (parts)
            return;
    }
    if (source->type != F2M_YAML_LIST)
        add_source_topic(c, id, source);
}

static void read_sources(struct f2m_compiler *c, const struct f2m_yaml *root)
{
    const struct f2m_yaml *sources = f2m_yaml_get(f2m_yaml_get(root, "telemetry"), "sources");

    for (size_t id = 0; id < F2M_SRC_COUNT; id++) {
        const struct f2m_yaml *source = f2m_yaml_get(sources, f2m_source_info[id].name);
        if (source && !f2m_yaml_is_null(source))
            add_source(c, (enum f2m_source_id)id, source, 4);
    }
}

/* ---- all of it ---- */

static void read_key(struct f2m_compiler *c, struct f2m_place at)
{
    struct f2m_recognise_preset *p = c->preset;
    bool any = false;

    for (size_t i = 0; i < p->signs_len; i++) {
        if (!p->signs[i].required)
            continue;
        p->key = any ? p->key & p->signs[i].pattern.parameters : p->signs[i].pattern.parameters;
        p->required |= UINT64_C(1) << i;
        any = true;
    }
    if (!any)
        f2m_report_error(c->report, at, "recognise: expected at least one topic without 'optional', found none");
}

static void check_key(struct f2m_compiler *c, struct f2m_place at)
{
    const struct f2m_recognise_preset *p = c->preset;

    for (size_t i = 0; i < p->signs_len; i++) {
        uint32_t missing = p->key & ~p->signs[i].pattern.parameters;
        for (size_t k = 0; missing && k < p->parameters_len; k++)
            if (missing & (UINT32_C(1) << k)) {
                f2m_report_error(c->report, at,
                                 "recognise: expected ${%.60s} in '%.200s' as in every topic without 'optional': it "
                                 "tells one system from another",
                                 p->parameters[k].name, p->signs[i].topic);
                break;
            }
    }
}

static bool publishes_anything(const struct f2m_yaml *modes)
{
    for (size_t i = 0; modes && i < modes->len; i++)
        if (modes->items[i].value->len > 0)
            return true;
    return false;
}

struct f2m_recognise_preset *f2m_recognise_compile(struct f2m_arena *arena, struct f2m_report *report, const char *name,
                                                   const struct f2m_yaml *root)
{
    const struct f2m_yaml *list = f2m_yaml_get(root, "recognise");
    const struct f2m_yaml *modes = f2m_yaml_get(f2m_yaml_get(root, "control"), "modes");
    struct f2m_recognise_preset *preset = f2m_arena_alloc(arena, sizeof *preset);
    struct f2m_compiler c = {arena, report, preset};
    size_t errors = report->errors;

    if (!list || f2m_yaml_is_null(list))
        return NULL;
    if (list->type != F2M_YAML_LIST) {
        f2m_report_error(report, list->at, "recognise: expected a list of topics, found %s", f2m_yaml_describe(list));
        return NULL;
    }
    const char *status = f2m_yaml_text(root, "status"), *description = f2m_yaml_text(root, "description");
    preset->name = name;
    preset->description = description ? description : name;
    preset->experimental = !status || strcmp(status, "stable") != 0;
    preset->asks = f2m_yaml_get(f2m_yaml_get(root, "telemetry"), "keepalive") != NULL;
    preset->observe = !modes || publishes_anything(modes);
    read_parameters(&c, root);
    for (size_t i = 0; i < list->len; i++)
        f2m_recognise_entry(&c, list->items[i].value);
    if (report->errors == errors)
        read_key(&c, list->at);
    if (report->errors == errors)
        check_key(&c, list->at);
    if (report->errors == errors)
        read_sources(&c, root);
    return report->errors == errors ? preset : NULL;
}
