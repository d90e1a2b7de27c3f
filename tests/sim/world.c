#include "sim/world.h"

#include "sim/check.h"
#include "store/sqlite.h"
#include "support/fault_store.h"
#include "util/xalloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Where it plays: an ordinary week, and weeks in which summer time begins or ends, there by an hour or by half of one.
 */
static const struct {
    const char *zone;
    int64_t start_ms;
} places[] = {
    {"UTC", INT64_C(1769860800000)},                 /* 2026-01-31T12:00:00Z */
    {"Europe/Berlin", INT64_C(1774652400000)},       /* 2026-03-27T23:00:00Z; forward on the 29th */
    {"America/Los_Angeles", INT64_C(1793347200000)}, /* 2026-10-30T08:00:00Z; back on 1 November */
    {"Australia/Lord_Howe", INT64_C(1775221200000)}, /* 2026-04-03T13:00:00Z; back by half an hour on the 5th */
};

void world_fail(const struct world *w, const char *fmt, ...)
{
    va_list args;

    fprintf(stderr, "seed %llu, %.3f h: ", (unsigned long long)w->seed, (double)w->now.mono_ms / 3600000);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    exit(EXIT_FAILURE);
}

void world_tell(const struct world *w, const char *fmt, ...)
{
    va_list args;

    if (!w->trace)
        return;
    fprintf(stderr, "%lld ", (long long)w->now.mono_ms);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
}

static struct f2m_source topic(char *name, const struct f2m_unit *unit)
{
    return (struct f2m_source){
        .op = F2M_SOURCE_TOPIC, .topic = name, .unit = unit, .scale = 1, .sign = 1, .max_age_ms = 300000};
}

static void configure(struct world *w)
{
    static char site[] = "site", base[] = "flip2mqtt";
    const struct f2m_unit *kwh = f2m_unit_find(f2m_slice_of("kWh"));

    for (int i = 0; i < w->batteries; i++) {
        struct battery *b = &w->battery[i];
        struct f2m_device *d = &w->devices[i];
        d->site = &w->site;
        battery_init(b, i, &w->rng, w->now.mono_ms);
        d->id = d->name = b->id;
        d->capacity = 13500;
        d->max_charge = d->max_discharge = 5000;
        d->telemetry.interval_ms = w->interval_ms;
        d->telemetry.max_age_ms = 300000;
        d->telemetry.sources[F2M_SRC_BATTERY_CHARGE_ENERGY] = topic(b->meters[0].topic, kwh);
        d->telemetry.sources[F2M_SRC_BATTERY_DISCHARGE_ENERGY] = topic(b->meters[1].topic, kwh);
        d->telemetry.sources[F2M_SRC_SOLAR_POWER] = topic(b->solar_topic, NULL);
    }
    w->site = (struct f2m_site){.id = site, .devices = w->devices, .devices_len = (size_t)w->batteries};
    w->config = (struct f2m_config){.sites = &w->site, .sites_len = 1, .mqtt.base_topic = base};
    w->config.storage.max_age_ms = INT64_C(3650) * 86400000;
    w->config.storage.max_size = INT64_C(1) << 40;
}

static struct f2m_store *open_inner(struct world *w)
{
    struct f2m_store_options options = {.path = w->path, .create = true};
    struct f2m_store *store;
    struct f2m_err err;

    if (!w->path[0])
        return f2m_store_open_memory();
    if (f2m_store_open(&options, &store, NULL, &err) < 0)
        world_fail(w, "cannot open %s: %s", w->path, err.text);
    return store;
}

void world_init(struct world *w, uint64_t seed, bool trace)
{
    static const int64_t intervals[] = {10000, 60000, 300000, 300000, 300000};

    *w = (struct world){.seed = seed, .trace = trace, .rng = {.state = seed}, .now = {.mono_ms = 1000000}};
    size_t place = seed % (sizeof places / sizeof places[0]);
    setenv("TZ", places[place].zone, 1);
    tzset();
    w->now.wall_ms = places[place].start_ms + f2m_rng_below(&w->rng, 86400000);
    w->interval_ms = intervals[f2m_rng_below(&w->rng, 5)];
    w->batteries = 1 + (int)f2m_rng_below(&w->rng, SIM_BATTERIES);
    if (seed % 16 == 15)
        snprintf(w->path, sizeof w->path, "/tmp/f2m-sim-%ld-%llu.db", (long)getpid(), (unsigned long long)seed);
    configure(w);
    w->inner = open_inner(w);
    w->store = f2m_fault_store_new(w->inner);
    w->fx = f2m_effects_new();
    f2m_strbuf_init(&w->text, 0);
    world_start(w);
}

static void bridge_free(struct world *w)
{
    f2m_telemetry_free(w->telemetry);
    f2m_outbox_free(w->outbox);
    w->telemetry = NULL;
    w->outbox = NULL;
}

void world_deinit(struct world *w)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock", ".reserve"};
    char name[80];

    bridge_free(w);
    f2m_store_free(w->store);
    f2m_effects_free(w->fx);
    f2m_strbuf_deinit(&w->text);
    for (int i = 0; i < SIM_BATTERIES; i++)
        free(w->ledger[i].spans);
    for (size_t i = 0; w->path[0] && i < sizeof suffixes / sizeof suffixes[0]; i++) {
        snprintf(name, sizeof name, "%s%s", w->path, suffixes[i]);
        unlink(name);
    }
}

