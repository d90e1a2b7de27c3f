/*
 * The configuration as plain values: what configuration.yaml says, defaults filled in, quantities in canonical units
 * (W, Wh, %, ms, bytes), secrets in clear (only http/ and mqtt/ read them; f2m_config_print shows ***).
 * Interface, sections 2 and 5. Loaded by f2m_config_load() (config/load.h), read-only afterwards; a reload makes a new
 * one. Every pointer is owned by the configuration; NULL = not given.
 */
#ifndef F2M_CONFIG_CONFIG_H
#define F2M_CONFIG_CONFIG_H

#include "port/store.h" /* enum f2m_telemetry_endpoint */
#include "util/unit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- sources: how a value is read from MQTT ---- */

enum f2m_source_op {
    F2M_SOURCE_NONE, /* not mapped */
    F2M_SOURCE_TOPIC,
    F2M_SOURCE_CONST,
    F2M_SOURCE_SUM,
    F2M_SOURCE_DIFFERENCE, /* exactly two parts */
    F2M_SOURCE_PRODUCT,
};

enum f2m_source_format {
    F2M_FORMAT_TEXT,
    F2M_FORMAT_JSON,
    F2M_FORMAT_KEYVALUE, /* k=v,k=v; the key is path "/key" */
};

struct f2m_map_entry {
    char *raw;   /* the payload's text, compared exactly after trimming */
    char *value; /* what it stands for, then read as the source's kind */
};

struct f2m_source {
    enum f2m_source_op op;
    /* F2M_SOURCE_TOPIC */
    char *topic; /* a filter; may hold + and # */
    enum f2m_source_format format;
    char *path;           /* RFC 6901; NULL = the whole payload */
    char *timestamp_path; /* RFC 6901; NULL = arrival time */
    bool retained_accept; /* retained: accept */
    struct f2m_map_entry *map;
    size_t map_len;
    /* F2M_SOURCE_CONST */
    char *constant; /* text, read like a payload in `unit` */
    /* F2M_SOURCE_SUM, _DIFFERENCE, _PRODUCT */
    struct f2m_source *parts;
    size_t parts_len;
    bool missing_zero; /* missing: zero */
    /* all; value = (raw * scale + offset) in unit -> canonical, then times sign (Interface, clarification 21) */
    const struct f2m_unit *unit; /* NULL = canonical */
    double scale;                /* default 1 */
    double offset;               /* default 0 */
    int sign;                    /* +1, or -1 where `positive` names the other direction (see below) */
    int64_t max_age_ms;          /* defaults to telemetry.max_age */
    int line, col;               /* where it stands, for doctor */
};

/* What a source's value is. Signed powers are canonical positive = charging, and positive = import. */
enum f2m_value_kind {
    F2M_VALUE_PERCENTAGE,
    F2M_VALUE_POWER, /* ≥ 0 after sign; small negatives of unsigned sources count as 0 (telemetry/source.c) */
    F2M_VALUE_SIGNED_POWER,
    F2M_VALUE_ENERGY,  /* a state: stored_energy, capacity */
    F2M_VALUE_COUNTER, /* a lifetime or daily counter */
    F2M_VALUE_BOOL,
    F2M_VALUE_MODE, /* one of Flip's six modes */
    F2M_VALUE_TEXT,
};

/* One list of the sources: id, name in YAML and on MQTT, kind. */
#define F2M_SOURCES(X)                                                                                                 \
    X(STATE_OF_CHARGE, "state_of_charge", PERCENTAGE)                                                                  \
    X(STATE_OF_HEALTH, "state_of_health", PERCENTAGE)                                                                  \
    X(STORED_ENERGY, "stored_energy", ENERGY)                                                                          \
    X(CAPACITY, "capacity", ENERGY)                                                                                    \
    X(BACKUP_RESERVE, "backup_reserve", PERCENTAGE)                                                                    \
    X(MODE, "mode", MODE)                                                                                              \
    X(GRID_ONLINE, "grid_online", BOOL)                                                                                \
    X(BATTERY_POWER, "battery_power", SIGNED_POWER)                                                                    \
    X(BATTERY_CHARGE_POWER, "battery_charge_power", POWER)                                                             \
    X(BATTERY_DISCHARGE_POWER, "battery_discharge_power", POWER)                                                       \
    X(SOLAR_POWER, "solar_power", POWER)                                                                               \
    X(HOME_POWER, "home_power", POWER)                                                                                 \
    X(GRID_POWER, "grid_power", SIGNED_POWER)                                                                          \
    X(BATTERY_CHARGE_ENERGY, "battery_charge_energy", COUNTER)                                                         \
    X(BATTERY_DISCHARGE_ENERGY, "battery_discharge_energy", COUNTER)                                                   \
    X(SOLAR_ENERGY, "solar_energy", COUNTER)                                                                           \
    X(HOME_ENERGY, "home_energy", COUNTER)                                                                             \
    X(GRID_IMPORT_ENERGY, "grid_import_energy", COUNTER)                                                               \
    X(GRID_EXPORT_ENERGY, "grid_export_energy", COUNTER)

