/*
 * Inside the room: its state, and what its files do for each other.
 *
 *   flip_command.c  Flip's object -> struct            schedule.c     which command holds at a wall time
 *   ingest.c        one path for polled and pushed     guard.c        state of charge against the reserve
 *   ledger.c        commands in the store              owner.c        pause, veto, command/ack
 *   journal.c       what the battery was last told     limits.c       clamping, what is possible
 *   phase.c         a command's transitions            action.c       publishes to the battery, one after the other
 *   settle.c        makes a device right, now          acknowledge.c  statuses to Flip, durable
 *   confirm.c       read-back                          poll.c         GET /v1/commands
 *   publish.c       our own topics                     control.c      the room's door
 */
#ifndef F2M_CONTROL_INTERNAL_H
#define F2M_CONTROL_INTERNAL_H

#include "control/control.h"
#include "control/flip_command.h"
#include "flip/backoff.h"
#include "telemetry/source.h"
#include "util/json_writer.h"
#include "util/limits.h"
#include "util/rfc3339.h"
#include "util/route.h"
#include "util/strbuf.h"

#include <stdio.h>
#include <uthash.h>

#define F2M_COMPONENT        "control"
#define F2M_REHEARSAL_PREFIX "rehearsal-" /* ids of commands that are not Flip's */

/* ---- commands ---- */

/* id, name in the store, phase on MQTT (Interface, section 3.3) */
#define F2M_PHASES(X)                                                                                                  \
    X(RECEIVED, "received", "received") /* waits for its start */                                                      \
    X(STARTED, "started", "started")    /* holds the battery */                                                        \
    X(REPLACED, "replaced", "replaced") /* a later one holds; goes on after it */                                      \
    X(GUARDED, "guarded", "failed")     /* ended by the guard; goes on when the battery has recovered */               \
    X(ENDED, "ended", "ended")          /* from here on: for good */                                                   \
    X(CANCELED, "canceled", "canceled")                                                                                \
    X(OPTED_OUT, "opted_out", "opted_out")                                                                             \
    X(SUPERSEDED, "superseded", "replaced") /* an open-ended one that was replaced (Interface, clarification 25) */    \
    X(REJECTED, "rejected", "rejected")     /* never executed */                                                       \
    X(FAILED, "failed", "failed")
enum f2m_phase {
#define F2M_PHASE_ENUM(id, stored, told) F2M_PHASE_##id,
    F2M_PHASES(F2M_PHASE_ENUM)
#undef F2M_PHASE_ENUM
        F2M_PHASE_COUNT
};
static inline bool f2m_phase_final(enum f2m_phase phase)
{
    return phase >= F2M_PHASE_ENDED;
}

#define F2M_REASON_SIZE 208

enum f2m_answer {
    F2M_ANSWER_NONE,
    F2M_ANSWER_OK,
    F2M_ANSWER_FAILED_OFFLINE,
    F2M_ANSWER_FAILED_FAULT,
};

enum f2m_ack_state {
    F2M_ACK_IDLE,   /* nothing to tell */
    F2M_ACK_OPEN,   /* Flip waits, nothing is decided yet */
    F2M_ACK_QUEUED, /* decided, to be sent */
    F2M_ACK_SENT,   /* under way */
};

struct f2m_ack {
    enum f2m_ack_state state;
    enum f2m_answer answer; /* the latest one */
    char reason[F2M_REASON_SIZE];
    bool again;            /* decided anew while one was under way */
    bool ours;             /* `answer` is what the integration said, or what we found out ourselves (not "offline") */
    int64_t asked_ms;      /* OPEN: wall time of the question, for the store */
    int64_t deadline_mono; /* OPEN */
    int64_t answered_mono; /* when Flip last took an answer: what was asked before is answered */
    uint64_t call;         /* SENT */
    uint64_t turn;         /* in which it was decided: it leaves only after that turn is on disk */
    struct f2m_backoff backoff;
};

struct f2m_control_device;

