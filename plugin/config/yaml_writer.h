/* Writes block YAML that our own reader takes back: two blanks per level, texts quoted where they need it. */
#ifndef F2M_CONFIG_YAML_WRITER_H
#define F2M_CONFIG_YAML_WRITER_H

#include "util/strbuf.h"

struct f2m_yaml_writer {
    struct f2m_strbuf *out;
    int indent; /* levels */
    bool item;  /* the next line begins with "- " */
};

void f2m_yaml_write_raw(struct f2m_yaml_writer *, const char *key, const char *value); /* value is YAML already */
void f2m_yaml_write_text(struct f2m_yaml_writer *, const char *key, const char *text);
void f2m_yaml_write_item(struct f2m_yaml_writer *, const char *text); /* "- text" */
void f2m_yaml_write_comment(struct f2m_yaml_writer *, const char *text);
void f2m_yaml_write_open(struct f2m_yaml_writer *, const char *key); /* "key:", and a level deeper */
void f2m_yaml_write_close(struct f2m_yaml_writer *);
/* A text as one scalar, plain where every reader takes it for the same text. */
void f2m_yaml_write_scalar(struct f2m_strbuf *out, const char *text);

#endif
