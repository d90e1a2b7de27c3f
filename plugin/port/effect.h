/*
 * What the engine wants done: a list in order, filled by the pure rooms during a turn, carried out by app/ after the
 * turn's commit. Everything given to the functions below is copied into the list's own memory, which is kept over
 * resets: the steady state allocates nothing.
 */
#ifndef F2M_PORT_EFFECT_H
#define F2M_PORT_EFFECT_H

#include "util/log.h"
#include "util/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum f2m_effect_type {
    F2M_FX_PUBLISH,
    F2M_FX_SUBSCRIBE,
    F2M_FX_UNSUBSCRIBE,
    F2M_FX_HTTP,
    F2M_FX_WEBHOOK_REPLY,
    F2M_FX_LOG,
};

/* QoS 1 always. Without a connection a publish is dropped, never queued: after F2M_EV_MQTT_UP the engine publishes
 * what holds then (Interface, clarification 35). */
struct f2m_publish {
    const char *topic;
    struct f2m_slice payload;
    bool retain;
    uint32_t expiry_s;            /* MQTT 5 message expiry; 0 = none */
    struct f2m_slice correlation; /* MQTT 5; {NULL, 0} = none */
    uint64_t tag;                 /* not 0: F2M_EV_MQTT_PUBLISHED tells the outcome */
};

enum f2m_http_method {
    F2M_HTTP_GET,
    F2M_HTTP_POST,
    F2M_HTTP_PATCH,
    F2M_HTTP_DELETE,
};

struct f2m_http_request {
    uint64_t tag; /* returned with F2M_EV_HTTP_DONE: exactly one per request */
    enum f2m_http_method method;
    const char *path;      /* "/v1/…" with query, percent-encoded; the base URL stands before it */
    const char *token;     /* bearer token (secret: never logged) */
    struct f2m_slice body; /* JSON; {NULL, 0} = none */
};

struct f2m_webhook_reply {
    uint64_t tag;
    int status; /* 204, 400, 503 */
};

struct f2m_log_effect {
    enum f2m_log_level level;
    const char *component;
    const char *msg;
    const char *pairs;
};

struct f2m_effect {
    enum f2m_effect_type type;
    union {
        struct f2m_publish publish;
        const char *filter; /* SUBSCRIBE, UNSUBSCRIBE */
        struct f2m_http_request http;
        struct f2m_webhook_reply webhook_reply;
        struct f2m_log_effect log;
    };
};

struct f2m_effects;

struct f2m_effects *f2m_effects_new(void);
void f2m_effects_free(struct f2m_effects *); /* wipes (tokens pass through here) */
void f2m_effects_reset(struct f2m_effects *);
/* The turn could not be committed: what rests on it must not get out. Publishes are dropped and webhooks answered 503;
 * calls to Flip stay (the uploader's own memory covers them), log lines too. */
void f2m_effects_withhold(struct f2m_effects *);
size_t f2m_effects_count(const struct f2m_effects *);
/* Valid until the next reset or addition. */
const struct f2m_effect *f2m_effects_at(const struct f2m_effects *, size_t i);

void f2m_effects_publish(struct f2m_effects *, const struct f2m_publish *);
/* Shorthand: QoS 1, retained as said, no expiry, no tag. */
void f2m_effects_publish_text(struct f2m_effects *, const char *topic, struct f2m_slice payload, bool retain);
void f2m_effects_subscribe(struct f2m_effects *, const char *filter);
void f2m_effects_unsubscribe(struct f2m_effects *, const char *filter);
void f2m_effects_http(struct f2m_effects *, const struct f2m_http_request *);
void f2m_effects_webhook_reply(struct f2m_effects *, uint64_t tag, int status);
/* `pairs_fmt` as in f2m_log(): values made safe with f2m_log_value(); "" for none. */
void f2m_effects_log(struct f2m_effects *, enum f2m_log_level, const char *component, const char *msg,
                     const char *pairs_fmt, ...) __attribute__((format(printf, 5, 6)));

#endif
