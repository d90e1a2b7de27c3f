/* Times and battery commands as the control interface gives them: "starts_in_s" and "duration_s" are handier in tests
 * and demos than absolute times, which are taken too. */
#ifndef SIM_SCHEDULE_H
#define SIM_SCHEDULE_H

#include "sim/validate.h"

struct sim_span {
    int64_t starts_ms, ends_ms; /* wall; ends SIM_NEVER = open-ended */
};

/* Members that say when: starts_at | starts_in_s, ends_at | duration_s. */
#define SIM_SPAN_FIELDS                                                                                                \
    {.name = "starts_at", .kind = SIM_TIME}, {.name = "starts_in_s", .kind = SIM_NUMBER, .min = -1e9, .max = 1e9},     \
        {.name = "ends_at", .kind = SIM_TIME, .nullable = true},                                                       \
    {                                                                                                                  \
        .name = "duration_s", .kind = SIM_NUMBER, .nullable = true, .min = 0, .max = 1e9                               \
    }
/* Members that say what: either the object or its members themselves. */
#define SIM_BATTERY_FIELDS                                                                                             \
    {.name = "battery_commands", .kind = SIM_OBJECT}, {.name = "mode", .kind = SIM_STRING},                            \
        {.name = "power_mode", .kind = SIM_STRING, .nullable = true},                                                  \
        {.name = "setpoint_w", .kind = SIM_NUMBER, .nullable = true},                                                  \
        {.name = "enable_grid_import", .kind = SIM_BOOL, .nullable = true},                                            \
    {                                                                                                                  \
        .name = "backup_reserve_percentage", .kind = SIM_NUMBER, .nullable = true                                      \
    }

bool sim_span_given(const cJSON *in);
/* What is missing comes from `otherwise`; null ends it nowhere. */
struct sim_span sim_span_read(const cJSON *in, int64_t wall_ms, struct sim_span otherwise);
/* Sets starts_at, ends_at and duration_s. */
void sim_span_write(cJSON *json, struct sim_span);

bool sim_battery_given(const cJSON *in);
/* The five members of battery_commands changed by what `in` gives. Not checked against the contract: a test may want
 * to send what Flip would not. */
void sim_battery_change(cJSON *battery_commands, const cJSON *in);
cJSON *sim_battery_new(const cJSON *in);

#endif
