#include "http/server.h"

#include "http/exchange.h"
#include "util/limits.h"
#include "util/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#define BACKLOG            1024 /* a burst waits in the kernel: a SYN that finds no room comes again a second later */
#define MEMORY_PER_REQUEST ((size_t)32 << 10) /* request line and headers; libmicrohttpd refuses more */
#define GRACE_MS           1000               /* after the deadline: for the 503 to get out */
#define STARVED_MS         1000               /* without a descriptor for the next connection: until the next try */

/* ---- listening ---- */

/* "host:port", "[v6]:port", ":port" in place; false where it is none of these. */
static bool split_listen(char *listen, char **host, char **port)
{
    char *colon = strrchr(listen, ':');
    if (!colon || colon[1] == '\0')
        return false;
    *colon = '\0';
    *port = colon + 1;
    *host = listen;
    size_t len = strlen(listen);
    if (len >= 2 && listen[0] == '[' && listen[len - 1] == ']') {
        listen[len - 1] = '\0';
        *host = listen + 1;
    } else if (strchr(listen, ':')) {
        return false; /* a bare IPv6 address: where would the port begin? */
    }
    return true;
}

static int socket_on(const struct addrinfo *a)
{
    int one = 1;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

static int listen_on(const char *listen, struct f2m_err *err)
{
    char *copy = f2m_xstrdup(listen), *host, *port;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *list = NULL;
    int fd = -EINVAL;
    if (!split_listen(copy, &host, &port)) {
        f2m_err_set(err, "cannot listen on %s: expected host:port", listen);
    } else {
        int rc = getaddrinfo(*host ? host : NULL, port, &hints, &list);
        if (rc != 0)
            f2m_err_set(err, "cannot listen on %s: %s", listen, gai_strerror(rc));
        for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
            fd = socket_on(a);
        if (list && fd < 0)
            f2m_err_set(err, "cannot listen on %s: %s", listen, strerror(-fd));
    }
    if (list)
        freeaddrinfo(list);
    free(copy);
    return fd;
}

/* ---- libmicrohttpd's callbacks ---- */

/* Without this the library turns %2F into / before we see the path, and cuts it at %00 (trap 14). */
static size_t unescape_nothing(void *cls, struct MHD_Connection *connection, char *s)
{
    (void)cls, (void)connection;
    return strlen(s);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct f2m_server *server = cls;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct f2m_exchange *x = f2m_xcalloc(1, sizeof *x);
        x->server = server;
        x->connection = connection;
        x->due_mono_ms = server->now.mono_ms + server->options.deadline_ms;
        f2m_strbuf_init(&x->body, F2M_MAX_WEBHOOK_BYTES);
        DL_APPEND(server->exchanges, x);
        server->open++;
        *context = x;
        return;
    }
    struct f2m_exchange *x = *context;
    if (!x)
        return;
    *context = NULL;
    DL_DELETE(server->exchanges, x);
    if (server->open-- == F2M_MAX_HTTP_CONNECTIONS)
        server->again = true; /* the library listens again in its next run, not before */
    server->buffered -= x->body.len;
    f2m_strbuf_deinit(&x->body);
    free(x);
}

static struct MHD_Daemon *daemon_start(struct f2m_server *server, int fd)
{
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, f2m_exchange_handle, server,
                            MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
                            (unsigned)F2M_MAX_HTTP_CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_PER_REQUEST,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(server->options.deadline_ms / 1000 + 1),
                            MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_UNESCAPE_CALLBACK,
                            unescape_nothing, NULL, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
}

/* ---- the server ---- */

struct f2m_server *f2m_server_new(const struct f2m_server_options *options, struct f2m_err *err)
{
    struct f2m_webhook_keys *keys = f2m_webhook_keys_new(options->webhook_secrets, options->webhook_secrets_len, err);
    if (!keys)
        return NULL;
    int fd = listen_on(options->listen, err);
    if (fd < 0) {
        f2m_webhook_keys_free(keys);
        return NULL;
    }
    struct f2m_server *server = f2m_xcalloc(1, sizeof *server);
    server->options = *options;
    server->options.listen = NULL;
    server->options.webhook_secrets = NULL;
    server->options.webhook_path = options->webhook_path ? f2m_xstrdup(options->webhook_path) : NULL;
    if (server->options.deadline_ms == 0)
        server->options.deadline_ms = F2M_WEBHOOK_DEADLINE_MS;
    server->keys = keys;
    f2m_strbuf_init(&server->page, 0);
    server->daemon = daemon_start(server, fd);
    if (!server->daemon) {
        f2m_err_set(err, "cannot listen on %s: libmicrohttpd refuses to start", options->listen);
        close(fd);
        f2m_server_free(server);
        return NULL;
    }
    return server;
}

static bool is_suspended(const struct f2m_exchange *x)
{
    return x->state == F2M_EXCHANGE_VERIFIED || x->state == F2M_EXCHANGE_TOLD;
}

static void resume_with(struct f2m_exchange *x, int status)
{
    x->status = status;
    x->state = F2M_EXCHANGE_READING; /* the handler is called once more, and answers */
    x->server->again = true;
    MHD_resume_connection(x->connection);
}

