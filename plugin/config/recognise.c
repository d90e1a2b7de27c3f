/* Which presets there are to be recognised: a user's own, then what is built in. */
#include "config/file.h"
#include "config/preset.h"
#include "config/recognise_rules.h"
#include "util/limits.h"
#include "util/xalloc.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

struct f2m_recognise {
    struct f2m_arena arena;
    struct f2m_recognise_preset *first;
};

static bool is_known(const struct f2m_recognise *r, const char *name)
{
    for (const struct f2m_recognise_preset *p = r->first; p; p = p->next)
        if (strcmp(p->name, name) == 0)
            return true;
    return false;
}

static void add_text(struct f2m_recognise *r, struct f2m_report *report, const char *name, const char *file,
                     struct f2m_slice text)
{
    f2m_report_add_text(report, file, text.at, text.len);
    const struct f2m_yaml *root = f2m_yaml_parse(&r->arena, report, file, text.at, text.len);
    struct f2m_recognise_preset *preset = root ? f2m_recognise_compile(&r->arena, report, name, root) : NULL;

    if (!preset)
        return;
    preset->next = r->first;
    r->first = preset;
}

static void add_file(struct f2m_recognise *r, struct f2m_report *report, const char *dir, const char *entry)
{
    const char *file = f2m_arena_printf(&r->arena, "%s/%s", dir, entry);
    struct f2m_slice text;
    struct f2m_err err;

    if (f2m_file_read(&r->arena, file, F2M_MAX_CONFIG_BYTES, &text, NULL, &err) < 0)
        f2m_report_error(report, (struct f2m_place){file, 0, 0}, "%s", err.text);
    else
        add_text(r, report, f2m_arena_copy(&r->arena, entry, strlen(entry) - strlen(".yaml")), file, text);
}

static int is_preset(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');

    return dot && dot != entry->d_name && strcmp(dot, ".yaml") == 0;
}

static void add_own(struct f2m_recognise *r, struct f2m_report *report, const char *folder)
{
    const char *dir = f2m_arena_printf(&r->arena, "%s/presets", folder);
    struct dirent **entries = NULL;
    int n = scandir(dir, &entries, is_preset, alphasort);

    for (int i = 0; i < n; i++) {
        add_file(r, report, dir, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

struct f2m_recognise *f2m_recognise_load(const char *folder, struct f2m_findings *findings)
{
    struct f2m_recognise *r = f2m_xcalloc(1, sizeof *r);
    struct f2m_report report = {.out = findings, .arena = &r->arena};

    *findings = (struct f2m_findings){NULL, 0};
    if (folder)
        add_own(r, &report, folder);
    for (const struct f2m_preset_text *preset = f2m_preset_texts; preset->name; preset++)
        if (!is_known(r, preset->name))
            add_text(r, &report, preset->name, f2m_arena_printf(&r->arena, "presets/%s.yaml", preset->name),
                     f2m_slice_of(preset->text));
    f2m_report_finish(&report);
    return r;
}

void f2m_recognise_free(struct f2m_recognise *r)
{
    if (!r)
        return;
    f2m_arena_deinit(&r->arena);
    free(r);
}

const struct f2m_recognise_preset *f2m_recognise_presets(const struct f2m_recognise *r)
{
    return r->first;
}
