/* The engine turns events into effects: online after the last subscription, health, offline, commits that fail, clocks.
 */
#include "config/load.h"
#include "engine/engine.h"
#include "store/sqlite.h"
#include "support/fault_store.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static const char yaml[] = "version: 1\n"
                           "flip: { base_url: 'http://127.0.0.1:1', token: t }\n"
                           "mqtt: { server: 'mqtt://127.0.0.1', base_topic: base }\n"
                           "sites:\n"
                           "  - id: s\n"
                           "    devices:\n"
                           "      - id: d/1\n"
                           "        telemetry:\n"
                           "          interval: 10s\n"
                           "          sources: { state_of_charge: soc, battery_power: power }\n";

#define BUILT INT64_C(1760000000000) /* 2025-10-09 */
#define START INT64_C(1790000000000) /* on a boundary of 10 s */

static struct f2m_config *config;
static struct f2m_store *store;
static struct f2m_engine *engine;
static struct f2m_effects *fx;
static struct f2m_now now;

static struct f2m_config *load(const char *text)
{
    char path[] = "/tmp/f2m-engine-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct f2m_findings findings = {0};
    struct f2m_config *c = f2m_config_load(&(struct f2m_config_options){.file = path}, &findings);
    ck_assert_msg(c, "%s", findings.len ? findings.list[0].message : "no configuration");
    f2m_findings_free(&findings);
    unlink(path);
    return c;
}

static void start_at(int64_t wall_ms)
{
    now = (struct f2m_now){.mono_ms = 1000000, .wall_ms = wall_ms};
    engine = f2m_engine_new(
        &(struct f2m_engine_options){.config = config, .store = store, .version = "1", .seed = 7, .built_ms = BUILT},
        now);
}

static void setup(void)
{
    config = load(yaml);
    store = f2m_fault_store_new(f2m_store_open_memory());
    fx = f2m_effects_new();
    start_at(START);
}

static void teardown(void)
{
    f2m_engine_free(engine);
    f2m_effects_free(fx);
    f2m_store_free(store);
    f2m_config_free(config);
}

static void step(const struct f2m_event *event)
{
    f2m_engine_step(engine, now, event, fx);
}

static void step_type(enum f2m_event_type type)
{
    step(&(struct f2m_event){.type = type});
}

static void pass(int64_t ms)
{
    now.mono_ms += ms;
    now.wall_ms += ms;
    step_type(F2M_EV_TICK);
    f2m_engine_commit(engine, now, fx);
}

static void message(const char *topic, const char *payload, bool retain)
{
    step(&(struct f2m_event){
        .type = F2M_EV_MQTT_MESSAGE,
        .message = {.topic = f2m_slice_of(topic), .payload = f2m_slice_of(payload), .retain = retain}});
}

/* The last publish on a topic since the last reset, or NULL. */
static const char *published(const char *topic)
{
    for (size_t i = f2m_effects_count(fx); i-- > 0;) {
        const struct f2m_effect *e = f2m_effects_at(fx, i);
        if (e->type == F2M_FX_PUBLISH && strcmp(e->publish.topic, topic) == 0)
            return e->publish.payload.at;
    }
    return NULL;
}

static bool logged(const char *words)
{
    for (size_t i = 0; i < f2m_effects_count(fx); i++) {
        const struct f2m_effect *e = f2m_effects_at(fx, i);
        if (e->type == F2M_FX_LOG && strstr(e->log.msg, words))
            return true;
    }
    return false;
}

/* Connects and has the broker grant everything but `refused`. */
static void connect_all_but(const char *refused)
{
    step_type(F2M_EV_MQTT_UP);
    size_t n = f2m_effects_count(fx);
    for (size_t i = 0; i < n; i++) {
        if (f2m_effects_at(fx, i)->type != F2M_FX_SUBSCRIBE)
            continue;
        const char *filter = f2m_effects_at(fx, i)->filter;
        bool no = refused && strcmp(filter, refused) == 0;
        step(&(struct f2m_event){.type = F2M_EV_MQTT_SUBSCRIBED, .subscribed = {filter, no ? 0x87 : 1}});
    }
}

START_TEST(online_is_said_only_after_every_subscription_is_answered)
{
    step_type(F2M_EV_MQTT_UP);
    ck_assert_ptr_null(published("base/bridge/state"));
    f2m_effects_reset(fx);
    step_type(F2M_EV_MQTT_DOWN);
    connect_all_but(NULL);
    ck_assert_str_eq(published("base/bridge/state"), "online");
    ck_assert_ptr_nonnull(published("base/bridge/info"));
    pass(1);
    ck_assert_ptr_nonnull(published("base/device/d%2F1/state"));
}
END_TEST

