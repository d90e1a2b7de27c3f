/*
 * One round of announcing. A few payloads are in flight at a time: they are large, and the broker's acknowledgements
 * are bounded for everybody (limits.h). The store knows of a topic before the broker does, and forgets it after.
 */
#include "homeassistant/internal.h"
#include "homeassistant/record.h"
#include "util/cleanup.h"
#include "util/limits.h"
#include "util/log.h"
#include "util/xalloc.h"

#include <stdlib.h>

#define COMPONENT "homeassistant"
#define META_KEY  "homeassistant_bridge"

/* A tag: the room, the round, the item. */
#define ROUND_BITS 24
#define ITEM_BITS  32

static uint64_t tag_of(const struct f2m_homeassistant *h, size_t item)
{
    return F2M_TAG_HOMEASSISTANT | (uint64_t)(h->number & ((1u << ROUND_BITS) - 1)) << ITEM_BITS | item;
}

void f2m_ha_round_drop(struct f2m_homeassistant *h)
{
    HASH_CLEAR(hh, h->by_topic);
    for (size_t i = 0; i < h->items_len; i++)
        free(h->items[i]);
    free(h->items);
    h->items = NULL;
    h->items_len = h->items_cap = h->next = h->in_flight = h->again_len = 0;
    h->number++;
    h->refused = h->after_birth = false;
}

/* ---- what belongs to it ---- */

/* The bridge keeps the site that stood first when it announced itself first. */
static void learn_bridge_id(struct f2m_homeassistant *h, struct f2m_now now)
{
    const struct f2m_config *config = h->c.config;

    if (h->bridge_id)
        return;
    f2m_strbuf_reset(&h->text);
    if (f2m_store_record_get(h->c.store, F2M_STORE_META, META_KEY, &h->text) == 0 && h->text.len) {
        h->bridge_id = f2m_xstrdup(h->text.data);
        return;
    }
    if (config->sites_len == 0)
        return;
    if (f2m_store_record_put(h->c.store, F2M_STORE_META, META_KEY, f2m_slice_of(config->sites[0].id), now.wall_ms) == 0)
        h->bridge_id = f2m_xstrdup(config->sites[0].id);
}

static struct f2m_ha_naming naming(const struct f2m_homeassistant *h)
{
    const struct f2m_config *config = h->c.config;
    const char *first = config->sites_len ? config->sites[0].id : NULL;

    return (struct f2m_ha_naming){
        .config = config, .version = h->c.version, .bridge_id = h->bridge_id ? h->bridge_id : first};
}

static void push(struct f2m_homeassistant *h, struct f2m_ha_item *item)
{
    if (h->items_len == h->items_cap) {
        h->items_cap = h->items_cap ? 2 * h->items_cap : 16;
        h->items = f2m_xreallocarray(h->items, h->items_cap, sizeof(struct f2m_ha_item *));
    }
    h->items[h->items_len++] = item;
}

static struct f2m_ha_item *item_new(const char *topic)
{
    size_t size = strlen(topic) + 1;
    struct f2m_ha_item *item = f2m_xcalloc(1, sizeof *item + size);

    memcpy(item->topic, topic, size);
    return item;
}

static void want(struct f2m_homeassistant *h, struct f2m_ha_subject subject)
{
    struct f2m_ha_naming n = naming(h);
    struct f2m_ha_item *item;

    if (!f2m_ha_subject_any(&subject))
        return;
    f2m_strbuf_reset(&h->topic);
    f2m_strbuf_addf(&h->topic, "%s/device/", h->c.config->homeassistant.discovery_topic);
    f2m_ha_subject_id(&n, &subject, &h->topic);
    f2m_strbuf_adds(&h->topic, "/config");
    HASH_FIND_STR(h->by_topic, h->topic.data, item);
    if (item) /* two ids with the same hash: one in four thousand millions */
        return;
    item = item_new(h->topic.data);
    item->wanted = true;
    item->subject = subject;
    HASH_ADD_STR(h->by_topic, topic, item);
}

