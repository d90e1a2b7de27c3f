#include "engine/health.h"

#include "port/own_topic.h"
#include "util/json_writer.h"
#include "util/number.h"
#include "util/xalloc.h"

#include <inttypes.h>
#include <stdlib.h>

#define EVERY_MS   60000
#define AT_MOST_MS 5000

struct f2m_health {
    bool touched;
    int64_t published_ms;   /* mono; INT64_MIN/2 = not since the broker is there */
    struct f2m_strbuf last; /* as last published */
    struct f2m_strbuf text, topic;
};

/* Every counter under its name, in the order of bridge/health, with what /metrics says of it; the first six are the
 * interface's (Interface, clarification 11). */
#define COUNTERS(X)                                                                                                    \
    X(messages, "MQTT messages that reached a source")                                                                 \
    X(points, "Points closed")                                                                                         \
    X(uploads, "Telemetry requests that Flip accepted")                                                                \
    X(retries, "Calls to Flip that failed and were tried again")                                                       \
    X(dropped, "Points lost to the outbox's cap and messages lost to a full inbox")                                    \
    X(invalid, "Payloads that could not be read")                                                                      \
    X(late, "Samples whose timestamp lies before the open interval")                                                   \
    X(unknown_commands, "Commands for devices that are not configured")                                                \
    X(webhooks, "Webhooks with a valid signature")                                                                     \
    X(webhooks_refused, "Webhooks turned away: bad signature, malformed, too large, too slow")                         \
    X(foreign_webhooks, "Webhooks about sites and devices that are not configured")                                    \
    X(notifications, "Notifications published")                                                                        \
    X(requests, "Requests over MQTT that were answered")

struct f2m_health *f2m_health_new(void)
{
    struct f2m_health *h = f2m_xcalloc(1, sizeof *h);
    f2m_strbuf_init(&h->last, 0);
    f2m_strbuf_init(&h->text, 0);
    f2m_strbuf_init(&h->topic, 0);
    f2m_health_reset(h);
    return h;
}

void f2m_health_free(struct f2m_health *h)
{
    if (!h)
        return;
    f2m_strbuf_deinit(&h->last);
    f2m_strbuf_deinit(&h->text);
    f2m_strbuf_deinit(&h->topic);
    free(h);
}

void f2m_health_reset(struct f2m_health *h)
{
    h->published_ms = INT64_MIN / 2;
    h->touched = true;
    f2m_strbuf_reset(&h->last);
}

void f2m_health_touch(struct f2m_health *h)
{
    h->touched = true;
}

int64_t f2m_health_deadline(const struct f2m_health *h)
{
    return h->published_ms + (h->touched ? AT_MOST_MS : EVERY_MS);
}

bool f2m_health_due(const struct f2m_health *h, struct f2m_now now)
{
    return now.mono_ms >= f2m_health_deadline(h);
}

static const char *status(const struct f2m_health_facts *f)
{
    if (f->disk_failing || !f->clock_set)
        return "critical";
    return f->any_problem || f->cloud == 0 ? "degraded" : "ok";
}

static void write_time(struct f2m_jw *w, const char *name, int64_t wall_ms)
{
    if (wall_ms)
        f2m_jw_time(w, name, wall_ms);
    else
        f2m_jw_null(w, name);
}

static void write_facts(struct f2m_strbuf *out, const struct f2m_health_facts *f)
{
    struct f2m_jw w = f2m_jw(out);
    f2m_jw_object(&w, NULL);
    f2m_jw_string(&w, "status", status(f));
    if (f->cloud < 0)
        f2m_jw_null(&w, "cloud_reachable");
    else
        f2m_jw_bool(&w, "cloud_reachable", f->cloud);
    write_time(&w, "last_upload", f->last_upload_ms);
    f2m_jw_object(&w, "outbox");
    f2m_jw_integer(&w, "pending", f->outbox.pending);
    f2m_jw_integer(&w, "rejected", f->outbox.rejected);
    write_time(&w, "oldest_start_time", f->outbox.oldest_start_ms);
    f2m_jw_integer(&w, "bytes", f->outbox.bytes);
    f2m_jw_integer(&w, "in_memory", (int64_t)f->counters->points_in_memory);
    f2m_jw_end(&w);
    f2m_jw_object(&w, "counters");
#define WRITE_COUNTER(name, help) f2m_jw_integer(&w, #name, (int64_t)f->counters->name);
    COUNTERS(WRITE_COUNTER)
#undef WRITE_COUNTER
    f2m_jw_end(&w);
    f2m_jw_string(&w, "last_error", f->last_error[0] ? f->last_error : NULL);
    f2m_jw_object(&w, "clock");
    f2m_jw_string(&w, "state", f->clock_set ? "ok" : "unset");
    if (f->clock_offset->known)
        f2m_jw_integer(&w, "offset_s", f->clock_offset->seconds);
    else
        f2m_jw_null(&w, "offset_s");
    f2m_jw_end(&w);
    f2m_jw_string(&w, "disk", f->disk_failing ? "failing" : "ok");
    f2m_jw_raw(&w, "problems", f->problems);
    f2m_jw_end(&w);
}

