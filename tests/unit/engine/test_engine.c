/* The engine turns events into effects: online after the last subscription, health, offline, commits that fail, clocks.
 */
#include "world.h"

#include <errno.h>

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

START_TEST(health_counts_each_message_of_a_source_once)
{
    connect_all_but(NULL);
    message("soc", "50", false);
    message("power", "100", false);
    message("nobody/wants/this", "1", false);
    pass(5000);
    ck_assert_ptr_nonnull(strstr(published("base/bridge/health"), "\"messages\":2,"));
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

START_TEST(the_bridge_is_online_also_where_the_disk_refuses_writes)
{
    f2m_fault_store_fail(store, F2M_FAULT_COMMIT, 1, -ENOSPC, true);
    connect_all_but(NULL);
    f2m_engine_commit(engine, now, fx);
    ck_assert_ptr_nonnull(published("base/bridge/state"));
    ck_assert_str_eq(published("base/bridge/state"), "online");
    ck_assert_ptr_nonnull(published("base/bridge/info"));
    f2m_effects_reset(fx);
    pass(60000);
    ck_assert_ptr_null(published("base/bridge/state")); /* once */
}
END_TEST

START_TEST(a_reload_that_drops_the_last_open_subscription_brings_the_bridge_online)
{
    step_type(F2M_EV_MQTT_UP);
    for (size_t i = 0, n = f2m_effects_count(fx); i < n; i++) {
        const struct f2m_effect *e = f2m_effects_at(fx, i);
        if (e->type == F2M_FX_SUBSCRIBE && strcmp(e->filter, "power") != 0)
            step(&(struct f2m_event){.type = F2M_EV_MQTT_SUBSCRIBED, .subscribed = {e->filter, 1}});
    }
    ck_assert_ptr_null(published("base/bridge/state"));
    reload_with(YAML_HEAD
                "sites: [ { id: s, devices: [ { id: d/1, telemetry: { sources: { state_of_charge: soc } } } ] } ]\n");
    ck_assert_str_eq(published("base/bridge/state"), "online");
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

/* An answer by a server whose clock is that far behind ours. */
static const char *answered(int64_t ahead_ms)
{
    step(&(struct f2m_event){.type = F2M_EV_HTTP_DONE,
                             .http = {.tag = 1, .status = 200, .date_ms = now.wall_ms - ahead_ms}});
    pass(5000);
    return published("base/bridge/health");
}

START_TEST(the_clocks_offset_to_flips_is_told_in_steps_and_from_10_s_on_as_a_problem)
{
    connect_all_but(NULL);
    pass(1);
    ck_assert_ptr_nonnull(strstr(published("base/bridge/health"), "\"clock\":{\"state\":\"ok\",\"offset_s\":null}"));
    ck_assert_ptr_nonnull(strstr(answered(1900), "\"offset_s\":0}"));
    ck_assert_ptr_nonnull(strstr(answered(-1900), "\"offset_s\":0}"));
    ck_assert_ptr_nonnull(strstr(answered(7000), "\"offset_s\":0}")); /* one slow answer proves nothing */
    ck_assert_ptr_nonnull(strstr(answered(0), "\"offset_s\":0}"));
    ck_assert_ptr_nonnull(strstr(answered(7000), "\"offset_s\":0}"));
    ck_assert_ptr_nonnull(strstr(answered(8000), "\"offset_s\":8}"));
    ck_assert_ptr_nonnull(strstr(answered(9500), "\"offset_s\":8}"));
    ck_assert_ptr_null(strstr(answered(9500), "\"clock: "));
    (void)answered(-65000);
    ck_assert_ptr_nonnull(
        strstr(answered(-65000), "\"clock: 65 s behind Flip's: commands start by it; let NTP set it\""));
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

START_TEST(an_answer_outlasts_a_turn_that_the_disk_refuses_and_the_loss_of_the_broker)
{
    connect_all_but(NULL);
    message("soc", "50", false);
    pass(1000);
    f2m_fault_store_fail(store, F2M_FAULT_COMMIT, 1, -ENOSPC, true);
    message("base/bridge/request/outbox/stats", "{}", false);
    pass(10000); /* a point is closed */
    ck_assert_ptr_null(published("base/bridge/response/outbox/stats"));
    ck_assert_int_le(f2m_engine_deadline(engine, now), now.mono_ms);
    step(&(struct f2m_event){.type = F2M_EV_MQTT_DOWN, .down = {.text = "gone"}});
    pass(0);
    ck_assert_ptr_null(published("base/bridge/response/outbox/stats"));
    f2m_fault_store_heal(store);
    connect_all_but(NULL);
    ck_assert_ptr_nonnull(published("base/bridge/response/outbox/stats"));
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
    reload_with(YAML_HEAD
                "sites: [ { id: s, devices: [ { id: e, telemetry: { sources: { state_of_charge: other } } } ] } ]\n");
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

int main(void)
{
    TCase *tc = tcase_create("engine");
    tcase_add_test(tc, online_is_said_only_after_every_subscription_is_answered);
    tcase_add_test(tc, a_refused_topic_is_a_problem_in_health);
    tcase_add_test(tc, health_counts_each_message_of_a_source_once);
    tcase_add_test(tc, info_tells_no_secret);
    tcase_add_test(tc, health_comes_on_change_at_most_every_5_s_and_every_60_s);
    tcase_add_test(tc, a_point_that_the_disk_refuses_waits_in_memory_and_health_is_critical);
    tcase_add_test(tc, the_bridge_is_online_also_where_the_disk_refuses_writes);
    tcase_add_test(tc, a_reload_that_drops_the_last_open_subscription_brings_the_bridge_online);
    tcase_add_test(tc, a_clock_before_the_build_is_unset_and_closes_nothing);
    tcase_add_test(tc, a_clock_a_day_before_the_last_point_is_unset);
    tcase_add_test(tc, the_clocks_offset_to_flips_is_told_in_steps_and_from_10_s_on_as_a_problem);
    tcase_add_test(tc, a_stop_closes_the_open_interval_and_goodbye_says_offline);
    tcase_add_test(tc, an_answer_outlasts_a_turn_that_the_disk_refuses_and_the_loss_of_the_broker);
    tcase_add_test(tc, retained_requests_are_ignored);
    tcase_add_test(tc, a_reload_swaps_the_subscriptions_and_tells_info);
    tcase_add_test(tc, a_refused_reload_stays_in_health_until_one_succeeds);
    tcase_add_test(tc, metrics_are_prometheus_text);
    return world_main("engine", tc);
}
