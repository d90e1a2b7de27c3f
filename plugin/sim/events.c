#include "sim/events.h"

#include "sim/event_commands.h"
#include "sim/sim.h"

static bool is_over(const struct sim_resource *event)
{
    const char *status = sim_json_string(event->json, "status");
    return !status || strcmp(status, "CANCELED") == 0 || strcmp(status, "COMPLETED") == 0;
}

const char *sim_event_status_at(struct sim_span span, int64_t wall_ms)
{
    return span.starts_ms > wall_ms ? "UPCOMING" : span.ends_ms > wall_ms ? "ACTIVE" : "COMPLETED";
}

static void tell(struct sim *sim, struct sim_resource *event, const char *event_type)
{
    sim_touch(event, sim->wall_ms);
    sim_webhook_emit(sim, event_type, event->json);
}

static int64_t next_due(const struct sim_resource *event, int64_t wall_ms)
{
    if (is_over(event))
        return SIM_NEVER;
    return event->starts_ms > wall_ms ? event->starts_ms : event->ends_ms;
}

int64_t sim_events_tick(struct sim *sim)
{
    int64_t next = SIM_NEVER;
    SIM_FOREACH(event, &sim->state.events)
    {
        const struct sim_span span = {event->starts_ms, event->ends_ms};
        const char *status = sim_event_status_at(span, sim->wall_ms);
        if (!is_over(event) && strcmp(sim_json_string(event->json, "status"), status) != 0) {
            sim_json_set_string(event->json, "status", status);
            tell(sim, event, "event.updated");
        }
        int64_t due = next_due(event, sim->wall_ms);
        if (due < next)
            next = due;
    }
    return next;
}

static struct sim_resource *find(struct sim *sim, struct sim_request *request)
{
    struct sim_resource *event = sim_find(&sim->state.events, request->param[1]);
    if (event && strcmp(event->site_id, request->param[0]) == 0)
        return event;
    sim_reply_message(request, 404, "Event not found");
    return NULL;
}

void sim_event_get(struct sim *sim, struct sim_request *request)
{
    const struct sim_resource *event = find(sim, request);
    if (event)
        sim_reply_copy(request, 200, event->json);
}

/* `status` may repeat; CANCELED is not among its values. */
static bool check_statuses(struct sim_request *request)
{
    for (size_t i = 0; i < request->queries; i++) {
        const char *value = request->query[i].value;
        if (strcmp(request->query[i].name, "status") != 0 || strcmp(value, "ACTIVE") == 0 ||
            strcmp(value, "COMPLETED") == 0 || strcmp(value, "UPCOMING") == 0)
            continue;
        sim_reply_invalid_one(request, "query", "status", "enum",
                              "Input should be 'ACTIVE', 'COMPLETED' or 'UPCOMING'");
        return false;
    }
    return true;
}

static bool is_wanted(const struct sim_request *request, const struct sim_resource *event)
{
    const char *status = sim_json_string(event->json, "status");
    bool filtered = false;
    if (strcmp(event->site_id, request->param[0]) != 0)
        return false;
    for (size_t i = 0; i < request->queries; i++) {
        if (strcmp(request->query[i].name, "status") != 0)
            continue;
        if (status && strcmp(request->query[i].value, status) == 0)
            return true;
        filtered = true;
    }
    return !filtered;
}

static int later_first(const void *a, const void *b)
{
    int64_t x = (*(const struct sim_resource *const *)a)->starts_ms;
    int64_t y = (*(const struct sim_resource *const *)b)->starts_ms;
    return (x < y) - (x > y);
}

void sim_events_get(struct sim *sim, struct sim_request *request)
{
    if (!check_statuses(request))
        return;
    size_t n = 0;
    const struct sim_resource **found = f2m_xcalloc(sim_count(&sim->state.events) + 1, sizeof(void *));
    SIM_FOREACH(event, &sim->state.events)
    {
        if (is_wanted(request, event))
            found[n++] = event;
    }
    qsort(found, n, sizeof(void *), later_first);
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < n; i++)
        cJSON_AddItemToArray(list, cJSON_Duplicate(found[i]->json, true));
    free((void *)found);
    sim_reply_json(request, 200, list);
}

