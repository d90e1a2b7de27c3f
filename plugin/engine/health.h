/*
 * bridge/health and bridge/info: what the bridge says of itself. Interface, section 3.1, clarifications 11, 27, 44.
 * Health is published on any change of it, at most once in 5 s, and every 60 s.
 */
#ifndef F2M_ENGINE_HEALTH_H
#define F2M_ENGINE_HEALTH_H

#include "config/config.h"
#include "engine/clock_offset.h"
#include "port/counters.h"
#include "port/effect.h"
#include "port/store.h"
#include "util/now.h"
#include "util/strbuf.h"

#include <stdbool.h>

/* A snapshot of everything that health tells; made by the engine from its rooms. */
struct f2m_health_facts {
    const struct f2m_counters *counters;
    struct f2m_outbox_stats outbox;
    int cloud;              /* 1 reachable, 0 not, -1 not known yet */
    int64_t last_upload_ms; /* wall; 0 = never */
    const char *last_error; /* "" = none */
    bool clock_set;         /* Interface, clarification 44 */
    const struct f2m_clock_offset *clock_offset;
    bool disk_failing;
    struct f2m_slice problems; /* finished JSON array of texts */
    bool any_problem;
};

struct f2m_health;

struct f2m_health *f2m_health_new(void);
void f2m_health_free(struct f2m_health *);
/* The broker is there again: what is published next is published whatever was said before. */
void f2m_health_reset(struct f2m_health *);
/* Something happened that may show in health. */
void f2m_health_touch(struct f2m_health *);
/* Whether it is time to collect facts and call f2m_health_publish(). */
bool f2m_health_due(const struct f2m_health *, struct f2m_now);
int64_t f2m_health_deadline(const struct f2m_health *);
void f2m_health_publish(struct f2m_health *, struct f2m_now, const char *base_topic, const struct f2m_health_facts *,
                        struct f2m_effects *);

/* Prometheus text format, for /metrics. */
void f2m_health_metrics(const struct f2m_health_facts *, struct f2m_strbuf *out);

/* bridge/info, retained: version, MQTT version, base URL, sites and devices, started_at; no secrets. */
void f2m_info_publish(const struct f2m_config *, const char *version, int64_t started_ms, struct f2m_effects *);

#endif
