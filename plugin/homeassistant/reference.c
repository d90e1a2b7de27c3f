#include "homeassistant/reference.h"

#include "homeassistant/entities.h"

#include <string.h>

static const char intro[] =
    "# Entities in Home Assistant\n"
    "\n"
    "This page is generated from the table of entities (`plugin/homeassistant/entities.c`): `cmake --build <folder> "
    "--target f2m-docs` writes it anew. How to get there: [home-assistant.md](home-assistant.md).\n"
    "\n"
    "The ids are those that Home Assistant gives when it finds the entities first, `<name>` being the battery's `name` and\n"
    "`<id>` Flip's id, both in small letters with `_` for everything else; renaming them there is safe. What they are known\n"
    "by inside (`unique_id`) is made of Flip's ids and never changes. An entity whose value is not known is\n"
    "`unknown`, never 0.\n"
    "\n"
    "*d*: diagnostic. *off*: disabled until you enable it. *cloud*: unavailable also while Flip cannot be reached; all\n"
    "others (but `Connection`) are available as long as the bridge is.\n";

static const struct {
    const char *title, *prefix, *topics;
} scopes[] = {
    [F2M_HA_BRIDGE] = {"The bridge", "flip_bridge", ""},
    [F2M_HA_SITE] = {"Each site", "flip_site_<id>", "site/<id>/"},
    [F2M_HA_DEVICE] = {"Each battery", "flip_<name>", "device/<id>/"},
};

static void write_need(struct f2m_strbuf *out, enum f2m_ha_need need)
{
    static const char *const texts[] = {[F2M_HA_NEEDS_NOTHING] = "",
                                        [F2M_HA_NEEDS_UPLOADS] = "`endpoint` is not `off`",
                                        [F2M_HA_NEEDS_INTERVALS] = "`endpoint: interval`",
                                        [F2M_HA_NEEDS_SOURCES] = "any source or `availability`"};

    if (need >= F2M_HA_NEEDS_SOURCE)
        f2m_strbuf_addf(out, "`%s`", f2m_source_info[need - F2M_HA_NEEDS_SOURCE].name);
    else
        f2m_strbuf_adds(out, texts[need]);
}

/* What its state may be. */
static void write_values(struct f2m_strbuf *out, const struct f2m_ha_entity *e)
{
    if (e->unit)
        f2m_strbuf_adds(out, e->unit);
    else if (e->options)
        f2m_strbuf_addf(out, "`%s`", e->options);
    else if (e->platform == F2M_HA_BINARY_SENSOR || e->platform == F2M_HA_SWITCH)
        f2m_strbuf_adds(out, "on, off");
    else if (e->device_class && strcmp(e->device_class, "timestamp") == 0)
        f2m_strbuf_adds(out, "time");
}

static void write_marks(struct f2m_strbuf *out, const struct f2m_ha_entity *e)
{
    const char *const marks[] = {e->category ? "d" : NULL, e->disabled ? "off" : NULL,
                                 e->availability == F2M_HA_WITH_CLOUD ? "cloud" : NULL};
    bool any = false;

    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (marks[i]) {
            f2m_strbuf_addf(out, "%s*%s*", any ? " " : "", marks[i]);
            any = true;
        }
}

static void write_row(struct f2m_strbuf *out, const struct f2m_ha_entity *e)
{
    bool own = e->topic[0] != '/';

    f2m_strbuf_addf(out, "| %s | `%s.%s_%s` | ", e->name, f2m_ha_platform_name(e->platform), scopes[e->scope].prefix,
                    e->key);
    write_values(out, e);
    f2m_strbuf_addf(out, " | `%s%s` | ", own ? scopes[e->scope].topics : "", own ? e->topic : e->topic + 1);
    write_marks(out, e);
    if (e->scope == F2M_HA_DEVICE) {
        f2m_strbuf_adds(out, " | ");
        write_need(out, e->need);
    }
    f2m_strbuf_adds(out, " |\n");
}

void f2m_ha_write_reference(struct f2m_strbuf *out)
{
    static const enum f2m_ha_scope order[] = {F2M_HA_DEVICE, F2M_HA_SITE, F2M_HA_BRIDGE};

    f2m_strbuf_adds(out, intro);
    for (size_t s = 0; s < sizeof order / sizeof order[0]; s++) {
        bool device = order[s] == F2M_HA_DEVICE;
        f2m_strbuf_addf(out,
                        "\n## %s\n\n| Entity | Id | Values | From the topic | |%s\n| --- | --- | --- | --- | --- |%s\n",
                        scopes[order[s]].title, device ? " Needs |" : "", device ? " --- |" : "");
        for (size_t i = 0; i < f2m_ha_entities_len; i++)
            if (f2m_ha_entities[i].scope == order[s])
                write_row(out, &f2m_ha_entities[i]);
    }
    f2m_strbuf_adds(
        out,
        "\n`Needs` names the source that must be mapped, or follow from others that are: charge and discharge power "
        "from a signed one, stored energy from state of charge and `capacity`, the home's power from the "
        "grid's.\n");
}
