/* Days of healthy homes of every kind raise no alarm, and a mistake in their configuration is found within 30 minutes
 * of movement. Each failure names its seed; F2M_SEED=N runs that day alone. */
#include "battery_model.h"

#include "telemetry/grid_prover.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAYS  1200
#define LOOPS 8

static const struct f2m_prover_words words = {.sign = 1, .power_unit = {"W", "W"}, .counter_unit = {"Wh", "Wh"}};

/* ---- healthy days ---- */

struct day {
    uint64_t seed;
    struct battery b;
    struct weather w;
    struct f2m_prover prover;
    struct f2m_grid_prover grid;
    bool lossy, solar_mapped; /* messages get lost, for hours at times */
};

static void begin(struct day *d, uint64_t seed)
{
    *d = (struct day){.seed = seed};
    chance_seed(seed);
    battery_of_chance(&d->b);
    d->w = weather_of_chance(&d->b);
    d->lossy = chance_next() % 3 == 0;
    d->solar_mapped = chance_next() % 4 != 0 || d->w.solar == 0;
    f2m_prover_init(&d->prover, d->b.counters && seed % 5 == 0 ? F2M_FLOW_COUNTERS
                                : seed % 3 == 0                ? F2M_FLOW_PAIR
                                                               : F2M_FLOW_SIGNED);
    f2m_grid_prover_init(&d->grid);
}

static void complain(struct day *d, int64_t t)
{
    f2m_autostrbuf text;

    f2m_strbuf_init(&text, 0);
    f2m_prover_tell(&d->prover, &words, &text);
    f2m_grid_prover_tell(&d->grid, 1, &text);
    ck_assert_msg(text.len == 0, "F2M_SEED=%llu, after %lld min: %s", (unsigned long long)d->seed,
                  (long long)(t / MINUTE), text.data);
}

/* Powers of one moment never come from one moment: each is off by its own noise. */
static struct f2m_grid_sample grid_of(const struct day *d, int64_t t, double power)
{
    double noise = d->b.power_noise;

    return (struct f2m_grid_sample){
        .mono_ms = t,
        .grid = (d->w.home_w + power - d->w.sun_w) * (1 + noise * chance_between(-1, 1)),
        .solar = d->solar_mapped ? d->w.sun_w * (1 + noise * chance_between(-1, 1)) : NAN,
        .battery = power,
        .home = d->seed % 2 ? d->w.home_w : NAN,
        .solar_mapped = d->solar_mapped,
        .home_mapped = d->seed % 2,
    };
}

static void run_day(struct day *d)
{
    int64_t back_ms = 0, start = (int64_t)(chance_next() % DAY), every = d->b.every_ms;

    for (int64_t t = 0; t < DAY; t += every) {
        int64_t of_day = (start + t) % DAY;
        double power = battery_run(&d->b, weather_wants(&d->w, &d->b, of_day), every);
        if (d->b.daily && of_day < every)
            d->b.charged = d->b.discharged = 0;
        battery_estimate(&d->b, every);
        if (d->lossy && chance_happens(every, 6 * HOUR))
            back_ms = t + (int64_t)chance_between(0, 3 * HOUR);
        if (t < back_ms)
            continue;
        struct f2m_prover_sample s = battery_tell(&d->b, t, power);
        struct f2m_grid_sample g = grid_of(d, t, power);
        if (d->prover.flow == F2M_FLOW_COUNTERS)
            s.power = NAN;
        bool news = f2m_prover_feed(&d->prover, &s);
        /* Where solar is not mapped, the verdict names that too, and it is right. */
        if (d->solar_mapped)
            news = f2m_grid_prover_feed(&d->grid, &g) || news;
        if (news)
            complain(d, t);
    }
}

START_TEST(healthy_homes_raise_no_alarm)
{
    const char *only = getenv("F2M_SEED");
    struct day d;

    if (only) {
        begin(&d, strtoull(only, NULL, 10));
        run_day(&d);
        return;
    }
    for (uint64_t n = (uint64_t)_i * (DAYS / LOOPS); n < (uint64_t)(_i + 1) * (DAYS / LOOPS); n++) {
        begin(&d, n);
        run_day(&d);
    }
}
END_TEST

/* The test above must be able to fail: its days hold enough movement to prove something. */
START_TEST(healthy_days_prove_that_all_is_well)
{
    unsigned right = 0, grid_right = 0;
    struct day d;

    for (uint64_t n = 0; n < 100; n++) {
        begin(&d, n);
        d.b.jump_every = d.b.slide_every = 0;
        d.w = (struct weather){8000, 0.3, 700, 0, 0.8, 0, 0};
        d.b.every_ms = MINUTE;
        run_day(&d);
        right += d.prover.by_soc[0].right || d.prover.by_soc[1].right || d.prover.by_counter[0].right ||
                 d.prover.by_counter[1].right;
        grid_right += d.grid.proven;
    }
    ck_assert_uint_ge(right, 90);
    ck_assert_uint_ge(grid_right, 25);
}
END_TEST

/* ---- mistakes ---- */

struct mistake {
    const char *name;
    double factor;
    const char *says[3]; /* in the verdict, by flow */
};

