#include "world.h"

#include "store/sqlite.h"
#include "support/fault_store.h"
#include "util/json.h"
#include "util/xalloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct f2m_sites *sites;
struct f2m_config config;
struct f2m_site config_sites[4];
struct f2m_device config_devices[4][3];
struct f2m_counters counters;
struct f2m_store *store;
struct f2m_now now;
bool world_silent, flip_slow;
int world_refuses;
size_t world_refusals;

#define MAX  4000
#define BASE "flip2mqtt/"

static struct f2m_cloud *cloud;
static struct f2m_effects *fx;
static struct f2m_rng rng;

struct answer {
    char method[8], path[200];
    int status;
    char *body;
};
static struct answer answers[200];
static size_t answers_len;

struct asked {
    uint64_t tag;
    char method[8], path[400], query[200];
    char *body;
    bool done;
};
static struct asked asked[MAX];
static size_t asked_len;
static struct asked *last_asked;

struct published {
    char topic[300];
    char *payload;
};
static struct published published[MAX];
static size_t published_len, forgotten;
static struct f2m_strbuf log_text, told_text, problem_text, held_text;

/* ---- life ---- */

static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

void world_setup(void)
{
    config = (struct f2m_config){.flip = {.token = text("client"), .poll = {60000, 300000, 900000, 21600000, 21600000}},
                                 .mqtt = {.base_topic = text("flip2mqtt")},
                                 .sites = config_sites,
                                 .sites_len = 1};
    memset(config_sites, 0, sizeof config_sites);
    memset(config_devices, 0, sizeof config_devices);
    config_sites[0] = (struct f2m_site){.id = text("home"), .devices = config_devices[0], .devices_len = 1};
    config_devices[0][0] = (struct f2m_device){
        .id = text("bat"), .capacity = NAN, .max_charge = NAN, .max_discharge = NAN, .site = &config_sites[0]};
    counters = (struct f2m_counters){0};
    now = (struct f2m_now){1000000, 1750000000000}; /* 2025-06-15T15:06:40Z */
    rng.state = 7;
    store = f2m_fault_store_new(f2m_store_open_memory());
    fx = f2m_effects_new();
    answers_len = asked_len = published_len = forgotten = 0;
    world_silent = flip_slow = false;
    world_refusals = 0;
    f2m_strbuf_init(&log_text, 0);
    f2m_strbuf_init(&told_text, 0);
    f2m_strbuf_init(&problem_text, 0);
    f2m_strbuf_init(&held_text, 0);
    flip_says("POST", "/v1/auth/site/home", 200,
              "{\"site_access_token\":\"site\",\"expires_at\":\"2030-01-01T00:00:00Z\"}");
    flip_says("GET", "/v1/site/home", 200, "{\"id\":\"home\"}");
    flip_says("GET", "/v1/site/home/devices", 200, "[{\"id\":\"bat\"}]");
    flip_says("GET", "/v1/site/home/programs", 200, "[]");
    flip_says("GET", "/v1/site/home/enrollments", 200, "[]");
    flip_says("GET", "/v1/site/home/events", 200, "[]");
}

static void hold(void *ctx, const char *device_id, bool on)
{
    (void)ctx;
    f2m_strbuf_addf(&held_text, "%s%c ", device_id, on ? '+' : '-');
}

void world_open(void)
{
    cloud = f2m_cloud_new(&config, &counters, &rng);
    sites = f2m_sites_new(&(struct f2m_sites_context){.config = &config,
                                                      .store = store,
                                                      .cloud = cloud,
                                                      .rng = &rng,
                                                      .counters = &counters,
                                                      .hold_uploads = hold},
                          now);
    world_settle();
}

static void close_room(void)
{
    f2m_sites_free(sites);
    f2m_cloud_free(cloud);
    for (size_t i = 0; i < asked_len; i++)
        asked[i].done = true;
}

void world_restart(void)
{
    close_room();
    f2m_fault_store_crash(store);
    world_open();
}

static void turn_ends(void);

void world_reload(void)
{
    f2m_cloud_reload(cloud, &config);
    f2m_sites_reload(sites, now, &config, fx);
    turn_ends();
    world_settle();
}

void world_teardown(void)
{
    close_room();
    f2m_store_free(store);
    f2m_effects_free(fx);
    for (size_t i = 0; i < answers_len; i++)
        free(answers[i].body);
    for (size_t i = 0; i < asked_len; i++)
        free(asked[i].body);
    for (size_t i = 0; i < published_len; i++)
        free(published[i].payload);
    f2m_strbuf_deinit(&log_text);
    f2m_strbuf_deinit(&told_text);
    f2m_strbuf_deinit(&problem_text);
    f2m_strbuf_deinit(&held_text);
}

/* ---- a turn ---- */

static uint64_t to_acknowledge[MAX];
static size_t to_acknowledge_len;

