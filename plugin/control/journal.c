/* What the battery was last told, per device, in the store: written in the turn that tells it. */
#include "control/internal.h"
#include "util/json.h"

#include <inttypes.h>
#include <math.h>

void f2m_journal_put(struct f2m_control *c, enum f2m_collection collection, const char *key, struct f2m_slice value,
                     struct f2m_now now)
{
    int rc = f2m_store_record_put(c->c.store, collection, key, value, now.wall_ms);

    c->touched = true;
    if (rc < 0)
        c->failed = rc;
}

void f2m_journal_delete(struct f2m_control *c, enum f2m_collection collection, const char *key)
{
    int rc = f2m_store_record_delete(c->c.store, collection, key);

    c->touched = true;
    if (rc < 0)
        c->failed = rc;
}

void f2m_journal_write_orders(struct f2m_jw *w, const struct f2m_orders *o)
{
    f2m_jw_string(w, "mode", f2m_mode_name(o->mode));
    f2m_jw_string(w, "power_mode", o->power_mode[0] ? o->power_mode : NULL);
    f2m_jw_number(w, "setpoint_w", o->setpoint_w);
    f2m_jw_number(w, "backup_reserve_percentage", o->reserve);
    if (o->grid_import < 0)
        f2m_jw_null(w, "enable_grid_import");
    else
        f2m_jw_bool(w, "enable_grid_import", o->grid_import != 0);
}

void f2m_journal_read_orders(struct f2m_slice object, struct f2m_orders *o)
{
    char mode[32];
    bool import;

    *o = (struct f2m_orders){.setpoint_w = NAN, .reserve = NAN, .grid_import = -1};
    if (f2m_json_string_copy(f2m_json_member(object, "mode"), mode, sizeof mode) &&
        !f2m_mode_parse(f2m_slice_of(mode), &o->mode))
        o->mode = F2M_MODE_NONE;
    if (!f2m_json_string_copy(f2m_json_member(object, "power_mode"), o->power_mode, sizeof o->power_mode))
        o->power_mode[0] = '\0';
    if (!f2m_json_number(f2m_json_member(object, "setpoint_w"), &o->setpoint_w))
        o->setpoint_w = NAN;
    if (!f2m_json_number(f2m_json_member(object, "backup_reserve_percentage"), &o->reserve))
        o->reserve = NAN;
    if (f2m_json_bool(f2m_json_member(object, "enable_grid_import"), &import))
        o->grid_import = import;
}

static void write_told(struct f2m_jw *w, const struct f2m_told *told)
{
    char signature[24];

    f2m_jw_object(w, "told");
    f2m_jw_bool(w, "active", told->active);
    f2m_jw_bool(w, "restore_due", told->restore_due);
    f2m_jw_string(w, "command_id", told->command_id);
    f2m_jw_string(w, "event_id", told->event_id);
    f2m_journal_write_orders(w, &told->orders);
    f2m_jw_integer(w, "starts_ms", told->starts_ms);
    if (told->ends_ms != F2M_OPEN_END)
        f2m_jw_integer(w, "ends_ms", told->ends_ms);
    snprintf(signature, sizeof signature, "%016" PRIx64, told->signature);
    f2m_jw_string(w, "signature", signature);
    f2m_jw_end(w);
}

void f2m_journal_save(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d)
{
    f2m_strbuf_reset(&c->text);
    struct f2m_jw w = f2m_jw(&c->text);
    f2m_jw_object(&w, NULL);
    f2m_jw_bool(&w, "paused", d->paused);
    f2m_jw_string(&w, "veto", d->vetoed ? f2m_owner_veto_topic(d) : NULL);
    write_told(&w, &d->told);
    f2m_jw_end(&w);
    f2m_journal_put(c, F2M_STORE_CONTROL, d->config->id, (struct f2m_slice){c->text.data, c->text.len}, now);
}

static uint64_t read_signature(struct f2m_slice value)
{
    char text[24];
    uint64_t signature = 0;

    if (!f2m_json_string_copy(value, text, sizeof text))
        return 0;
    for (const char *at = text; *at; at++) {
        const char *digits = "0123456789abcdef", *digit = strchr(digits, *at);
        if (!digit)
            return 0;
        signature = signature << 4 | (uint64_t)(digit - digits);
    }
    return signature;
}

static bool load_one(void *ctx, const char *device_id, struct f2m_slice value, int64_t changed_ms)
{
    struct f2m_control *c = ctx;
    struct f2m_control_device *d = f2m_control_find(c, device_id);
    struct f2m_err err;

    (void)changed_ms;
    if (!d || f2m_json_check(value, &err) < 0)
        return true;
    struct f2m_slice root = f2m_json_root(value), told = f2m_json_member(root, "told");
    if (!f2m_json_bool(f2m_json_member(root, "paused"), &d->paused))
        d->paused = false;
    d->vetoed = f2m_json_string_is(f2m_json_member(root, "veto"), f2m_owner_veto_topic(d));
    if (!f2m_json_bool(f2m_json_member(told, "active"), &d->told.active))
        d->told.active = false;
    if (!f2m_json_bool(f2m_json_member(told, "restore_due"), &d->told.restore_due))
        d->told.restore_due = false;
    if (!f2m_json_string_copy(f2m_json_member(told, "command_id"), d->told.command_id, sizeof d->told.command_id))
        d->told.command_id[0] = '\0';
    if (!f2m_json_string_copy(f2m_json_member(told, "event_id"), d->told.event_id, sizeof d->told.event_id))
        d->told.event_id[0] = '\0';
    f2m_journal_read_orders(told, &d->told.orders);
    if (!f2m_json_integer(f2m_json_member(told, "starts_ms"), &d->told.starts_ms))
        d->told.starts_ms = 0;
    if (!f2m_json_integer(f2m_json_member(told, "ends_ms"), &d->told.ends_ms))
        d->told.ends_ms = F2M_OPEN_END;
    d->told.signature = read_signature(f2m_json_member(told, "signature"));
    return true;
}

void f2m_journal_load(struct f2m_control *c)
{
    for (size_t i = 0; i < c->devices_len; i++) {
        c->devices[i].paused = c->devices[i].vetoed = false;
        c->devices[i].told = (struct f2m_told){.ends_ms = F2M_OPEN_END};
    }
    int rc = f2m_store_records_each(c->c.store, F2M_STORE_CONTROL, load_one, c);
    if (rc < 0)
        c->failed = rc;
}
