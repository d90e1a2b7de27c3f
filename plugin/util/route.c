#include "util/route.h"

#include "util/topic.h"
#include "util/xalloc.h"

#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

/* A single subscriber, the usual case, needs no list of its own. */
struct route {
    UT_hash_handle hh;  /* exact topics */
    struct route *next; /* filters with wildcards */
    void **many;        /* owned; NULL while there is at most one */
    void *one;
    unsigned len, cap;
    char filter[];
};

struct f2m_router {
    struct route *exact;
    struct route *wildcards;
};

struct f2m_router *f2m_router_new(void)
{
    return f2m_xcalloc(1, sizeof(struct f2m_router));
}

static void route_free(struct route *r)
{
    free(r->many);
    free(r);
}

void f2m_router_free(struct f2m_router *router)
{
    struct route *r, *next;

    if (!router)
        return;
    HASH_ITER(hh, router->exact, r, next)
    {
        HASH_DEL(router->exact, r);
        route_free(r);
    }
    LL_FOREACH_SAFE(router->wildcards, r, next)
    {
        route_free(r);
    }
    free(router);
}

static struct route *find_exact(const struct f2m_router *router, const char *topic, size_t len)
{
    struct route *r;

    HASH_FIND(hh, router->exact, topic, len, r);
    return r;
}

static struct route *find(const struct f2m_router *router, const char *filter, size_t len)
{
    struct route *r;

    if (!f2m_topic_has_wildcard(filter))
        return find_exact(router, filter, len);
    LL_FOREACH(router->wildcards, r)
    {
        if (strcmp(r->filter, filter) == 0)
            return r;
    }
    return NULL;
}

static struct route *create(struct f2m_router *router, const char *filter, size_t len)
{
    struct route *r = f2m_xcalloc(1, sizeof *r + len + 1);

    memcpy(r->filter, filter, len + 1);
    if (f2m_topic_has_wildcard(filter))
        LL_APPEND(router->wildcards, r);
    else
        HASH_ADD_KEYPTR(hh, router->exact, r->filter, len, r);
    return r;
}

static void **subscribers(struct route *r)
{
    return r->many ? r->many : &r->one;
}

void f2m_router_add(struct f2m_router *router, const char *filter, void *subscriber)
{
    size_t len = strlen(filter);
    struct route *r = find(router, filter, len);

    if (!r)
        r = create(router, filter, len);
    if (r->len == 0) {
        subscribers(r)[r->len++] = subscriber;
        return;
    }
    if (r->len >= r->cap) {
        r->cap = r->cap ? r->cap * 2 : 4;
        void **many = f2m_xreallocarray(r->many, r->cap, sizeof *many);
        if (!r->many)
            many[0] = r->one;
        r->many = many;
    }
    r->many[r->len++] = subscriber;
}

/* True where nobody is left. */
static bool drop(struct route *r, const void *subscriber)
{
    void **list = subscribers(r);
    unsigned kept = 0;

    for (unsigned i = 0; i < r->len; i++)
        if (list[i] != subscriber)
            list[kept++] = list[i];
    r->len = kept;
    return kept == 0;
}

void f2m_router_remove(struct f2m_router *router, const void *subscriber)
{
    struct route *r, *next;

    HASH_ITER(hh, router->exact, r, next)
    {
        if (drop(r, subscriber)) {
            HASH_DEL(router->exact, r);
            route_free(r);
        }
    }
    LL_FOREACH_SAFE(router->wildcards, r, next)
    {
        if (drop(r, subscriber)) {
            LL_DELETE(router->wildcards, r);
            route_free(r);
        }
    }
}

static size_t visit_all(struct route *r, f2m_route_visit visit, void *ctx)
{
    void **list = subscribers(r);

    for (unsigned i = 0; i < r->len; i++)
        visit(ctx, list[i]);
    return r->len;
}

size_t f2m_router_match(const struct f2m_router *router, struct f2m_slice topic, f2m_route_visit visit, void *ctx)
{
    struct route *r = find_exact(router, topic.at, topic.len);
    size_t n = r ? visit_all(r, visit, ctx) : 0;

    LL_FOREACH(router->wildcards, r)
    {
        if (f2m_topic_matches(r->filter, topic.at))
            n += visit_all(r, visit, ctx);
    }
    return n;
}

void f2m_router_filters(const struct f2m_router *router, void (*visit)(void *ctx, const char *filter), void *ctx)
{
    struct route *r, *next;

    HASH_ITER(hh, router->exact, r, next)
    {
        visit(ctx, r->filter);
    }
    LL_FOREACH(router->wildcards, r)
    {
        visit(ctx, r->filter);
    }
}
