/*
 * Text for people beside the code for code. Functions that can fail for reasons a user must hear take a
 * `struct f2m_err *` (never NULL) and return a negative errno; the text is wrapped with context on the way up:
 * "cannot load /etc/x.yaml: line 3: expected a duration". Never put a secret into it.
 */
#ifndef F2M_UTIL_ERR_H
#define F2M_UTIL_ERR_H

struct f2m_err {
    char text[512];
};

/* Sets the text (clipped, always terminated). */
void f2m_err_set(struct f2m_err *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Puts "<formatted>: " before the present text. */
void f2m_err_wrap(struct f2m_err *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
