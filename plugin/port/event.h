/*
 * What happens to the engine: everything that the outside can tell it. Strings and slices are borrowed for the
 * duration of engine_step(); the engine copies what it keeps.
 */
#ifndef F2M_PORT_EVENT_H
#define F2M_PORT_EVENT_H

#include "util/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum f2m_event_type {
    F2M_EV_TICK,            /* a deadline has come; no payload */
    F2M_EV_MQTT_UP,         /* connected (CONNACK accepted); the client's queue is empty, nothing is subscribed */
    F2M_EV_MQTT_DOWN,       /* connection lost or refused */
    F2M_EV_MQTT_SUBSCRIBED, /* the broker answered a subscription */
    F2M_EV_MQTT_MESSAGE,
    F2M_EV_MQTT_PUBLISHED, /* a publish with a tag was acknowledged or refused */
    F2M_EV_HTTP_DONE,
    F2M_EV_WEBHOOK, /* a verified webhook: signature, timestamp and size are already checked (http/server.c) */
    F2M_EV_STOP,    /* SIGTERM: close the open intervals, say offline; the last event before free */
};

struct f2m_mqtt_message {
    struct f2m_slice topic; /* NUL-terminated as well */
    struct f2m_slice payload;
    bool retain;                     /* a replay of the broker's store, not live (Retain-As-Published is off) */
    struct f2m_slice response_topic; /* MQTT 5; {NULL, 0} where none */
    struct f2m_slice correlation;    /* MQTT 5 */
};

struct f2m_mqtt_subscribed {
    const char *filter;
    int reason; /* 0, 1, 2 granted; ≥ 0x80 refused */
};

/* MQTT 5: quota exceeded. The client to the broker says it too, where too much is not acknowledged yet: not refused,
 * only to be said again a little later. */
#define F2M_MQTT_FULL     0x97
#define F2M_MQTT_QUIET_MS 500 /* that long */

struct f2m_mqtt_published {
    uint64_t tag;
    int reason; /* MQTT 5 reason: 0 success, 0x10 nobody subscribes, ≥ 0x80 refused; always 0 on 3.1.1 */
};

struct f2m_mqtt_down {
    int reason;       /* CONNACK code where refused (3.1.1: 4, 5; MQTT 5: 0x86, 0x87 = credentials), else 0 */
    const char *text; /* "connection refused", "not authorised", … */
};

struct f2m_http_result {
    uint64_t tag;
    const char *error;     /* NULL, or why there is no complete answer ("timed out"); then the outcome is unknown */
    int status;            /* HTTP status; 0 with error */
    int64_t retry_after_s; /* from Retry-After: 0 = absent, past or garbage; at most F2M_MAX_RETRY_AFTER_S */
    int64_t date_ms;       /* wall time of the answer by the server's clock (Date); 0 = absent or garbage */
    struct f2m_slice body; /* complete, ≤ F2M_MAX_REPLY_BYTES (a larger one gives error "answer too large") */
};

struct f2m_webhook {
    uint64_t tag;          /* for F2M_FX_WEBHOOK_REPLY */
    const char *id;        /* Webhook-Id */
    struct f2m_slice body; /* raw, ≤ F2M_MAX_WEBHOOK_BYTES */
};

struct f2m_event {
    enum f2m_event_type type;
    union {
        struct f2m_mqtt_message message;
        struct f2m_mqtt_subscribed subscribed;
        struct f2m_mqtt_published published;
        struct f2m_mqtt_down down;
        struct f2m_http_result http;
        struct f2m_webhook webhook;
    };
};

#endif
