/* POST /v1/commission */
#ifndef SIM_COMMISSION_H
#define SIM_COMMISSION_H

#include "sim/request.h"

struct sim;

void sim_commission(struct sim *, struct sim_request *);

#endif
