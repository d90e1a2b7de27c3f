/* The whole stand-in: one thread, one loop, all state in here. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "sim/auth.h"
#include "sim/faults.h"
#include "sim/options.h"
#include "sim/points.h"
#include "sim/request.h"
#include "sim/request_log.h"
#include "sim/resource.h"
#include "sim/webhooks.h"
#include "util/rng.h"

struct sim {
    struct sim_options options;
    struct f2m_rng rng;
    int64_t wall_ms, mono_ms; /* one reading per turn of the loop */
    int64_t tick_at_ms;       /* wall: when sim_tick() has something to do; 0 = now */
    struct sim_state state;
    struct sim_auth auth;
    struct sim_points points;
    struct sim_faults faults;
    struct sim_log log;
    struct sim_webhooks webhooks;
};

/* Empty state but for the seed (or the two programs that are there without one). Returns 0 or, with the reason on
 * stderr, an exit code. */
int sim_init(struct sim *);
void sim_deinit(struct sim *);
/* Everything forgotten, the seed again. Faults and outages end too. */
void sim_reset(struct sim *);
/* Lets time pass: commands, events and enrollments that are due. Sets tick_at_ms. */
void sim_tick(struct sim *);
void sim_read_clocks(struct sim *);

#define SIM_UUID_SIZE 37
const char *sim_uuid(struct sim *, char buf[SIM_UUID_SIZE]);

#endif
