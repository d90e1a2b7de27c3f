#include "http/transfer.h"

#include "util/limits.h"
#include "util/secret.h"
#include "util/xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define SYSTEM_CAS            "/etc/ssl/certs" /* hashed: a handshake reads the one authority that it needs, not all of them */
#define KEPT_BYTES            ((size_t)256 << 10) /* a larger answer's memory is given back */
#define LOW_SPEED_BYTES_PER_S 10L

void f2m_http_copy_init(struct f2m_http_copy *copy, const struct f2m_http_request *request)
{
    *copy = (struct f2m_http_copy){
        .tag = request->tag,
        .method = request->method,
        .path = f2m_xstrdup(request->path),
        .token = request->token ? f2m_xstrdup(request->token) : NULL,
        .body = request->body.at ? f2m_xmemdup0(request->body.at, request->body.len) : NULL,
        .body_len = request->body.len,
    };
}

void f2m_http_copy_deinit(struct f2m_http_copy *copy)
{
    free(copy->path);
    f2m_secret_free(copy->token);
    free(copy->body);
    *copy = (struct f2m_http_copy){0};
}

/* Zero bytes taken = curl ends the transfer with CURLE_WRITE_ERROR. */
static size_t on_body(char *at, size_t size, size_t n, void *transfer)
{
    struct f2m_transfer *t = transfer;
    f2m_strbuf_add(&t->reply, at, size * n);
    t->too_large = t->reply.overflow;
    return t->too_large ? 0 : size * n;
}

static CURLcode on_ssl_context(CURL *easy, void *ssl_context, void *transfer)
{
    (void)easy;
    struct f2m_transfer *t = transfer;
    f2m_certificate_watch(ssl_context, &t->certificate);
    return CURLE_OK;
}

static curl_socket_t on_socket(void *transfer, curlsocktype purpose, struct curl_sockaddr *a)
{
    (void)purpose;
    struct f2m_transfer *t = transfer;
    int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
    t->socket_error = fd < 0 ? errno : 0;
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* What holds for every request of this handle. */
static void set_safety(CURL *easy, const struct f2m_http_setup *setup)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);     /* else an abort joins the resolver's thread: 9 s (trap 4) */
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);     /* else an id ".." becomes another endpoint (trap 15) */
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L); /* the token goes nowhere else */
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, setup->plain ? "https,http" : "https");
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_CAPATH, SYSTEM_CAS);
    curl_easy_setopt(easy, CURLOPT_CAINFO, setup->ca); /* beside the path; NULL = the path alone */
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, setup->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, setup->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, LOW_SPEED_BYTES_PER_S);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, setup->low_speed_s);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)F2M_MAX_REPLY_BYTES);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "flip2mqtt/" F2M_VERSION);
}

void f2m_transfer_init(struct f2m_transfer *t, const struct f2m_http_setup *setup)
{
    *t = (struct f2m_transfer){.easy = curl_easy_init()};
    if (!t->easy) {
        fprintf(stderr, "error http msg=\"out of memory\"\n");
        exit(71); /* as util/xalloc.h */
    }
    f2m_strbuf_init(&t->reply, F2M_MAX_REPLY_BYTES);
    set_safety(t->easy, setup);
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->curl_says);
    curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_context);
    curl_easy_setopt(t->easy, CURLOPT_SSL_CTX_DATA, t);
}

void f2m_transfer_release(struct f2m_transfer *t)
{
    curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, NULL); /* curl keeps pointers, not copies */
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, NULL);
    f2m_http_copy_deinit(&t->request);
    f2m_secret_free(t->authorization);
    t->authorization = NULL;
    free(t->url);
    t->url = NULL;
    if (t->reply.cap > KEPT_BYTES) {
        f2m_strbuf_deinit(&t->reply);
        f2m_strbuf_init(&t->reply, F2M_MAX_REPLY_BYTES);
    }
    f2m_strbuf_reset(&t->reply);
}

void f2m_transfer_deinit(struct f2m_transfer *t)
{
    f2m_transfer_release(t);
    f2m_strbuf_deinit(&t->reply);
    curl_easy_cleanup(t->easy);
    t->easy = NULL;
}

static char *joined(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);
    char *s = f2m_xmalloc(a_len + b_len + 1);
    memcpy(s, a, a_len);
    memcpy(s + a_len, b, b_len + 1);
    return s;
}

