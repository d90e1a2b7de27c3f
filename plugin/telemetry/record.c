/*
 * What a device must not forget over a restart, in F2M_STORE_DEVICE under its id: the end of its last point (no key is
 * built twice), and per counter the last reading believed with what of its energy no point carries yet. It is written
 * in the same turn as the point, so that both are on disk or neither. Of a counter that is not mapped any more the
 * continued reading stays: mapped again it goes on from there, so that the counter endpoint's never falls.
 */
#include "telemetry/device.h"

#include "util/cleanup.h"
#include "util/json.h"
#include "util/json_writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define FINGERPRINT_SIZE 17

static void fingerprint(const struct f2m_telemetry_device *d, enum f2m_source_id id, char text[FINGERPRINT_SIZE])
{
    snprintf(text, FINGERPRINT_SIZE, "%016" PRIx64, f2m_source_fingerprint(&d->config->telemetry.sources[id]));
}

static void write_counter(const struct f2m_telemetry_device *d, const struct f2m_slot *slot, struct f2m_now now,
                          struct f2m_jw *w)
{
    const struct f2m_counter *c = slot->counter;
    char source[FINGERPRINT_SIZE];

    if (isnan(c->total))
        return;
    fingerprint(d, slot->id, source);
    f2m_jw_object(w, f2m_source_info[slot->id].name);
    f2m_jw_string(w, "source", source);
    f2m_jw_number(w, "base", c->base);
    f2m_jw_number(w, "total", c->total);
    f2m_jw_number(w, "pending", c->pending);
    f2m_jw_integer(w, "at", now.wall_ms - (now.mono_ms - c->base_ms));
    f2m_jw_end(w);
}

static double *left_off(struct f2m_telemetry_device *d, enum f2m_source_id id)
{
    return id == F2M_SRC_HOME_ENERGY ? &d->home_total : &d->left_off[id];
}

static void write_left_off(const struct f2m_telemetry_device *d, struct f2m_jw *w)
{
    f2m_jw_object(w, "left_off");
    for (unsigned id = 0; id < F2M_SRC_COUNT; id++)
        if (d->slot_of[id] < 0 && !isnan(d->left_off[id]))
            f2m_jw_number(w, f2m_source_info[id].name, d->left_off[id]);
    f2m_jw_end(w);
}

static bool any_left_off(const struct f2m_telemetry_device *d)
{
    for (unsigned id = 0; id < F2M_SRC_COUNT; id++)
        if (d->slot_of[id] < 0 && !isnan(d->left_off[id]))
            return true;
    return false;
}

void f2m_device_write_record(const struct f2m_telemetry_device *d, struct f2m_now now, struct f2m_strbuf *out)
{
    struct f2m_jw w = f2m_jw(out);

    f2m_jw_object(&w, NULL);
    f2m_jw_integer(&w, "high_water", d->interval.high_water_ms);
    if (!isnan(d->home_total)) {
        f2m_jw_number(&w, "home_offset", d->home_offset);
        f2m_jw_number(&w, "home_total", d->home_total);
    }
    f2m_jw_object(&w, "counters");
    for (unsigned i = 0; i < d->slots_len; i++)
        if (d->slots[i].counter)
            write_counter(d, &d->slots[i], now, &w);
    f2m_jw_end(&w);
    if (any_left_off(d))
        write_left_off(d, &w);
    f2m_jw_end(&w);
}

static double number_or_nan(struct f2m_slice object, const char *name)
{
    double number;

    return f2m_json_number(f2m_json_member(object, name), &number) ? number : NAN;
}

static void read_counter(struct f2m_telemetry_device *d, struct f2m_slot *slot, struct f2m_now now,
                         struct f2m_slice object)
{
    double base = number_or_nan(object, "base"), total = number_or_nan(object, "total");
    double pending = number_or_nan(object, "pending");
    char source[FINGERPRINT_SIZE];
    int64_t at;

    if (isnan(total) || !(pending >= 0) || !f2m_json_integer(f2m_json_member(object, "at"), &at))
        return;
    fingerprint(d, slot->id, source);
    /* Another source's readings are no baseline for this one's; the continued reading goes on all the same. */
    if (!f2m_json_string_is(f2m_json_member(object, "source"), source))
        base = NAN;
    f2m_counter_restore(slot->counter, base, total, pending, now.wall_ms >= at ? now.wall_ms - at : -1, now.mono_ms);
}

/* Whether a stored counter makes up the derived home reading no more, or a new one does: its offset is no good then. */
static bool home_differs(const struct f2m_telemetry_device *d, struct f2m_slice counters)
{
    for (unsigned id = 0; id < F2M_SRC_COUNT; id++) {
        bool stored = f2m_json_member(counters, f2m_source_info[id].name).len > 0;
        if (f2m_source_info[id].kind == F2M_VALUE_COUNTER && stored != (d->slot_of[id] >= 0))
            return true;
    }
    return false;
}

