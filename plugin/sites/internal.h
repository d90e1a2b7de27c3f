/*
 * Inside the room: its state, and what its files do for each other.
 *
 *   object.c        one object of Flip's: id, version     notification.c  each once, kept until the broker has it
 *   collection.c    a site's objects in memory and store  webhook.c       Flip's envelope
 *   diff.c          what changed -> notifications         observe.c       answers to requests from MQTT
 *   poll.c          asks Flip, at each kind's own pace    participation.c opting in and out
 *   ticket.c        calls under way                       commission.c    what Flip does not know yet
 *   event.c         the running or else next event        learn.c         device fields that are sources
 *   topics.c        retained topics                       announce.c      topics of what is not configured any more
 *   site.c          the sites of the configuration        sites.c         the room's door
 */
#ifndef F2M_SITES_INTERNAL_H
#define F2M_SITES_INTERNAL_H

#include "flip/backoff.h"
#include "sites/sites.h"
#include "telemetry/source.h"
#include "util/err.h"
#include "util/fnv.h"
#include "util/json.h"
#include "util/json_writer.h"
#include "util/limits.h"
#include "util/log.h"
#include "util/rfc3339.h"
#include "util/route.h"
#include "util/strbuf.h"

#include <uthash.h>

#define F2M_COMPONENT "sites"

/* ---- Flip's objects ---- */

/* id, topic and name in the store, endpoint of the poll, its pace, object_type of notifications (NULL = none) */
#define F2M_KINDS(X)                                                                                                   \
    X(INFO, "info", SITE_GET, site_ms, NULL)                                                                           \
    X(DEVICES, "devices", DEVICES_GET, site_ms, NULL)                                                                  \
    X(PROGRAMS, "programs", PROGRAMS_GET, programs_ms, NULL)                                                           \
    X(ENROLLMENTS, "enrollments", ENROLLMENTS_GET, enrollments_ms, "enrollment")                                       \
    X(EVENTS, "events", EVENTS_GET, events_ms, "event")
enum f2m_kind {
#define F2M_KIND_ENUM(id, name, endpoint, pace, type) F2M_KIND_##id,
    F2M_KINDS(F2M_KIND_ENUM)
#undef F2M_KIND_ENUM
        F2M_KINDS_COUNT
};
struct f2m_kind_info {
    const char *name;
    enum f2m_endpoint endpoint;
    const char *object_type;
};
extern const struct f2m_kind_info f2m_sites_kind_info[F2M_KINDS_COUNT];
int64_t f2m_sites_kind_pace(const struct f2m_config *, enum f2m_kind);

/* Retained topics: those of the kinds, and two more. */
enum f2m_site_topic { F2M_TOPIC_EVENT = F2M_KINDS_COUNT, F2M_TOPIC_PARTICIPATION, F2M_SITE_TOPICS };
#define F2M_ALL_TOPICS ((1u << F2M_SITE_TOPICS) - 1)

#define F2M_NO_TIME INT64_MIN

/* object.c: reading a checked JSON object */
bool f2m_object_id(struct f2m_slice object, char id[F2M_MAX_ID_BYTES + 1]);
bool f2m_object_text(struct f2m_slice object, const char *member, char *buf, size_t size);
int64_t f2m_object_time(struct f2m_slice object, const char *member); /* F2M_NO_TIME where none can be read */
/* A hash of what makes a version of an object where it has no updated_at. `type` is an event or object type ("event…",
 * "enrollment…", "command…"); of any other everything counts. */
uint64_t f2m_object_version(const char *type, struct f2m_slice object);
/* Appends the object without a member. */
void f2m_object_without(struct f2m_slice object, const char *member, struct f2m_strbuf *out);

struct f2m_item {
    UT_hash_handle hh; /* by id, in Flip's order */
    char *id;
    char *raw; /* as Flip sent it */
    size_t len;
    int64_t updated_ms; /* F2M_NO_TIME = the object has none */
    uint64_t version;   /* f2m_object_version() */
    int64_t seen_mono;  /* when something else than a poll showed it; INT64_MIN = never */
    /* events */
    int64_t starts_ms, ends_ms; /* ends_ms INT64_MAX = open; starts_ms F2M_NO_TIME = unreadable */
    bool canceled, over;        /* over: canceled or completed */
    bool active;                /* Flip says so */
    bool looking;               /* missing from a poll, being looked up */
};
struct f2m_item *f2m_item_new(enum f2m_kind, struct f2m_slice object, const char *fallback_id);
void f2m_item_free(struct f2m_item *);
void f2m_items_free(struct f2m_item **);

