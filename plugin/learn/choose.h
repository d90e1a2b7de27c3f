/* What was learnt of a system, and what has to be filled in. */
#ifndef F2M_LEARN_CHOOSE_H
#define F2M_LEARN_CHOOSE_H

#include "learn/survey.h"

enum f2m_learn_origin {
    F2M_LEARN_TOPIC,   /* it stands in the topics */
    F2M_LEARN_PAYLOAD, /* the system says so */
    F2M_LEARN_DEFAULT, /* the preset's */
    F2M_LEARN_DEVICE,  /* the preset takes it from a key of the device */
    F2M_LEARN_EXAMPLE, /* not found: the user must say */
};

struct f2m_learn_choice {
    const char *text; /* never NULL */
    enum f2m_learn_origin origin;
};

struct f2m_learn_choice f2m_learn_choose(const struct f2m_learn_system *, int parameter);
/* The signs that were seen with the values that are chosen. */
uint64_t f2m_learn_heard(const struct f2m_learn_system *);
/* Whether the source was heard: all of its topics, or one where one is enough. `heard` as above. */
bool f2m_learn_source_heard(const struct f2m_learn_system *, enum f2m_source_id, uint64_t heard);
/* How else the source can be read, where it was not heard and the preset knows another way; NULL = not at all. */
const struct f2m_sign_map *f2m_learn_map(const struct f2m_learn_system *, enum f2m_source_id, uint64_t heard);
/* Whether the battery itself was heard: its state of charge and its power. */
bool f2m_learn_sure(const struct f2m_learn_system *);
/* A topic of the preset, or a text like it, with the chosen values. */
void f2m_learn_add_topic(const struct f2m_learn_system *, const char *topic, struct f2m_strbuf *out);

/* The complete systems in a fixed order, without those that another preset knows better (`unless`). To be freed. */
const struct f2m_learn_system **f2m_learn_systems(const struct f2m_survey *, size_t *len)
    __attribute__((warn_unused_result));

#endif
