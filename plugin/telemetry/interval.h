/*
 * The open interval of one device, in wall time. Interface, Telemetry 1, clarifications 6 and 31.
 *
 * Points of a device never overlap and no key is used twice: whatever the clock does, no point begins before the end of
 * the last one (the high-water mark, which survives restarts).
 *
 * What the clock does (a step is a change of wall against monotonic time of a second or more; smaller ones make one
 * interval that much longer or shorter):
 *  - forward: the open interval moves with the clock, since the new time is the right one; it closes at once where a
 *    boundary was jumped over (a partial point of true duration). No empty points, whatever the size of the step.
 *  - back: the open interval closes as a partial point, of true duration in the old time. The next one begins at the
 *    high-water mark, so nothing closes until the clock has passed it again; counters keep counting meanwhile and show
 *    their energy then, integrated power of that time is lost.
 *  - nobody looked (the machine slept): the open interval closes at its end. Up to a minute late, each interval missed
 *    closes as usual; later than that and beyond a further boundary the series has a gap, as after a restart: the next
 *    interval begins now, and where a mapped counter bridges the gap its point begins at the high-water mark.
 * So a gap never makes more than 60 points.
 */
#ifndef F2M_TELEMETRY_INTERVAL_H
#define F2M_TELEMETRY_INTERVAL_H

#include <stdbool.h>
#include <stdint.h>

#define F2M_CLOCK_STEP_MS  INT64_C(1000)
#define F2M_MAX_LATE_MS    INT64_C(60000)
#define F2M_MIN_PARTIAL_MS INT64_C(1000) /* a shorter one is skipped (Interface, clarification 6) */

struct f2m_interval {
    int64_t length_ms;
    int64_t opened_ms;     /* when it was opened; may lie before the high-water mark */
    int64_t end_ms;        /* the next boundary after its beginning */
    int64_t high_water_ms; /* end of the last closed point; 0 = none yet */
    bool gap;              /* nobody looked between the high-water mark and opened_ms */
};

void f2m_interval_init(struct f2m_interval *, int64_t length_ms, int64_t high_water_ms);
/* gap: time passed that nobody observed (a restart, a machine asleep). */
void f2m_interval_open(struct f2m_interval *, int64_t wall_ms, bool gap);
/* Where a point of this interval begins. bridged: a counter's energy reaches back over the gap. */
int64_t f2m_interval_start(const struct f2m_interval *, bool bridged);
bool f2m_interval_due(const struct f2m_interval *, int64_t wall_ms);
/* A point that ends there was closed; the next interval is open. */
void f2m_interval_closed(struct f2m_interval *, int64_t end_ms);
/* The interval was too short for a point; the next one is open, the gap before it still is one. */
void f2m_interval_skipped(struct f2m_interval *, int64_t end_ms);
/* The clock was set by delta: the open interval moves along. */
void f2m_interval_shift(struct f2m_interval *, int64_t delta_ms);
/* It was opened after a gap, and less than its length ago, were it to end at its boundary. */
bool f2m_interval_fresh_gap(const struct f2m_interval *);
/* Closing was forbidden for a while (clock unset), or is put off: the interval lasts until the next boundary. */
void f2m_interval_extend(struct f2m_interval *, int64_t wall_ms);
/* After closing: whether so much was missed that the series has a gap. */
bool f2m_interval_missed(const struct f2m_interval *, int64_t wall_ms);

#endif
