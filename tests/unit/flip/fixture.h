/* What the tests of the flip room share: a cloud under virtual time, the calls it makes, the replies it gives. */
#ifndef F2M_TESTS_FLIP_FIXTURE_H
#define F2M_TESTS_FLIP_FIXTURE_H

#include "flip/cloud.h"
#include "util/strbuf.h"

#include <check.h>

#define FIXTURE_CLIENT_TOKEN "client-token-secret"

struct fixture_reply {
    int count; /* replies for this call */
    enum f2m_outcome outcome;
    int status;
    char message[300];
    char body[300];
    int64_t retry_after_s;
};

extern struct f2m_cloud *cloud;
extern struct f2m_config config;
extern struct f2m_counters counters;
extern struct f2m_effects *fx;
extern struct f2m_now now;
extern struct fixture_reply replies[600]; /* by the call's id */

void fixture_setup(void);
void fixture_teardown(void);

/* A call with this id; ids.site_id etc. from `site`; returns what f2m_cloud_call() returns. */
int fixture_call(enum f2m_endpoint, const char *site, uint64_t id);
/* The n-th request (from 0) since the start of the test; fails where there is none. */
const struct f2m_http_request *fixture_request(size_t n);
size_t fixture_requests(void);
/* The answer to the n-th request. body NULL = empty. */
void fixture_answer(size_t n, int status, const char *body);
void fixture_answer_later(size_t n, int status, int64_t retry_after_s);
void fixture_lost(size_t n, const char *error);
void fixture_pass(int64_t ms);  /* time; then a tick */
const char *fixture_logs(void); /* every log line so far, "level msg pairs\n" */
int fixture_main(const char *name, TCase *);

#endif
