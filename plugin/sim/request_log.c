#include "sim/request_log.h"

#include "sim/routes.h"
#include "sim/sim.h"
#include "util/cleanup.h"
#include "util/number.h"

void sim_log_init(struct sim_log *log)
{
    *log = (struct sim_log){.requests = cJSON_CreateArray(), .problems = cJSON_CreateArray()};
}

void sim_log_deinit(struct sim_log *log)
{
    cJSON_Delete(log->requests);
    cJSON_Delete(log->problems);
    *log = (struct sim_log){0};
}

static const char *token_name(enum sim_token token)
{
    static const char *const names[] = {"none", "client", "site", "invalid"};
    return names[token];
}

static void append(cJSON *array, int *n, int max, cJSON *item)
{
    cJSON_AddItemToArray(array, item);
    if (++*n > max) {
        cJSON_DeleteItemFromArray(array, 0);
        (*n)--;
    }
}

static cJSON *describe(const struct sim_request *request, int64_t wall_ms)
{
    cJSON *json = cJSON_CreateObject();
    sim_json_set_number(json, "index", (double)request->index);
    sim_json_set_time(json, "at", wall_ms);
    sim_json_set_string(json, "method", request->method);
    sim_json_set_string(json, "path", request->path);
    cJSON *query = cJSON_AddArrayToObject(json, "query");
    for (size_t i = 0; i < request->queries; i++) {
        const char *pair[] = {request->query[i].name, request->query[i].value};
        cJSON_AddItemToArray(query, cJSON_CreateStringArray(pair, 2));
    }
    sim_json_set_number(json, "status", request->reply.status);
    sim_json_set_bool(json, "reset", request->reply.reset);
    sim_json_set_string(json, "fault", request->fault);
    sim_json_set_string(json, "token", token_name(request->token));
    sim_json_set_number(json, "points", request->points);
    sim_json_set_string(json, "content_type", request->content_type);
    sim_json_set_number(json, "bytes", (double)request->body.len);
    size_t shown = request->body.len < SIM_MAX_LOGGED_BODY ? request->body.len : SIM_MAX_LOGGED_BODY;
    f2m_autofree char *body = f2m_xmemdup0(request->body.data, shown);
    sim_json_set_string(json, "body", body);
    return json;
}

void sim_log_request(struct sim_log *log, const struct sim_request *request, int64_t wall_ms)
{
    append(log->requests, &log->n_requests, SIM_MAX_LOGGED_REQUESTS, describe(request, wall_ms));
    log->total++;
    log->bytes_in += request->body.len;
    unsigned class = request->reply.reset ? 0 : request->reply.status / 100;
    log->by_status[class < 6 ? class : 0]++;
    if (strncmp(request->path, "/v1/telemetry/", 14) == 0) {
        log->telemetry++;
        if (request->points > log->largest_batch)
            log->largest_batch = request->points;
    }
}

static cJSON *problem(int64_t wall_ms, const char *kind, uint64_t request, const char *device_id)
{
    cJSON *json = cJSON_CreateObject();
    sim_json_set_string(json, "kind", kind);
    sim_json_set_time(json, "at", wall_ms);
    sim_json_set_number(json, "request", (double)request);
    sim_json_set_string(json, "device_id", device_id);
    return json;
}

void sim_log_problem(struct sim_log *log, int64_t wall_ms, uint64_t request, enum sim_put_result result,
                     const char *device_id, int64_t start_ms)
{
    static const char *const kinds[] = {
        [SIM_PUT_NEW] = "new",
        [SIM_PUT_OVERLAP] = "overlap",
        [SIM_PUT_DECREASE] = "counter_decrease",
        [SIM_PUT_DUPLICATE] = "duplicate",
        [SIM_PUT_CONFLICT] = "conflict",
    };
    cJSON *json = problem(wall_ms, kinds[result], request, device_id);
    sim_json_set_time(json, "start_time", start_ms);
    append(log->problems, &log->n_problems, SIM_MAX_PROBLEMS, json);
}

void sim_log_rejected(struct sim_log *log, int64_t wall_ms, uint64_t request, int index, const char *device_id,
                      const char *message)
{
    cJSON *json = problem(wall_ms, "rejected", request, device_id);
    sim_json_set_number(json, "item", index);
    sim_json_set_string(json, "message", message);
    append(log->problems, &log->n_problems, SIM_MAX_PROBLEMS, json);
}

static int64_t query_number(const struct sim_request *request, const char *name, int64_t otherwise)
{
    int64_t value;
    const char *text = sim_request_query(request, name);
    return text && f2m_integer_parse(f2m_slice_of(text), 0, INT64_MAX, &value) ? value : otherwise;
}

static cJSON *totals(const struct sim_log *log)
{
    static const char *const names[] = {"reset", "1xx", "2xx", "3xx", "4xx", "5xx"};
    cJSON *json = cJSON_CreateObject();
    sim_json_set_number(json, "requests", (double)log->total);
    sim_json_set_number(json, "telemetry", (double)log->telemetry);
    sim_json_set_number(json, "bytes", (double)log->bytes_in);
    sim_json_set_number(json, "largest_batch", log->largest_batch);
    for (int i = 0; i < 6; i++)
        sim_json_set_number(json, names[i], (double)log->by_status[i]);
    return json;
}

void sim_log_get_requests(struct sim *sim, struct sim_request *request)
{
    int64_t since = query_number(request, "since", 0), limit = query_number(request, "limit", SIM_MAX_LOGGED_REQUESTS);
    const char *path = sim_request_query(request, "path"), *method = sim_request_query(request, "method");
    cJSON *json = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(json, "requests");
    const cJSON *entry;
    cJSON_ArrayForEach(entry, sim->log.requests)
    {
        double index = 0;
        sim_json_number(entry, "index", &index);
        bool wanted = index > (double)since &&
                      (!path || strncmp(sim_json_string(entry, "path"), path, strlen(path)) == 0) &&
                      (!method || strcmp(sim_json_string(entry, "method"), method) == 0);
        if (wanted)
            cJSON_AddItemToArray(list, cJSON_Duplicate(entry, true));
    }
    sim_bound_array(list, limit < SIM_MAX_LOGGED_REQUESTS ? (int)limit : SIM_MAX_LOGGED_REQUESTS);
    cJSON_AddItemToObject(json, "totals", totals(&sim->log));
    sim_reply_json(request, 200, json);
}

void sim_log_get_problems(struct sim *sim, struct sim_request *request)
{
    sim_reply_copy(request, 200, sim->log.problems);
}
