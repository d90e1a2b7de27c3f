/*
 * The MQTT client: one thread over libmosquitto that connects, reads and reconnects, and an inbox that it fills.
 *
 * Events (through the inbox, in this order per connection): F2M_EV_MQTT_UP, then any of _SUBSCRIBED, _MESSAGE,
 * _PUBLISHED, then one F2M_EV_MQTT_DOWN. A connection that never came up gives a DOWN alone, with the reason. Each UP
 * begins with an empty queue in the library and without subscriptions (clean start, session expiry 0): the caller
 * subscribes and publishes what holds then (Interface, clarification 35). Outcomes of publishes from before a DOWN
 * never come.
 *
 * Every function below belongs to the main thread. Nothing here blocks but f2m_mqtt_stop().
 */
#ifndef F2M_MQTT_CLIENT_H
#define F2M_MQTT_CLIENT_H

#include "mqtt/inbox.h"
#include "port/effect.h"
#include "util/err.h"
#include "util/now.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct f2m_mqtt;

struct f2m_mqtt_options {
    const char *host;
    int port;
    bool tls;               /* TLS ≥ 1.2; the host name is always checked */
    const char *ca;         /* file; NULL = the system's authorities */
    const char *cert, *key; /* files; both or none */
    const char *username;   /* NULL = none */
    const char *password;   /* NULL = none; secret */
    const char *client_id;
    int version;            /* 5 or 311 */
    int keepalive_s;        /* ≥ 5 */
    const char *will_topic; /* NULL = no will; QoS 1, retained */
    const char *will_payload;
    const char *control_prefix; /* "flip2mqtt/": topics that begin so go to the control lane; NULL = none */
    uint64_t seed;              /* for the jitter of the backoff */
    /* 0 = defaults: 1 s, 30 s, 30 s. Tests shorten them. */
    int64_t backoff_min_ms, backoff_max_ms;
    int64_t backoff_refused_ms; /* at least this after bad credentials, and after a takeover loop */
};

/* Copies the options and starts the thread, which begins to connect at once. Block the signals that the process handles
 * before this call: the thread inherits the mask. The inbox must outlive the client. NULL with text on a configuration
 * that can never work (an unreadable certificate, for example): a broker that is away is no such thing. Ends the
 * process (71) where no thread can be had. */
struct f2m_mqtt *f2m_mqtt_start(const struct f2m_mqtt_options *, struct f2m_inbox *, struct f2m_err *)
    __attribute__((warn_unused_result));

/* Closes the inbox, waits up to 1 s for the broker to acknowledge what was published (the last `offline`), disconnects
 * cleanly, and joins the thread: 3 s at most in all. True: everything is freed. False: the thread hangs in a blocking
 * connect and is left behind with its memory: do not free the inbox, end the process. NULL is fine (true). */
bool f2m_mqtt_stop(struct f2m_mqtt *) __attribute__((warn_unused_result));

/* QoS 1. Returns 0 when handed to the library; -ENOTCONN when dropped for want of a connection (no event follows);
 * else the MQTT 5 reason why it was refused here: 0x97 too many unacknowledged (F2M_MAX_UNACKED_PUBLISHES), 0x95 too
 * large for the broker, 0x90 topic, 0x9a retain or 0x9b QoS not supported, 0x80 anything else. With a tag, a refusal
 * comes as F2M_EV_MQTT_PUBLISHED too; so do the broker's answers. This function and the next two take NULL, a client
 * that could not be started, for one without a connection. */
int f2m_mqtt_publish(struct f2m_mqtt *, const struct f2m_publish *);
/* QoS 1, retained messages wanted, no Retain-As-Published. Returns as above; every subscription handed to the library
 * or refused here is answered by one F2M_EV_MQTT_SUBSCRIBED, unless the connection goes first. */
int f2m_mqtt_subscribe(struct f2m_mqtt *, const char *filter);
int f2m_mqtt_unsubscribe(struct f2m_mqtt *, const char *filter);

/* Beside control_prefix: topics and filters whose messages go to the control lane (the status topic of Home Assistant,
 * read-backs, vetos). Replaces the former set; copies. */
void f2m_mqtt_control_filters(struct f2m_mqtt *, const char *const *filters, size_t n);

/* Whether the connection whose F2M_EV_MQTT_UP was last popped still stands. */
bool f2m_mqtt_connected(struct f2m_mqtt *);
/* mono_ms at which the present attempt to connect began; 0 while connected or waiting for the next attempt. */
int64_t f2m_mqtt_connecting_since(const struct f2m_mqtt *);
/* For the watchdog: whether the thread still turns. It counts as alive for 180 s inside a blocking connect (name
 * resolution and the kernel's SYN retries take up to about 130 s), for 30 s elsewhere. NULL, no thread: true. */
bool f2m_mqtt_alive(const struct f2m_mqtt *, struct f2m_now);

struct f2m_mqtt_stats {
    size_t unacked;   /* publishes that the broker has not acknowledged */
    uint64_t dropped; /* publishes dropped for want of a connection */
    uint64_t refused; /* publishes refused by the broker or here, tagged or not */
    uint64_t
        oversize; /* messages thrown away: larger than F2M_MAX_PAYLOAD_BYTES (MQTT 3.1.1 cannot announce a maximum) */
    uint64_t connects; /* CONNACKs accepted */
};
struct f2m_mqtt_stats f2m_mqtt_stats(struct f2m_mqtt *);

#endif
