/* Keys with rules of their own: URLs, groups of requests, modes, a charger's attributes. */
#include "config/checks.h"
#include "config/print.h"
#include "config/suggest.h"
#include "config/url.h"
#include "util/number.h"
#include "util/xalloc.h"

#include <stdlib.h>
#include <string.h>

#define BASE_URL "https://host[:port], without /v1"
#define SERVER   "mqtt://host[:port] or mqtts://host[:port]"

/* What is wrong with a URL; a hidden one is not quoted. */
static void report_url(struct f2m_loader *loader, const struct f2m_key *key, const struct f2m_yaml *node,
                       const char *expected, const struct f2m_err *err)
{
    if (node->hidden)
        f2m_report_error(&loader->report, node->at, "%s: expected %s, found ***", key->name, expected);
    else
        f2m_report_error(&loader->report, node->at, "%s: %s", key->name, err->text);
}

/* ---- flip.base_url ---- */

static void base_url_read(struct f2m_loader *loader, const struct f2m_key *key, const struct f2m_yaml *node, void *at)
{
    const char *text = f2m_scalar_text(loader, key->name, BASE_URL, node);
    struct f2m_err err;
    bool plain_remote;

    if (!text)
        return;
    f2m_report_mask_url(&loader->report, text);
    char *url = f2m_url_parse_base(text, &plain_remote, &err);
    if (!url)
        report_url(loader, key, node, BASE_URL, &err);
    free(*(char **)at);
    *(char **)at = url;
}

static void text_free(void *at)
{
    free(*(char **)at);
    *(char **)at = NULL;
}

static void text_schema(struct f2m_jw *w, const struct f2m_key *key)
{
    (void)key;
    f2m_jw_string(w, "type", "string");
}

const struct f2m_key_custom f2m_custom_base_url = {
    .type = "URL", .read = base_url_read, .free = text_free, .print = f2m_print_text, .schema = text_schema};

/* ---- mqtt.server ---- */

_Static_assert(offsetof(struct f2m_mqtt_config, host) == 0, "the key mqtt.server stands for the whole struct");

static void server_read(struct f2m_loader *loader, const struct f2m_key *key, const struct f2m_yaml *node, void *at)
{
    const char *text = f2m_scalar_text(loader, key->name, SERVER, node);
    struct f2m_err err;

    if (!text)
        return;
    f2m_report_mask_url(&loader->report, text);
    if (f2m_url_parse_server(text, at, &err) < 0)
        report_url(loader, key, node, SERVER, &err);
}

static void server_defaults(const struct f2m_key *key, void *at)
{
    struct f2m_err err;

    if (f2m_url_parse_server(key->fallback, at, &err) < 0)
        abort();
}

const struct f2m_key_custom f2m_custom_server = {.type = "URL",
                                                 .read = server_read,
                                                 .defaults = server_defaults,
                                                 .free = text_free,
                                                 .print = f2m_print_server,
                                                 .schema = text_schema};

/* ---- flip.unknown_devices: a choice kept as a bool ---- */

static void unknown_devices_read(struct f2m_loader *loader, const struct f2m_key *key, const struct f2m_yaml *node,
                                 void *at)
{
    struct f2m_key choice = *key;
    struct f2m_err expected;
    struct f2m_suggestion near = {NULL, 0};
    char found[F2M_FOUND_SIZE], hint[F2M_SUGGEST_SIZE];
    int value = 0;

    choice.type = F2M_KEY_CHOICE;
    f2m_value_expected(&choice, &expected);
    const char *text = f2m_scalar_text(loader, key->name, expected.text, node);
    if (!text)
        return;
    if (f2m_value_parse(&choice, text, &value, &expected)) {
        *(bool *)at = value == 1;
        return;
    }
    for (const struct f2m_choice *c = key->choices; c->name; c++)
        f2m_suggest(&near, text, c->name);
    f2m_report_error(&loader->report, node->at, "%s: expected %s, %s%s", key->name, expected.text,
                     f2m_found(node, false, found), f2m_suggestion_text(&near, hint));
}

static void choice_schema(struct f2m_jw *w, const struct f2m_key *key)
{
    f2m_jw_array(w, "enum");
    for (const struct f2m_choice *c = key->choices; c->name; c++)
        f2m_jw_string(w, NULL, c->name);
    f2m_jw_end(w);
}

const struct f2m_key_custom f2m_custom_unknown_devices = {
    .type = "choice", .read = unknown_devices_read, .print = f2m_print_unknown_devices, .schema = choice_schema};

/* ---- requests.allow ---- */

#define ALL_GROUPS ((1u << F2M_GROUP_COUNT) - 1)

static void allow_one(struct f2m_loader *loader, const struct f2m_yaml *node, unsigned *allow)
{
    struct f2m_suggestion near = {NULL, 0};
    char found[F2M_FOUND_SIZE], hint[F2M_SUGGEST_SIZE];
    const char *text = f2m_scalar_text(loader, "allow", "the name of a group", node);

    if (!text)
        return;
    if (strcmp(text, "all") == 0) {
        *allow = ALL_GROUPS;
        return;
    }
    for (int i = 0; i < F2M_GROUP_COUNT; i++) {
        const char *name = f2m_group_name((enum f2m_group)i);
        if (strcmp(text, name) == 0) {
            *allow |= 1u << i;
            return;
        }
        f2m_suggest(&near, text, name);
    }
    f2m_report_error(&loader->report, node->at,
                     "allow: expected read, participation, device, site, enrollment, commission, control, telemetry, "
                     "supplements, token, outbox or all, %s%s",
                     f2m_found(node, false, found), f2m_suggestion_text(&near, hint));
}

