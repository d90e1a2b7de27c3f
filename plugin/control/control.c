/* The room's door: its life, what happens to it, when it wants to be called. */
#include "control/internal.h"
#include "util/xalloc.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <utlist.h>

#define STEP_MS           250 /* the clocks drifted apart by more: the wall clock was set */
#define LEASE_STEP_MS     5000
#define TRIM_EVERY_MS     INT64_C(3600000)
#define COMMIT_RETRY_MS   1000
#define COMMIT_RETRY_MOST 60000
#define UNSET             "the clock is not set: no command is started"

/* ---- devices ---- */

struct f2m_control_device *f2m_control_find(const struct f2m_control *c, const char *device_id)
{
    struct f2m_control_device *d;

    HASH_FIND_STR(c->by_id, device_id, d);
    return d;
}

void f2m_control_build(struct f2m_control *c)
{
    const struct f2m_config *config = c->c.config;
    size_t n = 0;

    for (size_t i = 0; i < config->sites_len; i++)
        n += config->sites[i].devices_len;
    c->devices = f2m_xcalloc(n + 1, sizeof *c->devices);
    c->devices_len = 0;
    c->by_id = NULL;
    c->vetoes = f2m_router_new();
    c->confirms = f2m_router_new();
    for (size_t i = 0; i < config->sites_len; i++)
        for (size_t k = 0; k < config->sites[i].devices_len; k++) {
            struct f2m_control_device *d = &c->devices[c->devices_len];
            d->config = &config->sites[i].devices[k];
            d->number = (uint32_t)c->devices_len++;
            d->max_charge = d->config->max_charge;
            d->max_discharge = d->config->max_discharge;
            d->told.ends_ms = F2M_OPEN_END;
            d->due = true;
            HASH_ADD_KEYPTR(hh, c->by_id, d->config->id, strlen(d->config->id), d);
            f2m_confirm_build(c, d);
        }
    c->next_mono = INT64_MIN;
}

static void add_veto(void *ctx, const char *filter)
{
    struct f2m_control_device *d = ((void **)ctx)[1];

    f2m_router_add(((void **)ctx)[0], filter, d);
}

void f2m_control_build_vetoes(struct f2m_control *c)
{
    for (size_t i = 0; i < c->devices_len; i++) {
        struct f2m_control_device *d = &c->devices[i];
        if (!d->veto)
            d->veto = f2m_source_reader_new(&d->config->control.veto, F2M_VALUE_BOOL);
        if (d->veto)
            f2m_source_reader_filters(d->veto, add_veto, (void *[]){c->vetoes, d});
    }
}

void f2m_control_free_devices(struct f2m_control_device *devices, size_t len, struct f2m_control_device *by_id)
{
    HASH_CLEAR(hh, by_id);
    for (size_t i = 0; i < len; i++) {
        f2m_action_stop(&devices[i]);
        f2m_confirm_free(&devices[i]);
        f2m_source_reader_free(devices[i].veto);
    }
    free(devices);
}

/* ---- life ---- */

/* Everything that the store knows, into a room that holds nothing. */
static void load(struct f2m_control *c, struct f2m_now now)
{
    f2m_strbuf_reset(&c->text);
    c->polled_before = f2m_store_record_get(c->c.store, F2M_STORE_META, F2M_POLLED_KEY, &c->text) == 0;
    f2m_journal_load(c);
    f2m_ledger_load(c, now);
    f2m_acknowledge_load(c, now);
    f2m_ledger_drop_strangers(c);
}

struct f2m_control *f2m_control_new(const struct f2m_control_context *context, struct f2m_now now)
{
    struct f2m_control *c = f2m_xcalloc(1, sizeof *c);

    c->c = *context;
    c->poll.due_mono = INT64_MIN;
    c->trim_mono = now.mono_ms + TRIM_EVERY_MS;
    c->offset_ms = now.wall_ms - now.mono_ms;
    c->retry_mono = INT64_MIN;
    f2m_strbuf_init(&c->topic, 0);
    f2m_strbuf_init(&c->text, 0);
    f2m_strbuf_init(&c->body, 0);
    f2m_control_build(c);
    f2m_control_build_vetoes(c);
    load(c, now);
    c->touched = false;
    return c;
}