START_TEST(a_refused_topic_is_a_problem_in_health)
{
    connect_all_but("soc");
    pass(1);
    const char *health = published("base/bridge/health");
    ck_assert_ptr_nonnull(health);
    ck_assert_ptr_nonnull(strstr(health, "\"status\":\"degraded\""));
    ck_assert_ptr_nonnull(strstr(health, "soc: the broker refuses the subscription"));
}
END_TEST

START_TEST(info_tells_no_secret)
{
    connect_all_but(NULL);
    const char *info = published("base/bridge/info");
    ck_assert_ptr_null(strstr(info, "token"));
    ck_assert_ptr_nonnull(strstr(info, "{\"id\":\"s\",\"devices\":[\"d/1\"]}"));
}
END_TEST

START_TEST(health_comes_on_change_at_most_every_5_s_and_every_60_s)
{
    connect_all_but(NULL);
    pass(1);
    f2m_effects_reset(fx);
    message("soc", "50", false);
    pass(4000);
    ck_assert_ptr_null(published("base/bridge/health"));
    pass(1000);
    ck_assert_ptr_nonnull(published("base/bridge/health"));
}
END_TEST

static bool count_point(void *n, const struct f2m_point *point)
{
    (void)point;
    ++*(int *)n;
    return true;
}

static int points_on_disk(void)
{
    int n = 0;
    struct f2m_point_query query = {.endpoint = F2M_TELEMETRY_OFF};
    ck_assert_int_eq(f2m_store_points_each(store, &query, count_point, &n), 0);
    return n;
}

START_TEST(a_point_that_the_disk_refuses_waits_in_memory_and_health_is_critical)
{
    connect_all_but(NULL);
    message("soc", "50", false);
    f2m_fault_store_fail(store, F2M_FAULT_COMMIT, 1, -ENOSPC, true);
    pass(10000);
    ck_assert(logged("cannot write to the database"));
    ck_assert_ptr_nonnull(strstr(published("base/bridge/health"), "\"status\":\"critical\""));
    f2m_fault_store_heal(store);
    ck_assert_int_eq(points_on_disk(), 0);
    for (int i = 0; i < 400 && points_on_disk() == 0; i++)
        pass(1000);
    ck_assert_int_gt(points_on_disk(), 0);
}
END_TEST

START_TEST(a_clock_before_the_build_is_unset_and_closes_nothing)
{
    f2m_engine_free(engine);
    start_at(BUILT - 1000000000);
    connect_all_but(NULL);
    message("soc", "50", false);
    for (int i = 0; i < 5; i++)
        pass(10000);
    ck_assert_ptr_null(published("base/device/d%2F1/telemetry"));
    ck_assert_ptr_nonnull(strstr(published("base/bridge/health"), "\"clock\":{\"state\":\"unset\""));
    now.wall_ms = START; /* NTP */
    message("soc", "51", false);
    for (int i = 0; i < 3; i++)
        pass(10000);
    ck_assert_ptr_nonnull(published("base/device/d%2F1/telemetry"));
    ck_assert(logged("the clock is set"));
}
END_TEST

START_TEST(a_clock_a_day_before_the_last_point_is_unset)
{
    connect_all_but(NULL);
    message("soc", "50", false);
    pass(10000);
    f2m_engine_free(engine);
    f2m_effects_reset(fx);
    start_at(START - INT64_C(90000000));
    pass(1);
    ck_assert(logged("the clock is not set"));
}
END_TEST

START_TEST(a_stop_closes_the_open_interval_and_goodbye_says_offline)
{
    connect_all_but(NULL);
    message("soc", "50", false);
    pass(4000);
    f2m_effects_reset(fx);
    step_type(F2M_EV_STOP);
    ck_assert(!f2m_engine_idle(engine));
    f2m_engine_commit(engine, now, fx);
    ck_assert_ptr_nonnull(strstr(published("base/device/d%2F1/telemetry"), "\"duration_s\":4,"));
    f2m_engine_goodbye(engine, fx);
    ck_assert_str_eq(published("base/bridge/state"), "offline");
}
END_TEST

START_TEST(retained_requests_are_ignored)
{
    connect_all_but(NULL);
    message("base/bridge/request/outbox/stats", "{}", true);
    ck_assert_ptr_null(published("base/bridge/response/outbox/stats"));
    message("base/bridge/request/outbox/stats", "{}", false);
    ck_assert_ptr_nonnull(published("base/bridge/response/outbox/stats"));
}
END_TEST

