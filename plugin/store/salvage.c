/*
 * A damaged file: everything that can be read goes into a new one, row by row, and the old one is set aside for people.
 * Tables are walked from both ends. Where that does not meet, points are looked for in the raw pages too: better a
 * point sent twice (Flip knows it by its key) than one lost. Each row proves itself by its check sum. A point carries
 * its device in its body, so it survives the table of names.
 */
#include "store/internal.h"
#include "util/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COMMIT_EVERY 1000 /* rows per transaction */

struct salvage {
    const struct f2m_store_options *options;
    struct f2m_store_report *report;
    sqlite3 *from;
    struct sqlite_store *to;
    struct f2m_strbuf body;
    struct f2m_strbuf device;
    struct f2m_strbuf message;
    unsigned collections; /* bits: those whose records are taken in this pass */
    unsigned found;       /* bits: those that gave some */
    int uncommitted;
    bool incomplete; /* a walk met damage */
    int err;         /* of writing the new file */
};

/* One table, or one collection of it: the rows between two numbers, in either order. */
struct walk {
    const char *up, *down; /* with the two bounds; the first column is the number */
    void (*row)(struct salvage *, sqlite3_stmt *);
    bool same_number; /* all rows have it: where one way stopped does not bound the other */
};

static void written(struct salvage *v, int err)
{
    if (!err && ++v->uncommitted >= COMMIT_EVERY) {
        v->uncommitted = 0;
        err = f2m_store_commit(&v->to->base);
    }
    if (err && err != -EEXIST)
        v->err = err;
}

/* The key of a name's number in the damaged file, "" = unreadable. */
static const char *key_of(struct salvage *v, int64_t no, int *collection)
{
    sqlite3_stmt *st = NULL;
    f2m_strbuf_reset(&v->device);
    if (sqlite3_prepare_v2(v->from, "SELECT collection, key FROM name WHERE no = ?1", -1, &st, NULL) != SQLITE_OK)
        return "";
    sqlite3_bind_int64(st, 1, no);
    if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_text(st, 1)) {
        *collection = sqlite3_column_int(st, 0);
        f2m_strbuf_adds(&v->device, (const char *)sqlite3_column_text(st, 1));
    }
    sqlite3_finalize(st);
    return v->device.data;
}

static const char *device_of(struct salvage *v, int64_t id)
{
    struct f2m_err ignored;
    struct f2m_slice text = {v->body.data, v->body.len};
    f2m_strbuf_reset(&v->device);
    if (f2m_json_check(text, &ignored) == 0 &&
        f2m_json_string(f2m_json_member(f2m_json_root(text), "device_id"), &v->device))
        return v->device.data;
    int collection = 0;
    return key_of(v, (id >> 1) & F2M_STORE_MAX_NAMES, &collection);
}

static bool unseal(struct salvage *v, sqlite3_stmt *st, int64_t id, int64_t at_ms, int column)
{
    const void *blob = sqlite3_column_blob(st, column);
    return f2m_store_unseal(&v->body, blob, (size_t)sqlite3_column_bytes(st, column), id, at_ms);
}

static void record(struct salvage *v, int64_t c, const char *key, int64_t at_ms)
{
    if (c < 0 || c >= F2M_STORE_COLLECTIONS || !(v->collections & 1u << c))
        return;
    struct f2m_slice value = {v->body.data, v->body.len};
    int err = f2m_store_record_put(&v->to->base, (enum f2m_collection)c, key, value, at_ms);
    if (!err) {
        v->report->salvaged_records++;
        v->found |= 1u << c;
    }
    written(v, err);
}

static void hot_record(struct salvage *v, int64_t no, int64_t at_ms)
{
    int c = -1;
    const char *key = key_of(v, no, &c);
    if (*key && (c == F2M_STORE_META || c == F2M_STORE_DEVICE))
        record(v, c, key, at_ms);
}

