#include "telemetry/prover.h"

#include <math.h>
#include <stdio.h>

#define MINUTE_MS 60000
#define HOUR_MS   3600000.0

#define GAP_MS          (10 * MINUTE_MS) /* a power is not believed to hold longer */
#define STRETCH_MS      (60 * MINUTE_MS) /* slower is no movement */
#define STRETCH_MIN_MS  (3 * MINUTE_MS)
#define IDLE_MS         (10 * MINUTE_MS) /* without 1 % */
#define MIN_READINGS    4
#define SOC_MOVE        3.0  /* % */
#define SOC_JITTER      1.5  /* %: a state of charge may go back that far */
#define SOC_CHANGE      0.05 /* %: less is no change */
#define SOC_FULL        90.0 /* beyond, and below SOC_EMPTY, the battery's own estimate is set anew */
#define SOC_EMPTY       10.0
#define FASTEST_C       2.0 /* capacities in an hour; no home battery is faster */
#define COUNTER_MOVE_WH 200.0
#define COUNTER_STEPS   3
#define ONE_WAY         0.75 /* of all energy that flowed: then the stretch says something of scale and sign */
#define ONE_WAY_ALONE   0.9  /* where only the sign can be told */
#define VERDICT_COUNT   2

#define RIGHT_LOW  0.4
#define RIGHT_HIGH 2.5

void f2m_prover_init(struct f2m_prover *p)
{
    *p = (struct f2m_prover){.last_ms = INT64_MIN, .power = NAN, .soc_last = NAN, .counter_last = {NAN, NAN}};
}

/* ---- votes ---- */

static bool is_none(struct f2m_prover_error e)
{
    return e.tens == 0 && !e.turned;
}

/* Whether the ratio of summed power to the other energy is one of those that a mistake gives. */
static bool classify(double ratio, struct f2m_prover_error *e)
{
    static const struct {
        double low, high;
        int8_t tens;
    } classes[] = {
        {500, 2000, 3}, {5, 20, 1}, {RIGHT_LOW, RIGHT_HIGH, 0}, {0.05, 0.2, -1}, {0.0005, 0.002, -3},
    };
    double size = fabs(ratio);

    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (size >= classes[i].low && size <= classes[i].high) {
            *e = (struct f2m_prover_error){classes[i].tens, ratio < 0};
            return true;
        }
    return false;
}

struct stretch_result {
    struct f2m_prover_error error;
    double summed_wh, other_wh, moved;
    int64_t took_ms;
};

static bool vote(struct f2m_prover_case *c, const struct stretch_result *r)
{
    bool same = c->error.tens == r->error.tens && c->error.turned == r->error.turned;

    c->right = is_none(r->error);
    if (c->right || !same || c->count == 0) {
        bool had = c->count >= VERDICT_COUNT;
        *c = (struct f2m_prover_case){.error = r->error,
                                      .right = c->right,
                                      .count = !c->right,
                                      .summed_wh = r->summed_wh,
                                      .other_wh = r->other_wh,
                                      .moved = r->moved,
                                      .took_ms = r->took_ms};
        return had;
    }
    if (c->count >= VERDICT_COUNT)
        return false; /* the evidence of a standing verdict stays as it was told */
    c->count++;
    c->summed_wh += r->summed_wh;
    c->other_wh += r->other_wh;
    c->moved += r->moved;
    c->took_ms += r->took_ms;
    return true;
}

/* A stretch that says nothing breaks the row, but takes back no verdict. */
static bool abstain(struct f2m_prover_case *c)
{
    if (c->count < VERDICT_COUNT)
        c->count = 0;
    return false;
}

/* ---- the state of charge ---- */

static void open_stretch(const struct f2m_prover *p, struct f2m_prover_stretch *s, double at, int64_t mono_ms)
{
    *s = (struct f2m_prover_stretch){
        .open = true, .start_ms = mono_ms, .start = at, .plus_wh = p->plus_wh, .minus_wh = p->minus_wh};
}

