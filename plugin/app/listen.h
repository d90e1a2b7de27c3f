/*
 * Listening to what the configuration maps, for `doctor` and `check --online`: per device and source, what came and
 * what it was read as. Runs the bridge's own telemetry, on a store in memory. diagnose.h says what is wrong in plain
 * words.
 */
#ifndef F2M_APP_LISTEN_H
#define F2M_APP_LISTEN_H

#include "app/tool.h"
#include "config/config.h"
#include "telemetry/source.h"
#include "telemetry/telemetry.h"

#define LISTEN_RAW_BYTES 120  /* of a payload, shown */
#define LISTEN_NAMES     2000 /* topics that the broker has beside the mapped ones, for "did you mean" */

/* What a source is for. */
enum listen_role {
    LISTEN_TELEMETRY,
    LISTEN_AVAILABILITY,
    LISTEN_COMMISSIONING,
    LISTEN_VETO,
};

/* One place that a source reads: a topic with a path. A sum has several. */
struct listen_leaf {
    const struct f2m_source *source;
    const char *filter; /* NULL = a const */
    uint64_t messages;
    bool refused;                    /* by the broker */
    bool retained;                   /* the last one was a replay */
    enum f2m_source_outcome outcome; /* of the last one */
    struct f2m_err err;              /* of the last INVALID */
    char raw[LISTEN_RAW_BYTES + 8];  /* the last payload on one line, clipped */
    char text[LISTEN_RAW_BYTES + 8]; /* what stood at the path, likewise */
    char members[240];               /* where nothing stood there: the paths that the payload has */
};

struct listen_source {
    const struct f2m_device *device;
    enum listen_role role;
    enum f2m_source_id id; /* LISTEN_TELEMETRY */
    const char *name;      /* as in the configuration */
    enum f2m_value_kind kind;
    const struct f2m_source *source;
    struct f2m_source *own; /* owned: availability, written as a source */
    struct f2m_source_reader *reader;
    struct listen_leaf *leaves;
    size_t leaves_len;
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

    bool looked_around;       /* what else the broker has was listened to as well */
    char **names;             /* owned, as each of them */
    size_t names_len;         /* of other topics */
    struct f2m_strbuf state;  /* bridge/state of a running bridge; empty = none */
    struct f2m_strbuf health; /* its bridge/health; empty = none */
};

void listen_open(struct listen *, const struct f2m_config *);
void listen_close(struct listen *);
/* Subscribes to everything, then listens until the deadline (mono ms); with `until_seen` until something came on every
 * topic that the broker did not refuse, without it also looking around on the broker where a topic stays silent. */
void listen_run(struct listen *, struct tool *, int64_t deadline_ms, bool until_seen);

#endif
