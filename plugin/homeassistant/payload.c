#include "homeassistant/payload.h"

#include "homeassistant/record.h"
#include "port/own_topic.h"
#include "util/json_writer.h"

#include <string.h>

struct writer {
    struct f2m_jw w;
    const struct f2m_ha_naming *naming;
    const struct f2m_ha_subject *subject;
    struct f2m_strbuf text;
    struct f2m_strbuf object_id;
    struct f2m_strbuf slug; /* of the device's name, for entity ids */
};

/* ---- names ---- */

void f2m_ha_subject_id(const struct f2m_ha_naming *n, const struct f2m_ha_subject *s, struct f2m_strbuf *out)
{
    const char *id = s->device ? s->device->id : s->site ? s->site->id : n->bridge_id;

    f2m_ha_object_id(out, s->scope, id);
}

bool f2m_ha_subject_has(const struct f2m_ha_subject *s, const struct f2m_ha_entity *e)
{
    return e->scope == s->scope && f2m_ha_entity_applies(e, s->device);
}

bool f2m_ha_subject_any(const struct f2m_ha_subject *s)
{
    return !s->device || s->device->type == F2M_DEVICE_BATTERY;
}

/* As the user sees it. */
static void add_name(const struct f2m_ha_subject *s, struct f2m_strbuf *out)
{
    if (s->device) {
        f2m_strbuf_adds(out, s->device->name ? s->device->name : s->device->id);
        return;
    }
    f2m_strbuf_adds(out, s->site ? "Flip site " : "Flip bridge");
    if (s->site)
        f2m_strbuf_adds(out, s->site->id);
}

/* "flip_garage_battery": entity ids are only proposed here, so they may come from names. */
static void make_slug(struct writer *w)
{
    f2m_strbuf_reset(&w->text);
    if (w->subject->device)
        f2m_strbuf_adds(&w->text, "flip ");
    size_t own = w->text.len;
    add_name(w->subject, &w->text);
    f2m_ha_slug(&w->slug, w->text.data + own);
    bool named = w->slug.len > 0;
    f2m_strbuf_reset(&w->slug);
    if (!named) { /* a name without a letter that an entity id may hold */
        f2m_strbuf_truncate(&w->text, own);
        f2m_strbuf_adds(&w->text, w->subject->device ? w->subject->device->id : "");
    }
    f2m_ha_slug(&w->slug, w->text.data);
}

/* ---- topics ---- */

static const char *topic(struct writer *w, const char *leaf)
{
    const char *base = w->naming->config->mqtt.base_topic;

    if (leaf[0] == '/')
        return f2m_own_topic(&w->text, base, leaf + 1);
    switch (w->subject->scope) {
    case F2M_HA_DEVICE: return f2m_own_topic_device(&w->text, base, w->subject->device->id, leaf);
    case F2M_HA_SITE: return f2m_own_topic_site(&w->text, base, w->subject->site->id, leaf);
    default: return f2m_own_topic(&w->text, base, leaf);
    }
}

static void write_availability(struct writer *w, enum f2m_ha_availability availability)
{
    static const char *const topics[] = {"/bridge/state", "/cloud/state"};
    size_t n = availability == F2M_HA_ALWAYS ? 0 : availability == F2M_HA_WITH_CLOUD ? 2 : 1;

    f2m_jw_array(&w->w, "avty");
    for (size_t i = 0; i < n; i++) {
        f2m_jw_object(&w->w, NULL);
        f2m_jw_string(&w->w, "t", topic(w, topics[i]));
        f2m_jw_end(&w->w);
    }
    f2m_jw_end(&w->w);
}

/* ---- parts of the payload ---- */

static void write_optional(struct writer *w, const char *name, const char *text)
{
    if (text)
        f2m_jw_string(&w->w, name, text);
}

static void write_device(struct writer *w)
{
    const struct f2m_ha_subject *s = w->subject, parent = {.scope = s->device ? F2M_HA_SITE : F2M_HA_BRIDGE,
                                                           .site = s->device ? s->site : NULL};

    f2m_jw_object(&w->w, "dev");
    f2m_jw_array(&w->w, "ids");
    f2m_jw_string(&w->w, NULL, w->object_id.data);
    f2m_jw_end(&w->w);
    f2m_strbuf_reset(&w->text);
    add_name(s, &w->text);
    f2m_jw_string(&w->w, "name", w->text.data);
    if (s->device) {
        write_optional(w, "mf", s->device->manufacturer_name.value);
        write_optional(w, "mdl", s->device->product_name.value);
        write_optional(w, "sn", s->device->serial_number.value);
    } else {
        f2m_jw_string(&w->w, "mf", s->site ? "Flip" : "flip2mqtt");
        f2m_jw_string(&w->w, "mdl", s->site ? "Site" : "Bridge");
    }
    if (s->scope == F2M_HA_BRIDGE) {
        f2m_jw_string(&w->w, "sw", w->naming->version);
    } else {
        f2m_strbuf_reset(&w->text);
        f2m_ha_subject_id(w->naming, &parent, &w->text);
        f2m_jw_string(&w->w, "via_device", w->text.data);
    }
    f2m_jw_end(&w->w);
}

