#include "telemetry/telemetry.h"

#include "telemetry/prove.h"
#include "telemetry/room.h"
#include "util/percent.h"
#include "util/route.h"
#include "util/xalloc.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* ---- building ---- */

static const char *topic_of(const struct f2m_telemetry_device *d, const struct f2m_feed *feed)
{
    return feed->slot == F2M_FEED_AVAILABILITY ? d->config->telemetry.availability.topic
                                               : f2m_source_reader_topic(d->slots[feed->slot].reader, feed->leaf);
}

static void add_routes(struct f2m_telemetry *t, struct f2m_telemetry_device *d)
{
    for (unsigned i = 0; i < d->feeds_len; i++) {
        const char *topic = topic_of(d, &d->feeds[i]), *former = i ? topic_of(d, &d->feeds[i - 1]) : NULL;
        if (!topic)
            continue;
        f2m_router_add(t->router, topic, &d->feeds[i]);
        /* Sources on one topic mostly stand together; where not, the text is searched again, which is right too. */
        if (former && strcmp(topic, former) == 0)
            d->feeds[i].shared = d->feeds[i - 1].shared = true;
    }
}

static void adopt(struct f2m_telemetry *t, struct f2m_telemetry_device *d)
{
    HASH_ADD_KEYPTR(hh, t->devices, d->config->id, strlen(d->config->id), d);
    add_routes(t, d);
    f2m_agenda_add(&t->agenda, &d->due, INT64_MIN);
}

static void load_record(struct f2m_telemetry *t, struct f2m_telemetry_device *d, struct f2m_now now)
{
    f2m_strbuf_reset(&t->text);
    int err = f2m_store_record_get(t->store, F2M_STORE_DEVICE, d->config->id, &t->text);
    if (err == -ENOENT)
        return;
    if (err < 0 || !f2m_device_read_record(d, now, (struct f2m_slice){t->text.data, t->text.len}))
        t->records_unreadable++;
}

static void add_device(struct f2m_telemetry *t, const struct f2m_device *config, struct f2m_now now)
{
    struct f2m_telemetry_device *d = f2m_device_new(config, now);

    load_record(t, d, now);
    f2m_interval_open(&d->interval, now.wall_ms, true);
    f2m_device_open_accounts(d, now);
    adopt(t, d);
}

struct f2m_telemetry *f2m_telemetry_new(const struct f2m_config *config, struct f2m_store *store,
                                        struct f2m_outbox *outbox, struct f2m_counters *counters, struct f2m_now now)
{
    struct f2m_telemetry *t = f2m_xcalloc(1, sizeof *t);

    *t = (struct f2m_telemetry){.config = config, .store = store, .outbox = outbox, .counters = counters};
    t->router = f2m_router_new();
    t->offset_ms = now.wall_ms - now.mono_ms;
    f2m_strbuf_init(&t->text, 0);
    f2m_strbuf_init(&t->topic, 0);
    for (size_t s = 0; s < config->sites_len; s++)
        for (size_t i = 0; i < config->sites[s].devices_len; i++)
            if (f2m_telemetry_wants(&config->sites[s].devices[i]))
                add_device(t, &config->sites[s].devices[i], now);
    return t;
}

void f2m_telemetry_free(struct f2m_telemetry *t)
{
    struct f2m_telemetry_device *d, *next;

    if (!t)
        return;
    HASH_ITER(hh, t->devices, d, next)
    {
        HASH_DEL(t->devices, d);
        f2m_device_free(d);
    }
    f2m_router_free(t->router);
    f2m_agenda_deinit(&t->agenda);
    f2m_strbuf_deinit(&t->text);
    f2m_strbuf_deinit(&t->topic);
    free(t);
}

/* EV_CHARGER devices have no telemetry (Interface, Sites 3). */
bool f2m_telemetry_wants(const struct f2m_device *config)
{
    return config->type == F2M_DEVICE_BATTERY;
}

/* ---- reloading ---- */

static void reload_device(struct f2m_telemetry *t, struct f2m_now now, const struct f2m_device *config,
                          struct f2m_telemetry_device *former, struct f2m_effects *fx)
{
    if (!former) {
        add_device(t, config, now);
        return;
    }
    if (f2m_device_same(config, former->config)) {
        f2m_device_rebind(former, config);
        former->keepalive_ms = now.mono_ms;
        adopt(t, former);
        return;
    }
    f2m_telemetry_close_partial(t, former, now, fx);
    struct f2m_telemetry_device *d = f2m_device_new(config, now);
    f2m_device_inherit(d, former);
    f2m_interval_open(&d->interval, now.wall_ms, false);
    f2m_device_open_accounts(d, now);
    f2m_device_free(former);
    adopt(t, d);
}

void f2m_telemetry_reload(struct f2m_telemetry *t, struct f2m_now now, const struct f2m_config *config,
                          struct f2m_effects *fx)
{
    struct f2m_telemetry_device *former = t->devices, *d, *next;

    f2m_telemetry_look_at_clock(t, now, fx);
    t->devices = NULL;
    t->config = config;
    f2m_router_free(t->router);
    t->router = f2m_router_new();
    f2m_agenda_clear(&t->agenda);
    for (size_t s = 0; s < config->sites_len; s++) {
        for (size_t i = 0; i < config->sites[s].devices_len; i++) {
            const struct f2m_device *wanted = &config->sites[s].devices[i];
            if (!f2m_telemetry_wants(wanted))
                continue;
            HASH_FIND_STR(former, wanted->id, d);
            if (d)
                HASH_DEL(former, d);
            reload_device(t, now, wanted, d, fx);
        }
    }
    HASH_ITER(hh, former, d, next)
    {
        HASH_DEL(former, d);
        f2m_telemetry_close_partial(t, d, now, fx);
        f2m_device_free(d);
    }
}