enum f2m_source_id {
#define F2M_SOURCE_ENUM(id, name, kind) F2M_SRC_##id,
    F2M_SOURCES(F2M_SOURCE_ENUM)
#undef F2M_SOURCE_ENUM
        F2M_SRC_COUNT
};
struct f2m_source_info {
    const char *name;
    enum f2m_value_kind kind;
};
extern const struct f2m_source_info f2m_source_info[F2M_SRC_COUNT];
enum f2m_quantity f2m_value_quantity(enum f2m_value_kind);

/* ---- modes ---- */

#define F2M_MODES(X) X(BACKUP) X(CHARGE) X(DISCHARGE) X(SAVINGS) X(SELF_CONSUMPTION) X(STANDBY)
enum f2m_mode {
    F2M_MODE_NONE, /* unknown, or Flip commands nothing */
#define F2M_MODE_ENUM(name) F2M_MODE_##name,
    F2M_MODES(F2M_MODE_ENUM)
#undef F2M_MODE_ENUM
        F2M_MODE_COUNT
};
const char *f2m_mode_name(enum f2m_mode);                        /* "DISCHARGE"; "NONE" */
bool f2m_mode_parse(struct f2m_slice text, enum f2m_mode *mode); /* exact; false for NONE */

/* ---- devices ---- */

struct f2m_availability {
    char *topic; /* NULL = none */
    char *path;
    char *online;  /* default "online" */
    char *offline; /* default "offline" */
};

struct f2m_keepalive {
    char *topic; /* NULL = none */
    char *payload;
    int64_t every_ms;
};

struct f2m_telemetry_config {
    enum f2m_telemetry_endpoint endpoint;
    int64_t interval_ms; /* 1 s … 5 min */
    int64_t max_age_ms;
    enum f2m_mode default_mode; /* default SELF_CONSUMPTION */
    struct f2m_availability availability;
    struct f2m_keepalive keepalive;
    struct f2m_source sources[F2M_SRC_COUNT];
};

struct f2m_confirm {
    char *topic; /* NULL = none */
    char *path;
    char *equals; /* a template */
    int64_t within_ms;
};

struct f2m_control_publish {
    char *topic;   /* a template (no wildcard in the result) */
    char *payload; /* a template */
    bool retain;
    int64_t delay_ms;   /* before this publish */
    int64_t refresh_ms; /* 0 = none: repeat while the command runs */
    struct f2m_confirm confirm;
    int line, col;
};

struct f2m_control_mode {
    enum f2m_mode mode;
    char *power_mode; /* NULL = any ("DISCHARGE"); "FOLLOW_LOAD" from "DISCHARGE/FOLLOW_LOAD" */
    struct f2m_control_publish *publishes;
    size_t publishes_len;
};

enum f2m_acknowledge {
    F2M_ACKNOWLEDGE_SCHEDULED,
    F2M_ACKNOWLEDGE_INTEGRATION,
    F2M_ACKNOWLEDGE_OFF,
};

struct f2m_control_config {
    bool observe;
    enum f2m_acknowledge acknowledge;
    int64_t acknowledge_timeout_ms; /* < 15 min */
    double reserve_floor;           /* %; NAN = none */
    struct f2m_control_mode *modes;
    size_t modes_len; /* 0 = no modes: the integration follows device/…/control */
    struct f2m_control_publish *restore;
    size_t restore_len;
    struct f2m_source veto; /* op NONE = none; a boolean */
};

enum f2m_device_type {
    F2M_DEVICE_BATTERY,
    F2M_DEVICE_EV_CHARGER,
};

/* A commissioning field: a value, or a source that it is learnt from (Interface, Sites 3). */
struct f2m_device_field {
    char *value;               /* canonical text: "13500" for 13.5 kWh; NULL = not given as a value */
    struct f2m_source *source; /* NULL = not given as a source */
    int line, col;
};

struct f2m_device {
    char *id;
    char *name; /* default: the id */
    enum f2m_device_type type;
    char *preset; /* its name, for people */
    struct f2m_device_field manufacturer_name, product_name, serial_number, install_date;
    struct f2m_device_field capacity_wh, max_charge_w, max_discharge_w;
    double capacity;   /* Wh; NAN where not given as a value */
    double max_charge; /* W; NAN likewise */
    double max_discharge;
    char *attributes; /* EV_CHARGER: a JSON object; NULL = none */
    struct f2m_telemetry_config telemetry;
    struct f2m_control_config control;
    struct f2m_site *site; /* back-reference */
    int line, col;
};

