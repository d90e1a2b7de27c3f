#include "telemetry/outbox_internal.h"

#include "util/limits.h"
#include "util/xalloc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>
#include <utlist.h>

/* At start, how far back a device's newest waiting point is looked for. */
#define RECALL_ROWS 20000

/* ---- life ---- */

struct recall {
    struct f2m_latest *latest;
    size_t rows;
};

static bool recall_row(void *ctx, const struct f2m_point *p)
{
    struct recall *r = ctx;
    f2m_latest_closed(r->latest, p);
    return ++r->rows < RECALL_ROWS && f2m_latest_missing(r->latest) > 0;
}

struct f2m_outbox *f2m_outbox_new(const struct f2m_config *config, struct f2m_store *store,
                                  struct f2m_counters *counters)
{
    struct f2m_outbox *o = f2m_xcalloc(1, sizeof *o);
    o->config = config;
    o->store = store;
    o->counters = counters;
    o->stats = f2m_xcalloc(1, sizeof *o->stats);
    o->stats_old = f2m_xcalloc(1, sizeof *o->stats_old);
    f2m_outbox_touch_stats(o);
    o->latest = f2m_latest_new(config);
    /* Best effort: a store that cannot be read shows in the uploads, and nothing but a topic's memory depends on it. */
    struct recall recall = {.latest = o->latest};
    struct f2m_point_query newest = {.endpoint = F2M_TELEMETRY_OFF, .order = F2M_POINTS_NEWEST};
    if (f2m_latest_missing(o->latest) > 0)
        (void)f2m_store_points_each(store, &newest, recall_row, &recall);
    return o;
}

void f2m_outbox_free(struct f2m_outbox *o)
{
    if (!o)
        return;
    f2m_latest_free(o->latest);
    f2m_memory_deinit(&o->memory);
    f2m_marks_deinit(&o->marks);
    free(o->stats);
    free(o->stats_old);
    free(o);
}

void f2m_outbox_reload(struct f2m_outbox *o, const struct f2m_config *config)
{
    o->config = config;
    o->trim_at = 0; /* the caps may be others */
    f2m_latest_reload(o->latest, config);
}

/* ---- points in ---- */

int f2m_outbox_put(struct f2m_outbox *o, struct f2m_now now, const struct f2m_point *p, struct f2m_effects *fx)
{
    int64_t stored_id = 0;
    if (f2m_memory_by_key(&o->memory, p))
        return -EEXIST;
    /* Nor does it pass an earlier point of its device that is still in memory, on its way to Flip perhaps: the record
     * would go with that one, and a crash would find this one without it. */
    bool waits = o->failing || f2m_memory_first(&o->memory, p->device_id);
    int rc = waits ? -EAGAIN : f2m_store_point_put(o->store, p, &stored_id);
    if (rc == -EEXIST)
        return rc;
    struct f2m_kept *k = f2m_kept_new(&o->memory, p);
    if (rc == 0) {
        f2m_memory_add_turn(&o->memory, k, stored_id);
        o->grown = true;
        f2m_marks_set(&o->marks, stored_id, F2M_MARK_UNCOMMITTED, NULL);
    } else {
        if (!waits)
            f2m_outbox_disk_refused(o, now, rc, fx);
        f2m_outbox_keep_in_memory(o, now, k, fx);
    }
    o->news[p->endpoint].closed++;
    f2m_outbox_touch_stats(o);
    return 0;
}

static void turn_is_on_disk(struct f2m_outbox *o)
{
    struct f2m_kept *k, *next;
    for (k = o->memory.turn; k; k = next) {
        next = k->next;
        f2m_marks_remove(&o->marks, f2m_marks_find(&o->marks, k->stored_id));
        if (!k->spent)
            f2m_latest_closed(o->latest, &k->point);
        f2m_kept_free(k);
    }
    o->memory.turn = NULL;
    struct f2m_mark *mark, *after;
    if (f2m_marks_verdicts(&o->marks) == 0)
        return;
    HASH_ITER(hh, o->marks.all, mark, after)
    {
        if (mark->applied)
            f2m_marks_remove(&o->marks, mark);
    }
}

static void turn_is_undone(struct f2m_outbox *o, struct f2m_now now, struct f2m_effects *fx)
{
    struct f2m_kept *k;
    for (k = o->memory.turn; k; k = k->next)
        f2m_marks_remove(&o->marks, f2m_marks_find(&o->marks, k->stored_id));
    f2m_memory_undo_turn(&o->memory);
    f2m_outbox_limit_memory(o, now, fx);
    struct f2m_mark *mark, *after;
    HASH_ITER(hh, o->marks.all, mark, after)
    {
        mark->applied = false;
    }
}

