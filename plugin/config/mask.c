#include "config/mask.h"

#include "util/cleanup.h"
#include "util/xalloc.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char MASK[] = "***";

/* A shorter one would blank out half the line; it is still hidden behind its key. */
#define SEARCHED_BYTES 4

static void replace_all(struct f2m_strbuf *line, const char *secret)
{
    size_t len = strlen(secret);
    f2m_autostrbuf out = {0};
    const char *from = line->data, *hit;

    f2m_strbuf_init(&out, 0);
    while ((hit = memmem(from, (size_t)(line->data + line->len - from), secret, len))) {
        f2m_strbuf_add(&out, from, (size_t)(hit - from));
        f2m_strbuf_adds(&out, MASK);
        from = hit + len;
    }
    f2m_strbuf_adds(&out, from);
    f2m_strbuf_reset(line);
    f2m_strbuf_add(line, out.data, out.len);
}

/* How long the secret at `at` is: to the closing quote, or to the end of a plain value. */
static size_t value_length(const char *at)
{
    if (*at == '"' || *at == '\'') {
        const char *end = strchr(at + 1, *at);
        return end ? (size_t)(end - at) + 1 : strlen(at);
    }
    return strcspn(at, ",}]# \t");
}

/* `word: value` becomes `word: ***`; `word: !env NAME` stays, since it holds no secret itself. */
static void mask_after(struct f2m_strbuf *line, const char *word)
{
    for (size_t from = 0; from < line->len;) {
        const char *hit = strcasestr(line->data + from, word);
        if (!hit)
            return;
        size_t at = (size_t)(hit - line->data) + strlen(word);
        from = at;
        at += strspn(line->data + at, "\"'");
        at += strspn(line->data + at, " \t");
        if (line->data[at] != ':')
            continue;
        at++;
        at += strspn(line->data + at, " \t[");
        size_t len = value_length(line->data + at);
        if (len == 0 || line->data[at] == '!' || line->data[at] == '{')
            continue;
        f2m_autofree char *rest = f2m_xstrdup(line->data + at + len);
        f2m_strbuf_truncate(line, at);
        f2m_strbuf_adds(line, MASK);
        from = line->len;
        f2m_strbuf_adds(line, rest);
    }
}

/* scheme://user:password@host */
static void mask_url(struct f2m_strbuf *line)
{
    const char *scheme = strstr(line->data, "://");
    if (!scheme)
        return;
    const char *authority = scheme + 3;
    size_t span = strcspn(authority, " \t\"'/,}");
    const char *at = memrchr(authority, '@', span);
    const char *colon = memchr(authority, ':', span);
    if (!at || !colon || colon > at)
        return;
    f2m_autofree char *rest = f2m_xstrdup(at);
    f2m_strbuf_truncate(line, (size_t)(colon - line->data) + 1);
    f2m_strbuf_adds(line, MASK);
    f2m_strbuf_adds(line, rest);
}

void f2m_mask_line(struct f2m_strbuf *out, const char *text, size_t len, const char *const *secrets, size_t secrets_len)
{
    static const char *const words[] = {"token", "password", "passwd", "secret"};
    f2m_autostrbuf line = {0};

    f2m_strbuf_init(&line, 0);
    f2m_strbuf_add(&line, text, len);
    for (size_t i = 0; i < secrets_len; i++)
        if (strlen(secrets[i]) >= SEARCHED_BYTES)
            replace_all(&line, secrets[i]);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        mask_after(&line, words[i]);
    mask_url(&line);
    f2m_strbuf_add(out, line.data, line.len);
}
