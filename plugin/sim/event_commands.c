#include "sim/event_commands.h"

#include "sim/events.h"
#include "sim/sim.h"

#define HOUR_MS INT64_C(3600000)

static bool belongs(const struct sim_resource *command, const struct sim_resource *event)
{
    return command->link && strcmp(command->link, event->id) == 0;
}

static bool has_status(const struct sim_resource *command, const char *status)
{
    const char *now = sim_json_string(command->json, "status");
    return now && strcmp(now, status) == 0;
}

/* Each command of the event that is not over and stands at `from` goes to `to`. */
static void change_all(struct sim *sim, const struct sim_resource *event, const char *from, const char *to)
{
    SIM_FOREACH(command, &sim->state.commands)
    {
        if (belongs(command, event) && command->ends_ms > sim->wall_ms && has_status(command, from))
            sim_command_set_status(sim, command, to);
    }
}

void sim_event_commands_participate(struct sim *sim, const struct sim_resource *event, bool participating)
{
    change_all(sim, event, participating ? "OPT_OUT" : "OK", participating ? "OK" : "OPT_OUT");
}

void sim_event_commands_cancel(struct sim *sim, const struct sim_resource *event)
{
    change_all(sim, event, "OK", "CANCELED");
}

void sim_event_commands_move(struct sim *sim, const struct sim_resource *event, struct sim_span from,
                             struct sim_span to)
{
    SIM_FOREACH(command, &sim->state.commands)
    {
        if (belongs(command, event) && command->starts_ms == from.starts_ms && command->ends_ms == from.ends_ms)
            sim_command_move(sim, command, to);
    }
}

/* The devices given, else all batteries of the site. */
static cJSON *devices_of(const struct sim *sim, const cJSON *in)
{
    if (sim_json_get(in, "device_ids"))
        return cJSON_Duplicate(sim_json_get(in, "device_ids"), true);
    cJSON *ids = cJSON_CreateArray();
    SIM_FOREACH(device, &sim->state.devices)
    {
        const char *type = sim_json_string(device->json, "type");
        if (strcmp(device->site_id, sim_json_string(in, "site_id")) == 0 && type && strcmp(type, "BATTERY") == 0)
            cJSON_AddItemToArray(ids, cJSON_CreateString(device->id));
    }
    return ids;
}

/* One part of the schedule, and a command of it for every device. */
static void add_part(struct sim *sim, cJSON *schedule, const struct sim_resource *event, const cJSON *part,
                     const cJSON *device_ids, struct sim_span span, bool with_commands)
{
    sim_autojson *battery = sim_battery_new(part);
    cJSON *item = cJSON_CreateObject();
    sim_json_set(item, "device_ids", cJSON_Duplicate(device_ids, true));
    sim_span_write(item, span);
    sim_json_copy(item, battery, "mode");
    sim_json_set_bool(item, "is_preparatory_action", sim_json_bool(part, "is_preparatory_action", false));
    cJSON_AddItemToArray(schedule, item);
    const cJSON *id;
    cJSON_ArrayForEach(id, device_ids)
    {
        sim_autojson *in = cJSON_CreateObject();
        sim_json_set(in, "battery_commands", cJSON_Duplicate(battery, true));
        sim_json_set_bool(in, "is_preparatory_action", sim_json_bool(part, "is_preparatory_action", false));
        if (with_commands)
            sim_command_put(sim, in, id->valuestring, event->id, span);
    }
}

