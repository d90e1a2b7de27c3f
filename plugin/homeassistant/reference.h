/* docs/home-assistant-entities.md, from the table of entities. */
#ifndef F2M_HOMEASSISTANT_REFERENCE_H
#define F2M_HOMEASSISTANT_REFERENCE_H

#include "util/strbuf.h"

/* Appends the whole page. */
void f2m_ha_write_reference(struct f2m_strbuf *out);

#endif
