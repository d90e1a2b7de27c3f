/*
 * Which systems speak on a broker: every message is held against the signs of every preset (config/recognise.h). A
 * system is a preset and the values of the parameters that tell its systems apart; what else is seen of it is gathered.
 * Every table is bounded (util/limits.h), since anybody may publish anything.
 */
#ifndef F2M_LEARN_SURVEY_H
#define F2M_LEARN_SURVEY_H

#include "config/recognise.h"
#include "learn/prefixes.h"
#include "port/event.h"

/* A value of a parameter beside the key: part of a topic, or given by a payload. */
struct f2m_learn_value {
    int parameter;
    bool given;
    int rank;                                     /* which of the `like` patterns it is, 0 the best */
    uint64_t seen;                                /* the signs in whose topic it stood */
    int with;                                     /* given on a topic that holds this parameter (-1 = none) … */
    char with_text[F2M_MAX_LEARN_TEXT_BYTES + 1]; /* … with this value */
    char text[F2M_MAX_LEARN_TEXT_BYTES + 1];
};

/* What a payload tells of the device. */
struct f2m_learn_fact {
    const struct f2m_sign_gift *gift;
    const struct f2m_sign *sign;
    char text[F2M_MAX_LEARN_TEXT_BYTES + 1];
};

struct f2m_learn_sample {
    char text[F2M_MAX_LEARN_SAMPLE_BYTES + 1]; /* the last payload, clipped */
    size_t len;
    bool clipped;
};

struct f2m_learn_system {
    const struct f2m_recognise_preset *preset;
    char *key[F2M_PATTERN_PARAMETERS]; /* owned; NULL where the parameter is not part of the key */
    uint64_t seen;                     /* signs */
    uint64_t messages;
    uint64_t touched;                 /* the number of the last message */
    struct f2m_learn_sample *samples; /* owned, one a sign */
    struct f2m_learn_value values[F2M_MAX_LEARN_VALUES];
    size_t values_len;
    struct f2m_learn_fact facts[F2M_MAX_LEARN_FACTS];
    size_t facts_len;
    struct f2m_learn_system *next;
};

struct f2m_survey {
    const struct f2m_recognise *recognise; /* borrowed */
    const char *base_topic;                /* borrowed: the bridge's own topics are nobody's */
    struct f2m_learn_system *systems;      /* newest first */
    uint64_t messages;
    uint64_t turned_away; /* systems for which there was no place */
    struct f2m_learn_prefixes prefixes;
};

struct f2m_survey *f2m_survey_new(const struct f2m_recognise *, const char *base_topic)
    __attribute__((returns_nonnull, warn_unused_result));
void f2m_survey_free(struct f2m_survey *);
/* Calls `found` (may be NULL) for each system that this message completes. */
void f2m_survey_message(struct f2m_survey *, const struct f2m_mqtt_message *,
                        void (*found)(void *ctx, const struct f2m_learn_system *), void *ctx);
/* Whether every required sign was seen. */
bool f2m_learn_complete(const struct f2m_learn_system *);

#endif