/* A site's objects of one kind. */
struct f2m_objects {
    struct f2m_item *items;
    bool baseline; /* a poll has been through once (Interface, clarification 18) */
    uint64_t saved;
    bool touched, saved_now; /* changed, stored in this turn */
};

/* ---- sites ---- */

struct f2m_pages; /* poll.c: a paged poll under way */

struct f2m_poll {
    int64_t due_mono; /* INT64_MIN = at once */
    bool in_flight, again;
    bool overflow_told;
    struct f2m_backoff backoff;
};

#define F2M_DEVICE_FIELDS(X)                                                                                           \
    X(manufacturer_name, "manufacturer_name", TEXT)                                                                    \
    X(product_name, "product_name", TEXT)                                                                              \
    X(serial_number, "serial_number", TEXT)                                                                            \
    X(install_date, "install_date", TEXT)                                                                              \
    X(capacity_wh, "capacity", ENERGY)                                                                                 \
    X(max_charge_w, "max_charge", POWER)                                                                               \
    X(max_discharge_w, "max_discharge", POWER)
enum f2m_field {
#define F2M_FIELD_ENUM(member, name, kind) F2M_FIELD_##member,
    F2M_DEVICE_FIELDS(F2M_FIELD_ENUM)
#undef F2M_FIELD_ENUM
        F2M_FIELDS,
    F2M_FIELD_FIRST_OF_BATTERY = F2M_FIELD_capacity_wh,
};
extern const char *const f2m_sites_field_names[F2M_FIELDS];

struct f2m_site_state;

struct f2m_device_state {
    UT_hash_handle hh; /* by id, in the room */
    struct f2m_device_state *next;
    struct f2m_site_state *site;
    const struct f2m_device *config;
    struct f2m_source_reader *readers[F2M_FIELDS]; /* NULL where the field is no source */
    char *learnt[F2M_FIELDS];                      /* canonical text; NULL = nothing yet */
    bool learnt_unsaved;
    bool known;        /* Flip has it */
    bool commissioned; /* stored: it was known once, so its uploads need not wait at start */
    bool held;         /* uploads wait */
    bool asked;        /* in the request under way */
};

struct f2m_commission {
    bool looked;        /* what `known` of the devices says is Flip's own word */
    int64_t since_mono; /* a look that began before does not count */
    bool in_flight;
    bool one_by_one; /* 409 for several: which of them is known is not said */
    int64_t due_mono;
    struct f2m_backoff backoff;
    char problem[512]; /* "" = none */
};

struct f2m_site_state {
    UT_hash_handle hh; /* by id */
    struct f2m_sites *room;
    const struct f2m_site *config;
    char *id;
    uint32_t number; /* in tags */
    struct f2m_objects objects[F2M_KINDS_COUNT];
    struct f2m_poll polls[F2M_KINDS_COUNT];
    size_t lookups; /* of events, under way */
    bool unknown;   /* Flip does not know the site: only its devices are asked for */
    bool unknown_told;
    int64_t boundary_wall; /* when `event` changes by itself; INT64_MAX = never */
    unsigned unsaved;      /* kinds to be stored */
    unsigned dirty;        /* topics to publish, where they differ from what is shown */
    unsigned gone;         /* topics that hold something and must be cleared */
    struct {
        bool any;
        uint64_t hash;
    } shown[F2M_SITE_TOPICS];
    unsigned flushed; /* topics published in this turn */
    struct f2m_site_state *queue_next, *queue_prev;
    bool queued;
    struct f2m_site_state *turn_next; /* of those with `flushed` */
    struct f2m_device_state *devices;
    struct f2m_commission commission;
};

/* ---- calls under way ---- */

enum f2m_ticket_purpose {
    F2M_TICKET_POLL,
    F2M_TICKET_LOOKUP,
    F2M_TICKET_PARTICIPATION,
    F2M_TICKET_COMMISSION,
    F2M_TICKET_PURPOSES
};

