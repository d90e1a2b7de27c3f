/* docs/presets.md, from the presets that are built in: one table of all, then a section for each. */
#include "config/preset.h"
#include "config/yaml_tree.h"

#include <string.h>

static const char INTRO[] =
    "# Presets\n"
    "\n"
    "This page is generated from the presets (`config/presets/*.yaml`): `cmake --build <folder> --target f2m-docs` "
    "writes it anew.\n"
    "\n"
    "A preset knows a system's topics, units and signs, so that a device needs little more than a name:\n"
    "\n"
    "```yaml\n"
    "devices:\n"
    "  - id: garage\n"
    "    preset: { name: lxp, serial: BA12345678 }\n"
    "    capacity: 14.3 kWh\n"
    "    max_charge: 5 kW\n"
    "    max_discharge: 5 kW\n"
    "```\n"
    "\n"
    "`flip2mqtt learn` listens to your broker and writes such a configuration with the parameters filled in "
    "([getting-started.md](getting-started.md)). What a device says itself wins over its preset; how presets are merged "
    "is told in [configuration.md](configuration.md#presets).\n"
    "\n"
    "*stable*: compared with recorded traffic of real systems. *experimental*: written from the system's documentation "
    "or source; compare the first hour with what the system itself shows, and run with `control: { observe: true }` "
    "until you have. A command that a system cannot do is never sent half: Flip is told `FAILED_FAULT` \"not "
    "possible\". Parameters without a default have none on purpose where a wrong one would be written to your "
    "battery.\n"
    "\n"
    "| Preset | System | Status | Reads | Commands | Parameters |\n"
    "| --- | --- | --- | --- | --- | --- |\n";

/* Text as Markdown: what looks like HTML or a cell's end is text, too, unless it stands between backticks. */
static void add_text(struct f2m_strbuf *out, const char *text, size_t len)
{
    bool code = false;

    for (size_t i = 0; i < len; i++) {
        code ^= text[i] == '`';
        if ((text[i] == '<' || text[i] == '*') && !code)
            f2m_strbuf_addc(out, '\\');
        f2m_strbuf_addc(out, text[i]);
    }
}

static void add_line(struct f2m_strbuf *out, const char *text)
{
    add_text(out, text, strlen(text));
}

static void add_keys(struct f2m_strbuf *out, const struct f2m_yaml *map)
{
    for (size_t i = 0; map && i < map->len; i++)
        f2m_strbuf_addf(out, "%s`%s`", i ? ", " : "", map->items[i].key);
}

/* SELF_CONSUMPTION without a publish only says that the battery takes no command: it does that by itself. */
static void add_commands(struct f2m_strbuf *out, const struct f2m_yaml *root)
{
    const struct f2m_yaml *modes = f2m_yaml_get(f2m_yaml_get(root, "control"), "modes");
    size_t written = 0;

    if (!modes) {
        f2m_strbuf_adds(out, "yours: none are built in, so each is acknowledged and left to your automation");
        return;
    }
    for (size_t i = 0; i < modes->len; i++)
        if (modes->items[i].value->len > 0)
            f2m_strbuf_addf(out, "%s`%s`", written++ ? ", " : "", modes->items[i].key);
    if (!written)
        f2m_strbuf_adds(out, "none: it only reads");
}

static void add_row(struct f2m_strbuf *out, const char *name, const struct f2m_yaml *root)
{
    f2m_strbuf_addf(out, "| [%s](#%s) | ", name, name);
    add_line(out, f2m_yaml_text(root, "description"));
    f2m_strbuf_addf(out, " | %s | ", f2m_yaml_text(root, "status"));
    add_keys(out, f2m_yaml_get(f2m_yaml_get(root, "telemetry"), "sources"));
    f2m_strbuf_adds(out, " | ");
    add_commands(out, root);
    f2m_strbuf_adds(out, " | ");
    add_keys(out, f2m_yaml_get(root, "parameters"));
    f2m_strbuf_adds(out, " |\n");
}

