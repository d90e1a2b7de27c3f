/* The control interface below /sim: looking into the stand-in and steering it. No token, no faults. */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "sim/request.h"

struct sim;

void sim_control_state(struct sim *, struct sim_request *);
void sim_control_points(struct sim *, struct sim_request *);
void sim_control_stats(struct sim *, struct sim_request *);
void sim_control_reset(struct sim *, struct sim_request *);
void sim_control_acknowledgements(struct sim *, struct sim_request *);
void sim_control_seed(struct sim *, struct sim_request *);

#endif
