/*
 * What the broker has not answered yet: publishes (counted; those with a tag by message id) and subscriptions (filters
 * by message id). libmosquitto's own queue has no bound, so the bound is here. Not thread-safe (the client locks).
 */
#ifndef F2M_MQTT_PENDING_H
#define F2M_MQTT_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct f2m_pending_tag {
    int mid;
    uint64_t tag;
};
struct f2m_pending_filter {
    int mid;
    char *filter; /* owned */
};

/* Zero-initialised. */
struct f2m_pending {
    size_t unacked; /* publishes, tagged or not; ≤ F2M_MAX_UNACKED_PUBLISHES */
    struct f2m_pending_tag *tags;
    size_t tags_len, tags_cap;
    struct f2m_pending_filter *filters; /* in order; answers come in order, so the search ends at once */
    size_t filters_at, filters_len, filters_cap;
};

void f2m_pending_deinit(struct f2m_pending *);
void f2m_pending_reset(struct f2m_pending *); /* the connection is gone: no answer will come */

bool f2m_pending_full(const struct f2m_pending *); /* no further publish */
void f2m_pending_add(struct f2m_pending *, int mid, uint64_t tag);
uint64_t f2m_pending_ack(struct f2m_pending *, int mid); /* its tag; 0 = it had none */

bool f2m_pending_filters_full(const struct f2m_pending *);
void f2m_pending_add_filter(struct f2m_pending *, int mid, const char *filter); /* copies */
char *f2m_pending_take_filter(struct f2m_pending *, int mid);                   /* NULL = unknown; else free it */

#endif
