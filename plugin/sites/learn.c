/*
 * Device fields that are sources: learnt from MQTT (retained deliveries welcome), kept in F2M_STORE_OBJECT under
 * "learnt/<device id>". Interface, Sites 3. The latest value holds, however old.
 */
#include "sites/internal.h"
#include "util/number.h"
#include "util/xalloc.h"

#include <math.h>
#include <stdlib.h>

const char *const f2m_sites_field_names[F2M_FIELDS] = {
#define F2M_FIELD_NAME(member, name, kind) name,
    F2M_DEVICE_FIELDS(F2M_FIELD_NAME)
#undef F2M_FIELD_NAME
};

static const enum f2m_value_kind kinds[F2M_FIELDS] = {
#define F2M_FIELD_KIND(member, name, kind) F2M_VALUE_##kind,
    F2M_DEVICE_FIELDS(F2M_FIELD_KIND)
#undef F2M_FIELD_KIND
};

const struct f2m_device_field *f2m_learn_field(const struct f2m_device *device, enum f2m_field field)
{
    const struct f2m_device_field *const fields[F2M_FIELDS] = {
#define F2M_FIELD_PLACE(member, name, kind) &device->member,
        F2M_DEVICE_FIELDS(F2M_FIELD_PLACE)
#undef F2M_FIELD_PLACE
    };

    return fields[field];
}

const char *f2m_learn_value(const struct f2m_device_state *d, enum f2m_field field)
{
    const struct f2m_device_field *given = f2m_learn_field(d->config, field);

    if (given->value)
        return given->value;
    return given->source ? d->learnt[field] : NULL;
}

static double rating(const struct f2m_device_state *d, enum f2m_field field)
{
    const char *text = f2m_learn_value(d, field);
    double number;

    return text && f2m_number_parse(f2m_slice_of(text), &number) ? number : NAN;
}

void f2m_learn_ratings(struct f2m_sites *s, const struct f2m_device_state *d)
{
    bool any = false;

    for (enum f2m_field field = F2M_FIELD_FIRST_OF_BATTERY; field < F2M_FIELDS; field++)
        any = any || (d->readers[field] && d->learnt[field]);
    if (!any)
        return;
    double charge = rating(d, F2M_FIELD_max_charge_w), discharge = rating(d, F2M_FIELD_max_discharge_w);
    if (s->c.telemetry)
        f2m_telemetry_set_ratings(s->c.telemetry, d->config->id, rating(d, F2M_FIELD_capacity_wh), charge, discharge);
    if (s->c.control)
        f2m_control_set_ratings(s->c.control, d->config->id, charge, discharge);
}

/* ---- life ---- */

static void add_filter(void *ctx, const char *filter)
{
    struct f2m_device_state *d = ctx;

    f2m_router_add(d->site->room->fields, filter, d);
}

static void free_readers(struct f2m_device_state *d)
{
    for (enum f2m_field field = 0; field < F2M_FIELDS; field++) {
        f2m_source_reader_free(d->readers[field]);
        d->readers[field] = NULL;
    }
}

void f2m_learn_build(struct f2m_sites *s, struct f2m_device_state *d)
{
    (void)s;
    free_readers(d);
    for (enum f2m_field field = 0; field < F2M_FIELDS; field++) {
        const struct f2m_device_field *given = f2m_learn_field(d->config, field);
        if (given->value || !given->source)
            continue;
        d->readers[field] = f2m_source_reader_new(given->source, kinds[field]);
        if (d->readers[field])
            f2m_source_reader_filters(d->readers[field], add_filter, d);
    }
}

void f2m_learn_free(struct f2m_device_state *d)
{
    free_readers(d);
    for (enum f2m_field field = 0; field < F2M_FIELDS; field++)
        free(d->learnt[field]);
}

static const char *key_of(struct f2m_strbuf *out, const struct f2m_device_state *d)
{
    f2m_strbuf_reset(out);
    f2m_strbuf_adds(out, "learnt/");
    f2m_strbuf_adds(out, d->config->id);
    return out->data;
}

