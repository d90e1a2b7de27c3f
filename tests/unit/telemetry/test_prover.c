/* What a battery says of itself is compared with itself: a turned sign, kW for W and a scale off by ten are found
 * within 30 minutes of movement, and 2,000 days of healthy batteries of every kind raise no alarm. */
#include "telemetry/prover.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* ---- chance, the same each time ---- */

static uint64_t state;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void seed(uint64_t n)
{
    state = n * 0x9E3779B97F4A7C15u + 1;
    for (int i = 0; i < 8; i++)
        next();
}

static double between(double low, double high)
{
    return low + (high - low) * (double)(next() >> 11) / 9007199254740992.0;
}

static double one_of(const double *list, size_t n)
{
    return list[next() % n];
}
#define ONE_OF(...) one_of((const double[]){__VA_ARGS__}, sizeof((const double[]){__VA_ARGS__}) / sizeof(double))

/* ---- a battery ---- */

struct battery {
    double capacity, max_w, efficiency; /* of one way */
    double idle_w;                      /* drain that its power does not show */
    double wh;
    double charged, discharged;

    /* what it tells */
    int64_t every_ms, soc_lag_ms;
    double soc_step, soc_noise, power_step, power_noise, counter_step;
    bool counters, daily, knows_capacity;
    double told_soc;
    int64_t told_soc_ms;
    double calibrated; /* what its estimate is off by, in % */
};

static void make(struct battery *b)
{
    *b = (struct battery){
        .capacity = between(2000, 40000),
        .efficiency = sqrt(between(0.8, 1)),
        .idle_w = between(0, 60),
        .every_ms = (int64_t)ONE_OF(20, 60, 60, 120, 300, 300, 300) * SECOND,
        .soc_lag_ms = (int64_t)ONE_OF(0, 0, 60, 300) * SECOND,
        .soc_step = ONE_OF(0.01, 0.1, 1, 1, 1),
        .soc_noise = ONE_OF(0, 0, 0.2, 0.5),
        .power_step = ONE_OF(0.1, 1, 10, 100),
        .power_noise = ONE_OF(0, 0.01, 0.05, 0.1),
        .counter_step = ONE_OF(1, 10, 100, 1000),
        .counters = next() % 4 != 0,
        .daily = next() % 3 == 0,
        .knows_capacity = next() % 5 != 0,
        .told_soc = NAN,
        .told_soc_ms = INT64_MIN / 2,
    };
    b->max_w = b->capacity * between(0.15, 0.8);
    b->wh = b->capacity * between(0.1, 0.9);
    if (b->soc_step >= 1)
        b->soc_noise = 0;
}

static double to_step(double x, double step)
{
    return floor(x / step + 0.5) * step;
}

/* Lets it charge (W > 0) or discharge for a while; what it really did. */
static double run(struct battery *b, double power, int64_t ms)
{
    double hours = (double)ms / HOUR;

    power = fmax(-b->max_w, fmin(b->max_w, power));
    if (power > 0)
        power = fmin(power, (b->capacity - b->wh) / hours / b->efficiency);
    else
        power = -fmin(-power, b->wh / hours * b->efficiency);
    b->wh += (power > 0 ? power * b->efficiency : power / b->efficiency) * hours;
    b->wh = fmax(0, fmin(b->capacity, b->wh - b->idle_w * hours));
    b->charged += fmax(power, 0) * hours;
    b->discharged += fmax(-power, 0) * hours;
    return power;
}

static double soc_of(struct battery *b, int64_t mono_ms)
{
    if (mono_ms - b->told_soc_ms >= b->soc_lag_ms) {
        double soc = 100 * b->wh / b->capacity + b->calibrated + b->soc_noise * between(-1, 1);
        b->told_soc = fmax(0, fmin(100, to_step(soc, b->soc_step)));
        b->told_soc_ms = mono_ms;
    }
    return b->told_soc;
}

