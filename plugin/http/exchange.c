#include "http/exchange.h"

#include "util/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- answers ---- */

static const char *text_of(int status)
{
    switch (status) {
    case 200: return "ok\n";
    case 400: return "malformed\n";
    case 401: return "signature or timestamp refused\n";
    case 404: return "not found\n";
    case 405: return "method not allowed\n";
    case 413: return "too large\n";
    case 503: return "unavailable\n";
    default: return "";
    }
}

static enum MHD_Result answer(struct f2m_exchange *x, int status, const char *type, const char *text, size_t len,
                              enum MHD_ResponseMemoryMode mode, const char *allow)
{
    x->state = F2M_EXCHANGE_ANSWERED;
    if (x->is_webhook && x->tag == 0 && status >= 400)
        x->server->refused++;
    struct MHD_Response *response = MHD_create_response_from_buffer(len, (void *)(uintptr_t)text, mode);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (len > 0)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (strncmp(type, "text/html", 9) == 0)
        MHD_add_response_header(response, "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
    if (allow)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allow);
    enum MHD_Result result = MHD_queue_response(x->connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_status(struct f2m_exchange *x, int status, const char *allow)
{
    const char *text = text_of(status);
    return answer(x, status, "text/plain; charset=utf-8", text, strlen(text), MHD_RESPMEM_PERSISTENT, allow);
}

static enum MHD_Result answer_page(struct f2m_exchange *x, const char *type,
                                   void (*write)(void *pages, struct f2m_strbuf *out))
{
    struct f2m_server *server = x->server;
    f2m_strbuf_reset(&server->page);
    write(server->options.pages, &server->page);
    if (server->page.overflow)
        return answer_status(x, MHD_HTTP_SERVICE_UNAVAILABLE, NULL);
    return answer(x, MHD_HTTP_OK, type, server->page.data, server->page.len, MHD_RESPMEM_MUST_COPY, NULL);
}

/* ---- pages ---- */

static enum MHD_Result is_ready_argument(void *found, enum MHD_ValueKind kind, const char *key, const char *value)
{
    (void)kind, (void)value;
    if (strcmp(key, "ready") == 0)
        *(bool *)found = true;
    return MHD_YES;
}

static enum MHD_Result health(struct f2m_exchange *x)
{
    bool asks_ready = false; /* "?ready" has no value, which the library's look-up by key does not find */
    MHD_get_connection_values(x->connection, MHD_GET_ARGUMENT_KIND, is_ready_argument, &asks_ready);
    const struct f2m_server_options *o = &x->server->options;
    bool well = !asks_ready || !o->ready || o->ready(o->pages);
    return answer_status(x, well ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, NULL);
}

static enum MHD_Result metrics(struct f2m_exchange *x)
{
    const struct f2m_server_options *o = &x->server->options;
    return o->metrics ? answer_page(x, "text/plain; version=0.0.4; charset=utf-8", o->metrics)
                      : answer_status(x, MHD_HTTP_NOT_FOUND, NULL);
}

static enum MHD_Result status(struct f2m_exchange *x)
{
    const struct f2m_server_options *o = &x->server->options;
    return o->status ? answer_page(x, "text/html; charset=utf-8", o->status)
                     : answer_status(x, MHD_HTTP_NOT_FOUND, NULL);
}

/* ---- webhooks ---- */

static struct f2m_webhook_headers headers_of(struct f2m_exchange *x)
{
    struct f2m_webhook_headers headers = {
        .id = MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, "Webhook-Id"),
        .timestamp = MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, "Webhook-Timestamp"),
        .signature = MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, "Webhook-Signature"),
    };
    return headers;
}

/* What the headers alone decide. The answer still waits for the end of the body, since many clients do not read before
 * they have written, and a close with unread bytes resets the connection; unless the body is absurd. */
