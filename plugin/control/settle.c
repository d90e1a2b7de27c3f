/* Makes one device right for this moment: what is over, who holds, what the battery must hear. Called at every change
 * and every deadline; doing it twice changes nothing. */
#include "control/internal.h"

#include <utlist.h>

#define LOOK_AGAIN_MS 1000 /* at what comes without being told: state of charge, online */

/* ---- what is over ---- */

static void end(struct f2m_control *c, struct f2m_now now, struct f2m_command *command, struct f2m_effects *fx)
{
    bool was_open = command->ack.state == F2M_ACK_OPEN;

    if (command->phase == F2M_PHASE_GUARDED) {
        f2m_phase_set(c, now, command, F2M_PHASE_FAILED, command->reason, fx); /* told as failed already */
    } else if (command->phase == F2M_PHASE_RECEIVED && command->ack.answer == F2M_ANSWER_FAILED_FAULT) {
        /* Guarded once, then the clock jumped over the rest: Flip heard the truth already. */
        f2m_phase_set(c, now, command, F2M_PHASE_FAILED, command->ack.reason, fx);
    } else if (command->begun) {
        f2m_phase_set(c, now, command, F2M_PHASE_ENDED, "", fx);
    } else if (command->phase == F2M_PHASE_REPLACED) {
        f2m_phase_set(c, now, command, F2M_PHASE_SUPERSEDED, "", fx);
    } else if (command->held || was_open) {
        f2m_phase_set(c, now, command, F2M_PHASE_REJECTED, "not answered before its end", fx);
    } else {
        f2m_phase_refuse(c, now, command, "already over", fx);
    }
}

static void end_what_is_over(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d,
                             struct f2m_effects *fx)
{
    struct f2m_command *command;

    DL_FOREACH(d->commands, command)
    {
        if (f2m_phase_final(command->phase))
            continue;
        if (command->flip.ends_ms <= now.wall_ms)
            end(c, now, command, fx);
        else if (command->phase != F2M_PHASE_RECEIVED && !f2m_schedule_in_window(command, now.wall_ms))
            f2m_phase_set(c, now, command, F2M_PHASE_RECEIVED, "its start is in the future", fx);
    }
}

static void refuse_what_is_blocked(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d,
                                   struct f2m_effects *fx)
{
    char reason[F2M_REASON_SIZE];
    struct f2m_command *command;

    if (!f2m_owner_blocks(d, now, reason))
        return;
    DL_FOREACH(d->commands, command)
    {
        bool running = command->phase == F2M_PHASE_STARTED; /* also while the clock is not to be trusted */
        if (!f2m_phase_final(command->phase) && (running || (!c->hold && f2m_schedule_in_window(command, now.wall_ms))))
            f2m_phase_refuse(c, now, command, reason, fx);
    }
}

/* ---- who holds ---- */

/* Those whose time it is, but which a later one covers. An open-ended one does not come back (Interface, clarification
 * 25). */
static void replace_others(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d,
                           const struct f2m_command *holder, struct f2m_effects *fx)
{
    struct f2m_command *command;

    DL_FOREACH(d->commands, command)
    {
        if (command == holder || f2m_phase_final(command->phase) || command->held ||
            !f2m_schedule_in_window(command, now.wall_ms))
            continue;
        if (command->flip.ends_ms == F2M_OPEN_END)
            f2m_phase_set(c, now, command, F2M_PHASE_SUPERSEDED, "", fx);
        else if (command->phase != F2M_PHASE_GUARDED)
            f2m_phase_set(c, now, command, F2M_PHASE_REPLACED, "", fx);
    }
}

