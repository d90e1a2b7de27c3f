#include "sim/sites.h"

#include "sim/enrollments.h"
#include "sim/sim.h"

/* Flip: Site. 50 states and Puerto Rico; no DC in the documented list. */
static const char *const states[] = {"AK", "AL", "AR", "AZ", "CA", "CO", "CT", "DE", "FL", "GA", "HI", "IA", "ID",
                                     "IL", "IN", "KS", "KY", "LA", "MA", "MD", "ME", "MI", "MN", "MO", "MS", "MT",
                                     "NC", "ND", "NE", "NH", "NJ", "NM", "NV", "NY", "OH", "OK", "OR", "PA", "PR",
                                     "RI", "SC", "SD", "TN", "TX", "UT", "VA", "VT", "WA", "WI", "WV", "WY", NULL};

const struct sim_field sim_site_fields[] = {
    {.name = "id", .kind = SIM_ID, .required = true},
    {.name = "first_name", .kind = SIM_STRING, .nullable = true},
    {.name = "last_name", .kind = SIM_STRING, .nullable = true},
    {.name = "company_name", .kind = SIM_STRING, .nullable = true},
    {.name = "email", .kind = SIM_EMAIL, .nullable = true},
    {.name = "state_code", .kind = SIM_ENUM, .nullable = true, .values = states},
    {.name = "city", .kind = SIM_STRING, .nullable = true},
    {.name = "street_address", .kind = SIM_STRING, .nullable = true},
    {.name = "street_address2", .kind = SIM_STRING, .nullable = true},
    {.name = "zip_code", .kind = SIM_STRING, .nullable = true},
    {.name = "service_account_id", .kind = SIM_STRING, .nullable = true}, /* deprecated, no error */
    {.name = "tariff_id", .kind = SIM_STRING, .nullable = true},
    {0},
};

const struct sim_field sim_device_fields[] = {
    {.name = "id", .kind = SIM_ID, .required = true},
    {.name = "site_id", .kind = SIM_ID, .required = true},
    {.name = "manufacturer_name", .kind = SIM_STRING, .required = true},
    {.name = "product_name", .kind = SIM_STRING, .required = true},
    {.name = "serial_number", .kind = SIM_STRING, .required = true},
    {.name = "type", .kind = SIM_ENUM, .required = true, .values = sim_device_types},
    {.name = "attributes", .kind = SIM_OBJECT, .required = true},
    {.name = "install_date", .kind = SIM_DATE, .required = true},
    {.name = "configuration", .kind = SIM_OBJECT, .nullable = true}, /* deprecated, no error */
    {0},
};

static const struct sim_field battery_attributes[] = {
    {.name = "battery_capacity_wh", .kind = SIM_INT, .required = true, .min = 0, .max = 1e12},
    {.name = "battery_power_input_w", .kind = SIM_INT, .required = true, .min = 0, .max = 1e12},
    {.name = "battery_power_output_w", .kind = SIM_INT, .required = true, .min = 0, .max = 1e12},
    {0},
};

void sim_validate_attributes(const cJSON *device, const struct sim_loc *loc, cJSON *detail)
{
    const struct sim_loc here = {loc, "attributes", 0};
    const char *type = sim_json_string(device, "type");
    if (type && strcmp(type, "BATTERY") == 0) /* Flip documents none for EV_CHARGER: free */
        sim_validate(sim_json_get(device, "attributes"), battery_attributes, &here, detail);
}

struct sim_resource *sim_site_put(struct sim *sim, const cJSON *site)
{
    struct sim_resource *known = sim_find(&sim->state.sites, sim_json_string(site, "id"));
    if (known) {
        sim_json_merge(known->json, site);
        sim_touch(known, sim->wall_ms);
        return known;
    }
    cJSON *json = cJSON_CreateObject();
    for (const struct sim_field *field = sim_site_fields; field->name; field++)
        sim_json_copy(json, site, field->name);
    return sim_put(&sim->state.sites, json, NULL, sim->wall_ms);
}

struct sim_resource *sim_device_put(struct sim *sim, const cJSON *device, const char *site_id)
{
    cJSON *json = cJSON_CreateObject();
    for (const struct sim_field *field = sim_device_fields; field->name; field++)
        sim_json_copy(json, device, field->name);
    sim_json_set_string(json, "site_id", site_id);
    if (!cJSON_IsObject(sim_json_get(json, "configuration"))) {
        cJSON *configuration = cJSON_CreateObject();
        sim_json_set_number(configuration, "reserve_percentage", 20);
        sim_json_set(json, "configuration", configuration);
    }
    return sim_put(&sim->state.devices, json, site_id, sim->wall_ms);
}

