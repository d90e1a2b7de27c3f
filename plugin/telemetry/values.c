/* What a device's sources come to: values of a moment, energies of an interval. Interface, Telemetry 2 and 3. */
#include "telemetry/device.h"

#include "telemetry/derive.h"

#include <math.h>

#define HOUR_MS 3600000.0

static const struct f2m_value nothing = {.number = NAN, .at_ms = F2M_AGE_UNKNOWN, .until_ms = F2M_FOREVER};

/* ---- values of a moment ---- */

static bool is_mapped(const struct f2m_telemetry_device *d, enum f2m_source_id id)
{
    return d->slot_of[id] >= 0;
}

static struct f2m_value mapped_value(const struct f2m_telemetry_device *d, enum f2m_source_id id, int64_t mono_ms)
{
    const struct f2m_slot *slot = f2m_device_slot(d, id);

    return slot ? f2m_source_reader_at(slot->reader, mono_ms) : nothing;
}

/* All parts must be known, and fresh. The number is the caller's to compute. */
static struct f2m_value join(const struct f2m_value *parts, size_t n, double number)
{
    struct f2m_value whole = {
        .known = true, .fresh = true, .constant = true, .at_ms = F2M_FOREVER, .until_ms = F2M_FOREVER};

    for (size_t i = 0; i < n; i++) {
        whole.known = whole.known && parts[i].known;
        whole.fresh = whole.fresh && parts[i].fresh;
        whole.constant = whole.constant && parts[i].constant;
        whole.at_ms = parts[i].at_ms < whole.at_ms ? parts[i].at_ms : whole.at_ms;
        whole.until_ms = parts[i].until_ms < whole.until_ms ? parts[i].until_ms : whole.until_ms;
    }
    whole.number = whole.known ? f2m_round_micro(number) : NAN;
    whole.known = whole.known && !isnan(whole.number);
    whole.fresh = whole.fresh && whole.known;
    return whole;
}

static double positive(double x)
{
    return x > 0 ? x : 0;
}

/* One direction of a signed power. */
static struct f2m_value split(struct f2m_value v, int sign)
{
    if (v.known)
        v.number = positive(v.number * sign);
    return v;
}

/* Interface, clarification 8. */
static struct f2m_value derived_home(const struct f2m_telemetry_device *d, int64_t mono_ms, bool *mismatch)
{
    enum { GRID, CHARGE, DISCHARGE, SOLAR };
    bool solar_mapped = is_mapped(d, F2M_SRC_SOLAR_POWER);
    struct f2m_value parts[] = {
        [GRID] = mapped_value(d, F2M_SRC_GRID_POWER, mono_ms),
        [CHARGE] = f2m_device_value(d, F2M_SRC_BATTERY_CHARGE_POWER, mono_ms, mismatch),
        [DISCHARGE] = f2m_device_value(d, F2M_SRC_BATTERY_DISCHARGE_POWER, mono_ms, mismatch),
        [SOLAR] = mapped_value(d, F2M_SRC_SOLAR_POWER, mono_ms),
    };
    struct f2m_flows flows = {
        .solar = solar_mapped ? parts[SOLAR].number : 0,
        .import = split(parts[GRID], 1).number,
        .export = split(parts[GRID], -1).number,
        .charge = parts[CHARGE].number,
        .discharge = parts[DISCHARGE].number,
    };

    return join(parts, solar_mapped ? SOLAR + 1 : SOLAR, f2m_derive_home(&flows, F2M_HOME_TOLERANCE_W, mismatch));
}

static struct f2m_value derived_capacity(const struct f2m_telemetry_device *d, int64_t mono_ms)
{
    struct f2m_value rated = {.known = !isnan(d->capacity),
                              .fresh = !isnan(d->capacity),
                              .constant = true,
                              .at_ms = mono_ms,
                              .until_ms = F2M_FOREVER};
    struct f2m_value parts[] = {rated, mapped_value(d, F2M_SRC_STATE_OF_HEALTH, mono_ms)};
    bool with_health = is_mapped(d, F2M_SRC_STATE_OF_HEALTH);

    return join(parts, with_health ? 2 : 1, f2m_derive_capacity(d->capacity, with_health ? parts[1].number : 100));
}

