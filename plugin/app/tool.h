/* A sub-command's own connection to the broker, beside a running bridge (Interface, clarification 43): its own client
 * id, no will, nothing retained. Blocking, with deadlines. */
#ifndef F2M_APP_TOOL_H
#define F2M_APP_TOOL_H

#include "config/config.h"
#include "mqtt/client.h"
#include "mqtt/inbox.h"
#include "util/err.h"

#include <stdint.h>

struct tool {
    struct f2m_inbox *inbox;
    struct f2m_mqtt *mqtt;
    char client_id[64];
};

#define TOOL_CONNECT_MS 15000

/* How the configured broker is reached; the bridge's own connection adds client id, will and seed too. Strings are
 * borrowed. */
struct f2m_mqtt_options broker_options(const struct f2m_mqtt_config *);

/* Starts to connect as "flip2mqtt-<name>-<pid>". */
int tool_open(struct tool *, const struct f2m_config *, const char *name, struct f2m_err *)
    __attribute__((warn_unused_result));
/* Waits for the first attempt to end. -EACCES where the broker refuses the credentials, -ECONNREFUSED, -ETIMEDOUT; all
 * with text. */
int tool_connect(struct tool *, struct f2m_err *) __attribute__((warn_unused_result));
/* The next event; false when the deadline (mono ms) came first. Valid until the next call. */
bool tool_next(struct tool *, int64_t deadline_ms, struct f2m_event *) __attribute__((warn_unused_result));
void tool_close(struct tool *);

#endif
