/* From open intervals to points, whatever the clock does (interval.h says what that is). */
#include "telemetry/room.h"

#include "util/log.h"

#include <errno.h>

void f2m_telemetry_look_at_clock(struct f2m_telemetry *t, struct f2m_now now, struct f2m_effects *fx)
{
    int64_t offset = now.wall_ms - now.mono_ms, step = offset - t->offset_ms;

    t->offset_ms = offset;
    if (step > -F2M_CLOCK_STEP_MS && step < F2M_CLOCK_STEP_MS)
        return;
    f2m_agenda_all_due(&t->agenda);
    f2m_effects_log(fx, F2M_LOG_WARN, "telemetry", "the clock was set", "by_s=%.3f", (double)step / 1000);
}

void f2m_telemetry_save(struct f2m_telemetry *t, struct f2m_telemetry_device *d, struct f2m_now now,
                        struct f2m_effects *fx)
{
    if (!d->record_dirty)
        return;
    f2m_strbuf_reset(&t->text);
    f2m_device_write_record(d, now, &t->text);
    f2m_outbox_record(t->outbox, now, d->config->id, (struct f2m_slice){t->text.data, t->text.len}, fx);
    d->record_dirty = false;
}

/* False where the key is there already: its energy must come with the next point then. */
static bool put_point(struct f2m_telemetry *t, const struct f2m_telemetry_device *d,
                      const struct f2m_point_values *values, struct f2m_now now, struct f2m_effects *fx)
{
    enum f2m_telemetry_endpoint endpoint = d->config->telemetry.endpoint;

    f2m_strbuf_reset(&t->text);
    f2m_point_write(endpoint, values, &t->text);
    struct f2m_point point = {
        .device_id = d->config->id,
        .start_ms = endpoint == F2M_TELEMETRY_COUNTER ? values->end_ms : values->start_ms,
        .endpoint = endpoint,
        .body = {t->text.data, t->text.len},
        .closed_ms = now.wall_ms,
    };
    return f2m_outbox_put(t->outbox, now, &point, fx) != -EEXIST;
}

/* Ends the open interval at a time that has come (or was passed). */
static void close_at(struct f2m_telemetry *t, struct f2m_telemetry_device *d, int64_t end_wall_ms, int64_t end_mono_ms,
                     struct f2m_now now, struct f2m_effects *fx)
{
    struct f2m_point_values values;

    f2m_device_point(d, end_wall_ms, end_mono_ms, &values);
    if (end_wall_ms - values.start_ms < F2M_MIN_PARTIAL_MS) {
        f2m_interval_skipped(&d->interval, end_wall_ms);
    } else {
        if (put_point(t, d, &values, now, fx)) {
            t->counters->points++;
            f2m_device_consume(d, &values, end_mono_ms);
        }
        f2m_interval_closed(&d->interval, end_wall_ms);
        d->record_dirty = true;
        f2m_telemetry_save(t, d, now, fx);
    }
    f2m_device_open_accounts(d, now);
}

static bool closes(const struct f2m_telemetry *t, const struct f2m_telemetry_device *d)
{
    return !t->hold && d->config->telemetry.endpoint != F2M_TELEMETRY_OFF;
}

void f2m_telemetry_close_partial(struct f2m_telemetry *t, struct f2m_telemetry_device *d, struct f2m_now now,
                                 struct f2m_effects *fx)
{
    f2m_telemetry_catch_up(t, d, now, fx);
    if (closes(t, d) && f2m_interval_start(&d->interval, false) < now.wall_ms)
        close_at(t, d, now.wall_ms, now.mono_ms, now, fx);
}

static void mark_gap(struct f2m_telemetry_device *d, struct f2m_now now, struct f2m_effects *fx)
{
    char id[F2M_SHOWN_ID];

    f2m_effects_log(fx, F2M_LOG_WARN, "telemetry", "nobody looked for a while, the series has a gap",
                    "device=%s seconds=%.0f", f2m_log_value(d->config->id, id, sizeof id),
                    (double)(now.wall_ms - d->interval.high_water_ms) / 1000);
    for (unsigned i = 0; i < d->slots_len; i++)
        if (d->slots[i].counter)
            f2m_counter_mark_gap(d->slots[i].counter);
    f2m_interval_open(&d->interval, now.wall_ms, true);
    f2m_device_open_accounts(d, now);
}

