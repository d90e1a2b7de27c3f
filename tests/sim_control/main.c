/* sim_control [--seeds N] [--from SEED] [--verbose]: runs N worlds; the first that breaks an invariant ends it. */
#include "sim.h"

#include "store/sqlite.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TRACE_LINES 60
#define LONG        (5 * HOUR) /* of one world, before it comes to rest */

struct sim s;

static char trace[TRACE_LINES][400];
static size_t traced;

void sim_trace(const char *fmt, ...)
{
    char *line = trace[traced++ % TRACE_LINES], wall[F2M_RFC3339_SIZE];
    va_list ap;

    int len =
        snprintf(line, sizeof trace[0], "%10lld %s ", (long long)s.mono, f2m_rfc3339_format(bridge_wall(), wall) + 11);
    va_start(ap, fmt);
    vsnprintf(line + len, sizeof trace[0] - (size_t)len, fmt, ap);
    va_end(ap);
    if (s.verbose)
        puts(line);
}

void sim_fail(const char *fmt, ...)
{
    va_list ap;

    for (size_t i = traced > TRACE_LINES ? traced - TRACE_LINES : 0; i < traced && !s.verbose; i++)
        puts(trace[i % TRACE_LINES]);
    printf("sim_control: seed %llu (%s, %s): ", (unsigned long long)s.seed, s.dialect ? s.dialect->name : "",
           s.integration ? "integration" : "scheduled");
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    exit(EXIT_FAILURE);
}

static void begin(uint64_t seed)
{
    bool verbose = s.verbose;

    s = (struct sim){.seed = seed, .chance = {seed}, .rng = {seed + 1}, .verbose = verbose};
    traced = 0;
    s.dialect = &dialects[below((int64_t)dialects_len)];
    s.integration = percent(25);
    s.config = bridge_config(s.dialect, s.integration);
    s.store = f2m_fault_store_new(f2m_store_open_memory());
    s.fx = f2m_effects_new();
    s.broker_up = s.cloud_up = true;
    s.back_at = s.up_at = s.broker_back = s.cloud_back = s.unstuck_at = s.listens_at = s.commit_back = s.hold_back =
        s.pause_back = s.veto_back = NEVER;
    s.low_since = s.battery.lease_until = NEVER;
    s.battery.w = 4000;
    s.soc = 60 + (double)below(30);
    s.online_at = -HOUR;
    snprintf(s.control_topic, sizeof s.control_topic, "{\"owner\":\"local\",\"mode\":\"NONE\",\"next\":null}");
    bridge_start();
    bridge_turn();
    bridge_up();
}

static void finish(void)
{
    check_end();
    bridge_free();
    f2m_store_free(s.store);
    f2m_effects_free(s.fx);
}

/* The first second after a start or an end by the bridge's clock. */
static int64_t next_check(void)
{
    int64_t first = NEVER;

    for (size_t i = 0; i < s.commands_len; i++) {
        const int64_t walls[] = {s.commands[i].seen.starts, s.commands[i].seen.ends};
        for (size_t k = 0; k < 2; k++) {
            int64_t at = walls[k] == NEVER ? NEVER : walls[k] + SECOND - NOON - s.skew;
            if (s.commands[i].seen.updated && at > s.mono && at < first)
                first = at;
        }
    }
    return first;
}

static int64_t next_moment(void)
{
    int64_t first = chance_next(), at = next_check();

    first = at < first ? at : first;
    for (size_t i = 0; i < s.calls_len; i++)
        first = s.calls[i].due < first ? s.calls[i].due : first;
    for (size_t i = 0; i < s.posts_len; i++)
        first = s.posts[i].due < first ? s.posts[i].due : first;
    if (!s.ending)
        first = s.event_at < first ? s.event_at : first;
    if (s.alive && (at = bridge_deadline()) < first)
        first = at;
    return first > s.mono ? first : s.mono + 1;
}

static void answer_calls(void)
{
    for (size_t i = 0; i < s.calls_len;) {
        if (s.calls[i].due > s.mono) {
            i++;
            continue;
        }
        struct call call = s.calls[i];
        s.calls[i] = s.calls[--s.calls_len];
        bridge_answer(&call);
        free(call.body);
        i = 0; /* the list may be another one */
    }
}

static void bring_posts(void)
{
    for (size_t i = 0; i < s.posts_len;) {
        if (s.posts[i].due > s.mono) {
            i++;
            continue;
        }
        struct post p = s.posts[i];
        s.posts[i] = s.posts[--s.posts_len];
        sim_trace("message %s=%s", p.topic, p.payload);
        bridge_message(p.topic, p.payload, p.retain);
        i = 0;
    }
}

static void pass(int64_t until)
{
    while (s.mono < until) {
        int64_t at = next_moment();
        s.mono = at < until ? at : until;
        check_settled();
        chance_heal();
        answer_calls();
        bring_posts();
        if (!s.ending && s.mono >= s.event_at) {
            s.event_at = s.mono + below(percent(50) ? MINUTE : 15 * MINUTE);
            chance_event();
        }
        if (s.alive && bridge_deadline() <= s.mono)
            bridge_turn();
    }
}

/* Everything works again, and all commands come to their end. */
static void come_to_rest(void)
{
    s.ending = true;
    s.crash_now = false;
    s.back_at = s.alive ? NEVER : s.mono;
    s.broker_back = s.broker_up ? NEVER : s.mono;
    s.cloud_back = s.mono;
    s.commit_back = s.hold_back = s.unstuck_at = s.listens_at = s.mono;
    s.soc_silent = false;
    chance_heal();
    pass(s.mono + 2 * MINUTE);
    if (s.paused)
        chance_pause();
    if (s.veto)
        chance_veto();
    if (s.device_offline)
        chance_online();
    flip_end_all();
    pass(s.mono + 2 * HOUR);
}

static void run(uint64_t seed)
{
    begin(seed);
    pass(LONG);
    come_to_rest();
    finish();
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"seeds", required_argument, NULL, 'n'},
                                            {"from", required_argument, NULL, 'f'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {0}};
    unsigned long long seeds = 300, from = 1, acts = 0, starts = 0, patches = 0, crashes = 0;

    for (int c; (c = getopt_long(argc, argv, "n:f:v", options, NULL)) != -1;)
        switch (c) {
        case 'n': seeds = strtoull(optarg, NULL, 10); break;
        case 'f': from = strtoull(optarg, NULL, 10); break;
        case 'v': s.verbose = true; break;
        default: return 64;
        }
    for (unsigned long long i = 0; i < seeds; i++) {
        run(from + i);
        acts += s.acts;
        patches += s.patches;
        crashes += s.crashes;
        starts += s.commands_len;
    }
    printf("sim_control: seeds %llu to %llu: %llu commands, %llu publishes to batteries, %llu acknowledgements, %llu "
           "crashes, no violation\n",
           from, from + seeds - 1, starts, acts, patches, crashes);
    return 0;
}
