#include "case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIXTURES F2M_SOURCE_DIR "/tests/fixtures/"

bool case_read(const char *folder, const char *name, const char *suffix, struct f2m_strbuf *out)
{
    char path[1024], chunk[4096];

    snprintf(path, sizeof path, FIXTURES "%s/%s%s", folder, name, suffix);
    FILE *f = fopen(path, "r");
    if (!f)
        return false;
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        f2m_strbuf_add(out, chunk, n);
    fclose(f);
    return true;
}

struct f2m_config *case_load(const char *name, struct f2m_strbuf *told)
{
    char path[1024];
    struct f2m_findings findings = {0};

    snprintf(path, sizeof path, FIXTURES "presets/%s.yaml", name);
    struct f2m_config *config = f2m_config_load(&(struct f2m_config_options){.file = path}, &findings);
    f2m_findings_print(&findings, told);
    f2m_findings_free(&findings);
    return config;
}

bool case_is_golden(const char *name, const char *suffix, const char *text)
{
    f2m_autostrbuf golden;
    char path[1024];

    snprintf(path, sizeof path, FIXTURES "presets/%s%s", name, suffix);
    if (getenv("F2M_UPDATE_GOLDEN")) {
        FILE *f = fopen(path, "w");
        if (f) {
            fputs(text, f);
            fclose(f);
        }
    }
    f2m_strbuf_init(&golden, 0);
    return case_read("presets", name, suffix, &golden) && strcmp(golden.data, text) == 0;
}