START_TEST(a_reload_swaps_the_subscriptions_and_tells_info)
{
    connect_all_but(NULL);
    f2m_effects_reset(fx);
    struct f2m_config *old = config;
    config = load("version: 1\n"
                  "flip: { base_url: 'http://127.0.0.1:1', token: t }\n"
                  "mqtt: { server: 'mqtt://127.0.0.1', base_topic: base }\n"
                  "sites: [ { id: s, devices: [ { id: e, telemetry: { sources: { state_of_charge: other } } } ] } ]\n");
    f2m_engine_reload(engine, now, config, fx);
    f2m_config_free(old);
    ck_assert_ptr_nonnull(strstr(published("base/bridge/info"), "[\"e\"]"));
    bool subscribed = false, unsubscribed = false;
    for (size_t i = 0; i < f2m_effects_count(fx); i++) {
        const struct f2m_effect *e = f2m_effects_at(fx, i);
        subscribed = subscribed || (e->type == F2M_FX_SUBSCRIBE && strcmp(e->filter, "other") == 0);
        unsubscribed = unsubscribed || (e->type == F2M_FX_UNSUBSCRIBE && strcmp(e->filter, "soc") == 0);
    }
    ck_assert(subscribed);
    ck_assert(unsubscribed);
}
END_TEST

START_TEST(a_refused_reload_stays_in_health_until_one_succeeds)
{
    connect_all_but(NULL);
    f2m_engine_reload_refused(engine, "x.yaml:3:1: unknown key");
    pass(6000);
    ck_assert_ptr_nonnull(strstr(published("base/bridge/health"), "configuration: x.yaml:3:1: unknown key"));
    f2m_engine_reload(engine, now, config, fx);
    pass(6000);
    ck_assert_ptr_null(strstr(published("base/bridge/health"), "unknown key"));
}
END_TEST