static void write_root(struct writer *w)
{
    write_device(w);
    f2m_jw_object(&w->w, "o");
    f2m_jw_string(&w->w, "name", "flip2mqtt");
    f2m_jw_string(&w->w, "sw", w->naming->version);
    f2m_jw_end(&w->w);
    write_availability(w, F2M_HA_WITH_BRIDGE);
    f2m_jw_string(&w->w, "avty_mode", "all");
    f2m_jw_integer(&w->w, "qos", 1);
}

/* "A B C" as a list. */
static void write_words(struct writer *w, const char *name, const char *words)
{
    f2m_jw_array(&w->w, name);
    for (const char *end; *words; words = *end ? end + 1 : end) {
        end = words + strcspn(words, " ");
        f2m_jw_text(&w->w, NULL, (struct f2m_slice){words, (size_t)(end - words)});
    }
    f2m_jw_end(&w->w);
}

static void write_topics(struct writer *w, const struct f2m_ha_entity *e)
{
    f2m_jw_string(&w->w, "stat_t", topic(w, e->topic));
    write_optional(w, "val_tpl", e->value);
    if (e->command) {
        f2m_jw_string(&w->w, "cmd_t", topic(w, e->command));
        f2m_jw_bool(&w->w, "opt", false); /* what Flip or the bridge says, not what was wished */
    }
    /* What must not get lost says so itself: before 2025 Home Assistant does not hand the root's down. */
    if (e->command || e->platform == F2M_HA_EVENT)
        f2m_jw_integer(&w->w, "qos", 1);
    if (e->attributes) {
        f2m_jw_string(&w->w, "json_attr_t", topic(w, e->topic));
        write_optional(w, "json_attr_tpl", e->attributes);
    }
    write_optional(w, "lrst_val_tpl", e->last_reset);
    if (e->availability != F2M_HA_WITH_BRIDGE)
        write_availability(w, e->availability);
}

static void write_entity(struct writer *w, const struct f2m_ha_entity *e)
{
    const char *platform = f2m_ha_platform_name(e->platform);

    f2m_jw_object(&w->w, e->key);
    f2m_jw_string(&w->w, "p", platform);
    f2m_strbuf_reset(&w->text);
    f2m_strbuf_addf(&w->text, "%s_%s", w->object_id.data, e->key);
    f2m_jw_string(&w->w, "uniq_id", w->text.data);
    f2m_strbuf_reset(&w->text);
    f2m_strbuf_addf(&w->text, "%s.%s_%s", platform, w->slug.data, e->key);
    f2m_jw_string(&w->w, "default_entity_id", w->text.data);
    f2m_jw_string(&w->w, "name", e->name);
    write_topics(w, e);
    write_optional(w, "dev_cla", e->device_class);
    if (e->options)
        write_words(w, e->platform == F2M_HA_EVENT ? "event_types" : "ops", e->options);
    write_optional(w, "unit_of_meas", e->unit);
    write_optional(w, "stat_cla", e->state_class);
    if (e->precision)
        f2m_jw_integer(&w->w, "suggested_display_precision", e->precision - F2M_HA_DIGITS(0));
    write_optional(w, "pl_on", e->on);
    write_optional(w, "pl_off", e->off);
    write_optional(w, "ic", e->icon);
    write_optional(w, "ent_cat", e->category);
    if (e->disabled)
        f2m_jw_bool(&w->w, "en", false);
    f2m_jw_end(&w->w);
}

void f2m_ha_payload(const struct f2m_ha_naming *n, const struct f2m_ha_subject *s, struct f2m_slice former,
                    struct f2m_strbuf *out)
{
    struct writer w = {.naming = n, .subject = s};

    f2m_strbuf_reset(out);
    f2m_strbuf_init(&w.text, 0);
    f2m_strbuf_init(&w.object_id, 0);
    f2m_strbuf_init(&w.slug, 0);
    w.w = f2m_jw(out);
    f2m_ha_subject_id(n, s, &w.object_id);
    make_slug(&w);
    f2m_jw_object(&w.w, NULL);
    write_root(&w);
    f2m_jw_object(&w.w, "cmps");
    f2m_ha_record_write_gone(s, former, &w.w);
    for (size_t i = 0; i < f2m_ha_entities_len; i++)
        if (f2m_ha_subject_has(s, &f2m_ha_entities[i]) && !f2m_ha_record_conflicts(&f2m_ha_entities[i], former))
            write_entity(&w, &f2m_ha_entities[i]);
    f2m_jw_end(&w.w);
    f2m_jw_end(&w.w);
    f2m_strbuf_deinit(&w.text);
    f2m_strbuf_deinit(&w.object_id);
    f2m_strbuf_deinit(&w.slug);
}