static void allow_read(struct f2m_loader *loader, const struct f2m_key *key, const struct f2m_yaml *node, void *at)
{
    unsigned *allow = at;

    (void)key;
    *allow = 0;
    if (node->type != F2M_YAML_LIST) {
        allow_one(loader, node, allow);
        return;
    }
    for (size_t i = 0; i < node->len; i++)
        allow_one(loader, node->items[i].value, allow);
}

static void allow_defaults(const struct f2m_key *key, void *at)
{
    (void)key;
    *(unsigned *)at = 1u << F2M_GROUP_READ | 1u << F2M_GROUP_PARTICIPATION | 1u << F2M_GROUP_OUTBOX;
}

static void groups_schema(struct f2m_jw *w)
{
    f2m_jw_array(w, "enum");
    for (int i = 0; i < F2M_GROUP_COUNT; i++)
        f2m_jw_string(w, NULL, f2m_group_name((enum f2m_group)i));
    f2m_jw_string(w, NULL, "all");
    f2m_jw_end(w);
}

static void allow_schema(struct f2m_jw *w, const struct f2m_key *key)
{
    (void)key;
    f2m_jw_array(w, "oneOf");
    f2m_jw_object(w, NULL);
    groups_schema(w);
    f2m_jw_end(w);
    f2m_jw_object(w, NULL);
    f2m_jw_string(w, "type", "array");
    f2m_jw_object(w, "items");
    groups_schema(w);
    f2m_jw_end(w);
    f2m_jw_end(w);
    f2m_jw_end(w);
}

const struct f2m_key_custom f2m_custom_allow = {.type = "list of groups",
                                                .read = allow_read,
                                                .defaults = allow_defaults,
                                                .print = f2m_print_allow,
                                                .schema = allow_schema};

/* ---- a device's preset: merged into the tree long before; here only its name is kept ---- */

static void preset_read(struct f2m_loader *loader, const struct f2m_key *key, const struct f2m_yaml *node, void *at)
{
    const struct f2m_yaml *name = node->type == F2M_YAML_MAP ? f2m_yaml_get(node, "name") : node;

    (void)loader;
    (void)key;
    if (name && name->type == F2M_YAML_SCALAR && *name->text)
        *(char **)at = f2m_xstrdup(name->text);
}

static void preset_schema(struct f2m_jw *w, const struct f2m_key *key)
{
    (void)key;
    f2m_jw_array(w, "oneOf");
    f2m_jw_object(w, NULL);
    f2m_jw_string(w, "type", "string");
    f2m_jw_end(w);
    f2m_jw_object(w, NULL);
    f2m_jw_string(w, "type", "object");
    f2m_jw_array(w, "required");
    f2m_jw_string(w, NULL, "name");
    f2m_jw_end(w);
    f2m_jw_end(w);
    f2m_jw_end(w);
}

const struct f2m_key_custom f2m_custom_preset = {.type = "name or mapping",
                                                 .read = preset_read,
                                                 .free = text_free,
                                                 .print = f2m_print_preset,
                                                 .schema = preset_schema};

/* ---- an EV charger's attributes: YAML -> a JSON object ---- */

static void write_json(struct f2m_jw *w, const char *name, const struct f2m_yaml *node)
{
    double number;

    if (node->type == F2M_YAML_SCALAR) {
        struct f2m_slice text = f2m_slice_of(node->text);
        if (f2m_yaml_is_null(node))
            f2m_jw_null(w, name);
        else if (node->plain && (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0))
            f2m_jw_bool(w, name, node->text[0] == 't');
        else if (node->plain && f2m_number_parse(text, &number))
            f2m_jw_number(w, name, number);
        else
            f2m_jw_text(w, name, text);
        return;
    }
    if (node->type == F2M_YAML_MAP)
        f2m_jw_object(w, name);
    else
        f2m_jw_array(w, name);
    for (size_t i = 0; i < node->len; i++) {
        if (node->items[i].key)
            f2m_jw_key_text(w, f2m_slice_of(node->items[i].key));
        write_json(w, NULL, node->items[i].value);
    }
    f2m_jw_end(w);
}

static void attributes_read(struct f2m_loader *loader, const struct f2m_key *key, const struct f2m_yaml *node, void *at)
{
    char found[F2M_FOUND_SIZE];
    f2m_autostrbuf json = {0};

    if (node->broken)
        return;
    if (node->type != F2M_YAML_MAP || node->height >= F2M_JW_DEPTH) {
        f2m_report_error(&loader->report, node->at, "%s: expected a mapping of at most %d levels, %s", key->name,
                         F2M_JW_DEPTH - 1, f2m_found(node, false, found));
        return;
    }
    f2m_strbuf_init(&json, 0);
    struct f2m_jw w = f2m_jw(&json);
    write_json(&w, NULL, node);
    if (json.overflow)
        f2m_report_error(&loader->report, node->at, "%s: expected less, found more than %zu bytes", key->name,
                         F2M_STRBUF_MAX);
    *(char **)at = f2m_strbuf_take(&json);
}

static void object_schema(struct f2m_jw *w, const struct f2m_key *key)
{
    (void)key;
    f2m_jw_string(w, "type", "object");
}

const struct f2m_key_custom f2m_custom_attributes = {.type = "mapping",
                                                     .read = attributes_read,
                                                     .free = text_free,
                                                     .print = f2m_print_attributes,
                                                     .schema = object_schema};
