/*
 * Writes JSON straight into a strbuf: no tree, commas kept by the writer. Names are plain ASCII literals of ours
 * unless written with f2m_jw_key_text(). A NULL name inside an array. The text is complete when depth is 0 again.
 *
 *   struct f2m_jw w = f2m_jw(&out);
 *   f2m_jw_object(&w, NULL);
 *   f2m_jw_string(&w, "state", "pending");
 *   f2m_jw_number(&w, "duration_s", 300);
 *   f2m_jw_end(&w);
 */
#ifndef F2M_UTIL_JSON_WRITER_H
#define F2M_UTIL_JSON_WRITER_H

#include "util/slice.h"
#include "util/strbuf.h"

#include <stdint.h>

#define F2M_JW_DEPTH 16

struct f2m_jw {
    struct f2m_strbuf *out;
    int depth;
    bool comma;               /* a comma is due before the next value */
    char close[F2M_JW_DEPTH]; /* '}' or ']' per open level */
};

struct f2m_jw f2m_jw(struct f2m_strbuf *out);
void f2m_jw_object(struct f2m_jw *, const char *name);
void f2m_jw_array(struct f2m_jw *, const char *name);
void f2m_jw_end(struct f2m_jw *);                             /* closes the innermost */
void f2m_jw_key_text(struct f2m_jw *, struct f2m_slice name); /* arbitrary name, escaped; next call passes NULL */
void f2m_jw_string(struct f2m_jw *, const char *name, const char *text); /* NULL text = null; bad UTF-8 = U+FFFD */
void f2m_jw_text(struct f2m_jw *, const char *name, struct f2m_slice text);
void f2m_jw_number(struct f2m_jw *, const char *name, double value); /* f2m_number_format(); NaN = null */
void f2m_jw_integer(struct f2m_jw *, const char *name, int64_t value);
void f2m_jw_bool(struct f2m_jw *, const char *name, bool value);
void f2m_jw_null(struct f2m_jw *, const char *name);
void f2m_jw_time(struct f2m_jw *, const char *name, int64_t wall_ms);      /* RFC 3339, milliseconds, Z */
void f2m_jw_raw(struct f2m_jw *, const char *name, struct f2m_slice json); /* finished JSON, as it is */

#endif
