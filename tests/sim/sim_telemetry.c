/*
 * Telemetry through days and weeks of virtual time: batteries with resets, dips, jumps and silence; restarts and kills;
 * a clock that is set in both directions or not at all; a machine that sleeps; a disk that fails. Random, by seed.
 *   sim_telemetry [--seed S] [--seeds N] [--weeks W] [--trace]
 * Intervals are those of UTC: three of four seeds play where summer time begins or ends meanwhile, and notice nothing.
 */
#include "sim/world.h"

#include "support/fault_store.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define WEEK   (168 * HOUR)

static int64_t below(struct world *w, int64_t bound)
{
    return f2m_rng_below(&w->rng, bound);
}

static struct battery *any_battery(struct world *w)
{
    return &w->battery[below(w, w->batteries)];
}

/* ---- what batteries do ---- */

static void publish_due(struct world *w, struct battery *b)
{
    bool silent = w->now.mono_ms < b->silent_until_ms;

    if (w->now.mono_ms >= b->next_power_ms) {
        b->power_w = (double)below(w, 10001) - 5000;
        b->next_power_ms = w->now.mono_ms + MINUTE + below(w, HOUR);
    }
    if (w->now.mono_ms >= b->next_solar_ms) {
        b->next_solar_ms = w->now.mono_ms + 10 * SECOND + below(w, 2 * MINUTE);
        if (!silent)
            world_send_solar(w, b, below(w, 50) == 0 ? NAN : (double)below(w, 40000) / 10);
    }
    for (int f = 0; f < SIM_FLOWS; f++) {
        struct meter *m = &b->meters[f];
        if (w->now.mono_ms < m->next_ms)
            continue;
        m->next_ms = w->now.mono_ms + m->every_ms / 2 + below(w, m->every_ms);
        if (!silent)
            world_send_reading(w, b, m);
    }
}

static int64_t next_publish(const struct battery *b)
{
    int64_t next = b->next_power_ms < b->next_solar_ms ? b->next_power_ms : b->next_solar_ms;

    for (int f = 0; f < SIM_FLOWS; f++)
        next = b->meters[f].next_ms < next ? b->meters[f].next_ms : next;
    return next;
}

/* Runs the loop as app/ does: to each deadline and each message in its time. */
static void run(struct world *w, int64_t ms)
{
    int64_t until = w->now.mono_ms + ms;

    while (w->now.mono_ms < until) {
        int64_t next = world_deadline(w);
        for (int i = 0; i < w->batteries; i++)
            next = next_publish(&w->battery[i]) < next ? next_publish(&w->battery[i]) : next;
        next = next > until ? until : next;
        if (next > w->now.mono_ms)
            world_pass(w, next - w->now.mono_ms);
        else if (w->disk_failing)
            world_pass(w, 1); /* the room asks again at once */
        for (int i = 0; i < w->batteries; i++)
            publish_due(w, &w->battery[i]);
        world_turn(w);
    }
}

/* ---- what happens to them ---- */

static void meter_reset(struct world *w)
{
    struct meter *m = &any_battery(w)->meters[below(w, SIM_FLOWS)];

    m->value = 0;
    m->segment++;
}

static void meter_jump(struct world *w)
{
    struct meter *m = &any_battery(w)->meters[below(w, SIM_FLOWS)];

    m->value += 5e6 + (double)below(w, 1000) * 1e4;
    m->segment++;
}

static void silence(struct world *w)
{
    struct battery *b = any_battery(w);

    b->silent_until_ms = w->now.mono_ms + below(w, below(w, 4) == 0 ? 8 * HOUR : 20 * MINUTE);
}

/* The broker was away and gives back what it keeps: old values of unknown age. */
static void reconnect(struct world *w)
{
    char payload[32];

    f2m_telemetry_mqtt_down(w->telemetry, w->now);
    run(w, below(w, 10 * MINUTE));
    f2m_telemetry_mqtt_up(w->telemetry, w->now, w->fx);
    for (int i = 0; i < w->batteries; i++) {
        snprintf(payload, sizeof payload, "%lld", (long long)below(w, 100000));
        world_turn(w);
        world_send(w, w->battery[i].meters[0].topic, payload, true);
        world_send(w, w->battery[i].solar_topic, payload, true);
    }
}

static void away(struct world *w)
{
    world_pass(w, below(w, 3) == 0 ? below(w, 30 * HOUR) : below(w, 10 * MINUTE));
}

static void kill_and_restart(struct world *w)
{
    world_crash(w);
    away(w);
    world_start(w);
}

static void stop_and_restart(struct world *w)
{
    world_stop(w);
    away(w);
    world_start(w);
}

