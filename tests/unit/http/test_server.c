/* The listener hands verified webhooks to its owner and answers when the owner does; everything else is turned away
 * with the right status, and nobody holds a connection for long. */
#include "http/server.h"
#include "http/signature.h"
#include "util/limits.h"
#include "util/xalloc.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECRET "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define NOW_MS 1700000000000
#define NOW_S  "1700000000"
#define HOST   "Host: x\r\n"
#define BODY   "{\"event_type\":\"command.created\"}"

static struct f2m_server *server;
static struct f2m_now now;
static bool ready;
static char answer[65536];

static bool is_ready(void *pages)
{
    ck_assert_ptr_eq(pages, &ready);
    return ready;
}

static void write_metrics(void *pages, struct f2m_strbuf *out)
{
    (void)pages;
    f2m_strbuf_adds(out, "flip2mqtt_points_total 3\n");
}

static void start_with(struct f2m_server_options options)
{
    static const char *const secrets[] = {SECRET};
    struct f2m_err err = {""};
    options.listen = options.listen ? options.listen : "127.0.0.1:0";
    options.webhook_path = "/webhook/flip";
    options.webhook_secrets = secrets;
    options.webhook_secrets_len = 1;
    options.webhook_tolerance_ms = 600000;
    options.pages = &ready;
    options.ready = is_ready;
    options.metrics = write_metrics;
    now = (struct f2m_now){.mono_ms = 1000, .wall_ms = NOW_MS};
    server = f2m_server_new(&options, &err);
    ck_assert_msg(server != NULL, "%s", err.text);
}

static void start(void)
{
    start_with((struct f2m_server_options){0});
}

/* One turn of the loop: as long as the server asks for, at most a while. */
static void turn(int most_ms)
{
    struct pollfd fd = {.fd = f2m_server_fd(server), .events = POLLIN};
    int64_t timeout = f2m_server_timeout(server, now);
    poll(&fd, 1, timeout < 0 || timeout > most_ms ? most_ms : (int)timeout);
    f2m_server_run(server, now);
}

static int connect_to(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)f2m_server_port(server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Sends all, turning the server while it does not fit; false when the server hangs up. */
static bool send_all(int fd, const char *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = send(fd, bytes + at, len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN)
            return false;
        at += n > 0 ? (size_t)n : 0;
        turn(1);
    }
    return true;
}

/* Reads to the server's end, turning it; the status, 0 = hung up without an answer, -1 = not yet over. */
static int receive(int fd, int turns)
{
    size_t len = 0;
    for (int i = 0; i < turns; i++) {
        turn(5);
        ssize_t n = recv(fd, answer + len, sizeof answer - 1 - len, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            continue;
        if (n > 0) {
            len += (size_t)n;
            answer[len] = '\0';
            continue;
        }
        close(fd);
        return len > 0 ? (int)strtol(answer + 9, NULL, 10) : 0;
    }
    return -1;
}

static int ask(const char *request)
{
    int fd = connect_to();
    ck_assert(send_all(fd, request, strlen(request)));
    return receive(fd, 1000);
}

/* A `v1,…` signature; the digest itself is tested against independent vectors in test_signature.c. */
static void signature_of(const char *id, const char *time, struct f2m_slice body, char text[48])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char *const secrets[] = {SECRET};
    unsigned char mac[F2M_WEBHOOK_DIGEST_BYTES + 1] = {0};
    struct f2m_err err;
    struct f2m_webhook_keys *keys = f2m_webhook_keys_new(secrets, 1, &err);
    ck_assert(f2m_webhook_digest(keys, 0, &(struct f2m_webhook_headers){.id = id, .timestamp = time}, body, mac));
    f2m_webhook_keys_free(keys);
    memcpy(text, "v1,", 3);
    for (size_t i = 0; i < 43; i++) {
        size_t byte = i * 6 / 8, shift = i * 6 % 8;
        unsigned two = (unsigned)mac[byte] << 8 | mac[byte + 1];
        text[3 + i] = digits[two >> (10 - shift) & 63];
    }
    memcpy(text + 46, "=", 2);
}