static struct f2m_value derived_stored(const struct f2m_telemetry_device *d, int64_t mono_ms, bool *mismatch)
{
    struct f2m_value parts[] = {f2m_device_value(d, F2M_SRC_CAPACITY, mono_ms, mismatch),
                                mapped_value(d, F2M_SRC_STATE_OF_CHARGE, mono_ms)};

    return join(parts, 2, f2m_derive_stored(parts[0].number, parts[1].number));
}

static struct f2m_value derived_battery(const struct f2m_telemetry_device *d, int64_t mono_ms)
{
    struct f2m_value parts[] = {mapped_value(d, F2M_SRC_BATTERY_CHARGE_POWER, mono_ms),
                                mapped_value(d, F2M_SRC_BATTERY_DISCHARGE_POWER, mono_ms)};

    return join(parts, 2, parts[0].number - parts[1].number);
}

struct f2m_value f2m_device_value(const struct f2m_telemetry_device *d, enum f2m_source_id id, int64_t mono_ms,
                                  bool *mismatch)
{
    if (is_mapped(d, id))
        return mapped_value(d, id, mono_ms);
    if (!f2m_device_has(d, id))
        return nothing;
    switch (id) {
    case F2M_SRC_BATTERY_CHARGE_POWER: return split(mapped_value(d, F2M_SRC_BATTERY_POWER, mono_ms), 1);
    case F2M_SRC_BATTERY_DISCHARGE_POWER: return split(mapped_value(d, F2M_SRC_BATTERY_POWER, mono_ms), -1);
    case F2M_SRC_BATTERY_POWER: return derived_battery(d, mono_ms);
    case F2M_SRC_HOME_POWER: return derived_home(d, mono_ms, mismatch);
    case F2M_SRC_CAPACITY: return derived_capacity(d, mono_ms);
    case F2M_SRC_STORED_ENERGY: return derived_stored(d, mono_ms, mismatch);
    default: return nothing;
    }
}

bool f2m_device_has(const struct f2m_telemetry_device *d, enum f2m_source_id id)
{
    if (is_mapped(d, id))
        return true;
    switch (id) {
    case F2M_SRC_BATTERY_CHARGE_POWER:
    case F2M_SRC_BATTERY_DISCHARGE_POWER: return is_mapped(d, F2M_SRC_BATTERY_POWER);
    case F2M_SRC_BATTERY_POWER:
        return is_mapped(d, F2M_SRC_BATTERY_CHARGE_POWER) && is_mapped(d, F2M_SRC_BATTERY_DISCHARGE_POWER);
    case F2M_SRC_HOME_POWER: return is_mapped(d, F2M_SRC_GRID_POWER);
    case F2M_SRC_CAPACITY: return !isnan(d->capacity);
    case F2M_SRC_STORED_ENERGY: return f2m_device_has(d, F2M_SRC_CAPACITY) && is_mapped(d, F2M_SRC_STATE_OF_CHARGE);
    default: return false;
    }
}

/* ---- energies of an interval ---- */

/* Where the energy of one flow is found: its counter, its own power, or one direction of a signed one. */
struct flow {
    enum f2m_source_id counter, power, signed_power;
    int sign;
};
static const struct flow flow_charge = {F2M_SRC_BATTERY_CHARGE_ENERGY, F2M_SRC_BATTERY_CHARGE_POWER,
                                        F2M_SRC_BATTERY_POWER, 1};
static const struct flow flow_discharge = {F2M_SRC_BATTERY_DISCHARGE_ENERGY, F2M_SRC_BATTERY_DISCHARGE_POWER,
                                           F2M_SRC_BATTERY_POWER, -1};
static const struct flow flow_solar = {F2M_SRC_SOLAR_ENERGY, F2M_SRC_SOLAR_POWER, F2M_SRC_SOLAR_POWER, 1};
static const struct flow flow_home = {F2M_SRC_HOME_ENERGY, F2M_SRC_HOME_POWER, F2M_SRC_HOME_POWER, 1};
static const struct flow flow_import = {F2M_SRC_GRID_IMPORT_ENERGY, F2M_SRC_GRID_POWER, F2M_SRC_GRID_POWER, 1};
static const struct flow flow_export = {F2M_SRC_GRID_EXPORT_ENERGY, F2M_SRC_GRID_POWER, F2M_SRC_GRID_POWER, -1};

static bool flow_mapped(const struct f2m_telemetry_device *d, const struct flow *f)
{
    return is_mapped(d, f->counter) || is_mapped(d, f->power) || is_mapped(d, f->signed_power);
}