static struct f2m_prover_sample tell(struct battery *b, int64_t mono_ms, double power)
{
    return (struct f2m_prover_sample){
        .mono_ms = mono_ms,
        .soc = soc_of(b, mono_ms),
        .power = to_step(power * (1 + b->power_noise * between(-1, 1)), b->power_step),
        .capacity_wh = b->knows_capacity ? b->capacity : NAN,
        .charge_wh = b->counters ? to_step(b->charged, b->counter_step) : NAN,
        .discharge_wh = b->counters ? to_step(b->discharged, b->counter_step) : NAN,
    };
}

/* ---- healthy days ---- */

struct weather {
    double solar, clouds, home, night;
    double cloud; /* now */
};

/* What the home wants of the battery. */
static double wanted(const struct battery *b, struct weather *w, int64_t of_day)
{
    double hour = (double)of_day / HOUR;
    double sun = fmax(0, sin((hour - 6) / 12 * 3.14159265)) * w->solar;

    w->cloud += between(-0.1, 0.1) * w->clouds;
    w->cloud = fmax(0.1, fmin(1, w->cloud));
    double home = w->home * (hour > 17 && hour < 22 ? 2.5 : 1) * between(0.7, 1.3);
    if (next() % 60 == 0)
        home += between(0, 3000);
    if (w->night > 0 && hour < 4)
        return w->night; /* charged from the grid by night */
    double power = sun * w->cloud - home;
    return fabs(power) < b->max_w * 0.02 ? 0 : power;
}

static void healthy_day(uint64_t n)
{
    struct battery b;
    struct f2m_prover p;
    struct f2m_prover_words words = {false};
    char text[F2M_VERDICT_SIZE];

    seed(n);
    make(&b);
    struct weather w = {between(0, 12000), between(0, 1), between(100, 1500), next() % 4 ? 0 : b.max_w, 0.8};
    bool silent = next() % 3 == 0; /* messages get lost, for hours at times */
    int64_t back_ms = 0, start = (int64_t)(next() % DAY);
    f2m_prover_init(&p);
    for (int64_t t = 0; t < DAY; t += b.every_ms) {
        int64_t of_day = (start + t) % DAY;
        double power = run(&b, wanted(&b, &w, of_day), b.every_ms);
        if (b.daily && of_day < b.every_ms)
            b.charged = b.discharged = 0;
        /* Its estimate drifts, and is put right when it is full. */
        b.calibrated =
            b.wh > 0.97 * b.capacity ? b.calibrated * 0.8 : fmax(-9, b.calibrated - 0.3 * (double)b.every_ms / HOUR);
        if (silent && next() % 200 == 0)
            back_ms = t + (int64_t)between(0, 3 * HOUR);
        if (t < back_ms)
            continue;
        struct f2m_prover_sample s = tell(&b, t, power);
        if (!f2m_prover_feed(&p, &s))
            continue;
        ck_assert_msg(!f2m_prover_verdict(&p, &words, text, sizeof text), "day %llu, after %lld min: %s",
                      (unsigned long long)n, (long long)(t / MINUTE), text);
    }
}

START_TEST(healthy_batteries_raise_no_alarm)
{
    for (uint64_t n = (uint64_t)_i * 250; n < (uint64_t)(_i + 1) * 250; n++)
        healthy_day(n);
}
END_TEST

/* The test above must be able to fail: its days hold enough movement to prove something. */
START_TEST(healthy_days_prove_that_all_is_well)
{
    unsigned right = 0;

    for (uint64_t n = 0; n < 50; n++) {
        struct battery b;
        struct f2m_prover p;
        seed(n);
        make(&b);
        struct weather w = {8000, 0.3, 700, 0, 0.8};
        f2m_prover_init(&p);
        for (int64_t t = 0; t < DAY; t += b.every_ms) {
            struct f2m_prover_sample s = tell(&b, t, run(&b, wanted(&b, &w, t), b.every_ms));
            f2m_prover_feed(&p, &s);
        }
        right += p.by_soc.right || p.by_counter[0].right || p.by_counter[1].right;
    }
    ck_assert_uint_ge(right, 45);
}
END_TEST

