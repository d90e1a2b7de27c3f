/* flip2mqtt check: validates and exits, without side effects; --online also tries the broker, the token, the topics. */
#include "app/clock.h"
#include "app/command.h"
#include "app/listen.h"
#include "app/probe.h"
#include "app/tool.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define DEFAULT_FOR_MS 10000

extern char **environ;

static void show_leaf(const struct listen_source *s, size_t i)
{
    const struct listen_leaf *leaf = &s->leaves[i];

    for (size_t former = 0; former < i; former++)
        if (s->leaves[former].filter && strcmp(s->leaves[former].filter, leaf->filter) == 0)
            return; /* told once, whatever reads it */
    printf("topic   %-10s %s (%s of %s)\n",
           leaf->refused    ? "refused"
           : leaf->messages ? "seen"
                            : "not seen",
           leaf->filter, s->name, s->device->id);
}

/* Silent topics are told, but no error: some integrations publish once in minutes. */
static void show_topics(const struct listen *l)
{
    for (size_t s = 0; s < l->sources_len; s++)
        for (size_t i = 0; i < l->sources[s].leaves_len; i++)
            if (l->sources[s].leaves[i].filter)
                show_leaf(&l->sources[s], i);
}

static int try_broker(const struct f2m_options *o, const struct f2m_config *config)
{
    struct tool tool = {0};
    struct f2m_err err;
    int r = tool_open(&tool, config, "check", &err);
    if (r == 0)
        r = tool_connect(&tool, &err);
    printf("broker  %s:%d: %s\n", config->mqtt.host, config->mqtt.port, r == 0 ? "connected" : err.text);
    if (r == 0) {
        struct listen l;
        listen_open(&l, config);
        listen_run(&l, &tool, f2m_clock_now().mono_ms + (o->for_ms ? o->for_ms : DEFAULT_FOR_MS), true);
        show_topics(&l);
        listen_close(&l);
    }
    if (tool.mqtt)
        tool_close(&tool);
    return r == 0 ? 0 : EX_UNAVAILABLE;
}

static int try_online(const struct f2m_options *o, const struct f2m_config *config)
{
    struct f2m_err err;
    int flip = probe_flip(config, &err);
    printf("flip    %s: %s\n", config->flip.base_url, err.text);
    (void)fflush(stdout);
    int broker = try_broker(o, config);
    return flip == 0 ? broker : EX_UNAVAILABLE;
}

int f2m_command_check(const struct f2m_options *o)
{
    struct f2m_findings findings = {0};
    struct f2m_config_options options = {.file = o->config_file, .environ = environ};
    struct f2m_config *config = f2m_config_load(&options, &findings);
    f2m_autostrbuf text;
    f2m_strbuf_init(&text, 0);
    if (o->json)
        f2m_findings_print_json(&findings, &text);
    else
        f2m_findings_print(&findings, &text);
    fputs(text.data, o->json ? stdout : stderr);
    f2m_findings_free(&findings);
    if (!config)
        return EX_CONFIG;
    if (!o->json)
        printf("%s: valid\n", o->config_file);
    int r = o->online ? try_online(o, config) : 0;
    f2m_config_free(config);
    return r;
}
