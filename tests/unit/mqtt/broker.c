#include "broker.h"

#include "support/process.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void broker_prepare(struct broker *broker, const char *settings)
{
    *broker = (struct broker){.port = free_port(), .settings = settings};
    snprintf(broker->dir, sizeof broker->dir, "/tmp/f2m-broker-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(broker->dir));
}

static void write_configuration(const struct broker *broker, const char *path)
{
    FILE *f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    /* Started by root it would become another user, who cannot read the test's folder. */
    fprintf(f, "%slistener %d 127.0.0.1\nlog_dest stderr\n%s\n", getuid() == 0 ? "user root\n" : "", broker->port,
            broker->settings ? broker->settings : "allow_anonymous true");
    ck_assert_int_eq(fclose(f), 0);
}

/* Reads the broker's log until it says that it runs; the rest is left in the pipe. */
static void wait_until_running(int fd)
{
    char log[8192];
    size_t len = 0;
    while (len + 1 < sizeof log) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ck_assert_msg(poll(&p, 1, 10000) == 1, "mosquitto does not start");
        ssize_t n = read(fd, log + len, sizeof log - 1 - len);
        ck_assert_msg(n > 0, "mosquitto ended: %.*s", (int)len, log);
        len += (size_t)n;
        log[len] = '\0';
        if (strstr(log, " running"))
            return;
    }
    ck_abort_msg("mosquitto does not say that it runs: %s", log);
}

void broker_start(struct broker *broker)
{
    char path[128];
    int log[2];
    snprintf(path, sizeof path, "%s/mosquitto.conf", broker->dir);
    write_configuration(broker, path);
    ck_assert_int_eq(pipe2(log, O_CLOEXEC), 0);
    broker->pid = fork();
    ck_assert_int_ge(broker->pid, 0);
    if (broker->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(log[1], STDERR_FILENO);
        execlp("mosquitto", "mosquitto", "-c", path, (char *)NULL);
        execl("/usr/sbin/mosquitto", "mosquitto", "-c", path, (char *)NULL);
        _exit(127);
    }
    close(log[1]);
    wait_until_running(log[0]);
    fcntl(log[0], F_SETFD, 0); /* stays open as long as the test: a closed pipe would fail the broker's log */
}

void broker_signal(struct broker *broker, int signal)
{
    ck_assert_int_eq(kill(broker->pid, signal), 0);
}

void broker_kill(struct broker *broker)
{
    if (broker->pid <= 0)
        return;
    kill(broker->pid, SIGKILL);
    ck_assert_int_eq(waitpid(broker->pid, NULL, 0), broker->pid);
    broker->pid = 0;
}

void broker_deinit(struct broker *broker)
{
    broker_kill(broker);
    run_program((const char *const[]){"rm", "-rf", broker->dir, NULL});
}
