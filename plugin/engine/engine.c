#include "engine/engine.h"

#include "engine/internal.h"
#include "port/own_topic.h"
#include "util/json_writer.h"
#include "util/xalloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define CLOCK_SLACK_MS (24 * 3600 * 1000LL)
#define LAST_WALL_KEY  "last_wall_ms"

/* Known to be unset = before the build, or a day or more before the last stored time (Interface, clarification 44). */
static void watch_clock(struct f2m_engine *e, struct f2m_now now, struct f2m_effects *fx)
{
    bool set = now.wall_ms >= e->built_ms && now.wall_ms >= e->last_wall_ms - CLOCK_SLACK_MS;
    if (set == e->clock_set)
        return;
    e->clock_set = set;
    hold_rooms(e, !set);
    f2m_health_touch(e->health);
    char wall[F2M_RFC3339_SIZE], stored[F2M_RFC3339_SIZE];
    f2m_effects_log(fx, set ? F2M_LOG_INFO : F2M_LOG_ERROR, "clock",
                    set ? "the clock is set" : "the clock is not set: nothing is started, points wait",
                    "wall=%s last_stored=%s", f2m_rfc3339_format(now.wall_ms, wall),
                    e->last_wall_ms ? f2m_rfc3339_format(e->last_wall_ms, stored) : "none");
}

static void read_last_wall(struct f2m_engine *e)
{
    f2m_autostrbuf text;
    f2m_strbuf_init(&text, F2M_NUMBER_SIZE);
    if (f2m_store_record_get(e->store, F2M_STORE_META, LAST_WALL_KEY, &text) == 0)
        (void)f2m_integer_parse((struct f2m_slice){text.data, text.len}, 0, INT64_MAX, &e->last_wall_ms);
}

/* Rides on the commit of a closed point: nothing is written between points. */
static void write_last_wall(struct f2m_engine *e, struct f2m_now now)
{
    if (e->points_seen == e->counters.points || !e->clock_set)
        return;
    char text[F2M_NUMBER_SIZE];
    int len = snprintf(text, sizeof text, "%" PRId64, now.wall_ms);
    if (f2m_store_record_put(e->store, F2M_STORE_META, LAST_WALL_KEY, (struct f2m_slice){text, (size_t)len},
                             now.wall_ms) == 0) {
        e->points_seen = e->counters.points;
        e->last_wall_ms = now.wall_ms;
    }
}

struct f2m_engine *f2m_engine_new(const struct f2m_engine_options *o, struct f2m_now now)
{
    struct f2m_engine *e = f2m_xcalloc(1, sizeof *e);
    e->config = o->config;
    e->store = o->store;
    e->version = o->version;
    e->rng.state = o->seed;
    e->built_ms = o->built_ms;
    e->started_ms = now.wall_ms;
    e->clock_set = true;
    e->subscriptions = f2m_subscriptions_new();
    e->health = f2m_health_new();
    f2m_strbuf_init(&e->topic, 0);
    f2m_strbuf_init(&e->text, 0);
    f2m_strbuf_init(&e->ids[0], F2M_MAX_ID_BYTES);
    f2m_strbuf_init(&e->ids[1], F2M_MAX_ID_BYTES);
    f2m_strbuf_init(&e->refused_reload, sizeof(struct f2m_err));
    read_last_wall(e);
    open_rooms(e, now);
    want_subscriptions(e, NULL);
    return e;
}

void f2m_engine_free(struct f2m_engine *e)
{
    if (!e)
        return;
    close_rooms(e);
    f2m_health_free(e->health);
    f2m_subscriptions_free(e->subscriptions);
    f2m_strbuf_deinit(&e->topic);
    f2m_strbuf_deinit(&e->text);
    f2m_strbuf_deinit(&e->ids[0]);
    f2m_strbuf_deinit(&e->ids[1]);
    f2m_strbuf_deinit(&e->refused_reload);
    free(e);
}

static void publish_own(struct f2m_engine *e, const char *leaf, const char *text, struct f2m_effects *fx)
{
    f2m_effects_publish_text(fx, f2m_own_topic(&e->topic, e->config->mqtt.base_topic, leaf), f2m_slice_of(text), true);
    e->own_said = true;
}

static void publish_cloud_state(struct f2m_engine *e, struct f2m_effects *fx)
{
    if (e->announced && e->cloud_told != F2M_CLOUD_UNKNOWN)
        publish_own(e, "cloud/state", e->cloud_told == F2M_CLOUD_ONLINE ? "online" : "offline", fx);
}