void f2m_control_free(struct f2m_control *c)
{
    if (!c)
        return;
    f2m_ledger_clear(c);
    f2m_ingest_free(c);
    f2m_control_free_devices(c->devices, c->devices_len, c->by_id);
    f2m_router_free(c->vetoes);
    f2m_router_free(c->confirms);
    f2m_strbuf_deinit(&c->topic);
    f2m_strbuf_deinit(&c->text);
    f2m_strbuf_deinit(&c->body);
    free(c);
}

void f2m_control_stop(struct f2m_control *c, struct f2m_now now, struct f2m_effects *fx)
{
    (void)now;
    (void)fx;
    c->stopped = true;
}

/* ---- messages ---- */

void f2m_control_filters(const struct f2m_control *c, void (*visit)(void *ctx, const char *filter), void *ctx)
{
    f2m_router_filters(c->vetoes, visit, ctx);
    f2m_router_filters(c->confirms, visit, ctx);
}

struct arrival {
    struct f2m_control *control;
    struct f2m_now now;
    const struct f2m_mqtt_message *message;
    struct f2m_effects *fx;
};

static void veto_arrived(void *ctx, void *subscriber)
{
    const struct arrival *a = ctx;
    struct f2m_control_device *d = subscriber;
    struct f2m_control *c = a->control;
    struct f2m_err err;
    char id[128], why[F2M_REASON_SIZE];
    bool before = f2m_owner_vetoes(d, a->now);

    if (f2m_source_reader_feed(d->veto, a->now, a->message, &err) == F2M_OUTCOME_INVALID) {
        if (c->c.counters)
            c->c.counters->invalid++;
        f2m_effects_log(a->fx, F2M_LOG_WARN, F2M_COMPONENT, "cannot read a veto", "device=%s reason=%s",
                        f2m_log_value(d->config->id, id, sizeof id), f2m_log_value(err.text, why, sizeof why));
    }
    bool veto = f2m_owner_vetoes(d, a->now);
    if (veto != d->vetoed) {
        d->vetoed = veto;
        f2m_journal_save(c, a->now, d);
    }
    if (veto != before)
        f2m_effects_log(a->fx, F2M_LOG_INFO, F2M_COMPONENT, veto ? "veto" : "veto ended", "device=%s",
                        f2m_log_value(d->config->id, id, sizeof id));
    f2m_wake(c, d);
}

static void confirm_arrived(void *ctx, void *subscriber)
{
    const struct arrival *a = ctx;

    f2m_confirm_message(a->control, subscriber, a->message, a->fx);
}

bool f2m_control_message(struct f2m_control *c, struct f2m_now now, const struct f2m_mqtt_message *m,
                         struct f2m_effects *fx)
{
    struct arrival a = {c, now, m, fx};
    size_t n = f2m_router_match(c->vetoes, m->topic, veto_arrived, &a);

    n += f2m_router_match(c->confirms, m->topic, confirm_arrived, &a);
    if (n > 0)
        f2m_settle_all(c, now, fx);
    return n > 0;
}

void f2m_control_mqtt_up(struct f2m_control *c, struct f2m_now now, struct f2m_effects *fx)
{
    c->connected = true;
    c->up_mono = now.mono_ms;
    c->quiet_mono = INT64_MIN;
    for (size_t i = 0; i < c->devices_len; i++) {
        struct f2m_control_device *d = &c->devices[i];
        d->force = true;
        d->shown = d->pause_shown = false;
        f2m_action_stop(d);
        f2m_settle(c, now, d, fx);
        f2m_publish_untold(c, now, d, fx);
    }
}

void f2m_control_show(struct f2m_control *c, struct f2m_now now, struct f2m_effects *fx)
{
    for (size_t i = 0; i < c->devices_len; i++) {
        c->devices[i].shown = c->devices[i].pause_shown = false;
        f2m_publish_control(c, now, &c->devices[i], fx);
        f2m_publish_pause(c, now, &c->devices[i], fx);
        f2m_wake(c, &c->devices[i]);
    }
}

