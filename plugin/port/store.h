/*
 * The store port: what the pure rooms may ask of durable storage. SQLite (store/sqlite.h) is the first
 * implementation; another one fills the same table of functions. Synchronous, single-threaded, owned by the main
 * thread.
 *
 * Changes become durable with f2m_store_commit(), once per turn of the loop; the engine lets no effect out before
 * that. When commit fails, everything since the last commit is undone: the caller keeps its own copy until then.
 *
 * Errors: 0 = done; -EEXIST = the key is there already (nothing changed); -ENOSPC = disk full; -EIO = anything else.
 * Strings and slices handed in are copied; those handed to a visitor live for that call only.
 */
#ifndef F2M_PORT_STORE_H
#define F2M_PORT_STORE_H

#include "util/slice.h"
#include "util/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Telemetry endpoints: which of Flip's two telemetry calls carries a point. */
enum f2m_telemetry_endpoint {
    F2M_TELEMETRY_INTERVAL, /* POST /v1/telemetry/BATTERY */
    F2M_TELEMETRY_COUNTER,  /* POST /v1/telemetry/BATTERY_COUNTER */
    F2M_TELEMETRY_OFF,
};

/* A closed point: a key, and finished JSON text that never changes again. */
struct f2m_point {
    int64_t id; /* given by the store, > 0, never the same for two keys (device_id, start_ms, endpoint) */
    const char *device_id;
    int64_t start_ms; /* start_time, or the counter endpoint's timestamp; unique together with device_id and endpoint */
    enum f2m_telemetry_endpoint endpoint;
    struct f2m_slice body; /* the object that Flip gets, byte for byte */
    int64_t closed_ms;     /* wall time at which it was closed */
    bool rejected;
    const char *message; /* Flip's message where rejected, else NULL */
};

enum f2m_point_order {
    F2M_POINTS_OLDEST, /* by start_ms, then id */
    F2M_POINTS_NEWEST, /* the reverse */
};

struct f2m_point_query {
    enum f2m_telemetry_endpoint endpoint; /* F2M_TELEMETRY_OFF = both */
    bool rejected;                        /* false: waiting points; true: rejected ones */
    const char *device_id;                /* NULL = every device */
    enum f2m_point_order order;
    int64_t closed_since_ms; /* only points closed at or after; 0 = all */
};

/* Return false to stop the walk. The store may not be changed from inside. */
typedef bool (*f2m_point_visit)(void *ctx, const struct f2m_point *);

struct f2m_outbox_stats {
    int64_t pending;         /* waiting points */
    int64_t rejected;        /* rejected points, kept */
    int64_t oldest_start_ms; /* of the waiting ones; 0 where none */
    int64_t bytes;           /* size of the database in use, waiting and rejected included */
    bool disk_full;          /* no point is taken (point_put answers -ENOSPC) until there is room again */
};

/* Small named values, one namespace per collection; key and value are opaque text to the store. */
enum f2m_collection {
    F2M_STORE_META,            /* client id, sizes learnt, last wall time, … */
    F2M_STORE_DEVICE,          /* per device: counter baselines, high-water mark (telemetry) */
    F2M_STORE_COMMAND,         /* per command id: Flip's command and what we did about it (control) */
    F2M_STORE_ACKNOWLEDGEMENT, /* per command id: a status that Flip has not confirmed (control) */
    F2M_STORE_CONTROL,         /* per device: what the battery was last told, pause (control) */
    F2M_STORE_OBJECT,          /* Flip's objects as last seen, and what was commissioned (sites) */
    F2M_STORE_NOTIFICATION,    /* keys of notifications published (sites) */
    F2M_STORE_WEBHOOK,         /* Webhook-Ids seen */
    F2M_STORE_ANNOUNCED,       /* topics that hold something retained of ours (homeassistant, clarification 20) */
    F2M_STORE_COLLECTIONS
};

typedef bool (*f2m_record_visit)(void *ctx, const char *key, struct f2m_slice value, int64_t changed_ms);

struct f2m_store; /* an implementation embeds it as its first member */

