/*
 * Which command holds at a wall time. Interface, Commands 3: the later start wins from its start; when it ends the
 * earlier one goes on if still running. Wall time alone decides, so steps of the clock need no care of their own, but
 * for one: a clock that is set back a little after a start does not take the start back.
 */
#include "control/internal.h"

#include <utlist.h>

/* More than NTP ever steps on a machine that was right before. Set back further, the clock was wrong: the command
 * waits for its real start. */
#define STEP_BACK_MS 60000

static int64_t start_of(const struct f2m_command *command)
{
    bool begun = command->phase == F2M_PHASE_STARTED || command->phase == F2M_PHASE_REPLACED ||
                 command->phase == F2M_PHASE_GUARDED;

    return command->flip.starts_ms - (begun ? STEP_BACK_MS : 0);
}

bool f2m_schedule_in_window(const struct f2m_command *command, int64_t wall_ms)
{
    return wall_ms >= start_of(command) && wall_ms < command->flip.ends_ms;
}

/* Whether a is the one to follow where both hold. */
static bool wins(const struct f2m_command *a, const struct f2m_command *b)
{
    if (a->flip.starts_ms != b->flip.starts_ms)
        return a->flip.starts_ms > b->flip.starts_ms;
    if (a->flip.created_ms != b->flip.created_ms)
        return a->flip.created_ms > b->flip.created_ms;
    return strcmp(a->flip.id, b->flip.id) > 0;
}

struct f2m_command *f2m_schedule_holder(const struct f2m_control_device *d, int64_t wall_ms)
{
    struct f2m_command *holder = NULL, *command;

    DL_FOREACH(d->commands, command)
    if (!f2m_phase_final(command->phase) && !command->held && f2m_schedule_in_window(command, wall_ms) &&
        (!holder || wins(command, holder)))
        holder = command;
    return holder;
}

struct f2m_command *f2m_schedule_next(const struct f2m_control_device *d, int64_t wall_ms)
{
    struct f2m_command *next = NULL, *command;

    DL_FOREACH(d->commands, command)
    if (command->phase == F2M_PHASE_RECEIVED && !command->held && command->flip.starts_ms > wall_ms &&
        (!next || command->flip.starts_ms < next->flip.starts_ms ||
         (command->flip.starts_ms == next->flip.starts_ms && wins(command, next))))
        next = command;
    return next;
}

int64_t f2m_schedule_deadline(const struct f2m_control_device *d, int64_t wall_ms)
{
    const struct f2m_command *command;
    int64_t first = INT64_MAX;

    DL_FOREACH(d->commands, command)
    {
        if (f2m_phase_final(command->phase))
            continue;
        if (command->flip.starts_ms > wall_ms && command->flip.starts_ms < first)
            first = command->flip.starts_ms;
        if (command->flip.ends_ms < first)
            first = command->flip.ends_ms;
    }
    return first;
}
