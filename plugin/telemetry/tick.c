/* What happens at its time: intervals, keepalives, states. */
#include "telemetry/room.h"

#include "util/percent.h"

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void f2m_telemetry_plan(struct f2m_telemetry *t, struct f2m_telemetry_device *d, struct f2m_now now)
{
    const struct f2m_telemetry_config *tc = &d->config->telemetry;
    int64_t due = f2m_device_next_change(d, now.mono_ms);

    if (!t->hold && tc->endpoint != F2M_TELEMETRY_OFF)
        due = sooner(due, now.mono_ms + (d->interval.end_ms - now.wall_ms));
    if (t->mqtt_up && tc->keepalive.topic)
        due = sooner(due, d->keepalive_ms);
    if (t->mqtt_up && d->state_dirty)
        due = sooner(due, d->state_ms == INT64_MIN ? now.mono_ms : d->state_ms + F2M_STATE_EVERY_MS);
    if (d->record_dirty)
        due = now.mono_ms;
    f2m_agenda_move(&t->agenda, &d->due, due);
}

static const char *device_topic(struct f2m_telemetry *t, const struct f2m_telemetry_device *d, const char *leaf)
{
    f2m_strbuf_reset(&t->topic);
    f2m_strbuf_adds(&t->topic, t->config->mqtt.base_topic);
    f2m_strbuf_adds(&t->topic, "/device/");
    f2m_percent_encode(&t->topic, d->config->id);
    f2m_strbuf_adds(&t->topic, leaf);
    return t->topic.data;
}

static void keep_alive(struct f2m_telemetry_device *d, struct f2m_now now, struct f2m_effects *fx)
{
    const struct f2m_keepalive *k = &d->config->telemetry.keepalive;

    if (!k->topic || now.mono_ms < d->keepalive_ms)
        return;
    f2m_effects_publish_text(fx, k->topic, f2m_slice_of(k->payload ? k->payload : ""), false);
    d->keepalive_ms = now.mono_ms + k->every_ms;
}

static void publish_state(struct f2m_telemetry *t, struct f2m_telemetry_device *d, struct f2m_now now,
                          struct f2m_effects *fx)
{
    if (!d->state_dirty || (d->state_ms != INT64_MIN && now.mono_ms - d->state_ms < F2M_STATE_EVERY_MS))
        return;
    f2m_strbuf_reset(&t->text);
    f2m_device_write_state(d, now.mono_ms, &t->text);
    f2m_effects_publish_text(fx, device_topic(t, d, "/state"), (struct f2m_slice){t->text.data, t->text.len}, true);
    d->state_dirty = false;
    d->state_ms = now.mono_ms;
}

static void wake(struct f2m_telemetry *t, struct f2m_telemetry_device *d, struct f2m_now now, struct f2m_effects *fx)
{
    f2m_telemetry_catch_up(t, d, now, fx);
    f2m_telemetry_save(t, d, now, fx);
    f2m_device_check_state(d, now.mono_ms);
    if (t->mqtt_up) {
        keep_alive(d, now, fx);
        publish_state(t, d, now, fx);
    }
    f2m_telemetry_plan(t, d, now);
}

static void tell_unreadable(struct f2m_telemetry *t, struct f2m_effects *fx)
{
    if (t->records_unreadable)
        f2m_effects_log(fx, F2M_LOG_WARN, "telemetry", "stored baselines could not be read, counters start afresh",
                        "devices=%zu", t->records_unreadable);
    t->records_unreadable = 0;
}

void f2m_telemetry_tick(struct f2m_telemetry *t, struct f2m_now now, struct f2m_effects *fx)
{
    struct f2m_agenda_entry *first;

    f2m_telemetry_look_at_clock(t, now, fx);
    tell_unreadable(t, fx);
    for (int n = 0; n < F2M_TICK_SLICE && (first = f2m_agenda_first(&t->agenda)) && first->due_ms <= now.mono_ms; n++)
        wake(t, (struct f2m_telemetry_device *)first, now, fx);
}

int64_t f2m_telemetry_deadline(const struct f2m_telemetry *t, struct f2m_now now)
{
    const struct f2m_agenda_entry *first = f2m_agenda_first(&t->agenda);

    if (!first)
        return F2M_AGENDA_NEVER;
    return first->due_ms > now.mono_ms ? first->due_ms : now.mono_ms;
}

void f2m_telemetry_hold(struct f2m_telemetry *t, bool hold)
{
    if (t->hold != hold)
        f2m_agenda_all_due(&t->agenda);
    t->hold = hold;
}

void f2m_telemetry_show(struct f2m_telemetry *t)
{
    for (struct f2m_telemetry_device *d = t->devices; d; d = d->hh.next) {
        d->state_dirty = true;
        d->state_ms = INT64_MIN;
    }
    f2m_agenda_all_due(&t->agenda);
}

void f2m_telemetry_mqtt_up(struct f2m_telemetry *t, struct f2m_now now, struct f2m_effects *fx)
{
    f2m_telemetry_look_at_clock(t, now, fx);
    t->mqtt_up = true;
    for (struct f2m_telemetry_device *d = t->devices; d; d = d->hh.next)
        d->keepalive_ms = now.mono_ms;
    f2m_telemetry_show(t);
}

void f2m_telemetry_mqtt_down(struct f2m_telemetry *t, struct f2m_now now)
{
    (void)now;
    t->mqtt_up = false;
}

void f2m_telemetry_stop(struct f2m_telemetry *t, struct f2m_now now, struct f2m_effects *fx)
{
    struct f2m_telemetry_device *d, *next;

    f2m_telemetry_look_at_clock(t, now, fx);
    HASH_ITER(hh, t->devices, d, next)
    {
        f2m_telemetry_close_partial(t, d, now, fx);
    }
}
