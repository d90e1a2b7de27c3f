/*
 * The durable queue between closed points and Flip. A point is on disk before anything else happens to it and leaves
 * only after Flip said OK for its index. While the disk refuses writes, closed points wait in memory (bounded).
 * Also tells `device/<id>/telemetry` each transition of a device's latest point: pending, sent, rejected.
 * Interface, Telemetry 5 and 6, clarifications 11, 34.
 */
#ifndef F2M_TELEMETRY_OUTBOX_H
#define F2M_TELEMETRY_OUTBOX_H

#include "config/config.h"
#include "port/counters.h"
#include "port/effect.h"
#include "port/store.h"
#include "util/now.h"

struct f2m_outbox;

struct f2m_outbox *f2m_outbox_new(const struct f2m_config *, struct f2m_store *, struct f2m_counters *);
void f2m_outbox_free(struct f2m_outbox *);
void f2m_outbox_reload(struct f2m_outbox *, const struct f2m_config *);

/* Takes a closed point (copied). -EEXIST where its key is there already: the point is dropped, which is right, since a
 * key is never reused with other content. Any other failure keeps it in memory and returns 0. */
int f2m_outbox_put(struct f2m_outbox *, struct f2m_now, const struct f2m_point *, struct f2m_effects *);
/* After the turn's commit. ok false: everything put in this turn goes back to memory. */
void f2m_outbox_committed(struct f2m_outbox *, struct f2m_now, bool ok, struct f2m_effects *);

/* The points of a batch, chosen by the uploader: at most `max`, never one whose device is held. Points in memory have
 * negative ids. The bodies live until the next call of any function here. */
typedef bool (*f2m_outbox_wanted)(void *ctx, const struct f2m_point *);
size_t f2m_outbox_take(struct f2m_outbox *, enum f2m_telemetry_endpoint, size_t max, int64_t fresh_since_ms,
                       f2m_outbox_wanted, void *ctx, struct f2m_point *points);

/* Flip's verdicts. */
void f2m_outbox_sent(struct f2m_outbox *, struct f2m_now, const struct f2m_point *points, size_t n,
                     struct f2m_effects *);
void f2m_outbox_rejected(struct f2m_outbox *, struct f2m_now, const struct f2m_point *, const char *message,
                         struct f2m_effects *);

/* outbox/retry, outbox drop: rejected points of a device (NULL = all); how many. */
int64_t f2m_outbox_retry(struct f2m_outbox *, struct f2m_now, const char *device_id, struct f2m_effects *);
int64_t f2m_outbox_drop(struct f2m_outbox *, struct f2m_now, const char *device_id, struct f2m_effects *);
/* Rejected points whose message says that Flip does not know the device wait again (after commissioning). */
int64_t f2m_outbox_retry_unknown_device(struct f2m_outbox *, struct f2m_now, const char *device_id,
                                        struct f2m_effects *);

/* Retention (age, size), moving points from memory to disk again. */
void f2m_outbox_tick(struct f2m_outbox *, struct f2m_now, struct f2m_effects *);
int64_t f2m_outbox_deadline(const struct f2m_outbox *);
void f2m_outbox_mqtt_up(struct f2m_outbox *, struct f2m_now, struct f2m_effects *); /* publishes the latest anew */

struct f2m_outbox_stats f2m_outbox_stats(const struct f2m_outbox *); /* memory included; cheap */
/* Last insertion time (mono), so that the uploader wakes; 0 = never. */
int64_t f2m_outbox_last_put(const struct f2m_outbox *);
bool f2m_outbox_disk_failing(const struct f2m_outbox *); /* health is critical */

#endif
