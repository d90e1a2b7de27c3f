#include "mqtt/pending.h"

#include "util/limits.h"
#include "util/xalloc.h"

#include <stdlib.h>

void f2m_pending_reset(struct f2m_pending *p)
{
    p->unacked = 0;
    p->tags_len = 0;
    for (size_t i = p->filters_at; i < p->filters_len; i++)
        free(p->filters[i].filter);
    p->filters_at = 0;
    p->filters_len = 0;
}

void f2m_pending_deinit(struct f2m_pending *p)
{
    f2m_pending_reset(p);
    free(p->tags);
    free(p->filters);
    *p = (struct f2m_pending){0};
}

bool f2m_pending_full(const struct f2m_pending *p)
{
    return p->unacked >= F2M_MAX_UNACKED_PUBLISHES;
}

void f2m_pending_add(struct f2m_pending *p, int mid, uint64_t tag)
{
    p->unacked++;
    if (tag == 0)
        return;
    if (p->tags_len == p->tags_cap) {
        p->tags_cap = p->tags_cap ? 2 * p->tags_cap : 16;
        p->tags = f2m_xreallocarray(p->tags, p->tags_cap, sizeof *p->tags);
    }
    p->tags[p->tags_len++] = (struct f2m_pending_tag){mid, tag};
}

uint64_t f2m_pending_ack(struct f2m_pending *p, int mid)
{
    if (p->unacked > 0)
        p->unacked--;
    for (size_t i = 0; i < p->tags_len; i++) {
        if (p->tags[i].mid != mid)
            continue;
        uint64_t tag = p->tags[i].tag;
        p->tags[i] = p->tags[--p->tags_len];
        return tag;
    }
    return 0;
}

bool f2m_pending_filters_full(const struct f2m_pending *p)
{
    return p->filters_len - p->filters_at >= F2M_MAX_PENDING_SUBSCRIPTIONS;
}

void f2m_pending_add_filter(struct f2m_pending *p, int mid, const char *filter)
{
    if (p->filters_at == p->filters_len) {
        p->filters_at = 0;
        p->filters_len = 0;
    }
    if (p->filters_len == p->filters_cap) {
        p->filters_cap = p->filters_cap ? 2 * p->filters_cap : 16;
        p->filters = f2m_xreallocarray(p->filters, p->filters_cap, sizeof *p->filters);
    }
    p->filters[p->filters_len++] = (struct f2m_pending_filter){mid, f2m_xstrdup(filter)};
}

char *f2m_pending_take_filter(struct f2m_pending *p, int mid)
{
    for (size_t i = p->filters_at; i < p->filters_len; i++) {
        if (p->filters[i].mid != mid)
            continue;
        char *filter = p->filters[i].filter;
        p->filters[i] = p->filters[p->filters_at];
        p->filters_at++;
        return filter;
    }
    return NULL;
}