static void watch_cloud(struct f2m_engine *e, struct f2m_now now, struct f2m_effects *fx)
{
    enum f2m_cloud_state state = f2m_cloud_state(e->cloud);
    if (state == e->cloud_told)
        return;
    e->cloud_told = state;
    if (state == F2M_CLOUD_ONLINE)
        f2m_uploader_reachable(e->uploader, now);
    publish_cloud_state(e, fx);
    f2m_health_touch(e->health);
}

/* What the bridge says of itself. */
static void show_own(struct f2m_engine *e, struct f2m_effects *fx)
{
    publish_own(e, "bridge/state", "online", fx);
    f2m_info_publish(e->config, e->version, e->started_ms, fx);
    publish_cloud_state(e, fx);
    f2m_health_reset(e->health);
}

/* Interface, clarification 12: online only after every subscription is answered. Configurations before states (Home
 * Assistant). */
static void announce(struct f2m_engine *e, struct f2m_now now, struct f2m_effects *fx)
{
    if (e->announced || e->stopping || !f2m_subscriptions_complete(e->subscriptions))
        return;
    e->announced = true;
    f2m_effects_log(fx, F2M_LOG_INFO, "mqtt", "online: every subscription is answered", "");
    f2m_homeassistant_mqtt_up(e->homeassistant, now, fx);
    show_own(e, fx);
    rooms_mqtt_up(e, now, fx);
}

static void mqtt_down(struct f2m_engine *e, struct f2m_now now, const struct f2m_mqtt_down *down,
                      struct f2m_effects *fx)
{
    if (e->connected || !e->down_told) {
        char why[160];
        f2m_effects_log(fx, F2M_LOG_WARN, "mqtt", "no connection to the broker", "reason=%s",
                        f2m_log_value(down->text ? down->text : "unknown", why, sizeof why));
    }
    e->down_told = true;
    e->connected = e->announced = false;
    f2m_subscriptions_down(e->subscriptions);
    rooms_mqtt_down(e, now);
}

static void mqtt_up(struct f2m_engine *e, struct f2m_now now, struct f2m_effects *fx)
{
    f2m_effects_log(fx, F2M_LOG_INFO, "mqtt", "connected to the broker", "");
    e->connected = true;
    e->announced = e->down_told = false;
    f2m_subscriptions_up(e->subscriptions, fx);
    announce(e, now, fx);
}

static void tell_health(struct f2m_engine *e, struct f2m_now now, struct f2m_effects *fx)
{
    if (!e->announced || !f2m_health_due(e->health, now))
        return;
    struct f2m_health_facts facts;
    collect_facts(e, now, &facts);
    f2m_health_publish(e->health, now, e->config->mqtt.base_topic, &facts, fx);
}

static void tick(struct f2m_engine *e, struct f2m_now now, struct f2m_effects *fx)
{
    rooms_tick(e, now, fx);
    if (f2m_homeassistant_states_due(e->homeassistant) && e->announced && !e->stopping) {
        show_own(e, fx);
        rooms_show(e, now, fx);
    }
    if (e->stopping && !e->flushed) { /* the turn after: the partial points are on disk, so they may go up */
        f2m_uploader_flush(e->uploader, now, fx);
        e->flushed = true;
    }
    f2m_subscriptions_tick(e->subscriptions, now, fx);
    tell_health(e, now, fx);
}

static void stop(struct f2m_engine *e, struct f2m_now now, struct f2m_effects *fx)
{
    e->stopping = true;
    rooms_stop(e, now, fx);
}

void f2m_engine_goodbye(struct f2m_engine *e, struct f2m_effects *fx)
{
    if (e->connected)
        publish_own(e, "bridge/state", "offline", fx);
    e->announced = false;
}

