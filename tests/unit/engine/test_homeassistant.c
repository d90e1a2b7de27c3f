/* Home Assistant gets configurations before states, at every connection and birth; and what is wrong with a device. */
#include "world.h"

#include <errno.h>

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
static void answer(int reason)
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
        step(&(struct f2m_event){.type = F2M_EV_MQTT_PUBLISHED, .published = {tags[i], reason}});
}

static void acknowledge(void)
{
    answer(0);
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

/* What the disk refuses nobody hears, and no acknowledgement comes: it is said again. */
START_TEST(configurations_that_a_failing_disk_held_back_come_later)
{
    size_t config_at, other;
    f2m_fault_store_fail(store, F2M_FAULT_COMMIT, 1, -EIO, true);
    connect_all_but(NULL);
    f2m_engine_commit(engine, now, fx);
    ck_assert_uint_eq(discovered("", &config_at, &other), 0);
    f2m_fault_store_heal(store);
    for (int i = 0; i < 6; i++)
        pass(1000);
    ck_assert_uint_eq(discovered("", &config_at, &other), 3);
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

START_TEST(a_birth_wakes_the_loop_in_its_time)
{
    start_with(YAML_HEAD);
    settle_connection();
    message("homeassistant/status", "online", false);
    pass(1); /* health has looked whether it tells of something new, and would wake the loop much later */
    int64_t wait = f2m_engine_deadline(engine, now) - now.mono_ms;
    ck_assert_int_ge(wait, 999);
    ck_assert_int_le(wait, 5000);
}
END_TEST

START_TEST(without_a_broker_nobody_is_told)
{
    size_t config_at, other;
    settle_connection();
    message("homeassistant/status", "online", false);
    step_type(F2M_EV_MQTT_DOWN);
    for (int i = 0; i < 6; i++)
        pass(1000);
    ck_assert_uint_eq(discovered("", &config_at, &other), 0);
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

START_TEST(a_refused_configuration_is_a_problem_in_health)
{
    connect_all_but(NULL);
    answer(0x87);
    pass(5000);
    ck_assert_ptr_nonnull(strstr(published("base/bridge/health"),
                                 "\"homeassistant/device/flip2mqtt_bridge_s/config: the broker refuses it"));
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
    reload_with(YAML_HEAD "homeassistant: { enabled: false }\n");
    ck_assert(!listens_to("homeassistant/status"));
}
END_TEST

START_TEST(what_a_reload_removes_is_cleared_in_home_assistant_before_its_topics)
{
    size_t config_at, state_at;
    settle_connection();
    reload_with(YAML_HEAD
                "sites: [ { id: s, devices: [ { id: e, telemetry: { sources: { state_of_charge: other } } } ] } ]\n");
    (void)discovered("base/device/d%2F1/state", &config_at, &state_at);
    ck_assert_uint_ne(state_at, SIZE_MAX);
    ck_assert_uint_lt(config_at, state_at);
    const struct f2m_effect *first = f2m_effects_at(fx, config_at);
    ck_assert_ptr_nonnull(strstr(first->publish.topic, "device/flip2mqtt_device_d_1_"));
    ck_assert_uint_eq(first->publish.payload.len, 0);
    ck_assert_str_eq(published("base/device/d%2F1/state"), "");
}
END_TEST

/* ---- the problems of a device ---- */

START_TEST(a_devices_problem_is_in_its_state_too)
{
    start_with(YAML_HEAD "sites: [ { id: s, devices: [ { id: d, telemetry: { sources: {\n"
                         "  battery_power: { topic: power, positive: discharging },\n"
                         "  grid_power: { topic: grid, positive: import } } } } ] } ]\n");
    connect_all_but(NULL);
    message("grid", "0", false);
    message("power", "-5000", false);
    pass(5000);
    pass(5000);
    ck_assert_ptr_nonnull(
        strstr(published("base/device/d/state"), "\"problem\":\"solar, grid and battery power do not"));
    ck_assert_ptr_nonnull(strstr(published("base/bridge/health"), "\"d: solar, grid and battery power do not"));
    message("grid", "6000", false);
    pass(5000);
    pass(5000);
    ck_assert_ptr_null(strstr(published("base/device/d/state"), "problem"));
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("homeassistant");
    tcase_add_test(tc, configurations_come_before_states);
    tcase_add_test(tc, configurations_that_a_failing_disk_held_back_come_later);
    tcase_add_test(tc, a_birth_brings_the_configurations_and_then_every_retained_topic);
    tcase_add_test(tc, a_birth_wakes_the_loop_in_its_time);
    tcase_add_test(tc, without_a_broker_nobody_is_told);
    tcase_add_test(tc, a_retained_birth_is_from_before_and_announces_nothing);
    tcase_add_test(tc, a_refused_configuration_is_a_problem_in_health);
    tcase_add_test(tc, births_are_heard_where_home_assistant_is_wanted_and_never_dropped);
    tcase_add_test(tc, what_a_reload_removes_is_cleared_in_home_assistant_before_its_topics);
    tcase_add_test(tc, a_devices_problem_is_in_its_state_too);
    return world_main("engine_homeassistant", tc);
}
