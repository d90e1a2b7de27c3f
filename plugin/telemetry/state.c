/* device/<id>/state: the latest value of every source in canonical units, with age and freshness. Interface,
 * section 3.3, clarifications 11 and 33. */
#include "telemetry/derive.h"
#include "telemetry/room.h"
#include "util/cleanup.h"
#include "util/json_writer.h"
#include "util/limits.h"
#include "util/xalloc.h"

#include <stdlib.h>

void f2m_device_check_state(struct f2m_telemetry_device *d, int64_t mono_ms)
{
    enum f2m_online online = f2m_device_online(d, mono_ms);

    if (online != d->shown_online) {
        d->shown_online = online;
        d->state_dirty = true;
    }
    for (unsigned i = 0; i < d->slots_len; i++) {
        bool fresh = f2m_source_reader_at(d->slots[i].reader, mono_ms).fresh;
        if (fresh != d->slots[i].shown_fresh) {
            d->slots[i].shown_fresh = fresh;
            d->state_dirty = true;
        }
    }
}

int64_t f2m_device_next_change(const struct f2m_telemetry_device *d, int64_t mono_ms)
{
    int64_t grace = d->started_ms + d->config->telemetry.max_age_ms + 1;
    int64_t next = grace > mono_ms ? grace : F2M_FOREVER;

    for (unsigned i = 0; i < d->slots_len; i++) {
        struct f2m_value v = f2m_source_reader_at(d->slots[i].reader, mono_ms);
        if (v.until_ms < next)
            next = v.until_ms;
    }
    return next;
}

static void write_value(struct f2m_jw *w, enum f2m_value_kind kind, const struct f2m_value *v)
{
    if (!v->known)
        f2m_jw_null(w, "value");
    else if (kind == F2M_VALUE_BOOL)
        f2m_jw_bool(w, "value", v->number != 0);
    else if (kind == F2M_VALUE_MODE)
        f2m_jw_string(w, "value", f2m_mode_name((enum f2m_mode)v->number));
    else
        f2m_jw_number(w, "value", v->number);
}

static void write_source(struct f2m_jw *w, const struct f2m_telemetry_device *d, enum f2m_source_id id,
                         const struct f2m_value *v, int64_t mono_ms)
{
    const struct f2m_slot *slot = f2m_device_slot(d, id);

    enum f2m_value_kind kind = f2m_source_info[id].kind;
    const char *unit = f2m_unit_canonical(f2m_value_quantity(kind));

    f2m_jw_object(w, f2m_source_info[id].name);
    write_value(w, kind, v);
    f2m_jw_string(w, "unit", *unit ? unit : NULL);
    if (v->known && v->at_ms != F2M_AGE_UNKNOWN)
        f2m_jw_number(w, "age_s", (double)(mono_ms - v->at_ms) / 1000);
    else
        f2m_jw_null(w, "age_s");
    f2m_jw_bool(w, "fresh", v->fresh);
    if (slot && slot->counter) /* resets continued, dips held back: it never falls */
        f2m_jw_number(w, "total", f2m_round_micro(slot->counter->total));
    f2m_jw_end(w);
}

void f2m_device_write_state(struct f2m_telemetry_device *d, int64_t mono_ms, struct f2m_strbuf *out)
{
    struct f2m_jw w = f2m_jw(out);
    bool mismatch = false;

    f2m_jw_object(&w, NULL);
    if (d->shown_online == F2M_ONLINE_UNKNOWN)
        f2m_jw_null(&w, "online");
    else
        f2m_jw_bool(&w, "online", d->shown_online == F2M_ONLINE);
    if (d->problem)
        f2m_jw_string(&w, "problem", d->problem);
    for (size_t id = 0; id < F2M_SRC_COUNT; id++) {
        if (!f2m_device_has(d, (enum f2m_source_id)id))
            continue;
        struct f2m_value v = f2m_device_value(d, (enum f2m_source_id)id, mono_ms, &mismatch);
        write_source(&w, d, (enum f2m_source_id)id, &v, mono_ms);
    }
    f2m_jw_end(&w);
}

void f2m_telemetry_problem(struct f2m_telemetry *t, const char *device_id, const char *text)
{
    struct f2m_telemetry_device *d = f2m_telemetry_device(t, device_id);
    f2m_autostrbuf all = {0};

    if (!d)
        return;
    f2m_strbuf_init(&all, F2M_MAX_DEVICE_PROBLEM_BYTES);
    f2m_strbuf_addf(&all, "%s%s%.500s", d->found ? d->found : "", d->found ? "; " : "", text);
    if (d->found && all.overflow) /* what there was is enough */
        return;
    free(d->found);
    d->found = f2m_xstrdup(all.data);
}

void f2m_telemetry_problems_done(struct f2m_telemetry *t, struct f2m_now now)
{
    for (struct f2m_telemetry_device *d = t->devices; d; d = d->hh.next) {
        bool same = d->found ? d->problem && strcmp(d->found, d->problem) == 0 : !d->problem;
        free(d->problem);
        d->problem = f2m_take(d->found);
        if (same)
            continue;
        d->state_dirty = true;
        f2m_telemetry_plan(t, d, now);
    }
}
