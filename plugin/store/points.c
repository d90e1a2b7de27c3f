/*
 * Points. A point's id is its key: start_ms (42 bits, until 2109), the device's number (20 bits), the endpoint
 * (1 bit). So the table itself keeps keys unique and points in the order of time, without any index: one page is
 * written where three would be (Performance, P10).
 */
#include "store/internal.h"

#include <errno.h>

#define START_MAX   (((int64_t)1 << 42) - 1)
#define DEVICE_MASK ((int64_t)F2M_STORE_MAX_NAMES << 1)

struct filter {
    int64_t mask, want;
};

/* false: no such device, so no such point. */
static int filter_of(struct sqlite_store *s, const char *device_id, enum f2m_telemetry_endpoint endpoint,
                     struct filter *out)
{
    *out = (struct filter){0, 0};
    if (endpoint != F2M_TELEMETRY_OFF) {
        out->mask = 1;
        out->want = (int64_t)endpoint;
    }
    if (!device_id)
        return 1;
    int64_t no = f2m_store_name(s, F2M_STORE_DEVICE, device_id, false);
    if (no <= 0)
        return (int)no;
    out->mask |= DEVICE_MASK;
    out->want |= no << 1;
    return 1;
}

static void bind_body(struct sqlite_store *s, sqlite3_stmt *st, int64_t id, int64_t at_ms, struct f2m_slice text)
{
    f2m_store_seal(&s->sealed, text, id, at_ms);
    sqlite3_bind_int64(st, 1, id);
    sqlite3_bind_int64(st, 2, at_ms);
    sqlite3_bind_blob64(st, 3, s->sealed.data, s->sealed.len, SQLITE_STATIC);
}

static int insert(struct sqlite_store *s, const struct f2m_point *p, int64_t id)
{
    sqlite3_stmt *st = f2m_store_statement(s, p->rejected ? ST_REJECTED_ADD : ST_POINT_ADD);
    bind_body(s, st, id, p->closed_ms, p->body);
    if (p->rejected)
        sqlite3_bind_text(st, 4, p->message ? p->message : "", -1, SQLITE_STATIC);
    int err = f2m_store_run(s, st);
    if (err)
        return err;
    return sqlite3_changes(s->db) ? 0 : -EEXIST;
}

/* Is the key taken in the other table? Rejected points are rare: mostly this costs nothing. */
static int taken(struct sqlite_store *s, const struct f2m_point *p, int64_t id)
{
    if (p->rejected ? !s->now.pending : !s->now.rejected)
        return 0;
    sqlite3_stmt *st = f2m_store_statement(s, p->rejected ? ST_HOT_GET : ST_REJECTED_FIND);
    sqlite3_bind_int64(st, 1, id);
    int64_t ignored;
    return f2m_store_one(s, st, &ignored);
}

int f2m_store_do_point_put(struct f2m_store *base, const struct f2m_point *p, int64_t *id)
{
    struct sqlite_store *s = sqlite_store(base);
    if (s->disk_full)
        return -ENOSPC;
    if (p->start_ms < 0 || p->start_ms > START_MAX || p->endpoint >= F2M_TELEMETRY_OFF)
        return -EIO;
    int err = f2m_store_begin(s);
    if (err)
        return err;
    int64_t no = f2m_store_name(s, F2M_STORE_DEVICE, p->device_id, true);
    if (no < 0)
        return (int)no;
    int64_t key = p->start_ms << F2M_STORE_START_SHIFT | no << 1 | (int64_t)p->endpoint;
    err = taken(s, p, key);
    if (!err)
        err = insert(s, p, key);
    if (err)
        return err < 0 ? err : -EEXIST;
    *(p->rejected ? &s->now.rejected : &s->now.pending) += 1;
    if (p->closed_ms - p->start_ms > s->now.span_ms)
        s->now.span_ms = p->closed_ms - p->start_ms;
    if (id)
        *id = key;
    return 0;
}

/* false: the check sum is wrong. Such a row is left out; the next start salvages the others. */
static bool point_of(struct sqlite_store *s, sqlite3_stmt *st, bool rejected, struct f2m_point *p)
{
    int64_t id = sqlite3_column_int64(st, 0);
    *p = (struct f2m_point){
        .id = id,
        .device_id = (const char *)sqlite3_column_text(st, 4),
        .start_ms = id >> F2M_STORE_START_SHIFT,
        .endpoint = (enum f2m_telemetry_endpoint)(id & 1),
        .closed_ms = sqlite3_column_int64(st, 1),
        .rejected = rejected,
        .message = rejected ? (const char *)sqlite3_column_text(st, 3) : NULL,
    };
    const void *body = sqlite3_column_blob(st, 2);
    size_t len = (size_t)sqlite3_column_bytes(st, 2);
    if (!p->device_id || !f2m_store_unseal(&s->unsealed, body, len, id, p->closed_ms))
        return false;
    p->body = (struct f2m_slice){s->unsealed.data, s->unsealed.len};
    return true;
}

