/*
 * Commissioning: what Flip does not know yet of the sites with `commission: true`. Interface, Sites 3, clarifications
 * 17, 26; Flip: Commission; Flip, decision 15 (409 = already known).
 *
 * Nothing is commissioned twice: the poll of the site's devices comes first (404 = Flip does not know the site), and
 * after an answer that never came it comes again. Where several devices are refused with 409, each is tried alone,
 * since the answer does not say which of them Flip knows already.
 */
#include "sites/internal.h"
#include "util/number.h"

#include <math.h>
#include <stdio.h>

#define REFUSED_AGAIN_MS INT64_C(3600000)
/* At start, retained values arrive one after the other: the devices of a site are commissioned together. */
#define GRACE_MS 60000

void f2m_commission_reset(struct f2m_site_state *site)
{
    bool in_flight = site->commission.in_flight;

    site->commission = (struct f2m_commission){.in_flight = in_flight, .due_mono = INT64_MIN, .since_mono = INT64_MIN};
}

/* ---- uploads wait (Interface, clarification 26) ---- */

void f2m_commission_hold(struct f2m_sites *s, struct f2m_device_state *d)
{
    bool hold = d->site->config->commission && !d->known && !d->commissioned;

    if (hold == d->held)
        return;
    d->held = hold;
    if (s->c.hold_uploads)
        s->c.hold_uploads(s->c.hold_ctx, d->config->id, hold);
}

static const char *key_of(struct f2m_strbuf *out, const struct f2m_device_state *d)
{
    f2m_strbuf_reset(out);
    f2m_strbuf_adds(out, "commissioned/");
    f2m_strbuf_adds(out, d->config->id);
    return out->data;
}

void f2m_commission_load(struct f2m_sites *s, struct f2m_device_state *d)
{
    f2m_strbuf_reset(&s->text);
    d->commissioned = f2m_store_record_get(s->c.store, F2M_STORE_OBJECT, key_of(&s->key, d), &s->text) == 0;
}

void f2m_commission_save(struct f2m_sites *s, struct f2m_now now, struct f2m_device_state *d)
{
    f2m_sites_put(s, now, F2M_STORE_OBJECT, key_of(&s->key, d), f2m_slice_of("1"));
}

void f2m_commission_known(struct f2m_sites *s, struct f2m_now now, struct f2m_device_state *d, struct f2m_effects *fx)
{
    if (d->known)
        return;
    d->known = true;
    if (!d->commissioned) {
        d->commissioned = true;
        f2m_commission_save(s, now, d);
    }
    f2m_commission_hold(s, d);
    if (s->c.outbox)
        (void)f2m_outbox_retry_unknown_device(s->c.outbox, now, d->config->id, fx);
}

void f2m_commission_looked(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site, int64_t began_mono,
                           struct f2m_effects *fx)
{
    if (began_mono < site->commission.since_mono) {
        f2m_sites_poll_at(site, F2M_KIND_DEVICES, site->commission.since_mono);
        return;
    }
    site->commission.looked = true;
    f2m_commission_step(s, now, site, fx);
}

/* ---- what is still missing ---- */

static enum f2m_field last_field(const struct f2m_device *device)
{
    return device->type == F2M_DEVICE_BATTERY ? F2M_FIELDS : F2M_FIELD_FIRST_OF_BATTERY;
}

static bool ready(const struct f2m_device_state *d)
{
    for (enum f2m_field field = 0; field < last_field(d->config); field++)
        if (!f2m_learn_value(d, field))
            return false;
    return true;
}

static void add_missing(const struct f2m_device_state *d, struct f2m_strbuf *out)
{
    for (enum f2m_field field = 0; field < last_field(d->config); field++) {
        const struct f2m_source *source = f2m_learn_field(d->config, field)->source;
        if (f2m_learn_value(d, field))
            continue;
        f2m_strbuf_adds(out, out->len ? ", " : "commissioning waits for ");
        f2m_strbuf_addf(out, "%s of device %.100s", f2m_sites_field_names[field], d->config->id);
        if (source && source->op == F2M_SOURCE_TOPIC)
            f2m_strbuf_addf(out, " (topic %.200s)", source->topic);
    }
}

void f2m_commission_problem(const struct f2m_sites *s, const struct f2m_site_state *site, struct f2m_strbuf *out)
{
    (void)s;
    f2m_strbuf_reset(out);
    if (!site->config->commission) {
        if (site->unknown)
            f2m_strbuf_adds(out, "Flip does not know this site: set commission: true, or commission it otherwise");
        return;
    }
    if (site->commission.problem[0]) {
        f2m_strbuf_adds(out, site->commission.problem);
        return;
    }
    for (const struct f2m_device_state *d = site->devices; d; d = d->next)
        if (!d->known && site->commission.looked)
            add_missing(d, out);
}

