#include "sim/commission.h"

#include "sim/enrollments.h"
#include "sim/programs.h"
#include "sim/sim.h"
#include "sim/sites.h"

static void check_site_id(const cJSON *device, const cJSON *site, const struct sim_loc *loc, cJSON *detail)
{
    const struct sim_loc here = {loc, "site_id", 0};
    const char *wanted = sim_json_string(site, "id"), *given = sim_json_string(device, "site_id");
    if (wanted && given && strcmp(wanted, given) != 0)
        sim_invalid(detail, &here, "value_error", "must be the id of the site");
}

/* The same id twice in one body would make half of a commissioning. */
static void check_twice(const cJSON *devices, const cJSON *device, const struct sim_loc *loc, cJSON *detail)
{
    const struct sim_loc here = {loc, "id", 0};
    const char *id = sim_json_string(device, "id");
    for (const cJSON *before = devices->child; id && before != device; before = before->next) {
        const char *other = sim_json_string(before, "id");
        if (other && strcmp(other, id) == 0) {
            sim_invalid(detail, &here, "value_error", "given twice");
            return;
        }
    }
}

static void check_devices(const cJSON *body, const struct sim_loc *loc, cJSON *detail)
{
    const struct sim_loc list = {loc, "devices", 0};
    struct sim_loc here = {&list, NULL, 0};
    const cJSON *devices = sim_json_get(body, "devices"), *device;
    cJSON_ArrayForEach(device, devices)
    {
        if (sim_validate(device, sim_device_fields, &here, detail))
            sim_validate_attributes(device, &here, detail);
        check_site_id(device, sim_json_get(body, "site"), &here, detail);
        check_twice(devices, device, &here, detail);
        here.index++;
    }
    if (here.index == 0)
        sim_invalid(detail, &list, "too_short", "List should have at least 1 item after validation, not 0");
}

static bool check(struct sim_request *request)
{
    static const struct sim_field fields[] = {
        {.name = "site", .kind = SIM_OBJECT, .required = true},
        {.name = "devices", .kind = SIM_ARRAY, .required = true},
        {.name = "can_auto_enroll", .kind = SIM_BOOL, .nullable = true},
        {.name = "enrollment", .kind = SIM_OBJECT, .nullable = true},
        {0},
    };
    const struct sim_loc body = {NULL, "body", 0}, site = {&body, "site", 0};
    cJSON *detail = cJSON_CreateArray();
    if (sim_validate(request->json, fields, &body, detail)) {
        sim_validate(sim_json_get(request->json, "site"), sim_site_fields, &site, detail);
        check_devices(request->json, &body, detail);
    }
    return !sim_reply_invalid(request, detail);
}

static bool any_known(const struct sim *sim, const cJSON *devices)
{
    const cJSON *device;
    cJSON_ArrayForEach(device, devices)
    {
        if (sim_find(&sim->state.devices, sim_json_string(device, "id")))
            return true;
    }
    return false;
}

/* The programs that at least one of the devices can join. */
static cJSON *programs_for(const struct sim *sim, const cJSON *site, const cJSON *devices)
{
    cJSON *list = cJSON_CreateArray();
    const char *zip_code = sim_json_string(site, "zip_code");
    SIM_FOREACH(program, &sim->state.programs)
    {
        const cJSON *device;
        cJSON_ArrayForEach(device, devices)
        {
            if (sim_program_fits(program, zip_code, sim_json_string(device, "type"))) {
                cJSON_AddItemToArray(list, cJSON_Duplicate(program->json, true));
                break;
            }
        }
    }
    return list;
}

static bool is_automatic(const cJSON *program)
{
    return sim_json_bool(program, "can_auto_enroll", false) &&
           cJSON_GetArraySize(sim_json_get(program, "enrollment_form")) == 0 &&
           !sim_json_string(program, "terms_and_conditions_version");
}

