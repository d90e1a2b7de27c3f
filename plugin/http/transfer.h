/*
 * One request on its way: an easy handle with the memory that it needs, reused from request to request so that
 * connections, TLS sessions and buffers are kept. Used by client.c alone.
 */
#ifndef F2M_HTTP_TRANSFER_H
#define F2M_HTTP_TRANSFER_H

#include "http/certificate.h"
#include "port/effect.h"
#include "port/event.h"
#include "util/err.h"
#include "util/strbuf.h"

#include <curl/curl.h>

/* A request as copied: waiting, or in a transfer. */
struct f2m_http_copy {
    uint64_t tag;
    enum f2m_http_method method;
    char *path;
    char *token; /* secret; NULL = none */
    char *body;  /* NULL = none */
    size_t body_len;
};
void f2m_http_copy_init(struct f2m_http_copy *, const struct f2m_http_request *);
void f2m_http_copy_deinit(struct f2m_http_copy *); /* wipes; safe twice */

/* What every transfer of a client has in common. */
struct f2m_http_setup {
    char *base_url;
    char *ca;
    bool plain; /* http allowed, not https alone */
    long connect_timeout_ms, timeout_ms, low_speed_s;
};

#define F2M_HTTP_HEADERS 4

struct f2m_transfer {
    CURL *easy;
    bool busy;      /* in the multi handle */
    bool too_large; /* the answer passed F2M_MAX_REPLY_BYTES */
    struct f2m_http_copy request;
    char *url;
    char *authorization; /* "Authorization: Bearer …"; secret */
    struct curl_slist
        headers[F2M_HTTP_HEADERS]; /* a list in place: curl reads it, and there is nothing to wipe but us */
    struct f2m_strbuf reply;
    int socket_error; /* errno where no socket could be had: curl does not tell */
    char curl_says[CURL_ERROR_SIZE];
    struct f2m_certificate certificate; /* the one that failed verification */
    char error[512];
};

void f2m_transfer_init(struct f2m_transfer *, const struct f2m_http_setup *);
void f2m_transfer_deinit(struct f2m_transfer *); /* not in a multi handle */
/* Takes the request over and makes the handle ready for the multi handle. */
void f2m_transfer_prepare(struct f2m_transfer *, const struct f2m_http_setup *, struct f2m_http_copy *take);
/* What has come of it; points into the transfer. */
void f2m_transfer_result(struct f2m_transfer *, CURLcode, struct f2m_http_result *);
/* Gives back what the request held, and large memory. */
void f2m_transfer_release(struct f2m_transfer *);

#endif
