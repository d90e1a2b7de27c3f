#include "sim/control.h"

#include "sim/fields.h"
#include "sim/seed.h"
#include "sim/sim.h"
#include "util/number.h"

#include <inttypes.h>

static void add_list(cJSON *json, const struct sim_collection *collection)
{
    cJSON_AddItemToObject(json, collection->name, sim_list(collection, NULL));
}

void sim_control_state(struct sim *sim, struct sim_request *request)
{
    cJSON *json = cJSON_CreateObject();
    const struct sim_state *state = &sim->state;
    sim_json_set_time(json, "now", sim->wall_ms);
    add_list(json, &state->sites);
    add_list(json, &state->devices);
    add_list(json, &state->programs);
    add_list(json, &state->enrollments);
    add_list(json, &state->events);
    add_list(json, &state->commands);
    add_list(json, &state->settings);
    sim_json_set(json, "supplements", cJSON_Duplicate(state->supplements, true));
    sim_json_set_number(json, "site_tokens_made", (double)sim->auth.made);
    sim_json_set_bool(json, "client_token_revoked", sim->auth.client_revoked);
    sim_json_set_bool(json, "outage", sim->faults.outage_until_ms > sim->mono_ms);
    sim_reply_json(request, 200, json);
}

static uint64_t query_number(const struct sim_request *request, const char *name, uint64_t otherwise)
{
    int64_t value;
    const char *text = sim_request_query(request, name);
    return text && f2m_integer_parse(f2m_slice_of(text), 0, INT64_MAX, &value) ? (uint64_t)value : otherwise;
}

static bool wanted(const struct sim_point *point, const char *id, const char *device, const char *endpoint)
{
    return (!device || strcmp(device, id) == 0) &&
           (!endpoint || (strcmp(endpoint, "BATTERY_COUNTER") == 0) == (point->endpoint == SIM_COUNTER));
}

/* In order of arrival. `since` is a seq: the points after it; `limit` cuts at the oldest end of what is left. */
void sim_control_points(struct sim *sim, struct sim_request *request)
{
    const struct sim_points *points = &sim->points;
    const char *device = sim_request_query(request, "device"), *endpoint = sim_request_query(request, "endpoint");
    uint64_t from = query_number(request, "since", 0), limit = query_number(request, "limit", SIM_MAX_SHOWN_POINTS);
    uint64_t oldest = sim_points_oldest(points), shown = 0;
    sim_reply_text(request, 200, "application/json", "[");
    struct f2m_strbuf *out = &request->reply.body;
    for (uint64_t i = from > oldest ? from : oldest; i < points->next && shown < limit; i++) {
        const struct sim_point *point = sim_points_at(points, i);
        const char *id = points->by_index[point->device]->id;
        if (!wanted(point, id, device, endpoint))
            continue;
        f2m_strbuf_adds(out, shown++ ? ",{" : "{");
        sim_point_write(out, point, id);
        f2m_strbuf_addf(out, ",\"seq\":%" PRIu64 ",\"request\":%" PRIu32 ",\"endpoint\":\"%s\"}", i + 1, point->request,
                        point->endpoint == SIM_COUNTER ? "BATTERY_COUNTER" : "BATTERY");
    }
    f2m_strbuf_addc(out, ']');
    if (out->overflow)
        sim_reply_message(request, 413, "too many points for one answer: use device, since and limit");
}

void sim_control_stats(struct sim *sim, struct sim_request *request)
{
    const struct sim_point_counts *counts = &sim->points.counts;
    cJSON *json = cJSON_CreateObject();
    sim_json_set_number(json, "requests", (double)sim->log.total);
    sim_json_set_number(json, "telemetry_requests", (double)sim->log.telemetry);
    sim_json_set_number(json, "largest_batch", sim->log.largest_batch);
    sim_json_set_number(json, "points", (double)counts->points);
    sim_json_set_number(json, "stored", (double)counts->stored);
    sim_json_set_number(json, "duplicates", (double)counts->duplicates);
    sim_json_set_number(json, "conflicts", (double)counts->conflicts);
    sim_json_set_number(json, "overlaps", (double)counts->overlaps);
    sim_json_set_number(json, "rejected", (double)counts->rejected);
    sim_json_set_number(json, "incomplete", (double)counts->incomplete);
    sim_json_set_number(json, "counter_decreases", (double)counts->counter_decreases);
    sim_json_set_number(json, "forgotten", (double)counts->forgotten);
    sim_json_set_number(json, "devices_reporting", sim->points.reporters);
    sim_json_set_number(json, "sites", (double)sim_count(&sim->state.sites));
    sim_json_set_number(json, "devices", (double)sim_count(&sim->state.devices));
    sim_reply_json(request, 200, json);
}

void sim_control_reset(struct sim *sim, struct sim_request *request)
{
    sim_reset(sim);
    sim_reply_empty(request, 204);
}

void sim_control_acknowledgements(struct sim *sim, struct sim_request *request)
{
    sim_reply_copy(request, 200, sim->state.acknowledgements);
}

void sim_control_seed(struct sim *sim, struct sim_request *request)
{
    struct f2m_err err;
    if (sim_seed_load(sim, request->json, &err) < 0)
        sim_reply_message(request, 422, "%s", err.text);
    else
        sim_reply_empty(request, 204);
}
