/*
 * Points that the outbox holds in memory: those of the present turn until its commit succeeded, and those that the
 * disk refused. With each the device's record as it was after that point. Embedded in the outbox; owns all of it.
 */
#ifndef F2M_TELEMETRY_OUTBOX_MEMORY_H
#define F2M_TELEMETRY_OUTBOX_MEMORY_H

#include "port/store.h"

struct f2m_kept {
    struct f2m_kept *prev, *next;
    struct f2m_point point;  /* id: negative, its name for the uploader; the texts belong to this struct */
    int64_t stored_id;       /* of the present turn: the row that is not committed yet; 0 = in memory only */
    char *message;           /* rejected by Flip; NULL = waiting */
    struct f2m_slice record; /* to be on disk with the point; {NULL, 0} = none, or a later point's has it in */
    bool taken;
    bool spent;  /* the point has left, or there never was one: the record alone waits for the disk */
    char text[]; /* device id, NUL, body */
};

struct f2m_memory {
    struct f2m_kept *turn;  /* put since the last commit, in order */
    struct f2m_kept *alone; /* nowhere else, oldest first */
    size_t alone_len;
    size_t rejected; /* of those */
    size_t spent;    /* of those */
    int64_t last_id;
};

/* Points that are nowhere else. */
static inline size_t f2m_memory_points(const struct f2m_memory *m)
{
    return m->alone_len - m->spent;
}

struct f2m_kept *f2m_kept_new(struct f2m_memory *, const struct f2m_point *);
void f2m_kept_free(struct f2m_kept *);
void f2m_kept_record(struct f2m_kept *, struct f2m_slice record); /* copied; {NULL, 0} = none */
void f2m_memory_deinit(struct f2m_memory *);

void f2m_memory_add_turn(struct f2m_memory *, struct f2m_kept *, int64_t stored_id);
void f2m_memory_add_alone(struct f2m_memory *, struct f2m_kept *); /* to those that are nowhere else, as the newest */
void f2m_memory_remove_alone(struct f2m_memory *, struct f2m_kept *);
/* The turn's are nowhere else after all; they are older than those that were there already. */
void f2m_memory_undo_turn(struct f2m_memory *);
/* Where there are too many: the one that has to go, not in the list any more (the caller frees it); else NULL. The
 * oldest, but one on its way to Flip stays. */
struct f2m_kept *f2m_memory_surplus(struct f2m_memory *) __attribute__((warn_unused_result));
struct f2m_kept *f2m_memory_by_key(const struct f2m_memory *, const struct f2m_point *);
struct f2m_kept *f2m_memory_by_id(const struct f2m_memory *, int64_t id);
/* A device's first and last among those that are nowhere else; its last of the present turn. NULL = none. */
struct f2m_kept *f2m_memory_first(const struct f2m_memory *, const char *device_id);
struct f2m_kept *f2m_memory_last(const struct f2m_memory *, const char *device_id);
struct f2m_kept *f2m_memory_last_of_turn(const struct f2m_memory *, const char *device_id);
void f2m_memory_reject(struct f2m_memory *, struct f2m_kept *, const char *message); /* NULL = waits again */
void f2m_memory_spend(struct f2m_memory *, struct f2m_kept *); /* one that is nowhere else: its point has left */

#endif
