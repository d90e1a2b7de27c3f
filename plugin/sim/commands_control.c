/* Commands by the control interface: POST /sim/command and PATCH /sim/command/{id}. */
#include "sim/commands.h"
#include "sim/sim.h"

#define HOUR_MS INT64_C(3600000)

static const char *const statuses[] = {"CANCELED", "OK", "OPT_OUT", NULL};
static const char *const device_statuses[] = {"PENDING", "OK", "FAILED", "FAILED_OFFLINE", "FAILED_FAULT", NULL};

static bool is_known(struct sim *sim, const char *device_id)
{
    return sim_find(&sim->state.devices, device_id) || sim->options.auto_register;
}

struct sim_resource *sim_command_add(struct sim *sim, const cJSON *in, const struct sim_loc *loc, cJSON *detail)
{
    static const struct sim_field fields[] = {
        {.name = "id", .kind = SIM_ID},
        {.name = "device_id", .kind = SIM_ID, .required = true},
        {.name = "event_id", .kind = SIM_ID, .nullable = true},
        SIM_SPAN_FIELDS,
        SIM_BATTERY_FIELDS,
        {.name = "is_preparatory_action", .kind = SIM_BOOL},
        {.name = "status", .kind = SIM_ENUM, .values = statuses},
        {.name = "device_status", .kind = SIM_ENUM, .values = device_statuses},
        {.name = "extra", .kind = SIM_OBJECT},
        {0},
    };
    if (!sim_validate(in, fields, loc, detail))
        return NULL;
    const char *device_id = sim_json_string(in, "device_id");
    if (!is_known(sim, device_id)) {
        sim_invalid(detail, loc, "value_error", "no such device");
        return NULL;
    }
    struct sim_span span = sim_span_read(in, sim->wall_ms, (struct sim_span){sim->wall_ms, 0});
    if (!span.ends_ms)
        span.ends_ms = span.starts_ms + HOUR_MS;
    struct sim_resource *command = sim_command_put(sim, in, device_id, sim_json_string(in, "event_id"), span);
    if (!command)
        sim_invalid(detail, loc, "value_error", "a command of that id exists, or there are too many");
    return command;
}

void sim_command_control_post(struct sim *sim, struct sim_request *request)
{
    const struct sim_loc body = {NULL, "body", 0};
    cJSON *detail = cJSON_CreateArray();
    const struct sim_resource *command = sim_command_add(sim, request->json, &body, detail);
    if (!sim_reply_invalid(request, detail) && command)
        sim_reply_copy(request, 201, command->json);
}

/* What the partner must see again asks for a new acknowledgement; "device_status" says otherwise. */
static void change(struct sim *sim, struct sim_resource *command, const cJSON *in)
{
    const char *status = sim_json_string(in, "status");
    const struct sim_span now = {command->starts_ms, command->ends_ms};
    if (sim_battery_given(in))
        sim_battery_change(cJSON_GetObjectItemCaseSensitive(command->json, "battery_commands"), in);
    if (status)
        sim_json_set_string(command->json, "status", status);
    sim_json_merge(command->json, sim_json_get(in, "extra"));
    sim_command_move(sim, command, sim_span_read(in, sim->wall_ms, now));
}

void sim_command_control_patch(struct sim *sim, struct sim_request *request)
{
    static const struct sim_field fields[] = {
        {.name = "status", .kind = SIM_ENUM, .values = statuses},
        {.name = "device_status", .kind = SIM_ENUM, .values = device_statuses},
        {.name = "device_status_reason", .kind = SIM_STRING, .nullable = true},
        SIM_SPAN_FIELDS,
        SIM_BATTERY_FIELDS,
        {.name = "extra", .kind = SIM_OBJECT},
        {0},
    };
    struct sim_resource *command = sim_find(&sim->state.commands, request->param[0]);
    if (!command) {
        sim_reply_message(request, 404, "Command not found");
        return;
    }
    if (!sim_validate_body(request, fields))
        return;
    const cJSON *in = request->json;
    if (sim_json_get(in, "status") || sim_span_given(in) || sim_battery_given(in) || sim_json_get(in, "extra"))
        change(sim, command, in);
    if (sim_json_get(in, "device_status"))
        sim_command_set_device_status(sim, command, sim_json_string(in, "device_status"),
                                      sim_json_string(in, "device_status_reason"));
    sim_reply_copy(request, 200, command->json);
}