void f2m_control_mqtt_down(struct f2m_control *c, struct f2m_now now)
{
    (void)now;
    c->connected = false;
    for (size_t i = 0; i < c->devices_len; i++) {
        f2m_action_stop(&c->devices[i]);
        c->devices[i].restore_first = false;
        f2m_wake(c, &c->devices[i]);
    }
}

bool f2m_control_published(struct f2m_control *c, struct f2m_now now, const struct f2m_mqtt_published *p,
                           struct f2m_effects *fx)
{
    uint32_t number = (uint32_t)(p->tag >> 32) & 0xffffff;

    if ((p->tag & ((uint64_t)0xff << 56)) != F2M_TAG_CONTROL)
        return false;
    if (number >= c->devices_len)
        return true;
    if ((uint32_t)p->tag == 0) {
        if (p->reason == F2M_MQTT_FULL)
            f2m_publish_full(c, now, &c->devices[number]);
        return true;
    }
    if (f2m_action_published(c, now, &c->devices[number], p->tag, p->reason, fx))
        f2m_settle(c, now, &c->devices[number], fx);
    return true;
}

/* ---- commands ---- */

int f2m_control_ingest(struct f2m_control *c, struct f2m_now now, struct f2m_slice command, struct f2m_effects *fx)
{
    int rc = f2m_ingest(c, now, command, F2M_FROM_WEBHOOK, fx);

    f2m_settle_all(c, now, fx);
    return rc;
}

void f2m_control_poll_now(struct f2m_control *c)
{
    if (c->poll.in_flight)
        c->poll.again = true;
    else
        c->poll.due_mono = INT64_MIN;
}

void f2m_control_on_moment(struct f2m_control *c, f2m_control_moment moment, void *ctx)
{
    c->moment = moment;
    c->moment_ctx = ctx;
}

const char *f2m_control_phase(const struct f2m_control *c, const char *command_id, const char **reason)
{
    const struct f2m_command *command = f2m_ledger_find(c, command_id);

    if (command && reason)
        *reason = command->reason;
    return command ? f2m_phase_told(command->phase) : NULL;
}

bool f2m_control_settled(const struct f2m_control *c, const char *device_id)
{
    const struct f2m_control_device *d = f2m_control_find(c, device_id);

    if (!d || d->config->control.observe)
        return true;
    if (d->force)
        return false;
    return f2m_action_taken(d) && (d->running || !d->told.restore_due);
}

void f2m_control_set_ratings(struct f2m_control *c, const char *device_id, double max_charge_w, double max_discharge_w)
{
    struct f2m_control_device *d = f2m_control_find(c, device_id);
    struct f2m_command *command;

    if (!d)
        return;
    if (isnan(d->config->max_charge))
        d->max_charge = max_charge_w;
    if (isnan(d->config->max_discharge))
        d->max_discharge = max_discharge_w;
    for (command = d->commands; command; command = command->next)
        f2m_limits_apply(command);
    f2m_wake(c, d);
}

/* ---- time ---- */

void f2m_control_hold(struct f2m_control *c, bool hold)
{
    if (c->hold == hold)
        return;
    c->hold = hold;
    c->hold_told = false;
    for (size_t i = 0; i < c->devices_len; i++)
        f2m_wake(c, &c->devices[i]);
}

static void tell_hold(struct f2m_control *c, struct f2m_effects *fx)
{
    if (!c->hold || c->hold_told || !c->commands)
        return;
    c->hold_told = true;
    f2m_effects_log(fx, F2M_LOG_WARN, F2M_COMPONENT, UNSET, "%s", "");
}

/* The battery counts the rest of the time itself: it must hear how much that is now. */
static bool counts_down(const struct f2m_control_device *d)
{
    const struct f2m_action *a = &d->action;

    for (size_t i = 0; a->kind == F2M_ACTION_MODE && i < a->len; i++)
        if (a->list[i].payload && strstr(a->list[i].payload, "remaining_s"))
            return true;
    return false;
}

static void notice_step(struct f2m_control *c, struct f2m_now now)
{
    int64_t offset = now.wall_ms - now.mono_ms, moved = offset - c->offset_ms;

    c->offset_ms = offset;
    if (moved >= -STEP_MS && moved <= STEP_MS)
        return;
    for (size_t i = 0; i < c->devices_len; i++) {
        struct f2m_control_device *d = &c->devices[i];
        if ((moved > LEASE_STEP_MS || moved < -LEASE_STEP_MS) && counts_down(d))
            d->force = true;
        f2m_wake(c, d);
    }
}

