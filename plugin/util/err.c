#include "util/err.h"

#include "util/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The arguments may point into err->text itself, so everything is formatted beside it first. */
static void keep(struct f2m_err *err, const char *text)
{
    size_t len = strlen(text);

    if (len >= sizeof err->text)
        len = f2m_utf8_clip(text, sizeof err->text - 1);
    memcpy(err->text, text, len);
    err->text[len] = '\0';
}

void f2m_err_set(struct f2m_err *err, const char *fmt, ...)
{
    char text[sizeof err->text + 4]; /* longer by a character, so that keep() sees the cut */
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    keep(err, text);
}

void f2m_err_wrap(struct f2m_err *err, const char *fmt, ...)
{
    char text[2 * sizeof err->text + 4];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof err->text, fmt, args);
    va_end(args);
    size_t len = strlen(text);
    snprintf(text + len, sizeof text - len, ": %s", err->text);
    keep(err, text);
}
