#include "sim/routes.h"

#include "sim/commands.h"
#include "sim/commission.h"
#include "sim/control.h"
#include "sim/enrollments.h"
#include "sim/events.h"
#include "sim/programs.h"
#include "sim/settings.h"
#include "sim/sim.h"
#include "sim/sites.h"
#include "sim/telemetry.h"
#include "sim/validate.h"

#define CLIENT SIM_AUTH_CLIENT
#define SITE   SIM_AUTH_SITE
#define FREE   SIM_AUTH_NONE
#define NONE   SIM_BODY_NONE
#define JSON   SIM_BODY_JSON

static const struct sim_route routes[] = {
    /* Flip: Authentication, the table of endpoints, in its order */
    {"POST", "/v1/auth/site/{}", CLIENT, NONE, sim_auth_make_site_token},
    {"POST", "/v1/commission", CLIENT, JSON, sim_commission},
    {"GET", "/v1/commands", CLIENT, NONE, sim_commands_get},
    {"PATCH", "/v1/command/{}", CLIENT, JSON, sim_command_patch},
    {"POST", "/v1/telemetry/BATTERY", CLIENT, JSON, sim_telemetry_battery},
    {"POST", "/v1/telemetry/BATTERY_COUNTER", CLIENT, JSON, sim_telemetry_counter},
    {"PATCH", "/v1/settings/{}", CLIENT, JSON, sim_settings_patch},
    {"POST", "/v1/supplements", CLIENT, JSON, sim_supplements_post},
    {"GET", "/v1/sites", CLIENT, NONE, sim_sites_get},
    {"GET", "/v1/programs", CLIENT, NONE, sim_programs_get},
    {"GET", "/v1/site/{}", SITE, NONE, sim_site_get},
    {"PATCH", "/v1/site/{}", SITE, JSON, sim_site_patch},
    {"GET", "/v1/site/{}/devices", SITE, NONE, sim_devices_get},
    {"GET", "/v1/site/{}/device/{}", SITE, NONE, sim_device_get},
    {"PATCH", "/v1/site/{}/device/{}", SITE, JSON, sim_device_patch},
    {"DELETE", "/v1/site/{}/device/{}", SITE, NONE, sim_device_delete},
    {"POST", "/v1/site/{}/enrollments", SITE, JSON, sim_enrollments_post},
    {"GET", "/v1/site/{}/enrollments", SITE, NONE, sim_enrollments_get},
    {"DELETE", "/v1/site/{}/enrollment/{}", SITE, NONE, sim_enrollment_delete},
    {"GET", "/v1/site/{}/programs", SITE, NONE, sim_site_programs_get},
    {"GET", "/v1/site/{}/program/{}", SITE, NONE, sim_site_program_get},
    {"GET", "/v1/site/{}/events", SITE, NONE, sim_events_get},
    {"GET", "/v1/site/{}/event/{}", SITE, NONE, sim_event_get},
    {"PATCH", "/v1/site/{}/event/{}", SITE, JSON, sim_event_patch},
    /* the control interface: docs/flip-sim.md */
    {"GET", "/sim/state", FREE, NONE, sim_control_state},
    {"GET", "/sim/points", FREE, NONE, sim_control_points},
    {"GET", "/sim/stats", FREE, NONE, sim_control_stats},
    {"GET", "/sim/requests", FREE, NONE, sim_log_get_requests},
    {"GET", "/sim/problems", FREE, NONE, sim_log_get_problems},
    {"GET", "/sim/acknowledgements", FREE, NONE, sim_control_acknowledgements},
    {"GET", "/sim/fault", FREE, NONE, sim_faults_get},
    {"POST", "/sim/fault", FREE, JSON, sim_faults_post},
    {"DELETE", "/sim/fault", FREE, NONE, sim_faults_delete},
    {"POST", "/sim/outage", FREE, JSON, sim_outage_post},
    {"POST", "/sim/token", FREE, JSON, sim_auth_control},
    {"POST", "/sim/command", FREE, JSON, sim_command_control_post},
    {"PATCH", "/sim/command/{}", FREE, JSON, sim_command_control_patch},
    {"POST", "/sim/event", FREE, JSON, sim_event_control_post},
    {"PATCH", "/sim/event/{}", FREE, JSON, sim_event_control_patch},
    {"POST", "/sim/settings", FREE, JSON, sim_settings_control_post},
    {"POST", "/sim/program", FREE, JSON, sim_programs_post},
    {"PATCH", "/sim/enrollment/{}", FREE, JSON, sim_enrollment_control},
    {"GET", "/sim/webhooks", FREE, NONE, sim_webhooks_get},
    {"POST", "/sim/webhook", FREE, JSON, sim_webhooks_post},
    {"POST", "/sim/webhook/send", FREE, JSON, sim_webhooks_send},
    {"POST", "/sim/seed", FREE, JSON, sim_control_seed},
    {"POST", "/sim/reset", FREE, NONE, sim_control_reset},
};

