/*
 * Sites: commissioning, programs, enrollments, events, participation, and Flip's news as notifications, each once,
 * whether it came by webhook or by polling. Interface, section 3.2, section 4 "Sites …", clarifications 17, 18, 20, 26,
 * 41; Flip: Commission, Program, Enrollment, Event, Webhooks.
 */
#ifndef F2M_SITES_SITES_H
#define F2M_SITES_SITES_H

#include "config/config.h"
#include "control/control.h"
#include "flip/cloud.h"
#include "port/counters.h"
#include "port/effect.h"
#include "port/event.h"
#include "port/store.h"
#include "util/now.h"
#include "util/rng.h"

struct f2m_sites;

struct f2m_sites_context {
    const struct f2m_config *config;
    struct f2m_store *store;
    struct f2m_cloud *cloud;
    struct f2m_control *control; /* command webhooks and polls after an opt-out go there */
    struct f2m_outbox *outbox;   /* "unknown device" rejections are retried after commissioning */
    struct f2m_rng *rng;
    struct f2m_counters *counters;
    /* uploads of a site's devices wait for its commissioning (clarification 26) */
    void (*hold_uploads)(void *ctx, const char *device_id, bool hold);
    void *hold_ctx;
};

struct f2m_sites *f2m_sites_new(const struct f2m_sites_context *, struct f2m_now);
void f2m_sites_free(struct f2m_sites *);
void f2m_sites_reload(struct f2m_sites *, struct f2m_now, const struct f2m_config *, struct f2m_effects *);

/* Filters of device fields that are sources (serial number, capacity, …). */
void f2m_sites_filters(const struct f2m_sites *, void (*visit)(void *ctx, const char *filter), void *ctx);
bool f2m_sites_message(struct f2m_sites *, struct f2m_now, const struct f2m_mqtt_message *, struct f2m_effects *);
/* site/<id>/participation/set (event_id NULL = the running or else next one) and …/event/<eventId>/participation/set */
void f2m_sites_participation_set(struct f2m_sites *, struct f2m_now, const char *site_id, const char *event_id,
                                 struct f2m_slice payload, struct f2m_effects *);
/* A verified webhook body. Returns the HTTP status for the answer: 204 taken or seen before (by Webhook-Id, stored in
 * this turn), 400 no usable envelope, 503 could not be stored. */
int f2m_sites_webhook(struct f2m_sites *, struct f2m_now, const char *webhook_id, struct f2m_slice body,
                      struct f2m_effects *);
/* An answer to a request from MQTT that changes or shows an object (requests/ tells): topics follow at once. */
void f2m_sites_observed(struct f2m_sites *, struct f2m_now, enum f2m_endpoint, const struct f2m_path_ids *,
                        struct f2m_slice body, struct f2m_effects *);
void f2m_sites_mqtt_up(struct f2m_sites *, struct f2m_now, struct f2m_effects *);
void f2m_sites_tick(struct f2m_sites *, struct f2m_now, struct f2m_effects *);
int64_t f2m_sites_deadline(const struct f2m_sites *, struct f2m_now);

/* A notification of the interface's envelope, published on site/<id>/notification once: the key is (type, object id,
 * updated_at). Used for webhooks, poll differences, and control's started/ended. */
void f2m_sites_notify(struct f2m_sites *, struct f2m_now, const char *site_id, const char *event_type,
                      struct f2m_slice object, struct f2m_effects *);
void f2m_sites_problems(const struct f2m_sites *, void (*visit)(void *ctx, const char *site_id, const char *text),
                        void *ctx);

#endif
