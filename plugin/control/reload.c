/* A new configuration, swapped in while commands run. Interface, section 1 (SIGHUP), clarification 20. */
#include "control/internal.h"
#include "util/cleanup.h"

#include <math.h>
#include <stdlib.h>
#include <utlist.h>

/* What was seen on a confirm topic stays seen. */
static void carry_watches(struct f2m_control_device *to, struct f2m_control_device *from)
{
    for (size_t i = 0; i < to->watches_len; i++)
        for (size_t k = 0; k < from->watches_len; k++) {
            struct f2m_watch *new = &to->watches[i], *old = &from->watches[k];
            const char *a = new->confirm->path ? new->confirm->path : "", *b = old->confirm->path;
            if (strcmp(new->filter, old->filter) != 0 || strcmp(a, b ? b : "") != 0 || !old->value)
                continue;
            new->value = f2m_take(old->value);
            new->topic = f2m_take(old->topic);
            new->arrived = old->arrived;
            new->stateful = old->stateful;
            break;
        }
}

static void carry(struct f2m_control_device *to, struct f2m_control_device *from)
{
    const struct f2m_source *veto = &to->config->control.veto;
    bool busy = from->action.kind == F2M_ACTION_MODE && !f2m_action_taken(from);

    to->paused = from->paused;
    to->told = from->told;
    to->force = from->force || busy;
    to->mode_told = from->mode_told;
    memcpy(to->unheard, from->unheard, sizeof to->unheard);
    memcpy(to->trouble, from->trouble, sizeof to->trouble);
    if (isnan(to->max_charge))
        to->max_charge = from->max_charge;
    if (isnan(to->max_discharge))
        to->max_discharge = from->max_discharge;
    carry_watches(to, from);
    if (from->veto && f2m_source_equal(veto, &from->config->control.veto)) {
        to->vetoed = from->vetoed;
        to->veto = f2m_take(from->veto);
        f2m_source_reader_rebind(to->veto, veto);
    }
}

/* A device that is not ours any more goes back to its own mode first, as far as the old configuration can tell it. */
static void release(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d, struct f2m_effects *fx)
{
    if (d->told.restore_due && c->connected && !d->config->control.observe) {
        f2m_action_begin(d, now, F2M_ACTION_RESTORE, d->config->control.restore, d->config->control.restore_len);
        f2m_action_hurry(c, now, d, fx);
    }
    f2m_journal_delete(c, F2M_STORE_CONTROL, d->config->id);
    f2m_ledger_drop_device(c, d);
}

/* Commands follow their devices. What the new configuration cannot do is refused. */
static void reattach(struct f2m_control *c, struct f2m_now now, struct f2m_effects *fx)
{
    struct f2m_command *command, *next;
    char reason[F2M_REASON_SIZE];

    HASH_ITER(hh, c->commands, command, next)
    {
        command->device = NULL;
        f2m_ledger_attach(c, command);
        if (command->device && !f2m_phase_final(command->phase) && !f2m_limits_possible(command, now, reason))
            f2m_phase_refuse(c, now, command, reason, fx);
    }
    f2m_ledger_drop_strangers(c);
}

void f2m_control_reload(struct f2m_control *c, struct f2m_now now, const struct f2m_config *config,
                        struct f2m_effects *fx)
{
    struct f2m_control_device *old = c->devices, *old_by_id = c->by_id;
    size_t old_len = c->devices_len;

    for (size_t i = 0; i < old_len; i++)
        if (!f2m_config_device(config, old[i].config->id))
            release(c, now, &old[i], fx);
    f2m_router_free(c->vetoes);
    f2m_router_free(c->confirms);
    c->c.config = config;
    f2m_control_build(c);
    for (size_t i = 0; i < old_len; i++) {
        struct f2m_control_device *d = f2m_control_find(c, old[i].config->id);
        if (d)
            carry(d, &old[i]);
    }
    f2m_control_build_vetoes(c);
    reattach(c, now, fx);
    f2m_control_free_devices(old, old_len, old_by_id);
    f2m_control_poll_now(c);
    f2m_settle_all(c, now, fx);
}
