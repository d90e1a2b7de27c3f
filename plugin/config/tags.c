/* !env NAME, !file PATH, !secret KEY. Interface, section 2. */
#include "config/loader.h"
#include "config/suggest.h"

#include <string.h>

static const char *resolve_env(struct f2m_loader *loader, const struct f2m_yaml *node)
{
    const char *value = f2m_loader_getenv(loader, node->text);

    if (!*node->text)
        f2m_report_error(&loader->report, node->at,
                         "expected the name of an environment variable after !env, found nothing");
    else if (!value)
        f2m_report_error(&loader->report, node->at,
                         "expected the environment variable '%.200s' to be set, found it unset", node->text);
    return value;
}

static const char *resolve_file(struct f2m_loader *loader, const struct f2m_yaml *node)
{
    if (*node->text)
        return f2m_loader_secret_file(loader, node->at, node->text);
    f2m_report_error(&loader->report, node->at, "expected a path after !file, found nothing");
    return NULL;
}

static void load_secrets(struct f2m_loader *loader, const struct f2m_yaml *node)
{
    size_t before = loader->report.errors;
    const char *path = f2m_loader_path(loader, "secrets.yaml");

    loader->secrets = f2m_loader_yaml_file(loader, node->at, path, true);
    loader->secrets_failed = !loader->secrets || loader->report.errors > before;
}

static const char *resolve_secret(struct f2m_loader *loader, const struct f2m_yaml *node)
{
    struct f2m_suggestion near = {NULL, 0};
    char hint[F2M_SUGGEST_SIZE];

    if (!*node->text) {
        f2m_report_error(&loader->report, node->at, "expected a key of secrets.yaml after !secret, found nothing");
        return NULL;
    }
    if (!loader->secrets && !loader->secrets_failed)
        load_secrets(loader, node);
    if (loader->secrets_failed)
        return NULL;
    const struct f2m_yaml *value = f2m_yaml_get(loader->secrets, node->text);
    if (value && value->type == F2M_YAML_SCALAR && !value->tag)
        return value->text;
    for (size_t i = 0; !value && loader->secrets->type == F2M_YAML_MAP && i < loader->secrets->len; i++)
        f2m_suggest(&near, node->text, loader->secrets->items[i].key);
    f2m_report_error(&loader->report, node->at, "expected the key '%.200s' with a text in secrets.yaml, found %s%s",
                     node->text, value ? (value->tag ? "a tag" : f2m_yaml_describe(value)) : "none",
                     f2m_suggestion_text(&near, hint));
    return NULL;
}

static const struct {
    const char *tag;
    const char *(*resolve)(struct f2m_loader *, const struct f2m_yaml *);
} tags[] = {
    {"!env", resolve_env},
    {"!file", resolve_file},
    {"!secret", resolve_secret},
};

static void resolve(struct f2m_loader *loader, struct f2m_yaml *node)
{
    struct f2m_suggestion near = {NULL, 0};
    char hint[F2M_SUGGEST_SIZE];

    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        if (strcmp(node->tag, tags[i].tag) != 0) {
            f2m_suggest(&near, node->tag, tags[i].tag);
            continue;
        }
        const char *text = tags[i].resolve(loader, node);
        node->broken = !text;
        node->text = text ? text : "";
        node->hidden = true;
        node->empty = false;
        return;
    }
    if (strcmp(node->tag, "!!str") == 0 || strcmp(node->tag, "!") == 0)
        return;
    f2m_report_error(&loader->report, node->at, "expected !env, !file or !secret, found '%.100s'%s", node->tag,
                     f2m_suggestion_text(&near, hint));
    node->broken = true;
}

void f2m_loader_resolve_tags(struct f2m_loader *loader, struct f2m_yaml *node)
{
    if (node->type == F2M_YAML_SCALAR) {
        if (!node->tag)
            return;
        resolve(loader, node);
        node->plain = false;
        node->tag = NULL;
        return;
    }
    for (size_t i = 0; i < node->len; i++)
        f2m_loader_resolve_tags(loader, node->items[i].value);
}
