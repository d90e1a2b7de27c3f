/*
 * Names that Home Assistant keeps for ever: the scheme is frozen (tests/unit/homeassistant/golden). It is built from
 * Flip's ids alone, never from a name, a topic or an address that a user may change.
 *
 *   object id    flip2mqtt_device_<id>, flip2mqtt_site_<id>, flip2mqtt_bridge_<id of the first site>
 *                (in the discovery topic, and the device's identifier)
 *   unique id    <object id>_<key of the entity>
 *
 * <id> holds [a-zA-Z0-9_-] and at most 64 of them; where that changed anything, "_" and 8 hex digits of a hash of the
 * whole id follow (Interface, clarification 46).
 */
#ifndef F2M_HOMEASSISTANT_IDENTITY_H
#define F2M_HOMEASSISTANT_IDENTITY_H

#include "util/strbuf.h"

enum f2m_ha_scope {
    F2M_HA_BRIDGE,
    F2M_HA_SITE,
    F2M_HA_DEVICE,
};

/* Appends. id NULL (a bridge without sites) = without "_<id>". */
void f2m_ha_object_id(struct f2m_strbuf *out, enum f2m_ha_scope, const char *id);
/* Appends text as Home Assistant writes names in entity ids: [a-z0-9_], no "_" at either end or twice. May append
 * nothing. */
void f2m_ha_slug(struct f2m_strbuf *out, const char *text);

#endif
