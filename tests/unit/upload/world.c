#include "world.h"

#include "store/sqlite.h"
#include "util/json.h"
#include "util/xalloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world w;
static struct f2m_strbuf text, shown;
static char ids[WORLD_DEVICES][2] = {"A", "B", "C"}, site_id[] = "s", token[] = "client-token", base[] = "f2m";

static void start(void)
{
    w.cloud = f2m_cloud_new(&w.config, &w.counters, &w.rng);
    w.outbox = f2m_outbox_new(&w.config, w.store, &w.counters);
    w.uploader = f2m_uploader_new(&w.config, w.cloud, w.outbox, w.store, &w.rng, &w.counters);
}

static void stop(void)
{
    f2m_uploader_free(w.uploader);
    f2m_outbox_free(w.outbox);
    f2m_cloud_free(w.cloud);
    for (size_t i = 0; i < w.flying_len; i++)
        free((char *)(uintptr_t)w.flying[i].body.at);
    w.flying_len = 0;
}

void world_setup(void)
{
    w = (struct world){.now = {1000000, 1750000000000}, .rng = {42}};
    for (int i = 0; i < WORLD_DEVICES; i++) {
        w.devices[i].id = ids[i];
        w.devices[i].telemetry.interval_ms = 300000;
        w.devices[i].telemetry.endpoint = i < 2 ? F2M_TELEMETRY_INTERVAL : F2M_TELEMETRY_COUNTER;
    }
    w.site = (struct f2m_site){.id = site_id, .devices = w.devices, .devices_len = WORLD_DEVICES};
    w.config = (struct f2m_config){.sites = &w.site, .sites_len = 1};
    w.config.flip.token = token;
    w.config.flip.upload_delay_ms = 2000;
    w.config.mqtt.base_topic = base;
    w.config.storage.max_age_ms = 30 * 86400000LL;
    w.config.storage.max_size = 256000000;
    w.store = f2m_fault_store_new(f2m_store_open_memory());
    w.fx = f2m_effects_new();
    f2m_strbuf_init(&w.published, 0);
    f2m_strbuf_init(&w.logs, 0);
    f2m_strbuf_init(&text, 0);
    f2m_strbuf_init(&shown, 0);
    start();
    world_turn(); /* nothing waited over the start */
}

void world_teardown(void)
{
    stop();
    f2m_store_free(w.store);
    f2m_effects_free(w.fx);
    f2m_strbuf_deinit(&w.published);
    f2m_strbuf_deinit(&w.logs);
    f2m_strbuf_deinit(&text);
    f2m_strbuf_deinit(&shown);
}

void world_restart(void)
{
    stop();
    f2m_effects_reset(w.fx);
    f2m_fault_store_crash(w.store);
    start();
}

/* ---- turns ---- */

const char *world_body(const char *device, int64_t start_s)
{
    static char body[160];
    snprintf(body, sizeof body, "{\"device_id\":\"%s\",\"start_s\":%" PRId64 ",\"duration_s\":300}", device, start_s);
    return body;
}

int world_put(const char *device, int64_t start_s)
{
    struct f2m_point p = {
        .device_id = device,
        .start_ms = start_s * 1000,
        .endpoint = strcmp(device, "C") == 0 ? F2M_TELEMETRY_COUNTER : F2M_TELEMETRY_INTERVAL,
        .body = f2m_slice_of(world_body(device, start_s)),
        .closed_ms = w.now.wall_ms,
    };
    return f2m_outbox_put(w.outbox, w.now, &p, w.fx);
}

static void carry_out(const struct f2m_effect *e)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    if (e->type == F2M_FX_HTTP) {
        WORLD_MUST(w.flying_len < WORLD_MAX_FLYING, "too many requests in flight");
        struct world_request *r = &w.flying[w.flying_len++];
        *r = (struct world_request){.tag = e->http.tag, .sent_mono = w.now.mono_ms};
        snprintf(r->path, sizeof r->path, "%s", e->http.path);
        r->body = (struct f2m_slice){f2m_xmemdup0(e->http.body.at, e->http.body.len), e->http.body.len};
        w.requests++;
    } else if (e->type == F2M_FX_PUBLISH) {
        WORLD_MUST(e->publish.retain, "%s is not retained", e->publish.topic);
        f2m_strbuf_addf(&w.published, "%s %.*s\n", e->publish.topic, (int)e->publish.payload.len,
                        e->publish.payload.at);
    } else if (e->type == F2M_FX_LOG) {
        f2m_strbuf_addf(&w.logs, "%s %s %s\n", levels[e->log.level], e->log.msg, e->log.pairs);
    }
}

void world_turn(void)
{
    f2m_outbox_tick(w.outbox, w.now, w.fx);
    f2m_uploader_tick(w.uploader, w.now, w.fx);
    f2m_cloud_tick(w.cloud, w.now, w.fx);
    w.commit_failed = f2m_store_commit(w.store) != 0;
    if (w.commit_failed)
        f2m_effects_withhold(w.fx);
    f2m_outbox_committed(w.outbox, w.now, !w.commit_failed, w.fx);
    for (size_t i = 0; i < f2m_effects_count(w.fx); i++)
        carry_out(f2m_effects_at(w.fx, i));
    f2m_effects_reset(w.fx);
}

