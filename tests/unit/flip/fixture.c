#include "fixture.h"

#include "util/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct f2m_cloud *cloud;
struct f2m_config config;
struct f2m_counters counters;
static struct f2m_rng rng;
struct f2m_effects *fx;
struct f2m_now now;
struct fixture_reply replies[600];

#define MAX_REQUESTS 700
static struct f2m_http_request *requests;
static size_t requests_len;
static struct f2m_strbuf logs;
static char client_token[] = FIXTURE_CLIENT_TOKEN;

void fixture_setup(void)
{
    config = (struct f2m_config){.flip = {.token = client_token}};
    counters = (struct f2m_counters){0};
    rng = (struct f2m_rng){42};
    memset(replies, 0, sizeof replies);
    cloud = f2m_cloud_new(&config, &counters, &rng);
    fx = f2m_effects_new();
    now = (struct f2m_now){1000000, 1750000000000};
    requests = f2m_xcalloc(MAX_REQUESTS, sizeof *requests);
    requests_len = 0;
    f2m_strbuf_init(&logs, 0);
}

void fixture_teardown(void)
{
    f2m_cloud_free(cloud);
    f2m_effects_free(fx);
    for (size_t i = 0; i < requests_len; i++) {
        free((char *)(uintptr_t)requests[i].path);
        free((char *)(uintptr_t)requests[i].token);
        free((char *)(uintptr_t)requests[i].body.at);
    }
    free(requests);
    f2m_strbuf_deinit(&logs);
}

static void drain(void)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    for (size_t i = 0; i < f2m_effects_count(fx); i++) {
        const struct f2m_effect *e = f2m_effects_at(fx, i);
        if (e->type == F2M_FX_HTTP) {
            ck_assert_uint_lt(requests_len, MAX_REQUESTS);
            struct f2m_http_request *r = &requests[requests_len++];
            *r = e->http;
            r->path = f2m_xstrdup(e->http.path);
            r->token = f2m_xstrdup(e->http.token);
            if (r->body.at)
                r->body.at = f2m_xmemdup0(e->http.body.at, e->http.body.len);
        } else if (e->type == F2M_FX_LOG) {
            f2m_strbuf_addf(&logs, "%s %s %s\n", levels[e->log.level], e->log.msg, e->log.pairs);
        }
    }
    f2m_effects_reset(fx);
}

static void done(void *owner, uint64_t id, struct f2m_now when, const struct f2m_reply *r, struct f2m_effects *effects)
{
    (void)owner;
    (void)when;
    (void)effects;
    struct fixture_reply *reply = &replies[id];
    reply->count++;
    reply->outcome = r->outcome;
    reply->status = r->status;
    reply->retry_after_s = r->retry_after_s;
    snprintf(reply->message, sizeof reply->message, "%s", r->message);
    snprintf(reply->body, sizeof reply->body, "%.*s", (int)r->body.len, r->body.at ? r->body.at : "");
}

int fixture_call(enum f2m_endpoint endpoint, const char *site, uint64_t id)
{
    struct f2m_err err = {""};
    struct f2m_call call = {
        .endpoint = endpoint,
        .ids = {.site_id = site, .device_id = "d", .command_id = "c"},
        .done = done,
        .id = id,
    };
    if (f2m_endpoint_info[endpoint].method == F2M_HTTP_POST || f2m_endpoint_info[endpoint].method == F2M_HTTP_PATCH)
        call.body = f2m_slice_of("{\"a\":1}");
    int rc = f2m_cloud_call(cloud, now, &call, fx, &err);
    ck_assert_msg(rc == 0 || err.text[0], "an error without a text");
    ck_assert_int_eq(replies[id].count, 0); /* never from within the call */
    drain();
    return rc;
}

const struct f2m_http_request *fixture_request(size_t n)
{
    ck_assert_uint_lt(n, requests_len);
    return &requests[n];
}

size_t fixture_requests(void)
{
    return requests_len;
}

static void give(const struct f2m_http_result *result)
{
    ck_assert(f2m_cloud_http_done(cloud, now, result, fx));
    drain();
}

void fixture_answer(size_t n, int status, const char *body)
{
    give(&(struct f2m_http_result){.tag = fixture_request(n)->tag, .status = status, .body = f2m_slice_of(body)});
}

void fixture_answer_later(size_t n, int status, int64_t retry_after_s)
{
    give(&(struct f2m_http_result){.tag = fixture_request(n)->tag, .status = status, .retry_after_s = retry_after_s});
}

void fixture_lost(size_t n, const char *error)
{
    give(&(struct f2m_http_result){.tag = fixture_request(n)->tag, .error = error});
}

void fixture_pass(int64_t ms)
{
    now.mono_ms += ms;
    now.wall_ms += ms;
    f2m_cloud_tick(cloud, now, fx);
    drain();
}

const char *fixture_logs(void)
{
    return logs.data;
}

int fixture_main(const char *name, TCase *tests)
{
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
