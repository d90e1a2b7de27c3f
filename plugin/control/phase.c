/* A command's transitions: each is stored, published and logged once. */
#include "control/internal.h"

struct phase_name {
    const char *stored, *told;
};
static const struct phase_name names[F2M_PHASE_COUNT] = {
#define F2M_PHASE_NAME(id, stored, told) [F2M_PHASE_##id] = {stored, told},
    F2M_PHASES(F2M_PHASE_NAME)
#undef F2M_PHASE_NAME
};

const char *f2m_phase_stored(enum f2m_phase phase)
{
    return names[phase].stored;
}

const char *f2m_phase_told(enum f2m_phase phase)
{
    return names[phase].told;
}

bool f2m_phase_parse(struct f2m_slice stored, enum f2m_phase *phase)
{
    for (unsigned i = 0; i < F2M_PHASE_COUNT; i++)
        if (f2m_slice_is(stored, names[i].stored)) {
            *phase = (enum f2m_phase)i;
            return true;
        }
    return false;
}

void f2m_phase_moment(struct f2m_control *c, struct f2m_now now, const char *event_type,
                      const struct f2m_command *command, struct f2m_effects *fx)
{
    bool of_clock = strcmp(event_type, "command.started") == 0 || strcmp(event_type, "command.ended") == 0;

    if (c->moment && command->device && (c->polled_before || of_clock))
        c->moment(c->moment_ctx, now, event_type, command->device->config->site->id, f2m_slice_of(command->flip.raw),
                  fx);
}

static void log_phase(const struct f2m_command *command, struct f2m_effects *fx)
{
    enum f2m_phase phase = command->phase;
    bool bad = phase == F2M_PHASE_REJECTED || phase == F2M_PHASE_FAILED || phase == F2M_PHASE_GUARDED;
    bool observed = command->device && command->device->config->control.observe;
    char id[128], device[128], reason[256], message[64];

    snprintf(message, sizeof message, "command %s%s", f2m_phase_told(phase), observed ? " (only observed)" : "");
    f2m_effects_log(fx, bad ? F2M_LOG_WARN : F2M_LOG_INFO, F2M_COMPONENT, message, "command=%s device=%s mode=%s%s%s",
                    f2m_log_value(command->flip.id, id, sizeof id),
                    f2m_log_value(command->flip.device_id, device, sizeof device), f2m_mode_name(command->orders.mode),
                    command->reason[0] ? " reason=" : "",
                    command->reason[0] ? f2m_log_value(command->reason, reason, sizeof reason) : "");
}

void f2m_phase_set(struct f2m_control *c, struct f2m_now now, struct f2m_command *command, enum f2m_phase phase,
                   const char *reason, struct f2m_effects *fx)
{
    struct f2m_control_device *d = command->device;
    bool first = phase == F2M_PHASE_STARTED && !command->begun;
    /* Guarded and failed, replaced and superseded look alike from outside. */
    bool alike = command->phase != phase && strcmp(f2m_phase_told(command->phase), f2m_phase_told(phase)) == 0;

    /* A command begins in RECEIVED, and that is told too. */
    if (command->phase == phase && strcmp(command->reason, reason) == 0 && phase != F2M_PHASE_RECEIVED)
        return;
    command->phase = phase;
    if (reason != command->reason)
        snprintf(command->reason, sizeof command->reason, "%s", reason);
    command->changed_ms = now.wall_ms;
    command->changed_mono = now.mono_ms;
    if (phase == F2M_PHASE_STARTED)
        command->begun = true;
    if (d && phase == F2M_PHASE_STARTED)
        d->running = command;
    else if (d && d->running == command)
        d->running = NULL;
    if (!alike)
        command->untold = !c->connected;
    f2m_ledger_save(c, now, command);
    if (!alike) {
        log_phase(command, fx);
        f2m_publish_phase(c, now, command, fx);
    }
    if (first)
        f2m_phase_moment(c, now, "command.started", command, fx);
    if (phase == F2M_PHASE_ENDED)
        f2m_phase_moment(c, now, "command.ended", command, fx);
}

void f2m_phase_refuse(struct f2m_control *c, struct f2m_now now, struct f2m_command *command, const char *reason,
                      struct f2m_effects *fx)
{
    f2m_phase_set(c, now, command, command->begun ? F2M_PHASE_FAILED : F2M_PHASE_REJECTED, reason, fx);
    f2m_acknowledge(c, now, command, F2M_ANSWER_FAILED_FAULT, reason);
}
