#include "world.h"

#include "store/sqlite.h"
#include "util/xalloc.h"

#include <stdlib.h>

#define MAX_CALLS   200
#define MAX_ANSWERS 120

struct f2m_config world_config;
struct f2m_requests *world_requests;
bool world_commit_fails;

static struct f2m_site site;
static struct f2m_device device;
static struct f2m_counters counters;
static struct f2m_rng rng = {1};
static struct f2m_store *store;
static struct f2m_outbox *outbox;
static struct f2m_cloud *cloud;
static struct f2m_effects *fx;
static struct f2m_now now;
static struct f2m_http_request calls[MAX_CALLS];
static size_t calls_len, token_calls;
static struct world_answer *answers;
static size_t answers_len, expected;
static char client_token[] = WORLD_CLIENT_TOKEN;
static char text_base[] = "flip2mqtt", text_ha[] = "homeassistant", text_site[] = "home", text_device[] = "bat";
static const char *observed_operation;
static struct f2m_strbuf observed_body;

static void observed(void *ctx, struct f2m_now when, enum f2m_endpoint endpoint, const struct f2m_path_ids *ids,
                     struct f2m_slice body, struct f2m_effects *effects)
{
    (void)ctx;
    (void)when;
    (void)ids;
    (void)effects;
    observed_operation = f2m_endpoint_info[endpoint].operation;
    f2m_strbuf_reset(&observed_body);
    f2m_strbuf_add(&observed_body, body.at, body.len);
}

void world_setup(void)
{
    now = (struct f2m_now){1000000, 1750000000000};
    calls_len = token_calls = answers_len = expected = 0;
    observed_operation = NULL;
    world_commit_fails = false;
    f2m_strbuf_init(&observed_body, 0);
    answers = f2m_xcalloc(MAX_ANSWERS, sizeof *answers);
    device = (struct f2m_device){.id = text_device, .site = &site};
    site = (struct f2m_site){.id = text_site, .devices = &device, .devices_len = 1};
    world_config = (struct f2m_config){.flip = {.token = client_token},
                                       .mqtt = {.base_topic = text_base},
                                       .homeassistant = {.discovery_topic = text_ha},
                                       .requests = {.allow = (1u << F2M_GROUP_COUNT) - 1},
                                       .sites = &site,
                                       .sites_len = 1};
    counters = (struct f2m_counters){0};
    store = f2m_store_open_memory();
    cloud = f2m_cloud_new(&world_config, &counters, &rng);
    outbox = f2m_outbox_new(&world_config, store, &counters);
    fx = f2m_effects_new();
    world_requests = f2m_requests_new(&(struct f2m_requests_context){.config = &world_config,
                                                                     .cloud = cloud,
                                                                     .outbox = outbox,
                                                                     .store = store,
                                                                     .counters = &counters,
                                                                     .observed = observed});
}

void world_teardown(void)
{
    f2m_requests_free(world_requests);
    f2m_outbox_free(outbox);
    f2m_cloud_free(cloud);
    f2m_store_free(store);
    f2m_effects_free(fx);
    for (size_t i = 0; i < calls_len; i++) {
        free((char *)(uintptr_t)calls[i].path);
        free((char *)(uintptr_t)calls[i].token);
        free((char *)(uintptr_t)calls[i].body.at);
    }
    f2m_strbuf_deinit(&observed_body);
    free(answers);
}

static void note_answer(const struct f2m_publish *p)
{
    ck_assert_uint_lt(answers_len, MAX_ANSWERS);
    ck_assert(!p->retain);
    struct world_answer *a = &answers[answers_len++];
    ck_assert_uint_lt(p->payload.len, sizeof a->text);
    snprintf(a->topic, sizeof a->topic, "%s", p->topic);
    snprintf(a->correlation, sizeof a->correlation, "%.*s", (int)p->correlation.len,
             p->correlation.at ? p->correlation.at : "");
    memcpy(a->text, p->payload.at, p->payload.len);
    a->text[p->payload.len] = '\0';
}

static void note_call(const struct f2m_http_request *r)
{
    ck_assert_uint_lt(calls_len, MAX_CALLS);
    calls[calls_len] = *r;
    calls[calls_len].path = f2m_xstrdup(r->path);
    calls[calls_len].token = f2m_xstrdup(r->token);
    if (r->body.at)
        calls[calls_len].body.at = f2m_xmemdup0(r->body.at, r->body.len);
    calls_len++;
}

