/*
 * What the tests of outbox and uploader share: both with a cloud and a store that fails on demand, under virtual time,
 * in turns as the engine makes them: something happens, then everything ticks, then the commit, then the effects.
 */
#ifndef F2M_TESTS_UPLOAD_WORLD_H
#define F2M_TESTS_UPLOAD_WORLD_H

#include "flip/cloud.h"
#include "support/fault_store.h"
#include "telemetry/outbox.h"
#include "telemetry/upload.h"
#include "util/strbuf.h"

#include <check.h>

#define WORLD_DEVICES    3 /* "A", "B" with interval, "C" with counter */
#define WORLD_MAX_FLYING 64

/* As ck_assert_msg(), which tells the runner of each assertion that holds, too: too slow for a simulation. */
#define WORLD_MUST(condition, ...)                                                                                     \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            ck_abort_msg(__VA_ARGS__);                                                                                 \
    } while (0)

struct world_request {
    uint64_t tag;
    char path[64];
    struct f2m_slice body; /* owned */
    int64_t sent_mono;
};

struct world {
    struct f2m_device devices[WORLD_DEVICES];
    struct f2m_site site;
    struct f2m_config config;
    struct f2m_store *store;
    struct f2m_counters counters;
    struct f2m_rng rng;
    struct f2m_cloud *cloud;
    struct f2m_outbox *outbox;
    struct f2m_uploader *uploader;
    struct f2m_effects *fx;
    struct f2m_now now;
    struct world_request flying[WORLD_MAX_FLYING]; /* not answered yet, in the order of sending */
    size_t flying_len;
    size_t requests;             /* sent in all */
    struct f2m_strbuf published; /* "topic payload\n" of each publish */
    struct f2m_strbuf logs;      /* "level msg pairs\n" */
    bool commit_failed;          /* of the last turn */
};

extern struct world w;

void world_setup(void);
void world_teardown(void);
/* A crash and a new start: what was not committed is gone, and so are requests in flight. */
void world_restart(void);

/* A closed point of a device ("A") with this start, in this turn. Its body is world_body(). */
int world_put(const char *device, int64_t start_s);
const char *world_body(const char *device, int64_t start_s);
/* Ends the turn: ticks, commits, carries the effects out. */
void world_turn(void);
void world_pass(int64_t ms); /* time; then a turn */
/* Turns at every deadline until there is a request (false: none within `ms`), or just for `ms`. */
bool world_until_request(int64_t ms);
void world_run(int64_t ms);
int64_t world_deadline(void);

/* Answers the n-th request in flight (it leaves the list); then a turn. */
void world_answer(size_t n, int status, const char *body);
void world_answer_with(size_t n, const struct f2m_http_result *);
void world_ok(size_t n); /* 200 and OK for every point */
/* "A@0 A@300" of a request's points, in order. */
const char *world_points(size_t n);
size_t world_points_count(size_t n);

const char *world_waiting(void);   /* in the store: "A@0 B@300", "" = none */
const char *world_rejected(void);  /* "A@0:message" */
const char *world_published(void); /* since the last call */
const char *world_logs(void);      /* since the last call */
int world_main(const char *name, TCase *);

#endif
