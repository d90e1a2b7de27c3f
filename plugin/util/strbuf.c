#include "util/strbuf.h"

#include "util/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What data points at before the first append; nobody writes to it, since cap is 0. */
static char nothing[1];

void f2m_strbuf_init(struct f2m_strbuf *b, size_t max)
{
    *b = (struct f2m_strbuf){.data = nothing, .max = max ? max : F2M_STRBUF_MAX};
}

void f2m_strbuf_deinit(struct f2m_strbuf *b)
{
    if (b->cap)
        free(b->data);
    f2m_strbuf_init(b, b->max);
}

void f2m_strbuf_reset(struct f2m_strbuf *b)
{
    b->len = 0;
    b->overflow = false;
    if (b->cap)
        b->data[0] = '\0';
}

/* Room for more bytes and the NUL; false (and overflow) where the maximum forbids it. */
static bool reserve(struct f2m_strbuf *b, size_t more)
{
    if (b->len > b->max || more > b->max - b->len) {
        b->overflow = true;
        return false;
    }
    size_t need = b->len + more + 1;
    if (need <= b->cap)
        return true;
    size_t cap = b->cap ? b->cap : 64;
    while (cap < need)
        cap = cap > b->max / 2 ? b->max + 1 : cap * 2;
    b->data = f2m_xreallocarray(b->cap ? b->data : NULL, cap, 1);
    b->cap = cap;
    return true;
}

void f2m_strbuf_add(struct f2m_strbuf *b, const void *p, size_t len)
{
    if (len == 0 || !reserve(b, len))
        return;
    memcpy(b->data + b->len, p, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void f2m_strbuf_adds(struct f2m_strbuf *b, const char *s)
{
    f2m_strbuf_add(b, s, strlen(s));
}

void f2m_strbuf_addc(struct f2m_strbuf *b, char c)
{
    f2m_strbuf_add(b, &c, 1);
}

void f2m_strbuf_addf(struct f2m_strbuf *b, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    f2m_strbuf_vaddf(b, fmt, args);
    va_end(args);
}

void f2m_strbuf_vaddf(struct f2m_strbuf *b, const char *fmt, va_list args)
{
    va_list again;

    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (len < 0)
        b->overflow = true;
    else if (len > 0 && reserve(b, (size_t)len)) {
        vsnprintf(b->data + b->len, (size_t)len + 1, fmt, args);
        b->len += (size_t)len;
    }
}

void f2m_strbuf_truncate(struct f2m_strbuf *b, size_t len)
{
    if (len >= b->len)
        return;
    b->len = len;
    b->data[len] = '\0';
}

char *f2m_strbuf_take(struct f2m_strbuf *b)
{
    char *text = b->cap ? b->data : f2m_xstrdup("");

    f2m_strbuf_init(b, b->max);
    return text;
}
