#include "mqtt/client.h"

#include "mqtt/session.h"
#include "util/limits.h"
#include "util/secret.h"
#include "util/xalloc.h"

#include <errno.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FLUSH_MS           700    /* at the stop: for the acknowledgements of the last publishes */
#define JOIN_MS            1500   /* at the stop: all in all */
#define ALIVE_CONNECTING   180000 /* ms; the kernel gives up a SYN after about 127 s */
#define ALIVE_ELSEWHERE    30000  /* ms; the thread turns every 10 s */
#define BACKOFF_MIN_MS     1000
#define BACKOFF_MAX_MS     30000
#define BACKOFF_REFUSED_MS 30000

static char *copy(const char *s)
{
    return s ? f2m_xstrdup(s) : NULL;
}

static int64_t or_default(int64_t value, int64_t otherwise)
{
    return value ? value : otherwise;
}

static void options_copy(struct f2m_mqtt_options *to, const struct f2m_mqtt_options *from)
{
    *to = *from;
    to->host = copy(from->host);
    to->ca = copy(from->ca);
    to->cert = copy(from->cert);
    to->key = copy(from->key);
    to->username = copy(from->username);
    to->password = copy(from->password);
    to->client_id = copy(from->client_id);
    to->will_topic = copy(from->will_topic);
    to->will_payload = copy(from->will_payload);
    to->control_prefix = copy(from->control_prefix);
}

static void options_free(struct f2m_mqtt_options *o)
{
    const char *const plain[] = {o->host,      o->ca,         o->cert,         o->key,           o->username,
                                 o->client_id, o->will_topic, o->will_payload, o->control_prefix};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        free((void *)(uintptr_t)plain[i]);
    f2m_secret_free((char *)(uintptr_t)o->password);
}

static void client_free(struct f2m_mqtt *m)
{
    if (m->mosq)
        mosquitto_destroy(m->mosq);
    mosquitto_lib_cleanup();
    f2m_pending_deinit(&m->pending);
    f2m_sorter_deinit(&m->sorter);
    pthread_cond_destroy(&m->changed);
    pthread_mutex_destroy(&m->lock);
    options_free(&m->options);
    free(m);
}

static void locks_init(struct f2m_mqtt *m)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&m->changed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&m->lock, NULL);
}

struct f2m_mqtt *f2m_mqtt_start(const struct f2m_mqtt_options *options, struct f2m_inbox *inbox, struct f2m_err *err)
{
    mosquitto_lib_init();
    struct f2m_mqtt *m = f2m_xcalloc(1, sizeof *m);
    options_copy(&m->options, options);
    m->inbox = inbox;
    locks_init(m);
    f2m_sorter_init(&m->sorter, options->control_prefix, NULL, 0);
    f2m_backoff_init(&m->backoff, or_default(options->backoff_min_ms, BACKOFF_MIN_MS),
                     or_default(options->backoff_max_ms, BACKOFF_MAX_MS),
                     or_default(options->backoff_refused_ms, BACKOFF_REFUSED_MS), options->seed);
    m->turned_at = f2m_session_clock();
    m->mosq = mosquitto_new(options->client_id, true, m);
    m->fresh = true;
    int rc = m->mosq ? f2m_session_configure(m) : MOSQ_ERR_INVAL;
    if (rc != MOSQ_ERR_SUCCESS) {
        f2m_session_explain(m, rc, err);
        client_free(m);
        return NULL;
    }
    rc = pthread_create(&m->thread, NULL, f2m_session_run, m);
    if (rc != 0) { /* want of memory or of threads, which passes: no fault of the configuration */
        fprintf(stderr, "error mqtt msg=\"cannot start a thread\" reason=\"%s\"\n", strerror(rc));
        exit(71); /* as util/xalloc.h */
    }
    return m;
}

static struct timespec in_ms(int64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(ms / 1000);
    t.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (t.tv_nsec >= 1000000000L) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000L;
    }
    return t;
}

