/*
 * Scope-bound cleanup (gcc and clang). Acquire into a variable marked so, and as the last step of success
 * hand it over with f2m_take(): every early return before that frees it.
 */
#ifndef F2M_UTIL_CLEANUP_H
#define F2M_UTIL_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>

#define F2M_CLEANUP(fn) __attribute__((cleanup(fn)))

/* Defines fn_p(T*) that calls fn on the pointed-to value where it is not NULL. */
#define F2M_DEFINE_CLEANUP(type, fn)                                                                                   \
    static inline void fn##_p(type *p)                                                                                 \
    {                                                                                                                  \
        if (*p)                                                                                                        \
            fn(*p);                                                                                                    \
    }

static inline void f2m_free_p(void *p)
{
    free(*(void **)p);
}
static inline void f2m_fclose_p(FILE **f)
{
    if (*f)
        fclose(*f);
}

#define f2m_autofree   F2M_CLEANUP(f2m_free_p)
#define f2m_autofclose F2M_CLEANUP(f2m_fclose_p)

/* The value of p, with p set to NULL: ownership goes to the reader. */
#define f2m_take(p)                                                                                                    \
    __extension__({                                                                                                    \
        __typeof__(p) taken_ = (p);                                                                                    \
        (p) = NULL;                                                                                                    \
        taken_;                                                                                                        \
    })

#endif
