#include "store/internal.h"

#include <errno.h>

/* Device ids (and the keys of META) as small numbers, so that they fit into the id of a row. A number is never given
 * to another name. */
int64_t f2m_store_name(struct sqlite_store *s, enum f2m_collection c, const char *key, bool add)
{
    sqlite3_stmt *st = f2m_store_statement(s, ST_NAME_FIND);
    sqlite3_bind_int(st, 1, (int)c);
    sqlite3_bind_text(st, 2, key, -1, SQLITE_STATIC);
    int64_t no = 0;
    int found = f2m_store_one(s, st, &no);
    if (found)
        return found < 0 ? found : no;
    if (!add)
        return 0;
    st = f2m_store_statement(s, ST_NAME_ADD);
    sqlite3_bind_int(st, 1, (int)c);
    sqlite3_bind_text(st, 2, key, -1, SQLITE_STATIC);
    int err = f2m_store_run(s, st);
    if (err)
        return err;
    no = sqlite3_last_insert_rowid(s->db);
    if (no > F2M_STORE_MAX_NAMES)
        return f2m_store_fail(s, SQLITE_RANGE);
    return no;
}
