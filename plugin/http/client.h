/*
 * HTTP to Flip's cloud: a curl multi handle that the main thread owns, and the process's one wait.
 *
 * A turn of the loop: f2m_http_poll() waits, f2m_http_perform() moves the transfers, f2m_http_next_result() until
 * false. Nothing blocks but the poll; names are resolved in curl's own threads. Every request gives exactly one result.
 * Redirects are never followed (the token would go to another host): a 3xx is a status like any other.
 */
#ifndef F2M_HTTP_CLIENT_H
#define F2M_HTTP_CLIENT_H

#include "port/effect.h"
#include "port/event.h"
#include "util/err.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct f2m_http;

struct f2m_http_options {
    const char *base_url; /* "https://host", no trailing slash, no /v1 */
    const char *ca;       /* file with further authorities beside the system's; NULL = none */
    bool insecure;        /* plain http allowed to other hosts than loopback */
    /* 0 = defaults: 10 s, 30 s, less than 10 bytes/s for 15 s. Tests shorten them. */
    int64_t connect_timeout_ms, timeout_ms;
    int64_t low_speed_s;
};

/* NULL with text: not a URL, plain http where it is not allowed, an unreadable CA file. */
struct f2m_http *f2m_http_new(const struct f2m_http_options *, struct f2m_err *) __attribute__((warn_unused_result));
void f2m_http_free(struct f2m_http *); /* aborts what runs; NULL is fine */

/* Copies the request. At most F2M_MAX_HTTP_IN_FLIGHT run, F2M_MAX_HTTP_WAITING wait in order; beyond that the result
 * is the error "too many requests waiting". */
void f2m_http_start(struct f2m_http *, const struct f2m_http_request *);
/* Waits until one of fds[n] is ready (revents says), a transfer can move, or timeout_ms has passed (-1 = as long as
 * there is nothing to do, but at most a minute). 0, or -errno. */
int f2m_http_poll(struct f2m_http *, struct pollfd *fds, size_t n, int64_t timeout_ms);
void f2m_http_perform(struct f2m_http *);
/* The next completed request; false when there is none. Valid until the next call of it or of
 * f2m_http_perform(). */
bool f2m_http_next_result(struct f2m_http *, struct f2m_http_result *) __attribute__((warn_unused_result));
/* Requests that have no result yet, in flight and waiting. */
size_t f2m_http_pending(const struct f2m_http *);
/* For shutdown and for a change of server: every request ends now; its result is the error "aborted" (the outcome is
 * unknown). */
void f2m_http_abort_all(struct f2m_http *);

#endif
