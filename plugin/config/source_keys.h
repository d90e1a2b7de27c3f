/* Between keys_source.c and source.c: a source as its keys say it, before they are put together. */
#ifndef F2M_CONFIG_SOURCE_KEYS_H
#define F2M_CONFIG_SOURCE_KEYS_H

#include "config/table.h"

struct f2m_source_draft {
    struct f2m_source source;
    int retained; /* 1 = accept */
    int missing;  /* 1 = zero */
    char *unit, *positive;
};

#endif