struct f2m_command {
    UT_hash_handle hh;                  /* by id */
    struct f2m_command *next, *prev;    /* of its device */
    struct f2m_command *out, *out_back; /* of those with something to tell Flip */
    struct f2m_flip_command flip;
    struct f2m_control_device *device; /* NULL = not configured */
    enum f2m_phase phase;
    bool begun;                   /* it held the battery once */
    bool untold;                  /* no broker was there when it came into its phase */
    bool held;                    /* answered FAILED_OFFLINE: does not start before it is answered OK */
    char reason[F2M_REASON_SIZE]; /* of the phase */
    struct f2m_orders orders;     /* after the limits */
    char limited[120];            /* what they changed; "" = nothing */
    int64_t updated_ms;           /* newest updated_at of a picture taken */
    int64_t seen_mono;            /* when Flip showed that picture, as far as known */
    int64_t answered_ms;          /* updated_at when Flip last took an answer */
    int64_t refused_ms;           /* updated_at at which Flip refused our answer for good; INT64_MIN = none */
    int64_t changed_ms;           /* wall time of the last transition */
    int64_t changed_mono;         /* the same, monotonic; of the start, where it was before that */
    uint64_t shown;               /* poll->number when Flip showed it last; 0 = not since the start */
    struct f2m_ack ack;
};

/* ---- devices ---- */

/* What the battery was last told: the journal. */
struct f2m_told {
    bool active;      /* it is in that mode */
    bool restore_due; /* and nobody confirmed yet that it is back in its own */
    char command_id[F2M_MAX_ID_BYTES + 1], event_id[F2M_MAX_ID_BYTES + 1];
    struct f2m_orders orders;
    int64_t starts_ms, ends_ms;
    uint64_t signature; /* of everything published for it */
};

enum f2m_action_kind {
    F2M_ACTION_NONE,
    F2M_ACTION_MODE,
    F2M_ACTION_RESTORE,
};

struct f2m_step {
    uint64_t tag;                     /* of the last publish; 0 = none */
    bool acked;                       /* by the broker, with somebody listening */
    bool unheard;                     /* nobody listens, or refused */
    unsigned misses;                  /* times in a row */
    int64_t refresh_mono, retry_mono; /* INT64_MAX = none */
};

/* A list of publishes being carried out, or (at == len) kept up. */
struct f2m_action {
    enum f2m_action_kind kind;
    const struct f2m_control_publish *list; /* borrowed from the configuration */
    size_t len, at;
    struct f2m_step *steps; /* len */
    bool confirming;        /* step `at` is sent and waits for its read-back */
    int64_t due_mono;       /* of step `at`, or of its read-back */
    unsigned tries;
    bool unconfirmed;   /* restore: a step was not confirmed */
    int64_t again_mono; /* restore: when it begins anew if it is not done by then */
};

/* A topic that shows what the battery took over. */
struct f2m_watch {
    struct f2m_control_device *device;
    const struct f2m_confirm *confirm; /* borrowed */
    char *filter;
    char *value, *topic; /* of the last message; NULL = none */
    bool arrived;        /* since the publish that waits */
    bool stateful;       /* retained: shows the present state, not an event */
};

struct f2m_control_device {
    UT_hash_handle hh; /* by id */
    const struct f2m_device *config;
    uint32_t number; /* in control->devices, and in tags */
    struct f2m_command *commands;
    struct f2m_command *running; /* the one in phase STARTED */
    struct f2m_source_reader *veto;
    bool vetoed; /* as journaled: holds until the topic says something */
    struct f2m_watch *watches;
    size_t watches_len;
    double max_charge, max_discharge; /* W; NAN = unknown */
    bool paused;
    struct f2m_told told;
    bool force;         /* the battery must hear what holds, whatever the journal says */
    bool wrote;         /* in this turn, which may still fail */
    bool restore_first; /* a restore is being sent, and the running command waits for its end */
    struct f2m_action action;
    char unheard[F2M_REASON_SIZE]; /* "nobody listens on x"; "" = all well */
    char trouble[F2M_REASON_SIZE]; /* with restore; "" = all well */
    bool shown;                    /* control topic is out, with this content: */
    uint64_t shown_hash;
    bool pause_shown;        /* so is the pause topic */
    enum f2m_mode mode_told; /* to telemetry */
    bool due;                /* settle at the next tick, whatever the deadlines say */
    int64_t next_wall, next_mono;
};

struct f2m_poll {
    int64_t due_mono; /* INT64_MIN = at once */
    bool in_flight, again;
    int64_t began_mono;
    uint64_t number; /* of Flip's lists so far, the present one included */
    struct f2m_backoff backoff;
};

