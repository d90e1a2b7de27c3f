#include "sim/server.h"

#include "sim/routes.h"
#include "util/log.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>
#include <utlist.h>

/* An answer that is held back (delay, stall): its connection is suspended until due. */
struct held {
    struct MHD_Connection *connection;
    int64_t due_ms; /* mono */
    bool released;
    struct held *prev, *next;
};

struct call {
    struct sim_request *request;
    struct held *held; /* NULL unless held back; owned by the list */
    bool dispatched;
};

struct sim_server {
    struct sim *sim;
    struct MHD_Daemon *daemon;
    struct held *held; /* utlist */
    int signal_fd, epoll_fd;
    bool stopping;
};

static ssize_t pour_huge(void *user, uint64_t at, char *out, size_t max)
{
    (void)user;
    (void)at;
    memset(out, 'x', max);
    return (ssize_t)max;
}

struct cut {
    char *data; /* owned */
    size_t len;
};

static ssize_t pour_cut(void *user, uint64_t at, char *out, size_t max)
{
    const struct cut *cut = user;
    if (at >= cut->len)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t n = cut->len - (size_t)at < max ? cut->len - (size_t)at : max;
    memcpy(out, cut->data + at, n);
    return (ssize_t)n;
}

static void free_cut(void *user)
{
    struct cut *cut = user;
    free(cut->data);
    free(cut);
}

static struct MHD_Response *make_response(struct sim_reply *reply)
{
    if (reply->huge)
        return MHD_create_response_from_callback(reply->huge, 65536, pour_huge, NULL, NULL);
    size_t len = reply->body.len;
    if (reply->truncate_at < 0 || (uint64_t)reply->truncate_at >= len)
        return MHD_create_response_from_buffer(len, f2m_strbuf_take(&reply->body), MHD_RESPMEM_MUST_FREE);
    struct cut *cut = f2m_xcalloc(1, sizeof *cut);
    cut->data = f2m_strbuf_take(&reply->body);
    cut->len = (size_t)reply->truncate_at;
    return MHD_create_response_from_callback(len, 65536, pour_cut, cut, free_cut);
}

static enum MHD_Result send_reply(struct MHD_Connection *connection, struct sim_reply *reply)
{
    struct MHD_Response *response = make_response(reply);
    if (!response)
        return MHD_NO;
    if (reply->content_type)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
    if (reply->retry_after)
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, reply->retry_after);
    if (reply->allow[0])
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, reply->allow);
    enum MHD_Result rc = MHD_queue_response(connection, reply->status, response);
    MHD_destroy_response(response);
    return rc;
}

/* Connecting a TCP socket to AF_UNSPEC resets it at once; a zero linger would not, since libmicrohttpd shuts down
 * before it closes. */
static enum MHD_Result reset_connection(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    if (info && connect(info->connect_fd, &nowhere, sizeof nowhere) < 0)
        f2m_log(F2M_LOG_WARN, "sim", "cannot reset the connection", "errno=%d", errno);
    return MHD_NO;
}

static void log_call(const struct sim *sim, const struct sim_request *request)
{
    char path[256];
    if (sim->options.quiet || strncmp(request->path, "/sim/", 5) == 0)
        return;
    f2m_log(F2M_LOG_INFO, "sim", "request", "method=%s path=%s status=%u points=%u fault=%s", request->method,
            f2m_log_value(request->path, path, sizeof path), request->reply.reset ? 0 : request->reply.status,
            request->points, request->fault ? request->fault : "none");
}

static void hold(struct sim_server *server, struct MHD_Connection *connection, struct call *call)
{
    struct held *held = f2m_xcalloc(1, sizeof *held);
    held->connection = connection;
    held->due_ms = server->sim->mono_ms + call->request->reply.delay_ms;
    DL_APPEND(server->held, held);
    call->held = held;
    MHD_suspend_connection(connection);
}

static enum MHD_Result answer(struct sim_server *server, struct MHD_Connection *connection, struct call *call)
{
    struct sim_reply *reply = &call->request->reply;
    if (!call->dispatched) {
        sim_read_clocks(server->sim);
        sim_dispatch(server->sim, call->request);
        call->dispatched = true;
        log_call(server->sim, call->request);
        if (reply->delay_ms > 0) {
            hold(server, connection, call);
            return MHD_YES;
        }
    }
    return reply->reset ? reset_connection(connection) : send_reply(connection, reply);
}

static char *header(struct MHD_Connection *connection, const char *name)
{
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    return value ? f2m_xstrdup(value) : NULL;
}

static void read_headers(struct MHD_Connection *connection, struct sim_request *request, const char *method)
{
    free(request->method);
    request->method = f2m_xstrdup(method);
    request->authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION);
    request->content_type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE);
}

