#include "store/internal.h"
#include "util/xalloc.h"

#include <stdlib.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 2000 /* somebody looks into the file with another program */

static const struct f2m_store_ops ops;

int f2m_store_connect(const char *path, const char *vfs, sqlite3 **db)
{
    /* Exclusive: one owner, so SQLite keeps the log's index in memory instead of a shared file. Secure delete (Debian's
     * default) would write zeros over each deleted point. */
    static const char settings[] = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;"
                                   "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-1024; PRAGMA secure_delete=OFF;";
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    int rc = sqlite3_open_v2(path, db, flags, vfs);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_busy_timeout(*db, BUSY_TIMEOUT_MS);
    /* A file that is refused or set aside must stay as it is, its log included. */
    sqlite3_db_config(*db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_db_config(*db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(*db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(*db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    return sqlite3_exec(*db, settings, NULL, NULL, NULL);
}

int f2m_store_wrap(sqlite3 *db, const char *path, struct sqlite_store **out)
{
    /* The log is emptied into the file every 2 MiB, a week of points at home: the pages of the present are written
     * there once instead of with each point. Much more would block a turn for long. Nothing happens between points. */
    static const char settings[] =
        "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=2000; PRAGMA journal_size_limit=8388608;";
    struct sqlite_store *s = f2m_xcalloc(1, sizeof(*s));
    s->base.ops = &ops;
    s->db = db;
    s->lock_fd = -1;
    s->path = path ? f2m_xstrdup(path) : NULL;
    f2m_strbuf_init(&s->sealed, 0);
    f2m_strbuf_init(&s->unsealed, 0);
    int rc = sqlite3_exec(db, settings, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = f2m_store_prepare_all(s);
    if (rc == SQLITE_OK)
        rc = f2m_store_totals_load(s);
    if (rc == SQLITE_OK)
        *out = s;
    else
        f2m_store_close(s);
    return rc;
}

static void release(struct sqlite_store *s)
{
    f2m_store_finalize_all(s);
    sqlite3_close(s->db);
    f2m_strbuf_deinit(&s->sealed);
    f2m_strbuf_deinit(&s->unsealed);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    free(s->path);
    free(s);
}

void f2m_store_close(struct sqlite_store *s)
{
    release(s);
}

static void store_free(struct f2m_store *base)
{
    struct sqlite_store *s = sqlite_store(base);
    f2m_store_undo(base);
    if (s->open_transaction && f2m_store_flush(s)) /* deletions that were put off: at worst they are sent again */
        f2m_store_undo(base);
    /* A damaged file is left as it is, for the next start to salvage. A failure here loses nothing: the log stays. */
    if (!s->damaged && sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) == SQLITE_OK)
        sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    release(s);
}

static const struct f2m_store_ops ops = {
    .point_put = f2m_store_do_point_put,
    .points_each = f2m_store_do_points_each,
    .points_delete = f2m_store_do_points_delete,
    .point_reject = f2m_store_do_point_reject,
    .points_retry = f2m_store_do_points_retry,
    .points_drop = f2m_store_do_points_drop,
    .outbox_stats = f2m_store_do_outbox_stats,
    .outbox_trim = f2m_store_do_outbox_trim,
    .record_put = f2m_store_do_record_put,
    .record_get = f2m_store_do_record_get,
    .record_delete = f2m_store_do_record_delete,
    .records_each = f2m_store_do_records_each,
    .records_trim = f2m_store_do_records_trim,
    .commit = f2m_store_do_commit,
    .free = store_free,
};
