/*
 * Which lane a message belongs to: the bridge's own topics (a prefix) and a set of further topics and filters go to
 * control, all else is telemetry. Built once, read for every message.
 */
#ifndef F2M_MQTT_SORTER_H
#define F2M_MQTT_SORTER_H

#include "mqtt/inbox.h"

#include <stddef.h>

/* Zero-initialised = everything is telemetry. */
struct f2m_sorter {
    char *prefix; /* owned; NULL = none */
    size_t prefix_len;
    char **topics; /* owned, without wildcards, sorted for bsearch */
    size_t topics_len;
    char **filters; /* owned, with wildcards */
    size_t filters_len;
};

void f2m_sorter_init(struct f2m_sorter *, const char *prefix, const char *const *filters, size_t n); /* copies */
void f2m_sorter_deinit(struct f2m_sorter *);                                                         /* safe twice */
enum f2m_inbox_lane f2m_sorter_lane(const struct f2m_sorter *, const char *topic);

#endif
