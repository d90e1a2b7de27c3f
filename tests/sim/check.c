#include "sim/check.h"

#include "util/json.h"
#include "util/rfc3339.h"
#include "util/xalloc.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const energy_fields[SIM_FLOWS] = {"battery_total_energy_charge_wh",
                                                     "battery_total_energy_discharge_wh"};
static const char *const meter_names[SIM_FLOWS] = {"battery_charge_energy", "battery_discharge_energy"};

#define TOLERANCE_WH 1.0

static int battery_of(const struct world *w, const char *device_id)
{
    for (int i = 0; i < w->batteries; i++)
        if (strcmp(w->battery[i].id, device_id) == 0)
            return i;
    world_fail(w, "a point of %s", device_id);
}

static int64_t start_of(const struct world *w, struct f2m_slice body)
{
    char text[F2M_RFC3339_SIZE];
    int64_t ms;

    if (!f2m_json_string_copy(f2m_json_member(body, "start_time"), text, sizeof text) ||
        !f2m_rfc3339_parse(f2m_slice_of(text), &ms))
        world_fail(w, "no start_time: %.*s", (int)body.len, body.at);
    return ms;
}

static uint64_t hash(struct f2m_slice body)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < body.len; i++)
        h = (h ^ (unsigned char)body.at[i]) * UINT64_C(0x100000001b3);
    return h;
}

/* Keeps the spans ordered; a new one that touches another is the end. False where the same point is there already. */
static bool add_span(struct world *w, struct ledger *l, struct span s, const char *id)
{
    size_t at = l->len;

    while (at > 0 && l->spans[at - 1].start_ms > s.start_ms)
        at--;
    if (at > 0 && l->spans[at - 1].start_ms == s.start_ms && l->spans[at - 1].body == s.body)
        return false;
    if ((at > 0 && l->spans[at - 1].end_ms > s.start_ms) || (at < l->len && l->spans[at].start_ms < s.end_ms))
        world_fail(w, "%s: points overlap at %lld", id, (long long)s.start_ms);
    if (l->len == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 256;
        l->spans = f2m_xreallocarray(l->spans, l->cap, sizeof *l->spans);
    }
    memmove(&l->spans[at + 1], &l->spans[at], (l->len - at) * sizeof *l->spans);
    l->spans[at] = s;
    l->len++;
    return true;
}

/* Our own sum of what the bridge heard, in mono time. */
static double solar_energy(const struct battery *b, int64_t from_ms, int64_t to_ms, int64_t *covered)
{
    double sum = 0;
    int64_t end = to_ms;

    *covered = 0;
    for (unsigned long i = b->solar_len; i-- > 0 && i + SIM_HISTORY > b->solar_len && end > from_ms;) {
        const struct heard *h = &b->solar[i % SIM_HISTORY];
        int64_t begin = h->mono_ms > from_ms ? h->mono_ms : from_ms;
        int64_t stop = h->mono_ms + 300000 < end ? h->mono_ms + 300000 : end;
        if (stop > begin && !isnan(h->watts)) {
            sum += h->watts * (double)(stop - begin) / 3600000;
            *covered += stop - begin;
        }
        end = h->mono_ms < end ? h->mono_ms : end;
    }
    return sum;
}

/* Only where wall and mono ran together all the time. */
static void check_solar(struct world *w, const struct battery *b, struct span s, struct f2m_slice body)
{
    int64_t offset = w->now.wall_ms - w->now.mono_ms, covered;
    double told;

    /* A small step just after a boundary brings that back; a larger one closes a point in the old time. */
    if (s.start_ms - offset <= w->stepped_ms + 1000 || s.end_ms > w->now.wall_ms)
        return;
    double sum = solar_energy(b, s.start_ms - offset, s.end_ms - offset, &covered);
    struct f2m_slice value = f2m_json_member(body, "solar_total_energy_wh");
    bool known = f2m_json_number(value, &told);
    if (known != (covered > 0) || (known && fabs(told - sum) > 1e-3))
        world_fail(w, "%s: solar %.*s Wh, not %g in %.*s", b->id, (int)value.len, value.at, sum, (int)body.len,
                   body.at);
}

/* Points follow one another, but for what the world broke, and for a backlog that comes behind newer points. A partial
 * shorter than a second is skipped. */
static void follow(const struct world *w, struct ledger *l, struct span s, const char *id)
{
    if (s.start_ms < l->last_end_ms)
        return;
    if (!l->broken && s.start_ms - l->last_end_ms >= 1000)
        world_fail(w, "%s: a hole before %lld", id, (long long)s.start_ms);
    l->last_end_ms = s.end_ms;
    if (s.end_ms > l->broken_ms)
        l->broken = false;
}

