/* Reading a section of the configuration by its table. */
#include "config/table.h"

#include "config/suggest.h"
#include "util/limits.h"
#include "util/secret.h"
#include "util/xalloc.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *member(void *target, size_t offset)
{
    return (char *)target + offset;
}

const struct f2m_key *f2m_section_key(const struct f2m_section *section, const char *name)
{
    for (size_t i = 0; i < section->keys_len; i++)
        if (strcmp(section->keys[i].name, name) == 0)
            return &section->keys[i];
    return NULL;
}

/* The table's own defaults always parse: a test goes through all of them. */
static void set_default(const struct f2m_key *key, void *target)
{
    void *at = member(target, key->at);
    struct f2m_err ignored;

    if (key->unstored)
        return;
    if (key->type == F2M_KEY_SECTION)
        f2m_section_defaults(key->section, at);
    else if (key->type == F2M_KEY_CUSTOM && key->custom->defaults)
        key->custom->defaults(key, at);
    else if (key->fallback && key->type < F2M_KEY_TEXTS && !f2m_value_parse(key, key->fallback, at, &ignored))
        abort();
    else if (!key->fallback && (key->type == F2M_KEY_PERCENTAGE || key->type == F2M_KEY_NUMBER))
        *(double *)at = NAN;
}

void f2m_section_defaults(const struct f2m_section *section, void *target)
{
    for (size_t i = 0; i < section->keys_len; i++)
        set_default(&section->keys[i], target);
}

const char *f2m_found(const struct f2m_yaml *node, bool secret, char buf[F2M_FOUND_SIZE])
{
    if (node->type != F2M_YAML_SCALAR || f2m_yaml_is_null(node))
        snprintf(buf, F2M_FOUND_SIZE, "found %s", f2m_yaml_describe(node));
    else if (!*node->text)
        snprintf(buf, F2M_FOUND_SIZE, "found an empty text");
    else if (secret || node->hidden)
        snprintf(buf, F2M_FOUND_SIZE, "found ***");
    else
        snprintf(buf, F2M_FOUND_SIZE, "found '%.200s'", node->text);
    return buf;
}

/* People forget the quotes around JSON and templates: {"value": 1} is a mapping then. */
static const char *collection_hint(const struct f2m_yaml *node, const char *expected)
{
    if (node->type == F2M_YAML_MAP && strncmp(expected, "a text", 6) == 0)
        return ": put JSON and templates in single quotes";
    return "";
}

const char *f2m_scalar_text(struct f2m_loader *loader, const char *name, const char *expected,
                            const struct f2m_yaml *node)
{
    char found[F2M_FOUND_SIZE];

    if (node->broken)
        return NULL;
    if (node->type == F2M_YAML_SCALAR && !f2m_yaml_is_null(node)) {
        if (strncmp(node->text, F2M_FILL_IN, strlen(F2M_FILL_IN)) == 0)
            f2m_report_warning(&loader->report, node->at,
                               "%s: still says " F2M_FILL_IN ", as flip2mqtt learn wrote it: put in your own", name);
        return node->text;
    }
    f2m_report_error(&loader->report, node->at, "%s: expected %s, %s%s", name, expected, f2m_found(node, false, found),
                     collection_hint(node, expected));
    return NULL;
}

static const char *choice_hint(const struct f2m_key *key, const char *text, char buf[F2M_SUGGEST_SIZE])
{
    struct f2m_suggestion near = {NULL, 0};

    for (const struct f2m_choice *c = key->choices; c && c->name; c++)
        f2m_suggest(&near, text, c->name);
    return f2m_suggestion_text(&near, buf);
}

static void check_file(struct f2m_loader *loader, const struct f2m_key *key, const struct f2m_yaml *node, char **path)
{
    const char *full = f2m_loader_path(loader, *path);

    free(*path);
    *path = f2m_xstrdup(full);
    if (key->type == F2M_KEY_FILE && access(full, R_OK) != 0)
        f2m_report_error(&loader->report, node->at, "%s: expected a file that can be read, found %s%.300s%s: %s",
                         key->name, node->hidden ? "" : "'", node->hidden ? "***" : full, node->hidden ? "" : "'",
                         strerror(errno));
}

/* Whatever a secret key holds: a list or mapping by mistake, too. The depth of the tree is bounded. */
static void mask_all(struct f2m_loader *loader, const struct f2m_yaml *node)
{
    if (node->type == F2M_YAML_SCALAR && !node->hidden)
        f2m_report_mask(&loader->report, node->text);
    for (size_t i = 0; i < node->len; i++)
        mask_all(loader, node->items[i].value);
}

