/*
 * What the cloud holds: sites, devices, programs, enrollments, events, commands and settings requests. Each is a JSON
 * object as Flip would answer it, with what the stand-in itself must find quickly kept beside it.
 */
#ifndef SIM_RESOURCE_H
#define SIM_RESOURCE_H

#include "sim/hash.h"
#include "sim/json.h"

#define SIM_NEVER INT64_MAX

struct sim_resource {
    char *id;                   /* owned; the key */
    char *site_id;              /* owned; NULL for sites, programs and what has none */
    char *link;                 /* owned or NULL: a command's event, an enrollment's program */
    cJSON *json;                /* owned */
    cJSON *extra;               /* owned or NULL: what Flip would not show (a program's zip_codes) */
    int64_t starts_ms, ends_ms; /* wall; ends SIM_NEVER = open-ended */
    int64_t due_ms;             /* wall: when its next own change of state comes; SIM_NEVER = none */
    int64_t updated_ms;
    bool started_told, ended_told;
    UT_hash_handle hh;
};

struct sim_collection {
    const char *name;
    struct sim_resource *by_id; /* uthash: iterates in order of arrival */
};

struct sim_state {
    struct sim_collection sites, devices, programs, enrollments, events, commands, settings;
    cJSON *supplements;      /* array, newest last, bounded */
    cJSON *acknowledgements; /* array, newest last, bounded: every accepted PATCH of a command */
};

void sim_state_init(struct sim_state *);
void sim_state_deinit(struct sim_state *);

struct sim_resource *sim_find(const struct sim_collection *, const char *id);
size_t sim_count(const struct sim_collection *);
/* Puts a resource with the object's "id" (must be new and a string) and takes the object. created_at and updated_at
 * are set. NULL, and the object freed, where the collection is full. */
struct sim_resource *sim_put(struct sim_collection *, cJSON *json, const char *site_id, int64_t wall_ms);
void sim_remove(struct sim_collection *, struct sim_resource *);
/* Moves updated_at, strictly forward: who compares (id, updated_at) must see every change. */
void sim_touch(struct sim_resource *, int64_t wall_ms);
/* The objects (of one site where site_id is given) as an array, owned by the caller. */
cJSON *sim_list(const struct sim_collection *, const char *site_id);
/* Drops the oldest members of an array beyond max. */
void sim_bound_array(cJSON *array, int max);

#define SIM_FOREACH(item, collection)                                                                                  \
    for (struct sim_resource *item = (collection)->by_id; item; item = (struct sim_resource *)item->hh.next)

#endif
