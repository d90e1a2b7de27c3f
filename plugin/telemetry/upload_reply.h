/* Flip's answer to a telemetry report: one {status, message?} per point, by index, in a bare array or in an array
 * inside an object (Flip, decision 7). */
#ifndef F2M_TELEMETRY_UPLOAD_REPLY_H
#define F2M_TELEMETRY_UPLOAD_REPLY_H

#include "util/err.h"
#include "util/slice.h"

#define F2M_VERDICT_MESSAGE_SIZE 208

/* message: why it was rejected, cleaned and clipped; "" where ok. Lives for the call. */
typedef void (*f2m_verdict_visit)(void *ctx, size_t index, bool ok, const char *message);

/* Visits the verdicts in order and gives their number, which may be smaller than `points`: the others are unknown.
 * -EINVAL, without a visit, where the answer breaks the contract: no array, more entries than points, an entry that is
 * no object, or entries that all have no status (then it is a list of something else). */
int f2m_upload_reply_read(struct f2m_slice body, size_t points, f2m_verdict_visit visit, void *ctx, size_t *verdicts,
                          struct f2m_err *err) __attribute__((warn_unused_result));

#endif
