/* One request and its answer, between the server (HTTP) and the handlers (the contract). */
#ifndef SIM_REQUEST_H
#define SIM_REQUEST_H

#include "sim/json.h"
#include "sim/limits.h"
#include "util/strbuf.h"

enum sim_token {
    SIM_TOKEN_NONE,
    SIM_TOKEN_CLIENT,
    SIM_TOKEN_SITE,
    SIM_TOKEN_INVALID, /* unknown, revoked or expired */
};

struct sim_reply {
    unsigned status;
    struct f2m_strbuf body;
    const char *content_type;
    char allow[40];    /* for 405: the methods of the path, "" = none */
    char *retry_after; /* owned or NULL */
    bool reset;        /* no answer: the connection is reset */
    int64_t delay_ms;
    int64_t truncate_at; /* bytes of the body after which the connection breaks; -1 = whole */
    uint64_t huge;       /* bytes of filler instead of the body; 0 = none */
};

struct sim_query {
    char *name, *value; /* owned, decoded */
};

struct sim_route;

struct sim_request {
    char *method, *path;         /* owned; the path as it came, undecoded, without the query */
    char *param[SIM_MAX_PARAMS]; /* owned: the decoded ids of the path, in order */
    struct sim_query query[SIM_MAX_QUERY];
    size_t queries;
    char *authorization, *content_type; /* owned or NULL */
    struct f2m_strbuf body;
    bool too_large;
    cJSON *json; /* owned: the body where the route takes one */
    const struct sim_route *route;
    enum sim_token token;
    uint64_t index;    /* counted from 1 */
    unsigned points;   /* telemetry items in it */
    const char *fault; /* static: which kind of fault was applied, NULL = none */
    struct sim_reply reply;
};

struct sim_request *sim_request_new(const char *method, const char *uri);
void sim_request_free(struct sim_request *);

/* The first value of a query parameter, or NULL. */
const char *sim_request_query(const struct sim_request *, const char *name);

/* Answers. Each replaces what was answered before. */
void sim_reply_json(struct sim_request *, unsigned status, cJSON *json); /* takes the json */
void sim_reply_copy(struct sim_request *, unsigned status, const cJSON *json);
void sim_reply_empty(struct sim_request *, unsigned status);
void sim_reply_text(struct sim_request *, unsigned status, const char *content_type, const char *text);
/* {"message": "..."} */
void sim_reply_message(struct sim_request *, unsigned status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Percent-decoding of a path segment or (with plus as blank) a query part. NULL on a malformed escape or a NUL. */
char *sim_url_decode(const char *text, size_t len, bool plus_is_blank);

#endif
