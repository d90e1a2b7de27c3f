/*
 * What the outbox knows about single rows of the store beyond what the store says: put but not committed, on its way
 * to Flip, or judged by Flip without that being on disk yet. A marked row is not offered to the uploader.
 */
#ifndef F2M_TELEMETRY_OUTBOX_MARKS_H
#define F2M_TELEMETRY_OUTBOX_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

enum f2m_mark_kind {
    F2M_MARK_UNCOMMITTED, /* put in this turn */
    F2M_MARK_TAKEN,
    F2M_MARK_SENT,     /* Flip said OK; to be deleted */
    F2M_MARK_REJECTED, /* Flip said no; to be kept with its message */
};

struct f2m_mark {
    UT_hash_handle hh;
    int64_t id;
    enum f2m_mark_kind kind;
    bool applied;  /* a verdict: the store took it, the commit is outstanding */
    char *message; /* F2M_MARK_REJECTED */
};

struct f2m_marks {
    struct f2m_mark *all;
    size_t sent, rejected; /* verdicts */
};

void f2m_marks_deinit(struct f2m_marks *);
struct f2m_mark *f2m_marks_find(const struct f2m_marks *, int64_t id);
/* Adds, or changes the kind of the present one. message: copied, NULL = none. */
struct f2m_mark *f2m_marks_set(struct f2m_marks *, int64_t id, enum f2m_mark_kind, const char *message);
void f2m_marks_remove(struct f2m_marks *, struct f2m_mark *);
static inline size_t f2m_marks_verdicts(const struct f2m_marks *m)
{
    return m->sent + m->rejected;
}

#endif
