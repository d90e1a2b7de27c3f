#include "http/signature.h"

#include "util/limits.h"
#include "util/xalloc.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES        512 /* the longest key; Standard Webhooks asks for 24 to 64 */
#define TIMESTAMP_DIGITS 11  /* until the year 5138 */
#define SIGNATURES       16  /* the most that one header may hold */
#define SIGNATURE_BYTES  4096

struct key {
    unsigned char bytes[KEY_BYTES];
    size_t len;
};

struct f2m_webhook_keys {
    EVP_MAC *mac;
    struct key *keys;
    size_t len;
};

/* ---- base64 ---- */

static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int f2m_base64_decode(struct f2m_slice text, unsigned char *out, size_t size)
{
    size_t n = 0, pad = 0;
    if (text.len % 4 != 0 || text.len / 4 > size)
        return -1;
    while (pad < 2 && pad < text.len && text.at[text.len - 1 - pad] == '=')
        pad++;
    for (size_t i = 0; i < text.len; i += 4) {
        size_t digits = i + 4 == text.len ? 4 - pad : 4;
        unsigned bits = 0;
        for (size_t k = 0; k < 4; k++) {
            int value = k < digits ? sextet(text.at[i + k]) : 0;
            if (value < 0)
                return -1;
            bits = bits << 6 | (unsigned)value;
        }
        if (digits < 4 && (bits & (digits == 3 ? 0xffu : 0xffffu)) != 0)
            return -1; /* bits that no byte takes */
        for (size_t k = 0; k + 1 < digits; k++) {
            if (n == size)
                return -1;
            out[n++] = (unsigned char)(bits >> (16 - 8 * k));
        }
    }
    return (int)n;
}

/* ---- keys ---- */

static int key_read(const char *secret, struct key *key)
{
    static const char prefix[] = "whsec_";
    if (strncmp(secret, prefix, sizeof prefix - 1) == 0)
        secret += sizeof prefix - 1;
    int n = f2m_base64_decode(f2m_slice_of(secret), key->bytes, sizeof key->bytes);
    if (n <= 0)
        return -1;
    key->len = (size_t)n;
    return 0;
}

struct f2m_webhook_keys *f2m_webhook_keys_new(const char *const *secrets, size_t n, struct f2m_err *err)
{
    struct f2m_webhook_keys *keys = f2m_xcalloc(1, sizeof *keys);
    keys->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    keys->keys = f2m_xcalloc(n ? n : 1, sizeof *keys->keys);
    keys->len = n;
    if (!keys->mac) {
        f2m_err_set(err, "OpenSSL has no HMAC");
        f2m_webhook_keys_free(keys);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        if (key_read(secrets[i], &keys->keys[i]) != 0) {
            f2m_err_set(err, "webhook secret %zu of %zu: expected whsec_ and base64", i + 1, n);
            f2m_webhook_keys_free(keys);
            return NULL;
        }
    }
    return keys;
}

void f2m_webhook_keys_free(struct f2m_webhook_keys *keys)
{
    if (!keys)
        return;
    EVP_MAC_free(keys->mac);
    OPENSSL_cleanse(keys->keys, keys->len * sizeof *keys->keys);
    free(keys->keys);
    free(keys);
}

/* ---- headers ---- */

static bool id_valid(const char *id)
{
    size_t len = 0;
    for (; id[len] != '\0'; len++) {
        if (id[len] <= ' ' || id[len] > '~' || len == F2M_MAX_ID_BYTES)
            return false;
    }
    return len > 0;
}

static bool timestamp_read(const char *text, int64_t *seconds)
{
    size_t len = 0;
    *seconds = 0;
    for (; text[len] != '\0'; len++) {
        if (text[len] < '0' || text[len] > '9' || len == TIMESTAMP_DIGITS)
            return false;
        *seconds = *seconds * 10 + (text[len] - '0');
    }
    return len > 0;
}

