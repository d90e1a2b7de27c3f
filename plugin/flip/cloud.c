#include "flip/cloud.h"

#include "flip/reach.h"
#include "flip/token.h"
#include "util/cleanup.h"
#include "util/limits.h"
#include "util/secret.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#define MAX_PATH_BYTES 16384
/* Reads may not fill the table: uploads and acknowledgements must find a place. */
#define RESERVED_FOR_WRITES 32

enum stage {
    NEEDS_TOKEN, /* of its site: fetched by a call of our own, one per site */
    QUEUED,
    IN_FLIGHT,
};

struct call {
    struct call *next, *prev;
    struct f2m_call owner; /* done, owner, id, endpoint; its borrowed texts are not used */
    enum stage stage;
    uint64_t tag;
    unsigned generation; /* of the configuration it was sent under */
    char *path;
    char *site_id;         /* of a site call and of a token fetch */
    char *token;           /* a site call: the one fetched for it, or used last; secret */
    struct f2m_slice body; /* {NULL, 0} = none */
    char *kept_body;       /* what body points at, where the call may have to be sent later or again */
    bool fetch, renewed;
};

struct f2m_cloud {
    const struct f2m_config *config;
    struct f2m_counters *counters;
    struct f2m_tokens *tokens;
    struct f2m_reach reach;
    struct call *calls; /* in order */
    size_t accepted;    /* calls of owners in the list */
    size_t in_flight;
    uint64_t last_tag;
    unsigned generation;
    bool refusals; /* a call waits for a token that is not to be fetched now: the next tick ends it */
};

/* ---- life ---- */

struct f2m_cloud *f2m_cloud_new(const struct f2m_config *config, struct f2m_counters *counters, struct f2m_rng *rng)
{
    struct f2m_cloud *c = f2m_xcalloc(1, sizeof *c);
    c->config = config;
    c->counters = counters;
    c->tokens = f2m_tokens_new(rng);
    return c;
}

static void call_free(struct call *call)
{
    f2m_secret_free(call->token);
    free(call->path);
    free(call->site_id);
    free(call->kept_body);
    free(call);
}

void f2m_cloud_free(struct f2m_cloud *c)
{
    if (!c)
        return;
    struct call *call, *next;
    for (call = c->calls; call; call = next) {
        next = call->next;
        DL_DELETE(c->calls, call);
        call_free(call);
    }
    f2m_tokens_free(c->tokens);
    free(c);
}

void f2m_cloud_reload(struct f2m_cloud *c, const struct f2m_config *config)
{
    c->config = config;
    c->generation++;
    f2m_tokens_clear(c->tokens);
    f2m_reach_unpause(&c->reach);
    struct call *call;
    for (call = c->calls; call; call = call->next) {
        if (call->stage != QUEUED || call->fetch || !call->site_id)
            continue;
        f2m_secret_free(f2m_take(call->token));
        call->stage = NEEDS_TOKEN;
    }
}

/* ---- sending ---- */

static void launch(struct f2m_cloud *c, struct call *call, struct f2m_effects *fx)
{
    call->stage = IN_FLIGHT;
    call->tag = ++c->last_tag;
    call->generation = c->generation;
    c->in_flight++;
    f2m_effects_http(fx, &(struct f2m_http_request){
                             .tag = call->tag,
                             .method = f2m_endpoint_info[call->owner.endpoint].method,
                             .path = call->path,
                             .token = call->token ? call->token : c->config->flip.token,
                             .body = call->body,
                         });
}

static bool fetching(const struct f2m_cloud *c, const char *site_id)
{
    const struct call *call;
    for (call = c->calls; call; call = call->next)
        if (call->fetch && strcmp(call->site_id, site_id) == 0)
            return true;
    return false;
}

static void fetch_token(struct f2m_cloud *c, const char *site_id)
{
    f2m_autostrbuf path;
    f2m_strbuf_init(&path, MAX_PATH_BYTES);
    struct f2m_err err;
    struct f2m_path_ids ids = {.site_id = site_id};
    /* The site's own path was built from the same id before, so this one fits as well. */
    if (f2m_endpoint_path(F2M_ENDPOINT_SITE_TOKEN_CREATE, &ids, NULL, &path, &err) < 0)
        return;
    struct call *call = f2m_xcalloc(1, sizeof *call);
    call->owner.endpoint = F2M_ENDPOINT_SITE_TOKEN_CREATE;
    call->stage = QUEUED;
    call->fetch = true;
    call->site_id = f2m_xstrdup(site_id);
    call->path = f2m_strbuf_take(&path);
    DL_APPEND(c->calls, call);
}

/* The token goes into the call, so that it is there for a repetition and for being dropped on 401. */
static bool give_token(struct f2m_cloud *c, struct call *call, struct f2m_now now)
{
    const char *token = f2m_tokens_get(c->tokens, call->site_id, now);
    if (!token)
        return false;
    call->token = f2m_xstrdup(token);
    call->stage = QUEUED;
    return true;
}

