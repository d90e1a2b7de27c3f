#include "mqtt/session.h"

#include "util/limits.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#define TURN_MS      10000 /* the longest wait of a turn, so that the watchdog sees the thread alive */
#define CONNACK_MS   15000 /* the broker has so long to answer CONNECT */
#define GOODBYE_MS   1000  /* at the stop: to get the DISCONNECT out */
#define IN_FLIGHT    100   /* QoS 1 messages on their way at once, each direction */
#define SYSTEM_CAS   "/etc/ssl/certs"
#define FDS_PER_TURN 8 /* what a connect may open before our check of FD_SETSIZE: wake-up pair, sockets, files */

int64_t f2m_session_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- callbacks: they copy and enqueue, nothing else ---- */

static void on_connect(struct mosquitto *mosq, void *obj, int reason, int flags, const mosquitto_property *properties)
{
    (void)flags, (void)properties;
    struct f2m_mqtt *m = obj;
    if (reason != 0) {
        m->attempt.reason = reason;
        return;
    }
    /* The library formats a line per packet where somebody listens: a tenth of all its work. */
    mosquitto_log_callback_set(mosq, NULL);
    m->attempt.up_ms = f2m_session_clock();
    m->connecting_since = 0;
    pthread_mutex_lock(&m->lock);
    m->up = true;
    m->stats.connects++;
    pthread_mutex_unlock(&m->lock);
    f2m_inbox_push(m->inbox, F2M_INBOX_CONTROL, &(struct f2m_event){.type = F2M_EV_MQTT_UP});
}

/* A DISCONNECT of the broker (MQTT 5) brings its reason; other ends show in what mosquitto_loop() returns. */
static void on_disconnect(struct mosquitto *mosq, void *obj, int reason, const mosquitto_property *properties)
{
    (void)mosq, (void)properties;
    struct f2m_mqtt *m = obj;
    if (reason >= MQTT_RC_UNSPECIFIED)
        snprintf(m->text, sizeof m->text, "the broker disconnected: %s", mosquitto_reason_string(reason));
}

/* The response topic and correlation data, freed by the caller. Most messages have no properties: then nothing is
 * allocated. */
static void request_properties(const mosquitto_property *properties, char **response, void **correlation, uint16_t *len)
{
    for (const mosquitto_property *p = properties; p; p = mosquitto_property_next(p)) {
        switch (mosquitto_property_identifier(p)) {
        case MQTT_PROP_RESPONSE_TOPIC:
            if (!*response)
                mosquitto_property_read_string(p, MQTT_PROP_RESPONSE_TOPIC, response, false);
            break;
        case MQTT_PROP_CORRELATION_DATA:
            if (!*correlation)
                mosquitto_property_read_binary(p, MQTT_PROP_CORRELATION_DATA, correlation, len, false);
            break;
        default: break;
        }
    }
}

static void on_message(struct mosquitto *mosq, void *obj, const struct mosquitto_message *message,
                       const mosquitto_property *properties)
{
    (void)mosq;
    struct f2m_mqtt *m = obj;
    pthread_mutex_lock(&m->lock);
    enum f2m_inbox_lane lane = f2m_sorter_lane(&m->sorter, message->topic);
    bool oversize = message->payloadlen < 0 || (size_t)message->payloadlen > F2M_MAX_PAYLOAD_BYTES;
    if (oversize)
        m->stats.oversize++;
    pthread_mutex_unlock(&m->lock);
    if (oversize)
        return;
    char *response = NULL;
    void *correlation = NULL;
    uint16_t correlation_len = 0;
    if (properties)
        request_properties(properties, &response, &correlation, &correlation_len);
    struct f2m_event event = {
        .type = F2M_EV_MQTT_MESSAGE,
        .message = {.topic = f2m_slice_of(message->topic),
                    .payload = {message->payload ? message->payload : "", (size_t)message->payloadlen},
                    .retain = message->retain,
                    .response_topic = f2m_slice_of(response),
                    .correlation = {correlation, correlation_len}},
    };
    f2m_inbox_push(m->inbox, lane, &event);
    free(response);
    free(correlation);
}

