/*
 * The uploader: batches from the outbox to Flip's two telemetry endpoints, one in flight per endpoint. Interface,
 * Telemetry 6, clarifications 10, 26, 34: ≤ 1,000 points a request, gathered for flip.upload_delay, spread by a tenth
 * of the interval, backlog oldest first while fresh points keep flowing, per-index results, halving on 413, and a
 * search for the poison point on 400/422. What it learns about sizes is kept in F2M_STORE_META; a search that a crash
 * cuts off begins again.
 */
#ifndef F2M_TELEMETRY_UPLOAD_H
#define F2M_TELEMETRY_UPLOAD_H

#include "flip/cloud.h"
#include "telemetry/outbox.h"
#include "util/rng.h"

struct f2m_uploader;

/* Everything is borrowed; the configuration until the next reload. Free it before the cloud. */
struct f2m_uploader *f2m_uploader_new(const struct f2m_config *, struct f2m_cloud *, struct f2m_outbox *,
                                      struct f2m_store *, struct f2m_rng *, struct f2m_counters *);
void f2m_uploader_free(struct f2m_uploader *);
void f2m_uploader_reload(struct f2m_uploader *, const struct f2m_config *);
/* Flip, which was away, has answered some other call: a batch that waits only because nobody answered goes within 2 s
 * instead of after up to five minutes. */
void f2m_uploader_reachable(struct f2m_uploader *, struct f2m_now);
void f2m_uploader_tick(struct f2m_uploader *, struct f2m_now, struct f2m_effects *);
int64_t f2m_uploader_deadline(const struct f2m_uploader *, struct f2m_now);
/* The clock is known to be unset: all points wait (Interface, clarification 44). */
void f2m_uploader_wait(struct f2m_uploader *, bool wait);
/* Points of this device wait (its site's commissioning is not answered yet, clarification 26). */
void f2m_uploader_hold(struct f2m_uploader *, const char *device_id, bool hold);
/* SIGTERM: one last batch at once, where no backoff forbids it. Points must be committed to be in it. */
void f2m_uploader_flush(struct f2m_uploader *, struct f2m_now, struct f2m_effects *);
bool f2m_uploader_busy(const struct f2m_uploader *);           /* a batch is in flight */
int64_t f2m_uploader_last_upload(const struct f2m_uploader *); /* wall ms; 0 = never */
/* Why uploads fail although Flip answers (404: a wrong base URL; an answer that breaks the contract), for health; "" =
 * they do not. */
const char *f2m_uploader_trouble(const struct f2m_uploader *);

#endif
