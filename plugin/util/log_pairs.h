/* Private to the log: quoting of values, and the pairs of a line taken apart again for the JSON format. */
#ifndef F2M_UTIL_LOG_PAIRS_H
#define F2M_UTIL_LOG_PAIRS_H

#include "util/slice.h"
#include "util/strbuf.h"

/* As f2m_log_value(), but quoted in any case. */
const char *f2m_log_quote(const char *value, char *buf, size_t size);
/* Takes the first `key=value` off *rest; value is replaced by what was meant, without quotes and escapes. False at
 * the end. A word without '=' is a key with an empty value. */
bool f2m_log_next_pair(struct f2m_slice *rest, struct f2m_slice *key, struct f2m_strbuf *value);

#endif
