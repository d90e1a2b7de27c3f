/*
 * The tables, by versions (user_version). A new version is a new step at the end; a step that was released never
 * changes. The steps are simple enough that a database of version 1 brought up equals a fresh one.
 *
 * name     numbers for device ids and keys of META
 * point    waiting points (id > 0, see points.c), records that change with each interval (id < 0, the negative of their
 *          name's number), the totals (id 0, see outbox.c)
 * rejected points that Flip refused, under the same ids
 * record   all other records
 */
#include "store/internal.h"

#include <stdio.h>

static const char *const steps[F2M_STORE_SCHEMA] = {
    [0] = "CREATE TABLE point (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
          "CREATE TABLE name (no INTEGER PRIMARY KEY, collection INTEGER NOT NULL, key TEXT NOT NULL,"
          " UNIQUE (collection, key)) STRICT;"
          "CREATE TABLE rejected (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, body BLOB NOT NULL,"
          " message TEXT NOT NULL) STRICT;"
          "CREATE TABLE record (collection INTEGER, key TEXT, changed_ms INTEGER NOT NULL, value BLOB NOT NULL,"
          " PRIMARY KEY (collection, key)) STRICT, WITHOUT ROWID;",
    /* Trimming a hundred thousand Webhook-Ids by age must not read them all. */
    [1] = "CREATE INDEX record_age ON record (collection, changed_ms);",
};

int f2m_store_pragma(sqlite3 *db, const char *name, int64_t *value)
{
    char sql[64];
    snprintf(sql, sizeof(sql), "PRAGMA %s", name);
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *value = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int step(sqlite3 *db, int from)
{
    char version[64];
    snprintf(version, sizeof(version), "PRAGMA user_version=%d; COMMIT;", from + 1);
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, steps[from], NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, version, NULL, NULL, NULL);
    if (rc != SQLITE_OK && !sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL); /* the step's own error is what counts */
    return rc;
}

int f2m_store_migrate(sqlite3 *db, int from, int to)
{
    int rc = SQLITE_OK;
    for (int version = from; version < to && rc == SQLITE_OK; version++)
        rc = step(db, version);
    return rc;
}
