#include "engine/internal.h"

#include "port/own_topic.h"

/*
 * The bridge's own input topics below the base topic (the `in` rows and requests of Interface, section 3), "{}" for an
 * id. Retained messages on them are ignored: nobody asks now.
 */
typedef void (*input_fn)(struct f2m_engine *, struct f2m_now, const struct f2m_mqtt_message *, struct f2m_effects *);

static void pause_set(struct f2m_engine *e, struct f2m_now now, const struct f2m_mqtt_message *m,
                      struct f2m_effects *fx)
{
    f2m_control_pause_set(e->control, now, e->ids[0].data, m->payload, fx);
}

static void command_ack(struct f2m_engine *e, struct f2m_now now, const struct f2m_mqtt_message *m,
                        struct f2m_effects *fx)
{
    f2m_control_command_ack(e->control, now, e->ids[0].data, m->payload, fx);
}

static void participation_set(struct f2m_engine *e, struct f2m_now now, const struct f2m_mqtt_message *m,
                              struct f2m_effects *fx)
{
    f2m_sites_participation_set(e->sites, now, e->ids[0].data, NULL, m->payload, fx);
}

static void event_participation_set(struct f2m_engine *e, struct f2m_now now, const struct f2m_mqtt_message *m,
                                    struct f2m_effects *fx)
{
    f2m_sites_participation_set(e->sites, now, e->ids[0].data, e->ids[1].data, m->payload, fx);
}

static const struct input {
    const char *filter;  /* to subscribe to */
    const char *pattern; /* f2m_own_topic_match(); the ids go to the engine's scratch */
    input_fn take;
} inputs[] = {
    {"device/+/pause/set", "device/{}/pause/set", pause_set},
    {"device/+/command/ack", "device/{}/command/ack", command_ack},
    {"site/+/participation/set", "site/{}/participation/set", participation_set},
    {"site/+/event/+/participation/set", "site/{}/event/{}/participation/set", event_participation_set},
};
#define INPUTS (sizeof inputs / sizeof *inputs)

#define REQUEST_FILTER "bridge/request/#"
#define REQUEST_PREFIX "bridge/request/"

static void want_own(struct f2m_engine *e, const char *filter)
{
    f2m_subscriptions_add(e->subscriptions, f2m_own_topic(&e->topic, e->config->mqtt.base_topic, filter));
}

/* Everything that the rooms listen to, as one minimal cover. */
void want_subscriptions(struct f2m_engine *e, struct f2m_effects *fx)
{
    f2m_subscriptions_begin(e->subscriptions);
    want_own(e, REQUEST_FILTER);
    for (size_t i = 0; i < INPUTS; i++)
        want_own(e, inputs[i].filter);
    f2m_telemetry_filters(e->telemetry, f2m_subscriptions_add, e->subscriptions);
    f2m_control_filters(e->control, f2m_subscriptions_add, e->subscriptions);
    f2m_sites_filters(e->sites, f2m_subscriptions_add, e->subscriptions);
    if (e->config->homeassistant.enabled)
        f2m_subscriptions_add(e->subscriptions, e->config->homeassistant.status_topic);
    f2m_subscriptions_apply(e->subscriptions, fx);
}

void f2m_engine_control_filters(const struct f2m_engine *e, void (*visit)(void *ctx, const char *filter), void *ctx)
{
    f2m_control_filters(e->control, visit, ctx);
    if (e->config->homeassistant.enabled)
        visit(ctx, e->config->homeassistant.status_topic);
}

/* True where the topic is one of the bridge's own inputs. */
static bool route_own(struct f2m_engine *e, struct f2m_now now, struct f2m_slice rest, const struct f2m_mqtt_message *m,
                      struct f2m_effects *fx)
{
    size_t prefix = strlen(REQUEST_PREFIX);
    if (rest.len > prefix && memcmp(rest.at, REQUEST_PREFIX, prefix) == 0) {
        if (!m->retain)
            f2m_requests_message(e->requests, now, (struct f2m_slice){rest.at + prefix, rest.len - prefix}, m, fx);
        return true;
    }
    for (size_t i = 0; i < INPUTS; i++)
        if (f2m_own_topic_match(rest, inputs[i].pattern, e->ids, 2)) {
            if (!m->retain)
                inputs[i].take(e, now, m, fx);
            return true;
        }
    return false;
}

void route_message(struct f2m_engine *e, struct f2m_now now, const struct f2m_mqtt_message *m, struct f2m_effects *fx)
{
    struct f2m_slice rest = f2m_own_topic_rest(m->topic, e->config->mqtt.base_topic);
    if (rest.at && route_own(e, now, rest, m, fx))
        return;
    /* A retained birth is from before this connection, at which everything was announced. */
    if (!m->retain && f2m_slice_is(m->topic, e->config->homeassistant.status_topic))
        f2m_homeassistant_status(e->homeassistant, now, m->payload);
    f2m_homeassistant_message(e->homeassistant, m);
    (void)f2m_telemetry_message(e->telemetry, now, m, fx);
    (void)f2m_control_message(e->control, now, m, fx);
    (void)f2m_sites_message(e->sites, now, m, fx);
}

/* Tags say in their top byte whose they are. */
void route_published(struct f2m_engine *e, struct f2m_now now, const struct f2m_mqtt_published *p,
                     struct f2m_effects *fx)
{
    if (!f2m_control_published(e->control, now, p, fx) && !f2m_sites_published(e->sites, now, p, fx))
        (void)f2m_homeassistant_published(e->homeassistant, now, p, fx);
}

void route_webhook(struct f2m_engine *e, struct f2m_now now, const struct f2m_webhook *w, struct f2m_effects *fx)
{
    f2m_effects_webhook_reply(fx, w->tag, f2m_sites_webhook(e->sites, now, w->id, w->body, fx));
}
