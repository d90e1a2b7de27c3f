/* What no single key outside the sites can tell. */
#include "config/checks.h"
#include "config/url.h"
#include "util/topic.h"
#include "util/xalloc.h"

#include <stdlib.h>
#include <string.h>

/* Flip: Basics: base URLs. */
void f2m_check_flip(struct f2m_loader *loader, const struct f2m_yaml *map, void *target)
{
    struct f2m_flip_config *flip = target;
    const struct f2m_yaml *given = f2m_yaml_get(map, "base_url"), *environment = f2m_yaml_get(map, "environment");
    struct f2m_err err;
    char found[F2M_FOUND_SIZE];
    bool plain_remote = false;

    if (!flip->base_url) {
        bool production = environment && environment->text && strcmp(environment->text, "production") == 0;
        flip->base_url = f2m_xstrdup(production ? "https://api.flip.energy" : "https://api-sandbox.flip.energy");
        return;
    }
    free(f2m_url_parse_base(flip->base_url, &plain_remote, &err));
    if (plain_remote && !flip->insecure)
        f2m_report_error(&loader->report, given->at,
                         "base_url: expected https, or http to this machine, %s; insecure: true allows it",
                         f2m_found(given, false, found));
}

void f2m_check_mqtt(struct f2m_loader *loader, const struct f2m_yaml *map, void *target)
{
    struct f2m_mqtt_config *mqtt = target;
    const struct f2m_yaml_item *cert = f2m_yaml_given(map, "cert"), *key = f2m_yaml_given(map, "key");
    const struct f2m_yaml *server = f2m_yaml_get(map, "server"), *base = f2m_yaml_get(map, "base_topic");
    static const char *const parts[] = {"username", "password"};
    bool credentials = server && server->type == F2M_YAML_SCALAR && strchr(server->text, '@');

    for (size_t i = 0; credentials && i < 2; i++)
        if (f2m_yaml_given(map, parts[i]))
            f2m_report_error(&loader->report, f2m_yaml_given(map, parts[i])->key_at,
                             "%s: found it beside a server URL with user:password@, expected one of them", parts[i]);
    if (mqtt->password && !mqtt->username)
        f2m_report_error(&loader->report,
                         f2m_yaml_given(map, "password") ? f2m_yaml_given(map, "password")->key_at : map->at,
                         "password: expected a username beside it, found none");
    if (!!cert != !!key)
        f2m_report_error(&loader->report, (cert ? cert : key)->key_at, "%s: expected '%s' beside it, found none",
                         cert ? "cert" : "key", cert ? "key" : "cert");
    if (!mqtt->tls && (mqtt->ca || mqtt->cert))
        f2m_report_error(&loader->report, f2m_yaml_given(map, mqtt->ca ? "ca" : "cert")->key_at,
                         "%s: expected a server with mqtts://, found mqtt://", mqtt->ca ? "ca" : "cert");
    char found[F2M_FOUND_SIZE];
    size_t len = strlen(mqtt->base_topic);
    if (base && (mqtt->base_topic[0] == '/' || mqtt->base_topic[0] == '$' || mqtt->base_topic[len - 1] == '/'))
        f2m_report_error(&loader->report, base->at,
                         "base_topic: expected a topic that does not begin with / or $, nor end with /, %s",
                         f2m_found(base, false, found));
}

void f2m_check_http(struct f2m_loader *loader, const struct f2m_yaml *map, void *target)
{
    struct f2m_http_config *http = target;

    (void)loader;
    (void)map;
    if (!http->listen)
        http->listen = f2m_xstrdup("127.0.0.1:8099");
}

bool f2m_has_http(const void *target)
{
    return ((const struct f2m_http_config *)target)->listen != NULL;
}

bool f2m_has_webhook(const void *target)
{
    return ((const struct f2m_http_config *)target)->webhook_secrets_len > 0;
}

struct named {
    const char *id;
    const struct f2m_yaml *node;
};

static int by_id(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->id, y->id);

    if (order)
        return order;
    if (x->node->at.line != y->node->at.line)
        return x->node->at.line < y->node->at.line ? -1 : 1;
    return (x->node->at.col > y->node->at.col) - (x->node->at.col < y->node->at.col);
}

static void add_named(struct named *list, size_t *len, const struct f2m_yaml *object)
{
    const struct f2m_yaml *id = f2m_yaml_get(object, "id");

    if (id && id->type == F2M_YAML_SCALAR && *id->text)
        list[(*len)++] = (struct named){id->text, id};
}

static void report_equal(struct f2m_loader *loader, const char *what, struct named *list, size_t len)
{
    if (len)
        qsort(list, len, sizeof *list, by_id);
    for (size_t i = 1, first = 0; i < len; i++) {
        if (strcmp(list[first].id, list[i].id) != 0) {
            first = i;
            continue;
        }
        f2m_report_error(&loader->report, list[i].node->at,
                         "id: expected one %s with the id '%.200s', found a second; the first stands at line %d", what,
                         list[i].node->hidden ? "***" : list[i].id, list[first].node->at.line);
    }
}

/* The nodes of a list, where a single mapping counts as a list of one. */
static size_t count(const struct f2m_yaml *list)
{
    return !list || list->type == F2M_YAML_SCALAR ? 0 : list->type == F2M_YAML_MAP ? 1 : list->len;
}

static const struct f2m_yaml *element(const struct f2m_yaml *list, size_t i)
{
    return list->type == F2M_YAML_MAP ? list : list->items[i].value;
}

/* Interface, clarification 2: ids are unique, also across sites. */
void f2m_check_root(struct f2m_loader *loader, const struct f2m_yaml *map, void *target)
{
    const struct f2m_yaml *sites = f2m_yaml_get(map, "sites");
    size_t n_sites = count(sites), n_devices = 0, sites_len = 0, devices_len = 0;

    (void)target;
    for (size_t i = 0; i < n_sites; i++)
        n_devices += count(f2m_yaml_get(element(sites, i), "devices"));
    struct named *site_ids = f2m_xcalloc(n_sites + 1, sizeof *site_ids);
    struct named *device_ids = f2m_xcalloc(n_devices + 1, sizeof *device_ids);
    for (size_t i = 0; i < n_sites; i++) {
        const struct f2m_yaml *devices = f2m_yaml_get(element(sites, i), "devices");
        add_named(site_ids, &sites_len, element(sites, i));
        for (size_t k = 0; k < count(devices); k++)
            add_named(device_ids, &devices_len, element(devices, k));
    }
    report_equal(loader, "site", site_ids, sites_len);
    report_equal(loader, "device", device_ids, devices_len);
    free(site_ids);
    free(device_ids);
}
