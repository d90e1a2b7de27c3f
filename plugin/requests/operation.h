/*
 * The operations of bridge/request/<operation>: Flip's endpoints (flip/endpoint.h has their paths and groups) and
 * the bridge's own. Interface, section 3.4.
 */
#ifndef F2M_REQUESTS_OPERATION_H
#define F2M_REQUESTS_OPERATION_H

#include "flip/endpoint.h"

enum f2m_operation_kind {
    F2M_OPERATION_FLIP,
    F2M_OPERATION_OUTBOX_STATS,
    F2M_OPERATION_OUTBOX_RETRY,
    F2M_OPERATION_OUTBOX_LIST,
    F2M_OPERATION_OUTBOX_DROP,
};

struct f2m_operation {
    const char *name;
    enum f2m_group group;
    enum f2m_operation_kind kind;
    enum f2m_endpoint endpoint; /* F2M_OPERATION_FLIP */
    bool body;                  /* it takes one, and must have one */
    const char *collection;     /* paged by skip and limit (Flip, decision 16): its name; NULL = not paged */
};

/* Every operation, Flip's in the order of the endpoint table, then ours; false where i is beyond the last. */
bool f2m_operation_at(size_t i, struct f2m_operation *);
/* False where unknown. */
bool f2m_operation_find(struct f2m_slice name, struct f2m_operation *);

#endif
