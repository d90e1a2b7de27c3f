/*
 * Standard Webhooks: HMAC-SHA256 over "<id>.<timestamp>.<raw body>", sent as `v1,<base64>`; several signatures,
 * separated by blanks, and several keys at once during a rotation (Flip: Webhooks).
 */
#ifndef F2M_HTTP_SIGNATURE_H
#define F2M_HTTP_SIGNATURE_H

#include "util/err.h"
#include "util/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct f2m_webhook_keys;

/* "whsec_<base64>" (the prefix may be missing). NULL with text, which holds no part of a secret. n 0 = nothing is ever
 * accepted. */
struct f2m_webhook_keys *f2m_webhook_keys_new(const char *const *secrets, size_t n, struct f2m_err *)
    __attribute__((warn_unused_result));
void f2m_webhook_keys_free(struct f2m_webhook_keys *); /* wipes; NULL is fine */

struct f2m_webhook_headers {
    const char *id;        /* NULL = missing, likewise the others */
    const char *timestamp; /* seconds since 1970 */
    const char *signature;
};

enum f2m_signature {
    F2M_SIGNATURE_VALID,
    F2M_SIGNATURE_MALFORMED, /* 400: a header is missing, or not what it should be */
    F2M_SIGNATURE_REFUSED,   /* 401: no signature fits, or the timestamp is too old or too far ahead */
};

/* Whether the headers are all there and well-formed: what can be said before the body has come. */
enum f2m_signature f2m_webhook_headers_check(const struct f2m_webhook_headers *);
/* The whole answer. Every key is tried against every signature, each in constant time. */
enum f2m_signature f2m_signature_check(const struct f2m_webhook_keys *, const struct f2m_webhook_headers *,
                                       struct f2m_slice body, int64_t wall_ms, int64_t tolerance_ms);

/* HMAC-SHA256 of "<id>.<timestamp>.<body>" with the key of that index; false when OpenSSL fails. */
#define F2M_WEBHOOK_DIGEST_BYTES 32
bool f2m_webhook_digest(const struct f2m_webhook_keys *, size_t key, const struct f2m_webhook_headers *,
                        struct f2m_slice body, unsigned char out[F2M_WEBHOOK_DIGEST_BYTES]);

/* Strict base64 (RFC 4648, section 4: padded, no blanks, no stray bits). The number of bytes, or -1. */
int f2m_base64_decode(struct f2m_slice text, unsigned char *out, size_t size);

#endif
