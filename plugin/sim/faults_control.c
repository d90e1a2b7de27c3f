/* The fault plan as JSON: reading and showing rules. */
#include "sim/faults.h"
#include "sim/sim.h"
#include "sim/validate.h"

static const char *const invalid_kinds[] = {"html", "empty", "garbage", "huge", NULL};
static const char *const resets[] = {"before", "after", NULL};

static const struct sim_field rule_fields[] = {
    {.name = "method", .kind = SIM_STRING},
    {.name = "path", .kind = SIM_STRING},
    {.name = "item", .kind = SIM_OBJECT},
    {.name = "failed", .kind = SIM_STRING},
    {.name = "above_bytes", .kind = SIM_INT, .min = 0, .max = SIM_MAX_BODY_BYTES},
    {.name = "nth", .kind = SIM_INT, .min = 1, .max = 1e9},
    {.name = "count", .kind = SIM_INT, .min = 0, .max = 1e9},
    {.name = "status", .kind = SIM_INT, .min = 200, .max = 599},
    {.name = "body", .kind = SIM_ANY},
    {.name = "content_type", .kind = SIM_STRING},
    {.name = "retry_after", .kind = SIM_ANY},
    {.name = "invalid_body", .kind = SIM_ENUM, .values = invalid_kinds},
    {.name = "huge_bytes", .kind = SIM_INT, .min = 1, .max = SIM_MAX_HUGE_BYTES},
    {.name = "reset", .kind = SIM_ENUM, .values = resets},
    {.name = "process", .kind = SIM_BOOL},
    {.name = "delay_ms", .kind = SIM_INT, .min = 0, .max = SIM_MAX_STALL_MS},
    {.name = "stall_ms", .kind = SIM_INT, .min = 1, .max = SIM_MAX_STALL_MS},
    {.name = "stall", .kind = SIM_BOOL},
    {.name = "truncate_at", .kind = SIM_INT, .min = 0, .max = SIM_MAX_REPLY_BYTES},
    {0},
};
static const struct sim_field item_fields[] = {
    {.name = "device_id", .kind = SIM_ID},
    {.name = "start_time", .kind = SIM_TIME},
    {.name = "index", .kind = SIM_INT, .min = 0, .max = SIM_MAX_POINTS_PER_REQUEST - 1},
    {0},
};

static char *copy_text(const cJSON *json, const char *name)
{
    const char *text = sim_json_string(json, name);
    return text ? f2m_xstrdup(text) : NULL;
}

/* A string as it is, anything else as JSON text: "retry_after": 5 and "body": {...} are both handy. */
static char *any_text(const cJSON *json, const char *name)
{
    const cJSON *member = sim_json_get(json, name);
    if (!member || cJSON_IsString(member))
        return copy_text(json, name);
    return cJSON_PrintUnformatted(member);
}

static int64_t integer(const cJSON *json, const char *name, int64_t otherwise)
{
    double value;
    return sim_json_number(json, name, &value) ? (int64_t)value : otherwise;
}

static const char *static_name(const char *const *names, const char *text)
{
    for (; text && *names; names++) {
        if (strcmp(*names, text) == 0)
            return *names;
    }
    return NULL;
}

static void read_item(struct sim_fault *rule, const cJSON *item)
{
    rule->has_item = item != NULL;
    rule->item_device = copy_text(item, "device_id");
    rule->item_index = integer(item, "index", -1);
    rule->item_start_ms = INT64_MIN;
    sim_json_time(item, "start_time", &rule->item_start_ms);
}

static struct sim_fault *read_rule(const cJSON *json)
{
    struct sim_fault *rule = f2m_xcalloc(1, sizeof *rule);
    rule->method = copy_text(json, "method");
    rule->path = copy_text(json, "path");
    read_item(rule, sim_json_get(json, "item"));
    rule->failed = copy_text(json, "failed");
    rule->above_bytes = (uint64_t)integer(json, "above_bytes", 0);
    rule->nth = integer(json, "nth", 1);
    rule->count = integer(json, "count", sim_json_get(json, "nth") ? 1 : 0);
    rule->status = (unsigned)integer(json, "status", 0);
    rule->body = any_text(json, "body");
    rule->content_type = copy_text(json, "content_type");
    rule->retry_after = any_text(json, "retry_after");
    rule->invalid = static_name(invalid_kinds, sim_json_string(json, "invalid_body"));
    rule->huge_bytes = (uint64_t)integer(json, "huge_bytes", 64 << 20);
    const char *reset = sim_json_string(json, "reset");
    rule->reset = !reset ? SIM_RESET_NONE : strcmp(reset, "before") == 0 ? SIM_RESET_BEFORE : SIM_RESET_AFTER;
    rule->process = sim_json_bool(json, "process", false);
    rule->delay_ms = integer(json, "delay_ms", 0);
    rule->stall_ms = integer(json, "stall_ms", sim_json_bool(json, "stall", false) ? SIM_MAX_STALL_MS : 0);
    rule->truncate_at = integer(json, "truncate_at", -1);
    return rule;
}

