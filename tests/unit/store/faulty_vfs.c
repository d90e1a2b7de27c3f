#include "faulty_vfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct faulty_file {
    sqlite3_file base; /* first member */
    sqlite3_file *real;
};

static sqlite3_vfs *below;
static char disk_folder[PATH_MAX];
static int64_t disk_bytes = INT64_MAX;
static int64_t calls, fail_at;
static bool fail_lasting;

static sqlite3_file *real(sqlite3_file *f)
{
    return ((struct faulty_file *)f)->real;
}

static bool fails(void)
{
    calls++;
    return fail_at && (calls == fail_at || (fail_lasting && calls > fail_at));
}

bool faulty_vfs_disk_has_room(int64_t more)
{
    if (disk_bytes == INT64_MAX)
        return true;
    int64_t used = 0;
    DIR *d = opendir(disk_folder);
    if (!d)
        return true;
    for (struct dirent *e; (e = readdir(d));) {
        struct stat st;
        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            used += st.st_size;
    }
    closedir(d);
    return used + more <= disk_bytes;
}

static int file_close(sqlite3_file *f)
{
    return real(f)->pMethods->xClose(real(f));
}

static int file_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return fails() ? SQLITE_IOERR_READ : real(f)->pMethods->xRead(real(f), p, n, at);
}

static int file_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    if (fails())
        return SQLITE_IOERR_WRITE;
    sqlite3_int64 size = 0;
    real(f)->pMethods->xFileSize(real(f), &size);
    if (at + n > size && !faulty_vfs_disk_has_room(at + n - size))
        return SQLITE_FULL;
    return real(f)->pMethods->xWrite(real(f), p, n, at);
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return fails() ? SQLITE_IOERR_TRUNCATE : real(f)->pMethods->xTruncate(real(f), size);
}

static int file_sync(sqlite3_file *f, int flags)
{
    return fails() ? SQLITE_IOERR_FSYNC : real(f)->pMethods->xSync(real(f), flags);
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return real(f)->pMethods->xFileSize(real(f), size);
}

static int file_lock(sqlite3_file *f, int lock)
{
    return real(f)->pMethods->xLock(real(f), lock);
}

static int file_unlock(sqlite3_file *f, int lock)
{
    return real(f)->pMethods->xUnlock(real(f), lock);
}

static int file_reserved(sqlite3_file *f, int *out)
{
    return real(f)->pMethods->xCheckReservedLock(real(f), out);
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
    return real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int file_sector(sqlite3_file *f)
{
    return real(f)->pMethods->xSectorSize(real(f));
}

static int file_device(sqlite3_file *f)
{
    return real(f)->pMethods->xDeviceCharacteristics(real(f));
}

/* Version 1: without shared memory, so that the log works in exclusive mode alone, as the store uses it. */
static const sqlite3_io_methods methods = {
    1,         file_close,  file_read,     file_write,   file_truncate, file_sync,   file_size,
    file_lock, file_unlock, file_reserved, file_control, file_sector,   file_device, NULL,
    NULL,      NULL,        NULL,          NULL,         NULL,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
    (void)vfs;
    struct faulty_file *file = (struct faulty_file *)f;
    file->real = (sqlite3_file *)(file + 1);
    int rc = below->xOpen(below, name, file->real, flags, out);
    file->base.pMethods = file->real->pMethods ? &methods : NULL;
    return rc;
}

void faulty_vfs_register(void)
{
    static sqlite3_vfs vfs;
    below = sqlite3_vfs_find(NULL);
    vfs = *below;
    vfs.szOsFile = (int)sizeof(struct faulty_file) + below->szOsFile;
    vfs.zName = FAULTY_VFS;
    vfs.pNext = NULL;
    vfs.xOpen = vfs_open;
    sqlite3_vfs_register(&vfs, 0);
}

void faulty_vfs_disk(const char *folder, int64_t bytes)
{
    snprintf(disk_folder, sizeof(disk_folder), "%s", folder);
    disk_bytes = bytes;
}

void faulty_vfs_fail(int64_t nth, bool lasting)
{
    fail_at = nth ? calls + nth : 0;
    fail_lasting = lasting;
}

int64_t faulty_vfs_calls(void)
{
    return calls;
}