static void resume(struct f2m_telemetry_device *d, struct f2m_now now)
{
    for (unsigned i = 0; i < d->slots_len; i++)
        f2m_integral_resume(&d->slots[i].integral, now.mono_ms);
}

/* Powers are summed from the beginning of the interval on, which the clock has moved: it may lie ahead. */
static void begin_again(struct f2m_telemetry_device *d, struct f2m_now now)
{
    if (f2m_interval_start(&d->interval, false) > now.wall_ms)
        f2m_device_open_accounts(d, now);
    else
        resume(d, now);
}

/* A step of the clock since this device was last looked at. */
static void follow_clock(struct f2m_telemetry *t, struct f2m_telemetry_device *d, struct f2m_now now,
                         struct f2m_effects *fx)
{
    int64_t step = t->offset_ms - d->offset_ms, wall_before = now.mono_ms + d->offset_ms;

    d->offset_ms = t->offset_ms;
    if (step > -F2M_CLOCK_STEP_MS && step < F2M_CLOCK_STEP_MS) {
        if (step != 0)
            begin_again(d, now);
        return;
    }
    /* The times of the baselines on disk are those of the old clock; an age reckoned with them would be wrong. */
    d->record_dirty = true;
    if (!closes(t, d) || d->held) {
        f2m_interval_shift(&d->interval, step);
        return;
    }
    if (step < 0) {
        if (f2m_interval_start(&d->interval, false) < wall_before)
            close_at(t, d, wall_before, now.mono_ms, now, fx);
        f2m_interval_open(&d->interval, now.wall_ms, false);
        f2m_device_open_accounts(d, now);
        return;
    }
    f2m_interval_shift(&d->interval, step);
    begin_again(d, now);
    if (f2m_interval_due(&d->interval, now.wall_ms))
        close_at(t, d, now.wall_ms, now.mono_ms, now, fx);
}

/* While closing is forbidden the open interval goes on; afterwards it lasts until the next boundary. */
static void follow_hold(struct f2m_telemetry *t, struct f2m_telemetry_device *d, struct f2m_now now)
{
    if (t->hold && !d->held) {
        resume(d, now);
    } else if (!t->hold && d->held) {
        f2m_interval_extend(&d->interval, now.wall_ms);
        begin_again(d, now);
    }
    d->held = t->hold;
}

/* After a gap the first point begins where the last one ended, where a counter tells what flowed meanwhile: its first
 * reading may take one boundary longer, else all that energy would stand in a later point of ordinary length. */
static bool awaits_counter(const struct f2m_telemetry_device *d, int64_t end_mono_ms)
{
    if (!f2m_interval_fresh_gap(&d->interval) || f2m_device_online(d, end_mono_ms) == F2M_OFFLINE)
        return false;
    for (unsigned i = 0; i < d->slots_len; i++)
        if (d->slots[i].counter && d->slots[i].counter->stored)
            return true;
    return false;
}

void f2m_telemetry_catch_up(struct f2m_telemetry *t, struct f2m_telemetry_device *d, struct f2m_now now,
                            struct f2m_effects *fx)
{
    follow_clock(t, d, now, fx);
    follow_hold(t, d, now);
    while (closes(t, d) && f2m_interval_due(&d->interval, now.wall_ms)) {
        int64_t end = d->interval.end_ms, end_mono = now.mono_ms - (now.wall_ms - end);
        if (awaits_counter(d, end_mono)) {
            f2m_interval_extend(&d->interval, end);
            continue;
        }
        close_at(t, d, end, end_mono, now, fx);
        if (f2m_interval_missed(&d->interval, now.wall_ms))
            mark_gap(d, now, fx);
    }
}
