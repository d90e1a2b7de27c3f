/* The keys of a device's telemetry and control. Interface, section 2. */
#include "config/checks.h"
#include "config/source.h"

#include <math.h>

#define SECOND 1e3
#define MINUTE 60e3

#define AT(member) .at = offsetof(struct f2m_availability, member)
static const struct f2m_key availability_keys[] = {
    {.name = "topic",
     .type = F2M_KEY_TOPIC,
     AT(topic),
     .required = true,
     .help = "Where the device, or the program that reads it, says whether it is there.",
     .example = "lxp/LWT"},
    {.name = "path", .type = F2M_KEY_POINTER, AT(path), .help = "Where the payload is JSON.", .example = "/state"},
    {.name = "online", .type = F2M_KEY_TEXT, AT(online), .fallback = "online", .help = "The text for being there."},
    {.name = "offline", .type = F2M_KEY_TEXT, AT(offline), .fallback = "offline", .help = "The text for being away."},
};
static const struct f2m_section availability = {
    .name = "telemetry.availability",
    F2M_KEYS(availability_keys),
    .present = f2m_has_availability,
    .shorthand = "topic",
    .help = "A topic that says whether the device is there; its retained message counts.",
};

#undef AT
#define AT(member) .at = offsetof(struct f2m_keepalive, member)
static const struct f2m_key keepalive_keys[] = {
    {.name = "topic",
     .type = F2M_KEY_TOPIC,
     AT(topic),
     .required = true,
     .help = "Where to publish.",
     .example = "R/abc/keepalive"},
    {.name = "payload",
     .type = F2M_KEY_TEXT,
     AT(payload),
     .optional_text = true,
     .fallback = "",
     .help = "What to publish."},
    {.name = "every",
     .type = F2M_KEY_DURATION,
     AT(every_ms),
     .min = SECOND,
     .max = INFINITY,
     .fallback = "50s",
     .help = "How often."},
};
static const struct f2m_section keepalive = {
    .name = "telemetry.keepalive",
    F2M_KEYS(keepalive_keys),
    .present = f2m_has_keepalive,
    .help = "A publish that keeps the device talking (Victron falls silent after 60 s without one).",
};