/* Where the continued readings stood, of counters that were mapped and of those that were not. */
static void read_left_off(struct f2m_telemetry_device *d, struct f2m_slice counters, struct f2m_slice unmapped)
{
    for (unsigned id = 0; id < F2M_SRC_COUNT; id++) {
        if (f2m_source_info[id].kind != F2M_VALUE_COUNTER)
            continue;
        double total = number_or_nan(f2m_json_member(counters, f2m_source_info[id].name), "total");
        if (isnan(total))
            total = number_or_nan(unmapped, f2m_source_info[id].name);
        if (!isnan(total))
            *left_off(d, id) = total;
    }
}

static void go_on_from_left_off(struct f2m_telemetry_device *d)
{
    for (unsigned i = 0; i < d->slots_len; i++)
        if (d->slots[i].counter && isnan(d->slots[i].counter->total))
            d->slots[i].counter->total = *left_off(d, d->slots[i].id);
}

bool f2m_device_read_record(struct f2m_telemetry_device *d, struct f2m_now now, struct f2m_slice record)
{
    struct f2m_err err;

    if (f2m_json_check(record, &err) < 0 ||
        !f2m_json_integer(f2m_json_member(record, "high_water"), &d->interval.high_water_ms))
        return false;
    d->home_offset = number_or_nan(record, "home_offset");
    d->home_total = number_or_nan(record, "home_total");
    struct f2m_slice counters = f2m_json_member(record, "counters");
    if (home_differs(d, counters))
        d->home_offset = NAN;
    for (unsigned i = 0; i < d->slots_len; i++)
        if (d->slots[i].counter)
            read_counter(d, &d->slots[i], now, f2m_json_member(counters, f2m_source_info[d->slots[i].id].name));
    read_left_off(d, counters, f2m_json_member(record, "left_off"));
    go_on_from_left_off(d);
    return true;
}

static void inherit_counter(struct f2m_telemetry_device *d, struct f2m_slot *slot,
                            const struct f2m_telemetry_device *former)
{
    const struct f2m_slot *old = f2m_device_slot(former, slot->id);

    if (!old)
        return;
    if (f2m_source_fingerprint(&d->config->telemetry.sources[slot->id]) ==
        f2m_source_fingerprint(&former->config->telemetry.sources[slot->id])) {
        *slot->counter = *old->counter;
    } else {
        slot->counter->total = old->counter->total;
        slot->counter->pending = old->counter->pending;
    }
}

static void inherit_left_off(struct f2m_telemetry_device *d, struct f2m_telemetry_device *former)
{
    for (unsigned id = 0; id < F2M_SRC_COUNT; id++) {
        const struct f2m_slot *old = f2m_device_slot(former, id);
        bool counted = old && old->counter && !isnan(old->counter->total);
        *left_off(d, id) = counted ? old->counter->total : *left_off(former, id);
    }
}

static bool same_availability(const struct f2m_availability *a, const struct f2m_availability *b)
{
    return a->topic && b->topic && strcmp(a->topic, b->topic) == 0;
}

void f2m_device_inherit(struct f2m_telemetry_device *d, struct f2m_telemetry_device *former)
{
    d->interval.high_water_ms = former->interval.high_water_ms;
    d->home_offset = former->home_offset;
    inherit_left_off(d, former); /* home_total too */
    for (unsigned id = 0; id < F2M_SRC_COUNT; id++)
        if (f2m_source_info[id].kind == F2M_VALUE_COUNTER && (d->slot_of[id] >= 0) != (former->slot_of[id] >= 0))
            d->home_offset = NAN; /* other counters make up the reading now */
    d->flip_mode = former->flip_mode;
    d->started_ms = former->started_ms;
    d->heard = former->heard;
    d->problem = f2m_take(former->problem);
    if (same_availability(&d->config->telemetry.availability, &former->config->telemetry.availability))
        d->availability = former->availability;
    for (unsigned i = 0; i < d->slots_len; i++) {
        struct f2m_slot *slot = &d->slots[i], *old = f2m_device_slot(former, slot->id);
        if (slot->counter)
            inherit_counter(d, slot, former);
        if (old &&
            f2m_source_equal(&d->config->telemetry.sources[slot->id], &former->config->telemetry.sources[slot->id])) {
            struct f2m_source_reader *reader = slot->reader;
            slot->reader = old->reader;
            old->reader = reader;
            f2m_source_reader_rebind(slot->reader, &d->config->telemetry.sources[slot->id]);
        }
    }
    go_on_from_left_off(d);
}
