/*
 * The one declarative table of the configuration: every key with its type, range, default, help and place in struct
 * f2m_config. It drives reading, defaults, `config` printing, freeing, docs/configuration.md and the JSON Schema, so
 * that none of them can drift. The rows stand in keys_*.c; the values' syntax in values.c.
 */
#ifndef F2M_CONFIG_TABLE_H
#define F2M_CONFIG_TABLE_H

#include "config/config.h"
#include "config/loader.h"
#include "util/err.h"
#include "util/json_writer.h"
#include "util/strbuf.h"

enum f2m_key_type {
    F2M_KEY_TEXT,           /* char * */
    F2M_KEY_FILE,           /* char *: a path, relative to the configuration; must be readable */
    F2M_KEY_PATH,           /* char *: a path, relative to the configuration */
    F2M_KEY_TOPIC,          /* char *: without wildcards */
    F2M_KEY_FILTER,         /* char *: may hold + and # */
    F2M_KEY_POINTER,        /* char *: RFC 6901 */
    F2M_KEY_TEMPLATE,       /* char *: {{ variable | filter }} */
    F2M_KEY_TOPIC_TEMPLATE, /* char *: a template that gives a topic */
    F2M_KEY_BOOL,           /* bool */
    F2M_KEY_CHOICE,         /* int or an enum */
    F2M_KEY_INTEGER,        /* int */
    F2M_KEY_NUMBER,         /* double */
    F2M_KEY_PERCENTAGE,     /* double, %; NAN = not given */
    F2M_KEY_DURATION,       /* int64_t, ms */
    F2M_KEY_SECONDS,        /* int, s: a duration of whole seconds */
    F2M_KEY_SIZE,           /* int64_t, bytes */
    F2M_KEY_TEXTS,          /* char ** and a size_t: a list, or one text */
    F2M_KEY_SECTION,        /* an embedded struct */
    F2M_KEY_LIST,           /* an array of structs and a size_t */
    F2M_KEY_CUSTOM,         /* its own functions */
};

struct f2m_choice {
    const char *name; /* NULL ends the list */
    int value;
};

struct f2m_yaml_writer;
struct f2m_key;

struct f2m_key_custom {
    const char *type; /* for the reference: "source" */
    void (*read)(struct f2m_loader *, const struct f2m_key *, const struct f2m_yaml *, void *at);
    void (*defaults)(const struct f2m_key *, void *at); /* NULL = zero is right */
    void (*free)(void *at);                             /* NULL = owns nothing */
    void (*print)(struct f2m_yaml_writer *, const struct f2m_key *, const void *at);
    void (*schema)(struct f2m_jw *, const struct f2m_key *); /* the members of the key's schema object */
};

struct f2m_key {
    const char *name;
    enum f2m_key_type type;
    size_t at, len_at;    /* offsets in the section's struct; len_at for lists */
    double min, max;      /* canonical; both 0 = no range */
    bool below;           /* max itself is too much */
    const char *fallback; /* the default, as it would be written; NULL = none */
    const struct f2m_choice *choices;
    bool (*check)(const char *text, struct f2m_err *expected); /* of text types: "expected …" without that word */
    bool (*applies)(const void *target); /* whether `config` prints it for this struct; NULL = always */
    bool required;
    bool secret;
    bool optional_text; /* "" is a value */
    bool unstored;      /* read and checked, kept nowhere */
    int kind;           /* for custom keys */
    const struct f2m_section *section;
    const struct f2m_key_custom *custom;
    const char *help;    /* one or more sentences for the reference */
    const char *example; /* as it would be written */
};

struct f2m_section {
    const char *name; /* "site": heading of the reference */
    const struct f2m_key *keys;
    size_t keys_len;
    size_t size; /* of a list's element */
    bool placed; /* the struct has line and col at place_at */
    size_t place_at;
    bool (*present)(const void *target); /* whether to print it; NULL = always */
    /* What no single key can tell. Called where the section is given. */
    void (*check)(struct f2m_loader *, const struct f2m_yaml *map, void *target);
    /* Whether a plain text stands for { <shorthand>: text }; NULL = no. */
    const char *shorthand;
    const char *help;
};

#define F2M_KEYS(array) .keys = (array), .keys_len = sizeof(array) / sizeof((array)[0])

extern const struct f2m_section f2m_section_root;      /* struct f2m_config */
extern const struct f2m_section f2m_section_site;      /* struct f2m_site */
extern const struct f2m_section f2m_section_device;    /* struct f2m_device */
extern const struct f2m_section f2m_section_telemetry; /* struct f2m_telemetry_config */
extern const struct f2m_section f2m_section_control;   /* struct f2m_control_config */
extern const struct f2m_section f2m_section_publish;   /* struct f2m_control_publish */

void f2m_section_defaults(const struct f2m_section *, void *target);
/* Defaults, then what the map says; every error is reported. `map` NULL = not given: defaults alone. */
void f2m_section_read(struct f2m_loader *, const struct f2m_section *, const struct f2m_yaml *map, void *target);
void f2m_section_free(const struct f2m_section *, void *target);
const struct f2m_key *f2m_section_key(const struct f2m_section *, const char *name);
/* Array of elements; NULL and 0 where the node is no list (reported). A single map counts as a list of one. */
void *f2m_list_read(struct f2m_loader *, const char *name, const struct f2m_section *, const struct f2m_yaml *,
                    size_t *len);
void f2m_list_free(const struct f2m_section *, void *list, size_t len);

/* values.c: one scalar. `expected` says what would have been right ("a duration from 1s to 5min"). */
bool f2m_value_parse(const struct f2m_key *, const char *text, void *at, struct f2m_err *expected)
    __attribute__((warn_unused_result));
void f2m_value_expected(const struct f2m_key *, struct f2m_err *expected);
void f2m_value_free(const struct f2m_key *, void *at);
bool f2m_value_is_text(enum f2m_key_type); /* stored as char * */
bool f2m_value_given(const struct f2m_key *, const void *at);
/* As it would be written in YAML, without quotes. */
void f2m_value_format(const struct f2m_key *, const void *at, struct f2m_strbuf *out);
bool f2m_bool_parse(const char *text, bool *out); /* true/false, yes/no, on/off in any case */
void f2m_duration_format(int64_t ms, struct f2m_strbuf *out);
void f2m_quantity_format(double value, enum f2m_quantity, struct f2m_strbuf *out);

/* What `flip2mqtt learn` writes where only the user knows what belongs there; warned of until it is gone. */
#define F2M_FILL_IN "FILL-IN"

/* A node as text for a key: resolves nothing (tags are gone by now). Reports and gives NULL where it is no text. */
const char *f2m_scalar_text(struct f2m_loader *, const char *name, const char *expected, const struct f2m_yaml *);
/* "found 'x'", "found ***", "found a list", … for messages; lives in buf. */
#define F2M_FOUND_SIZE 260
const char *f2m_found(const struct f2m_yaml *, bool secret, char buf[F2M_FOUND_SIZE]);
void f2m_report_unknown_key(struct f2m_loader *, const struct f2m_section *, const struct f2m_yaml_item *);

#endif