static void read_scalar(struct f2m_loader *loader, const struct f2m_key *key, const struct f2m_yaml *node, void *at)
{
    struct f2m_err expected;
    char found[F2M_FOUND_SIZE], hint[F2M_SUGGEST_SIZE];
    int64_t scratch = 0; /* unstored keys are integers or choices */

    f2m_value_expected(key, &expected);
    if (key->secret)
        mask_all(loader, node);
    const char *text = f2m_scalar_text(loader, key->name, expected.text, node);
    if (!text)
        return;
    if (key->secret && strcmp(text, "***") == 0)
        f2m_report_warning(&loader->report, node->at,
                           "%s: expected the secret itself, found the *** of `flip2mqtt config`", key->name);
    if (!f2m_value_parse(key, text, key->unstored ? (void *)&scratch : at, &expected)) {
        if (*text && (key->type == F2M_KEY_TEMPLATE || key->type == F2M_KEY_TOPIC_TEMPLATE)) {
            f2m_report_error(&loader->report, node->at, "%s: %s", key->name,
                             node->hidden ? "expected a text or template that fits, found ***" : expected.text);
            return;
        }
        f2m_report_error(&loader->report, node->at, "%s: expected %s, %s%s", key->name, expected.text,
                         f2m_found(node, key->secret, found), choice_hint(key, text, hint));
        return;
    }
    if (key->type == F2M_KEY_FILE || key->type == F2M_KEY_PATH)
        check_file(loader, key, node, at);
}

static void read_texts(struct f2m_loader *loader, const struct f2m_key *key, const struct f2m_yaml *node, void *target)
{
    struct f2m_key one = *key;
    const struct f2m_yaml *const single[] = {node};
    bool list = node->type == F2M_YAML_LIST;
    size_t n = list ? node->len : 1, len = 0;

    one.type = F2M_KEY_TEXT;
    char **texts = f2m_xcalloc(n + 1, sizeof *texts);
    for (size_t i = 0; i < n; i++) {
        read_scalar(loader, &one, list ? node->items[i].value : single[0], &texts[len]);
        len += texts[len] != NULL;
    }
    *(char ***)member(target, key->at) = texts;
    *(size_t *)member(target, key->len_at) = len;
}

static void read_list(struct f2m_loader *loader, const struct f2m_key *key, const struct f2m_yaml *node, void *target)
{
    *(void **)member(target, key->at) =
        f2m_list_read(loader, key->name, key->section, node, member(target, key->len_at));
}

static void read_key(struct f2m_loader *loader, const struct f2m_key *key, const struct f2m_yaml *node, void *target)
{
    void *at = member(target, key->at);

    /* `key: null` means: not given. For what must be given it is an error like any other wrong value, and so is a key
     * with nothing behind it, unless it opens a section. */
    bool collection = key->type == F2M_KEY_SECTION || key->type == F2M_KEY_LIST;
    if (f2m_yaml_is_null(node) && !key->required && (!node->empty || collection) && !node->broken)
        return;
    switch (key->type) {
    case F2M_KEY_SECTION: f2m_section_read(loader, key->section, node, at); break;
    case F2M_KEY_LIST: read_list(loader, key, node, target); break;
    case F2M_KEY_TEXTS: read_texts(loader, key, node, target); break;
    case F2M_KEY_CUSTOM: key->custom->read(loader, key, node, at); break;
    default: read_scalar(loader, key, node, at); break;
    }
}

void f2m_report_unknown_key(struct f2m_loader *loader, const struct f2m_section *section,
                            const struct f2m_yaml_item *item)
{
    struct f2m_suggestion near = {NULL, 0};
    char hint[F2M_SUGGEST_SIZE];

    for (size_t i = 0; !f2m_report_full(&loader->report) && i < section->keys_len; i++)
        f2m_suggest(&near, item->key, section->keys[i].name);
    const struct f2m_key *meant = near.best ? f2m_section_key(section, near.best) : NULL;
    if (meant && meant->secret)
        mask_all(loader, item->value);
    else if (item->value->type == F2M_YAML_SCALAR && strstr(item->value->text, "://"))
        f2m_report_mask_url(&loader->report, item->value->text);
    f2m_report_error(&loader->report, item->key_at, "unknown key '%.200s' in %s%s", item->key, section->name,
                     f2m_suggestion_text(&near, hint));
}

/* ", such as token: !env FLIP_TOKEN"; of a section its own required key. */
static void write_example(const struct f2m_key *key, struct f2m_strbuf *out)
{
    if (key->example)
        f2m_strbuf_addf(out, ", such as %s: %s", key->name, key->example);
    for (size_t i = 0; key->section && i < key->section->keys_len; i++)
        if (key->section->keys[i].required)
            f2m_strbuf_addf(out, ", expected it with '%s'", key->section->keys[i].name);
}