struct f2m_store_ops {
    int (*point_put)(struct f2m_store *, const struct f2m_point *, int64_t *id);
    int (*points_each)(struct f2m_store *, const struct f2m_point_query *, f2m_point_visit, void *ctx);
    int (*points_delete)(struct f2m_store *, const int64_t *ids, size_t n);
    int (*point_reject)(struct f2m_store *, int64_t id, const char *message);
    int (*points_retry)(struct f2m_store *, const char *device_id, int64_t *n);
    int (*points_drop)(struct f2m_store *, const char *device_id, int64_t *n);
    int (*outbox_stats)(struct f2m_store *, struct f2m_outbox_stats *);
    int (*outbox_trim)(struct f2m_store *, int64_t closed_before_ms, int64_t max_bytes, int64_t *dropped);
    int (*record_put)(struct f2m_store *, enum f2m_collection, const char *key, struct f2m_slice value, int64_t now_ms);
    int (*record_get)(struct f2m_store *, enum f2m_collection, const char *key, struct f2m_strbuf *value);
    int (*record_delete)(struct f2m_store *, enum f2m_collection, const char *key);
    int (*records_each)(struct f2m_store *, enum f2m_collection, f2m_record_visit, void *ctx);
    int (*records_trim)(struct f2m_store *, enum f2m_collection, int64_t changed_before_ms, int64_t keep_newest);
    int (*commit)(struct f2m_store *);
    void (*free)(struct f2m_store *);
};

struct f2m_store {
    const struct f2m_store_ops *ops;
};

/* Adds a point. -EEXIST where (device, start, endpoint) is there already: an existing point is never written again. */
static inline int f2m_store_point_put(struct f2m_store *s, const struct f2m_point *point, int64_t *id)
{
    return s->ops->point_put(s, point, id);
}
static inline int f2m_store_points_each(struct f2m_store *s, const struct f2m_point_query *q, f2m_point_visit visit,
                                        void *ctx)
{
    return s->ops->points_each(s, q, visit, ctx);
}
/* After Flip's OK. Ids that are gone are no error. */
static inline int f2m_store_points_delete(struct f2m_store *s, const int64_t *ids, size_t n)
{
    return s->ops->points_delete(s, ids, n);
}
/* Keeps the point, with Flip's message, out of the uploads until retried. */
static inline int f2m_store_point_reject(struct f2m_store *s, int64_t id, const char *message)
{
    return s->ops->point_reject(s, id, message);
}
/* Rejected points of a device (NULL = all) wait again, or are deleted; *n = how many. */
static inline int f2m_store_points_retry(struct f2m_store *s, const char *device_id, int64_t *n)
{
    return s->ops->points_retry(s, device_id, n);
}
static inline int f2m_store_points_drop(struct f2m_store *s, const char *device_id, int64_t *n)
{
    return s->ops->points_drop(s, device_id, n);
}
static inline int f2m_store_outbox_stats(struct f2m_store *s, struct f2m_outbox_stats *stats)
{
    return s->ops->outbox_stats(s, stats);
}
/* Deletes the oldest points (rejected ones first) closed before the time or beyond the size (by size, the newest 64
 * waiting ones stay); *dropped = how many. */
static inline int f2m_store_outbox_trim(struct f2m_store *s, int64_t closed_before_ms, int64_t max_bytes,
                                        int64_t *dropped)
{
    return s->ops->outbox_trim(s, closed_before_ms, max_bytes, dropped);
}
static inline int f2m_store_record_put(struct f2m_store *s, enum f2m_collection c, const char *key,
                                       struct f2m_slice value, int64_t now_ms)
{
    return s->ops->record_put(s, c, key, value, now_ms);
}
/* Appends the value; -ENOENT where there is none. */
static inline int f2m_store_record_get(struct f2m_store *s, enum f2m_collection c, const char *key,
                                       struct f2m_strbuf *value)
{
    return s->ops->record_get(s, c, key, value);
}
static inline int f2m_store_record_delete(struct f2m_store *s, enum f2m_collection c, const char *key)
{
    return s->ops->record_delete(s, c, key);
}
/* In the order of their keys. */
static inline int f2m_store_records_each(struct f2m_store *s, enum f2m_collection c, f2m_record_visit visit, void *ctx)
{
    return s->ops->records_each(s, c, visit, ctx);
}
/* Deletes records changed before the time, and the oldest beyond keep_newest (0 = no such cap). */
static inline int f2m_store_records_trim(struct f2m_store *s, enum f2m_collection c, int64_t changed_before_ms,
                                         int64_t keep_newest)
{
    return s->ops->records_trim(s, c, changed_before_ms, keep_newest);
}
/* Makes everything since the last commit durable; no-op where nothing changed. A turn that deleted a few points and
 * changed nothing else may be put off to the next commit (flash): a crash in between only means sending them again. */
static inline int f2m_store_commit(struct f2m_store *s)
{
    return s->ops->commit(s);
}
static inline void f2m_store_free(struct f2m_store *s)
{
    if (s)
        s->ops->free(s);
}

#endif
