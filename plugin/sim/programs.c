#include "sim/programs.h"

#include "sim/sim.h"

static const struct sim_field program_fields[] = {
    {.name = "id", .kind = SIM_ID},
    {.name = "name", .kind = SIM_STRING},
    {.name = "description", .kind = SIM_STRING},
    {.name = "eligible_device_types", .kind = SIM_STRINGS},
    {.name = "can_auto_enroll", .kind = SIM_BOOL},
    {.name = "minimum_reserve_percentage", .kind = SIM_INT, .min = 0, .max = 100},
    {.name = "minimum_commitment_months", .kind = SIM_INT, .nullable = true, .min = 0, .max = 1200},
    {.name = "participation_months", .kind = SIM_ARRAY},
    {.name = "earnings_for_site_upfront", .kind = SIM_INT},
    {.name = "earnings_for_site_yearly", .kind = SIM_INT},
    {.name = "enrollment_form", .kind = SIM_ARRAY},
    {.name = "terms_and_conditions_text", .kind = SIM_STRING, .nullable = true},
    {.name = "terms_and_conditions_version", .kind = SIM_STRING, .nullable = true},
    {.name = "zip_codes", .kind = SIM_STRINGS},
    {0},
};

static const char default_program[] =
    "{\"name\":\"Sandbox program\",\"description\":\"A program of the "
    "stand-in\",\"eligible_device_types\":[\"BATTERY\"],"
    "\"can_auto_enroll\":false,\"minimum_reserve_percentage\":20,\"minimum_commitment_months\":12,"
    "\"participation_months\":[1,2,3,4,5,6,7,8,9,10,11,12],\"earnings_for_site_upfront\":1000,"
    "\"earnings_for_site_yearly\":500,\"enrollment_form\":[],\"terms_and_conditions_text\":null,"
    "\"terms_and_conditions_version\":null}";

static const char *const default_programs[] = {
    "{\"id\":\"70c1146b-e933-4cb2-a789-bbca5312b517\",\"name\":\"Sandbox automatic\",\"can_auto_enroll\":true,"
    "\"zip_codes\":[\"88800\",\"88801\",\"88802\"]}",
    "{\"id\":\"9b0f9e0c-5d2c-4a58-8d0e-6f6b1f0a7e21\",\"name\":\"Sandbox with a form\","
    "\"enrollment_form\":[{\"name\":\"account_id\",\"label\":\"Utility Account Number\",\"type\":\"string\"}],"
    "\"terms_and_conditions_text\":\"# Terms\\nBe kind to the grid.\",\"terms_and_conditions_version\":\"2025-01-01\","
    "\"zip_codes\":[\"88800\",\"88801\",\"88802\"]}",
};

void sim_program_check(const cJSON *program, const struct sim_loc *loc, cJSON *detail)
{
    sim_validate(program, program_fields, loc, detail);
}

struct sim_resource *sim_program_put(struct sim *sim, const cJSON *program)
{
    char id[SIM_UUID_SIZE];
    size_t error_at;
    cJSON *json = sim_json_parse(default_program, sizeof default_program - 1, &error_at);
    sim_json_set_string(json, "id", sim_uuid(sim, id));
    sim_json_merge(json, program);
    cJSON *zip_codes = cJSON_DetachItemFromObjectCaseSensitive(json, "zip_codes");
    struct sim_resource *resource = sim_put(&sim->state.programs, json, NULL, sim->wall_ms);
    if (resource)
        resource->extra = zip_codes;
    else
        cJSON_Delete(zip_codes);
    return resource;
}

void sim_programs_defaults(struct sim *sim)
{
    for (size_t i = 0; i < sizeof default_programs / sizeof default_programs[0]; i++) {
        size_t error_at;
        sim_autojson *json = sim_json_parse(default_programs[i], strlen(default_programs[i]), &error_at);
        sim_program_put(sim, json);
    }
}

bool sim_program_fits(const struct sim_resource *program, const char *zip_code, const char *device_type)
{
    const cJSON *types = sim_json_get(program->json, "eligible_device_types");
    return (!device_type || sim_json_array_has(types, device_type)) &&
           (!zip_code || !program->extra || sim_json_array_has(program->extra, zip_code));
}

cJSON *sim_programs_list(const struct sim *sim, const char *zip_code, const char *device_type)
{
    cJSON *list = cJSON_CreateArray();
    SIM_FOREACH(program, &sim->state.programs)
    {
        if (sim_program_fits(program, zip_code, device_type))
            cJSON_AddItemToArray(list, cJSON_Duplicate(program->json, true));
    }
    return list;
}

/* The device_type of the query; false after answering 422. */
static bool device_type(struct sim_request *request, bool required, const char **out)
{
    const char *type = *out = sim_request_query(request, "device_type");
    if (type && strcmp(type, "BATTERY") != 0 && strcmp(type, "EV_CHARGER") != 0) {
        sim_reply_invalid_one(request, "query", "device_type", "enum", "Input should be 'BATTERY' or 'EV_CHARGER'");
        return false;
    }
    if (!type && required) {
        sim_reply_invalid_one(request, "query", "device_type", "missing", "Field required");
        return false;
    }
    return true;
}

void sim_programs_get(struct sim *sim, struct sim_request *request)
{
    const char *type;
    if (device_type(request, false, &type))
        sim_reply_page(request, sim_programs_list(sim, sim_request_query(request, "zip_code"), type));
}

void sim_site_programs_get(struct sim *sim, struct sim_request *request)
{
    const char *type;
    const struct sim_resource *site = sim_find(&sim->state.sites, request->param[0]);
    const char *zip_code = sim_request_query(request, "zip_code");
    if (!device_type(request, true, &type))
        return;
    if (!zip_code && site)
        zip_code = sim_json_string(site->json, "zip_code");
    sim_reply_page(request, sim_programs_list(sim, zip_code, type));
}

void sim_site_program_get(struct sim *sim, struct sim_request *request)
{
    const struct sim_resource *program = sim_find(&sim->state.programs, request->param[1]);
    if (program)
        sim_reply_copy(request, 200, program->json);
    else
        sim_reply_message(request, 404, "Program not found");
}

void sim_programs_post(struct sim *sim, struct sim_request *request)
{
    if (!sim_validate_body(request, program_fields))
        return;
    const struct sim_resource *program = sim_program_put(sim, request->json);
    if (program)
        sim_reply_copy(request, 201, program->json);
    else
        sim_reply_message(request, 409, "a program of that id exists");
}
