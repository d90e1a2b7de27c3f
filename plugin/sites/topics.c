/*
 * The retained topics of sites: published where they differ from what they show, and all of them anew when the broker
 * is back; in slices, since the broker's acknowledgements are bounded.
 */
#include "port/own_topic.h"
#include "sites/internal.h"

#include <utlist.h>

const char *const f2m_site_topic_names[F2M_SITE_TOPICS] = {
#define F2M_KIND_TOPIC(id, name, endpoint, pace, type) name,
    F2M_KINDS(F2M_KIND_TOPIC)
#undef F2M_KIND_TOPIC
        [F2M_TOPIC_EVENT] = "event",
    [F2M_TOPIC_PARTICIPATION] = "participation",
};

void f2m_topics_dirty(struct f2m_sites *s, struct f2m_site_state *site, unsigned topics)
{
    site->dirty |= topics;
    if (site->queued)
        return;
    site->queued = true;
    DL_APPEND2(s->queue, site, queue_prev, queue_next);
}

void f2m_topics_unqueue(struct f2m_sites *s, struct f2m_site_state *site)
{
    if (!site->queued)
        return;
    site->queued = false;
    DL_DELETE2(s->queue, site, queue_prev, queue_next);
}

/* False where the topic has nothing to show. */
static bool text_of(struct f2m_sites *s, struct f2m_now now, const struct f2m_site_state *site, unsigned topic)
{
    if (topic < F2M_KINDS_COUNT)
        return f2m_objects_text(&site->objects[topic], (enum f2m_kind)topic, F2M_MAX_PAYLOAD_BYTES, &s->text);
    if (topic == F2M_TOPIC_EVENT) {
        f2m_event_text(site, now.wall_ms, &s->text);
    } else {
        f2m_strbuf_reset(&s->text);
        f2m_strbuf_adds(&s->text, f2m_event_participation(site, now.wall_ms));
    }
    return true;
}

static void publish(struct f2m_sites *s, struct f2m_site_state *site, unsigned topic, struct f2m_slice payload,
                    struct f2m_effects *fx)
{
    f2m_own_topic_site(&s->topic, s->c.config->mqtt.base_topic, site->id, f2m_site_topic_names[topic]);
    f2m_effects_publish(fx, &(struct f2m_publish){
                                .topic = s->topic.data,
                                .payload = payload,
                                .retain = true,
                                .tag = F2M_TAG_SITES | F2M_TAG_TOPIC | (uint64_t)site->number << 8 | topic,
                            });
    if (!site->flushed) {
        site->turn_next = s->turn;
        s->turn = site;
    }
    site->flushed |= 1u << topic;
}

/* One topic; returns how many publishes it took. */
static unsigned flush_one(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site, unsigned topic,
                          struct f2m_effects *fx)
{
    unsigned bit = 1u << topic;

    site->dirty &= ~bit;
    if (!text_of(s, now, site, topic)) {
        bool clear = site->gone & bit;
        site->gone &= ~bit;
        site->shown[topic].any = false;
        if (clear)
            publish(s, site, topic, f2m_slice_of(""), fx);
        return clear;
    }
    site->gone &= ~bit;
    uint64_t hash = f2m_fnv(F2M_FNV_START, s->text.data, s->text.len);
    if (site->shown[topic].any && site->shown[topic].hash == hash)
        return 0;
    site->shown[topic].any = true;
    site->shown[topic].hash = hash;
    publish(s, site, topic, (struct f2m_slice){s->text.data, s->text.len}, fx);
    return 1;
}

void f2m_topics_flush(struct f2m_sites *s, struct f2m_now now, struct f2m_effects *fx)
{
    unsigned done = 0;

    if (!s->connected || now.mono_ms < s->quiet_mono)
        return;
    while (s->queue && done < F2M_MAX_SITE_PUBLISHES) {
        struct f2m_site_state *site = s->queue;
        for (unsigned topic = 0; topic < F2M_SITE_TOPICS; topic++)
            if (site->dirty & (1u << topic))
                done += flush_one(s, now, site, topic, fx);
        if (site->unsaved) /* at the next tick; where the store fails, later */
            return;
        f2m_topics_unqueue(s, site);
    }
    if (s->queue)
        f2m_sites_wake(s);
}

void f2m_topics_up(struct f2m_sites *s)
{
    for (struct f2m_site_state *site = s->sites; site; site = site->hh.next) {
        for (unsigned topic = 0; topic < F2M_SITE_TOPICS; topic++)
            site->shown[topic].any = false;
        f2m_topics_dirty(s, site, F2M_ALL_TOPICS);
    }
}

static void refused(struct f2m_sites *s, const struct f2m_site_state *site, unsigned topic, int reason,
                    struct f2m_effects *fx)
{
    char name[512];

    f2m_own_topic_site(&s->topic, s->c.config->mqtt.base_topic, site->id, f2m_site_topic_names[topic]);
    f2m_effects_log(fx, F2M_LOG_WARN, F2M_COMPONENT, "the broker refused a topic", "topic=%s reason=0x%02x",
                    f2m_log_value(s->topic.data, name, sizeof name), (unsigned)reason);
}

void f2m_topics_published(struct f2m_sites *s, struct f2m_now now, uint64_t tag, int reason, struct f2m_effects *fx)
{
    unsigned topic = tag & 0xff;
    uint32_t number = (uint32_t)(tag >> 8);

    if (reason < 0x80 || topic >= F2M_SITE_TOPICS)
        return;
    for (struct f2m_site_state *site = s->sites; site; site = site->hh.next) {
        if (site->number != number)
            continue;
        if (reason != F2M_MQTT_FULL) {
            refused(s, site, topic, reason, fx);
            return;
        }
        s->quiet_mono = now.mono_ms + F2M_MQTT_QUIET_MS;
        site->shown[topic].any = false;
        site->gone |= 1u << topic; /* where it was a clearing */
        f2m_topics_dirty(s, site, 1u << topic);
        f2m_sites_wake(s);
        return;
    }
}

void f2m_topics_committed(struct f2m_sites *s, bool ok)
{
    while (s->turn) {
        struct f2m_site_state *site = s->turn;
        s->turn = site->turn_next;
        site->turn_next = NULL;
        if (!ok) { /* nobody heard it */
            for (unsigned topic = 0; topic < F2M_SITE_TOPICS; topic++)
                if (site->flushed & (1u << topic))
                    site->shown[topic].any = false;
            f2m_topics_dirty(s, site, site->flushed);
        }
        site->flushed = 0;
    }
}
