/* uthash with our allocator: the one place that includes it. */
#ifndef SIM_HASH_H
#define SIM_HASH_H

#include "util/xalloc.h"

#define uthash_malloc(size) f2m_xmalloc(size)
#include <uthash.h>

#endif
