/* Private to the outbox's files: outbox.c (points in, verdicts), outbox_take.c (points out), outbox_disk.c (what a
 * failing disk asks for), outbox_record.c (devices' records), outbox_trim.c (what goes by age and size). */
#ifndef F2M_TELEMETRY_OUTBOX_INTERNAL_H
#define F2M_TELEMETRY_OUTBOX_INTERNAL_H

#include "telemetry/outbox.h"
#include "telemetry/outbox_latest.h"
#include "telemetry/outbox_marks.h"
#include "telemetry/outbox_memory.h"

#define F2M_OUTBOX_ENDPOINTS F2M_TELEMETRY_OFF /* interval, counter */

/* Points lost to the caps: one line when it begins, one with the total when it is over. */
struct f2m_losses {
    bool open;
    int64_t total;
    int64_t last_mono_ms;
};

/* See outbox_trim.c. Offsets are wall - mono. */
struct f2m_ages {
    bool known;
    int64_t seen_ms;       /* at the last tick */
    int64_t lowest_ms;     /* ages are reckoned by it */
    int64_t until_mono_ms; /* so long whatever the clock says; then by the clock again */
};

struct f2m_outbox {
    const struct f2m_config *config;
    struct f2m_store *store;
    struct f2m_counters *counters;
    struct f2m_latest *latest;
    struct f2m_memory memory;
    struct f2m_marks marks;
    struct f2m_outbox_news news[F2M_OUTBOX_ENDPOINTS];
    struct f2m_losses losses;
    bool failing;     /* the disk refuses writes: points go to memory at once */
    bool stepped;     /* in this turn the disk took all that waited for it; the commit decides */
    int64_t retry_ms; /* the present wait between attempts */
    int64_t retry_at; /* mono ms; 0 = nothing waits for the disk */
    int64_t trim_at;  /* mono ms; 0 = at the next tick */
    bool grown;       /* points came to disk since the last trim */
    struct f2m_ages ages;
    struct f2m_outbox_stats *stats; /* as the store said last; apart, since reading them is const to the caller */
    bool *stats_old;
};

/* A write was refused: points go to memory from now on, the next attempt comes after a growing wait. */
void f2m_outbox_disk_refused(struct f2m_outbox *, struct f2m_now, int error, struct f2m_effects *);
/* Puts a point where nothing else holds it; the oldest goes where there are too many. */
void f2m_outbox_keep_in_memory(struct f2m_outbox *, struct f2m_now, struct f2m_kept *, struct f2m_effects *);
void f2m_outbox_limit_memory(struct f2m_outbox *, struct f2m_now, struct f2m_effects *);
/* Writes the record that a point in memory carries, if any. As f2m_store_record_put(). */
int f2m_outbox_write_record(struct f2m_outbox *, struct f2m_now, const struct f2m_kept *);
/* A point that is nowhere else leaves; its record stays until it is on disk. */
void f2m_outbox_leave_memory(struct f2m_outbox *, struct f2m_kept *);
void f2m_outbox_sent_from_memory(struct f2m_outbox *, struct f2m_now, struct f2m_kept *, struct f2m_effects *);
void f2m_outbox_lost(struct f2m_outbox *, struct f2m_now, int64_t n, const char *why, struct f2m_effects *);
/* The commit of a turn in which everything that waited was written has succeeded. */
void f2m_outbox_disk_works(struct f2m_outbox *, struct f2m_effects *);
void f2m_outbox_touch_stats(struct f2m_outbox *);
void f2m_outbox_disk_tick(struct f2m_outbox *, struct f2m_now, struct f2m_effects *);

#endif
