/* flip2mqtt learn: listens to everything on the broker, as a client of its own and without publishing anything, and
 * writes a configuration for the systems that it recognises. */
#include "app/clock.h"
#include "app/command.h"
#include "app/tool.h"
#include "config/recognise.h"
#include "config/url.h"
#include "learn/configuration.h"
#include "learn/report.h"
#include "util/cleanup.h"
#include "util/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define DEFAULT_FOR_MS 600000
#define TURN_MS        250 /* how late an interrupt is noticed */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

/* ---- which broker ---- */

/* Only the broker matters: there may be no configuration yet, or an unfinished one. */
static struct f2m_config *load_broker(const struct f2m_options *o)
{
    bool none = !o->config_given && access(o->config_file, F_OK) != 0;
    struct f2m_config_options options = {
        .file = o->config_file, .text = none ? "" : NULL, .broker_only = true, .environ = environ};
    struct f2m_findings findings = {0};
    struct f2m_config *config = f2m_config_load(&options, &findings);
    f2m_autostrbuf text;
    f2m_strbuf_init(&text, 0);
    f2m_findings_print(&findings, &text);
    fputs(text.data, stderr);
    f2m_findings_free(&findings);
    return config;
}

/* ---- listening ---- */

static void tell_found(void *ctx, const struct f2m_learn_system *system)
{
    f2m_autostrbuf name;
    (void)ctx;
    f2m_strbuf_init(&name, 0);
    f2m_learn_add_name(system, &name);
    fprintf(stderr, "found %s\n", name.data);
}

/* Reconnects come by themselves; each one needs its subscription. Told once per loss. */
static void note_connection(struct tool *tool, const struct f2m_event *event, bool *up)
{
    bool was_up = *up;
    *up = event->type == F2M_EV_MQTT_UP;
    if (*up)
        (void)f2m_mqtt_subscribe(tool->mqtt, "#");
    else if (was_up)
        fprintf(stderr, "connection lost (%s); listening again when the broker is back\n",
                event->down.text ? event->down.text : "no reason given");
}

/* False where the broker refuses to show anything. */
static bool listen(struct tool *tool, struct f2m_survey *survey, int64_t deadline_ms)
{
    struct f2m_event event;
    bool up = true;
    (void)f2m_mqtt_subscribe(tool->mqtt, "#");
    while (!interrupted) {
        int64_t now = f2m_clock_now().mono_ms;
        if (now >= deadline_ms)
            break;
        if (!tool_next(tool, now + TURN_MS < deadline_ms ? now + TURN_MS : deadline_ms, &event))
            continue;
        if (event.type == F2M_EV_MQTT_UP || event.type == F2M_EV_MQTT_DOWN)
            note_connection(tool, &event, &up);
        else if (event.type == F2M_EV_MQTT_MESSAGE)
            f2m_survey_message(survey, &event.message, tell_found, NULL);
        else if (event.type == F2M_EV_MQTT_SUBSCRIBED && event.subscribed.reason >= 0x80)
            return false;
    }
    uint64_t dropped = f2m_inbox_dropped(tool->inbox);
    if (dropped)
        fprintf(stderr, "%llu messages came faster than they were read, and are not counted\n",
                (unsigned long long)dropped);
    return true;
}

/* ---- writing ---- */

/* Never over another file: it may be the configuration that runs, and it holds what nobody can learn. */
static int write_file(const char *path, const struct f2m_strbuf *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    size_t done = 0;
    int r = fd < 0 ? errno : 0;
    while (r == 0 && done < text->len) {
        ssize_t n = write(fd, text->data + done, text->len - done);
        if (n < 0 && errno != EINTR)
            r = errno;
        done += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0 && (fsync(fd) != 0 || close(fd) != 0) && r == 0)
        r = errno;
    if (r == 0)
        return 0;
    fprintf(stderr, "flip2mqtt: learn: %s: %s\n", path, strerror(r));
    return EX_IOERR;
}

