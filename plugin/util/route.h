/*
 * From a topic to those who want it: exact topics in a hash, filters with wildcards in a list. A subscriber is an
 * opaque pointer, borrowed; the same one may be added under several filters and is then visited for each that matches.
 */
#ifndef F2M_UTIL_ROUTE_H
#define F2M_UTIL_ROUTE_H

#include "util/slice.h"

struct f2m_router;

typedef void (*f2m_route_visit)(void *ctx, void *subscriber);

struct f2m_router *f2m_router_new(void);
void f2m_router_free(struct f2m_router *); /* NULL is fine */

/* The filter is copied. */
void f2m_router_add(struct f2m_router *, const char *filter, void *subscriber);
/* Forgets the subscriber under every filter. Walks the whole table: for reloads, not for the steady state. */
void f2m_router_remove(struct f2m_router *, const void *subscriber);

/* Visits the subscribers of every filter that matches, in the order of their addition within one filter; returns how
 * many. `topic` is NUL-terminated as well. The router may not be changed from inside. */
size_t f2m_router_match(const struct f2m_router *, struct f2m_slice topic, f2m_route_visit, void *ctx);
/* Every filter once. */
void f2m_router_filters(const struct f2m_router *, void (*visit)(void *ctx, const char *filter), void *ctx);

#endif
