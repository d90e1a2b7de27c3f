/*
 * Sites: commissioning, programs, enrollments, events, participation, and Flip's news as notifications, each once,
 * whether it came by webhook or by polling. Interface, section 3.2, section 4 "Sites …" and "Webhooks", clarifications
 * 17, 18, 20, 26, 41; Flip: Commission, Program, Enrollment, Event, Webhooks.
 *
 * Decided here, where the interface is silent:
 *  - A notification is kept in the store until the broker has acknowledged it: Flip's news survives an outage of the
 *    broker and a restart. Where the connection breaks between the broker's taking it and its acknowledgement it is
 *    published again; so never lost, and twice at the very worst.
 *  - .created, .started and .ended of an object are told once; everything else once per updated_at. Where an object has
 *    none (Enrollment), the members that make its version stand for it (object.c).
 *  - An event that is CANCELED gives event.canceled, whatever type the webhook had.
 *  - event_object always has object_type, as in the webhooks of today; in the retained topics Flip's objects stand
 *    as polled, without it.
 *  - A request of ours that fails (participation) is told on `notification` with the type participation.error.
 *  - Where a webhook's object names neither a configured site nor a configured device, it is not ours: counted
 *    (counters->foreign_webhooks). Where it names none at all (settings.apply may), it is told at the first site.
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
#include "telemetry/outbox.h"
#include "telemetry/telemetry.h"
#include "util/now.h"
#include "util/rng.h"

struct f2m_sites;

/* All borrowed for the room's life (config until the next reload). */
struct f2m_sites_context {
    const struct f2m_config *config;
    struct f2m_store *store;
    struct f2m_cloud *cloud;
    struct f2m_control *control;     /* command webhooks and polls after an opt-out go there; NULL = none (tests) */
    struct f2m_telemetry *telemetry; /* gets what commissioning learns; NULL = none */
    struct f2m_outbox *outbox;       /* "unknown device" rejections are retried after commissioning; NULL = none */
    struct f2m_rng *rng;
    struct f2m_counters *counters;
    /* Uploads of a site's devices wait for its commissioning (Interface, clarification 26). Called from f2m_sites_new()
     * on. */
    void (*hold_uploads)(void *ctx, const char *device_id, bool hold);
    void *hold_ctx;
};

struct f2m_sites *f2m_sites_new(const struct f2m_sites_context *, struct f2m_now);
void f2m_sites_free(struct f2m_sites *); /* before the cloud is freed or after, but no callback in between */
void f2m_sites_reload(struct f2m_sites *, struct f2m_now, const struct f2m_config *, struct f2m_effects *);

/* Filters of device fields that are sources (serial number, capacity, …). */
void f2m_sites_filters(const struct f2m_sites *, void (*visit)(void *ctx, const char *filter), void *ctx);
/* A message on such a topic (retained ones count as well); true where it was one. */
bool f2m_sites_message(struct f2m_sites *, struct f2m_now, const struct f2m_mqtt_message *, struct f2m_effects *);
/* site/<id>/participation/set (event_id NULL = the running or else next one) and …/event/<eventId>/participation/set */
void f2m_sites_participation_set(struct f2m_sites *, struct f2m_now, const char *site_id, const char *event_id,
                                 struct f2m_slice payload, struct f2m_effects *);
/* A verified webhook body; counted in counters->webhooks. Returns the HTTP status for the answer: 204 taken or seen
 * before (by Webhook-Id, stored in this turn), 400 no usable envelope, 503 could not be stored. */
int f2m_sites_webhook(struct f2m_sites *, struct f2m_now, const char *webhook_id, struct f2m_slice body,
                      struct f2m_effects *);
/* An answer to a request from MQTT that changes or shows an object (requests/ tells): topics follow at once. */
void f2m_sites_observed(struct f2m_sites *, struct f2m_now, enum f2m_endpoint, const struct f2m_path_ids *,
                        struct f2m_slice body, struct f2m_effects *);
/* All subscriptions are answered: retained topics anew (in slices, over the next ticks), waiting notifications, and
 * what is not configured any more is cleared. */
void f2m_sites_mqtt_up(struct f2m_sites *, struct f2m_now, struct f2m_effects *);
void f2m_sites_mqtt_down(struct f2m_sites *, struct f2m_now);
/* Retained topics anew, in slices. */
void f2m_sites_show(struct f2m_sites *, struct f2m_now, struct f2m_effects *);
/* The outcome of a tagged publish; true where the tag was ours (F2M_TAG_SITES in the top byte). */
bool f2m_sites_published(struct f2m_sites *, struct f2m_now, const struct f2m_mqtt_published *, struct f2m_effects *);
#define F2M_TAG_SITES ((uint64_t)0x51 << 56)
void f2m_sites_tick(struct f2m_sites *, struct f2m_now, struct f2m_effects *);
int64_t f2m_sites_deadline(const struct f2m_sites *, struct f2m_now); /* mono ms */
/* After the turn's commit. ok false: its publishes are dropped, its webhooks answered 503 and the store is as before,
 * so memory goes back to what the store says, and Flip is asked again soon. */
void f2m_sites_committed(struct f2m_sites *, struct f2m_now, bool ok);

/* A notification of the interface's envelope, published on site/<id>/notification once (see above). For control's
 * moments (f2m_control_on_moment). */
void f2m_sites_notify(struct f2m_sites *, struct f2m_now, const char *site_id, const char *event_type,
                      struct f2m_slice object, struct f2m_effects *);
/* Plain words for bridge/health and doctor: what commissioning waits for, what Flip refused. */
void f2m_sites_problems(const struct f2m_sites *, void (*visit)(void *ctx, const char *site_id, const char *text),
                        void *ctx);

#endif
