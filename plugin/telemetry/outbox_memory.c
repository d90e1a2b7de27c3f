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
    free(k);
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

struct f2m_kept *f2m_memory_add_alone(struct f2m_memory *m, struct f2m_kept *k)
{
    struct f2m_kept *victim = NULL;
    k->stored_id = 0;
    if (m->alone_len >= F2M_MAX_POINTS_IN_MEMORY) {
        victim = m->alone;
        while (victim && victim->taken)
            victim = victim->next;
        if (!victim)
            return k;
        f2m_memory_remove_alone(m, victim);
    }
    DL_APPEND(m->alone, k);
    m->alone_len++;
    if (k->message)
        m->rejected++;
    return victim;
}

void f2m_memory_remove_alone(struct f2m_memory *m, struct f2m_kept *k)
{
    DL_DELETE(m->alone, k);
    m->alone_len--;
    if (k->message)
        m->rejected--;
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