static void check_required(struct f2m_loader *loader, const struct f2m_section *section, const struct f2m_yaml *map)
{
    for (size_t i = 0; i < section->keys_len; i++) {
        const struct f2m_key *key = &section->keys[i];
        f2m_autostrbuf example = {0};
        if (!key->required || f2m_yaml_item(map, key->name))
            continue;
        f2m_strbuf_init(&example, 0);
        write_example(key, &example);
        f2m_report_error(&loader->report, map->at, "missing key '%s' in %s%s", key->name, section->name, example.data);
    }
}

/* What is given in place of a mapping: nothing (an empty one), or the text that a shorthand stands for. */
static const struct f2m_yaml *as_map(struct f2m_loader *loader, const struct f2m_section *section,
                                     const struct f2m_yaml *node)
{
    char found[F2M_FOUND_SIZE];

    if (node->broken)
        return NULL;
    if (node->type == F2M_YAML_MAP)
        return node;
    struct f2m_yaml *map = f2m_yaml_collection(&loader->arena, F2M_YAML_MAP, node->at);
    if (f2m_yaml_is_null(node))
        return map;
    if (section->shorthand && node->type == F2M_YAML_SCALAR) {
        struct f2m_yaml *copy = f2m_yaml_scalar(&loader->arena, node->at, node->text);
        copy->hidden = node->hidden;
        f2m_yaml_add(&loader->arena, map, section->shorthand, node->at, copy);
        return map;
    }
    f2m_report_error(&loader->report, node->at, "expected %s as a mapping with keys such as '%s', %s", section->name,
                     section->keys[0].name, f2m_found(node, false, found));
    return NULL;
}

void f2m_section_read(struct f2m_loader *loader, const struct f2m_section *section, const struct f2m_yaml *node,
                      void *target)
{
    f2m_section_defaults(section, target);
    const struct f2m_yaml *map = node ? as_map(loader, section, node) : NULL;
    if (!map)
        return;
    if (section->placed) {
        int *place = member(target, section->place_at);
        place[0] = map->at.line;
        place[1] = map->at.col;
    }
    for (size_t i = 0; i < map->len; i++) {
        const struct f2m_key *key = f2m_section_key(section, map->items[i].key);
        if (key)
            read_key(loader, key, map->items[i].value, target);
        else
            f2m_report_unknown_key(loader, section, &map->items[i]);
    }
    check_required(loader, section, map);
    if (section->check)
        section->check(loader, map, target);
}

void *f2m_list_read(struct f2m_loader *loader, const char *name, const struct f2m_section *section,
                    const struct f2m_yaml *node, size_t *len)
{
    char found[F2M_FOUND_SIZE];

    *len = 0;
    if (node->broken)
        return NULL;
    if (node->type == F2M_YAML_SCALAR && !f2m_yaml_is_null(node)) {
        f2m_report_error(&loader->report, node->at, "%s: expected a list of mappings, %s", name,
                         f2m_found(node, false, found));
        return NULL;
    }
    bool single = node->type == F2M_YAML_MAP;
    size_t n = single ? 1 : node->len;
    loader->list_bytes += n * section->size;
    if (loader->list_bytes > F2M_MAX_CONFIG_LIST_BYTES) {
        f2m_report_error(&loader->report, node->at,
                         "%s: expected fewer entries, found %zu: all lists together may take %u MB", name, n,
                         F2M_MAX_CONFIG_LIST_BYTES >> 20);
        return NULL;
    }
    char *list = f2m_xcalloc(n ? n : 1, section->size);
    for (size_t i = 0; i < n; i++)
        f2m_section_read(loader, section, single ? node : node->items[i].value, list + i * section->size);
    *len = n;
    return list;
}

static void free_key(const struct f2m_key *key, void *target)
{
    void *at = member(target, key->at);

    if (key->unstored)
        return;
    if (key->type == F2M_KEY_SECTION) {
        f2m_section_free(key->section, at);
    } else if (key->type == F2M_KEY_LIST) {
        f2m_list_free(key->section, *(void **)at, *(size_t *)member(target, key->len_at));
        *(void **)at = NULL;
    } else if (key->type == F2M_KEY_TEXTS) {
        char **texts = *(char ***)at;
        for (size_t i = 0; texts && i < *(size_t *)member(target, key->len_at); i++)
            f2m_secret_free(texts[i]);
        free(texts);
        *(char ***)at = NULL;
    } else if (key->type == F2M_KEY_CUSTOM) {
        if (key->custom->free)
            key->custom->free(at);
    } else {
        f2m_value_free(key, at);
    }
}

void f2m_section_free(const struct f2m_section *section, void *target)
{
    for (size_t i = 0; i < section->keys_len; i++)
        free_key(&section->keys[i], target);
}

void f2m_list_free(const struct f2m_section *section, void *list, size_t len)
{
    for (size_t i = 0; list && i < len; i++)
        f2m_section_free(section, (char *)list + i * section->size);
    free(list);
}
