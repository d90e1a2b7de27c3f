#include "peer.h"

#include <check.h>
#include <poll.h>
#include <string.h>
#include <time.h>

struct f2m_mqtt_options peer_options(const struct broker *broker)
{
    return (struct f2m_mqtt_options){
        .host = "127.0.0.1",
        .port = broker->port,
        .client_id = "flip2mqtt-test",
        .version = 5,
        .keepalive_s = 60,
        .control_prefix = "flip2mqtt/",
        .seed = 1,
        .backoff_min_ms = 50,
        .backoff_max_ms = 200,
    };
}

void peer_start(struct peer *peer, const struct f2m_mqtt_options *options)
{
    struct f2m_err err = {""};
    *peer = (struct peer){.inbox = f2m_inbox_new(NULL)};
    peer->client = f2m_mqtt_start(options, peer->inbox, &err);
    ck_assert_msg(peer->client != NULL, "%s", err.text);
}

void peer_stop(struct peer *peer)
{
    ck_assert(f2m_mqtt_stop(peer->client));
    f2m_inbox_free(peer->inbox);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool peer_next(struct peer *peer, int timeout_ms)
{
    int64_t until = now_ms() + timeout_ms;
    while (!f2m_inbox_pop(peer->inbox, &peer->event)) {
        int64_t left = until - now_ms();
        struct pollfd fd = {.fd = f2m_inbox_fd(peer->inbox), .events = POLLIN};
        if (left <= 0 || poll(&fd, 1, (int)left) == 0)
            return false;
    }
    return true;
}

void peer_await(struct peer *peer, enum f2m_event_type type)
{
    do {
        ck_assert_msg(peer_next(peer, 10000), "event %d does not come", (int)type);
    } while (peer->event.type != type);
}

void peer_await_message(struct peer *peer, const char *topic)
{
    do {
        peer_await(peer, F2M_EV_MQTT_MESSAGE);
    } while (strcmp(peer->event.message.topic.at, topic) != 0);
}

void peer_subscribe(struct peer *peer, const char *filter)
{
    ck_assert_int_eq(f2m_mqtt_subscribe(peer->client, filter), 0);
    peer_await(peer, F2M_EV_MQTT_SUBSCRIBED);
    ck_assert_str_eq(peer->event.subscribed.filter, filter);
    ck_assert_int_eq(peer->event.subscribed.reason, 1);
}

int peer_publish(struct peer *peer, const char *topic, const char *payload, bool retain, uint64_t tag)
{
    struct f2m_publish publish = {.topic = topic, .payload = f2m_slice_of(payload), .retain = retain, .tag = tag};
    return f2m_mqtt_publish(peer->client, &publish);
}
