/* The client gives one result per request: the server's whole answer within the bounds, or why there is none; it
 * follows nobody elsewhere and keeps its connections. */
#include "http/client.h"
#include "stub.h"
#include "util/limits.h"
#include "util/xalloc.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static struct stub stub;
static struct f2m_http *http;
static struct f2m_http_result result;

static void start_at(const char *base, struct f2m_http_options options)
{
    struct f2m_err err = {""};
    options.base_url = base;
    http = f2m_http_new(&options, &err);
    ck_assert_msg(http != NULL, "%s", err.text);
}

static void start(const char *answer, enum stub_end end, struct f2m_http_options options)
{
    char base[64];
    stub_start(&stub, answer, end);
    snprintf(base, sizeof base, "http://127.0.0.1:%d", stub.port);
    start_at(base, options);
}

static void end(void)
{
    f2m_http_free(http);
    stub_stop(&stub);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void await(void)
{
    int64_t until = now_ms() + 10000;
    while (!f2m_http_next_result(http, &result)) {
        ck_assert_msg(now_ms() < until, "no result");
        ck_assert_int_eq(f2m_http_poll(http, NULL, 0, 1000), 0);
        f2m_http_perform(http);
    }
}

static void get(const char *path)
{
    struct f2m_http_request request = {.tag = 7, .method = F2M_HTTP_GET, .path = path, .token = "s3cret"};
    f2m_http_start(http, &request);
    await();
    ck_assert_uint_eq(result.tag, 7);
}

START_TEST(an_answer_comes_whole)
{
    start("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"data\":[]}", STUB_CLOSE, (struct f2m_http_options){0});
    get("/v1/commands?skip=0");
    ck_assert_ptr_null(result.error);
    ck_assert_int_eq(result.status, 200);
    ck_assert_int_eq(result.retry_after_s, 0);
    ck_assert_uint_eq(result.body.len, 11);
    ck_assert_mem_eq(result.body.at, "{\"data\":[]}", 11);
    ck_assert_ptr_nonnull(strstr(stub.seen, "GET /v1/commands?skip=0 HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(stub.seen, "\r\nAuthorization: Bearer s3cret\r\n"));
    ck_assert_ptr_nonnull(strstr(stub.seen, "\r\nAccept: application/json\r\n"));
    ck_assert_ptr_nonnull(strstr(stub.seen, "\r\nUser-Agent: flip2mqtt/" F2M_VERSION "\r\n"));
    ck_assert_ptr_null(strstr(stub.seen, "Content-Type"));
    ck_assert_uint_eq(f2m_http_pending(http), 0);
    end();
}
END_TEST

START_TEST(methods_and_bodies_go_out_as_given)
{
    static const struct {
        enum f2m_http_method method;
        const char *body, *line;
    } table[] = {
        {F2M_HTTP_POST, "[1,2]", "POST /v1/x HTTP/1.1\r\n"},  {F2M_HTTP_PATCH, "{}", "PATCH /v1/x HTTP/1.1\r\n"},
        {F2M_HTTP_DELETE, NULL, "DELETE /v1/x HTTP/1.1\r\n"}, {F2M_HTTP_GET, NULL, "GET /v1/x HTTP/1.1\r\n"},
        {F2M_HTTP_POST, NULL, "POST /v1/x HTTP/1.1\r\n"},
    };
    start("HTTP/1.1 204 No Content\r\n\r\n", STUB_KEEP, (struct f2m_http_options){0});
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct f2m_http_request request = {
            .tag = i, .method = table[i].method, .path = "/v1/x", .body = f2m_slice_of(table[i].body)};
        f2m_http_start(http, &request);
        await();
        ck_assert_int_eq(result.status, 204);
        ck_assert_msg(strncmp(stub.seen, table[i].line, strlen(table[i].line)) == 0, "%s", stub.seen);
        ck_assert_ptr_null(strstr(stub.seen, "Expect:"));
        ck_assert_ptr_null(strstr(stub.seen, "Authorization"));
        const char *body = strstr(stub.seen, "\r\n\r\n") + 4;
        ck_assert_str_eq(body, table[i].body ? table[i].body : "");
        ck_assert_int_eq(strstr(stub.seen, "Content-Type: application/json\r\n") != NULL, table[i].body != NULL);
        ck_assert_ptr_null(strstr(stub.seen, "form-urlencoded"));
    }
    ck_assert_int_eq(stub.connections, 1); /* kept alive */
    end();
}
END_TEST

START_TEST(dots_in_a_path_stay)
{
    start("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", STUB_CLOSE, (struct f2m_http_options){0});
    get("/v1/site/../devices/./%2e%2e");
    ck_assert_int_eq(result.status, 404);
    ck_assert_ptr_nonnull(strstr(stub.seen, "GET /v1/site/../devices/./%2e%2e HTTP"));
    end();
}
END_TEST

START_TEST(a_redirect_is_a_status_and_not_followed)
{
    static char answer[256];
    struct stub other;
    stub_start(&other, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", STUB_CLOSE);
    snprintf(answer, sizeof answer,
             "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n",
             other.port);
    start(answer, STUB_CLOSE, (struct f2m_http_options){0});
    get("/v1/x");
    ck_assert_int_eq(result.status, 307);
    ck_assert_int_eq(other.connections, 0);
    stub_stop(&other);
    end();
}
END_TEST

/* A date `seconds` from now, as HTTP writes it. */
static const char *http_date(int64_t seconds, char *buf, size_t size)
{
    time_t t = time(NULL) + (time_t)seconds;
    struct tm tm;
    strftime(buf, size, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&t, &tm));
    return buf;
}

START_TEST(retry_after_is_read_in_both_forms_and_capped)
{
    char soon[64], past[64], far[64], text[256];
    const struct {
        const char *value;
        int64_t least, most;
    } table[] = {
        {"120", 120, 120},
        {"0", 0, 0},
        {"-5", 0, 0},
        {"soon", 0, 0},
        {"315360000", F2M_MAX_RETRY_AFTER_S, F2M_MAX_RETRY_AFTER_S},
        {http_date(100, soon, sizeof soon), 95, 101},
        {http_date(-1000, past, sizeof past), 0, 0},
        {http_date(86400 * 3650LL, far, sizeof far), F2M_MAX_RETRY_AFTER_S, F2M_MAX_RETRY_AFTER_S},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        snprintf(text, sizeof text, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n",
                 table[i].value);
        start(text, STUB_CLOSE, (struct f2m_http_options){0});
        get("/v1/x");
        ck_assert_int_eq(result.status, 429);
        ck_assert_msg(result.retry_after_s >= table[i].least && result.retry_after_s <= table[i].most, "%s gives %lld",
                      table[i].value, (long long)result.retry_after_s);
        end();
    }
}
END_TEST

START_TEST(the_servers_clock_is_read)
{
    char text[256];
    static const struct {
        const char *header;
        int64_t date_ms;
    } table[] = {
        {"Date: Tue, 24 Nov 2026 08:00:00 GMT\r\n", INT64_C(1795507200000)},
        {"Date: yesterday\r\n", 0},
        {"Date:\r\n", 0},
        {"", 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n%sContent-Length: 0\r\n\r\n", table[i].header);
        start(text, STUB_CLOSE, (struct f2m_http_options){0});
        get("/v1/x");
        ck_assert_msg(result.date_ms == table[i].date_ms, "%s gives %lld", table[i].header, (long long)result.date_ms);
        end();
    }
}
END_TEST

START_TEST(an_incomplete_answer_is_no_answer)
{
    static const struct {
        const char *answer;
        enum stub_end end;
        const char *error;
    } table[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\":", STUB_CLOSE, "answer cut short"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", STUB_CLOSE, "answer cut short"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab", STUB_CLOSE, "connection lost"},
        {"", STUB_CLOSE, "connection closed without an answer"},
        {"", STUB_RESET, "connection lost"},
        {"SSH-2.0-OpenSSH_9.2\r\n\r\n", STUB_CLOSE, "not an HTTP answer"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n", STUB_CLOSE, "answer too large"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        start(table[i].answer, table[i].end, (struct f2m_http_options){0});
        get("/v1/x");
        ck_assert_ptr_nonnull(result.error);
        ck_assert_msg(strcmp(result.error, table[i].error) == 0, "%zu: %s, not %s", i, result.error, table[i].error);
        ck_assert_int_eq(result.status, 0);
        end();
    }
}
END_TEST

START_TEST(an_answer_without_a_length_is_capped_while_it_comes)
{
    size_t len = F2M_MAX_REPLY_BYTES + 100000;
    char *huge = f2m_xmalloc(len);
    static const char head[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    memset(huge, ' ', len);
    memcpy(huge, head, sizeof head - 1);
    stub_start(&stub, huge, STUB_CLOSE);
    stub.answer_len = len;
    char base[64];
    snprintf(base, sizeof base, "http://127.0.0.1:%d", stub.port);
    start_at(base, (struct f2m_http_options){0});
    get("/v1/x");
    ck_assert_str_eq(result.error, "answer too large");
    end();
    free(huge);
}
END_TEST

START_TEST(silence_and_dripping_end_in_time)
{
    int64_t before = now_ms();
    start("", STUB_SILENT, (struct f2m_http_options){.timeout_ms = 300});
    get("/v1/x");
    ck_assert_str_eq(result.error, "timed out");
    ck_assert_int_lt(now_ms() - before, 5000);
    end();
    start("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", STUB_DRIP, (struct f2m_http_options){.low_speed_s = 1});
    before = now_ms();
    get("/v1/x");
    ck_assert_str_eq(result.error, "timed out");
    ck_assert_int_lt(now_ms() - before, 5000);
    end();
}
END_TEST

START_TEST(errors_of_the_way_are_short_and_without_secrets)
{
    char base[64];
    stub_start(&stub, "", STUB_CLOSE);
    stub_stop(&stub); /* its port is free now */
    snprintf(base, sizeof base, "http://127.0.0.1:%d", stub.port);
    start_at(base, (struct f2m_http_options){0});
    get("/v1/x?password=s3cret");
    ck_assert_str_eq(result.error, "cannot connect: Connection refused");
    f2m_http_free(http);
    start_at("https://name.invalid", (struct f2m_http_options){0});
    get("/v1/x");
    ck_assert_str_eq(result.error, "cannot resolve the host name");
    f2m_http_free(http);
}
END_TEST

START_TEST(want_of_descriptors_is_told_as_such)
{
    struct rlimit limit, few;
    start_at("http://127.0.0.1:9", (struct f2m_http_options){0});
    int first_unused = dup(STDERR_FILENO);
    ck_assert_int_ge(first_unused, 0);
    close(first_unused);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = (struct rlimit){(rlim_t)first_unused, limit.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    get("/v1/x");
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_str_eq(result.error, "cannot connect: Too many open files");
    f2m_http_free(http);
}
END_TEST

START_TEST(a_connection_that_died_idle_is_replaced)
{
    start("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", STUB_CLOSE, (struct f2m_http_options){0});
    for (int i = 0; i < 3; i++) {
        get("/v1/x"); /* the server announces keep-alive and closes */
        ck_assert_ptr_null(result.error);
        ck_assert_int_eq(result.status, 200);
    }
    ck_assert_int_eq(stub.requests, 3);
    end();
}
END_TEST

START_TEST(too_many_are_refused_and_every_one_gets_a_result)
{
    static bool seen[F2M_MAX_HTTP_IN_FLIGHT + F2M_MAX_HTTP_WAITING + 10];
    const size_t all = sizeof seen;
    start("HTTP/1.1 204 No Content\r\n\r\n", STUB_CLOSE, (struct f2m_http_options){0});
    for (size_t i = 0; i < all; i++)
        f2m_http_start(http, &(struct f2m_http_request){.tag = i, .method = F2M_HTTP_GET, .path = "/"});
    ck_assert_uint_eq(f2m_http_pending(http), all);
    size_t refused = 0;
    for (size_t i = 0; i < all; i++) {
        await();
        ck_assert_uint_lt(result.tag, all);
        ck_assert(!seen[result.tag]);
        seen[result.tag] = true;
        if (!result.error) {
            ck_assert_int_eq(result.status, 204);
            continue;
        }
        ck_assert_str_eq(result.error, "too many requests waiting");
        ck_assert_uint_ge(result.tag, all - 10);
        refused++;
    }
    ck_assert_uint_eq(refused, 10);
    ck_assert_uint_eq(f2m_http_pending(http), 0);
    ck_assert(!f2m_http_next_result(http, &result));
    end();
}
END_TEST

START_TEST(aborting_ends_everything_with_a_result)
{
    start("", STUB_SILENT, (struct f2m_http_options){0});
    for (uint64_t i = 0; i < 20; i++)
        f2m_http_start(http, &(struct f2m_http_request){.tag = i, .method = F2M_HTTP_GET, .path = "/"});
    f2m_http_perform(http);
    ck_assert_uint_eq(f2m_http_pending(http), 20);
    f2m_http_abort_all(http);
    for (size_t i = 0; i < 20; i++) {
        ck_assert(f2m_http_next_result(http, &result));
        ck_assert_str_eq(result.error, "aborted");
        ck_assert_int_eq(result.status, 0);
    }
    ck_assert(!f2m_http_next_result(http, &result));
    ck_assert_uint_eq(f2m_http_pending(http), 0);
    end();
}
END_TEST

START_TEST(the_poll_serves_other_descriptors)
{
    int pipe_fds[2];
    start("", STUB_SILENT, (struct f2m_http_options){0});
    ck_assert_int_eq(pipe(pipe_fds), 0);
    struct pollfd fds[2] = {{.fd = pipe_fds[0], .events = POLLIN}, {.fd = stub.quit[0], .events = POLLIN}};
    ck_assert_int_eq(f2m_http_poll(http, fds, 2, 0), 0);
    ck_assert_int_eq(fds[0].revents, 0);
    ck_assert_int_eq(write(pipe_fds[1], "x", 1), 1);
    ck_assert_int_eq(f2m_http_poll(http, fds, 2, 5000), 0);
    ck_assert_int_eq(fds[0].revents, POLLIN);
    ck_assert_int_eq(fds[1].revents, 0);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    end();
}
END_TEST

START_TEST(base_urls_are_judged)
{
    static const struct {
        struct f2m_http_options options;
        const char *error;
    } table[] = {
        {{.base_url = "https://partner.flip.energy"}, NULL},
        {{.base_url = "http://localhost:8080"}, NULL},
        {{.base_url = "http://flip.localhost:8080"}, NULL}, /* as config/url.c has it: curl resolves it to here */
        {{.base_url = "http://127.9.9.9"}, NULL},
        {{.base_url = "http://[::1]:8080"}, NULL},
        {{.base_url = "http://partner.example", .insecure = true}, NULL},
        {{.base_url = "http://partner.example"},
         "plain http to partner.example is not allowed; use https, or set insecure: true"},
        {{.base_url = "http://localhost.partner.example"},
         "plain http to localhost.partner.example is not allowed; use https, or set insecure: true"},
        {{.base_url = "http://[::2]"}, "plain http to [::2] is not allowed; use https, or set insecure: true"},
        {{.base_url = "ftp://127.0.0.1"}, "base_url begins with ftp://; expected https://"},
        {{.base_url = "nonsense"}, "base_url is no URL; expected https://host"},
        {{.base_url = "https://x", .ca = "/nonexistent"}, "cannot read /nonexistent: No such file or directory"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct f2m_err err = {""};
        struct f2m_http *h = f2m_http_new(&table[i].options, &err);
        ck_assert_str_eq(err.text, table[i].error ? table[i].error : "");
        ck_assert_int_eq(h != NULL, table[i].error == NULL);
        f2m_http_free(h);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http client");
    TCase *tcase = tcase_create("http client");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, an_answer_comes_whole);
    tcase_add_test(tcase, methods_and_bodies_go_out_as_given);
    tcase_add_test(tcase, dots_in_a_path_stay);
    tcase_add_test(tcase, a_redirect_is_a_status_and_not_followed);
    tcase_add_test(tcase, retry_after_is_read_in_both_forms_and_capped);
    tcase_add_test(tcase, the_servers_clock_is_read);
    tcase_add_test(tcase, an_incomplete_answer_is_no_answer);
    tcase_add_test(tcase, an_answer_without_a_length_is_capped_while_it_comes);
    tcase_add_test(tcase, silence_and_dripping_end_in_time);
    tcase_add_test(tcase, errors_of_the_way_are_short_and_without_secrets);
    tcase_add_test(tcase, want_of_descriptors_is_told_as_such);
    tcase_add_test(tcase, a_connection_that_died_idle_is_replaced);
    tcase_add_test(tcase, too_many_are_refused_and_every_one_gets_a_result);
    tcase_add_test(tcase, aborting_ends_everything_with_a_result);
    tcase_add_test(tcase, the_poll_serves_other_descriptors);
    tcase_add_test(tcase, base_urls_are_judged);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
