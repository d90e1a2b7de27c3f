/* The folder, and the lock that makes one process the owner of a store (Interface, clarification 43). */
#include "store/internal.h"
#include "util/cleanup.h"
#include "util/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int f2m_store_make_folder(const char *path, struct f2m_err *err)
{
    f2m_autofree char *folder = f2m_xstrdup(path);
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, 0750) < 0 && errno != EEXIST) {
            int e = errno;
            f2m_err_set(err, "cannot create the folder %s: %s", folder, strerror(e));
            return -e;
        }
        *slash = '/';
    }
    return 0;
}

int f2m_store_own(const char *path, struct f2m_err *err)
{
    f2m_autostrbuf file;
    f2m_strbuf_init(&file, 0);
    f2m_strbuf_addf(&file, "%s.lock", path);
    int fd = open(file.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0) {
        int e = errno;
        f2m_err_set(err, "cannot open %s: %s", file.data, strerror(e));
        return -e;
    }
    /* Ends with the process, kill -9 included. The file stays: removing it would let two processes each lock one. */
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int e = errno;
    close(fd);
    if (e == EWOULDBLOCK) {
        f2m_err_set(err, "%s belongs to another running process (it holds %s)", path, file.data);
        return -EBUSY;
    }
    f2m_err_set(err, "cannot lock %s: %s", file.data, strerror(e));
    return -e;
}
