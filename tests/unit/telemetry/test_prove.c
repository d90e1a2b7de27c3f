/* Every recorded sample, spoken for hours by a home whose values move: healthy it raises no alarm, and what its sender
 * or its configuration has wrong is named within 30 minutes, in the log once, and taken back. */
#include "battery_model.h"
#include "fixture.h"
#include "speak.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    bool battery; /* power and state of charge */
} samples[] = {
    {"solarassistant-grid", true},
    {"solarassistant-solar", true},
    {"victron-battery-idle", true},
    {"victron-discharge-no-power", false}, /* whose power is not recorded */
    {"victron-three-phase-grid", false},
    {"victron-batteries-array", true},
    {"lxp-bridge", true},
    {"luxpower-octolux", true},
    {"givtcp", true},
    {"enphase-envoy-battery", true},
    {"enphase-envoy-fw7-meters", false},
    {"deye-kbialek", true},
    {"e3dc-rscp2mqtt", true},
    {"grott-sph", true},
    {"growatt2mqtt", true},
    {"evcc-charging", true},
    {"powerwall-pypowerwall-server", true},
    {"marstek-venus-raw", true},
    {"marstek-jupiter-raw", false},
    {"hm2mqtt-ct-meter", false},
    {"statestream-solar", false},
};
#define SAMPLES (sizeof samples / sizeof samples[0])

/* What the sender says instead of the truth. */
struct lie {
    double battery, grid, counters; /* times this */
};
static const struct lie truth = {1, 1, 1};

struct scene {
    struct home h; /* of it only the store, the clock and the effects */
    struct f2m_config *config;
    struct f2m_device *device;
    struct speech *speech;
    size_t speech_len;
    struct battery b;
    struct f2m_strbuf payload, verdict;
};

static void open_scene(struct scene *x, const char *name, bool knows_capacity)
{
    home_init(&x->h, 0);
    x->config = speech_config(name);
    x->device = &x->config->sites[0].devices[0];
    x->device->capacity = knows_capacity ? 10000 : NAN;
    x->speech = speech_load(name, x->device, &x->speech_len);
    x->b = battery_plain();
    x->b.efficiency = 0.95;
    x->b.idle_w = 30;
    x->b.wh = 5000;
    x->b.soc_step = 1;
    x->h.outbox = f2m_outbox_new(x->config, x->h.store, &x->h.counters);
    x->h.telemetry = f2m_telemetry_new(x->config, x->h.store, x->h.outbox, &x->h.counters, x->h.now);
    f2m_telemetry_mqtt_up(x->h.telemetry, x->h.now, x->h.fx);
    f2m_strbuf_init(&x->payload, 0);
    f2m_strbuf_init(&x->verdict, 0);
}

static void close_scene(struct scene *x)
{
    home_deinit(&x->h);
    speech_free(x->speech, x->speech_len);
    f2m_config_free(x->config);
    f2m_strbuf_deinit(&x->payload);
    f2m_strbuf_deinit(&x->verdict);
}

static void fill(const struct scene *x, double power, double solar, double home, const struct lie *lie, double *values)
{
    const struct battery *b = &x->b;
    double told = power * lie->battery;

    for (size_t i = 0; i < F2M_SRC_COUNT; i++)
        values[i] = NAN;
    values[F2M_SRC_STATE_OF_CHARGE] = floor(100 * b->wh / b->capacity + 0.5);
    values[F2M_SRC_STORED_ENERGY] = b->wh;
    values[F2M_SRC_BATTERY_POWER] = told;
    values[F2M_SRC_BATTERY_CHARGE_POWER] = fmax(told, 0);
    values[F2M_SRC_BATTERY_DISCHARGE_POWER] = fmax(-told, 0);
    values[F2M_SRC_SOLAR_POWER] = solar;
    values[F2M_SRC_HOME_POWER] = home;
    values[F2M_SRC_GRID_POWER] = (home + power - solar) * lie->grid;
    values[F2M_SRC_HOME_ENERGY] = 500000;
    values[F2M_SRC_BATTERY_CHARGE_ENERGY] = (1000000 + b->charged) * lie->counters;
    values[F2M_SRC_BATTERY_DISCHARGE_ENERGY] = (900000 + b->discharged) * lie->counters;
}