/* A signed request into buf; its length. */
static size_t sign(char *buf, size_t size, const char *id, const char *time, const char *body, size_t body_len)
{
    char signature[48];
    signature_of(id, time, (struct f2m_slice){body, body_len}, signature);
    int head = snprintf(buf, size,
                        "POST /webhook/flip HTTP/1.1\r\n" HOST "Webhook-Id: %s\r\nWebhook-Timestamp: %s\r\n"
                        "Webhook-Signature: %s\r\nContent-Length: %zu\r\n\r\n",
                        id, time, signature, body_len);
    ck_assert_uint_lt((size_t)head + body_len, size);
    memcpy(buf + head, body, body_len);
    return (size_t)head + body_len;
}

static int send_signed(const char *id, const char *time, const char *body)
{
    char request[4096];
    int fd = connect_to();
    size_t len = sign(request, sizeof request, id, time, body, strlen(body));
    ck_assert(send_all(fd, request, len));
    return fd;
}

static void await_webhook(struct f2m_webhook *webhook)
{
    for (int i = 0; i < 1000 && !f2m_server_next_webhook(server, webhook); i++)
        turn(5);
    ck_assert_ptr_nonnull(webhook->id);
}

START_TEST(a_verified_webhook_waits_for_its_reply)
{
    struct f2m_webhook webhook = {0}, none;
    start();
    int fd = send_signed("msg_1", NOW_S, BODY);
    await_webhook(&webhook);
    ck_assert_str_eq(webhook.id, "msg_1");
    ck_assert_uint_eq(webhook.body.len, strlen(BODY));
    ck_assert_mem_eq(webhook.body.at, BODY, webhook.body.len);
    ck_assert(!f2m_server_next_webhook(server, &none)); /* told once */
    ck_assert_int_eq(receive(fd, 20), -1);              /* and nothing goes out before the reply */
    f2m_server_reply(server, webhook.tag + 1, 500);     /* nobody's */
    f2m_server_reply(server, webhook.tag, 204);
    f2m_server_reply(server, webhook.tag, 500); /* too late */
    ck_assert_int_eq(f2m_server_timeout(server, now), 0);
    now.mono_ms += F2M_WEBHOOK_DEADLINE_MS; /* the loop comes late: the answer stands */
    ck_assert_int_eq(receive(fd, 1000), 204);
    ck_assert_ptr_nonnull(strstr(answer, "Connection: close\r\n"));
    ck_assert_uint_eq(f2m_server_refused(server), 0);
    f2m_server_free(server);
}
END_TEST

START_TEST(several_webhooks_are_told_in_order_and_answered_in_any)
{
    struct f2m_webhook a = {0}, b = {0};
    start();
    int first = send_signed("msg_1", NOW_S, BODY);
    await_webhook(&a);
    int second = send_signed("msg_2", NOW_S, BODY);
    await_webhook(&b);
    ck_assert_str_eq(a.id, "msg_1");
    ck_assert_str_eq(b.id, "msg_2");
    f2m_server_reply(server, b.tag, 503);
    ck_assert_int_eq(receive(second, 1000), 503);
    f2m_server_reply(server, a.tag, 400);
    ck_assert_int_eq(receive(first, 1000), 400);
    f2m_server_free(server);
}
END_TEST

START_TEST(bad_webhooks_are_turned_away)
{
    char request[4096];
    struct f2m_webhook none;
    start();
    ck_assert_int_eq(receive(send_signed("msg_1", "1699990000", BODY), 1000), 401); /* old */
    ck_assert_int_eq(receive(send_signed("msg_1", "1700010000", BODY), 1000), 401); /* from the future */
    ck_assert_int_eq(receive(send_signed("msg_1", "soon", BODY), 1000), 400);
    size_t len = sign(request, sizeof request, "msg_1", NOW_S, BODY, strlen(BODY));
    request[len - 2] = '!'; /* tampered */
    request[len] = '\0';
    ck_assert_int_eq(ask(request), 401);
    ck_assert_int_eq(ask("POST /webhook/flip HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}"), 400);
    ck_assert_int_eq(ask("POST /webhook/flip HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"), 400);
    ck_assert(!f2m_server_next_webhook(server, &none));
    ck_assert_uint_eq(f2m_server_refused(server), 6);
    f2m_server_free(server);
}
END_TEST

