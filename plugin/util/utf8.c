#include "util/utf8.h"

static bool within(unsigned char c, unsigned char low, unsigned char high)
{
    return c >= low && c <= high;
}

size_t f2m_utf8_length(const char *at, size_t left)
{
    /* Lead bytes, with the narrower range of the second byte that some of them have. */
    static const struct {
        unsigned char first, last, low, high, len;
    } forms[] = {
        {0x00, 0x7F, 0x00, 0x00, 1}, {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    const unsigned char *u = (const unsigned char *)at;

    if (left == 0)
        return 0;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (!within(u[0], forms[i].first, forms[i].last))
            continue;
        if (forms[i].len == 1)
            return 1;
        if (left < forms[i].len || !within(u[1], forms[i].low, forms[i].high))
            return 0;
        for (size_t k = 2; k < forms[i].len; k++)
            if (!within(u[k], 0x80, 0xBF))
                return 0;
        return forms[i].len;
    }
    return 0;
}

bool f2m_utf8_valid(const char *text, size_t len)
{
    size_t at = 0;

    while (at < len) {
        size_t n = f2m_utf8_length(text + at, len - at);
        if (n == 0)
            return false;
        at += n;
    }
    return true;
}

size_t f2m_utf8_clip(const char *text, size_t max)
{
    size_t start = max;

    /* Back to the last lead byte; it stays where its character is whole (or where it is no UTF-8 anyway). */
    while (start > 0 && max - start < 4) {
        start--;
        if (((unsigned char)text[start] & 0xC0) == 0xC0)
            return f2m_utf8_length(text + start, max - start) == 0 ? start : max;
        if ((unsigned char)text[start] < 0x80)
            return max;
    }
    return max;
}

size_t f2m_utf8_encode(unsigned code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}
