/* f2m-entities: writes docs/home-assistant-entities.md to stdout. A tool of the build. */
#include "homeassistant/reference.h"

#include <stdio.h>
#include <sysexits.h>

int main(void)
{
    f2m_autostrbuf out = {0};

    f2m_strbuf_init(&out, 0);
    f2m_ha_write_reference(&out);
    return fwrite(out.data, 1, out.len, stdout) == out.len && fflush(stdout) == 0 ? 0 : EX_IOERR;
}
