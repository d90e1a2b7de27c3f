#include "flip/reach.h"

#include <stdio.h>

#define PAUSE_MS           60000
#define OFFLINE_AFTER_MS   20000
#define OFFLINE_AFTER_FAIL 2

enum verdict {
    NEUTRAL, /* says nothing about either question: 429, 408, a proxy's 413 */
    REACHED, /* Flip answered */
    FAILED,  /* no answer, 5xx, or an answer that is not Flip's (a captive portal) */
    REFUSED, /* Flip answered: not with this client token */
};

static enum verdict judge(enum f2m_endpoint endpoint, const struct f2m_reply *reply, bool foreign)
{
    switch (reply->outcome) {
    case F2M_OUTCOME_OK: return REACHED;
    case F2M_OUTCOME_AUTH: return f2m_endpoint_info[endpoint].token == F2M_TOKEN_CLIENT ? REFUSED : REACHED;
    case F2M_OUTCOME_SPLIT: return foreign ? NEUTRAL : REACHED;
    case F2M_OUTCOME_REJECT: return foreign ? FAILED : REACHED;
    case F2M_OUTCOME_RETRY: return reply->status >= 400 && reply->status < 500 ? NEUTRAL : FAILED;
    }
    return NEUTRAL;
}

enum f2m_cloud_state f2m_reach_state(const struct f2m_reach *r)
{
    if (r->refused || r->unreachable)
        return F2M_CLOUD_OFFLINE;
    return r->answered ? F2M_CLOUD_ONLINE : F2M_CLOUD_UNKNOWN;
}

/* One line per change of the state, not per attempt. */
static void tell(struct f2m_reach *r, struct f2m_effects *fx)
{
    enum f2m_cloud_state state = f2m_reach_state(r);
    if (state == r->told)
        return;
    r->told = state;
    char reason[400];
    if (state == F2M_CLOUD_ONLINE)
        f2m_effects_log(fx, F2M_LOG_INFO, "cloud", "Flip is reachable and accepts the token", "%s", "");
    else if (state == F2M_CLOUD_OFFLINE)
        f2m_effects_log(fx, F2M_LOG_WARN, "cloud",
                        r->refused ? "Flip refuses the client token" : "Flip is not reachable", "reason=%s",
                        f2m_log_value(r->last_error, reason, sizeof reason));
}

static void failed(struct f2m_reach *r, struct f2m_now now)
{
    if (r->failures == 0)
        r->offline_at_mono = now.mono_ms + OFFLINE_AFTER_MS;
    if (r->failures < OFFLINE_AFTER_FAIL)
        r->failures++;
    if (r->failures >= OFFLINE_AFTER_FAIL)
        r->unreachable = true;
}

static void reached(struct f2m_reach *r)
{
    r->unreachable = false;
    r->failures = 0;
    r->offline_at_mono = 0;
}

/* Flip itself (its answer is JSON) says that it does not know the site, or what was looked up there: so it does before
 * every commissioning. Whoever asked tells where that is wrong. */
static bool not_there(enum f2m_endpoint endpoint, const struct f2m_reply *reply)
{
    const struct f2m_endpoint_info *info = &f2m_endpoint_info[endpoint];
    bool looks =
        endpoint == F2M_ENDPOINT_SITE_TOKEN_CREATE || (info->token == F2M_TOKEN_SITE && info->method == F2M_HTTP_GET);
    return looks && reply->status == 404 && reply->body.at;
}

/* 409 on commissioning means that Flip knows it already (Flip, decision 15), and 413 only that a batch was too large.
 */
static bool is_error(enum f2m_endpoint endpoint, const struct f2m_reply *reply)
{
    if (reply->outcome == F2M_OUTCOME_OK || reply->outcome == F2M_OUTCOME_SPLIT || not_there(endpoint, reply))
        return false;
    return endpoint != F2M_ENDPOINT_COMMISSION || reply->status != 409;
}

static void keep_error(struct f2m_reach *r, enum f2m_endpoint endpoint, const struct f2m_reply *reply)
{
    if (!is_error(endpoint, reply))
        return;
    const char *operation = f2m_endpoint_info[endpoint].operation;
    char bare[16];
    snprintf(bare, sizeof bare, "HTTP %d", reply->status);
    if (reply->status && strncmp(reply->message, bare, strlen(bare)) != 0)
        snprintf(r->last_error, sizeof r->last_error, "%s: %s: %s", operation, bare, reply->message);
    else
        snprintf(r->last_error, sizeof r->last_error, "%s: %s", operation, reply->message);
}

void f2m_reach_note(struct f2m_reach *r, struct f2m_now now, enum f2m_endpoint endpoint, const struct f2m_reply *reply,
                    bool foreign, struct f2m_effects *fx)
{
    keep_error(r, endpoint, reply);
    switch (judge(endpoint, reply, foreign)) {
    case NEUTRAL: break;
    case FAILED: failed(r, now); break;
    case REFUSED:
        reached(r);
        r->refused = true;
        /* Not prolonged while it lasts: where Flip refuses one endpoint only, its polls must not keep the uploads
         * waiting for ever. */
        if (!f2m_reach_paused(r, now))
            r->paused_until_mono = now.mono_ms + PAUSE_MS;
        break;
    case REACHED:
        reached(r);
        r->answered = true;
        if (f2m_endpoint_info[endpoint].token == F2M_TOKEN_CLIENT) {
            r->refused = false;
            r->paused_until_mono = 0;
        }
        break;
    }
    tell(r, fx);
}

void f2m_reach_tick(struct f2m_reach *r, struct f2m_now now, struct f2m_effects *fx)
{
    if (r->offline_at_mono && now.mono_ms >= r->offline_at_mono) {
        r->offline_at_mono = 0;
        r->unreachable = true;
        tell(r, fx);
    }
}

int64_t f2m_reach_deadline(const struct f2m_reach *r)
{
    return r->offline_at_mono && !r->unreachable ? r->offline_at_mono : INT64_MAX;
}

bool f2m_reach_paused(const struct f2m_reach *r, struct f2m_now now)
{
    return now.mono_ms < r->paused_until_mono;
}

void f2m_reach_unpause(struct f2m_reach *r)
{
    r->paused_until_mono = 0;
}
