#include "sim/battery.h"

#include <math.h>
#include <stdio.h>

#define HOUR_MS 3600000.0
#define DAY_MS  INT64_C(86400000)

#define SPIKE_WH 3.3e6 /* beyond what can flow in any time that the simulation knows; no jump is near it */
#define JUMP_WH  1e6   /* an increase beyond this is no energy */

void oracle_init(struct oracle *o)
{
    *o = (struct oracle){.last = NAN};
}

static void accept_baseline(struct oracle *o, double reading, int segment)
{
    o->last = reading;
    o->segment = segment;
    o->held = false;
    o->past[o->len++ % SIM_HISTORY] = (struct past){.last = reading, .expected = o->expected, .segment = segment};
}

void oracle_read(struct oracle *o, double reading, int segment)
{
    if (isnan(o->last)) {
        accept_baseline(o, reading, segment);
    } else if (segment == o->segment || (reading >= o->last && reading - o->last < JUMP_WH)) {
        /* A meter that was reset and has passed its old reading cannot be told from one that was not. */
        o->expected += reading - o->last;
        accept_baseline(o, reading, segment);
    } else if (!o->held || reading < o->held_at || reading - o->held_at >= JUMP_WH) {
        o->held = true;
        o->held_at = reading;
    } else {
        bool near_zero = o->held_at <= o->last / 2 && o->held_at < JUMP_WH;
        o->expected += near_zero ? reading : reading - o->held_at;
        accept_baseline(o, reading, segment);
    }
}

void oracle_err(struct oracle *o, double reading)
{
    o->held = true;
    o->held_at = reading;
}

bool oracle_revert(struct oracle *o, double base, double energy)
{
    unsigned long oldest = o->len > SIM_HISTORY ? o->len - SIM_HISTORY : 0;

    for (unsigned long i = o->len; i-- > oldest;) {
        const struct past *p = &o->past[i % SIM_HISTORY];
        if (fabs(p->last - base) > 1e-6 || fabs(p->expected - energy) > 1)
            continue;
        o->last = p->last;
        o->expected = p->expected;
        o->segment = p->segment;
        o->held = false;
        return true;
    }
    return false;
}

static void meter_init(struct meter *m, int number, const char *name, struct f2m_rng *rng)
{
    static const double resolutions[] = {1, 1, 10, 100, 1000};

    snprintf(m->topic, sizeof m->topic, "battery/%d/%s", number, name);
    m->value = (double)f2m_rng_below(rng, 3) * 4e6 + (double)f2m_rng_below(rng, 90000);
    m->resolution = resolutions[f2m_rng_below(rng, 5)];
    m->daily = f2m_rng_below(rng, 4) == 0;
    m->every_ms = 5000 + f2m_rng_below(rng, 100000);
    oracle_init(&m->oracle);
}

void battery_init(struct battery *b, int number, struct f2m_rng *rng, int64_t mono_ms)
{
    *b = (struct battery){.moved_ms = mono_ms};
    snprintf(b->id, sizeof b->id, "battery-%d", number);
    snprintf(b->solar_topic, sizeof b->solar_topic, "battery/%d/solar", number);
    snprintf(b->soc_topic, sizeof b->soc_topic, "battery/%d/soc", number);
    meter_init(&b->meters[0], number, "charge", rng);
    meter_init(&b->meters[1], number, "discharge", rng);
}

static void flow(struct battery *b, int64_t ms)
{
    double energy = fabs(b->power_w) * (double)ms / HOUR_MS;

    b->meters[b->power_w > 0 ? 0 : 1].value += energy;
    b->moved_ms += ms;
}

void battery_move(struct battery *b, int64_t mono_ms)
{
    while (b->moved_ms < mono_ms) {
        int64_t midnight = (b->moved_ms / DAY_MS + 1) * DAY_MS;
        flow(b, (midnight < mono_ms ? midnight : mono_ms) - b->moved_ms);
        if (b->moved_ms != midnight)
            continue;
        for (int i = 0; i < SIM_FLOWS; i++) {
            if (b->meters[i].daily) {
                b->meters[i].value = 0;
                b->meters[i].segment++;
            }
        }
    }
}

double meter_reading(const struct meter *m)
{
    return floor(m->value / m->resolution) * m->resolution;
}

double meter_error(const struct meter *m, struct f2m_rng *rng)
{
    switch (f2m_rng_below(rng, 3)) {
    case 0: return m->oracle.last + SPIKE_WH;
    case 1: return floor(m->oracle.last * 0.9);
    default: return 0;
    }
}