struct f2m_control {
    struct f2m_control_context c;
    struct f2m_control_device *devices; /* array */
    size_t devices_len;
    struct f2m_control_device *by_id;
    struct f2m_router *vetoes;   /* of struct f2m_control_device */
    struct f2m_router *confirms; /* of struct f2m_watch */
    struct f2m_command *commands;
    struct f2m_command *outgoing; /* with something to tell Flip */
    uint64_t last_call;
    unsigned acks_in_flight;
    struct f2m_backoff ack_backoff; /* the cloud does not answer */
    struct f2m_poll poll;
    bool polled_before; /* not the baseline (Interface, clarification 18) */
    struct unknown_command *unknown;
    uint64_t unusable[F2M_MAX_UNUSABLE_COMMANDS]; /* hashes of those that were told in the log */
    unsigned unusable_next;
    f2m_control_moment moment;
    void *moment_ctx;
    bool connected, hold, hold_told, stopped;
    int64_t up_mono;
    int64_t quiet_mono; /* the client to the broker is full: none of our own topics before */
    uint32_t last_tag;
    bool touched;       /* this turn changed the store or publishes */
    int failed;         /* the store's error in this turn */
    uint64_t turn;      /* commits so far */
    int64_t retry_mono; /* after a failed commit: not before */
    unsigned commit_failures;
    int64_t next_wall, next_mono; /* the first of all devices */
    int64_t offset_ms;            /* wall - mono at the last tick: shows steps */
    int64_t trim_mono;
    struct f2m_strbuf topic, text, body; /* scratch */
};

#define F2M_POLLED_KEY "control.polled" /* in F2M_STORE_META: commands were polled once */

/* ---- flip_command.c: see its header ---- */

/* ---- limits.c ---- */
/* Fills command->orders and ->limited (Interface, Commands 6, clarification 14, 25). */
void f2m_limits_apply(struct f2m_command *);
/* False with `reason` ("not possible: …") where the device cannot do it as configured. */
bool f2m_limits_possible(const struct f2m_command *, struct f2m_now, char reason[F2M_REASON_SIZE]);
/* The configured publishes for these orders; NULL where the mode is not configured. */
const struct f2m_control_mode *f2m_limits_mode(const struct f2m_control_config *, const struct f2m_orders *);

/* ---- ledger.c ---- */
struct f2m_command *f2m_ledger_find(const struct f2m_control *, const char *id);
/* Takes the contents of `flip`. NULL where the table is full of commands that are not over. */
struct f2m_command *f2m_ledger_add(struct f2m_control *, struct f2m_now, struct f2m_flip_command *flip);
void f2m_ledger_save(struct f2m_control *, struct f2m_now, struct f2m_command *);
void f2m_ledger_load(struct f2m_control *, struct f2m_now);
void f2m_ledger_clear(struct f2m_control *);                        /* memory only */
void f2m_ledger_attach(struct f2m_control *, struct f2m_command *); /* to its device, as configured now */
void f2m_ledger_detach(struct f2m_command *);
void f2m_ledger_drop_device(struct f2m_control *, struct f2m_control_device *); /* forgets its commands */
/* Forgets those of devices that are not configured any more: another bridge's, perhaps. What Flip still asks about them
 * it asks anew. */
void f2m_ledger_drop_strangers(struct f2m_control *);
/* Forgets what has been over for a week and does not stand in Flip's latest list. */
void f2m_ledger_trim(struct f2m_control *, struct f2m_now);

/* ---- journal.c ---- */
void f2m_journal_save(struct f2m_control *, struct f2m_now, struct f2m_control_device *);
void f2m_journal_load(struct f2m_control *);
/* Every change of the store goes through these. */
void f2m_journal_put(struct f2m_control *, enum f2m_collection, const char *key, struct f2m_slice, struct f2m_now);
void f2m_journal_delete(struct f2m_control *, enum f2m_collection, const char *key);
void f2m_journal_write_orders(struct f2m_jw *, const struct f2m_orders *);
void f2m_journal_read_orders(struct f2m_slice object, struct f2m_orders *);

/* ---- phase.c ---- */
/* One transition: stored, published, logged, told to sites/. Nothing where phase and reason are that already. */
void f2m_phase_set(struct f2m_control *, struct f2m_now, struct f2m_command *, enum f2m_phase, const char *reason,
                   struct f2m_effects *);
/* Refused or given up with FAILED_FAULT: REJECTED or, where it held the battery once, FAILED. */
void f2m_phase_refuse(struct f2m_control *, struct f2m_now, struct f2m_command *, const char *reason,
                      struct f2m_effects *);