static bool take(void *ctx, const struct f2m_point *p)
{
    struct world *w = ctx;
    int i = battery_of(w, p->device_id);
    struct ledger *l = &w->ledger[i];
    double duration, energy;
    bool online = false;

    if (p->id <= 0)
        return false; /* not on disk: a crash may take it back */
    world_tell(w, "%s %.*s", p->device_id, (int)p->body.len, p->body.at);
    struct span s = {.start_ms = start_of(w, p->body), .body = hash(p->body)};
    if (s.start_ms != p->start_ms || !f2m_json_number(f2m_json_member(p->body, "duration_s"), &duration))
        world_fail(w, "key and body differ: %.*s", (int)p->body.len, p->body.at);
    s.end_ms = s.start_ms + llround(duration * 1000);
    if (duration < 1)
        world_fail(w, "a point of %g s", duration);
    if (!add_span(w, l, s, w->battery[i].id))
        return true;
    bool contiguous = !l->broken;
    if (contiguous && (s.end_ms - 1) / w->interval_ms != s.start_ms / w->interval_ms)
        world_fail(w, "%s: beyond the edge of its interval: %.*s", w->battery[i].id, (int)p->body.len, p->body.at);
    follow(w, l, s, w->battery[i].id);
    l->points++;
    f2m_json_bool(f2m_json_member(p->body, "last_is_online"), &online);
    l->online = online;
    for (int f = 0; f < SIM_FLOWS; f++)
        if (f2m_json_number(f2m_json_member(p->body, energy_fields[f]), &energy))
            l->energy[f] += energy;
    if (online && contiguous)
        check_solar(w, &w->battery[i], s, p->body);
    w->received++;
    return true;
}

struct delivery {
    struct world *world;
    struct f2m_point point; /* what f2m_outbox_sent() reads of it */
    char id[32];
};

static bool remember(void *ctx, const struct f2m_point *p)
{
    struct delivery *x = ctx;

    if (!take(x->world, p))
        return false;
    snprintf(x->id, sizeof x->id, "%s", p->device_id);
    x->point = (struct f2m_point){.id = p->id, .start_ms = p->start_ms, .device_id = x->id};
    return true;
}

void check_upload(struct world *w)
{
    struct delivery x = {.world = w};
    size_t n;

    if (w->counters.points_in_memory > 0)
        world_break(w);
    while (f2m_outbox_take(w->outbox, F2M_TELEMETRY_INTERVAL, 1, INT64_MAX, remember, &x, &n) == 0 && n > 0)
        f2m_outbox_sent(w->outbox, w->now, &x.point, 1, w->fx);
}

void check_close(struct world *w)
{
    if (w->counters.points_in_memory > 0 || w->disk_failing)
        return;
    for (int i = 0; i < w->batteries; i++) {
        const struct ledger *l = &w->ledger[i];
        if (!l->online || l->broken)
            continue;
        for (int f = 0; f < SIM_FLOWS; f++) {
            const struct oracle *o = &w->battery[i].meters[f].oracle;
            /* A point of another device may have been the one that closed. */
            if (fabs(l->energy[f] - o->expected) > TOLERANCE_WH && l->last_end_ms == w->now.wall_ms)
                world_fail(w, "%s: points say %.3f Wh of %s, readings %.3f", w->battery[i].id, l->energy[f],
                           meter_names[f], o->expected);
        }
    }
}

static void check_meter(struct world *w, int i, int f, struct f2m_slice counters)
{
    struct oracle *o = &w->battery[i].meters[f].oracle;
    struct f2m_slice record = f2m_json_member(counters, meter_names[f]);
    double base, pending;

    if (!f2m_json_number(f2m_json_member(record, "base"), &base) ||
        !f2m_json_number(f2m_json_member(record, "pending"), &pending)) {
        o->last = NAN; /* never heard before the last point on disk */
        o->held = false;
        o->expected = w->ledger[i].energy[f];
        return;
    }
    if (!oracle_revert(o, base, w->ledger[i].energy[f] + pending))
        world_fail(w, "%s: after a crash, points say %.3f Wh of %s, and the baseline is %.3f with %.3f Wh to come",
                   w->battery[i].id, w->ledger[i].energy[f], meter_names[f], base, pending);
}

void check_disk(struct world *w)
{
    for (int i = 0; i < w->batteries; i++) {
        f2m_strbuf_reset(&w->text);
        int err = f2m_store_record_get(w->store, F2M_STORE_DEVICE, w->battery[i].id, &w->text);
        if (err < 0 && err != -ENOENT)
            world_fail(w, "no record of %s", w->battery[i].id);
        struct f2m_slice record = {w->text.data, w->text.len};
        for (int f = 0; f < SIM_FLOWS; f++)
            check_meter(w, i, f, f2m_json_member(record, "counters"));
    }
}
