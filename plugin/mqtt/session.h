/*
 * Inside the client: what its two sides share. client.c is the main thread's side, session.c the MQTT thread's.
 *
 * libmosquitto 2.0.11, as measured: only publish, subscribe, unsubscribe and disconnect may be called from another
 * thread, and mosquitto_reinitialise() takes the instance's own mutexes apart; so the main thread calls it only with
 * `lock` held and `up` seen. The callbacks take `lock` too, which is sound because the library holds none of the
 * mutexes that publishing needs while it runs them.
 */
#ifndef F2M_MQTT_SESSION_H
#define F2M_MQTT_SESSION_H

#include "mqtt/backoff.h"
#include "mqtt/client.h"
#include "mqtt/pending.h"
#include "mqtt/sorter.h"

#include <pthread.h>
#include <stdatomic.h>

struct mosquitto;

struct f2m_mqtt {
    struct f2m_mqtt_options options; /* its strings are owned copies; read-only after the start */
    struct f2m_inbox *inbox;
    pthread_t thread;
    struct mosquitto *mosq;

    atomic_bool stopping;
    atomic_int_fast64_t connecting_since; /* mono_ms; 0 = not connecting */
    atomic_int_fast64_t turned_at;        /* mono_ms of the thread's last turn */

    pthread_mutex_t lock;   /* below: both threads */
    pthread_cond_t changed; /* stopping, done, or nothing unacknowledged any more; CLOCK_MONOTONIC */
    bool done;              /* the thread has nothing more to do */
    bool up;                /* between CONNACK and the end of the connection */
    struct f2m_mqtt_stats stats;
    struct f2m_pending pending;
    struct f2m_sorter sorter;

    /* the MQTT thread's alone */
    struct f2m_backoff backoff;
    struct f2m_attempt attempt;
    bool fresh;     /* the instance has not been used to connect */
    char text[256]; /* why the present connection ended, or the TLS library's last complaint */
};

/* Applies the options to a new or reinitialised instance. 0, or a MOSQ_ERR_… */
int f2m_session_configure(struct f2m_mqtt *);
/* Why f2m_session_configure() failed, for people. */
void f2m_session_explain(const struct f2m_mqtt *, int rc, struct f2m_err *);
void *f2m_session_run(void *mqtt); /* the thread */
int64_t f2m_session_clock(void);   /* CLOCK_BOOTTIME in ms */

#endif
