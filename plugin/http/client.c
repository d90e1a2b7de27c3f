#include "http/client.h"

#include "http/transfer.h"
#include "util/limits.h"
#include "util/xalloc.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_MS 10000
#define TIMEOUT_MS         30000
#define LOW_SPEED_S        15
#define LONGEST_WAIT_MS    60000

/* A result without an answer. */
struct failed {
    uint64_t tag;
    const char *error; /* static */
};

struct f2m_http {
    CURLM *multi;
    struct f2m_http_setup setup;
    struct f2m_transfer transfers[F2M_MAX_HTTP_IN_FLIGHT];
    struct f2m_http_copy waiting[F2M_MAX_HTTP_WAITING]; /* a ring */
    size_t waiting_at, waiting_len;
    struct failed *failed; /* ended without curl: at most what one turn starts, and what an abort ends */
    size_t failed_at, failed_len, failed_cap;
    struct f2m_transfer *told; /* the transfer whose result the caller holds */
    struct curl_waitfd *fds;
    size_t fds_cap;
};

/* ---- the base URL ---- */

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    char bare[INET6_ADDRSTRLEN + 1] = "";
    size_t len = strlen(host);
    if (strcasecmp(host, "localhost") == 0 || (len > 10 && strcasecmp(host + len - 10, ".localhost") == 0))
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (len > 2 && len - 2 < sizeof bare && host[0] == '[' && host[len - 1] == ']') {
        memcpy(bare, host + 1, len - 2);
        return inet_pton(AF_INET6, bare, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    }
    return false;
}

static int check_url(CURLU *url, const struct f2m_http_options *o, bool *plain, struct f2m_err *err)
{
    char *scheme = NULL, *host = NULL;
    int rc = -EINVAL;
    if (curl_url_set(url, CURLUPART_URL, o->base_url, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK) {
        f2m_err_set(err, "base_url is no URL; expected https://host");
    } else if (strcmp(scheme, "https") == 0) {
        *plain = false;
        rc = 0;
    } else if (strcmp(scheme, "http") != 0) {
        f2m_err_set(err, "base_url begins with %s://; expected https://", scheme);
    } else if (!o->insecure && !is_loopback(host)) {
        f2m_err_set(err, "plain http to %s is not allowed; use https, or set insecure: true", host);
    } else {
        *plain = true;
        rc = 0;
    }
    curl_free(scheme);
    curl_free(host);
    return rc;
}

static int check_options(const struct f2m_http_options *o, bool *plain, struct f2m_err *err)
{
    CURLU *url = curl_url();
    int rc = check_url(url, o, plain, err);
    curl_url_cleanup(url);
    if (rc == 0 && o->ca && access(o->ca, R_OK) != 0) {
        rc = -errno;
        f2m_err_set(err, "cannot read %s: %s", o->ca, strerror(errno));
    }
    return rc;
}

/* ---- the client ---- */

struct f2m_http *f2m_http_new(const struct f2m_http_options *o, struct f2m_err *err)
{
    bool plain;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        f2m_err_set(err, "cannot initialise libcurl");
        return NULL;
    }
    if (check_options(o, &plain, err) != 0) {
        curl_global_cleanup();
        return NULL;
    }
    struct f2m_http *h = f2m_xcalloc(1, sizeof *h);
    h->setup = (struct f2m_http_setup){
        .base_url = f2m_xstrdup(o->base_url),
        .ca = o->ca ? f2m_xstrdup(o->ca) : NULL,
        .plain = plain,
        .connect_timeout_ms = (long)(o->connect_timeout_ms ? o->connect_timeout_ms : CONNECT_TIMEOUT_MS),
        .timeout_ms = (long)(o->timeout_ms ? o->timeout_ms : TIMEOUT_MS),
        .low_speed_s = (long)(o->low_speed_s ? o->low_speed_s : LOW_SPEED_S),
    };
    h->multi = curl_multi_init();
    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)F2M_MAX_HTTP_IN_FLIGHT);
    return h;
}

static void drop_transfer(struct f2m_http *h, struct f2m_transfer *t)
{
    curl_multi_remove_handle(h->multi, t->easy);
    t->busy = false;
    f2m_transfer_release(t);
}

static struct f2m_http_copy *waiting_take(struct f2m_http *h)
{
    struct f2m_http_copy *first = &h->waiting[h->waiting_at];
    h->waiting_at = (h->waiting_at + 1) % F2M_MAX_HTTP_WAITING;
    h->waiting_len--;
    return first;
}

static void fail(struct f2m_http *h, uint64_t tag, const char *error)
{
    if (h->failed_len == h->failed_cap) {
        h->failed_cap = h->failed_cap ? 2 * h->failed_cap : 16;
        h->failed = f2m_xreallocarray(h->failed, h->failed_cap, sizeof *h->failed);
    }
    h->failed[h->failed_len++] = (struct failed){tag, error};
}

