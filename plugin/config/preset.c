#include "config/preset.h"

#include "config/recognise_rules.h"
#include "config/suggest.h"
#include "util/limits.h"

#include <string.h>
#include <unistd.h>

struct f2m_preset {
    struct f2m_preset *next;
    const char *name;
    struct f2m_yaml *root; /* NULL = it failed, and that was reported */
};

/* One use: the preset and what the device gives for its parameters. */
struct use {
    struct f2m_loader *loader;
    const char *name;
    bool hidden;                       /* the name came from !env and the like */
    struct f2m_place at;               /* the preset's value in the device */
    const struct f2m_yaml *device;     /* what `from:` looks into */
    const struct f2m_yaml *given;      /* the device's map of parameters, or NULL */
    const struct f2m_yaml *parameters; /* the preset's declarations, or NULL */
};

/* What a preset says about itself; everything else is a device's. */
static const char *const own_keys[] = {"description", "status", "notes", "traps", "recognise", "parameters"};

static bool is_own_key(const char *key)
{
    for (size_t i = 0; i < sizeof own_keys / sizeof own_keys[0]; i++)
        if (strcmp(key, own_keys[i]) == 0)
            return true;
    return false;
}

/* ---- finding ---- */

static bool name_valid(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

    return len > 0 && len < 64 && name[len] == '\0';
}

static const char *beside_program(struct f2m_loader *loader, const char *name)
{
    char exe[4096];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof exe - 1);

    if (len <= 0)
        return NULL;
    exe[len] = '\0';
    char *slash = strrchr(exe, '/');
    if (!slash)
        return NULL;
    *slash = '\0';
    return f2m_arena_printf(&loader->arena, "%s/../share/flip2mqtt/presets/%s.yaml", exe, name);
}

static const char *built_in(const char *name)
{
    for (const struct f2m_preset_text *text = f2m_preset_texts; text->name; text++)
        if (strcmp(text->name, name) == 0)
            return text->text;
    return NULL;
}

/* A user's own first, then what is shipped (Interface, clarification 24). */
static struct f2m_yaml *read_preset(const struct use *use, bool *found)
{
    struct f2m_loader *loader = use->loader;
    const char *dir = loader->options->preset_dir, *text = built_in(use->name);
    const char *const paths[] = {
        f2m_loader_path(loader, f2m_arena_printf(&loader->arena, "presets/%s.yaml", use->name)),
        dir ? f2m_arena_printf(&loader->arena, "%s/%s.yaml", dir, use->name) : NULL,
        text ? NULL : beside_program(loader, use->name),
    };

    *found = true;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (paths[i] && access(paths[i], F_OK) == 0)
            return f2m_loader_yaml_file(loader, use->at, paths[i], false);
    *found = text != NULL;
    if (!text)
        return NULL;
    const char *file = f2m_arena_printf(&loader->arena, "presets/%s.yaml", use->name);
    f2m_report_add_text(&loader->report, file, text, strlen(text));
    return f2m_yaml_parse(&loader->arena, &loader->report, file, text, strlen(text));
}

static void report_unknown(const struct use *use)
{
    struct f2m_suggestion near = {NULL, 0};
    char hint[F2M_SUGGEST_SIZE];

    for (const struct f2m_preset_text *text = f2m_preset_texts; text->name; text++)
        f2m_suggest(&near, use->name, text->name);
    f2m_report_error(
        &use->loader->report, use->at,
        "preset: expected the name of a preset, found '%.100s'%s (own ones lie in presets/ beside the configuration)",
        use->hidden ? "***" : use->name, f2m_suggestion_text(&near, hint));
}

static struct f2m_yaml *find(const struct use *use)
{
    struct f2m_loader *loader = use->loader;
    bool found = false;

    for (struct f2m_preset *preset = loader->presets; preset; preset = preset->next)
        if (strcmp(preset->name, use->name) == 0)
            return preset->root;
    struct f2m_yaml *root = name_valid(use->name) ? read_preset(use, &found) : NULL;
    if (!found)
        report_unknown(use);
    if (root && root->type != F2M_YAML_MAP) {
        f2m_report_error(&loader->report, root->at, "expected a mapping with keys such as 'telemetry', found %s",
                         f2m_yaml_describe(root));
        root = NULL;
    }
    if (root) /* for its errors: `learn` is where it is used */
        (void)f2m_recognise_compile(&loader->arena, &loader->report, use->name, root);
    struct f2m_preset *preset = f2m_arena_alloc(&loader->arena, sizeof *preset);
    *preset = (struct f2m_preset){loader->presets, use->name, root};
    loader->presets = preset;
    return root;
}

/* ---- parameters ---- */

