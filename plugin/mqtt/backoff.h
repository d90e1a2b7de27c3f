/*
 * When to try the broker again: exponential with full jitter, slowly after bad credentials, and slowly
 * when connections keep ending soon after they came up, as two clients with one client id make them do: Debian's
 * mosquitto 2.0.11 says nothing on a takeover, it just closes the socket. Pure: the clock is an argument.
 */
#ifndef F2M_MQTT_BACKOFF_H
#define F2M_MQTT_BACKOFF_H

#include "util/rng.h"

#include <stdbool.h>
#include <stdint.h>

#define F2M_SHORT_CONNECTION_MS 20000 /* a connection that ends within this counts as short */
#define F2M_TAKEOVER_WINDOW_MS  60000
#define F2M_TAKEOVER_COUNT      3

struct f2m_backoff {
    int64_t min_ms, max_ms, refused_ms;
    struct f2m_rng rng;
    int failures;                               /* in a row */
    int64_t short_ended_ms[F2M_TAKEOVER_COUNT]; /* when the last short connections ended, newest first */
    int short_count;                            /* of them */
};

void f2m_backoff_init(struct f2m_backoff *, int64_t min_ms, int64_t max_ms, int64_t refused_ms, uint64_t seed);

struct f2m_attempt {
    int64_t up_ms;    /* when CONNACK came; 0 = never */
    int64_t ended_ms; /* when it was over */
    int reason;       /* the CONNACK code where refused, else 0 */
};
/* Whether the CONNACK code says that the credentials are at fault. */
bool f2m_backoff_refused(int reason);
/* The wait before the next attempt. *takeover: short connections follow each other too fast. */
int64_t f2m_backoff_next(struct f2m_backoff *, const struct f2m_attempt *, bool *takeover);

#endif
