/* Over TLS the client accepts what its authorities signed for the host name and is valid today, and says of anything
 * else which certificate is wrong and why. */
#include "http/client.h"
#include "support/process.h"

#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/f2m-https-XXXXXX", base[64];
static struct certificates files;
static pid_t server;
static struct f2m_http_result result;
static struct f2m_http *http;

static bool listens(int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool up = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return up;
}

/* openssl s_server with a certificate for a name. */
static void serve(const char *name, const char *days)
{
    int port = free_port();
    char address[32];
    memcpy(dir + sizeof dir - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    certificates_make(&files, dir, name, days);
    snprintf(base, sizeof base, "https://localhost:%d", port);
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    server = fork();
    if (server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execlp("openssl", "openssl", "s_server", "-quiet", "-www", "-accept", address, "-cert", files.cert, "-key",
               files.key, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 500 && !listens(port); i++)
        poll(NULL, 0, 10);
}

static void end(void)
{
    f2m_http_free(http);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    run_program((const char *const[]){"rm", "-rf", dir, NULL});
}

static void get(const char *ca)
{
    struct f2m_err err = {""};
    http = f2m_http_new(&(struct f2m_http_options){.base_url = base, .ca = ca}, &err);
    ck_assert_msg(http != NULL, "%s", err.text);
    f2m_http_start(http, &(struct f2m_http_request){.tag = 1, .method = F2M_HTTP_GET, .path = "/", .token = "s3cret"});
    while (!f2m_http_next_result(http, &result)) {
        f2m_http_poll(http, NULL, 0, 1000);
        f2m_http_perform(http);
    }
}

START_TEST(a_trusted_server_is_accepted)
{
    serve("localhost", "2");
    get(files.ca);
    ck_assert_msg(result.error == NULL, "%s", result.error);
    ck_assert_int_eq(result.status, 200);
    end();
}
END_TEST

START_TEST(an_unknown_authority_is_refused)
{
    serve("localhost", "2");
    get(NULL);
    ck_assert_ptr_nonnull(result.error);
    ck_assert_msg(strncmp(result.error,
                          "TLS: SSL certificate problem: unable to get local issuer certificate: CN = test, "
                          "valid 20",
                          89) == 0,
                  "%s", result.error);
    ck_assert_ptr_null(strstr(result.error, "s3cret"));
    end();
}
END_TEST

START_TEST(another_host_name_is_refused)
{
    serve("cloud.example", "2");
    get(files.ca);
    ck_assert_str_eq(result.error,
                     "TLS: SSL: no alternative certificate subject name matches target host name 'localhost'");
    end();
}
END_TEST

START_TEST(an_expired_certificate_is_refused)
{
    serve("localhost", "-1");
    get(files.ca);
    ck_assert_ptr_nonnull(result.error);
    ck_assert_msg(strstr(result.error, "certificate has expired: CN = test, valid ") != NULL, "%s", result.error);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http tls");
    TCase *tcase = tcase_create("http tls");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, a_trusted_server_is_accepted);
    tcase_add_test(tcase, an_unknown_authority_is_refused);
    tcase_add_test(tcase, another_host_name_is_refused);
    tcase_add_test(tcase, an_expired_certificate_is_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
