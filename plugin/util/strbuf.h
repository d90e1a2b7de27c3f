/*
 * A growing byte buffer, always NUL-terminated, with a maximum. An append that would pass the maximum changes
 * nothing and sets `overflow`, which stays until reset: write first, ask once at the end. Reuse it over turns
 * (f2m_strbuf_reset keeps the memory), so that the steady state allocates nothing.
 */
#ifndef F2M_UTIL_STRBUF_H
#define F2M_UTIL_STRBUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct f2m_strbuf {
    char *data; /* owned; "" before the first append (never NULL after init) */
    size_t len;
    size_t cap; /* allocated bytes, 0 while data points at a static "" */
    size_t max; /* the most that len may become */
    bool overflow;
};

/* max 0 = F2M_STRBUF_MAX */
#define F2M_STRBUF_MAX ((size_t)16 << 20)

void f2m_strbuf_init(struct f2m_strbuf *, size_t max);
void f2m_strbuf_deinit(struct f2m_strbuf *); /* safe twice */
void f2m_strbuf_reset(struct f2m_strbuf *);  /* empty, memory kept, overflow cleared */
void f2m_strbuf_add(struct f2m_strbuf *, const void *p, size_t len);
void f2m_strbuf_adds(struct f2m_strbuf *, const char *s);
void f2m_strbuf_addc(struct f2m_strbuf *, char c);
void f2m_strbuf_addf(struct f2m_strbuf *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void f2m_strbuf_vaddf(struct f2m_strbuf *, const char *fmt, va_list) __attribute__((format(printf, 2, 0)));
void f2m_strbuf_truncate(struct f2m_strbuf *, size_t len); /* len ≤ present length */
/* The text, owned by the caller (free); the buffer is empty afterwards. */
char *f2m_strbuf_take(struct f2m_strbuf *) __attribute__((warn_unused_result));

/* Freed at the end of its scope: call f2m_strbuf_init() before anything can return. */
#define f2m_autostrbuf __attribute__((cleanup(f2m_strbuf_deinit))) struct f2m_strbuf

#endif
