/* MQTT topic names and filters (MQTT 5, section 4.7). */
#ifndef F2M_UTIL_TOPIC_H
#define F2M_UTIL_TOPIC_H

#include <stdbool.h>
#include <stddef.h>

#define F2M_TOPIC_MAX 65535

bool f2m_topic_name_valid(const char *topic);    /* not empty, no wildcard, valid UTF-8, no NUL, ≤ 65535 bytes */
bool f2m_topic_filter_valid(const char *filter); /* + and # only as whole levels, # last */
bool f2m_topic_has_wildcard(const char *filter);
/* A filter that begins with a wildcard does not match topics that begin with '$'. */
bool f2m_topic_matches(const char *filter, const char *topic);
/* Whether every topic that `narrow` matches is matched by `wide`. */
bool f2m_topic_covers(const char *wide, const char *narrow);
/* Drops from filters[n] every one that another covers (duplicates too); returns how many stay, in front, in order.
 * Overlapping filters would deliver twice (mosquitto), so we subscribe to a minimal cover. */
size_t f2m_topic_minimal_cover(const char **filters, size_t n);

#endif
