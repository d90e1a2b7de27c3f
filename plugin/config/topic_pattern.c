#include "config/topic_pattern.h"

static bool begins_with(struct f2m_slice topic, struct f2m_slice text)
{
    return topic.len >= text.len && memcmp(topic.at, text.at, text.len) == 0;
}

static struct f2m_slice rest_of(struct f2m_slice topic, size_t len)
{
    return (struct f2m_slice){topic.at + len, topic.len - len};
}

static bool at_end(const struct f2m_pattern *pattern, struct f2m_slice topic)
{
    return pattern->open ? topic.len > 1 && *topic.at == '/' : topic.len == 0;
}

/* As deep as the pattern has parts. */
static bool match_from(const struct f2m_pattern *pattern, size_t part, struct f2m_slice topic,
                       struct f2m_captures *captures)
{
    if (part == pattern->len)
        return at_end(pattern, topic);
    const struct f2m_pattern_part *p = &pattern->parts[part];
    struct f2m_slice *bound = p->parameter < 0 ? NULL : &captures->of[p->parameter];
    if (!bound || bound->at) {
        struct f2m_slice text = bound ? *bound : p->text;
        return begins_with(topic, text) && match_from(pattern, part + 1, rest_of(topic, text.len), captures);
    }
    for (size_t len = 1; len <= topic.len; len++) {
        if (topic.at[len - 1] == '/' && !p->wide)
            break;
        *bound = (struct f2m_slice){topic.at, len};
        if (match_from(pattern, part + 1, rest_of(topic, len), captures))
            return true;
    }
    *bound = (struct f2m_slice){NULL, 0};
    return false;
}

/* Nearly every topic that does not match differs at its end: found out before anything is searched. */
static bool may_match(const struct f2m_pattern *pattern, struct f2m_slice topic)
{
    const struct f2m_pattern_part *last = &pattern->parts[pattern->len - 1];

    if (pattern->open || last->parameter >= 0)
        return true;
    return topic.len >= last->text.len &&
           memcmp(topic.at + topic.len - last->text.len, last->text.at, last->text.len) == 0;
}

bool f2m_pattern_match(const struct f2m_pattern *pattern, struct f2m_slice topic, struct f2m_captures *captures)
{
    *captures = (struct f2m_captures){.of = {{NULL, 0}}};
    return pattern->len > 0 && topic.len <= F2M_PATTERN_TOPIC_MAX && may_match(pattern, topic) &&
           match_from(pattern, 0, topic, captures);
}

bool f2m_glob_match(const char *glob, struct f2m_slice text)
{
    const char *star = NULL;
    size_t i = 0, tried = 0;

    while (i < text.len) {
        if (*glob == '*') {
            star = glob++;
            tried = i;
        } else if (*glob == text.at[i]) {
            glob++;
            i++;
        } else if (star) {
            glob = star + 1;
            i = ++tried;
        } else {
            return false;
        }
    }
    while (*glob == '*')
        glob++;
    return *glob == '\0';
}
