#include "config/config.h"

#include "config/table.h"
#include "util/xalloc.h"

#include <stdlib.h>
#include <string.h>

const struct f2m_source_info f2m_source_info[F2M_SRC_COUNT] = {
#define SOURCE_INFO(id, name, kind) [F2M_SRC_##id] = {name, F2M_VALUE_##kind},
    F2M_SOURCES(SOURCE_INFO)
#undef SOURCE_INFO
};

enum f2m_quantity f2m_value_quantity(enum f2m_value_kind kind)
{
    switch (kind) {
    case F2M_VALUE_PERCENTAGE: return F2M_QUANTITY_PERCENTAGE;
    case F2M_VALUE_POWER:
    case F2M_VALUE_SIGNED_POWER: return F2M_QUANTITY_POWER;
    case F2M_VALUE_ENERGY:
    case F2M_VALUE_COUNTER: return F2M_QUANTITY_ENERGY;
    case F2M_VALUE_BOOL:
    case F2M_VALUE_MODE:
    case F2M_VALUE_TEXT: break;
    }
    return F2M_QUANTITY_NONE;
}

static const char *const modes[] = {[F2M_MODE_NONE] = "NONE",
#define MODE_NAME(name) [F2M_MODE_##name] = #name,
                                    F2M_MODES(MODE_NAME)
#undef MODE_NAME
};

const char *f2m_mode_name(enum f2m_mode mode)
{
    return modes[mode];
}

bool f2m_mode_parse(struct f2m_slice text, enum f2m_mode *mode)
{
    for (int i = F2M_MODE_NONE + 1; i < F2M_MODE_COUNT; i++) {
        if (!f2m_slice_is(text, modes[i]))
            continue;
        *mode = (enum f2m_mode)i;
        return true;
    }
    return false;
}

static const char *const groups[] = {
#define GROUP_NAME(id, name) [F2M_GROUP_##id] = name,
    F2M_GROUPS(GROUP_NAME)
#undef GROUP_NAME
};

const char *f2m_group_name(enum f2m_group group)
{
    return groups[group];
}

void f2m_config_free(struct f2m_config *config)
{
    if (!config)
        return;
    f2m_section_free(&f2m_section_root, config);
    free(config->index);
    free(config);
}

static int by_id(const void *a, const void *b)
{
    struct f2m_device *const *x = a, *const *y = b;

    return strcmp((*x)->id, (*y)->id);
}

static int id_order(const void *id, const void *device)
{
    return strcmp(id, (*(struct f2m_device *const *)device)->id);
}

static size_t count_devices(const struct f2m_config *config)
{
    size_t n = 0;

    for (size_t i = 0; i < config->sites_len; i++)
        n += config->sites[i].devices_len;
    return n;
}

void f2m_config_build_index(struct f2m_config *config)
{
    size_t n = 0;

    free(config->index);
    config->index = f2m_xcalloc(count_devices(config) + 1, sizeof *config->index);
    for (size_t i = 0; i < config->sites_len; i++)
        for (size_t k = 0; k < config->sites[i].devices_len; k++)
            config->index[n++] = &config->sites[i].devices[k];
    config->index_len = n;
    if (n)
        qsort(config->index, n, sizeof *config->index, by_id);
}

struct f2m_device *f2m_config_device(const struct f2m_config *config, const char *device_id)
{
    if (config->index) {
        struct f2m_device **hit =
            config->index_len ? bsearch(device_id, config->index, config->index_len, sizeof *hit, id_order) : NULL;
        return hit ? *hit : NULL;
    }
    for (size_t i = 0; i < config->sites_len; i++)
        for (size_t k = 0; k < config->sites[i].devices_len; k++)
            if (strcmp(config->sites[i].devices[k].id, device_id) == 0)
                return &config->sites[i].devices[k];
    return NULL;
}

struct f2m_site *f2m_config_site(const struct f2m_config *config, const char *site_id)
{
    for (size_t i = 0; i < config->sites_len; i++)
        if (strcmp(config->sites[i].id, site_id) == 0)
            return &config->sites[i];
    return NULL;
}
