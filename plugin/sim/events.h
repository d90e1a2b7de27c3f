/* Events of a site: UPCOMING, ACTIVE, COMPLETED by the clock, CANCELED by the utility; a site may opt out. */
#ifndef SIM_EVENTS_H
#define SIM_EVENTS_H

#include "sim/request.h"
#include "sim/resource.h"
#include "sim/validate.h"

struct sim;

/* Checks and stores one event of the seed or of POST /sim/event, with its commands. */
struct sim_resource *sim_event_add(struct sim *, const cJSON *in, const struct sim_loc *, cJSON *detail);
/* Moves on what is due; returns when the next is (wall ms). */
int64_t sim_events_tick(struct sim *);

void sim_events_get(struct sim *, struct sim_request *);
void sim_event_get(struct sim *, struct sim_request *);
void sim_event_patch(struct sim *, struct sim_request *);
void sim_event_control_post(struct sim *, struct sim_request *);
void sim_event_control_patch(struct sim *, struct sim_request *);

#endif
