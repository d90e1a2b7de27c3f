/* Where an answer may go (Interface, clarification 40): an MQTT 5 response topic comes from whoever may publish a
 * request, and must not become a way to publish into the house. */
#ifndef F2M_REQUESTS_RESPONSE_TOPIC_H
#define F2M_REQUESTS_RESPONSE_TOPIC_H

#include "config/config.h"

/* Any, except $…, below the base topic (but bridge/response/…), below the discovery prefix, or a topic that the
 * configuration publishes to a battery; requests.response_topics narrows it. */
bool f2m_response_topic_allowed(const struct f2m_config *, const char *topic);

#endif
