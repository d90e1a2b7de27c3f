/*
 * How topics begin, most frequent first: what is told where nothing was recognised. A table of bounded size that a
 * flood of ever new topics cannot push the frequent ones out of (Metwally, Agrawal, El Abbadi: "Space-Saving").
 */
#ifndef F2M_LEARN_PREFIXES_H
#define F2M_LEARN_PREFIXES_H

#include "util/limits.h"
#include "util/slice.h"
#include "util/strbuf.h"

#include <stdint.h>

#define F2M_LEARN_PREFIX_BYTES 64

struct f2m_learn_prefix {
    char text[F2M_LEARN_PREFIX_BYTES + 1]; /* the first two levels */
    uint64_t messages;                     /* at most so many */
    char topic[F2M_MAX_LEARN_TEXT_BYTES + 1];
    char sample[F2M_MAX_LEARN_SAMPLE_BYTES + 1]; /* of the payload there */
    size_t sample_len;
};

struct f2m_learn_prefixes {
    struct f2m_learn_prefix list[F2M_MAX_LEARN_PREFIXES];
    size_t len;
    bool dropped; /* there were more than the table holds */
};

void f2m_learn_prefixes_count(struct f2m_learn_prefixes *, struct f2m_slice topic, struct f2m_slice payload);
/* One line each, at most `max`, sorted. */
void f2m_learn_prefixes_write(struct f2m_learn_prefixes *, size_t max, struct f2m_strbuf *out);

#endif
