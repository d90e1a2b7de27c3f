/* Inside the engine: its state, and its three parts: engine.c (events), rooms.c (the rooms as one), route.c (who gets
 * which message). */
#ifndef F2M_ENGINE_INTERNAL_H
#define F2M_ENGINE_INTERNAL_H

#include "control/control.h"
#include "engine/clock_offset.h"
#include "engine/engine.h"
#include "engine/health.h"
#include "engine/subscriptions.h"
#include "flip/cloud.h"
#include "homeassistant/homeassistant.h"
#include "port/counters.h"
#include "requests/requests.h"
#include "sites/sites.h"
#include "telemetry/outbox.h"
#include "telemetry/telemetry.h"
#include "telemetry/upload.h"
#include "util/limits.h"
#include "util/number.h"
#include "util/rfc3339.h"
#include "util/rng.h"
#include "util/strbuf.h"

#include <errno.h>

struct f2m_engine {
    const struct f2m_config *config; /* borrowed */
    struct f2m_store *store;         /* borrowed */
    const char *version;
    struct f2m_counters counters;
    struct f2m_rng rng;
    /* the rooms, in the order in which they are opened */
    struct f2m_cloud *cloud;
    struct f2m_outbox *outbox;
    struct f2m_telemetry *telemetry;
    struct f2m_uploader *uploader;
    struct f2m_control *control;
    struct f2m_sites *sites;
    struct f2m_requests *requests;
    struct f2m_homeassistant *homeassistant;
    /* what the engine itself keeps */
    struct f2m_subscriptions *subscriptions;
    struct f2m_health *health;
    bool connected; /* to the broker */
    bool announced; /* connected, and bridge/state says online */
    bool down_told; /* the log has this outage already */
    bool own_said;  /* in this turn: bridge/state, bridge/info or cloud/state */
    bool stopping;
    bool flushed; /* after a stop: the last batch was asked for */
    bool commit_failing;
    enum f2m_cloud_state cloud_told; /* as cloud/state says it */
    bool clock_set;
    struct f2m_clock_offset clock_offset;
    int64_t built_ms, started_ms;
    int64_t last_wall_ms; /* as stored */
    uint64_t points_seen; /* counters.points when last_wall_ms was stored */
    uint64_t inbox_dropped;
    struct f2m_strbuf refused_reload;      /* empty = the last reload succeeded */
    struct f2m_strbuf topic, text, ids[2]; /* scratch */
};

/* rooms.c */
void open_rooms(struct f2m_engine *, struct f2m_now);
void close_rooms(struct f2m_engine *);
void rooms_reload(struct f2m_engine *, struct f2m_now, struct f2m_effects *);
void rooms_mqtt_up(struct f2m_engine *, struct f2m_now, struct f2m_effects *);
/* What they say of themselves, anew; nothing to the batteries. */
void rooms_show(struct f2m_engine *, struct f2m_now, struct f2m_effects *);
void rooms_mqtt_down(struct f2m_engine *, struct f2m_now);
void rooms_tick(struct f2m_engine *, struct f2m_now, struct f2m_effects *);
void rooms_committed(struct f2m_engine *, struct f2m_now, bool ok, struct f2m_effects *);
void rooms_stop(struct f2m_engine *, struct f2m_now, struct f2m_effects *);
int64_t rooms_deadline(const struct f2m_engine *, struct f2m_now);
void hold_rooms(struct f2m_engine *, bool hold);
void collect_facts(struct f2m_engine *, struct f2m_now, struct f2m_health_facts *);

/* route.c; fx NULL = before the first connection */
void want_subscriptions(struct f2m_engine *, struct f2m_effects *);
void route_message(struct f2m_engine *, struct f2m_now, const struct f2m_mqtt_message *, struct f2m_effects *);
void route_published(struct f2m_engine *, struct f2m_now, const struct f2m_mqtt_published *, struct f2m_effects *);
void route_webhook(struct f2m_engine *, struct f2m_now, const struct f2m_webhook *, struct f2m_effects *);

#endif