void f2m_server_free(struct f2m_server *server)
{
    if (!server)
        return;
    if (server->daemon) {
        struct f2m_exchange *x;
        server->closing = true;
        DL_FOREACH(server->exchanges, x)
        {
            if (is_suspended(x))
                resume_with(x, MHD_HTTP_SERVICE_UNAVAILABLE);
        }
        MHD_run(server->daemon); /* sends them */
        MHD_stop_daemon(server->daemon);
    }
    f2m_webhook_keys_free(server->keys);
    free((void *)(uintptr_t)server->options.webhook_path);
    f2m_strbuf_deinit(&server->page);
    free(server);
}

/* Where no descriptor can be had, a connection that waits would wake us again and again, as the library cannot take it.
 */
static bool is_starved(const struct f2m_server *server)
{
    int listener = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_LISTEN_FD)->listen_fd;
    struct pollfd waits = {.fd = listener, .events = POLLIN};
    if (server->open >= F2M_MAX_HTTP_CONNECTIONS || poll(&waits, 1, 0) != 1)
        return false;
    int probe = fcntl(listener, F_DUPFD_CLOEXEC, 0);
    if (probe >= 0)
        close(probe);
    return probe < 0;
}

int f2m_server_fd(const struct f2m_server *server)
{
    if (server->starved_until_ms)
        return -1;
    return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

int f2m_server_port(const struct f2m_server *server)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    int fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_LISTEN_FD)->listen_fd;
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return -errno;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    memcpy(&v4, &address, sizeof v4);
    memcpy(&v6, &address, sizeof v6);
    return ntohs(address.ss_family == AF_INET6 ? v6.sin6_port : v4.sin_port);
}

/* A genuine request comes in within milliseconds: while others wait for a place, slow ones give up theirs soon. */
static int64_t due_of(const struct f2m_server *server, const struct f2m_exchange *x)
{
    int64_t crowded = x->due_mono_ms - server->options.deadline_ms + F2M_HTTP_CROWDED_MS;
    bool in_the_way = server->open >= F2M_MAX_HTTP_CONNECTIONS && x->state == F2M_EXCHANGE_READING && x->tag == 0;
    return in_the_way && crowded < x->due_mono_ms ? crowded : x->due_mono_ms;
}

int64_t f2m_server_timeout(struct f2m_server *server, struct f2m_now now)
{
    if (server->starved_until_ms)
        return server->starved_until_ms > now.mono_ms ? server->starved_until_ms - now.mono_ms : 0;
    if (server->again)
        return 0;
    MHD_UNSIGNED_LONG_LONG library_ms;
    int64_t timeout = -1;
    if (MHD_get_timeout(server->daemon, &library_ms) == MHD_YES)
        timeout = library_ms < INT32_MAX ? (int64_t)library_ms : INT32_MAX;
    struct f2m_exchange *x;
    DL_FOREACH(server->exchanges, x)
    {
        int64_t left = due_of(server, x) - now.mono_ms;
        if (left < 0)
            left = 0;
        if (timeout < 0 || left < timeout)
            timeout = left;
    }
    return timeout;
}

/* The library's own time limit is one of silence: a client that sends a byte a second needs this one. */
static void end_overdue(struct f2m_server *server)
{
    struct f2m_exchange *x;
    DL_FOREACH(server->exchanges, x)
    {
        if (due_of(server, x) > server->now.mono_ms)
            continue;
        x->due_mono_ms = server->now.mono_ms + GRACE_MS;
        if (is_suspended(x)) {
            resume_with(x, MHD_HTTP_SERVICE_UNAVAILABLE);
            continue;
        }
        if (x->is_webhook && x->state == F2M_EXCHANGE_READING)
            server->refused++;
        x->state = F2M_EXCHANGE_ANSWERED;
        shutdown(MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd, SHUT_RDWR);
    }
}

void f2m_server_run(struct f2m_server *server, struct f2m_now now)
{
    if (server->starved_until_ms > now.mono_ms)
        return;
    server->now = now;
    if (server->again) /* an answer that is there goes out before its deadline is looked at */
        MHD_run(server->daemon);
    end_overdue(server);
    server->again = false;
    MHD_run(server->daemon);
    server->starved_until_ms = is_starved(server) ? now.mono_ms + STARVED_MS : 0;
}

bool f2m_server_next_webhook(struct f2m_server *server, struct f2m_webhook *webhook)
{
    struct f2m_exchange *x;
    DL_FOREACH(server->exchanges, x)
    {
        if (x->state != F2M_EXCHANGE_VERIFIED)
            continue;
        x->state = F2M_EXCHANGE_TOLD;
        *webhook = (struct f2m_webhook){.tag = x->tag, .id = x->id, .body = {x->body.data, x->body.len}};
        return true;
    }
    return false;
}

void f2m_server_reply(struct f2m_server *server, uint64_t tag, int status)
{
    struct f2m_exchange *x;
    DL_FOREACH(server->exchanges, x)
    {
        if (x->tag == tag && x->state == F2M_EXCHANGE_TOLD) {
            resume_with(x, status);
            return;
        }
    }
}

uint64_t f2m_server_refused(const struct f2m_server *server)
{
    return server->refused;
}
