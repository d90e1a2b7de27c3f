/* A borrowed run of bytes: not owned, not NUL-terminated. {NULL, 0} = none. */
#ifndef F2M_UTIL_SLICE_H
#define F2M_UTIL_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct f2m_slice {
    const char *at;
    size_t len;
};

static inline struct f2m_slice f2m_slice_of(const char *s)
{
    return (struct f2m_slice){s, s ? strlen(s) : 0};
}
static inline bool f2m_slice_is(struct f2m_slice a, const char *s)
{
    return a.len == strlen(s) && (a.len == 0 || memcmp(a.at, s, a.len) == 0);
}
/* Without the ASCII blanks (space, tab, CR, LF) at both ends. */
struct f2m_slice f2m_slice_trim(struct f2m_slice);

#endif