/* The counter's difference over the interval: 0 where its reading holds and has not moved; unknown where it is stale,
 * or where the first reading has nothing to be compared with. */
static double counted(const struct f2m_slot *slot, int64_t end_mono_ms)
{
    const struct f2m_counter *c = slot->counter;

    if (c->counted || c->pending > 0)
        return c->pending;
    return !c->first && !isnan(c->base) && f2m_source_reader_at(slot->reader, end_mono_ms).fresh ? 0 : NAN;
}

static double flow_energy(const struct f2m_telemetry_device *d, const struct flow *f, int64_t end_mono_ms,
                          bool *integrated)
{
    const struct f2m_slot *slot = f2m_device_slot(d, f->counter);

    if (slot)
        return counted(slot, end_mono_ms);
    *integrated = true;
    bool own = is_mapped(d, f->power) && f->power != f->signed_power;
    slot = f2m_device_slot(d, own ? f->power : f->signed_power);
    if (!slot)
        return NAN;
    struct f2m_integral sum = slot->integral;
    f2m_integral_advance(&sum, slot->reader, end_mono_ms);
    return own || f->sign > 0 ? f2m_integral_plus(&sum) : f2m_integral_minus(&sum);
}

static bool home_is_derived(const struct f2m_telemetry_device *d)
{
    return !flow_mapped(d, &flow_home) && (flow_mapped(d, &flow_import) || flow_mapped(d, &flow_export));
}

static void interval_energies(const struct f2m_telemetry_device *d, int64_t end_mono_ms, bool bridged, double hours,
                              struct f2m_point_values *v)
{
    bool integrated = false, mismatch = false;

    v->energy[F2M_ENERGY_CHARGE] = f2m_round_micro(flow_energy(d, &flow_charge, end_mono_ms, &integrated));
    v->energy[F2M_ENERGY_DISCHARGE] = f2m_round_micro(flow_energy(d, &flow_discharge, end_mono_ms, &integrated));
    v->energy[F2M_ENERGY_SOLAR] = f2m_round_micro(flow_energy(d, &flow_solar, end_mono_ms, &integrated));
    if (!home_is_derived(d)) {
        v->energy[F2M_ENERGY_HOME] = f2m_round_micro(flow_energy(d, &flow_home, end_mono_ms, &integrated));
        return;
    }
    bool solar_mapped = flow_mapped(d, &flow_solar);
    integrated = false;
    struct f2m_flows flows = {
        .solar = solar_mapped ? flow_energy(d, &flow_solar, end_mono_ms, &integrated) : 0,
        .import = flow_energy(d, &flow_import, end_mono_ms, &integrated),
        .export = flow_energy(d, &flow_export, end_mono_ms, &integrated),
        .charge = flow_energy(d, &flow_charge, end_mono_ms, &integrated),
        .discharge = flow_energy(d, &flow_discharge, end_mono_ms, &integrated),
    };
    /* Over a gap, counters know all of it and integrated powers only what was heard: they do not add up. */
    if (!bridged || !integrated)
        v->energy[F2M_ENERGY_HOME] = f2m_round_micro(f2m_derive_home(&flows, F2M_HOME_TOLERANCE_W * hours, &mismatch));
}

/* The continued reading of a counter. */
static double total_reading(const struct f2m_telemetry_device *d, enum f2m_source_id id, int64_t end_mono_ms)
{
    const struct f2m_slot *slot = f2m_device_slot(d, id);

    return slot && f2m_source_reader_at(slot->reader, end_mono_ms).fresh ? slot->counter->total : NAN;
}

static double home_level(const struct f2m_telemetry_device *d, int64_t end_mono_ms)
{
    double solar = is_mapped(d, F2M_SRC_SOLAR_ENERGY) ? total_reading(d, F2M_SRC_SOLAR_ENERGY, end_mono_ms) : 0;

    return solar + total_reading(d, F2M_SRC_GRID_IMPORT_ENERGY, end_mono_ms) -
           total_reading(d, F2M_SRC_GRID_EXPORT_ENERGY, end_mono_ms) +
           total_reading(d, F2M_SRC_BATTERY_DISCHARGE_ENERGY, end_mono_ms) -
           total_reading(d, F2M_SRC_BATTERY_CHARGE_ENERGY, end_mono_ms);
}

