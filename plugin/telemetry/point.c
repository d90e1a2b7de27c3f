#include "telemetry/point.h"

#include "util/json_writer.h"

#include <math.h>

enum origin {
    START,
    DURATION,
    TIMESTAMP,
    DEVICE_ID,
    ONLINE,
    MODE,
    GRID_ONLINE,
    LAST,   /* which: enum f2m_source_id */
    ENERGY, /* which: enum f2m_energy */
    NOTHING,
};

struct field {
    const char *name;
    enum origin origin;
    int which;
};

/* Flip: Battery telemetry. */
static const struct field battery[] = {
    {"start_time", START, 0},
    {"duration_s", DURATION, 0},
    {"device_id", DEVICE_ID, 0},
    {"last_is_online", ONLINE, 0},
    {"last_mode", MODE, 0},
    {"battery_last_power_charge_w", LAST, F2M_SRC_BATTERY_CHARGE_POWER},
    {"battery_last_power_discharge_w", LAST, F2M_SRC_BATTERY_DISCHARGE_POWER},
    {"battery_total_energy_charge_wh", ENERGY, F2M_ENERGY_CHARGE},
    {"battery_total_energy_discharge_wh", ENERGY, F2M_ENERGY_DISCHARGE},
    {"battery_last_stored_energy_wh", LAST, F2M_SRC_STORED_ENERGY},
    {"battery_last_capacity_energy_wh", LAST, F2M_SRC_CAPACITY},
    {"battery_last_backup_reserve_percentage", LAST, F2M_SRC_BACKUP_RESERVE},
    {"battery_last_state_of_charge_percentage", LAST, F2M_SRC_STATE_OF_CHARGE},
    {"battery_last_state_of_health_percentage", LAST, F2M_SRC_STATE_OF_HEALTH},
    {"last_is_grid_online", GRID_ONLINE, 0},
    {"home_total_energy_wh", ENERGY, F2M_ENERGY_HOME},
    {"home_last_power_w", LAST, F2M_SRC_HOME_POWER},
    {"solar_total_energy_wh", ENERGY, F2M_ENERGY_SOLAR},
    {"solar_last_power_w", LAST, F2M_SRC_SOLAR_POWER},
    {"oem_raw_data", NOTHING, 0},
};

/* Flip: Counter telemetry. The energies are lifetime readings under the names of the differences. */
static const struct field counter[] = {
    {"device_id", DEVICE_ID, 0},
    {"timestamp", TIMESTAMP, 0},
    {"last_is_online", ONLINE, 0},
    {"last_mode", MODE, 0},
    {"battery_last_power_charge_w", LAST, F2M_SRC_BATTERY_CHARGE_POWER},
    {"battery_last_power_discharge_w", LAST, F2M_SRC_BATTERY_DISCHARGE_POWER},
    {"battery_total_energy_charge_wh", ENERGY, F2M_ENERGY_CHARGE},
    {"battery_total_energy_discharge_wh", ENERGY, F2M_ENERGY_DISCHARGE},
    {"battery_last_stored_energy_wh", LAST, F2M_SRC_STORED_ENERGY},
    {"battery_last_capacity_energy_wh", LAST, F2M_SRC_CAPACITY},
    {"battery_last_backup_reserve_percentage", LAST, F2M_SRC_BACKUP_RESERVE},
    {"battery_last_state_of_charge_percentage", LAST, F2M_SRC_STATE_OF_CHARGE},
    {"battery_last_state_of_health_percentage", LAST, F2M_SRC_STATE_OF_HEALTH},
    {"last_is_grid_online", GRID_ONLINE, 0},
    {"home_total_energy_wh", ENERGY, F2M_ENERGY_HOME},
    {"home_last_power_w", LAST, F2M_SRC_HOME_POWER},
    {"solar_total_energy_wh", ENERGY, F2M_ENERGY_SOLAR},
    {"solar_last_power_w", LAST, F2M_SRC_SOLAR_POWER},
};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static const struct field *table_of(enum f2m_telemetry_endpoint endpoint, size_t *n)
{
    *n = endpoint == F2M_TELEMETRY_COUNTER ? COUNT(counter) : COUNT(battery);
    return endpoint == F2M_TELEMETRY_COUNTER ? counter : battery;
}

size_t f2m_point_fields(enum f2m_telemetry_endpoint endpoint)
{
    size_t n;

    table_of(endpoint, &n);
    return n;
}

struct f2m_point_field f2m_point_field(enum f2m_telemetry_endpoint endpoint, size_t i)
{
    size_t n;
    const struct field *f = &table_of(endpoint, &n)[i];

    return (struct f2m_point_field){
        .name = f->name,
        .nullable = f->origin != START && f->origin != DURATION && f->origin != TIMESTAMP && f->origin != DEVICE_ID,
    };
}

void f2m_point_values_init(struct f2m_point_values *v, const char *device_id)
{
    *v = (struct f2m_point_values){.device_id = device_id, .online = F2M_UNKNOWN, .grid_online = F2M_UNKNOWN};
    for (size_t i = 0; i < F2M_SRC_COUNT; i++)
        v->last[i] = NAN;
    for (size_t i = 0; i < F2M_ENERGY_COUNT; i++)
        v->energy[i] = NAN;
}

static void write_tristate(struct f2m_jw *w, const char *name, enum f2m_tristate value)
{
    if (value == F2M_UNKNOWN)
        f2m_jw_null(w, name);
    else
        f2m_jw_bool(w, name, value == F2M_YES);
}

static void write_field(struct f2m_jw *w, const struct field *f, const struct f2m_point_values *v)
{
    bool online = v->online == F2M_YES;

    switch (f->origin) {
    case START: f2m_jw_time(w, f->name, v->start_ms); break;
    case TIMESTAMP: f2m_jw_time(w, f->name, v->end_ms); break;
    case DURATION: f2m_jw_number(w, f->name, (double)(v->end_ms - v->start_ms) / 1000); break;
    case DEVICE_ID: f2m_jw_string(w, f->name, v->device_id); break;
    case ONLINE: write_tristate(w, f->name, v->online); break;
    case MODE: f2m_jw_string(w, f->name, online && v->mode ? f2m_mode_name(v->mode) : NULL); break;
    case GRID_ONLINE: write_tristate(w, f->name, online ? v->grid_online : F2M_UNKNOWN); break;
    case LAST: f2m_jw_number(w, f->name, online ? v->last[f->which] : NAN); break;
    case ENERGY: f2m_jw_number(w, f->name, online ? v->energy[f->which] : NAN); break;
    case NOTHING: f2m_jw_null(w, f->name); break;
    }
}

void f2m_point_write(enum f2m_telemetry_endpoint endpoint, const struct f2m_point_values *v, struct f2m_strbuf *out)
{
    struct f2m_jw w = f2m_jw(out);
    size_t n;
    const struct field *fields = table_of(endpoint, &n);

    f2m_jw_object(&w, NULL);
    for (size_t i = 0; i < n; i++)
        write_field(&w, &fields[i], v);
    f2m_jw_end(&w);
}
