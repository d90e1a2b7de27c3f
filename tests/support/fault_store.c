#include "support/fault_store.h"

#include "store/sqlite.h"
#include "util/xalloc.h"

#include <errno.h>
#include <stdlib.h>

struct fault_store {
    struct f2m_store base; /* first member */
    struct f2m_store *inner;
    int64_t calls[F2M_FAULT_CALLS + 1];
    enum f2m_fault_call planned;
    int64_t countdown; /* 0 = nothing planned, or due with `lasting` */
    int error;         /* 0 = no plan */
    bool lasting;
    bool disk_full;
    int poisoned;
};

static struct fault_store *fault(const struct f2m_store *s)
{
    return (struct fault_store *)(uintptr_t)s; /* base is the first member */
}

/* 0, or the error of this call. */
static int due(struct fault_store *f, enum f2m_fault_call call)
{
    f->calls[call]++;
    f->calls[F2M_FAULT_ANY]++;
    if (!f->error || (f->planned != F2M_FAULT_ANY && f->planned != call))
        return 0;
    if (f->countdown > 0 && --f->countdown > 0)
        return 0;
    int error = f->error;
    if (!f->lasting)
        f->error = 0;
    return error;
}

static int change_due(struct fault_store *f, enum f2m_fault_call call)
{
    int error = due(f, call);
    if (f->poisoned)
        return f->poisoned;
    f->poisoned = error;
    return error;
}

static int point_put(struct f2m_store *s, const struct f2m_point *point, int64_t *id)
{
    struct fault_store *f = fault(s);
    int error = change_due(f, F2M_FAULT_POINT_PUT);
    if (!error && f->disk_full)
        return -ENOSPC;
    return error ? error : f2m_store_point_put(f->inner, point, id);
}

static int points_each(struct f2m_store *s, const struct f2m_point_query *q, f2m_point_visit visit, void *ctx)
{
    int error = due(fault(s), F2M_FAULT_POINTS_EACH);
    return error ? error : f2m_store_points_each(fault(s)->inner, q, visit, ctx);
}

static int points_delete(struct f2m_store *s, const int64_t *ids, size_t n)
{
    int error = change_due(fault(s), F2M_FAULT_POINTS_DELETE);
    return error ? error : f2m_store_points_delete(fault(s)->inner, ids, n);
}

static int point_reject(struct f2m_store *s, int64_t id, const char *message)
{
    int error = change_due(fault(s), F2M_FAULT_POINT_REJECT);
    return error ? error : f2m_store_point_reject(fault(s)->inner, id, message);
}

static int points_retry(struct f2m_store *s, const char *device_id, int64_t *n)
{
    int error = change_due(fault(s), F2M_FAULT_POINTS_RETRY);
    *n = 0;
    return error ? error : f2m_store_points_retry(fault(s)->inner, device_id, n);
}

static int points_drop(struct f2m_store *s, const char *device_id, int64_t *n)
{
    int error = change_due(fault(s), F2M_FAULT_POINTS_DROP);
    *n = 0;
    return error ? error : f2m_store_points_drop(fault(s)->inner, device_id, n);
}

static int outbox_stats(struct f2m_store *s, struct f2m_outbox_stats *stats)
{
    int error = due(fault(s), F2M_FAULT_OUTBOX_STATS);
    if (!error)
        error = f2m_store_outbox_stats(fault(s)->inner, stats);
    if (!error)
        stats->disk_full |= fault(s)->disk_full;
    return error;
}

static int outbox_trim(struct f2m_store *s, int64_t closed_before_ms, int64_t max_bytes, int64_t *dropped)
{
    int error = change_due(fault(s), F2M_FAULT_OUTBOX_TRIM);
    *dropped = 0;
    return error ? error : f2m_store_outbox_trim(fault(s)->inner, closed_before_ms, max_bytes, dropped);
}

static int record_put(struct f2m_store *s, enum f2m_collection c, const char *key, struct f2m_slice value,
                      int64_t now_ms)
{
    int error = change_due(fault(s), F2M_FAULT_RECORD_PUT);
    return error ? error : f2m_store_record_put(fault(s)->inner, c, key, value, now_ms);
}

static int record_get(struct f2m_store *s, enum f2m_collection c, const char *key, struct f2m_strbuf *value)
{
    int error = due(fault(s), F2M_FAULT_RECORD_GET);
    return error ? error : f2m_store_record_get(fault(s)->inner, c, key, value);
}

static int record_delete(struct f2m_store *s, enum f2m_collection c, const char *key)
{
    int error = change_due(fault(s), F2M_FAULT_RECORD_DELETE);
    return error ? error : f2m_store_record_delete(fault(s)->inner, c, key);
}

static int records_each(struct f2m_store *s, enum f2m_collection c, f2m_record_visit visit, void *ctx)
{
    int error = due(fault(s), F2M_FAULT_RECORDS_EACH);
    return error ? error : f2m_store_records_each(fault(s)->inner, c, visit, ctx);
}

static int records_trim(struct f2m_store *s, enum f2m_collection c, int64_t changed_before_ms, int64_t keep_newest)
{
    int error = change_due(fault(s), F2M_FAULT_RECORDS_TRIM);
    return error ? error : f2m_store_records_trim(fault(s)->inner, c, changed_before_ms, keep_newest);
}

static int commit(struct f2m_store *s)
{
    struct fault_store *f = fault(s);
    int error = change_due(f, F2M_FAULT_COMMIT);
    if (!error)
        return f2m_store_commit(f->inner);
    f2m_fault_store_crash(s);
    return error;
}

static void store_free(struct f2m_store *s)
{
    f2m_store_free(fault(s)->inner);
    free(fault(s));
}

struct f2m_store *f2m_fault_store_new(struct f2m_store *inner)
{
    static const struct f2m_store_ops ops = {
        .point_put = point_put,
        .points_each = points_each,
        .points_delete = points_delete,
        .point_reject = point_reject,
        .points_retry = points_retry,
        .points_drop = points_drop,
        .outbox_stats = outbox_stats,
        .outbox_trim = outbox_trim,
        .record_put = record_put,
        .record_get = record_get,
        .record_delete = record_delete,
        .records_each = records_each,
        .records_trim = records_trim,
        .commit = commit,
        .free = store_free,
    };
    struct fault_store *f = f2m_xcalloc(1, sizeof(*f));
    f->base.ops = &ops;
    f->inner = inner;
    return &f->base;
}

void f2m_fault_store_fail(struct f2m_store *s, enum f2m_fault_call call, int64_t nth, int error, bool lasting)
{
    struct fault_store *f = fault(s);
    f->planned = call;
    f->countdown = nth;
    f->error = error;
    f->lasting = lasting;
}

void f2m_fault_store_heal(struct f2m_store *s)
{
    fault(s)->error = 0;
    fault(s)->disk_full = false;
}

void f2m_fault_store_disk_full(struct f2m_store *s, bool full)
{
    fault(s)->disk_full = full;
}

int64_t f2m_fault_store_calls(const struct f2m_store *s, enum f2m_fault_call call)
{
    return fault(s)->calls[call];
}

void f2m_fault_store_crash(struct f2m_store *s)
{
    fault(s)->poisoned = 0;
    f2m_store_undo(fault(s)->inner);
}
