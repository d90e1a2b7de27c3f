/* The bridge's own topics of a device: command, control, pause. Interface, section 3.3. */
#include "control/internal.h"
#include "port/own_topic.h"
#include "util/fnv.h"

#include <inttypes.h>
#include <utlist.h>

#define MAX_EXPIRY_S  86400 /* an open end */
#define OVER_EXPIRY_S 3600  /* nothing acts on what is over */

void f2m_publish_out(struct f2m_control *c, const struct f2m_publish *publish, struct f2m_effects *fx)
{
    c->touched = true;
    f2m_effects_publish(fx, publish);
}

/* For how long somebody who was away may still want to hear of it. */
static uint32_t expiry(const struct f2m_command *command, struct f2m_now now)
{
    if (f2m_phase_final(command->phase))
        return OVER_EXPIRY_S;
    if (command->flip.ends_ms == F2M_OPEN_END)
        return MAX_EXPIRY_S;
    int64_t left = (command->flip.ends_ms - now.wall_ms) / 1000;
    return left < 1 ? 1 : left > INT32_MAX ? INT32_MAX : (uint32_t)left;
}

void f2m_publish_phase(struct f2m_control *c, struct f2m_now now, const struct f2m_command *command,
                       struct f2m_effects *fx)
{
    const struct f2m_control_device *d = command->device;

    /* Observed only: an automation that listens here would act. */
    if (!d || d->config->control.observe || !c->connected)
        return;
    f2m_strbuf_reset(&c->body);
    struct f2m_jw w = f2m_jw(&c->body);
    f2m_jw_object(&w, NULL);
    f2m_jw_string(&w, "phase", f2m_phase_told(command->phase));
    f2m_jw_raw(&w, "command", f2m_slice_of(command->flip.raw));
    f2m_jw_time(&w, "timestamp", command->changed_ms);
    f2m_jw_string(&w, "command_id", command->flip.id);
    f2m_jw_string(&w, "reason", command->reason[0] ? command->reason : NULL);
    f2m_jw_end(&w);
    f2m_publish_out(
        c,
        &(struct f2m_publish){
            .topic = f2m_own_topic_device(&c->topic, c->c.config->mqtt.base_topic, d->config->id, "command"),
            .payload = {c->body.data, c->body.len},
            .expiry_s = expiry(command, now),
        },
        fx);
}

void f2m_publish_untold(struct f2m_control *c, struct f2m_now now, const struct f2m_control_device *d,
                        struct f2m_effects *fx)
{
    struct f2m_command *command;

    DL_FOREACH(d->commands, command)
    if (command->untold) {
        command->untold = false;
        f2m_ledger_save(c, now, command);
        f2m_publish_phase(c, now, command, fx);
    }
}

static void write_command(struct f2m_jw *w, const struct f2m_command *command)
{
    f2m_journal_write_orders(w, &command->orders);
    f2m_jw_string(w, "command_id", command->flip.id);
    f2m_jw_string(w, "event_id", command->flip.event_id);
    f2m_jw_time(w, "starts_at", command->flip.starts_ms);
    if (command->flip.ends_ms == F2M_OPEN_END)
        f2m_jw_null(w, "ends_at");
    else
        f2m_jw_time(w, "ends_at", command->flip.ends_ms);
}

static void write_local(struct f2m_jw *w)
{
    static const char *const nulls[] = {"power_mode",         "setpoint_w", "backup_reserve_percentage",
                                        "enable_grid_import", "command_id", "event_id",
                                        "starts_at",          "ends_at"};

    f2m_jw_string(w, "mode", "NONE");
    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++)
        f2m_jw_null(w, nulls[i]);
}

static void describe(const struct f2m_control_device *d, struct f2m_now now, struct f2m_strbuf *out)
{
    const struct f2m_command *next = f2m_schedule_next(d, now.wall_ms);
    struct f2m_jw w = f2m_jw(out);

    f2m_jw_object(&w, NULL);
    f2m_jw_string(&w, "owner", d->running ? "flip" : "local");
    if (d->running)
        write_command(&w, d->running);
    else
        write_local(&w);
    if (next) {
        f2m_jw_object(&w, "next");
        write_command(&w, next);
        f2m_jw_end(&w);
    } else {
        f2m_jw_null(&w, "next");
    }
    f2m_jw_end(&w);
}

bool f2m_control_describe(const struct f2m_control *c, struct f2m_now now, const char *device_id,
                          struct f2m_strbuf *out)
{
    const struct f2m_control_device *d = f2m_control_find(c, device_id);

    if (!d)
        return false;
    describe(d, now, out);
    return true;
}

/* The tag of a device's retained topics: those to the battery never end with 0. */
static uint64_t tag_of(const struct f2m_control_device *d)
{
    return F2M_TAG_CONTROL | (uint64_t)(d->number & 0xffffff) << 32;
}

void f2m_publish_full(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d)
{
    c->quiet_mono = now.mono_ms + F2M_MQTT_QUIET_MS;
    d->shown = d->pause_shown = false;
    f2m_wake(c, d);
}

void f2m_publish_control(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d,
                         struct f2m_effects *fx)
{
    if (!c->connected)
        return;
    f2m_strbuf_reset(&c->body);
    describe(d, now, &c->body);
    struct f2m_slice body = {c->body.data, c->body.len};
    uint64_t h = f2m_fnv(F2M_FNV_START, body.at, body.len);
    if (d->shown && d->shown_hash == h)
        return;
    d->shown = now.mono_ms >= c->quiet_mono;
    if (!d->shown)
        return;
    d->shown_hash = h;
    f2m_publish_out(
        c,
        &(struct f2m_publish){
            .topic = f2m_own_topic_device(&c->topic, c->c.config->mqtt.base_topic, d->config->id, "control"),
            .payload = body,
            .retain = true,
            .tag = tag_of(d),
        },
        fx);
}

void f2m_publish_pause(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d, struct f2m_effects *fx)
{
    d->pause_shown = c->connected && now.mono_ms >= c->quiet_mono;
    if (!d->pause_shown)
        return;
    f2m_publish_out(c,
                    &(struct f2m_publish){
                        .topic = f2m_own_topic_device(&c->topic, c->c.config->mqtt.base_topic, d->config->id, "pause"),
                        .payload = f2m_slice_of(d->paused ? "ON" : "OFF"),
                        .retain = true,
                        .tag = tag_of(d),
                    },
                    fx);
}
