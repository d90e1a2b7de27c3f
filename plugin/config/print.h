/* `config`: printing by the table. Private to the room. */
#ifndef F2M_CONFIG_PRINT_H
#define F2M_CONFIG_PRINT_H

#include "config/table.h"
#include "config/yaml_writer.h"

void f2m_section_print(struct f2m_yaml_writer *, const struct f2m_section *, const void *target);
/* "key:" and the elements; "key: []" where there are none. */
void f2m_list_print(struct f2m_yaml_writer *, const char *key, const struct f2m_section *, const void *list,
                    size_t len);

/* Custom keys (print_custom.c, print_source.c). */
void f2m_print_text(struct f2m_yaml_writer *, const struct f2m_key *, const void *at); /* char ** */
void f2m_print_server(struct f2m_yaml_writer *, const struct f2m_key *, const void *at);
void f2m_print_unknown_devices(struct f2m_yaml_writer *, const struct f2m_key *, const void *at);
void f2m_print_allow(struct f2m_yaml_writer *, const struct f2m_key *, const void *at);
void f2m_print_modes(struct f2m_yaml_writer *, const struct f2m_key *, const void *at);
void f2m_print_attributes(struct f2m_yaml_writer *, const struct f2m_key *, const void *at);
void f2m_print_preset(struct f2m_yaml_writer *, const struct f2m_key *, const void *at);
void f2m_print_source(struct f2m_yaml_writer *, const struct f2m_key *, const void *at);
void f2m_print_field(struct f2m_yaml_writer *, const struct f2m_key *, const void *at);

#endif
