/*
 * A seeded discrete-event world around the room control, under virtual time: a Flip that creates, changes and cancels
 * commands, a broker and a cloud that come and go, a bridge that crashes in every moment, a clock that is set, an owner
 * who pauses, and a battery with a real dialect that remembers its mode. After every turn the invariants of check.c
 * hold. Prints the seed of what fails.
 */
#ifndef F2M_TESTS_SIM_CONTROL_SIM_H
#define F2M_TESTS_SIM_CONTROL_SIM_H

#include "control/control.h"
#include "support/fault_store.h"
#include "util/rfc3339.h"
#include "util/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define NOON   INT64_C(1780315200000) /* 2026-06-01T12:00:00Z */
#define DEVICE "xyz-123"
#define NEVER  INT64_MAX

#define MAX_COMMANDS 40
#define MAX_CALLS    32
#define MAX_POSTS    256

/* What Flip says of a command. */
struct picture {
    int64_t starts, ends; /* true wall; ends NEVER = open */
    const char *mode, *power_mode;
    double setpoint; /* 0 = null */
    const char *status, *device_status;
    int64_t updated;
};

struct command {
    char id[16];
    bool foreign;                        /* of a device that is not ours */
    struct picture now;                  /* at Flip */
    struct picture before;               /* an older one, for late deliveries */
    struct picture seen, seen_committed; /* by the bridge; updated 0 = not yet */
    int64_t created, pending_since;      /* true wall / mono */
    bool integration_ok;                 /* the integration said OK to it */
    const char *last_patch;              /* the last status that the bridge sent, "" = none */
    int patched;
};

enum mode { OWN, DISCHARGE, CHARGE, STANDBY };
struct battery {
    enum mode mode;
    double w;
    int64_t lease_until;                  /* mono; NEVER = none */
    bool forced_discharge, forced_charge; /* lxp's two switches */
    bool stuck;                           /* takes nothing, shows nothing new */
    bool deaf;                            /* does not listen, and the broker says so */
    /* since the room was last settled: */
    bool wrote, changed; /* it was written to; it took something new */
    bool excused;        /* a restart, reconnect or failed commit writes again */
    bool lapsed;         /* its lease ran out since it was last written to */
};

struct dialect {
    const char *name, *yaml;
    bool watts;    /* tells the setpoint */
    bool lease;    /* goes back by itself */
    bool standby;  /* has STANDBY */
    bool confirms; /* reads back */
    void (*hear)(const char *topic, const char *payload);
};
extern const struct dialect dialects[];
extern const size_t dialects_len;

struct call {
    uint64_t tag;
    int64_t due; /* mono */
    int status;  /* 0 = no answer */
    char *body;
    struct command *one; /* a PATCH: the command, in pictures[0] */
    size_t listed;       /* a list of commands, of the moment of the request: */
    struct picture pictures[MAX_COMMANDS];
};

/* A message on its way to the bridge. */
struct post {
    int64_t due;
    char topic[64], payload[96];
    bool retain;
};

struct sim {
    uint64_t seed;
    struct f2m_rng chance;
    bool verbose;
    int64_t latest_wall; /* the latest that the bridge ever read: what was over then stays over */
    int64_t mono, skew;  /* bridge wall = NOON + mono + skew */
    const struct dialect *dialect;
    bool integration;
    /* the bridge */
    struct f2m_config *config;
    struct f2m_store *store;
    struct f2m_counters counters;
    struct f2m_rng rng;
    struct f2m_cloud *cloud;
    struct f2m_outbox *outbox;
    struct f2m_telemetry *telemetry;
    struct f2m_control *control;
    struct f2m_effects *fx;
    bool alive, connected, hold, commit_fails;
    bool crash_now;     /* in the middle of the turn */
    int64_t back_at;    /* restart; NEVER = alive */
    int64_t good_since; /* mono: everything has worked since then */
    int64_t settled_at; /* mono: last time at which the room was settled */
    int64_t up_at;      /* mono: broker reconnect of the bridge; NEVER = none planned */
    bool broker_up, cloud_up;
    struct f2m_mqtt_published acked[256];
    size_t acked_len;
    char control_topic[4096]; /* retained at the broker */
    /* the world */
    struct command commands[MAX_COMMANDS];
    size_t commands_len;
    const struct command *last_started;
    int64_t last_ends; /* its end, as the bridge knew it */
    struct call calls[MAX_CALLS];
    size_t calls_len;
    struct post posts[MAX_POSTS];
    size_t posts_len;
    struct battery battery;
    double soc;
    bool soc_silent, device_offline, veto, paused;
    int64_t soc_at, event_at, check_at;
    int64_t broker_back, cloud_back, unstuck_at, listens_at, commit_back, hold_back, online_at, pause_back,
        veto_back;      /* NEVER = works */
    int64_t trusted_at; /* mono: the store and the clock have worked since then */
    int64_t low_since;  /* mono: state of charge at the floor; NEVER = above */
    bool ending;        /* nothing breaks any more */
    /* how much was covered */
    uint64_t acts, starts, patches, crashes;
};
extern struct sim s;

void sim_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void sim_trace(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static inline int64_t below(int64_t n)
{
    return f2m_rng_below(&s.chance, n);
}
static inline bool percent(int64_t p)
{
    return below(100) < p;
}
static inline int64_t true_wall(void)
{
    return NOON + s.mono;
}
static inline int64_t bridge_wall(void)
{
    return NOON + s.mono + s.skew;
}
static inline struct f2m_now bridge_now(void)
{
    return (struct f2m_now){1000000 + s.mono, bridge_wall()};
}
/* Something broke: liveness is judged anew from when it works again. */
static inline void disturb(void)
{
    s.good_since = s.settled_at = s.mono;
}

/* bridge.c */
void bridge_start(void);
void bridge_kill(void);
void bridge_turn(void); /* ticks, commits, carries out, until nothing is due at once */
void bridge_up(void);
void bridge_down(void);
void bridge_message(const char *topic, const char *payload, bool retain);
void bridge_answer(struct call *);
void bridge_reload(void);
int64_t bridge_deadline(void); /* mono of the world */
void bridge_free(void);
struct f2m_config *bridge_config(const struct dialect *, bool integration); /* kept for all seeds */

/* flip.c */
void flip_create(void);
void flip_change(void);
void flip_deliver(struct command *, const struct picture *);
void flip_listed(const struct call *); /* the bridge has read it */
void flip_request(const struct f2m_http_request *);
void flip_end_all(void); /* what would go on for more than an hour is canceled */
void flip_committed(bool ok);
struct command *flip_find(const char *id);

/* battery.c */
void battery_hear(const struct f2m_publish *);
void battery_pass(void); /* leases run out */
void post(int64_t delay, const char *topic, const char *payload, bool retain);
const char *mode_name(enum mode);

/* chance.c */
void chance_event(void); /* something happens */
void chance_heal(void);  /* what was to be over by now is over */
void chance_pause(void);
void chance_veto(void);
void chance_online(void);
int64_t chance_next(void); /* mono: the next thing that is planned */

/* check.c */
void check_publish(void); /* the battery has taken something new */
void check_lapse(void);   /* the battery goes back to its own mode by itself */
void check_turn(void);    /* after every turn */
void check_settled(void); /* at moments of no turn */
void check_end(void);

#endif
