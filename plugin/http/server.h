/*
 * The listener: Flip's webhooks, /healthz, /metrics, and a status page (Interface, sections 2 and 4, Webhooks).
 *
 * libmicrohttpd in its external epoll mode, on the main thread: put f2m_server_fd() into the poll, wait no longer than
 * f2m_server_timeout(), call f2m_server_run() each turn, then f2m_server_next_webhook() until false. A verified webhook
 * holds its connection until f2m_server_reply(), which the engine asks for after the commit; without an answer within
 * F2M_WEBHOOK_DEADLINE_MS of the connection's start the peer gets 503. One request per connection, and the same
 * deadline for all of it: a client that sends a byte a second holds nothing for long, and only
 * F2M_HTTP_CROWDED_MS while all connections are taken.
 */
#ifndef F2M_HTTP_SERVER_H
#define F2M_HTTP_SERVER_H

#include "port/event.h"
#include "util/err.h"
#include "util/now.h"
#include "util/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct f2m_server;

struct f2m_server_options {
    const char *listen;       /* "127.0.0.1:8099", "[::1]:8099", "localhost:8099"; port 0 = any */
    const char *webhook_path; /* NULL = no webhooks */
    const char *const *webhook_secrets;
    size_t webhook_secrets_len;
    int64_t webhook_tolerance_ms;
    int64_t deadline_ms; /* 0 = F2M_WEBHOOK_DEADLINE_MS; tests shorten it */
    /* What the pages say; called from f2m_server_run(). A NULL function = 404. */
    void *pages;
    bool (*ready)(void *pages);                           /* /healthz?ready: 200 or 503 */
    void (*metrics)(void *pages, struct f2m_strbuf *out); /* /metrics: Prometheus text */
    void (*status)(void *pages, struct f2m_strbuf *out);  /* /: HTML */
};

/* Listens. NULL with text: address in use, a secret that is no key, … */
struct f2m_server *f2m_server_new(const struct f2m_server_options *, struct f2m_err *)
    __attribute__((warn_unused_result));
void f2m_server_free(struct f2m_server *); /* open webhooks get 503; NULL is fine */

/* For POLLIN; owned by the server. -1 = none just now: out of descriptors, only f2m_server_timeout() counts. */
int f2m_server_fd(const struct f2m_server *);
int f2m_server_port(const struct f2m_server *);
/* Milliseconds until f2m_server_run() must be called again; -1 = when the fd says so. */
int64_t f2m_server_timeout(struct f2m_server *, struct f2m_now);
void f2m_server_run(struct f2m_server *, struct f2m_now);
/* The next verified webhook; false when there is none. Valid until its reply. */
bool f2m_server_next_webhook(struct f2m_server *, struct f2m_webhook *) __attribute__((warn_unused_result));
/* Answers it. A tag that has already been answered (by the deadline) is ignored. */
void f2m_server_reply(struct f2m_server *, uint64_t tag, int status);
/* Webhook requests turned away here since start (the engine never saw them): bad signature, malformed, too large, too
 * slow, … */
uint64_t f2m_server_refused(const struct f2m_server *);

#endif
