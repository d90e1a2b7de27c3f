/* Presets: what well-known systems speak, merged under a device's own keys (Interface, clarification 24). */
#ifndef F2M_CONFIG_PRESET_H
#define F2M_CONFIG_PRESET_H

#include "config/loader.h"

/* Merges every device's preset into the tree. */
void f2m_presets_merge(struct f2m_loader *, struct f2m_yaml *root);

/* The presets that are built in; ends with a NULL name. Generated from config/presets/ by CMake. */
struct f2m_preset_text {
    const char *name; /* "solarassistant" */
    const char *text;
};
extern const struct f2m_preset_text f2m_preset_texts[];

/* docs/presets.md, from the presets themselves. A test compares the committed file with what this writes. */
void f2m_presets_write_reference(struct f2m_strbuf *out);

#endif
