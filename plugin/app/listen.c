#include "app/listen.h"

#include "app/clock.h"
#include "port/own_topic.h"
#include "store/sqlite.h"
#include "telemetry/payload.h"
#include "util/json.h"
#include "util/topic.h"
#include "util/utf8.h"
#include "util/xalloc.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- what the sources read ---- */

static void add_leaves(struct listen_source *s, const struct f2m_source *part)
{
    if (part->op == F2M_SOURCE_TOPIC || part->op == F2M_SOURCE_CONST) {
        s->leaves = f2m_xreallocarray(s->leaves, s->leaves_len + 1, sizeof *s->leaves);
        s->leaves[s->leaves_len++] = (struct listen_leaf){
            .source = part,
            .filter = part->op == F2M_SOURCE_TOPIC ? part->topic : NULL,
        };
        return;
    }
    for (size_t i = 0; i < part->parts_len; i++)
        add_leaves(s, &part->parts[i]);
}

static void add_source(struct listen *l, struct listen_source s)
{
    if (!s.source || s.source->op == F2M_SOURCE_NONE)
        return;
    s.reader = f2m_source_reader_new(s.source, s.kind);
    add_leaves(&s, s.source);
    l->sources = f2m_xreallocarray(l->sources, l->sources_len + 1, sizeof *l->sources);
    l->sources[l->sources_len++] = s;
}

/* Availability is no source of the configuration, but read like one it is shown like one. */
static void add_availability(struct listen *l, const struct f2m_device *d)
{
    static char yes[] = "true", no[] = "false";
    const struct f2m_availability *a = &d->telemetry.availability;

    if (!a->topic)
        return;
    struct f2m_source *own = f2m_xcalloc(1, sizeof *own);
    *own = (struct f2m_source){
        .op = F2M_SOURCE_TOPIC,
        .topic = a->topic,
        .path = a->path,
        .format = a->path ? F2M_FORMAT_JSON : F2M_FORMAT_TEXT,
        .retained_accept = true,
        .map = f2m_xcalloc(2, sizeof *own->map),
        .map_len = 2,
        .scale = 1,
        .sign = 1,
        .max_age_ms = F2M_FOREVER / 2,
    };
    own->map[0] = (struct f2m_map_entry){a->online, yes};
    own->map[1] = (struct f2m_map_entry){a->offline, no};
    add_source(l, (struct listen_source){.device = d,
                                         .role = LISTEN_AVAILABILITY,
                                         .name = "availability",
                                         .kind = F2M_VALUE_BOOL,
                                         .source = own,
                                         .own = own});
}

static void add_fields(struct listen *l, const struct f2m_device *d)
{
    const struct {
        const char *name;
        const struct f2m_device_field *field;
        enum f2m_value_kind kind;
    } fields[] = {
        {"manufacturer_name", &d->manufacturer_name, F2M_VALUE_TEXT},
        {"product_name", &d->product_name, F2M_VALUE_TEXT},
        {"serial_number", &d->serial_number, F2M_VALUE_TEXT},
        {"install_date", &d->install_date, F2M_VALUE_TEXT},
        {"capacity", &d->capacity_wh, F2M_VALUE_ENERGY},
        {"max_charge", &d->max_charge_w, F2M_VALUE_POWER},
        {"max_discharge", &d->max_discharge_w, F2M_VALUE_POWER},
    };

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (!fields[i].field->value)
            add_source(l, (struct listen_source){.device = d,
                                                 .role = LISTEN_COMMISSIONING,
                                                 .name = fields[i].name,
                                                 .kind = fields[i].kind,
                                                 .source = fields[i].field->source});
}

static void add_device(struct listen *l, const struct f2m_device *d)
{
    if (d->type == F2M_DEVICE_BATTERY) {
        for (size_t id = 0; id < F2M_SRC_COUNT; id++)
            add_source(l, (struct listen_source){.device = d,
                                                 .role = LISTEN_TELEMETRY,
                                                 .id = (enum f2m_source_id)id,
                                                 .name = f2m_source_info[id].name,
                                                 .kind = f2m_source_info[id].kind,
                                                 .source = &d->telemetry.sources[id]});
        add_availability(l, d);
    }
    add_source(
        l, (struct listen_source){
               .device = d, .role = LISTEN_VETO, .name = "veto", .kind = F2M_VALUE_BOOL, .source = &d->control.veto});
    add_fields(l, d);
}

void listen_open(struct listen *l, const struct f2m_config *config)
{
    *l = (struct listen){.config = config};
    f2m_strbuf_init(&l->state, 0);
    f2m_strbuf_init(&l->health, 0);
    l->store = f2m_store_open_memory();
    l->effects = f2m_effects_new();
    l->outbox = f2m_outbox_new(config, l->store, &l->counters);
    l->telemetry = f2m_telemetry_new(config, l->store, l->outbox, &l->counters, f2m_clock_now());
    for (size_t i = 0; i < config->sites_len; i++)
        for (size_t d = 0; d < config->sites[i].devices_len; d++)
            add_device(l, &config->sites[i].devices[d]);
}