/* ---- the request ---- */

static void write_site(struct f2m_jw *w, const struct f2m_site *site)
{
    f2m_jw_object(w, "site");
    f2m_jw_string(w, "id", site->id);
#define F2M_WRITE_SITE_FIELD(name)                                                                                     \
    if (site->name)                                                                                                    \
        f2m_jw_string(w, #name, site->name);
    F2M_SITE_FIELDS(F2M_WRITE_SITE_FIELD)
#undef F2M_WRITE_SITE_FIELD
    f2m_jw_end(w);
}

static void write_whole(struct f2m_jw *w, const char *name, const struct f2m_device_state *d, enum f2m_field field)
{
    double number = 0;

    (void)f2m_number_parse(f2m_slice_of(f2m_learn_value(d, field)), &number);
    f2m_jw_integer(w, name, llround(number)); /* Flip: integers */
}

static void write_attributes(struct f2m_jw *w, const struct f2m_device_state *d)
{
    if (d->config->type != F2M_DEVICE_BATTERY) {
        f2m_jw_raw(w, "attributes", f2m_slice_of(d->config->attributes ? d->config->attributes : "{}"));
        return;
    }
    f2m_jw_object(w, "attributes");
    write_whole(w, "battery_capacity_wh", d, F2M_FIELD_capacity_wh);
    write_whole(w, "battery_power_input_w", d, F2M_FIELD_max_charge_w); /* Flip, decision 12: input = charging */
    write_whole(w, "battery_power_output_w", d, F2M_FIELD_max_discharge_w);
    f2m_jw_end(w);
}

static void write_device(struct f2m_jw *w, const struct f2m_device_state *d)
{
    f2m_jw_object(w, NULL);
    f2m_jw_string(w, "id", d->config->id);
    f2m_jw_string(w, "site_id", d->site->id);
    for (enum f2m_field field = 0; field < F2M_FIELD_FIRST_OF_BATTERY; field++)
        f2m_jw_string(w, f2m_sites_field_names[field], f2m_learn_value(d, field));
    f2m_jw_string(w, "type", d->config->type == F2M_DEVICE_BATTERY ? "BATTERY" : "EV_CHARGER");
    write_attributes(w, d);
    f2m_jw_end(w);
}

static bool post(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site, struct f2m_effects *fx)
{
    struct f2m_ticket *ticket = f2m_ticket_new(F2M_TICKET_COMMISSION, site);
    bool one = site->commission.one_by_one;
    struct f2m_err err;
    size_t asked = 0;

    f2m_strbuf_reset(&s->body);
    struct f2m_jw w = f2m_jw(&s->body);
    f2m_jw_object(&w, NULL);
    write_site(&w, site->config);
    f2m_jw_array(&w, "devices");
    for (struct f2m_device_state *d = site->devices; d; d = d->next) {
        d->asked = !d->known && ready(d) && (!one || asked == 0);
        asked += d->asked;
        if (d->asked)
            write_device(&w, d);
    }
    f2m_jw_end(&w);
    f2m_jw_bool(&w, "can_auto_enroll", site->config->can_auto_enroll);
    f2m_jw_end(&w);
    struct f2m_call call = {.endpoint = F2M_ENDPOINT_COMMISSION, .body = {s->body.data, s->body.len}};
    return f2m_ticket_call(s, now, ticket, &call, fx, &err) == 0;
}

/* ---- what to do now ---- */

/* Something can be asked for. */
static bool has_work(const struct f2m_sites *s, const struct f2m_site_state *site, int64_t mono_ms)
{
    bool any = false, waits = false;

    if (!site->config->commission || !site->commission.looked || site->commission.in_flight)
        return false;
    for (const struct f2m_device_state *d = site->devices; d; d = d->next) {
        any = any || (!d->known && ready(d));
        waits = waits || (!d->known && !ready(d));
    }
    return any && (!waits || mono_ms >= s->started_mono + GRACE_MS);
}

void f2m_commission_step(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site, struct f2m_effects *fx)
{
    struct f2m_commission *c = &site->commission;

    if (!has_work(s, site, now.mono_ms) || now.mono_ms < c->due_mono || f2m_cloud_paused(s->c.cloud, now))
        return;
    c->in_flight = post(s, now, site, fx);
    if (c->in_flight)
        return;
    f2m_backoff_fail(&c->backoff, s->c.rng, now, 0); /* too many calls wait */
    c->due_mono = c->backoff.until_mono_ms;
}

int64_t f2m_commission_next(const struct f2m_sites *s, const struct f2m_site_state *site)
{
    const struct f2m_commission *c = &site->commission;
    int64_t grace = s->started_mono + GRACE_MS, at = c->due_mono;

    if (!has_work(s, site, INT64_MAX))
        return INT64_MAX;
    if (!has_work(s, site, grace - 1) && at < grace)
        at = grace;
    if (at < f2m_cloud_paused_until(s->c.cloud))
        at = f2m_cloud_paused_until(s->c.cloud);
    return at;
}

/* ---- answers ---- */

static void programs_shown(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site, struct f2m_slice body,
                           struct f2m_effects *fx)
{
    struct f2m_slice programs = f2m_json_member(body, "programs"), enrollment = f2m_json_member(body, "enrollment");

    if (f2m_json_type(programs) == F2M_JSON_ARRAY)
        f2m_diff_take_list(s, now, site, F2M_KIND_PROGRAMS, programs, false, fx);
    if (f2m_json_type(enrollment) == F2M_JSON_OBJECT)
        (void)f2m_diff_take(s, now, site, F2M_KIND_ENROLLMENTS, enrollment, true, fx);
}

static size_t count_asked(const struct f2m_site_state *site)
{
    size_t n = 0;

    for (const struct f2m_device_state *d = site->devices; d; d = d->next)
        n += d->asked;
    return n;
}

/* Flip has what was asked for: by this request, or already. */
static void accepted(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site, bool already,
                     struct f2m_effects *fx)
{
    char id[128], device[128];

    f2m_backoff_reset(&site->commission.backoff);
    site->commission.due_mono = INT64_MIN;
    site->commission.problem[0] = '\0';
    site->unknown = site->unknown_told = false;
    for (struct f2m_device_state *d = site->devices; d; d = d->next) {
        if (!d->asked)
            continue;
        d->asked = false;
        f2m_effects_log(fx, F2M_LOG_INFO, F2M_COMPONENT, already ? "Flip knows the device already" : "commissioned",
                        "site=%s device=%s", f2m_log_value(site->id, id, sizeof id),
                        f2m_log_value(d->config->id, device, sizeof device));
        f2m_commission_known(s, now, d, fx);
    }
    for (enum f2m_kind kind = 0; kind < F2M_KINDS_COUNT; kind++)
        f2m_sites_poll_soon(site, kind);
}

/* The next try is then, and what Flip knows by then comes first. */
static void look_again(struct f2m_site_state *site, int64_t mono_ms)
{
    site->commission.due_mono = site->commission.since_mono = mono_ms;
    site->commission.looked = false;
    f2m_sites_poll_at(site, F2M_KIND_DEVICES, mono_ms);
}

static void refused(struct f2m_now now, struct f2m_site_state *site, const struct f2m_reply *reply,
                    struct f2m_effects *fx)
{
    struct f2m_commission *c = &site->commission;
    const char *message = reply->message[0] ? reply->message : "no reason given";
    char id[128], text[256];

    look_again(site, now.mono_ms + REFUSED_AGAIN_MS);
    snprintf(c->problem, sizeof c->problem, "Flip refused to commission the site: %s", message);
    f2m_effects_log(fx, F2M_LOG_WARN, F2M_COMPONENT, "Flip refused to commission a site", "site=%s status=%d reason=%s",
                    f2m_log_value(site->id, id, sizeof id), reply->status, f2m_log_value(message, text, sizeof text));
}

void f2m_commission_done(struct f2m_sites *s, struct f2m_now now, struct f2m_ticket *ticket,
                         const struct f2m_reply *reply, struct f2m_effects *fx)
{
    struct f2m_site_state *site = ticket->site;

    f2m_ticket_free(ticket);
    if (!site)
        return;
    struct f2m_commission *c = &site->commission;
    c->in_flight = false;
    if (reply->outcome == F2M_OUTCOME_OK) {
        accepted(s, now, site, false, fx);
        programs_shown(s, now, site, reply->body, fx);
    } else if (reply->outcome == F2M_OUTCOME_REJECT && reply->status == 409) {
        if (count_asked(site) > 1)
            c->one_by_one = true;
        else
            accepted(s, now, site, true, fx);
    } else if (reply->outcome == F2M_OUTCOME_REJECT || reply->outcome == F2M_OUTCOME_SPLIT) {
        refused(now, site, reply, fx);
    } else { /* perhaps it was done: look again before */
        f2m_backoff_fail(&c->backoff, s->c.rng, now, reply->retry_after_s);
        look_again(site, c->backoff.until_mono_ms);
    }
    f2m_commission_step(s, now, site, fx);
}
