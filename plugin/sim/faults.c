#include "sim/faults.h"

#include "sim/resource.h"
#include "sim/routes.h"
#include "sim/sim.h"

static void free_rule(struct sim_faults *faults, struct sim_fault *rule)
{
    DL_DELETE(faults->rules, rule);
    faults->n--;
    free(rule->method);
    free(rule->path);
    free(rule->item_device);
    free(rule->failed);
    free(rule->body);
    free(rule->content_type);
    free(rule->retry_after);
    free(rule);
}

void sim_faults_clear(struct sim_faults *faults)
{
    struct sim_fault *rule, *next;
    DL_FOREACH_SAFE(faults->rules, rule, next)
    {
        free_rule(faults, rule);
    }
    faults->outage_until_ms = 0;
}

static bool matches_request(const struct sim_fault *rule, const struct sim_request *request)
{
    return (!rule->method || strcmp(rule->method, request->method) == 0) &&
           (!rule->path || strncmp(rule->path, request->path, strlen(rule->path)) == 0) &&
           (!rule->above_bytes || request->body.len > rule->above_bytes);
}

/* Counts one more match; true while the rule is in its window. */
static bool counts(struct sim_fault *rule)
{
    rule->seen++;
    if (rule->seen < rule->nth || (rule->count && rule->seen >= rule->nth + rule->count))
        return false;
    rule->hits++;
    return true;
}

const struct sim_fault *sim_fault_for_request(struct sim_faults *faults, const struct sim_request *request)
{
    struct sim_fault *rule;
    DL_FOREACH(faults->rules, rule)
    {
        if (!rule->has_item && matches_request(rule, request) && counts(rule))
            return rule;
    }
    return NULL;
}

bool sim_faults_about_items(const struct sim_faults *faults, const struct sim_request *request)
{
    const struct sim_fault *rule;
    DL_FOREACH(faults->rules, rule)
    {
        if (rule->has_item && matches_request(rule, request))
            return true;
    }
    return false;
}

static bool matches_item(const struct sim_fault *rule, int64_t index, const char *device_id, int64_t start_ms)
{
    return rule->has_item && (rule->item_index < 0 || rule->item_index == index) &&
           (!rule->item_device || (device_id && strcmp(rule->item_device, device_id) == 0)) &&
           (rule->item_start_ms == INT64_MIN || rule->item_start_ms == start_ms);
}

const struct sim_fault *sim_fault_for_item(struct sim_faults *faults, const struct sim_request *request, int64_t index,
                                           const char *device_id, int64_t start_ms)
{
    struct sim_fault *rule;
    DL_FOREACH(faults->rules, rule)
    {
        if (rule->failed && matches_item(rule, index, device_id, start_ms) && matches_request(rule, request) &&
            counts(rule))
            return rule;
    }
    return NULL;
}

const struct sim_fault *sim_fault_poison(struct sim_faults *faults, const struct sim_request *request, int64_t index,
                                         const char *device_id, int64_t start_ms)
{
    struct sim_fault *rule;
    DL_FOREACH(faults->rules, rule)
    {
        if (!rule->failed && matches_item(rule, index, device_id, start_ms) && matches_request(rule, request) &&
            counts(rule))
            return rule;
    }
    return NULL;
}

static const char *invalid_body(const char *kind)
{
    if (strcmp(kind, "html") == 0)
        return "<!DOCTYPE html><html><head><title>502</title></head><body><h1>Bad Gateway</h1></body></html>";
    return strcmp(kind, "garbage") == 0 ? "{\"telemetry\": [\x01\xff\xfe}]" : "";
}

void sim_fault_apply(const struct sim_fault *rule, struct sim_request *request)
{
    struct sim_reply *reply = &request->reply;
    request->fault = rule->reset != SIM_RESET_NONE ? "reset"
                     : rule->stall_ms              ? "stall"
                     : rule->status                ? "status"
                     : rule->invalid || rule->body ? "body"
                     : rule->truncate_at >= 0      ? "truncate"
                                                   : "delay";
    reply->reset = rule->reset != SIM_RESET_NONE || rule->stall_ms > 0;
    reply->delay_ms = rule->stall_ms ? rule->stall_ms : rule->delay_ms;
    if (rule->status && !rule->body && !rule->invalid)
        sim_reply_message(request, rule->status, "fault plan: status %u", rule->status);
    if (rule->invalid)
        sim_reply_text(request, reply->status, strcmp(rule->invalid, "html") == 0 ? "text/html" : "application/json",
                       invalid_body(rule->invalid));
    if (rule->body)
        sim_reply_text(request, reply->status, rule->content_type ? rule->content_type : "application/json",
                       rule->body);
    if (rule->status)
        reply->status = rule->status;
    if (!reply->status)
        reply->status = 200;
    reply->huge = rule->invalid && strcmp(rule->invalid, "huge") == 0 ? rule->huge_bytes : 0;
    reply->truncate_at = rule->truncate_at;
    if (rule->retry_after) {
        free(reply->retry_after);
        reply->retry_after = f2m_xstrdup(rule->retry_after);
    }
}

bool sim_outage(struct sim *sim, struct sim_request *request)
{
    if (sim->faults.outage_until_ms <= sim->mono_ms)
        return false;
    request->fault = "outage";
    if (sim->faults.outage_status)
        sim_reply_message(request, sim->faults.outage_status, "outage");
    else
        request->reply.reset = true;
    return true;
}
