/* Points on their way to Flip: the request's text, finished, and where each point stands in it. Owns copies of all. */
#ifndef F2M_TELEMETRY_UPLOAD_BATCH_H
#define F2M_TELEMETRY_UPLOAD_BATCH_H

#include "port/store.h"
#include "util/strbuf.h"

struct f2m_batch_item {
    int64_t id, start_ms;
    size_t device_at; /* in devices */
    size_t at, end;   /* of the body, in text */
};

struct f2m_batch {
    struct f2m_strbuf text; /* {"telemetry":[…  without the end */
    struct f2m_strbuf devices;
    struct f2m_batch_item *items;
    size_t len, cap;
};

struct f2m_batch *f2m_batch_new(void);
void f2m_batch_free(struct f2m_batch *);
void f2m_batch_reset(struct f2m_batch *);
/* False where the request would become too long (F2M_MAX_BATCH_BYTES); one point always fits. */
bool f2m_batch_add(struct f2m_batch *, const struct f2m_point *);
/* id, device_id and start_ms of a point; lives until the next change. */
struct f2m_point f2m_batch_point(const struct f2m_batch *, size_t i);
/* The request for all points, in place; of a run of them, into `out`. */
struct f2m_slice f2m_batch_request(struct f2m_batch *);
struct f2m_slice f2m_batch_request_of(const struct f2m_batch *, size_t from, size_t n, struct f2m_strbuf *out);

#endif
