/* The running bridge: everything that is wired together, and its one loop. */
#ifndef F2M_APP_BRIDGE_H
#define F2M_APP_BRIDGE_H

#include "app/options.h"
#include "config/config.h"
#include "engine/engine.h"
#include "http/client.h"
#include "http/server.h"
#include "mqtt/client.h"
#include "mqtt/inbox.h"
#include "port/effect.h"
#include "port/store.h"

#include <sys/types.h>

struct bridge {
    const struct f2m_options *options;
    struct f2m_config *config;
    struct f2m_store *store;
    struct f2m_engine *engine;
    struct f2m_effects *effects;
    struct f2m_inbox *inbox;
    struct f2m_mqtt *mqtt;
    struct f2m_http *http;
    struct f2m_server *server; /* NULL = no http.listen */
    uint64_t webhooks_refused; /* by servers before this one (reload) */
    char client_id[256];
    uint64_t seed;
    int signal_fd, clock_fd;
    struct f2m_now now;      /* of this turn; a page is written in the turn after it was asked for */
    int64_t watchdog_ms;     /* 0 = none */
    int64_t alive_due_ms;    /* mono: next watchdog notification */
    int64_t maintain_due_ms; /* mono: next look at the store's reserve */
    int64_t stop_by_ms;      /* mono: 0 = not stopping */
    int exit_code;           /* when it stops */
    bool reload_asked;
};

/* Runs turns until the bridge has stopped. Returns the exit code. */
int bridge_loop(struct bridge *);

/* SIGHUP: loads and validates; swaps, or keeps the old configuration and says so. */
void bridge_reload(struct bridge *, struct f2m_now);

/* The edges, from the configuration in force. False after saying why on the log. */
void bridge_choose_client_id(struct bridge *, struct f2m_now);
/* Which messages go to the inbox's control lane: after a reload anew. */
void bridge_sort_messages(struct bridge *);
bool bridge_open_mqtt(struct bridge *);
bool bridge_open_server(struct bridge *);
/* NULL after saying why on the log. Freed by the caller. */
struct f2m_http *bridge_new_http(const struct f2m_flip_config *);

#endif
