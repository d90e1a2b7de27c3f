#include "requests/response_topic.h"

#include "port/own_topic.h"
#include "util/topic.h"

#include <string.h>

static bool below(const char *topic, const char *base)
{
    size_t len = strlen(base);
    return strncmp(topic, base, len) == 0 && (topic[len] == '/' || topic[len] == '\0');
}

/* A configured topic may be a template: what stands before its first {{ must not match either. */
static bool publishes_there(const struct f2m_control_publish *list, size_t n, const char *topic)
{
    for (size_t i = 0; i < n; i++) {
        const char *template = strstr(list[i].topic, "{{");
        if (template ? strncmp(topic, list[i].topic, (size_t)(template - list[i].topic)) == 0
                     : strcmp(topic, list[i].topic) == 0)
            return true;
    }
    return false;
}

static bool is_battery_topic(const struct f2m_config *config, const char *topic)
{
    for (size_t s = 0; s < config->sites_len; s++)
        for (size_t d = 0; d < config->sites[s].devices_len; d++) {
            const struct f2m_device *device = &config->sites[s].devices[d];
            const struct f2m_control_config *c = &device->control;
            if (publishes_there(c->restore, c->restore_len, topic))
                return true;
            for (size_t m = 0; m < c->modes_len; m++)
                if (publishes_there(c->modes[m].publishes, c->modes[m].publishes_len, topic))
                    return true;
            if (device->telemetry.keepalive.topic && strcmp(device->telemetry.keepalive.topic, topic) == 0)
                return true;
        }
    return false;
}

bool f2m_response_topic_allowed(const struct f2m_config *config, const char *topic)
{
    if (!f2m_topic_name_valid(topic) || topic[0] == '$')
        return false;
    struct f2m_slice own = f2m_own_topic_rest(f2m_slice_of(topic), config->mqtt.base_topic);
    if (below(topic, config->mqtt.base_topic) && !(own.at && strncmp(own.at, "bridge/response/", 16) == 0))
        return false;
    if (below(topic, config->homeassistant.discovery_topic) || is_battery_topic(config, topic))
        return false;
    if (!config->requests.response_topics)
        return true;
    for (size_t i = 0; i < config->requests.response_topics_len; i++)
        if (f2m_topic_matches(config->requests.response_topics[i], topic))
            return true;
    return false;
}