const char *f2m_phase_stored(enum f2m_phase);
bool f2m_phase_parse(struct f2m_slice stored, enum f2m_phase *);
const char *f2m_phase_told(enum f2m_phase);
void f2m_phase_moment(struct f2m_control *, struct f2m_now, const char *event_type, const struct f2m_command *,
                      struct f2m_effects *);

/* ---- schedule.c ---- */
struct f2m_command *f2m_schedule_holder(const struct f2m_control_device *, int64_t wall_ms);
struct f2m_command *f2m_schedule_next(const struct f2m_control_device *, int64_t wall_ms);
int64_t f2m_schedule_deadline(const struct f2m_control_device *, int64_t wall_ms);
bool f2m_schedule_in_window(const struct f2m_command *, int64_t wall_ms);

/* ---- guard.c ---- */
bool f2m_guard_applies(const struct f2m_command *);
/* True with a reason where the discharge must end, or may not go on yet. */
bool f2m_guard_trips(const struct f2m_control *, struct f2m_now, const struct f2m_command *,
                     char reason[F2M_REASON_SIZE]);

/* ---- owner.c ---- */
/* True with "paused by owner" or "veto: <topic>". */
bool f2m_owner_blocks(const struct f2m_control_device *, struct f2m_now, char reason[F2M_REASON_SIZE]);
bool f2m_owner_vetoes(const struct f2m_control_device *, struct f2m_now);
/* The topic by which the owner knows the veto. */
const char *f2m_owner_veto_topic(const struct f2m_control_device *);

/* ---- settle.c ---- */
void f2m_settle(struct f2m_control *, struct f2m_now, struct f2m_control_device *, struct f2m_effects *);
/* At the next tick, whatever the deadlines say. */
static inline void f2m_wake(struct f2m_control *c, struct f2m_control_device *d)
{
    d->due = true;
    c->next_mono = INT64_MIN;
}
/* Every device that is due. */
void f2m_settle_all(struct f2m_control *, struct f2m_now, struct f2m_effects *);

/* ---- action.c ---- */
/* What templates are filled in from. */
struct f2m_scene {
    const struct f2m_device *device;
    const char *command_id, *event_id;
    const struct f2m_orders *orders;
    int64_t starts_ms, ends_ms;
    struct f2m_now now;
    bool timeless; /* for comparing: `now` stands still and `remaining_s` is the end */
};
int f2m_action_expand(const struct f2m_scene *, const char *text, struct f2m_strbuf *out, struct f2m_err *)
    __attribute__((warn_unused_result));
struct f2m_scene f2m_action_scene(const struct f2m_command *, struct f2m_now);
/* Of everything that the command publishes; 0 where it publishes nothing. */
uint64_t f2m_action_signature(const struct f2m_command *);
void f2m_action_begin(struct f2m_control_device *, struct f2m_now, enum f2m_action_kind,
                      const struct f2m_control_publish *list, size_t len);
void f2m_action_stop(struct f2m_control_device *);
/* Takes what was begun as sent already: only refreshes are left, the first one now. */
void f2m_action_resume(struct f2m_control_device *, struct f2m_now);
/* Sends what is due. -EPROTO with a reason where a mode's publish was not confirmed or could not be filled in. */
int f2m_action_run(struct f2m_control *, struct f2m_now, struct f2m_control_device *, struct f2m_effects *,
                   struct f2m_err *) __attribute__((warn_unused_result));
/* Sends everything at once, without delays and read-backs: there is no later. */
void f2m_action_hurry(struct f2m_control *, struct f2m_now, struct f2m_control_device *, struct f2m_effects *);
/* Every publish went out and was taken by the broker, with somebody listening; read-backs came. */
bool f2m_action_taken(const struct f2m_control_device *);
/* Restore: every publish went out, was taken by the broker and confirmed. */
bool f2m_action_restored(const struct f2m_control_device *);
int64_t f2m_action_deadline(const struct f2m_control_device *); /* mono */
/* The broker's word on a publish; true where the tag is of this device's action. */
bool f2m_action_published(struct f2m_control *, struct f2m_now, struct f2m_control_device *, uint64_t tag, int reason,
                          struct f2m_effects *);