START_TEST(bodies_are_limited)
{
    size_t size = F2M_MAX_WEBHOOK_BYTES + 4096;
    char *request = f2m_xmalloc(size), *body = f2m_xmalloc(F2M_MAX_WEBHOOK_BYTES + 1);
    struct f2m_webhook webhook = {0};
    memset(body, ' ', F2M_MAX_WEBHOOK_BYTES + 1);
    start();
    size_t len = sign(request, size, "msg_1", NOW_S, body, F2M_MAX_WEBHOOK_BYTES);
    int fd = connect_to();
    ck_assert(send_all(fd, request, len));
    await_webhook(&webhook); /* just fits */
    ck_assert_uint_eq(webhook.body.len, F2M_MAX_WEBHOOK_BYTES);
    f2m_server_reply(server, webhook.tag, 204);
    ck_assert_int_eq(receive(fd, 1000), 204);

    len = sign(request, size, "msg_1", NOW_S, body, F2M_MAX_WEBHOOK_BYTES + 1);
    fd = connect_to();
    ck_assert(send_all(fd, request, len)); /* read to its end, so that the client sees the answer */
    ck_assert_int_eq(receive(fd, 1000), 413);
    ck_assert_int_eq(ask("POST /webhook/flip HTTP/1.1\r\n" HOST "Content-Length: 99999999999\r\n\r\n"), 413);
    ck_assert_int_eq(
        ask("POST /webhook/flip HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999999\r\n\r\n") / 100, 4);
    free(body);
    free(request);
    f2m_server_free(server);
}
END_TEST

START_TEST(a_chunked_oversize_gets_its_413_at_the_end)
{
    static char chunk[65536 + 16];
    int fd;
    start();
    memset(chunk, 'x', sizeof chunk);
    memcpy(chunk, "10000\r\n", 7);
    memcpy(chunk + 7 + 65536, "\r\n", 2);
    fd = connect_to();
    static const char head[] = "POST /webhook/flip HTTP/1.1\r\n" HOST "Webhook-Id: a\r\nWebhook-Timestamp: " NOW_S
                               "\r\nWebhook-Signature: v1,AAAA\r\nTransfer-Encoding: chunked\r\n\r\n";
    ck_assert(send_all(fd, head, sizeof head - 1));
    for (int i = 0; i < 20; i++)
        ck_assert(send_all(fd, chunk, 7 + 65536 + 2));
    ck_assert(send_all(fd, "0\r\n\r\n", 5));
    ck_assert_int_eq(receive(fd, 1000), 413);
    f2m_server_free(server);
}
END_TEST

START_TEST(bodies_of_many_connections_share_a_bound)
{
    static char half[600000];
    int fds[10], unavailable = 0;
    start();
    memset(half, ' ', sizeof half);
    static const char head[] = "POST /webhook/flip HTTP/1.1\r\n" HOST "Webhook-Id: a\r\nWebhook-Timestamp: " NOW_S
                               "\r\nWebhook-Signature: v1,AAAA\r\nContent-Length: 600001\r\n\r\n";
    for (size_t i = 0; i < 10; i++) {
        fds[i] = connect_to();
        ck_assert(send_all(fds[i], head, sizeof head - 1));
        ck_assert(send_all(fds[i], half, sizeof half));
    }
    for (size_t i = 0; i < 10; i++) {
        ck_assert(send_all(fds[i], "x", 1));
        int status = receive(fds[i], 1000);
        ck_assert(status == 503 || status == 401);
        unavailable += status == 503;
    }
    ck_assert_int_ge(unavailable, 3); /* 4 MiB hold six of them */
    f2m_server_free(server);
}
END_TEST

