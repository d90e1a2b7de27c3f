#include "sim/commands.h"

#include "sim/sim.h"

#define DAY_MS INT64_C(86400000)

static bool has(const struct sim_resource *command, const char *member, const char *value)
{
    const char *text = sim_json_string(command->json, member);
    return text && strcmp(text, value) == 0;
}

static bool has_failed(const struct sim_resource *command)
{
    const char *text = sim_json_string(command->json, "device_status");
    return text && strncmp(text, "FAILED", 6) == 0;
}

/* The 15 minutes run only for what is to happen. */
static void arm(struct sim *sim, struct sim_resource *command)
{
    bool waits = has(command, "device_status", "PENDING") && has(command, "status", "OK");
    command->due_ms = waits ? sim->wall_ms + sim->options.acknowledge_s * 1000 : SIM_NEVER;
    sim->tick_at_ms = 0;
}

static void ask_again(struct sim *sim, struct sim_resource *command)
{
    sim_json_set_string(command->json, "device_status", "PENDING");
    sim_json_set_string(command->json, "device_status_reason", NULL);
    arm(sim, command);
}

static void set_span(struct sim_resource *command, struct sim_span span, int64_t wall_ms)
{
    sim_span_write(command->json, span);
    command->starts_ms = span.starts_ms;
    command->ends_ms = span.ends_ms;
    command->started_told = command->started_told && span.starts_ms <= wall_ms;
    command->ended_told = span.ends_ms <= wall_ms;
}

struct sim_resource *sim_command_put(struct sim *sim, const cJSON *in, const char *device_id, const char *event_id,
                                     struct sim_span span)
{
    char id[SIM_UUID_SIZE];
    const char *given = sim_json_string(in, "id");
    const char *status = sim_json_string(in, "status"), *device_status = sim_json_string(in, "device_status");
    cJSON *json = cJSON_CreateObject();
    sim_json_set_string(json, "id", given ? given : sim_uuid(sim, id));
    sim_json_set_string(json, "event_id", event_id);
    sim_json_set_string(json, "device_id", device_id);
    sim_span_write(json, span);
    sim_json_set_bool(json, "is_preparatory_action", sim_json_bool(in, "is_preparatory_action", false));
    sim_json_set(json, "battery_commands", sim_battery_new(in));
    sim_json_set_string(json, "status", status ? status : "OK");
    sim_json_set_string(json, "device_status", device_status ? device_status : "PENDING");
    sim_json_set_string(json, "device_status_reason", NULL);
    struct sim_resource *command = sim_put(&sim->state.commands, json, NULL, sim->wall_ms);
    if (!command)
        return NULL;
    command->link = event_id ? f2m_xstrdup(event_id) : NULL;
    set_span(command, span, sim->wall_ms);
    arm(sim, command);
    sim_json_merge(command->json, sim_json_get(in, "extra"));
    sim_webhook_emit(sim, "command.created", command->json);
    return command;
}

static void tell(struct sim *sim, struct sim_resource *command)
{
    sim_touch(command, sim->wall_ms);
    sim_webhook_emit(sim, has(command, "status", "CANCELED") ? "command.canceled" : "command.updated", command->json);
}

void sim_command_set_status(struct sim *sim, struct sim_resource *command, const char *status)
{
    if (has(command, "status", status))
        return;
    sim_json_set_string(command->json, "status", status);
    ask_again(sim, command);
    tell(sim, command);
}

void sim_command_move(struct sim *sim, struct sim_resource *command, struct sim_span span)
{
    set_span(command, span, sim->wall_ms);
    ask_again(sim, command);
    tell(sim, command);
}

static void resend(struct sim *sim, struct sim_resource *command)
{
    char id[SIM_UUID_SIZE];
    sim_json_set_string(command->json, "device_status", "FAILED");
    sim_json_set_string(command->json, "device_status_reason", "not acknowledged in time");
    arm(sim, command);
    sim_touch(command, sim->wall_ms);
    sim_webhook_emit(sim, "command.updated", command->json);
    if (command->ends_ms <= sim->wall_ms)
        return;
    cJSON *json = cJSON_Duplicate(command->json, true);
    sim_json_set_string(json, "id", sim_uuid(sim, id));
    struct sim_resource *again = sim_put(&sim->state.commands, json, NULL, sim->wall_ms);
    if (!again)
        return;
    again->link = command->link ? f2m_xstrdup(command->link) : NULL;
    again->starts_ms = command->starts_ms;
    again->ends_ms = command->ends_ms;
    ask_again(sim, again);
    sim_webhook_emit(sim, "command.created", again->json);
}

