#include "config/report.h"

#include "config/mask.h"
#include "config/url.h"
#include "util/limits.h"
#include "util/utf8.h"
#include "util/xalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_BYTES     2000
#define MASKED_SECRETS    64  /* looked for in quoted lines; what stands behind a key such as token is hidden anyway */
#define SOURCE_LINE_BYTES 400 /* more would only scroll the caret away */

/* Findings of environment variables stand at the configuration as a whole and begin with the variable's name. */
static bool is_variable(struct f2m_place at)
{
    return at.line == 0 && strncmp(at.file, "FLIP2MQTT_", 10) == 0;
}

/* One line, whatever a value holds: controls become blanks. */
__attribute__((format(printf, 2, 0))) __attribute__((format(printf, 2, 0))) static char *
make_message(struct f2m_place at, const char *fmt, va_list args)
{
    char text[MESSAGE_BYTES];
    size_t len = 0;

    if (is_variable(at))
        len = (size_t)snprintf(text, sizeof text, "%.200s: ", at.file);
    int more = vsnprintf(text + len, sizeof text - len, fmt, args);
    bool clipped = more >= (int)(sizeof text - len);
    len = strlen(text);
    if (clipped)
        len = f2m_utf8_clip(text, len - 1);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = ' ';
    return f2m_xmemdup0(text, len);
}

/* One place is kept for the line that says how many more there are. */
bool f2m_report_full(const struct f2m_report *report)
{
    return report->out->len >= F2M_MAX_CONFIG_ERRORS - 1;
}

__attribute__((format(printf, 4, 0))) static void add(struct f2m_report *report, enum f2m_severity severity,
                                                      struct f2m_place at, const char *fmt, va_list args)
{
    struct f2m_findings *out = report->out;

    if (severity == F2M_CONFIG_ERROR)
        report->errors++;
    if (f2m_report_full(report)) {
        report->dropped++;
        return;
    }
    out->list = f2m_xreallocarray(out->list, out->len + 1, sizeof *out->list);
    struct f2m_finding *finding = &out->list[out->len++];
    *finding = (struct f2m_finding){
        .severity = severity,
        .file = f2m_xstrdup(is_variable(at) ? report->file : at.file),
        .line = at.line,
        .col = at.col,
    };
    finding->message = make_message(at, fmt, args);
}

void f2m_report_error(struct f2m_report *report, struct f2m_place at, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add(report, F2M_CONFIG_ERROR, at, fmt, args);
    va_end(args);
}

void f2m_report_warning(struct f2m_report *report, struct f2m_place at, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add(report, F2M_CONFIG_WARNING, at, fmt, args);
    va_end(args);
}

void f2m_report_add_text(struct f2m_report *report, const char *file, const char *text, size_t len)
{
    report->texts = f2m_xreallocarray(report->texts, report->texts_len + 1, sizeof *report->texts);
    report->texts[report->texts_len++] = (struct f2m_report_text){file, text, len};
}

/* Lines are quoted one by one, so each line of a secret is looked for on its own. */
void f2m_report_mask(struct f2m_report *report, const char *secret)
{
    while (*secret && report->secrets_len < MASKED_SECRETS) {
        size_t len = strcspn(secret, "\n");
        report->secrets = f2m_xreallocarray(report->secrets, report->secrets_len + 1, sizeof *report->secrets);
        report->secrets[report->secrets_len++] = f2m_arena_copy(report->arena, secret, len);
        secret += len + (secret[len] == '\n');
    }
}

void f2m_report_mask_url(struct f2m_report *report, const char *url)
{
    struct f2m_slice password = f2m_url_password(url);

    if (password.at)
        f2m_report_mask(report, f2m_arena_copy(report->arena, password.at, password.len));
}

static const struct f2m_report_text *find_text(const struct f2m_report *report, const char *file)
{
    for (size_t i = 0; i < report->texts_len; i++)
        if (strcmp(report->texts[i].file, file) == 0)
            return &report->texts[i];
    return NULL;
}

static struct f2m_slice find_line(const struct f2m_report_text *text, int line)
{
    const char *at = text->text, *end = text->text + text->len;