static bool is_token_fetch(const struct f2m_http_request *r)
{
    return strncmp(r->path, "/v1/auth/site/", 14) == 0;
}

/* Carries the effects out; a fetched site token of the cloud's own (not one that was asked for) is given at once. */
static void drain(void)
{
    uint64_t fetches[16];
    size_t n = 0;
    if (world_commit_fails)
        f2m_effects_withhold(fx);
    f2m_requests_committed(world_requests, !world_commit_fails);
    for (size_t i = 0; i < f2m_effects_count(fx); i++) {
        const struct f2m_effect *e = f2m_effects_at(fx, i);
        if (e->type == F2M_FX_PUBLISH)
            note_answer(&e->publish);
        else if (e->type == F2M_FX_HTTP && is_token_fetch(&e->http) && strstr(e->http.path, "asked") == NULL)
            fetches[n++] = e->http.tag;
        else if (e->type == F2M_FX_HTTP)
            note_call(&e->http);
    }
    f2m_effects_reset(fx);
    for (size_t i = 0; i < n; i++) {
        token_calls++;
        ck_assert(f2m_cloud_http_done(
            cloud, now,
            &(struct f2m_http_result){.tag = fetches[i],
                                      .status = 200,
                                      .body = f2m_slice_of("{\"site_access_token\":\"" WORLD_SITE_TOKEN
                                                           "\",\"expires_at\":\"2030-01-01T00:00:00Z\"}")},
            fx));
        drain();
    }
}

void world_ask_v5(const char *operation, const char *payload, const char *response_topic, const char *correlation)
{
    struct f2m_mqtt_message m = {.payload = f2m_slice_of(payload)};
    if (response_topic)
        m.response_topic = f2m_slice_of(response_topic);
    if (correlation)
        m.correlation = f2m_slice_of(correlation);
    f2m_requests_message(world_requests, now, f2m_slice_of(operation), &m, fx);
    drain();
}

void world_ask(const char *operation, const char *payload)
{
    world_ask_v5(operation, payload, NULL, NULL);
}

void world_pass(int64_t ms)
{
    now.mono_ms += ms;
    now.wall_ms += ms;
    f2m_requests_tick(world_requests, now, fx);
    f2m_cloud_tick(cloud, now, fx);
    drain();
}

void world_broker(bool there)
{
    if (there)
        f2m_requests_mqtt_up(world_requests, fx);
    else
        f2m_requests_mqtt_down(world_requests);
    drain();
}

void world_stop(void)
{
    f2m_requests_stop(world_requests, now, fx);
    drain();
}

size_t world_calls(void)
{
    return calls_len;
}

const struct f2m_http_request *world_call(size_t n)
{
    ck_assert_uint_lt(n, calls_len);
    return &calls[n];
}

size_t world_token_calls(void)
{
    return token_calls;
}

void world_reply(size_t n, int status, const char *body)
{
    ck_assert(f2m_cloud_http_done(
        cloud, now, &(struct f2m_http_result){.tag = world_call(n)->tag, .status = status, .body = f2m_slice_of(body)},
        fx));
    drain();
}

void world_lost(size_t n, const char *error)
{
    ck_assert(
        f2m_cloud_http_done(cloud, now, &(struct f2m_http_result){.tag = world_call(n)->tag, .error = error}, fx));
    drain();
}

size_t world_answers(void)
{
    return answers_len;
}

const struct world_answer *world_answer(size_t n)
{
    ck_assert_uint_lt(n, answers_len);
    return &answers[n];
}

void world_expect(const char *operation, const char *text)
{
    char topic[300];
    ck_assert_msg(answers_len == expected + 1, "%zu answers instead of one; wanted: %s", answers_len - expected, text);
    snprintf(topic, sizeof topic, "flip2mqtt/bridge/response/%s", operation);
    ck_assert_str_eq(answers[expected].topic, topic);
    ck_assert_str_eq(answers[expected].text, text);
    expected++;
}

const char *world_observed(void)
{
    return observed_operation;
}

const char *world_observed_body(void)
{
    return observed_body.data ? observed_body.data : "";
}

int world_main(const char *name, TCase *tests)
{
    Suite *suite = suite_create(name);
    tcase_add_checked_fixture(tests, world_setup, world_teardown);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