void f2m_learn_load(struct f2m_sites *s, struct f2m_device_state *d)
{
    char text[F2M_MAX_TEXT_BYTES + 1];
    struct f2m_err err;

    f2m_strbuf_reset(&s->text);
    if (f2m_store_record_get(s->c.store, F2M_STORE_OBJECT, key_of(&s->key, d), &s->text) < 0 ||
        f2m_json_check((struct f2m_slice){s->text.data, s->text.len}, &err) < 0)
        return;
    struct f2m_slice record = f2m_json_root((struct f2m_slice){s->text.data, s->text.len});
    for (enum f2m_field field = 0; field < F2M_FIELDS; field++)
        if (f2m_object_text(record, f2m_sites_field_names[field], text, sizeof text))
            d->learnt[field] = f2m_xstrdup(text);
}

void f2m_learn_save(struct f2m_sites *s, struct f2m_now now, struct f2m_device_state *d)
{
    f2m_strbuf_reset(&s->text);
    struct f2m_jw w = f2m_jw(&s->text);
    f2m_jw_object(&w, NULL);
    for (enum f2m_field field = 0; field < F2M_FIELDS; field++)
        if (d->learnt[field])
            f2m_jw_string(&w, f2m_sites_field_names[field], d->learnt[field]);
    f2m_jw_end(&w);
    f2m_sites_put(s, now, F2M_STORE_OBJECT, key_of(&s->key, d), (struct f2m_slice){s->text.data, s->text.len});
    d->learnt_unsaved = true; /* until the commit */
}

/* ---- learning ---- */

/* The value as text; NULL where there is none that can be used. */
static const char *text_of(const struct f2m_reading *reading, enum f2m_field field, char number[F2M_NUMBER_SIZE])
{
    int64_t ms;

    if (!reading->known)
        return NULL;
    if (kinds[field] != F2M_VALUE_TEXT)
        return reading->number > 0 ? f2m_number_format(reading->number, number) : NULL;
    if (!reading->text || !reading->text[0])
        return NULL;
    if (field == F2M_FIELD_install_date && !f2m_rfc3339_parse_date(f2m_slice_of(reading->text), &ms))
        return NULL;
    return reading->text;
}

static bool look(struct f2m_now now, struct f2m_device_state *d, enum f2m_field field)
{
    struct f2m_reading reading = f2m_source_reader_read(d->readers[field], now);
    char number[F2M_NUMBER_SIZE];
    const char *text = text_of(&reading, field, number);

    if (!text || (d->learnt[field] && strcmp(d->learnt[field], text) == 0))
        return false;
    free(d->learnt[field]);
    d->learnt[field] = f2m_xstrdup(text);
    return true;
}

struct delivery {
    struct f2m_sites *s;
    struct f2m_now now;
    struct f2m_mqtt_message message;
    struct f2m_effects *fx;
};

static void complain(const struct delivery *delivery, const struct f2m_device_state *d, enum f2m_field field,
                     const char *reason)
{
    char id[128], text[256];

    delivery->s->c.counters->invalid++;
    f2m_effects_log(delivery->fx, F2M_LOG_WARN, F2M_COMPONENT, "cannot read a device field from MQTT",
                    "device=%s field=%s reason=%s", f2m_log_value(d->config->id, id, sizeof id),
                    f2m_sites_field_names[field], f2m_log_value(reason, text, sizeof text));
}

static void deliver(void *ctx, void *subscriber)
{
    struct delivery *delivery = ctx;
    struct f2m_device_state *d = subscriber;
    struct f2m_err err = {""};
    bool changed = false;

    for (enum f2m_field field = 0; field < F2M_FIELDS; field++) {
        if (!d->readers[field])
            continue;
        if (f2m_source_reader_feed(d->readers[field], delivery->now, &delivery->message, &err) == F2M_OUTCOME_INVALID)
            complain(delivery, d, field, err.text);
        changed = look(delivery->now, d, field) || changed;
    }
    if (!changed)
        return;
    f2m_learn_save(delivery->s, delivery->now, d);
    f2m_learn_ratings(delivery->s, d);
    f2m_sites_wake(delivery->s);
}

void f2m_sites_filters(const struct f2m_sites *s, void (*visit)(void *ctx, const char *filter), void *ctx)
{
    f2m_router_filters(s->fields, visit, ctx);
}

bool f2m_sites_message(struct f2m_sites *s, struct f2m_now now, const struct f2m_mqtt_message *message,
                       struct f2m_effects *fx)
{
    struct delivery delivery = {.s = s, .now = now, .message = *message, .fx = fx};

    delivery.message.retain = false; /* a serial number does not age */
    return f2m_router_match(s->fields, message->topic, deliver, &delivery) > 0;
}
