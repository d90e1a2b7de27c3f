#include "requests/operation.h"

static const struct f2m_operation own_operations[] = {
    {"outbox/stats", F2M_GROUP_OUTBOX, F2M_OPERATION_OUTBOX_STATS, 0, false, NULL},
    {"outbox/retry", F2M_GROUP_OUTBOX, F2M_OPERATION_OUTBOX_RETRY, 0, false, NULL},
    {"outbox/list", F2M_GROUP_OUTBOX, F2M_OPERATION_OUTBOX_LIST, 0, false, NULL},
    {"outbox/drop", F2M_GROUP_OUTBOX, F2M_OPERATION_OUTBOX_DROP, 0, false, NULL},
};

/* Flip: Basics, Pagination: documented for these two collections only. */
static const char *paged_collection(enum f2m_endpoint endpoint)
{
    switch (endpoint) {
    case F2M_ENDPOINT_SITES_GET: return "sites";
    case F2M_ENDPOINT_PROGRAMS_GET: return "programs";
    default: return NULL;
    }
}

static struct f2m_operation of_endpoint(enum f2m_endpoint endpoint)
{
    const struct f2m_endpoint_info *info = &f2m_endpoint_info[endpoint];
    bool sends = info->method == F2M_HTTP_POST || info->method == F2M_HTTP_PATCH;
    return (struct f2m_operation){
        .name = info->operation,
        .group = info->group,
        .kind = F2M_OPERATION_FLIP,
        .endpoint = endpoint,
        .body = sends && endpoint != F2M_ENDPOINT_SITE_TOKEN_CREATE,
        .collection = paged_collection(endpoint),
    };
}

bool f2m_operation_at(size_t i, struct f2m_operation *out)
{
    size_t own = i - F2M_ENDPOINT_COUNT;
    if (i < F2M_ENDPOINT_COUNT)
        *out = of_endpoint((enum f2m_endpoint)i);
    else if (own < sizeof own_operations / sizeof *own_operations)
        *out = own_operations[own];
    else
        return false;
    return true;
}

bool f2m_operation_find(struct f2m_slice name, struct f2m_operation *out)
{
    for (size_t i = 0; f2m_operation_at(i, out); i++)
        if (f2m_slice_is(name, out->name))
            return true;
    return false;
}