struct f2m_ticket {
    UT_hash_handle hh; /* by number */
    uint64_t number;
    enum f2m_ticket_purpose purpose;
    struct f2m_site_state *site; /* NULL: not configured any more */
    enum f2m_kind kind;          /* POLL */
    struct f2m_pages *pages;     /* POLL of programs */
    char *event_id;              /* LOOKUP, PARTICIPATION */
    int64_t began_mono;
    int wanted, next; /* PARTICIPATION: 0 or 1; next -1 = none */
};

/* Takes the ticket: freed with the answer, or at once where the call is refused (negative, err says why). */
int f2m_ticket_call(struct f2m_sites *, struct f2m_now, struct f2m_ticket *, const struct f2m_call *,
                    struct f2m_effects *, struct f2m_err *) __attribute__((warn_unused_result));
struct f2m_ticket *f2m_ticket_new(enum f2m_ticket_purpose, struct f2m_site_state *);
void f2m_ticket_free(struct f2m_ticket *);
void f2m_tickets_free(struct f2m_sites *);
void f2m_tickets_forget_site(struct f2m_sites *, const struct f2m_site_state *);

/* ---- notifications ---- */

/* Not yet taken by the broker. */
struct f2m_pending {
    struct f2m_pending *next, *prev; /* in order */
    uint64_t number;
    bool sent;                     /* waits for the broker's acknowledgement */
    bool acked;                    /* settled: stays until that is on disk */
    bool fresh, sent_now, put_now; /* in this turn: made, sent, settled in the store */
    char *key;
    char *site_id;
    char *payload;
    size_t len;
};

/* ---- what is not configured any more ---- */

/* A site or device whose retained topics are being cleared. */
struct f2m_clearing {
    char *key;      /* in F2M_STORE_ANNOUNCED */
    char *base;     /* topic below which they stand */
    size_t waiting; /* topics for which the broker has not answered */
    bool again;     /* one of them could not get out */
};

/* ---- the room ---- */

#define F2M_MAX_UNKNOWN_TYPES 32 /* event types told once in the log */

struct f2m_sites {
    struct f2m_sites_context c;
    struct f2m_site_state *sites;
    struct f2m_device_state *devices;
    struct f2m_ticket *tickets;
    uint64_t last_ticket;
    uint32_t last_site;
    size_t polls_in_flight;
    size_t participations;
    struct f2m_site_state *cursor; /* where the search for due polls goes on */
    struct f2m_router *fields;     /* of struct f2m_device_state */
    struct f2m_site_state *queue;  /* with `dirty` or `unsaved` */
    struct f2m_site_state *turn;   /* published in this turn */
    struct f2m_pending *pending;
    size_t pending_len, pending_bytes, pending_sent; /* of those not settled */
    uint64_t last_notification;
    uint64_t turn_notifications; /* made in this turn */
    bool turn_pending;           /* something in `pending` has a mark of this turn */
    bool turn_wrote;             /* anything of ours */
    unsigned added;              /* notifications and webhook ids since the last trim */
    uint64_t unknown_types[F2M_MAX_UNKNOWN_TYPES];
    size_t unknown_types_len;
    bool connected;
    int64_t quiet_mono; /* the client to the broker is full: nothing is published before */
    bool announce_due;  /* what is announced is to be compared with the configuration */
    struct f2m_clearing clearings[F2M_MAX_CLEARINGS];
    size_t clearings_len;
    uint64_t clearing_round;
    bool clearing_now; /* begun in this turn */
    bool resave;       /* a commit failed: small records are written again */
    unsigned commit_failures;
    int64_t resave_mono;
    int64_t trim_mono;
    int64_t started_mono;
    int64_t offset_ms; /* wall - mono, to notice a step of the wall clock */
    int64_t next_mono, next_wall;
    struct f2m_strbuf topic, text, body, key;
};

/* Tags: F2M_TAG_SITES, then either a notification's number, or one of these bits with a site's number and a topic, or
 * with a round of clearing and the owner in it. */
#define F2M_TAG_TOPIC       ((uint64_t)1 << 55)
#define F2M_TAG_CLEARING    ((uint64_t)1 << 54)
#define F2M_CLEARING_ROUNDS UINT64_C(0xffffffff) /* they count up to it */

