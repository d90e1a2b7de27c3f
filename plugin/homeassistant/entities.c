#include "homeassistant/entities.h"

#include <math.h>

/*
 * Templates. Where a value is not known they give None, which Home Assistant takes for "unknown": never 0, never an
 * error in its log, also where a member is missing.
 */
#define SOURCE(name)     "{% set s = value_json.get('" name "', {}) %}"
#define VALUE_OF(name)   SOURCE(name) "{{ s.value if s.fresh else None }}"
#define KWH_OF(name)     SOURCE(name) "{{ (s.value / 1000) | round(3) if s.fresh and s.value is number else None }}"
#define COUNTER_OF(name) SOURCE(name) "{{ (s.total / 1000) | round(3) if s.fresh and s.total is number else None }}"
#define SWITCH_OF(expr)  "{% set v = " expr " %}{{ 'None' if v is not boolean else 'ON' if v else 'OFF' }}"
#define FLAG_OF(name)                                                                                                  \
    SOURCE(name) "{{ 'None' if not s.fresh or s.value is not boolean else 'ON' if s.value else 'OFF' }}"
#define MEMBER(path)     "{{ value_json." path " | default(None) }}"
#define NEXT(member)     "{{ (value_json.next or {})." member " | default(None) }}"
#define REPORTED(member) "{{ value_json.point." member " | default(None) }}"

#define MODES "BACKUP CHARGE DISCHARGE SAVINGS SELF_CONSUMPTION STANDBY"

/* Rows that differ in little. A value of the battery depends on the bridge alone: it comes from the house. */
#define MEASURED(key_, name_, source_)                                                                                 \
    .key = key_, .scope = F2M_HA_DEVICE, .platform = F2M_HA_SENSOR, .name = name_, .topic = "state",                   \
    .need = F2M_HA_NEED(source_), .state_class = "measurement"
#define POWER(key_, name_, source_, icon_)                                                                             \
    MEASURED(key_, name_, source_), .value = VALUE_OF(key_), .unit = "W", .device_class = "power", .icon = icon_,      \
                                    .precision = F2M_HA_DIGITS(0)
/*
 * Energy Dashboard: the continued reading, which never falls while our database lives: dips and impossible jumps are
 * held back, resets are continued (telemetry/counter.h). total_increasing all the same, since after the loss of the
 * database a daily counter starts over, and `total` would take that for a huge negative amount.
 */
#define ENERGY(key_, name_, source_, icon_)                                                                            \
    .key = key_, .scope = F2M_HA_DEVICE, .platform = F2M_HA_SENSOR, .name = name_, .topic = "state",                   \
    .value = COUNTER_OF(key_), .need = F2M_HA_NEED(source_), .unit = "kWh", .device_class = "energy",                  \
    .state_class = "total_increasing", .icon = icon_, .precision = F2M_HA_DIGITS(1)
/* What went to Flip for the last interval: every point is a cycle of its own, so `total` with its start as last reset
 * sums up rightly, also where no counter is mapped. */
#define REPORTED_ENERGY(key_, name_, member_)                                                                          \
    .key = key_, .scope = F2M_HA_DEVICE, .platform = F2M_HA_SENSOR, .name = name_, .topic = "telemetry",               \
    .value = REPORTED(member_), .need = F2M_HA_NEEDS_INTERVALS, .unit = "Wh", .device_class = "energy",                \
    .state_class = "total", .last_reset = REPORTED("start_time"), .icon = "mdi:cloud-upload",                          \
    .category = "diagnostic", .precision = F2M_HA_DIGITS(0)
#define CONTROL(key_, name_)                                                                                           \
    .key = key_, .scope = F2M_HA_DEVICE, .platform = F2M_HA_SENSOR, .name = name_, .topic = "control"
#define SITE(key_, platform_, name_, topic_)                                                                           \
    .key = key_, .scope = F2M_HA_SITE, .platform = platform_, .name = name_, .topic = topic_
#define HEALTH(key_, name_, member_)                                                                                   \
    .key = key_, .scope = F2M_HA_BRIDGE, .platform = F2M_HA_SENSOR, .name = name_, .topic = "bridge/health",           \
    .value = MEMBER(member_), .category = "diagnostic"
#define COUNTED(key_, name_, member_, icon_)                                                                           \
    HEALTH(key_, name_, member_), .state_class = "total_increasing", .icon = icon_, .disabled = true

