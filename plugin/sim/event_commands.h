/* What an event means for its commands. */
#ifndef SIM_EVENT_COMMANDS_H
#define SIM_EVENT_COMMANDS_H

#include "sim/commands.h"

/* UPCOMING, ACTIVE or COMPLETED. */
const char *sim_event_status_at(struct sim_span, int64_t wall_ms);
/* Opting out: OPT_OUT for every command that is not over; opting in again: OK for those opted out. */
void sim_event_commands_participate(struct sim *, const struct sim_resource *event, bool participating);
void sim_event_commands_cancel(struct sim *, const struct sim_resource *event);
/* Commands that had the event's own times follow it. */
void sim_event_commands_move(struct sim *, const struct sim_resource *event, struct sim_span from, struct sim_span to);

#endif