static cJSON *automatic_enrollment(const cJSON *program, const cJSON *devices)
{
    cJSON *in = cJSON_CreateObject();
    cJSON *ids = cJSON_AddArrayToObject(in, "device_ids");
    const cJSON *device;
    cJSON_ArrayForEach(device, devices)
    {
        if (sim_json_array_has(sim_json_get(program, "eligible_device_types"), sim_json_string(device, "type")))
            cJSON_AddItemToArray(ids, cJSON_CreateString(sim_json_string(device, "id")));
    }
    sim_json_copy(in, program, "id");
    cJSON *id = cJSON_DetachItemFromObjectCaseSensitive(in, "id");
    sim_json_set(in, "program_id", id);
    sim_json_set_string(in, "enroll_method", "AUTO_ENROLL");
    return in;
}

/* The enrollment that comes with it: the one that the body asks for, else the first program that enrolls by itself. */
static const struct sim_resource *enroll(struct sim *sim, const cJSON *body, const char *site_id, const cJSON *programs)
{
    const cJSON *asked = sim_json_get(body, "enrollment");
    if (cJSON_IsObject(asked))
        return sim_enrollment_put(sim, asked, site_id);
    if (!sim_json_bool(body, "can_auto_enroll", false))
        return NULL;
    const cJSON *program;
    cJSON_ArrayForEach(program, programs)
    {
        if (!is_automatic(program) || sim_enrollment_obstacle(sim, site_id, sim_json_string(program, "id")))
            continue;
        sim_autojson *in = automatic_enrollment(program, sim_json_get(body, "devices"));
        return sim_enrollment_put(sim, in, site_id);
    }
    return NULL;
}

/* An enrollment asked for is checked against the devices, so it comes after they are stored; where it does not fit,
 * they are taken back. */
static bool enrollment_fits(struct sim *sim, struct sim_request *request, const char *site_id)
{
    const struct sim_loc body = {NULL, "body", 0}, here = {&body, "enrollment", 0};
    const cJSON *asked = sim_json_get(request->json, "enrollment");
    cJSON *detail = cJSON_CreateArray();
    if (cJSON_IsObject(asked)) {
        sim_enrollment_check(sim, asked, site_id, &here, detail);
        if (cJSON_GetArraySize(detail) == 0 &&
            sim_enrollment_obstacle(sim, site_id, sim_json_string(asked, "program_id")))
            sim_invalid(detail, &here, "value_error", "Enrollment already exists");
    }
    return !sim_reply_invalid(request, detail);
}

static void take_back(struct sim *sim, const cJSON *devices, const char *new_site_id)
{
    const cJSON *device;
    cJSON_ArrayForEach(device, devices)
    {
        struct sim_resource *stored = sim_find(&sim->state.devices, sim_json_string(device, "id"));
        if (stored)
            sim_remove(&sim->state.devices, stored);
    }
    struct sim_resource *site = sim_find(&sim->state.sites, new_site_id);
    if (site)
        sim_remove(&sim->state.sites, site);
}

void sim_commission(struct sim *sim, struct sim_request *request)
{
    if (!check(request))
        return;
    const cJSON *devices = sim_json_get(request->json, "devices"), *site_in = sim_json_get(request->json, "site");
    const char *site_id = sim_json_string(site_in, "id");
    if (any_known(sim, devices)) {
        sim_reply_message(request, 409, "Device already commissioned");
        return;
    }
    bool new_site = !sim_find(&sim->state.sites, site_id);
    bool stored = sim_site_put(sim, site_in) != NULL;
    const cJSON *device;
    cJSON_ArrayForEach(device, devices)
    {
        stored = stored && sim_device_put(sim, device, site_id);
    }
    if (!stored)
        sim_reply_message(request, 507, "too many sites or devices for the stand-in");
    if (!stored || !enrollment_fits(sim, request, site_id)) {
        take_back(sim, devices, new_site ? site_id : NULL);
        return;
    }
    const struct sim_resource *site = sim_find(&sim->state.sites, site_id);
    cJSON *answer = cJSON_CreateObject(), *programs = programs_for(sim, site->json, devices);
    cJSON_AddItemToObject(answer, "programs", programs);
    const struct sim_resource *enrollment = enroll(sim, request->json, site_id, programs);
    sim_json_set(answer, "enrollment", enrollment ? cJSON_Duplicate(enrollment->json, true) : cJSON_CreateNull());
    sim_reply_json(request, 200, answer);
}
