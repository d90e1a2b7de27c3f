#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static const char *kind_of(mode_t mode)
{
    if (S_ISDIR(mode))
        return "a folder";
    if (S_ISFIFO(mode))
        return "a pipe";
    if (S_ISSOCK(mode))
        return "a socket";
    return "a device";
}

static int check_kind(const struct stat *st, size_t max, struct f2m_err *err)
{
    if (!S_ISREG(st->st_mode)) {
        f2m_err_set(err, "expected a regular file, found %s", kind_of(st->st_mode));
        return -EINVAL;
    }
    if ((uintmax_t)st->st_size > max) {
        f2m_err_set(err, "expected at most %zu bytes, found %ju", max, (uintmax_t)st->st_size);
        return -EFBIG;
    }
    return 0;
}

int f2m_file_read(struct f2m_arena *arena, const char *path, size_t max, struct f2m_slice *out, mode_t *mode,
                  struct f2m_err *err)
{
    struct stat st;
    /* O_NONBLOCK: opening a pipe would wait for its writer before we could refuse it. */
    __attribute__((cleanup(close_fd))) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 || fstat(fd, &st) < 0) {
        int code = errno;
        f2m_err_set(err, "cannot read: %s", strerror(code));
        return -code;
    }
    int rc = check_kind(&st, max, err);
    if (rc < 0)
        return rc;
    /* /proc and the like tell a size of 0, and a file may grow meanwhile: read up to one byte beyond what is allowed
     * or known. */
    size_t size = st.st_size ? (size_t)st.st_size : 4096, len = 0;
    char *text = f2m_arena_alloc(arena, size + 1);
    while (len < size) {
        ssize_t n = read(fd, text + len, size - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            int code = errno;
            f2m_err_set(err, "cannot read: %s", strerror(code));
            return -code;
        }
        if (n == 0)
            break;
        len += (size_t)n;
    }
    *out = (struct f2m_slice){text, len};
    if (mode)
        *mode = st.st_mode;
    return 0;
}