static int write_out(const struct f2m_options *o, const struct f2m_strbuf *text)
{
    if (o->output)
        return write_file(o->output, text);
    return fputs(text->data, stdout) == EOF || fflush(stdout) != 0 ? EX_IOERR : 0;
}

static int conclude(const struct f2m_options *o, const struct f2m_config *config, struct f2m_survey *survey,
                    int64_t listened_ms)
{
    f2m_autostrbuf report, configuration;
    f2m_strbuf_init(&report, 0);
    f2m_strbuf_init(&configuration, 0);
    size_t n = f2m_learn_report(survey, &report);
    fputs(report.data, stderr);
    if (f2m_learn_write_configuration(survey, &config->mqtt, listened_ms, &configuration) == 0)
        return EX_UNAVAILABLE;
    int r = write_out(o, &configuration);
    if (r == 0)
        fprintf(stderr,
                "\n%zu device%s written to %s; fill in what says FILL IN, then: flip2mqtt check, flip2mqtt doctor\n", n,
                n == 1 ? "" : "s", o->output ? o->output : "standard output");
    return r;
}

static int survey_broker(const struct f2m_options *o, const struct f2m_config *config, struct tool *tool,
                         const struct f2m_recognise *recognise)
{
    int64_t for_ms = o->for_ms ? o->for_ms : DEFAULT_FOR_MS, begun = f2m_clock_now().mono_ms;
    struct f2m_survey *survey = f2m_survey_new(recognise, config->mqtt.base_topic);
    fprintf(stderr, "Listening to %s:%d for %lld s; Ctrl-C ends it earlier and writes what is known by then.\n",
            config->mqtt.host, config->mqtt.port, (long long)(for_ms / 1000));
    int r = EX_UNAVAILABLE;
    if (listen(tool, survey, begun + for_ms))
        r = conclude(o, config, survey, f2m_clock_now().mono_ms - begun);
    else
        fputs("flip2mqtt: learn: the broker refuses the subscription to #: give its user the right to read everything, "
              "or name another user with --server\n",
              stderr);
    f2m_survey_free(survey);
    return r;
}

static int connect_and_survey(const struct f2m_options *o, const struct f2m_config *config)
{
    struct tool tool = {0};
    struct f2m_err err;
    struct f2m_findings findings;
    int r = tool_open(&tool, config, "learn", &err);
    if (r == 0)
        r = tool_connect(&tool, &err);
    if (r != 0) {
        fprintf(stderr, "flip2mqtt: learn: broker %s:%d: %s\n", config->mqtt.host, config->mqtt.port, err.text);
        if (tool.mqtt)
            tool_close(&tool);
        return EX_UNAVAILABLE;
    }
    const char *slash = strrchr(o->config_file, '/');
    f2m_autofree char *folder =
        slash ? f2m_xmemdup0(o->config_file, (size_t)(slash - o->config_file)) : f2m_xstrdup(".");
    struct f2m_recognise *recognise = f2m_recognise_load(folder, &findings);
    f2m_autostrbuf said;
    f2m_strbuf_init(&said, 0);
    f2m_findings_print(&findings, &said);
    f2m_findings_free(&findings);
    fputs(said.data, stderr);
    r = survey_broker(o, config, &tool, recognise);
    f2m_recognise_free(recognise);
    tool_close(&tool);
    return r;
}

int f2m_command_learn(const struct f2m_options *o)
{
    struct f2m_err err;
    if (o->output && access(o->output, F_OK) == 0) {
        fprintf(stderr, "flip2mqtt: learn: --output: %s is there already, expected a new file\n", o->output);
        return EX_IOERR;
    }
    struct f2m_config *config = load_broker(o);
    if (!config)
        return EX_CONFIG;
    if (o->server && f2m_url_parse_server(o->server, &config->mqtt, &err) != 0) {
        fprintf(stderr, "flip2mqtt: --server: %s\n", err.text);
        f2m_config_free(config);
        return EX_USAGE;
    }
    struct sigaction action = {.sa_handler = on_interrupt};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    int r = connect_and_survey(o, config);
    f2m_config_free(config);
    return r;
}
