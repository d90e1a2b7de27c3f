/*
 * One lane of the inbox: events written one after another into a chain of chunks. Not thread-safe (the inbox locks).
 * A record never spans two chunks; one that is larger than a chunk gets a chunk of its own.
 */
#ifndef F2M_MQTT_LANE_H
#define F2M_MQTT_LANE_H

#include "port/event.h"

#include <stdbool.h>
#include <stddef.h>

#define F2M_CHUNK_BYTES ((size_t)64 << 10)
/* Chunks kept for reuse: one per hand, one per lane, and some for a reader that is a little late. */
#define F2M_CHUNKS_KEPT 8

struct f2m_chunk {
    struct f2m_chunk *next;
    size_t size, used, at; /* capacity, written, read: bytes */
    _Alignas(8) char bytes[];
};

/* Empty chunks of the usual size, waiting for use. Zero-initialised. */
struct f2m_chunk_pool {
    struct f2m_chunk *first;
    size_t count;
};
void f2m_chunk_pool_put(struct f2m_chunk_pool *, struct f2m_chunk *); /* keeps or frees; NULL is fine */
void f2m_chunk_pool_deinit(struct f2m_chunk_pool *);

/* Zero-initialised. */
struct f2m_lane {
    struct f2m_chunk *first, *last;
    size_t records, bytes; /* in the chain, not in the reader's hand */
};
void f2m_lane_deinit(struct f2m_lane *);

/* The bytes that the event takes up. */
size_t f2m_lane_size_of(const struct f2m_event *);
void f2m_lane_append(struct f2m_lane *, struct f2m_chunk_pool *, const struct f2m_event *);
void f2m_lane_drop_oldest(struct f2m_lane *, struct f2m_chunk_pool *); /* the lane is not empty */
/* The oldest chunk, now the caller's; NULL when the lane is empty. */
struct f2m_chunk *f2m_lane_take(struct f2m_lane *);

/* The next event of a taken chunk, which it borrows from; false at its end. */
bool f2m_chunk_read(struct f2m_chunk *, struct f2m_event *);

#endif
