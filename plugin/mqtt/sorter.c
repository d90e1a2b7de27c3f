#include "mqtt/sorter.h"

#include "util/topic.h"
#include "util/xalloc.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void f2m_sorter_init(struct f2m_sorter *sorter, const char *prefix, const char *const *filters, size_t n)
{
    *sorter = (struct f2m_sorter){0};
    if (prefix) {
        sorter->prefix = f2m_xstrdup(prefix);
        sorter->prefix_len = strlen(prefix);
    }
    if (n == 0)
        return;
    sorter->topics = f2m_xcalloc(n, sizeof *sorter->topics);
    sorter->filters = f2m_xcalloc(n, sizeof *sorter->filters);
    for (size_t i = 0; i < n; i++) {
        char *copy = f2m_xstrdup(filters[i]);
        if (f2m_topic_has_wildcard(copy))
            sorter->filters[sorter->filters_len++] = copy;
        else
            sorter->topics[sorter->topics_len++] = copy;
    }
    qsort(sorter->topics, sorter->topics_len, sizeof *sorter->topics, compare);
}

static void list_free(char **list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(list[i]);
    free(list);
}

void f2m_sorter_deinit(struct f2m_sorter *sorter)
{
    free(sorter->prefix);
    list_free(sorter->topics, sorter->topics_len);
    list_free(sorter->filters, sorter->filters_len);
    *sorter = (struct f2m_sorter){0};
}

enum f2m_inbox_lane f2m_sorter_lane(const struct f2m_sorter *sorter, const char *topic)
{
    if (sorter->prefix && strncmp(topic, sorter->prefix, sorter->prefix_len) == 0)
        return F2M_INBOX_CONTROL;
    if (sorter->topics_len > 0 && bsearch(&topic, sorter->topics, sorter->topics_len, sizeof *sorter->topics, compare))
        return F2M_INBOX_CONTROL;
    for (size_t i = 0; i < sorter->filters_len; i++) {
        if (f2m_topic_matches(sorter->filters[i], topic))
            return F2M_INBOX_CONTROL;
    }
    return F2M_INBOX_TELEMETRY;
}
