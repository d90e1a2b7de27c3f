/* The owner's protection: pause and veto; and what the integration says. Interface, clarifications 13, 15, 39. */
#include "control/ack_message.h"
#include "control/internal.h"
#include "util/boolean.h"

#include <utlist.h>

/* The first topic of a source: what the owner knows it by. */
static const char *topic_of(const struct f2m_source *source)
{
    for (; source; source = source->parts_len ? source->parts : NULL)
        if (source->op == F2M_SOURCE_TOPIC)
            return source->topic;
    return "veto";
}

const char *f2m_owner_veto_topic(const struct f2m_control_device *d)
{
    return topic_of(&d->config->control.veto);
}

/* A veto that was given holds until it is taken back, however old it is, over restarts, and also where it comes as a
 * retained replay: in doubt for the owner. */
bool f2m_owner_vetoes(const struct f2m_control_device *d, struct f2m_now now)
{
    if (!d->veto)
        return false;
    struct f2m_reading r = f2m_source_reader_read(d->veto, now);
    return r.known ? r.number != 0 : d->vetoed;
}

bool f2m_owner_blocks(const struct f2m_control_device *d, struct f2m_now now, char reason[F2M_REASON_SIZE])
{
    if (d->paused) {
        snprintf(reason, F2M_REASON_SIZE, "paused by owner");
        return true;
    }
    if (f2m_owner_vetoes(d, now)) {
        snprintf(reason, F2M_REASON_SIZE, "veto: %.180s", f2m_owner_veto_topic(d));
        return true;
    }
    return false;
}

static void complain(struct f2m_control *c, const char *device_id, const char *topic, const char *text,
                     struct f2m_effects *fx)
{
    char device[128], why[F2M_REASON_SIZE];

    if (c->c.counters)
        c->c.counters->invalid++;
    f2m_effects_log(fx, F2M_LOG_WARN, F2M_COMPONENT, "cannot use a message", "topic=%s device=%s reason=%s", topic,
                    f2m_log_value(device_id, device, sizeof device), f2m_log_value(text, why, sizeof why));
}

void f2m_control_pause_set(struct f2m_control *c, struct f2m_now now, const char *device_id, struct f2m_slice payload,
                           struct f2m_effects *fx)
{
    struct f2m_control_device *d = f2m_control_find(c, device_id);
    char id[128];
    bool on;

    if (!d) {
        complain(c, device_id, "pause/set", "no such device is configured", fx);
        return;
    }
    if (!f2m_boolean_parse(payload, &on)) {
        complain(c, device_id, "pause/set", "expected ON or OFF", fx);
        return;
    }
    if (d->paused != on) {
        d->paused = on;
        f2m_journal_save(c, now, d);
        f2m_effects_log(fx, F2M_LOG_INFO, F2M_COMPONENT, on ? "paused by owner" : "pause ended", "device=%s",
                        f2m_log_value(device_id, id, sizeof id));
    }
    f2m_publish_pause(c, now, d, fx);
    f2m_settle(c, now, d, fx);
}

/* ---- command/ack ---- */

/* An integration that cannot do it ends it; one that is merely away may come back. */
static void take_ack(struct f2m_control *c, struct f2m_now now, struct f2m_command *command,
                     const struct f2m_ack_message *m, struct f2m_effects *fx)
{
    command->ack.ours = true;
    if (m->answer == F2M_ANSWER_FAILED_FAULT) {
        f2m_phase_refuse(c, now, command, m->reason[0] ? m->reason : "the integration reports a fault", fx);
    } else if (m->answer == F2M_ANSWER_FAILED_OFFLINE) {
        const char *reason = m->reason[0] ? m->reason : "the integration reports the device offline";
        command->held = true;
        f2m_acknowledge(c, now, command, m->answer, reason);
        if (command->phase == F2M_PHASE_STARTED)
            f2m_phase_set(c, now, command, F2M_PHASE_GUARDED, reason, fx);
    } else {
        char reason[F2M_REASON_SIZE];
        if (command->phase == F2M_PHASE_GUARDED && !command->held)
            return; /* the guard knows better; OK follows when it lets go on */
        f2m_acknowledge_ok_reason(command, reason);
        f2m_acknowledge_release(c, now, command, fx);
        f2m_acknowledge(c, now, command, m->answer, m->reason[0] ? m->reason : reason);
    }
}

void f2m_control_command_ack(struct f2m_control *c, struct f2m_now now, const char *device_id, struct f2m_slice payload,
                             struct f2m_effects *fx)
{
    struct f2m_control_device *d = f2m_control_find(c, device_id);
    struct f2m_ack_message m;
    struct f2m_err err;

    if (!d) {
        complain(c, device_id, "command/ack", "no such device is configured", fx);
        return;
    }
    if (!f2m_ack_read(payload, &m, &err)) {
        complain(c, device_id, "command/ack", err.text, fx);
        return;
    }
    struct f2m_command *command = f2m_ledger_find(c, m.id);
    if (!command || command->device != d) {
        f2m_err_set(&err, "id: the device has no command %.100s", m.id);
        complain(c, device_id, "command/ack", err.text, fx);
        return;
    }
    if (f2m_phase_final(command->phase)) {
        complain(c, device_id, "command/ack", "the command is over", fx);
        return;
    }
    take_ack(c, now, command, &m, fx);
    f2m_settle(c, now, d, fx);
}