/* ---- what other rooms ask ---- */

struct f2m_telemetry_device *f2m_telemetry_device(const struct f2m_telemetry *t, const char *device_id)
{
    struct f2m_telemetry_device *d;

    HASH_FIND_STR(t->devices, device_id, d);
    return d;
}

void f2m_telemetry_filters(const struct f2m_telemetry *t, void (*visit)(void *ctx, const char *filter), void *ctx)
{
    f2m_router_filters(t->router, visit, ctx);
}

enum f2m_online f2m_telemetry_online(const struct f2m_telemetry *t, const char *device_id, struct f2m_now now)
{
    const struct f2m_telemetry_device *d = f2m_telemetry_device(t, device_id);

    return d ? f2m_device_online(d, now.mono_ms) : F2M_ONLINE_UNKNOWN;
}

struct f2m_reading f2m_telemetry_reading(const struct f2m_telemetry *t, const char *device_id, enum f2m_source_id id,
                                         struct f2m_now now)
{
    const struct f2m_telemetry_device *d = f2m_telemetry_device(t, device_id);
    bool mismatch = false;

    if (!d || !f2m_device_has(d, id))
        return (struct f2m_reading){.number = NAN, .age_ms = F2M_FOREVER};
    struct f2m_value v = f2m_device_value(d, id, now.mono_ms, &mismatch);
    bool is_mode = f2m_source_info[id].kind == F2M_VALUE_MODE;
    return (struct f2m_reading){
        .mapped = true,
        .known = v.known,
        .fresh = v.fresh,
        .number = v.number,
        .text = is_mode && v.known ? f2m_mode_name((enum f2m_mode)v.number) : v.text,
        .age_ms = v.known && v.at_ms != F2M_AGE_UNKNOWN ? now.mono_ms - v.at_ms : F2M_FOREVER,
    };
}

void f2m_telemetry_set_flip_mode(struct f2m_telemetry *t, const char *device_id, enum f2m_mode mode)
{
    struct f2m_telemetry_device *d = f2m_telemetry_device(t, device_id);

    if (d)
        d->flip_mode = mode;
}

void f2m_telemetry_set_ratings(struct f2m_telemetry *t, const char *device_id, double capacity_wh, double max_charge_w,
                               double max_discharge_w)
{
    struct f2m_telemetry_device *d = f2m_telemetry_device(t, device_id);

    if (!d)
        return;
    d->capacity = isnan(capacity_wh) ? d->capacity : capacity_wh;
    d->max_charge = isnan(max_charge_w) ? d->max_charge : max_charge_w;
    d->max_discharge = isnan(max_discharge_w) ? d->max_discharge : max_discharge_w;
}

enum f2m_source_outcome f2m_telemetry_outcome(const struct f2m_telemetry *t, const char *device_id,
                                              enum f2m_source_id id)
{
    const struct f2m_telemetry_device *d = f2m_telemetry_device(t, device_id);
    const struct f2m_slot *slot = d ? f2m_device_slot(d, id) : NULL;

    return slot ? (enum f2m_source_outcome)slot->outcome : F2M_OUTCOME_NONE;
}

bool f2m_telemetry_mismatch(const struct f2m_telemetry *t, const char *device_id, struct f2m_now now)
{
    const struct f2m_telemetry_device *d = f2m_telemetry_device(t, device_id);
    bool mismatch = false;

    if (d)
        f2m_device_value(d, F2M_SRC_HOME_POWER, now.mono_ms, &mismatch);
    return mismatch;
}

void f2m_telemetry_verdict(const struct f2m_telemetry *t, const char *device_id, struct f2m_strbuf *out)
{
    const struct f2m_telemetry_device *d = f2m_telemetry_device(t, device_id);

    if (d)
        f2m_prove_tell(d->prove, d->config, out);
}

void f2m_telemetry_problems(const struct f2m_telemetry *t, struct f2m_now now,
                            void (*tell)(void *ctx, const char *device_id, const char *text), void *ctx)
{
    struct f2m_telemetry_device *d, *next;
    f2m_autostrbuf verdict;

    f2m_strbuf_init(&verdict, 0);
    HASH_ITER(hh, t->devices, d, next)
    {
        bool mismatch = false;
        f2m_device_value(d, F2M_SRC_HOME_POWER, now.mono_ms, &mismatch);
        if (mismatch)
            tell(ctx, d->config->id,
                 "solar, grid and battery power do not fit together: check `positive` and the units");
        f2m_strbuf_reset(&verdict);
        f2m_prove_tell(d->prove, d->config, &verdict);
        if (verdict.len)
            tell(ctx, d->config->id, verdict.data);
    }
}

bool f2m_telemetry_preview(const struct f2m_telemetry *t, const char *device_id, struct f2m_now now,
                           struct f2m_strbuf *out)
{
    const struct f2m_telemetry_device *d = f2m_telemetry_device(t, device_id);
    struct f2m_point_values values;

    if (!d || d->config->telemetry.endpoint == F2M_TELEMETRY_OFF)
        return false;
    f2m_device_point(d, now.wall_ms, now.mono_ms, &values);
    f2m_point_write(d->config->telemetry.endpoint, &values, out);
    return true;
}
