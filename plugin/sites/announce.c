/*
 * Which sites and devices hold retained topics of ours: F2M_STORE_ANNOUNCED, keys "sites/site/<id>" and
 * "sites/device/<id>", value = the base topic. What the configuration does not have any more is cleared, also after a
 * change while the bridge was down; the record goes only when the broker has taken that. Interface, clarification 20.
 */
#include "port/own_topic.h"
#include "sites/internal.h"
#include "util/xalloc.h"

#include <stdlib.h>

#define SITE   "sites/site/"
#define DEVICE "sites/device/"

static const char *const device_topics[] = {"state", "telemetry", "control", "pause"};
#define DEVICE_TOPICS (sizeof device_topics / sizeof device_topics[0])

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool configured(const struct f2m_sites *s, const char *key)
{
    if (begins(key, SITE))
        return f2m_sites_site(s, key + strlen(SITE)) != NULL;
    return f2m_sites_device(s, key + strlen(DEVICE)) != NULL;
}

/* ---- what is there ---- */

static void put(struct f2m_sites *s, struct f2m_now now, const char *prefix, const char *id)
{
    f2m_strbuf_reset(&s->key);
    f2m_strbuf_adds(&s->key, prefix);
    f2m_strbuf_adds(&s->key, id);
    f2m_strbuf_reset(&s->text);
    if (f2m_store_record_get(s->c.store, F2M_STORE_ANNOUNCED, s->key.data, &s->text) != 0)
        f2m_sites_put(s, now, F2M_STORE_ANNOUNCED, s->key.data, f2m_slice_of(s->c.config->mqtt.base_topic));
}

static void put_all(struct f2m_sites *s, struct f2m_now now)
{
    for (const struct f2m_site_state *site = s->sites; site; site = site->hh.next)
        put(s, now, SITE, site->id);
    for (const struct f2m_device_state *d = s->devices; d; d = d->hh.next)
        put(s, now, DEVICE, d->config->id);
}

/* ---- what went ---- */

static bool collect(void *ctx, const char *key, struct f2m_slice base, int64_t changed_ms)
{
    struct f2m_sites *s = ctx;

    (void)changed_ms;
    if (!begins(key, SITE) && !begins(key, DEVICE))
        return true;
    if (configured(s, key) && f2m_slice_is(base, s->c.config->mqtt.base_topic))
        return true;
    s->clearings[s->clearings_len++] =
        (struct f2m_clearing){.key = f2m_xstrdup(key), .base = f2m_xmemdup0(base.at, base.len)};
    return s->clearings_len < F2M_MAX_CLEARINGS;
}

static void clear(struct f2m_sites *s, size_t index, struct f2m_effects *fx)
{
    struct f2m_clearing *c = &s->clearings[index];
    bool site = begins(c->key, SITE);

    c->waiting = site ? (size_t)F2M_SITE_TOPICS : DEVICE_TOPICS;
    for (size_t i = 0; i < c->waiting; i++) {
        if (site)
            f2m_own_topic_site(&s->topic, c->base, c->key + strlen(SITE), f2m_site_topic_names[i]);
        else
            f2m_own_topic_device(&s->topic, c->base, c->key + strlen(DEVICE), device_topics[i]);
        f2m_effects_publish(fx, &(struct f2m_publish){
                                    .topic = s->topic.data,
                                    .payload = f2m_slice_of(""),
                                    .retain = true,
                                    .tag = F2M_TAG_SITES | F2M_TAG_CLEARING | s->clearing_round << 8 | index,
                                });
    }
}

void f2m_announce_drop(struct f2m_sites *s)
{
    for (size_t i = 0; i < s->clearings_len; i++) {
        free(s->clearings[i].key);
        free(s->clearings[i].base);
    }
    s->clearings_len = 0;
    s->announce_due = true;
}

void f2m_sites_announce(struct f2m_sites *s, struct f2m_now now, struct f2m_effects *fx)
{
    if (!s->connected || !s->announce_due || now.mono_ms < s->resave_mono || now.mono_ms < s->quiet_mono)
        return;
    s->announce_due = false;
    put_all(s, now);
    if (s->clearings_len)
        return; /* goes on when the broker has answered */
    (void)f2m_store_records_each(s->c.store, F2M_STORE_ANNOUNCED, collect, s);
    s->clearing_round = (s->clearing_round + 1) & F2M_CLEARING_ROUNDS;
    s->clearing_now = s->clearings_len > 0;
    for (size_t i = 0; i < s->clearings_len; i++)
        clear(s, i, fx);
}

/* The broker has answered for all of its topics. */
static void cleared(struct f2m_sites *s, struct f2m_now now, const struct f2m_clearing *c)
{
    if (c->again)
        return;
    if (configured(s, c->key)) /* below another base topic now */
        f2m_sites_put(s, now, F2M_STORE_ANNOUNCED, c->key, f2m_slice_of(s->c.config->mqtt.base_topic));
    else
        f2m_sites_delete(s, F2M_STORE_ANNOUNCED, c->key);
}

void f2m_announce_published(struct f2m_sites *s, struct f2m_now now, uint64_t tag, int reason, struct f2m_effects *fx)
{
    size_t index = tag & 0xff;
    char text[512];

    if (tag >> 8 != s->clearing_round || index >= s->clearings_len || s->clearings[index].waiting == 0)
        return; /* of a former round */
    struct f2m_clearing *c = &s->clearings[index];
    if (reason == F2M_MQTT_FULL) {
        c->again = true;
        s->quiet_mono = now.mono_ms + F2M_MQTT_QUIET_MS;
    } else if (reason >= 0x80) { /* not ours to clear: no use in trying for ever */
        f2m_effects_log(fx, F2M_LOG_WARN, F2M_COMPONENT, "the broker refused to clear a topic", "of=%s reason=0x%02x",
                        f2m_log_value(c->key, text, sizeof text), (unsigned)reason);
    }
    if (--c->waiting == 0)
        cleared(s, now, c);
    for (size_t i = 0; i < s->clearings_len; i++)
        if (s->clearings[i].waiting)
            return;
    f2m_announce_drop(s); /* perhaps there is more */
    f2m_sites_wake(s);
}

void f2m_announce_committed(struct f2m_sites *s, bool ok)
{
    if (s->clearing_now && !ok) { /* nobody heard it */
        f2m_announce_drop(s);
        f2m_sites_wake(s);
    }
    s->clearing_now = false;
}
