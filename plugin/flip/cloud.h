/*
 * Every call to Flip goes through here: path, the right token (site tokens fetched, cached, renewed; single flight per
 * site), outcome, and whether the cloud is reachable. Pure: calls become F2M_FX_HTTP effects, their results come in as
 * F2M_EV_HTTP_DONE, the answer goes to the caller's function.
 *
 * A site call that gets 401 is repeated once with a new token; where fetching the token fails, its calls end with that
 * outcome, and so do those that come before the site's one backoff is over (with the rest of it as Retry-After). Logs
 * each change of the state below once, never each attempt.
 */
#ifndef F2M_FLIP_CLOUD_H
#define F2M_FLIP_CLOUD_H

#include "flip/endpoint.h"
#include "flip/outcome.h"
#include "port/counters.h"
#include "port/effect.h"
#include "port/event.h"
#include "util/now.h"
#include "util/rng.h"

typedef void (*f2m_cloud_done)(void *owner, uint64_t id, struct f2m_now, const struct f2m_reply *,
                               struct f2m_effects *);

struct f2m_call {
    enum f2m_endpoint endpoint;
    struct f2m_path_ids ids;
    const char *query;     /* NULL = none */
    struct f2m_slice body; /* {NULL, 0} = none */
    f2m_cloud_done done;   /* called exactly once for an accepted call, never from within f2m_cloud_call() */
    void *owner;
    uint64_t id; /* the owner's own */
};

struct f2m_cloud;

/* `config` is borrowed until the next reload, the others for good. */
struct f2m_cloud *f2m_cloud_new(const struct f2m_config *, struct f2m_counters *, struct f2m_rng *);
void f2m_cloud_free(struct f2m_cloud *); /* wipes tokens; calls in flight are forgotten without done() */
/* New client token or base URL: site tokens are forgotten, an authentication pause ends (Interface, clarification 10).
 */
void f2m_cloud_reload(struct f2m_cloud *, const struct f2m_config *);

/* Copies what it needs. 0; -EINVAL with err (a missing id); -EBUSY where too many calls wait (F2M_MAX_HTTP_WAITING).
 * At most F2M_MAX_HTTP_IN_FLIGHT are out at a time, the others wait here in order. Counts every RETRY and AUTH outcome
 * in counters->retries; the callers do not.
 * During an authentication pause client-token calls are accepted: the caller asks f2m_cloud_paused() first. */
int f2m_cloud_call(struct f2m_cloud *, struct f2m_now, const struct f2m_call *, struct f2m_effects *, struct f2m_err *)
    __attribute__((warn_unused_result));
/* True where the result belonged to a call of ours. */
bool f2m_cloud_http_done(struct f2m_cloud *, struct f2m_now, const struct f2m_http_result *, struct f2m_effects *);
void f2m_cloud_tick(struct f2m_cloud *, struct f2m_now, struct f2m_effects *);
int64_t f2m_cloud_deadline(const struct f2m_cloud *); /* mono ms; INT64_MAX = none */

/* The client token was refused (401/403) and the minute is not over: uploads wait. */
bool f2m_cloud_paused(const struct f2m_cloud *, struct f2m_now);
int64_t f2m_cloud_paused_until(const struct f2m_cloud *); /* mono ms; 0 = not paused */

enum f2m_cloud_state {
    F2M_CLOUD_UNKNOWN, /* no call has ended yet */
    F2M_CLOUD_ONLINE,
    F2M_CLOUD_OFFLINE, /* Interface, clarification 10 */
};
enum f2m_cloud_state f2m_cloud_state(const struct f2m_cloud *);
const char *f2m_cloud_last_error(const struct f2m_cloud *); /* of the last failed call, for health; "" = none */
size_t f2m_cloud_in_flight(const struct f2m_cloud *);

#endif
