/* Filters and topics, one a line: covering agrees with matching, and a minimal cover still matches every topic. */
#include "fuzz.h"

#include "util/percent.h"
#include "util/topic.h"
#include "util/xalloc.h"

#define LINES 12

static size_t split(char *text, const char *lines[LINES])
{
    size_t n = 0;

    for (char *at = strtok_r(text, "\n", &text); at && n < LINES; at = strtok_r(NULL, "\n", &text))
        lines[n++] = at;
    return n;
}

static void check_pair(const char *a, const char *b)
{
    if (f2m_topic_name_valid(a))
        F2M_FUZZ_CHECK(f2m_topic_filter_valid(a) && f2m_topic_matches(a, a));
    if (!f2m_topic_filter_valid(a) || !f2m_topic_filter_valid(b))
        return;
    F2M_FUZZ_CHECK(f2m_topic_covers(a, a));
    if (f2m_topic_name_valid(b))
        F2M_FUZZ_CHECK(f2m_topic_covers(a, b) == f2m_topic_matches(a, b));
    if (f2m_topic_covers(a, b) && f2m_topic_covers(b, a) && strcmp(a, b) != 0)
        F2M_FUZZ_CHECK(f2m_topic_has_wildcard(a) && f2m_topic_has_wildcard(b));
}

static bool any_matches(const char *const *filters, size_t n, const char *topic)
{
    for (size_t i = 0; i < n; i++)
        if (f2m_topic_matches(filters[i], topic))
            return true;
    return false;
}

static void check_cover(const char *const lines[LINES], size_t n)
{
    const char *filters[LINES], *cover[LINES];
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        if (f2m_topic_filter_valid(lines[i]))
            filters[count++] = lines[i];
    memcpy(cover, filters, sizeof cover);
    size_t kept = f2m_topic_minimal_cover(cover, count);
    F2M_FUZZ_CHECK(kept <= count && (kept > 0) == (count > 0));
    for (size_t i = 0; i < n; i++)
        if (f2m_topic_name_valid(lines[i]))
            F2M_FUZZ_CHECK(any_matches(filters, count, lines[i]) == any_matches(cover, kept, lines[i]));
    for (size_t i = 0; i < kept; i++)
        for (size_t k = 0; k < kept; k++)
            F2M_FUZZ_CHECK(i == k || !f2m_topic_covers(cover[i], cover[k]));
}

static void check_percent(const char *id)
{
    f2m_autostrbuf encoded, decoded;

    f2m_strbuf_init(&encoded, 0);
    f2m_strbuf_init(&decoded, 0);
    f2m_percent_encode(&encoded, id);
    F2M_FUZZ_CHECK(f2m_percent_decode(&decoded, (struct f2m_slice){encoded.data, encoded.len}));
    F2M_FUZZ_CHECK(strcmp(decoded.data, id) == 0);
    /* The other way round: only what the encoder writes is read. */
    f2m_strbuf_reset(&decoded);
    f2m_strbuf_reset(&encoded);
    if (f2m_percent_decode(&decoded, f2m_slice_of(id))) {
        f2m_percent_encode(&encoded, decoded.data);
        F2M_FUZZ_CHECK(strcmp(encoded.data, id) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *lines[LINES] = {NULL};
    char *text = f2m_xmemdup0(data, size);
    size_t n = split(text, lines);

    for (size_t i = 0; i < n; i++) {
        check_percent(lines[i]);
        for (size_t k = 0; k < n; k++)
            check_pair(lines[i], lines[k]);
    }
    check_cover(lines, n);
    free(text);
    return 0;
}
