/* Reading whole files, bounded. */
#ifndef F2M_CONFIG_FILE_H
#define F2M_CONFIG_FILE_H

#include "config/arena.h"
#include "util/err.h"
#include "util/slice.h"

#include <sys/types.h>

/* Into the arena, terminated. 0, or -errno with "cannot read: No such file or directory". Never blocks: only regular
 * files are read. *mode gets the permission bits; may be NULL. */
int f2m_file_read(struct f2m_arena *, const char *path, size_t max, struct f2m_slice *out, mode_t *mode,
                  struct f2m_err *err) __attribute__((warn_unused_result));

#endif
