#include "fixture.h"

#include "store/sqlite.h"
#include "util/json.h"
#include "util/xalloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *text(const char *s)
{
    static char pool[1 << 16];
    static size_t used;
    size_t size = strlen(s) + 1;

    ck_assert_uint_le(used + size, sizeof pool);
    char *copy = memcpy(pool + used, s, size);
    used += size;
    return copy;
}

struct f2m_source source_on(const char *topic)
{
    return (struct f2m_source){
        .op = F2M_SOURCE_TOPIC, .topic = text(topic), .scale = 1, .sign = 1, .max_age_ms = 300000};
}

const struct f2m_unit *unit_of(const char *name)
{
    return *name ? f2m_unit_find(f2m_slice_of(name)) : NULL;
}

struct f2m_source source_at(const char *topic, const char *path, const char *unit)
{
    struct f2m_source s = source_on(topic);

    s.path = path ? text(path) : NULL;
    s.format = path ? F2M_FORMAT_JSON : F2M_FORMAT_TEXT;
    s.unit = unit_of(unit);
    return s;
}

void home_init(struct home *h, size_t devices)
{
    static const char *const ids[HOME_DEVICES] = {"battery", "battery-2", "battery-3"};

    *h = (struct home){.now = {.mono_ms = 1000000, .wall_ms = NOON}};
    h->site = (struct f2m_site){.id = text("home"), .devices = h->devices, .devices_len = devices};
    h->config = (struct f2m_config){.sites = &h->site, .sites_len = 1};
    h->config.mqtt.base_topic = text("flip2mqtt");
    h->config.flip.upload_delay_ms = 2000;
    h->config.storage.max_age_ms = INT64_C(30) * 86400000;
    h->config.storage.max_size = 256000000;
    for (size_t i = 0; i < HOME_DEVICES; i++) {
        struct f2m_device *d = &h->devices[i];
        d->id = d->name = text(ids[i]);
        d->site = &h->site;
        d->capacity = 13500;
        d->max_charge = d->max_discharge = 5000;
        d->telemetry.interval_ms = d->telemetry.max_age_ms = 300000;
        d->telemetry.default_mode = F2M_MODE_SELF_CONSUMPTION;
        d->telemetry.availability = (struct f2m_availability){.online = text("online"), .offline = text("offline")};
    }
    h->store = f2m_store_open_memory();
    h->fx = f2m_effects_new();
    f2m_strbuf_init(&h->text, 0);
}

void home_map(struct home *h, enum f2m_source_id id, struct f2m_source s)
{
    h->devices[0].telemetry.sources[id] = s;
}

void home_start(struct home *h)
{
    h->outbox = f2m_outbox_new(&h->config, h->store, &h->counters);
    h->telemetry = f2m_telemetry_new(&h->config, h->store, h->outbox, &h->counters, h->now);
    f2m_telemetry_mqtt_up(h->telemetry, h->now, h->fx);
    home_tick(h);
}

static void commit(struct home *h)
{
    bool ok = f2m_store_commit(h->store) == 0;

    ck_assert(ok);
    f2m_outbox_committed(h->outbox, h->now, ok, h->fx);
}

void home_crash(struct home *h)
{
    f2m_store_undo(h->store);
    f2m_telemetry_free(h->telemetry);
    f2m_outbox_free(h->outbox);
    h->telemetry = NULL;
    h->outbox = NULL;
}

void home_stop(struct home *h)
{
    f2m_telemetry_stop(h->telemetry, h->now, h->fx);
    commit(h);
    home_crash(h);
}

void home_deinit(struct home *h)
{
    if (h->telemetry)
        home_crash(h);
    f2m_effects_free(h->fx);
    f2m_store_free(h->store);
    f2m_strbuf_deinit(&h->text);
}

void home_tick(struct home *h)
{
    for (int guard = 0; guard < 10000; guard++) {
        f2m_outbox_tick(h->outbox, h->now, h->fx);
        f2m_telemetry_tick(h->telemetry, h->now, h->fx);
        commit(h);
        if (f2m_telemetry_deadline(h->telemetry, h->now) > h->now.mono_ms)
            return;
    }
    ck_abort_msg("the room never comes to rest");
}

void home_sleep(struct home *h, int64_t ms)
{
    h->now.mono_ms += ms;
    h->now.wall_ms += ms;
}

