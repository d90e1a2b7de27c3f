/* The outbox as a whole: how much there is, and what goes when it is too much. */
#include "store/internal.h"
#include "util/number.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* On a full disk a turn must fit into the log as it is: as much as one request deletes. The rest waits for the next. */
#define TRIM_WHEN_FULL 1000
#define TRIM_STEP      64 /* points between two looks at the size */
/* These stay whatever fills the file: where that is all the rest, deleting every point at once would help nobody. */
#define TRIM_LEAVES 64

/* Row 0 of `point`: at home it lies on the page that is written with each point anyway, and nothing needs to be counted
 * at start (a million rows would take seconds to count). */
int f2m_store_totals_save(struct sqlite_store *s)
{
    if (s->now.pending == s->committed.pending && s->now.rejected == s->committed.rejected &&
        s->now.span_ms == s->committed.span_ms)
        return 0;
    char text[96];
    int len = snprintf(text, sizeof(text), "%" PRId64 " %" PRId64 " %" PRId64, s->now.pending, s->now.rejected,
                       s->now.span_ms);
    f2m_store_seal(&s->sealed, (struct f2m_slice){text, (size_t)len}, 0, 0);
    sqlite3_stmt *st = f2m_store_statement(s, ST_HOT_PUT);
    sqlite3_bind_int64(st, 1, 0);
    sqlite3_bind_int64(st, 2, 0);
    sqlite3_bind_blob64(st, 3, s->sealed.data, s->sealed.len, SQLITE_STATIC);
    return f2m_store_run(s, st);
}

_Static_assert(F2M_STORE_START_SHIFT == 21, "the text below says so");

static int count(sqlite3 *db, struct totals *out)
{
    static const char sql[] = "SELECT (SELECT count(*) FROM point WHERE id > 0), (SELECT count(*) FROM rejected),"
                              " max(ifnull((SELECT max(at_ms - (id >> 21)) FROM point WHERE id > 0), 0),"
                              " ifnull((SELECT max(at_ms - (id >> 21)) FROM rejected), 0), 0)";
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *out = (struct totals){sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1), sqlite3_column_int64(st, 2)};
    sqlite3_finalize(st);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static bool totals_parse(struct f2m_slice text, struct totals *out)
{
    int64_t *const fields[] = {&out->pending, &out->rejected, &out->span_ms};
    for (size_t i = 0; i < 3; i++) {
        const char *blank = memchr(text.at, ' ', text.len);
        struct f2m_slice field = {text.at, blank ? (size_t)(blank - text.at) : text.len};
        if (!blank != (i == 2) || !f2m_integer_parse(field, 0, INT64_MAX, fields[i]))
            return false;
        text.at += field.len + 1;
        text.len -= field.len + (i < 2);
    }
    return true;
}

int f2m_store_totals_load(struct sqlite_store *s)
{
    struct totals t = {0, 0, 0};
    sqlite3_stmt *st = f2m_store_statement(s, ST_HOT_GET);
    sqlite3_bind_int64(st, 1, 0);
    int rc = sqlite3_step(st);
    bool known = false;
    if (rc == SQLITE_ROW) {
        const void *sealed = sqlite3_column_blob(st, 1);
        known = f2m_store_unseal(&s->unsealed, sealed, (size_t)sqlite3_column_bytes(st, 1), 0, 0) &&
                totals_parse((struct f2m_slice){s->unsealed.data, s->unsealed.len}, &t);
    }
    sqlite3_reset(st);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return rc;
    if (!known)
        rc = count(s->db, &t);
    s->now = s->committed = t;
    return known ? SQLITE_OK : rc;
}

static int bytes_in_use(struct sqlite_store *s, int64_t *bytes)
{
    int64_t pages = 0, unused = 0;
    int err = f2m_store_one(s, f2m_store_statement(s, ST_PAGES), &pages);
    if (err >= 0)
        err = f2m_store_one(s, f2m_store_statement(s, ST_FREE_PAGES), &unused);
    *bytes = (pages - unused) * F2M_STORE_PAGE_SIZE;
    return err < 0 ? err : 0;
}

int f2m_store_do_outbox_stats(struct f2m_store *base, struct f2m_outbox_stats *stats)
{
    struct sqlite_store *s = sqlite_store(base);
    *stats =
        (struct f2m_outbox_stats){.pending = s->now.pending, .rejected = s->now.rejected, .disk_full = s->disk_full};
    int64_t first = 0;
    int found = f2m_store_one(s, f2m_store_statement(s, ST_POINT_FIRST), &first);
    if (found < 0)
        return found;
    stats->oldest_start_ms = first >> F2M_STORE_START_SHIFT;
    return bytes_in_use(s, &stats->bytes);
}

static int trim_age(struct sqlite_store *s, enum statement which, int64_t before_ms, int64_t *total)
{
    sqlite3_stmt *st = f2m_store_statement(s, which);
    /* No point is closed before it starts: the ids bound the search. */
    sqlite3_bind_int64(
        st, 1, before_ms >= (INT64_MAX >> F2M_STORE_START_SHIFT) ? INT64_MAX : before_ms << F2M_STORE_START_SHIFT);
    sqlite3_bind_int64(st, 2, before_ms);
    sqlite3_bind_int64(st, 3, s->disk_full ? TRIM_WHEN_FULL : -1);
    int err = f2m_store_run(s, st);
    if (!err)
        *total -= sqlite3_changes(s->db);
    return err;
}

static int trim_size(struct sqlite_store *s, enum statement which, int64_t max_bytes, int64_t *total, int64_t leave)
{
    int64_t bytes = 0;
    int64_t least = s->disk_full && *total > TRIM_WHEN_FULL ? *total - TRIM_WHEN_FULL : leave;
    int err = bytes_in_use(s, &bytes);
    while (!err && bytes > max_bytes && *total > least) {
        sqlite3_stmt *st = f2m_store_statement(s, which);
        sqlite3_bind_int64(st, 1, *total - least < TRIM_STEP ? *total - least : TRIM_STEP);
        err = f2m_store_run(s, st);
        if (err)
            break;
        int gone = sqlite3_changes(s->db);
        if (!gone)
            break;
        *total -= gone;
        err = bytes_in_use(s, &bytes);
    }
    return err;
}

int f2m_store_do_outbox_trim(struct f2m_store *base, int64_t closed_before_ms, int64_t max_bytes, int64_t *dropped)
{
    struct sqlite_store *s = sqlite_store(base);
    *dropped = 0;
    if (!s->now.pending && !s->now.rejected)
        return 0;
    int64_t before = s->now.pending + s->now.rejected;
    int err = f2m_store_begin(s);
    if (!err && closed_before_ms > 0)
        err = trim_age(s, ST_REJECTED_TRIM_AGE, closed_before_ms, &s->now.rejected);
    if (!err && closed_before_ms > 0)
        err = trim_age(s, ST_POINTS_TRIM_AGE, closed_before_ms, &s->now.pending);
    if (!err && max_bytes > 0)
        err = trim_size(s, ST_REJECTED_TRIM_OLDEST, max_bytes, &s->now.rejected, 0);
    if (!err && max_bytes > 0)
        err = trim_size(s, ST_POINTS_TRIM_OLDEST, max_bytes, &s->now.pending, TRIM_LEAVES);
    *dropped = before - s->now.pending - s->now.rejected;
    return err;
}
