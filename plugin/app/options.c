#include "app/options.h"

#include "util/unit.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum {
    OPT_LOG_LEVEL = 256,
    OPT_LOG_FORMAT,
    OPT_HELP,
    OPT_VERSION,
    OPT_JSON,
    OPT_ONLINE,
    OPT_FOR,
    OPT_DEVICE,
    OPT_MODE,
    OPT_POWER_MODE,
    OPT_SETPOINT,
    OPT_RESERVE,
    OPT_SERVER,
    OPT_OUTPUT,
};

#define MOST_FOR_MS (366 * 86400e3)

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"log-level", required_argument, NULL, OPT_LOG_LEVEL},
    {"log-format", required_argument, NULL, OPT_LOG_FORMAT},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {"json", no_argument, NULL, OPT_JSON},
    {"online", no_argument, NULL, OPT_ONLINE},
    {"for", required_argument, NULL, OPT_FOR},
    {"device", required_argument, NULL, OPT_DEVICE},
    {"mode", required_argument, NULL, OPT_MODE},
    {"power-mode", required_argument, NULL, OPT_POWER_MODE},
    {"setpoint", required_argument, NULL, OPT_SETPOINT},
    {"reserve", required_argument, NULL, OPT_RESERVE},
    {"server", required_argument, NULL, OPT_SERVER},
    {"output", required_argument, NULL, OPT_OUTPUT},
    {NULL, 0, NULL, 0},
};

void f2m_options_usage(void)
{
    fputs("Usage: flip2mqtt [-c FILE] [COMMAND] [OPTION]…\n"
          "Bridge between batteries that speak MQTT and Flip's virtual power plant.\n"
          "\n"
          "Commands:\n"
          "  run                 the bridge, in the foreground (default)\n"
          "  check               validate the configuration; --online also tries broker, token and topics\n"
          "  config              show the effective configuration, secrets as ***\n"
          "  doctor              listen on the broker and say, per source, what was seen and what is wrong\n"
          "  control test        rehearse a command on the battery, without Flip\n"
          "  learn               recognise the systems on the broker and write a configuration for them\n"
          "  outbox list|stats|retry|drop\n"
          "                      what waits for Flip, and what Flip rejected and why\n"
          "  version             show the version\n"
          "\n"
          "Options:\n"
          "  -c, --config FILE   configuration (default /etc/flip2mqtt/configuration.yaml)\n"
          "      --log-level error|warn|info|debug\n"
          "      --log-format text|json\n"
          "      --json          check, doctor, outbox: for machines\n"
          "      --online        check: try the broker, the token and the topics\n"
          "      --for TIME      doctor, learn, check --online, control test: how long (60s, 10min)\n"
          "      --device ID     control test, outbox: which device\n"
          "      --mode MODE     control test: BACKUP, CHARGE, DISCHARGE, SAVINGS, SELF_CONSUMPTION or STANDBY\n"
          "      --power-mode FOLLOW_LOAD|SETPOINT, --setpoint '2 kW', --reserve '20 %'\n"
          "                      control test: as Flip would command\n"
          "      --server URL    learn: the broker, mqtt://[user:password@]host[:port], over the configuration's\n"
          "      --output FILE   learn: where to write, a new file (default: standard output)\n"
          "      --help, --version\n"
          "\n"
          "Exit codes: 0 done, 64 usage, 69 unavailable, 74 input/output, 75 database in use, 78 configuration.\n"
          "Manual: flip2mqtt(1).\n",
          stdout);
}

static int bad(const char *option, const char *value, const char *expected)
{
    fprintf(stderr, "flip2mqtt: --%s: expected %s, found '%s'\n", option, expected, value);
    return EX_USAGE;
}

static int take_option(struct f2m_options *o, int option, const char *value)
{
    double number;
    switch (option) {
    case 'c':
        o->config_file = value;
        o->config_given = true;
        return 0;
    case OPT_LOG_LEVEL:
        return f2m_log_level_parse(value, &o->log_level) ? 0 : bad("log-level", value, "error, warn, info or debug");
    case OPT_LOG_FORMAT:
        if (strcmp(value, "text") != 0 && strcmp(value, "json") != 0)
            return bad("log-format", value, "text or json");
        o->log_format = value[0] == 'j' ? F2M_LOG_JSON : F2M_LOG_TEXT;
        return 0;
    case OPT_FOR:
        if (!f2m_quantity_parse(f2m_slice_of(value), F2M_QUANTITY_DURATION, &number) || number < 1000 ||
            number > MOST_FOR_MS)
            return bad("for", value, "a duration from 1s to 366d, such as 60s or 10min");
        o->for_ms = (int64_t)number;
        return 0;
    case OPT_HELP: o->help = true; return 0;
    case OPT_VERSION: o->version = true; return 0;
    case OPT_JSON: o->json = true; return 0;
    case OPT_ONLINE: o->online = true; return 0;
    case OPT_DEVICE: o->device = value; return 0;
    case OPT_MODE: o->mode = value; return 0;
    case OPT_POWER_MODE: o->power_mode = value; return 0;
    case OPT_SETPOINT: o->setpoint = value; return 0;
    case OPT_RESERVE: o->reserve = value; return 0;
    case OPT_SERVER: o->server = value; return 0;
    case OPT_OUTPUT: o->output = value; return 0;
    default: return EX_USAGE; /* getopt_long has said what is wrong */
    }
}

int f2m_options_parse(int argc, char *argv[], struct f2m_options *o)
{
    *o = (struct f2m_options){
        .program = argv[0],
        .config_file = "/etc/flip2mqtt/configuration.yaml",
        .log_level = F2M_LOG_INFO,
        .log_format = F2M_LOG_TEXT,
    };
    int option;
    while ((option = getopt_long(argc, argv, "c:", long_options, NULL)) != -1) {
        int r = take_option(o, option, optarg);
        if (r != 0) {
            fputs("Try 'flip2mqtt --help'.\n", stderr);
            return r;
        }
    }
    for (; optind < argc; optind++) {
        if (o->words_len == F2M_MAX_WORDS) {
            fprintf(stderr, "flip2mqtt: unexpected '%s'\nTry 'flip2mqtt --help'.\n", argv[optind]);
            return EX_USAGE;
        }
        o->words[o->words_len++] = argv[optind];
    }
    return 0;
}
