#include "telemetry/agenda.h"

#include "util/xalloc.h"

#include <stdlib.h>

void f2m_agenda_deinit(struct f2m_agenda *a)
{
    free(a->heap);
    *a = (struct f2m_agenda){0};
}

static void put(struct f2m_agenda *a, size_t place, struct f2m_agenda_entry *e)
{
    a->heap[place] = e;
    e->place = place;
}

static void sift_up(struct f2m_agenda *a, struct f2m_agenda_entry *e)
{
    size_t place = e->place;

    while (place > 0 && a->heap[(place - 1) / 2]->due_ms > e->due_ms) {
        put(a, place, a->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(a, place, e);
}

static void sift_down(struct f2m_agenda *a, struct f2m_agenda_entry *e)
{
    size_t place = e->place;

    for (size_t child; (child = 2 * place + 1) < a->len; place = child) {
        if (child + 1 < a->len && a->heap[child + 1]->due_ms < a->heap[child]->due_ms)
            child++;
        if (a->heap[child]->due_ms >= e->due_ms)
            break;
        put(a, place, a->heap[child]);
    }
    put(a, place, e);
}

void f2m_agenda_add(struct f2m_agenda *a, struct f2m_agenda_entry *e, int64_t due_ms)
{
    if (a->len == a->cap) {
        a->cap = a->cap ? a->cap * 2 : 16;
        a->heap = f2m_xreallocarray(a->heap, a->cap, sizeof(struct f2m_agenda_entry *));
    }
    e->due_ms = due_ms;
    put(a, a->len, e);
    a->len++;
    sift_up(a, e);
}

void f2m_agenda_clear(struct f2m_agenda *a)
{
    a->len = 0;
}

void f2m_agenda_move(struct f2m_agenda *a, struct f2m_agenda_entry *e, int64_t due_ms)
{
    int64_t before = e->due_ms;

    e->due_ms = due_ms;
    if (due_ms < before)
        sift_up(a, e);
    else if (due_ms > before)
        sift_down(a, e);
}

void f2m_agenda_all_due(struct f2m_agenda *a)
{
    for (size_t i = 0; i < a->len; i++)
        a->heap[i]->due_ms = INT64_MIN;
}

struct f2m_agenda_entry *f2m_agenda_first(const struct f2m_agenda *a)
{
    return a->len ? a->heap[0] : NULL;
}