void f2m_outbox_committed(struct f2m_outbox *o, struct f2m_now now, bool ok, struct f2m_effects *fx)
{
    bool changed = o->memory.turn || f2m_marks_verdicts(&o->marks) > 0;
    if (ok) {
        turn_is_on_disk(o);
        if (o->stepped)
            f2m_outbox_disk_works(o, fx);
    } else {
        turn_is_undone(o, now, fx);
        if (o->stepped) /* that was an attempt: the next wait is longer */
            o->retry_at = now.mono_ms;
        if (changed || o->stepped)
            f2m_outbox_disk_refused(o, now, -EIO, fx);
    }
    o->stepped = false;
    if (changed || !ok)
        f2m_outbox_touch_stats(o);
    f2m_latest_publish(o->latest, fx);
}

/* ---- verdicts ---- */

/* A point in memory leaves with its verdict; one in the store is marked until its row is gone. */
static void settle_sent(struct f2m_outbox *o, struct f2m_now now, const struct f2m_point *p, int64_t *ids, size_t *n,
                        struct f2m_effects *fx)
{
    if (p->id > 0) {
        f2m_marks_set(&o->marks, p->id, F2M_MARK_SENT, NULL);
        ids[(*n)++] = p->id;
        return;
    }
    struct f2m_kept *k = f2m_memory_by_id(&o->memory, p->id);
    if (k) {
        f2m_latest_closed(o->latest, &k->point);
        f2m_outbox_sent_from_memory(o, now, k, fx);
    }
}

void f2m_outbox_sent(struct f2m_outbox *o, struct f2m_now now, const struct f2m_point *points, size_t n,
                     struct f2m_effects *fx)
{
    if (n == 0)
        return;
    int64_t *ids = f2m_xreallocarray(NULL, n, sizeof *ids);
    size_t stored = 0;
    for (size_t i = 0; i < n; i++) {
        settle_sent(o, now, &points[i], ids, &stored, fx);
        f2m_latest_verdict(o->latest, &points[i], F2M_UPLOAD_SENT, NULL);
    }
    int rc = stored ? f2m_store_points_delete(o->store, ids, stored) : 0;
    for (size_t i = 0; i < stored; i++)
        f2m_marks_find(&o->marks, ids[i])->applied = rc == 0;
    if (rc != 0)
        f2m_outbox_disk_refused(o, now, rc, fx);
    free(ids);
    f2m_outbox_touch_stats(o);
}

void f2m_outbox_rejected(struct f2m_outbox *o, struct f2m_now now, const struct f2m_point *p, const char *message,
                         struct f2m_effects *fx)
{
    if (p->id > 0) {
        struct f2m_mark *mark = f2m_marks_set(&o->marks, p->id, F2M_MARK_REJECTED, message);
        int rc = f2m_store_point_reject(o->store, p->id, message);
        mark->applied = rc == 0;
        if (rc != 0)
            f2m_outbox_disk_refused(o, now, rc, fx);
    } else {
        struct f2m_kept *k = f2m_memory_by_id(&o->memory, p->id);
        if (k) {
            k->taken = false;
            f2m_memory_reject(&o->memory, k, message);
            f2m_latest_closed(o->latest, &k->point);
        }
    }
    f2m_latest_verdict(o->latest, p, F2M_UPLOAD_REJECTED, message);
    f2m_outbox_touch_stats(o);
}

/* ---- rejected points ---- */

static int64_t memory_retry(struct f2m_outbox *o, const char *device_id, bool drop)
{
    int64_t n = 0;
    struct f2m_kept *k, *next;
    for (k = o->memory.alone; k; k = next) {
        next = k->next;
        if (!k->message || (device_id && strcmp(k->point.device_id, device_id) != 0))
            continue;
        n++;
        if (drop)
            f2m_outbox_leave_memory(o, k); /* its energy goes with it: the record says so */
        else
            f2m_memory_reject(&o->memory, k, NULL);
    }
    return n;
}