static enum MHD_Result on_access(void *user, struct MHD_Connection *connection, const char *url, const char *method,
                                 const char *version, const char *upload, size_t *upload_size, void **state)
{
    struct sim_server *server = user;
    struct call *call = *state;
    (void)url;
    (void)version;
    if (!call->request->method[0]) { /* the first call: the headers are there, the body is not */
        read_headers(connection, call->request, method);
        return MHD_YES;
    }
    if (*upload_size) {
        f2m_strbuf_add(&call->request->body, upload, *upload_size);
        call->request->too_large = call->request->body.overflow;
        *upload_size = 0;
        return MHD_YES;
    }
    return answer(server, connection, call);
}

/* The URI as it came: libmicrohttpd decodes %2F in what the handler gets, and ids may hold it. */
static void *on_uri(void *user, const char *uri, struct MHD_Connection *connection)
{
    (void)user;
    (void)connection;
    struct call *call = f2m_xcalloc(1, sizeof *call);
    call->request = sim_request_new("", uri);
    return call;
}

static void on_completed(void *user, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
    struct sim_server *server = user;
    struct call *call = *state;
    (void)connection;
    (void)why;
    if (!call)
        return;
    if (call->held) {
        DL_DELETE(server->held, call->held);
        free(call->held);
    }
    sim_request_free(call->request);
    free(call);
    *state = NULL;
}

/* Lets go of what is due; the ms until the next one, at most `most`. */
static int64_t release_held(struct sim_server *server, int64_t most)
{
    struct held *held;
    DL_FOREACH(server->held, held)
    {
        if (held->released)
            continue;
        if (held->due_ms <= server->sim->mono_ms || server->stopping) {
            held->released = true;
            MHD_resume_connection(held->connection);
            most = 0;
        } else if (held->due_ms - server->sim->mono_ms < most) {
            most = held->due_ms - server->sim->mono_ms;
        }
    }
    return most;
}

static int bind_socket(const struct sim_options *options, int *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list = NULL;
    int rc = getaddrinfo(options->host, options->port, &hints, &list);
    if (rc) {
        fprintf(stderr, "flip-sim: --listen %s: %s\n", options->host, gai_strerror(rc));
        return -1;
    }
    int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                bind(fd, list->ai_addr, list->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0 &&
                getsockname(fd, (struct sockaddr *)&bound, &size) == 0;
    freeaddrinfo(list);
    if (!good) {
        fprintf(stderr, "flip-sim: cannot listen on %s:%s: %s\n", options->host, options->port, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    /* sin_port and sin6_port stand at the same place. */
    // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): getsockname() filled it
    *port = ntohs(((const struct sockaddr_in *)&bound)->sin_port);
    return fd;
}

static int block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int sim_server_new(struct sim *sim, struct sim_server **out, int *port)
{
    int fd = bind_socket(&sim->options, port);
    if (fd < 0)
        return EX_UNAVAILABLE;
    struct sim_server *server = f2m_xcalloc(1, sizeof *server);
    server->sim = sim;
    server->signal_fd = block_signals();
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_access, server, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)SIM_MAX_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)SIM_CONNECTION_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)65536,
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_END);
    if (!server->daemon || server->signal_fd < 0) {
        fprintf(stderr, "flip-sim: cannot start the server\n");
        close(fd);
        sim_server_free(server);
        return EX_OSERR;
    }
    server->epoll_fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    *out = server;
    return 0;
}

void sim_server_free(struct sim_server *server)
{
    if (!server)
        return;
    if (server->daemon) {
        server->stopping = true; /* a suspended connection must not outlive the daemon */
        release_held(server, 0);
        MHD_run(server->daemon);
        MHD_stop_daemon(server->daemon);
    }
    if (server->signal_fd >= 0)
        close(server->signal_fd);
    free(server);
}

/* How long the loop may sleep. libmicrohttpd must be asked each time: it may hold connections that are ready. */
static int64_t wait_ms(struct sim_server *server)
{
    struct sim *sim = server->sim;
    MHD_UNSIGNED_LONG_LONG mhd_ms;
    int64_t most = 60000;
    if (MHD_get_timeout(server->daemon, &mhd_ms) == MHD_YES && mhd_ms < (MHD_UNSIGNED_LONG_LONG)most)
        most = (int64_t)mhd_ms;
    most = release_held(server, most);
    most = sim_webhooks_run(sim, most);
    int64_t until_tick = sim->tick_at_ms - sim->wall_ms;
    if (until_tick < most)
        most = until_tick > 0 ? until_tick : 0;
    return most;
}

int sim_server_run(struct sim_server *server)
{
    struct sim *sim = server->sim;
    for (;;) {
        sim_read_clocks(sim);
        if (sim->tick_at_ms <= sim->wall_ms)
            sim_tick(sim);
        struct curl_waitfd fds[] = {
            {.fd = server->epoll_fd, .events = CURL_WAIT_POLLIN},
            {.fd = server->signal_fd, .events = CURL_WAIT_POLLIN},
        };
        if (curl_multi_poll(sim->webhooks.multi, fds, 2, (int)wait_ms(server), NULL) != CURLM_OK)
            return EX_OSERR;
        if (fds[1].revents)
            return EX_OK;
        sim_read_clocks(sim);
        MHD_run(server->daemon);
    }
}
