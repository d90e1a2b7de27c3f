/* The command line: GNU long options, -c before or after the sub-command (Interface, section 1, clarification 29). */
#ifndef F2M_APP_OPTIONS_H
#define F2M_APP_OPTIONS_H

#include "util/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define F2M_MAX_WORDS 4

struct f2m_options {
    const char *program;
    const char *config_file;
    bool config_given; /* -c: then the file must be there */
    enum f2m_log_level log_level;
    enum f2m_log_format log_format;
    const char *words[F2M_MAX_WORDS]; /* the sub-command and its own words: "outbox", "list" */
    size_t words_len;
    bool json, online;  /* check, doctor, outbox */
    int64_t for_ms;     /* --for; 0 = the sub-command's default */
    const char *device; /* --device */
    const char *mode;   /* control test */
    const char *power_mode;
    const char *setpoint;
    const char *reserve;
    const char *server; /* learn: the broker */
    const char *output; /* learn: a file; NULL = standard output */
    bool help, version;
};

/* 0, or 64 (EX_USAGE) after saying on stderr what is wrong. */
int f2m_options_parse(int argc, char *argv[], struct f2m_options *);
void f2m_options_usage(void); /* on stdout */

#endif
