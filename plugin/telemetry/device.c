#include "telemetry/device.h"

#include "telemetry/prove.h"
#include "util/xalloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_power(enum f2m_source_id id)
{
    enum f2m_value_kind kind = f2m_source_info[id].kind;

    return kind == F2M_VALUE_POWER || kind == F2M_VALUE_SIGNED_POWER;
}

static void make_slots(struct f2m_telemetry_device *d)
{
    const struct f2m_source *sources = d->config->telemetry.sources;

    for (size_t id = 0; id < F2M_SRC_COUNT; id++) {
        d->slot_of[id] = sources[id].op == F2M_SOURCE_NONE ? -1 : (int8_t)d->slots_len++;
    }
    d->slots = f2m_xcalloc(d->slots_len ? d->slots_len : 1, sizeof *d->slots);
    for (size_t id = 0; id < F2M_SRC_COUNT; id++) {
        if (d->slot_of[id] < 0)
            continue;
        struct f2m_slot *slot = &d->slots[d->slot_of[id]];
        *slot =
            (struct f2m_slot){.id = (uint8_t)id, .complained_ms = INT64_MIN, .power = is_power((enum f2m_source_id)id)};
        slot->reader = f2m_source_reader_new(&sources[id], f2m_source_info[id].kind);
        if (f2m_source_info[id].kind == F2M_VALUE_COUNTER) {
            slot->counter = f2m_xmalloc(sizeof *slot->counter);
            f2m_counter_init(slot->counter);
        }
        d->feeds_len += (unsigned)f2m_source_reader_leaves(slot->reader);
    }
}

static void make_feeds(struct f2m_telemetry_device *d)
{
    struct f2m_feed *feed;

    d->feeds_len += d->config->telemetry.availability.topic ? 1 : 0;
    feed = d->feeds = f2m_xcalloc(d->feeds_len ? d->feeds_len : 1, sizeof *d->feeds);
    for (unsigned s = 0; s < d->slots_len; s++)
        for (size_t leaf = 0; leaf < f2m_source_reader_leaves(d->slots[s].reader); leaf++)
            *feed++ = (struct f2m_feed){.device = d, .leaf = (uint32_t)leaf, .slot = (uint8_t)s};
    if (d->config->telemetry.availability.topic)
        *feed++ = (struct f2m_feed){.device = d, .slot = F2M_FEED_AVAILABILITY};
    d->feeds_len = (unsigned)(feed - d->feeds);
}

struct f2m_telemetry_device *f2m_device_new(const struct f2m_device *config, struct f2m_now now)
{
    struct f2m_telemetry_device *d = f2m_xcalloc(1, sizeof *d);

    d->config = config;
    d->started_ms = now.mono_ms;
    d->capacity = config->capacity;
    d->max_charge = config->max_charge;
    d->max_discharge = config->max_discharge;
    d->home_offset = d->home_total = NAN;
    for (size_t id = 0; id < F2M_SRC_COUNT; id++)
        d->left_off[id] = NAN;
    d->state_ms = INT64_MIN;
    d->state_dirty = true;
    d->offset_ms = now.wall_ms - now.mono_ms;
    make_slots(d);
    make_feeds(d);
    d->prove = f2m_prove_new(config);
    f2m_interval_init(&d->interval, config->telemetry.interval_ms, 0);
    return d;
}

void f2m_device_free(struct f2m_telemetry_device *d)
{
    if (!d)
        return;
    for (unsigned i = 0; i < d->slots_len; i++) {
        f2m_source_reader_free(d->slots[i].reader);
        free(d->slots[i].counter);
    }
    f2m_prove_free(d->prove);
    free(d->slots);
    free(d->feeds);
    free(d->problem);
    free(d->found);
    free(d);
}

void f2m_device_rebind(struct f2m_telemetry_device *d, const struct f2m_device *config)
{
    d->config = config;
    d->capacity = isnan(config->capacity) ? d->capacity : config->capacity;
    d->max_charge = isnan(config->max_charge) ? d->max_charge : config->max_charge;
    d->max_discharge = isnan(config->max_discharge) ? d->max_discharge : config->max_discharge;
    for (unsigned i = 0; i < d->slots_len; i++)
        f2m_source_reader_rebind(d->slots[i].reader, &config->telemetry.sources[d->slots[i].id]);
    f2m_prove_rebind(d->prove, config);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool f2m_device_same(const struct f2m_device *x, const struct f2m_device *y)
{
    const struct f2m_telemetry_config *a = &x->telemetry, *b = &y->telemetry;

    if (a->endpoint != b->endpoint || a->interval_ms != b->interval_ms || a->max_age_ms != b->max_age_ms ||
        !same_text(a->availability.topic, b->availability.topic) ||
        !same_text(a->availability.path, b->availability.path) ||
        !same_text(a->availability.online, b->availability.online) ||
        !same_text(a->availability.offline, b->availability.offline))
        return false;
    for (size_t id = 0; id < F2M_SRC_COUNT; id++)
        if (!f2m_source_equal(&a->sources[id], &b->sources[id]))
            return false;
    return true;
}

struct f2m_slot *f2m_device_slot(const struct f2m_telemetry_device *d, enum f2m_source_id id)
{
    return d->slot_of[id] < 0 ? NULL : &d->slots[d->slot_of[id]];
}

double f2m_device_rating(const struct f2m_telemetry_device *d, enum f2m_source_id id)
{
    if (id == F2M_SRC_BATTERY_CHARGE_ENERGY)
        return d->max_charge;
    return id == F2M_SRC_BATTERY_DISCHARGE_ENERGY ? d->max_discharge : NAN;
}

static bool any_fresh(const struct f2m_telemetry_device *d, int64_t mono_ms, bool *any_topic)
{
    *any_topic = false;
    for (unsigned i = 0; i < d->slots_len; i++) {
        struct f2m_value v = f2m_source_reader_at(d->slots[i].reader, mono_ms);
        if (v.fresh && !v.constant)
            return true;
        for (size_t leaf = 0; leaf < f2m_source_reader_leaves(d->slots[i].reader); leaf++)
            *any_topic = *any_topic || f2m_source_reader_topic(d->slots[i].reader, leaf);
    }
    return false;
}

/* Interface, Telemetry 4, clarifications 6 and 28. */
enum f2m_online f2m_device_online(const struct f2m_telemetry_device *d, int64_t mono_ms)
{
    bool any_topic;

    if (d->availability == F2M_AVAILABILITY_OFFLINE)
        return F2M_OFFLINE;
    if (any_fresh(d, mono_ms, &any_topic))
        return F2M_ONLINE;
    bool says_online = d->availability == F2M_AVAILABILITY_ONLINE;
    if (!any_topic)
        return says_online ? F2M_ONLINE : F2M_ONLINE_UNKNOWN;
    /* Values need time to come after a start. */
    bool starting = mono_ms - d->started_ms <= d->config->telemetry.max_age_ms;
    if (starting && says_online)
        return F2M_ONLINE;
    return starting && !d->heard ? F2M_ONLINE_UNKNOWN : F2M_OFFLINE;
}

void f2m_device_open_accounts(struct f2m_telemetry_device *d, struct f2m_now now)
{
    int64_t start = f2m_interval_start(&d->interval, false) - now.wall_ms + now.mono_ms;

    for (unsigned i = 0; i < d->slots_len; i++)
        if (d->slots[i].power)
            f2m_integral_open(&d->slots[i].integral, start, now.mono_ms);
}
