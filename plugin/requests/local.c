/* The bridge's own operations: what waits for Flip, and what Flip rejected and why. */
#include "requests/internal.h"

#include "util/json_writer.h"

#define LIST_MAX 1000 /* points in one answer; `more` tells that there are others */

static void add_stats(struct f2m_requests *r, struct f2m_jw *w)
{
    struct f2m_outbox_stats stats = f2m_outbox_stats(r->c.outbox);
    f2m_jw_integer(w, "pending", stats.pending);
    f2m_jw_integer(w, "rejected", stats.rejected);
    if (stats.oldest_start_ms)
        f2m_jw_time(w, "oldest_start_time", stats.oldest_start_ms);
    else
        f2m_jw_null(w, "oldest_start_time");
    f2m_jw_integer(w, "bytes", stats.bytes);
}

struct listing {
    struct f2m_jw *w;
    size_t n;
};

static bool add_point(void *ctx, const struct f2m_point *point)
{
    struct listing *l = ctx;
    if (l->n++ >= LIST_MAX)
        return false;
    f2m_jw_object(l->w, NULL);
    f2m_jw_string(l->w, "device_id", point->device_id);
    f2m_jw_string(l->w, "endpoint", point->endpoint == F2M_TELEMETRY_COUNTER ? "counter" : "interval");
    f2m_jw_time(l->w, "start_time", point->start_ms);
    f2m_jw_string(l->w, "state", point->rejected ? "rejected" : "pending");
    f2m_jw_string(l->w, "message", point->message);
    f2m_jw_raw(l->w, "point", point->body);
    f2m_jw_end(l->w);
    return true;
}

static void add_list(struct f2m_requests *r, const char *device_id, struct f2m_jw *w)
{
    struct listing l = {.w = w};
    struct f2m_point_query query = {
        .endpoint = F2M_TELEMETRY_OFF, .rejected = true, .device_id = device_id, .order = F2M_POINTS_OLDEST};
    f2m_jw_array(w, "points");
    (void)f2m_store_points_each(r->c.store, &query, add_point, &l); /* a failing store shows in health */
    query.rejected = false;
    (void)f2m_store_points_each(r->c.store, &query, add_point, &l);
    f2m_jw_end(w);
    f2m_jw_bool(w, "more", l.n > LIST_MAX);
}

void request_outbox(struct f2m_requests *r, struct request *q, struct f2m_now now, struct f2m_effects *fx)
{
    const char *device_id = q->envelope.device_id[0] ? q->envelope.device_id : NULL;
    struct f2m_jw w = f2m_jw(&q->items);
    f2m_jw_object(&w, NULL);
    switch (q->operation.kind) {
    case F2M_OPERATION_OUTBOX_RETRY:
        f2m_jw_integer(&w, "retried", f2m_outbox_retry(r->c.outbox, now, device_id, fx));
        break;
    case F2M_OPERATION_OUTBOX_DROP:
        f2m_jw_integer(&w, "dropped", f2m_outbox_drop(r->c.outbox, now, device_id, fx));
        break;
    case F2M_OPERATION_OUTBOX_LIST: add_list(r, device_id, &w); break;
    case F2M_OPERATION_OUTBOX_STATS:
    case F2M_OPERATION_FLIP: break;
    }
    add_stats(r, &w);
    f2m_jw_end(&w);
    request_answer(r, q, &(struct answer){.data = {q->items.data, q->items.len}}, fx);
}
