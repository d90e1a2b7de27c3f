/* Percent-encoding of ids in topics and URLs alike: all but RFC 3986 unreserved, upper-case hex, of the UTF-8 bytes.
 * Interface, clarification 4. */
#ifndef F2M_UTIL_PERCENT_H
#define F2M_UTIL_PERCENT_H

#include "util/slice.h"
#include "util/strbuf.h"

void f2m_percent_encode(struct f2m_strbuf *out, const char *id);
/* Exact inverse; false on a malformed escape, a NUL, or a byte that should have been encoded. */
bool f2m_percent_decode(struct f2m_strbuf *out, struct f2m_slice text);

#endif
