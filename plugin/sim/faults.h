/*
 * The fault plan: what goes wrong, on purpose. Rules are tried in order; the first that matches a request is applied.
 * A rule that counts (nth, count) counts the requests that it matches otherwise. docs/flip-sim.md describes each key.
 */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "sim/json.h"
#include "sim/limits.h"
#include "sim/request.h"

#include <utlist.h>

enum sim_reset {
    SIM_RESET_NONE,
    SIM_RESET_BEFORE, /* before the request is processed */
    SIM_RESET_AFTER,  /* after: done, but the client does not know */
};

struct sim_fault {
    char *method, *path;   /* owned or NULL = any; path is a prefix */
    char *item_device;     /* owned or NULL */
    int64_t item_start_ms; /* INT64_MIN = any */
    int64_t item_index;    /* -1 = any */
    bool has_item;
    char *failed; /* owned or NULL: the message of a FAILED item */
    uint64_t above_bytes;
    int64_t nth, count;                      /* nth from 1; count 0 = for ever */
    unsigned status;                         /* 0 = leave it */
    char *body, *content_type, *retry_after; /* owned or NULL */
    const char *invalid;                     /* static or NULL: html, empty, garbage, huge */
    uint64_t huge_bytes;
    enum sim_reset reset;
    bool process; /* with status: the request is processed before it is answered so */
    int64_t delay_ms, stall_ms, truncate_at;
    int64_t seen, hits;
    uint64_t id;
    struct sim_fault *prev, *next;
};

struct sim_faults {
    struct sim_fault *rules; /* utlist, in order */
    int n;
    uint64_t last_id;
    int64_t outage_until_ms; /* mono; 0 = none, SIM_NEVER = until ended */
    unsigned outage_status;  /* 0 = connections are reset */
};

struct sim;

void sim_faults_clear(struct sim_faults *);
/* The rule that applies to the request as a whole (counted), or NULL. Those about items are left out. */
const struct sim_fault *sim_fault_for_request(struct sim_faults *, const struct sim_request *);
/* Whether any rule about items could match this request at all. */
bool sim_faults_about_items(const struct sim_faults *, const struct sim_request *);
/* The rule that makes one item of a telemetry request FAILED, and the one for which it spoils the whole request. */
const struct sim_fault *sim_fault_for_item(struct sim_faults *, const struct sim_request *, int64_t index,
                                           const char *device_id, int64_t start_ms);
const struct sim_fault *sim_fault_poison(struct sim_faults *, const struct sim_request *, int64_t index,
                                         const char *device_id, int64_t start_ms);
/* Puts the fault's answer in place of the present one. */
void sim_fault_apply(const struct sim_fault *, struct sim_request *);
/* During an outage answers (or resets) and returns true. */
bool sim_outage(struct sim *, struct sim_request *);

/* The control interface. */
void sim_faults_get(struct sim *, struct sim_request *);
void sim_faults_post(struct sim *, struct sim_request *);
void sim_faults_delete(struct sim *, struct sim_request *);
void sim_outage_post(struct sim *, struct sim_request *);

#endif
