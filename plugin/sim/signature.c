#include "sim/signature.h"

#include "util/cleanup.h"
#include "util/xalloc.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

size_t sim_secret_decode(const char *secret, unsigned char key[SIM_MAX_KEY_BYTES])
{
    static const char prefix[] = "whsec_";
    if (strncmp(secret, prefix, sizeof prefix - 1) != 0)
        return 0;
    const char *text = secret + sizeof prefix - 1;
    size_t len = strlen(text), padding = 0;
    if (len == 0 || len % 4 != 0 || len / 4 * 3 > SIM_MAX_KEY_BYTES)
        return 0;
    while (padding < 2 && text[len - 1 - padding] == '=')
        padding++;
    int n = EVP_DecodeBlock(key, (const unsigned char *)text, (int)len);
    return n > (int)padding ? (size_t)n - padding : 0;
}

bool sim_sign(struct f2m_strbuf *out, const char *secret, const char *id, int64_t timestamp_s, const char *body)
{
    unsigned char key[SIM_MAX_KEY_BYTES], mac[EVP_MAX_MD_SIZE];
    unsigned char text[4 * ((EVP_MAX_MD_SIZE + 2) / 3) + 1];
    size_t key_len = sim_secret_decode(secret, key);
    if (!key_len)
        return false;
    f2m_autostrbuf content;
    f2m_strbuf_init(&content, 0);
    f2m_strbuf_addf(&content, "%s.%" PRId64 ".%s", id, timestamp_s, body);
    unsigned mac_len = 0;
    if (!HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)content.data, content.len, mac, &mac_len))
        return false;
    EVP_EncodeBlock(text, mac, (int)mac_len);
    f2m_strbuf_addf(out, "v1,%s", (const char *)text);
    return !out->overflow;
}
