/*
 * What the broker still holds of a former run whose record is lost (the database was deleted, or given up as damaged):
 * it would stay in Home Assistant for ever. So where nothing is recorded at the first connection, what stands below the
 * discovery topic is looked at for a moment. What names our availability topic is ours: no two bridges on a broker have
 * one base topic. It becomes the record, and a round clears what is not configured any more.
 */
#include "homeassistant/internal.h"
#include "homeassistant/record.h"
#include "port/own_topic.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/json_writer.h"
#include "util/limits.h"
#include "util/xalloc.h"

#include <stdlib.h>

#define OURS "/device/flip2mqtt_"

static bool is_record(void *ctx, const char *key, struct f2m_slice value, int64_t changed_ms)
{
    bool *any = ctx;

    (void)value, (void)changed_ms;
    *any = *any || strncmp(key, F2M_HA_KEY, strlen(F2M_HA_KEY)) == 0;
    return !*any;
}

void f2m_ha_search_start(struct f2m_homeassistant *h, struct f2m_now now, struct f2m_effects *fx)
{
    bool any = false;

    if (!h->c.config->homeassistant.enabled || h->searched)
        return;
    if (!h->search_filter) {
        (void)f2m_store_records_each(h->c.store, F2M_STORE_ANNOUNCED, is_record, &any);
        h->searched = any;
        if (any)
            return;
        f2m_strbuf_reset(&h->topic);
        f2m_strbuf_addf(&h->topic, "%s/device/+/config", h->c.config->homeassistant.discovery_topic);
        h->search_filter = f2m_xstrdup(h->topic.data);
    }
    h->search_ms = now.mono_ms + F2M_DISCOVERY_SEARCH_MS;
    f2m_effects_subscribe(fx, h->search_filter);
}

static bool is_ours(struct f2m_homeassistant *h, const struct f2m_mqtt_message *m, struct f2m_slice root)
{
    const char *prefix = h->c.config->homeassistant.discovery_topic;
    size_t len = strlen(prefix);
    struct f2m_slice name, availability;

    return m->topic.len > len + strlen(OURS) && memcmp(m->topic.at, prefix, len) == 0 &&
           memcmp(m->topic.at + len, OURS, strlen(OURS)) == 0 && f2m_json_find(root, "/o/name", &name) &&
           f2m_json_string_is(name, "flip2mqtt") && f2m_json_find(root, "/avty/0/t", &availability) &&
           f2m_json_string_is(availability, f2m_own_topic(&h->text, h->c.config->mqtt.base_topic, "bridge/state"));
}

/* {"<component>":"<platform>", …}, as a record is. */
static void components_of(struct f2m_slice root, struct f2m_strbuf *out)
{
    struct f2m_json_iter it = f2m_json_iter(f2m_json_member(root, "cmps"));
    struct f2m_slice name, component;

    f2m_strbuf_reset(out);
    struct f2m_jw w = f2m_jw(out);
    f2m_jw_object(&w, NULL);
    while (f2m_json_next(&it, &name, &component)) {
        struct f2m_slice platform = f2m_json_member(component, "p");
        char key[F2M_HA_MAX_COMPONENT], word[F2M_HA_MAX_COMPONENT];
        if (!f2m_json_string_copy(name, key, sizeof key) || f2m_json_type(platform) != F2M_JSON_STRING ||
            !f2m_json_string_copy(platform, word, sizeof word))
            continue;
        f2m_jw_key_text(&w, f2m_slice_of(key));
        f2m_jw_string(&w, NULL, word);
    }
    f2m_jw_end(&w);
}

void f2m_homeassistant_message(struct f2m_homeassistant *h, const struct f2m_mqtt_message *m)
{
    struct f2m_err err;

    if (h->search_ms == F2M_HA_NEVER || !m->retain || h->found_len == F2M_MAX_DISCOVERY_FOUND ||
        f2m_json_check(m->payload, &err) < 0)
        return;
    struct f2m_slice root = f2m_json_root(m->payload);
    if (!is_ours(h, m, root))
        return;
    components_of(root, &h->record);
    h->found = f2m_xreallocarray(h->found, h->found_len + 1, sizeof *h->found);
    h->found[h->found_len++] = (struct f2m_ha_found){.topic = f2m_xmemdup0(m->topic.at, m->topic.len),
                                                     .record = f2m_xmemdup0(h->record.data, h->record.len)};
}

void f2m_ha_search_drop(struct f2m_homeassistant *h)
{
    for (size_t i = 0; i < h->found_len; i++) {
        free(h->found[i].topic);
        free(h->found[i].record);
    }
    free(f2m_take(h->found));
    h->found_len = 0;
    h->search_ms = F2M_HA_NEVER;
}

void f2m_ha_search_end(struct f2m_homeassistant *h, struct f2m_now now, struct f2m_effects *fx)
{
    size_t n = h->found_len;

    for (size_t i = 0; i < n; i++) {
        f2m_strbuf_reset(&h->key);
        f2m_strbuf_addf(&h->key, "%s%s", F2M_HA_KEY, h->found[i].topic);
        (void)f2m_store_record_put(h->c.store, F2M_STORE_ANNOUNCED, h->key.data, f2m_slice_of(h->found[i].record),
                                   now.wall_ms);
    }
    f2m_effects_unsubscribe(fx, h->search_filter);
    free(f2m_take(h->search_filter));
    f2m_ha_search_drop(h);
    h->searched = true;
    if (n > 0)
        f2m_ha_round_start(h, now, false, fx);
}
