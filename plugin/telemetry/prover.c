#include "telemetry/prover.h"

#include <math.h>

#define MINUTE_MS 60000
#define HOUR_MS   3600000.0

#define GAP_MS          (6 * MINUTE_MS)  /* a power is not believed to hold longer */
#define STRETCH_MS      (60 * MINUTE_MS) /* slower is no movement */
#define STRETCH_MIN_MS  (3 * MINUTE_MS)
#define IDLE_MS         (10 * MINUTE_MS) /* without 1 % */
#define MIN_READINGS    4
#define SOC_MOVE        3.0  /* % */
#define SOC_JITTER      1.5  /* %: a state of charge may go back that far */
#define SOC_CHANGE      0.05 /* %: less is no change */
#define SOC_FULL        90.0 /* beyond, and below SOC_EMPTY, the battery's own estimate is set anew */
#define SOC_EMPTY       10.0
#define FASTEST_C       1.5   /* capacities in an hour; no home battery is faster */
#define RATING_MARGIN   1.5   /* what is configured may be a limit, not the peak */
#define DRAIN_W         200.0 /* slower may be the battery's own electronics, which its power does not show */
#define COUNTER_MOVE_WH 200.0
#define COUNTER_STEPS   3
#define ONE_WAY         0.75   /* of all energy that flowed: then the stretch says something of scale and sign */
#define ONE_WAY_ALONE   0.9    /* where only the sign can be told */
#define VERDICT_COUNT   2      /* stretches in a row, at the least */
#define SMALLEST_WH     1500.0 /* a home's battery; where the capacity is not known */
#define LARGEST_WH      200000.0
#define MOST_TRUST      4

void f2m_prover_init(struct f2m_prover *p, enum f2m_prover_flow flow)
{
    *p = (struct f2m_prover){
        .flow = flow, .last_ms = INT64_MIN, .power = NAN, .soc_last = NAN, .counter_last = {NAN, NAN}};
}

/* ---- votes ---- */

static bool is_none(struct f2m_prover_error e)
{
    return e.tens == 0 && !e.turned;
}

/* Whether the ratio of what flowed to the other energy is one of those that a mistake gives. What is right may be as
 * far off as losses, an aged battery and a coarse counter take it; a mistake comes on top of those. */