/* Tells of start and end once each; not of what is canceled, opted out or refused. */
static void tell_times(struct sim *sim, struct sim_resource *command)
{
    bool happens = has(command, "status", "OK") && !has_failed(command);
    if (!command->started_told && command->starts_ms <= sim->wall_ms) {
        command->started_told = true;
        if (happens && command->ends_ms > sim->wall_ms)
            sim_webhook_emit(sim, "command.started", command->json);
    }
    if (!command->ended_told && command->ends_ms <= sim->wall_ms) {
        command->ended_told = true;
        if (happens)
            sim_webhook_emit(sim, "command.ended", command->json);
    }
}

static int64_t next_due(const struct sim_resource *command)
{
    int64_t next = command->due_ms;
    if (!command->started_told && command->starts_ms < next)
        next = command->starts_ms;
    if (!command->ended_told && command->ends_ms < next)
        next = command->ends_ms;
    return next;
}

int64_t sim_commands_tick(struct sim *sim)
{
    int64_t next = SIM_NEVER;
    SIM_FOREACH(command, &sim->state.commands)
    {
        tell_times(sim, command);
        if (command->due_ms <= sim->wall_ms)
            resend(sim, command);
        if (next_due(command) < next)
            next = next_due(command);
    }
    return next;
}

/* Those that are over for more than a day are left out; Flip documents no filter. */
void sim_commands_get(struct sim *sim, struct sim_request *request)
{
    cJSON *list = cJSON_CreateArray();
    SIM_FOREACH(command, &sim->state.commands)
    {
        if (command->ends_ms == SIM_NEVER || command->ends_ms + DAY_MS > sim->wall_ms)
            cJSON_AddItemToArray(list, cJSON_Duplicate(command->json, true));
    }
    sim_reply_json(request, 200, list);
}

void sim_command_set_device_status(struct sim *sim, struct sim_resource *command, const char *device_status,
                                   const char *reason)
{
    sim_json_set_string(command->json, "device_status", device_status);
    sim_json_set_string(command->json, "device_status_reason", reason);
    arm(sim, command);
    sim_touch(command, sim->wall_ms);
}

static void remember(struct sim *sim, const struct sim_resource *command)
{
    cJSON *entry = cJSON_CreateObject();
    sim_json_set_string(entry, "command_id", command->id);
    sim_json_copy(entry, command->json, "device_id");
    sim_json_copy(entry, command->json, "status");
    sim_json_copy(entry, command->json, "device_status");
    sim_json_copy(entry, command->json, "device_status_reason");
    sim_json_set_time(entry, "at", sim->wall_ms);
    cJSON_AddItemToArray(sim->state.acknowledgements, entry);
    sim_bound_array(sim->state.acknowledgements, SIM_MAX_ACKNOWLEDGEMENTS);
}

void sim_command_patch(struct sim *sim, struct sim_request *request)
{
    static const char *const statuses[] = {"FAILED_OFFLINE", "FAILED_FAULT", "OK", NULL};
    static const struct sim_field fields[] = {
        {.name = "device_status", .kind = SIM_ENUM, .required = true, .values = statuses},
        {.name = "device_status_reason", .kind = SIM_STRING, .nullable = true},
        {0},
    };
    struct sim_resource *command = sim_find(&sim->state.commands, request->param[0]);
    if (!command) {
        sim_reply_message(request, 404, "Command not found");
        return;
    }
    if (!sim_validate_body(request, fields))
        return;
    sim_command_set_device_status(sim, command, sim_json_string(request->json, "device_status"),
                                  sim_json_string(request->json, "device_status_reason"));
    remember(sim, command);
    sim_reply_copy(request, 200, command->json);
}
