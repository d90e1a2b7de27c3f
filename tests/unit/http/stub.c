#include "stub.h"

#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* Readable, or the end of the test. */
static bool wait_for(struct stub *stub, int fd)
{
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = stub->quit[0], .events = POLLIN}};
    return poll(fds, 2, -1) > 0 && fds[1].revents == 0;
}

static size_t content_length(const char *head)
{
    const char *at = strcasestr(head, "\r\ncontent-length:");
    return at ? strtoul(at + 17, NULL, 10) : 0;
}

/* Headers and body of one request into `seen`. */
static bool read_request(struct stub *stub, int fd)
{
    size_t len = 0;
    for (;;) {
        const char *end = strstr(stub->seen, "\r\n\r\n");
        if (len > 0 && end && len >= (size_t)(end - stub->seen) + 4 + content_length(stub->seen))
            return true;
        if (!wait_for(stub, fd) || len + 1 >= sizeof stub->seen)
            return false;
        ssize_t n = recv(fd, stub->seen + len, sizeof stub->seen - 1 - len, 0);
        if (n <= 0)
            return false;
        len += (size_t)n;
        stub->seen[len] = '\0';
    }
}

static bool answer(struct stub *stub, int fd)
{
    size_t len = stub->answer_len ? stub->answer_len : strlen(stub->answer);
    size_t step = stub->end == STUB_DRIP ? 1 : len;
    for (size_t at = 0; at < len && stub->end != STUB_SILENT;) {
        ssize_t n = send(fd, stub->answer + at, step < len - at ? step : len - at, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        at += (size_t)n;
        struct pollfd quit = {.fd = stub->quit[0], .events = POLLIN};
        if (stub->end == STUB_DRIP && poll(&quit, 1, 200) != 0)
            return false;
    }
    return stub->end == STUB_KEEP || (stub->end == STUB_SILENT && wait_for(stub, fd));
}

static void serve(struct stub *stub, int fd)
{
    bool more = true;
    while (more) {
        if (!read_request(stub, fd))
            break;
        stub->requests++;
        more = answer(stub, fd);
    }
    if (stub->end == STUB_RESET) {
        struct linger linger = {.l_onoff = 1, .l_linger = 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    }
    close(fd);
}

static void *run(void *arg)
{
    struct stub *stub = arg;
    while (wait_for(stub, stub->listener)) {
        int fd = accept(stub->listener, NULL, NULL);
        if (fd < 0)
            continue;
        stub->connections++;
        serve(stub, fd);
    }
    return NULL;
}

void stub_start(struct stub *stub, const char *bytes, enum stub_end end)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    memset(stub, 0, sizeof *stub);
    stub->answer = bytes;
    stub->end = end;
    stub->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(stub->listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(stub->listener, 64), 0);
    ck_assert_int_eq(getsockname(stub->listener, (struct sockaddr *)&address, &len), 0);
    stub->port = ntohs(address.sin_port);
    ck_assert_int_eq(pipe(stub->quit), 0);
    ck_assert_int_eq(pthread_create(&stub->thread, NULL, run, stub), 0);
}

void stub_stop(struct stub *stub)
{
    close(stub->quit[1]);
    pthread_join(stub->thread, NULL);
    close(stub->quit[0]);
    close(stub->listener);
}