static void hold_or_guard(struct f2m_control *c, struct f2m_now now, struct f2m_command *holder, struct f2m_effects *fx)
{
    char reason[F2M_REASON_SIZE];
    bool guarded = holder->phase == F2M_PHASE_GUARDED;

    if (f2m_guard_trips(c, now, holder, reason)) {
        if (guarded)
            return;
        f2m_phase_set(c, now, holder, F2M_PHASE_GUARDED, reason, fx);
        f2m_acknowledge(c, now, holder, F2M_ANSWER_FAILED_FAULT, reason);
        return;
    }
    if (holder->phase == F2M_PHASE_STARTED)
        return;
    f2m_phase_set(c, now, holder, F2M_PHASE_STARTED, "", fx);
    /* Flip believes otherwise: it was held back before. */
    if (holder->ack.answer != F2M_ANSWER_FAILED_FAULT && holder->ack.answer != F2M_ANSWER_FAILED_OFFLINE)
        return;
    if (holder->ack.ours) { /* the integration had said OK before */
        f2m_acknowledge_ok_reason(holder, reason);
        f2m_acknowledge(c, now, holder, F2M_ANSWER_OK, reason);
    } else {
        f2m_acknowledge_asked(c, now, holder, fx);
    }
}

static void choose(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d, struct f2m_effects *fx)
{
    refuse_what_is_blocked(c, now, d, fx);
    if (c->hold)
        return; /* nothing is started or ended by a clock that is not set */
    end_what_is_over(c, now, d, fx);
    struct f2m_command *holder = f2m_schedule_holder(d, now.wall_ms);
    if (!holder)
        return;
    replace_others(c, now, d, holder, fx);
    hold_or_guard(c, now, holder, fx);
}

/* ---- what the battery hears ---- */

static void tell_mode(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d)
{
    struct f2m_command *command = d->running;
    const struct f2m_control_mode *mode = f2m_limits_mode(&d->config->control, &command->orders);
    struct f2m_told *told = &d->told;
    uint64_t signature = f2m_action_signature(command);
    bool another = strcmp(told->command_id, command->flip.id) != 0;
    bool write = d->force || !told->active || told->signature != signature;

    if (!write && !another && told->ends_ms == command->flip.ends_ms && d->action.kind == F2M_ACTION_MODE)
        return;
    *told = (struct f2m_told){
        .active = true,
        .restore_due = true,
        .orders = command->orders,
        .starts_ms = command->flip.starts_ms,
        .ends_ms = command->flip.ends_ms,
        .signature = signature,
    };
    snprintf(told->command_id, sizeof told->command_id, "%s", command->flip.id);
    snprintf(told->event_id, sizeof told->event_id, "%s", command->flip.event_id ? command->flip.event_id : "");
    f2m_journal_save(c, now, d);
    d->force = false;
    if (another)
        d->unheard[0] = '\0';
    const struct f2m_control_publish *list = mode ? mode->publishes : NULL;
    if (!write && d->action.kind == F2M_ACTION_MODE && d->action.list == list)
        return; /* goes on as it is, refreshes included */
    f2m_action_begin(d, now, F2M_ACTION_MODE, list, mode ? mode->publishes_len : 0);
    if (!write)
        f2m_action_resume(d, now);
}

static void tell_restore(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d)
{
    d->force = false;
    if (d->told.active) {
        d->told.active = false;
        f2m_journal_save(c, now, d);
    }
    f2m_action_begin(d, now, F2M_ACTION_RESTORE, d->config->control.restore, d->config->control.restore_len);
}

/* Between two commands with a gap the battery was to be in its own mode: after we were away, that comes first. */
static bool restore_first(const struct f2m_control_device *d)
{
    return d->told.active && d->told.restore_due && strcmp(d->told.command_id, d->running->flip.id) != 0 &&
           d->told.ends_ms < d->running->flip.starts_ms;
}

static bool sending_restore(const struct f2m_control_device *d)
{
    return d->action.kind == F2M_ACTION_RESTORE && d->action.at < d->action.len;
}

static void direct(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d)
{
    bool again = d->force || d->action.kind != F2M_ACTION_RESTORE || now.mono_ms >= d->action.again_mono;

    if (!d->running) {
        d->restore_first = false;
        if (d->action.kind == F2M_ACTION_MODE)
            f2m_action_stop(d);
        if (d->told.restore_due && again)
            tell_restore(c, now, d);
        d->force = false;
    } else if (restore_first(d)) {
        tell_restore(c, now, d);
        d->restore_first = true;
    } else if (!d->restore_first || !sending_restore(d)) {
        d->restore_first = false;
        tell_mode(c, now, d);
    }
}

