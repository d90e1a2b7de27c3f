#include "app/listen.h"

#include "app/clock.h"
#include "store/sqlite.h"
#include "util/json.h"
#include "util/topic.h"
#include "util/xalloc.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- which topics a source reads ---- */

static void add_topic(void *ctx, const char *filter)
{
    struct listen_source *s = ctx;
    for (size_t i = 0; i < s->topics_len; i++)
        if (strcmp(s->topics[i].filter, filter) == 0)
            return;
    s->topics = f2m_xreallocarray(s->topics, s->topics_len + 1, sizeof *s->topics);
    s->topics[s->topics_len++] = (struct listen_topic){.filter = filter};
}

static void add_source(struct listen *l, const struct f2m_device *device, enum f2m_source_id id)
{
    const struct f2m_source *source = &device->telemetry.sources[id];
    if (source->op == F2M_SOURCE_NONE)
        return;
    l->sources = f2m_xreallocarray(l->sources, l->sources_len + 1, sizeof *l->sources);
    struct listen_source *s = &l->sources[l->sources_len++];
    *s = (struct listen_source){
        .device = device,
        .id = id,
        .reader = f2m_source_reader_new(source, f2m_source_info[id].kind),
    };
    f2m_source_reader_filters(s->reader, add_topic, s);
}

void listen_open(struct listen *l, const struct f2m_config *config)
{
    *l = (struct listen){.config = config};
    l->store = f2m_store_open_memory();
    l->effects = f2m_effects_new();
    l->outbox = f2m_outbox_new(config, l->store, &l->counters);
    l->telemetry = f2m_telemetry_new(config, l->store, l->outbox, &l->counters, f2m_clock_now());
    for (size_t i = 0; i < config->sites_len; i++)
        for (size_t d = 0; d < config->sites[i].devices_len; d++)
            for (size_t id = 0; id < F2M_SRC_COUNT; id++)
                add_source(l, &config->sites[i].devices[d], (enum f2m_source_id)id);
}

void listen_close(struct listen *l)
{
    for (size_t i = 0; i < l->sources_len; i++) {
        f2m_source_reader_free(l->sources[i].reader);
        free(l->sources[i].topics);
    }
    free(l->sources);
    f2m_telemetry_free(l->telemetry);
    f2m_outbox_free(l->outbox);
    f2m_effects_free(l->effects);
    f2m_store_free(l->store);
}

/* ---- listening ---- */

/* The payload as text on one line, clipped. */
static void keep_raw(struct listen_topic *t, struct f2m_slice payload)
{
    size_t n = payload.len < LISTEN_RAW_BYTES ? payload.len : LISTEN_RAW_BYTES;
    for (size_t i = 0; i < n; i++)
        t->raw[i] = (unsigned char)payload.at[i] < ' ' ? ' ' : payload.at[i];
    t->raw[n] = '\0';
    if (n < payload.len)
        memcpy(t->raw + n, "…", sizeof "…");
}

/* The names at the payload's top level: what the path could have been. */
static void keep_members(struct listen_source *s, struct f2m_slice payload)
{
    struct f2m_err ignored;
    f2m_autostrbuf names;
    f2m_strbuf_init(&names, sizeof s->members - 1);
    s->members[0] = '\0';
    if (f2m_json_check(payload, &ignored) != 0)
        return;
    struct f2m_json_iter it = f2m_json_iter(f2m_json_root(payload));
    struct f2m_slice name, value;
    while (f2m_json_next(&it, &name, &value) && !names.overflow) {
        if (!name.at)
            return; /* an array has no names */
        if (names.len)
            f2m_strbuf_adds(&names, ", ");
        f2m_strbuf_addc(&names, '/');
        (void)f2m_json_string(name, &names);
    }
    memcpy(s->members, names.data, names.len + 1);
}

static void feed_source(struct listen_source *s, struct f2m_now now, const struct f2m_mqtt_message *m)
{
    bool ours = false;
    for (size_t i = 0; i < s->topics_len; i++) {
        if (!f2m_topic_matches(s->topics[i].filter, m->topic.at))
            continue;
        ours = true;
        s->topics[i].messages++;
        s->topics[i].retained = m->retain;
        keep_raw(&s->topics[i], m->payload);
    }
    if (!ours)
        return;
    s->outcome = f2m_source_reader_feed(s->reader, now, m, &s->err);
    if (s->outcome == F2M_OUTCOME_MISSING)
        keep_members(s, m->payload);
}

static void feed(struct listen *l, const struct f2m_mqtt_message *m)
{
    struct f2m_now now = f2m_clock_now();
    for (size_t i = 0; i < l->sources_len; i++)
        feed_source(&l->sources[i], now, m);
    (void)f2m_telemetry_message(l->telemetry, now, m, l->effects);
    f2m_effects_reset(l->effects);
}