void f2m_http_abort_all(struct f2m_http *h)
{
    for (size_t i = 0; i < F2M_MAX_HTTP_IN_FLIGHT; i++) {
        struct f2m_transfer *t = &h->transfers[i];
        if (!t->busy)
            continue;
        fail(h, t->request.tag, "aborted");
        drop_transfer(h, t);
    }
    while (h->waiting_len > 0) {
        struct f2m_http_copy *copy = waiting_take(h);
        fail(h, copy->tag, "aborted");
        f2m_http_copy_deinit(copy);
    }
}

void f2m_http_free(struct f2m_http *h)
{
    if (!h)
        return;
    f2m_http_abort_all(h);
    for (size_t i = 0; i < F2M_MAX_HTTP_IN_FLIGHT; i++) {
        if (h->transfers[i].easy)
            f2m_transfer_deinit(&h->transfers[i]);
    }
    curl_multi_cleanup(h->multi);
    free(h->setup.base_url);
    free(h->setup.ca);
    free(h->failed);
    free(h->fds);
    free(h);
    curl_global_cleanup();
}

/* A transfer that nothing is under way in; made when first needed, since most homes need one. */
static struct f2m_transfer *transfer_idle(struct f2m_http *h)
{
    for (size_t i = 0; i < F2M_MAX_HTTP_IN_FLIGHT; i++) {
        struct f2m_transfer *t = &h->transfers[i];
        if (t->busy || t == h->told)
            continue;
        if (!t->easy)
            f2m_transfer_init(t, &h->setup);
        return t;
    }
    return NULL;
}

static void start_waiting(struct f2m_http *h)
{
    while (h->waiting_len > 0) {
        struct f2m_transfer *t = transfer_idle(h);
        if (!t)
            return;
        f2m_transfer_prepare(t, &h->setup, waiting_take(h));
        t->busy = true;
        curl_multi_add_handle(h->multi, t->easy);
    }
}

void f2m_http_start(struct f2m_http *h, const struct f2m_http_request *request)
{
    if (h->waiting_len == F2M_MAX_HTTP_WAITING) {
        fail(h, request->tag, "too many requests waiting");
        return;
    }
    size_t last = (h->waiting_at + h->waiting_len) % F2M_MAX_HTTP_WAITING;
    f2m_http_copy_init(&h->waiting[last], request);
    h->waiting_len++;
    start_waiting(h);
}

int f2m_http_poll(struct f2m_http *h, struct pollfd *fds, size_t n, int64_t timeout_ms)
{
    if (n > h->fds_cap) {
        h->fds = f2m_xreallocarray(h->fds, n, sizeof *h->fds);
        h->fds_cap = n;
    }
    for (size_t i = 0; i < n; i++)
        h->fds[i] = (struct curl_waitfd){.fd = fds[i].fd, .events = (short)fds[i].events};
    if (timeout_ms < 0 || timeout_ms > LONGEST_WAIT_MS)
        timeout_ms = LONGEST_WAIT_MS;
    if (h->failed_at < h->failed_len)
        timeout_ms = 0;
    CURLMcode code = curl_multi_poll(h->multi, h->fds, (unsigned)n, (int)timeout_ms, NULL);
    for (size_t i = 0; i < n; i++)
        fds[i].revents = (short)(code == CURLM_OK ? h->fds[i].revents : 0);
    return code == CURLM_OK ? 0 : code == CURLM_OUT_OF_MEMORY ? -ENOMEM : -EIO;
}

static void forget_told(struct f2m_http *h)
{
    if (!h->told)
        return;
    f2m_transfer_release(h->told);
    h->told = NULL;
}

void f2m_http_perform(struct f2m_http *h)
{
    int running;
    forget_told(h);
    start_waiting(h);
    curl_multi_perform(h->multi, &running);
}

bool f2m_http_next_result(struct f2m_http *h, struct f2m_http_result *result)
{
    forget_told(h);
    if (h->failed_at < h->failed_len) {
        const struct failed *f = &h->failed[h->failed_at++];
        *result = (struct f2m_http_result){.tag = f->tag, .error = f->error};
        return true;
    }
    h->failed_at = 0;
    h->failed_len = 0;
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(h->multi, &left)) != NULL;) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct f2m_transfer *t = NULL;
        CURLcode code = message->data.result; /* before the handle goes: the message goes with it */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
        curl_multi_remove_handle(h->multi, t->easy);
        t->busy = false;
        h->told = t;
        f2m_transfer_result(t, code, result);
        return true;
    }
    start_waiting(h); /* what has just become free */
    return false;
}

size_t f2m_http_pending(const struct f2m_http *h)
{
    size_t n = h->waiting_len + (h->failed_len - h->failed_at);
    for (size_t i = 0; i < F2M_MAX_HTTP_IN_FLIGHT; i++)
        n += h->transfers[i].busy;
    return n;
}
