/*
 * Webhooks: eleven types, signed as Standard Webhooks says, 5 s to answer 200 or 204, then 4 re-deliveries under the
 * same Webhook-Id. Flip: Webhooks. libcurl's multi interface, driven by the one loop.
 */
#ifndef SIM_WEBHOOKS_H
#define SIM_WEBHOOKS_H

#include "sim/json.h"
#include "sim/request.h"

#include <curl/curl.h>

struct sim_delivery;

struct sim_webhooks {
    CURLM *multi; /* owned; the loop waits on it */
    char *url;    /* owned or NULL: nothing is sent */
    char *secret; /* owned or NULL: the whsec_ key */
    int64_t retry_ms;
    struct sim_delivery *deliveries; /* utlist, oldest first */
    int kept, in_flight;
    uint64_t delivered, failed, dropped;
};

struct sim;

/* Returns 0 or -1 (out of handles). The strings are copied. */
int sim_webhooks_init(struct sim_webhooks *, const char *url, const char *secret, int64_t retry_s);
void sim_webhooks_deinit(struct sim_webhooks *);
/* Drops everything that waits or is under way. */
void sim_webhooks_clear(struct sim_webhooks *);
/* Whether the key is whsec_ plus base64 of 1 to 256 bytes. */
bool sim_webhook_secret_valid(const char *secret);
/* Queues one event. event_type "<object type>.<what>"; the object is copied. Nothing where no URL is set. */
void sim_webhook_emit(struct sim *, const char *event_type, const cJSON *object);
/* Starts what is due, takes in what is done. Returns the ms until something is due, at most `most`. */
int64_t sim_webhooks_run(struct sim *, int64_t most);

/* GET /sim/webhooks; POST /sim/webhook {"url","secret","retry_s"}; POST /sim/webhook/send {"event_type",
 * "event_object"} */
void sim_webhooks_get(struct sim *, struct sim_request *);
void sim_webhooks_post(struct sim *, struct sim_request *);
void sim_webhooks_send(struct sim *, struct sim_request *);

#endif
