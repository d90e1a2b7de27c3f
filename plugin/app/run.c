/* The bridge: what is opened in which order; closed in the reverse. */
#include "app/bridge.h"
#include "app/clock.h"
#include "app/command.h"
#include "app/notify.h"
#include "app/process.h"
#include "app/tool.h"
#include "port/own_topic.h"
#include "store/sqlite.h"
#include "util/xalloc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>

#define CLIENT_ID_KEY "client_id"

static int store_exit_code(int r)
{
    switch (r) {
    case -EBUSY: return EX_TEMPFAIL;
    case -EPROTO: return EX_CONFIG;
    default: return EX_IOERR;
    }
}

static int open_store(struct bridge *b, struct f2m_now now)
{
    struct f2m_store_options options = {.path = b->config->storage.path, .create = true, .wall_ms = now.wall_ms};
    struct f2m_store_report report;
    struct f2m_err err;
    int r = f2m_store_open(&options, &b->store, &report, &err);
    if (r != 0) {
        char why[sizeof err.text];
        f2m_log(F2M_LOG_ERROR, "store", "cannot open the database", "reason=%s",
                f2m_log_value(err.text, why, sizeof why));
        return store_exit_code(r);
    }
    if (report.set_aside[0]) {
        char path[F2M_STORE_PATH_MAX], damage[sizeof report.damage];
        f2m_log(F2M_LOG_ERROR, "store", "the database was damaged: set aside, what can be read was taken over",
                "set_aside=%s damage=%s points=%" PRId64 " records=%" PRId64,
                f2m_log_value(report.set_aside, path, sizeof path), f2m_log_value(report.damage, damage, sizeof damage),
                report.salvaged_points, report.salvaged_records);
    }
    if (report.reserve_missing)
        f2m_log(F2M_LOG_WARN, "store", "no room for the reserve file: the disk is nearly full", "");
    return 0;
}

/* The configured client id, or flip2mqtt- plus eight hex digits that are made once and kept. */
void bridge_choose_client_id(struct bridge *b, struct f2m_now now)
{
    if (b->config->mqtt.client_id) {
        (void)snprintf(b->client_id, sizeof b->client_id, "%s", b->config->mqtt.client_id);
        return;
    }
    f2m_autostrbuf kept;
    f2m_strbuf_init(&kept, sizeof b->client_id - 1);
    if (f2m_store_record_get(b->store, F2M_STORE_META, CLIENT_ID_KEY, &kept) == 0) {
        memcpy(b->client_id, kept.data, kept.len + 1);
        return;
    }
    int len = snprintf(b->client_id, sizeof b->client_id, "flip2mqtt-%08" PRIx32, (uint32_t)b->seed);
    if (f2m_store_record_put(b->store, F2M_STORE_META, CLIENT_ID_KEY, (struct f2m_slice){b->client_id, (size_t)len},
                             now.wall_ms) != 0)
        f2m_log(F2M_LOG_WARN, "store", "the client id could not be kept: the next start has another one", "");
}

struct filters {
    const char **list;
    size_t len;
};

static void add_filter(void *ctx, const char *filter)
{
    struct filters *f = ctx;
    f->list = f2m_xreallocarray(f->list, f->len + 1, sizeof *f->list);
    f->list[f->len++] = filter;
}

void bridge_sort_messages(struct bridge *b)
{
    struct filters f = {0};
    f2m_engine_control_filters(b->engine, add_filter, &f);
    f2m_mqtt_control_filters(b->mqtt, f.list, f.len);
    free(f.list);
}

bool bridge_open_mqtt(struct bridge *b)
{
    const struct f2m_mqtt_config *c = &b->config->mqtt;
    f2m_autostrbuf will, prefix;
    f2m_strbuf_init(&will, 0);
    f2m_strbuf_init(&prefix, 0);
    struct f2m_mqtt_options options = broker_options(c);
    options.client_id = b->client_id;
    options.will_topic = f2m_own_topic(&will, c->base_topic, "bridge/state");
    options.will_payload = "offline";
    options.control_prefix = f2m_own_topic(&prefix, c->base_topic, "");
    options.seed = b->seed;
    struct f2m_err err;
    b->mqtt = f2m_mqtt_start(&options, b->inbox, &err);
    if (!b->mqtt) {
        char why[sizeof err.text];
        f2m_log(F2M_LOG_ERROR, "mqtt", "cannot start", "reason=%s", f2m_log_value(err.text, why, sizeof why));
        return false;
    }
    bridge_sort_messages(b);
    return true;
}

