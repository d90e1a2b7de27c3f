/* What the files of this room share. Nobody else includes it. */
#ifndef F2M_STORE_INTERNAL_H
#define F2M_STORE_INTERNAL_H

#include "store/sqlite.h"
#include "util/strbuf.h"

#include <sqlite3.h>

/* Every statement is prepared once, when the store is opened (statements.c). */
enum statement {
    ST_BEGIN,
    ST_COMMIT,
    ST_NAME_FIND,
    ST_NAME_ADD,
    ST_HOT_PUT,
    ST_HOT_GET,
    ST_HOT_DELETE,
    ST_HOT_EACH,
    ST_HOT_TRIM,
    ST_HOT_COUNT,
    ST_HOT_TRIM_OLDEST,
    ST_POINT_ADD,
    ST_POINT_DELETE,
    ST_POINTS_OLDEST,
    ST_POINTS_NEWEST,
    ST_POINT_FIRST,
    ST_POINTS_TRIM_AGE,
    ST_POINTS_TRIM_OLDEST,
    ST_REJECTED_ADD,
    ST_REJECTED_FIND,
    ST_REJECTED_DELETE,
    ST_REJECTED_OLDEST,
    ST_REJECTED_NEWEST,
    ST_REJECTED_TRIM_AGE,
    ST_REJECTED_TRIM_OLDEST,
    ST_REJECT,
    ST_REJECT_AGAIN,
    ST_RETRY,
    ST_DROP,
    ST_RECORD_PUT,
    ST_RECORD_GET,
    ST_RECORD_DELETE,
    ST_RECORDS_EACH,
    ST_RECORDS_TRIM,
    ST_RECORDS_COUNT,
    ST_RECORDS_TRIM_OLDEST,
    ST_PAGES,
    ST_FREE_PAGES,
    STATEMENTS,
};

/* Deletions that may wait (transaction.c): at home those of one upload. */
#define F2M_STORE_MAX_DEFERRED 16

/* Kept beside the points in one row, so that nothing needs to be counted (schema.c). */
struct totals {
    int64_t pending;
    int64_t rejected;
    int64_t span_ms; /* no point was closed later than this after its start: bounds the search by closed_ms */
};

struct sqlite_store {
    struct f2m_store base; /* first member: the port's pointer is ours */
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    bool open_transaction;
    int failed;                              /* the error that poisoned the transaction, 0 = none */
    bool disk_full;                          /* the reserve was given up; point_put answers -ENOSPC until it is back */
    bool damaged;                            /* damage was found while running */
    int64_t changes_before;                  /* SQLite's count of changed rows when the transaction began */
    int64_t deleted[F2M_STORE_MAX_DEFERRED]; /* points deleted in this transaction, by points_delete */
    size_t deleted_n;                        /* may pass the maximum: then they are not all listed */
    size_t deferred_n;                       /* of them, those that a commit has put off */
    struct totals now;
    struct totals committed;
    struct f2m_strbuf sealed;   /* scratch, reused: a body as stored */
    struct f2m_strbuf unsealed; /* scratch, reused: a body as handed out */
    char *path;                 /* NULL in memory */
    int lock_fd;                /* -1 in memory */
};

static inline struct sqlite_store *sqlite_store(struct f2m_store *s)
{
    return (struct sqlite_store *)s; /* base is the first member */
}

/* statements.c */
int f2m_store_prepare_all(struct sqlite_store *); /* SQLite's result code */
void f2m_store_finalize_all(struct sqlite_store *);
/* Reset, ready to bind. */
sqlite3_stmt *f2m_store_statement(struct sqlite_store *, enum statement);
/* Runs to its end and resets; 0 or as f2m_store_fail(). */
int f2m_store_run(struct sqlite_store *, sqlite3_stmt *);
/* The first column of the first row, into *value; 1 = there is one, 0 = no row, negative error. */
int f2m_store_one(struct sqlite_store *, sqlite3_stmt *, int64_t *value);

/* transaction.c */
/* Before any change: opens the transaction where there is none; fails with what poisoned it. */
int f2m_store_begin(struct sqlite_store *) __attribute__((warn_unused_result));
int f2m_store_do_commit(struct f2m_store *);
/* Writes what the transaction holds, whether it may wait or not. Once undo() was called, only what was put off. */
int f2m_store_flush(struct sqlite_store *);
/* Damage was found while running: leaves "<path>.damaged", so that the next start checks everything. */
void f2m_store_note_damage(struct sqlite_store *);
bool f2m_store_is_damage(int rc); /* SQLite's code speaks of the file's content, not of the system */
void f2m_store_note_deleted(struct sqlite_store *, int64_t id);
/* Turns SQLite's code into -ENOSPC or -EIO, poisons an open transaction, gives up the reserve, notes damage. */
int f2m_store_fail(struct sqlite_store *, int rc);

/* reserve.c */
void f2m_store_reserve_release(struct sqlite_store *);
/* 0, or -errno with no file left behind. with_room: only where as much again is free beside it. */
int f2m_store_reserve_make(const char *path, bool with_room);

/* owner.c */
int f2m_store_make_folder(const char *path, struct f2m_err *);
/* The descriptor that holds the lock, or -EBUSY or another error. */
int f2m_store_own(const char *path, struct f2m_err *);

/* file.c: the files of a store */
#define F2M_STORE_NAME_MAX (F2M_STORE_PATH_MAX + 64)
bool f2m_store_file_exists(const char *path, const char *suffix, int64_t *size); /* size may be NULL */
void f2m_store_file_remove(const char *path, const char *suffix);                /* no error where it is not there */
int f2m_store_file_rename(const char *path, const char *suffix, const char *to, const char *to_suffix);
/* Makes renames durable. */
int f2m_store_folder_sync(const char *path);
/* A fresh database at path + suffix, complete, closed and durable. */
int f2m_store_file_create(const char *path, const char *suffix, const char *vfs, struct f2m_err *);