void world_break(struct world *w)
{
    w->stepped_ms = w->now.mono_ms;
    for (int i = 0; i < w->batteries; i++) {
        w->ledger[i].broken = true;
        w->ledger[i].broken_ms = w->now.wall_ms;
    }
}

void world_start(struct world *w)
{
    memset(&w->counters, 0, sizeof w->counters);
    w->outbox = f2m_outbox_new(&w->config, w->store, &w->counters);
    w->telemetry = f2m_telemetry_new(&w->config, w->store, w->outbox, &w->counters, w->now);
    f2m_telemetry_hold(w->telemetry, w->hold);
    f2m_telemetry_mqtt_up(w->telemetry, w->now, w->fx);
    world_break(w);
    /* What was heard before is forgotten. */
    for (int i = 0; i < w->batteries; i++)
        w->battery[i].solar[w->battery[i].solar_len++ % SIM_HISTORY] = (struct heard){w->now.mono_ms, NAN};
    world_turn(w);
}

void world_crash(struct world *w)
{
    w->crashes++;
    world_tell(w, "killed");
    world_break(w);
    for (int i = 0; i < w->batteries; i++)
        w->ledger[i].broken_ms = INT64_MAX; /* until the start */
    f2m_fault_store_heal(w->store);
    f2m_fault_store_disk_full(w->store, false);
    w->disk_failing = false;
    bridge_free(w);
    f2m_store_undo(w->inner);
    if (w->path[0]) {
        f2m_store_free(w->store);
        w->inner = open_inner(w);
        w->store = f2m_fault_store_new(w->inner);
    }
    w->outbox = f2m_outbox_new(&w->config, w->store, &w->counters);
    check_upload(w);
    f2m_outbox_free(w->outbox);
    w->outbox = NULL;
    check_disk(w);
}

static void commit(struct world *w)
{
    bool ok = f2m_store_commit(w->store) == 0;

    f2m_outbox_committed(w->outbox, w->now, ok, w->fx);
    f2m_effects_reset(w->fx);
}

void world_stop(struct world *w)
{
    world_turn(w);
    f2m_telemetry_stop(w->telemetry, w->now, w->fx);
    commit(w);
    world_crash(w);
}

void world_pass(struct world *w, int64_t ms)
{
    w->now.mono_ms += ms;
    w->now.wall_ms += ms;
    for (int i = 0; i < w->batteries; i++)
        battery_move(&w->battery[i], w->now.mono_ms);
}

void world_set_clock(struct world *w, int64_t delta_ms)
{
    w->steps++;
    world_tell(w, "the clock is set by %lld ms", (long long)delta_ms);
    w->now.wall_ms += delta_ms;
    w->wrong_ms += delta_ms;
    world_break(w);
}

int64_t world_deadline(const struct world *w)
{
    int64_t a = f2m_telemetry_deadline(w->telemetry, w->now), b = f2m_outbox_deadline(w->outbox);

    return a < b ? a : b;
}

/* As long as the room asks for it, but a retry of the failing disk is not waited for. */
void world_turn(struct world *w)
{
    for (int guard = 0; guard < 1000; guard++) {
        uint64_t before = w->counters.points;
        f2m_outbox_tick(w->outbox, w->now, w->fx);
        f2m_telemetry_tick(w->telemetry, w->now, w->fx);
        commit(w);
        check_upload(w);
        if (w->counters.points != before)
            check_close(w);
        if (f2m_telemetry_deadline(w->telemetry, w->now) > w->now.mono_ms)
            return;
    }
    world_fail(w, "the room never comes to rest");
}

void world_send(struct world *w, const char *name, const char *payload, bool retain)
{
    struct f2m_mqtt_message m = {.topic = f2m_slice_of(name), .payload = f2m_slice_of(payload), .retain = retain};

    world_tell(w, "%s%s %s", name, retain ? " (retained)" : "", payload);
    if (!f2m_telemetry_message(w->telemetry, w->now, &m, w->fx))
        world_fail(w, "nobody wants %s", name);
    if (w->counters.invalid)
        world_fail(w, "%s: %s is invalid", name, payload);
    commit(w);
}

void world_send_reading(struct world *w, struct battery *b, struct meter *m)
{
    bool can_err = !isnan(m->oracle.last) && m->oracle.last >= 20 && !m->oracle.held && !m->erred &&
                   m->oracle.segment == m->segment;
    bool err = can_err && f2m_rng_below(&w->rng, 40) == 0;
    double reading = err ? meter_error(m, &w->rng) : meter_reading(m);
    char payload[32];

    (void)b;
    world_turn(w);
    snprintf(payload, sizeof payload, "%.3f", reading / 1000);
    world_send(w, m->topic, payload, false);
    m->erred = err;
    if (err)
        oracle_err(&m->oracle, reading);
    else
        oracle_read(&m->oracle, reading, m->segment);
}

void world_send_solar(struct world *w, struct battery *b, double watts)
{
    char payload[32];

    world_turn(w);
    b->solar_w = watts;
    b->solar[b->solar_len++ % SIM_HISTORY] = (struct heard){w->now.mono_ms, watts};
    snprintf(payload, sizeof payload, "%.1f", watts);
    world_send(w, b->solar_topic, isnan(watts) ? "unavailable" : payload, false);
}