/* Lines that are set in are YAML to be copied. */
static void add_notes(struct f2m_strbuf *out, const char *notes)
{
    bool fenced = false;

    for (const char *line = notes; *line;) {
        size_t len = strcspn(line, "\n");
        bool set_in = strncmp(line, "  ", 2) == 0;
        if (set_in != fenced)
            f2m_strbuf_adds(out, set_in ? "\n```yaml\n" : "```\n\n");
        fenced = set_in;
        if (set_in)
            f2m_strbuf_add(out, line + 2, len - 2);
        else
            add_text(out, line, len);
        f2m_strbuf_addc(out, '\n');
        line += len + (line[len] == '\n');
    }
    if (fenced)
        f2m_strbuf_adds(out, "```\n");
}

static void add_parameter(struct f2m_strbuf *out, const struct f2m_yaml_item *item)
{
    const char *fallback = f2m_yaml_text(item->value, "default"), *from = f2m_yaml_text(item->value, "from");
    const char *example = f2m_yaml_text(item->value, "example");

    f2m_strbuf_addf(out, "| `%s` | ", item->key);
    add_line(out, f2m_yaml_text(item->value, "description"));
    f2m_strbuf_adds(out, " | ");
    if (from)
        f2m_strbuf_addf(out, "the device's `%s`", from);
    else if (fallback)
        f2m_strbuf_addf(out, *fallback ? "`%s`" : "nothing", fallback);
    else
        f2m_strbuf_adds(out, "**must be given**");
    f2m_strbuf_addf(out, example ? " | `%s` |\n" : " | |\n", example);
}

static void add_section(struct f2m_strbuf *out, const char *name, const struct f2m_yaml *root)
{
    const struct f2m_yaml *traps = f2m_yaml_get(root, "traps"), *parameters = f2m_yaml_get(root, "parameters");
    const char *notes = f2m_yaml_text(root, "notes");

    f2m_strbuf_addf(out, "\n## %s\n\n", name);
    add_line(out, f2m_yaml_text(root, "description"));
    f2m_strbuf_addf(out, " (%s).\n", f2m_yaml_text(root, "status"));
    if (notes) {
        f2m_strbuf_addc(out, '\n');
        add_notes(out, notes);
    }
    if (traps && traps->len > 0)
        f2m_strbuf_adds(out, "\nTraps that it takes care of, or that you should know:\n\n");
    for (size_t i = 0; traps && i < traps->len; i++) {
        f2m_strbuf_adds(out, "* ");
        add_line(out, traps->items[i].value->text);
        f2m_strbuf_addc(out, '\n');
    }
    if (parameters && parameters->len > 0)
        f2m_strbuf_adds(out, "\n| Parameter | What it is | Default | Example |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; parameters && i < parameters->len; i++)
        add_parameter(out, &parameters->items[i]);
}

/* Gives every preset's tree to `add`. */
static void each(struct f2m_strbuf *out,
                 void (*add)(struct f2m_strbuf *, const char *name, const struct f2m_yaml *root))
{
    for (const struct f2m_preset_text *preset = f2m_preset_texts; preset->name; preset++) {
        struct f2m_arena arena = {NULL};
        struct f2m_findings findings = {NULL, 0};
        struct f2m_report report = {.out = &findings, .arena = &arena};
        const struct f2m_yaml *root = f2m_yaml_parse(&arena, &report, preset->name, preset->text, strlen(preset->text));
        if (root && f2m_yaml_text(root, "description") && f2m_yaml_text(root, "status"))
            add(out, preset->name, root);
        f2m_report_finish(&report);
        f2m_findings_free(&findings);
        f2m_arena_deinit(&arena);
    }
}

void f2m_presets_write_reference(struct f2m_strbuf *out)
{
    f2m_strbuf_adds(out, INTRO);
    each(out, add_row);
    each(out, add_section);
}