static const char *verdict(struct scene *x)
{
    f2m_strbuf_reset(&x->verdict);
    f2m_telemetry_verdict(x->h.telemetry, x->device->id, &x->verdict);
    return x->verdict.data;
}

/* Half a minute of the home; everything that it says. */
static void live(struct scene *x, double power, double solar, double home, const struct lie *lie)
{
    double values[F2M_SRC_COUNT];

    fill(x, battery_run(&x->b, power, 30 * SECOND), solar, home, lie, values);
    for (size_t i = 0; i < x->speech_len; i++) {
        speech_payload(&x->speech[i], x->device, values, &x->payload);
        home_send(&x->h, x->speech[i].topic, x->payload.data);
    }
    home_sleep(&x->h, 30 * SECOND);
}

/* Minutes until the words are in the verdict; -1 where they never are. */
static int minutes_until(struct scene *x, const char *words, double power, double solar, double home, struct lie lie)
{
    for (int i = 0; i < 60; i++) {
        live(x, power, solar, home, &lie);
        if (strstr(verdict(x), words))
            return i / 2;
    }
    return -1;
}

/* ---- healthy ---- */

START_TEST(a_healthy_sample_raises_no_alarm)
{
    for (int knows = 0; knows < 2; knows++) {
        struct scene x;
        open_scene(&x, samples[_i].name, knows);
        x.b.idle_w = 60;
        for (int64_t t = 0; t < 8 * HOUR; t += 30 * SECOND) {
            double hour = (double)t / HOUR, solar = fmax(0, 5000 * sin(hour / 4 * 3.14159265));
            double home = 700 + (double)((t / (7 * MINUTE)) % 3 * 900);
            live(&x, solar - home, solar, home, &truth);
            ck_assert_msg(verdict(&x)[0] == '\0', "%s, after %lld min: %s", samples[_i].name, (long long)(t / MINUTE),
                          verdict(&x));
        }
        ck_assert_uint_gt(x.h.counters.messages, 0);
        ck_assert_uint_eq(x.h.counters.invalid, 0);
        close_scene(&x);
    }
}
END_TEST

/* ---- mistakes ---- */

static void expect(int sample, const char *words, double power, double solar, double home, struct lie lie)
{
    struct scene x;

    open_scene(&x, samples[sample].name, true);
    int minutes = minutes_until(&x, words, power, solar, home, lie);
    ck_assert_msg(minutes >= 0 && minutes < 30, "%s: \"%s\" not found within 30 minutes, but: %s", samples[sample].name,
                  words, verdict(&x));
    close_scene(&x);
}

START_TEST(a_battery_that_says_the_wrong_thing_is_found)
{
    if (!samples[_i].battery)
        return;
    struct scene x;
    open_scene(&x, samples[_i].name, true);
    bool pair = x.device->telemetry.sources[F2M_SRC_BATTERY_POWER].op == F2M_SOURCE_NONE;
    close_scene(&x);
    for (int charging = -1; charging <= 1; charging += 2) {
        double power = 3500 * charging;
        expect(_i, pair ? "are exchanged" : "the sign is turned", power, 0, 500, (struct lie){-1, 1, 1});
        expect(_i, "about 1000 times too small", power, 0, 500, (struct lie){0.001, 1, 1});
        expect(_i, "about 1000 times too large", power, 0, 500, (struct lie){1000, 1, 1});
        expect(_i, "about 10 times too small", power, 0, 500, (struct lie){0.1, 1, 1});
        expect(_i, "about 10 times too large", power, 0, 500, (struct lie){10, 1, 1});
    }
}
END_TEST

static bool maps(int sample, enum f2m_source_id id)
{
    struct f2m_config *config = speech_config(samples[sample].name);
    bool yes = config->sites[0].devices[0].telemetry.sources[id].op != F2M_SOURCE_NONE;

    f2m_config_free(config);
    return yes;
}