static void on_publish(struct mosquitto *mosq, void *obj, int mid, int reason, const mosquitto_property *properties)
{
    (void)mosq, (void)properties;
    struct f2m_mqtt *m = obj;
    pthread_mutex_lock(&m->lock);
    uint64_t tag = f2m_pending_ack(&m->pending, mid);
    if (reason >= MQTT_RC_UNSPECIFIED)
        m->stats.refused++;
    if (m->pending.unacked == 0)
        pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
    if (tag == 0)
        return;
    struct f2m_event event = {.type = F2M_EV_MQTT_PUBLISHED, .published = {tag, reason}};
    f2m_inbox_push(m->inbox, F2M_INBOX_CONTROL, &event);
}

static void on_subscribe(struct mosquitto *mosq, void *obj, int mid, int count, const int *granted,
                         const mosquitto_property *properties)
{
    (void)mosq, (void)properties;
    struct f2m_mqtt *m = obj;
    pthread_mutex_lock(&m->lock);
    char *filter = f2m_pending_take_filter(&m->pending, mid);
    pthread_mutex_unlock(&m->lock);
    if (!filter)
        return;
    int reason = count > 0 ? granted[0] : MQTT_RC_UNSPECIFIED;
    struct f2m_event event = {.type = F2M_EV_MQTT_SUBSCRIBED, .subscribed = {filter, reason}};
    f2m_inbox_push(m->inbox, F2M_INBOX_CONTROL, &event);
    free(filter);
}

/* What OpenSSL's words leave open: libmosquitto hides what was wrong with the certificate. */
static const char *hint(struct f2m_slice text)
{
    static const char *const hints[][2] = {
        {"certificate verify failed", ": it has expired, or its authority is not trusted (mqtt.ca)"},
        {"wrong version number", ": no TLS on this port"},
    };
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (f2m_slice_is(text, hints[i][0]))
            return hints[i][1];
    return "";
}

/* The library says why TLS failed in its log alone, the first line being the telling one: "Error: host name
 * verification failed.", "OpenSSL Error[0]: error:…:certificate verify failed". */
static void on_log(struct mosquitto *mosq, void *obj, int level, const char *line)
{
    (void)mosq;
    struct f2m_mqtt *m = obj;
    if (level != MOSQ_LOG_ERR || m->text[0] != '\0')
        return;
    const char *colon = strrchr(line, ':');
    struct f2m_slice text = f2m_slice_trim(f2m_slice_of(colon ? colon + 1 : line));
    while (text.len > 0 && text.at[text.len - 1] == '.')
        text.len--;
    snprintf(m->text, sizeof m->text, "%.*s%s", (int)text.len, text.at, hint(text));
}

/* ---- the instance ---- */

static int configure_tls(struct f2m_mqtt *m)
{
    const struct f2m_mqtt_options *o = &m->options;
    if (!o->tls)
        return MOSQ_ERR_SUCCESS;
    int rc = mosquitto_tls_set(m->mosq, o->ca, o->ca ? NULL : SYSTEM_CAS, o->cert, o->key, NULL);
    if (rc == MOSQ_ERR_SUCCESS)
        rc = mosquitto_tls_opts_set(m->mosq, 1 /* verify */, "tlsv1.2", NULL);
    if (rc == MOSQ_ERR_SUCCESS)
        rc = mosquitto_tls_insecure_set(m->mosq, false); /* the host name is always checked */
    return rc;
}

