/*
 * A seeded discrete-event world around the rooms sites and control, under virtual time: a Flip whose events,
 * enrollments and commands live their lives, told by webhooks that come late, twice and in any order, or seen by polls,
 * or both; a bridge that restarts and crashes, a broker that goes away, a disk that refuses writes.
 *
 * The same scenario is played three times (webhook only, poll only, both). Each time every piece of Flip's news is told
 * exactly once, and all three tell the same. Prints the seed of what fails.
 */
#ifndef F2M_TESTS_SIM_SITES_SIM_H
#define F2M_TESTS_SIM_SITES_SIM_H

#include "sites/sites.h"
#include "util/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define NOON   INT64_C(1780315200000) /* 2026-06-01T12:00:00Z */
#define NEVER  INT64_MAX
#define SITE   "home"
#define DEVICE "bat"

enum channel { WEBHOOK_ONLY, POLL_ONLY, BOTH, CHANNELS };
extern const char *const channel_names[CHANNELS];

enum kind { EVENT, ENROLLMENT, COMMAND };

/* One thing that happens at Flip: an object gets these values, and that is news. */
struct happening {
    int64_t at; /* mono */
    enum kind kind;
    int object;       /* index among its kind */
    const char *type; /* of the notification */
    const char *status;
    int setpoint; /* commands */
    bool silent;  /* no change of the object: command.started, .ended */
};

#define MAX_OBJECTS    40
#define MAX_HAPPENINGS 400
struct object {
    bool there;
    const char *status, *device_status;
    int setpoint;
    int64_t starts, ends, updated; /* mono */
};

struct delivery {
    int64_t at;
    char id[32];
    char *body;
    bool done;
};
#define MAX_DELIVERIES 2000

#define MAX_TOLD 1000
struct told {
    char key[160];
    int times, spare; /* spare: how often it may come again, since nobody knows whether the broker had it */
};

struct world {
    uint64_t seed;
    enum channel channel;
    struct f2m_rng chance; /* of this run: deliveries, outages */
    int64_t mono;
    bool hides_canceled; /* Flip's list leaves them out */
    bool touches;        /* an acknowledgement moves updated_at */
    /* the scenario */
    struct happening happenings[MAX_HAPPENINGS];
    size_t happenings_len, next;
    int64_t end;
    struct object objects[3][MAX_OBJECTS];
    /* on the way */
    struct delivery deliveries[MAX_DELIVERIES];
    size_t deliveries_len;
    /* told */
    struct told expected[MAX_TOLD], told[MAX_TOLD];
    size_t expected_len, told_len;
    /* the bridge */
    struct f2m_store *store;
    int64_t back_at, broker_back, disk_back, trouble_at; /* NEVER = nothing amiss */
    bool crash;                                          /* at the next commit */
    uint64_t crashes, outages, refusals;
};
extern struct world w;

void sim_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
static inline int64_t below(int64_t n)
{
    return f2m_rng_below(&w.chance, n);
}
static inline bool percent(int64_t p)
{
    return below(100) < p;
}

/* scenario.c */
void scenario_make(uint64_t seed);
int64_t scenario_quiet_until(void); /* when the next start or end of a command comes */

/* flip.c */
void flip_tick(void);    /* what happens by now */
int64_t flip_next(void); /* mono */
void object_json(enum kind, int object, struct f2m_strbuf *out);
/* Appends the answer; returns the status, 0 = no answer. */
int flip_answer(const struct f2m_http_request *, struct f2m_strbuf *out);
void expect(const char *key);
void note_told(struct f2m_slice payload);
void key_of(struct f2m_slice payload, char key[160]);
void spare(const char *key);
void compare(void);

/* bridge.c */
void bridge_new(void);
void bridge_free(void);
void bridge_start(void);
void bridge_run(void); /* until nothing is due at w.mono */
int64_t bridge_next(void);
bool bridge_alive(void);
void bridge_crash(void);
void bridge_stop(void);
void bridge_broker(bool up);
int bridge_webhook(const char *id, const char *body);

#endif
