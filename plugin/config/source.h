/* Sources in YAML (Interface, section 2 and clarifications 1 and 21). */
#ifndef F2M_CONFIG_SOURCE_H
#define F2M_CONFIG_SOURCE_H

#include "config/table.h"

/* A key that holds a source; `kind` is an enum f2m_value_kind. */
extern const struct f2m_key_custom f2m_custom_source;
/* A commissioning field: a value or a source; stored as struct f2m_device_field. */
extern const struct f2m_key_custom f2m_custom_field;
/* The keys of a source, for the reference and the schema. */
extern const struct f2m_section f2m_section_source;

/* Reads into a zeroed struct. `name` is the key it stands at. */
void f2m_source_read(struct f2m_loader *, const char *name, enum f2m_value_kind, const struct f2m_yaml *,
                     struct f2m_source *);
void f2m_source_free(struct f2m_source *);
/* max_age of sources that give none. */
void f2m_source_default_max_age(struct f2m_source *, int64_t max_age_ms);
void f2m_field_free(struct f2m_device_field *);

#endif
