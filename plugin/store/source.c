#include "store/internal.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COPY_BYTES 65536

/* The first page holds the header and the list of tables. Ours is the same in every database of a version, but for
 * these, all big-endian (SQLite: Database File Format, 1.3). */
enum {
    CHANGE_COUNTER = 24,
    PAGE_COUNT = 28,
    FREELIST = 32,
    FREELIST_COUNT = 36,
    VALID_FOR = 92, /* the change counter for which the page count holds */
};

static void put_be32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (24 - 8 * i));
}

static int copy(const char *path, const char *suffix, const char *to_suffix)
{
    char from[F2M_STORE_NAME_MAX], to[F2M_STORE_NAME_MAX], buf[COPY_BYTES];
    snprintf(from, sizeof(from), "%s%s", path, suffix);
    snprintf(to, sizeof(to), "%s%s", path, to_suffix);
    f2m_autofclose FILE *in = fopen(from, "rbe");
    f2m_autofclose FILE *out = in ? fopen(to, "wbe") : NULL;
    if (!in || !out)
        return -errno;
    size_t n;
    while ((n = fread(buf, 1, sizeof(buf), in)) > 0)
        if (fwrite(buf, 1, n, out) != n)
            return -EIO;
    return ferror(in) || fflush(out) ? -EIO : 0;
}

/* Writes the first page of the fresh database over the copy's. */
static int replace_first_page(const char *path)
{
    unsigned char page[F2M_STORE_PAGE_SIZE];
    int64_t size = 0;
    char name[F2M_STORE_NAME_MAX];
    snprintf(name, sizeof(name), "%s.salvaged", path);
    f2m_autofclose FILE *fresh = fopen(name, "rbe");
    if (!fresh || fread(page, 1, sizeof(page), fresh) != sizeof(page) || !f2m_store_file_exists(path, ".source", &size))
        return -EIO;
    put_be32(page + PAGE_COUNT, (uint32_t)(size / F2M_STORE_PAGE_SIZE));
    put_be32(page + FREELIST, 0);
    put_be32(page + FREELIST_COUNT, 0);
    memcpy(page + VALID_FOR, page + CHANGE_COUNTER, 4);
    snprintf(name, sizeof(name), "%s.source", path);
    f2m_autofclose FILE *out = fopen(name, "r+be");
    if (!out || fwrite(page, 1, sizeof(page), out) != sizeof(page))
        return -EIO;
    return fflush(out) ? -EIO : 0;
}

static int usable(sqlite3 *db)
{
    static const char probe[] = "SELECT (SELECT count(*) FROM sqlite_schema), (SELECT max(id) FROM rejected),"
                                " (SELECT max(no) FROM name), (SELECT max(id) FROM point WHERE id = 0)";
    return sqlite3_exec(db, probe, NULL, NULL, NULL);
}

int f2m_store_source_open(const struct f2m_store_options *o, bool with_log, bool has_log, sqlite3 **db)
{
    char name[F2M_STORE_NAME_MAX];
    *db = NULL;
    if (with_log == has_log) {
        int rc = f2m_store_connect(o->path, o->vfs, db);
        if (rc == SQLITE_OK)
            rc = usable(*db);
        if (rc == SQLITE_OK)
            return rc;
        sqlite3_close(*db);
        *db = NULL;
    }
    f2m_store_file_remove(o->path, ".source-wal");
    int err = copy(o->path, "", ".source");
    if (!err)
        err = replace_first_page(o->path);
    if (!err && with_log)
        err = copy(o->path, "-wal", ".source-wal");
    if (err && err != -ENOENT)
        return SQLITE_CANTOPEN;
    snprintf(name, sizeof(name), "%s.source", o->path);
    return f2m_store_connect(name, o->vfs, db);
}