/* The body is in v->body. */
static void point(struct salvage *v, int64_t id, int64_t at_ms, const char *message)
{
    const char *device = device_of(v, id);
    if (!*device)
        return;
    struct f2m_point p = {
        .device_id = device,
        .start_ms = id >> F2M_STORE_START_SHIFT,
        .endpoint = (enum f2m_telemetry_endpoint)(id & 1),
        .body = {v->body.data, v->body.len},
        .closed_ms = at_ms,
        .rejected = message != NULL,
        .message = message,
    };
    int err = f2m_store_point_put(&v->to->base, &p, NULL);
    if (!err)
        v->report->salvaged_points++;
    written(v, err);
}

static void point_row(struct salvage *v, sqlite3_stmt *st)
{
    int64_t id = sqlite3_column_int64(st, 0);
    int64_t at_ms = sqlite3_column_int64(st, 1);
    if (id == 0 || !unseal(v, st, id, at_ms, 2))
        return;
    if (id > 0)
        point(v, id, at_ms, NULL);
    else
        hot_record(v, -id, at_ms);
}

static void rejected_row(struct salvage *v, sqlite3_stmt *st)
{
    int64_t id = sqlite3_column_int64(st, 0);
    int64_t at_ms = sqlite3_column_int64(st, 1);
    const char *message = (const char *)sqlite3_column_text(st, 3);
    if (id > 0 && unseal(v, st, id, at_ms, 2))
        point(v, id, at_ms, message ? message : "");
}

static void raw_row(void *ctx, const struct f2m_store_row *row)
{
    struct salvage *v = ctx;
    if (v->err || !f2m_store_unseal(&v->body, row->body.at, row->body.len, row->id, row->at_ms))
        return;
    f2m_strbuf_reset(&v->message);
    f2m_strbuf_add(&v->message, row->message.at, row->message.len);
    point(v, row->id, row->at_ms, row->rejected ? v->message.data : NULL);
}

static void record_row(struct salvage *v, sqlite3_stmt *st)
{
    int64_t c = sqlite3_column_int64(st, 0);
    const char *key = (const char *)sqlite3_column_text(st, 1);
    int64_t at_ms = sqlite3_column_int64(st, 2);
    if (key && unseal(v, st, c, at_ms, 3))
        record(v, c, key, at_ms);
}

/* Rows from one end of lo < number < hi until the other end or damage; *last = the number of the last one read.
 * true: everything was read. */
static bool one_way(struct salvage *v, const struct walk *w, const char *sql, int64_t lo, int64_t hi, int64_t *last)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(v->from, sql, -1, &st, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_int64(st, 1, lo);
        sqlite3_bind_int64(st, 2, hi);
        while (!v->err && (rc = sqlite3_step(st)) == SQLITE_ROW) {
            *last = sqlite3_column_int64(st, 0);
            w->row(v, st);
        }
    }
    sqlite3_finalize(st);
    return v->err || rc == SQLITE_DONE;
}

static void walk(struct salvage *v, const struct walk *w, int64_t lo, int64_t hi)
{
    int64_t first = lo, last = hi;
    if (v->err || one_way(v, w, w->up, lo, hi, &first))
        return;
    one_way(v, w, w->down, w->same_number ? lo : first, hi, &last);
    v->incomplete = true;
}

#define RECORDS                                                                                                        \
    "SELECT collection, key, changed_ms, value FROM record WHERE collection > ?1 AND collection < ?2 ORDER BY "
#define WAITING  "SELECT id, at_ms, body FROM point WHERE id > ?1 AND id < ?2 ORDER BY id "
#define REJECTED "SELECT id, at_ms, body, message FROM rejected WHERE id > ?1 AND id < ?2 ORDER BY id "

/* Records first: they are few, and a disk that fills up on the way should cost the newest points rather. */
static void copy_all(struct salvage *v)
{
    static const struct walk records = {RECORDS "collection, key", RECORDS "collection DESC, key DESC", record_row,
                                        true};
    static const struct walk waiting = {WAITING "ASC", WAITING "DESC", point_row, false};
    static const struct walk rejected = {REJECTED "ASC", REJECTED "DESC", rejected_row, false};
    v->collections = ~v->found;
    for (int c = 0; c < F2M_STORE_COLLECTIONS; c++)
        walk(v, &records, c - 1, c + 1);
    walk(v, &rejected, 0, INT64_MAX);
    walk(v, &waiting, INT64_MIN, INT64_MAX);
    if (!v->err)
        v->err = f2m_store_commit(&v->to->base);
}

