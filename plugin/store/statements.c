#include "store/internal.h"

#include <assert.h>

/* A device's number and the endpoint sit in the low bits of a point's id (names.c, points.c): "(id & ?) = ?" selects
 * by either. Rows of `point` with an id below 0 are records, 0 holds the totals. */
#define SELECT_POINTS(table, message, order)                                                                           \
    "SELECT " table ".id, at_ms, body, " message ", key FROM " table " CROSS JOIN name ON name.no = (" table           \
    ".id >> 1) & 1048575 WHERE " table ".id > ?1 AND at_ms >= ?2"                                                      \
    " AND (" table ".id & ?3) = ?4 ORDER BY " table ".id " order

static const char *const texts[STATEMENTS] = {
    [ST_BEGIN] = "BEGIN IMMEDIATE",
    [ST_COMMIT] = "COMMIT",
    [ST_NAME_FIND] = "SELECT no FROM name WHERE collection = ?1 AND key = ?2",
    [ST_NAME_ADD] = "INSERT INTO name (collection, key) VALUES (?1, ?2)",
    [ST_HOT_PUT] = "INSERT INTO point (id, at_ms, body) VALUES (?1, ?2, ?3)"
                   " ON CONFLICT (id) DO UPDATE SET at_ms = excluded.at_ms, body = excluded.body",
    [ST_HOT_GET] = "SELECT at_ms, body FROM point WHERE id = ?1",
    [ST_HOT_DELETE] = "DELETE FROM point WHERE id = ?1",
    [ST_HOT_EACH] = "SELECT key, id, at_ms, body FROM name CROSS JOIN point ON id = -no WHERE collection = ?1"
                    " ORDER BY key",
    [ST_HOT_TRIM] = "DELETE FROM point WHERE at_ms < ?2 AND id IN (SELECT -no FROM name WHERE collection = ?1)",
    [ST_HOT_COUNT] = "SELECT count(*) FROM point WHERE id IN (SELECT -no FROM name WHERE collection = ?1)",
    [ST_HOT_TRIM_OLDEST] = "DELETE FROM point WHERE id IN (SELECT id FROM point WHERE id IN"
                           " (SELECT -no FROM name WHERE collection = ?1) ORDER BY at_ms, id LIMIT ?2)",
    [ST_POINT_ADD] = "INSERT INTO point (id, at_ms, body) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    [ST_POINT_DELETE] = "DELETE FROM point WHERE id = ?1 AND id > 0",
    [ST_POINTS_OLDEST] = SELECT_POINTS("point", "NULL", "ASC"),
    [ST_POINTS_NEWEST] = SELECT_POINTS("point", "NULL", "DESC"),
    [ST_POINT_FIRST] = "SELECT id FROM point WHERE id > 0 ORDER BY id LIMIT 1",
    [ST_POINTS_TRIM_AGE] = "DELETE FROM point WHERE id IN (SELECT id FROM point WHERE id > 0 AND id < ?1"
                           " AND at_ms < ?2 ORDER BY id LIMIT ?3)",
    [ST_POINTS_TRIM_OLDEST] = "DELETE FROM point WHERE id IN (SELECT id FROM point WHERE id > 0 ORDER BY id LIMIT ?1)",
    [ST_REJECTED_ADD] = "INSERT INTO rejected (id, at_ms, body, message) VALUES (?1, ?2, ?3, ?4)"
                        " ON CONFLICT DO NOTHING",
    [ST_REJECTED_FIND] = "SELECT 1 FROM rejected WHERE id = ?1",
    [ST_REJECTED_DELETE] = "DELETE FROM rejected WHERE id = ?1",
    [ST_REJECTED_OLDEST] = SELECT_POINTS("rejected", "message", "ASC"),
    [ST_REJECTED_NEWEST] = SELECT_POINTS("rejected", "message", "DESC"),
    [ST_REJECTED_TRIM_AGE] = "DELETE FROM rejected WHERE id IN (SELECT id FROM rejected WHERE id < ?1"
                             " AND at_ms < ?2 ORDER BY id LIMIT ?3)",
    [ST_REJECTED_TRIM_OLDEST] = "DELETE FROM rejected WHERE id IN (SELECT id FROM rejected ORDER BY id LIMIT ?1)",
    [ST_REJECT] = "INSERT INTO rejected (id, at_ms, body, message) SELECT id, at_ms, body, ?2 FROM point"
                  " WHERE id = ?1 AND id > 0",
    [ST_REJECT_AGAIN] = "UPDATE rejected SET message = ?2 WHERE id = ?1",
    [ST_RETRY] = "INSERT INTO point (id, at_ms, body) SELECT id, at_ms, body FROM rejected WHERE (id & ?1) = ?2",
    [ST_DROP] = "DELETE FROM rejected WHERE (id & ?1) = ?2",
    [ST_RECORD_PUT] = "INSERT INTO record (collection, key, changed_ms, value) VALUES (?1, ?2, ?3, ?4)"
                      " ON CONFLICT DO UPDATE SET changed_ms = excluded.changed_ms, value = excluded.value",
    [ST_RECORD_GET] = "SELECT changed_ms, value FROM record WHERE collection = ?1 AND key = ?2",
    [ST_RECORD_DELETE] = "DELETE FROM record WHERE collection = ?1 AND key = ?2",
    [ST_RECORDS_EACH] = "SELECT key, collection, changed_ms, value FROM record WHERE collection = ?1 ORDER BY key",
    [ST_RECORDS_TRIM] = "DELETE FROM record WHERE collection = ?1 AND changed_ms < ?2",
    [ST_RECORDS_COUNT] = "SELECT count(*) FROM record WHERE collection = ?1",
    [ST_RECORDS_TRIM_OLDEST] = "DELETE FROM record WHERE collection = ?1 AND key IN (SELECT key FROM record"
                               " WHERE collection = ?1 ORDER BY changed_ms, key LIMIT ?2)",
    [ST_PAGES] = "PRAGMA page_count",
    [ST_FREE_PAGES] = "PRAGMA freelist_count",
};
static_assert(F2M_STORE_MAX_NAMES == 1048575, "the mask in SELECT_POINTS");

int f2m_store_prepare_all(struct sqlite_store *s)
{
    for (int i = 0; i < STATEMENTS; i++) {
        int rc = sqlite3_prepare_v3(s->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &s->statements[i], NULL);
        if (rc != SQLITE_OK)
            return rc;
    }
    return SQLITE_OK;
}

void f2m_store_finalize_all(struct sqlite_store *s)
{
    for (int i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(s->statements[i]); /* repeats an error that its last step has returned already */
        s->statements[i] = NULL;
    }
}

sqlite3_stmt *f2m_store_statement(struct sqlite_store *s, enum statement which)
{
    sqlite3_stmt *st = s->statements[which];
    sqlite3_reset(st); /* as above */
    return st;
}

int f2m_store_run(struct sqlite_store *s, sqlite3_stmt *st)
{
    int rc = sqlite3_step(st);
    int err = rc == SQLITE_DONE ? 0 : f2m_store_fail(s, rc);
    sqlite3_reset(st);
    return err;
}

int f2m_store_one(struct sqlite_store *s, sqlite3_stmt *st, int64_t *value)
{
    int rc = sqlite3_step(st);
    int err = 0;
    if (rc == SQLITE_ROW) {
        *value = sqlite3_column_int64(st, 0);
        err = 1;
    } else if (rc != SQLITE_DONE) {
        err = f2m_store_fail(s, rc);
    }
    sqlite3_reset(st);
    return err;
}
