#include "util/percent.h"

static const char hex[] = "0123456789ABCDEF";

/* RFC 3986, section 2.3; not isalnum(), which depends on the locale. */
static bool unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

void f2m_percent_encode(struct f2m_strbuf *out, const char *id)
{
    for (const unsigned char *c = (const unsigned char *)id; *c; c++) {
        if (unreserved(*c))
            f2m_strbuf_addc(out, (char)*c);
        else
            f2m_strbuf_add(out, (char[]){'%', hex[*c >> 4], hex[*c & 15]}, 3);
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Only what the encoder writes: one id has one spelling, so lower-case hex and "%41" for "A" are malformed. */
static bool decode(struct f2m_strbuf *out, struct f2m_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '%') {
            int high = text.len - i > 2 ? hex_digit(text.at[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text.at[i + 2]) : -1;
            if (low < 0 || high + low == 0 || unreserved((unsigned char)(high * 16 + low)))
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (!unreserved((unsigned char)c)) {
            return false;
        }
        f2m_strbuf_addc(out, c);
    }
    return true;
}

bool f2m_percent_decode(struct f2m_strbuf *out, struct f2m_slice text)
{
    size_t before = out->len;

    if (decode(out, text))
        return true;
    f2m_strbuf_truncate(out, before);
    return false;
}
