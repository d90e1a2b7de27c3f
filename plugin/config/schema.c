/* mqtt-schemas/configuration.schema.json, from the table: for editors. It is milder than `check`, which also knows what
 * no schema can say. */
#include "config/source.h"
#include "config/table.h"

#include <math.h>
#include <stdio.h>

static void write_types(struct f2m_jw *w, const char *a, const char *b)
{
    f2m_jw_array(w, "type");
    f2m_jw_string(w, NULL, a);
    f2m_jw_string(w, NULL, b);
    f2m_jw_end(w);
}

static void write_quantity(struct f2m_jw *w, const char *pattern)
{
    write_types(w, "string", "number");
    f2m_jw_string(w, "pattern", pattern);
}

static void write_enum(struct f2m_jw *w, const struct f2m_key *key)
{
    f2m_jw_array(w, "enum");
    for (const struct f2m_choice *c = key->choices; c->name; c++)
        f2m_jw_string(w, NULL, c->name);
    /* `version: 5` is a number to YAML. */
    for (const struct f2m_choice *c = key->choices; c->name; c++)
        if (c->name[0] >= '0' && c->name[0] <= '9' && !c->name[1])
            f2m_jw_integer(w, NULL, c->value);
    f2m_jw_end(w);
}

static void write_booleans(struct f2m_jw *w)
{
    static const char *const words[] = {"yes", "no", "on", "off"};

    f2m_jw_array(w, "enum");
    f2m_jw_bool(w, NULL, true);
    f2m_jw_bool(w, NULL, false);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        f2m_jw_string(w, NULL, words[i]);
    f2m_jw_end(w);
}

static void write_texts(struct f2m_jw *w)
{
    f2m_jw_array(w, "type");
    f2m_jw_string(w, NULL, "string");
    f2m_jw_string(w, NULL, "array");
    f2m_jw_end(w);
    f2m_jw_object(w, "items");
    f2m_jw_string(w, "type", "string");
    f2m_jw_end(w);
}

static void write_section(struct f2m_jw *w, const struct f2m_section *section);

static void write_reference(struct f2m_jw *w, const struct f2m_section *section)
{
    char ref[80];

    snprintf(ref, sizeof ref, "#/$defs/%s", section->name);
    f2m_jw_string(w, "$ref", ref);
}

static void write_type(struct f2m_jw *w, const struct f2m_key *key)
{
    switch (key->type) {
    case F2M_KEY_SECTION: write_reference(w, key->section); break;
    case F2M_KEY_LIST:
        f2m_jw_string(w, "type", "array");
        f2m_jw_object(w, "items");
        write_reference(w, key->section);
        f2m_jw_end(w);
        break;
    case F2M_KEY_TEXTS: write_texts(w); break;
    case F2M_KEY_CUSTOM: key->custom->schema(w, key); break;
    case F2M_KEY_BOOL: write_booleans(w); break;
    case F2M_KEY_CHOICE: write_enum(w, key); break;
    case F2M_KEY_INTEGER:
    case F2M_KEY_NUMBER: f2m_jw_string(w, "type", "number"); break;
    case F2M_KEY_DURATION:
    case F2M_KEY_SECONDS: write_quantity(w, "^([0-9.]+ *(ms|s|min|h|d)|0)$"); break;
    case F2M_KEY_SIZE: write_quantity(w, "^([0-9.]+ *(B|kB|MB|GB|KiB|MiB|GiB)|0)$"); break;
    case F2M_KEY_PERCENTAGE: write_quantity(w, "^([0-9.]+ *(%|ratio)|0)$"); break;
    default:
        f2m_jw_array(w, "type");
        f2m_jw_string(w, NULL, "string");
        f2m_jw_string(w, NULL, "number");
        f2m_jw_string(w, NULL, "boolean");
        f2m_jw_end(w);
        break;
    }
}