void sim_sites_get(struct sim *sim, struct sim_request *request)
{
    sim_reply_page(request, sim_list(&sim->state.sites, NULL));
}

static struct sim_resource *find_site(struct sim *sim, struct sim_request *request)
{
    struct sim_resource *site = sim_find(&sim->state.sites, request->param[0]);
    if (!site)
        sim_reply_message(request, 404, "Site not found");
    return site;
}

void sim_site_get(struct sim *sim, struct sim_request *request)
{
    const struct sim_resource *site = find_site(sim, request);
    if (site)
        sim_reply_copy(request, 200, site->json);
}

void sim_site_patch(struct sim *sim, struct sim_request *request)
{
    struct sim_resource *site = find_site(sim, request);
    if (!site || !sim_validate_body(request, sim_site_fields + 1)) /* all but the id */
        return;
    sim_json_merge(site->json, request->json);
    sim_touch(site, sim->wall_ms);
    sim_reply_copy(request, 200, site->json);
}

void sim_devices_get(struct sim *sim, struct sim_request *request)
{
    if (find_site(sim, request))
        sim_reply_json(request, 200, sim_list(&sim->state.devices, request->param[0]));
}

struct sim_resource *sim_device_of_site(struct sim *sim, struct sim_request *request)
{
    struct sim_resource *device = sim_find(&sim->state.devices, request->param[1]);
    if (device && strcmp(device->site_id, request->param[0]) == 0)
        return device;
    sim_reply_message(request, 404, "Device not found");
    return NULL;
}

void sim_device_get(struct sim *sim, struct sim_request *request)
{
    const struct sim_resource *device = sim_device_of_site(sim, request);
    if (device)
        sim_reply_copy(request, 200, device->json);
}

static bool check_device_patch(struct sim_request *request)
{
    static const struct sim_field fields[] = {
        {.name = "attributes", .kind = SIM_OBJECT, .nullable = true},
        {.name = "configuration", .kind = SIM_OBJECT, .nullable = true},
        {0},
    };
    static const struct sim_field attributes[] = {
        {.name = "battery_capacity_wh", .kind = SIM_INT_TEXT}, /* that page types them as text */
        {.name = "battery_power_input_w", .kind = SIM_INT_TEXT},
        {.name = "battery_power_output_w", .kind = SIM_INT_TEXT},
        {0},
    };
    static const struct sim_field configuration[] = {
        {.name = "reserve_percentage", .kind = SIM_NUMBER, .min = 0, .max = 100},
        {0},
    };
    const struct sim_loc body = {NULL, "body", 0};
    const struct sim_loc in_attributes = {&body, "attributes", 0}, in_configuration = {&body, "configuration", 0};
    cJSON *detail = cJSON_CreateArray();
    sim_validate(request->json, fields, &body, detail);
    if (cJSON_IsObject(sim_json_get(request->json, "attributes")))
        sim_validate(sim_json_get(request->json, "attributes"), attributes, &in_attributes, detail);
    if (cJSON_IsObject(sim_json_get(request->json, "configuration")))
        sim_validate(sim_json_get(request->json, "configuration"), configuration, &in_configuration, detail);
    return !sim_reply_invalid(request, detail);
}

/* Merges, turning a whole number written as text into a number. */
static void merge_numbers(cJSON *to, const cJSON *from)
{
    const cJSON *member;
    cJSON_ArrayForEach(member, from)
    {
        double value = cJSON_IsString(member) ? strtod(member->valuestring, NULL) : member->valuedouble;
        sim_json_set_number(to, member->string, value);
    }
}

void sim_device_patch(struct sim *sim, struct sim_request *request)
{
    struct sim_resource *device = sim_device_of_site(sim, request);
    if (!device || !check_device_patch(request))
        return;
    merge_numbers(cJSON_GetObjectItemCaseSensitive(device->json, "attributes"),
                  sim_json_get(request->json, "attributes"));
    merge_numbers(cJSON_GetObjectItemCaseSensitive(device->json, "configuration"),
                  sim_json_get(request->json, "configuration"));
    sim_touch(device, sim->wall_ms);
    sim_reply_copy(request, 200, device->json);
}

void sim_device_delete(struct sim *sim, struct sim_request *request)
{
    struct sim_resource *device = sim_device_of_site(sim, request);
    if (!device)
        return;
    sim_enrollments_forget_device(sim, device->site_id, device->id);
    sim_remove(&sim->state.devices, device);
    sim_reply_empty(request, 204);
}