bool f2m_mqtt_stop(struct f2m_mqtt *m)
{
    if (!m)
        return true;
    f2m_inbox_close(m->inbox); /* lets go of a thread that waits for room */
    struct timespec join_by = in_ms(JOIN_MS);
    struct timespec flush_by = in_ms(FLUSH_MS);
    pthread_mutex_lock(&m->lock);
    int rc = 0;
    while (m->up && m->pending.unacked > 0 && rc == 0)
        rc = pthread_cond_timedwait(&m->changed, &m->lock, &flush_by);
    m->stopping = true;
    pthread_cond_broadcast(&m->changed);
    if (m->up)
        mosquitto_disconnect(m->mosq); /* wakes the thread as well */
    for (rc = 0; !m->done && rc == 0;)
        rc = pthread_cond_timedwait(&m->changed, &m->lock, &join_by);
    bool done = m->done;
    pthread_mutex_unlock(&m->lock);
    if (!done)
        return false;
    pthread_join(m->thread, NULL);
    client_free(m);
    return true;
}

/* Whether the connection that the main thread knows of (by its UP) is the present one. `lock` is held. */
static bool usable(const struct f2m_mqtt *m)
{
    return m->up && f2m_inbox_ups(m->inbox) == m->stats.connects;
}

static int reason_of(int rc)
{
    switch (rc) {
    case MOSQ_ERR_SUCCESS: return 0;
    /* "Queued", says the library: but the connection is gone, and its queue goes before the next one. */
    case MOSQ_ERR_NO_CONN:
    case MOSQ_ERR_CONN_LOST:
    case MOSQ_ERR_ERRNO: return -ENOTCONN;
    case MOSQ_ERR_OVERSIZE_PACKET:
    case MOSQ_ERR_PAYLOAD_SIZE: return MQTT_RC_PACKET_TOO_LARGE;
    case MOSQ_ERR_INVAL:
    case MOSQ_ERR_MALFORMED_UTF8: return MQTT_RC_TOPIC_NAME_INVALID;
    case MOSQ_ERR_RETAIN_NOT_SUPPORTED: return MQTT_RC_RETAIN_NOT_SUPPORTED;
    case MOSQ_ERR_QOS_NOT_SUPPORTED: return MQTT_RC_QOS_NOT_SUPPORTED;
    default: return MQTT_RC_UNSPECIFIED;
    }
}

/* MQTT 5 alone: 3.1.1 has no properties, and the library refuses them there. */
static mosquitto_property *properties_of(const struct f2m_mqtt *m, const struct f2m_publish *p)
{
    mosquitto_property *properties = NULL;
    if (m->options.version != 5)
        return NULL;
    if (p->expiry_s > 0)
        mosquitto_property_add_int32(&properties, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, p->expiry_s);
    if (p->correlation.at && p->correlation.len <= UINT16_MAX)
        mosquitto_property_add_binary(&properties, MQTT_PROP_CORRELATION_DATA, p->correlation.at,
                                      (uint16_t)p->correlation.len);
    return properties;
}

static int publish(struct f2m_mqtt *m, const struct f2m_publish *p)
{
    if (f2m_pending_full(&m->pending))
        return MQTT_RC_QUOTA_EXCEEDED;
    if (p->payload.len > F2M_MAX_PAYLOAD_BYTES)
        return MQTT_RC_PACKET_TOO_LARGE;
    mosquitto_property *properties = properties_of(m, p);
    int mid = 0;
    int rc =
        mosquitto_publish_v5(m->mosq, &mid, p->topic, (int)p->payload.len, p->payload.at, 1, p->retain, properties);
    mosquitto_property_free_all(&properties);
    if (rc == MOSQ_ERR_SUCCESS)
        f2m_pending_add(&m->pending, mid, p->tag);
    return reason_of(rc);
}

