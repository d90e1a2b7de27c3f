/* A client under test with its inbox, and waiting for its events with a deadline. */
#ifndef F2M_TESTS_PEER_H
#define F2M_TESTS_PEER_H

#include "broker.h"
#include "mqtt/client.h"

struct peer {
    struct f2m_inbox *inbox;
    struct f2m_mqtt *client;
    struct f2m_event event; /* the last one; its memory is valid until the next */
};

/* Options for a broker, with short backoffs. */
struct f2m_mqtt_options peer_options(const struct broker *);
void peer_start(struct peer *, const struct f2m_mqtt_options *);
void peer_stop(struct peer *); /* joins */
/* The next event within the time; false when there is none. */
bool peer_next(struct peer *, int timeout_ms);
/* Lets events go by until one of this type comes; fails the test after 10 s. */
void peer_await(struct peer *, enum f2m_event_type);
void peer_await_message(struct peer *, const char *topic);
void peer_subscribe(struct peer *, const char *filter); /* awaits the broker's answer: granted */
int peer_publish(struct peer *, const char *topic, const char *payload, bool retain, uint64_t tag);

#endif
