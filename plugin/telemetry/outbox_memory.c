#include "telemetry/outbox_memory.h"

#include "util/limits.h"
#include "util/xalloc.h"

#include <stdlib.h>
#include <utlist.h>

struct f2m_kept *f2m_kept_new(struct f2m_memory *m, const struct f2m_point *p)
{
    size_t id_size = strlen(p->device_id) + 1;
    struct f2m_kept *k = f2m_xmalloc(sizeof *k + id_size + p->body.len + 1);
    *k = (struct f2m_kept){.point = *p};
    memcpy(k->text, p->device_id, id_size);
    if (p->body.len > 0)
        memcpy(k->text + id_size, p->body.at, p->body.len);
    k->text[id_size + p->body.len] = '\0';
    k->point.id = --m->last_id;
    k->point.device_id = k->text;
    k->point.body = (struct f2m_slice){k->text + id_size, p->body.len};
    k->point.rejected = false;
    k->point.message = NULL;
    return k;
}

void f2m_kept_free(struct f2m_kept *k)
{
    if (!k)
        return;
    free(k->message);
    free((char *)(uintptr_t)k->record.at);
    free(k);
}

void f2m_kept_record(struct f2m_kept *k, struct f2m_slice record)
{
    free((char *)(uintptr_t)k->record.at);
    k->record = (struct f2m_slice){record.at ? f2m_xmemdup0(record.at, record.len) : NULL, record.len};
}

void f2m_memory_deinit(struct f2m_memory *m)
{
    struct f2m_kept *k, *next;
    for (k = m->turn; k; k = next) {
        next = k->next;
        f2m_kept_free(k);
    }
    for (k = m->alone; k; k = next) {
        next = k->next;
        f2m_kept_free(k);
    }
    *m = (struct f2m_memory){0};
}

void f2m_memory_add_turn(struct f2m_memory *m, struct f2m_kept *k, int64_t stored_id)
{
    k->stored_id = stored_id;
    DL_APPEND(m->turn, k);
}

static void count(struct f2m_memory *m, struct f2m_kept *k)
{
    k->stored_id = 0;
    m->alone_len++;
    m->rejected += k->message != NULL;
    m->spent += k->spent;
}

void f2m_memory_add_alone(struct f2m_memory *m, struct f2m_kept *k)
{
    DL_APPEND(m->alone, k);
    count(m, k);
}

void f2m_memory_undo_turn(struct f2m_memory *m)
{
    struct f2m_kept *k;
    for (k = m->turn; k; k = k->next)
        count(m, k);
    DL_CONCAT(m->turn, m->alone);
    m->alone = m->turn;
    m->turn = NULL;
}

struct f2m_kept *f2m_memory_surplus(struct f2m_memory *m)
{
    struct f2m_kept *victim = m->alone;
    if (m->alone_len <= F2M_MAX_POINTS_IN_MEMORY)
        return NULL;
    while (victim && victim->taken)
        victim = victim->next;
    if (victim)
        f2m_memory_remove_alone(m, victim);
    return victim;
}

void f2m_memory_remove_alone(struct f2m_memory *m, struct f2m_kept *k)
{
    DL_DELETE(m->alone, k);
    m->alone_len--;
    m->rejected -= k->message != NULL;
    m->spent -= k->spent;
}

struct f2m_kept *f2m_memory_by_key(const struct f2m_memory *m, const struct f2m_point *p)
{
    struct f2m_kept *k;
    for (k = m->alone; k; k = k->next)
        if (k->point.start_ms == p->start_ms && k->point.endpoint == p->endpoint &&
            strcmp(k->point.device_id, p->device_id) == 0)
            return k;
    return NULL;
}

struct f2m_kept *f2m_memory_by_id(const struct f2m_memory *m, int64_t id)
{
    struct f2m_kept *k;
    for (k = m->alone; k; k = k->next)
        if (k->point.id == id)
            return k;
    return NULL;
}

void f2m_memory_reject(struct f2m_memory *m, struct f2m_kept *k, const char *message)
{
    m->rejected -= k->message != NULL;
    free(k->message);
    k->message = message ? f2m_xstrdup(message) : NULL;
    m->rejected += k->message != NULL;
}

void f2m_memory_spend(struct f2m_memory *m, struct f2m_kept *k)
{
    f2m_memory_reject(m, k, NULL);
    k->taken = false;
    m->spent += !k->spent;
    k->spent = true;
}

struct f2m_kept *f2m_memory_first(const struct f2m_memory *m, const char *device_id)
{
    struct f2m_kept *k = m->alone;
    while (k && strcmp(k->point.device_id, device_id) != 0)
        k = k->next;
    return k;
}

/* utlist: the head's prev is the tail. */
static struct f2m_kept *last(struct f2m_kept *head, const char *device_id)
{
    for (struct f2m_kept *k = head ? head->prev : NULL; k; k = k == head ? NULL : k->prev)
        if (strcmp(k->point.device_id, device_id) == 0)
            return k;
    return NULL;
}

struct f2m_kept *f2m_memory_last(const struct f2m_memory *m, const char *device_id)
{
    return last(m->alone, device_id);
}

struct f2m_kept *f2m_memory_last_of_turn(const struct f2m_memory *m, const char *device_id)
{
    return last(m->turn, device_id);
}
