#include "config/yaml_writer.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* What YAML 1.1 or 1.2 takes for something else than a text. */
static bool is_word(const char *text)
{
    static const char *const words[] = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

static bool is_plain(const char *text)
{
    if (!isalpha((unsigned char)*text) && *text != '/' && *text != '_')
        return false;
    for (const char *c = text; *c; c++) {
        if (isalnum((unsigned char)*c) || strchr("_./+-@", *c))
            continue;
        /* Inside a text only: "Battery first", mqtt://host:1883. */
        if ((*c == ' ' || *c == ':') && c[1] && c[1] != ' ' && c[1] != ':')
            continue;
        return false;
    }
    return !is_word(text);
}

void f2m_yaml_write_scalar(struct f2m_strbuf *out, const char *text)
{
    if (is_plain(text)) {
        f2m_strbuf_adds(out, text);
        return;
    }
    f2m_strbuf_addc(out, '"');
    for (const char *c = text; *c; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte == '"' || byte == '\\')
            f2m_strbuf_addf(out, "\\%c", byte);
        else if (byte == '\n')
            f2m_strbuf_adds(out, "\\n");
        else if (byte < 0x20 || byte == 0x7f)
            f2m_strbuf_addf(out, "\\x%02x", byte);
        else
            f2m_strbuf_addc(out, *c);
    }
    f2m_strbuf_addc(out, '"');
}

static void begin_line(struct f2m_yaml_writer *w)
{
    int levels = w->indent - w->item;

    for (int i = 0; i < levels; i++)
        f2m_strbuf_adds(w->out, "  ");
    if (w->item)
        f2m_strbuf_adds(w->out, "- ");
    w->item = false;
}

static void write_key(struct f2m_yaml_writer *w, const char *key)
{
    begin_line(w);
    f2m_yaml_write_scalar(w->out, key);
    f2m_strbuf_addc(w->out, ':');
}

void f2m_yaml_write_raw(struct f2m_yaml_writer *w, const char *key, const char *value)
{
    write_key(w, key);
    f2m_strbuf_addf(w->out, " %s\n", value);
}

void f2m_yaml_write_text(struct f2m_yaml_writer *w, const char *key, const char *text)
{
    write_key(w, key);
    f2m_strbuf_addc(w->out, ' ');
    f2m_yaml_write_scalar(w->out, text);
    f2m_strbuf_addc(w->out, '\n');
}

void f2m_yaml_write_item(struct f2m_yaml_writer *w, const char *text)
{
    w->item = true;
    w->indent++;
    begin_line(w);
    w->indent--;
    f2m_yaml_write_scalar(w->out, text);
    f2m_strbuf_addc(w->out, '\n');
}

void f2m_yaml_write_comment(struct f2m_yaml_writer *w, const char *text)
{
    for (int i = 0; i < w->indent; i++)
        f2m_strbuf_adds(w->out, "  ");
    f2m_strbuf_addf(w->out, "# %s\n", text);
}

void f2m_yaml_write_open(struct f2m_yaml_writer *w, const char *key)
{
    write_key(w, key);
    f2m_strbuf_addc(w->out, '\n');
    w->indent++;
}

void f2m_yaml_write_close(struct f2m_yaml_writer *w)
{
    w->indent--;
}
