/*
 * The store over SQLite: one file, one connection, the main thread (port/store.h says what a store does).
 *
 * What it promises. After f2m_store_commit() returned 0 the change survives kill -9 and power loss (WAL,
 * synchronous=FULL). A call that answers -EIO or -ENOSPC for a change poisons the transaction: the commit that follows
 * undoes everything since the last one and returns that error. One exception: while the disk is known to be full,
 * point_put answers -ENOSPC before it touches anything, and the rest of the turn (deletes above all) is committed. A
 * turn that deleted a few points and nothing else waits for the next one (transaction.c), or for f2m_store_free().
 *
 * One process owns a store: an flock on "<path>.lock", which ends with the process, however it ends.
 *
 * Beside the database live "<path>-wal" (gone after a clean close), "<path>.lock", "<path>.reserve" (given up when the
 * disk is full, so that deletes still work), and after damage "<path>.corrupt-<time>" (with its log). "<path>.damaged"
 * is a mark: the next start checks everything. ".fresh", ".salvaged" and ".source" live only while a start works.
 */
#ifndef F2M_STORE_SQLITE_H
#define F2M_STORE_SQLITE_H

#include "port/store.h"
#include "util/err.h"

#define F2M_STORE_PATH_MAX 4096

struct f2m_store_options {
    const char *path;
    bool create;     /* false: -ENOENT where there is no database (the outbox sub-command) */
    int64_t wall_ms; /* the time that a damaged file is named after */
    const char *vfs; /* SQLite's name of another file layer (tests); NULL = the system's */
};

/* What happened while opening; all zero where nothing did. */
struct f2m_store_report {
    bool recovered;                     /* the last owner did not close it: the write-ahead log was replayed */
    bool reserve_missing;               /* the disk has no room for the reserve file: it is (nearly) full */
    char set_aside[F2M_STORE_PATH_MAX]; /* where the damaged file went; "" = none was */
    char damage[256];                   /* SQLite's words for what was wrong with it */
    int64_t salvaged_points;            /* waiting and rejected */
    int64_t salvaged_records;
};

/*
 * Opens or creates. The folder is made where missing (0750), the file gets 0640. Errors, each with a text:
 * -EBUSY another process owns it (exit code 75); -EPROTO a newer schema, or the database of another program: refused,
 * the file untouched; -ENOENT; -ENOSPC; -EIO, or what the system said. `report` may be NULL. *out is freed with
 * f2m_store_free(), which closes cleanly (uncommitted changes are undone).
 */
int f2m_store_open(const struct f2m_store_options *, struct f2m_store **out, struct f2m_store_report *,
                   struct f2m_err *) __attribute__((warn_unused_result));
/* For tests: in memory, empty, no files. Never NULL. */
struct f2m_store *f2m_store_open_memory(void);

/*
 * Rarely (every ten seconds): makes the reserve file again where it was given up and there is room; from then on points
 * are taken again. 0, or -ENOSPC while the disk is full, or -EIO where the database turned out to be damaged: only
 * opening it again helps (it is checked and salvaged then).
 */
int f2m_store_maintain(struct f2m_store *);

/* Undoes everything since the last commit, as a failing commit does. For fault injection around a store. */
void f2m_store_undo(struct f2m_store *);

#endif
