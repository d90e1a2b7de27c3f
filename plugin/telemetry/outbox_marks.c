#include "telemetry/outbox_marks.h"

#include "util/xalloc.h"

#include <stdlib.h>

static void count(struct f2m_marks *m, enum f2m_mark_kind kind, bool more)
{
    size_t *n = kind == F2M_MARK_SENT ? &m->sent : kind == F2M_MARK_REJECTED ? &m->rejected : NULL;
    if (n)
        *n += more ? 1 : (size_t)-1;
}

struct f2m_mark *f2m_marks_find(const struct f2m_marks *m, int64_t id)
{
    struct f2m_mark *mark;
    HASH_FIND(hh, m->all, &id, sizeof id, mark);
    return mark;
}

struct f2m_mark *f2m_marks_set(struct f2m_marks *m, int64_t id, enum f2m_mark_kind kind, const char *message)
{
    struct f2m_mark *mark = f2m_marks_find(m, id);
    if (mark) {
        count(m, mark->kind, false);
    } else {
        mark = f2m_xcalloc(1, sizeof *mark);
        mark->id = id;
        HASH_ADD(hh, m->all, id, sizeof mark->id, mark);
    }
    mark->kind = kind;
    mark->applied = false;
    free(mark->message);
    mark->message = message ? f2m_xstrdup(message) : NULL;
    count(m, kind, true);
    return mark;
}

void f2m_marks_remove(struct f2m_marks *m, struct f2m_mark *mark)
{
    if (!mark)
        return;
    count(m, mark->kind, false);
    HASH_DEL(m->all, mark);
    free(mark->message);
    free(mark);
}

void f2m_marks_deinit(struct f2m_marks *m)
{
    struct f2m_mark *all = m->all;
    HASH_CLEAR(hh, m->all);
    for (struct f2m_mark *mark = all, *next; mark; mark = next) {
        next = mark->hh.next;
        free(mark->message);
        free(mark);
    }
    *m = (struct f2m_marks){0};
}
