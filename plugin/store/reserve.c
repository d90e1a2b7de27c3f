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

int f2m_store_reserve_make(const char *path, bool with_room)
{
    f2m_autostrbuf file;
    f2m_strbuf_init(&file, 0);
    f2m_strbuf_addf(&file, "%s.reserve", path);
    int fd = open(file.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return -errno;
    /* Where it is there in full, nothing is allocated and nothing written. */
    int err = -posix_fallocate(fd, 0, F2M_STORE_RESERVE_BYTES * (with_room ? 2 : 1));
    if (!err && with_room && ftruncate(fd, F2M_STORE_RESERVE_BYTES) < 0)
        err = -errno;
    close(fd);
    if (err)
        unlink(file.data);
    return err;
}

/* Neither the file nor its log shrinks by itself. Where deletes have emptied most of it, what they give back may be all
 * that the disk lacks. Failing is no harm: the next minute tries again. */
static void shrink(struct sqlite_store *s)
{
    int64_t pages = 0, unused = 0, log = 0;
    if (s->open_transaction || f2m_store_pragma(s->db, "page_count", &pages) != SQLITE_OK ||
        f2m_store_pragma(s->db, "freelist_count", &unused) != SQLITE_OK)
        return;
    f2m_store_file_exists(s->path, "-wal", &log);
    if (unused * F2M_STORE_PAGE_SIZE + log < F2M_STORE_RESERVE_BYTES ||
        (pages - unused) * F2M_STORE_PAGE_SIZE > F2M_STORE_RESERVE_BYTES)
        return;
    if (sqlite3_exec(s->db, "VACUUM", NULL, NULL, NULL) == SQLITE_OK)
        sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

int f2m_store_maintain(struct f2m_store *base)
{
    struct sqlite_store *s = sqlite_store(base);
    if (s->damaged)
        return -EIO;
    if (!s->disk_full)
        return 0;
    if (s->path)
        shrink(s);
    /* What was given up a minute ago may be all that is free: without room beside it nothing has changed. */
    int err = s->path ? f2m_store_reserve_make(s->path, true) : 0;
    if (err)
        return err == -ENOSPC || err == -EDQUOT || err == -EFBIG ? -ENOSPC : -EIO;
    s->disk_full = false;
    return 0;
}
