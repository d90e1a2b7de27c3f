/* The one endpoint table: Flip's 24 and the control interface below /sim. */
#ifndef SIM_ROUTES_H
#define SIM_ROUTES_H

#include "sim/request.h"

struct sim;

enum sim_auth_kind {
    SIM_AUTH_NONE, /* the control interface: no token, no faults */
    SIM_AUTH_CLIENT,
    SIM_AUTH_SITE,
};

enum sim_body {
    SIM_BODY_NONE, /* whatever comes is ignored */
    SIM_BODY_JSON, /* any JSON */
};

struct sim_route {
    const char *method;
    const char *path; /* "{}" stands for one segment, an id */
    enum sim_auth_kind auth;
    enum sim_body body;
    void (*handle)(struct sim *, struct sim_request *);
};

/* Answers the request: route, fault, token, body, handler. */
void sim_dispatch(struct sim *, struct sim_request *);

#endif