void world_pass(int64_t ms)
{
    w.now.mono_ms += ms;
    w.now.wall_ms += ms;
    world_turn();
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t world_deadline(void)
{
    int64_t at = earlier(f2m_outbox_deadline(w.outbox), f2m_uploader_deadline(w.uploader, w.now));
    return earlier(at, f2m_cloud_deadline(w.cloud));
}

static bool run(int64_t ms, bool stop_at_request)
{
    int64_t end = w.now.mono_ms + ms;
    int busy = 0;
    for (;;) {
        if (stop_at_request && w.flying_len > 0)
            return true;
        int64_t due = world_deadline(), next = earlier(due, end);
        if (w.now.mono_ms >= end && due > end)
            return false;
        busy = next <= w.now.mono_ms ? busy + 1 : 0;
        WORLD_MUST(busy < 60, "a busy loop: the deadline does not move");
        world_pass(next > w.now.mono_ms ? next - w.now.mono_ms : 0);
    }
}

bool world_until_request(int64_t ms)
{
    return run(ms, true);
}

void world_run(int64_t ms)
{
    (void)run(ms, false);
}

/* ---- answers ---- */

void world_answer_with(size_t n, const struct f2m_http_result *given)
{
    WORLD_MUST(n < w.flying_len, "no request %zu is in flight", n);
    struct f2m_http_result result = *given;
    result.tag = w.flying[n].tag;
    free((char *)(uintptr_t)w.flying[n].body.at);
    w.flying_len--;
    memmove(&w.flying[n], &w.flying[n + 1], (w.flying_len - n) * sizeof w.flying[0]);
    WORLD_MUST(f2m_cloud_http_done(w.cloud, w.now, &result, w.fx), "nobody waits for this result");
    world_turn();
}

void world_answer(size_t n, int status, const char *body)
{
    world_answer_with(n, &(struct f2m_http_result){.status = status, .body = f2m_slice_of(body)});
}

void world_ok(size_t n)
{
    size_t points = world_points_count(n);
    f2m_autostrbuf body;
    f2m_strbuf_init(&body, 0);
    for (size_t i = 0; i < points; i++)
        f2m_strbuf_adds(&body, i ? ",{\"status\":\"OK\"}" : "[{\"status\":\"OK\"}");
    f2m_strbuf_addc(&body, ']');
    world_answer(n, 200, body.data);
}

/* ---- what there is to see ---- */

static struct f2m_slice points_of(size_t n)
{
    WORLD_MUST(n < w.flying_len, "no request %zu is in flight", n);
    struct f2m_err err = {""};
    WORLD_MUST(f2m_json_check(w.flying[n].body, &err) == 0, "%s", err.text);
    struct f2m_slice points = f2m_json_member(f2m_json_root(w.flying[n].body), "telemetry");
    WORLD_MUST(f2m_json_type(points) == F2M_JSON_ARRAY, "a request without points");
    return points;
}

size_t world_points_count(size_t n)
{
    return f2m_json_count(points_of(n));
}

static void show(const char *device, int64_t start_s)
{
    f2m_strbuf_addf(&shown, "%s%s@%" PRId64, shown.len ? " " : "", device, start_s);
}

const char *world_points(size_t n)
{
    struct f2m_slice name, value;
    f2m_strbuf_reset(&shown);
    for (struct f2m_json_iter it = f2m_json_iter(points_of(n)); f2m_json_next(&it, &name, &value);) {
        char device[64];
        int64_t start_s;
        WORLD_MUST(f2m_json_string_copy(f2m_json_member(value, "device_id"), device, sizeof device) &&
                       f2m_json_integer(f2m_json_member(value, "start_s"), &start_s),
                   "a point without a key");
        WORLD_MUST(f2m_slice_is(value, world_body(device, start_s)), "%s@%" PRId64 " has another body", device,
                   start_s);
        show(device, start_s);
    }
    return shown.data;
}

static bool show_point(void *ctx, const struct f2m_point *p)
{
    (void)ctx;
    show(p->device_id, p->start_ms / 1000);
    if (p->rejected)
        f2m_strbuf_addf(&shown, ":%s", p->message);
    return true;
}

static const char *stored(bool rejected)
{
    struct f2m_point_query q = {.endpoint = F2M_TELEMETRY_OFF, .rejected = rejected};
    f2m_strbuf_reset(&shown);
    ck_assert_int_eq(f2m_store_points_each(w.store, &q, show_point, NULL), 0);
    return shown.data;
}

const char *world_waiting(void)
{
    return stored(false);
}

const char *world_rejected(void)
{
    return stored(true);
}

static const char *drained(struct f2m_strbuf *from)
{
    f2m_strbuf_reset(&text);
    f2m_strbuf_add(&text, from->data, from->len);
    f2m_strbuf_reset(from);
    return text.data;
}

const char *world_published(void)
{
    return drained(&w.published);
}

const char *world_logs(void)
{
    return drained(&w.logs);
}

int world_main(const char *name, TCase *tests)
{
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