/* ---- confirm.c ---- */
void f2m_confirm_build(struct f2m_control *, struct f2m_control_device *);
void f2m_confirm_free(struct f2m_control_device *);
void f2m_confirm_message(struct f2m_control *, struct f2m_watch *, const struct f2m_mqtt_message *,
                         struct f2m_effects *);
void f2m_confirm_arm(const struct f2m_control_device *, const struct f2m_confirm *);
bool f2m_confirm_shown(const struct f2m_control_device *, const struct f2m_confirm *, const struct f2m_scene *);
/* "x shows 'a', expected 'b'" */
void f2m_confirm_complain(const struct f2m_control_device *, const struct f2m_confirm *, const struct f2m_scene *,
                          struct f2m_err *);

/* ---- acknowledge.c ---- */
/* Flip waits for an answer: gives it, or opens the question. */
void f2m_acknowledge_asked(struct f2m_control *, struct f2m_now, struct f2m_command *, struct f2m_effects *);
/* An answer: stored and sent where it is news, or in any case. */
void f2m_acknowledge(struct f2m_control *, struct f2m_now, struct f2m_command *, enum f2m_answer, const char *reason);
/* Decides open questions of a command; true where one stays open or it is held. */
bool f2m_acknowledge_review(struct f2m_control *, struct f2m_now, struct f2m_command *, struct f2m_effects *);
/* It was answered FAILED_OFFLINE, and may start now. */
void f2m_acknowledge_release(struct f2m_control *, struct f2m_now, struct f2m_command *, struct f2m_effects *);
void f2m_acknowledge_pump(struct f2m_control *, struct f2m_now, struct f2m_effects *);
int64_t f2m_acknowledge_deadline(const struct f2m_control *, struct f2m_now);
void f2m_acknowledge_load(struct f2m_control *, struct f2m_now);
void f2m_acknowledge_forget(struct f2m_control *, struct f2m_command *);
/* Flip is not told any more, after a restart neither. */
void f2m_acknowledge_withdraw(struct f2m_control *, struct f2m_command *);
const char *f2m_answer_name(enum f2m_answer);
bool f2m_answer_parse(struct f2m_slice, enum f2m_answer *);
/* "scheduled", "started", with what the limits changed. */
void f2m_acknowledge_ok_reason(const struct f2m_command *, char reason[F2M_REASON_SIZE]);

/* ---- ingest.c ---- */
#define F2M_FROM_WEBHOOK INT64_MIN
#define F2M_FROM_ANSWER  (INT64_MIN + 1) /* to our own PATCH: shows what we said, asks nothing */
/* poll_mono: when the poll began that showed it, or one of the above. */
/* Its device is to be settled afterwards: what one command starts the next one may cover. */
int f2m_ingest(struct f2m_control *, struct f2m_now, struct f2m_slice command, int64_t poll_mono, struct f2m_effects *);
void f2m_ingest_free(struct f2m_control *);

/* ---- control.c ---- */
/* NULL where it is not configured. */
struct f2m_control_device *f2m_control_find(const struct f2m_control *, const char *device_id);
/* for reload.c: */
void f2m_control_build(struct f2m_control *); /* devices, without their vetoes */
void f2m_control_build_vetoes(struct f2m_control *);
void f2m_control_free_devices(struct f2m_control_device *, size_t len, struct f2m_control_device *by_id);

/* ---- poll.c ---- */
void f2m_poll_tick(struct f2m_control *, struct f2m_now, struct f2m_effects *);
int64_t f2m_poll_deadline(const struct f2m_control *, struct f2m_now);

/* ---- publish.c ---- */
void f2m_publish_phase(struct f2m_control *, struct f2m_now, const struct f2m_command *, struct f2m_effects *);
/* The broker is back: where each command stands now, but not what came and went meanwhile. */
void f2m_publish_untold(struct f2m_control *, struct f2m_now, const struct f2m_control_device *, struct f2m_effects *);
void f2m_publish_control(struct f2m_control *, struct f2m_now, struct f2m_control_device *, struct f2m_effects *);
void f2m_publish_pause(struct f2m_control *, struct f2m_now, struct f2m_control_device *, struct f2m_effects *);
/* Where one of the two could not get out: in a moment, by settle. */
void f2m_publish_full(struct f2m_control *, struct f2m_now, struct f2m_control_device *);
/* Every publish of the room goes through here: a failed commit drops it, and then memory must go back. */
void f2m_publish_out(struct f2m_control *, const struct f2m_publish *, struct f2m_effects *);

#endif