void home_wait(struct home *h, int64_t ms)
{
    int64_t until = h->now.mono_ms + ms;

    while (h->now.mono_ms < until) {
        int64_t due = f2m_telemetry_deadline(h->telemetry, h->now);
        home_sleep(h, (due < until ? due : until) - h->now.mono_ms);
        home_tick(h);
    }
}

void home_set_clock(struct home *h, int64_t delta_ms)
{
    h->now.wall_ms += delta_ms;
}

static void send(struct home *h, const char *topic, const char *payload, bool retain)
{
    struct f2m_mqtt_message m = {.topic = f2m_slice_of(topic), .payload = f2m_slice_of(payload), .retain = retain};

    f2m_telemetry_message(h->telemetry, h->now, &m, h->fx);
    home_tick(h);
}

void home_send(struct home *h, const char *topic, const char *payload)
{
    send(h, topic, payload, false);
}

void home_send_retained(struct home *h, const char *topic, const char *payload)
{
    send(h, topic, payload, true);
}

struct search {
    const char *device_id;
    size_t left, seen;
    struct f2m_strbuf *out;
};

static bool each_point(void *ctx, const struct f2m_point *p)
{
    struct search *s = ctx;

    if (strcmp(p->device_id, s->device_id) != 0)
        return true;
    s->seen++;
    if (s->out && s->left-- == 0) {
        f2m_strbuf_add(s->out, p->body.at, p->body.len);
        return false;
    }
    return true;
}

const char *home_point(struct home *h, const char *device_id, size_t i)
{
    struct search s = {.device_id = device_id, .left = i, .out = &h->text};
    struct f2m_point_query all = {.endpoint = F2M_TELEMETRY_OFF, .order = F2M_POINTS_OLDEST};

    f2m_strbuf_reset(&h->text);
    ck_assert_int_eq(f2m_store_points_each(h->store, &all, each_point, &s), 0);
    return h->text.len ? h->text.data : NULL;
}

size_t home_points(struct home *h, const char *device_id)
{
    struct search s = {.device_id = device_id};
    struct f2m_point_query all = {.endpoint = F2M_TELEMETRY_OFF, .order = F2M_POINTS_OLDEST};

    ck_assert_int_eq(f2m_store_points_each(h->store, &all, each_point, &s), 0);
    return s.seen;
}

const char *json_at(struct home *h, const char *json, const char *pointer)
{
    static char value[512];
    struct f2m_slice found;
    struct f2m_err err;

    (void)h;
    ck_assert_msg(f2m_json_check(f2m_slice_of(json), &err) == 0, "%s in %s", err.text, json);
    if (!f2m_json_find(f2m_slice_of(json), pointer, &found))
        return "(nothing there)";
    snprintf(value, sizeof value, "%.*s", (int)found.len, found.at);
    return value;
}

const char *home_field(struct home *h, size_t i, const char *name)
{
    char pointer[128];
    const char *point = home_point(h, h->devices[0].id, i);

    ck_assert_msg(point != NULL, "there is no point %zu", i);
    snprintf(pointer, sizeof pointer, "/%s", name);
    return json_at(h, point, pointer);
}

const char *home_published(struct home *h, const char *topic)
{
    const char *last = NULL;

    for (size_t i = 0; i < f2m_effects_count(h->fx); i++) {
        const struct f2m_effect *e = f2m_effects_at(h->fx, i);
        if (e->type == F2M_FX_PUBLISH && strcmp(e->publish.topic, topic) == 0)
            last = e->publish.payload.at;
    }
    return last;
}

size_t home_publishes(struct home *h, const char *topic)
{
    size_t n = 0;

    for (size_t i = 0; i < f2m_effects_count(h->fx); i++) {
        const struct f2m_effect *e = f2m_effects_at(h->fx, i);
        n += e->type == F2M_FX_PUBLISH && strcmp(e->publish.topic, topic) == 0;
    }
    return n;
}

void home_forget(struct home *h)
{
    f2m_effects_reset(h->fx);
}

int run_tests(const char *name, void (*setup)(void), void (*teardown)(void), const TTest *const *tests, size_t n)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);

    if (setup)
        tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < n; i++)
        tcase_add_test(tcase, tests[i]);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