static enum MHD_Result webhook_begin(struct f2m_exchange *x)
{
    x->is_webhook = true;
    struct f2m_webhook_headers headers = headers_of(x);
    const char *length = MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    errno = 0;
    unsigned long long bytes = length ? strtoull(length, NULL, 10) : 0;
    if (bytes > F2M_MAX_WEBHOOK_SWALLOWED || errno == ERANGE)
        return answer_status(x, MHD_HTTP_CONTENT_TOO_LARGE, NULL);
    if (bytes > F2M_MAX_WEBHOOK_BYTES)
        x->status = MHD_HTTP_CONTENT_TOO_LARGE;
    else if (f2m_webhook_headers_check(&headers) != F2M_SIGNATURE_VALID)
        x->status = MHD_HTTP_BAD_REQUEST;
    return MHD_YES;
}

/* An answer cannot be given in the middle of an upload (trap 14): note it, and swallow the rest. */
static void webhook_body(struct f2m_exchange *x, const char *data, size_t size)
{
    struct f2m_server *server = x->server;
    if (x->status != 0)
        return;
    if (server->buffered + size > F2M_MAX_WEBHOOK_BUFFERS) {
        x->status = MHD_HTTP_SERVICE_UNAVAILABLE;
        return;
    }
    f2m_strbuf_add(&x->body, data, size);
    if (x->body.overflow)
        x->status = MHD_HTTP_CONTENT_TOO_LARGE;
    else
        server->buffered += size;
}

static enum MHD_Result webhook_end(struct f2m_exchange *x)
{
    const struct f2m_server *server = x->server;
    struct f2m_webhook_headers headers = headers_of(x);
    struct f2m_slice body = {x->body.data, x->body.len};
    switch (
        f2m_signature_check(server->keys, &headers, body, server->now.wall_ms, server->options.webhook_tolerance_ms)) {
    case F2M_SIGNATURE_MALFORMED: return answer_status(x, MHD_HTTP_BAD_REQUEST, NULL);
    case F2M_SIGNATURE_REFUSED: return answer_status(x, MHD_HTTP_UNAUTHORIZED, NULL);
    case F2M_SIGNATURE_VALID: break;
    }
    if (server->closing) /* a connection must not be suspended now: the library ends the process over it */
        return answer_status(x, MHD_HTTP_SERVICE_UNAVAILABLE, NULL);
    x->id = headers.id;
    x->tag = ++x->server->last_tag;
    x->state = F2M_EXCHANGE_VERIFIED;
    MHD_suspend_connection(x->connection); /* until the engine has stored it */
    return MHD_YES;
}

/* ---- routing ---- */

struct route {
    const char *path;
    bool post; /* else GET and HEAD */
    enum MHD_Result (*begin)(struct f2m_exchange *);
};

static enum MHD_Result begin(struct f2m_exchange *x, const char *url, const char *method)
{
    const struct route routes[] = {
        {x->server->options.webhook_path, true, webhook_begin},
        {"/healthz", false, health},
        {"/metrics", false, metrics},
        {"/", false, status},
    };
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        const struct route *r = &routes[i];
        if (!r->path || strcmp(url, r->path) != 0)
            continue;
        bool is_post = strcmp(method, MHD_HTTP_METHOD_POST) == 0;
        bool is_get = strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
        if (r->post ? is_post : is_get)
            return r->begin(x);
        return answer_status(x, MHD_HTTP_METHOD_NOT_ALLOWED, r->post ? "POST" : "GET, HEAD");
    }
    return answer_status(x, MHD_HTTP_NOT_FOUND, NULL);
}

enum MHD_Result f2m_exchange_handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                    const char *version, const char *data, size_t *size, void **request)
{
    (void)cls, (void)version;
    if (!*request) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        struct f2m_exchange *x = info ? info->socket_context : NULL;
        if (!x || x->state == F2M_EXCHANGE_ANSWERED)
            return MHD_NO; /* a second request on the connection: it is being closed */
        *request = x;
        return begin(x, url, method);
    }
    struct f2m_exchange *x = *request;
    if (*size > 0) {
        webhook_body(x, data, *size);
        *size = 0;
        return MHD_YES;
    }
    return x->status != 0 ? answer_status(x, x->status, NULL) : webhook_end(x);
}
