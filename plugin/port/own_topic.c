#include "port/own_topic.h"

#include "util/percent.h"

const char *f2m_own_topic(struct f2m_strbuf *out, const char *base, const char *leaf)
{
    f2m_strbuf_reset(out);
    f2m_strbuf_adds(out, base);
    f2m_strbuf_addc(out, '/');
    f2m_strbuf_adds(out, leaf);
    return out->data;
}

static const char *below(struct f2m_strbuf *out, const char *base, const char *level, const char *id, const char *leaf)
{
    f2m_own_topic(out, base, level);
    f2m_strbuf_addc(out, '/');
    f2m_percent_encode(out, id);
    f2m_strbuf_addc(out, '/');
    f2m_strbuf_adds(out, leaf);
    return out->data;
}

const char *f2m_own_topic_device(struct f2m_strbuf *out, const char *base, const char *device_id, const char *leaf)
{
    return below(out, base, "device", device_id, leaf);
}

const char *f2m_own_topic_site(struct f2m_strbuf *out, const char *base, const char *site_id, const char *leaf)
{
    return below(out, base, "site", site_id, leaf);
}

struct f2m_slice f2m_own_topic_rest(struct f2m_slice topic, const char *base)
{
    size_t len = strlen(base);
    if (topic.len <= len || memcmp(topic.at, base, len) != 0 || topic.at[len] != '/')
        return (struct f2m_slice){NULL, 0};
    return (struct f2m_slice){topic.at + len + 1, topic.len - len - 1};
}

static struct f2m_slice next_level(struct f2m_slice *rest)
{
    const char *slash = memchr(rest->at, '/', rest->len);
    struct f2m_slice level = {rest->at, slash ? (size_t)(slash - rest->at) : rest->len};
    if (slash)
        *rest = (struct f2m_slice){slash + 1, rest->len - level.len - 1};
    else
        *rest = (struct f2m_slice){NULL, 0};
    return level;
}

bool f2m_own_topic_match(struct f2m_slice rest, const char *pattern, struct f2m_strbuf *ids, size_t ids_len)
{
    struct f2m_slice left = f2m_slice_of(pattern);
    size_t n = 0;
    while (left.at && rest.at) {
        struct f2m_slice want = next_level(&left);
        struct f2m_slice have = next_level(&rest);
        if (want.len == 2 && memcmp(want.at, "{}", 2) == 0) {
            if (n == ids_len)
                return false;
            f2m_strbuf_reset(&ids[n]);
            if (have.len == 0 || !f2m_percent_decode(&ids[n++], have))
                return false;
        } else if (want.len != have.len || memcmp(want.at, have.at, want.len) != 0) {
            return false;
        }
    }
    return !left.at && !rest.at;
}
