/*
 * A battery as it is and as it tells of itself: with losses, a drain of its own, coarse and late readings, noise, and a
 * state of charge that drifts, jumps and slides while its electronics set it anew. The same for the same seed.
 */
#ifndef F2M_TESTS_UNIT_TELEMETRY_BATTERY_MODEL_H
#define F2M_TESTS_UNIT_TELEMETRY_BATTERY_MODEL_H

#include "telemetry/prover.h"

#include <stddef.h>

#define SECOND 1000
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* ---- chance ---- */

void chance_seed(uint64_t);
uint64_t chance_next(void);
double chance_between(double low, double high);
double chance_of(const double *list, size_t n);
#define ONE_OF(...) chance_of((const double[]){__VA_ARGS__}, sizeof((const double[]){__VA_ARGS__}) / sizeof(double))
/* Whether something that happens every so often happened in the time that passed. */
bool chance_happens(int64_t passed_ms, int64_t every_ms);

/* ---- a battery ---- */

struct battery {
    double capacity, max_w, efficiency; /* Wh; W; of one way */
    double idle_w;                      /* drain that its power does not show */
    double wh;
    double charged, discharged;

    /* what it tells */
    int64_t every_ms, soc_lag_ms;
    double soc_step, soc_noise, power_step, power_noise, counter_step;
    bool counters, daily, knows_capacity, knows_rating;
    double told_soc;
    int64_t told_soc_ms;
    double calibrated;               /* what its estimate is off by, in % */
    double slide, slide_per_h;       /* % to come, and how fast */
    int64_t jump_every, slide_every; /* ms; 0 = never */
};

/* Any home battery. */
void battery_of_chance(struct battery *);
/* 10 kWh, 80 % full, exact. */
struct battery battery_plain(void);
/* Charges (> 0) or discharges with as much of the power as it can; returns that. */
double battery_run(struct battery *, double power, int64_t ms);
/* The estimate drifts, jumps, slides, and is put right when the battery is full. */
void battery_estimate(struct battery *, int64_t ms);
struct f2m_prover_sample battery_tell(struct battery *, int64_t mono_ms, double power);

/* ---- the home around it ---- */

struct weather {
    double solar, clouds, home, night; /* W at noon; 0 to 1; W; W of charging by night, 0 = none */
    double cloud;                      /* now */
    double sun_w, home_w;              /* now */
};

struct weather weather_of_chance(const struct battery *);
/* What the home wants of the battery at that time of the day. */
double weather_wants(struct weather *, const struct battery *, int64_t of_day);

#endif