/* clang-format off */
const struct f2m_ha_entity f2m_ha_entities[] = {
    /* ---- battery: what the house tells ---- */
    {MEASURED("state_of_charge", "State of charge", STATE_OF_CHARGE), .value = VALUE_OF("state_of_charge"),
     .unit = "%", .device_class = "battery", .precision = F2M_HA_DIGITS(0)},
    {POWER("battery_charge_power", "Charge power", BATTERY_CHARGE_POWER, "mdi:battery-arrow-up")},
    {POWER("battery_discharge_power", "Discharge power", BATTERY_DISCHARGE_POWER, "mdi:battery-arrow-down")},
    {POWER("battery_power", "Battery power", BATTERY_POWER, "mdi:home-battery")},
    {MEASURED("stored_energy", "Stored energy", STORED_ENERGY), .value = KWH_OF("stored_energy"),
     .unit = "kWh", .device_class = "energy_storage", .precision = F2M_HA_DIGITS(1)},
    {MEASURED("capacity", "Capacity", CAPACITY), .value = KWH_OF("capacity"),
     .unit = "kWh", .device_class = "energy_storage", .category = "diagnostic", .precision = F2M_HA_DIGITS(1)},
    {MEASURED("state_of_health", "State of health", STATE_OF_HEALTH), .value = VALUE_OF("state_of_health"),
     .unit = "%", .icon = "mdi:battery-heart", .category = "diagnostic", .precision = F2M_HA_DIGITS(0)},
    {MEASURED("backup_reserve", "Reserve", BACKUP_RESERVE), .value = VALUE_OF("backup_reserve"),
     .unit = "%", .icon = "mdi:battery-lock", .precision = F2M_HA_DIGITS(0)},
    {POWER("solar_power", "Solar power", SOLAR_POWER, "mdi:solar-power")},
    {POWER("home_power", "Home power", HOME_POWER, "mdi:home-lightning-bolt")},
    {POWER("grid_power", "Grid power", GRID_POWER, "mdi:transmission-tower")},
    {ENERGY("battery_charge_energy", "Energy charged", BATTERY_CHARGE_ENERGY, "mdi:battery-plus")},
    {ENERGY("battery_discharge_energy", "Energy discharged", BATTERY_DISCHARGE_ENERGY, "mdi:battery-minus")},
    {ENERGY("solar_energy", "Solar energy", SOLAR_ENERGY, "mdi:solar-power")},
    {ENERGY("home_energy", "Home energy", HOME_ENERGY, "mdi:home-lightning-bolt")},
    {ENERGY("grid_import_energy", "Grid import", GRID_IMPORT_ENERGY, "mdi:transmission-tower-export")},
    {ENERGY("grid_export_energy", "Grid export", GRID_EXPORT_ENERGY, "mdi:transmission-tower-import")},
    {.key = "battery_mode", .scope = F2M_HA_DEVICE, .platform = F2M_HA_SENSOR, .name = "Battery mode",
     .topic = "state", .value = VALUE_OF("mode"), .options = MODES, .device_class = "enum",
     .need = F2M_HA_NEED(MODE), .icon = "mdi:home-battery-outline"},
    {.key = "grid_online", .scope = F2M_HA_DEVICE, .platform = F2M_HA_BINARY_SENSOR, .name = "Grid",
     .topic = "state", .value = FLAG_OF("grid_online"), .device_class = "power", .need = F2M_HA_NEED(GRID_ONLINE)},
    {.key = "reachable", .scope = F2M_HA_DEVICE, .platform = F2M_HA_BINARY_SENSOR, .name = "Connection",
     .topic = "state", .value = SWITCH_OF("value_json.online"), .device_class = "connectivity",
     .category = "diagnostic", .need = F2M_HA_NEEDS_SOURCES},

    /* ---- battery: who controls, and what comes ---- */
    {CONTROL("controlled_by", "Controlled by"), .value = MEMBER("owner"), .options = "flip local",
     .device_class = "enum", .icon = "mdi:account-switch"},
    {CONTROL("commanded_mode", "Commanded mode"), .value = MEMBER("mode"), .options = MODES " NONE",
     .device_class = "enum", .icon = "mdi:battery-sync"},
    {CONTROL("commanded_power", "Commanded power"), .value = MEMBER("setpoint_w"), .unit = "W",
     .device_class = "power", .state_class = "measurement", .icon = "mdi:flash", .precision = F2M_HA_DIGITS(0)},
    {CONTROL("commanded_power_mode", "Commanded power mode"), .value = MEMBER("power_mode"),
     .icon = "mdi:tune-variant"},
    {CONTROL("commanded_reserve", "Commanded reserve"), .value = MEMBER("backup_reserve_percentage"), .unit = "%",
     .state_class = "measurement", .icon = "mdi:battery-lock", .precision = F2M_HA_DIGITS(0)},
    {CONTROL("command_start", "Command start"), .value = MEMBER("starts_at"), .device_class = "timestamp",
     .icon = "mdi:clock-start"},
    {CONTROL("command_end", "Command end"), .value = MEMBER("ends_at"), .device_class = "timestamp",
     .icon = "mdi:clock-end"},
    {CONTROL("next_mode", "Next command mode"), .options = MODES " NONE", .device_class = "enum",
     .value = "{{ (value_json.next or {}).mode | default('NONE') }}", .icon = "mdi:calendar-clock"},
    {CONTROL("next_power", "Next command power"), .value = NEXT("setpoint_w"), .unit = "W", .device_class = "power",
     .icon = "mdi:flash-outline", .precision = F2M_HA_DIGITS(0)},
    {CONTROL("next_start", "Next command start"), .value = NEXT("starts_at"), .device_class = "timestamp",
     .icon = "mdi:clock-start"},
    {CONTROL("next_end", "Next command end"), .value = NEXT("ends_at"), .device_class = "timestamp",
     .icon = "mdi:clock-end"},
    {.key = "pause", .scope = F2M_HA_DEVICE, .platform = F2M_HA_SWITCH, .name = "Pause Flip", .topic = "pause",
     .command = "pause/set", .icon = "mdi:pause-circle"},
    {.key = "command", .scope = F2M_HA_DEVICE, .platform = F2M_HA_EVENT, .name = "Command", .topic = "command",
     .value = "{{ dict(value_json, event_type=value_json.phase) | tojson }}",
     .options = "received started ended canceled opted_out replaced rejected failed", .icon = "mdi:battery-sync"},

    /* ---- battery: what was reported ---- */
    {.key = "upload_state", .scope = F2M_HA_DEVICE, .platform = F2M_HA_SENSOR, .name = "Upload",
     .topic = "telemetry", .value = MEMBER("upload.state"), .options = "pending sent rejected",
     .device_class = "enum", .attributes = "{{ {'message': value_json.upload.message} | tojson }}",
     .category = "diagnostic", .need = F2M_HA_NEEDS_UPLOADS, .icon = "mdi:cloud-upload"},
    {.key = "last_point", .scope = F2M_HA_DEVICE, .platform = F2M_HA_SENSOR, .name = "Last reported interval",
     .topic = "telemetry",
     .value = "{{ value_json.point.start_time | default(value_json.point.timestamp) | default(None) }}",
     .device_class = "timestamp", .category = "diagnostic", .need = F2M_HA_NEEDS_UPLOADS},
    {REPORTED_ENERGY("reported_charge", "Reported charge", "battery_total_energy_charge_wh")},
    {REPORTED_ENERGY("reported_discharge", "Reported discharge", "battery_total_energy_discharge_wh")},
    {REPORTED_ENERGY("reported_solar", "Reported solar", "solar_total_energy_wh")},
    {REPORTED_ENERGY("reported_home", "Reported home", "home_total_energy_wh")},
    {.key = "problem", .scope = F2M_HA_DEVICE, .platform = F2M_HA_BINARY_SENSOR, .name = "Problem",
     .topic = "state", .value = "{{ 'ON' if value_json.problem | default else 'OFF' }}",
     .attributes = "{{ {'problem': value_json.problem | default(None)} | tojson }}",
     .device_class = "problem", .category = "diagnostic"},

    /* ---- site ---- */
    {SITE("participation", F2M_HA_SWITCH, "Participation", "participation"), .command = "participation/set",
     .availability = F2M_HA_WITH_CLOUD, .icon = "mdi:account-check"},
    {SITE("event_active", F2M_HA_BINARY_SENSOR, "Event active", "event"), .device_class = "running",
     .value = "{{ 'ON' if value_json.phase == 'active' else 'OFF' }}"},
    {SITE("event_phase", F2M_HA_SENSOR, "Event phase", "event"), .value = MEMBER("phase"),
     .options = "none upcoming active", .device_class = "enum", .icon = "mdi:calendar-clock"},
    {SITE("event_start", F2M_HA_SENSOR, "Event start", "event"), .value = MEMBER("starts_at"),
     .device_class = "timestamp", .icon = "mdi:clock-start"},
    {SITE("event_end", F2M_HA_SENSOR, "Event end", "event"), .value = MEMBER("ends_at"),
     .device_class = "timestamp", .icon = "mdi:clock-end"},
    {SITE("notification", F2M_HA_EVENT, "Notification", "notification"), .icon = "mdi:bell",
     .options = "event.created event.updated event.canceled command.created command.started command.ended "
                "command.canceled command.updated enrollment.created enrollment.updated settings.apply "
                "participation.error"},
    {SITE("enrollment", F2M_HA_SENSOR, "Enrollment", "enrollments"), .availability = F2M_HA_WITH_CLOUD,
     .value = "{% set s = value_json | map(attribute='status') | list %}{{ (['NEEDS_ACTION', 'ACTIVE', 'PENDING', "
              "'REJECTED', 'UNENROLLED'] | select('in', s) | list + ['NONE']) | first }}",
     .options = "ACTIVE NEEDS_ACTION PENDING REJECTED UNENROLLED NONE", .device_class = "enum",
     .icon = "mdi:file-sign"},
    {SITE("earnings_yearly", F2M_HA_SENSOR, "Program earnings per year", "programs"), .unit = "USD",
     .value = "{{ value_json | map(attribute='earnings_for_site_yearly') | select('number') | max | default(None) }}",
     .attributes = "{{ {'programs': value_json | map(attribute='name') | select('string') | list} | tojson }}",
     .device_class = "monetary", .availability = F2M_HA_WITH_CLOUD, .precision = F2M_HA_DIGITS(0)},
    {SITE("earnings_upfront", F2M_HA_SENSOR, "Program earnings at the start", "programs"), .unit = "USD",
     .value = "{{ value_json | map(attribute='earnings_for_site_upfront') | select('number') | max | default(None) }}",
     .device_class = "monetary", .availability = F2M_HA_WITH_CLOUD, .precision = F2M_HA_DIGITS(0)},

    /* ---- bridge ---- */
    {.key = "cloud", .scope = F2M_HA_BRIDGE, .platform = F2M_HA_BINARY_SENSOR, .name = "Cloud",
     .topic = "cloud/state", .on = "online", .off = "offline", .device_class = "connectivity",
     .category = "diagnostic"},
    {.key = "connection", .scope = F2M_HA_BRIDGE, .platform = F2M_HA_BINARY_SENSOR, .name = "Connection",
     .topic = "bridge/state", .on = "online", .off = "offline", .device_class = "connectivity",
     .category = "diagnostic", .availability = F2M_HA_ALWAYS},
    {HEALTH("points_waiting", "Points waiting", "outbox.pending"), .state_class = "measurement",
     .icon = "mdi:tray-full"},
    {HEALTH("points_rejected", "Points rejected", "outbox.rejected"), .state_class = "measurement",
     .icon = "mdi:tray-remove"},
    {HEALTH("oldest_waiting", "Oldest waiting point", "outbox.oldest_start_time"), .device_class = "timestamp",
     .disabled = true},
    {HEALTH("last_upload", "Last upload", "last_upload"), .device_class = "timestamp"},
    {.key = "clock", .scope = F2M_HA_BRIDGE, .platform = F2M_HA_BINARY_SENSOR, .name = "Clock",
     .topic = "bridge/health",
     .value = "{{ 'OFF' if value_json.clock.state == 'ok' and (value_json.clock.offset_s or 0) | abs < 10 else 'ON' }}",
     .device_class = "problem", .category = "diagnostic"},
    {HEALTH("clock_offset", "Clock offset", "clock.offset_s"), .unit = "s", .device_class = "duration",
     .state_class = "measurement", .precision = F2M_HA_DIGITS(0)},
    {.key = "health", .scope = F2M_HA_BRIDGE, .platform = F2M_HA_BINARY_SENSOR, .name = "Health",
     .topic = "bridge/health", .value = "{{ 'OFF' if value_json.status == 'ok' else 'ON' }}",
     .attributes = "{{ {'problems': value_json.problems[:10], 'last_error': value_json.last_error} | tojson }}",
     .device_class = "problem", .category = "diagnostic"},
    {.key = "version", .scope = F2M_HA_BRIDGE, .platform = F2M_HA_SENSOR, .name = "Version",
     .topic = "bridge/info", .value = MEMBER("version"), .category = "diagnostic", .icon = "mdi:information"},
    {.key = "started", .scope = F2M_HA_BRIDGE, .platform = F2M_HA_SENSOR, .name = "Started",
     .topic = "bridge/info", .value = MEMBER("started_at"), .device_class = "timestamp",
     .category = "diagnostic", .disabled = true},
    {HEALTH("database_size", "Database size", "outbox.bytes"), .unit = "B", .device_class = "data_size",
     .state_class = "measurement", .disabled = true},
    {COUNTED("points_closed", "Points closed", "counters.points", "mdi:counter")},
    {COUNTED("uploads", "Uploads", "counters.uploads", "mdi:cloud-upload")},
    {COUNTED("retries", "Retries", "counters.retries", "mdi:cloud-refresh")},
    {COUNTED("points_dropped", "Points dropped", "counters.dropped", "mdi:tray-remove")},
    {COUNTED("payloads_invalid", "Unreadable payloads", "counters.invalid", "mdi:alert-circle-outline")},
};
/* clang-format on */
const size_t f2m_ha_entities_len = sizeof f2m_ha_entities / sizeof f2m_ha_entities[0];