static int64_t rejected_leave(struct f2m_outbox *o, struct f2m_now now, const char *device_id, bool drop,
                              struct f2m_effects *fx)
{
    int64_t n = 0;
    int rc = drop ? f2m_store_points_drop(o->store, device_id, &n) : f2m_store_points_retry(o->store, device_id, &n);
    if (rc != 0) {
        n = 0;
        f2m_outbox_disk_refused(o, now, rc, fx);
    }
    n += memory_retry(o, device_id, drop);
    f2m_outbox_touch_stats(o);
    return n;
}

int64_t f2m_outbox_retry(struct f2m_outbox *o, struct f2m_now now, const char *device_id, struct f2m_effects *fx)
{
    int64_t n = rejected_leave(o, now, device_id, false, fx);
    if (n > 0) {
        f2m_latest_retry(o->latest, device_id);
        for (unsigned e = 0; e < F2M_OUTBOX_ENDPOINTS; e++)
            o->news[e].returned++;
    }
    return n;
}

int64_t f2m_outbox_drop(struct f2m_outbox *o, struct f2m_now now, const char *device_id, struct f2m_effects *fx)
{
    return rejected_leave(o, now, device_id, true, fx);
}

/* Flip's wording is not documented: "unknown device", "device … not found", "device … does not exist". */
static bool says_unknown_device(const char *message)
{
    static const char *const words[] = {"unknown",      "not found",    "not exist",     "no such",
                                        "unrecognized", "unrecognised", "not registered"};
    if (!message || !strcasestr(message, "device"))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasestr(message, words[i]))
            return true;
    return false;
}

static bool find_unknown(void *ctx, const struct f2m_point *p)
{
    bool *found = ctx;
    *found = says_unknown_device(p->message);
    return !*found;
}

int64_t f2m_outbox_retry_unknown_device(struct f2m_outbox *o, struct f2m_now now, const char *device_id,
                                        struct f2m_effects *fx)
{
    bool found = false;
    struct f2m_kept *k;
    struct f2m_point_query rejected = {.endpoint = F2M_TELEMETRY_OFF, .rejected = true, .device_id = device_id};
    (void)f2m_store_points_each(o->store, &rejected, find_unknown, &found); /* unreadable: nothing to retry now */
    for (k = o->memory.alone; k; k = k->next)
        found |= strcmp(k->point.device_id, device_id) == 0 && says_unknown_device(k->message);
    /* Others of the device that wait again as well are simply refused again. */
    return found ? f2m_outbox_retry(o, now, device_id, fx) : 0;
}

/* ---- what others ask ---- */

void f2m_outbox_mqtt_up(struct f2m_outbox *o, struct f2m_now now, struct f2m_effects *fx)
{
    (void)now;
    (void)fx;
    f2m_latest_touch(o->latest);
}

struct f2m_outbox_news f2m_outbox_news(const struct f2m_outbox *o, enum f2m_telemetry_endpoint endpoint)
{
    return o->news[endpoint];
}

void f2m_outbox_touch_stats(struct f2m_outbox *o)
{
    *o->stats_old = true;
}

struct f2m_outbox_stats f2m_outbox_stats(const struct f2m_outbox *o)
{
    if (*o->stats_old) {
        struct f2m_outbox_stats read;
        *o->stats_old = f2m_store_outbox_stats(o->store, &read) != 0; /* unreadable: the last figures stand */
        if (!*o->stats_old)
            *o->stats = read;
    }
    struct f2m_outbox_stats s = *o->stats;
    const struct f2m_mark *mark;
    for (mark = f2m_marks_verdicts(&o->marks) ? o->marks.all : NULL; mark; mark = mark->hh.next) {
        if (mark->applied || mark->kind == F2M_MARK_TAKEN || mark->kind == F2M_MARK_UNCOMMITTED)
            continue;
        s.pending--;
        s.rejected += mark->kind == F2M_MARK_REJECTED;
    }
    s.pending += (int64_t)(f2m_memory_points(&o->memory) - o->memory.rejected);
    s.rejected += (int64_t)o->memory.rejected;
    const struct f2m_kept *k;
    for (k = o->memory.alone; k; k = k->next)
        if (!k->message && !k->spent && (s.oldest_start_ms == 0 || k->point.start_ms < s.oldest_start_ms))
            s.oldest_start_ms = k->point.start_ms;
    return s;
}

bool f2m_outbox_disk_failing(const struct f2m_outbox *o)
{
    return o->failing;
}

bool f2m_outbox_latest(const struct f2m_outbox *o, const char *device_id, struct f2m_latest_point *out)
{
    return f2m_latest_find(o->latest, device_id, out);
}
