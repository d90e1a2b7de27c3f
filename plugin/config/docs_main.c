/* f2m-config-docs reference|schema|presets: writes docs/configuration.md, the JSON Schema or docs/presets.md to stdout.
 * A tool of the build. */
#include "config/load.h"
#include "config/preset.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

int main(int argc, char **argv)
{
    f2m_autostrbuf out = {0};

    f2m_strbuf_init(&out, 0);
    if (argc == 2 && strcmp(argv[1], "reference") == 0)
        f2m_config_write_reference(&out);
    else if (argc == 2 && strcmp(argv[1], "schema") == 0)
        f2m_config_write_schema(&out);
    else if (argc == 2 && strcmp(argv[1], "presets") == 0)
        f2m_presets_write_reference(&out);
    else {
        fprintf(stderr, "usage: f2m-config-docs reference|schema|presets\n");
        return EX_USAGE;
    }
    return fwrite(out.data, 1, out.len, stdout) == out.len && fflush(stdout) == 0 ? 0 : EX_IOERR;
}
