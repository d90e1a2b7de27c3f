/* Inside requests: an accepted request on its way, and its steps: requests.c (accept, answer), flip.c (calls to Flip,
 * paging), agreement.c (what must be agreed before an enrollment is created), outgoing.c (until the answer is out). */
#ifndef F2M_REQUESTS_INTERNAL_H
#define F2M_REQUESTS_INTERNAL_H

#include "requests/envelope.h"
#include "requests/operation.h"
#include "requests/requests.h"
#include "util/limits.h"
#include "util/strbuf.h"

struct request {
    uint64_t id;
    struct f2m_operation operation;
    struct f2m_envelope envelope; /* its slices point into `payload` */
    char *payload;                /* owned copy */
    struct f2m_slice text;        /* it, as a slice */
    struct f2m_strbuf query;
    char *response_topic;         /* owned; NULL = bridge/response/<operation> */
    struct f2m_slice correlation; /* owned copy */
    int64_t deadline_ms;          /* mono */
    /* paging (Flip, decision 16) */
    int64_t skip;
    struct f2m_strbuf items;  /* elements so far, comma-separated */
    size_t page_at, page_len; /* of the last page in it */
    struct request *next;
};

/* An answer that is not out yet. Owned by the room. */
struct outgoing {
    struct outgoing *next; /* in order */
    char *topic;
    struct f2m_slice payload;
    struct f2m_slice instead;     /* said where the disk does not take what the payload tells; {NULL, 0} = the same */
    struct f2m_slice correlation; /* {NULL, 0} = none */
    bool said;                    /* in this turn, which may still fail */
};

struct f2m_requests {
    struct f2m_requests_context c;
    struct request *list;
    size_t len;
    uint64_t last_id;
    struct outgoing *outgoing; /* at most F2M_MAX_ANSWERS_WAITING */
    size_t outgoing_len, outgoing_bytes;
    bool away;                     /* no broker */
    struct f2m_strbuf topic, text; /* scratch */
};

/* What an answer says; http_status 0 = nothing was sent. */
struct answer {
    int http_status;
    const char *error;     /* NULL = ok */
    struct f2m_slice data; /* raw JSON; {NULL, 0} = null */
};

/* requests.c: publishes the answer and forgets the request. */
void request_answer(struct f2m_requests *, struct request *, const struct answer *, struct f2m_effects *);
struct request *request_find(struct f2m_requests *, uint64_t id);

/* outgoing.c */
/* Copies the texts; publishes at once where a broker is there. */
void outgoing_add(struct f2m_requests *, const char *topic, const struct outgoing *texts, struct f2m_effects *);
void outgoing_publish(struct f2m_requests *, struct f2m_effects *);
bool outgoing_due(const struct f2m_requests *);
void outgoing_free(struct f2m_requests *);

/* flip.c */
void request_call(struct f2m_requests *, struct request *, struct f2m_now, struct f2m_effects *);
void request_answer_reply(struct f2m_requests *, struct request *, const struct f2m_reply *, struct f2m_effects *);

/* agreement.c: reads the program first; the enrollment is created only where everything that it asks for is there. */
void request_enroll(struct f2m_requests *, struct request *, struct f2m_now, struct f2m_effects *);

/* local.c: outbox/… */
void request_outbox(struct f2m_requests *, struct request *, struct f2m_now, struct f2m_effects *);

#endif
