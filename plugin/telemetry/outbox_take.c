#include "telemetry/outbox_internal.h"

#include "util/limits.h"

#include <utlist.h>

/* A batch looks at so many rows at most: points of a device that has to wait (Interface, clarification 26) must not
 * make every turn walk through a month of them. */
#define MAX_ROWS 50000

struct taking {
    struct f2m_outbox *o;
    f2m_outbox_offer offer;
    void *ctx;
    size_t max, n, rows;
    int error;
};

static bool offer_row(void *ctx, const struct f2m_point *p)
{
    struct taking *t = ctx;
    if (++t->rows > MAX_ROWS)
        return false;
    if (f2m_marks_find(&t->o->marks, p->id) || !t->offer(t->ctx, p))
        return true;
    f2m_marks_set(&t->o->marks, p->id, F2M_MARK_TAKEN, NULL);
    return ++t->n < t->max;
}

static void take_stored(struct taking *t, enum f2m_telemetry_endpoint endpoint, int64_t since_ms)
{
    /* Without a place for the verdicts of more rows nothing of the store is sent: Flip would get it twice. */
    if (t->n >= t->max || f2m_marks_verdicts(&t->o->marks) + t->max > F2M_MAX_OPEN_VERDICTS)
        return;
    struct f2m_point_query query = {.endpoint = endpoint, .order = F2M_POINTS_OLDEST, .closed_since_ms = since_ms};
    int rc = f2m_store_points_each(t->o->store, &query, offer_row, t);
    if (rc != 0)
        t->error = rc;
}

static void take_memory(struct taking *t, enum f2m_telemetry_endpoint endpoint, int64_t since_ms)
{
    struct f2m_kept *k;
    for (k = t->o->memory.alone; k; k = k->next) {
        if (t->n >= t->max)
            return;
        bool waits =
            !k->taken && !k->spent && !k->message && k->point.endpoint == endpoint && k->point.closed_ms >= since_ms;
        if (waits && t->offer(t->ctx, &k->point)) {
            k->taken = true;
            t->n++;
        }
    }
}

int f2m_outbox_take(struct f2m_outbox *o, enum f2m_telemetry_endpoint endpoint, size_t max, int64_t fresh_since_ms,
                    f2m_outbox_offer offer, void *ctx, size_t *n)
{
    struct taking t = {.o = o, .offer = offer, .ctx = ctx};
    /* A quarter is for the backlog, so that it shrinks however much comes in; rounded up, so that a limit of one
     * point still takes fresh ones. */
    t.max = max - max / 4;
    take_stored(&t, endpoint, fresh_since_ms);
    take_memory(&t, endpoint, fresh_since_ms);
    t.max = max;
    t.rows = 0;
    take_stored(&t, endpoint, 0);
    take_memory(&t, endpoint, INT64_MIN);
    *n = t.n;
    return t.error;
}

void f2m_outbox_release(struct f2m_outbox *o, int64_t id)
{
    if (id > 0) {
        struct f2m_mark *mark = f2m_marks_find(&o->marks, id);
        if (mark && mark->kind == F2M_MARK_TAKEN)
            f2m_marks_remove(&o->marks, mark);
        return;
    }
    struct f2m_kept *k = f2m_memory_by_id(&o->memory, id);
    if (k)
        k->taken = false;
}