static void open_soc(struct f2m_prover *p, const struct f2m_prover_sample *now)
{
    open_stretch(p, &p->soc, now->soc, now->mono_ms);
    p->soc_high = p->soc_low = now->soc;
    p->soc_rise = p->soc_fall = 0;
}

/* How far the state of charge can have moved, in %; a step of its own on top. */
static double fastest(int64_t ms)
{
    return FASTEST_C * 100 * (double)ms / HOUR_MS + SOC_JITTER;
}

static bool near_an_end(double soc)
{
    return soc > SOC_FULL || soc < SOC_EMPTY;
}

/* Sign only: without a capacity the size means nothing. */
static bool judge_sign(struct f2m_prover_case *c, struct stretch_result *r, double gross)
{
    if (gross <= 0 || fabs(r->summed_wh) < ONE_WAY_ALONE * gross)
        return abstain(c);
    r->error.turned = (r->summed_wh > 0) != (r->moved > 0);
    return vote(c, r);
}

static bool judge_soc(struct f2m_prover *p, const struct f2m_prover_sample *now)
{
    struct f2m_prover_case *c = &p->by_soc;
    double plus = p->plus_wh - p->soc.plus_wh, minus = p->minus_wh - p->soc.minus_wh, gross = plus + minus;
    double moved = now->soc - p->soc.start;
    struct stretch_result r = {.summed_wh = plus - minus,
                               .other_wh = moved / 100 * now->capacity_wh,
                               .moved = moved,
                               .took_ms = now->mono_ms - p->soc.start_ms};

    if (fabs(moved) > fastest(r.took_ms) || (moved > 0 ? p->soc_fall : p->soc_rise) > SOC_JITTER)
        return abstain(c);
    bool ends = near_an_end(p->soc.start) || near_an_end(now->soc);
    if (isnan(now->capacity_wh))
        return ends ? abstain(c) : judge_sign(c, &r, gross);
    if (!classify(r.summed_wh / r.other_wh, &r.error))
        return abstain(c);
    if (!is_none(r.error) && (ends || fabs(r.summed_wh) < ONE_WAY * gross))
        return abstain(c);
    return vote(c, &r);
}

static void follow_soc(struct f2m_prover *p, double soc)
{
    p->soc_high = fmax(p->soc_high, soc);
    p->soc_low = fmin(p->soc_low, soc);
    p->soc_rise = fmax(p->soc_rise, soc - p->soc_low);
    p->soc_fall = fmax(p->soc_fall, p->soc_high - soc);
}

/* A stretch begins where the state of charge changes: between two changes nobody knows where it really stands. */
static bool feed_soc(struct f2m_prover *p, const struct f2m_prover_sample *now)
{
    bool news = false;

    if (isnan(now->soc)) {
        p->soc.open = false;
        p->soc_last = NAN;
        return false;
    }
    bool first = isnan(p->soc_last), changed = first || fabs(now->soc - p->soc_last) > SOC_CHANGE;
    bool jumped = !first && changed && fabs(now->soc - p->soc_last) > fastest(now->mono_ms - p->soc_changed_ms);
    int64_t took_ms = now->mono_ms - p->soc.start_ms;
    if (jumped || (changed && !first && !p->soc.open))
        open_soc(p, now);
    else if (p->soc.open) {
        double moved = fabs(now->soc - p->soc.start);
        follow_soc(p, now->soc);
        if (changed && moved >= SOC_MOVE && took_ms >= STRETCH_MIN_MS && p->soc.readings >= MIN_READINGS) {
            news = judge_soc(p, now);
            open_soc(p, now);
        } else if (took_ms > STRETCH_MS || (took_ms > IDLE_MS && moved < 1))
            p->soc.open = false;
    }
    if (changed) {
        p->soc_last = now->soc;
        p->soc_changed_ms = now->mono_ms;
    }
    return news;
}

/* ---- the counters ---- */