static void want_token(struct f2m_cloud *c, const char *site_id, struct f2m_now now)
{
    struct f2m_reply failed;
    if (f2m_tokens_waiting(c->tokens, site_id, now, &failed))
        c->refusals = true;
    else
        fetch_token(c, site_id);
}

/* Sends what may go. Token fetches join the end of the list and are reached in the same walk. */
static void pump(struct f2m_cloud *c, struct f2m_now now, struct f2m_effects *fx)
{
    struct call *call;
    for (call = c->calls; call; call = call->next) {
        if (c->in_flight >= F2M_MAX_HTTP_IN_FLIGHT)
            return;
        if (call->stage == NEEDS_TOKEN && !give_token(c, call, now) && !fetching(c, call->site_id))
            want_token(c, call->site_id, now);
        if (call->stage == QUEUED)
            launch(c, call, fx);
    }
}

/* Mostly a client call is out already, with its body (a batch may have a megabyte) in the effect, and is never sent
 * again; a site call may be, with another token. */
static void keep_body(struct call *call)
{
    if (call->body.at && (call->site_id || call->stage != IN_FLIGHT)) {
        call->kept_body = f2m_xmemdup0(call->body.at, call->body.len);
        call->body.at = call->kept_body;
    } else {
        call->body = (struct f2m_slice){NULL, 0};
    }
}

int f2m_cloud_call(struct f2m_cloud *c, struct f2m_now now, const struct f2m_call *wanted, struct f2m_effects *fx,
                   struct f2m_err *err)
{
    const struct f2m_endpoint_info *info = &f2m_endpoint_info[wanted->endpoint];
    f2m_autostrbuf path;
    f2m_strbuf_init(&path, MAX_PATH_BYTES);
    int rc = f2m_endpoint_path(wanted->endpoint, &wanted->ids, wanted->query, &path, err);
    if (rc < 0)
        return rc;
    size_t most = F2M_MAX_HTTP_WAITING - (info->method == F2M_HTTP_GET ? RESERVED_FOR_WRITES : 0);
    if (c->accepted >= most) {
        f2m_err_set(err, "%zu calls to Flip are waiting already", c->accepted);
        return -EBUSY;
    }
    struct call *call = f2m_xcalloc(1, sizeof *call);
    call->owner = *wanted;
    call->path = f2m_strbuf_take(&path);
    call->stage = QUEUED;
    if (info->token == F2M_TOKEN_SITE) {
        call->site_id = f2m_xstrdup(wanted->ids.site_id);
        call->stage = NEEDS_TOKEN;
    }
    call->body = wanted->body;
    DL_APPEND(c->calls, call);
    c->accepted++;
    pump(c, now, fx);
    keep_body(call);
    return 0;
}

/* ---- results ---- */

static void hand_back(struct f2m_cloud *c, struct f2m_now now, struct call *call, const struct f2m_reply *reply,
                      struct f2m_effects *fx)
{
    c->accepted--;
    call->owner.done(call->owner.owner, call->owner.id, now, reply, fx);
    call_free(call);
}

static void finish(struct f2m_cloud *c, struct f2m_now now, struct call *call, const struct f2m_reply *reply,
                   struct f2m_effects *fx)
{
    if (reply->outcome == F2M_OUTCOME_RETRY || reply->outcome == F2M_OUTCOME_AUTH)
        c->counters->retries++;
    hand_back(c, now, call, reply, fx);
}

/* Every call that waits for this site's token goes on with it, or ends with what the fetch got. */
static void settle_waiting(struct f2m_cloud *c, struct f2m_now now, const char *site_id, const char *token,
                           const struct f2m_reply *reply, struct f2m_effects *fx)
{
    struct call *call, *next, *ended = NULL;
    for (call = c->calls; call; call = next) {
        next = call->next;
        if (call->stage != NEEDS_TOKEN || strcmp(call->site_id, site_id) != 0)
            continue;
        if (token) {
            call->token = f2m_xstrdup(token);
            call->stage = QUEUED;
        } else {
            DL_DELETE(c->calls, call);
            DL_APPEND(ended, call);
        }
    }
    /* done() may call us again: from here on the list is not walked. */
    while ((call = ended)) {
        DL_DELETE(ended, call);
        finish(c, now, call, reply, fx);
    }
}

