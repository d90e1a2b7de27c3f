/*
 * The durable queue between closed points and Flip. A point is on disk before anything else happens to it and leaves
 * only after Flip said OK for its index. While the disk refuses writes, closed points wait in memory
 * (F2M_MAX_POINTS_IN_MEMORY), are sent from there, and are moved to disk when it works again; Flip's verdicts that the
 * disk did not take are remembered (F2M_MAX_OPEN_VERDICTS), so that no point is sent again meanwhile.
 * Also tells `device/<id>/telemetry` each transition of a device's latest point: pending (once it is on disk), sent,
 * rejected; for the first F2M_MAX_LATEST_POINTS devices of the configuration. Interface, Telemetry 5 and 6,
 * clarifications 11, 34.
 */
#ifndef F2M_TELEMETRY_OUTBOX_H
#define F2M_TELEMETRY_OUTBOX_H

#include "config/config.h"
#include "port/counters.h"
#include "port/effect.h"
#include "port/store.h"
#include "telemetry/outbox_latest.h"
#include "util/now.h"

struct f2m_outbox;

/* Config, store and counters are borrowed; the configuration until the next reload. */
struct f2m_outbox *f2m_outbox_new(const struct f2m_config *, struct f2m_store *, struct f2m_counters *);
void f2m_outbox_free(struct f2m_outbox *);
void f2m_outbox_reload(struct f2m_outbox *, const struct f2m_config *);

/* Takes a closed point (copied). -EEXIST where its key is there already: the point is dropped, which is right, since a
 * key is never reused with other content. Any other failure keeps it in memory and returns 0, as does an earlier point
 * of its device that is in memory still: a device's points get on disk in their order. */
int f2m_outbox_put(struct f2m_outbox *, struct f2m_now, const struct f2m_point *, struct f2m_effects *);
/* The device's record (F2M_STORE_DEVICE: counter baselines, high-water mark) as its last point left it; copied. It gets
 * on disk in the same transaction as that point, or as soon as Flip has the point: ahead of it, a crash would lose the
 * point's energy; behind it, count it twice. */
void f2m_outbox_record(struct f2m_outbox *, struct f2m_now, const char *device_id, struct f2m_slice record,
                       struct f2m_effects *);
/* After every turn's commit. ok false: everything put in this turn goes back to memory. Publishes the transitions of
 * this turn: nobody hears of a point before it is on disk. */
void f2m_outbox_committed(struct f2m_outbox *, struct f2m_now, bool ok, struct f2m_effects *);

/* Offers waiting points of an endpoint, at most `max` of them accepted: first those closed since `fresh_since_ms` (up
 * to three quarters of max), then the backlog, oldest first. A point that was put in this turn is not offered yet.
 * offer() copies what it needs (the point lives for that call) and returns true to accept. An accepted point is taken:
 * it is not offered again before it is released, so no point is on its way twice. Points in memory have negative ids.
 * *n = how many were accepted. 0; -EIO where the store could not be read, so that more may wait. */
typedef bool (*f2m_outbox_offer)(void *ctx, const struct f2m_point *);
int f2m_outbox_take(struct f2m_outbox *, enum f2m_telemetry_endpoint, size_t max, int64_t fresh_since_ms,
                    f2m_outbox_offer, void *ctx, size_t *n) __attribute__((warn_unused_result));
/* Taken points whose outcome is unknown: they wait again. */
void f2m_outbox_release(struct f2m_outbox *, int64_t id);
/* Flip's verdicts on taken points. Only id, device_id and start_ms are read. */
void f2m_outbox_sent(struct f2m_outbox *, struct f2m_now, const struct f2m_point *points, size_t n,
                     struct f2m_effects *);
void f2m_outbox_rejected(struct f2m_outbox *, struct f2m_now, const struct f2m_point *, const char *message,
                         struct f2m_effects *);

/* Counts that only grow, per endpoint: a change tells the uploader that there is something to do. */
struct f2m_outbox_news {
    uint64_t closed;   /* points put */
    uint64_t returned; /* waiting points became available otherwise: retried, or the disk works again */
};
struct f2m_outbox_news f2m_outbox_news(const struct f2m_outbox *, enum f2m_telemetry_endpoint);

/* outbox/retry, outbox drop: rejected points of a device (NULL = all); how many. */
int64_t f2m_outbox_retry(struct f2m_outbox *, struct f2m_now, const char *device_id, struct f2m_effects *);
int64_t f2m_outbox_drop(struct f2m_outbox *, struct f2m_now, const char *device_id, struct f2m_effects *);
/* Where Flip said that it does not know the device, its rejected points wait again (after commissioning). */
int64_t f2m_outbox_retry_unknown_device(struct f2m_outbox *, struct f2m_now, const char *device_id,
                                        struct f2m_effects *);

/* Retention (age, size), moving points from memory to disk again. */
void f2m_outbox_tick(struct f2m_outbox *, struct f2m_now, struct f2m_effects *);
int64_t f2m_outbox_deadline(const struct f2m_outbox *); /* mono ms; INT64_MAX = none */
/* The latest points are published anew, with the turn's committed(). */
void f2m_outbox_mqtt_up(struct f2m_outbox *, struct f2m_now, struct f2m_effects *);

/* The latest point of a device; false where there is none. */
bool f2m_outbox_latest(const struct f2m_outbox *, const char *device_id, struct f2m_latest_point *);

struct f2m_outbox_stats f2m_outbox_stats(const struct f2m_outbox *); /* memory included; cheap */
bool f2m_outbox_disk_failing(const struct f2m_outbox *);             /* health is critical */

#endif
