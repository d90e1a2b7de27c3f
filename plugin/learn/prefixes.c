#include "learn/prefixes.h"

#include "learn/text.h"

#include <inttypes.h>
#include <stdlib.h>

/* The first two levels; a slash that begins the topic belongs to the first. */
static struct f2m_slice prefix_of(struct f2m_slice topic)
{
    size_t len = 0;

    for (int levels = 0; len < topic.len && len < F2M_LEARN_PREFIX_BYTES; len++)
        if (topic.at[len] == '/' && len > 0 && ++levels == 2)
            break;
    return (struct f2m_slice){topic.at, len};
}

static size_t copy(char *to, size_t max, struct f2m_slice from)
{
    size_t len = from.len < max ? from.len : max;

    if (len)
        memcpy(to, from.at, len);
    to[len] = '\0';
    return len;
}

static struct f2m_learn_prefix *place_for(struct f2m_learn_prefixes *p, struct f2m_slice prefix)
{
    struct f2m_learn_prefix *rarest = NULL;

    for (size_t i = 0; i < p->len; i++) {
        struct f2m_learn_prefix *one = &p->list[i];
        if (f2m_slice_is(prefix, one->text))
            return one;
        if (!rarest || one->messages < rarest->messages)
            rarest = one;
    }
    if (p->len < F2M_MAX_LEARN_PREFIXES) {
        rarest = &p->list[p->len++];
        rarest->messages = 0;
    } else {
        p->dropped = true; /* the new one takes over the count, so that it cannot be pushed out at once */
    }
    copy(rarest->text, F2M_LEARN_PREFIX_BYTES, prefix);
    return rarest;
}

void f2m_learn_prefixes_count(struct f2m_learn_prefixes *p, struct f2m_slice topic, struct f2m_slice payload)
{
    struct f2m_slice prefix = prefix_of(topic);

    if (prefix.len == 0 || memchr(prefix.at, '\0', prefix.len))
        return;
    struct f2m_learn_prefix *one = place_for(p, prefix);
    one->messages++;
    copy(one->topic, F2M_MAX_LEARN_TEXT_BYTES, topic);
    one->sample_len = copy(one->sample, F2M_MAX_LEARN_SAMPLE_BYTES, payload);
}

static int by_messages(const void *a, const void *b)
{
    const struct f2m_learn_prefix *x = a, *y = b;

    if (x->messages != y->messages)
        return x->messages < y->messages ? 1 : -1;
    return strcmp(x->text, y->text);
}

void f2m_learn_prefixes_write(struct f2m_learn_prefixes *p, size_t max, struct f2m_strbuf *out)
{
    qsort(p->list, p->len, sizeof p->list[0], by_messages);
    for (size_t i = 0; i < p->len && i < max; i++) {
        const struct f2m_learn_prefix *one = &p->list[i];
        f2m_strbuf_addf(out, "%8" PRIu64 "  ", one->messages);
        f2m_learn_add_text(out, f2m_slice_of(one->text), F2M_LEARN_PREFIX_BYTES);
        f2m_strbuf_adds(out, ", such as ");
        f2m_learn_add_text(out, f2m_slice_of(one->topic), F2M_MAX_LEARN_TEXT_BYTES);
        f2m_strbuf_adds(out, " = ");
        f2m_learn_add_text(out, (struct f2m_slice){one->sample, one->sample_len}, F2M_MAX_LEARN_SAMPLE_BYTES);
        f2m_strbuf_addc(out, '\n');
    }
    if (p->dropped || p->len > max)
        f2m_strbuf_adds(out, "          … and rarer ones\n");
}
