/* What one load works with. Private to the room. */
#ifndef F2M_CONFIG_LOADER_H
#define F2M_CONFIG_LOADER_H

#include "config/arena.h"
#include "config/load.h"
#include "config/report.h"
#include "config/yaml_tree.h"

struct f2m_loader {
    const struct f2m_config_options *options;
    struct f2m_arena arena;
    struct f2m_report report;
    const char *dir;            /* the configuration's folder: what relative paths in it start from */
    struct f2m_yaml *secrets;   /* secrets.yaml; NULL until the first !secret */
    bool secrets_failed;        /* reported once */
    struct f2m_preset *presets; /* those in use, parsed once (preset.c) */
    size_t preset_nodes;        /* what presets put into the tree so far */
    size_t list_bytes;          /* what lists of structs took so far (table.c) */
};

/* NULL where not set. */
const char *f2m_loader_getenv(const struct f2m_loader *, const char *name);
/* The path, put behind the configuration's folder where it is relative; in the arena. */
const char *f2m_loader_path(struct f2m_loader *, const char *path);
/* A file that holds a secret: regular, at most F2M_MAX_SECRET_BYTES, one newline at its end cut; reports at `at` and
 * gives NULL where it cannot be read or others may write it, warns where others may read it. Symbolic links are
 * followed: container runtimes hand secrets over as links. */
const char *f2m_loader_secret_file(struct f2m_loader *, struct f2m_place at, const char *path);
/* A YAML file as a tree, or NULL after a report at `at`. `secret` as above. */
struct f2m_yaml *f2m_loader_yaml_file(struct f2m_loader *, struct f2m_place at, const char *path, bool secret);

/* tags.c: !env NAME, !file PATH and !secret KEY everywhere below become the text they stand for. May run again. */
void f2m_loader_resolve_tags(struct f2m_loader *, struct f2m_yaml *);
/* environment.c: FLIP2MQTT_<PATH> and FLIP2MQTT_<PATH>_FILE put over the tree (Interface, section 2). */
void f2m_loader_apply_environment(struct f2m_loader *, struct f2m_yaml *root);

#endif
