/* What the provers find stands in bridge/health, in the device's state (which Home Assistant's problem entity reads)
 * and, once, in the log; after a restart with the mistake mended it is gone, and with the mistake it comes again. */
#include "world.h"

#include <stdio.h>

/* Charges with 5 kW for half an hour; `says` is what the battery says of that. */
static void charge(double says)
{
    char text[32];

    for (int i = 0; i < 180; i++) {
        snprintf(text, sizeof text, "%.0f", 40 + (double)i * 10 * 5000 / 3600 / 13500 * 100);
        message("soc", text, false);
        snprintf(text, sizeof text, "%.0f", says);
        message("power", text, false);
        pass(10000);
    }
}

static size_t times_logged(const char *msg)
{
    size_t n = 0;

    for (size_t i = 0; i < f2m_effects_count(fx); i++) {
        const struct f2m_effect *e = f2m_effects_at(fx, i);
        n += e->type == F2M_FX_LOG && strcmp(e->log.msg, msg) == 0;
    }
    return n;
}

static bool has(const char *topic, const char *words)
{
    const char *payload = published(topic);

    ck_assert_msg(payload, "nothing on %s", topic);
    return strstr(payload, words);
}

static void give_capacity(void)
{
    config->sites[0].devices[0].capacity = 13500;
    f2m_engine_reload(engine, now, config, fx);
}

START_TEST(a_turned_sign_is_a_problem_everywhere)
{
    connect_all_but(NULL);
    give_capacity();
    charge(-5000);
    ck_assert_uint_eq(times_logged("the sources contradict each other"), 1);
    ck_assert(has("base/bridge/health", "\"status\":\"degraded\""));
    ck_assert(has("base/bridge/health", "\"problems\":[\"d/1: battery_power says discharging"));
    ck_assert(has("base/bridge/health", "the sign is turned; set `positive: discharging`"));
    ck_assert(has("base/device/d%2F1/state", "\"problem\":\"battery_power says discharging"));
}
END_TEST

START_TEST(a_restart_forgets_what_may_have_been_mended)
{
    connect_all_but(NULL);
    give_capacity();
    charge(-5000);
    f2m_engine_free(engine);
    f2m_effects_reset(fx);
    start_at(now.wall_ms + 60000);
    connect_all_but(NULL);
    pass(5000);
    ck_assert(!has("base/bridge/health", "battery_power says"));
    charge(5000);
    ck_assert(!has("base/bridge/health", "battery_power says"));
    ck_assert(!has("base/device/d%2F1/state", "problem"));
    f2m_engine_free(engine);
    f2m_effects_reset(fx);
    start_at(now.wall_ms + 60000);
    connect_all_but(NULL);
    charge(-5000);
    ck_assert(has("base/bridge/health", "battery_power says"));
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("verdict");
    tcase_add_test(tcase, a_turned_sign_is_a_problem_everywhere);
    tcase_add_test(tcase, a_restart_forgets_what_may_have_been_mended);
    return world_main("verdict", tcase);
}