START_TEST(metrics_are_prometheus_text)
{
    f2m_autostrbuf out;
    f2m_strbuf_init(&out, 0);
    f2m_engine_metrics(engine, now, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "# TYPE flip2mqtt_outbox_pending gauge\nflip2mqtt_outbox_pending 0\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "# TYPE flip2mqtt_messages_total counter\nflip2mqtt_messages_total 0\n"));
}
END_TEST

/* ---- Home Assistant ---- */

/* How many discovery payloads stand among the effects, and where the first of them and the first `other` topic are. */
static size_t discovered(const char *other, size_t *first, size_t *of_other)
{
    size_t n = 0;
    *first = *of_other = SIZE_MAX;
    for (size_t i = f2m_effects_count(fx); i-- > 0;) {
        const struct f2m_effect *e = f2m_effects_at(fx, i);
        if (e->type != F2M_FX_PUBLISH)
            continue;
        if (strncmp(e->publish.topic, "homeassistant/device/", 21) == 0) {
            ck_assert(e->publish.retain);
            *first = i;
            n++;
        }
        if (strcmp(e->publish.topic, other) == 0)
            *of_other = i;
    }
    return n;
}

/* The broker takes everything that is waiting for its word. */
static void acknowledge(void)
{
    uint64_t tags[64];
    size_t n = 0;
    for (size_t i = 0; i < f2m_effects_count(fx); i++) {
        const struct f2m_effect *e = f2m_effects_at(fx, i);
        if (e->type == F2M_FX_PUBLISH && e->publish.tag && n < 64)
            tags[n++] = e->publish.tag;
    }
    f2m_effects_reset(fx);
    for (size_t i = 0; i < n; i++)
        step(&(struct f2m_event){.type = F2M_EV_MQTT_PUBLISHED, .published = {tags[i], 0}});
}

/* All that was said at the connection has settled. */
static void settle_connection(void)
{
    connect_all_but(NULL);
    for (int i = 0; i < 10; i++) {
        acknowledge();
        pass(1000);
    }
    f2m_effects_reset(fx);
}

START_TEST(configurations_come_before_states)
{
    size_t config_at, state_at;
    connect_all_but(NULL);
    ck_assert_uint_eq(discovered("base/bridge/state", &config_at, &state_at), 3); /* bridge, site, battery */
    ck_assert_uint_lt(config_at, state_at);
}
END_TEST

START_TEST(a_birth_brings_the_configurations_and_then_every_retained_topic)
{
    static const char *const topics[] = {
        "base/bridge/state",         "base/bridge/info",        "base/bridge/health", "base/device/d%2F1/state",
        "base/device/d%2F1/control", "base/device/d%2F1/pause", "base/site/s/event",  "base/site/s/participation"};
    size_t config_at, other;
    settle_connection();
    message("homeassistant/status", "online", false);
    for (int i = 0; i < 51 && discovered("", &config_at, &other) == 0; i++)
        pass(100);
    ck_assert_uint_eq(discovered("base/bridge/info", &config_at, &other), 3);
    ck_assert_uint_eq(other, SIZE_MAX); /* states come after */
    acknowledge();
    for (int i = 0; i < 13; i++)
        pass(100);
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
        ck_assert_msg(published(topics[i]) != NULL, "%s", topics[i]);
    for (size_t i = 0; i < f2m_effects_count(fx); i++) /* nothing for a battery, no event told twice */
        ck_assert(f2m_effects_at(fx, i)->type != F2M_FX_PUBLISH || f2m_effects_at(fx, i)->publish.retain);
}
END_TEST

START_TEST(a_retained_birth_is_from_before_and_announces_nothing)
{
    size_t config_at, other;
    settle_connection();
    message("homeassistant/status", "online", true);
    for (int i = 0; i < 10; i++)
        pass(1000);
    ck_assert_uint_eq(discovered("", &config_at, &other), 0);
}
END_TEST

struct wanted {
    const char *filter;
    bool found;
};

static void want(void *ctx, const char *filter)
{
    struct wanted *w = ctx;
    w->found = w->found || strcmp(w->filter, filter) == 0;
}

static bool listens_to(const char *filter)
{
    struct wanted control = {.filter = filter}, subscribed = {.filter = filter};
    f2m_engine_control_filters(engine, want, &control);
    f2m_effects_reset(fx);
    step_type(F2M_EV_MQTT_DOWN);
    step_type(F2M_EV_MQTT_UP);
    for (size_t i = 0; i < f2m_effects_count(fx); i++)
        if (f2m_effects_at(fx, i)->type == F2M_FX_SUBSCRIBE)
            want(&subscribed, f2m_effects_at(fx, i)->filter);
    ck_assert_int_eq(control.found, subscribed.found);
    return control.found;
}

START_TEST(births_are_heard_where_home_assistant_is_wanted_and_never_dropped)
{
    ck_assert(listens_to("homeassistant/status"));
    struct f2m_config *old = config;
    config = load("version: 1\n"
                  "flip: { base_url: 'http://127.0.0.1:1', token: t }\n"
                  "mqtt: { server: 'mqtt://127.0.0.1', base_topic: base }\n"
                  "homeassistant: { enabled: false }\n");
    f2m_engine_reload(engine, now, config, fx);
    f2m_config_free(old);
    ck_assert(!listens_to("homeassistant/status"));
}
END_TEST

START_TEST(what_a_reload_removes_is_cleared_in_home_assistant_before_its_topics)
{
    size_t config_at, state_at;
    settle_connection();
    struct f2m_config *old = config;
    config = load("version: 1\n"
                  "flip: { base_url: 'http://127.0.0.1:1', token: t }\n"
                  "mqtt: { server: 'mqtt://127.0.0.1', base_topic: base }\n"
                  "sites: [ { id: s, devices: [ { id: e, telemetry: { sources: { state_of_charge: other } } } ] } ]\n");
    f2m_engine_reload(engine, now, config, fx);
    f2m_config_free(old);
    (void)discovered("base/device/d%2F1/state", &config_at, &state_at);
    ck_assert_uint_ne(state_at, SIZE_MAX);
    ck_assert_uint_lt(config_at, state_at);
    const struct f2m_effect *first = f2m_effects_at(fx, config_at);
    ck_assert_ptr_nonnull(strstr(first->publish.topic, "device/flip2mqtt_device_d_1_"));
    ck_assert_uint_eq(first->publish.payload.len, 0);
    ck_assert_str_eq(published("base/device/d%2F1/state"), "");
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("engine");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, online_is_said_only_after_every_subscription_is_answered);
    tcase_add_test(tc, a_refused_topic_is_a_problem_in_health);
    tcase_add_test(tc, info_tells_no_secret);
    tcase_add_test(tc, health_comes_on_change_at_most_every_5_s_and_every_60_s);
    tcase_add_test(tc, a_point_that_the_disk_refuses_waits_in_memory_and_health_is_critical);
    tcase_add_test(tc, a_clock_before_the_build_is_unset_and_closes_nothing);
    tcase_add_test(tc, a_clock_a_day_before_the_last_point_is_unset);
    tcase_add_test(tc, a_stop_closes_the_open_interval_and_goodbye_says_offline);
    tcase_add_test(tc, retained_requests_are_ignored);
    tcase_add_test(tc, a_reload_swaps_the_subscriptions_and_tells_info);
    tcase_add_test(tc, a_refused_reload_stays_in_health_until_one_succeeds);
    tcase_add_test(tc, metrics_are_prometheus_text);
    tcase_add_test(tc, configurations_come_before_states);
    tcase_add_test(tc, a_birth_brings_the_configurations_and_then_every_retained_topic);
    tcase_add_test(tc, a_retained_birth_is_from_before_and_announces_nothing);
    tcase_add_test(tc, births_are_heard_where_home_assistant_is_wanted_and_never_dropped);
    tcase_add_test(tc, what_a_reload_removes_is_cleared_in_home_assistant_before_its_topics);
    Suite *suite = suite_create("engine");
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
