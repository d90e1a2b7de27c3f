/* Tokens. The client token opens the client endpoints and nothing else; a site token, made by one of them, opens the
 * endpoints of its one site for an hour and nothing else. Flip: Authentication. */
#ifndef SIM_AUTH_H
#define SIM_AUTH_H

#include "sim/hash.h"
#include "sim/request.h"

struct sim_site_token;

struct sim_auth {
    char *client_token; /* owned */
    bool client_revoked;
    int64_t site_token_ttl_ms;
    struct sim_site_token *site_tokens; /* uthash, oldest first */
    uint64_t made;
};

struct sim;

void sim_auth_init(struct sim_auth *, const char *client_token, int64_t site_token_ttl_s);
void sim_auth_deinit(struct sim_auth *);
/* Sets request->token; true where it opens the route, else 401 or 403 is answered. */
bool sim_auth_admit(struct sim *, struct sim_request *);
/* POST /v1/auth/site/{siteId} */
void sim_auth_make_site_token(struct sim *, struct sim_request *);
/* POST /sim/token: {"client":"revoke"|"accept","client_token":"...","site":"revoke"} */
void sim_auth_control(struct sim *, struct sim_request *);

#endif