START_TEST(pages_and_paths)
{
    static const struct {
        const char *request;
        int status;
        const char *holds;
    } table[] = {
        {"GET /healthz HTTP/1.1\r\n" HOST "\r\n", 200, "\r\n\r\nok\n"},
        {"HEAD /healthz HTTP/1.1\r\n" HOST "\r\n", 200, "Content-Length: 3\r\n"},
        {"GET /healthz?ready HTTP/1.1\r\n" HOST "\r\n", 503, "unavailable"},
        {"GET /healthz?ready=1 HTTP/1.1\r\n" HOST "\r\n", 503, "unavailable"},
        {"GET /healthz?already HTTP/1.1\r\n" HOST "\r\n", 200, "ok"},
        {"GET /metrics HTTP/1.1\r\n" HOST "\r\n", 200, "flip2mqtt_points_total 3\n"},
        {"GET /webhook/flip HTTP/1.1\r\n" HOST "\r\n", 405, "Allow: POST\r\n"},
        {"PUT /webhook/flip HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 405, "Allow: POST\r\n"},
        {"GET / HTTP/1.1\r\n" HOST "\r\n", 404, "not found"}, /* no status page given */
        {"POST /webhook%2Fflip HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 404, "not found"},
        {"GET /healthz%00 HTTP/1.1\r\n" HOST "\r\n", 404, "not found"},
        {"nonsense\r\n\r\n", 400, ""},
    };
    start();
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int status = ask(table[i].request);
        ck_assert_msg(table[i].status == status || (table[i].status == 400 && status == 0), "%s gives %d",
                      table[i].request, status);
        ck_assert_msg(strstr(answer, table[i].holds) != NULL, "%s gives %s", table[i].request, answer);
    }
    ready = true;
    ck_assert_int_eq(ask("GET /healthz?ready HTTP/1.1\r\n" HOST "\r\n"), 200);
    ck_assert_uint_eq(f2m_server_refused(server), 0); /* none of them was a webhook */
    f2m_server_free(server);
}
END_TEST

START_TEST(slow_clients_are_hung_up_on)
{
    static const char *const starts[] = {"", "GE", "GET /healthz HTTP/1.1\r\nX-Slow: ",
                                         "POST /webhook/flip HTTP/1.1\r\n" HOST
                                         "Webhook-Id: a\r\nWebhook-Timestamp: " NOW_S
                                         "\r\nWebhook-Signature: v1,AAAA\r\nContent-Length: 100\r\n\r\n{"};
    int fds[4];
    start();
    for (size_t i = 0; i < 4; i++) {
        fds[i] = connect_to();
        ck_assert(send_all(fds[i], starts[i], strlen(starts[i])));
        turn(5);
    }
    ck_assert_int_le(f2m_server_timeout(server, now), F2M_WEBHOOK_DEADLINE_MS);
    for (int second = 0; second < 6; second++) {
        for (size_t i = 0; i < 4; i++)
            send(fds[i], "a", 1, MSG_NOSIGNAL | MSG_DONTWAIT); /* one byte a second */
        turn(1);
        now.mono_ms += 1000;
    }
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(receive(fds[i], 1000), 0);
    ck_assert_uint_eq(f2m_server_refused(server), 1);
    ck_assert_int_eq(ask("GET /healthz HTTP/1.1\r\n" HOST "\r\n"), 200);
    f2m_server_free(server);
}
END_TEST

START_TEST(a_webhook_without_a_reply_gets_503_in_time)
{
    struct f2m_webhook webhook = {0};
    start();
    int fd = send_signed("msg_1", NOW_S, BODY);
    await_webhook(&webhook);
    now.mono_ms += F2M_WEBHOOK_DEADLINE_MS - 1;
    ck_assert_int_eq(receive(fd, 10), -1);
    now.mono_ms += 1;
    ck_assert_int_eq(receive(fd, 1000), 503);
    f2m_server_reply(server, webhook.tag, 204); /* ignored */
    turn(1);
    f2m_server_free(server);
}
END_TEST

START_TEST(a_client_that_leaves_while_its_webhook_waits_does_no_harm)
{
    struct f2m_webhook webhook = {0};
    start();
    int fd = send_signed("msg_1", NOW_S, BODY);
    await_webhook(&webhook);
    close(fd);
    turn(5);
    f2m_server_reply(server, webhook.tag, 204);
    for (int i = 0; i < 5; i++)
        turn(5);
    ck_assert_int_eq(ask("GET /healthz HTTP/1.1\r\n" HOST "\r\n"), 200);
    f2m_server_free(server);
}
END_TEST

START_TEST(the_end_answers_what_waits)
{
    struct f2m_webhook webhook = {0};
    start();
    char request[4096];
    int fds[] = {send_signed("msg_1", NOW_S, BODY), connect_to()};
    await_webhook(&webhook);
    size_t len = sign(request, sizeof request, "msg_2", NOW_S, BODY, strlen(BODY));
    ck_assert_int_eq(send(fds[1], request, len, 0), (ssize_t)len); /* not read before the end */
    f2m_server_free(server);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_gt(recv(fds[i], answer, sizeof answer - 1, 0), 12);
        ck_assert_mem_eq(answer, "HTTP/1.1 503", 12);
        close(fds[i]);
    }
}
END_TEST

