/*
 * The queue from the MQTT thread to the main thread: two lanes, both bounded in messages and in bytes.
 *
 *   control    the bridge's own topics and everything that is not a message: never dropped; while it is full the MQTT
 *              thread waits (and with it the broker's flow), so that nothing of it is ever lost
 *   telemetry  the batteries' values: the oldest go, counted, when the main thread does not keep up
 *
 * Memory: each lane is a chain of 64 KiB chunks that records are written into one after another; the reader takes a
 * whole chunk per lock and gives it back when it has read it. A few chunks circulate, so the steady state allocates
 * nothing per message; chunks beyond those few are freed after a flood.
 *
 * Wake-up: the fd becomes readable at once for the control lane, and a few milliseconds after the first message of the
 * telemetry lane: a flood of small messages then costs a wake-up per batch instead of one per message.
 */
#ifndef F2M_MQTT_INBOX_H
#define F2M_MQTT_INBOX_H

#include "port/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct f2m_inbox;

enum f2m_inbox_lane {
    F2M_INBOX_CONTROL,
    F2M_INBOX_TELEMETRY,
};

/* 0 = the maximum of util/limits.h (F2M_MAX_INBOX_…). */
struct f2m_inbox_options {
    size_t telemetry; /* messages */
    size_t control;   /* messages */
    size_t bytes;     /* of each lane, record headers included */
};

struct f2m_inbox *
f2m_inbox_new(const struct f2m_inbox_options *); /* NULL options = all maxima; exits when out of fds */
void f2m_inbox_free(struct f2m_inbox *);         /* NULL is fine; no writer may be left */

/* ---- the reader (main thread) ---- */

/* Readable (POLLIN) when f2m_inbox_pop() has something. Owned by the inbox. */
int f2m_inbox_fd(const struct f2m_inbox *);
/* The next event, control lane first; false when both lanes are empty (the fd is quiet again then). What the event
 * points at is valid until the next pop. Drain until false before waiting on the fd, or come back with a timeout of 0.
 */
bool f2m_inbox_pop(struct f2m_inbox *, struct f2m_event *) __attribute__((warn_unused_result));
/* Messages lost since start because the telemetry lane was full. Any thread. */
uint64_t f2m_inbox_dropped(const struct f2m_inbox *);
/* F2M_EV_MQTT_UP events popped so far: tells the client which connection the main thread knows of. */
uint64_t f2m_inbox_ups(const struct f2m_inbox *);
/* From now on nothing is taken in and no writer waits: for shutdown. What is inside can still be popped. */
void f2m_inbox_close(struct f2m_inbox *);

/* ---- the writer (MQTT thread) ---- */

/* Copies the event. Lane control waits while that lane is full; lane telemetry takes F2M_EV_MQTT_MESSAGE alone. */
void f2m_inbox_push(struct f2m_inbox *, enum f2m_inbox_lane, const struct f2m_event *);
/* For the main thread's own events in the control lane (a publish refused on the spot): the reader cannot wait for
 * itself, so it gets a reserve of as many events again; false when that is used up too. */
bool f2m_inbox_push_own(struct f2m_inbox *, const struct f2m_event *) __attribute__((warn_unused_result));

#endif