void f2m_health_publish(struct f2m_health *h, struct f2m_now now, const char *base_topic,
                        const struct f2m_health_facts *f, struct f2m_effects *fx)
{
    h->touched = false;
    f2m_strbuf_reset(&h->text);
    write_facts(&h->text, f);
    bool same = h->text.len == h->last.len && memcmp(h->text.data, h->last.data, h->text.len) == 0;
    if (same && now.mono_ms < h->published_ms + EVERY_MS)
        return;
    h->published_ms = now.mono_ms;
    f2m_strbuf_reset(&h->last);
    f2m_strbuf_add(&h->last, h->text.data, h->text.len);
    f2m_effects_publish_text(fx, f2m_own_topic(&h->topic, base_topic, "bridge/health"),
                             (struct f2m_slice){h->text.data, h->text.len}, true);
}

static void metric(struct f2m_strbuf *out, const char *name, const char *type, const char *help, double value)
{
    char number[F2M_NUMBER_SIZE];
    f2m_strbuf_addf(out, "# HELP flip2mqtt_%s %s\n# TYPE flip2mqtt_%s %s\nflip2mqtt_%s %s\n", name, help, name, type,
                    name, f2m_number_format(value, number));
}

void f2m_health_metrics(const struct f2m_health_facts *f, struct f2m_strbuf *out)
{
    f2m_strbuf_reset(out);
    metric(out, "cloud_reachable", "gauge", "1 while Flip is reachable and accepts the token", f->cloud > 0);
    metric(out, "clock_set", "gauge", "0 while the clock is known to be unset", f->clock_set);
    if (f->clock_offset->known)
        metric(out, "clock_offset_seconds", "gauge", "How far this clock is ahead of Flip's",
               (double)f->clock_offset->seconds);
    metric(out, "disk_failing", "gauge", "1 while closed points wait in memory for the disk", f->disk_failing);
    metric(out, "last_upload_timestamp_seconds", "gauge", "Last telemetry request that Flip accepted",
           (double)f->last_upload_ms / 1000);
    metric(out, "outbox_pending", "gauge", "Points that wait for Flip", (double)f->outbox.pending);
    metric(out, "outbox_rejected", "gauge", "Points that Flip rejected, kept", (double)f->outbox.rejected);
    metric(out, "outbox_bytes", "gauge", "Size of the store in use", (double)f->outbox.bytes);
    metric(out, "outbox_oldest_start_timestamp_seconds", "gauge", "start_time of the oldest waiting point, 0 for none",
           (double)f->outbox.oldest_start_ms / 1000);
    metric(out, "points_in_memory", "gauge", "Closed points that wait for the disk",
           (double)f->counters->points_in_memory);
#define WRITE_METRIC(name, help) metric(out, #name "_total", "counter", help, (double)f->counters->name);
    COUNTERS(WRITE_METRIC)
#undef WRITE_METRIC
}

void f2m_info_publish(const struct f2m_config *config, const char *version, int64_t started_ms, struct f2m_effects *fx)
{
    f2m_autostrbuf text, topic;
    f2m_strbuf_init(&text, 0);
    f2m_strbuf_init(&topic, 0);
    struct f2m_jw w = f2m_jw(&text);
    f2m_jw_object(&w, NULL);
    f2m_jw_string(&w, "version", version);
    f2m_jw_string(&w, "mqtt_version", config->mqtt.version == 5 ? "5" : "3.1.1");
    f2m_jw_string(&w, "base_url", config->flip.base_url);
    f2m_jw_array(&w, "sites");
    for (size_t s = 0; s < config->sites_len; s++) {
        const struct f2m_site *site = &config->sites[s];
        f2m_jw_object(&w, NULL);
        f2m_jw_string(&w, "id", site->id);
        f2m_jw_array(&w, "devices");
        for (size_t d = 0; d < site->devices_len; d++)
            f2m_jw_string(&w, NULL, site->devices[d].id);
        f2m_jw_end(&w);
        f2m_jw_end(&w);
    }
    f2m_jw_end(&w);
    f2m_jw_time(&w, "started_at", started_ms);
    f2m_jw_end(&w);
    f2m_effects_publish_text(fx, f2m_own_topic(&topic, config->mqtt.base_topic, "bridge/info"),
                             (struct f2m_slice){text.data, text.len}, true);
}
