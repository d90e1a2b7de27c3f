/*
 * FLIP2MQTT_<PATH> and FLIP2MQTT_<PATH>_FILE: keys outside `sites`, the path in upper case joined by _. They are put
 * over the tree before it is read, so that they are checked like everything else. Interface, section 2.
 */
#include "config/loader.h"
#include "config/suggest.h"
#include "config/table.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define PREFIX        "FLIP2MQTT_"
#define VARIABLE_SIZE 128

struct search {
    const char *name; /* the variable looked for */
    struct f2m_suggestion near;
    const struct f2m_key *key; /* where it was found… */
    const char *path[4];       /* …the names of the sections above it, and its own */
    size_t depth;
    char candidates[64][VARIABLE_SIZE]; /* what suggestions borrow */
    size_t candidates_len;
};

static void variable_name(const char *above, const char *key, char out[VARIABLE_SIZE])
{
    if (snprintf(out, VARIABLE_SIZE, "%s_%s", above, key) >= VARIABLE_SIZE)
        out[0] = '\0'; /* no name of the table is as long; this one would match nothing */
    for (char *c = out; *c; c++)
        *c = (char)toupper((unsigned char)*c);
}

static bool find_in(struct search *search, const struct f2m_section *section, const char *above, size_t depth)
{
    for (size_t i = 0; i < section->keys_len; i++) {
        const struct f2m_key *key = &section->keys[i];
        char name[VARIABLE_SIZE];
        if (key->type == F2M_KEY_LIST)
            continue;
        variable_name(above, key->name, name);
        search->path[depth] = key->name;
        if (key->type == F2M_KEY_SECTION) {
            if (find_in(search, key->section, name, depth + 1))
                return true;
            continue;
        }
        if (strcmp(name, search->name) == 0) {
            search->key = key;
            search->depth = depth + 1;
            return true;
        }
        if (search->candidates_len < sizeof search->candidates / sizeof search->candidates[0]) {
            char *kept = search->candidates[search->candidates_len++];
            memcpy(kept, name, sizeof name);
            f2m_suggest(&search->near, search->name, kept);
        }
    }
    return false;
}

static bool find(struct search *search, const char *name)
{
    *search = (struct search){.name = name};
    return find_in(search, &f2m_section_root, "FLIP2MQTT", 0);
}

/* Lists are written with commas. */
static struct f2m_yaml *make_value(struct f2m_loader *loader, const struct f2m_key *key, struct f2m_place at,
                                   const char *text)
{
    bool list = key->type == F2M_KEY_TEXTS || strcmp(key->name, "allow") == 0;

    if (!list || !strchr(text, ',')) {
        struct f2m_yaml *value = f2m_yaml_scalar(&loader->arena, at, text);
        value->hidden = key->secret;
        return value;
    }
    struct f2m_yaml *values = f2m_yaml_collection(&loader->arena, F2M_YAML_LIST, at);
    while (text) {
        const char *comma = strchr(text, ',');
        struct f2m_slice part = f2m_slice_trim((struct f2m_slice){text, comma ? (size_t)(comma - text) : strlen(text)});
        struct f2m_yaml *value = f2m_yaml_scalar(&loader->arena, at, f2m_arena_copy(&loader->arena, part.at, part.len));
        value->hidden = key->secret;
        f2m_yaml_add(&loader->arena, values, NULL, at, value);
        text = comma ? comma + 1 : NULL;
    }
    return values;
}

/* The map of a section, made where it is missing. */
static struct f2m_yaml *descend(struct f2m_loader *loader, struct f2m_yaml *map, const char *name, struct f2m_place at)
{
    struct f2m_yaml_item *item = f2m_yaml_item(map, name);

    if (item && item->value->type == F2M_YAML_MAP)
        return item->value;
    struct f2m_yaml *made = f2m_yaml_collection(&loader->arena, F2M_YAML_MAP, item ? item->value->at : at);
    if (!item)
        f2m_yaml_add(&loader->arena, map, name, at, made);
    else if (f2m_yaml_is_null(item->value))
        item->value = made;
    else
        return NULL; /* a wrong type: the table reports it */
    return made;
}

static void put(struct f2m_loader *loader, struct f2m_yaml *root, const struct search *search, struct f2m_yaml *value)
{
    struct f2m_yaml *map = root;

    for (size_t i = 0; map && i + 1 < search->depth; i++)
        map = descend(loader, map, search->path[i], root->at);
    if (!map)
        return;
    struct f2m_yaml_item *item = f2m_yaml_item(map, search->path[search->depth - 1]);
    if (item)
        item->value = value;
    else
        f2m_yaml_add(&loader->arena, map, search->path[search->depth - 1], value->at, value);
}

/* FLIP2MQTT_MQTT_… is meant for us; FLIP2MQTT_HOME may be somebody's own. */
static bool is_ours(const char *name)
{
    for (size_t i = 0; i < f2m_section_root.keys_len; i++) {
        char begin[VARIABLE_SIZE];
        variable_name("FLIP2MQTT", f2m_section_root.keys[i].name, begin);
        size_t len = strlen(begin);
        if (strncmp(name, begin, len) == 0 && (name[len] == '_' || name[len] == '\0'))
            return true;
    }
    return false;
}

static void report_unknown(struct f2m_loader *loader, const char *name, const struct f2m_suggestion *near)
{
    static const char text[] = "unknown variable, expected FLIP2MQTT_ and the path of a key outside sites";
    struct f2m_place at = {name, 0, 0};
    char hint[F2M_SUGGEST_SIZE];

    f2m_suggestion_text(near, hint);
    if (near->best || is_ours(name))
        f2m_report_error(&loader->report, at, "%s%s", text, hint);
    else
        f2m_report_warning(&loader->report, at, "%s", text);
}

static void apply(struct f2m_loader *loader, struct f2m_yaml *root, const char *name, const char *text)
{
    struct search search, plain;
    struct f2m_place at = {name, 0, 0};
    size_t len = strlen(name);
    bool file = len > 5 && strcmp(name + len - 5, "_FILE") == 0;

    if (find(&search, name)) {
        put(loader, root, &search, make_value(loader, search.key, at, text));
        return;
    }
    const char *base = file ? f2m_arena_copy(&loader->arena, name, len - 5) : name;
    if (!file || !find(&plain, base)) {
        report_unknown(loader, name, file ? &plain.near : &search.near);
        return;
    }
    if (f2m_loader_getenv(loader, base)) {
        f2m_report_error(&loader->report, at, "found it beside %s, expected one of them", base);
        return;
    }
    const char *content = f2m_loader_secret_file(loader, at, text);
    struct f2m_yaml *value = f2m_yaml_scalar(&loader->arena, at, content ? content : "");
    value->broken = !content;
    value->hidden = true;
    put(loader, root, &plain, value);
}

void f2m_loader_apply_environment(struct f2m_loader *loader, struct f2m_yaml *root)
{
    for (char *const *e = loader->options->environ; e && *e; e++) {
        const char *equals = strchr(*e, '=');
        if (strncmp(*e, PREFIX, strlen(PREFIX)) != 0 || !equals)
            continue;
        const char *name = f2m_arena_copy(&loader->arena, *e, (size_t)(equals - *e));
        if (root->type == F2M_YAML_MAP)
            apply(loader, root, name, equals + 1);
    }
}
