#include "sim/settings.h"

#include "sim/sim.h"
#include "sim/validate.h"

static bool is_object(struct sim_request *request)
{
    if (!cJSON_IsObject(request->json))
        sim_reply_invalid_one(request, "body", NULL, "dict_type", "Input should be a valid dictionary");
    return cJSON_IsObject(request->json);
}

void sim_settings_patch(struct sim *sim, struct sim_request *request)
{
    struct sim_resource *settings = sim_find(&sim->state.settings, request->param[0]);
    if (!settings) {
        sim_reply_message(request, 404, "Settings request not found");
        return;
    }
    if (!is_object(request))
        return;
    sim_json_set(settings->json, "answer", cJSON_Duplicate(request->json, true));
    sim_touch(settings, sim->wall_ms);
    sim_reply_copy(request, 200, settings->json);
}

void sim_supplements_post(struct sim *sim, struct sim_request *request)
{
    char id[SIM_UUID_SIZE];
    if (!is_object(request))
        return;
    cJSON *supplement = cJSON_Duplicate(request->json, true);
    sim_json_set_string(supplement, "id", sim_uuid(sim, id));
    sim_reply_copy(request, 200, supplement);
    cJSON_AddItemToArray(sim->state.supplements, supplement);
    sim_bound_array(sim->state.supplements, SIM_MAX_SUPPLEMENTS);
}

void sim_settings_control_post(struct sim *sim, struct sim_request *request)
{
    char id[SIM_UUID_SIZE];
    if (!is_object(request))
        return;
    cJSON *json = cJSON_Duplicate(request->json, true);
    if (!sim_json_string(json, "id"))
        sim_json_set_string(json, "id", sim_uuid(sim, id));
    const struct sim_resource *settings = sim_put(&sim->state.settings, json, NULL, sim->wall_ms);
    if (!settings) {
        sim_reply_message(request, 409, "a settings request of that id exists");
        return;
    }
    sim_webhook_emit(sim, "settings.apply", settings->json);
    sim_reply_copy(request, 201, settings->json);
}
