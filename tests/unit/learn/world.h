/* A survey with the presets that are built in, and what is published to it. */
#ifndef F2M_TESTS_LEARN_WORLD_H
#define F2M_TESTS_LEARN_WORLD_H

#include "learn/choose.h"
#include "learn/survey.h"

struct world {
    struct f2m_recognise *recognise;
    struct f2m_survey *survey;
    unsigned found; /* systems told as complete, as they came */
};

void world_open(struct world *);
void world_close(struct world *);
void world_publish(struct world *, const char *topic, const char *payload);
/* Every line of a .jsonl file of tests/fixtures/<folder>. */
void world_replay(struct world *, const char *folder, const char *name);
/* The presets that were recognised, "a b", in order. */
const char *world_presets(struct world *);
/* The one system of that preset; NULL where there is none. */
const struct f2m_learn_system *world_system(struct world *, const char *preset);
/* What was chosen for a parameter. */
struct f2m_learn_choice world_choice(const struct f2m_learn_system *, const char *parameter);

#endif
