#include "battery_model.h"

#include <math.h>

static uint64_t state;

uint64_t chance_next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

void chance_seed(uint64_t n)
{
    state = n * 0x9E3779B97F4A7C15u + 1;
    for (int i = 0; i < 8; i++)
        chance_next();
}

double chance_between(double low, double high)
{
    return low + (high - low) * (double)(chance_next() >> 11) / 9007199254740992.0;
}

double chance_of(const double *list, size_t n)
{
    return list[chance_next() % n];
}

bool chance_happens(int64_t passed_ms, int64_t every_ms)
{
    return every_ms > 0 && chance_between(0, (double)every_ms) < (double)passed_ms;
}

void battery_of_chance(struct battery *b)
{
    *b = (struct battery){
        .capacity = chance_between(2000, 40000),
        .efficiency = sqrt(chance_between(0.85, 1)),
        .idle_w = chance_between(0, 100),
        .every_ms = (int64_t)ONE_OF(20, 60, 60, 120, 300, 300, 300) * SECOND,
        .soc_lag_ms = (int64_t)ONE_OF(0, 0, 60, 300) * SECOND,
        .soc_step = ONE_OF(0.01, 0.1, 1, 1, 1),
        .soc_noise = ONE_OF(0, 0, 0.2, 0.5),
        .power_step = ONE_OF(0.1, 1, 10, 100),
        .power_noise = ONE_OF(0, 0.01, 0.05, 0.1),
        .counter_step = ONE_OF(1, 10, 100, 1000),
        .counters = chance_next() % 4 != 0,
        .daily = chance_next() % 3 == 0,
        .knows_capacity = chance_next() % 5 != 0,
        .knows_rating = chance_next() % 2 != 0,
        .told_soc = NAN,
        .told_soc_ms = INT64_MIN / 2,
        .jump_every = 3 * DAY,
        .slide_every = 2 * DAY,
    };
    b->max_w = b->capacity * chance_between(0.15, 0.8);
    b->wh = b->capacity * chance_between(0.1, 0.9);
    if (b->soc_step >= 1)
        b->soc_noise = 0;
}

struct battery battery_plain(void)
{
    chance_seed(1);
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

static double to_step(double x, double step)
{
    return floor(x / step + 0.5) * step;
}

double battery_run(struct battery *b, double power, int64_t ms)
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

void battery_estimate(struct battery *b, int64_t ms)
{
    double hours = (double)ms / HOUR;

    if (b->wh > 0.97 * b->capacity)
        b->calibrated *= 0.8;
    else
        b->calibrated = fmax(-9, b->calibrated - 0.3 * hours);
    if (chance_happens(ms, b->jump_every))
        b->calibrated += chance_between(-20, 20);
    if (chance_happens(ms, b->slide_every)) {
        b->slide = chance_between(-20, 20);
        b->slide_per_h = chance_between(10, 200);
    }
    double step = fmin(fabs(b->slide), b->slide_per_h * hours);
    b->calibrated += copysign(step, b->slide);
    b->slide -= copysign(step, b->slide);
}

static double soc_of(struct battery *b, int64_t mono_ms)
{
    if (mono_ms - b->told_soc_ms >= b->soc_lag_ms) {
        double soc = 100 * b->wh / b->capacity + b->calibrated + b->soc_noise * chance_between(-1, 1);
        b->told_soc = fmax(0, fmin(100, to_step(soc, b->soc_step)));
        b->told_soc_ms = mono_ms;
    }
    return b->told_soc;
}

struct f2m_prover_sample battery_tell(struct battery *b, int64_t mono_ms, double power)
{
    return (struct f2m_prover_sample){
        .mono_ms = mono_ms,
        .soc = soc_of(b, mono_ms),
        .power = to_step(power * (1 + b->power_noise * chance_between(-1, 1)), b->power_step),
        .capacity_wh = b->knows_capacity ? b->capacity : NAN,
        .rating_w = b->knows_rating ? b->max_w : NAN,
        .charge_wh = b->counters ? to_step(b->charged, b->counter_step) : NAN,
        .discharge_wh = b->counters ? to_step(b->discharged, b->counter_step) : NAN,
    };
}

struct weather weather_of_chance(const struct battery *b)
{
    return (struct weather){.solar = chance_between(0, 12000),
                            .clouds = chance_between(0, 1),
                            .home = chance_between(100, 1500),
                            .night = chance_next() % 4 ? 0 : b->max_w,
                            .cloud = 0.8};
}

double weather_wants(struct weather *w, const struct battery *b, int64_t of_day)
{
    double hour = (double)of_day / HOUR;

    w->cloud = fmax(0.1, fmin(1, w->cloud + chance_between(-0.1, 0.1) * w->clouds));
    w->sun_w = fmax(0, sin((hour - 6) / 12 * 3.14159265)) * w->solar * w->cloud;
    w->home_w = w->home * (hour > 17 && hour < 22 ? 2.5 : 1) * chance_between(0.7, 1.3);
    if (chance_next() % 60 == 0)
        w->home_w += chance_between(0, 3000);
    if (w->night > 0 && hour < 4)
        return w->night;
    double power = w->sun_w - w->home_w;
    return fabs(power) < b->max_w * 0.02 ? 0 : power;
}