void f2m_engine_step(struct f2m_engine *e, struct f2m_now now, const struct f2m_event *ev, struct f2m_effects *fx)
{
    watch_clock(e, now, fx);
    switch (ev->type) {
    case F2M_EV_TICK: tick(e, now, fx); break;
    case F2M_EV_MQTT_UP: mqtt_up(e, now, fx); break;
    case F2M_EV_MQTT_DOWN: mqtt_down(e, now, &ev->down, fx); break;
    case F2M_EV_MQTT_SUBSCRIBED:
        f2m_subscriptions_answered(e->subscriptions, now, ev->subscribed.filter, ev->subscribed.reason, fx);
        announce(e, now, fx);
        break;
    case F2M_EV_MQTT_MESSAGE: route_message(e, now, &ev->message, fx); break;
    case F2M_EV_MQTT_PUBLISHED: route_published(e, now, &ev->published, fx); break;
    case F2M_EV_HTTP_DONE:
        f2m_clock_offset_note(&e->clock_offset, now, ev->http.date_ms);
        (void)f2m_cloud_http_done(e->cloud, now, &ev->http, fx);
        break;
    case F2M_EV_WEBHOOK: route_webhook(e, now, &ev->webhook, fx); break;
    case F2M_EV_STOP: stop(e, now, fx); break;
    }
    watch_cloud(e, now, fx);
    if (ev->type != F2M_EV_TICK)
        f2m_health_touch(e->health);
}

static void tell_commit(struct f2m_engine *e, int r, struct f2m_effects *fx)
{
    e->commit_failing = r != 0;
    f2m_effects_log(fx, r ? F2M_LOG_ERROR : F2M_LOG_INFO, "store",
                    r ? "cannot write to the database: points wait in memory" : "the database is written again",
                    "path=%s reason=%s", e->config->storage.path,
                    r == -ENOSPC ? "disk-full"
                    : r          ? "io-error"
                                 : "ok");
}

void f2m_engine_commit(struct f2m_engine *e, struct f2m_now now, struct f2m_effects *fx)
{
    write_last_wall(e, now);
    int r = f2m_store_commit(e->store);
    bool changed = (r != 0) != e->commit_failing;
    if (r != 0)
        f2m_effects_withhold(fx);
    /* That we are there does not rest on the disk, and nothing else would say it before the next connection. */
    if (r != 0 && e->own_said && e->announced)
        show_own(e, fx);
    e->own_said = false;
    if (changed)
        tell_commit(e, r, fx);
    rooms_committed(e, now, r == 0, fx);
    if (changed) { /* health does not rest on the disk: what was withheld of it is said again */
        f2m_health_reset(e->health);
        tell_health(e, now, fx);
    }
}

int64_t f2m_engine_deadline(const struct f2m_engine *e, struct f2m_now now)
{
    int64_t deadline = rooms_deadline(e, now);
    int64_t other = f2m_subscriptions_deadline(e->subscriptions);
    if (other < deadline)
        deadline = other;
    other = e->announced ? f2m_health_deadline(e->health) : INT64_MAX;
    return other < deadline ? other : deadline;
}

void f2m_engine_reload(struct f2m_engine *e, struct f2m_now now, const struct f2m_config *config,
                       struct f2m_effects *fx)
{
    e->config = config;
    f2m_strbuf_reset(&e->refused_reload);
    rooms_reload(e, now, fx);
    want_subscriptions(e, fx);
    if (e->announced) {
        f2m_info_publish(config, e->version, e->started_ms, fx);
        e->own_said = true;
    }
    announce(e, now, fx); /* the last filter without an answer may have gone */
    f2m_health_touch(e->health);
}

void f2m_engine_reload_refused(struct f2m_engine *e, const char *text)
{
    f2m_strbuf_reset(&e->refused_reload);
    f2m_strbuf_adds(&e->refused_reload, text);
    f2m_health_touch(e->health);
}

bool f2m_engine_idle(const struct f2m_engine *e)
{
    return e->flushed && !f2m_uploader_busy(e->uploader);
}

bool f2m_engine_ready(const struct f2m_engine *e)
{
    return e->announced && e->cloud_told == F2M_CLOUD_ONLINE;
}

void f2m_engine_metrics(const struct f2m_engine *e, struct f2m_now now, struct f2m_strbuf *out)
{
    struct f2m_health_facts facts;
    /* The facts use the engine's own scratch buffer, and tell the devices' states what is wrong with them; what the
     * engine does stays the same. */
    collect_facts((struct f2m_engine *)(uintptr_t)e, now, &facts);
    f2m_health_metrics(&facts, out);
}

void f2m_engine_messages_dropped(struct f2m_engine *e, uint64_t total)
{
    if (total == e->inbox_dropped)
        return;
    e->counters.dropped += total - e->inbox_dropped;
    e->inbox_dropped = total;
    f2m_health_touch(e->health);
}

void f2m_engine_webhooks_refused(struct f2m_engine *e, uint64_t total)
{
    if (total == e->counters.webhooks_refused)
        return;
    e->counters.webhooks_refused = total;
    f2m_health_touch(e->health);
}
