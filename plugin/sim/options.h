/* The command line of flip-sim. */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct sim_options {
    char *host; /* owned; numeric or a name */
    const char *port;
    const char *port_file, *seed_file; /* borrowed from argv, NULL = none */
    const char *token;
    const char *webhook_url, *webhook_secret;
    int64_t site_token_ttl_s;
    int64_t enrollment_delay_s; /* negative: only the control interface approves */
    int64_t acknowledge_s;      /* the 15-minute rule */
    int64_t webhook_retry_s;
    int64_t keep_points;
    bool auto_register;
    bool quiet;
};

/* Fills the options. Returns -1 to go on, else the exit code (help and version print to stdout, errors to stderr). */
int sim_options_parse(struct sim_options *, int argc, char **argv);
void sim_options_deinit(struct sim_options *);

#endif