static bool judge_counter(struct f2m_prover *p, int side, const struct f2m_prover_sample *now, double counted)
{
    struct f2m_prover_stretch *s = &p->counter[side];
    struct f2m_prover_case *c = &p->by_counter[side];
    double plus = p->plus_wh - s->plus_wh, minus = p->minus_wh - s->minus_wh;
    double own = side == 0 ? plus : minus, other = side == 0 ? minus : plus;
    struct stretch_result r = {.summed_wh = own, .other_wh = counted, .took_ms = now->mono_ms - s->start_ms};

    if (other > own) { /* the counter ran while power went the other way */
        r.summed_wh = -other;
        if (own > other / 10)
            return abstain(c);
    }
    if (!classify(r.summed_wh / counted, &r.error) || (r.error.turned && r.error.tens))
        return abstain(c);
    /* A counter in quick motion: only a unit would make it a thousand times too fast. */
    bool too_fast = !isnan(now->capacity_wh) && counted > fastest(r.took_ms) / 100 * now->capacity_wh;
    bool one_way = fabs(r.summed_wh) >= ONE_WAY * (own + other);
    if (!is_none(r.error) && (!one_way || (too_fast && r.error.tens != -3)))
        return abstain(c);
    return vote(c, &r);
}

static bool feed_counter(struct f2m_prover *p, int side, const struct f2m_prover_sample *now, double wh)
{
    struct f2m_prover_stretch *s = &p->counter[side];
    double last = p->counter_last[side];
    bool news = false;

    p->counter_last[side] = wh;
    if (isnan(wh) || wh < last || (s->open && now->mono_ms - s->start_ms > STRETCH_MS))
        s->open = false;
    if (isnan(wh) || isnan(last) || wh <= last)
        return false;
    if (!s->open) {
        open_stretch(p, s, wh, now->mono_ms);
        return false;
    }
    s->steps++;
    double counted = wh - s->start;
    double through = fmax(counted, p->plus_wh - s->plus_wh + p->minus_wh - s->minus_wh);
    double least = isnan(now->capacity_wh) ? COUNTER_MOVE_WH : fmax(COUNTER_MOVE_WH, now->capacity_wh / 50);
    if (s->steps >= COUNTER_STEPS && s->readings >= MIN_READINGS && through >= least &&
        now->mono_ms - s->start_ms >= STRETCH_MIN_MS) {
        news = judge_counter(p, side, now, counted);
        open_stretch(p, s, wh, now->mono_ms);
    }
    return news;
}

/* ---- feeding ---- */

static void close_all(struct f2m_prover *p)
{
    p->soc.open = p->counter[0].open = p->counter[1].open = false;
    p->soc_last = p->counter_last[0] = p->counter_last[1] = NAN;
}

bool f2m_prover_feed(struct f2m_prover *p, const struct f2m_prover_sample *now)
{
    int64_t passed_ms = p->last_ms == INT64_MIN ? 0 : now->mono_ms - p->last_ms;

    if (isnan(now->power) || isnan(p->power) || passed_ms < 0 || passed_ms > GAP_MS) {
        close_all(p);
    } else if (passed_ms > 0) {
        double wh = p->power * (double)passed_ms / HOUR_MS;
        p->plus_wh += fmax(wh, 0);
        p->minus_wh += fmax(-wh, 0);
        p->soc.readings++;
        p->counter[0].readings++;
        p->counter[1].readings++;
    }
    p->last_ms = now->mono_ms;
    p->power = now->power;
    if (isnan(now->power))
        return false;
    bool news = feed_soc(p, now);
    news = feed_counter(p, 0, now, now->charge_wh) || news;
    return feed_counter(p, 1, now, now->discharge_wh) || news;
}

/* ---- words ---- */

static bool is_verdict(const struct f2m_prover_case *c)
{
    return c->count >= VERDICT_COUNT;
}

static const char *times(int8_t tens)
{
    switch (tens) {
    case 3: return "about 1000 times too large";
    case 1: return "about 10 times too large";
    case -1: return "about 10 times too small";
    default: return "about 1000 times too small";
    }
}

