#include "util/json_writer.h"

#include "util/number.h"
#include "util/rfc3339.h"
#include "util/utf8.h"

#include <inttypes.h>

struct f2m_jw f2m_jw(struct f2m_strbuf *out)
{
    return (struct f2m_jw){.out = out};
}

/* Controls by their short escape where there is one. NUL never gets here: our own scanner refuses \u0000. */
static void control(struct f2m_strbuf *out, unsigned char c)
{
    static const char letters[0x20] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};

    if (letters[c])
        f2m_strbuf_add(out, (char[]){'\\', letters[c]}, 2);
    else
        f2m_strbuf_addf(out, "\\u%04x", c);
}

/* One character that cannot stand as it is, or a whole one beyond ASCII; returns the bytes used. */
static size_t special(struct f2m_strbuf *out, struct f2m_slice rest)
{
    unsigned char c = (unsigned char)rest.at[0];

    if (c == '"' || c == '\\') {
        f2m_strbuf_add(out, (char[]){'\\', (char)c}, 2);
        return 1;
    }
    if (c > 0 && c < 0x20) {
        control(out, c);
        return 1;
    }
    size_t len = c ? f2m_utf8_length(rest.at, rest.len) : 0;
    if (len == 0) {
        f2m_strbuf_adds(out, F2M_UTF8_REPLACEMENT);
        return 1;
    }
    f2m_strbuf_add(out, rest.at, len);
    return len;
}

static bool plain(char c)
{
    return c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

static void quoted(struct f2m_strbuf *out, struct f2m_slice text)
{
    f2m_strbuf_addc(out, '"');
    for (size_t i = 0; i < text.len;) {
        size_t run = i;
        while (run < text.len && plain(text.at[run]))
            run++;
        f2m_strbuf_add(out, text.at + i, run - i);
        i = run;
        if (i < text.len)
            i += special(out, (struct f2m_slice){text.at + i, text.len - i});
    }
    f2m_strbuf_addc(out, '"');
}

/* What stands before a value: the comma that is due, and the name. */
static void begin(struct f2m_jw *w, const char *name)
{
    if (w->comma)
        f2m_strbuf_addc(w->out, ',');
    w->comma = true;
    if (!name)
        return;
    f2m_strbuf_addc(w->out, '"');
    f2m_strbuf_adds(w->out, name);
    f2m_strbuf_add(w->out, "\":", 2);
}

static void open_container(struct f2m_jw *w, const char *name, char open, char close)
{
    begin(w, name);
    f2m_strbuf_addc(w->out, open);
    w->comma = false;
    /* Our own shapes are never this deep; the text says that it is not whole rather than being wrong. */
    if (w->depth >= F2M_JW_DEPTH) {
        w->out->overflow = true;
        return;
    }
    w->close[w->depth++] = close;
}

void f2m_jw_object(struct f2m_jw *w, const char *name)
{
    open_container(w, name, '{', '}');
}

void f2m_jw_array(struct f2m_jw *w, const char *name)
{
    open_container(w, name, '[', ']');
}

void f2m_jw_end(struct f2m_jw *w)
{
    if (w->depth == 0) {
        w->out->overflow = true;
        return;
    }
    f2m_strbuf_addc(w->out, w->close[--w->depth]);
    w->comma = true;
}

void f2m_jw_key_text(struct f2m_jw *w, struct f2m_slice name)
{
    begin(w, NULL);
    quoted(w->out, name);
    f2m_strbuf_addc(w->out, ':');
    w->comma = false;
}

void f2m_jw_string(struct f2m_jw *w, const char *name, const char *text)
{
    if (text)
        f2m_jw_text(w, name, f2m_slice_of(text));
    else
        f2m_jw_null(w, name);
}

void f2m_jw_text(struct f2m_jw *w, const char *name, struct f2m_slice text)
{
    begin(w, name);
    quoted(w->out, text);
}

void f2m_jw_number(struct f2m_jw *w, const char *name, double value)
{
    char buf[F2M_NUMBER_SIZE];

    begin(w, name);
    f2m_strbuf_adds(w->out, f2m_number_format(value, buf));
}

void f2m_jw_integer(struct f2m_jw *w, const char *name, int64_t value)
{
    begin(w, name);
    f2m_strbuf_addf(w->out, "%" PRId64, value);
}

void f2m_jw_bool(struct f2m_jw *w, const char *name, bool value)
{
    begin(w, name);
    f2m_strbuf_adds(w->out, value ? "true" : "false");
}

void f2m_jw_null(struct f2m_jw *w, const char *name)
{
    begin(w, name);
    f2m_strbuf_adds(w->out, "null");
}

void f2m_jw_time(struct f2m_jw *w, const char *name, int64_t wall_ms)
{
    char buf[F2M_RFC3339_SIZE];

    begin(w, name);
    f2m_strbuf_addc(w->out, '"');
    f2m_strbuf_adds(w->out, f2m_rfc3339_format(wall_ms, buf));
    f2m_strbuf_addc(w->out, '"');
}

void f2m_jw_raw(struct f2m_jw *w, const char *name, struct f2m_slice json)
{
    begin(w, name);
    f2m_strbuf_add(w->out, json.at, json.len);
}
