#include "telemetry/outbox_internal.h"

#include "util/limits.h"
#include "util/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#define RETRY_FIRST_MS 1000
#define RETRY_MOST_MS  60000
#define MOVE_STEP      500 /* points moved to disk in one turn */

void f2m_outbox_disk_refused(struct f2m_outbox *o, struct f2m_now now, int error, struct f2m_effects *fx)
{
    if (!o->failing) {
        o->failing = true;
        o->retry_ms = 0;
        f2m_effects_log(fx, F2M_LOG_ERROR, "outbox", "the disk refuses points: they wait in memory", "reason=%s",
                        error == -ENOSPC ? "disk-full" : "io-error");
    }
    o->stepped = false;
    if (now.mono_ms < o->retry_at)
        return; /* the same turn's second failure */
    o->retry_ms = o->retry_ms == 0 ? RETRY_FIRST_MS : o->retry_ms * 2;
    if (o->retry_ms > RETRY_MOST_MS)
        o->retry_ms = RETRY_MOST_MS;
    o->retry_at = now.mono_ms + o->retry_ms;
}

void f2m_outbox_disk_works(struct f2m_outbox *o, struct f2m_effects *fx)
{
    if (o->failing)
        f2m_effects_log(fx, F2M_LOG_INFO, "outbox", "the disk takes points again", "%s", "");
    o->failing = false;
    o->retry_ms = 0;
    if (!o->memory.alone)
        o->retry_at = 0;
    for (unsigned e = 0; e < F2M_OUTBOX_ENDPOINTS; e++)
        o->news[e].returned++;
}

void f2m_outbox_keep_in_memory(struct f2m_outbox *o, struct f2m_now now, struct f2m_kept *k, struct f2m_effects *fx)
{
    f2m_memory_add_alone(&o->memory, k);
    f2m_outbox_limit_memory(o, now, fx);
}

void f2m_outbox_limit_memory(struct f2m_outbox *o, struct f2m_now now, struct f2m_effects *fx)
{
    struct f2m_kept *victim;
    while ((victim = f2m_memory_surplus(&o->memory))) {
        f2m_outbox_lost(o, now, !victim->spent, "memory-full", fx);
        f2m_kept_free(victim);
    }
    o->counters->points_in_memory = f2m_memory_points(&o->memory);
    if (o->memory.alone && o->retry_at == 0)
        o->retry_at = now.mono_ms + RETRY_FIRST_MS;
}

/* Flip's verdicts that the store did not take. */
static int write_verdicts(struct f2m_outbox *o)
{
    struct f2m_mark *mark, *next;
    int rc = 0;
    if (f2m_marks_verdicts(&o->marks) == 0)
        return 0;
    HASH_ITER(hh, o->marks.all, mark, next)
    {
        if (rc != 0 || mark->applied)
            continue;
        if (mark->kind == F2M_MARK_SENT)
            rc = f2m_store_points_delete(o->store, &mark->id, 1);
        else if (mark->kind == F2M_MARK_REJECTED)
            rc = f2m_store_point_reject(o->store, mark->id, mark->message);
        else
            continue;
        mark->applied = rc == 0;
    }
    return rc;
}

/* One point from memory to the store, with its record. It stays in memory as well until the commit. */
static int write_point(struct f2m_outbox *o, struct f2m_now now, struct f2m_kept *k)
{
    int64_t id = 0;
    struct f2m_point p = k->point;
    p.rejected = k->message != NULL;
    p.message = k->message;
    int rc = k->spent ? 0 : f2m_store_point_put(o->store, &p, &id);
    if (rc == 0 || rc == -EEXIST) /* there already: the commit that was told as failed has written it after all */
        rc = f2m_outbox_write_record(o, now, k);
    if (rc != 0)
        return rc;
    f2m_memory_remove_alone(&o->memory, k);
    o->counters->points_in_memory = f2m_memory_points(&o->memory);
    f2m_memory_add_turn(&o->memory, k, id);
    o->grown = true;
    if (id > 0)
        f2m_marks_set(&o->marks, id, F2M_MARK_UNCOMMITTED, NULL);
    return 0;
}

/* Whether a failing disk would take a point. Without this it would be told as working where no point waits, and as
 * failing again with the next one. */
static int probe(struct f2m_outbox *o, struct f2m_now now, bool written)
{
    struct f2m_outbox_stats stats;
    int rc = f2m_store_outbox_stats(o->store, &stats);
    if (rc == 0 && stats.disk_full)
        rc = -ENOSPC;
    if (rc != 0 || written)
        return rc;
    return f2m_store_record_put(o->store, F2M_STORE_META, "outbox/probe", (struct f2m_slice){"", 0}, now.wall_ms);
}

/* Points on their way to Flip stay where they are: their verdict comes under the id that they have now. Nor does a
 * later point of the device pass them, as its record would be older than one that is on disk already. */
static int write_points(struct f2m_outbox *o, struct f2m_now now, size_t *moved)
{
    struct f2m_kept *k, *next;
    int rc = 0;
    for (k = o->memory.alone; k && rc == 0 && *moved < MOVE_STEP; k = next) {
        next = k->next;
        if (f2m_memory_first(&o->memory, k->point.device_id)->taken)
            continue;
        rc = write_point(o, now, k);
        *moved += rc == 0;
    }
    return rc;
}

/* Tries to bring to disk what waits for it. */
void f2m_outbox_disk_tick(struct f2m_outbox *o, struct f2m_now now, struct f2m_effects *fx)
{
    if (o->retry_at == 0 || now.mono_ms < o->retry_at)
        return;
    size_t moved = 0;
    int rc = write_verdicts(o);
    if (rc == 0)
        rc = write_points(o, now, &moved);
    if (rc == 0 && o->failing)
        rc = probe(o, now, moved > 0);
    f2m_outbox_touch_stats(o);
    if (rc != 0) {
        f2m_outbox_disk_refused(o, now, rc, fx);
        return;
    }
    o->stepped = moved < MOVE_STEP;
    o->retry_at = now.mono_ms + (o->stepped ? RETRY_FIRST_MS : 0);
}