static const char *scale_hint(int8_t tens)
{
    switch (tens) {
    case 3: return "the payload is probably W where kW is configured: check `unit`";
    case -3: return "the payload is probably kW where W is configured: check `unit`";
    default: return "check `unit` and `scale`, and the capacity";
    }
}

static void tell_soc(const struct f2m_prover *p, const struct f2m_prover_words *words, char *buf, size_t size)
{
    const struct f2m_prover_case *c = &p->by_soc;
    const char *power = words->separate ? "battery power" : "battery_power";
    const char *turn = words->separate ? "battery_charge_power and battery_discharge_power are exchanged"
                                       : "battery_power has the wrong sign: turn `positive` round";
    bool counters_agree = p->by_counter[0].right || p->by_counter[1].right;
    char said[128], evidence[256], moved_wh[32] = "";

    if (!isnan(c->other_wh))
        snprintf(moved_wh, sizeof moved_wh, " (%.0f Wh)", fabs(c->other_wh));
    snprintf(evidence, sizeof evidence,
             "in %lld min the state of charge %s by %.0f %%%s, while by its power %.*f Wh went %s",
             (long long)(c->took_ms / MINUTE_MS), c->moved > 0 ? "rose" : "fell", fabs(c->moved), moved_wh,
             fabs(c->summed_wh) < 10 ? 1 : 0, fabs(c->summed_wh), c->summed_wh > 0 ? "in" : "out");
    snprintf(said, sizeof said, "%s is %s", power, times(c->error.tens));
    if (c->error.turned && c->error.tens)
        snprintf(buf, size, "%s and turned round; %s, and `positive`: %s", said, scale_hint(c->error.tens), evidence);
    else if (c->error.turned)
        snprintf(buf, size, "%s: %s", turn, evidence);
    else if (counters_agree)
        snprintf(buf, size, "the capacity does not fit, power and counters agree with each other: %s", evidence);
    else
        snprintf(buf, size, "%s; %s: %s", said, scale_hint(c->error.tens), evidence);
}

static void tell_counter(const struct f2m_prover *p, int side, char *buf, size_t size)
{
    static const char *const names[] = {"battery_charge_energy", "battery_discharge_energy"};
    const struct f2m_prover_case *c = &p->by_counter[side];
    char evidence[160];

    snprintf(evidence, sizeof evidence, "in %lld min it counted %.*f Wh, while by the battery's power %.*f Wh went %s",
             (long long)(c->took_ms / MINUTE_MS), c->other_wh < 10 ? 1 : 0, c->other_wh,
             fabs(c->summed_wh) < 10 ? 1 : 0, fabs(c->summed_wh), (side == 0) != c->error.turned ? "in" : "out");
    if (c->error.turned && p->by_soc.right)
        snprintf(buf, size, "battery_charge_energy and battery_discharge_energy are exchanged: %s of %s", evidence,
                 names[side]);
    else if (c->error.turned)
        snprintf(buf, size,
                 "%s runs while the battery's power goes the other way: turn `positive` round, or the counters "
                 "are exchanged: %s",
                 names[side], evidence);
    else if (p->by_soc.right)
        snprintf(buf, size, "%s is %s; check its `unit` and `scale`: %s", names[side], times((int8_t)-c->error.tens),
                 evidence);
    else
        snprintf(buf, size, "%s and the battery's power do not agree, one is %s; check their `unit` and `scale`: %s",
                 names[side], times(c->error.tens > 0 ? c->error.tens : (int8_t)-c->error.tens), evidence);
}

bool f2m_prover_verdict(const struct f2m_prover *p, const struct f2m_prover_words *words, char *buf, size_t size)
{
    if (is_verdict(&p->by_soc)) {
        tell_soc(p, words, buf, size);
        return true;
    }
    for (int side = 0; side < 2; side++)
        if (is_verdict(&p->by_counter[side])) {
            tell_counter(p, side, buf, size);
            return true;
        }
    return false;
}
