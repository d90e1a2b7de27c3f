/*
 * Allocation that does not return NULL. Every size below is bounded by a named maximum (limits.h), so
 * running out of memory means that the machine is in trouble: the process says so and exits with 71
 * (EX_OSERR). All state that matters is on disk by then, and systemd starts us again.
 */
#ifndef F2M_UTIL_XALLOC_H
#define F2M_UTIL_XALLOC_H

#include <stddef.h>

void *f2m_xmalloc(size_t size) __attribute__((malloc, alloc_size(1), returns_nonnull, warn_unused_result));
void *f2m_xcalloc(size_t n, size_t size) __attribute__((malloc, alloc_size(1, 2), returns_nonnull, warn_unused_result));
/* Grows to n elements of size bytes; an overflow of n * size counts as out of memory. */
void *f2m_xreallocarray(void *p, size_t n, size_t size)
    __attribute__((alloc_size(2, 3), returns_nonnull, warn_unused_result));
char *f2m_xstrdup(const char *s) __attribute__((malloc, returns_nonnull, warn_unused_result));
/* Copies len bytes and adds a NUL. */
char *f2m_xmemdup0(const void *p, size_t len) __attribute__((malloc, returns_nonnull, warn_unused_result));

#endif