struct f2m_http *bridge_new_http(const struct f2m_flip_config *c)
{
    struct f2m_err err;
    struct f2m_http *http =
        f2m_http_new(&(struct f2m_http_options){.base_url = c->base_url, .ca = c->ca, .insecure = c->insecure}, &err);
    if (!http) {
        char why[sizeof err.text];
        f2m_log(F2M_LOG_ERROR, "http", "cannot call Flip", "reason=%s", f2m_log_value(err.text, why, sizeof why));
    }
    return http;
}

static bool page_ready(void *bridge)
{
    return f2m_engine_ready(((struct bridge *)bridge)->engine);
}

static void page_metrics(void *ctx, struct f2m_strbuf *out)
{
    const struct bridge *b = ctx;
    f2m_engine_metrics(b->engine, b->now, out);
}

static void page_status(void *ctx, struct f2m_strbuf *out)
{
    const struct bridge *b = ctx;
    f2m_engine_status_page(b->engine, b->now, out);
}

bool bridge_open_server(struct bridge *b)
{
    const struct f2m_http_config *c = &b->config->http;
    if (!c->listen)
        return true;
    struct f2m_server_options options = {
        .listen = c->listen,
        .webhook_path = c->webhook_path,
        .webhook_secrets = (const char *const *)c->webhook_secrets,
        .webhook_secrets_len = c->webhook_secrets_len,
        .webhook_tolerance_ms = c->webhook_tolerance_ms,
        .pages = b,
        .ready = page_ready,
        .metrics = page_metrics,
        .status = page_status,
    };
    struct f2m_err err;
    b->server = f2m_server_new(&options, &err);
    if (!b->server) {
        char why[sizeof err.text];
        f2m_log(F2M_LOG_ERROR, "http", "cannot listen", "reason=%s", f2m_log_value(err.text, why, sizeof why));
    }
    return b->server;
}

static int open_bridge(struct bridge *b)
{
    struct f2m_now now = f2m_clock_now();
    b->clock_fd = f2m_clock_watch();
    if (getrandom(&b->seed, sizeof b->seed, 0) != (ssize_t)sizeof b->seed)
        return EX_OSERR;
    int r = open_store(b, now);
    if (r != 0)
        return r;
    bridge_choose_client_id(b, now);
    b->effects = f2m_effects_new();
    b->engine = f2m_engine_new(&(struct f2m_engine_options){.config = b->config,
                                                            .store = b->store,
                                                            .version = F2M_VERSION,
                                                            .seed = b->seed,
                                                            .built_ms = F2M_BUILT * 1000LL},
                               now);
    b->inbox = f2m_inbox_new(NULL);
    b->http = bridge_new_http(&b->config->flip);
    if (!b->http || !bridge_open_server(b))
        return EX_UNAVAILABLE;
    if (!bridge_open_mqtt(b))
        return EX_CONFIG;
    b->watchdog_ms = f2m_notify_watchdog_ms();
    return 0;
}

/* False where the MQTT thread hangs in a blocking connect: it owns nothing but itself, so the process just ends. */
static bool close_bridge(struct bridge *b)
{
    bool joined = f2m_mqtt_stop(b->mqtt);
    f2m_server_free(b->server);
    f2m_http_free(b->http);
    f2m_engine_free(b->engine);
    f2m_effects_free(b->effects);
    f2m_store_free(b->store);
    f2m_config_free(b->config);
    if (joined)
        f2m_inbox_free(b->inbox);
    if (b->clock_fd >= 0)
        close(b->clock_fd);
    if (b->signal_fd >= 0)
        close(b->signal_fd);
    return joined;
}

int f2m_command_run(const struct f2m_options *o)
{
    f2m_process_forbid_core_files();
    /* Before all else: a stop asked for during the start is a clean one too. */
    struct bridge b = {.options = o, .signal_fd = f2m_process_open_signals(), .clock_fd = -1};
    if (b.signal_fd < 0 || !f2m_process_ensure_descriptors())
        return EX_OSERR;
    b.config = f2m_command_load(o);
    if (!b.config)
        return EX_CONFIG;
    int r = open_bridge(&b);
    if (r == 0) {
        char broker[300];
        f2m_log(F2M_LOG_INFO, "app", "started", "version=%s broker=%s:%d client_id=%s", F2M_VERSION,
                f2m_log_value(b.config->mqtt.host, broker, sizeof broker), b.config->mqtt.port, b.client_id);
        f2m_notify_ready();
        r = bridge_loop(&b);
        f2m_log(F2M_LOG_INFO, "app", "stopped", "");
    }
    if (!close_bridge(&b))
        _exit(r);
    return r;
}