/* No clock behind the power switch: 1970 until somebody sets it. */
static void restart_without_clock(struct world *w)
{
    world_crash(w);
    away(w);
    int64_t unset = w->now.wall_ms - HOUR;
    world_set_clock(w, -unset);
    w->hold = true;
    world_start(w);
    run(w, below(w, 20 * MINUTE));
    world_set_clock(w, unset);
    w->hold = false;
    f2m_telemetry_hold(w->telemetry, false);
}

static void clock_forward(struct world *w)
{
    world_set_clock(w, below(w, 2) ? below(w, 3 * SECOND) : below(w, 3 * HOUR));
}

static void clock_back(struct world *w)
{
    world_set_clock(w, -(below(w, 2) ? below(w, 3 * SECOND) : below(w, 2 * HOUR)));
}

static void clock_right(struct world *w)
{
    if (w->wrong_ms)
        world_set_clock(w, -w->wrong_ms);
}

static void sleep_deeply(struct world *w)
{
    world_pass(w, below(w, 2) ? below(w, 90 * SECOND) : below(w, 9 * HOUR));
    world_break(w);
}

/* The outbox moves 500 points a turn to disk, and the baselines follow with the last of them: a kill between these
 * turns would count their energy again. So the disk fails for fewer points than that. */
static int64_t few_points(const struct world *w)
{
    int64_t longest = 450 * w->interval_ms / w->batteries;

    return longest < HOUR ? longest : HOUR;
}

static void disk_fails(struct world *w)
{
    if (below(w, 2))
        f2m_fault_store_disk_full(w->store, true);
    else
        f2m_fault_store_fail(w->store, (enum f2m_fault_call)below(w, F2M_FAULT_CALLS), 1 + below(w, 5), -EIO, true);
    w->disk_failing = true;
    run(w, below(w, few_points(w)));
    if (below(w, 4) == 0) {
        kill_and_restart(w);
        return;
    }
    f2m_fault_store_heal(w->store);
    f2m_fault_store_disk_full(w->store, false);
    /* Until all points are on disk again, and the baselines with them. */
    run(w, 2 * MINUTE);
    w->disk_failing = false;
}

static const struct {
    const char *name;
    void (*happen)(struct world *);
} happenings[] = {
    {"meter reset", meter_reset},
    {"meter jump", meter_jump},
    {"silence", silence},
    {"silence", silence},
    {"reconnect", reconnect},
    {"kill and restart", kill_and_restart},
    {"stop and restart", stop_and_restart},
    {"restart without clock", restart_without_clock},
    {"clock forward", clock_forward},
    {"clock back", clock_back},
    {"clock right", clock_right},
    {"sleep deeply", sleep_deeply},
    {"disk fails", disk_fails},
};

static void simulate(uint64_t seed, double weeks, bool trace)
{
    static struct world w;
    int64_t end;

    world_init(&w, seed, trace);
    end = w.now.mono_ms + (int64_t)(weeks * (double)WEEK);
    while (w.now.mono_ms < end) {
        run(&w, below(&w, 2 * HOUR));
        size_t which = (size_t)below(&w, (int64_t)(sizeof happenings / sizeof happenings[0]));
        world_tell(&w, "%s", happenings[which].name);
        happenings[which].happen(&w);
    }
    /* Quiet at last: everything that was read must be in points. */
    clock_right(&w);
    for (int i = 0; i < w.batteries; i++)
        w.battery[i].silent_until_ms = 0;
    run(&w, 8 * HOUR);
    for (int i = 0; i < w.batteries; i++)
        if (w.ledger[i].points == 0 || !w.ledger[i].online)
            world_fail(&w, "%s has no points at the end", w.battery[i].id);
    world_stop(&w);
    world_deinit(&w);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"seed", required_argument, NULL, 's'},
                                            {"seeds", required_argument, NULL, 'n'},
                                            {"weeks", required_argument, NULL, 'w'},
                                            {"trace", no_argument, NULL, 't'},
                                            {NULL, 0, NULL, 0}};
    unsigned long long first = 1, seeds = 1;
    double weeks = 1;
    bool trace = false;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 's': first = strtoull(optarg, NULL, 10); break;
        case 'n': seeds = strtoull(optarg, NULL, 10); break;
        case 'w': weeks = strtod(optarg, NULL); break;
        case 't': trace = true; break;
        default: fprintf(stderr, "usage: sim_telemetry [--seed S] [--seeds N] [--weeks W] [--trace]\n"); return 64;
        }
    }
    printf("seeds %llu to %llu, %g weeks each\n", first, first + seeds - 1, weeks);
    fflush(stdout);
    for (unsigned long long seed = first; seed < first + seeds; seed++)
        simulate(seed, weeks, trace);
    return 0;
}
