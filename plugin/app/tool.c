#include "app/tool.h"

#include "app/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

struct f2m_mqtt_options broker_options(const struct f2m_mqtt_config *c)
{
    return (struct f2m_mqtt_options){
        .host = c->host,
        .port = c->port,
        .tls = c->tls,
        .ca = c->ca,
        .cert = c->cert,
        .key = c->key,
        .username = c->username,
        .password = c->password,
        .version = c->version,
        .keepalive_s = c->keepalive_s,
    };
}

int tool_open(struct tool *t, const struct f2m_config *config, const char *name, struct f2m_err *err)
{
    struct f2m_mqtt_options options = broker_options(&config->mqtt);
    (void)snprintf(t->client_id, sizeof t->client_id, "flip2mqtt-%s-%x", name, (unsigned)getpid());
    options.client_id = t->client_id;
    options.seed = (uint64_t)getpid();
    t->inbox = f2m_inbox_new(NULL);
    t->mqtt = f2m_mqtt_start(&options, t->inbox, err);
    return t->mqtt ? 0 : -EINVAL;
}

bool tool_next(struct tool *t, int64_t deadline_ms, struct f2m_event *event)
{
    while (!f2m_inbox_pop(t->inbox, event)) {
        int64_t left = deadline_ms - f2m_clock_now().mono_ms;
        if (left <= 0)
            return false;
        struct pollfd fd = {.fd = f2m_inbox_fd(t->inbox), .events = POLLIN};
        (void)poll(&fd, 1, left > 1000 ? 1000 : (int)left);
    }
    return true;
}

int tool_connect(struct tool *t, struct f2m_err *err)
{
    int64_t deadline = f2m_clock_now().mono_ms + TOOL_CONNECT_MS;
    struct f2m_event event;
    f2m_err_set(err, "no answer within %d s", TOOL_CONNECT_MS / 1000);
    while (tool_next(t, deadline, &event)) {
        if (event.type == F2M_EV_MQTT_UP)
            return 0;
        if (event.type != F2M_EV_MQTT_DOWN)
            continue;
        /* A person waits for the answer: unlike the bridge, a tool tries once. */
        f2m_err_set(err, "%s", event.down.text ? event.down.text : "connection lost");
        return event.down.reason ? -EACCES : -ECONNREFUSED;
    }
    return -ETIMEDOUT;
}

void tool_close(struct tool *t)
{
    bool joined = f2m_mqtt_stop(t->mqtt);
    t->mqtt = NULL;
    if (!joined)
        return; /* the thread hangs in a blocking connect; the process ends soon */
    f2m_inbox_free(t->inbox);
    t->inbox = NULL;
}