    for (int i = 1; i < line && at; i++) {
        at = memchr(at, '\n', (size_t)(end - at));
        at = at ? at + 1 : NULL;
    }
    if (!at)
        return (struct f2m_slice){NULL, 0};
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    size_t len = (size_t)((stop ? stop : end) - at);
    if (len && at[len - 1] == '\r')
        len--;
    return (struct f2m_slice){at, len};
}

/* A terminal gets text only: blanks for controls (tabs too: the caret counts them as one column), ? for a byte that is
 * no UTF-8. */
static void make_printable(struct f2m_strbuf *line)
{
    for (size_t i = 0; i < line->len;) {
        size_t len = f2m_utf8_length(line->data + i, line->len - i);
        if (len == 0)
            line->data[i] = '?';
        else if ((unsigned char)line->data[i] < 0x20 || line->data[i] == 0x7f)
            line->data[i] = ' ';
        i += len ? len : 1;
    }
}

static int count_characters(const char *text, size_t len)
{
    int n = 0;

    for (size_t i = 0; i < len; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

/* What stands behind the last mask is as it was: a place in there moves with the end of the line. */
static int caret_column(struct f2m_slice raw, const struct f2m_strbuf *masked, int col)
{
    size_t same = 0;

    while (same < raw.len && same < masked->len && raw.at[raw.len - 1 - same] == masked->data[masked->len - 1 - same])
        same++;
    int moved = count_characters(masked->data, masked->len) - count_characters(raw.at, raw.len);
    int unchanged_from = count_characters(raw.at, raw.len - same) + 1;
    return col >= unchanged_from && col + moved >= 1 ? col + moved : col;
}

static void fill_source_line(const struct f2m_report *report, struct f2m_finding *finding)
{
    const struct f2m_report_text *text = find_text(report, finding->file);
    f2m_autostrbuf line = {0};

    if (finding->line < 1 || finding->col > SOURCE_LINE_BYTES || !text)
        return;
    struct f2m_slice raw = find_line(text, finding->line);
    if (!raw.at)
        return;
    f2m_strbuf_init(&line, 0);
    if (raw.len > SOURCE_LINE_BYTES)
        raw.len = f2m_utf8_clip(raw.at, SOURCE_LINE_BYTES);
    f2m_mask_line(&line, raw.at, raw.len, report->secrets, report->secrets_len);
    finding->caret = caret_column(raw, &line, finding->col);
    make_printable(&line);
    finding->source_line = f2m_strbuf_take(&line);
}

/* By file, then by place. qsort() is not stable, so equal places fall back to the message. */
static int by_place(const void *a, const void *b)
{
    const struct f2m_finding *x = a, *y = b;
    int order = strcmp(x->file, y->file);

    if (order)
        return order;
    order = (x->line > y->line) - (x->line < y->line);
    if (!order)
        order = (x->col > y->col) - (x->col < y->col);
    return order ? order : strcmp(x->message, y->message);
}

static void add_dropped(struct f2m_report *report)
{
    struct f2m_findings *out = report->out;
    char text[80];

    if (!report->dropped)
        return;
    snprintf(text, sizeof text, "and %zu more findings; they show when these are mended", report->dropped);
    out->list = f2m_xreallocarray(out->list, out->len + 1, sizeof *out->list);
    out->list[out->len++] = (struct f2m_finding){
        .severity = report->errors ? F2M_CONFIG_ERROR : F2M_CONFIG_WARNING,
        .file = f2m_xstrdup(report->file),
        .message = f2m_xstrdup(text),
    };
}

static int longest_first(const void *a, const void *b)
{
    size_t x = strlen(*(const char *const *)a), y = strlen(*(const char *const *)b);

    return (x < y) - (x > y);
}

void f2m_report_finish(struct f2m_report *report)
{
    struct f2m_findings *out = report->out;

    if (report->secrets_len)
        qsort(report->secrets, report->secrets_len, sizeof *report->secrets, longest_first);
    for (size_t i = 0; i < out->len; i++)
        fill_source_line(report, &out->list[i]);
    if (out->len)
        qsort(out->list, out->len, sizeof *out->list, by_place);
    add_dropped(report);
    free(report->texts);
    free(report->secrets);
    report->texts = NULL;
    report->secrets = NULL;
    report->texts_len = report->secrets_len = 0;
}
