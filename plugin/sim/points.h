/*
 * The points that Flip accepted, compactly: a ring of the newest, and for every device two indexes sorted by time
 * (intervals and counter readings). One sorted index tells all three at once - the same point again, the same key with
 * other content, intervals that overlap - at eight fewer allocations and a third of the memory of a hash per point.
 */
#ifndef SIM_POINTS_H
#define SIM_POINTS_H

#include "sim/hash.h"
#include "util/slice.h"

#include <stdint.h>

enum sim_endpoint {
    SIM_INTERVAL, /* BATTERY */
    SIM_COUNTER,  /* BATTERY_COUNTER */
    SIM_ENDPOINTS,
};

#define SIM_VALUES 13 /* the numbers of a point; fields.c names them */

struct sim_point {
    int64_t start_ms; /* start_time, or the timestamp of a reading */
    uint32_t duration_ms;
    uint32_t device;
    uint32_t request; /* the request that brought it, counted from 1 */
    uint32_t given;   /* bit n: field n of the table was there */
    uint32_t nulls;   /* bit n: and was null */
    uint8_t endpoint;
    uint8_t mode; /* index in sim_modes */
    bool is_online, is_grid_online;
    uint64_t raw_hash; /* of oem_raw_data; 0 = none */
    char *raw;         /* owned: oem_raw_data as text, NULL where null or too long to keep */
    double value[SIM_VALUES];
};

struct sim_series {
    uint32_t *slots; /* sorted by start_ms; entries head … head+n-1 are in use */
    size_t head, n, cap;
    uint32_t longest_ms;
};

struct sim_reporter {
    char *id; /* owned */
    uint32_t index;
    struct sim_series series[SIM_ENDPOINTS];
    uint64_t points;
    UT_hash_handle hh;
};

struct sim_point_counts {
    uint64_t points, stored, duplicates, conflicts, overlaps, rejected, incomplete, counter_decreases, forgotten;
};

struct sim_points {
    struct sim_point *ring;
    size_t cap, keep;
    uint64_t next; /* the sequence number of the next point; its slot is next % keep */
    size_t raw_bytes;
    struct sim_reporter *by_id; /* uthash */
    struct sim_reporter **by_index;
    uint32_t reporters;
    struct sim_point_counts counts;
};

enum sim_put_result {
    SIM_PUT_NEW,
    SIM_PUT_OVERLAP,   /* stored, but it overlaps another interval of the device */
    SIM_PUT_DECREASE,  /* stored, but a counter fell */
    SIM_PUT_DUPLICATE, /* the same again: nothing stored */
    SIM_PUT_CONFLICT,  /* the same key with other content: the first one stays */
};

void sim_points_init(struct sim_points *, size_t keep);
void sim_points_deinit(struct sim_points *);
/* The reporter of that id, made where it is new; NULL where the table is full. */
struct sim_reporter *sim_points_reporter(struct sim_points *, const char *id, bool make);
/* Stores the point of this reporter and takes point->raw. */
enum sim_put_result sim_points_put(struct sim_points *, struct sim_reporter *, struct sim_point *);
/* The first sequence number still remembered. */
uint64_t sim_points_oldest(const struct sim_points *);
const struct sim_point *sim_points_at(const struct sim_points *, uint64_t sequence);

#endif
