#include "engine/subscriptions.h"

#include "util/topic.h"
#include "util/xalloc.h"

#include <stdlib.h>

#define RETRY_REFUSED_MS 60000

enum state {
    WANTED, /* not sent, since not connected */
    ASKED,  /* sent, the broker has not answered */
    GRANTED,
    REFUSED,
};

struct subscription {
    char *filter; /* owned */
    enum state state;
    int64_t retry_ms; /* REFUSED: mono time of the next try */
    bool told;        /* the refusal is in the log already */
};

struct f2m_subscriptions {
    bool connected;
    struct subscription *list; /* sorted by filter */
    size_t len;
    size_t asked;     /* how many wait for an answer */
    int64_t retry_ms; /* the earliest retry of a refused one; INT64_MAX = none */
    char **wanted;    /* between begin and apply; each owned */
    size_t wanted_len, wanted_cap;
};

struct f2m_subscriptions *f2m_subscriptions_new(void)
{
    struct f2m_subscriptions *s = f2m_xcalloc(1, sizeof *s);
    s->retry_ms = INT64_MAX;
    return s;
}

static void free_wanted(struct f2m_subscriptions *s)
{
    for (size_t i = 0; i < s->wanted_len; i++)
        free(s->wanted[i]);
    s->wanted_len = 0;
}

void f2m_subscriptions_free(struct f2m_subscriptions *s)
{
    if (!s)
        return;
    free_wanted(s);
    free(s->wanted);
    for (size_t i = 0; i < s->len; i++)
        free(s->list[i].filter);
    free(s->list);
    free(s);
}

void f2m_subscriptions_begin(struct f2m_subscriptions *s)
{
    free_wanted(s);
}

void f2m_subscriptions_add(void *subscriptions, const char *filter)
{
    struct f2m_subscriptions *s = subscriptions;
    if (s->wanted_len == s->wanted_cap) {
        s->wanted_cap = s->wanted_cap ? s->wanted_cap * 2 : 64;
        s->wanted = f2m_xreallocarray(s->wanted, s->wanted_cap, sizeof *s->wanted);
    }
    s->wanted[s->wanted_len++] = f2m_xstrdup(filter);
}

static int by_filter(const void *a, const void *b)
{
    return strcmp(((const struct subscription *)a)->filter, ((const struct subscription *)b)->filter);
}

static struct subscription *find(struct f2m_subscriptions *s, const char *filter)
{
    struct subscription key = {.filter = (char *)(uintptr_t)filter};
    return s->len ? bsearch(&key, s->list, s->len, sizeof key, by_filter) : NULL;
}

static void ask(struct f2m_subscriptions *s, struct subscription *sub, struct f2m_effects *fx)
{
    s->asked += sub->state != ASKED;
    sub->state = ASKED;
    f2m_effects_subscribe(fx, sub->filter);
}

/* The minimal cover of what is wanted, sorted. */
static struct subscription *cover(const struct f2m_subscriptions *s, size_t *len)
{
    const char **filters = f2m_xcalloc(s->wanted_len + 1, sizeof *filters);
    for (size_t i = 0; i < s->wanted_len; i++)
        filters[i] = s->wanted[i];
    *len = f2m_topic_minimal_cover(filters, s->wanted_len);
    struct subscription *list = f2m_xcalloc(*len + 1, sizeof *list);
    for (size_t i = 0; i < *len; i++)
        list[i].filter = f2m_xstrdup(filters[i]);
    free(filters);
    qsort(list, *len, sizeof *list, by_filter);
    return list;
}

void f2m_subscriptions_apply(struct f2m_subscriptions *s, struct f2m_effects *fx)
{
    size_t len;
    struct subscription *list = cover(s, &len);
    struct f2m_subscriptions old = *s;
    s->list = list;
    s->len = len;
    s->asked = 0;
    s->retry_ms = INT64_MAX;
    for (size_t i = 0; i < old.len; i++) {
        struct subscription *kept = find(s, old.list[i].filter);
        if (kept) {
            kept->state = old.list[i].state;
            kept->told = old.list[i].told;
            kept->retry_ms = old.list[i].retry_ms;
            s->asked += kept->state == ASKED;
            if (kept->state == REFUSED && kept->retry_ms < s->retry_ms)
                s->retry_ms = kept->retry_ms;
        } else if (s->connected) {
            f2m_effects_unsubscribe(fx, old.list[i].filter);
        }
        free(old.list[i].filter);
    }
    free(old.list);
    for (size_t i = 0; s->connected && i < len; i++)
        if (list[i].state == WANTED)
            ask(s, &list[i], fx);
    free_wanted(s);
}

void f2m_subscriptions_up(struct f2m_subscriptions *s, struct f2m_effects *fx)
{
    f2m_subscriptions_down(s);
    s->connected = true;
    for (size_t i = 0; i < s->len; i++)
        ask(s, &s->list[i], fx);
}

void f2m_subscriptions_down(struct f2m_subscriptions *s)
{
    s->connected = false;
    s->asked = 0;
    s->retry_ms = INT64_MAX;
    for (size_t i = 0; i < s->len; i++)
        s->list[i].state = WANTED;
}

void f2m_subscriptions_answered(struct f2m_subscriptions *s, struct f2m_now now, const char *filter, int reason,
                                struct f2m_effects *fx)
{
    struct subscription *sub = find(s, filter);
    if (!sub || !s->connected)
        return;
    s->asked -= sub->state == ASKED;
    if (reason < 0x80) {
        sub->state = GRANTED;
        sub->told = false;
        return;
    }
    sub->state = REFUSED;
    sub->retry_ms = now.mono_ms + RETRY_REFUSED_MS;
    if (sub->retry_ms < s->retry_ms)
        s->retry_ms = sub->retry_ms;
    if (!sub->told) {
        char topic[256];
        f2m_effects_log(fx, F2M_LOG_WARN, "mqtt", "the broker refuses a subscription, tried again every minute",
                        "topic=%s reason=0x%02x", f2m_log_value(filter, topic, sizeof topic), (unsigned)reason);
    }
    sub->told = true;
}

void f2m_subscriptions_tick(struct f2m_subscriptions *s, struct f2m_now now, struct f2m_effects *fx)
{
    if (s->retry_ms > now.mono_ms)
        return;
    s->retry_ms = INT64_MAX;
    for (size_t i = 0; i < s->len; i++) {
        struct subscription *sub = &s->list[i];
        if (sub->state != REFUSED)
            continue;
        if (sub->retry_ms <= now.mono_ms) {
            sub->retry_ms = now.mono_ms + RETRY_REFUSED_MS;
            f2m_effects_subscribe(fx, sub->filter); /* stays refused until the broker grants it */
        }
        if (sub->retry_ms < s->retry_ms)
            s->retry_ms = sub->retry_ms;
    }
}

int64_t f2m_subscriptions_deadline(const struct f2m_subscriptions *s)
{
    return s->retry_ms;
}

bool f2m_subscriptions_complete(const struct f2m_subscriptions *s)
{
    return s->connected && s->asked == 0;
}

void f2m_subscriptions_refused(const struct f2m_subscriptions *s, void (*visit)(void *ctx, const char *filter),
                               void *ctx)
{
    for (size_t i = 0; i < s->len; i++)
        if (s->list[i].state == REFUSED)
            visit(ctx, s->list[i].filter);
}
