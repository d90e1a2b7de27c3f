/*
 * Inside the room: its state.
 *
 *   entities.c   every entity, as one table      announce.c       one round: what went is cleared, what is, announced
 *   identity.c   ids that last                   homeassistant.c  the room's door: when a round begins
 *   payload.c    discovery payloads              record.c         what a topic held before
 *                                                search.c         the same, of a run whose record is lost
 */
#ifndef F2M_HOMEASSISTANT_INTERNAL_H
#define F2M_HOMEASSISTANT_INTERNAL_H

#include "homeassistant/homeassistant.h"
#include "homeassistant/payload.h"
#include "util/strbuf.h"

#include <uthash.h>

/* A discovery topic of the present round. */
struct f2m_ha_item {
    UT_hash_handle hh; /* by topic */
    bool wanted;       /* false: announced before, to be cleared */
    struct f2m_ha_subject subject;
    char topic[];
};

/* A discovery topic of a former run, and its record; both owned. */
struct f2m_ha_found {
    char *topic, *record;
};

struct f2m_homeassistant {
    struct f2m_homeassistant_context c;
    char *bridge_id; /* NULL = without site, or not yet known */
    bool connected;
    /* the round */
    struct f2m_ha_item *by_topic;
    struct f2m_ha_item **items; /* those to be cleared first: unique ids may move from one topic to another */
    size_t items_len, items_cap, next;
    size_t *again; /* refused for want of room: once more; at most F2M_MAX_DISCOVERY_IN_FLIGHT */
    size_t again_len;
    size_t in_flight;
    uint32_t number;  /* of the round, in tags */
    bool refused;     /* something, in this round */
    bool after_birth; /* states are due after it */
    bool sent_now;    /* something was published in this turn */
    int64_t quiet_ms; /* mono: the client to the broker is full: nothing before */
    char *refusal;    /* the topic that the broker refused last, until a round without any; NULL = none */
    /* the search for a former run */
    bool searched;       /* or there is a record */
    char *search_filter; /* while it is not over; NULL = none */
    struct f2m_ha_found *found;
    size_t found_len;
    /* when; mono, INT64_MAX = never */
    int64_t birth_ms, states_ms, retry_ms, search_ms;
    bool states_due;
    struct f2m_strbuf topic, text, record, key;
};

#define F2M_HA_NEVER INT64_MAX
#define F2M_HA_KEY   "homeassistant/" /* in F2M_STORE_ANNOUNCED, before the topic */

/* Subscribes, where nothing is recorded; before the round of this connection. */
void f2m_ha_search_start(struct f2m_homeassistant *, struct f2m_now, struct f2m_effects *);
/* Records what was found, and begins a round where there was something. */
void f2m_ha_search_end(struct f2m_homeassistant *, struct f2m_now, struct f2m_effects *);
/* Forgets what was found: the next connection searches again. */
void f2m_ha_search_drop(struct f2m_homeassistant *);

/* Forgets the round under way. */
void f2m_ha_round_drop(struct f2m_homeassistant *);
/* Begins anew: everything that was announced or is to be. after_birth: states are due when it is over. */
void f2m_ha_round_start(struct f2m_homeassistant *, struct f2m_now, bool after_birth, struct f2m_effects *);
/* Publishes as much as may be in flight. */
void f2m_ha_round_go_on(struct f2m_homeassistant *, struct f2m_now, struct f2m_effects *);
void f2m_ha_round_published(struct f2m_homeassistant *, struct f2m_now, const struct f2m_mqtt_published *,
                            struct f2m_effects *);

#endif
