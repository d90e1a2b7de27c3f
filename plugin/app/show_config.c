#include "app/command.h"

#include <stdio.h>
#include <sysexits.h>

int f2m_command_config(const struct f2m_options *o)
{
    struct f2m_config *config = f2m_command_load(o);
    if (!config)
        return EX_CONFIG;
    f2m_autostrbuf text;
    f2m_strbuf_init(&text, 0);
    f2m_config_print(config, &text);
    fputs(text.data, stdout);
    f2m_config_free(config);
    return 0;
}