static bool check_patch(struct sim_request *request)
{
    static const struct sim_field fields[] = {
        {.name = "is_participating", .kind = SIM_BOOL},
        {.name = "device_settings", .kind = SIM_ARRAY},
        {0},
    };
    static const struct sim_field settings[] = {
        {.name = "device_id", .kind = SIM_ID, .required = true},
        {.name = "backup_reserve_percentage", .kind = SIM_INT, .nullable = true, .min = 0, .max = 100},
        {.name = "maximum_charge_percentage", .kind = SIM_INT, .nullable = true, .min = 0, .max = 100},
        {0},
    };
    const struct sim_loc body = {NULL, "body", 0}, list = {&body, "device_settings", 0};
    struct sim_loc here = {&list, NULL, 0};
    cJSON *detail = cJSON_CreateArray();
    sim_validate(request->json, fields, &body, detail);
    const cJSON *item;
    cJSON_ArrayForEach(item, sim_json_get(request->json, "device_settings"))
    {
        sim_validate(item, settings, &here, detail);
        here.index++;
    }
    return !sim_reply_invalid(request, detail);
}

static void change(struct sim *sim, struct sim_resource *event, const cJSON *in)
{
    const cJSON *participating = sim_json_get(in, "is_participating");
    if (sim_json_get(in, "device_settings"))
        sim_json_copy(event->json, in, "device_settings");
    if (participating)
        sim_json_copy(event->json, in, "is_participating");
    tell(sim, event, "event.updated");
    if (participating)
        sim_event_commands_participate(sim, event, cJSON_IsTrue(participating));
}

void sim_event_patch(struct sim *sim, struct sim_request *request)
{
    struct sim_resource *event = find(sim, request);
    if (!event || !check_patch(request))
        return;
    if (is_over(event)) {
        sim_reply_message(request, 409, "The event is over");
        return;
    }
    change(sim, event, request->json);
    sim_reply_copy(request, 200, event->json);
}

static void move(struct sim *sim, struct sim_resource *event, struct sim_span to)
{
    const struct sim_span from = {event->starts_ms, event->ends_ms};
    sim_span_write(event->json, to);
    event->starts_ms = to.starts_ms;
    event->ends_ms = to.ends_ms;
    if (!is_over(event))
        sim_json_set_string(event->json, "status", sim_event_status_at(to, sim->wall_ms));
    sim_event_commands_move(sim, event, from, to);
}

static void control(struct sim *sim, struct sim_resource *event, const cJSON *in)
{
    const char *status = sim_json_string(in, "status");
    bool cancel = status && strcmp(status, "CANCELED") == 0;
    if (sim_span_given(in))
        move(sim, event, sim_span_read(in, sim->wall_ms, (struct sim_span){event->starts_ms, event->ends_ms}));
    if (status)
        sim_json_set_string(event->json, "status", status);
    sim_json_merge(event->json, sim_json_get(in, "extra"));
    if (sim_json_get(in, "is_participating")) {
        sim_json_copy(event->json, in, "is_participating");
        sim_event_commands_participate(sim, event, sim_json_bool(in, "is_participating", true));
    }
    tell(sim, event, cancel ? "event.canceled" : "event.updated");
    if (cancel)
        sim_event_commands_cancel(sim, event);
}

void sim_event_control_patch(struct sim *sim, struct sim_request *request)
{
    static const struct sim_field fields[] = {
        {.name = "status", .kind = SIM_STRING},
        {.name = "is_participating", .kind = SIM_BOOL},
        SIM_SPAN_FIELDS,
        {.name = "extra", .kind = SIM_OBJECT},
        {0},
    };
    struct sim_resource *event = sim_find(&sim->state.events, request->param[0]);
    if (!event) {
        sim_reply_message(request, 404, "Event not found");
        return;
    }
    if (!sim_validate_body(request, fields))
        return;
    control(sim, event, request->json);
    sim_reply_copy(request, 200, event->json);
}

void sim_event_control_post(struct sim *sim, struct sim_request *request)
{
    const struct sim_loc body = {NULL, "body", 0};
    cJSON *detail = cJSON_CreateArray();
    const struct sim_resource *event = sim_event_add(sim, request->json, &body, detail);
    if (!sim_reply_invalid(request, detail) && event)
        sim_reply_copy(request, 201, event->json);
}
