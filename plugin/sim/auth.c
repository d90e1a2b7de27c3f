#include "sim/auth.h"

#include "sim/routes.h"
#include "sim/sim.h"
#include "sim/validate.h"

struct sim_site_token {
    char text[48];
    char *site_id; /* owned */
    int64_t expires_ms;
    UT_hash_handle hh;
};

void sim_auth_init(struct sim_auth *auth, const char *client_token, int64_t site_token_ttl_s)
{
    *auth = (struct sim_auth){
        .client_token = f2m_xstrdup(client_token),
        .site_token_ttl_ms = site_token_ttl_s * 1000,
    };
}

static void drop_token(struct sim_auth *auth, struct sim_site_token *token)
{
    HASH_DEL(auth->site_tokens, token);
    free(token->site_id);
    free(token);
}

static void drop_site_tokens(struct sim_auth *auth)
{
    struct sim_site_token *token, *next;
    HASH_ITER(hh, auth->site_tokens, token, next)
    {
        drop_token(auth, token);
    }
}

void sim_auth_deinit(struct sim_auth *auth)
{
    drop_site_tokens(auth);
    free(auth->client_token);
    auth->client_token = NULL;
}

static const char *bearer(const struct sim_request *request)
{
    static const char scheme[] = "Bearer ";
    const char *header = request->authorization;
    return header && strncmp(header, scheme, sizeof scheme - 1) == 0 ? header + sizeof scheme - 1 : NULL;
}

static enum sim_token classify(const struct sim *sim, const char *text, const struct sim_site_token **site_token)
{
    if (!text || !*text)
        return SIM_TOKEN_NONE;
    if (strcmp(text, sim->auth.client_token) == 0)
        return sim->auth.client_revoked ? SIM_TOKEN_INVALID : SIM_TOKEN_CLIENT;
    struct sim_site_token *found = NULL;
    HASH_FIND_STR(sim->auth.site_tokens, text, found);
    *site_token = found;
    return found && found->expires_ms > sim->wall_ms ? SIM_TOKEN_SITE : SIM_TOKEN_INVALID;
}

bool sim_auth_admit(struct sim *sim, struct sim_request *request)
{
    const struct sim_site_token *site_token = NULL;
    request->token = classify(sim, bearer(request), &site_token);
    if (request->route->auth == SIM_AUTH_NONE)
        return true;
    if (request->token == SIM_TOKEN_NONE || request->token == SIM_TOKEN_INVALID) {
        sim_reply_message(request, 401, "Unauthorized");
        return false;
    }
    bool wants_client = request->route->auth == SIM_AUTH_CLIENT;
    if (wants_client != (request->token == SIM_TOKEN_CLIENT)) {
        sim_reply_message(request, 403, "Forbidden: this endpoint takes a %s token", wants_client ? "client" : "site");
        return false;
    }
    if (!wants_client && strcmp(site_token->site_id, request->param[0]) != 0) {
        sim_reply_message(request, 403, "Forbidden: the token belongs to another site");
        return false;
    }
    return true;
}

/* Room for one more: the oldest goes first where it has expired or the table is full. */
static void prune(struct sim *sim)
{
    struct sim_site_token *token, *next;
    HASH_ITER(hh, sim->auth.site_tokens, token, next)
    {
        if (token->expires_ms > sim->wall_ms && HASH_COUNT(sim->auth.site_tokens) < SIM_MAX_SITE_TOKENS)
            return;
        drop_token(&sim->auth, token);
    }
}

void sim_auth_make_site_token(struct sim *sim, struct sim_request *request)
{
    if (!sim_find(&sim->state.sites, request->param[0])) {
        sim_reply_message(request, 404, "Site not found");
        return;
    }
    prune(sim);
    struct sim_site_token *token = f2m_xcalloc(1, sizeof *token);
    char id[SIM_UUID_SIZE];
    snprintf(token->text, sizeof token->text, "site-%s", sim_uuid(sim, id));
    token->site_id = f2m_xstrdup(request->param[0]);
    token->expires_ms = sim->wall_ms + sim->auth.site_token_ttl_ms;
    HASH_ADD_STR(sim->auth.site_tokens, text, token);
    sim->auth.made++;
    cJSON *json = cJSON_CreateObject();
    sim_json_set_string(json, "site_access_token", token->text);
    sim_json_set_time(json, "expires_at", token->expires_ms);
    sim_reply_json(request, 200, json);
}

void sim_auth_control(struct sim *sim, struct sim_request *request)
{
    static const char *const verbs[] = {"revoke", "accept", NULL};
    static const char *const site_verbs[] = {"revoke", NULL};
    static const struct sim_field fields[] = {
        {.name = "client", .kind = SIM_ENUM, .values = verbs},
        {.name = "client_token", .kind = SIM_ID},
        {.name = "site", .kind = SIM_ENUM, .values = site_verbs},
        {.name = "site_token_ttl_s", .kind = SIM_INT, .min = 1, .max = 31536000},
        {0},
    };
    if (!sim_validate_body(request, fields))
        return;
    const char *client = sim_json_string(request->json, "client");
    const char *client_token = sim_json_string(request->json, "client_token");
    double ttl;
    if (client)
        sim->auth.client_revoked = strcmp(client, "revoke") == 0;
    if (client_token) {
        free(sim->auth.client_token);
        sim->auth.client_token = f2m_xstrdup(client_token);
    }
    if (sim_json_string(request->json, "site"))
        drop_site_tokens(&sim->auth);
    if (sim_json_number(request->json, "site_token_ttl_s", &ttl))
        sim->auth.site_token_ttl_ms = (int64_t)(ttl * 1000);
    sim_reply_empty(request, 204);
}
