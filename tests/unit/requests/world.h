/* What the tests of requests share: the real cloud and outbox under virtual time; what was published and called. */
#ifndef F2M_TESTS_REQUESTS_WORLD_H
#define F2M_TESTS_REQUESTS_WORLD_H

#include "requests/requests.h"

#include "util/limits.h"

#include <check.h>
#include <stdio.h>

#define WORLD_CLIENT_TOKEN "client-token"
#define WORLD_SITE_TOKEN   "site-token"

struct world_answer {
    char topic[300];
    char correlation[64];
    char text[600000];
};

extern struct f2m_config world_config;
extern struct f2m_requests *world_requests;

void world_setup(void);
void world_teardown(void);

/* A request without and with MQTT 5 properties (NULL = none). */
void world_ask(const char *operation, const char *payload);
void world_ask_v5(const char *operation, const char *payload, const char *response_topic, const char *correlation);
void world_pass(int64_t ms);
void world_broker(bool there);  /* it is at the start */
extern bool world_commit_fails; /* every turn's, while true: nothing is published */
void world_stop(void);

/* Calls to Flip in order, site tokens aside: those are answered by the world itself. */
size_t world_calls(void);
const struct f2m_http_request *world_call(size_t n);
size_t world_token_calls(void);
void world_reply(size_t n, int status, const char *body);
void world_lost(size_t n, const char *error);

/* Answers in order of publishing. */
size_t world_answers(void);
const struct world_answer *world_answer(size_t n);
/* The only answer since the last call of this function: on bridge/response/<operation>, with exactly this text. */
void world_expect(const char *operation, const char *text);
/* The operation of the last observed() call, and the body it got; NULL = none. */
const char *world_observed(void);
const char *world_observed_body(void);

int world_main(const char *name, TCase *tests);

#endif
