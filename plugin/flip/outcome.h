/* What an HTTP result of Flip means. Interface, Telemetry 6; Flip: Errors (branch on the status only, the body is
 * for people). */
#ifndef F2M_FLIP_OUTCOME_H
#define F2M_FLIP_OUTCOME_H

#include "port/event.h"
#include "util/slice.h"

enum f2m_outcome {
    F2M_OUTCOME_OK,     /* 2xx, body valid JSON or empty */
    F2M_OUTCOME_RETRY,  /* transport, 408, 425, 429, 5xx, 1xx, 3xx, or a 2xx whose body is no JSON: outcome unknown */
    F2M_OUTCOME_SPLIT,  /* 413 */
    F2M_OUTCOME_REJECT, /* other 4xx: Flip understood and says no */
    F2M_OUTCOME_AUTH,   /* 401, 403 */
};

struct f2m_reply {
    enum f2m_outcome outcome;
    int status;            /* HTTP status; 0 where none came */
    struct f2m_slice body; /* the JSON value, checked; {NULL, 0} where empty or no JSON; lives for the callback */
    const char *message;   /* for people: Flip's message | error | detail[].msg (clipped), or the transport's reason; ""
                              where the outcome is OK */
    int64_t retry_after_s; /* 0 = none */
};

#define F2M_REPLY_MESSAGE_SIZE 208 /* 200 bytes and some room for "…" */

/* Never fails: what cannot be read is F2M_OUTCOME_RETRY. reply->message points at `message`, reply->body into the
 * result's body. The message never repeats one of the secrets (each may be NULL), should the other side echo it. */
void f2m_outcome_read(const struct f2m_http_result *, const char *const secrets[2],
                      char message[F2M_REPLY_MESSAGE_SIZE], struct f2m_reply *);

/* Text of outside origin made fit for logs, topics and the store: control characters become blanks, bad UTF-8 becomes
 * U+FFFD, clipped with "…" to what fits into buf. */
void f2m_outcome_clean(struct f2m_slice text, char *buf, size_t size);

#endif