/* connection.c */
/* Opens the file and sets what must hold before the first read; closing it changes nothing. SQLite's code; *db is to
 * be closed in any case. */
int f2m_store_connect(const char *path, const char *vfs, sqlite3 **db);
/* A store over a connection, statements prepared; owns db from here on, also where it fails (*out NULL). */
int f2m_store_wrap(sqlite3 *db, const char *path, struct sqlite_store **out);
/* Empties the log into the file and removes it. */
void f2m_store_close(struct sqlite_store *);

/* check.c */
/* Whose is it, and of which version? 0 = ours, 1 = damaged (`damage` says how), -EPROTO = of another program or of a
 * newer one, or another error with its text. *current false: older. */
int f2m_store_inspect(sqlite3 *, bool *current, char damage[256], struct f2m_err *);
/* SQLite's own check: 0, 1 = damaged, or SQLite's code. *full in: whatever the size; out: nothing was left out. */
int f2m_store_check(sqlite3 *, bool *full, char damage[256]);
/* Check sums and totals, which SQLite does not know: 0, 1 = damaged. */
int f2m_store_check_bodies(struct sqlite_store *);

/* pages.c: rows of `point` and `rejected` from the raw pages of a file and its log, in no order, some twice and some
 * deleted long ago. Only their form was checked: unsealing proves them. Slices live for the call. */
struct f2m_store_row {
    int64_t id;
    int64_t at_ms;
    struct f2m_slice body; /* sealed */
    bool rejected;
    struct f2m_slice message;
};
typedef void (*f2m_store_row_visit)(void *ctx, const struct f2m_store_row *);
void f2m_store_pages_rows(const char *path, f2m_store_row_visit, void *ctx);

/* salvage.c: sets the damaged file aside and puts a new one in its place with all that could be read. */
int f2m_store_salvage(const struct f2m_store_options *, struct f2m_store_report *, struct f2m_err *);

/* source.c: the damaged file, opened for reading, with its log or (where there is one) without: as it is, or as a copy
 * with a new first page where its own cannot be used. "<path>.salvaged" must be there, fresh. SQLite's code; *db is to
 * be closed in any case. */
int f2m_store_source_open(const struct f2m_store_options *, bool with_log, bool has_log, sqlite3 **db);

/* schema.c */
#define F2M_STORE_APPLICATION_ID 0x46324d51 /* "F2MQ" */
#define F2M_STORE_SCHEMA         2          /* user_version that this program writes */
#define F2M_STORE_PAGE_SIZE      1024
/* Brings user_version from `from` to `to` (tests stop early), each step in its own transaction. SQLite's code. */
int f2m_store_migrate(sqlite3 *, int from, int to);
int f2m_store_pragma(sqlite3 *, const char *name, int64_t *value);

/* seal.c: how a body is stored: shortened, and with a check sum, which SQLite has not. `id` and `at_ms` are covered
 * by the sum. Both replace what `out` held. */
void f2m_store_seal(struct f2m_strbuf *out, struct f2m_slice text, int64_t id, int64_t at_ms);
bool f2m_store_unseal(struct f2m_strbuf *out, const void *sealed, size_t len, int64_t id, int64_t at_ms);

/* names.c */
#define F2M_STORE_NAME_BITS 20
/* Where start_ms stands in a point's id; below it the device's number and the endpoint (points.c). */
#define F2M_STORE_START_SHIFT (F2M_STORE_NAME_BITS + 1)
#define F2M_STORE_MAX_NAMES   ((1 << F2M_STORE_NAME_BITS) - 1)
/* The number of a name, > 0; 0 = unknown and not added; negative error. */
int64_t f2m_store_name(struct sqlite_store *, enum f2m_collection, const char *key, bool add);

/* points.c, outbox.c, records.c: the port's operations */
int f2m_store_do_point_put(struct f2m_store *, const struct f2m_point *, int64_t *id);
int f2m_store_do_points_each(struct f2m_store *, const struct f2m_point_query *, f2m_point_visit, void *ctx);
int f2m_store_do_points_delete(struct f2m_store *, const int64_t *ids, size_t n);
int f2m_store_do_point_reject(struct f2m_store *, int64_t id, const char *message);
int f2m_store_do_points_retry(struct f2m_store *, const char *device_id, int64_t *n);
int f2m_store_do_points_drop(struct f2m_store *, const char *device_id, int64_t *n);
int f2m_store_do_outbox_stats(struct f2m_store *, struct f2m_outbox_stats *);
int f2m_store_do_outbox_trim(struct f2m_store *, int64_t closed_before_ms, int64_t max_bytes, int64_t *dropped);
int f2m_store_do_record_put(struct f2m_store *, enum f2m_collection, const char *key, struct f2m_slice value,
                            int64_t now_ms);
int f2m_store_do_record_get(struct f2m_store *, enum f2m_collection, const char *key, struct f2m_strbuf *value);
int f2m_store_do_record_delete(struct f2m_store *, enum f2m_collection, const char *key);
int f2m_store_do_records_each(struct f2m_store *, enum f2m_collection, f2m_record_visit, void *ctx);
int f2m_store_do_records_trim(struct f2m_store *, enum f2m_collection, int64_t changed_before_ms, int64_t keep_newest);

/* outbox.c: the row that holds the totals. SQLite's code; where the row is missing or odd, it is counted anew. */
int f2m_store_totals_load(struct sqlite_store *);
int f2m_store_totals_save(struct sqlite_store *); /* 0 or as f2m_store_fail() */

#endif
