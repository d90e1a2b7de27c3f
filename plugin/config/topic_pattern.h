/*
 * A topic as presets write it, "${prefix}/${serial}/inputs/1", read backwards: which topics it stands for, and what the
 * parameters are in one of them. A parameter is part of one level, or, where it is wide, of one or more levels. "/#" at
 * the end stands for anything below.
 */
#ifndef F2M_CONFIG_TOPIC_PATTERN_H
#define F2M_CONFIG_TOPIC_PATTERN_H

#include "util/slice.h"

#include <stdint.h>

#define F2M_PATTERN_PARTS      16
#define F2M_PATTERN_PARAMETERS 16
#define F2M_PATTERN_TOPIC_MAX  255 /* longer topics match nothing: no system has them, and matching is bounded */

struct f2m_pattern_part {
    struct f2m_slice text; /* borrowed */
    int parameter;         /* -1 = the text as it is */
    bool wide;
};

struct f2m_pattern {
    struct f2m_pattern_part parts[F2M_PATTERN_PARTS];
    size_t len;
    bool open;           /* ends with "/#" */
    uint32_t parameters; /* those in it, as bits */
};

/* What parameters are in a topic; {NULL, 0} where the pattern does not hold them. Borrowed from the topic. */
struct f2m_captures {
    struct f2m_slice of[F2M_PATTERN_PARAMETERS];
};

bool f2m_pattern_match(const struct f2m_pattern *, struct f2m_slice topic, struct f2m_captures *);
/* A text against one where * stands for any run of characters. */
bool f2m_glob_match(const char *glob, struct f2m_slice text);

#endif