START_TEST(counters_in_another_unit_are_found)
{
    if (!samples[_i].battery || !maps(_i, F2M_SRC_BATTERY_DISCHARGE_ENERGY))
        return;
    expect(_i, "battery_discharge_energy counted", -3500, 0, 500, (struct lie){1, 1, 0.001});
    expect(_i, "the counter is about 1000 times too small", -3500, 0, 500, (struct lie){1, 1, 0.001});
    expect(_i, "the counter is about 10 times too large", -3500, 0, 500, (struct lie){1, 1, 10});
}
END_TEST

/* By night, with the battery asleep. */
START_TEST(a_turned_grid_is_found)
{
    if (!samples[_i].battery || !maps(_i, F2M_SRC_GRID_POWER))
        return;
    expect(_i, "grid_power says export", 0, 0, 900, (struct lie){1, -1, 1});
}
END_TEST

/* ---- what is made of a verdict ---- */

static size_t logged(const struct scene *x, const char *msg)
{
    size_t n = 0;

    for (size_t i = 0; i < f2m_effects_count(x->h.fx); i++) {
        const struct f2m_effect *e = f2m_effects_at(x->h.fx, i);
        n += e->type == F2M_FX_LOG && strcmp(e->log.msg, msg) == 0;
    }
    return n;
}

START_TEST(a_verdict_is_logged_once)
{
    struct scene x;

    open_scene(&x, "solarassistant-grid", true);
    minutes_until(&x, "(never)", -3500, 0, 500, (struct lie){-1, 1, 1});
    ck_assert_uint_eq(logged(&x, "the sources contradict each other"), 1);
    ck_assert_str_eq(verdict(&x),
                     "battery_power says charging 583 Wh in 10 min while state_of_charge fell by 6 % of 10.0 kWh: the "
                     "sign is turned; set `positive: discharging`");
    x.b.wh = 9000;
    minutes_until(&x, "(never)", -3500, 0, 500, truth);
    ck_assert_uint_eq(logged(&x, "the sources contradict each other"), 1);
    ck_assert_uint_eq(logged(&x, "the sources agree again"), 1);
    ck_assert_str_eq(verdict(&x), "");
    close_scene(&x);
}
END_TEST

/* A reload with the right sign starts afresh; one that changes nothing keeps what was found. */
START_TEST(a_reload_keeps_or_forgets_the_verdict)
{
    struct scene x;

    open_scene(&x, "solarassistant-grid", true);
    minutes_until(&x, "turned", -3500, 0, 500, (struct lie){-1, 1, 1});
    struct f2m_config *same = speech_config("solarassistant-grid"), *mended = speech_config("solarassistant-grid");
    f2m_telemetry_reload(x.h.telemetry, x.h.now, same, x.h.fx);
    ck_assert_str_ne(verdict(&x), "");
    mended->sites[0].devices[0].telemetry.sources[F2M_SRC_BATTERY_POWER].sign = -1;
    f2m_telemetry_reload(x.h.telemetry, x.h.now, mended, x.h.fx);
    ck_assert_str_eq(verdict(&x), "");
    close_scene(&x);
    f2m_config_free(same);
    f2m_config_free(mended);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prove");
    TCase *tcase = tcase_create("prove");

    tcase_add_loop_test(tcase, a_healthy_sample_raises_no_alarm, 0, (int)SAMPLES);
    tcase_add_loop_test(tcase, a_battery_that_says_the_wrong_thing_is_found, 0, (int)SAMPLES);
    tcase_add_loop_test(tcase, counters_in_another_unit_are_found, 0, (int)SAMPLES);
    tcase_add_loop_test(tcase, a_turned_grid_is_found, 0, (int)SAMPLES);
    tcase_add_test(tcase, a_verdict_is_logged_once);
    tcase_add_test(tcase, a_reload_keeps_or_forgets_the_verdict);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
