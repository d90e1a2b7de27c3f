/*
 * Flip's endpoints: one table that calls, request validation, documentation, schemas and tests read.
 * Flip: Endpoint table (24 rows). Columns: id, HTTP method, path, token, operation of bridge/request/…, group.
 * In paths {x} stands for the percent-encoded id x.
 */
#ifndef F2M_FLIP_ENDPOINT_H
#define F2M_FLIP_ENDPOINT_H

#include "config/config.h" /* enum f2m_group */
#include "port/effect.h"
#include "util/err.h"

enum f2m_token_kind {
    F2M_TOKEN_CLIENT,
    F2M_TOKEN_SITE,
};

#define F2M_ENDPOINTS(X)                                                                                               \
    X(SITE_TOKEN_CREATE, POST, "/v1/auth/site/{site_id}", CLIENT, "site_token/create", TOKEN)                          \
    X(COMMISSION, POST, "/v1/commission", CLIENT, "commission", COMMISSION)                                            \
    X(COMMANDS_GET, GET, "/v1/commands", CLIENT, "commands/get", READ)                                                 \
    X(COMMAND_UPDATE, PATCH, "/v1/command/{command_id}", CLIENT, "command/update", CONTROL)                            \
    X(TELEMETRY_REPORT, POST, "/v1/telemetry/BATTERY", CLIENT, "telemetry/report", TELEMETRY)                          \
    X(TELEMETRY_COUNTER_REPORT, POST, "/v1/telemetry/BATTERY_COUNTER", CLIENT, "telemetry_counter/report", TELEMETRY)  \
    X(SETTINGS_UPDATE, PATCH, "/v1/settings/{settings_request_id}", CLIENT, "settings/update", CONTROL)                \
    X(SUPPLEMENTS_CREATE, POST, "/v1/supplements", CLIENT, "supplements/create", SUPPLEMENTS)                          \
    X(SITES_GET, GET, "/v1/sites", CLIENT, "sites/get", READ)                                                          \
    X(CLIENT_PROGRAMS_GET, GET, "/v1/programs", CLIENT, "client_programs/get", READ)                                   \
    X(SITE_GET, GET, "/v1/site/{site_id}", SITE, "site/get", READ)                                                     \
    X(SITE_UPDATE, PATCH, "/v1/site/{site_id}", SITE, "site/update", SITE)                                             \
    X(DEVICES_GET, GET, "/v1/site/{site_id}/devices", SITE, "devices/get", READ)                                       \
    X(DEVICE_GET, GET, "/v1/site/{site_id}/device/{device_id}", SITE, "device/get", READ)                              \
    X(DEVICE_UPDATE, PATCH, "/v1/site/{site_id}/device/{device_id}", SITE, "device/update", DEVICE)                    \
    X(DEVICE_DELETE, DELETE, "/v1/site/{site_id}/device/{device_id}", SITE, "device/delete", DEVICE)                   \
    X(ENROLLMENT_CREATE, POST, "/v1/site/{site_id}/enrollments", SITE, "enrollment/create", ENROLLMENT)                \
    X(ENROLLMENTS_GET, GET, "/v1/site/{site_id}/enrollments", SITE, "enrollments/get", READ)                           \
    X(ENROLLMENT_DELETE, DELETE, "/v1/site/{site_id}/enrollment/{enrollment_id}", SITE, "enrollment/delete",           \
      ENROLLMENT)                                                                                                      \
    X(PROGRAMS_GET, GET, "/v1/site/{site_id}/programs", SITE, "programs/get", READ)                                    \
    X(PROGRAM_GET, GET, "/v1/site/{site_id}/program/{program_id}", SITE, "program/get", READ)                          \
    X(EVENTS_GET, GET, "/v1/site/{site_id}/events", SITE, "events/get", READ)                                          \
    X(EVENT_GET, GET, "/v1/site/{site_id}/event/{event_id}", SITE, "event/get", READ)                                  \
    X(EVENT_UPDATE, PATCH, "/v1/site/{site_id}/event/{event_id}", SITE, "event/update", PARTICIPATION)

enum f2m_endpoint {
#define F2M_ENDPOINT_ENUM(id, method, path, token, operation, group) F2M_ENDPOINT_##id,
    F2M_ENDPOINTS(F2M_ENDPOINT_ENUM)
#undef F2M_ENDPOINT_ENUM
        F2M_ENDPOINT_COUNT
};

struct f2m_endpoint_info {
    enum f2m_http_method method;
    const char *path;
    enum f2m_token_kind token;
    const char *operation;
    enum f2m_group group;
};
extern const struct f2m_endpoint_info f2m_endpoint_info[F2M_ENDPOINT_COUNT];

#define F2M_PATH_IDS(X)                                                                                                \
    X(site_id) X(device_id) X(program_id) X(enrollment_id) X(event_id) X(command_id) X(settings_request_id)
/* Ids for a path, unencoded; NULL = not given. */
struct f2m_path_ids {
#define F2M_PATH_ID_MEMBER(name) const char *name;
    F2M_PATH_IDS(F2M_PATH_ID_MEMBER)
#undef F2M_PATH_ID_MEMBER
};

/* Appends path and query ("" or "skip=0&limit=100", already encoded). -EINVAL with "missing site_id" in err where an
 * id that the path needs is absent or empty. */
int f2m_endpoint_path(enum f2m_endpoint, const struct f2m_path_ids *, const char *query, struct f2m_strbuf *out,
                      struct f2m_err *err) __attribute__((warn_unused_result));
/* By operation name; false where unknown. */
bool f2m_endpoint_find(struct f2m_slice operation, enum f2m_endpoint *);

#endif
