/* What the provers say of a mistake, who they say is wrong, when they take it back, and what proves nothing to them. */
#include "battery_model.h"

#include "telemetry/grid_prover.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

static const struct f2m_prover_words canonical = {.sign = 1, .power_unit = {"W", "W"}, .counter_unit = {"Wh", "Wh"}};

static struct f2m_strbuf told;

static void setup(void)
{
    f2m_strbuf_init(&told, 0);
}

static void teardown(void)
{
    f2m_strbuf_deinit(&told);
}

static const char *words_of(const struct f2m_prover *p, const struct f2m_prover_words *words)
{
    f2m_strbuf_reset(&told);
    f2m_prover_tell(p, words, &told);
    ck_assert_int_eq(told.len > 0, f2m_prover_verdict(p) != 0);
    return told.data;
}

/* What the battery does for half an hour, as told by `bend`; the verdict, "" where there is none. */
static const char *verdict(struct battery b, double power, enum f2m_prover_flow flow,
                           void (*bend)(struct f2m_prover_sample *))
{
    struct f2m_prover p;

    f2m_prover_init(&p, flow);
    for (int64_t t = 0; t <= 30 * MINUTE; t += b.every_ms) {
        struct f2m_prover_sample s = battery_tell(&b, t, battery_run(&b, power, b.every_ms));
        bend(&s);
        f2m_prover_feed(&p, &s);
    }
    return words_of(&p, &canonical);
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

static void tenfold(struct f2m_prover_sample *s)
{
    s->power *= 10;
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

static void no_power(struct f2m_prover_sample *s)
{
    s->power = NAN;
}

static void no_power_exchanged(struct f2m_prover_sample *s)
{
    no_power(s);
    exchanged_counters(s);
}

static void no_power_kwh(struct f2m_prover_sample *s)
{
    no_power(s);
    kwh_counters(s);
}

START_TEST(power_against_the_state_of_charge)
{
    struct battery b = battery_plain();

    ck_assert_str_eq(verdict(b, -3000, F2M_FLOW_SIGNED, nothing), "");
    ck_assert_str_eq(verdict(b, -3000, F2M_FLOW_SIGNED, turned),
                     "battery_power says charging 600 Wh in 12 min while state_of_charge fell by 6 % of 10.0 kWh: the "
                     "sign is turned; set `positive: discharging`");
    ck_assert_str_eq(verdict(b, -5000, F2M_FLOW_PAIR, turned),
                     "battery_charge_power and battery_discharge_power say charging 583 Wh in 7 min while "
                     "state_of_charge fell by 6 % of 10.0 kWh: the two are exchanged");
    ck_assert_str_eq(verdict(b, -3000, F2M_FLOW_SIGNED, thousandth),
                     "battery_power says discharging 0.6 Wh in 12 min while state_of_charge fell by 6 % of 10.0 kWh: "
                     "that is about 1000 times too small; the payload is probably in kW: set `unit: kW`");
    ck_assert_str_eq(verdict(b, -3000, F2M_FLOW_PAIR, thousandth),
                     "battery_discharge_power says discharging 0.6 Wh in 12 min while state_of_charge fell by 6 % of "
                     "10.0 kWh: that is about 1000 times too small; the payload is probably in kW: set `unit: kW`");
    ck_assert_str_eq(
        verdict(b, -3000, F2M_FLOW_PAIR, thousandth_turned),
        "battery_charge_power and battery_discharge_power say charging 0.6 Wh in 12 min while "
        "state_of_charge fell by 6 % of 10.0 kWh: that is about 1000 times too small and turned round; the "
        "payload is probably in kW: set `unit: kW`, and exchange the two");
    ck_assert_str_eq(verdict(b, -3000, F2M_FLOW_SIGNED, tenfold),
                     "battery_power says discharging 9.0 kWh in 18 min while state_of_charge fell by 9 % of 10.0 kWh: "
                     "that is about 10 times too large; check `unit` and `scale`, and `capacity`");
    ck_assert_str_eq(verdict(b, -3000, F2M_FLOW_SIGNED, no_capacity_turned),
                     "battery_power says charging 900 Wh in 18 min while state_of_charge fell by 9 %: the sign is "
                     "turned; set `positive: discharging`");
}
END_TEST

START_TEST(the_step_to_take_follows_the_configuration)
{
    const struct f2m_prover_words other = {.sign = -1, .power_unit = {"kW", "kW"}, .counter_unit = {"kWh", "kWh"}};
    struct f2m_prover p = {.flow = F2M_FLOW_SIGNED};

    p.by_soc[0] = (struct f2m_prover_case){
        .error = {0, true}, .verdict = true, .summed_wh = -2100, .other_wh = 1485, .moved = 11, .took_ms = 30 * MINUTE};
    ck_assert_str_eq(words_of(&p, &other),
                     "battery_power says discharging 2.1 kWh in 30 min while state_of_charge rose "
                     "by 11 % of 13.5 kWh: the sign is turned; set `positive: charging`");
    p.by_soc[0].error = (struct f2m_prover_error){3, false};
    p.by_soc[0].summed_wh = 2100000;
    ck_assert_str_eq(words_of(&p, &other),
                     "battery_power says charging 2100 kWh in 30 min while state_of_charge rose by 11 % of 13.5 kWh: "
                     "that is about 1000 times too large; the payload is probably in W: set `unit: W`");
    p.by_soc[0].error = (struct f2m_prover_error){-3, false}; /* no unit is larger than MW */
    ck_assert_ptr_nonnull(strstr(words_of(&p, &(struct f2m_prover_words){.power_unit = {"MW", "MW"}}),
                                 "too small; check `unit` and `scale`"));
}
END_TEST

START_TEST(counters_tell_who_is_wrong)
{
    struct battery b = battery_plain();

    b.counters = true;
    ck_assert_str_eq(verdict(b, -3000, F2M_FLOW_SIGNED, nothing), "");
    ck_assert_str_eq(verdict(b, -5000, F2M_FLOW_SIGNED, small_capacity),
                     "battery_power says discharging 1.8 kWh in 21 min while state_of_charge fell by 18 % of 1.0 kWh: "
                     "power and counters agree with each other, so it is `capacity` that does not fit");
    ck_assert_str_eq(verdict(b, -3000, F2M_FLOW_SIGNED, exchanged_counters),
                     "battery_charge_energy counted 400 Wh in 8 min while battery_power says discharging 400 Wh: "
                     "battery_charge_energy and battery_discharge_energy are exchanged");
    ck_assert_str_eq(
        verdict(b, -3000, F2M_FLOW_SIGNED, kwh_counters),
        "battery_discharge_energy counted 0.4 Wh in 8 min while battery_power says discharging 400 Wh: the "
        "counter is about 1000 times too small; the payload is probably in kWh: set `unit: kWh`");
    ck_assert_str_eq(
        verdict(b, -3000, F2M_FLOW_PAIR, no_soc_kwh_counters),
        "battery_discharge_energy counted 0.4 Wh in 8 min while battery_discharge_power says discharging "
        "400 Wh: the counter is about 1000 times too small, or the power about 1000 times too large; check "
        "`unit` and `scale` of both");
    ck_assert_str_eq(verdict(b, -3000, F2M_FLOW_SIGNED, no_soc_turned),
                     "battery_discharge_energy counted 400 Wh in 8 min while battery_power says charging 400 Wh: turn "
                     "`positive` of battery_power round, or the counters are exchanged");
}
END_TEST

START_TEST(counters_alone_against_the_state_of_charge)
{
    struct battery b = battery_plain();

    b.counters = true;
    ck_assert_str_eq(verdict(b, -3000, F2M_FLOW_COUNTERS, no_power), "");
    ck_assert_str_eq(verdict(b, -3000, F2M_FLOW_COUNTERS, no_power_exchanged),
                     "battery_charge_energy and battery_discharge_energy say charging 600 Wh in 12 min while "
                     "state_of_charge fell by 6 % of 10.0 kWh: the two are exchanged");
    ck_assert_str_eq(verdict(b, -3000, F2M_FLOW_COUNTERS, no_power_kwh),
                     "battery_discharge_energy says discharging 0.6 Wh in 12 min while state_of_charge fell by 6 % of "
                     "10.0 kWh: that is about 1000 times too small; the payload is probably in kWh: set `unit: kWh`");
}
END_TEST

/* ---- over time ---- */

static void go_on(struct f2m_prover *p, struct battery *b, int64_t *t, double power, int64_t for_ms,
                  void (*bend)(struct f2m_prover_sample *))
{
    for (int64_t end = *t + for_ms; *t < end; *t += b->every_ms) {
        struct f2m_prover_sample s = battery_tell(b, *t, battery_run(b, power, b->every_ms));
        bend(&s);
        f2m_prover_feed(p, &s);
    }
}

START_TEST(what_was_mended_is_taken_back)
{
    struct battery b = battery_plain();
    struct f2m_prover p;
    int64_t t = 0;

    f2m_prover_init(&p, F2M_FLOW_SIGNED);
    go_on(&p, &b, &t, -3000, 30 * MINUTE, turned);
    ck_assert_str_ne(words_of(&p, &canonical), "");
    go_on(&p, &b, &t, -3000, 30 * MINUTE, nothing);
    ck_assert_str_eq(words_of(&p, &canonical), "");
}
END_TEST

/* A verdict is told once: its number and its evidence stay while it stands. */
START_TEST(a_standing_verdict_does_not_change)
{
    struct battery b = battery_plain();
    struct f2m_prover p;
    unsigned changes = 0, last = 0;

    f2m_prover_init(&p, F2M_FLOW_SIGNED);
    for (int64_t t = 0; t < 90 * MINUTE; t += b.every_ms) {
        struct f2m_prover_sample s = battery_tell(&b, t, -battery_run(&b, -3000, b.every_ms));
        bool news = f2m_prover_feed(&p, &s);
        ck_assert(news || f2m_prover_verdict(&p) == last);
        changes += f2m_prover_verdict(&p) != last;
        last = f2m_prover_verdict(&p);
    }
    ck_assert_uint_eq(changes, 1);
    ck_assert_str_eq(words_of(&p, &canonical),
                     "battery_power says charging 600 Wh in 12 min while state_of_charge fell by 6 % of 10.0 kWh: the "
                     "sign is turned; set `positive: discharging`");
}
END_TEST

/* After hours of being right, two stretches are not enough to prove the contrary; a real change is found all the same.
 */
START_TEST(what_was_right_for_long_is_believed)
{
    struct battery b = battery_plain();
    struct f2m_prover p;
    int64_t t = 0;

    b.capacity = 20000;
    b.wh = 18500;
    f2m_prover_init(&p, F2M_FLOW_SIGNED);
    go_on(&p, &b, &t, -4000, 60 * MINUTE, nothing);
    go_on(&p, &b, &t, -4000, 40 * MINUTE, turned);
    ck_assert_str_eq(words_of(&p, &canonical), "");
    go_on(&p, &b, &t, -4000, 40 * MINUTE, turned);
    ck_assert_str_ne(words_of(&p, &canonical), "");
}
END_TEST

/* A payload that tells only how much is right while the battery charges. */
static void no_sign(struct f2m_prover_sample *s)
{
    s->power = fabs(s->power);
}

START_TEST(a_power_without_a_sign_is_named)
{
    struct battery b = battery_plain();
    struct f2m_prover p;
    int64_t t = 0;

    b.wh = 5000;
    f2m_prover_init(&p, F2M_FLOW_SIGNED);
    go_on(&p, &b, &t, 4000, 20 * MINUTE, no_sign);
    go_on(&p, &b, &t, -4000, 60 * MINUTE, no_sign);
    ck_assert_ptr_nonnull(strstr(words_of(&p, &canonical), "it says charging in both directions: it has no sign"));
}
END_TEST

/* The discharge power in kW, the charge power in W: the one is not taken back because the other is right. */
static void discharge_in_kw(struct f2m_prover_sample *s)
{
    s->power = s->power < 0 ? s->power / 1000 : s->power;
}

START_TEST(each_of_a_pair_is_proven_alone)
{
    struct battery b = battery_plain();
    struct f2m_prover p;
    int64_t t = 0;

    b.wh = 7000;
    f2m_prover_init(&p, F2M_FLOW_PAIR);
    go_on(&p, &b, &t, -4000, 30 * MINUTE, discharge_in_kw);
    go_on(&p, &b, &t, 4000, 30 * MINUTE, discharge_in_kw);
    const char *text = words_of(&p, &canonical);
    ck_assert_msg(strstr(text, "battery_discharge_power says") && strstr(text, "set `unit: kW`"), "%s", text);
    ck_assert(p.by_soc[0].right);
}
END_TEST

/* ---- what proves nothing ---- */

/* A demonstration lets its battery run in quick motion, but says the power of ordinary time. */
START_TEST(quick_motion_proves_nothing)
{
    static const int speeds[] = {10, 60, 144, 1440};

    for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++) {
        struct battery b = battery_plain();
        struct f2m_prover p;
        b.counters = true;
        f2m_prover_init(&p, F2M_FLOW_SIGNED);
        for (int64_t t = 0; t <= 2 * HOUR; t += 5 * SECOND) {
            double wanted = b.wh > 9000 || (t / (10 * MINUTE)) % 2 ? -3000 : 3000;
            struct f2m_prover_sample s = battery_tell(&b, t, battery_run(&b, wanted, 5 * SECOND * speeds[i]));
            f2m_prover_feed(&p, &s);
            ck_assert_msg(!f2m_prover_verdict(&p), "%d times as fast: %s", speeds[i], words_of(&p, &canonical));
        }
    }
}
END_TEST

START_TEST(a_gap_proves_nothing)
{
    struct battery b = battery_plain();
    struct f2m_prover p;

    f2m_prover_init(&p, F2M_FLOW_SIGNED);
    for (int64_t t = 0; t <= 2 * HOUR; t += 7 * MINUTE) { /* turned round, but heard too seldom */
        struct f2m_prover_sample s = battery_tell(&b, t, -battery_run(&b, -3000, 7 * MINUTE));
        f2m_prover_feed(&p, &s);
        ck_assert(!f2m_prover_verdict(&p));
    }
    ck_assert(!p.soc.open);
}
END_TEST

/* The full battery is topped, the empty one balanced: its state of charge moves without its power. */
START_TEST(near_full_and_empty_nothing_is_wrong)
{
    struct battery b = battery_plain();
    struct f2m_prover p;

    for (int low = 0; low < 2; low++) {
        f2m_prover_init(&p, F2M_FLOW_SIGNED);
        for (int64_t t = 0; t <= 60 * MINUTE; t += b.every_ms) {
            double done = (double)t / (60 * MINUTE);
            struct f2m_prover_sample s = {.mono_ms = t,
                                          .soc = floor(low ? 9.9 - 9 * done : 90.1 + 9.9 * done),
                                          .power = low ? 600 : -600,
                                          .capacity_wh = 10000,
                                          .rating_w = NAN,
                                          .charge_wh = NAN,
                                          .discharge_wh = NAN};
            f2m_prover_feed(&p, &s);
        }
        ck_assert_str_eq(words_of(&p, &canonical), "");
    }
}
END_TEST

/* ---- the grid ---- */

struct grid_hour {
    double grid, solar, battery, home;
    bool solar_mapped, home_mapped;
};

static const char *grid_verdict(struct f2m_grid_prover *g, struct grid_hour h, int64_t *t, int64_t for_ms)
{
    for (int64_t end = *t + for_ms; *t < end; *t += MINUTE) {
        struct f2m_grid_sample s = {*t, h.grid, h.solar, h.battery, h.home, h.solar_mapped, h.home_mapped};
        f2m_grid_prover_feed(g, &s);
    }
    f2m_strbuf_reset(&told);
    f2m_grid_prover_tell(g, 1, &told);
    return told.data;
}

static const char *one_grid_hour(struct grid_hour h)
{
    struct f2m_grid_prover g;
    int64_t t = 0;

    f2m_grid_prover_init(&g);
    return grid_verdict(&g, h, &t, HOUR);
}

START_TEST(a_home_that_gives_has_a_turned_grid)
{
    ck_assert_str_eq(one_grid_hour((struct grid_hour){800, 0, 0, NAN, true, false}), "");
    ck_assert_str_eq(one_grid_hour((struct grid_hour){-800, 0, 0, NAN, true, false}),
                     "grid_power says export 200 Wh in 15 min, by which the home would have given 200 Wh: the sign is "
                     "turned; set `positive: export`");
    ck_assert_str_eq(one_grid_hour((struct grid_hour){-800, 0, 0, 800, true, true}),
                     "grid_power says export 200 Wh in 15 min, by which the home would have given 200 Wh, not what "
                     "home_power says: the sign is turned; set `positive: export`");
    ck_assert_str_eq(one_grid_hour((struct grid_hour){-800, NAN, 0, NAN, false, false}),
                     "grid_power says export 200 Wh in 15 min, by which the home would have given 200 Wh: solar_power "
                     "is not mapped, or the sign is turned; set `positive: export`");
    /* The battery sells by night: the home takes what is left. */
    ck_assert_str_eq(one_grid_hour((struct grid_hour){-2000, 0, -2500, NAN, true, false}), "");
    /* Something that generates may not be mapped; or nothing is known; or it is the unit. */
    ck_assert_str_eq(one_grid_hour((struct grid_hour){-3000, 1000, 0, NAN, true, false}), "");
    ck_assert_str_eq(one_grid_hour((struct grid_hour){-800, NAN, 0, NAN, true, false}), "");
    ck_assert_str_eq(one_grid_hour((struct grid_hour){-800000, 0, 0, NAN, true, false}), "");
}
END_TEST

START_TEST(a_grid_that_was_right_is_believed_for_an_hour)
{
    struct f2m_grid_prover g;
    int64_t t = 0;

    f2m_grid_prover_init(&g);
    grid_verdict(&g, (struct grid_hour){800, 0, 0, NAN, true, false}, &t, 30 * MINUTE);
    ck_assert_str_eq(grid_verdict(&g, (struct grid_hour){-800, 0, 0, NAN, true, false}, &t, 50 * MINUTE), "");
    ck_assert_str_ne(grid_verdict(&g, (struct grid_hour){-800, 0, 0, NAN, true, false}, &t, 20 * MINUTE), "");
    ck_assert_str_eq(grid_verdict(&g, (struct grid_hour){800, 0, 0, NAN, true, false}, &t, 20 * MINUTE), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prover");
    TCase *tcase = tcase_create("prover");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, power_against_the_state_of_charge);
    tcase_add_test(tcase, the_step_to_take_follows_the_configuration);
    tcase_add_test(tcase, counters_tell_who_is_wrong);
    tcase_add_test(tcase, counters_alone_against_the_state_of_charge);
    tcase_add_test(tcase, what_was_mended_is_taken_back);
    tcase_add_test(tcase, a_standing_verdict_does_not_change);
    tcase_add_test(tcase, what_was_right_for_long_is_believed);
    tcase_add_test(tcase, a_power_without_a_sign_is_named);
    tcase_add_test(tcase, each_of_a_pair_is_proven_alone);
    tcase_add_test(tcase, quick_motion_proves_nothing);
    tcase_add_test(tcase, a_gap_proves_nothing);
    tcase_add_test(tcase, near_full_and_empty_nothing_is_wrong);
    tcase_add_test(tcase, a_home_that_gives_has_a_turned_grid);
    tcase_add_test(tcase, a_grid_that_was_right_is_believed_for_an_hour);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