static void take_publish(const struct f2m_publish *p)
{
    ck_assert_uint_lt(published_len, MAX);
    struct published *out = &published[published_len++];
    ck_assert_msg(strncmp(p->topic, BASE, strlen(BASE)) == 0, "%s", p->topic);
    snprintf(out->topic, sizeof out->topic, "%s", p->topic + strlen(BASE));
    out->payload = f2m_xmemdup0(p->payload.at ? p->payload.at : "", p->payload.len);
    if (p->tag && !world_silent)
        to_acknowledge[to_acknowledge_len++] = p->tag;
}

static void take_request(const struct f2m_http_request *r)
{
    static const char *const methods[] = {"GET", "POST", "PATCH", "DELETE"};
    ck_assert_uint_lt(asked_len, MAX);
    struct asked *a = &asked[asked_len++];
    *a = (struct asked){.tag = r->tag};
    snprintf(a->method, sizeof a->method, "%s", methods[r->method]);
    const char *query = strchr(r->path, '?');
    size_t len = query ? (size_t)(query - r->path) : strlen(r->path);
    snprintf(a->path, sizeof a->path, "%.*s", (int)len, r->path);
    snprintf(a->query, sizeof a->query, "%s", query ? query + 1 : "");
    a->body = r->body.at ? f2m_xmemdup0(r->body.at, r->body.len) : NULL;
}

/* Commit, then effects get out, as the engine does it. */
static void turn_ends(void)
{
    int rc = f2m_store_commit(store);
    if (rc)
        f2m_effects_withhold(fx);
    f2m_sites_committed(sites, now, rc == 0);
    for (size_t i = 0; i < f2m_effects_count(fx); i++) {
        const struct f2m_effect *e = f2m_effects_at(fx, i);
        if (e->type == F2M_FX_PUBLISH)
            take_publish(&e->publish);
        else if (e->type == F2M_FX_HTTP)
            take_request(&e->http);
        else if (e->type == F2M_FX_LOG)
            f2m_strbuf_addf(&log_text, "%s %s\n", e->log.msg, e->log.pairs);
    }
    f2m_effects_reset(fx);
}

static const struct answer *answer_to(const struct asked *a)
{
    for (size_t i = answers_len; i-- > 0;)
        if (strcmp(answers[i].method, a->method) == 0 && strcmp(answers[i].path, a->path) == 0)
            return &answers[i];
    return NULL;
}

static bool answer_one(void)
{
    for (size_t i = 0; i < asked_len; i++) {
        if (asked[i].done)
            continue;
        asked[i].done = true;
        const struct answer *a = answer_to(&asked[i]);
        struct f2m_http_result result = {
            .tag = asked[i].tag, .status = 404, .body = f2m_slice_of("{\"message\":\"?\"}")};
        if (a && a->status) {
            result.status = a->status;
            result.body = f2m_slice_of(a->body ? a->body : "");
        } else if (a) {
            result = (struct f2m_http_result){.tag = asked[i].tag, .error = "timed out"};
        }
        ck_assert(f2m_cloud_http_done(cloud, now, &result, fx));
        turn_ends();
        return true;
    }
    return false;
}

static bool acknowledge_all(void)
{
    size_t n = to_acknowledge_len;
    for (size_t i = 0; i < n; i++) {
        struct f2m_mqtt_published p = {.tag = to_acknowledge[i], .reason = world_refusals ? world_refuses : 0};
        world_refusals -= world_refusals > 0;
        ck_assert(f2m_sites_published(sites, now, &p, fx));
    }
    memmove(to_acknowledge, to_acknowledge + n, (to_acknowledge_len - n) * sizeof *to_acknowledge);
    to_acknowledge_len -= n;
    if (n)
        turn_ends();
    return n > 0;
}

void world_settle(void)
{
    for (int turns = 0;; turns++) {
        ck_assert_msg(turns < 3000, "the room never comes to rest");
        f2m_cloud_tick(cloud, now, fx);
        f2m_sites_tick(sites, now, fx);
        turn_ends();
        bool busy = acknowledge_all();
        busy = (!flip_slow && answer_one()) || busy;
        if (!busy && f2m_sites_deadline(sites, now) > now.mono_ms)
            return;
    }
}

void world_pass(int64_t ms)
{
    int64_t end = now.mono_ms + ms;
    world_settle();
    while (now.mono_ms < end) {
        int64_t next = f2m_sites_deadline(sites, now);
        int64_t step = next < end ? next - now.mono_ms : end - now.mono_ms;
        now.mono_ms += step;
        now.wall_ms += step;
        world_settle();
    }
}

void flip_answers(void)
{
    flip_slow = false;
    world_settle();
}

void world_up(void)
{
    f2m_sites_mqtt_up(sites, now, fx);
    turn_ends();
    world_settle();
}

void world_down(void)
{
    f2m_sites_mqtt_down(sites, now);
    to_acknowledge_len = 0;
    turn_ends();
}

/* ---- Flip ---- */

void flip_says(const char *method, const char *path, int status, const char *body)
{
    struct answer *a = NULL;
    for (size_t i = 0; i < answers_len && !a; i++)
        if (strcmp(answers[i].method, method) == 0 && strcmp(answers[i].path, path) == 0)
            a = &answers[i];
    if (!a) {
        ck_assert_uint_lt(answers_len, 200);
        a = &answers[answers_len++];
        a->body = NULL;
    }
    free(a->body);
    snprintf(a->method, sizeof a->method, "%s", method);
    snprintf(a->path, sizeof a->path, "%s", path);
    a->status = status;
    a->body = body ? f2m_xstrdup(body) : NULL;
}

