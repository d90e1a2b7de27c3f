#include "sim/options.h"

#include "sim/limits.h"
#include "util/number.h"
#include "util/xalloc.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static const char usage[] =
    "Usage: flip-sim [OPTION]...\n"
    "A stand-in for Flip's cloud: speaks the whole API, keeps its state in memory.\n"
    "\n"
    "  --listen HOST:PORT       where to listen (default 127.0.0.1:8080; port 0 = any free one)\n"
    "  --port-file FILE         write the bound port to FILE\n"
    "  --token TOKEN            the client token (default sim-client-token)\n"
    "  --site-token-ttl S       seconds that a site token is valid (default 3600)\n"
    "  --webhook-url URL        where webhooks go (default: nowhere)\n"
    "  --webhook-secret KEY     signing key, whsec_ and base64\n"
    "  --webhook-retry S        seconds between re-deliveries (default 5)\n"
    "  --seed-file FILE         JSON: sites, devices, programs, events, commands to begin with\n"
    "  --auto-register          unknown devices become known with their first telemetry\n"
    "  --enrollment-delay S     seconds from PENDING to ACTIVE (default 10; -1 = only by /sim/enrollment)\n"
    "  --ack-timeout S          seconds until an unacknowledged command counts as failed (default 900)\n"
    "  --keep-points N          points to remember (default 1000000); older ones are only counted\n"
    "  --quiet                  no line per request\n"
    "  --help, --version\n";

enum { LISTEN = 256, PORT_FILE, TOKEN, TTL, URL, SECRET, RETRY, SEED, AUTO, DELAY, ACK, KEEP, QUIET, HELP, VERSION };

static const struct option long_options[] = {
    {"listen", required_argument, NULL, LISTEN},
    {"port-file", required_argument, NULL, PORT_FILE},
    {"token", required_argument, NULL, TOKEN},
    {"site-token-ttl", required_argument, NULL, TTL},
    {"webhook-url", required_argument, NULL, URL},
    {"webhook-secret", required_argument, NULL, SECRET},
    {"webhook-retry", required_argument, NULL, RETRY},
    {"seed-file", required_argument, NULL, SEED},
    {"auto-register", no_argument, NULL, AUTO},
    {"enrollment-delay", required_argument, NULL, DELAY},
    {"ack-timeout", required_argument, NULL, ACK},
    {"keep-points", required_argument, NULL, KEEP},
    {"quiet", no_argument, NULL, QUIET},
    {"help", no_argument, NULL, HELP},
    {"version", no_argument, NULL, VERSION},
    {0},
};

static bool set_listen(struct sim_options *options, const char *text)
{
    const char *colon = strrchr(text, ':');
    int64_t port;
    if (!colon || colon == text || !f2m_integer_parse(f2m_slice_of(colon + 1), 0, 65535, &port))
        return false;
    size_t len = (size_t)(colon - text);
    bool bracketed = len > 2 && text[0] == '[' && text[len - 1] == ']';
    free(options->host);
    options->host = bracketed ? f2m_xmemdup0(text + 1, len - 2) : f2m_xmemdup0(text, len);
    options->port = colon + 1;
    return true;
}

/* The texts and switches; false for an option that is a number. */
static bool set_text(struct sim_options *options, int option, const char *value)
{
    switch (option) {
    case PORT_FILE: options->port_file = value; return true;
    case TOKEN: options->token = value; return true;
    case URL: options->webhook_url = value; return true;
    case SECRET: options->webhook_secret = value; return true;
    case SEED: options->seed_file = value; return true;
    case AUTO: options->auto_register = true; return true;
    case QUIET: options->quiet = true; return true;
    default: return false;
    }
}

static bool set_number(struct sim_options *options, int option, const char *value)
{
    const struct f2m_slice text = f2m_slice_of(value);
    const int64_t day = 86400;
    switch (option) {
    case TTL: return f2m_integer_parse(text, 1, 365 * day, &options->site_token_ttl_s);
    case RETRY: return f2m_integer_parse(text, 0, day, &options->webhook_retry_s);
    case DELAY: return f2m_integer_parse(text, -1, 365 * day, &options->enrollment_delay_s);
    case ACK: return f2m_integer_parse(text, 1, 365 * day, &options->acknowledge_s);
    case KEEP: return f2m_integer_parse(text, 1, SIM_MAX_KEPT_POINTS, &options->keep_points);
    default: return false;
    }
}

static const char *option_name(int option)
{
    for (const struct option *o = long_options; o->name; o++) {
        if (o->val == option)
            return o->name;
    }
    return "?";
}

static int apply(struct sim_options *options, int option, const char *value)
{
    if (option == HELP || option == VERSION) {
        fputs(option == HELP ? usage : "flip-sim " F2M_VERSION "\n", stdout);
        return EX_OK;
    }
    if (option == '?')
        return EX_USAGE;
    bool good = option == LISTEN ? set_listen(options, value)
                                 : set_text(options, option, value) || set_number(options, option, value);
    if (good)
        return -1;
    fprintf(stderr, "flip-sim: --%s: '%s' is not possible; see --help\n", option_name(option), value);
    return EX_USAGE;
}

int sim_options_parse(struct sim_options *options, int argc, char **argv)
{
    *options = (struct sim_options){
        .host = f2m_xstrdup("127.0.0.1"),
        .port = "8080",
        .token = "sim-client-token",
        .site_token_ttl_s = 3600,
        .enrollment_delay_s = 10,
        .acknowledge_s = 900,
        .webhook_retry_s = 5,
        .keep_points = 1000000,
    };
    int option;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        int rc = apply(options, option, optarg);
        if (rc >= 0)
            return rc;
    }
    if (optind < argc) {
        fprintf(stderr, "flip-sim: unexpected argument '%s'; see --help\n", argv[optind]);
        return EX_USAGE;
    }
    return -1;
}

void sim_options_deinit(struct sim_options *options)
{
    free(options->host);
    options->host = NULL;
}
