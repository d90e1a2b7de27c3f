/*
 * A YAML document as our own tree: every node and key with its place, texts as written. The library behind it
 * (libfyaml, in yaml.c alone) can be replaced without touching anybody else.
 *
 * Nodes live in an arena. Aliases are resolved by sharing nodes, so a node may be reachable on several paths; the size
 * of the tree with every alias written out is bounded (F2M_MAX_CONFIG_NODES), and so is its depth.
 */
#ifndef F2M_CONFIG_YAML_TREE_H
#define F2M_CONFIG_YAML_TREE_H

#include "config/arena.h"
#include "config/report.h"

#include <stdbool.h>
#include <stdint.h>

enum f2m_yaml_type {
    F2M_YAML_SCALAR,
    F2M_YAML_MAP,
    F2M_YAML_LIST,
};

struct f2m_yaml_item {
    const char *key;         /* NULL in a list */
    struct f2m_place key_at; /* in a list: the value's place */
    struct f2m_yaml *value;  /* never NULL */
};

struct f2m_yaml {
    enum f2m_yaml_type type;
    bool plain;  /* a scalar without quotes */
    bool empty;  /* nothing stands there; its place is its key's */
    bool broken; /* an error was reported already: readers pass it over */
    bool hidden; /* came from !env, !file, !secret or a variable: never shown in a message */
    uint16_t height;
    uint32_t weight; /* nodes in the tree below, itself included, aliases written out */
    struct f2m_place at;
    const char *text; /* scalar, as UTF-8 without NUL inside; never NULL */
    const char *tag;  /* "!env"; NULL = none */
    struct f2m_yaml_item *items;
    size_t len, cap;
};

/* The document, or NULL after an error was reported. `file` and `text` must live as long as the tree.
 * An empty document gives an empty map. */
struct f2m_yaml *f2m_yaml_parse(struct f2m_arena *, struct f2m_report *, const char *file, const char *text, size_t len)
    __attribute__((warn_unused_result));

struct f2m_yaml *f2m_yaml_scalar(struct f2m_arena *, struct f2m_place, const char *text); /* quoted */
struct f2m_yaml *f2m_yaml_collection(struct f2m_arena *, enum f2m_yaml_type, struct f2m_place);
/* Appends; the arrays grow inside the arena. */
void f2m_yaml_add(struct f2m_arena *, struct f2m_yaml *to, const char *key, struct f2m_place key_at,
                  struct f2m_yaml *value);
/* A map's value, or NULL where the key is absent or the node is no map (or NULL). */
struct f2m_yaml *f2m_yaml_get(const struct f2m_yaml *map, const char *key);
struct f2m_yaml_item *f2m_yaml_item(const struct f2m_yaml *map, const char *key);
/* Likewise, but NULL too where the value is null. */
struct f2m_yaml_item *f2m_yaml_given(const struct f2m_yaml *map, const char *key);
/* A map's value where that is a scalar, else NULL. */
const char *f2m_yaml_text(const struct f2m_yaml *map, const char *key);
/* Nothing there: an empty value, or the plain words null and ~. */
bool f2m_yaml_is_null(const struct f2m_yaml *);
/* Reports the second of two equal keys and drops it. */
void f2m_yaml_check_duplicates(struct f2m_report *, struct f2m_yaml *map);
/* `<<: *other`: puts the other map's pairs behind the own ones where their keys are not given. */
void f2m_yaml_merge_keys(struct f2m_arena *, struct f2m_report *, struct f2m_yaml *map);
const char *f2m_yaml_describe(const struct f2m_yaml *); /* "a mapping", "a list", "a text" */

#endif
