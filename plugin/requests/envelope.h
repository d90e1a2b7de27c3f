/*
 * The envelope of a request: {"transaction", "site_id", …, "query", "body"}, strictly read; and of its answer.
 * Interface, section 3.4, clarification 16.
 */
#ifndef F2M_REQUESTS_ENVELOPE_H
#define F2M_REQUESTS_ENVELOPE_H

#include "flip/endpoint.h"
#include "requests/operation.h"
#include "util/err.h"
#include "util/limits.h"
#include "util/slice.h"
#include "util/strbuf.h"

#define F2M_MAX_TRANSACTION_BYTES 256
#define F2M_MAX_QUERY_BYTES       4096

struct f2m_envelope {
    struct f2m_slice transaction;                              /* raw JSON, a scalar; {NULL, 0} where absent or null */
    struct f2m_slice body;                                     /* raw JSON object; {NULL, 0} where absent */
#define F2M_ENVELOPE_ID(name) char name[F2M_MAX_ID_BYTES + 1]; /* "" = absent */
    F2M_PATH_IDS(F2M_ENVELOPE_ID)
#undef F2M_ENVELOPE_ID
    bool pages; /* the query asks for one page itself (skip or limit) */
};

/* Reads a payload for an operation; appends the query, percent-encoded, to `query`. The slices point into the payload.
 * -EINVAL with a text that names the member; the transaction is filled in where it could be read even then. */
int f2m_envelope_read(struct f2m_slice payload, const struct f2m_operation *, struct f2m_envelope *,
                      struct f2m_strbuf *query, struct f2m_err *) __attribute__((warn_unused_result));
/* The transaction of a checked payload alone; false where it is no short scalar. */
bool f2m_envelope_transaction(struct f2m_slice root, struct f2m_slice *transaction);
struct f2m_path_ids f2m_envelope_ids(const struct f2m_envelope *);

#endif