static struct sim_resource *put(struct sim *sim, const cJSON *in, struct sim_span span)
{
    char id[SIM_UUID_SIZE], program[SIM_UUID_SIZE];
    const char *given = sim_json_string(in, "id"), *program_id = sim_json_string(in, "program_id");
    if (!program_id && sim->state.programs.by_id)
        program_id = sim->state.programs.by_id->id;
    cJSON *json = cJSON_CreateObject();
    sim_json_set_string(json, "id", given ? given : sim_uuid(sim, id));
    sim_json_set_string(json, "program_id", program_id ? program_id : sim_uuid(sim, program));
    sim_json_copy(json, in, "site_id");
    sim_span_write(json, span);
    sim_json_set(json, "schedule", cJSON_CreateArray());
    sim_json_set(json, "device_settings", cJSON_CreateArray());
    sim_json_set_string(json, "status", sim_event_status_at(span, sim->wall_ms));
    sim_json_set_bool(json, "is_participating", sim_json_bool(in, "is_participating", true));
    struct sim_resource *event = sim_put(&sim->state.events, json, sim_json_string(in, "site_id"), sim->wall_ms);
    if (event) {
        event->starts_ms = span.starts_ms;
        event->ends_ms = span.ends_ms;
    }
    return event;
}

static bool check(const cJSON *in, const struct sim_loc *loc, cJSON *detail)
{
    static const struct sim_field fields[] = {
        {.name = "id", .kind = SIM_ID},
        {.name = "site_id", .kind = SIM_ID, .required = true},
        {.name = "program_id", .kind = SIM_ID},
        {.name = "device_ids", .kind = SIM_STRINGS},
        {.name = "is_participating", .kind = SIM_BOOL},
        {.name = "is_preparatory_action", .kind = SIM_BOOL},
        {.name = "commands", .kind = SIM_BOOL},
        {.name = "schedule", .kind = SIM_ARRAY},
        {.name = "extra", .kind = SIM_OBJECT},
        SIM_SPAN_FIELDS,
        SIM_BATTERY_FIELDS,
        {0},
    };
    static const struct sim_field part_fields[] = {
        {.name = "is_preparatory_action", .kind = SIM_BOOL}, SIM_SPAN_FIELDS, SIM_BATTERY_FIELDS, {0}};
    const struct sim_loc list = {loc, "schedule", 0};
    struct sim_loc here = {&list, NULL, 0};
    if (!sim_validate(in, fields, loc, detail))
        return false;
    const cJSON *part;
    cJSON_ArrayForEach(part, sim_json_get(in, "schedule"))
    {
        sim_validate(part, part_fields, &here, detail);
        here.index++;
    }
    if (here.index > SIM_MAX_SCHEDULE)
        sim_invalid(detail, &list, "too_long", "at most %d parts", SIM_MAX_SCHEDULE);
    return detail->child == NULL;
}

struct sim_resource *sim_event_add(struct sim *sim, const cJSON *in, const struct sim_loc *loc, cJSON *detail)
{
    if (!check(in, loc, detail))
        return NULL;
    if (!sim_find(&sim->state.sites, sim_json_string(in, "site_id"))) {
        sim_invalid(detail, loc, "value_error", "no such site");
        return NULL;
    }
    struct sim_span span = sim_span_read(in, sim->wall_ms, (struct sim_span){sim->wall_ms, 0});
    if (!span.ends_ms)
        span.ends_ms = span.starts_ms + HOUR_MS;
    struct sim_resource *event = put(sim, in, span);
    if (!event) {
        sim_invalid(detail, loc, "value_error", "an event of that id exists, or there are too many");
        return NULL;
    }
    sim_autojson *ids = devices_of(sim, in);
    cJSON *schedule = cJSON_GetObjectItemCaseSensitive(event->json, "schedule");
    bool with_commands = sim_json_bool(in, "commands", true);
    const cJSON *part;
    cJSON_ArrayForEach(part, sim_json_get(in, "schedule"))
    {
        add_part(sim, schedule, event, part, ids, sim_span_read(part, sim->wall_ms, span), with_commands);
    }
    if (!schedule->child)
        add_part(sim, schedule, event, in, ids, span, with_commands);
    sim_json_merge(event->json, sim_json_get(in, "extra"));
    sim_webhook_emit(sim, "event.created", event->json);
    return event;
}
