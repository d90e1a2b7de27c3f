#include "telemetry/prove.h"

#include "telemetry/grid_prover.h"
#include "telemetry/prover.h"
#include "util/xalloc.h"

#include <math.h>
#include <stdlib.h>

struct f2m_prove {
    struct f2m_prover battery;
    struct f2m_grid_prover grid;
    bool prove_battery, prove_grid;
    bool solar_mapped, home_mapped;
    unsigned told; /* which verdict was told last */
};

#define GRID_VERDICT UINT32_C(1000) /* beyond those of the battery */

static bool has(const struct f2m_device *d, enum f2m_source_id id)
{
    return d->telemetry.sources[id].op != F2M_SOURCE_NONE;
}

static bool has_pair(const struct f2m_device *d)
{
    return has(d, F2M_SRC_BATTERY_CHARGE_POWER) && has(d, F2M_SRC_BATTERY_DISCHARGE_POWER);
}

static bool has_power(const struct f2m_device *d)
{
    return has(d, F2M_SRC_BATTERY_POWER) || has_pair(d);
}

static bool grid_is_provable(const struct f2m_device *d)
{
    unsigned batteries = 0;

    for (size_t i = 0; i < d->site->devices_len; i++)
        batteries += d->site->devices[i].type == F2M_DEVICE_BATTERY;
    return batteries == 1 && has_power(d) && has(d, F2M_SRC_GRID_POWER);
}

struct f2m_prove *f2m_prove_new(const struct f2m_device *d)
{
    bool counters = has(d, F2M_SRC_BATTERY_CHARGE_ENERGY) || has(d, F2M_SRC_BATTERY_DISCHARGE_ENERGY);
    bool power = has_power(d), soc = has(d, F2M_SRC_STATE_OF_CHARGE);
    bool battery = (power && (soc || counters)) || (counters && soc), grid = grid_is_provable(d);

    if (!battery && !grid)
        return NULL;
    struct f2m_prove *p = f2m_xcalloc(1, sizeof *p);
    *p = (struct f2m_prove){.prove_battery = battery,
                            .prove_grid = grid,
                            .solar_mapped = has(d, F2M_SRC_SOLAR_POWER),
                            .home_mapped = has(d, F2M_SRC_HOME_POWER)};
    f2m_prover_init(&p->battery, has(d, F2M_SRC_BATTERY_POWER) ? F2M_FLOW_SIGNED
                                 : power                       ? F2M_FLOW_PAIR
                                                               : F2M_FLOW_COUNTERS);
    f2m_grid_prover_init(&p->grid);
    return p;
}

void f2m_prove_free(struct f2m_prove *p)
{
    free(p);
}

void f2m_prove_rebind(struct f2m_prove *p, const struct f2m_device *d)
{
    if (p)
        p->prove_grid = grid_is_provable(d);
}

static double fresh(const struct f2m_telemetry_device *d, enum f2m_source_id id, int64_t mono_ms)
{
    bool mismatch = false;
    struct f2m_value v = f2m_device_value(d, id, mono_ms, &mismatch);

    return v.fresh ? v.number : NAN;
}

/* Also one that is not fresh: a state of charge that is published on change is silent while it does not. */
static double last_heard(const struct f2m_telemetry_device *d, enum f2m_source_id id, int64_t mono_ms)
{
    bool mismatch = false;
    struct f2m_value v = f2m_device_value(d, id, mono_ms, &mismatch);

    return v.known && v.at_ms != F2M_AGE_UNKNOWN ? v.number : NAN;
}

static bool feed_battery(struct f2m_prove *p, const struct f2m_telemetry_device *d, double power, int64_t mono_ms)
{
    struct f2m_prover_sample s = {
        .mono_ms = mono_ms,
        .soc = last_heard(d, F2M_SRC_STATE_OF_CHARGE, mono_ms),
        .power = power,
        .capacity_wh = fresh(d, F2M_SRC_CAPACITY, mono_ms),
        .rating_w = fmax(d->max_charge, d->max_discharge), /* the one that is known */
        .charge_wh = fresh(d, F2M_SRC_BATTERY_CHARGE_ENERGY, mono_ms),
        .discharge_wh = fresh(d, F2M_SRC_BATTERY_DISCHARGE_ENERGY, mono_ms),
    };

    return f2m_prover_feed(&p->battery, &s);
}

static bool feed_grid(struct f2m_prove *p, const struct f2m_telemetry_device *d, double power, int64_t mono_ms)
{
    struct f2m_grid_sample s = {
        .mono_ms = mono_ms,
        .grid = fresh(d, F2M_SRC_GRID_POWER, mono_ms),
        .solar = p->solar_mapped ? fresh(d, F2M_SRC_SOLAR_POWER, mono_ms) : NAN,
        .battery = power,
        .home = p->home_mapped ? fresh(d, F2M_SRC_HOME_POWER, mono_ms) : NAN,
        .solar_mapped = p->solar_mapped,
        .home_mapped = p->home_mapped,
    };

    return f2m_grid_prover_feed(&p->grid, &s);
}

/* While the battery's power is wrong, nothing follows for the grid's. */
static unsigned verdict(const struct f2m_prove *p)
{
    unsigned battery = f2m_prover_verdict(&p->battery);

    return battery || !p->grid.verdict ? battery : GRID_VERDICT;
}

bool f2m_prove_feed(struct f2m_prove *p, const struct f2m_telemetry_device *d, int64_t mono_ms)
{
    double power = fresh(d, F2M_SRC_BATTERY_POWER, mono_ms);
    bool news = p->prove_battery && feed_battery(p, d, power, mono_ms);

    news = (p->prove_grid && feed_grid(p, d, power, mono_ms)) || news;
    if (!news || verdict(p) == p->told)
        return false;
    p->told = verdict(p);
    return true;
}

static const char *unit_of(const struct f2m_device *d, enum f2m_source_id id)
{
    const struct f2m_source *s = &d->telemetry.sources[id];

    while ((s->op == F2M_SOURCE_SUM || s->op == F2M_SOURCE_DIFFERENCE) && s->parts_len)
        s = &s->parts[0]; /* which have units of their own */
    return s->unit ? s->unit->name : f2m_unit_canonical(f2m_value_quantity(f2m_source_info[id].kind));
}

void f2m_prove_tell(const struct f2m_prove *p, const struct f2m_device *d, struct f2m_strbuf *out)
{
    bool pair = !has(d, F2M_SRC_BATTERY_POWER);
    struct f2m_prover_words words = {
        .sign = d->telemetry.sources[F2M_SRC_BATTERY_POWER].sign,
        .power_unit = {unit_of(d, pair ? F2M_SRC_BATTERY_CHARGE_POWER : F2M_SRC_BATTERY_POWER),
                       unit_of(d, pair ? F2M_SRC_BATTERY_DISCHARGE_POWER : F2M_SRC_BATTERY_POWER)},
        .counter_unit = {unit_of(d, F2M_SRC_BATTERY_CHARGE_ENERGY), unit_of(d, F2M_SRC_BATTERY_DISCHARGE_ENERGY)},
    };

    if (p && verdict(p) == GRID_VERDICT)
        f2m_grid_prover_tell(&p->grid, d->telemetry.sources[F2M_SRC_GRID_POWER].sign, out);
    else if (p)
        f2m_prover_tell(&p->battery, &words, out);
}
