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

/* With both quotes, also where the closing one is missing. Inside, \" and '' stand for the quote itself. */
static size_t quoted_length(const char *at)
{
    size_t len = 1;

    while (at[len] != '\0') {
        bool pair = *at == '"' ? at[len] == '\\' : at[len] == '\'' && at[len + 1] == '\'';
        if (!pair && at[len] == *at)
            return len + 1;
        len += pair && at[len + 1] != '\0' ? 2 : 1;
    }
    return len;
}

/* How long the secret at `at` is: to the closing quote or bracket, or to the end of a plain value. */
static size_t value_length(const char *at)
{
    if (*at == '"' || *at == '\'')
        return quoted_length(at);
    if (*at == '[' || *at == '{') {
        size_t len = strcspn(at, *at == '[' ? "]" : "}");
        return len + (at[len] != '\0');
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
        at += strspn(line->data + at, " \t");
        size_t len = value_length(line->data + at), tag = at + strspn(line->data + at, " \t[");
        if (len == 0 || line->data[tag] == '!')
            continue;
        f2m_autofree char *rest = f2m_xstrdup(line->data + at + len);
        f2m_strbuf_truncate(line, at);
        f2m_strbuf_adds(line, MASK);
        from = line->len;
        f2m_strbuf_adds(line, rest);
    }
}

/* Every scheme://user:password@host; a password may hold what ends a host, such as a slash. */
static void mask_urls(struct f2m_strbuf *line)
{
    const char *scheme;

    for (size_t from = 0; (scheme = strstr(line->data + from, "://"));) {
        const char *authority = scheme + 3;
        size_t span = strcspn(authority, " \t\"'");
        const char *at = memrchr(authority, '@', span);
        const char *colon = memchr(authority, ':', span);
        from = (size_t)(authority - line->data);
        if (!at || !colon || colon > at)
            continue;
        f2m_autofree char *rest = f2m_xstrdup(at);
        f2m_strbuf_truncate(line, (size_t)(colon - line->data) + 1);
        f2m_strbuf_adds(line, MASK);
        from = line->len;
        f2m_strbuf_adds(line, rest);
    }
}

void f2m_mask_line(struct f2m_strbuf *out, const char *text, size_t len, const char *const *secrets, size_t secrets_len)
{
    static const char *const words[] = {"token", "password", "passwd", "pass", "pwd", "secret"};
    f2m_autostrbuf line = {0};

    f2m_strbuf_init(&line, 0);
    f2m_strbuf_add(&line, text, len);
    for (size_t i = 0; i < secrets_len; i++)
        if (strlen(secrets[i]) >= SEARCHED_BYTES)
            replace_all(&line, secrets[i]);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        mask_after(&line, words[i]);
    mask_urls(&line);
    f2m_strbuf_add(out, line.data, line.len);
}