/* ---- mistakes ---- */

struct mistake {
    const char *name;
    double factor;
    const char *says; /* in the verdict */
};

static const struct mistake mistakes[] = {
    {"turned sign", -1, "wrong sign"},          {"kW for W", 0.001, "1000 times too small"},
    {"W for kW", 1000, "1000 times too large"}, {"ten times", 10, "10 times too large"},
    {"a tenth", 0.1, "10 times too small"},     {"kW for W, turned", -0.001, "turned round"},
};
#define MISTAKES (sizeof mistakes / sizeof mistakes[0])

/* The minutes until the verdict stands; -1 where it never does. */
static int find(const struct mistake *m, struct battery *b, double power, int64_t for_ms, char *text, size_t size)
{
    struct f2m_prover p;
    struct f2m_prover_words words = {false};

    f2m_prover_init(&p);
    for (int64_t t = 0; t <= for_ms; t += b->every_ms) {
        double did = run(b, power * between(0.9, 1.1), b->every_ms);
        struct f2m_prover_sample s = tell(b, t, did);
        s.power *= m->factor;
        f2m_prover_feed(&p, &s);
        if (f2m_prover_verdict(&p, &words, text, size))
            return (int)(t / MINUTE);
    }
    return -1;
}

START_TEST(a_mistake_is_found_within_30_minutes)
{
    const struct mistake *m = &mistakes[_i];

    for (uint64_t n = 0; n < 200; n++) {
        char text[F2M_VERDICT_SIZE] = "";
        struct battery b;
        seed(n);
        make(&b);
        b.every_ms = b.every_ms > MINUTE ? MINUTE : b.every_ms;
        b.soc_lag_ms = b.soc_lag_ms > MINUTE ? MINUTE : b.soc_lag_ms;
        b.max_w = fmax(b.max_w, b.capacity * 0.3);
        b.counters = false;
        b.knows_capacity = m->factor == -1 ? b.knows_capacity : true;
        bool charge = next() % 2;
        b.wh = b.capacity * (charge ? 0.3 : 0.8);
        double power = b.capacity * between(0.25, 0.5) * (charge ? 1 : -1);
        int minutes = find(m, &b, power, 30 * MINUTE, text, sizeof text);
        ck_assert_msg(minutes >= 0, "%s, battery %llu: %.0f Wh, %.0f W, every %lld s, step %g: nothing found", m->name,
                      (unsigned long long)n, b.capacity, power, (long long)(b.every_ms / SECOND), b.soc_step);
        ck_assert_msg(strstr(text, m->says) != NULL, "%s: %s", m->name, text);
    }
}
END_TEST

/* ---- what is told ---- */

static struct battery plain(void)
{
    seed(1);
    return (struct battery){.capacity = 10000,
                            .max_w = 5000,
                            .efficiency = 1,
                            .wh = 8000,
                            .every_ms = 30 * SECOND,
                            .soc_step = 1,
                            .power_step = 1,
                            .counter_step = 10,
                            .knows_capacity = true,
                            .told_soc_ms = INT64_MIN / 2};
}

/* Discharges with 3 kW for half an hour, as told by `bend`; the verdict, "" where there is none. */
static const char *verdict(struct battery b, struct f2m_prover_words words, void (*bend)(struct f2m_prover_sample *))
{
    static char text[F2M_VERDICT_SIZE];
    struct f2m_prover p;

    text[0] = '\0';
    f2m_prover_init(&p);
    for (int64_t t = 0; t <= 30 * MINUTE; t += b.every_ms) {
        struct f2m_prover_sample s = tell(&b, t, run(&b, -3000, b.every_ms));
        bend(&s);
        f2m_prover_feed(&p, &s);
    }
    f2m_prover_verdict(&p, &words, text, sizeof text);
    return text;
}

