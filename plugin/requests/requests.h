/*
 * bridge/request/<operation> -> bridge/response/<operation>: every Flip endpoint from an automation. Every accepted
 * request gets exactly one answer, at the latest at its deadline or at shutdown. Interface, section 3.4, clarifications
 * 16, 27, 40.
 */
#ifndef F2M_REQUESTS_REQUESTS_H
#define F2M_REQUESTS_REQUESTS_H

#include "config/config.h"
#include "flip/cloud.h"
#include "port/counters.h"
#include "port/effect.h"
#include "port/event.h"
#include "port/store.h"
#include "telemetry/outbox.h"
#include "util/now.h"

struct f2m_requests;

struct f2m_requests_context {
    const struct f2m_config *config;
    struct f2m_cloud *cloud;
    struct f2m_outbox *outbox;
    struct f2m_store *store; /* outbox/list reads it */
    struct f2m_counters *counters;
    /* Told of every successful answer, so that site topics follow (sites/). */
    void (*observed)(void *ctx, struct f2m_now, enum f2m_endpoint, const struct f2m_path_ids *, struct f2m_slice body,
                     struct f2m_effects *);
    void *observed_ctx;
};

struct f2m_requests *f2m_requests_new(const struct f2m_requests_context *);
void f2m_requests_free(struct f2m_requests *);
void f2m_requests_reload(struct f2m_requests *, const struct f2m_config *);
/* `operation` is the rest of the topic after bridge/request/. */
void f2m_requests_message(struct f2m_requests *, struct f2m_now, struct f2m_slice operation,
                          const struct f2m_mqtt_message *, struct f2m_effects *);
/* While the broker is away answers wait for it. */
void f2m_requests_mqtt_up(struct f2m_requests *, struct f2m_effects *);
void f2m_requests_mqtt_down(struct f2m_requests *);
/* After the turn's commit. ok false: its answers were dropped with all publishes, and are published with the next tick;
 * those that told of a change of the store tell that it was not made. */
void f2m_requests_committed(struct f2m_requests *, bool ok);
void f2m_requests_tick(struct f2m_requests *, struct f2m_now, struct f2m_effects *);
int64_t f2m_requests_deadline(const struct f2m_requests *);
void f2m_requests_stop(struct f2m_requests *, struct f2m_now, struct f2m_effects *); /* answers what is open */

#endif
