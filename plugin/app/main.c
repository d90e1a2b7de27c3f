/* flip2mqtt: which sub-command was asked for. The bridge itself is wired in run.c. */
#include "app/command.h"
#include "app/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static int command_version(const struct f2m_options *o)
{
    (void)o;
    puts("flip2mqtt " F2M_VERSION);
    return 0;
}

static const struct command {
    const char *name;
    int (*run)(const struct f2m_options *);
    size_t max_words; /* its own name included */
} commands[] = {
    {"run", f2m_command_run, 1},         {"check", f2m_command_check, 1},   {"config", f2m_command_config, 1},
    {"control", f2m_command_control, 2}, {"doctor", f2m_command_doctor, 1}, {"learn", f2m_command_learn, 1},
    {"outbox", f2m_command_outbox, 2},   {"version", command_version, 1},
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

struct f2m_config *f2m_command_load(const struct f2m_options *o)
{
    struct f2m_findings findings = {0};
    struct f2m_config_options options = {.file = o->config_file, .environ = environ};
    struct f2m_config *config = f2m_config_load(&options, &findings);
    f2m_autostrbuf text;
    f2m_strbuf_init(&text, 0);
    f2m_findings_print(&findings, &text);
    fputs(text.data, stderr);
    f2m_findings_free(&findings);
    return config;
}

int main(int argc, char *argv[])
{
    if (!f2m_process_fill_standard_descriptors())
        return EX_OSERR;
    struct f2m_options options;
    int r = f2m_options_parse(argc, argv, &options);
    if (r != 0)
        return r;
    if (options.help) {
        f2m_options_usage();
        return 0;
    }
    if (options.version)
        return command_version(&options);
    const struct command *command = find_command(options.words_len ? options.words[0] : "run");
    if (!command || options.words_len > command->max_words) {
        fprintf(stderr, "flip2mqtt: unknown command '%s'\nTry 'flip2mqtt --help'.\n",
                options.words[command ? command->max_words : 0]);
        return EX_USAGE;
    }
    /* Under the journal (JOURNAL_STREAM is set by systemd) lines carry no time of their own. */
    f2m_log_init(options.log_level, options.log_format, !getenv("JOURNAL_STREAM"));
    return command->run(&options);
}