static void nothing(struct f2m_prover_sample *s)
{
    (void)s;
}

static void turned(struct f2m_prover_sample *s)
{
    s->power = -s->power;
}

static void thousandth(struct f2m_prover_sample *s)
{
    s->power /= 1000;
}

static void thousandth_turned(struct f2m_prover_sample *s)
{
    s->power /= -1000;
}

static void small_capacity(struct f2m_prover_sample *s)
{
    s->capacity_wh /= 10;
}

static void no_capacity_turned(struct f2m_prover_sample *s)
{
    s->capacity_wh = NAN;
    s->power = -s->power;
}

static void exchanged_counters(struct f2m_prover_sample *s)
{
    double charge = s->charge_wh;

    s->charge_wh = s->discharge_wh;
    s->discharge_wh = charge;
}

static void kwh_counters(struct f2m_prover_sample *s)
{
    s->charge_wh /= 1000;
    s->discharge_wh /= 1000;
}

static void no_soc_kwh_counters(struct f2m_prover_sample *s)
{
    kwh_counters(s);
    s->soc = NAN;
}

static void no_soc_turned(struct f2m_prover_sample *s)
{
    turned(s);
    s->soc = NAN;
}

START_TEST(the_verdict_tells_what_was_seen_and_what_to_do)
{
    const struct f2m_prover_words one = {false}, two = {true};
    struct battery b = plain(), counting = plain();

    counting.counters = true;
    ck_assert_str_eq(verdict(b, one, nothing), "");
    ck_assert_str_eq(verdict(counting, one, nothing), "");
    ck_assert_str_eq(verdict(b, one, turned),
                     "battery_power has the wrong sign: turn `positive` round: in 12 min the state "
                     "of charge fell by 6 % (600 Wh), while by its power 600 Wh went in");
    ck_assert_str_eq(verdict(b, two, turned),
                     "battery_charge_power and battery_discharge_power are exchanged: in 12 min the "
                     "state of charge fell by 6 % (600 Wh), while by its power 600 Wh went in");
    ck_assert_str_eq(
        verdict(b, one, thousandth),
        "battery_power is about 1000 times too small; the payload is probably kW where W is configured: check "
        "`unit`: in 12 min the state of charge fell by 6 % (600 Wh), while by its power 0.6 Wh went out");
    ck_assert_str_eq(
        verdict(b, two, thousandth_turned),
        "battery power is about 1000 times too small and turned round; the payload is probably kW where W is "
        "configured: check `unit`, and `positive`: in 12 min the state of charge fell by 6 % (600 Wh), while "
        "by its power 0.6 Wh went in");
    ck_assert_str_eq(
        verdict(b, one, no_capacity_turned),
        "battery_power has the wrong sign: turn `positive` round: in 12 min the state of charge fell by 6 %, "
        "while by its power 600 Wh went in");
}
END_TEST

START_TEST(counters_tell_who_is_wrong)
{
    const struct f2m_prover_words one = {false};
    struct battery b = plain();

    b.counters = true;
    ck_assert_str_eq(
        verdict(b, one, small_capacity),
        "the capacity does not fit, power and counters agree with each other: in 12 min the state of charge "
        "fell by 6 % (60 Wh), while by its power 600 Wh went out");
    ck_assert_str_eq(
        verdict(b, one, exchanged_counters),
        "battery_charge_energy and battery_discharge_energy are exchanged: in 8 min it counted 400 Wh, while by "
        "the battery's power 400 Wh went out of battery_charge_energy");
    ck_assert_str_eq(
        verdict(b, one, kwh_counters),
        "battery_discharge_energy is about 1000 times too small; check its `unit` and `scale`: in 8 min it "
        "counted 0.4 Wh, while by the battery's power 400 Wh went out");
    ck_assert_str_eq(
        verdict(b, one, no_soc_kwh_counters),
        "battery_discharge_energy and the battery's power do not agree, one is about 1000 times too large; "
        "check their `unit` and `scale`: in 8 min it counted 0.4 Wh, while by the battery's power 400 Wh went "
        "out");
    ck_assert_str_eq(
        verdict(b, one, no_soc_turned),
        "battery_discharge_energy runs while the battery's power goes the other way: turn `positive` round, or "
        "the counters are exchanged: in 8 min it counted 400 Wh, while by the battery's power 400 Wh went in");
}
END_TEST