/* Flip: Site. Members other than id are NULL where not given. */
#define F2M_SITE_FIELDS(X)                                                                                             \
    X(first_name)                                                                                                      \
    X(last_name)                                                                                                       \
    X(company_name)                                                                                                    \
    X(email) X(state_code) X(city) X(street_address) X(street_address2) X(zip_code) X(service_account_id) X(tariff_id)

struct f2m_site {
    char *id;
    char *timezone; /* TZ database name; NULL = the system's */
    bool commission;
    bool can_auto_enroll;
#define F2M_SITE_MEMBER(name) char *name;
    F2M_SITE_FIELDS(F2M_SITE_MEMBER)
#undef F2M_SITE_MEMBER
    struct f2m_device *devices;
    size_t devices_len;
    int line, col;
};

/* ---- the rest ---- */

struct f2m_flip_config {
    char *base_url; /* filled in from environment; no trailing slash, no /v1 */
    char *token;    /* secret */
    char *ca;       /* file */
    bool insecure;  /* plain http to other hosts than loopback allowed */
    bool reject_unknown_devices;
    int64_t upload_delay_ms;
    struct {
        int64_t commands_ms, events_ms, enrollments_ms, programs_ms, site_ms;
    } poll;
};

struct f2m_mqtt_config {
    char *host; /* from server: mqtt://[user:pw@]host[:port] */
    int port;
    bool tls;
    char *username;
    char *password;   /* secret */
    char *client_id;  /* NULL = flip2mqtt- plus 8 hex digits, persisted */
    char *base_topic; /* no slash at either end */
    int version;      /* 5 or 311 */
    int keepalive_s;
    char *ca, *cert, *key; /* files */
};

struct f2m_homeassistant_config {
    bool enabled; /* default true */
    char *discovery_topic;
    char *status_topic;
};

struct f2m_storage_config {
    char *path;
    int64_t max_age_ms;
    int64_t max_size; /* bytes */
};

struct f2m_http_config {
    char *listen; /* "host:port"; NULL = no listener */
    char *webhook_path;
    char **webhook_secrets; /* whsec_…; secret */
    size_t webhook_secrets_len;
    int64_t webhook_tolerance_ms;
};

/* Groups of Interface, section 3.4. */
#define F2M_GROUPS(X)                                                                                                  \
    X(READ, "read")                                                                                                    \
    X(PARTICIPATION, "participation")                                                                                  \
    X(DEVICE, "device")                                                                                                \
    X(SITE, "site")                                                                                                    \
    X(ENROLLMENT, "enrollment")                                                                                        \
    X(COMMISSION, "commission")                                                                                        \
    X(CONTROL, "control")                                                                                              \
    X(TELEMETRY, "telemetry")                                                                                          \
    X(SUPPLEMENTS, "supplements")                                                                                      \
    X(TOKEN, "token")                                                                                                  \
    X(OUTBOX, "outbox")
enum f2m_group {
#define F2M_GROUP_ENUM(id, name) F2M_GROUP_##id,
    F2M_GROUPS(F2M_GROUP_ENUM)
#undef F2M_GROUP_ENUM
        F2M_GROUP_COUNT
};
const char *f2m_group_name(enum f2m_group);

struct f2m_requests_config {
    unsigned allow;         /* bit per enum f2m_group; default read, participation, outbox */
    char **response_topics; /* filters; NULL = any but the forbidden ones (Interface, clarification 40) */
    size_t response_topics_len;
};

struct f2m_config {
    struct f2m_flip_config flip;
    struct f2m_mqtt_config mqtt;
    struct f2m_homeassistant_config homeassistant;
    struct f2m_storage_config storage;
    struct f2m_http_config http;
    struct f2m_requests_config requests;
    struct f2m_site *sites;
    size_t sites_len;
    struct f2m_device **index; /* every device by id, for f2m_config_device(); NULL = it searches one by one */
    size_t index_len;
};

/* After sites and devices are in place; f2m_config_load() does it. */
void f2m_config_build_index(struct f2m_config *);
void f2m_config_free(struct f2m_config *); /* wipes secrets; NULL is fine */
/* NULL where not configured. */
struct f2m_device *f2m_config_device(const struct f2m_config *, const char *device_id);
struct f2m_site *f2m_config_site(const struct f2m_config *, const char *site_id);

#endif
