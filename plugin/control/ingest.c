/*
 * One path for polled and pushed commands: de-duplicated by id and updated_at, judged, stored before it is acted on.
 * Interface, Commands 1, 2, clarifications 13, 14, 25, 37.
 */
#include "control/internal.h"
#include "util/fnv.h"
#include "util/xalloc.h"

#include <errno.h>
#include <stdlib.h>

/* Every poll shows it again: told once, in the log of a bridge that polls each minute. */
static void complain(struct f2m_control *c, struct f2m_slice json, const struct f2m_err *err, struct f2m_effects *fx)
{
    uint64_t hash = f2m_fnv(F2M_FNV_START, json.at, json.len);
    char text[F2M_REASON_SIZE];

    for (size_t i = 0; i < F2M_MAX_UNUSABLE_COMMANDS; i++)
        if (c->unusable[i] == hash)
            return;
    c->unusable[c->unusable_next++ % F2M_MAX_UNUSABLE_COMMANDS] = hash;
    f2m_effects_log(fx, F2M_LOG_WARN, F2M_COMPONENT, "cannot use a command of Flip's", "reason=%s",
                    f2m_log_value(err->text, text, sizeof text));
}

/* A command of a device that is not configured, so that each is counted once. */
struct unknown_command {
    UT_hash_handle hh;
    char id[];
};

void f2m_ingest_free(struct f2m_control *c)
{
    struct unknown_command *u, *next;

    HASH_ITER(hh, c->unknown, u, next)
    {
        HASH_DEL(c->unknown, u);
        free(u);
    }
}

static void count_unknown(struct f2m_control *c, const struct f2m_flip_command *flip, struct f2m_effects *fx)
{
    struct unknown_command *u;
    char id[128], device[128];

    HASH_FIND_STR(c->unknown, flip->id, u);
    if (u)
        return;
    if (HASH_COUNT(c->unknown) >= F2M_MAX_UNKNOWN_COMMANDS) {
        u = c->unknown; /* the oldest */
        HASH_DEL(c->unknown, u);
        free(u);
    }
    size_t len = strlen(flip->id);
    u = f2m_xcalloc(1, sizeof *u + len + 1);
    memcpy(u->id, flip->id, len);
    HASH_ADD_KEYPTR(hh, c->unknown, u->id, len, u);
    if (c->c.counters)
        c->c.counters->unknown_commands++;
    f2m_effects_log(fx, F2M_LOG_INFO, F2M_COMPONENT, "command for a device that is not configured",
                    "command=%s device=%s", f2m_log_value(flip->id, id, sizeof id),
                    f2m_log_value(flip->device_id, device, sizeof device));
}

/* Nobody asks us anything, and there is nothing left to do: history. */
static bool history(const struct f2m_control *c, const struct f2m_flip_command *flip, struct f2m_now now)
{
    if (flip->device_status == F2M_DEVICE_STATUS_PENDING)
        return false;
    return flip->status != F2M_COMMAND_OK || flip->device_status == F2M_DEVICE_STATUS_FAILED ||
           (!c->hold && flip->ends_ms <= now.wall_ms);
}

/* Flip canceled it, or the homeowner opted out. */
static void judge_over(struct f2m_control *c, struct f2m_now now, struct f2m_command *command, struct f2m_effects *fx)
{
    bool opted_out = command->flip.status == F2M_COMMAND_OPT_OUT;

    f2m_phase_set(c, now, command, opted_out ? F2M_PHASE_OPTED_OUT : F2M_PHASE_CANCELED, "", fx);
    if (!opted_out) /* Flip tells an opt-out as command.updated */
        f2m_phase_moment(c, now, "command.canceled", command, fx);
}

/* Whether it can be executed; where not, it is refused. `fresh`: new, or changed by Flip after it was over for us. */
static bool judge(struct f2m_control *c, struct f2m_now now, struct f2m_command *command, bool fresh,
                  struct f2m_effects *fx)
{
    char reason[F2M_REASON_SIZE];

    if (!command->device) {
        f2m_phase_refuse(c, now, command, "unknown device", fx);
        return false;
    }
    if (command->flip.status != F2M_COMMAND_OK) {
        judge_over(c, now, command, fx);
        return true;
    }
    bool over = !c->hold && command->flip.ends_ms <= now.wall_ms;
    if (!f2m_limits_possible(command, now, reason)) {
        f2m_phase_refuse(c, now, command, reason, fx);
        return false;
    }
    if (fresh && over) {
        f2m_phase_refuse(c, now, command, "already over", fx);
        return false;
    }
    if (fresh && f2m_owner_blocks(command->device, now, reason)) {
        f2m_phase_refuse(c, now, command, reason, fx);
        return false;
    }
    if (fresh)
        f2m_phase_set(c, now, command, F2M_PHASE_RECEIVED, "", fx);
    return true;
}

/* When Flip showed it that way, as far as we know; poll_mono as in f2m_ingest(). */
static int64_t shown_at(struct f2m_now now, int64_t poll_mono)
{
    return poll_mono == F2M_FROM_WEBHOOK ? now.mono_ms : poll_mono;
}

static int take_new(struct f2m_control *c, struct f2m_now now, struct f2m_flip_command *flip, int64_t poll_mono,
                    struct f2m_effects *fx)
{
    bool pending = flip->device_status == F2M_DEVICE_STATUS_PENDING;