static bool classify(double ratio, struct f2m_prover_error *e)
{
    static const struct {
        double low, high;
        int8_t tens;
    } classes[] = {
        {550, 1600, 3}, {5.5, 16, 1}, {0.4, 2.5, 0}, {0.055, 0.16, -1}, {0.00055, 0.0016, -3},
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

/* least: of stretches in a row, for a verdict; trust: how many stretches of its kind were right of late. */
static bool vote(struct f2m_prover_case *c, unsigned least, uint8_t *trust, const struct stretch_result *r)
{
    bool same = c->error.tens == r->error.tens && c->error.turned == r->error.turned, had = c->verdict;

    c->right = is_none(r->error);
    if (c->right || !same || c->count == 0) {
        if (c->right && *trust < MOST_TRUST)
            ++*trust;
        *c = (struct f2m_prover_case){.error = r->error,
                                      .right = c->right,
                                      .count = !c->right,
                                      .summed_wh = r->summed_wh,
                                      .other_wh = r->other_wh,
                                      .moved = r->moved,
                                      .took_ms = r->took_ms};
        return had;
    }
    if (c->verdict)
        return false; /* its evidence stays as it was told */
    c->count++;
    c->summed_wh += r->summed_wh;
    c->other_wh += r->other_wh;
    c->moved += r->moved;
    c->took_ms += r->took_ms;
    if (c->count < least + *trust)
        return false;
    *trust = 0;
    return c->verdict = true;
}

/* A stretch that says nothing breaks the row, but takes back no verdict. */
static bool abstain(struct f2m_prover_case *c)
{
    if (!c->verdict)
        c->count = 0;
    return false;
}

/* More where a sliding state of charge comes near to the same by chance. */
static unsigned needed(const struct f2m_prover *p, const struct stretch_result *r)
{
    bool tenth = r->error.tens == 1 || r->error.tens == -1;
    bool agreed = !r->error.turned && (p->by_counter[0].right || p->by_counter[1].right);

    if (tenth && (r->error.turned || agreed))
        return VERDICT_COUNT + MOST_TRUST;
    return tenth || isnan(r->other_wh) ? VERDICT_COUNT + 1 : VERDICT_COUNT;
}

/* One source has one unit: right in one direction, it is so in the other. */
static bool vote_by_soc(struct f2m_prover *p, bool fell, const struct stretch_result *r)
{
    struct f2m_prover_case *other = &p->by_soc[!fell];
    bool news = vote(&p->by_soc[fell], needed(p, r), &p->trust[0], r);

    if (!is_none(r->error) || p->flow != F2M_FLOW_SIGNED || !other->verdict || other->error.tens == 0)
        return news;
    *other = (struct f2m_prover_case){0};
    return true;
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
static double fastest(const struct f2m_prover_sample *now, int64_t ms)
{
    double c = FASTEST_C;

    if (!isnan(now->rating_w) && now->capacity_wh > 0)
        c = fmin(c, RATING_MARGIN * now->rating_w / now->capacity_wh);
    return c * 100 * (double)ms / HOUR_MS + SOC_JITTER;
}

static bool near_an_end(double soc)
{
    return soc > SOC_FULL || soc < SOC_EMPTY;
}

static double mean_w(double wh, int64_t ms)
{
    return fabs(wh) * HOUR_MS / (double)ms;
}

/* Sign only: without a capacity the size means little. */
static bool judge_sign(struct f2m_prover *p, bool fell, struct stretch_result *r, double gross)
{
    double capacity_wh = fabs(r->summed_wh / r->moved * 100);

    if (fabs(r->summed_wh) < ONE_WAY_ALONE * gross || mean_w(gross, r->took_ms) < DRAIN_W ||
        capacity_wh < SMALLEST_WH || capacity_wh > LARGEST_WH)
        return abstain(&p->by_soc[fell]);
    r->error.turned = (r->summed_wh > 0) == fell;
    return vote_by_soc(p, fell, r);
}

static bool judge_soc(struct f2m_prover *p, const struct f2m_prover_sample *now)
{
    double plus = p->plus_wh - p->soc.plus_wh, minus = p->minus_wh - p->soc.minus_wh, gross = plus + minus;
    double moved = now->soc - p->soc.start;
    bool fell = moved < 0, ends = near_an_end(p->soc.start) || near_an_end(now->soc);
    struct f2m_prover_case *c = &p->by_soc[fell];
    struct stretch_result r = {.summed_wh = plus - minus,
                               .other_wh = moved / 100 * now->capacity_wh,
                               .moved = moved,
                               .took_ms = now->mono_ms - p->soc.start_ms};

    if (fabs(moved) > fastest(now, r.took_ms) || (fell ? p->soc_rise : p->soc_fall) > SOC_JITTER)
        return abstain(c);
    if (isnan(now->capacity_wh))
        return ends ? abstain(c) : judge_sign(p, fell, &r, gross);
    if (!classify(r.summed_wh / r.other_wh, &r.error))
        return abstain(c);
    bool proof = !ends && fabs(r.summed_wh) >= ONE_WAY * gross && mean_w(r.other_wh, r.took_ms) >= DRAIN_W;
    return is_none(r.error) || proof ? vote_by_soc(p, fell, &r) : abstain(c);
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

    if (isnan(now->soc))
        return false;
    bool first = isnan(p->soc_last), changed = first || fabs(now->soc - p->soc_last) > SOC_CHANGE;
    bool jumped = !first && changed && fabs(now->soc - p->soc_last) > fastest(now, now->mono_ms - p->soc_changed_ms);
    int64_t took_ms = now->mono_ms - p->soc.start_ms;
    if (jumped || (changed && !first && !p->soc.open)) {
        open_soc(p, now);
    } else if (p->soc.open) {
        double moved = fabs(now->soc - p->soc.start);
        follow_soc(p, now->soc);
        if (changed && moved >= SOC_MOVE && took_ms >= STRETCH_MIN_MS && p->soc.readings >= MIN_READINGS) {
            news = judge_soc(p, now);
            open_soc(p, now);
        } else if (took_ms > STRETCH_MS || (took_ms > IDLE_MS && moved < 1)) {
            p->soc.open = false;
        }
    }
    if (changed) {
        p->soc_last = now->soc;
        p->soc_changed_ms = now->mono_ms;
    }
    return news;
}

/* ---- the counters against the power ---- */

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
    /* A counter in quick motion: only a unit would make it a thousand times too fast. Where the state of charge moves
     * as the power says, there is no quick motion. */
    bool too_fast = !isnan(now->capacity_wh) && counted > fastest(now, r.took_ms) / 100 * now->capacity_wh &&
                    !p->by_soc[0].right && !p->by_soc[1].right;
    bool one_way = fabs(r.summed_wh) >= ONE_WAY * (own + other);
    if (!is_none(r.error) && (!one_way || (too_fast && r.error.tens != -3)))
        return abstain(c);
    return vote(c, VERDICT_COUNT, &p->trust[1 + side], &r);
}

static bool feed_counter(struct f2m_prover *p, int side, const struct f2m_prover_sample *now, double wh)
{
    struct f2m_prover_stretch *s = &p->counter[side];
    double last = p->counter_last[side];
    bool news = false;

    p->counter_last[side] = wh;
    if (isnan(wh) || wh < last || (s->open && now->mono_ms - s->start_ms > STRETCH_MS))
        s->open = false;
    if (p->flow == F2M_FLOW_COUNTERS || isnan(wh) || isnan(last) || wh <= last)
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

/* ---- what flowed ---- */

static void flow(struct f2m_prover *p, double charge_wh, double discharge_wh)
{
    p->plus_wh += charge_wh;
    p->minus_wh += discharge_wh;
    p->soc.readings++;
    p->counter[0].readings++;
    p->counter[1].readings++;
}

static bool sum_power(struct f2m_prover *p, const struct f2m_prover_sample *now, int64_t passed_ms)
{
    double wh = p->power * (double)passed_ms / HOUR_MS;

    if (isnan(now->power) || isnan(p->power))
        return false;
    if (passed_ms > 0)
        flow(p, fmax(wh, 0), fmax(-wh, 0));
    return true;
}

/* Both counters known, or the same one alone, and none fell. */
static bool sum_counters(struct f2m_prover *p, const struct f2m_prover_sample *now)
{
    double charge = now->charge_wh - p->counter_last[0], discharge = now->discharge_wh - p->counter_last[1];

    if (isnan(now->charge_wh) != isnan(p->counter_last[0]) || isnan(now->discharge_wh) != isnan(p->counter_last[1]) ||
        charge < 0 || discharge < 0 || (isnan(charge) && isnan(discharge)))
        return false;
    if (charge > 0 || discharge > 0)
        flow(p, fmax(charge, 0), fmax(discharge, 0)); /* fmax() makes 0 of the one that is not known */
    return true;
}

static void close_all(struct f2m_prover *p)
{
    p->soc.open = p->counter[0].open = p->counter[1].open = false;
    p->soc_last = p->counter_last[0] = p->counter_last[1] = NAN;
}

bool f2m_prover_feed(struct f2m_prover *p, const struct f2m_prover_sample *now)
{
    int64_t passed_ms = p->last_ms == INT64_MIN ? 0 : now->mono_ms - p->last_ms;
    bool seamless = passed_ms >= 0 && passed_ms <= GAP_MS;

    if (!seamless || !(p->flow == F2M_FLOW_COUNTERS ? sum_counters(p, now) : sum_power(p, now, passed_ms)))
        close_all(p);
    p->last_ms = now->mono_ms;
    p->power = now->power;
    bool news = feed_soc(p, now);
    news = feed_counter(p, 0, now, now->charge_wh) || news;
    return feed_counter(p, 1, now, now->discharge_wh) || news;
}

unsigned f2m_prover_verdict(const struct f2m_prover *p)
{
    const struct f2m_prover_case *cases[] = {&p->by_soc[0], &p->by_soc[1], &p->by_counter[0], &p->by_counter[1]};

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (cases[i]->verdict)
            return 16 * (i + 1) + 2 * (unsigned)(cases[i]->error.tens + 3) + cases[i]->error.turned;
    return 0;
}
