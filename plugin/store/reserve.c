/* The reserve: a file of real blocks that is given up when the disk is full. Without it a full disk would be a trap,
 * since even a DELETE needs room in the write-ahead log. */
#include "store/internal.h"
#include "util/limits.h"
#include "util/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void f2m_store_reserve_release(struct sqlite_store *s)
{
    s->disk_full = true;
    if (!s->path)
        return;
    f2m_autostrbuf file;
    f2m_strbuf_init(&file, 0);
    f2m_strbuf_addf(&file, "%s.reserve", s->path);
    unlink(file.data); /* given up before, or never made: nothing more to give */
}

int f2m_store_reserve_make(const char *path)
{
    f2m_autostrbuf file;
    f2m_strbuf_init(&file, 0);
    f2m_strbuf_addf(&file, "%s.reserve", path);
    int fd = open(file.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return -errno;
    /* Where it is there in full, nothing is allocated and nothing written. */
    int err = -posix_fallocate(fd, 0, F2M_STORE_RESERVE_BYTES);
    close(fd);
    if (err)
        unlink(file.data);
    return err;
}

int f2m_store_maintain(struct f2m_store *base)
{
    struct sqlite_store *s = sqlite_store(base);
    if (s->damaged)
        return -EIO;
    if (!s->disk_full)
        return 0;
    int err = s->path ? f2m_store_reserve_make(s->path) : 0;
    if (err)
        return err == -ENOSPC || err == -EDQUOT || err == -EFBIG ? -ENOSPC : -EIO;
    s->disk_full = false;
    return 0;
}
