/* Hides secrets in a line of a configuration that a finding quotes. */
#ifndef F2M_CONFIG_MASK_H
#define F2M_CONFIG_MASK_H

#include "util/strbuf.h"

#include <stddef.h>

/* `secrets` from the longest to the shortest, since one may hold another.
 * Appends the line with every known secret, every value of a key that sounds like one (token, password, secret, and
 * misspelt neighbours ending so) and every password in a URL as ***. */
void f2m_mask_line(struct f2m_strbuf *out, const char *line, size_t len, const char *const *secrets,
                   size_t secrets_len);

#endif
