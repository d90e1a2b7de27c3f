#include "config/url.h"

#include "util/cleanup.h"
#include "util/number.h"
#include "util/percent.h"
#include "util/secret.h"
#include "util/xalloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct authority {
    struct f2m_slice user, password, host; /* at NULL = not given; host without brackets */
    int port;                              /* 0 = not given */
};

struct f2m_slice f2m_url_password(const char *url)
{
    const char *scheme = strstr(url, "://"), *authority = scheme ? scheme + 3 : url;
    const char *at = strrchr(authority, '@');
    const char *colon = at ? memchr(authority, ':', (size_t)(at - authority)) : NULL;

    return colon ? (struct f2m_slice){colon + 1, (size_t)(at - colon - 1)} : (struct f2m_slice){NULL, 0};
}

/* What an error may quote: the URL without its password. */
static void quote_url(const char *url, struct f2m_strbuf *out)
{
    struct f2m_slice password = f2m_url_password(url);

    if (password.at) {
        f2m_strbuf_add(out, url, (size_t)(password.at - url));
        f2m_strbuf_adds(out, "***");
        url = password.at + password.len;
    }
    f2m_strbuf_adds(out, url);
}

static int refuse(const char *url, const char *expected, struct f2m_err *err)
{
    f2m_autostrbuf quoted = {0};

    f2m_strbuf_init(&quoted, 0);
    quote_url(url, &quoted);
    f2m_err_set(err, "expected %s, found '%.200s'", expected, quoted.data);
    return -EINVAL;
}

static bool host_valid(struct f2m_slice host, bool bracketed)
{
    char text[256];
    struct in6_addr address;

    if (host.len == 0 || host.len >= sizeof text)
        return false;
    memcpy(text, host.at, host.len);
    text[host.len] = '\0';
    if (bracketed)
        return inet_pton(AF_INET6, text, &address) == 1;
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") == host.len;
}

/* host, host:port, [v6], [v6]:port */
static bool parse_host_port(struct f2m_slice text, struct authority *out)
{
    const char *end = text.at + text.len, *after;
    bool bracketed = text.len && text.at[0] == '[';
    int64_t port = 0;

    if (bracketed) {
        const char *close = memchr(text.at, ']', text.len);
        if (!close)
            return false;
        out->host = (struct f2m_slice){text.at + 1, (size_t)(close - text.at - 1)};
        after = close + 1;
    } else {
        const char *colon = memchr(text.at, ':', text.len);
        after = colon ? colon : end;
        out->host = (struct f2m_slice){text.at, (size_t)(after - text.at)};
    }
    if (after < end && (*after != ':' ||
                        !f2m_integer_parse((struct f2m_slice){after + 1, (size_t)(end - after - 1)}, 1, 65535, &port)))
        return false;
    out->port = (int)port;
    return host_valid(out->host, bracketed);
}

static bool parse_authority(struct f2m_slice text, struct authority *out)
{
    *out = (struct authority){0};
    const char *at = text.len ? memrchr(text.at, '@', text.len) : NULL;
    if (at) {
        const char *colon = memchr(text.at, ':', (size_t)(at - text.at));
        out->user = (struct f2m_slice){text.at, (size_t)((colon ? colon : at) - text.at)};
        if (colon)
            out->password = (struct f2m_slice){colon + 1, (size_t)(at - colon - 1)};
        text.len -= (size_t)(at + 1 - text.at);
        text.at = at + 1;
    }
    return text.len && parse_host_port(text, out);
}

/* URL user parts are often written unencoded: what is no valid escape stays as it is. */
static char *decode(struct f2m_slice text)
{
    f2m_autostrbuf out = {0};

    f2m_strbuf_init(&out, 0);
    for (size_t i = 0; i < text.len; i++) {
        char hex[3] = "", *end;
        if (text.at[i] == '%' && text.len - i > 2) {
            memcpy(hex, text.at + i + 1, 2);
            long byte = strtol(hex, &end, 16);
            if (*end == '\0' && byte > 0 && strchr("+- ", hex[0]) == NULL) {
                f2m_strbuf_addc(&out, (char)byte);
                i += 2;
                continue;
            }
        }
        f2m_strbuf_addc(&out, text.at[i]);
    }
    char *copy = f2m_xstrdup(out.data);
    explicit_bzero(out.data, out.len);
    return copy;
}

int f2m_url_parse_server(const char *url, struct f2m_mqtt_config *mqtt, struct f2m_err *err)
{
    static const char expected[] = "mqtt://host[:port] or mqtts://host[:port]";
    struct authority authority;

    if (strncmp(url, "mqtt://", 7) == 0)
        mqtt->tls = false;
    else if (strncmp(url, "mqtts://", 8) == 0)
        mqtt->tls = true;
    else if (strncmp(url, "tcp://", 6) == 0)
        return refuse(url, "mqtt:// instead of tcp://", err);
    else if (strncmp(url, "ssl://", 6) == 0 || strncmp(url, "tls://", 6) == 0)
        return refuse(url, "mqtts:// instead of ssl://", err);
    else
        return refuse(url, expected, err);
    struct f2m_slice text = f2m_slice_of(strstr(url, "://") + 3);
    if (text.len && text.at[text.len - 1] == '/')
        text.len--;
    if (!parse_authority(text, &authority))
        return refuse(url, expected, err);
    free(mqtt->host);
    mqtt->host = f2m_xmemdup0(authority.host.at, authority.host.len);
    mqtt->port = authority.port ? authority.port : mqtt->tls ? 8883 : 1883;
    if (authority.user.at) {
        free(mqtt->username);
        mqtt->username = decode(authority.user);
    }
    if (authority.password.at) {
        f2m_secret_free(mqtt->password);
        mqtt->password = decode(authority.password);
    }
    return 0;
}

static bool is_loopback(struct f2m_slice host)
{
    char text[256];
    struct in_addr v4;
    struct in6_addr v6;

    memcpy(text, host.at, host.len);
    text[host.len] = '\0';
    if (strcasecmp(text, "localhost") == 0)
        return true;
    if (host.len > 10 && strcasecmp(text + host.len - 10, ".localhost") == 0)
        return true;
    if (inet_pton(AF_INET, text, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

char *f2m_url_parse_base(const char *url, bool *plain_remote, struct f2m_err *err)
{
    static const char expected[] = "https://host[:port], without /v1";
    bool tls = strncmp(url, "https://", 8) == 0;
    struct authority authority;

    if (!tls && strncmp(url, "http://", 7) != 0) {
        refuse(url, expected, err);
        return NULL;
    }
    size_t start = tls ? 8 : 7, len = strlen(url);
    while (len > start && url[len - 1] == '/')
        len--;
    struct f2m_slice text = {url + start, strcspn(url + start, "/")};
    if (text.len > len - start)
        text.len = len - start;
    bool strange = strpbrk(url, "?#\\ \"<>") != NULL;
    if (strange || !parse_authority(text, &authority) || authority.user.at) {
        refuse(url, expected, err);
        return NULL;
    }
    if (len - start >= 3 && memcmp(url + len - 3, "/v1", 3) == 0) {
        refuse(url, expected, err);
        return NULL;
    }
    *plain_remote = !tls && !is_loopback(authority.host);
    return f2m_xmemdup0(url, len);
}

bool f2m_url_listen_valid(const char *text, struct f2m_err *expected)
{
    struct authority authority = {0};

    f2m_err_set(expected, "an address and a port such as 127.0.0.1:8099");
    return parse_host_port(f2m_slice_of(text), &authority) && authority.port;
}