static void fetched(struct f2m_cloud *c, struct f2m_now now, struct call *fetch, struct f2m_reply *reply,
                    struct f2m_effects *fx)
{
    if (fetch->generation != c->generation) /* of another account or server: those who wait fetch anew */
        return;
    const char *token = NULL;
    if (reply->outcome == F2M_OUTCOME_OK)
        token = f2m_tokens_put(c->tokens, fetch->site_id, reply->body, now);
    if (reply->outcome == F2M_OUTCOME_OK && !token)
        *reply = (struct f2m_reply){.outcome = F2M_OUTCOME_RETRY,
                                    .status = reply->status,
                                    .message = "the answer to site_token/create holds no site_access_token"};
    if (reply->outcome == F2M_OUTCOME_RETRY)
        f2m_tokens_failed(c->tokens, fetch->site_id, reply, now);
    settle_waiting(c, now, fetch->site_id, token, reply, fx);
}

/* Interface, Sites 1: a site token is renewed once on 401. */
static bool renew(struct f2m_cloud *c, struct call *call, const struct f2m_reply *reply)
{
    if (reply->status != 401 || call->fetch || !call->site_id)
        return false;
    f2m_tokens_drop(c->tokens, call->site_id, call->token);
    if (call->renewed)
        return false;
    call->renewed = true;
    f2m_secret_free(f2m_take(call->token));
    call->stage = NEEDS_TOKEN;
    DL_APPEND(c->calls, call);
    return true;
}

static struct call *take_flying(struct f2m_cloud *c, uint64_t tag)
{
    struct call *call;
    for (call = c->calls; call; call = call->next)
        if (call->stage == IN_FLIGHT && call->tag == tag) {
            DL_DELETE(c->calls, call);
            c->in_flight--;
            return call;
        }
    return NULL;
}

bool f2m_cloud_http_done(struct f2m_cloud *c, struct f2m_now now, const struct f2m_http_result *result,
                         struct f2m_effects *fx)
{
    struct call *call = take_flying(c, result->tag);
    if (!call)
        return false;
    char message[F2M_REPLY_MESSAGE_SIZE];
    struct f2m_reply reply;
    const char *secrets[2] = {c->config->flip.token, call->token};
    f2m_outcome_read(result, secrets, message, &reply);
    bool stale = call->generation != c->generation;
    if (stale && reply.outcome == F2M_OUTCOME_AUTH) { /* says nothing about the token that holds now */
        reply.outcome = F2M_OUTCOME_RETRY;
    } else {
        bool foreign = !reply.body.at && f2m_slice_trim(result->body).len > 0;
        bool away = f2m_reach_state(&c->reach) == F2M_CLOUD_OFFLINE;
        f2m_reach_note(&c->reach, now, call->owner.endpoint, &reply, foreign, fx);
        if (away && f2m_reach_state(&c->reach) == F2M_CLOUD_ONLINE)
            f2m_tokens_reachable(c->tokens);
    }
    if (call->fetch) {
        fetched(c, now, call, &reply, fx);
        call_free(call);
    } else if (!renew(c, call, &reply)) {
        finish(c, now, call, &reply, fx);
    }
    pump(c, now, fx);
    return true;
}

/* ---- time and state ---- */

/* Never from within f2m_cloud_call(), as done() is not. */
static void end_refused(struct f2m_cloud *c, struct f2m_now now, struct f2m_effects *fx)
{
    struct call *call, *next, *ended = NULL;
    struct f2m_reply failed;
    if (!c->refusals)
        return;
    c->refusals = false;
    for (call = c->calls; call; call = next) {
        next = call->next;
        if (call->stage != NEEDS_TOKEN || !f2m_tokens_waiting(c->tokens, call->site_id, now, &failed))
            continue;
        DL_DELETE(c->calls, call);
        DL_APPEND(ended, call);
    }
    while ((call = ended)) {
        DL_DELETE(ended, call);
        (void)f2m_tokens_waiting(c->tokens, call->site_id, now, &failed);
        hand_back(c, now, call, &failed, fx);
    }
}

void f2m_cloud_tick(struct f2m_cloud *c, struct f2m_now now, struct f2m_effects *fx)
{
    f2m_reach_tick(&c->reach, now, fx);
    end_refused(c, now, fx);
    pump(c, now, fx); /* after a reload, calls may need a token again */
}

int64_t f2m_cloud_deadline(const struct f2m_cloud *c)
{
    return c->refusals ? INT64_MIN : f2m_reach_deadline(&c->reach);
}

bool f2m_cloud_paused(const struct f2m_cloud *c, struct f2m_now now)
{
    return f2m_reach_paused(&c->reach, now);
}

int64_t f2m_cloud_paused_until(const struct f2m_cloud *c)
{
    return c->reach.paused_until_mono;
}

enum f2m_cloud_state f2m_cloud_state(const struct f2m_cloud *c)
{
    return f2m_reach_state(&c->reach);
}

const char *f2m_cloud_last_error(const struct f2m_cloud *c)
{
    return c->reach.last_error;
}

size_t f2m_cloud_in_flight(const struct f2m_cloud *c)
{
    return c->in_flight;
}
