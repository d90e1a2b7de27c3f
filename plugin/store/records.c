/*
 * Records. Those that change with every interval (per device, and META) lie in the table of the points, under the
 * negative of their name's number: a closed point, the deletion of the uploaded one and the new baseline then touch one
 * page. All others have a table of their own.
 */
#include "store/internal.h"

#include <errno.h>

static bool hot(enum f2m_collection c)
{
    return c == F2M_STORE_META || c == F2M_STORE_DEVICE;
}

/* Binds what finds a record: 1 (and 2 in the table of its own). 1 = bound, 0 = there is none, negative error. */
static int bind_key(struct sqlite_store *s, sqlite3_stmt *st, enum f2m_collection c, const char *key, bool add,
                    int64_t *id)
{
    if (!hot(c)) {
        *id = (int64_t)c;
        sqlite3_bind_int(st, 1, (int)c);
        sqlite3_bind_text(st, 2, key, -1, SQLITE_STATIC);
        return 1;
    }
    int64_t no = f2m_store_name(s, c, key, add);
    if (no <= 0)
        return (int)no;
    *id = -no;
    sqlite3_bind_int64(st, 1, -no);
    return 1;
}

int f2m_store_do_record_put(struct f2m_store *base, enum f2m_collection c, const char *key, struct f2m_slice value,
                            int64_t now_ms)
{
    struct sqlite_store *s = sqlite_store(base);
    int err = f2m_store_begin(s);
    if (err)
        return err;
    sqlite3_stmt *st = f2m_store_statement(s, hot(c) ? ST_HOT_PUT : ST_RECORD_PUT);
    int64_t id = 0;
    err = bind_key(s, st, c, key, true, &id);
    if (err < 0)
        return err;
    f2m_store_seal(&s->sealed, value, id, now_ms);
    int at = hot(c) ? 2 : 3;
    sqlite3_bind_int64(st, at, now_ms);
    sqlite3_bind_blob64(st, at + 1, s->sealed.data, s->sealed.len, SQLITE_STATIC);
    return f2m_store_run(s, st);
}

int f2m_store_do_record_get(struct f2m_store *base, enum f2m_collection c, const char *key, struct f2m_strbuf *value)
{
    struct sqlite_store *s = sqlite_store(base);
    sqlite3_stmt *st = f2m_store_statement(s, hot(c) ? ST_HOT_GET : ST_RECORD_GET);
    int64_t id = 0;
    int err = bind_key(s, st, c, key, false, &id);
    if (err <= 0)
        return err ? err : -ENOENT;
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        const void *sealed = sqlite3_column_blob(st, 1);
        size_t len = (size_t)sqlite3_column_bytes(st, 1);
        bool sound = f2m_store_unseal(&s->unsealed, sealed, len, id, sqlite3_column_int64(st, 0));
        if (sound)
            f2m_strbuf_add(value, s->unsealed.data, s->unsealed.len);
        else
            f2m_store_note_damage(s);
        err = sound ? 0 : -EIO;
    } else {
        err = rc == SQLITE_DONE ? -ENOENT : f2m_store_fail(s, rc);
    }
    sqlite3_reset(st);
    return err;
}

int f2m_store_do_record_delete(struct f2m_store *base, enum f2m_collection c, const char *key)
{
    struct sqlite_store *s = sqlite_store(base);
    int err = f2m_store_begin(s);
    if (err)
        return err;
    sqlite3_stmt *st = f2m_store_statement(s, hot(c) ? ST_HOT_DELETE : ST_RECORD_DELETE);
    int64_t id = 0;
    err = bind_key(s, st, c, key, false, &id);
    return err <= 0 ? err : f2m_store_run(s, st);
}

int f2m_store_do_records_each(struct f2m_store *base, enum f2m_collection c, f2m_record_visit visit, void *ctx)
{
    struct sqlite_store *s = sqlite_store(base);
    sqlite3_stmt *st = f2m_store_statement(s, hot(c) ? ST_HOT_EACH : ST_RECORDS_EACH);
    sqlite3_bind_int(st, 1, (int)c);
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        const char *key = (const char *)sqlite3_column_text(st, 0);
        int64_t changed_ms = sqlite3_column_int64(st, 2);
        const void *sealed = sqlite3_column_blob(st, 3);
        size_t len = (size_t)sqlite3_column_bytes(st, 3);
        if (!key || !f2m_store_unseal(&s->unsealed, sealed, len, sqlite3_column_int64(st, 1), changed_ms))
            f2m_store_note_damage(s);
        else if (!visit(ctx, key, (struct f2m_slice){s->unsealed.data, s->unsealed.len}, changed_ms))
            break;
    }
    int err = rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : f2m_store_fail(s, rc);
    sqlite3_reset(st);
    return err;
}

int f2m_store_do_records_trim(struct f2m_store *base, enum f2m_collection c, int64_t changed_before_ms,
                              int64_t keep_newest)
{
    struct sqlite_store *s = sqlite_store(base);
    int err = f2m_store_begin(s);
    if (err)
        return err;
    sqlite3_stmt *st = f2m_store_statement(s, hot(c) ? ST_HOT_TRIM : ST_RECORDS_TRIM);
    sqlite3_bind_int(st, 1, (int)c);
    sqlite3_bind_int64(st, 2, changed_before_ms);
    err = f2m_store_run(s, st);
    if (err || keep_newest <= 0)
        return err;
    st = f2m_store_statement(s, hot(c) ? ST_HOT_COUNT : ST_RECORDS_COUNT);
    sqlite3_bind_int(st, 1, (int)c);
    int64_t n = 0;
    err = f2m_store_one(s, st, &n);
    if (err < 0 || n <= keep_newest)
        return err < 0 ? err : 0;
    st = f2m_store_statement(s, hot(c) ? ST_HOT_TRIM_OLDEST : ST_RECORDS_TRIM_OLDEST);
    sqlite3_bind_int(st, 1, (int)c);
    sqlite3_bind_int64(st, 2, n - keep_newest);
    return f2m_store_run(s, st);
}
