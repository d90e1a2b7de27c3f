/* Memory for the time of one load: tree nodes and texts that may hold secrets, freed and wiped together. */
#ifndef F2M_CONFIG_ARENA_H
#define F2M_CONFIG_ARENA_H

#include <stddef.h>

struct f2m_arena {
    struct f2m_arena_chunk *chunks; /* newest first; NULL = empty */
};

/* Zeroed, aligned for any type; lives until f2m_arena_deinit(). */
void *f2m_arena_alloc(struct f2m_arena *, size_t size) __attribute__((returns_nonnull, warn_unused_result));
/* A terminated copy. */
char *f2m_arena_copy(struct f2m_arena *, const void *text, size_t len)
    __attribute__((returns_nonnull, warn_unused_result));
char *f2m_arena_printf(struct f2m_arena *, const char *fmt, ...)
    __attribute__((returns_nonnull, warn_unused_result, format(printf, 2, 3)));
void f2m_arena_deinit(struct f2m_arena *); /* wipes; safe twice */

#endif
