/*
 * Preloaded into a program under test (LD_PRELOAD): a wall clock that is off, a disk that is full or broken. Steered
 * from outside through a file that both have mapped (F2M_SHIM_FILE): tests/integration/support/harness/shim.py.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct control {
    _Atomic int64_t clock_offset_ms; /* of CLOCK_REALTIME */
    _Atomic int64_t disk_error;      /* an errno for every write and sync of a regular file; 0 = none */
    _Atomic int64_t disk_limited;    /* 1: disk_room counts */
    _Atomic int64_t disk_room;       /* bytes by which files may still grow in all; deleting one gives its size back */
};

static struct control none, *control = &none;

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))

__attribute__((constructor)) static void map_control(void)
{
    const char *path = getenv("F2M_SHIM_FILE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *at = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED)
        control = at;
    close(fd);
}

/* ---- the clock ---- */

int clock_gettime(clockid_t id, struct timespec *t)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = REAL(int, "clock_gettime", clockid_t, struct timespec *);
    int r = real(id, t);
    if (r == 0 && id == CLOCK_REALTIME) {
        int64_t ms = control->clock_offset_ms + t->tv_nsec / 1000000;
        int64_t s = ms / 1000 - (ms % 1000 < 0);
        t->tv_sec += s;
        t->tv_nsec = (ms - s * 1000) * 1000000 + t->tv_nsec % 1000000;
    }
    return r;
}

time_t time(time_t *out)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    if (out)
        *out = t.tv_sec;
    return t.tv_sec;
}

int gettimeofday(struct timeval *out, void *zone)
{
    struct timespec t;
    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    *out = (struct timeval){t.tv_sec, t.tv_nsec / 1000};
    return 0;
}

/* ---- the disk ---- */

static int64_t size_of(int fd)
{
    struct stat s;
    return fstat(fd, &s) == 0 && S_ISREG(s.st_mode) ? s.st_size : -1;
}

/* Is a write up to `end` in order? errno says why not. */
static int permit(int fd, int64_t end)
{
    int64_t size = size_of(fd), growth = end - size;
    if (size < 0)
        return 1;
    if (control->disk_error) {
        errno = (int)control->disk_error;
        return 0;
    }
    if (growth <= 0 || !control->disk_limited)
        return 1;
    if (control->disk_room < growth) {
        errno = ENOSPC;
        return 0;
    }
    control->disk_room -= growth;
    return 1;
}

static void give_back(int64_t bytes)
{
    if (control->disk_limited && bytes > 0)
        control->disk_room += bytes;
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at)
{
    if (!permit(fd, at + (int64_t)n))
        return -1;
    return REAL(ssize_t, "pwrite", int, const void *, size_t, off_t)(fd, data, n, at);
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at)
{
    return pwrite(fd, data, n, at);
}

ssize_t write(int fd, const void *data, size_t n)
{
    if (size_of(fd) >= 0 && !permit(fd, lseek(fd, 0, SEEK_CUR) + (int64_t)n))
        return -1;
    return REAL(ssize_t, "write", int, const void *, size_t)(fd, data, n);
}

int posix_fallocate(int fd, off_t at, off_t n)
{
    if (!permit(fd, at + n))
        return errno;
    return REAL(int, "posix_fallocate", int, off_t, off_t)(fd, at, n);
}

int posix_fallocate64(int fd, off64_t at, off64_t n)
{
    return posix_fallocate(fd, at, n);
}

int ftruncate(int fd, off_t n)
{
    int64_t before = size_of(fd);
    if (!permit(fd, n))
        return -1;
    give_back(before - n);
    return REAL(int, "ftruncate", int, off_t)(fd, n);
}

int ftruncate64(int fd, off64_t n)
{
    return ftruncate(fd, n);
}

int fsync(int fd)
{
    return permit(fd, 0) ? REAL(int, "fsync", int)(fd) : -1;
}

int fdatasync(int fd)
{
    return permit(fd, 0) ? REAL(int, "fdatasync", int)(fd) : -1;
}

int unlink(const char *path)
{
    struct stat s;
    int64_t size = stat(path, &s) == 0 && S_ISREG(s.st_mode) ? s.st_size : 0;
    int r = REAL(int, "unlink", const char *)(path);
    if (r == 0)
        give_back(size);
    return r;
}
