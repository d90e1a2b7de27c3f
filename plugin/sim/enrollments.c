#include "sim/enrollments.h"

#include "sim/sim.h"

static const char *const methods[] = {"AUTO_ENROLL", "USER_ACTION", NULL};
static const char *const statuses[] = {"ACTIVE", "NEEDS_ACTION", "PENDING", "REJECTED", "UNENROLLED", "PAUSED", NULL};

const struct sim_field sim_enrollment_fields[] = {
    {.name = "device_ids", .kind = SIM_STRINGS, .required = true},
    {.name = "program_id", .kind = SIM_ID, .required = true},
    {.name = "enroll_method", .kind = SIM_ENUM, .required = true, .values = methods},
    {.name = "has_agreed_to_terms_and_conditions", .kind = SIM_BOOL, .nullable = true},
    {.name = "terms_and_conditions_version", .kind = SIM_STRING, .nullable = true},
    {.name = "program_specific_attributes", .kind = SIM_ARRAY, .nullable = true},
    {0},
};

static void check_devices(struct sim *sim, const cJSON *in, const char *site_id, const struct sim_loc *loc,
                          cJSON *detail)
{
    const struct sim_loc list = {loc, "device_ids", 0};
    struct sim_loc here = {&list, NULL, 0};
    const cJSON *id;
    cJSON_ArrayForEach(id, sim_json_get(in, "device_ids"))
    {
        const struct sim_resource *device = sim_find(&sim->state.devices, cJSON_GetStringValue(id));
        if (!device || strcmp(device->site_id, site_id) != 0)
            sim_invalid(detail, &here, "value_error", "no device of this site");
        here.index++;
    }
    if (here.index == 0)
        sim_invalid(detail, &list, "too_short", "List should have at least 1 item after validation, not 0");
}

static const char *attribute(const cJSON *in, const char *name)
{
    const cJSON *pair;
    cJSON_ArrayForEach(pair, sim_json_get(in, "program_specific_attributes"))
    {
        const char *key = sim_json_string(pair, "name");
        if (key && strcmp(key, name) == 0)
            return sim_json_string(pair, "value");
    }
    return NULL;
}

/* Values are always text: "true", "12". */
static void check_attributes(const cJSON *in, const cJSON *form, const struct sim_loc *loc, cJSON *detail)
{
    static const struct sim_field pair_fields[] = {
        {.name = "name", .kind = SIM_ID, .required = true},
        {.name = "value", .kind = SIM_STRING, .required = true},
        {0},
    };
    const struct sim_loc list = {loc, "program_specific_attributes", 0};
    struct sim_loc here = {&list, NULL, 0};
    const cJSON *item;
    cJSON_ArrayForEach(item, sim_json_get(in, "program_specific_attributes"))
    {
        sim_validate(item, pair_fields, &here, detail);
        here.index++;
    }
    cJSON_ArrayForEach(item, form)
    {
        const char *name = sim_json_string(item, "name");
        if (name && !attribute(in, name))
            sim_invalid(detail, &list, "missing", "%s is required by the enrollment form", name);
    }
}

static void check_terms(const cJSON *in, const cJSON *program, const struct sim_loc *loc, cJSON *detail)
{
    const struct sim_loc agreed = {loc, "has_agreed_to_terms_and_conditions", 0};
    const struct sim_loc version = {loc, "terms_and_conditions_version", 0};
    const char *wanted = sim_json_string(program, "terms_and_conditions_version");
    const char *given = sim_json_string(in, "terms_and_conditions_version");
    if (!wanted)
        return;
    if (!sim_json_bool(in, "has_agreed_to_terms_and_conditions", false))
        sim_invalid(detail, &agreed, "value_error", "the terms and conditions must be agreed to");
    if (!given || strcmp(given, wanted) != 0)
        sim_invalid(detail, &version, "value_error", "expected the version of the program's terms");
}

void sim_enrollment_check(struct sim *sim, const cJSON *in, const char *site_id, const struct sim_loc *loc,
                          cJSON *detail)
{
    if (!sim_validate(in, sim_enrollment_fields, loc, detail))
        return;
    const struct sim_loc here = {loc, "program_id", 0};
    const struct sim_resource *program = sim_find(&sim->state.programs, sim_json_string(in, "program_id"));
    check_devices(sim, in, site_id, loc, detail);
    if (!program) {
        sim_invalid(detail, &here, "value_error", "no such program");
        return;
    }
    bool automatic = strcmp(sim_json_string(in, "enroll_method"), "AUTO_ENROLL") == 0;
    if (automatic && !sim_json_bool(program->json, "can_auto_enroll", false))
        sim_invalid(detail, loc, "value_error", "the program does not permit AUTO_ENROLL");
    check_attributes(in, sim_json_get(program->json, "enrollment_form"), loc, detail);
    check_terms(in, program->json, loc, detail);
}

const char *sim_enrollment_obstacle(const struct sim *sim, const char *site_id, const char *program_id)
{
    SIM_FOREACH(enrollment, &sim->state.enrollments)
    {
        if (strcmp(enrollment->site_id, site_id) != 0 || strcmp(enrollment->link, program_id) != 0)
            continue;
        const char *status = sim_json_string(enrollment->json, "status");
        if (strcmp(status, "REJECTED") == 0)
            return "Enrollment was rejected";
        if (strcmp(status, "UNENROLLED") != 0)
            return "Enrollment already exists";
    }
    return NULL;
}

