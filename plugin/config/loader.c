#include "config/loader.h"

#include "config/file.h"
#include "util/limits.h"
#include "util/utf8.h"

#include <string.h>
#include <sys/stat.h>

const char *f2m_loader_getenv(const struct f2m_loader *loader, const char *name)
{
    size_t len = strlen(name);

    for (char *const *e = loader->options->environ; e && *e; e++)
        if (strncmp(*e, name, len) == 0 && (*e)[len] == '=')
            return *e + len + 1;
    return NULL;
}

const char *f2m_loader_path(struct f2m_loader *loader, const char *path)
{
    if (*path == '/' || strcmp(loader->dir, ".") == 0)
        return f2m_arena_copy(&loader->arena, path, strlen(path));
    return f2m_arena_printf(&loader->arena, "%s/%s", loader->dir, path);
}

/* Interface, clarification 42. */
static bool check_mode(struct f2m_loader *loader, struct f2m_place at, const char *path, mode_t mode)
{
    if (mode & (S_IWGRP | S_IWOTH)) {
        f2m_report_error(&loader->report, at,
                         "%.300s: expected a file that only its owner may write, found mode %04o (chmod go-w)", path,
                         (unsigned)(mode & 07777));
        return false;
    }
    if (mode & S_IROTH)
        f2m_report_warning(&loader->report, at, "%.300s: everybody may read this secret, mode %04o (chmod o-r)", path,
                           (unsigned)(mode & 07777));
    return true;
}

const char *f2m_loader_secret_file(struct f2m_loader *loader, struct f2m_place at, const char *path)
{
    const char *full = f2m_loader_path(loader, path);
    struct f2m_slice text;
    struct f2m_err err;
    mode_t mode;

    if (f2m_file_read(&loader->arena, full, F2M_MAX_SECRET_BYTES, &text, &mode, &err) < 0) {
        f2m_report_error(&loader->report, at, "%.300s: %s", full, err.text);
        return NULL;
    }
    if (!check_mode(loader, at, full, mode))
        return NULL;
    if (text.len && text.at[text.len - 1] == '\n')
        text.len -= text.len > 1 && text.at[text.len - 2] == '\r' ? 2 : 1;
    if (text.len && (memchr(text.at, '\0', text.len) || !f2m_utf8_valid(text.at, text.len))) {
        f2m_report_error(&loader->report, at, "%.300s: expected UTF-8 text without NUL, found other bytes", full);
        return NULL;
    }
    return f2m_arena_copy(&loader->arena, text.at, text.len);
}

struct f2m_yaml *f2m_loader_yaml_file(struct f2m_loader *loader, struct f2m_place at, const char *path, bool secret)
{
    struct f2m_slice text;
    struct f2m_err err;
    mode_t mode;

    if (f2m_file_read(&loader->arena, path, F2M_MAX_CONFIG_BYTES, &text, &mode, &err) < 0) {
        f2m_report_error(&loader->report, at, "%s%.300s%s", strcmp(at.file, path) ? path : "",
                         strcmp(at.file, path) ? ": " : "", err.text);
        return NULL;
    }
    if (secret && !check_mode(loader, at, path, mode))
        return NULL;
    if (text.len >= 3 && memcmp(text.at, "\xEF\xBB\xBF", 3) == 0)
        text = (struct f2m_slice){text.at + 3, text.len - 3};
    if (!secret)
        f2m_report_add_text(&loader->report, path, text.at, text.len);
    return f2m_yaml_parse(&loader->arena, &loader->report, path, text.at, text.len);
}
