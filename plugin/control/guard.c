/*
 * The bridge guards the battery itself while Flip discharges it: most inverters ignore a commanded reserve.
 * Interface, clarification 38. Without a reserve there is nothing to guard.
 */
#include "control/internal.h"
#include "util/number.h"

#include <math.h>

#define RECOVERED 2.0 /* points above the reserve before a discharge goes on */
/* After a (re)connect values need a moment to come in; before that, their age says nothing about the battery. */
#define SETTLING_MS 60000

bool f2m_guard_applies(const struct f2m_command *command)
{
    const struct f2m_source *soc = &command->device->config->telemetry.sources[F2M_SRC_STATE_OF_CHARGE];

    return command->orders.mode == F2M_MODE_DISCHARGE && soc->op != F2M_SOURCE_NONE && !isnan(command->orders.reserve);
}

static bool may_be_stale(const struct f2m_control *c, struct f2m_now now, const struct f2m_command *command)
{
    int64_t grace = command->device->config->telemetry.sources[F2M_SRC_STATE_OF_CHARGE].max_age_ms;

    if (grace > SETTLING_MS)
        grace = SETTLING_MS;
    return c->connected && now.mono_ms - c->up_mono > grace;
}

bool f2m_guard_trips(const struct f2m_control *c, struct f2m_now now, const struct f2m_command *command,
                     char reason[F2M_REASON_SIZE])
{
    char soc[F2M_NUMBER_SIZE], reserve[F2M_NUMBER_SIZE];
    bool tripped = command->phase == F2M_PHASE_GUARDED;

    if (!c->c.telemetry || !f2m_guard_applies(command))
        return false;
    struct f2m_reading r =
        f2m_telemetry_reading(c->c.telemetry, command->device->config->id, F2M_SRC_STATE_OF_CHARGE, now);
    if (!r.known || !r.fresh) {
        if (tripped || !may_be_stale(c, now, command)) {
            snprintf(reason, F2M_REASON_SIZE, "%s", command->reason);
            return tripped;
        }
        snprintf(reason, F2M_REASON_SIZE, "state of charge is %s", r.known ? "too old" : "not known");
        return true;
    }
    if (r.number > command->orders.reserve + (tripped ? RECOVERED : 0) ||
        (tripped && r.number >= command->orders.reserve + RECOVERED))
        return false;
    if (tripped) /* the reason stays what it was */
        snprintf(reason, F2M_REASON_SIZE, "%s", command->reason);
    else
        snprintf(reason, F2M_REASON_SIZE, "state of charge %s %% is at the reserve of %s %%",
                 f2m_number_format(r.number, soc), f2m_number_format(command->orders.reserve, reserve));
    return true;
}
