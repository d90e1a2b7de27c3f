/* Where findings are gathered while a configuration is read: places, texts for the carets, and what must be masked. */
#ifndef F2M_CONFIG_REPORT_H
#define F2M_CONFIG_REPORT_H

#include "config/arena.h"
#include "config/load.h"

struct f2m_place {
    const char *file;
    int line, col; /* from 1, columns in code points; 0 = the file as a whole */
};

struct f2m_report_text {
    const char *file, *text; /* borrowed */
    size_t len;
};

struct f2m_report {
    struct f2m_findings *out;
    const char *file;        /* the configuration's own name: what findings of environment variables stand under */
    struct f2m_arena *arena; /* borrowed: for copies of secrets */
    struct f2m_report_text *texts; /* owned */
    size_t texts_len;
    const char **secrets; /* owned array of borrowed texts */
    size_t secrets_len;
    size_t errors;
    size_t dropped; /* beyond F2M_MAX_CONFIG_ERRORS */
};

void f2m_report_error(struct f2m_report *, struct f2m_place, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void f2m_report_warning(struct f2m_report *, struct f2m_place, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Whether further findings are only counted: then no words need to be found for them. */
bool f2m_report_full(const struct f2m_report *);
/* The text of a file, for the lines that findings quote. Borrowed until f2m_report_finish(). */
void f2m_report_add_text(struct f2m_report *, const char *file, const char *text, size_t len);
/* A text that must not be shown in a quoted line; copied. */
void f2m_report_mask(struct f2m_report *, const char *secret);
/* Likewise the password in a URL, if it holds one. */
void f2m_report_mask_url(struct f2m_report *, const char *url);
/* Sorts by place, fills in the source lines, adds "… more" where findings were dropped, frees the report's own. */
void f2m_report_finish(struct f2m_report *);

#endif