static void free_source(struct listen_source *s)
{
    f2m_source_reader_free(s->reader);
    free(s->leaves);
    if (s->own)
        free(s->own->map);
    free(s->own);
}

void listen_close(struct listen *l)
{
    for (size_t i = 0; i < l->sources_len; i++)
        free_source(&l->sources[i]);
    free(l->sources);
    for (size_t i = 0; i < l->names_len; i++)
        free(l->names[i]);
    free(l->names);
    f2m_strbuf_deinit(&l->state);
    f2m_strbuf_deinit(&l->health);
    f2m_telemetry_free(l->telemetry);
    f2m_outbox_free(l->outbox);
    f2m_effects_free(l->effects);
    f2m_store_free(l->store);
}

/* ---- what a message says ---- */

/* As text on one line, clipped. */
static void keep_text(char out[LISTEN_RAW_BYTES + 8], struct f2m_slice bytes)
{
    size_t n = bytes.len <= LISTEN_RAW_BYTES ? bytes.len : f2m_utf8_clip(bytes.at, LISTEN_RAW_BYTES);

    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)bytes.at[i] < ' ' ? ' ' : bytes.at[i];
    out[n] = '\0';
    if (n < bytes.len)
        memcpy(out + n, "…", sizeof "…");
}

/* What stands nearest above the path: an object or array. Cuts the path down to its place. */
static struct f2m_slice nearest(struct f2m_slice root, char *path)
{
    struct f2m_slice value = root;

    for (char *slash; *path && !f2m_json_find(root, path, &value); *slash = '\0') {
        slash = strrchr(path, '/');
        value = root;
    }
    return value;
}

/* A member's name as a token of a JSON Pointer. */
static void add_token(struct f2m_strbuf *out, struct f2m_slice name)
{
    char plain[128];

    if (!f2m_json_string_copy(name, plain, sizeof plain))
        return;
    for (const char *p = plain; *p; p++) {
        if (*p == '~' || *p == '/')
            f2m_strbuf_adds(out, *p == '~' ? "~0" : "~1");
        else
            f2m_strbuf_addc(out, *p);
    }
}

/* The paths that there are instead. */
static void keep_members(struct listen_leaf *leaf, struct f2m_slice payload)
{
    char place[512];
    struct f2m_err ignored;
    f2m_autostrbuf paths;

    f2m_strbuf_init(&paths, sizeof leaf->members - 8);
    leaf->members[0] = '\0';
    const char *path = leaf->source->path ? leaf->source->path : "";
    if (leaf->source->format == F2M_FORMAT_KEYVALUE || strlen(path) >= sizeof place ||
        f2m_json_check(payload, &ignored) != 0)
        return;
    memcpy(place, path, strlen(path) + 1);
    struct f2m_slice value = nearest(f2m_json_root(payload), place), name, member;
    struct f2m_json_iter it = f2m_json_iter(value);
    size_t shown = 0, index = 0;
    for (; f2m_json_next(&it, &name, &member) && !paths.overflow; index++) {
        f2m_strbuf_addf(&paths, "%s%s/", index ? ", " : "", place);
        if (name.at)
            add_token(&paths, name);
        else
            f2m_strbuf_addf(&paths, "%zu", index);
        if (!paths.overflow)
            shown = paths.len;
    }
    memcpy(leaf->members, paths.data ? paths.data : "", shown);
    memcpy(leaf->members + shown, paths.overflow ? ", …" : "", paths.overflow ? sizeof ", …" : 1);
}

static void feed_leaf(struct listen_source *s, size_t i, struct f2m_now now, const struct f2m_mqtt_message *m)
{
    struct listen_leaf *leaf = &s->leaves[i];
    struct f2m_payload payload;
    struct f2m_sample sample;
    struct f2m_scalar scalar;
    struct f2m_err ignored;
    bool changed;

    leaf->messages++;
    leaf->retained = m->retain;
    keep_text(leaf->raw, m->payload);
    f2m_payload_init(&payload, m->payload);
    leaf->text[0] = '\0';
    if (f2m_payload_scalar(&payload, leaf->source->format, leaf->source->path, &scalar, &ignored) == 0)
        keep_text(leaf->text, scalar.text);
    leaf->outcome = f2m_source_reader_decode(s->reader, i, now, m->retain, &payload, &sample, &leaf->err);
    leaf->outcome = f2m_source_reader_put(s->reader, i, leaf->outcome, &sample, now.mono_ms, &changed, &leaf->err);
    if (leaf->outcome == F2M_OUTCOME_MISSING || leaf->outcome == F2M_OUTCOME_INVALID)
        keep_members(leaf, m->payload);
}

static bool is_below(const char *topic, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(topic, prefix, len) == 0 && (topic[len] == '/' || topic[len] == '\0');
}

static void note_name(struct listen *l, const char *topic)
{
    if (l->names_len == LISTEN_NAMES || is_below(topic, l->config->homeassistant.discovery_topic))
        return;
    for (size_t i = 0; i < l->names_len; i++)
        if (strcmp(l->names[i], topic) == 0)
            return;
    l->names = f2m_xreallocarray(l->names, l->names_len + 1, sizeof *l->names);
    l->names[l->names_len++] = f2m_xstrdup(topic);
}

