/* What libfyaml's syntax errors mean to somebody who wrote a configuration by hand. */
#ifndef F2M_CONFIG_YAML_HINT_H
#define F2M_CONFIG_YAML_HINT_H

#include "util/slice.h"

/* A hint for a message of the parser and the line it points at; "" where there is none. */
const char *f2m_yaml_hint(const char *message, struct f2m_slice line);

#endif