static void write_key(struct f2m_jw *w, const struct f2m_key *key)
{
    f2m_jw_object(w, key->name);
    f2m_jw_string(w, "description", key->help);
    write_type(w, key);
    f2m_jw_end(w);
}

static bool any_required(const struct f2m_section *section)
{
    for (size_t i = 0; i < section->keys_len; i++)
        if (section->keys[i].required)
            return true;
    return false;
}

/* The members of a section's schema object. A section may stand empty, and some as a text alone. */
static void write_section(struct f2m_jw *w, const struct f2m_section *section)
{
    f2m_jw_array(w, "type");
    f2m_jw_string(w, NULL, "object");
    if (!any_required(section))
        f2m_jw_string(w, NULL, "null");
    if (section->shorthand)
        f2m_jw_string(w, NULL, "string");
    f2m_jw_end(w);
    if (section->help)
        f2m_jw_string(w, "description", section->help);
    f2m_jw_object(w, "properties");
    for (size_t i = 0; i < section->keys_len; i++)
        write_key(w, &section->keys[i]);
    f2m_jw_end(w);
    f2m_jw_bool(w, "additionalProperties", false);
    if (!any_required(section))
        return;
    f2m_jw_array(w, "required");
    for (size_t i = 0; i < section->keys_len; i++)
        if (section->keys[i].required)
            f2m_jw_string(w, NULL, section->keys[i].name);
    f2m_jw_end(w);
}

static void write_definitions(struct f2m_jw *w, const struct f2m_section *section)
{
    for (size_t i = 0; i < section->keys_len; i++) {
        const struct f2m_section *sub = section->keys[i].section;
        if (!sub || sub == &f2m_section_publish)
            continue;
        f2m_jw_object(w, sub->name);
        write_section(w, sub);
        f2m_jw_end(w);
        write_definitions(w, sub);
    }
}

static void new_line(struct f2m_strbuf *out, int depth)
{
    f2m_strbuf_addc(out, '\n');
    for (int i = 0; i < depth; i++)
        f2m_strbuf_adds(out, "  ");
}

/* The file is kept under version control: one member a line. */
static void write_pretty(const char *json, struct f2m_strbuf *out)
{
    bool in_string = false;
    int depth = 0;

    for (const char *c = json; *c; c++) {
        bool opens = !in_string && (*c == '{' || *c == '['), closes = !in_string && (*c == '}' || *c == ']');
        if (closes)
            new_line(out, --depth);
        f2m_strbuf_addc(out, *c);
        if (*c == '"')
            in_string = !in_string;
        else if (in_string && *c == '\\')
            f2m_strbuf_addc(out, *++c);
        else if (opens)
            new_line(out, ++depth);
        else if (!in_string && *c == ',')
            new_line(out, depth);
        else if (!in_string && *c == ':')
            f2m_strbuf_addc(out, ' ');
    }
}

void f2m_config_write_schema(struct f2m_strbuf *out)
{
    static const struct f2m_section *const shared[] = {&f2m_section_source, &f2m_section_publish};
    f2m_autostrbuf json = {0};

    f2m_strbuf_init(&json, 0);
    struct f2m_jw w = f2m_jw(&json);
    f2m_jw_object(&w, NULL);
    f2m_jw_string(&w, "$schema", "https://json-schema.org/draft/2020-12/schema");
    f2m_jw_string(&w, "$id", "https://flip2mqtt.example/schemas/configuration.schema.json");
    f2m_jw_string(&w, "title", "flip2mqtt configuration");
    f2m_jw_object(&w, "$defs");
    write_definitions(&w, &f2m_section_root);
    for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++) {
        f2m_jw_object(&w, shared[i]->name);
        write_section(&w, shared[i]);
        f2m_jw_end(&w);
        write_definitions(&w, shared[i]);
    }
    f2m_jw_end(&w);
    write_section(&w, &f2m_section_root);
    f2m_jw_end(&w);
    write_pretty(json.data, out);
    f2m_strbuf_addc(out, '\n');
}