/* What the device gives; else the device's own key that the preset names with `from`; else the default. */
static const struct f2m_yaml *value_of(const struct use *use, const char *parameter)
{
    const struct f2m_yaml_item *given = f2m_yaml_given(use->given, parameter);
    const struct f2m_yaml *declared = f2m_yaml_get(use->parameters, parameter);
    const char *from = f2m_yaml_text(declared, "from");
    const struct f2m_yaml_item *own = from ? f2m_yaml_given(use->device, from) : NULL;

    if (given)
        return given->value;
    if (own && own->value->type == F2M_YAML_SCALAR)
        return own->value;
    const struct f2m_yaml *fallback = f2m_yaml_get(declared, "default");
    return fallback && fallback->type == F2M_YAML_SCALAR ? fallback : NULL;
}

static bool check_given(const struct use *use)
{
    bool ok = true;

    for (size_t i = 0; use->given && i < use->given->len; i++) {
        const struct f2m_yaml_item *item = &use->given->items[i];
        struct f2m_suggestion near = {NULL, 0};
        char hint[F2M_SUGGEST_SIZE];
        if (strcmp(item->key, "name") == 0)
            continue;
        if (f2m_yaml_item(use->parameters, item->key)) {
            ok &= item->value->type == F2M_YAML_SCALAR && !item->value->broken;
            if (item->value->type != F2M_YAML_SCALAR)
                f2m_report_error(&use->loader->report, item->value->at,
                                 "preset: expected a text for '%.100s', found %s", item->key,
                                 f2m_yaml_describe(item->value));
            continue;
        }
        for (size_t k = 0; use->parameters && k < use->parameters->len; k++)
            f2m_suggest(&near, item->key, use->parameters->items[k].key);
        f2m_report_error(&use->loader->report, item->key_at, "unknown parameter '%.100s' of preset '%s'%s", item->key,
                         use->name, f2m_suggestion_text(&near, hint));
        ok = false;
    }
    return ok;
}

static bool check_missing(const struct use *use)
{
    bool ok = true;

    for (size_t i = 0; use->parameters && i < use->parameters->len; i++) {
        const struct f2m_yaml_item *item = &use->parameters->items[i];
        const char *description = f2m_yaml_text(item->value, "description"),
                   *example = f2m_yaml_text(item->value, "example");
        const char *from = f2m_yaml_text(item->value, "from");
        if (value_of(use, item->key))
            continue;
        f2m_report_error(
            &use->loader->report, use->at,
            "missing parameter '%.100s' of preset '%s', expected %.200s: preset: { name: %s, %.100s: %.100s }%s%.60s",
            item->key, use->name, description ? description : "a text", use->name, item->key, example ? example : "…",
            from ? ", or the device's key " : "", from ? from : "");
        ok = false;
    }
    return ok;
}

/* ${name} -> its value; *hidden where that is a secret. NULL after a report. */
static const char *substitute(const struct use *use, struct f2m_place at, const char *text, bool *hidden)
{
    f2m_autostrbuf out = {0};
    const char *open;

    if (!strstr(text, "${"))
        return text;
    f2m_strbuf_init(&out, 0);
    while ((open = strstr(text, "${"))) {
        const char *close = strchr(open, '}');
        char name[64];
        f2m_strbuf_add(&out, text, (size_t)(open - text));
        size_t len = close ? (size_t)(close - open - 2) : 0;
        if (len == 0 || len >= sizeof name) {
            f2m_report_error(&use->loader->report, at, "expected ${parameter}, found '%.40s'", open);
            return NULL;
        }
        memcpy(name, open + 2, len);
        name[len] = '\0';
        const struct f2m_yaml *value = value_of(use, name);
        if (!value) {
            f2m_report_error(&use->loader->report, at, "unknown parameter '${%s}', expected it in 'parameters'", name);
            return NULL;
        }
        *hidden |= value->hidden;
        f2m_strbuf_adds(&out, value->text);
        text = close + 1;
    }
    f2m_strbuf_adds(&out, text);
    return f2m_arena_copy(&use->loader->arena, out.data, out.len);
}

static struct f2m_yaml *instantiate(const struct use *use, const struct f2m_yaml *node)
{
    struct f2m_arena *arena = &use->loader->arena;

    if (node->type == F2M_YAML_SCALAR) {
        struct f2m_yaml *copy = f2m_yaml_scalar(arena, node->at, "");
        *copy = *node;
        const char *text = substitute(use, node->at, node->text, &copy->hidden);
        copy->broken = !text;
        copy->text = text ? text : "";
        return copy;
    }
    struct f2m_yaml *copy = f2m_yaml_collection(arena, node->type, node->at);
    for (size_t i = 0; i < node->len; i++) {
        const struct f2m_yaml_item *item = &node->items[i];
        bool hidden = false;
        const char *key = item->key ? substitute(use, item->key_at, item->key, &hidden) : NULL;
        if (key || !item->key)
            f2m_yaml_add(arena, copy, key, item->key_at, instantiate(use, item->value));
    }
    return copy;
}

