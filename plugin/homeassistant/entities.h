/*
 * Every entity that Home Assistant gets, as one table. The discovery payloads, the list in docs/home-assistant.md and
 * the tests read it. Keys are part of unique ids: never change or reuse one; no key of a scope ends with "_" and
 * another key (ids may end with anything).
 */
#ifndef F2M_HOMEASSISTANT_ENTITIES_H
#define F2M_HOMEASSISTANT_ENTITIES_H

#include "config/config.h"
#include "homeassistant/identity.h"

enum f2m_ha_platform { F2M_HA_SENSOR, F2M_HA_BINARY_SENSOR, F2M_HA_SWITCH, F2M_HA_EVENT, F2M_HA_PLATFORMS };
const char *f2m_ha_platform_name(enum f2m_ha_platform);

enum f2m_ha_availability {
    F2M_HA_WITH_BRIDGE, /* bridge/state */
    F2M_HA_WITH_CLOUD,  /* bridge/state and cloud/state */
    F2M_HA_ALWAYS,      /* tells of the bridge's state itself */
};

/* What the entity needs to be announced; more than F2M_HA_NEEDS_SOURCE: a source, mapped or derived. */
enum f2m_ha_need {
    F2M_HA_NEEDS_NOTHING,
    F2M_HA_NEEDS_UPLOADS,   /* telemetry.endpoint is not off */
    F2M_HA_NEEDS_INTERVALS, /* telemetry.endpoint is interval */
    F2M_HA_NEEDS_SOURCES,   /* any source at all */
    F2M_HA_NEEDS_SOURCE,
};
#define F2M_HA_NEED(source) ((enum f2m_ha_need)(F2M_HA_NEEDS_SOURCE + F2M_SRC_##source))

/* Digits after the point; 0 in the table = not said. */
#define F2M_HA_DIGITS(n) ((n) + 1)

struct f2m_ha_entity {
    const char *key;
    enum f2m_ha_scope scope;
    enum f2m_ha_platform platform;
    const char *name;
    const char *topic;   /* below the scope's own topics; with "/" in front: below the base topic */
    const char *value;   /* template; NULL = the payload as it is */
    const char *command; /* topic leaf, as above; switches */
    const char *options; /* enum: "A B C"; event: its types */
    const char *unit, *device_class, *state_class, *icon;
    const char *category;   /* "diagnostic"; NULL = none */
    const char *attributes; /* template over the same topic; NULL = none */
    const char *last_reset; /* template over the same topic */
    const char *on, *off;   /* binary sensors; NULL = ON and OFF */
    enum f2m_ha_availability availability;
    enum f2m_ha_need need;
    int precision; /* F2M_HA_DIGITS() */
    bool disabled; /* by default */
};

extern const struct f2m_ha_entity f2m_ha_entities[];
extern const size_t f2m_ha_entities_len;

/* Whether it is announced for that device (NULL for the other scopes). */
bool f2m_ha_entity_applies(const struct f2m_ha_entity *, const struct f2m_device *);

#endif
