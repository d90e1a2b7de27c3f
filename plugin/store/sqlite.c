/* Opening: the order in which a file is owned, found, looked at, checked, salvaged and brought up to date. */
#include "store/sqlite.h"
#include "store/internal.h"
#include "util/xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int wrong_path(const struct f2m_store_options *o, struct f2m_err *err)
{
    if (!o->path || !*o->path || strlen(o->path) >= F2M_STORE_PATH_MAX) {
        f2m_err_set(err, "the path of the database is empty or too long");
        return -ENAMETOOLONG;
    }
    return 0;
}

/* Ends what a killed predecessor left half done. The salvaged file is complete once the damaged one is gone. */
static int tidy(const struct f2m_store_options *o)
{
    f2m_store_file_remove(o->path, ".fresh");
    f2m_store_file_remove(o->path, ".fresh-wal");
    f2m_store_file_remove(o->path, ".source");
    f2m_store_file_remove(o->path, ".source-wal");
    if (!f2m_store_file_exists(o->path, "", NULL) && f2m_store_file_exists(o->path, ".salvaged", NULL))
        return f2m_store_file_rename(o->path, ".salvaged", o->path, "");
    f2m_store_file_remove(o->path, ".salvaged");
    f2m_store_file_remove(o->path, ".salvaged-wal");
    return 0;
}

/* Asked before the lock is taken too: its file would be made, perhaps by root, where the bridge could not open it
 * later. */
static int missing(const struct f2m_store_options *o, struct f2m_err *err)
{
    if (o->create || f2m_store_file_exists(o->path, "", NULL) || f2m_store_file_exists(o->path, ".salvaged", NULL))
        return 0;
    f2m_err_set(err, "there is none");
    return -ENOENT;
}

/* Made beside its place and moved there complete: an empty or half-made database at the path is always damage. */
static int create(const struct f2m_store_options *o, struct f2m_err *err)
{
    int rc = missing(o, err);
    if (!rc)
        rc = f2m_store_file_create(o->path, ".fresh", o->vfs, err);
    if (rc)
        return rc;
    f2m_store_file_remove(o->path, "-wal"); /* of a database that somebody removed: SQLite would replay it */
    rc = f2m_store_file_rename(o->path, ".fresh", o->path, "");
    if (!rc)
        rc = f2m_store_folder_sync(o->path);
    if (rc)
        f2m_err_set(err, "cannot put the new database in place: %s", strerror(-rc));
    return rc;
}

/* 1 = damaged, or the error. */
static int failed(sqlite3 *db, int rc, struct f2m_store_report *report, struct f2m_err *err)
{
    f2m_err_set(err, "%s", sqlite3_errmsg(db));
    if (f2m_store_is_damage(rc)) {
        snprintf(report->damage, sizeof(report->damage), "%s", sqlite3_errmsg(db));
        return 1;
    }
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return -EBUSY;
    case SQLITE_FULL: return -ENOSPC;
    default: return -EIO;
    }
}

/* 0 with *out, 1 = damaged, or an error with its text. */
static int open_sound(const struct f2m_store_options *o, bool everything, struct f2m_store_report *report,
                      struct sqlite_store **out, struct f2m_err *err)
{
    sqlite3 *db = NULL;
    bool current = false;
    bool full = everything;
    int rc = f2m_store_connect(o->path, o->vfs, &db);
    int state = rc == SQLITE_OK ? f2m_store_inspect(db, &current, report->damage, err) : failed(db, rc, report, err);
    if (state == 0) {
        rc = f2m_store_check(db, &full, report->damage);
        state = rc == 0 || rc == 1 ? rc : failed(db, rc, report, err);
    }
    if (state == 0 && !current) {
        int64_t version = 0;
        rc = f2m_store_pragma(db, "user_version", &version);
        if (rc == SQLITE_OK)
            rc = f2m_store_migrate(db, (int)version, F2M_STORE_SCHEMA);
        state = rc == SQLITE_OK ? 0 : failed(db, rc, report, err);
    }
    if (state != 0) {
        sqlite3_close(db);
        return state;
    }
    rc = f2m_store_wrap(db, o->path, out);
    if (rc != SQLITE_OK) {
        f2m_err_set(err, "%s", sqlite3_errstr(rc));
        snprintf(report->damage, sizeof(report->damage), "a table cannot be used: %s", sqlite3_errstr(rc));
        return f2m_store_is_damage(rc) ? 1 : (rc & 0xff) == SQLITE_FULL ? -ENOSPC : -EIO;
    }
    if (!full || !f2m_store_check_bodies(*out))
        return 0;
    snprintf(report->damage, sizeof(report->damage), "a check sum is wrong");
    f2m_store_close(*out);
    return 1;
}