START_TEST(connections_are_limited)
{
    int fds[F2M_MAX_HTTP_CONNECTIONS + 20];
    const size_t all = sizeof fds / sizeof *fds;
    start();
    for (size_t i = 0; i < all; i++) {
        fds[i] = connect_to();
        turn(1);
    }
    now.mono_ms += F2M_HTTP_CROWDED_MS; /* then the idle ones make room */
    for (int i = 0; i < 20; i++)
        turn(5);
    ck_assert_int_eq(ask("GET /healthz HTTP/1.1\r\n" HOST "\r\n"), 200);
    for (size_t i = 0; i < all; i++)
        close(fds[i]);
    f2m_server_free(server);
}
END_TEST

/* Those that wait come in as soon as others have gone, without anything else that turns the loop. */
START_TEST(the_next_ones_come_in_at_once)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\n" HOST "\r\n";
    int fds[F2M_MAX_HTTP_CONNECTIONS + 1];
    const size_t last = F2M_MAX_HTTP_CONNECTIONS;
    start();
    struct pollfd wait = {.fd = f2m_server_fd(server), .events = POLLIN};
    for (size_t i = 0; i <= last; i++) {
        fds[i] = connect_to();
        turn(1);
    }
    ck_assert_int_eq(send(fds[last], request, sizeof request - 1, MSG_NOSIGNAL), (ssize_t)sizeof request - 1);
    now.mono_ms += F2M_HTTP_CROWDED_MS;
    for (int i = 0; i < 1000 && (f2m_server_timeout(server, now) == 0 || poll(&wait, 1, 50) == 1); i++)
        f2m_server_run(server, now);
    ck_assert_int_gt(recv(fds[last], answer, sizeof answer, MSG_DONTWAIT), 0);
    for (size_t i = 0; i <= last; i++)
        close(fds[i]);
    f2m_server_free(server);
}
END_TEST

START_TEST(an_idle_server_wants_nothing)
{
    start();
    turn(1);
    ck_assert_int_eq(f2m_server_timeout(server, now), -1);
    ck_assert_int_eq(ask("GET /healthz HTTP/1.1\r\n" HOST "\r\n"), 200);
    turn(5);
    ck_assert_int_eq(f2m_server_timeout(server, now), -1);
    f2m_server_free(server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("server");
    TCase *tcase = tcase_create("server");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, a_verified_webhook_waits_for_its_reply);
    tcase_add_test(tcase, several_webhooks_are_told_in_order_and_answered_in_any);
    tcase_add_test(tcase, bad_webhooks_are_turned_away);
    tcase_add_test(tcase, bodies_are_limited);
    tcase_add_test(tcase, a_chunked_oversize_gets_its_413_at_the_end);
    tcase_add_test(tcase, bodies_of_many_connections_share_a_bound);
    tcase_add_test(tcase, pages_and_paths);
    tcase_add_test(tcase, slow_clients_are_hung_up_on);
    tcase_add_test(tcase, a_webhook_without_a_reply_gets_503_in_time);
    tcase_add_test(tcase, a_client_that_leaves_while_its_webhook_waits_does_no_harm);
    tcase_add_test(tcase, the_end_answers_what_waits);
    tcase_add_test(tcase, connections_are_limited);
    tcase_add_test(tcase, the_next_ones_come_in_at_once);
    tcase_add_test(tcase, an_idle_server_wants_nothing);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
