/*
 * What the tests of control share: the room with a real cloud, real telemetry and a store that fails on demand, under
 * virtual time, in turns as the engine makes them: something happens, then everything ticks, then the commit, then the
 * effects. Effects are written down in plain text; a broker acknowledges what is published; Flip answers as told.
 */
#ifndef F2M_TESTS_CONTROL_WORLD_H
#define F2M_TESTS_CONTROL_WORLD_H

#include "control/control.h"
#include "support/fault_store.h"

#include <check.h>
#include <stdbool.h>

/* 2026-06-01T12:00:00Z: T(0) in the tests. */
#define NOON        INT64_C(1780315200000)
#define SECOND      INT64_C(1000)
#define MINUTE      (60 * SECOND)
#define HOUR        (60 * MINUTE)
#define MAX_FLYING  16
#define MAX_UNHEARD 4

struct world_call {
    uint64_t tag;
    bool patch;
    char id[128];
    char *body;
};

struct world {
    struct f2m_config *config;
    struct f2m_store *store;
    struct f2m_counters counters;
    struct f2m_rng rng;
    struct f2m_cloud *cloud; /* NULL in a rehearsal */
    struct f2m_outbox *outbox;
    struct f2m_telemetry *telemetry;
    struct f2m_control *control;
    struct f2m_effects *fx;
    struct f2m_now now;
    bool rehearsal;
    bool connected;
    bool commit_fails;
    bool lose_effects; /* a crash between commit and effects: this turn's are gone */
    /* the broker */
    const char *unheard[MAX_UNHEARD]; /* topics that nobody listens on */
    int unheard_reason;               /* 0x10 */
    /* Flip */
    bool flip_silent;        /* calls wait in `flying` until world_answer() */
    int patch_status;        /* 200; 0 = the answer is lost */
    int poll_status;         /* 200 */
    char *list;              /* of GET /v1/commands; NULL = "[]" */
    unsigned polls, patched; /* calls begun */
    struct world_call flying[MAX_FLYING];
    size_t flying_len;
    int64_t last_sent_wall;
    /* what was seen since it was last read */
    struct f2m_strbuf battery; /* "topic=payload; " of topics outside the base topic; "!" before retained ones */
    struct f2m_strbuf phases;  /* "id:phase(reason); " of device/…/command */
    struct f2m_strbuf patches; /* "id:STATUS(reason); " */
    struct f2m_strbuf moments; /* "type:id; " */
    struct f2m_strbuf logs;
    struct f2m_strbuf control_topic; /* the last payload of device/xyz-123/control */
    struct f2m_strbuf pause_topic;
    struct f2m_strbuf problems;
    uint32_t last_expiry_s;
    /* hooks of the simulation; NULL = none */
    void (*on_publish)(void *ctx, const struct f2m_publish *);
    void (*on_http)(void *ctx, const struct f2m_http_request *);
    void *ctx;
};

extern struct world w;

/* `control` and `telemetry` are YAML flow mappings of the device xyz-123 (max_charge 5 kW, max_discharge 4 kW); `flip`
 * adds to that section; NULL = nothing. The clock stands at NOON, the broker is up unless told otherwise. */
void world_open(const char *control, const char *telemetry, const char *flip);
void world_open_yaml(const char *yaml);
void world_close(void);
void world_start(void);   /* rooms over the present store */
void world_kill(void);    /* without a word; what was not committed is gone */
void world_restart(void); /* kill, start, broker up */
struct f2m_config *world_load(const char *yaml);
char *world_yaml(const char *control, const char *telemetry, const char *flip); /* to be freed */

/* Turns */
void world_turn(void);             /* ticks, commits, carries out */
void world_run(int64_t ms);        /* lets ms pass: every deadline on the way gets its turn */
void world_sleep(int64_t ms);      /* lets ms pass without one, then a turn */
void world_step_clock(int64_t ms); /* the wall clock alone, then a turn */
void world_up(void);
void world_down(void);
void world_message(const char *topic, const char *payload, bool retain);
void world_pause(const char *payload);
void world_ack(const char *json);

/* Commands: times in seconds from NOON; ends_s 0 = open end. Unset members: DISCHARGE, OK, PENDING, updated with
 * each use of a new revision. */
struct spec {
    const char *id;
    int64_t starts_s, ends_s;
    const char *mode, *power_mode;
    double setpoint; /* 0 = null */
    double reserve;  /* 0 = null */
    const char *status, *device_status;
    int revision; /* updated_at = NOON - 1 h + revision seconds */
    const char *device;
    const char *extra; /* members to add: "\"x\":1," */
};
const char *world_command(const struct spec *); /* JSON, until the next call */
int world_push_spec(const struct spec *);       /* by webhook, and a turn */
#define world_push(...) world_push_spec(&(struct spec){__VA_ARGS__})
void world_list_specs(const struct spec *, size_t n); /* what the next poll shows */
#define world_list(...)                                                                                                \
    world_list_specs((struct spec[]){__VA_ARGS__}, sizeof((struct spec[]){__VA_ARGS__}) / sizeof(struct spec))
void world_answer(size_t i, int status, const char *body); /* of flying[i]; status 0 = no answer */

/* What was seen, and forget it. */
const char *world_battery(void);
const char *world_phases(void);
const char *world_patches(void);
const char *world_moments(void);
const char *world_problems(void);                   /* as they are now */
const char *world_owner(void);                      /* "local", "flip DISCHARGE 4000" of the control topic */
const char *world_control_member(const char *name); /* raw JSON */
bool world_logged(const char *text);

#define ck_seen(what, expected) ck_assert_str_eq(world_##what(), expected)

#endif