static void check_rule(const cJSON *json, const struct sim_loc *loc, cJSON *detail)
{
    const struct sim_loc here = {loc, "item", 0};
    const cJSON *item = sim_json_get(json, "item");
    if (!sim_validate(json, rule_fields, loc, detail))
        return;
    if (item && sim_validate(item, item_fields, &here, detail) && !sim_json_get(json, "failed") &&
        !sim_json_get(json, "status"))
        sim_invalid(detail, loc, "value_error", "a rule about items needs failed or status");
    if (sim_json_get(json, "failed") && !item)
        sim_invalid(detail, loc, "value_error", "failed needs an item to match; {} matches every one");
    const char *retry = sim_json_string(json, "retry_after");
    if (retry && strpbrk(retry, "\r\n"))
        sim_invalid(detail, loc, "value_error", "retry_after must be one line");
}

static cJSON *show_rule(const struct sim_fault *rule)
{
    cJSON *json = cJSON_CreateObject();
    sim_json_set_number(json, "id", (double)rule->id);
    sim_json_set_string(json, "method", rule->method);
    sim_json_set_string(json, "path", rule->path);
    sim_json_set_number(json, "status", rule->status);
    sim_json_set_string(json, "failed", rule->failed);
    sim_json_set_number(json, "nth", (double)rule->nth);
    sim_json_set_number(json, "count", (double)rule->count);
    sim_json_set_number(json, "seen", (double)rule->seen);
    sim_json_set_number(json, "hits", (double)rule->hits);
    return json;
}

void sim_faults_get(struct sim *sim, struct sim_request *request)
{
    cJSON *list = cJSON_CreateArray();
    const struct sim_fault *rule;
    DL_FOREACH(sim->faults.rules, rule)
    {
        cJSON_AddItemToArray(list, show_rule(rule));
    }
    sim_reply_json(request, 200, list);
}

/* One rule, an array of rules, or {"rules": [...]}. */
void sim_faults_post(struct sim *sim, struct sim_request *request)
{
    sim_autojson *one = NULL;
    const cJSON *rules = cJSON_IsArray(request->json) ? request->json : sim_json_get(request->json, "rules");
    if (!cJSON_IsArray(rules)) {
        one = cJSON_CreateArray();
        cJSON_AddItemReferenceToArray(one, request->json);
        rules = one;
    }
    if (cJSON_GetArraySize(rules) + sim->faults.n > SIM_MAX_FAULTS) {
        sim_reply_message(request, 413, "at most %d rules", SIM_MAX_FAULTS);
        return;
    }
    cJSON *detail = cJSON_CreateArray();
    const struct sim_loc body = {NULL, "body", 0};
    struct sim_loc here = {&body, NULL, 0};
    const cJSON *json;
    cJSON_ArrayForEach(json, rules)
    {
        check_rule(json, &here, detail);
        here.index++;
    }
    if (sim_reply_invalid(request, detail))
        return;
    cJSON_ArrayForEach(json, rules)
    {
        struct sim_fault *rule = read_rule(json);
        rule->id = ++sim->faults.last_id;
        DL_APPEND(sim->faults.rules, rule);
        sim->faults.n++;
    }
    sim_faults_get(sim, request);
}

void sim_faults_delete(struct sim *sim, struct sim_request *request)
{
    sim_faults_clear(&sim->faults);
    sim_reply_empty(request, 204);
}

void sim_outage_post(struct sim *sim, struct sim_request *request)
{
    static const struct sim_field fields[] = {
        {.name = "seconds", .kind = SIM_NUMBER, .min = 0, .max = 1e8},
        {.name = "on", .kind = SIM_BOOL},
        {.name = "status", .kind = SIM_INT, .min = 400, .max = 599},
        {0},
    };
    if (!sim_validate_body(request, fields))
        return;
    double seconds = 0, status = 0;
    sim_json_number(request->json, "status", &status);
    bool timed = sim_json_number(request->json, "seconds", &seconds);
    sim->faults.outage_status = (unsigned)status;
    sim->faults.outage_until_ms = timed                                       ? sim->mono_ms + (int64_t)(seconds * 1000)
                                  : sim_json_bool(request->json, "on", false) ? SIM_NEVER
                                                                              : 0;
    sim_reply_empty(request, 204);
}