static int open_or_salvage(const struct f2m_store_options *o, struct f2m_store_report *report,
                           struct sqlite_store **out, struct f2m_err *err)
{
    int64_t size = 0;
    bool everything = f2m_store_file_exists(o->path, ".damaged", NULL); /* damage showed while running */
    int rc;
    if (f2m_store_file_exists(o->path, "", &size) && size == 0) {
        snprintf(report->damage, sizeof(report->damage), "the file is empty");
        rc = 1;
    } else {
        rc = open_sound(o, everything, report, out, err);
    }
    if (rc == 1) {
        rc = f2m_store_salvage(o, report, err);
        struct f2m_store_report again = {0}; /* what was wrong with the old one is to be told, not this */
        if (!rc)
            rc = open_sound(o, false, &again, out, err);
        if (rc == 1) {
            f2m_err_set(err, "the new database is damaged too (%s): a faulty disk?", again.damage);
            rc = -EIO;
        }
    }
    if (!rc)
        f2m_store_file_remove(o->path, ".damaged");
    return rc;
}

static int open_owned(const struct f2m_store_options *o, struct f2m_store_report *report, struct sqlite_store **out,
                      struct f2m_err *err)
{
    int64_t log = 0;
    int rc = tidy(o);
    if (rc) {
        f2m_err_set(err, "cannot move the salvaged file: %s", strerror(-rc));
        return rc;
    }
    if (!f2m_store_file_exists(o->path, "", NULL)) {
        rc = create(o, err);
        if (rc)
            return rc;
    }
    report->recovered = f2m_store_file_exists(o->path, "-wal", &log) && log > 0;
    rc = open_or_salvage(o, report, out, err);
    if (rc)
        return rc;
    if (f2m_store_reserve_make(o->path, false) != 0) {
        f2m_store_reserve_release(*out);
        report->reserve_missing = true;
    }
    return 0;
}

int f2m_store_open(const struct f2m_store_options *o, struct f2m_store **out, struct f2m_store_report *report,
                   struct f2m_err *err)
{
    struct f2m_store_report unheard;
    struct sqlite_store *s = NULL;
    if (!report)
        report = &unheard;
    *report = (struct f2m_store_report){0};
    *out = NULL;
    int rc = wrong_path(o, err);
    if (!rc && o->create)
        rc = f2m_store_make_folder(o->path, err);
    if (rc)
        return rc;
    rc = missing(o, err);
    if (rc) {
        f2m_err_wrap(err, "cannot open the database %s", o->path);
        return rc;
    }
    int lock = f2m_store_own(o->path, err);
    if (lock < 0)
        return lock;
    rc = open_owned(o, report, &s, err);
    if (rc) {
        close(lock);
        f2m_err_wrap(err, "cannot open the database %s", o->path);
        return rc;
    }
    s->lock_fd = lock;
    *out = &s->base;
    return 0;
}

struct f2m_store *f2m_store_open_memory(void)
{
    struct sqlite_store *s = NULL;
    sqlite3 *db = NULL;
    int rc = f2m_store_connect(":memory:", NULL, &db);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "PRAGMA page_size=1024", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = f2m_store_migrate(db, 0, F2M_STORE_SCHEMA);
    if (rc == SQLITE_OK)
        rc = f2m_store_wrap(db, NULL, &s);
    if (rc != SQLITE_OK)
        abort(); /* nothing but memory can be missing */
    return &s->base;
}
