#include "learn/text.h"

#include "util/limits.h"
#include "util/utf8.h"

/* Control characters of ASCII and of Latin-1 (U+0080 to U+009F): terminals obey them, YAML ends a comment at some. */
static bool is_control(const char *at, size_t len)
{
    unsigned char first = (unsigned char)at[0];

    if (len == 1)
        return first < 0x20 || first == 0x7f;
    if (len == 2)
        return first == 0xc2 && (unsigned char)at[1] < 0xa0;
    /* U+2028 to U+202E: line separators, and what turns the direction of writing. */
    return len == 3 && first == 0xe2 && (unsigned char)at[1] == 0x80 && (unsigned char)at[2] >= 0xa8 &&
           (unsigned char)at[2] <= 0xae;
}

bool f2m_learn_text_usable(struct f2m_slice text)
{
    if (text.len == 0 || text.len > F2M_MAX_LEARN_TEXT_BYTES)
        return false;
    for (size_t i = 0, len; i < text.len; i += len) {
        len = f2m_utf8_length(text.at + i, text.len - i);
        if (len == 0 || is_control(text.at + i, len) || strchr("+#\"\\", text.at[i]))
            return false;
        if (i + 1 < text.len && text.at[i + 1] == '{' && strchr("{$", text.at[i]))
            return false;
    }
    return true;
}

void f2m_learn_add_text(struct f2m_strbuf *out, struct f2m_slice text, size_t max)
{
    size_t i = 0;

    for (size_t len; i < text.len; i += len) {
        len = f2m_utf8_length(text.at + i, text.len - i);
        bool bad = len == 0 || is_control(text.at + i, len);
        len = len ? len : 1;
        if (i + len > max)
            break;
        if (bad)
            f2m_strbuf_addc(out, '?');
        else
            f2m_strbuf_add(out, text.at + i, len);
    }
    if (i < text.len)
        f2m_strbuf_adds(out, "…");
}