#define SOURCE(id, key, value_kind)                                                                                    \
    {.name = key,                                                                                                      \
     .type = F2M_KEY_CUSTOM,                                                                                           \
     .custom = &f2m_custom_source,                                                                                     \
     .kind = F2M_VALUE_##value_kind,                                                                                   \
     .at = F2M_SRC_##id * sizeof(struct f2m_source),                                                                   \
     .help = HELP_##id},

#define HELP_STATE_OF_CHARGE          "Percent of the battery's capacity."
#define HELP_STATE_OF_HEALTH          "Percent of the capacity that it had when new."
#define HELP_STORED_ENERGY            "Energy in the battery. Default: `capacity` × state of charge."
#define HELP_CAPACITY                 "Energy that it holds when full. Default: the device's `capacity` × state of health."
#define HELP_BACKUP_RESERVE           "Percent that is kept for an outage."
#define HELP_MODE                     "One of Flip's six modes, usually by `map`."
#define HELP_GRID_ONLINE              "Whether the grid is there."
#define HELP_BATTERY_POWER            "Signed power of the battery, by `positive`. Not together with the next two."
#define HELP_BATTERY_CHARGE_POWER     "Power into the battery, together with `battery_discharge_power`."
#define HELP_BATTERY_DISCHARGE_POWER  "Power out of the battery, together with `battery_charge_power`."
#define HELP_SOLAR_POWER              "Power of the solar panels."
#define HELP_HOME_POWER               "Power that the home uses. Default: from solar, grid and battery where the grid is mapped."
#define HELP_GRID_POWER               "Signed power of the grid connection, by `positive`."
#define HELP_BATTERY_CHARGE_ENERGY    "Lifetime or daily counter into the battery."
#define HELP_BATTERY_DISCHARGE_ENERGY "Lifetime or daily counter out of the battery."
#define HELP_SOLAR_ENERGY             "Lifetime or daily counter of the solar panels."
#define HELP_HOME_ENERGY              "Lifetime or daily counter of the home."
#define HELP_GRID_IMPORT_ENERGY       "Lifetime or daily counter from the grid."
#define HELP_GRID_EXPORT_ENERGY       "Lifetime or daily counter to the grid."

static const struct f2m_key sources_keys[] = {F2M_SOURCES(SOURCE)};
static const struct f2m_section sources = {
    .name = "telemetry.sources",
    F2M_KEYS(sources_keys),
    .check = f2m_check_sources,
    .help = "Where each value comes from; each is a source, or a topic alone.",
};

#undef AT
#define AT(member) .at = offsetof(struct f2m_telemetry_config, member)

static const struct f2m_choice endpoints[] = {
    {"interval", F2M_TELEMETRY_INTERVAL}, {"counter", F2M_TELEMETRY_COUNTER}, {"off", F2M_TELEMETRY_OFF}, {NULL, 0}};
#define MODE_CHOICE(mode) {#mode, F2M_MODE_##mode},
static const struct f2m_choice modes[] = {F2M_MODES(MODE_CHOICE){NULL, 0}};

static const struct f2m_key telemetry_keys[] = {
    {.name = "endpoint",
     .type = F2M_KEY_CHOICE,
     AT(endpoint),
     .choices = endpoints,
     .fallback = "interval",
     .help = "`interval`: averages and energies per interval (BATTERY); `counter`: meter readings (BATTERY_COUNTER); "
             "`off`: nothing is sent."},
    {.name = "interval",
     .type = F2M_KEY_DURATION,
     AT(interval_ms),
     .min = SECOND,
     .max = 5 * MINUTE,
     .fallback = "5min",
     .help = "How long a point is; aligned to multiples in UTC."},
    {.name = "max_age",
     .type = F2M_KEY_DURATION,
     AT(max_age_ms),
     .min = SECOND,
     .max = INFINITY,
     .fallback = "5min",
     .help = "How long a value counts, for every source that says nothing else."},
    {.name = "default_mode",
     .type = F2M_KEY_CHOICE,
     AT(default_mode),
     .choices = modes,
     .fallback = "SELF_CONSUMPTION",
     .help = "The mode to report where none is mapped and Flip commands none."},
    {.name = "availability",
     .type = F2M_KEY_SECTION,
     .section = &availability,
     AT(availability),
     .help = "A topic that says whether the device is there."},
    {.name = "keepalive",
     .type = F2M_KEY_SECTION,
     .section = &keepalive,
     AT(keepalive),
     .help = "A publish that keeps the device talking."},
    {.name = "sources",
     .type = F2M_KEY_SECTION,
     .section = &sources,
     AT(sources),
     .help = "Where each value comes from."},
};
const struct f2m_section f2m_section_telemetry = {
    .name = "telemetry",
    F2M_KEYS(telemetry_keys),
    .size = sizeof(struct f2m_telemetry_config),
    .check = f2m_check_telemetry,
    .help = "What is measured and sent.",
};

/* ---- control ---- */
#undef AT
#define AT(member) .at = offsetof(struct f2m_confirm, member)

static const struct f2m_key confirm_keys[] = {
    {.name = "topic",
     .type = F2M_KEY_TOPIC,
     AT(topic),
     .required = true,
     .help = "Where the inverter shows what it took over.",
     .example = "solar_assistant/inverter_1/work_mode_priority/state"},
    {.name = "path", .type = F2M_KEY_POINTER, AT(path), .help = "Where the payload is JSON.", .example = "/mode"},
    {.name = "equals",
     .type = F2M_KEY_TEMPLATE,
     AT(equals),
     .required = true,
     .help = "What it must show; a template. Numbers are compared as numbers.",
     .example = "\"{{ setpoint_w }}\""},
    {.name = "within",
     .type = F2M_KEY_DURATION,
     AT(within_ms),
     .min = SECOND,
     .max = 15 * MINUTE,
     .fallback = "30s",
     .help = "How long to wait for it."},
};
static const struct f2m_section confirm = {
    .name = "confirm", F2M_KEYS(confirm_keys), .present = f2m_has_confirm, .help = "Waits for the read-back."};

#undef AT
#define AT(member) .at = offsetof(struct f2m_control_publish, member)

static const struct f2m_key publish_keys[] = {
    {.name = "topic",
     .type = F2M_KEY_TOPIC_TEMPLATE,
     AT(topic),
     .required = true,
     .help = "Where to publish; a template.",
     .example = "solar_assistant/inverter_1/work_mode_priority/set"},
    {.name = "payload",
     .type = F2M_KEY_TEMPLATE,
     AT(payload),
     .required = true,
     .optional_text = true,
     .help = "What to publish; a template.",
     .example = "\"{{ setpoint_w }}\""},
    {.name = "retain",
     .type = F2M_KEY_BOOL,
     AT(retain),
     .fallback = "false",
     .help = "Whether the broker keeps it. Rarely right: a battery that reconnects would obey an old command."},
    {.name = "delay",
     .type = F2M_KEY_DURATION,
     AT(delay_ms),
     .min = 0,
     .max = 5 * MINUTE,
     .fallback = "0",
     .help = "How long to wait before this publish."},
    {.name = "refresh",
     .type = F2M_KEY_DURATION,
     AT(refresh_ms),
     .min = SECOND,
     .max = INFINITY,
     .help = "Repeats the publish while the command runs, for inverters that go back by themselves.",
     .example = "30s"},
    {.name = "confirm", .type = F2M_KEY_SECTION, .section = &confirm, AT(confirm), .help = "Waits for the read-back."},
};
const struct f2m_section f2m_section_publish = {
    .name = "publish",
    F2M_KEYS(publish_keys),
    .size = sizeof(struct f2m_control_publish),
    .placed = true,
    .place_at = offsetof(struct f2m_control_publish, line),
    .check = f2m_check_publish,
    .help = "One message to the battery.",
};

#undef AT
#define AT(member) .at = offsetof(struct f2m_control_config, member)

static const struct f2m_choice acknowledges[] = {{"scheduled", F2M_ACKNOWLEDGE_SCHEDULED},
                                                 {"integration", F2M_ACKNOWLEDGE_INTEGRATION},
                                                 {"off", F2M_ACKNOWLEDGE_OFF},
                                                 {NULL, 0}};

static const struct f2m_key control_keys[] = {
    {.name = "observe",
     .type = F2M_KEY_BOOL,
     AT(observe),
     .fallback = "false",
     .help = "A rehearsal: commands are shown, nothing is published to the battery nor acknowledged."},
    {.name = "acknowledge",
     .type = F2M_KEY_CHOICE,
     AT(acknowledge),
     .choices = acknowledges,
     .fallback = "scheduled",
     .help = "`scheduled`: OK once the command is stored and the device is not offline; `integration`: what "
             "`command/ack` says; `off`: executed, never acknowledged."},
    {.name = "acknowledge_timeout",
     .type = F2M_KEY_DURATION,
     AT(acknowledge_timeout_ms),
     .min = SECOND,
     .max = 15 * MINUTE,
     .below = true,
     .fallback = "10min",
     .help = "Without an answer in this time: FAILED_OFFLINE. Flip waits 15 minutes."},
    {.name = "reserve_floor",
     .type = F2M_KEY_PERCENTAGE,
     AT(reserve_floor),
     .min = 0,
     .max = 100,
     .help = "No command takes the battery below this.",
     .example = "20 %"},
    {.name = "modes",
     .type = F2M_KEY_CUSTOM,
     .custom = &f2m_custom_modes,
     .at = 0,
     .help = "What to publish when a mode starts, in order: keyed by `MODE`, or `MODE/POWER_MODE` (`SETPOINT`, "
             "`FOLLOW_LOAD`), the longer key first. Without it the integration follows `device/…/control`.",
     .example = "{ DISCHARGE: [{ topic: inverter/discharge/set, payload: \"{{ setpoint_w }}\" }] }"},
    {.name = "restore",
     .type = F2M_KEY_LIST,
     .section = &f2m_section_publish,
     AT(restore),
     .len_at = offsetof(struct f2m_control_config, restore_len),
     .help = "What to publish when the last command ended, was canceled or opted out."},
    {.name = "veto",
     .type = F2M_KEY_CUSTOM,
     .custom = &f2m_custom_source,
     .kind = F2M_VALUE_BOOL,
     AT(veto),
     .help = "A boolean source: while it is true, Flip controls nothing.",
     .example = "{ topic: house/grid_lost }"},
};
const struct f2m_section f2m_section_control = {
    .name = "control",
    F2M_KEYS(control_keys),
    .size = sizeof(struct f2m_control_config),
    .help = "How Flip's commands reach the battery.",
};