static void note_answer(struct listen *l, const struct f2m_mqtt_subscribed *answer)
{
    for (size_t i = 0; answer->reason >= 0x80 && i < l->sources_len; i++)
        for (size_t t = 0; t < l->sources[i].topics_len; t++)
            if (strcmp(l->sources[i].topics[t].filter, answer->filter) == 0)
                l->sources[i].topics[t].refused = true;
}

static void subscribe(void *tool, const char *filter)
{
    (void)f2m_mqtt_subscribe(((struct tool *)tool)->mqtt, filter);
}

/* Keepalives make some systems talk (Victron); doctor sends them as the bridge would. */
static void publish_keepalives(struct listen *l, struct tool *tool)
{
    f2m_telemetry_tick(l->telemetry, f2m_clock_now(), l->effects);
    for (size_t i = 0; i < f2m_effects_count(l->effects); i++) {
        const struct f2m_effect *e = f2m_effects_at(l->effects, i);
        if (e->type == F2M_FX_PUBLISH &&
            strncmp(e->publish.topic, l->config->mqtt.base_topic, strlen(l->config->mqtt.base_topic)) != 0)
            (void)f2m_mqtt_publish(tool->mqtt, &e->publish);
    }
    f2m_effects_reset(l->effects);
}

static bool all_seen(const struct listen *l)
{
    for (size_t i = 0; i < l->sources_len; i++)
        for (size_t t = 0; t < l->sources[i].topics_len; t++)
            if (!l->sources[i].topics[t].messages && !l->sources[i].topics[t].refused)
                return false;
    return true;
}

void listen_run(struct listen *l, struct tool *tool, int64_t deadline_ms, bool until_seen)
{
    struct f2m_event event;
    f2m_telemetry_filters(l->telemetry, subscribe, tool);
    f2m_telemetry_mqtt_up(l->telemetry, f2m_clock_now(), l->effects);
    for (;;) {
        publish_keepalives(l, tool);
        int64_t now = f2m_clock_now().mono_ms;
        if (now >= deadline_ms || (until_seen && all_seen(l)))
            return;
        if (!tool_next(tool, now + 1000 < deadline_ms ? now + 1000 : deadline_ms, &event))
            continue;
        if (event.type == F2M_EV_MQTT_SUBSCRIBED)
            note_answer(l, &event.subscribed);
        else if (event.type == F2M_EV_MQTT_MESSAGE)
            feed(l, &event.message);
    }
}

/* ---- plain words ---- */

static const struct listen_topic *silent_topic(const struct listen_source *s)
{
    for (size_t i = 0; i < s->topics_len; i++)
        if (s->topics[i].messages == 0)
            return &s->topics[i];
    return NULL;
}

static const char *topic_complaint(const struct listen_topic *t, int64_t listened_ms, char *buf, size_t size)
{
    if (t->refused)
        (void)snprintf(buf, size,
                       "the broker refuses the subscription to %s: give the broker's user the right to read it",
                       t->filter);
    else
        (void)snprintf(buf, size,
                       "nothing came on %s in %lld s: compare the spelling with what the integration publishes "
                       "(mosquitto_sub -v -t '#'), or listen longer with --for",
                       t->filter, (long long)(listened_ms / 1000));
    return buf;
}

const char *listen_complaint(const struct listen_source *s, struct f2m_now now, int64_t listened_ms, char *buf,
                             size_t size)
{
    const struct f2m_source *source = &s->device->telemetry.sources[s->id];
    const struct listen_topic *silent = silent_topic(s);
    if (silent)
        return topic_complaint(silent, listened_ms, buf, size);
    switch (s->outcome) {
    case F2M_OUTCOME_INVALID:
        (void)snprintf(buf, size, "cannot be read: %s; check path, unit, map and format of this source", s->err.text);
        return buf;
    case F2M_OUTCOME_NO_DATA: return "the sender says that it has no value: look at the integration, not at the bridge";
    case F2M_OUTCOME_MISSING:
        (void)snprintf(buf, size, "nothing stands at path %s%s%s", source->path ? source->path : "(of a part)",
                       s->members[0] ? "; the payload has " : ": is the payload JSON at all?", s->members);
        return buf;
    case F2M_OUTCOME_STALE:
        return "only a retained message of unknown age came: it counts once a live one comes, or at once with "
               "`retained: accept`";
    case F2M_OUTCOME_LATE: return "its timestamp lies before the open interval: is the sender's clock right?";
    case F2M_OUTCOME_TAKEN:
    case F2M_OUTCOME_NONE: break;
    }
    struct f2m_reading r = f2m_source_reader_read(s->reader, now);
    if (r.known && !r.fresh) {
        (void)snprintf(buf, size, "the value is older than max_age (%lld s): it would be sent as null",
                       (long long)(source->max_age_ms / 1000));
        return buf;
    }
    return NULL;
}
