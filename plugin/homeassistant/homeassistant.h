/*
 * MQTT discovery for Home Assistant: one device per battery, per site and for the bridge, linked by via_device.
 * Interface, section 2 `homeassistant`, clarifications 20, 30, 46; Home Assistant: MQTT discovery (device-based), birth
 * message.
 *
 * A configuration goes to <discovery_topic>/device/<object id>/config, retained. F2M_STORE_ANNOUNCED remembers under
 * "homeassistant/<that topic>" which components it held, so that what a later configuration, version or discovery topic
 * does not have any more is cleared: a component by publishing it with nothing but its platform and then not at all, a
 * device by an empty payload. The record goes only when the broker has taken that. A lost record is made again of what
 * the broker holds (search.c).
 *
 * Decided here, where the interface is silent:
 *  - Anything but `offline` on the status topic is a birth: Home Assistant lets its users choose the payload.
 *  - The bridge's own ids come from the site that stood first when it announced itself first (kept in F2M_STORE_META),
 *    not from the base topic or the client id, which a user may change; so a lost database changes nothing for a home.
 *  - Devices without entities (EV_CHARGER) are not announced.
 */
#ifndef F2M_HOMEASSISTANT_HOMEASSISTANT_H
#define F2M_HOMEASSISTANT_HOMEASSISTANT_H

#include "config/config.h"
#include "port/effect.h"
#include "port/event.h"
#include "port/store.h"
#include "util/now.h"
#include "util/rng.h"

struct f2m_homeassistant;

/* All borrowed for the room's life (config until the next reload). */
struct f2m_homeassistant_context {
    const struct f2m_config *config;
    struct f2m_store *store;
    struct f2m_rng *rng;
    const char *version; /* of this program: Home Assistant shows it */
};

struct f2m_homeassistant *f2m_homeassistant_new(const struct f2m_homeassistant_context *);
void f2m_homeassistant_free(struct f2m_homeassistant *);
/* Announces what is new and clears what went. Call it before the rooms clear topics of what is not configured any more:
 * Home Assistant would run its templates over the empty payloads. */
void f2m_homeassistant_reload(struct f2m_homeassistant *, struct f2m_now, const struct f2m_config *,
                              struct f2m_effects *);
/* Discovery at once, a few at a time (the broker's acknowledgements pull the next ones); clears what is not configured
 * any more. Call it before the rooms publish their states. */
void f2m_homeassistant_mqtt_up(struct f2m_homeassistant *, struct f2m_now, struct f2m_effects *);
void f2m_homeassistant_mqtt_down(struct f2m_homeassistant *);
/* The outcome of a tagged publish; true where the tag was ours (F2M_TAG_HOMEASSISTANT in the top byte). */
bool f2m_homeassistant_published(struct f2m_homeassistant *, struct f2m_now, const struct f2m_mqtt_published *,
                                 struct f2m_effects *);
#define F2M_TAG_HOMEASSISTANT ((uint64_t)0x4A << 56)
/* Any message: for a moment after the first connection without a record, discovery payloads of a former run of this
 * bridge are looked for among them, so that what it announced and nobody configures any more is cleared. */
void f2m_homeassistant_message(struct f2m_homeassistant *, const struct f2m_mqtt_message *);
/* Payload of homeassistant.status_topic; a birth announces again after 1 to 5 s of jitter, and then has the states
 * published again: f2m_homeassistant_states_due() turns true once, 1 s after the last configuration. */
void f2m_homeassistant_status(struct f2m_homeassistant *, struct f2m_now, struct f2m_slice payload);
void f2m_homeassistant_tick(struct f2m_homeassistant *, struct f2m_now, struct f2m_effects *);
int64_t f2m_homeassistant_deadline(const struct f2m_homeassistant *); /* mono ms; INT64_MAX = none */
bool f2m_homeassistant_states_due(struct f2m_homeassistant *);
/* Plain words for bridge/health. */
void f2m_homeassistant_problems(const struct f2m_homeassistant *,
                                void (*visit)(void *ctx, const char *topic, const char *text), void *ctx);
/* After the turn's commit. ok false: its publishes were dropped, so everything is announced again in a few seconds. */
void f2m_homeassistant_committed(struct f2m_homeassistant *, struct f2m_now, bool ok);

#endif
