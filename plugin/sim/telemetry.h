/* POST /v1/telemetry/BATTERY and /BATTERY_COUNTER. */
#ifndef SIM_TELEMETRY_H
#define SIM_TELEMETRY_H

#include "sim/request.h"

struct sim;

void sim_telemetry_battery(struct sim *, struct sim_request *);
void sim_telemetry_counter(struct sim *, struct sim_request *);

#endif
