/* Standard Webhooks signatures. Flip, decision 9. */
#ifndef SIM_SIGNATURE_H
#define SIM_SIGNATURE_H

#include "util/strbuf.h"

#include <stdint.h>

#define SIM_MAX_KEY_BYTES 256

/* Decodes whsec_<base64> into key; the number of bytes, 0 where it is malformed. */
size_t sim_secret_decode(const char *secret, unsigned char key[SIM_MAX_KEY_BYTES]);
/* "v1,<base64>" of HMAC-SHA256 over "id.timestamp.body"; false where the secret is malformed. */
bool sim_sign(struct f2m_strbuf *out, const char *secret, const char *id, int64_t timestamp_s, const char *body);

#endif
