/* Is this file ours, of a version that we know, and sound? */
#include "store/internal.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A full check reads everything: this much in some 20 ms, a month of points at home and more. For an outbox beyond that
 * (many devices, or months offline) a start would take too long (Performance, P9): its other tables are checked where
 * they are small, damage among the points shows when they are read, leaves a mark, and the next start checks all. */
#define CHECK_ALL_BYTES ((int64_t)8 << 20)
#define CHECK_MAX_ROWS  20000

#define NEWER_MAX 1000 /* a version beyond is no newer program but damage */

static void say(char damage[256], const char *text)
{
    snprintf(damage, 256, "%s", text);
}

static int one(sqlite3 *db, const char *sql, int64_t *value, char text[256])
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW && value)
        *value = sqlite3_column_int64(st, 0);
    const unsigned char *found = rc == SQLITE_ROW && text ? sqlite3_column_text(st, 0) : NULL;
    if (text)
        snprintf(text, 256, "%s", found ? (const char *)found : "");
    sqlite3_finalize(st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The file's own word, below its log. */
static bool file_is_ours(const char *path)
{
    unsigned char header[72];
    f2m_autofclose FILE *f = fopen(path, "rbe");
    return f && fread(header, 1, sizeof(header), f) == sizeof(header) && memcmp(header + 68, "F2MQ", 4) == 0;
}

/* A sound database without our tables belongs to somebody: the path in the configuration is wrong. */
static int of_another_program(sqlite3 *db, char damage[256])
{
    int64_t ours = 0;
    static const char sql[] = "SELECT count(*) FROM sqlite_schema WHERE name IN ('point', 'rejected', 'record')";
    int rc = one(db, sql, &ours, NULL);
    if (rc != SQLITE_OK)
        return rc;
    bool full = false;
    return ours >= 2 ? 1 : f2m_store_check(db, &full, damage);
}

int f2m_store_inspect(sqlite3 *db, bool *current, char damage[256], struct f2m_err *err)
{
    int64_t application = 0, version = 0;
    int rc = f2m_store_pragma(db, "application_id", &application);
    if (rc == SQLITE_OK)
        rc = f2m_store_pragma(db, "user_version", &version);
    if (rc == SQLITE_OK && application != F2M_STORE_APPLICATION_ID) {
        rc = file_is_ours(sqlite3_db_filename(db, "main")) ? 1 : of_another_program(db, damage);
        if (rc == SQLITE_OK) {
            f2m_err_set(err, "it is the database of another program (application id %lld)", (long long)application);
            return -EPROTO;
        }
        if (rc == 1) {
            say(damage, "the application id is wrong, or the log is another database's");
            return 1;
        }
    }
    if (rc != SQLITE_OK) {
        say(damage, sqlite3_errmsg(db));
        f2m_err_set(err, "%s", damage);
        return f2m_store_is_damage(rc) ? 1 : (rc & 0xff) == SQLITE_BUSY ? -EBUSY : -EIO;
    }
    if (version > F2M_STORE_SCHEMA && version <= NEWER_MAX) {
        f2m_err_set(err, "it was written by a newer version of this program (schema %lld, this one knows %d)",
                    (long long)version, F2M_STORE_SCHEMA);
        return -EPROTO;
    }
    if (version < 1 || version > F2M_STORE_SCHEMA) {
        say(damage, "the schema version is wrong");
        return 1;
    }
    *current = version == F2M_STORE_SCHEMA;
    return 0;
}

/* One of SQLite's checks: SQLITE_OK with "" in damage = sound. */
static int check_one(sqlite3 *db, const char *sql, char damage[256])
{
    int rc = one(db, sql, NULL, damage);
    if (rc != SQLITE_OK)
        say(damage, sqlite3_errmsg(db));
    else if (strcmp(damage, "ok") == 0)
        damage[0] = '\0';
    return rc;
}

static int check_small_tables(sqlite3 *db, char damage[256])
{
    static const char *const tables[] = {"name", "rejected", "record"};
    int rc = SQLITE_OK;
    for (int i = 0; rc == SQLITE_OK && !damage[0] && i < 3; i++) {
        char sql[96];
        int64_t rows = 0;
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM (SELECT 1 FROM %s LIMIT %d)", tables[i], CHECK_MAX_ROWS);
        rc = one(db, sql, &rows, NULL);
        snprintf(sql, sizeof(sql), "PRAGMA integrity_check(%s)", tables[i]);
        if (rc == SQLITE_OK && rows < CHECK_MAX_ROWS)
            rc = check_one(db, sql, damage);
    }
    return rc;
}

int f2m_store_check(sqlite3 *db, bool *full, char damage[256])
{
    int64_t pages = 0, size = 0;
    damage[0] = '\0';
    int rc = f2m_store_pragma(db, "page_count", &pages);
    if (rc == SQLITE_OK)
        rc = f2m_store_pragma(db, "page_size", &size);
    *full = *full || pages * size <= CHECK_ALL_BYTES;
    if (rc == SQLITE_OK)
        rc = *full ? check_one(db, "PRAGMA integrity_check(1)", damage) : check_small_tables(db, damage);
    if (rc != SQLITE_OK && !damage[0])
        say(damage, sqlite3_errmsg(db));
    return f2m_store_is_damage(rc) || (rc == SQLITE_OK && damage[0]) ? 1 : rc;
}

static bool count_point(void *ctx, const struct f2m_point *p)
{
    (void)p;
    ++*(int64_t *)ctx;
    return true;
}

static bool pass_record(void *ctx, const char *key, struct f2m_slice value, int64_t changed_ms)
{
    (void)ctx, (void)key, (void)value, (void)changed_ms;
    return true;
}

int f2m_store_check_bodies(struct sqlite_store *s)
{
    int64_t found[2] = {0, 0};
    for (int rejected = 0; rejected < 2; rejected++) {
        struct f2m_point_query q = {.endpoint = F2M_TELEMETRY_OFF, .rejected = rejected};
        if (f2m_store_points_each(&s->base, &q, count_point, &found[rejected]) < 0)
            return 1;
    }
    for (int c = 0; c < F2M_STORE_COLLECTIONS; c++)
        if (f2m_store_records_each(&s->base, (enum f2m_collection)c, pass_record, NULL) < 0)
            return 1;
    return s->damaged || found[0] != s->now.pending || found[1] != s->now.rejected;
}
