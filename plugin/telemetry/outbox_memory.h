/*
 * Points that the outbox holds in memory: those of the present turn until its commit succeeded, and those that the
 * disk refused. Embedded in the outbox; owns its points.
 */
#ifndef F2M_TELEMETRY_OUTBOX_MEMORY_H
#define F2M_TELEMETRY_OUTBOX_MEMORY_H

#include "port/store.h"

struct f2m_kept {
    struct f2m_kept *prev, *next;
    struct f2m_point point; /* id: negative, its name for the uploader; the texts belong to this struct */
    int64_t stored_id;      /* of the present turn: the row that is not committed yet; 0 = in memory only */
    char *message;          /* rejected by Flip; NULL = waiting */
    bool taken;
    char text[]; /* device id, NUL, body */
};

struct f2m_memory {
    struct f2m_kept *turn;  /* put since the last commit, in order */
    struct f2m_kept *alone; /* nowhere else, oldest first */
    size_t alone_len;
    size_t rejected; /* of those */
    int64_t last_id;
};

struct f2m_kept *f2m_kept_new(struct f2m_memory *, const struct f2m_point *);
void f2m_kept_free(struct f2m_kept *);
void f2m_memory_deinit(struct f2m_memory *);

void f2m_memory_add_turn(struct f2m_memory *, struct f2m_kept *, int64_t stored_id);
/* Appends to those that are nowhere else; returns the one that has to go for it where there are too many (not in the
 * list any more; the caller frees it), else NULL. A point on its way to Flip stays; where all are, the new one goes. */
struct f2m_kept *f2m_memory_add_alone(struct f2m_memory *, struct f2m_kept *) __attribute__((warn_unused_result));
void f2m_memory_remove_alone(struct f2m_memory *, struct f2m_kept *);
struct f2m_kept *f2m_memory_by_key(const struct f2m_memory *, const struct f2m_point *);
struct f2m_kept *f2m_memory_by_id(const struct f2m_memory *, int64_t id);
void f2m_memory_reject(struct f2m_memory *, struct f2m_kept *, const char *message); /* NULL = waits again */

#endif