static void want_all(struct f2m_homeassistant *h)
{
    const struct f2m_config *config = h->c.config;

    if (!config->homeassistant.enabled)
        return;
    want(h, (struct f2m_ha_subject){.scope = F2M_HA_BRIDGE});
    for (size_t s = 0; s < config->sites_len; s++) {
        const struct f2m_site *site = &config->sites[s];
        want(h, (struct f2m_ha_subject){.scope = F2M_HA_SITE, .site = site});
        for (size_t d = 0; d < site->devices_len; d++)
            want(h, (struct f2m_ha_subject){.scope = F2M_HA_DEVICE, .site = site, .device = &site->devices[d]});
    }
}

static bool collect_gone(void *ctx, const char *key, struct f2m_slice value, int64_t changed_ms)
{
    struct f2m_homeassistant *h = ctx;
    struct f2m_ha_item *item;

    (void)value, (void)changed_ms;
    if (strncmp(key, F2M_HA_KEY, strlen(F2M_HA_KEY)) != 0)
        return true;
    HASH_FIND_STR(h->by_topic, key + strlen(F2M_HA_KEY), item);
    if (!item)
        push(h, item_new(key + strlen(F2M_HA_KEY)));
    return true;
}

void f2m_ha_round_start(struct f2m_homeassistant *h, struct f2m_now now, bool after_birth, struct f2m_effects *fx)
{
    f2m_ha_round_drop(h);
    h->after_birth = after_birth;
    h->retry_ms = F2M_HA_NEVER;
    h->quiet_ms = INT64_MIN;
    if (!h->connected)
        return;
    if (h->c.config->homeassistant.enabled)
        learn_bridge_id(h, now);
    want_all(h);
    (void)f2m_store_records_each(h->c.store, F2M_STORE_ANNOUNCED, collect_gone, h);
    /* Parents before children: via_device must be known. */
    for (struct f2m_ha_item *item = h->by_topic; item; item = item->hh.next)
        push(h, item);
    f2m_ha_round_go_on(h, now, fx);
}

/* ---- one topic ---- */

static const char *key_of(struct f2m_homeassistant *h, const struct f2m_ha_item *item)
{
    f2m_strbuf_reset(&h->key);
    f2m_strbuf_adds(&h->key, F2M_HA_KEY);
    f2m_strbuf_adds(&h->key, item->topic);
    return h->key.data;
}

static void put_record(struct f2m_homeassistant *h, struct f2m_now now, const struct f2m_ha_item *item)
{
    f2m_autostrbuf stored;

    f2m_strbuf_init(&stored, 0);
    const char *key = key_of(h, item);
    if (f2m_store_record_get(h->c.store, F2M_STORE_ANNOUNCED, key, &stored) == 0 && stored.len == h->record.len &&
        memcmp(stored.data, h->record.data, stored.len) == 0)
        return;
    /* Where it fails the turn's commit fails too, and everything is done again. */
    (void)f2m_store_record_put(h->c.store, F2M_STORE_ANNOUNCED, key, (struct f2m_slice){h->record.data, h->record.len},
                               now.wall_ms);
}

static void publish(struct f2m_homeassistant *h, const struct f2m_ha_item *item, struct f2m_slice payload, uint64_t tag,
                    struct f2m_effects *fx)
{
    f2m_effects_publish(fx,
                        &(struct f2m_publish){.topic = item->topic, .payload = payload, .retain = true, .tag = tag});
    h->sent_now = true;
}