/* ---- merging ---- */

static bool is_whole_source(const struct f2m_yaml *node)
{
    static const char *const ops[] = {"topic", "const", "sum", "difference", "product"};

    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (f2m_yaml_item(node, ops[i]))
            return true;
    return false;
}

/* The device's keys over the preset's: maps are merged, lists and texts replaced, `null` takes a key away. A source is
 * replaced as a whole where the device says where it comes from, and merged where it only says more about it. */
static struct f2m_yaml *merge(struct f2m_arena *arena, const struct f2m_yaml *own, const struct f2m_yaml *preset,
                              bool sources)
{
    struct f2m_yaml *merged = f2m_yaml_collection(arena, F2M_YAML_MAP, own->at);

    for (size_t i = 0; i < own->len; i++) {
        const struct f2m_yaml_item *item = &own->items[i];
        const struct f2m_yaml *other = f2m_yaml_get(preset, item->key);
        bool both = other && other->type == F2M_YAML_MAP && item->value->type == F2M_YAML_MAP;
        struct f2m_yaml *value = item->value;
        if (other && f2m_yaml_is_null(value) && !value->empty)
            continue;
        if (both && !(sources && is_whole_source(value)))
            value = merge(arena, value, other, strcmp(item->key, "sources") == 0);
        f2m_yaml_add(arena, merged, item->key, item->key_at, value);
    }
    for (size_t i = 0; i < preset->len; i++)
        if (!f2m_yaml_item(own, preset->items[i].key))
            f2m_yaml_add(arena, merged, preset->items[i].key, preset->items[i].key_at, preset->items[i].value);
    return merged;
}

/* The preset without what it says about itself. */
static struct f2m_yaml *body_of(const struct use *use, const struct f2m_yaml *root)
{
    struct f2m_yaml *body = f2m_yaml_collection(&use->loader->arena, F2M_YAML_MAP, root->at);

    for (size_t i = 0; i < root->len; i++)
        if (!is_own_key(root->items[i].key))
            f2m_yaml_add(&use->loader->arena, body, root->items[i].key, root->items[i].key_at,
                         instantiate(use, root->items[i].value));
    return body;
}

static bool begin_use(struct use *use, const struct f2m_yaml *preset)
{
    const struct f2m_yaml *name = preset->type == F2M_YAML_MAP ? f2m_yaml_get(preset, "name") : preset;

    if (preset->broken || (name && name->broken))
        return false;
    use->given = preset->type == F2M_YAML_MAP ? preset : NULL;
    use->at = preset->at;
    if (!name || name->type != F2M_YAML_SCALAR || !*name->text) {
        f2m_report_error(&use->loader->report, name ? name->at : preset->at,
                         "preset: expected the name of a preset, or { name: …, <parameter>: … }, found %s",
                         name ? f2m_yaml_describe(name) : "no name");
        return false;
    }
    use->name = name->text;
    use->hidden = name->hidden;
    use->at = name->at;
    return true;
}

static struct f2m_yaml *merge_device(struct f2m_loader *loader, struct f2m_yaml *device)
{
    const struct f2m_yaml_item *preset = f2m_yaml_given(device, "preset");
    struct use use = {.loader = loader, .device = device};

    if (!preset || !begin_use(&use, preset->value))
        return device;
    const struct f2m_yaml *root = find(&use);
    if (!root)
        return device;
    use.parameters = f2m_yaml_get(root, "parameters");
    bool given = check_given(&use), complete = check_missing(&use);
    if (!given || !complete)
        return device;
    loader->preset_nodes += root->weight;
    if (loader->preset_nodes > F2M_MAX_CONFIG_NODES) {
        f2m_report_error(&loader->report, use.at, "preset: expected fewer, found more than %d values in all presets",
                         F2M_MAX_CONFIG_NODES);
        return device;
    }
    return merge(&loader->arena, device, body_of(&use, root), false);
}

void f2m_presets_merge(struct f2m_loader *loader, struct f2m_yaml *root)
{
    struct f2m_yaml *sites = f2m_yaml_get(root, "sites");

    for (size_t i = 0; sites && sites->type == F2M_YAML_LIST && i < sites->len; i++) {
        struct f2m_yaml_item *devices = f2m_yaml_item(sites->items[i].value, "devices");
        struct f2m_yaml *list = devices ? devices->value : NULL;
        for (size_t k = 0; list && list->type == F2M_YAML_LIST && k < list->len; k++)
            list->items[k].value = merge_device(loader, list->items[k].value);
        if (list && list->type == F2M_YAML_MAP)
            devices->value = merge_device(loader, list);
    }
}