/* ---- what proves nothing ---- */

START_TEST(what_was_mended_is_taken_back)
{
    struct battery b = plain();
    struct f2m_prover p;
    struct f2m_prover_words words = {false};
    char text[F2M_VERDICT_SIZE];
    unsigned verdicts = 0, news = 0;

    f2m_prover_init(&p);
    for (int64_t t = 0; t <= 60 * MINUTE; t += b.every_ms) {
        struct f2m_prover_sample s = tell(&b, t, run(&b, -3000, b.every_ms));
        if (t < 30 * MINUTE)
            s.power = -s.power;
        news += f2m_prover_feed(&p, &s);
        verdicts += f2m_prover_verdict(&p, &words, text, sizeof text);
    }
    ck_assert_uint_gt(verdicts, 0);
    ck_assert_uint_ge(news, 2); /* it came, and it went */
    ck_assert(!f2m_prover_verdict(&p, &words, text, sizeof text));
}
END_TEST

/* A demonstration lets its battery run in quick motion, but says the power of ordinary time. */
START_TEST(quick_motion_proves_nothing)
{
    static const int speeds[] = {10, 60, 144, 1440};

    for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++) {
        struct battery b = plain();
        struct f2m_prover p;
        struct f2m_prover_words words = {false};
        char text[F2M_VERDICT_SIZE];
        b.counters = true;
        f2m_prover_init(&p);
        for (int64_t t = 0; t <= 2 * HOUR; t += 5 * SECOND) {
            double power = run(&b, b.wh > 9000 || (t / (10 * MINUTE)) % 2 ? -3000 : 3000, 5 * SECOND * speeds[i]);
            struct f2m_prover_sample s = tell(&b, t, power);
            f2m_prover_feed(&p, &s);
            ck_assert_msg(!f2m_prover_verdict(&p, &words, text, sizeof text), "%d times as fast: %s", speeds[i], text);
        }
    }
}
END_TEST

START_TEST(a_gap_proves_nothing)
{
    struct battery b = plain();
    struct f2m_prover p;
    struct f2m_prover_words words = {false};
    char text[F2M_VERDICT_SIZE];

    f2m_prover_init(&p);
    for (int64_t t = 0; t <= 2 * HOUR; t += 11 * MINUTE) { /* turned round, but heard too seldom */
        struct f2m_prover_sample s = tell(&b, t, -run(&b, -3000, 11 * MINUTE));
        f2m_prover_feed(&p, &s);
    }
    ck_assert(!f2m_prover_verdict(&p, &words, text, sizeof text));
    ck_assert(!p.soc.open);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prover");
    TCase *tcase = tcase_create("prover");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, healthy_batteries_raise_no_alarm, 0, 8);
    tcase_add_test(tcase, healthy_days_prove_that_all_is_well);
    tcase_add_loop_test(tcase, a_mistake_is_found_within_30_minutes, 0, (int)MISTAKES);
    tcase_add_test(tcase, the_verdict_tells_what_was_seen_and_what_to_do);
    tcase_add_test(tcase, counters_tell_who_is_wrong);
    tcase_add_test(tcase, what_was_mended_is_taken_back);
    tcase_add_test(tcase, quick_motion_proves_nothing);
    tcase_add_test(tcase, a_gap_proves_nothing);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
