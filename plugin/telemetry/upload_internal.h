/* Private to the uploader's files: upload.c (when to send), upload_done.c (what an answer means), upload_search.c (the
 * poison point in a batch that Flip refused as a whole), upload_limit.c (how large a batch may be). */
#ifndef F2M_TELEMETRY_UPLOAD_INTERNAL_H
#define F2M_TELEMETRY_UPLOAD_INTERNAL_H

#include "flip/backoff.h"
#include "telemetry/upload.h"
#include "telemetry/upload_batch.h"
#include "util/limits.h"

#include <uthash.h>

#define F2M_UPLOAD_LANES F2M_TELEMETRY_OFF /* interval, counter */

/* Points of a batch that Flip refused as a whole: a poison point is among items[lo … hi-1]. All of them stay taken in
 * the outbox. */
struct f2m_suspects {
    struct f2m_batch *batch;
    size_t lo, hi;
};

/* Uploads to one endpoint. */
struct f2m_lane {
    struct f2m_uploader *up;
    enum f2m_telemetry_endpoint endpoint;
    enum f2m_endpoint call;
    /* in flight: the batch, or the first test_len points of suspects[0] */
    struct f2m_batch *batch;
    bool flying;
    size_t test_len; /* 0 = the batch */
    /* when */
    struct f2m_outbox_news seen;
    int64_t due_mono;        /* when gathering ends; INT64_MAX = nothing gathers */
    bool backlog;            /* points may wait that need no gathering */
    bool tested_last;        /* searching and sending take turns */
    int64_t not_before_mono; /* beside the backoff: a pause, a full call table, too many refusals */
    struct f2m_backoff backoff;
    bool unanswered; /* the backoff is for want of any answer: Flip is not there */
    /* how much */
    size_t limit; /* points per request */
    unsigned full_batches;
    /* search */
    struct f2m_suspects suspects[F2M_MAX_SUSPECT_GROUPS];
    size_t suspects_len;
    unsigned refusals;   /* whole-batch refusals since the last judged point */
    const char *failing; /* the failure last logged; NULL = uploads succeed */
    char trouble[320];   /* what health tells; "" = nothing */
};

struct f2m_held {
    UT_hash_handle hh;
    char device_id[];
};

struct f2m_uploader {
    const struct f2m_config *config;
    struct f2m_cloud *cloud;
    struct f2m_outbox *outbox;
    struct f2m_store *store;
    struct f2m_rng *rng;
    struct f2m_counters *counters;
    struct f2m_lane lanes[F2M_UPLOAD_LANES];
    struct f2m_held *held;
    bool waiting; /* for the clock */
    struct f2m_strbuf scratch;
    int64_t last_upload_ms;
};

/* upload_done.c */
void f2m_lane_done(void *owner, uint64_t id, struct f2m_now, const struct f2m_reply *, struct f2m_effects *);
void f2m_lane_reject(struct f2m_lane *, struct f2m_now, const struct f2m_batch *, size_t i, const char *message,
                     struct f2m_effects *);
void f2m_lane_postpone(struct f2m_lane *, int64_t until_mono_ms); /* no request before; never shortens a wait */
void f2m_lane_release(struct f2m_lane *, const struct f2m_batch *, size_t from, size_t to);

/* upload_search.c */
void f2m_search_begin(struct f2m_lane *, struct f2m_effects *, const char *message); /* takes the lane's batch over */
size_t f2m_search_next(const struct f2m_lane *);                                     /* points of the next test */
void f2m_search_known(struct f2m_lane *, size_t n); /* of the tested points the first n are settled */
void f2m_search_refused(struct f2m_lane *, struct f2m_now, const char *message, struct f2m_effects *);
void f2m_search_free(struct f2m_lane *);

/* upload_limit.c */
void f2m_limit_load(struct f2m_lane *);
void f2m_limit_too_large(struct f2m_lane *, struct f2m_now, size_t points, struct f2m_effects *);
void f2m_limit_succeeded(struct f2m_lane *, struct f2m_now, size_t points);

#endif
