/* The words for true and false in payloads. Interface, clarification 1. */
#ifndef F2M_UTIL_BOOLEAN_H
#define F2M_UTIL_BOOLEAN_H

#include "util/slice.h"

/* true/false, on/off, 1/0, online/offline in any case, blanks around them; else false, and *value stays. */
bool f2m_boolean_parse(struct f2m_slice text, bool *value);

#endif