int f2m_mqtt_publish(struct f2m_mqtt *m, const struct f2m_publish *p)
{
    if (!m)
        return -ENOTCONN;
    pthread_mutex_lock(&m->lock);
    int reason = usable(m) ? publish(m, p) : -ENOTCONN;
    if (reason < 0)
        m->stats.dropped++;
    else if (reason > 0)
        m->stats.refused++;
    pthread_mutex_unlock(&m->lock);
    if (reason <= 0 || p->tag == 0)
        return reason;
    struct f2m_event event = {.type = F2M_EV_MQTT_PUBLISHED, .published = {p->tag, reason}};
    return f2m_inbox_push_own(m->inbox, &event) ? reason : -ENOBUFS;
}

static int subscribe(struct f2m_mqtt *m, const char *filter)
{
    if (f2m_pending_filters_full(&m->pending))
        return MQTT_RC_QUOTA_EXCEEDED;
    int mid = 0;
    /* Options 0: retained messages are sent (handling 0), no Retain-As-Published, no No-Local. */
    int reason = reason_of(mosquitto_subscribe_v5(m->mosq, &mid, filter, 1, MQTT_SUB_OPT_SEND_RETAIN_ALWAYS, NULL));
    if (reason == 0)
        f2m_pending_add_filter(&m->pending, mid, filter);
    return reason == MQTT_RC_TOPIC_NAME_INVALID ? MQTT_RC_TOPIC_FILTER_INVALID : reason;
}

int f2m_mqtt_subscribe(struct f2m_mqtt *m, const char *filter)
{
    if (!m)
        return -ENOTCONN;
    pthread_mutex_lock(&m->lock);
    int reason = usable(m) ? subscribe(m, filter) : -ENOTCONN;
    pthread_mutex_unlock(&m->lock);
    if (reason <= 0)
        return reason;
    struct f2m_event event = {.type = F2M_EV_MQTT_SUBSCRIBED, .subscribed = {filter, reason}};
    return f2m_inbox_push_own(m->inbox, &event) ? reason : -ENOBUFS;
}

int f2m_mqtt_unsubscribe(struct f2m_mqtt *m, const char *filter)
{
    if (!m)
        return -ENOTCONN;
    pthread_mutex_lock(&m->lock);
    int reason = usable(m) ? reason_of(mosquitto_unsubscribe(m->mosq, NULL, filter)) : -ENOTCONN;
    pthread_mutex_unlock(&m->lock);
    return reason;
}

void f2m_mqtt_control_filters(struct f2m_mqtt *m, const char *const *filters, size_t n)
{
    struct f2m_sorter fresh, old;
    f2m_sorter_init(&fresh, m->options.control_prefix, filters, n);
    pthread_mutex_lock(&m->lock);
    old = m->sorter;
    m->sorter = fresh;
    pthread_mutex_unlock(&m->lock);
    f2m_sorter_deinit(&old);
}

bool f2m_mqtt_connected(struct f2m_mqtt *m)
{
    pthread_mutex_lock(&m->lock);
    bool connected = usable(m);
    pthread_mutex_unlock(&m->lock);
    return connected;
}

int64_t f2m_mqtt_connecting_since(const struct f2m_mqtt *m)
{
    return m->connecting_since;
}

bool f2m_mqtt_alive(const struct f2m_mqtt *m, struct f2m_now now)
{
    if (!m)
        return true;
    int64_t since = m->connecting_since;
    return since ? now.mono_ms - since < ALIVE_CONNECTING : now.mono_ms - m->turned_at < ALIVE_ELSEWHERE;
}

struct f2m_mqtt_stats f2m_mqtt_stats(struct f2m_mqtt *m)
{
    pthread_mutex_lock(&m->lock);
    struct f2m_mqtt_stats stats = m->stats;
    stats.unacked = m->pending.unacked;
    pthread_mutex_unlock(&m->lock);
    return stats;
}
