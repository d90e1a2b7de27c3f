/* flip2mqtt doctor --json: the same for programs. */
#include "app/doctor.h"
#include "util/json.h"

#include <stdio.h>

static void write_leaves(struct f2m_jw *w, const struct listen_source *s)
{
    f2m_jw_array(w, "topics");
    for (size_t i = 0; i < s->leaves_len; i++) {
        const struct listen_leaf *leaf = &s->leaves[i];
        if (!leaf->filter)
            continue;
        f2m_jw_object(w, NULL);
        f2m_jw_string(w, "topic", leaf->filter);
        f2m_jw_string(w, "path", leaf->source->path);
        f2m_jw_bool(w, "refused", leaf->refused);
        f2m_jw_integer(w, "messages", (int64_t)leaf->messages);
        f2m_jw_string(w, "raw", leaf->messages ? leaf->raw : NULL);
        f2m_jw_bool(w, "retained", leaf->retained);
        f2m_jw_end(w);
    }
    f2m_jw_end(w);
}

static void write_reading(struct f2m_jw *w, const struct listen_source *s, struct f2m_now now)
{
    struct f2m_reading r = f2m_source_reader_read(s->reader, now);
    const char *unit = f2m_unit_canonical(f2m_value_quantity(s->kind));

    if (!r.known)
        f2m_jw_null(w, "value");
    else if (s->kind == F2M_VALUE_MODE || s->kind == F2M_VALUE_TEXT)
        f2m_jw_string(w, "value", r.text);
    else if (s->kind == F2M_VALUE_BOOL)
        f2m_jw_bool(w, "value", r.number != 0);
    else
        f2m_jw_number(w, "value", r.number);
    f2m_jw_string(w, "unit", *unit ? unit : NULL);
    if (r.known && r.age_ms != F2M_FOREVER)
        f2m_jw_number(w, "age_s", (double)r.age_ms / 1000);
    else
        f2m_jw_null(w, "age_s");
    f2m_jw_bool(w, "fresh", r.fresh);
}

static void write_source(struct f2m_jw *w, const struct diagnosis *x, const struct listen_source *s)
{
    f2m_autostrbuf words;
    f2m_strbuf_init(&words, 0);
    enum verdict v = diagnose_source(x, s, &words);

    f2m_jw_object(w, s->name);
    f2m_jw_string(w, "verdict", verdict_name(v));
    f2m_jw_string(w, "problem", words.len ? words.data : NULL);
    write_leaves(w, s);
    write_reading(w, s, x->now);
    f2m_jw_end(w);
}

/* The sources of one role, as an object. */
static void write_role(struct f2m_jw *w, const struct diagnosis *x, const struct f2m_device *d, const char *name,
                       enum listen_role role)
{
    f2m_jw_object(w, name);
    for (size_t i = 0; i < x->listen->sources_len; i++)
        if (x->listen->sources[i].device == d && x->listen->sources[i].role == role)
            write_source(w, x, &x->listen->sources[i]);
    f2m_jw_end(w);
}

static void write_problem(void *ctx, enum verdict v, const char *words)
{
    struct f2m_jw *w = ctx;

    f2m_jw_object(w, NULL);
    f2m_jw_string(w, "verdict", verdict_name(v));
    f2m_jw_string(w, "problem", words);
    f2m_jw_end(w);
}

static void write_device(struct f2m_jw *w, const struct diagnosis *x, const struct f2m_device *d)
{
    const struct f2m_telemetry *t = x->listen->telemetry;
    f2m_autostrbuf point;
    f2m_strbuf_init(&point, 0);

    f2m_jw_object(w, NULL);
    f2m_jw_string(w, "id", d->id);
    f2m_jw_string(w, "site", d->site->id);
    f2m_jw_string(w, "state", doctor_online_text(f2m_telemetry_online(t, d->id, x->now)));
    write_role(w, x, d, "sources", LISTEN_TELEMETRY);
    write_role(w, x, d, "availability", LISTEN_AVAILABILITY);
    write_role(w, x, d, "commissioning", LISTEN_COMMISSIONING);
    write_role(w, x, d, "control", LISTEN_VETO);
    f2m_jw_bool(w, "mismatch", f2m_telemetry_mismatch(t, d->id, x->now));
    f2m_jw_array(w, "problems");
    diagnose_device(x, d, write_problem, w);
    f2m_jw_end(w);
    if (f2m_telemetry_preview(t, d->id, x->now, &point))
        f2m_jw_raw(w, "point", (struct f2m_slice){point.data, point.len});
    f2m_jw_end(w);
}

static void write_bridge(struct f2m_jw *w, const struct listen *l)
{
    struct f2m_slice health = {l->health.data, l->health.len};
    struct f2m_err ignored;

    f2m_jw_object(w, "bridge");
    f2m_jw_string(w, "state", l->state.len ? l->state.data : NULL);
    if (f2m_json_check(health, &ignored) == 0)
        f2m_jw_raw(w, "health", f2m_json_root(health));
    else
        f2m_jw_null(w, "health");
    f2m_jw_end(w);
}

void doctor_show_json(const struct findings_of_doctor *f)
{
    const struct f2m_config *c = f->x.listen->config;
    f2m_autostrbuf out;
    f2m_strbuf_init(&out, 0);
    struct f2m_jw w = f2m_jw(&out);

    f2m_jw_object(&w, NULL);
    f2m_jw_object(&w, "broker");
    f2m_jw_string(&w, "host", c->mqtt.host);
    f2m_jw_integer(&w, "port", c->mqtt.port);
    f2m_jw_bool(&w, "tls", c->mqtt.tls);
    f2m_jw_bool(&w, "exposed", doctor_broker_exposed(c));
    f2m_jw_end(&w);
    f2m_jw_string(&w, "flip", f->flip);
    f2m_jw_bool(&w, "flip_ok", f->flip_ok);
    write_bridge(&w, f->x.listen);
    f2m_jw_array(&w, "devices");
    for (size_t s = 0; s < c->sites_len; s++)
        for (size_t d = 0; d < c->sites[s].devices_len; d++)
            write_device(&w, &f->x, &c->sites[s].devices[d]);
    f2m_jw_end(&w);
    f2m_jw_end(&w);
    puts(out.data);
}
