/* SIGHUP: validate, then swap at one point of the message stream (Interface, section 1). */
#include "app/bridge.h"
#include "app/clock.h"
#include "app/notify.h"

#include "config/load.h"
#include "port/own_topic.h"
#include "util/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

extern char **environ;

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_mqtt(const struct f2m_mqtt_config *a, const struct f2m_mqtt_config *b)
{
    return same_text(a->host, b->host) && a->port == b->port && a->tls == b->tls &&
           same_text(a->username, b->username) && same_text(a->password, b->password) &&
           same_text(a->client_id, b->client_id) && same_text(a->base_topic, b->base_topic) &&
           a->version == b->version && a->keepalive_s == b->keepalive_s && same_text(a->ca, b->ca) &&
           same_text(a->cert, b->cert) && same_text(a->key, b->key);
}

static bool same_flip(const struct f2m_flip_config *a, const struct f2m_flip_config *b)
{
    return same_text(a->base_url, b->base_url) && same_text(a->ca, b->ca) && a->insecure == b->insecure;
}

static bool same_server(const struct f2m_http_config *a, const struct f2m_http_config *b)
{
    if (!same_text(a->listen, b->listen) || !same_text(a->webhook_path, b->webhook_path) ||
        a->webhook_tolerance_ms != b->webhook_tolerance_ms || a->webhook_secrets_len != b->webhook_secrets_len)
        return false;
    for (size_t i = 0; i < a->webhook_secrets_len; i++)
        if (!same_text(a->webhook_secrets[i], b->webhook_secrets[i]))
            return false;
    return true;
}

static void refuse(struct bridge *b, const char *text)
{
    char line[400];
    f2m_log(F2M_LOG_ERROR, "app", "the new configuration is refused, the old one stays in force", "reason=%s",
            f2m_log_value(text, line, sizeof line));
    f2m_engine_reload_refused(b->engine, text);
}

/* Every error to the log; the first one to health. */
static void tell_findings(struct bridge *b, const struct f2m_findings *findings)
{
    const char *first = NULL;
    char text[400], value[500];
    for (size_t i = 0; i < findings->len; i++) {
        const struct f2m_finding *f = &findings->list[i];
        char at[400];
        (void)snprintf(at, sizeof at, "%s:%d:%d: %s", f->file, f->line, f->col, f->message);
        bool error = f->severity == F2M_CONFIG_ERROR;
        f2m_log(error ? F2M_LOG_ERROR : F2M_LOG_WARN, "config", error ? "error" : "warning", "at=%s",
                f2m_log_value(at, value, sizeof value));
        if (error && !first) {
            memcpy(text, at, sizeof text);
            first = text;
        }
    }
    if (first)
        refuse(b, first);
}

/* Answers that the old client still owed come as failures, so that no call is left without one. */
static void replace_http(struct bridge *b, struct f2m_now now, struct f2m_http *fresh)
{
    f2m_http_abort_all(b->http);
    struct f2m_event event = {.type = F2M_EV_HTTP_DONE};
    while (f2m_http_next_result(b->http, &event.http))
        f2m_engine_step(b->engine, now, &event, b->effects);
    f2m_http_free(b->http);
    b->http = fresh;
}

/* Another broker, user or base topic. The old client says goodbye under its own base topic; the engine hears of the
 * loss before it hears of the new configuration. */
static void close_mqtt(struct bridge *b, struct f2m_now now)
{
    f2m_autostrbuf topic;
    f2m_strbuf_init(&topic, 0);
    (void)f2m_mqtt_publish(b->mqtt, &(struct f2m_publish){
                                        .topic = f2m_own_topic(&topic, b->config->mqtt.base_topic, "bridge/state"),
                                        .payload = f2m_slice_of("offline"),
                                        .retain = true,
                                    });
    bool joined = f2m_mqtt_stop(b->mqtt);
    b->mqtt = NULL;
    struct f2m_event event;
    while (f2m_inbox_pop(b->inbox, &event))
        f2m_engine_step(b->engine, now, &event, b->effects);
    event = (struct f2m_event){.type = F2M_EV_MQTT_DOWN, .down.text = "the configuration changed"};
    f2m_engine_step(b->engine, now, &event, b->effects);
    if (joined) /* else the old thread still holds it, inside a blocking connect */
        f2m_inbox_free(b->inbox);
    b->inbox = f2m_inbox_new(NULL);
}

static void replace_server(struct bridge *b, const struct f2m_config *old)
{
    if (!same_server(&old->http, &b->config->http)) {
        if (b->server)
            b->webhooks_refused += f2m_server_refused(b->server);
        f2m_server_free(b->server);
        b->server = NULL;
        (void)bridge_open_server(b); /* says why not; everything else goes on */
    }
}

/* `http` is for the new configuration; NULL = the one that there is fits. */
static void swap(struct bridge *b, struct f2m_now now, struct f2m_config *fresh, struct f2m_http *http)
{
    struct f2m_config *old = b->config;
    bool reconnect = !same_mqtt(&old->mqtt, &fresh->mqtt);
    if (reconnect)
        close_mqtt(b, now);
    b->config = fresh;
    f2m_engine_reload(b->engine, now, fresh, b->effects);
    if (http)
        replace_http(b, now, http);
    replace_server(b, old);
    if (!reconnect)
        bridge_sort_messages(b);
    if (reconnect) {
        bridge_choose_client_id(b, now);
        if (!bridge_open_mqtt(b)) { /* the certificate went bad since it was checked: only a restart helps */
            f2m_log(F2M_LOG_ERROR, "app", "no MQTT client any more, stopping", "");
            b->stop_by_ms = now.mono_ms;
            b->exit_code = EX_UNAVAILABLE; /* so that it is started again */
        }
    }
    f2m_config_free(old);
    f2m_log(F2M_LOG_INFO, "app", "the new configuration is in force", "");
}

void bridge_reload(struct bridge *b, struct f2m_now now)
{
    f2m_notify_reloading();
    struct f2m_findings findings = {0};
    struct f2m_config_options options = {.file = b->options->config_file, .environ = environ};
    struct f2m_config *fresh = f2m_config_load(&options, &findings);
    tell_findings(b, &findings);
    f2m_findings_free(&findings);
    if (fresh && !same_text(fresh->storage.path, b->config->storage.path)) {
        refuse(b, "storage.path cannot change while running: restart the bridge");
    } else if (fresh) {
        /* First, as it may fail: a token must not go to the old cloud, nor the old one to the new cloud. */
        bool same = same_flip(&fresh->flip, &b->config->flip);
        struct f2m_http *http = same ? NULL : bridge_new_http(&fresh->flip);
        if (same || http)
            swap(b, now, f2m_take(fresh), http);
        else
            refuse(b, "no client for flip.base_url: the log says why");
    }
    f2m_config_free(fresh);
    f2m_notify_ready();
}