/* What a running bridge says of itself. */
static void note_bridge(struct listen *l, const struct f2m_mqtt_message *m)
{
    const char *below = m->topic.at + strlen(l->config->mqtt.base_topic);
    struct f2m_strbuf *into = strcmp(below, "/bridge/state") == 0    ? &l->state
                              : strcmp(below, "/bridge/health") == 0 ? &l->health
                                                                     : NULL;
    if (!into)
        return;
    f2m_strbuf_reset(into);
    f2m_strbuf_add(into, m->payload.at, m->payload.len);
}

static void feed(struct listen *l, const struct f2m_mqtt_message *m)
{
    struct f2m_now now = f2m_clock_now();

    if (is_below(m->topic.at, l->config->mqtt.base_topic))
        note_bridge(l, m);
    else if (l->looked_around)
        note_name(l, m->topic.at);
    if (l->looked_around && m->retain)
        return; /* the subscription to everything replays what was seen already, as if it had come last */
    for (size_t i = 0; i < l->sources_len; i++)
        for (size_t leaf = 0; leaf < l->sources[i].leaves_len; leaf++)
            if (l->sources[i].leaves[leaf].filter && f2m_topic_matches(l->sources[i].leaves[leaf].filter, m->topic.at))
                feed_leaf(&l->sources[i], leaf, now, m);
    (void)f2m_telemetry_message(l->telemetry, now, m, l->effects);
    f2m_effects_reset(l->effects);
}

/* ---- listening ---- */

static void each_leaf(struct listen *l, void (*visit)(void *ctx, struct listen_leaf *), void *ctx)
{
    for (size_t i = 0; i < l->sources_len; i++)
        for (size_t leaf = 0; leaf < l->sources[i].leaves_len; leaf++)
            if (l->sources[i].leaves[leaf].filter)
                visit(ctx, &l->sources[i].leaves[leaf]);
}

static void refuse(void *ctx, struct listen_leaf *leaf)
{
    const struct f2m_mqtt_subscribed *answer = ctx;

    leaf->refused = leaf->refused || strcmp(leaf->filter, answer->filter) == 0;
}

static void count_silent(void *n, struct listen_leaf *leaf)
{
    *(size_t *)n += !leaf->messages && !leaf->refused;
}

static size_t silent(struct listen *l)
{
    size_t n = 0;

    each_leaf(l, count_silent, &n);
    return n;
}

static void subscribe(void *tool, struct listen_leaf *leaf)
{
    (void)f2m_mqtt_subscribe(((struct tool *)tool)->mqtt, leaf->filter);
}

static void subscribe_to_bridge(struct listen *l, struct tool *tool)
{
    f2m_autostrbuf topic;

    f2m_strbuf_init(&topic, 0);
    (void)f2m_mqtt_subscribe(tool->mqtt, f2m_own_topic(&topic, l->config->mqtt.base_topic, "bridge/state"));
    (void)f2m_mqtt_subscribe(tool->mqtt, f2m_own_topic(&topic, l->config->mqtt.base_topic, "bridge/health"));
}

/* Keepalives make some systems talk (Victron); doctor sends them as the bridge would. */
static void publish_keepalives(struct listen *l, struct tool *tool)
{
    f2m_telemetry_tick(l->telemetry, f2m_clock_now(), l->effects);
    for (size_t i = 0; i < f2m_effects_count(l->effects); i++) {
        const struct f2m_effect *e = f2m_effects_at(l->effects, i);
        if (e->type == F2M_FX_PUBLISH && !is_below(e->publish.topic, l->config->mqtt.base_topic))
            (void)f2m_mqtt_publish(tool->mqtt, &e->publish);
    }
    f2m_effects_reset(l->effects);
}

void listen_run(struct listen *l, struct tool *tool, int64_t deadline_ms, bool until_seen)
{
    struct f2m_event event;
    int64_t around_ms = (f2m_clock_now().mono_ms + deadline_ms) / 2;

    each_leaf(l, subscribe, tool);
    if (!until_seen)
        subscribe_to_bridge(l, tool);
    f2m_telemetry_mqtt_up(l->telemetry, f2m_clock_now(), l->effects);
    for (;;) {
        publish_keepalives(l, tool);
        int64_t now = f2m_clock_now().mono_ms;
        if (now >= deadline_ms || (until_seen && silent(l) == 0))
            return;
        if (!until_seen && !l->looked_around && now >= around_ms && silent(l) > 0)
            l->looked_around = f2m_mqtt_subscribe(tool->mqtt, "#") == 0;
        if (!tool_next(tool, now + 1000 < deadline_ms ? now + 1000 : deadline_ms, &event))
            continue;
        if (event.type == F2M_EV_MQTT_SUBSCRIBED && event.subscribed.reason >= 0x80)
            each_leaf(l, refuse, &event.subscribed);
        else if (event.type == F2M_EV_MQTT_MESSAGE)
            feed(l, &event.message);
    }
}