/* Whether the path fits the pattern, segment by segment; the undecoded ids go to at[]. */
static bool fits(const char *pattern, const char *path, struct f2m_slice at[SIM_MAX_PARAMS])
{
    int n = 0;
    while (*pattern) {
        if (strncmp(pattern, "{}", 2) != 0) {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        size_t len = strcspn(path, "/");
        if (!len)
            return false;
        at[n++] = (struct f2m_slice){path, len};
        pattern += 2;
        path += len;
    }
    return *path == '\0';
}

static bool decode_params(struct sim_request *request, const struct f2m_slice at[SIM_MAX_PARAMS])
{
    for (int i = 0; i < SIM_MAX_PARAMS && at[i].at; i++) {
        request->param[i] = sim_url_decode(at[i].at, at[i].len, false);
        if (!request->param[i] || strlen(request->param[i]) > SIM_MAX_ID_BYTES)
            return false;
    }
    return true;
}

static bool find_route(struct sim_request *request)
{
    char *allow = request->reply.allow;
    const size_t size = sizeof request->reply.allow;
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        struct f2m_slice at[SIM_MAX_PARAMS] = {0};
        if (!fits(routes[i].path, request->path, at))
            continue;
        if (strcmp(routes[i].method, request->method) != 0) {
            size_t len = strlen(allow);
            snprintf(allow + len, size - len, "%s%s", len ? ", " : "", routes[i].method);
            continue;
        }
        allow[0] = '\0';
        request->route = &routes[i];
        if (decode_params(request, at))
            return true;
        sim_reply_invalid_one(request, "path", NULL, "value_error", "malformed id");
        return false;
    }
    sim_reply_message(request, allow[0] ? 405 : 404, allow[0] ? "Method Not Allowed" : "Not Found");
    return false;
}

static bool read_body(struct sim_request *request)
{
    size_t error_at = 0;
    if (request->too_large) {
        sim_reply_message(request, 413, "at most %u bytes", SIM_MAX_BODY_BYTES);
        return false;
    }
    if (request->route->body == SIM_BODY_NONE)
        return true;
    request->json = sim_json_parse(request->body.data, request->body.len, &error_at);
    if (!request->json)
        sim_reply_invalid_one(request, "body", NULL, "json_invalid", "JSON decode error at byte %zu", error_at);
    return request->json != NULL;
}

static void process(struct sim *sim, struct sim_request *request)
{
    if (find_route(request) && sim_auth_admit(sim, request) && read_body(request)) {
        request->route->handle(sim, request);
        if (strcmp(request->method, "GET") != 0)
            sim->tick_at_ms = 0; /* something may be due earlier now */
    }
}

static bool is_processed(const struct sim_fault *fault)
{
    if (fault->reset != SIM_RESET_NONE)
        return fault->reset == SIM_RESET_AFTER;
    return fault->process || (!fault->status && !fault->stall_ms);
}

void sim_dispatch(struct sim *sim, struct sim_request *request)
{
    if (strncmp(request->path, "/sim/", 5) == 0) {
        process(sim, request);
        return;
    }
    request->index = sim->log.total + 1;
    if (!sim_outage(sim, request)) {
        const struct sim_fault *fault = sim_fault_for_request(&sim->faults, request);
        if (!fault || is_processed(fault))
            process(sim, request);
        if (fault)
            sim_fault_apply(fault, request);
    }
    sim_log_request(&sim->log, request, sim->wall_ms);
}
