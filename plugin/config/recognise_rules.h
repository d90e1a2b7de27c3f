/* The section `recognise` of a preset, from YAML to signs. Private to the room. */
#ifndef F2M_CONFIG_RECOGNISE_RULES_H
#define F2M_CONFIG_RECOGNISE_RULES_H

#include "config/recognise.h"
#include "config/yaml_tree.h"

/* What is compiled lives in the arena and borrows from the tree. NULL where the preset has no `recognise`, and where
 * there was an error, which is reported. */
struct f2m_recognise_preset *f2m_recognise_compile(struct f2m_arena *, struct f2m_report *, const char *name,
                                                   const struct f2m_yaml *root);

/* recognise_signs.c: the parts of it. */
struct f2m_compiler {
    struct f2m_arena *arena;
    struct f2m_report *report;
    struct f2m_recognise_preset *preset;
};
/* One entry of the list; reports what is wrong. */
void f2m_recognise_entry(struct f2m_compiler *, const struct f2m_yaml *entry);
/* False after a report. */
bool f2m_recognise_pattern(struct f2m_compiler *, const struct f2m_yaml *topic, struct f2m_pattern *);
/* The next free sign, or NULL after a report. */
struct f2m_sign *f2m_recognise_add(struct f2m_compiler *, struct f2m_place);

#endif
