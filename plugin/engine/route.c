#include "engine/internal.h"

#include "port/own_topic.h"

/* The bridge's own input topics below the base topic (the `in` rows and requests of interface section 3). */
enum input {
    INPUT_REQUEST,
};
static const struct input_topic {
    const char *filter; /* to subscribe to */
    enum input input;
} input_topics[] = {
    {"bridge/request/#", INPUT_REQUEST},
};

/* Everything that the rooms listen to, as one minimal cover. */
void want_subscriptions(struct f2m_engine *e, struct f2m_effects *fx)
{
    struct f2m_subscriptions *s = e->subscriptions;
    f2m_subscriptions_begin(s);
    for (size_t i = 0; i < sizeof input_topics / sizeof *input_topics; i++)
        f2m_subscriptions_add(s, f2m_own_topic(&e->topic, e->config->mqtt.base_topic, input_topics[i].filter));
    f2m_telemetry_filters(e->telemetry, f2m_subscriptions_add, s);
    f2m_subscriptions_apply(s, fx);
}

#define REQUEST_PREFIX "bridge/request/"

/* True where the topic is one of the bridge's own inputs. Retained ones are ignored: nobody asks now. */
static bool route_own(struct f2m_engine *e, struct f2m_now now, struct f2m_slice rest, const struct f2m_mqtt_message *m,
                      struct f2m_effects *fx)
{
    size_t prefix = strlen(REQUEST_PREFIX);
    if (rest.len > prefix && memcmp(rest.at, REQUEST_PREFIX, prefix) == 0) {
        if (!m->retain)
            f2m_requests_message(e->requests, now, (struct f2m_slice){rest.at + prefix, rest.len - prefix}, m, fx);
        return true;
    }
    return false;
}

void route_message(struct f2m_engine *e, struct f2m_now now, const struct f2m_mqtt_message *m, struct f2m_effects *fx)
{
    struct f2m_slice rest = f2m_own_topic_rest(m->topic, e->config->mqtt.base_topic);
    if (rest.at && route_own(e, now, rest, m, fx))
        return;
    if (f2m_telemetry_message(e->telemetry, now, m, fx))
        e->counters.messages++;
}

void route_published(struct f2m_engine *e, struct f2m_now now, const struct f2m_mqtt_published *p,
                     struct f2m_effects *fx)
{
    (void)e, (void)now, (void)p, (void)fx;
}

void route_webhook(struct f2m_engine *e, struct f2m_now now, const struct f2m_webhook *w, struct f2m_effects *fx)
{
    (void)e, (void)now;
    f2m_effects_webhook_reply(fx, w->tag, 503);
}