size_t flip_asked(const char *method, const char *path)
{
    size_t n = 0;
    for (size_t i = 0; i < asked_len; i++)
        if (strcmp(asked[i].method, method) == 0 && strcmp(asked[i].path, path) == 0) {
            last_asked = &asked[i];
            n++;
        }
    return n;
}

const char *flip_query(void)
{
    return last_asked->query;
}

const char *flip_body(void)
{
    return last_asked->body ? last_asked->body : "";
}

/* ---- what was seen ---- */

const char *shown(const char *topic)
{
    for (size_t i = published_len; i-- > 0;)
        if (strcmp(published[i].topic, topic) == 0)
            return published[i].payload;
    return NULL;
}

bool was_shown(const char *topic, const char *payload)
{
    for (size_t i = forgotten; i < published_len; i++)
        if (strcmp(published[i].topic, topic) == 0 && strcmp(published[i].payload, payload) == 0)
            return true;
    return false;
}

size_t times_shown(const char *topic)
{
    size_t n = 0;
    for (size_t i = forgotten; i < published_len; i++)
        n += strcmp(published[i].topic, topic) == 0;
    return n;
}

void world_forget(void)
{
    forgotten = published_len;
}

size_t published_in_all(void)
{
    return published_len - forgotten;
}

static bool is_notification(const char *topic)
{
    size_t len = strlen(topic);
    return len > 13 && strcmp(topic + len - 13, "/notification") == 0;
}

const char *told(void)
{
    char type[128], id[300];
    f2m_strbuf_reset(&told_text);
    for (size_t i = forgotten; i < published_len; i++) {
        if (!is_notification(published[i].topic))
            continue;
        struct f2m_err err;
        struct f2m_slice json = f2m_slice_of(published[i].payload);
        ck_assert_msg(f2m_json_check(json, &err) == 0, "%s: %s", err.text, published[i].payload);
        ck_assert(f2m_json_string_copy(f2m_json_member(json, "event_type"), type, sizeof type));
        if (!f2m_json_string_copy(f2m_json_member(f2m_json_member(json, "event_object"), "id"), id, sizeof id))
            snprintf(id, sizeof id, "?");
        f2m_strbuf_addf(&told_text, "%s %s\n", type, id);
    }
    return told_text.data;
}

const char *last_notification(void)
{
    for (size_t i = published_len; i-- > 0;)
        if (is_notification(published[i].topic))
            return published[i].payload;
    return "";
}

const char *logs(void)
{
    return log_text.data;
}

static void problem(void *ctx, const char *site_id, const char *line)
{
    (void)ctx;
    f2m_strbuf_addf(&problem_text, "%s: %s\n", site_id, line);
}

const char *problems(void)
{
    f2m_strbuf_reset(&problem_text);
    f2m_sites_problems(sites, problem, NULL);
    return problem_text.data;
}

const char *held(void)
{
    return held_text.data;
}

/* ---- what happens ---- */

int webhook(const char *id, const char *body)
{
    int status = f2m_sites_webhook(sites, now, id, f2m_slice_of(body), fx);
    f2m_effects_webhook_reply(fx, 1, status);
    int rc = f2m_store_commit(store);
    if (rc) {
        f2m_effects_withhold(fx);
        status = 503;
    }
    f2m_sites_committed(sites, now, rc == 0);
    for (size_t i = 0; i < f2m_effects_count(fx); i++) {
        const struct f2m_effect *e = f2m_effects_at(fx, i);
        if (e->type == F2M_FX_PUBLISH)
            take_publish(&e->publish);
        else if (e->type == F2M_FX_LOG)
            f2m_strbuf_addf(&log_text, "%s %s\n", e->log.msg, e->log.pairs);
    }
    f2m_effects_reset(fx);
    world_settle();
    return status;
}

void participation(const char *site, const char *event, const char *payload)
{
    f2m_sites_participation_set(sites, now, site, event, f2m_slice_of(payload), fx);
    turn_ends();
    world_settle();
}

void message(const char *topic, const char *payload, bool retain)
{
    struct f2m_mqtt_message m = {.topic = f2m_slice_of(topic), .payload = f2m_slice_of(payload), .retain = retain};
    ck_assert(f2m_sites_message(sites, now, &m, fx));
    turn_ends();
    world_settle();
}

void observed(enum f2m_endpoint endpoint, const char *site, const char *body)
{
    struct f2m_path_ids ids = {.site_id = site, .device_id = "bat", .event_id = "e1", .enrollment_id = "n1"};
    f2m_sites_observed(sites, now, endpoint, &ids, f2m_slice_of(body), fx);
    turn_ends();
    world_settle();
}

void news(const char *type, const char *command)
{
    f2m_sites_notify(sites, now, "home", type, f2m_slice_of(command), fx);
    turn_ends();
    world_settle();
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
