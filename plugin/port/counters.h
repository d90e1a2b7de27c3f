/* What `bridge/health` and /metrics count since start. One struct, owned by the engine, lent to the rooms. */
#ifndef F2M_PORT_COUNTERS_H
#define F2M_PORT_COUNTERS_H

#include <stdint.h>

struct f2m_counters {
    uint64_t messages;         /* MQTT messages that reached a source */
    uint64_t points;           /* points closed */
    uint64_t uploads;          /* telemetry requests that Flip answered with 2xx */
    uint64_t retries;          /* calls to Flip that failed and will be tried again */
    uint64_t dropped;          /* points lost to the outbox's caps, and messages lost to a full inbox */
    uint64_t invalid;          /* payloads that could not be read */
    uint64_t late;             /* samples whose timestamp lies before the open interval */
    uint64_t unknown_commands; /* commands for devices that are not configured */
    uint64_t webhooks;         /* verified webhooks */
    uint64_t webhooks_refused; /* bad signature, malformed, too large, … */
    uint64_t foreign_webhooks; /* about sites and devices that are not configured */
    uint64_t notifications;    /* notifications published */
    uint64_t requests;         /* requests answered */
    uint64_t points_in_memory; /* gauge: closed points that wait for the disk */
};

#endif
