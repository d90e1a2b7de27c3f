/* What no single key of a site or device can tell. */
#include "config/checks.h"
#include "config/source.h"
#include "config/template.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool f2m_has_availability(const void *target)
{
    return ((const struct f2m_availability *)target)->topic != NULL;
}

bool f2m_has_keepalive(const void *target)
{
    return ((const struct f2m_keepalive *)target)->topic != NULL;
}

bool f2m_is_battery(const void *target)
{
    return ((const struct f2m_device *)target)->type == F2M_DEVICE_BATTERY;
}

bool f2m_has_confirm(const void *target)
{
    return ((const struct f2m_confirm *)target)->topic != NULL;
}

void f2m_check_sources(struct f2m_loader *loader, const struct f2m_yaml *map, void *target)
{
    const struct f2m_yaml_item *power = f2m_yaml_given(map, "battery_power");
    const struct f2m_yaml_item *charge = f2m_yaml_given(map, "battery_charge_power");
    const struct f2m_yaml_item *discharge = f2m_yaml_given(map, "battery_discharge_power");
    const struct f2m_yaml_item *either = charge ? charge : discharge;

    (void)target;
    if (power && either)
        f2m_report_error(&loader->report, either->key_at,
                         "found '%s' beside 'battery_power', expected one signed power or both halves", either->key);
    else if (!!charge != !!discharge)
        f2m_report_error(&loader->report, either->key_at, "found '%s' alone, expected '%s' beside it", either->key,
                         charge ? "battery_discharge_power" : "battery_charge_power");
}

void f2m_check_telemetry(struct f2m_loader *loader, const struct f2m_yaml *map, void *target)
{
    struct f2m_telemetry_config *telemetry = target;

    (void)loader;
    (void)map;
    for (size_t i = 0; i < F2M_SRC_COUNT; i++)
        f2m_source_default_max_age(&telemetry->sources[i], telemetry->max_age_ms);
}

void f2m_check_publish(struct f2m_loader *loader, const struct f2m_yaml *map, void *target)
{
    const struct f2m_control_publish *publish = target;
    const struct f2m_yaml *refresh = f2m_yaml_get(map, "refresh");

    if (publish->retain && publish->refresh_ms)
        f2m_report_error(&loader->report, refresh->at,
                         "refresh: found it with retain: true, expected one of them: a lease that is kept would "
                         "outlive the command");
}

static double field_number(const struct f2m_device_field *field)
{
    return field->value ? strtod(field->value, NULL) : NAN;
}

/* Flip's Device needs them; Interface, Sites 3. */
static const struct {
    const char *key;
    size_t at;
    bool battery; /* of batteries only */
} commissioning[] = {
    {"manufacturer_name", offsetof(struct f2m_device, manufacturer_name), false},
    {"product_name", offsetof(struct f2m_device, product_name), false},
    {"serial_number", offsetof(struct f2m_device, serial_number), false},
    {"install_date", offsetof(struct f2m_device, install_date), false},
    {"capacity", offsetof(struct f2m_device, capacity_wh), true},
    {"max_charge", offsetof(struct f2m_device, max_charge_w), true},
    {"max_discharge", offsetof(struct f2m_device, max_discharge_w), true},
};
#define COMMISSIONING (sizeof commissioning / sizeof commissioning[0])

void f2m_check_device(struct f2m_loader *loader, const struct f2m_yaml *map, void *target)
{
    static const char *const of_batteries[] = {"telemetry", "control",    "preset",
                                               "capacity",  "max_charge", "max_discharge"};
    struct f2m_device *device = target;
    bool charger = device->type == F2M_DEVICE_EV_CHARGER;
    const struct f2m_yaml_item *attributes = f2m_yaml_given(map, "attributes");

    device->capacity = field_number(&device->capacity_wh);
    device->max_charge = field_number(&device->max_charge_w);
    device->max_discharge = field_number(&device->max_discharge_w);
    for (size_t i = 0; i < COMMISSIONING; i++) {
        struct f2m_device_field *field = (void *)((char *)device + commissioning[i].at);
        if (field->source)
            f2m_source_default_max_age(field->source, device->telemetry.max_age_ms);
    }
    f2m_source_default_max_age(&device->control.veto, device->telemetry.max_age_ms);
    for (size_t i = 0; charger && i < sizeof of_batteries / sizeof of_batteries[0]; i++) {
        const struct f2m_yaml_item *item = f2m_yaml_given(map, of_batteries[i]);
        if (item)
            f2m_report_error(&loader->report, item->key_at,
                             "found '%s' with type: EV_CHARGER, expected it for a BATTERY only", item->key);
    }
    if (attributes && !charger)
        f2m_report_error(&loader->report, attributes->key_at,
                         "found 'attributes' with type: BATTERY, expected capacity, max_charge and max_discharge");
}