static void announce(struct f2m_homeassistant *h, struct f2m_now now, size_t index, struct f2m_effects *fx)
{
    const struct f2m_ha_item *item = h->items[index];
    struct f2m_ha_naming n = naming(h);
    f2m_autostrbuf stored;

    f2m_strbuf_init(&stored, 0);
    (void)f2m_store_record_get(h->c.store, F2M_STORE_ANNOUNCED, key_of(h, item), &stored);
    struct f2m_slice former = f2m_ha_record_parse((struct f2m_slice){stored.data, stored.len});
    f2m_ha_record(&item->subject, former, &h->record);
    put_record(h, now, item);
    if (f2m_ha_record_outdated(&item->subject, former)) { /* first with nothing but their platform, then not at all */
        f2m_ha_payload(&n, &item->subject, former, &h->text);
        publish(h, item, (struct f2m_slice){h->text.data, h->text.len}, 0, fx);
    }
    f2m_ha_payload(&n, &item->subject, (struct f2m_slice){NULL, 0}, &h->text);
    publish(h, item, (struct f2m_slice){h->text.data, h->text.len}, tag_of(h, index), fx);
}

static void send(struct f2m_homeassistant *h, struct f2m_now now, size_t index, struct f2m_effects *fx)
{
    h->in_flight++;
    if (h->items[index]->wanted)
        announce(h, now, index, fx);
    else
        publish(h, h->items[index], f2m_slice_of(""), tag_of(h, index), fx);
}

/* Everybody has been told, and the broker has answered for all. */
static void finish(struct f2m_homeassistant *h, struct f2m_now now, struct f2m_effects *fx)
{
    if (h->next < h->items_len || h->again_len || h->in_flight || !h->items_len)
        return;
    if (h->refusal && !h->refused) {
        f2m_effects_log(fx, F2M_LOG_INFO, COMPONENT, "the broker takes discovery topics again", "%s", "");
        free(f2m_take(h->refusal));
    }
    if (h->after_birth)
        h->states_ms = now.mono_ms + F2M_DISCOVERY_STATES_MS;
    f2m_ha_round_drop(h);
}

void f2m_ha_round_go_on(struct f2m_homeassistant *h, struct f2m_now now, struct f2m_effects *fx)
{
    if (!h->connected || now.mono_ms < h->quiet_ms)
        return;
    while (h->in_flight < F2M_MAX_DISCOVERY_IN_FLIGHT && (h->again_len || h->next < h->items_len))
        send(h, now, h->again_len ? h->again[--h->again_len] : h->next++, fx);
    finish(h, now, fx);
}

/* ---- what the broker says ---- */

/* The broker has it: what is remembered is what it holds. */
static void settle(struct f2m_homeassistant *h, struct f2m_now now, const struct f2m_ha_item *item)
{
    if (!item->wanted) {
        (void)f2m_store_record_delete(h->c.store, F2M_STORE_ANNOUNCED, key_of(h, item));
        return;
    }
    f2m_ha_record(&item->subject, (struct f2m_slice){NULL, 0}, &h->record);
    put_record(h, now, item);
}

static void tell_refused(struct f2m_homeassistant *h, const struct f2m_ha_item *item, int reason,
                         struct f2m_effects *fx)
{
    char topic[512];

    h->refused = true;
    if (h->refusal)
        return;
    h->refusal = f2m_xstrdup(item->topic);
    f2m_effects_log(fx, F2M_LOG_WARN, COMPONENT, "the broker refused a discovery topic", "topic=%s reason=0x%02x",
                    f2m_log_value(item->topic, topic, sizeof topic), (unsigned)reason);
}

void f2m_ha_round_published(struct f2m_homeassistant *h, struct f2m_now now, const struct f2m_mqtt_published *p,
                            struct f2m_effects *fx)
{
    size_t index = (size_t)(p->tag & (((uint64_t)1 << ITEM_BITS) - 1));

    if (index >= h->items_len || p->tag != tag_of(h, index) || h->in_flight == 0)
        return; /* of a former round */
    h->in_flight--;
    if (p->reason == F2M_MQTT_FULL) {
        h->again[h->again_len++] = index;
        h->quiet_ms = now.mono_ms + F2M_MQTT_QUIET_MS;
    } else if (p->reason >= 0x80) {
        tell_refused(h, h->items[index], p->reason, fx);
    } else {
        settle(h, now, h->items[index]);
    }
    f2m_ha_round_go_on(h, now, fx);
}