static void set_headers(struct f2m_transfer *t)
{
    static char accept[] = "Accept: application/json", json[] = "Content-Type: application/json",
                expect[] = "Expect:", /* no 100-continue: it costs a round trip */
        no_type[] = "Content-Type:";  /* curl would call an empty body a form */
    size_t n = 0;
    t->headers[n++].data = accept;
    t->headers[n++].data = expect;
    if (t->authorization)
        t->headers[n++].data = t->authorization;
    t->headers[n++].data = t->request.body ? json : no_type;
    for (size_t i = 0; i < n; i++)
        t->headers[i].next = i + 1 < n ? &t->headers[i + 1] : NULL;
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
}

static void set_method(struct f2m_transfer *t)
{
    static const char *const names[] = {
        [F2M_HTTP_GET] = "GET", [F2M_HTTP_POST] = "POST", [F2M_HTTP_PATCH] = "PATCH", [F2M_HTTP_DELETE] = "DELETE"};
    const struct f2m_http_copy *r = &t->request;
    curl_easy_setopt(t->easy, CURLOPT_HTTPGET, 1L); /* takes back what the last request set */
    curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, r->method == F2M_HTTP_GET ? NULL : names[r->method]);
    bool body = r->body || r->method == F2M_HTTP_POST || r->method == F2M_HTTP_PATCH;
    if (!body)
        return;
    curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, r->body ? r->body : "");
    curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
}

void f2m_transfer_prepare(struct f2m_transfer *t, const struct f2m_http_setup *setup, struct f2m_http_copy *take)
{
    f2m_transfer_release(t);
    t->request = *take;
    *take = (struct f2m_http_copy){0};
    t->too_large = false;
    t->socket_error = 0;
    t->curl_says[0] = '\0';
    t->certificate.text[0] = '\0';
    t->url = joined(setup->base_url, t->request.path);
    if (t->request.token)
        t->authorization = joined("Authorization: Bearer ", t->request.token);
    curl_easy_setopt(t->easy, CURLOPT_URL, t->url);
    set_headers(t);
    set_method(t);
}

/* ---- what came of it ---- */

static const char *system_text(struct f2m_transfer *t, char *buf, size_t size)
{
    long error = t->socket_error;
    if (!error)
        curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &error);
    return error ? strerror_r((int)error, buf, size) : "no connection";
}

/* Short, and without anything of the request: curl's own texts may hold the URL, so only some are used. */
static const char *error_text(struct f2m_transfer *t, CURLcode code)
{
    char buf[128];
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: return "cannot resolve the host name";
    case CURLE_COULDNT_RESOLVE_PROXY: return "cannot resolve the proxy's name";
    case CURLE_COULDNT_CONNECT:
        snprintf(t->error, sizeof t->error, "cannot connect: %s", system_text(t, buf, sizeof buf));
        return t->error;
    case CURLE_OPERATION_TIMEDOUT: return "timed out";
    case CURLE_GOT_NOTHING: return "connection closed without an answer";
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: return "answer cut short";
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return "connection lost";
    case CURLE_FILESIZE_EXCEEDED: return "answer too large";
    case CURLE_WRITE_ERROR: return t->too_large ? "answer too large" : "answer not readable";
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: return "not an HTTP answer";
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
        snprintf(t->error, sizeof t->error, "TLS: %s%s%s", t->curl_says[0] ? t->curl_says : curl_easy_strerror(code),
                 t->certificate.text[0] ? ": " : "", t->certificate.text);
        return t->error;
    default: return curl_easy_strerror(code);
    }
}

static int64_t retry_after(CURL *easy)
{
    curl_off_t seconds = 0; /* negative for a date in the past, 0 for garbage, without a cap (trap 15) */
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
    if (seconds <= 0)
        return 0;
    return seconds < F2M_MAX_RETRY_AFTER_S ? (int64_t)seconds : F2M_MAX_RETRY_AFTER_S;
}

static int64_t date(CURL *easy)
{
    struct curl_header *header;
    if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return 0;
    time_t seconds = curl_getdate(header->value, NULL);
    return seconds > 0 ? (int64_t)seconds * 1000 : 0;
}

void f2m_transfer_result(struct f2m_transfer *t, CURLcode code, struct f2m_http_result *result)
{
    *result = (struct f2m_http_result){.tag = t->request.tag};
    if (code != CURLE_OK) {
        result->error = error_text(t, code);
        return;
    }
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    result->status = (int)status;
    result->retry_after_s = retry_after(t->easy);
    result->date_ms = date(t->easy);
    result->body = (struct f2m_slice){t->reply.data, t->reply.len};
}