static int new_file(struct salvage *v, struct f2m_err *err)
{
    const struct f2m_store_options *o = v->options;
    sqlite3 *db = NULL;
    char name[F2M_STORE_NAME_MAX];
    snprintf(name, sizeof(name), "%s.salvaged", o->path);
    int rc = f2m_store_file_create(o->path, ".salvaged", o->vfs, err);
    if (rc)
        return rc;
    rc = f2m_store_connect(name, o->vfs, &db);
    if (rc == SQLITE_OK)
        rc = f2m_store_wrap(db, NULL, &v->to);
    else
        sqlite3_close(db);
    if (rc == SQLITE_OK)
        return 0;
    f2m_err_set(err, "cannot open %s: %s", name, sqlite3_errstr(rc));
    return -EIO;
}

/* With the log, then without it, since it may be broken or another database's. The second time brings back points that
 * the log had deleted; Flip knows them by their keys. Records it would bring back in an old state: only of
 * collections that gave none the first time. */
static void copy_from_both(struct salvage *v)
{
    bool log = f2m_store_file_exists(v->options->path, "-wal", NULL);
    for (int with_log = log; with_log >= 0 && !v->err; with_log--) {
        if (f2m_store_source_open(v->options, with_log, log, &v->from) == SQLITE_OK)
            copy_all(v);
        else
            v->incomplete = true;
        if (v->incomplete && !with_log && !v->err) {
            f2m_store_pages_rows(v->options->path, raw_row, v);
            v->err = v->err ? v->err : f2m_store_commit(&v->to->base);
        }
        sqlite3_close(v->from);
        v->from = NULL;
    }
    f2m_store_file_remove(v->options->path, ".source");
    f2m_store_file_remove(v->options->path, ".source-wal");
}

static int set_aside(const struct f2m_store_options *o, struct f2m_store_report *report, struct f2m_err *err)
{
    struct tm tm;
    time_t seconds = (time_t)(o->wall_ms / 1000);
    char when[32] = "unknown-time";
    if (gmtime_r(&seconds, &tm))
        strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
    char *to = report->set_aside;
    int len = snprintf(to, sizeof(report->set_aside), "%s.corrupt-%s", o->path, when);
    for (int i = 2; i < 100 && f2m_store_file_exists(to, "", NULL); i++)
        snprintf(to + len, sizeof(report->set_aside) - (size_t)len, "-%d", i);
    int rc = f2m_store_file_rename(o->path, "-wal", to, "-wal");
    if (!rc || rc == -ENOENT)
        rc = f2m_store_file_rename(o->path, "", to, "");
    if (!rc)
        rc = f2m_store_file_rename(o->path, ".salvaged", o->path, "");
    if (!rc)
        rc = f2m_store_folder_sync(o->path);
    if (rc)
        f2m_err_set(err, "it is damaged (%s), and cannot be set aside as %s: %s", report->damage, to, strerror(-rc));
    return rc;
}

int f2m_store_salvage(const struct f2m_store_options *o, struct f2m_store_report *report, struct f2m_err *err)
{
    struct salvage v = {.options = o, .report = report};
    char damage[sizeof(report->damage)];
    memcpy(damage, report->damage, sizeof(damage));
    report->salvaged_points = report->salvaged_records = 0;
    int rc = new_file(&v, err);
    if (rc)
        return rc;
    f2m_strbuf_init(&v.body, 0);
    f2m_strbuf_init(&v.device, 0);
    f2m_strbuf_init(&v.message, 0);
    copy_from_both(&v);
    f2m_strbuf_deinit(&v.body);
    f2m_strbuf_deinit(&v.device);
    f2m_strbuf_deinit(&v.message);
    f2m_store_free(&v.to->base);
    if (f2m_store_file_exists(o->path, ".salvaged-wal", NULL) || (v.err && v.err != -ENOSPC)) {
        f2m_err_set(err, "it is damaged (%s), and the new one cannot be written", damage);
        return v.err ? v.err : -EIO;
    }
    /* A full disk: what did not fit stays in the file that is set aside. */
    return set_aside(o, report, err);
}