void f2m_control_tick(struct f2m_control *c, struct f2m_now now, struct f2m_effects *fx)
{
    if (c->stopped)
        return;
    notice_step(c, now);
    tell_hold(c, fx);
    if (now.mono_ms >= c->next_mono || now.wall_ms >= c->next_wall)
        f2m_settle_all(c, now, fx);
    if (now.mono_ms >= c->trim_mono) {
        c->trim_mono = now.mono_ms + TRIM_EVERY_MS;
        f2m_ledger_trim(c, now);
    }
    if (!c->c.cloud)
        return;
    f2m_poll_tick(c, now, fx);
    f2m_acknowledge_pump(c, now, fx);
}

int64_t f2m_control_deadline(const struct f2m_control *c, struct f2m_now now)
{
    int64_t first = c->next_mono, at;

    if (c->stopped)
        return INT64_MAX;
    if (c->next_wall != INT64_MAX) {
        at = now.mono_ms + (c->next_wall - now.wall_ms);
        first = at < first ? at : first;
    }
    if (first < c->retry_mono)
        first = c->retry_mono;
    at = f2m_poll_deadline(c, now);
    first = at < first ? at : first;
    at = c->c.cloud ? f2m_acknowledge_deadline(c, now) : INT64_MAX;
    first = at < first ? at : first;
    return first < c->trim_mono ? first : c->trim_mono;
}

/* ---- the store said no ---- */

void f2m_control_committed(struct f2m_control *c, struct f2m_now now, bool ok)
{
    bool touched = c->touched;

    c->touched = false;
    c->turn++;
    for (size_t i = 0; ok && touched && i < c->devices_len; i++)
        c->devices[i].wrote = false;
    if (ok && touched) {
        c->commit_failures = 0;
        c->retry_mono = INT64_MIN;
    }
    if (ok || !touched)
        return;
    int64_t wait = COMMIT_RETRY_MS << (c->commit_failures < 6 ? c->commit_failures : 6);
    c->commit_failures++;
    c->retry_mono = now.mono_ms + (wait < COMMIT_RETRY_MOST ? wait : COMMIT_RETRY_MOST);
    f2m_ledger_clear(c);
    for (size_t i = 0; i < c->devices_len; i++) {
        struct f2m_control_device *d = &c->devices[i];
        if (d->wrote) {
            f2m_action_stop(d);
            d->force = true;
            d->restore_first = false;
        }
        d->running = NULL;
        d->wrote = d->shown = d->pause_shown = false;
        f2m_wake(c, d);
    }
    load(c, now);
    c->touched = false;
}

/* ---- what is wrong ---- */

static bool waits(const struct f2m_control_device *d)
{
    const struct f2m_command *command;

    DL_FOREACH(d->commands, command)
    if (!f2m_phase_final(command->phase))
        return true;
    return false;
}

void f2m_control_problems(const struct f2m_control *c, struct f2m_now now,
                          void (*visit)(void *ctx, const char *device_id, const char *text), void *ctx)
{
    char text[F2M_REASON_SIZE];

    for (size_t i = 0; i < c->devices_len; i++) {
        const struct f2m_control_device *d = &c->devices[i];
        const struct f2m_command *command;
        if (c->hold && waits(d))
            visit(ctx, d->config->id, UNSET);
        if (f2m_owner_vetoes(d, now)) {
            snprintf(text, sizeof text, "veto: %.180s", f2m_owner_veto_topic(d));
            visit(ctx, d->config->id, text);
        }
        if (d->unheard[0])
            visit(ctx, d->config->id, d->unheard);
        if (d->trouble[0])
            visit(ctx, d->config->id, d->trouble);
        for (command = d->commands; command; command = command->next)
            if (command->phase == F2M_PHASE_GUARDED) {
                snprintf(text, sizeof text, "discharge held back: %.170s", command->reason);
                visit(ctx, d->config->id, text);
            }
    }
}
