#include "util/xalloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* Nothing here may allocate, so no stdio. */
static _Noreturn void out_of_memory(void)
{
    static const char text[] = "error memory msg=\"out of memory\"\n";
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        _exit(EX_OSERR);
    _exit(EX_OSERR);
}

void *f2m_xmalloc(size_t size)
{
    void *p = malloc(size ? size : 1);
    if (!p)
        out_of_memory();
    return p;
}

void *f2m_xcalloc(size_t n, size_t size)
{
    void *p = n && size ? calloc(n, size) : calloc(1, 1);
    if (!p)
        out_of_memory();
    return p;
}

void *f2m_xreallocarray(void *p, size_t n, size_t size)
{
    void *grown = n && size ? reallocarray(p, n, size) : realloc(p, 1);
    if (!grown)
        out_of_memory();
    return grown;
}

char *f2m_xstrdup(const char *s)
{
    return f2m_xmemdup0(s, strlen(s));
}

char *f2m_xmemdup0(const void *p, size_t len)
{
    if (len == SIZE_MAX)
        out_of_memory();
    char *copy = f2m_xmalloc(len + 1);
    if (len)
        memcpy(copy, p, len);
    copy[len] = '\0';
    return copy;
}