/* The next "version,value" of the header; false at the end. A word without a comma makes *malformed true. */
static bool signature_next(const char **at, struct f2m_slice *version, struct f2m_slice *value, bool *malformed)
{
    *at += strspn(*at, " ");
    size_t len = strcspn(*at, " ");
    if (len == 0)
        return false;
    const char *comma = memchr(*at, ',', len);
    *malformed = !comma || comma == *at;
    if (*malformed)
        return false;
    *version = (struct f2m_slice){*at, (size_t)(comma - *at)};
    *value = (struct f2m_slice){comma + 1, len - version->len - 1};
    *at += len;
    return true;
}

static bool signature_header_valid(const char *header)
{
    struct f2m_slice version, value;
    bool malformed = false;
    size_t n = 0;
    if (strlen(header) > SIGNATURE_BYTES)
        return false;
    while (signature_next(&header, &version, &value, &malformed))
        n++;
    return !malformed && n > 0 && n <= SIGNATURES;
}

enum f2m_signature f2m_webhook_headers_check(const struct f2m_webhook_headers *headers)
{
    int64_t seconds;
    bool valid = headers->id && headers->timestamp && headers->signature && id_valid(headers->id) &&
                 timestamp_read(headers->timestamp, &seconds) && signature_header_valid(headers->signature);
    return valid ? F2M_SIGNATURE_VALID : F2M_SIGNATURE_MALFORMED;
}

/* ---- the signature ---- */

bool f2m_webhook_digest(const struct f2m_webhook_keys *keys, size_t key, const struct f2m_webhook_headers *h,
                        struct f2m_slice body, unsigned char out[F2M_WEBHOOK_DIGEST_BYTES])
{
    char sha256[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", sha256, 0), OSSL_PARAM_construct_end()};
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(keys->mac);
    size_t len = 0;
    const unsigned char *content = (const unsigned char *)(body.len ? body.at : "");
    bool done = context && EVP_MAC_init(context, keys->keys[key].bytes, keys->keys[key].len, params) &&
                EVP_MAC_update(context, (const unsigned char *)h->id, strlen(h->id)) &&
                EVP_MAC_update(context, (const unsigned char *)".", 1) &&
                EVP_MAC_update(context, (const unsigned char *)h->timestamp, strlen(h->timestamp)) &&
                EVP_MAC_update(context, (const unsigned char *)".", 1) && EVP_MAC_update(context, content, body.len) &&
                EVP_MAC_final(context, out, &len, F2M_WEBHOOK_DIGEST_BYTES) && len == F2M_WEBHOOK_DIGEST_BYTES;
    EVP_MAC_CTX_free(context);
    return done;
}

/* Whether one of the header's v1 signatures is `expected`. All are compared, each in constant time. */
static bool any_fits(const char *header, const unsigned char expected[F2M_WEBHOOK_DIGEST_BYTES])
{
    struct f2m_slice version, value;
    bool malformed, fits = false;
    while (signature_next(&header, &version, &value, &malformed)) {
        unsigned char given[F2M_WEBHOOK_DIGEST_BYTES];
        if (!f2m_slice_is(version, "v1") || f2m_base64_decode(value, given, sizeof given) != F2M_WEBHOOK_DIGEST_BYTES)
            continue;
        fits = CRYPTO_memcmp(given, expected, F2M_WEBHOOK_DIGEST_BYTES) == 0 || fits;
    }
    return fits;
}

enum f2m_signature f2m_signature_check(const struct f2m_webhook_keys *keys, const struct f2m_webhook_headers *headers,
                                       struct f2m_slice body, int64_t wall_ms, int64_t tolerance_ms)
{
    int64_t seconds = 0;
    if (f2m_webhook_headers_check(headers) != F2M_SIGNATURE_VALID)
        return F2M_SIGNATURE_MALFORMED;
    timestamp_read(headers->timestamp, &seconds);
    int64_t off_ms = wall_ms - seconds * 1000;
    if (off_ms > tolerance_ms || off_ms < -tolerance_ms)
        return F2M_SIGNATURE_REFUSED;
    bool fits = false;
    for (size_t i = 0; i < keys->len; i++) {
        unsigned char expected[F2M_WEBHOOK_DIGEST_BYTES];
        if (f2m_webhook_digest(keys, i, headers, body, expected))
            fits = any_fits(headers->signature, expected) || fits;
    }
    return fits ? F2M_SIGNATURE_VALID : F2M_SIGNATURE_REFUSED;
}
