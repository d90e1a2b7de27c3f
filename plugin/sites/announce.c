/*
 * Which sites and devices hold retained topics of ours: F2M_STORE_ANNOUNCED, keys "sites/site/<id>" and
 * "sites/device/<id>", value = the base topic. What the configuration does not have any more is cleared, also after a
 * change while the bridge was down. Interface, clarification 20.
 */
#include "port/own_topic.h"
#include "sites/internal.h"
#include "util/xalloc.h"

#include <errno.h>
#include <stdlib.h>

#define SITE    "sites/site/"
#define DEVICE  "sites/device/"
#define AT_ONCE 50 /* owners cleared in one turn */

static const char *const device_topics[] = {"state", "telemetry", "control", "pause"};

struct owner {
    char *key, *base;
};

struct gone {
    struct f2m_sites *s;
    struct owner owners[AT_ONCE];
    size_t len;
    bool more;
};

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

static bool collect(void *ctx, const char *key, struct f2m_slice base, int64_t changed_ms)
{
    struct gone *gone = ctx;

    (void)changed_ms;
    if (!begins(key, SITE) && !begins(key, DEVICE))
        return true;
    if (configured(gone->s, key) && f2m_slice_is(base, gone->s->c.config->mqtt.base_topic))
        return true;
    gone->more = gone->len == AT_ONCE;
    if (!gone->more)
        gone->owners[gone->len++] = (struct owner){f2m_xstrdup(key), f2m_xmemdup0(base.at, base.len)};
    return !gone->more;
}

static void clear(struct f2m_sites *s, const struct owner *owner, struct f2m_effects *fx)
{
    if (begins(owner->key, SITE)) {
        for (unsigned topic = 0; topic < F2M_SITE_TOPICS; topic++)
            f2m_effects_publish_text(
                fx, f2m_own_topic_site(&s->topic, owner->base, owner->key + strlen(SITE), f2m_site_topic_names[topic]),
                f2m_slice_of(""), true);
        return;
    }
    for (size_t i = 0; i < sizeof device_topics / sizeof device_topics[0]; i++)
        f2m_effects_publish_text(
            fx, f2m_own_topic_device(&s->topic, owner->base, owner->key + strlen(DEVICE), device_topics[i]),
            f2m_slice_of(""), true);
}

static void put(struct f2m_sites *s, struct f2m_now now, const char *prefix, const char *id)
{
    f2m_strbuf_reset(&s->key);
    f2m_strbuf_adds(&s->key, prefix);
    f2m_strbuf_adds(&s->key, id);
    f2m_strbuf_reset(&s->text);
    if (f2m_store_record_get(s->c.store, F2M_STORE_ANNOUNCED, s->key.data, &s->text) != 0)
        f2m_sites_put(s, now, F2M_STORE_ANNOUNCED, s->key.data, f2m_slice_of(s->c.config->mqtt.base_topic));
}

void f2m_sites_announce(struct f2m_sites *s, struct f2m_now now, struct f2m_effects *fx)
{
    struct gone gone = {.s = s};

    if (!s->connected || !s->announce_due || now.mono_ms < s->resave_mono)
        return;
    (void)f2m_store_records_each(s->c.store, F2M_STORE_ANNOUNCED, collect, &gone);
    for (size_t i = 0; i < gone.len; i++) {
        clear(s, &gone.owners[i], fx);
        f2m_sites_delete(s, F2M_STORE_ANNOUNCED, gone.owners[i].key);
        free(gone.owners[i].key);
        free(gone.owners[i].base);
    }
    s->announce_due = gone.more;
    if (gone.more) {
        f2m_sites_wake(s);
        return;
    }
    for (const struct f2m_site_state *site = s->sites; site; site = site->hh.next)
        put(s, now, SITE, site->id);
    for (const struct f2m_device_state *d = s->devices; d; d = d->hh.next)
        put(s, now, DEVICE, d->config->id);
}
