/* HTTP: libmicrohttpd with an external epoll loop. Everything runs on the one thread, so the state needs no locks. */
#ifndef SIM_SERVER_H
#define SIM_SERVER_H

#include "sim/sim.h"

struct sim_server;

/* Listens. Returns 0 or, with the reason on stderr, an exit code. *port is what was bound. */
int sim_server_new(struct sim *, struct sim_server **, int *port);
void sim_server_free(struct sim_server *);
/* Serves until SIGTERM or SIGINT. Returns an exit code. */
int sim_server_run(struct sim_server *);

#endif
