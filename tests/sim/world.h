/*
 * The world of the simulation: true time, a clock that may be wrong, batteries, and the bridge's telemetry over a store
 * that may fail. Every step checks what must always hold; the first thing that does not ends the run with the seed.
 *
 *  - no two points of a device overlap; a key that comes twice (its delivery was not noted before a crash) has the
 *    same content;
 *  - without steps of the clock and restarts, points follow one another without a hole;
 *  - at each close, the energies of all points together are what the readings told (1 Wh), resets and jumps excepted;
 *  - the same after each crash for what is on disk: points, and the energy that the stored baseline still holds;
 *  - integrated power is our own sum of it.
 */
#ifndef F2M_TESTS_SIM_WORLD_H
#define F2M_TESTS_SIM_WORLD_H

#include "port/counters.h"
#include "port/effect.h"
#include "sim/battery.h"
#include "telemetry/telemetry.h"
#include "util/strbuf.h"

#define SIM_BATTERIES 3

struct span {
    int64_t start_ms, end_ms;
    uint64_t body; /* a hash of it */
};

/* What the cloud has of a device. */
struct ledger {
    struct span *spans; /* ordered */
    size_t len, cap;
    double energy[SIM_FLOWS];
    int64_t last_end_ms;
    bool broken;       /* the series may have a hole: a step, a restart, a machine asleep */
    int64_t broken_ms; /* wall: until a point ends after this */
    bool online;       /* the last point was */
    uint64_t points;
};

struct world {
    uint64_t seed;
    struct f2m_rng rng;
    struct f2m_now now;
    int64_t wrong_ms;   /* how far the wall clock is from the true one */
    int64_t stepped_ms; /* mono: last step of the clock, restart or sleep */
    bool hold;

    int64_t interval_ms;
    int batteries;
    struct battery battery[SIM_BATTERIES];
    struct ledger ledger[SIM_BATTERIES];

    struct f2m_device devices[SIM_BATTERIES];
    struct f2m_site site;
    struct f2m_config config;
    struct f2m_counters counters;
    struct f2m_store *inner, *store; /* the store proper, and the failing one around it */
    char path[64];                   /* "" = in memory */
    struct f2m_outbox *outbox;
    struct f2m_telemetry *telemetry;
    struct f2m_effects *fx;
    struct f2m_strbuf text;
    bool disk_failing;
    bool trace; /* tell on stderr what happens */

    uint64_t received, crashes, steps;
};

void world_init(struct world *, uint64_t seed, bool trace);
void world_deinit(struct world *);
/* The bridge starts, and ends as by kill -9. */
void world_start(struct world *);
void world_crash(struct world *);
/* SIGTERM. */
void world_stop(struct world *);

/* True time passes; nobody ticks. */
void world_pass(struct world *, int64_t ms);
/* From here on points need not follow those before. */
void world_break(struct world *);
void world_set_clock(struct world *, int64_t delta_ms);
/* One turn of the loop: tick, commit, upload, checks. */
void world_turn(struct world *);
void world_send(struct world *, const char *topic, const char *payload, bool retain);
void world_send_reading(struct world *, struct battery *, struct meter *);
/* A new solar power, as the battery publishes it. */
void world_send_solar(struct world *, struct battery *, double watts);
int64_t world_deadline(const struct world *);

void world_tell(const struct world *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void world_fail(const struct world *, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));

#endif
