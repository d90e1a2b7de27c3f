/* What a discovery topic holds, as F2M_STORE_ANNOUNCED remembers it: {"<component>":"<platform>", …}. */
#ifndef F2M_HOMEASSISTANT_RECORD_H
#define F2M_HOMEASSISTANT_RECORD_H

#include "homeassistant/payload.h"
#include "util/json_writer.h"

#define F2M_HA_MAX_COMPONENT 64 /* bytes of a component's or platform's name, with its end */

/* The stored text as a value that the functions below take; {NULL, 0} where it is none of ours. */
struct f2m_slice f2m_ha_record_parse(struct f2m_slice stored);
/* Replaces out's text: the subject's components, and those of `former` that Home Assistant may still have. */
void f2m_ha_record(const struct f2m_ha_subject *, struct f2m_slice former, struct f2m_strbuf *out);
/* Whether it has components that the subject has not, or with another platform. */
bool f2m_ha_record_outdated(const struct f2m_ha_subject *, struct f2m_slice former);
/* Writes those with nothing but their platform. */
void f2m_ha_record_write_gone(const struct f2m_ha_subject *, struct f2m_slice former, struct f2m_jw *);
/* Whether the entity stood there with another platform. */
bool f2m_ha_record_conflicts(const struct f2m_ha_entity *, struct f2m_slice former);

#endif
