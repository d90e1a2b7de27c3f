#include "engine/internal.h"

#include "port/own_topic.h"

/* Everything that the rooms listen to, as one minimal cover. */
void want_subscriptions(struct f2m_engine *e, struct f2m_effects *fx)
{
    struct f2m_subscriptions *s = e->subscriptions;
    f2m_subscriptions_begin(s);
    f2m_telemetry_filters(e->telemetry, f2m_subscriptions_add, s);
    f2m_subscriptions_apply(s, fx);
}

void route_message(struct f2m_engine *e, struct f2m_now now, const struct f2m_mqtt_message *m, struct f2m_effects *fx)
{
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
