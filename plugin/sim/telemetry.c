#include "sim/telemetry.h"

#include "sim/fields.h"
#include "sim/sim.h"
#include "sim/validate.h"
#include "util/cleanup.h"

static bool is_known(struct sim *sim, const char *device_id)
{
    return sim->options.auto_register || sim_find(&sim->state.devices, device_id);
}

/* One item. NULL = OK, else the message of its FAILED. */
static const char *take_item(struct sim *sim, struct sim_request *request, const cJSON *item, int index,
                             enum sim_endpoint endpoint, char text[SIM_FAILED_TEXT])
{
    struct sim_point point;
    const char *device_id;
    const char *wrong = sim_item_read(item, endpoint, &point, &device_id, text);
    f2m_autofree char *raw = point.raw;
    point.raw = NULL;
    const struct sim_fault *fault =
        sim_fault_for_item(&sim->faults, request, index, device_id, wrong ? INT64_MIN : point.start_ms);
    if (fault && fault->failed)
        return fault->failed;
    if (wrong)
        return wrong;
    if (!is_known(sim, device_id))
        return "unknown device";
    struct sim_reporter *reporter = sim_points_reporter(&sim->points, device_id, true);
    if (!reporter)
        return "too many devices for the stand-in";
    point.request = (uint32_t)request->index;
    point.raw = f2m_take(raw);
    sim->points.counts.incomplete += !sim_point_complete(&point);
    enum sim_put_result result = sim_points_put(&sim->points, reporter, &point);
    if (result != SIM_PUT_NEW)
        sim_log_problem(&sim->log, sim->wall_ms, request->index, result, device_id, point.start_ms);
    return NULL;
}

/* A poison point refuses the whole request: nothing of it is stored. */
static bool is_poisoned(struct sim *sim, struct sim_request *request, const cJSON *items, enum sim_endpoint endpoint)
{
    int index = 0;
    const cJSON *item;
    if (!sim_faults_about_items(&sim->faults, request))
        return false;
    cJSON_ArrayForEach(item, items)
    {
        int64_t start_ms = INT64_MIN;
        sim_json_time(item, endpoint == SIM_INTERVAL ? "start_time" : "timestamp", &start_ms);
        const struct sim_fault *fault =
            sim_fault_poison(&sim->faults, request, index++, sim_json_string(item, "device_id"), start_ms);
        if (fault) {
            sim_fault_apply(fault, request);
            return true;
        }
    }
    return false;
}

static void add_result(struct f2m_strbuf *out, const char *failed)
{
    if (!failed) {
        f2m_strbuf_adds(out, "{\"status\":\"OK\"}");
        return;
    }
    sim_autojson *message = cJSON_CreateString(failed);
    f2m_autofree char *quoted = cJSON_PrintUnformatted(message);
    f2m_strbuf_addf(out, "{\"status\":\"FAILED\",\"message\":%s}", quoted ? quoted : "null");
}

static bool accept_body(struct sim_request *request)
{
    static const struct sim_field fields[] = {
        {.name = "telemetry", .kind = SIM_ARRAY, .required = true},
        {.name = "start_time", .kind = SIM_TIME}, /* deprecated at this place: accepted and ignored */
        {.name = "duration_s", .kind = SIM_NUMBER},
        {0},
    };
    if (!sim_validate_body(request, fields))
        return false;
    int n = cJSON_GetArraySize(sim_json_get(request->json, "telemetry"));
    request->points = (unsigned)n;
    if (n > SIM_MAX_POINTS_PER_REQUEST)
        sim_reply_invalid_one(request, "body", "telemetry", "too_long",
                              "List should have at most %d items after validation, not %d", SIM_MAX_POINTS_PER_REQUEST,
                              n);
    return n <= SIM_MAX_POINTS_PER_REQUEST;
}

static void telemetry(struct sim *sim, struct sim_request *request, enum sim_endpoint endpoint)
{
    if (!accept_body(request))
        return;
    const cJSON *items = sim_json_get(request->json, "telemetry");
    if (is_poisoned(sim, request, items, endpoint))
        return;
    sim_reply_text(request, 200, "application/json", "[");
    struct f2m_strbuf *out = &request->reply.body;
    int index = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, items)
    {
        char text[SIM_FAILED_TEXT];
        const char *failed = take_item(sim, request, item, index, endpoint, text);
        if (failed)
            sim_log_rejected(&sim->log, sim->wall_ms, request->index, index, sim_json_string(item, "device_id"),
                             failed);
        sim->points.counts.points++;
        sim->points.counts.rejected += failed != NULL;
        if (index++)
            f2m_strbuf_addc(out, ',');
        add_result(out, failed);
    }
    f2m_strbuf_addc(out, ']');
}

void sim_telemetry_battery(struct sim *sim, struct sim_request *request)
{
    telemetry(sim, request, SIM_INTERVAL);
}

void sim_telemetry_counter(struct sim *sim, struct sim_request *request)
{
    telemetry(sim, request, SIM_COUNTER);
}
