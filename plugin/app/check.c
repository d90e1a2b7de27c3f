#include "app/command.h"

#include <stdio.h>
#include <sysexits.h>

extern char **environ;

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
    if (config && !o->json)
        printf("%s: valid\n", o->config_file);
    int r = config ? 0 : EX_CONFIG;
    f2m_config_free(config);
    f2m_findings_free(&findings);
    return r;
}
