/* Webhook headers and base64: whatever they hold, the answer fits what was said of them before the body came, nothing
 * but the true signature is accepted, and what base64 accepts has exactly one spelling. */
#include "fuzz.h"

#include "http/signature.h"
#include "util/xalloc.h"

#include <string.h>

#define SECRET  "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ID      "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define TIME    "1614265330"
#define TIME_MS 1614265330000
#define BODY    "{\"test\": 2432232314}"
#define TRUE_V1 "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static void check_base64(struct f2m_slice text)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char bytes[256];
    int n = f2m_base64_decode(text, bytes, sizeof bytes);
    F2M_FUZZ_CHECK(n >= -1 && n <= (int)sizeof bytes);
    if (n < 0)
        return;
    F2M_FUZZ_CHECK(text.len == ((size_t)n + 2) / 3 * 4);
    for (size_t i = 0; i < text.len; i++) {
        size_t bit = i * 6, byte = bit / 8, shift = bit % 8;
        unsigned two = byte < (size_t)n ? (unsigned)bytes[byte] << 8 : 0;
        if (byte + 1 < (size_t)n)
            two |= bytes[byte + 1];
        char digit = bit >= (size_t)n * 8 ? '=' : alphabet[two >> (10 - shift) & 63];
        F2M_FUZZ_CHECK(text.at[i] == digit);
    }
}

static void check(const struct f2m_webhook_keys *keys, const struct f2m_webhook_headers *headers, struct f2m_slice body)
{
    enum f2m_signature before = f2m_webhook_headers_check(headers);
    enum f2m_signature after = f2m_signature_check(keys, headers, body, TIME_MS, 600000);
    F2M_FUZZ_CHECK(before == F2M_SIGNATURE_VALID || before == F2M_SIGNATURE_MALFORMED);
    F2M_FUZZ_CHECK((before == F2M_SIGNATURE_MALFORMED) == (after == F2M_SIGNATURE_MALFORMED));
    if (after == F2M_SIGNATURE_VALID) {
        F2M_FUZZ_CHECK(strcmp(headers->id, ID) == 0 && strcmp(headers->timestamp, TIME) == 0);
        F2M_FUZZ_CHECK(strstr(headers->signature, TRUE_V1) != NULL && f2m_slice_is(body, BODY));
    }
}

/* The input: id, timestamp and signature, a line each, then the body; a missing line is a missing header. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const secrets[] = {SECRET};
    static struct f2m_webhook_keys *keys;
    struct f2m_err err;
    if (!keys)
        keys = f2m_webhook_keys_new(secrets, 1, &err);
    check_base64((struct f2m_slice){(const char *)data, size});

    char *text = f2m_xmemdup0(data, size), *at = text;
    const char *lines[3] = {NULL, NULL, NULL};
    for (size_t i = 0; i < 3 && at; i++) {
        char *end = strchr(at, '\n');
        lines[i] = at;
        at = end ? end + 1 : NULL;
        if (end)
            *end = '\0';
    }
    struct f2m_slice body = at ? (struct f2m_slice){at, size - (size_t)(at - text)} : (struct f2m_slice){NULL, 0};
    check(keys, &(struct f2m_webhook_headers){lines[0], lines[1], lines[2]}, body);
    check(keys, &(struct f2m_webhook_headers){ID, TIME, lines[0]}, f2m_slice_of(BODY));
    free(text);
    return 0;
}
