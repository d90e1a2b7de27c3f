#include "config/load.h"

#include "config/loader.h"
#include "config/preset.h"
#include "config/table.h"
#include "util/limits.h"
#include "util/xalloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *folder_of(struct f2m_arena *arena, const char *file)
{
    const char *slash = strrchr(file, '/');

    if (!slash)
        return ".";
    return slash == file ? "/" : f2m_arena_copy(arena, file, (size_t)(slash - file));
}

/* Names and back-references that the table cannot fill in. */
static void complete(struct f2m_config *config)
{
    for (size_t i = 0; i < config->sites_len; i++) {
        struct f2m_site *site = &config->sites[i];
        for (size_t k = 0; k < site->devices_len; k++) {
            struct f2m_device *device = &site->devices[k];
            device->site = site;
            if (!device->name)
                device->name = f2m_xstrdup(device->id);
        }
    }
    f2m_config_build_index(config);
}

static void warn_empty(struct f2m_loader *loader, const struct f2m_config *config)
{
    size_t devices = 0;

    for (size_t i = 0; i < config->sites_len; i++)
        devices += config->sites[i].devices_len;
    if (devices == 0 && loader->report.errors == 0)
        f2m_report_warning(&loader->report, (struct f2m_place){loader->options->file, 0, 0},
                           "found no device, expected at least one in sites: there is nothing to report to Flip");
}

/* The tree with `mqtt` alone, and what the table asks for. */
static struct f2m_yaml *broker_of(struct f2m_loader *loader, const struct f2m_yaml *root)
{
    struct f2m_yaml *part = f2m_yaml_collection(&loader->arena, F2M_YAML_MAP, root->at);
    struct f2m_yaml *flip = f2m_yaml_collection(&loader->arena, F2M_YAML_MAP, root->at);
    const struct f2m_yaml_item *mqtt = f2m_yaml_item(root, "mqtt");

    f2m_yaml_add(&loader->arena, flip, "token", root->at, f2m_yaml_scalar(&loader->arena, root->at, "none"));
    f2m_yaml_add(&loader->arena, part, "flip", root->at, flip);
    if (mqtt)
        f2m_yaml_add(&loader->arena, part, "mqtt", mqtt->key_at, mqtt->value);
    return part;
}

static struct f2m_config *read_all(struct f2m_loader *loader)
{
    struct f2m_place whole = {loader->options->file, 0, 0};
    char found[F2M_FOUND_SIZE];

    const char *text = loader->options->text;
    struct f2m_yaml *root =
        text ? f2m_yaml_parse(&loader->arena, &loader->report, loader->options->file, text, strlen(text))
             : f2m_loader_yaml_file(loader, whole, loader->options->file, false);
    if (!root)
        return NULL;
    if (root->type != F2M_YAML_MAP) {
        f2m_report_error(&loader->report, root->at, "expected a mapping with keys such as 'flip' and 'sites', %s",
                         f2m_found(root, false, found));
        return NULL;
    }
    if (loader->options->broker_only)
        root = broker_of(loader, root);
    f2m_loader_apply_environment(loader, root);
    f2m_loader_resolve_tags(loader, root);
    f2m_presets_merge(loader, root);
    f2m_loader_resolve_tags(loader, root); /* what presets brought */
    struct f2m_config *config = f2m_xcalloc(1, sizeof *config);
    f2m_section_read(loader, &f2m_section_root, root, config);
    if (!loader->options->broker_only)
        warn_empty(loader, config);
    return config;
}

struct f2m_config *f2m_config_load(const struct f2m_config_options *options, struct f2m_findings *findings)
{
    *findings = (struct f2m_findings){NULL, 0};
    struct f2m_loader loader = {.options = options, .report = {.out = findings, .file = options->file}};

    loader.report.arena = &loader.arena;
    loader.dir = folder_of(&loader.arena, options->file);
    struct f2m_config *config = read_all(&loader);
    bool failed = loader.report.errors > 0 || !config;
    f2m_report_finish(&loader.report);
    f2m_arena_deinit(&loader.arena);
    if (failed) {
        f2m_config_free(config);
        return NULL;
    }
    complete(config);
    return config;
}