    if (!f2m_control_find(c, flip->device_id)) {
        count_unknown(c, flip, fx);
        if (!c->c.config->flip.reject_unknown_devices || !pending)
            return 0;
    }
    if (history(c, flip, now))
        return 0;
    struct f2m_command *command = f2m_ledger_add(c, now, flip);
    if (!command) {
        f2m_effects_log(fx, F2M_LOG_ERROR, F2M_COMPONENT, "too many commands are open", "limit=%d", F2M_MAX_COMMANDS);
        return -ENOSPC;
    }
    command->shown = c->poll.number;
    command->seen_mono = shown_at(now, poll_mono);
    f2m_phase_moment(c, now, "command.created", command, fx);
    if (judge(c, now, command, true, fx) && pending)
        f2m_acknowledge_asked(c, now, command, fx);
    return 0;
}

/* Whether Flip asks for an answer that it has not had: a picture taken before our own answer arrived is no question. */
static bool asks(const struct f2m_command *command, const struct f2m_flip_command *flip, int64_t poll_mono)
{
    if (flip->device_status != F2M_DEVICE_STATUS_PENDING || poll_mono == F2M_FROM_ANSWER)
        return false;
    if (command->ack.state != F2M_ACK_IDLE || flip->updated_ms <= command->refused_ms)
        return false;
    if (poll_mono == F2M_FROM_WEBHOOK)
        return flip->updated_ms > command->answered_ms;
    return poll_mono >= command->ack.answered_mono;
}

static void replace(struct f2m_control *c, struct f2m_command *command, struct f2m_flip_command *flip)
{
    HASH_DEL(c->commands, command); /* the key goes with the former contents */
    f2m_flip_command_deinit(&command->flip);
    command->flip = *flip;
    *flip = (struct f2m_flip_command){0};
    HASH_ADD_KEYPTR(hh, c->commands, command->flip.id, strlen(command->flip.id), command);
    if (command->flip.updated_ms > command->updated_ms)
        command->updated_ms = command->flip.updated_ms;
}

/* Of two pictures with the same updated_at the one that was taken later holds: what Flip was asked before a webhook
 * came (a list, a status of ours) must not undo it. */
static bool newer(const struct f2m_command *command, const struct f2m_flip_command *flip, int64_t poll_mono)
{
    if (flip->updated_ms != command->updated_ms)
        return flip->updated_ms > command->updated_ms;
    return poll_mono == F2M_FROM_WEBHOOK || poll_mono >= command->seen_mono;
}

static void take_same(struct f2m_control *c, struct f2m_now now, struct f2m_command *command,
                      struct f2m_flip_command *flip, int64_t poll_mono, struct f2m_effects *fx)
{
    bool asked = asks(command, flip, poll_mono);

    if (shown_at(now, poll_mono) > command->seen_mono)
        command->seen_mono = shown_at(now, poll_mono);
    if (flip->updated_ms >= command->updated_ms)
        replace(c, command, flip);
    if (asked)
        f2m_acknowledge_asked(c, now, command, fx);
}

/* A change by Flip: new values, another end, canceled, opted out, or back again. */
static void take_update(struct f2m_control *c, struct f2m_now now, struct f2m_command *command,
                        struct f2m_flip_command *flip, struct f2m_effects *fx)
{
    /* FAILED was our answer to what it was before, arrived after the change. */
    bool asked = flip->device_status == F2M_DEVICE_STATUS_PENDING || flip->device_status == F2M_DEVICE_STATUS_FAILED;
    struct f2m_control_device *before = command->device;
    enum f2m_command_status status = command->flip.status;

    f2m_ledger_detach(command);
    replace(c, command, flip);
    f2m_ledger_attach(c, command);
    command->ack.ours = false;
    f2m_ledger_save(c, now, command);
    if (command->flip.status == status || command->flip.status != F2M_COMMAND_CANCELED)
        f2m_phase_moment(c, now, "command.updated", command, fx);
    if (judge(c, now, command, f2m_phase_final(command->phase), fx) && asked)
        f2m_acknowledge_asked(c, now, command, fx);
    if (before)
        f2m_wake(c, before); /* the present device wakes where it is attached */
}

int f2m_ingest(struct f2m_control *c, struct f2m_now now, struct f2m_slice json, int64_t poll_mono,
               struct f2m_effects *fx)
{
    struct f2m_flip_command flip;
    struct f2m_err err;
    int rc = 0;

    if (f2m_flip_command_decode(json, &flip, &err) < 0) {
        complain(c, json, &err, fx);
        return -EINVAL;
    }
    c->failed = 0;
    struct f2m_command *command = f2m_ledger_find(c, flip.id);
    if (command)
        command->shown = c->poll.number;
    if (!command)
        rc = take_new(c, now, &flip, poll_mono, fx);
    else if (f2m_flip_command_same(&command->flip, &flip))
        take_same(c, now, command, &flip, poll_mono, fx);
    else if (newer(command, &flip, poll_mono)) {
        command->seen_mono = shown_at(now, poll_mono);
        take_update(c, now, command, &flip, fx);
    }
    f2m_flip_command_deinit(&flip);
    return c->failed ? c->failed : rc;
}