/* Called where a tick has something to do now. */
static inline void f2m_sites_wake(struct f2m_sites *s)
{
    s->next_mono = INT64_MIN;
}

/* site.c */
void f2m_site_build(struct f2m_sites *, struct f2m_now);
void f2m_site_free_all(struct f2m_sites *);
struct f2m_site_state *f2m_sites_site(const struct f2m_sites *, const char *site_id);
struct f2m_device_state *f2m_sites_device(const struct f2m_sites *, const char *device_id);

/* collection.c */
void f2m_objects_load(struct f2m_sites *, struct f2m_site_state *, enum f2m_kind);
/* Has the store and the topics follow with the next tick: a thousand webhooks at once make one write. A crash before
 * loses nothing: the next poll finds the difference again, and its notification is remembered. */
void f2m_objects_changed(struct f2m_sites *, struct f2m_now, struct f2m_site_state *, enum f2m_kind);
void f2m_objects_save(struct f2m_sites *, struct f2m_now); /* of every site in the queue, where it differs */
void f2m_objects_forget(struct f2m_sites *, struct f2m_now, struct f2m_site_state *);
/* Replaces out's text with as many objects as fit into max bytes (0 = all); false where there is nothing to show. */
bool f2m_objects_text(const struct f2m_objects *, enum f2m_kind, size_t max, struct f2m_strbuf *out);
void f2m_sites_put(struct f2m_sites *, struct f2m_now, enum f2m_collection, const char *key, struct f2m_slice value);
void f2m_sites_delete(struct f2m_sites *, enum f2m_collection, const char *key);
/* Deletes every OBJECT record of a site or device that is not configured any more. */
void f2m_objects_prune(struct f2m_sites *);

/* diff.c */
/* The whole collection as polled from `began_mono` on; `fresh` is taken. */
void f2m_diff_apply(struct f2m_sites *, struct f2m_now, struct f2m_site_state *, enum f2m_kind, struct f2m_item *fresh,
                    int64_t began_mono, struct f2m_effects *);
/* One object seen otherwise. `tell`: differences become notifications. False where it is older than ours or unusable.
 */
bool f2m_diff_take(struct f2m_sites *, struct f2m_now, struct f2m_site_state *, enum f2m_kind, struct f2m_slice object,
                   bool tell, struct f2m_effects *);
/* The same for each of a list. */
void f2m_diff_take_list(struct f2m_sites *, struct f2m_now, struct f2m_site_state *, enum f2m_kind,
                        struct f2m_slice list, bool tell, struct f2m_effects *);
void f2m_diff_remove(struct f2m_sites *, struct f2m_now, struct f2m_site_state *, enum f2m_kind, const char *id);

/* poll.c */
void f2m_sites_poll_tick(struct f2m_sites *, struct f2m_now, struct f2m_effects *);
int64_t f2m_sites_poll_next(const struct f2m_sites *, struct f2m_now, const struct f2m_site_state *);
void f2m_sites_poll_soon(struct f2m_site_state *, enum f2m_kind);
void f2m_sites_poll_at(struct f2m_site_state *, enum f2m_kind, int64_t mono_ms);
void f2m_sites_poll_lookup(struct f2m_sites *, struct f2m_now, struct f2m_site_state *, struct f2m_item *,
                           struct f2m_effects *);
void f2m_sites_poll_done(struct f2m_sites *, struct f2m_now, struct f2m_ticket *, const struct f2m_reply *,
                         struct f2m_effects *);
void f2m_sites_lookup_done(struct f2m_sites *, struct f2m_now, struct f2m_ticket *, const struct f2m_reply *,
                           struct f2m_effects *);
void f2m_sites_pages_free(struct f2m_pages *);

/* event.c */
const struct f2m_item *f2m_event_now(const struct f2m_site_state *, int64_t wall_ms, bool *active);
void f2m_event_boundary(struct f2m_site_state *, int64_t wall_ms); /* sets boundary_wall */
void f2m_event_text(const struct f2m_site_state *, int64_t wall_ms, struct f2m_strbuf *out);
const char *f2m_event_participation(const struct f2m_site_state *, int64_t wall_ms);

