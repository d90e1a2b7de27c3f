#include "store/internal.h"
#include "util/cleanup.h"
#include "util/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool f2m_store_file_exists(const char *path, const char *suffix, int64_t *size)
{
    char name[F2M_STORE_NAME_MAX];
    snprintf(name, sizeof(name), "%s%s", path, suffix);
    struct stat st;
    if (stat(name, &st) < 0)
        return false;
    if (size)
        *size = st.st_size;
    return true;
}

void f2m_store_file_remove(const char *path, const char *suffix)
{
    char name[F2M_STORE_NAME_MAX];
    snprintf(name, sizeof(name), "%s%s", path, suffix);
    unlink(name); /* mostly it is not there; where it cannot be removed, whoever makes it anew hears of it */
}

int f2m_store_file_rename(const char *path, const char *suffix, const char *to, const char *to_suffix)
{
    char from[F2M_STORE_NAME_MAX];
    char name[F2M_STORE_NAME_MAX];
    snprintf(from, sizeof(from), "%s%s", path, suffix);
    snprintf(name, sizeof(name), "%s%s", to, to_suffix);
    return rename(from, name) < 0 ? -errno : 0;
}

int f2m_store_folder_sync(const char *path)
{
    f2m_autofree char *copy = f2m_xstrdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int err = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return err;
}

static int fill(const char *name, const char *vfs)
{
    sqlite3 *db = NULL;
    char pragmas[160];
    int64_t value;
    snprintf(pragmas, sizeof(pragmas),
             "PRAGMA page_size=%d; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA application_id=%d;",
             F2M_STORE_PAGE_SIZE, F2M_STORE_APPLICATION_ID);
    int rc = f2m_store_connect(name, vfs, &db);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, pragmas, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = f2m_store_migrate(db, 0, F2M_STORE_SCHEMA);
    if (rc == SQLITE_OK)
        rc = f2m_store_pragma(db, "wal_checkpoint(TRUNCATE)", &value); /* syncs the database */
    if (rc == SQLITE_OK)
        sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    sqlite3_close(db);
    return rc;
}

int f2m_store_file_create(const char *path, const char *suffix, const char *vfs, struct f2m_err *err)
{
    char name[F2M_STORE_NAME_MAX];
    snprintf(name, sizeof(name), "%s%s", path, suffix);
    f2m_store_file_remove(name, "");
    f2m_store_file_remove(name, "-wal");
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640); /* SQLite would choose 0644 */
    if (fd < 0) {
        int e = errno;
        f2m_err_set(err, "cannot create %s: %s", name, strerror(e));
        return -e;
    }
    close(fd);
    int rc = fill(name, vfs);
    if (rc == SQLITE_OK)
        return 0;
    f2m_err_set(err, "cannot create %s: %s", name, sqlite3_errstr(rc));
    f2m_store_file_remove(name, "");
    f2m_store_file_remove(name, "-wal");
    return (rc & 0xff) == SQLITE_FULL ? -ENOSPC : -EIO;
}