int f2m_store_do_points_each(struct f2m_store *base, const struct f2m_point_query *q, f2m_point_visit visit, void *ctx)
{
    static const enum statement which[2][2] = {{ST_POINTS_OLDEST, ST_POINTS_NEWEST},
                                               {ST_REJECTED_OLDEST, ST_REJECTED_NEWEST}};
    struct sqlite_store *s = sqlite_store(base);
    struct filter f;
    int any = filter_of(s, q->device_id, q->endpoint, &f);
    if (any <= 0)
        return any;
    /* Closed since t means started after t - span. */
    int64_t from = q->closed_since_ms - s->now.span_ms - 1;
    sqlite3_stmt *st = f2m_store_statement(s, which[q->rejected][q->order == F2M_POINTS_NEWEST]);
    sqlite3_bind_int64(st, 1, from > START_MAX ? INT64_MAX : from > 0 ? from << F2M_STORE_START_SHIFT : 0);
    sqlite3_bind_int64(st, 2, q->closed_since_ms > 0 ? q->closed_since_ms : INT64_MIN);
    sqlite3_bind_int64(st, 3, f.mask);
    sqlite3_bind_int64(st, 4, f.want);
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct f2m_point p;
        if (!point_of(s, st, q->rejected, &p))
            f2m_store_note_damage(s);
        else if (!visit(ctx, &p))
            break;
    }
    int err = rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : f2m_store_fail(s, rc);
    sqlite3_reset(st);
    return err;
}

/* Runs a statement that deletes from one of the tables, and keeps the totals right. */
static int delete_counted(struct sqlite_store *s, sqlite3_stmt *st, int64_t *total)
{
    int err = f2m_store_run(s, st);
    if (!err)
        *total -= sqlite3_changes(s->db);
    return err;
}

int f2m_store_do_points_delete(struct f2m_store *base, const int64_t *ids, size_t n)
{
    struct sqlite_store *s = sqlite_store(base);
    int err = n ? f2m_store_begin(s) : 0;
    for (size_t i = 0; !err && i < n; i++) {
        sqlite3_stmt *st = f2m_store_statement(s, ST_POINT_DELETE);
        sqlite3_bind_int64(st, 1, ids[i]);
        int64_t before = s->now.pending;
        err = delete_counted(s, st, &s->now.pending);
        if (!err && s->now.pending < before)
            f2m_store_note_deleted(s, ids[i]);
        if (err || !s->now.rejected)
            continue;
        st = f2m_store_statement(s, ST_REJECTED_DELETE);
        sqlite3_bind_int64(st, 1, ids[i]);
        err = delete_counted(s, st, &s->now.rejected);
    }
    return err;
}

int f2m_store_do_point_reject(struct f2m_store *base, int64_t id, const char *message)
{
    struct sqlite_store *s = sqlite_store(base);
    int err = f2m_store_begin(s);
    if (err)
        return err;
    sqlite3_stmt *st = f2m_store_statement(s, ST_REJECT);
    sqlite3_bind_int64(st, 1, id);
    sqlite3_bind_text(st, 2, message ? message : "", -1, SQLITE_STATIC);
    err = f2m_store_run(s, st);
    if (err)
        return err;
    if (!sqlite3_changes(s->db)) { /* rejected already: the latest message counts; or gone: no error */
        st = f2m_store_statement(s, ST_REJECT_AGAIN);
        sqlite3_bind_int64(st, 1, id);
        sqlite3_bind_text(st, 2, message ? message : "", -1, SQLITE_STATIC);
        return f2m_store_run(s, st);
    }
    s->now.rejected++;
    st = f2m_store_statement(s, ST_POINT_DELETE);
    sqlite3_bind_int64(st, 1, id);
    return delete_counted(s, st, &s->now.pending);
}

/* Empties `rejected` (of a device); with `copy` the points wait again. */
static int rejected_leave(struct sqlite_store *s, const char *device_id, bool copy, int64_t *n)
{
    *n = 0;
    struct filter f;
    int err = filter_of(s, device_id, F2M_TELEMETRY_OFF, &f);
    if (err <= 0 || !s->now.rejected)
        return err < 0 ? err : 0;
    err = f2m_store_begin(s);
    if (err)
        return err;
    if (copy) {
        sqlite3_stmt *st = f2m_store_statement(s, ST_RETRY);
        sqlite3_bind_int64(st, 1, f.mask);
        sqlite3_bind_int64(st, 2, f.want);
        err = f2m_store_run(s, st);
        if (err)
            return err;
        s->now.pending += sqlite3_changes(s->db);
    }
    sqlite3_stmt *st = f2m_store_statement(s, ST_DROP);
    sqlite3_bind_int64(st, 1, f.mask);
    sqlite3_bind_int64(st, 2, f.want);
    int64_t before = s->now.rejected;
    err = delete_counted(s, st, &s->now.rejected);
    *n = before - s->now.rejected;
    return err;
}

int f2m_store_do_points_retry(struct f2m_store *base, const char *device_id, int64_t *n)
{
    return rejected_leave(sqlite_store(base), device_id, true, n);
}

int f2m_store_do_points_drop(struct f2m_store *base, const char *device_id, int64_t *n)
{
    return rejected_leave(sqlite_store(base), device_id, false, n);
}
