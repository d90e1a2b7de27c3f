/* Texts with a form of their own. */
#include "config/checks.h"
#include "config/timezone.h"
#include "util/limits.h"
#include "util/rfc3339.h"
#include "util/topic.h"

#include <string.h>

#define WEBHOOK_SECRET_DIGITS 683 /* of 512 bytes, the longest key that the listener takes (http/signature.c) */

/* It goes into an HTTP header. */
bool f2m_check_token(const char *text, struct f2m_err *expected)
{
    f2m_err_set(expected, "a token without blanks and controls");
    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c == 0x7f)
            return false;
    return *text != '\0';
}

bool f2m_check_url_path(const char *text, struct f2m_err *expected)
{
    static const char *const taken[] = {"/healthz", "/metrics"};

    f2m_err_set(expected, "a path that the bridge does not serve itself, such as /webhook/flip");
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (strcmp(text, taken[i]) == 0)
            return false;
    f2m_err_set(expected, "a path such as /webhook/flip");
    return text[0] == '/' && text[1] && !strpbrk(text, "?# %");
}

/* Flip: Webhooks (Standard Webhooks): whsec_ and base64 of the key. "***" is what `config` printed: loaded with a
 * warning, so that its output can be read back. */
bool f2m_check_webhook_secret(const char *text, struct f2m_err *expected)
{
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    f2m_err_set(expected, "whsec_ and base64, as Flip's developer portal shows it");
    if (strcmp(text, "***") == 0)
        return true;
    if (strncmp(text, "whsec_", 6) != 0)
        return false;
    text += 6;
    size_t len = strspn(text, base64), pads = strspn(text + len, "=");
    if (len < 2 || text[len + pads] != '\0' || pads > 2 || (len + pads) % 4 != 0 || len > WEBHOOK_SECRET_DIGITS)
        return false;
    /* Bits of the last digit that no byte takes are 0. */
    return (size_t)(strchr(base64, text[len - 1]) - base64) % ((size_t)1 << 2 * pads) == 0;
}

bool f2m_check_filter(const char *text, struct f2m_err *expected)
{
    f2m_err_set(expected, "a topic, where + and # stand for whole levels, # last");
    return f2m_topic_filter_valid(text);
}

bool f2m_check_id(const char *text, struct f2m_err *expected)
{
    size_t len = strlen(text);

    f2m_err_set(expected, "an id of 1 to %d bytes", F2M_MAX_ID_BYTES);
    return len >= 1 && len <= F2M_MAX_ID_BYTES;
}

bool f2m_check_timezone(const char *text, struct f2m_err *expected)
{
    struct f2m_err why;

    f2m_err_set(expected, "a name of the TZ database such as America/Los_Angeles");
    return f2m_timezone_find(text, &why) != NULL;
}

/* Flip: Site, state_code. */
bool f2m_check_state_code(const char *text, struct f2m_err *expected)
{
    static const char codes[] =
        " AK AL AR AZ CA CO CT DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE "
        "NH NJ NM NV NY OH OK OR PA PR RI SC SD TN TX UT VA VT WA WI WV WY ";

    f2m_err_set(expected, "two letters of a state such as CA");
    const char *hit = strlen(text) == 2 && !strchr(text, ' ') ? strstr(codes, text) : NULL;
    return hit && hit[-1] == ' ' && hit[2] == ' ';
}

/* Programs are found by it: a slip of the pen would find none. */
bool f2m_check_zip_code(const char *text, struct f2m_err *expected)
{
    size_t len = strlen(text), digits = strspn(text, "0123456789");

    f2m_err_set(expected, "five digits such as 88800, or nine as in 88800-1234");
    return digits == 5 && (len == 5 || (len == 10 && text[5] == '-' && strspn(text + 6, "0123456789") == 4));
}

bool f2m_check_email(const char *text, struct f2m_err *expected)
{
    const char *at = strchr(text, '@');

    f2m_err_set(expected, "an address such as ann@example.com");
    return at && at > text && at[1] && !strchr(at + 1, '@') && strchr(at, '.') && !strpbrk(text, " \t\r\n<>,");
}

bool f2m_check_date(const char *text, struct f2m_err *expected)
{
    int64_t ms;

    f2m_err_set(expected, "a date such as 2022-02-22, or a date and time with a zone");
    return f2m_rfc3339_parse_date(f2m_slice_of(text), &ms);
}
