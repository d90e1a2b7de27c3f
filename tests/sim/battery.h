/*
 * A battery of the simulation: what truly flows, what it publishes of that, and what the bridge may know of it.
 */
#ifndef F2M_TESTS_SIM_BATTERY_H
#define F2M_TESTS_SIM_BATTERY_H

#include "config/config.h"
#include "util/rng.h"

#define SIM_HISTORY 16384
#define SIM_FLOWS   2 /* charge, discharge */

/* What the bridge must have made of the readings it got, told with the simulation's knowledge of what is true: readings
 * of one segment differ by energy; a new segment (reset, jump) needs two readings. */
struct oracle {
    double last; /* Wh; NAN = no baseline */
    int segment;
    double expected; /* Wh counted since the first reading */
    bool held;
    double held_at;
    /* Every baseline there was, so that a restart can go back to the one on disk. */
    struct past {
        double last, expected;
        int segment;
    } past[SIM_HISTORY];
    unsigned long len;
};

struct meter {
    char topic[64];
    double value;      /* Wh shown, before rounding */
    double resolution; /* Wh */
    int segment;
    bool daily;
    bool erred; /* the last reading was a dip or a spike */
    int64_t next_ms;
    int64_t every_ms;
    struct oracle oracle;
};

/* What the bridge heard of a power, for our own sum of it. */
struct heard {
    int64_t mono_ms;
    double watts; /* NAN = no data */
};

struct battery {
    char id[16];
    char solar_topic[64], soc_topic[64];
    struct meter meters[SIM_FLOWS];
    double power_w; /* positive = charging */
    double solar_w;
    int64_t moved_ms; /* mono: meters stand as of then */
    int64_t next_power_ms, next_solar_ms;
    int64_t silent_until_ms;
    struct heard solar[SIM_HISTORY];
    unsigned long solar_len;
};

void battery_init(struct battery *, int number, struct f2m_rng *, int64_t mono_ms);
/* Lets energy flow up to the time; daily meters roll over at midnight of true time. */
void battery_move(struct battery *, int64_t mono_ms);
/* A reading as published, and what it truly is. err: a dip or a spike instead. */
double meter_reading(const struct meter *);
double meter_error(const struct meter *, struct f2m_rng *);

void oracle_init(struct oracle *);
void oracle_read(struct oracle *, double reading, int segment);
/* A dip or spike: held back as a new segment is, since nobody can tell yet. */
void oracle_err(struct oracle *, double reading);
/* Back to a baseline on disk, up to which that energy (1 Wh) was told; false where there never was such a moment. */
bool oracle_revert(struct oracle *, double base, double energy);

#endif
