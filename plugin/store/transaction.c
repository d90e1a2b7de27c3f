#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int error_of(struct sqlite_store *s, int rc)
{
    int sys = sqlite3_system_errno(s->db);
    /* SQLite knows ENOSPC as SQLITE_FULL; a quota or a file size limit arrives as an I/O error, but is the same. */
    if ((rc & 0xff) == SQLITE_FULL || ((rc & 0xff) == SQLITE_IOERR && (sys == EDQUOT || sys == EFBIG || sys == ENOSPC)))
        return -ENOSPC;
    return -EIO;
}

bool f2m_store_is_damage(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_ERROR: /* a table is missing or has other columns: all our statements are good */
    case SQLITE_SCHEMA:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT: return true;
    default: return false;
    }
}

void f2m_store_note_damage(struct sqlite_store *s)
{
    s->damaged = true;
    if (!s->path)
        return;
    f2m_autostrbuf file;
    f2m_strbuf_init(&file, 0);
    f2m_strbuf_addf(&file, "%s.damaged", s->path);
    int fd = open(file.data, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd >= 0)
        close(fd);
}

int f2m_store_fail(struct sqlite_store *s, int rc)
{
    int err = error_of(s, rc);
    if (err == -ENOSPC)
        f2m_store_reserve_release(s);
    if (f2m_store_is_damage(rc))
        f2m_store_note_damage(s);
    if (s->open_transaction && !s->failed)
        s->failed = err;
    return err;
}

int f2m_store_begin(struct sqlite_store *s)
{
    if (s->failed)
        return s->failed;
    if (s->open_transaction)
        return 0;
    int err = f2m_store_run(s, f2m_store_statement(s, ST_BEGIN));
    if (err)
        return err;
    s->open_transaction = true;
    s->changes_before = sqlite3_total_changes64(s->db);
    return 0;
}

void f2m_store_note_deleted(struct sqlite_store *s, int64_t id)
{
    if (s->deleted_n < F2M_STORE_MAX_DEFERRED)
        s->deleted[s->deleted_n] = id;
    s->deleted_n++;
}

static void begin_anew(struct sqlite_store *s)
{
    s->open_transaction = false;
    s->failed = 0;
    s->deleted_n = s->deferred_n = 0;
}

static void roll_back(struct sqlite_store *s)
{
    /* Some errors make SQLite roll back by itself. In WAL mode nothing that can fail is left to do. */
    if (!sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    begin_anew(s);
    s->now = s->committed;
}

/* On a full disk the log goes into the database after each turn and starts anew, so that the next one needs no room:
 * at once, before others take what the reserve gave up. A failure here costs nothing, the log keeps what it holds. */
static void empty_log(struct sqlite_store *s)
{
    if (s->disk_full)
        sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
}

void f2m_store_undo(struct f2m_store *base)
{
    struct sqlite_store *s = sqlite_store(base);
    int64_t deferred[F2M_STORE_MAX_DEFERRED];
    size_t n = s->deferred_n;
    memcpy(deferred, s->deleted, sizeof(deferred));
    roll_back(s);
    empty_log(s);
    /* A commit has answered for these. Should the disk refuse them now, they are points that are sent once more. */
    if (n && f2m_store_points_delete(base, deferred, n) != 0)
        roll_back(s);
    s->deferred_n = s->deleted_n;
}

/*
 * At home a point is closed every five minutes and deleted seconds later, after its upload: two writes of a page where
 * one would do (Performance, P10). So a turn that deleted a few points and did nothing else is put off: it rides with
 * the next one. A crash in between brings those points back, and they are sent again under the same keys.
 */
static bool may_wait(const struct sqlite_store *s)
{
    return !s->disk_full && s->deleted_n <= F2M_STORE_MAX_DEFERRED &&
           sqlite3_total_changes64(s->db) - s->changes_before == (int64_t)s->deleted_n;
}

int f2m_store_flush(struct sqlite_store *s)
{
    int err = f2m_store_totals_save(s);
    return err ? err : f2m_store_run(s, f2m_store_statement(s, ST_COMMIT));
}

int f2m_store_do_commit(struct f2m_store *base)
{
    struct sqlite_store *s = sqlite_store(base);
    if (!s->open_transaction)
        return 0;
    if (!s->failed && may_wait(s)) {
        s->deferred_n = s->deleted_n;
        return 0;
    }
    int err = s->failed ? s->failed : f2m_store_flush(s);
    if (err) {
        f2m_store_undo(base);
        return err;
    }
    begin_anew(s);
    s->committed = s->now;
    empty_log(s);
    return 0;
}
