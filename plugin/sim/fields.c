#include "sim/fields.h"

#include "sim/limits.h"
#include "sim/validate.h"
#include "util/number.h"
#include "util/rfc3339.h"

#include <math.h>
#include <stdio.h>

enum kind { DEVICE, TIME, DURATION, BOOLEAN, MODE, NUMBER, PERCENT, OBJECT };
enum { INTERVAL = 1 << SIM_INTERVAL, COUNTER = 1 << SIM_COUNTER, BOTH = INTERVAL | COUNTER };

struct item_field {
    const char *name;
    enum kind kind;
    unsigned char endpoints;
    bool is_counter;    /* on the counter endpoint it never falls */
    unsigned char slot; /* NUMBER and PERCENT: in value[]; BOOLEAN: 0 online, 1 grid */
};

static const struct item_field fields[] = {
    {"start_time", TIME, INTERVAL, false, 0},
    {"timestamp", TIME, COUNTER, false, 0},
    {"duration_s", DURATION, INTERVAL, false, 0},
    {"device_id", DEVICE, BOTH, false, 0},
    {"last_is_online", BOOLEAN, BOTH, false, 0},
    {"last_mode", MODE, BOTH, false, 0},
    {"battery_last_power_charge_w", NUMBER, BOTH, false, 0},
    {"battery_last_power_discharge_w", NUMBER, BOTH, false, 1},
    {"battery_total_energy_charge_wh", NUMBER, BOTH, true, 2},
    {"battery_total_energy_discharge_wh", NUMBER, BOTH, true, 3},
    {"battery_last_stored_energy_wh", NUMBER, BOTH, false, 4},
    {"battery_last_capacity_energy_wh", NUMBER, BOTH, false, 5},
    {"battery_last_backup_reserve_percentage", PERCENT, BOTH, false, 6},
    {"battery_last_state_of_charge_percentage", PERCENT, BOTH, false, 7},
    {"battery_last_state_of_health_percentage", PERCENT, BOTH, false, 8},
    {"last_is_grid_online", BOOLEAN, BOTH, false, 1},
    {"home_total_energy_wh", NUMBER, BOTH, true, 9},
    {"home_last_power_w", NUMBER, BOTH, false, 10},
    {"solar_total_energy_wh", NUMBER, BOTH, true, 11},
    {"solar_last_power_w", NUMBER, BOTH, false, 12},
    {"oem_raw_data", OBJECT, BOTH, false, 0},
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

/* Senders keep one order, so the field after the last one found is nearly always the right one. */
static int find_field(const char *name, enum sim_endpoint endpoint, int after)
{
    for (int i = 1; i <= FIELDS; i++) {
        int n = (after + i) % FIELDS;
        if ((fields[n].endpoints & (1 << endpoint)) && strcmp(fields[n].name, name) == 0)
            return n;
    }
    return -1;
}

static const char *read_time(const cJSON *value, struct sim_point *point)
{
    bool good = cJSON_IsString(value) && f2m_rfc3339_parse(f2m_slice_of(value->valuestring), &point->start_ms);
    return good ? NULL : "expected a date-time with a zone";
}

static const char *read_duration(const cJSON *value, struct sim_point *point)
{
    if (!cJSON_IsNumber(value) || !(value->valuedouble > 0) || value->valuedouble > SIM_MAX_DURATION_S)
        return "expected a number of seconds above 0 and at most 2678400";
    point->duration_ms = (uint32_t)llround(value->valuedouble * 1000);
    return NULL;
}

static const char *read_mode(const cJSON *value, struct sim_point *point)
{
    for (uint8_t i = 0; cJSON_IsString(value) && sim_modes[i]; i++) {
        if (strcmp(sim_modes[i], value->valuestring) == 0) {
            point->mode = i;
            return NULL;
        }
    }
    return "expected BACKUP, CHARGE, DISCHARGE, SAVINGS, SELF_CONSUMPTION, STANDBY or null";
}

static const char *read_number(const cJSON *value, const struct item_field *field, struct sim_point *point)
{
    double max = field->kind == PERCENT ? 100 : HUGE_VAL;
    if (!cJSON_IsNumber(value) || !isfinite(value->valuedouble) || value->valuedouble < 0 || value->valuedouble > max)
        return field->kind == PERCENT ? "expected a number from 0 to 100 or null" : "expected a number >= 0 or null";
    point->value[field->slot] = value->valuedouble + 0.0; /* -0 becomes 0: content is compared bitwise */
    return NULL;
}

static const char *read_boolean(const cJSON *value, const struct item_field *field, struct sim_point *point)
{
    if (!cJSON_IsBool(value))
        return "expected true, false or null";
    *(field->slot ? &point->is_grid_online : &point->is_online) = cJSON_IsTrue(value);
    return NULL;
}

static const char *read_object(const cJSON *value, struct sim_point *point)
{
    if (!cJSON_IsObject(value))
        return "expected an object or null";
    point->raw = cJSON_PrintUnformatted(value);
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (const char *c = point->raw; c && *c; c++)
        hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    point->raw_hash = hash | 1;
    return NULL;
}

static const char *read_value(const cJSON *value, const struct item_field *field, struct sim_point *point,
                              const char **device_id)
{
    switch (field->kind) {
    case TIME: return read_time(value, point);
    case DURATION: return read_duration(value, point);
    case BOOLEAN: return read_boolean(value, field, point);
    case MODE: return read_mode(value, point);
    case OBJECT: return read_object(value, point);
    case NUMBER:
    case PERCENT: return read_number(value, field, point);
    case DEVICE:
        *device_id = cJSON_GetStringValue(value);
        return *device_id && **device_id && strlen(*device_id) <= SIM_MAX_ID_BYTES ? NULL : "expected an id";
    }
    return "not known";
}

static const char *fail(char text[SIM_FAILED_TEXT], const char *name, const char *what)
{
    snprintf(text, SIM_FAILED_TEXT, "%.60s: %s", name, what);
    return text;
}

static bool nullable(const struct item_field *field)
{
    return field->kind != DEVICE && field->kind != TIME && field->kind != DURATION;
}

static const char *missing(uint32_t given, enum sim_endpoint endpoint)
{
    for (int i = 0; i < FIELDS; i++) {
        if (!nullable(&fields[i]) && (fields[i].endpoints & (1 << endpoint)) && !(given & (1u << i)))
            return fields[i].name;
    }
    return NULL;
}

const char *sim_item_read(const cJSON *item, enum sim_endpoint endpoint, struct sim_point *point,
                          const char **device_id, char text[SIM_FAILED_TEXT])
{
    *point = (struct sim_point){.endpoint = (uint8_t)endpoint};
    *device_id = NULL;
    if (!cJSON_IsObject(item))
        return fail(text, "item", "expected an object");
    int n = FIELDS - 1;
    for (const cJSON *value = item->child; value; value = value->next) {
        n = find_field(value->string, endpoint, n);
        if (n < 0)
            return fail(text, value->string, "unknown field");
        const uint32_t bit = 1u << n;
        if (point->given & bit)
            return fail(text, value->string, "given twice");
        point->given |= bit;
        if (cJSON_IsNull(value) && nullable(&fields[n])) {
            point->nulls |= bit;
            continue;
        }
        const char *wrong = read_value(value, &fields[n], point, device_id);
        if (wrong)
            return fail(text, value->string, wrong);
    }
    const char *name = missing(point->given, endpoint);
    return name ? fail(text, name, "required") : NULL;
}

bool sim_point_complete(const struct sim_point *point)
{
    for (int i = 0; i < FIELDS; i++) {
        /* What is known of BATTERY_COUNTER does not speak of raw data. */
        bool wanted = (fields[i].endpoints & (1 << point->endpoint)) &&
                      !(fields[i].kind == OBJECT && point->endpoint == SIM_COUNTER);
        if (wanted && !(point->given & (1u << i)))
            return false;
    }
    return true;
}

bool sim_counter_fell(const struct sim_point *earlier, const struct sim_point *later)
{
    for (int i = 0; i < FIELDS; i++) {
        const uint32_t bit = 1u << i;
        bool both = (earlier->given & later->given & bit) && !((earlier->nulls | later->nulls) & bit);
        if (both && fields[i].is_counter && later->value[fields[i].slot] < earlier->value[fields[i].slot])
            return true;
    }
    return false;
}

static void write_value(struct f2m_strbuf *out, const struct sim_point *point, const struct item_field *field)
{
    char number[F2M_NUMBER_SIZE], time[F2M_RFC3339_SIZE];
    switch (field->kind) {
    case TIME: f2m_strbuf_addf(out, "\"%s\"", f2m_rfc3339_format(point->start_ms, time)); break;
    case DURATION: f2m_strbuf_adds(out, f2m_number_format(point->duration_ms / 1000.0, number)); break;
    case BOOLEAN:
        f2m_strbuf_adds(out, (field->slot ? point->is_grid_online : point->is_online) ? "true" : "false");
        break;
    case MODE: f2m_strbuf_addf(out, "\"%s\"", sim_modes[point->mode]); break;
    case NUMBER:
    case PERCENT: f2m_strbuf_addf(out, "%.17g", point->value[field->slot]); break;
    case OBJECT: f2m_strbuf_adds(out, point->raw ? point->raw : "\"not kept\""); break;
    case DEVICE: break; /* written by the caller of this, who knows the name */
    }
}

void sim_point_write(struct f2m_strbuf *out, const struct sim_point *point, const char *device_id)
{
    sim_autojson *id = cJSON_CreateString(device_id);
    char *quoted = cJSON_PrintUnformatted(id);
    f2m_strbuf_addf(out, "\"device_id\":%s", quoted ? quoted : "null");
    free(quoted);
    for (int i = 0; i < FIELDS; i++) {
        if (fields[i].kind == DEVICE || !(point->given & (1u << i)))
            continue;
        f2m_strbuf_addf(out, ",\"%s\":", fields[i].name);
        if (point->nulls & (1u << i))
            f2m_strbuf_adds(out, "null");
        else
            write_value(out, point, &fields[i]);
    }
}
