/* Texts from the broker, which may hold anything, as parts of comments, of lines for a terminal, and of topics. */
#ifndef F2M_LEARN_TEXT_H
#define F2M_LEARN_TEXT_H

#include "util/slice.h"
#include "util/strbuf.h"

/* Whether a text may become a parameter: UTF-8 of 1 to F2M_MAX_LEARN_TEXT_BYTES bytes without control characters,
 * without wildcards of topics, without quotes and backslashes, and without what templates and presets would take for
 * theirs. */
bool f2m_learn_text_usable(struct f2m_slice);
/* Appends at most `max` bytes, then "…" where that is not all; what is no printable UTF-8 as '?'. */
void f2m_learn_add_text(struct f2m_strbuf *, struct f2m_slice, size_t max);

#endif
