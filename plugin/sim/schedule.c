#include "sim/schedule.h"

#include "sim/resource.h"

static const char *const members[] = {"mode", "power_mode", "setpoint_w", "enable_grid_import",
                                      "backup_reserve_percentage"};
enum { MEMBERS = sizeof members / sizeof members[0] };

bool sim_span_given(const cJSON *in)
{
    return sim_json_get(in, "starts_at") || sim_json_get(in, "starts_in_s") || sim_json_get(in, "ends_at") ||
           sim_json_get(in, "duration_s");
}

struct sim_span sim_span_read(const cJSON *in, int64_t wall_ms, struct sim_span otherwise)
{
    struct sim_span span = otherwise;
    double seconds;
    if (sim_json_number(in, "starts_in_s", &seconds))
        span.starts_ms = wall_ms + (int64_t)(seconds * 1000);
    else
        sim_json_time(in, "starts_at", &span.starts_ms);
    if (sim_json_number(in, "duration_s", &seconds))
        span.ends_ms = span.starts_ms + (int64_t)(seconds * 1000);
    else if (!sim_json_time(in, "ends_at", &span.ends_ms) &&
             (cJSON_IsNull(sim_json_get(in, "ends_at")) || cJSON_IsNull(sim_json_get(in, "duration_s"))))
        span.ends_ms = SIM_NEVER;
    return span;
}

void sim_span_write(cJSON *json, struct sim_span span)
{
    sim_json_set_time(json, "starts_at", span.starts_ms);
    sim_json_set_time(json, "ends_at", span.ends_ms);
    if (span.ends_ms == SIM_NEVER)
        sim_json_set(json, "duration_s", cJSON_CreateNull());
    else
        sim_json_set_number(json, "duration_s", (double)(span.ends_ms - span.starts_ms) / 1000);
}

bool sim_battery_given(const cJSON *in)
{
    bool given = sim_json_get(in, "battery_commands") != NULL;
    for (int i = 0; i < MEMBERS; i++)
        given = given || sim_json_get(in, members[i]);
    return given;
}

void sim_battery_change(cJSON *battery_commands, const cJSON *in)
{
    sim_json_merge(battery_commands, sim_json_get(in, "battery_commands"));
    for (int i = 0; i < MEMBERS; i++) {
        if (sim_json_get(in, members[i]))
            sim_json_copy(battery_commands, in, members[i]);
    }
}

cJSON *sim_battery_new(const cJSON *in)
{
    cJSON *battery_commands = cJSON_CreateObject();
    for (int i = 0; i < MEMBERS; i++)
        sim_json_set(battery_commands, members[i], cJSON_CreateNull());
    sim_json_set_string(battery_commands, "mode", "STANDBY");
    sim_battery_change(battery_commands, in);
    return battery_commands;
}
