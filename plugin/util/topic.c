#include "util/topic.h"

#include "util/utf8.h"
#include "util/xalloc.h"

#include <stdlib.h>
#include <string.h>

static bool text_valid(const char *s)
{
    size_t len = strnlen(s, F2M_TOPIC_MAX + 1);

    return len > 0 && len <= F2M_TOPIC_MAX && f2m_utf8_valid(s, len);
}

bool f2m_topic_name_valid(const char *topic)
{
    return text_valid(topic) && !f2m_topic_has_wildcard(topic);
}

bool f2m_topic_filter_valid(const char *filter)
{
    if (!text_valid(filter))
        return false;
    for (const char *c = strpbrk(filter, "+#"); c; c = strpbrk(c + 1, "+#")) {
        if (c > filter && c[-1] != '/')
            return false;
        if (c[1] != '\0' && (*c == '#' || c[1] != '/'))
            return false;
    }
    return true;
}

bool f2m_topic_has_wildcard(const char *filter)
{
    return strpbrk(filter, "+#") != NULL;
}

/* The length of the level at s, up to the next '/' or the end. */
static size_t level(const char *s)
{
    return strcspn(s, "/");
}

/* Where s stands after its level: at the next one, or NULL where that was the last. */
static const char *next_level(const char *s, size_t len)
{
    return s[len] == '/' ? s + len + 1 : NULL;
}

static bool is(const char *s, size_t len, char wildcard)
{
    return len == 1 && *s == wildcard;
}

static bool first_is_wildcard(const char *filter)
{
    size_t len = level(filter);

    return is(filter, len, '+') || is(filter, len, '#');
}

/* A topic is a filter without wildcards, so matching is a case of covering. */
bool f2m_topic_matches(const char *filter, const char *topic)
{
    return f2m_topic_covers(filter, topic);
}

bool f2m_topic_covers(const char *wide, const char *narrow)
{
    if (*narrow == '$' && first_is_wildcard(wide))
        return false;
    /* Every topic has a first level, so these two match the same. */
    if (strcmp(wide, "+/#") == 0 && strcmp(narrow, "#") == 0)
        return true;
    while (wide && narrow) {
        size_t w = level(wide), n = level(narrow);
        if (is(wide, w, '#'))
            return true;
        if (is(narrow, n, '#'))
            return false;
        if (!is(wide, w, '+') && (w != n || memcmp(wide, narrow, n) != 0))
            return false;
        wide = next_level(wide, w);
        narrow = next_level(narrow, n);
    }
    /* "a/#" matches "a" too. */
    return !narrow && (!wide || strcmp(wide, "#") == 0);
}

struct entry {
    const char *filter;
    size_t place;
    bool dropped;
};

static int by_text(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = strcmp(x->filter, y->filter);

    return order ? order : (x->place > y->place) - (x->place < y->place);
}

/* What a filter covers begins with its levels before the first wildcard, so it stands together when sorted. The slash
 * is left out: "a/#" covers "a" too. */
static size_t literal_len(const char *filter)
{
    size_t len = strcspn(filter, "+#");

    return len > 0 ? len - 1 : 0;
}

/* The first of the sorted entries that is not before the prefix. */
static size_t first_with(const struct entry *entries, size_t n, const char *prefix, size_t len)
{
    size_t low = 0;

    for (size_t high = n; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (strncmp(entries[middle].filter, prefix, len) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Sorted, so that duplicates stand together (the first stays) and a filter with wildcards meets only its neighbours: a
 * fleet has tens of thousands of them. */
static void drop_covered(struct entry *entries, size_t n)
{
    for (size_t i = 1; i < n; i++)
        entries[i].dropped = strcmp(entries[i - 1].filter, entries[i].filter) == 0;
    for (size_t i = 0; i < n; i++) {
        const struct entry *wide = &entries[i];
        if (wide->dropped || !f2m_topic_has_wildcard(wide->filter))
            continue;
        size_t len = literal_len(wide->filter);
        for (size_t k = first_with(entries, n, wide->filter, len);
             k < n && strncmp(entries[k].filter, wide->filter, len) == 0; k++) {
            struct entry *narrow = &entries[k];
            if (k == i || narrow->dropped || !f2m_topic_covers(wide->filter, narrow->filter))
                continue;
            /* Of two that cover each other ("#" and "+/#") the earlier one stays. */
            narrow->dropped = wide->place < narrow->place || !f2m_topic_covers(narrow->filter, wide->filter);
        }
    }
}

size_t f2m_topic_minimal_cover(const char **filters, size_t n)
{
    size_t kept = 0;

    if (n == 0)
        return 0;
    struct entry *entries = f2m_xcalloc(n, sizeof *entries);
    bool *dropped = f2m_xcalloc(n, sizeof *dropped);
    for (size_t i = 0; i < n; i++)
        entries[i] = (struct entry){.filter = filters[i], .place = i};
    qsort(entries, n, sizeof *entries, by_text);
    drop_covered(entries, n);
    for (size_t i = 0; i < n; i++)
        dropped[entries[i].place] = entries[i].dropped;
    for (size_t i = 0; i < n; i++)
        if (!dropped[i])
            filters[kept++] = filters[i];
    free(dropped);
    free(entries);
    return kept;
}