static void restored(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d, struct f2m_effects *fx)
{
    char id[128];

    d->told.restore_due = false;
    d->trouble[0] = d->unheard[0] = '\0';
    f2m_journal_save(c, now, d);
    f2m_action_stop(d);
    f2m_effects_log(fx, F2M_LOG_INFO, F2M_COMPONENT, "the battery is back in its own mode", "device=%s",
                    f2m_log_value(d->config->id, id, sizeof id));
}

/* Journals first, then publishes. False where the device must be looked at once more. */
static bool act(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d, struct f2m_effects *fx)
{
    struct f2m_err err;

    if (!c->connected || c->stopped || d->config->control.observe)
        return true;
    /* By a clock that is not set nothing begins; what runs is kept up. */
    if (!c->hold || !d->running || !d->force)
        direct(c, now, d);
    if (f2m_action_run(c, now, d, fx, &err) < 0) {
        f2m_phase_refuse(c, now, d->running, err.text, fx);
        return false;
    }
    if (!d->running && d->told.restore_due && f2m_action_restored(d))
        restored(c, now, d, fx);
    return !(d->restore_first && !sending_restore(d));
}

/* ---- the whole ---- */

/* Open questions, and whether something must be looked at that comes without being told. */
static bool review(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d, struct f2m_effects *fx)
{
    struct f2m_command *command;
    bool watch = false;

    DL_FOREACH(d->commands, command)
    watch = f2m_acknowledge_review(c, now, command, fx) || watch;
    return watch;
}

static bool watched(const struct f2m_control_device *d)
{
    const struct f2m_command *command;

    DL_FOREACH(d->commands, command)
    if (command->phase == F2M_PHASE_GUARDED)
        return true;
    return d->running && f2m_guard_applies(d->running);
}

static void tell_telemetry(struct f2m_control *c, struct f2m_control_device *d)
{
    enum f2m_mode mode = d->running ? d->running->orders.mode : F2M_MODE_NONE;

    if (mode == d->mode_told || !c->c.telemetry || d->config->control.observe)
        return;
    d->mode_told = mode;
    f2m_telemetry_set_flip_mode(c->c.telemetry, d->config->id, mode);
}

static void arm(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d, bool watch)
{
    d->due = false;
    d->next_wall = c->hold ? INT64_MAX : f2m_schedule_deadline(d, now.wall_ms);
    d->next_mono = f2m_action_deadline(d);
    if (c->connected && (!d->shown || !d->pause_shown) && c->quiet_mono < d->next_mono)
        d->next_mono = c->quiet_mono;
    if (watch && d->next_mono > now.mono_ms + LOOK_AGAIN_MS)
        d->next_mono = now.mono_ms + LOOK_AGAIN_MS;
    if (d->next_wall < c->next_wall)
        c->next_wall = d->next_wall;
    if (d->next_mono < c->next_mono)
        c->next_mono = d->next_mono;
}

#define MAX_ROUNDS 8 /* each round but the last gives up a command or ends a restore */

void f2m_settle(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d, struct f2m_effects *fx)
{
    if (now.mono_ms < c->retry_mono) {
        f2m_wake(c, d);
        return;
    }
    bool watch = review(c, now, d, fx), done = false;
    for (int round = 0; round < MAX_ROUNDS && !done; round++) {
        choose(c, now, d, fx);
        done = act(c, now, d, fx);
    }
    tell_telemetry(c, d);
    f2m_publish_control(c, now, d, fx);
    if (!d->pause_shown)
        f2m_publish_pause(c, now, d, fx);
    arm(c, now, d, watch || watched(d));
    if (!done)
        f2m_wake(c, d);
}

void f2m_settle_all(struct f2m_control *c, struct f2m_now now, struct f2m_effects *fx)
{
    c->next_wall = c->next_mono = INT64_MAX;
    for (size_t i = 0; i < c->devices_len; i++) {
        struct f2m_control_device *d = &c->devices[i];
        if (d->due || now.wall_ms >= d->next_wall || now.mono_ms >= d->next_mono)
            f2m_settle(c, now, d, fx);
        if (d->next_wall < c->next_wall)
            c->next_wall = d->next_wall;
        if (!d->due && d->next_mono < c->next_mono)
            c->next_mono = d->next_mono;
    }
}
