#include "app/process.h"

#include "util/limits.h"
#include "util/log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Else what is opened first gets their numbers, and the log goes into the database or to the broker. */
bool f2m_process_fill_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

void f2m_process_forbid_core_files(void)
{
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

bool f2m_process_ensure_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= F2M_WANTED_DESCRIPTORS)
        return true;
    limit.rlim_cur = limit.rlim_max < F2M_WANTED_DESCRIPTORS ? limit.rlim_max : F2M_WANTED_DESCRIPTORS;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* as far as the hard limit goes it cannot fail */
    bool enough = limit.rlim_cur >= F2M_MIN_DESCRIPTORS;
    if (limit.rlim_cur < F2M_WANTED_DESCRIPTORS)
        f2m_log(enough ? F2M_LOG_WARN : F2M_LOG_ERROR, "app", "the limit of open files is low (ulimit -n, LimitNOFILE)",
                "limit=%" PRIuMAX " needed=%d wanted=%d", (uintmax_t)limit.rlim_cur, F2M_MIN_DESCRIPTORS,
                F2M_WANTED_DESCRIPTORS);
    return enough;
}

int f2m_process_open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is a full disk (EFBIG), not the end */
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}