/* topics.c */
void f2m_topics_dirty(struct f2m_sites *, struct f2m_site_state *, unsigned topics);
void f2m_topics_flush(struct f2m_sites *, struct f2m_now, struct f2m_effects *);
void f2m_topics_up(struct f2m_sites *);
void f2m_topics_published(struct f2m_sites *, struct f2m_now, uint64_t tag, int reason, struct f2m_effects *);
void f2m_topics_committed(struct f2m_sites *, bool ok);
void f2m_topics_unqueue(struct f2m_sites *, struct f2m_site_state *);
extern const char *const f2m_site_topic_names[F2M_SITE_TOPICS];

/* notification.c */
/* 1 = published (or waiting for the broker), 0 = told before, negative = the store fails. timestamp_ms F2M_NO_TIME =
 * now. */
int f2m_notification_tell(struct f2m_sites *, struct f2m_now, const char *site_id, const char *event_type,
                          struct f2m_slice object, int64_t timestamp_ms, struct f2m_effects *);
/* Published once, not remembered: an error of ours. */
void f2m_notification_error(struct f2m_sites *, struct f2m_now, const char *site_id, const char *event_id,
                            const char *message, struct f2m_effects *);
void f2m_notifications_load(struct f2m_sites *);
void f2m_notifications_free(struct f2m_sites *);
void f2m_notifications_send(struct f2m_sites *, struct f2m_now, struct f2m_effects *);
void f2m_notifications_down(struct f2m_sites *);
void f2m_notifications_save_again(struct f2m_sites *, struct f2m_now); /* settled ones whose commit failed */
void f2m_notifications_committed(struct f2m_sites *, bool ok);
void f2m_notifications_trim(struct f2m_sites *);

/* participation.c, commission.c, learn.c, announce.c */
void f2m_participation_done(struct f2m_sites *, struct f2m_now, struct f2m_ticket *, const struct f2m_reply *,
                            struct f2m_effects *);
void f2m_commission_done(struct f2m_sites *, struct f2m_now, struct f2m_ticket *, const struct f2m_reply *,
                         struct f2m_effects *);
/* Flip listed the site's devices, or said that it does not know the site. */
void f2m_commission_looked(struct f2m_sites *, struct f2m_now, struct f2m_site_state *, int64_t began_mono,
                           struct f2m_effects *);
void f2m_commission_known(struct f2m_sites *, struct f2m_now, struct f2m_device_state *, struct f2m_effects *);
void f2m_commission_step(struct f2m_sites *, struct f2m_now, struct f2m_site_state *, struct f2m_effects *);
int64_t f2m_commission_next(const struct f2m_sites *, const struct f2m_site_state *);
void f2m_commission_reset(struct f2m_site_state *); /* at start and reload */
void f2m_commission_hold(struct f2m_sites *, struct f2m_device_state *);
void f2m_commission_load(struct f2m_sites *, struct f2m_device_state *);
void f2m_commission_save(struct f2m_sites *, struct f2m_now, struct f2m_device_state *);
/* "" where nothing is to be said. */
void f2m_commission_problem(const struct f2m_sites *, const struct f2m_site_state *, struct f2m_strbuf *out);

void f2m_learn_build(struct f2m_sites *, struct f2m_device_state *);
void f2m_learn_load(struct f2m_sites *, struct f2m_device_state *);
void f2m_learn_save(struct f2m_sites *, struct f2m_now, struct f2m_device_state *);
void f2m_learn_free(struct f2m_device_state *);
/* The value of a field, as configured or learnt; NULL = not known. */
const char *f2m_learn_value(const struct f2m_device_state *, enum f2m_field);
const struct f2m_device_field *f2m_learn_field(const struct f2m_device *, enum f2m_field);
void f2m_learn_ratings(struct f2m_sites *, const struct f2m_device_state *);

void f2m_sites_announce(struct f2m_sites *, struct f2m_now, struct f2m_effects *);
/* `tag` without what says that it is of a clearing. */
void f2m_announce_published(struct f2m_sites *, struct f2m_now, uint64_t tag, int reason, struct f2m_effects *);
void f2m_announce_committed(struct f2m_sites *, bool ok);
void f2m_announce_drop(struct f2m_sites *); /* forgets what is under way: to be done anew */

#endif