const char *f2m_ha_platform_name(enum f2m_ha_platform platform)
{
    static const char *const names[F2M_HA_PLATFORMS] = {[F2M_HA_SENSOR] = "sensor",
                                                        [F2M_HA_BINARY_SENSOR] = "binary_sensor",
                                                        [F2M_HA_SWITCH] = "switch",
                                                        [F2M_HA_EVENT] = "event"};

    return names[platform];
}

static bool mapped(const struct f2m_device *d, enum f2m_source_id id)
{
    return d->telemetry.sources[id].op != F2M_SOURCE_NONE;
}

/* A capacity that is learnt may come later: the entity is unknown until then. */
static bool has_capacity(const struct f2m_device *d)
{
    return mapped(d, F2M_SRC_CAPACITY) || !isnan(d->capacity) || d->capacity_wh.source;
}

/* As device/<id>/state shows them: mapped, or following from mapped ones (telemetry/values.c). */
static bool has_source(const struct f2m_device *d, enum f2m_source_id id)
{
    if (mapped(d, id))
        return true;
    switch (id) {
    case F2M_SRC_BATTERY_CHARGE_POWER:
    case F2M_SRC_BATTERY_DISCHARGE_POWER: return mapped(d, F2M_SRC_BATTERY_POWER);
    case F2M_SRC_BATTERY_POWER:
        return mapped(d, F2M_SRC_BATTERY_CHARGE_POWER) && mapped(d, F2M_SRC_BATTERY_DISCHARGE_POWER);
    case F2M_SRC_HOME_POWER: return mapped(d, F2M_SRC_GRID_POWER);
    case F2M_SRC_CAPACITY: return has_capacity(d);
    case F2M_SRC_STORED_ENERGY: return has_capacity(d) && mapped(d, F2M_SRC_STATE_OF_CHARGE);
    default: return false;
    }
}

static bool has_any_source(const struct f2m_device *d)
{
    for (size_t id = 0; id < F2M_SRC_COUNT; id++)
        if (mapped(d, (enum f2m_source_id)id))
            return true;
    return d->telemetry.availability.topic != NULL;
}

bool f2m_ha_entity_applies(const struct f2m_ha_entity *entity, const struct f2m_device *d)
{
    if ((entity->scope == F2M_HA_DEVICE) != (d != NULL))
        return false;
    if (!d)
        return true; /* sites and the bridge have all of theirs */
    if (entity->need >= F2M_HA_NEEDS_SOURCE)
        return has_source(d, (enum f2m_source_id)(entity->need - F2M_HA_NEEDS_SOURCE));
    switch (entity->need) {
    case F2M_HA_NEEDS_UPLOADS: return d->telemetry.endpoint != F2M_TELEMETRY_OFF;
    case F2M_HA_NEEDS_INTERVALS: return d->telemetry.endpoint == F2M_TELEMETRY_INTERVAL;
    case F2M_HA_NEEDS_SOURCES: return has_any_source(d);
    default: return true;
    }
}
