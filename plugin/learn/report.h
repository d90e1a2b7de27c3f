/* What was found, how sure that is and why, and what was not found: for a terminal, and for comments. */
#ifndef F2M_LEARN_REPORT_H
#define F2M_LEARN_REPORT_H

#include "learn/survey.h"

#define F2M_LEARN_SHOWN_PREFIXES 20
#define F2M_LEARN_SHOWN_PARTIAL  5

/* "givtcp (serial SA2114G047)": the preset and what is not usual. */
void f2m_learn_add_name(const struct f2m_learn_system *, struct f2m_strbuf *out);
/* Some lines, each with `indent` before it. */
void f2m_learn_describe(const struct f2m_learn_system *, const char *indent, struct f2m_strbuf *out);
/* All of it: the systems, or else what came instead and how to map by hand. Returns how many systems were found. */
size_t f2m_learn_report(struct f2m_survey *, struct f2m_strbuf *out);

#endif