static void change(struct sim *sim, struct sim_resource *enrollment, const char *status, const char *reason)
{
    sim_json_set_string(enrollment->json, "status", status);
    sim_json_set_string(enrollment->json, "status_reason", reason);
    if (strcmp(status, "ACTIVE") == 0)
        sim_json_set_time(enrollment->json, "enrolled_at", sim->wall_ms);
    if (strcmp(status, "UNENROLLED") == 0)
        sim_json_set_time(enrollment->json, "unenrolled_at", sim->wall_ms);
    enrollment->due_ms = SIM_NEVER;
    sim_touch(enrollment, sim->wall_ms);
    sim_webhook_emit(sim, "enrollment.updated", enrollment->json);
}

struct sim_resource *sim_enrollment_put(struct sim *sim, const cJSON *in, const char *site_id)
{
    char id[SIM_UUID_SIZE];
    cJSON *json = cJSON_CreateObject();
    sim_json_set_string(json, "id", sim_uuid(sim, id));
    sim_json_set_string(json, "site_id", site_id);
    for (const struct sim_field *field = sim_enrollment_fields; field->name; field++)
        sim_json_copy(json, in, field->name);
    if (!cJSON_IsArray(sim_json_get(json, "program_specific_attributes")))
        sim_json_set(json, "program_specific_attributes", cJSON_CreateArray());
    sim_json_set_string(json, "status", "PENDING");
    sim_json_set_string(json, "status_reason", NULL);
    sim_json_set_string(json, "enrolled_at", NULL);
    sim_json_set_string(json, "unenrolled_at", NULL);
    struct sim_resource *enrollment = sim_put(&sim->state.enrollments, json, site_id, sim->wall_ms);
    if (!enrollment)
        return NULL;
    enrollment->link = f2m_xstrdup(sim_json_string(in, "program_id"));
    if (sim->options.enrollment_delay_s >= 0)
        enrollment->due_ms = sim->wall_ms + sim->options.enrollment_delay_s * 1000;
    sim_webhook_emit(sim, "enrollment.created", enrollment->json);
    return enrollment;
}

void sim_enrollments_forget_device(struct sim *sim, const char *site_id, const char *device_id)
{
    SIM_FOREACH(enrollment, &sim->state.enrollments)
    {
        cJSON *ids = cJSON_GetObjectItemCaseSensitive(enrollment->json, "device_ids");
        if (strcmp(enrollment->site_id, site_id) != 0 || !sim_json_array_has(ids, device_id))
            continue;
        for (cJSON *id = ids->child, *next; id; id = next) {
            next = id->next;
            if (strcmp(id->valuestring, device_id) == 0)
                cJSON_Delete(cJSON_DetachItemViaPointer(ids, id));
        }
        if (!ids->child && strcmp(sim_json_string(enrollment->json, "status"), "UNENROLLED") != 0)
            change(sim, enrollment, "UNENROLLED", "the last device was deleted");
    }
}

int64_t sim_enrollments_tick(struct sim *sim)
{
    int64_t next = SIM_NEVER;
    SIM_FOREACH(enrollment, &sim->state.enrollments)
    {
        if (enrollment->due_ms <= sim->wall_ms)
            change(sim, enrollment, "ACTIVE", "Enrollment approved by utility");
        else if (enrollment->due_ms < next)
            next = enrollment->due_ms;
    }
    return next;
}

void sim_enrollments_post(struct sim *sim, struct sim_request *request)
{
    const struct sim_loc body = {NULL, "body", 0};
    cJSON *detail = cJSON_CreateArray();
    sim_enrollment_check(sim, request->json, request->param[0], &body, detail);
    if (sim_reply_invalid(request, detail))
        return;
    const char *obstacle =
        sim_enrollment_obstacle(sim, request->param[0], sim_json_string(request->json, "program_id"));
    if (obstacle) {
        sim_reply_message(request, 409, "%s", obstacle);
        return;
    }
    const struct sim_resource *enrollment = sim_enrollment_put(sim, request->json, request->param[0]);
    if (enrollment)
        sim_reply_copy(request, 200, enrollment->json);
    else
        sim_reply_message(request, 507, "too many enrollments for the stand-in");
}

void sim_enrollments_get(struct sim *sim, struct sim_request *request)
{
    sim_reply_json(request, 200, sim_list(&sim->state.enrollments, request->param[0]));
}

void sim_enrollment_delete(struct sim *sim, struct sim_request *request)
{
    struct sim_resource *enrollment = sim_find(&sim->state.enrollments, request->param[1]);
    if (!enrollment || strcmp(enrollment->site_id, request->param[0]) != 0) {
        sim_reply_message(request, 404, "Enrollment not found");
        return;
    }
    if (strcmp(sim_json_string(enrollment->json, "status"), "UNENROLLED") != 0)
        change(sim, enrollment, "UNENROLLED", NULL);
    sim_reply_empty(request, 204);
}

void sim_enrollment_control(struct sim *sim, struct sim_request *request)
{
    static const struct sim_field fields[] = {
        {.name = "status", .kind = SIM_ENUM, .required = true, .values = statuses},
        {.name = "status_reason", .kind = SIM_STRING, .nullable = true},
        {0},
    };
    struct sim_resource *enrollment = sim_find(&sim->state.enrollments, request->param[0]);
    if (!enrollment) {
        sim_reply_message(request, 404, "Enrollment not found");
        return;
    }
    if (!sim_validate_body(request, fields))
        return;
    change(sim, enrollment, sim_json_string(request->json, "status"), sim_json_string(request->json, "status_reason"));
    sim_reply_copy(request, 200, enrollment->json);
}
