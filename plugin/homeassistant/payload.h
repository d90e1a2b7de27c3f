/* Discovery payloads: one per Home Assistant device. Home Assistant: MQTT discovery, device-based; abbreviations. */
#ifndef F2M_HOMEASSISTANT_PAYLOAD_H
#define F2M_HOMEASSISTANT_PAYLOAD_H

#include "homeassistant/entities.h"
#include "util/slice.h"

/* Whom a payload is about: the bridge (both NULL), a site, or a device (both set). */
struct f2m_ha_subject {
    enum f2m_ha_scope scope;
    const struct f2m_site *site;
    const struct f2m_device *device;
};

struct f2m_ha_naming {
    const struct f2m_config *config;
    const char *version;
    const char *bridge_id; /* what the bridge's object id ends with; NULL = nothing */
};

/* Appends the subject's object id. */
void f2m_ha_subject_id(const struct f2m_ha_naming *, const struct f2m_ha_subject *, struct f2m_strbuf *out);
/* Whether there is anything to announce. */
bool f2m_ha_subject_any(const struct f2m_ha_subject *);
bool f2m_ha_subject_has(const struct f2m_ha_subject *, const struct f2m_ha_entity *);
/* Replaces out's text. `former` is a record (record.h) or {NULL, 0}: components of it that are not there any more, or
 * have another platform now, stand with nothing but that former platform: Home Assistant removes them. */
void f2m_ha_payload(const struct f2m_ha_naming *, const struct f2m_ha_subject *, struct f2m_slice former,
                    struct f2m_strbuf *out);

#endif
