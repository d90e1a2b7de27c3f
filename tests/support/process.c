#include "process.h"

#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

int run_program(const char *const argv[])
{
    int status;
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void openssl(const char *const argv[])
{
    ck_assert_msg(run_program(argv) == 0, "openssl %s failed", argv[1]);
}

void certificates_make(struct certificates *c, const char *dir, const char *name, const char *days)
{
    char ca_key[128], csr[128], extensions[128];
    snprintf(c->ca, sizeof c->ca, "%s/ca.pem", dir);
    snprintf(c->cert, sizeof c->cert, "%s/cert.pem", dir);
    snprintf(c->key, sizeof c->key, "%s/cert.key", dir);
    snprintf(ca_key, sizeof ca_key, "%s/ca.key", dir);
    snprintf(csr, sizeof csr, "%s/cert.csr", dir);
    snprintf(extensions, sizeof extensions, "%s/extensions", dir);
    FILE *f = fopen(extensions, "we");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "subjectAltName=DNS:%s\n", name);
    fclose(f);
    openssl((const char *const[]){"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                                  "-nodes", "-keyout", ca_key, "-out", c->ca, "-days", "2", "-subj", "/CN=Throwaway CA",
                                  NULL});
    openssl((const char *const[]){"openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                                  "-keyout", c->key, "-out", csr, "-subj", "/CN=test", NULL});
    openssl((const char *const[]){"openssl", "x509", "-req", "-in", csr, "-CA", c->ca, "-CAkey", ca_key,
                                  "-CAcreateserial", "-out", c->cert, "-days", days, "-extfile", extensions, NULL});
}