static void check_commissioning(struct f2m_loader *loader, const struct f2m_yaml *node, const struct f2m_device *device)
{
    char missing[200] = "";
    size_t len = 0;

    for (size_t i = 0; i < COMMISSIONING; i++) {
        const struct f2m_device_field *field = (const void *)((const char *)device + commissioning[i].at);
        if (f2m_yaml_item(node, commissioning[i].key) || field->value || field->source ||
            (commissioning[i].battery && device->type != F2M_DEVICE_BATTERY))
            continue;
        len += (size_t)snprintf(missing + len, sizeof missing - len, "%s%s", len ? ", " : "", commissioning[i].key);
    }
    if (len)
        f2m_report_error(&loader->report, node->at, "missing %s: commission: true expects it as a value or source",
                         missing);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_topic(const struct f2m_source *a, const struct f2m_source *b)
{
    if (a->op != b->op || a->parts_len != b->parts_len)
        return false;
    for (size_t i = 0; i < a->parts_len; i++)
        if (!same_topic(&a->parts[i], &b->parts[i]))
            return false;
    return a->op != F2M_SOURCE_NONE && a->op != F2M_SOURCE_CONST && same_text(a->topic, b->topic) &&
           same_text(a->path, b->path);
}

/* Interface, clarification 33. */
static void check_counted_twice(struct f2m_loader *loader, const struct f2m_device *a, const struct f2m_device *b,
                                const struct f2m_yaml *node)
{
    static const enum f2m_source_id of_site[] = {
        F2M_SRC_SOLAR_POWER, F2M_SRC_HOME_POWER,         F2M_SRC_GRID_POWER,        F2M_SRC_SOLAR_ENERGY,
        F2M_SRC_HOME_ENERGY, F2M_SRC_GRID_IMPORT_ENERGY, F2M_SRC_GRID_EXPORT_ENERGY};
    const struct f2m_yaml *sources = f2m_yaml_get(f2m_yaml_get(node, "telemetry"), "sources");

    for (size_t i = 0; i < sizeof of_site / sizeof of_site[0]; i++) {
        enum f2m_source_id id = of_site[i];
        if (!same_topic(&a->telemetry.sources[id], &b->telemetry.sources[id]))
            continue;
        const struct f2m_yaml_item *item = f2m_yaml_item(sources, f2m_source_info[id].name);
        f2m_report_warning(
            &loader->report, item ? item->value->at : node->at,
            "%s: found the same topic as for device '%.100s' of this site, expected it once: Flip would count it twice",
            f2m_source_info[id].name, a->id ? a->id : "");
    }
}

/* More batteries than this in one home are a fleet, and comparing each with each would take long. */
#define COMPARED_DEVICES 100

void f2m_check_site(struct f2m_loader *loader, const struct f2m_yaml *map, void *target)
{
    struct f2m_site *site = target;
    const struct f2m_yaml *devices = f2m_yaml_get(map, "devices");

    for (size_t i = 0; i < site->devices_len; i++) {
        const struct f2m_yaml *node = devices->type == F2M_YAML_MAP ? devices : devices->items[i].value;
        if (site->commission && node->type == F2M_YAML_MAP)
            check_commissioning(loader, node, &site->devices[i]);
        for (size_t k = 0; k < i && i < COMPARED_DEVICES; k++)
            check_counted_twice(loader, &site->devices[k], &site->devices[i], node);
    }
}