static void counter_readings(const struct f2m_telemetry_device *d, int64_t end_mono_ms, struct f2m_point_values *v)
{
    v->energy[F2M_ENERGY_CHARGE] = f2m_round_micro(total_reading(d, F2M_SRC_BATTERY_CHARGE_ENERGY, end_mono_ms));
    v->energy[F2M_ENERGY_DISCHARGE] = f2m_round_micro(total_reading(d, F2M_SRC_BATTERY_DISCHARGE_ENERGY, end_mono_ms));
    v->energy[F2M_ENERGY_SOLAR] = f2m_round_micro(total_reading(d, F2M_SRC_SOLAR_ENERGY, end_mono_ms));
    if (!home_is_derived(d)) {
        v->energy[F2M_ENERGY_HOME] = f2m_round_micro(total_reading(d, F2M_SRC_HOME_ENERGY, end_mono_ms));
        return;
    }
    double level = home_level(d, end_mono_ms);
    if (isnan(level))
        return;
    /* Without an offset the level is the reading, or, where other counters make it up now, the former reading stays. */
    double home = isnan(d->home_offset) ? fmax(level, 0) : level + d->home_offset;
    bool composed_anew = isnan(d->home_offset) && !isnan(d->home_total);
    v->energy[F2M_ENERGY_HOME] = f2m_round_micro(composed_anew ? d->home_total : fmax(home, d->home_total));
}

/* ---- the point ---- */

static enum f2m_tristate tristate_of(enum f2m_online online)
{
    return online == F2M_ONLINE ? F2M_YES : online == F2M_OFFLINE ? F2M_NO : F2M_UNKNOWN;
}

static enum f2m_mode mode_at(const struct f2m_telemetry_device *d, int64_t mono_ms)
{
    struct f2m_value v = mapped_value(d, F2M_SRC_MODE, mono_ms);

    if (v.fresh)
        return (enum f2m_mode)v.number;
    return d->flip_mode ? d->flip_mode : d->config->telemetry.default_mode;
}

static bool any_bridged(const struct f2m_telemetry_device *d)
{
    for (unsigned i = 0; i < d->slots_len; i++)
        if (d->slots[i].counter && d->slots[i].counter->bridged)
            return true;
    return false;
}

void f2m_device_point(const struct f2m_telemetry_device *d, int64_t end_wall_ms, int64_t end_mono_ms,
                      struct f2m_point_values *v)
{
    bool mismatch = false;

    f2m_point_values_init(v, d->config->id);
    v->online = tristate_of(f2m_device_online(d, end_mono_ms));
    v->start_ms = f2m_interval_start(&d->interval, false);
    v->end_ms = end_wall_ms;
    if (v->online != F2M_YES)
        return;
    bool bridged = any_bridged(d);
    v->start_ms = f2m_interval_start(&d->interval, bridged);
    v->mode = mode_at(d, end_mono_ms);
    struct f2m_value grid = mapped_value(d, F2M_SRC_GRID_ONLINE, end_mono_ms);
    v->grid_online = !grid.fresh ? F2M_UNKNOWN : grid.number != 0 ? F2M_YES : F2M_NO;
    for (size_t id = 0; id < F2M_SRC_COUNT; id++) {
        struct f2m_value value = f2m_device_value(d, (enum f2m_source_id)id, end_mono_ms, &mismatch);
        v->last[id] = value.fresh ? value.number : NAN;
    }
    if (d->config->telemetry.endpoint == F2M_TELEMETRY_COUNTER)
        counter_readings(d, end_mono_ms, v);
    else
        interval_energies(d, end_mono_ms, bridged, (double)(v->end_ms - v->start_ms) / HOUR_MS, v);
}

void f2m_device_consume(struct f2m_telemetry_device *d, const struct f2m_point_values *v, int64_t end_mono_ms)
{
    if (v->online != F2M_YES)
        return;
    for (unsigned i = 0; i < d->slots_len; i++)
        if (d->slots[i].counter)
            f2m_counter_consume(d->slots[i].counter);
    if (d->config->telemetry.endpoint != F2M_TELEMETRY_COUNTER || !home_is_derived(d) ||
        isnan(v->energy[F2M_ENERGY_HOME]))
        return;
    d->home_total = v->energy[F2M_ENERGY_HOME];
    if (isnan(d->home_offset))
        d->home_offset = d->home_total - home_level(d, end_mono_ms);
}
