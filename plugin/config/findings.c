/* How findings look to people and to machines. Interface, section 1: check. */
#include "config/load.h"
#include "util/json_writer.h"
#include "util/utf8.h"

#include <stdlib.h>

void f2m_findings_free(struct f2m_findings *findings)
{
    for (size_t i = 0; i < findings->len; i++) {
        struct f2m_finding *finding = &findings->list[i];
        free(finding->file);
        free(finding->message);
        free(finding->source_line);
    }
    free(findings->list);
    *findings = (struct f2m_findings){NULL, 0};
}

bool f2m_findings_any_error(const struct f2m_findings *findings)
{
    for (size_t i = 0; i < findings->len; i++)
        if (findings->list[i].severity == F2M_CONFIG_ERROR)
            return true;
    return false;
}

static const char *severity_name(enum f2m_severity severity)
{
    return severity == F2M_CONFIG_ERROR ? "error" : "warning";
}

/* A finding about the file as a whole stands at its beginning, so that every line has the same shape. */
static int from_one(int n)
{
    return n < 1 ? 1 : n;
}

void f2m_findings_print(const struct f2m_findings *findings, struct f2m_strbuf *out)
{
    for (size_t i = 0; i < findings->len; i++) {
        const struct f2m_finding *f = &findings->list[i];
        f2m_strbuf_addf(out, "%s:%d:%d: %s: %s\n", f->file, from_one(f->line), from_one(f->col),
                        severity_name(f->severity), f->message);
        if (!f->source_line)
            continue;
        f2m_strbuf_addf(out, "%s\n", f->source_line);
        for (int col = 1; col < f->caret; col++)
            f2m_strbuf_addc(out, ' ');
        f2m_strbuf_adds(out, "^\n");
    }
}

void f2m_findings_print_json(const struct f2m_findings *findings, struct f2m_strbuf *out)
{
    struct f2m_jw w = f2m_jw(out);

    f2m_jw_array(&w, NULL);
    for (size_t i = 0; i < findings->len; i++) {
        const struct f2m_finding *f = &findings->list[i];
        f2m_jw_object(&w, NULL);
        f2m_jw_string(&w, "severity", severity_name(f->severity));
        f2m_jw_string(&w, "file", f->file);
        f2m_jw_integer(&w, "line", from_one(f->line));
        f2m_jw_integer(&w, "column", from_one(f->col));
        f2m_jw_string(&w, "message", f->message);
        f2m_jw_string(&w, "source_line", f->source_line);
        f2m_jw_end(&w);
    }
    f2m_jw_end(&w);
    f2m_strbuf_addc(out, '\n');
}