static const struct mistake mistakes[] = {
    {"turned sign", -1, {"the sign is turned; set `positive: discharging`", "are exchanged", "are exchanged"}},
    {"kW for W", 0.001, {"set `unit: kW`", "set `unit: kW`", "set `unit: kWh`"}},
    {"W for kW", 1000, {"about 1000 times too large", "about 1000 times too large", "about 1000 times too large"}},
    {"ten times", 10, {"about 10 times too large", "about 10 times too large", "about 10 times too large"}},
    {"a tenth", 0.1, {"about 10 times too small", "about 10 times too small", "about 10 times too small"}},
    {"kW for W, turned", -0.001, {"turned round", "turned round", "turned round"}},
};
#define MISTAKES (sizeof mistakes / sizeof mistakes[0])

static void bend(struct f2m_prover_sample *s, enum f2m_prover_flow flow, double factor)
{
    double charge = s->charge_wh;

    if (flow != F2M_FLOW_COUNTERS) {
        s->power *= factor;
        s->charge_wh = s->discharge_wh = NAN;
        return;
    }
    s->power = NAN;
    s->charge_wh = fabs(factor) * (factor < 0 ? s->discharge_wh : charge);
    s->discharge_wh = fabs(factor) * (factor < 0 ? charge : s->discharge_wh);
}

/* The minutes until the verdict stands; -1 where it never does. */
static int find(struct battery *b, enum f2m_prover_flow flow, double power, double factor, struct f2m_strbuf *text)
{
    struct f2m_prover p;

    f2m_prover_init(&p, flow);
    for (int64_t t = 0; t <= 30 * MINUTE; t += b->every_ms) {
        double did = battery_run(b, power * chance_between(0.9, 1.1), b->every_ms);
        struct f2m_prover_sample s = battery_tell(b, t, did);
        bend(&s, flow, factor);
        f2m_prover_feed(&p, &s);
        if (f2m_prover_verdict(&p)) {
            f2m_prover_tell(&p, &words, text);
            return (int)(t / MINUTE);
        }
    }
    return -1;
}

static void make_mistake(const struct mistake *m, enum f2m_prover_flow flow, uint64_t seed)
{
    struct battery b;
    f2m_autostrbuf text;

    f2m_strbuf_init(&text, 0);
    chance_seed(seed);
    battery_of_chance(&b);
    b.every_ms = b.every_ms > MINUTE ? MINUTE : b.every_ms;
    b.soc_lag_ms = b.soc_lag_ms > MINUTE ? MINUTE : b.soc_lag_ms;
    b.max_w = fmax(b.max_w, b.capacity * 0.3);
    b.counters = true;
    b.counter_step = fmin(b.counter_step, b.capacity < 8000 ? 10 : 100);
    b.knows_capacity = b.knows_capacity || m->factor != -1;
    bool charge = chance_next() % 2;
    b.wh = b.capacity * (charge ? 0.3 : 0.8);
    double power = b.capacity * chance_between(0.25, 0.5) * (charge ? 1 : -1);
    int minutes = find(&b, flow, power, m->factor, &text);
    ck_assert_msg(minutes >= 0, "%s, flow %d, seed %llu: %.0f Wh, %.0f W, every %lld s, step %g: nothing found",
                  m->name, flow, (unsigned long long)seed, b.capacity, power, (long long)(b.every_ms / SECOND),
                  b.soc_step);
    ck_assert_msg(strstr(text.data, m->says[flow]) != NULL, "%s, flow %d, seed %llu: %s", m->name, flow,
                  (unsigned long long)seed, text.data);
}

START_TEST(a_mistake_is_found_within_30_minutes)
{
    for (int flow = 0; flow < 3; flow++)
        for (uint64_t seed = 0; seed < 200; seed++)
            make_mistake(&mistakes[_i], (enum f2m_prover_flow)flow, seed);
}
END_TEST

/* At night the home takes what the battery does not give. */
START_TEST(a_turned_grid_is_found_within_30_minutes)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct f2m_grid_prover g;
        f2m_autostrbuf text;
        f2m_strbuf_init(&text, 0);
        f2m_grid_prover_init(&g);
        chance_seed(seed);
        double home = chance_between(300, 3000), battery = chance_next() % 2 ? 0 : -chance_between(0, home - 250);
        for (int64_t t = 0; t <= 30 * MINUTE && !g.verdict; t += MINUTE) {
            double now = home * chance_between(0.95, 1.05);
            struct f2m_grid_sample s = {.mono_ms = t,
                                        .grid = -(now + battery),
                                        .solar = 0,
                                        .battery = battery,
                                        .home = now,
                                        .solar_mapped = true,
                                        .home_mapped = seed % 2};
            f2m_grid_prover_feed(&g, &s);
        }
        f2m_grid_prover_tell(&g, 1, &text);
        bool enough = -battery < home * 0.4; /* else the grid's part is too small to say whose mistake it is */
        ck_assert_msg(!enough || strstr(text.data, "the sign is turned; set `positive: export`"),
                      "seed %llu: %.0f %.0f %s", (unsigned long long)seed, home, battery, text.data);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prover_days");
    TCase *tcase = tcase_create("prover_days");

    tcase_add_loop_test(tcase, healthy_homes_raise_no_alarm, 0, LOOPS);
    tcase_add_test(tcase, healthy_days_prove_that_all_is_well);
    tcase_add_loop_test(tcase, a_mistake_is_found_within_30_minutes, 0, (int)MISTAKES);
    tcase_add_test(tcase, a_turned_grid_is_found_within_30_minutes);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
