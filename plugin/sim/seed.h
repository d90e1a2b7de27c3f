/* State to begin with: {"sites":[], "devices":[], "programs":[], "events":[], "commands":[]}, sites
 * and devices as commissioning takes them,
 * events and commands as /sim/event and /sim/command do. */
#ifndef SIM_SEED_H
#define SIM_SEED_H

#include "sim/json.h"
#include "util/err.h"

struct sim;

/* Adds what the object holds. 0, or -EINVAL and the text where a part does not fit (what came before it stays). */
int sim_seed_load(struct sim *, const cJSON *seed, struct f2m_err *);
int sim_seed_file(struct sim *, const char *path, struct f2m_err *);

#endif
