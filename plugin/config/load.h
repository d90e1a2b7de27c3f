/* Reading the configuration: YAML tree -> presets merged -> declarative table -> struct f2m_config, with every error at
 * its place. The one part of the pure rooms that reads files (the configuration itself, secrets, presets). */
#ifndef F2M_CONFIG_LOAD_H
#define F2M_CONFIG_LOAD_H

#include "config/config.h"
#include "util/strbuf.h"

struct f2m_config_options {
    const char *file;       /* configuration.yaml */
    const char *text;       /* what to read in place of the file; NULL = the file */
    bool broker_only;       /* only `mqtt` is read: the rest may be unfinished, and is not in the result */
    const char *preset_dir; /* where shipped presets lie; NULL = embedded, then relative to the program */
    char *const *environ;   /* for !env and FLIP2MQTT_…; NULL = none */
};

enum f2m_severity {
    F2M_CONFIG_ERROR,
    F2M_CONFIG_WARNING,
};

/* One finding; line and col from 1 (0 = the file as a whole). */
struct f2m_finding {
    enum f2m_severity severity;
    char *file;
    int line, col;
    int caret;         /* the column in source_line: secrets masked before it have moved it */
    char *message;     /* "expected a duration such as 5min, found '5'" */
    char *source_line; /* the text of that line, for the caret; NULL where unreadable; secrets masked */
};

struct f2m_findings {
    struct f2m_finding *list;
    size_t len; /* ≤ F2M_MAX_CONFIG_ERRORS; the last says how many more */
};

void f2m_findings_free(struct f2m_findings *);
bool f2m_findings_any_error(const struct f2m_findings *);
/* "FILE:LINE:COL: error: MESSAGE", the source line, a caret; or a JSON array. */
void f2m_findings_print(const struct f2m_findings *, struct f2m_strbuf *out);
void f2m_findings_print_json(const struct f2m_findings *, struct f2m_strbuf *out);

/* The configuration, or NULL where there is any error (all of them are in findings). Warnings may come with success. */
struct f2m_config *f2m_config_load(const struct f2m_config_options *, struct f2m_findings *)
    __attribute__((warn_unused_result));

/* The effective configuration as YAML that loads again, defaults filled in, secrets as "***". */
void f2m_config_print(const struct f2m_config *, struct f2m_strbuf *out);
/* From the same table: docs/configuration.md, and the JSON Schema for editors. */
void f2m_config_write_reference(struct f2m_strbuf *out);
void f2m_config_write_schema(struct f2m_strbuf *out);

#endif