int f2m_session_configure(struct f2m_mqtt *m)
{
    const struct f2m_mqtt_options *o = &m->options;
    mosquitto_threaded_set(m->mosq, true); /* before any publish from the main thread */
    mosquitto_int_option(m->mosq, MOSQ_OPT_PROTOCOL_VERSION, o->version == 5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
    mosquitto_int_option(m->mosq, MOSQ_OPT_RECEIVE_MAXIMUM, IN_FLIGHT);
    mosquitto_int_option(m->mosq, MOSQ_OPT_SEND_MAXIMUM, IN_FLIGHT);
    mosquitto_int_option(m->mosq, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_connect_v5_callback_set(m->mosq, on_connect);
    mosquitto_disconnect_v5_callback_set(m->mosq, on_disconnect);
    mosquitto_message_v5_callback_set(m->mosq, on_message);
    mosquitto_publish_v5_callback_set(m->mosq, on_publish);
    mosquitto_subscribe_v5_callback_set(m->mosq, on_subscribe);
    mosquitto_log_callback_set(m->mosq, on_log);
    int rc = MOSQ_ERR_SUCCESS;
    if (o->username)
        rc = mosquitto_username_pw_set(m->mosq, o->username, o->password);
    if (rc == MOSQ_ERR_SUCCESS && o->will_topic)
        rc = mosquitto_will_set(m->mosq, o->will_topic, (int)strlen(o->will_payload), o->will_payload, 1, true);
    return rc == MOSQ_ERR_SUCCESS ? configure_tls(m) : rc;
}

void f2m_session_explain(const struct f2m_mqtt *m, int rc, struct f2m_err *err)
{
    const char *const files[] = {m->options.ca, m->options.cert, m->options.key};
    for (size_t i = 0; m->options.tls && i < sizeof files / sizeof *files; i++) {
        if (files[i] && access(files[i], R_OK) != 0) {
            f2m_err_set(err, "cannot read %s: %s", files[i], strerror(errno));
            return;
        }
    }
    if (m->options.tls && !m->options.cert != !m->options.key)
        f2m_err_set(err, "a client certificate needs its key, and the key its certificate");
    else
        f2m_err_set(err, "cannot set up the MQTT client: %s", mosquitto_strerror(rc));
}

/* ---- one connection ---- */

/* libmosquitto waits with select(): a descriptor beyond its set would be fatal (trap 9). */
static bool descriptors_left(const struct f2m_mqtt *m)
{
    int probe = fcntl(f2m_inbox_fd(m->inbox), F_DUPFD_CLOEXEC, 0);
    if (probe < 0)
        return false;
    close(probe);
    return probe + FDS_PER_TURN < FD_SETSIZE;
}

/* Resolves, connects and sends CONNECT. Blocking, on purpose: the asynchronous way spins with TLS (trap 1). */
static int connect_now(struct f2m_mqtt *m)
{
    const struct f2m_mqtt_options *o = &m->options;
    mosquitto_property *properties = NULL;
    if (o->version == 5) {
        mosquitto_property_add_int32(&properties, MQTT_PROP_MAXIMUM_PACKET_SIZE, F2M_MAX_PAYLOAD_BYTES);
        mosquitto_property_add_int32(&properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL, 0);
    }
    errno = 0;
    int rc = mosquitto_connect_bind_v5(m->mosq, o->host, o->port, o->keepalive_s, NULL, properties);
    mosquitto_property_free_all(&properties);
    return rc;
}

static bool is_up(const struct f2m_mqtt *m)
{
    return m->attempt.up_ms != 0; /* set on this thread */
}

/* Turns until the connection is over; what ended it. */
static int converse(struct f2m_mqtt *m)
{
    int64_t now = f2m_session_clock(), connack_by = now + CONNACK_MS, goodbye_by = 0;
    for (;;) {
        int wait = goodbye_by ? 100 : is_up(m) ? TURN_MS : 500;
        int rc = mosquitto_loop(m->mosq, wait, 1);
        if (rc != MOSQ_ERR_SUCCESS)
            return rc;
        now = f2m_session_clock();
        m->turned_at = now;
        if (!is_up(m) && (m->stopping || now >= connack_by))
            return MOSQ_ERR_TIMEOUT;
        if (m->stopping && !goodbye_by)
            goodbye_by = now + GOODBYE_MS;
        if (goodbye_by && now >= goodbye_by)
            return MOSQ_ERR_TIMEOUT;
    }
}

static void say(struct f2m_mqtt *m, const char *text)
{
    snprintf(m->text, sizeof m->text, "%s", text);
}

/* CONNACK codes of both versions. */
static const char *refusal(int reason)
{
    switch (reason) {
    case 1:
    case MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION: return "the broker does not speak this MQTT version";
    case 2:
    case MQTT_RC_CLIENTID_NOT_VALID: return "client id refused";
    case 3:
    case MQTT_RC_SERVER_UNAVAILABLE: return "the broker is unavailable";
    case 4:
    case MQTT_RC_BAD_USERNAME_OR_PASSWORD: return "bad user name or password";
    case 5:
    case MQTT_RC_NOT_AUTHORIZED: return "not authorised";
    default: return NULL;
    }
}

static void say_error(struct f2m_mqtt *m, int error)
{
    char buf[128];
    const char *text = strerror_r(error, buf, sizeof buf);
    say(m, text);
    if (islower((unsigned char)text[1]))
        m->text[0] = (char)tolower((unsigned char)text[0]);
}

/* Why it ended, into m->text; the TLS library's own words, or the broker's, may already stand there. */
static void explain_end(struct f2m_mqtt *m, int rc, int error)
{
    if (m->attempt.reason != 0) {
        const char *text = refusal(m->attempt.reason);
        say(m, text ? text : mosquitto_reason_string(m->attempt.reason));
        return;
    }
    switch (rc) {
    case MOSQ_ERR_EAI: snprintf(m->text, sizeof m->text, "cannot resolve %.200s", m->options.host); return;
    case MOSQ_ERR_KEEPALIVE: say(m, "the broker does not answer any more"); return;
    case MOSQ_ERR_TIMEOUT: say(m, "the broker does not answer"); return;
    default: break;
    }
    if (m->text[0] != '\0')
        return;
    if (rc == MOSQ_ERR_ERRNO && error != 0 && error != EAGAIN && error != EPROTO)
        say_error(m, error);
    else
        say(m, is_up(m)                                     ? "connection lost"
               : rc == MOSQ_ERR_ERRNO || rc == MOSQ_ERR_TLS ? "TLS failed"
                                                            : "connection closed");
}

/* Connects, converses, and says why it is over. */
static void attempt(struct f2m_mqtt *m)
{
    m->attempt = (struct f2m_attempt){0};
    m->text[0] = '\0';
    m->connecting_since = f2m_session_clock();
    if (!descriptors_left(m)) {
        say(m, "too many open files");
    } else {
        int rc = MOSQ_ERR_SUCCESS;
        /* Drops what the library still holds: in-flight and queued publishes would survive a reconnect (trap 3). */
        if (!m->fresh) {
            rc = mosquitto_reinitialise(m->mosq, m->options.client_id, true, m);
            if (rc == MOSQ_ERR_SUCCESS)
                rc = f2m_session_configure(m);
        }
        m->fresh = false;
        if (rc == MOSQ_ERR_SUCCESS)
            rc = connect_now(m);
        if (rc == MOSQ_ERR_SUCCESS)
            rc = converse(m);
        explain_end(m, rc, errno);
    }
    m->connecting_since = 0;
    m->attempt.ended_ms = f2m_session_clock();
}

static void go_down(struct f2m_mqtt *m)
{
    pthread_mutex_lock(&m->lock);
    m->up = false;
    f2m_pending_reset(&m->pending);
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
    struct f2m_event event = {.type = F2M_EV_MQTT_DOWN, .down = {m->attempt.reason, m->text}};
    f2m_inbox_push(m->inbox, F2M_INBOX_CONTROL, &event);
}

/* Until the next attempt, or the stop; in slices, for the watchdog. */
static void rest(struct f2m_mqtt *m, int64_t ms)
{
    int64_t until = f2m_session_clock() + ms;
    pthread_mutex_lock(&m->lock);
    for (int64_t now = f2m_session_clock(); !m->stopping && now < until; now = f2m_session_clock()) {
        m->turned_at = now;
        int64_t slice = until - now < TURN_MS ? until - now : TURN_MS;
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        int64_t ns = t.tv_nsec + slice % 1000 * 1000000;
        t.tv_sec += (time_t)(slice / 1000 + ns / 1000000000);
        t.tv_nsec = (long)(ns % 1000000000);
        pthread_cond_timedwait(&m->changed, &m->lock, &t);
    }
    m->turned_at = f2m_session_clock();
    pthread_mutex_unlock(&m->lock);
}

void *f2m_session_run(void *mqtt)
{
    struct f2m_mqtt *m = mqtt;
    while (!m->stopping) {
        attempt(m);
        bool takeover = false;
        int64_t wait = f2m_backoff_next(&m->backoff, &m->attempt, &takeover);
        if (takeover)
            snprintf(m->text, sizeof m->text,
                     "the connection keeps ending soon after it is made: does another client use the id %.100s?",
                     m->options.client_id);
        go_down(m);
        rest(m, wait);
    }
    pthread_mutex_lock(&m->lock);
    m->done = true;
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
    return NULL;
}
