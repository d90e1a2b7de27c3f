/*
 * MQTT discovery for Home Assistant: one device per battery, per site and for the bridge. Interface, section 2
 * `homeassistant`, clarifications 20, 30, 46; Home Assistant: MQTT discovery (device-based), birth message.
 */
#ifndef F2M_HOMEASSISTANT_HOMEASSISTANT_H
#define F2M_HOMEASSISTANT_HOMEASSISTANT_H

#include "config/config.h"
#include "port/effect.h"
#include "port/store.h"
#include "util/now.h"
#include "util/rng.h"

struct f2m_homeassistant;

/* Announced topics are remembered in F2M_STORE_ANNOUNCED, so that what a later configuration (or version) does not have
 * any more is cleared. */
struct f2m_homeassistant *f2m_homeassistant_new(const struct f2m_config *, struct f2m_store *, struct f2m_rng *);
void f2m_homeassistant_free(struct f2m_homeassistant *);
void f2m_homeassistant_reload(struct f2m_homeassistant *, struct f2m_now, const struct f2m_config *,
                              struct f2m_effects *);
/* Discovery at once; clears what is not configured any more. */
void f2m_homeassistant_mqtt_up(struct f2m_homeassistant *, struct f2m_now, struct f2m_effects *);
/* Payload of homeassistant.status_topic; `online` = birth: announces again after 1 to 5 s of jitter, and then has the
 * states published again: f2m_homeassistant_states_due() turns true once, 1 s after the configs. */
void f2m_homeassistant_status(struct f2m_homeassistant *, struct f2m_now, struct f2m_slice payload);
void f2m_homeassistant_tick(struct f2m_homeassistant *, struct f2m_now, struct f2m_effects *);
int64_t f2m_homeassistant_deadline(const struct f2m_homeassistant *);
bool f2m_homeassistant_states_due(struct f2m_homeassistant *);

#endif
