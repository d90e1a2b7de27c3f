#include "util/log_pairs.h"

#include "util/log.h"
#include "util/utf8.h"

#include <stdio.h>

#define ELLIPSIS "…"

/* Writes the next character of the text as it may stand in quotes; returns the bytes it used of the text. C1 controls
 * are escaped too: terminals obey them. */
static size_t escape_next(struct f2m_slice text, char out[9])
{
    unsigned char c = (unsigned char)text.at[0];
    size_t len = f2m_utf8_length(text.at, text.len);
    bool c1 = len == 2 && c == 0xC2 && (unsigned char)text.at[1] < 0xA0;

    if (c == '"' || c == '\\')
        snprintf(out, 9, "\\%c", c);
    else if (c == '\n' || c == '\r' || c == '\t')
        snprintf(out, 9, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
    else if (c1)
        snprintf(out, 9, "\\x%02x\\x%02x", c, (unsigned char)text.at[1]);
    else if (len == 0 || c < 0x20 || c == 0x7F)
        snprintf(out, 9, "\\x%02x", c);
    else
        snprintf(out, 9, "%.*s", (int)len, text.at);
    return len ? len : 1;
}

static bool needs_quotes(struct f2m_slice text)
{
    char piece[9];

    if (text.len == 0)
        return true;
    for (size_t i = 0; i < text.len;) {
        if (text.at[i] == ' ' || text.at[i] == '=')
            return true;
        size_t used = escape_next((struct f2m_slice){text.at + i, text.len - i}, piece);
        if (piece[0] == '\\')
            return true;
        i += used;
    }
    return false;
}

/* Escapes text into buf[size], between quotes or bare. Where it does not fit it ends in "…" at the last place that
 * leaves room for it. */
static void put(struct f2m_slice text, bool quoted, char *buf, size_t size)
{
    size_t tail = sizeof ELLIPSIS - 1 + quoted, len = 0, cut = quoted;
    char piece[9];

    if (quoted)
        buf[len++] = '"';
    for (size_t i = 0; i < text.len;) {
        i += escape_next((struct f2m_slice){text.at + i, text.len - i}, piece);
        size_t n = strlen(piece);
        if (len + n + quoted >= size) {
            memcpy(buf + cut, ELLIPSIS "\"", tail);
            buf[cut + tail] = '\0';
            return;
        }
        memcpy(buf + len, piece, n);
        len += n;
        if (len + tail < size)
            cut = len;
    }
    if (quoted)
        buf[len++] = '"';
    buf[len] = '\0';
}

static const char *put_checked(const char *value, bool quoted, char *buf, size_t size)
{
    if (size < sizeof "\"" ELLIPSIS "\"") { /* not even room for a clipped nothing */
        if (size)
            buf[0] = '\0';
        return buf;
    }
    put(f2m_slice_of(value), quoted, buf, size);
    return buf;
}

const char *f2m_log_quote(const char *value, char *buf, size_t size)
{
    return put_checked(value, true, buf, size);
}

const char *f2m_log_value(const char *value, char *buf, unsigned size)
{
    /* No more than fits is ever looked at: a value may be a whole payload. */
    return put_checked(value, needs_quotes((struct f2m_slice){value, strnlen(value, size)}), buf, size);
}

static unsigned hex_digit(char c)
{
    return c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

/* What stands behind a backslash. */
static size_t unescape(struct f2m_slice text, struct f2m_strbuf *out)
{
    if (text.at[0] == 'x' && text.len > 2 && hex_digit(text.at[1]) < 16 && hex_digit(text.at[2]) < 16) {
        f2m_strbuf_addc(out, (char)(hex_digit(text.at[1]) * 16 + hex_digit(text.at[2])));
        return 3;
    }
    char c = text.at[0];
    f2m_strbuf_addc(out, c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c);
    return 1;
}

/* From behind the opening quote to behind the closing one. */
static size_t read_quoted(struct f2m_slice text, struct f2m_strbuf *value)
{
    size_t i = 0;

    while (i < text.len && text.at[i] != '"') {
        if (text.at[i] == '\\' && i + 1 < text.len)
            i += 1 + unescape((struct f2m_slice){text.at + i + 1, text.len - i - 1}, value);
        else
            f2m_strbuf_addc(value, text.at[i++]);
    }
    return i < text.len ? i + 1 : i;
}

static void skip(struct f2m_slice *s, size_t n)
{
    *s = (struct f2m_slice){s->at + n, s->len - n};
}

bool f2m_log_next_pair(struct f2m_slice *rest, struct f2m_slice *key, struct f2m_strbuf *value)
{
    size_t n = 0;

    f2m_strbuf_reset(value);
    *rest = f2m_slice_trim(*rest);
    if (rest->len == 0)
        return false;
    while (n < rest->len && rest->at[n] != '=' && rest->at[n] != ' ')
        n++;
    *key = (struct f2m_slice){rest->at, n};
    skip(rest, n);
    if (rest->len == 0 || rest->at[0] != '=')
        return true;
    skip(rest, 1);
    if (rest->len && rest->at[0] == '"') {
        skip(rest, 1);
        skip(rest, read_quoted(*rest, value));
        return true;
    }
    for (n = 0; n < rest->len && rest->at[n] != ' ';)
        n++;
    f2m_strbuf_add(value, rest->at, n);
    skip(rest, n);
    return true;
}
