/*
 * Listening to what the configuration maps, for `doctor` and `check --online`: per device and source, what came, what
 * it was read as, and what is wrong with it in plain words. Runs the bridge's own telemetry, on a store in memory.
 */
#ifndef F2M_APP_LISTEN_H
#define F2M_APP_LISTEN_H

#include "app/tool.h"
#include "config/config.h"
#include "telemetry/source.h"
#include "telemetry/telemetry.h"

#define LISTEN_RAW_BYTES 120 /* of the last payload, shown */

/* One topic of a source. */
struct listen_topic {
    const char *filter;
    uint64_t messages;
    bool refused;  /* by the broker */
    bool retained; /* the last one was a replay */
    char raw[LISTEN_RAW_BYTES + 8];
};

struct listen_source {
    const struct f2m_device *device;
    enum f2m_source_id id;
    struct f2m_source_reader *reader;
    struct listen_topic *topics;
    size_t topics_len;
    enum f2m_source_outcome outcome;
    struct f2m_err err; /* of the last INVALID */
    char members[160];  /* of the last MISSING: what the payload has instead */
};

struct listen {
    const struct f2m_config *config;
    struct f2m_store *store;
    struct f2m_outbox *outbox;
    struct f2m_telemetry *telemetry;
    struct f2m_counters counters;
    struct f2m_effects *effects;
    struct listen_source *sources;
    size_t sources_len;
};

void listen_open(struct listen *, const struct f2m_config *);
void listen_close(struct listen *);
/* Subscribes to everything, then listens until the deadline (mono ms), or with `until_seen` until something came on
 * every topic that the broker did not refuse. */
void listen_run(struct listen *, struct tool *, int64_t deadline_ms, bool until_seen);

/* What is wrong with a source, with the next step to take; NULL where nothing is. Uses buf. */
const char *listen_complaint(const struct listen_source *, struct f2m_now, int64_t listened_ms, char *buf, size_t size);

#endif
