/* sim_sites [--seeds N] [--first SEED]: see sim.h. */
#include "sim.h"

#include "support/fault_store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world w;
const char *const channel_names[CHANNELS] = {"webhook only", "poll only", "both"};

void sim_fail(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "sim_sites: seed %llu, %s, at %lld s: ", (unsigned long long)w.seed, channel_names[w.channel],
            (long long)(w.mono / SECOND));
    vfprintf(stderr, fmt, args);
    fprintf(stderr, "\n");
    va_end(args);
    exit(EXIT_FAILURE);
}

static void deliver_due(void)
{
    for (size_t i = 0; i < w.deliveries_len; i++) {
        struct delivery *d = &w.deliveries[i];
        if (d->done || d->at > w.mono)
            continue;
        int status = bridge_webhook(d->id, d->body);
        if (status != 204 && status != 503)
            sim_fail("webhook answered %d", status);
        d->done = status == 204;
        d->at = w.mono + 20 * SECOND; /* delivered again */
    }
}

/* Something breaks, for a while, but not over the start or end of a command, which the schedule of control tells. */
static void make_trouble(void)
{
    w.trouble_at = w.mono + 5 * MINUTE + below(40 * MINUTE);
    if (scenario_quiet_until() < w.mono + 6 * MINUTE || w.mono < 10 * MINUTE || !bridge_alive())
        return;
    switch (below(5)) {
    case 0: bridge_crash(); break;
    case 1: w.crash = true; break; /* between commit and effects */
    case 2:
        w.outages++;
        w.broker_back = w.mono + below(5 * MINUTE);
        bridge_broker(false);
        break;
    case 3:
        w.disk_back = w.mono + below(2 * MINUTE);
        f2m_fault_store_fail(w.store, F2M_FAULT_COMMIT, 1, -5, true);
        break;
    default:
        w.disk_back = w.mono + below(2 * MINUTE);
        f2m_fault_store_fail(w.store, F2M_FAULT_RECORD_PUT, 1 + below(3), -28, true);
        break;
    }
}

static void mend(void)
{
    if (w.back_at <= w.mono) {
        w.back_at = NEVER;
        bridge_start();
    }
    if (w.broker_back <= w.mono) {
        w.broker_back = NEVER;
        bridge_broker(true);
    }
    if (w.disk_back <= w.mono) {
        w.disk_back = NEVER;
        f2m_fault_store_heal(w.store);
    }
}

static int64_t earliest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_moment(int64_t end)
{
    int64_t next = earliest(flip_next(), end);
    next = earliest(next, earliest(w.back_at, earliest(w.broker_back, earliest(w.disk_back, w.trouble_at))));
    if (bridge_alive())
        next = earliest(next, bridge_next());
    return next > w.mono ? next : w.mono + 1;
}

static void run(uint64_t seed, enum channel channel)
{
    w = (struct world){.seed = seed, .channel = channel, .chance = {seed * 3 + channel}};
    w.back_at = w.broker_back = w.disk_back = NEVER;
    scenario_make(seed);
    bridge_new();
    bridge_start();
    w.trouble_at = 15 * MINUTE;
    int64_t end = w.end + 40 * MINUTE;
    while (w.mono < end) {
        w.mono = next_moment(end);
        mend();
        flip_tick();
        deliver_due();
        if (bridge_alive())
            bridge_run();
        if (w.mono >= w.trouble_at && w.mono < end - 30 * MINUTE)
            make_trouble();
        else if (w.mono >= w.trouble_at)
            w.trouble_at = NEVER;
    }
    compare();
    bridge_free();
    for (size_t i = 0; i < w.deliveries_len; i++)
        free(w.deliveries[i].body);
}

int main(int argc, char **argv)
{
    uint64_t first = 1, seeds = 100, news = 0, crashes = 0, outages = 0, refusals = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seeds") == 0)
            seeds = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--first") == 0)
            first = strtoull(argv[i + 1], NULL, 10);
    }
    for (uint64_t seed = first; seed < first + seeds; seed++)
        for (enum channel channel = 0; channel < CHANNELS; channel++) {
            run(seed, channel);
            news += w.expected_len;
            crashes += w.crashes;
            outages += w.outages;
            refusals += w.refusals;
        }
    printf("%llu seeds: %llu news, %llu crashes, %llu outages of the broker, %llu refused commits\n",
           (unsigned long long)seeds, (unsigned long long)news, (unsigned long long)crashes,
           (unsigned long long)outages, (unsigned long long)refusals);
    return news && crashes && outages && refusals ? EXIT_SUCCESS : EXIT_FAILURE;
}
