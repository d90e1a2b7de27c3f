/*
 * What presets say of how their systems are known: the section `recognise`, and the topics of their sources, compiled
 * for learn/. Grammar of an entry of `recognise` (docs/configuration.md, "Presets"):
 *
 *   topic: "${prefix}/battery/power"   what is published there; "/#" at the end: anything below
 *   number: true | json: [/pointer, …] | keyvalue: [key, …]     what the payload must be; none: anything
 *   optional: true                     tells more, but need not be there
 *   like: { soc: [battery/soc, "*soc"] }    what a parameter may look like, here and elsewhere, the best first
 *   gives: { mode: "" }                the payload (or what stands at the pointer) is the parameter's value
 *   tells: { capacity: { path: "", unit: kWh, scale: 0.1 }, serial_number: "${serial}" }   likewise for a device's keys
 *
 *   maps: { battery_power: { … } }     where the preset's own source is not heard: a source of the device's own
 *
 * or `unless: marstek`: not where that preset is found with the same values of the parameters that both have.
 *
 * Parameters that every entry without `optional` holds tell one system from another; further ones are chosen.
 */
#ifndef F2M_CONFIG_RECOGNISE_H
#define F2M_CONFIG_RECOGNISE_H

#include "config/config.h"
#include "config/load.h"
#include "config/topic_pattern.h"

struct f2m_recognise_parameter {
    const char *name;
    const char *description, *fallback, *example, *from; /* NULL = not given */
};

enum f2m_sign_shape {
    F2M_SIGN_ANY,
    F2M_SIGN_NUMBER,
    F2M_SIGN_JSON,     /* all members are there */
    F2M_SIGN_KEYVALUE, /* likewise */
    F2M_SIGN_VALUE,    /* a source's: something stands at its path */
};

/* Where an entry's parameter or device key comes from. */
struct f2m_sign_gift {
    int parameter;               /* -1 = a device's key */
    const char *key;             /* of the device */
    const char *text;            /* with ${…}; NULL = from the payload */
    const char *path;            /* "" = the whole payload */
    const struct f2m_unit *unit; /* NULL = a text as it is */
    double scale;
};

/* How a source is read where the preset's way is not there. */
struct f2m_sign_map {
    enum f2m_source_id source;
    const char *yaml; /* flow style, with ${…} inside double quotes */
};

/* What a parameter may look like. */
struct f2m_sign_like {
    const char *const *globs; /* the best first */
    size_t len;               /* 0 = anything */
};

/* One topic to look for: an entry of `recognise`, or a topic of a source. */
struct f2m_sign {
    const char *topic; /* as written */
    struct f2m_pattern pattern;
    enum f2m_sign_shape shape;
    const char *const *members; /* pointers; of keyvalue "/key" */
    size_t members_len;
    enum f2m_source_format format; /* of F2M_SIGN_VALUE, and of what is given or told */
    const char *path;              /* of F2M_SIGN_VALUE; NULL = the whole payload */
    bool required;
    const struct f2m_sign_gift *gifts;
    size_t gifts_len;
    const struct f2m_sign_map *maps;
    size_t maps_len;
};

#define F2M_MAX_PRESET_SIGNS 64 /* a bit each */

struct f2m_recognise_preset {
    const char *name, *description;
    bool experimental;
    bool asks;    /* it talks only when it is asked (telemetry.keepalive) */
    bool observe; /* it publishes to the battery, or leaves commands to somebody: look before Flip commands */
    struct f2m_recognise_parameter parameters[F2M_PATTERN_PARAMETERS];
    size_t parameters_len;
    struct f2m_sign_like likes[F2M_PATTERN_PARAMETERS]; /* wherever the parameter stands */
    uint32_t key;                                       /* the parameters that tell one system from another, as bits */
    struct f2m_sign signs[F2M_MAX_PRESET_SIGNS];
    size_t signs_len;
    uint64_t required;              /* signs, as bits */
    uint64_t source[F2M_SRC_COUNT]; /* the signs that a source reads; 0 = the preset does not map it */
    bool source_any[F2M_SRC_COUNT]; /* one of them is enough (missing: zero) */
    const char *unless;             /* NULL = none */
    struct f2m_recognise_preset *next;
};

struct f2m_recognise;

/* The presets that are built in, with a user's own from presets/ in `folder` (NULL = none) in place of or beside them.
 * Presets without `recognise` are left out. What is wrong with the own ones is in the findings, and they are left out,
 * too. */
struct f2m_recognise *f2m_recognise_load(const char *folder, struct f2m_findings *)
    __attribute__((returns_nonnull, warn_unused_result));
void f2m_recognise_free(struct f2m_recognise *);
const struct f2m_recognise_preset *f2m_recognise_presets(const struct f2m_recognise *);

#endif
