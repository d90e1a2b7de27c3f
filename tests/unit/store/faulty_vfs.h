/*
 * A file layer under SQLite that fails on demand: a disk of limited size (what the database's folder holds, the reserve
 * included), and an I/O error at the n-th call. Used by its name, "faulty".
 */
#ifndef F2M_TESTS_STORE_FAULTY_VFS_H
#define F2M_TESTS_STORE_FAULTY_VFS_H

#include <stdbool.h>
#include <stdint.h>

#define FAULTY_VFS "faulty"

void faulty_vfs_register(void);
/* Bytes that fit into the folder; a write beyond gives ENOSPC. INT64_MAX = no limit. */
void faulty_vfs_disk(const char *folder, int64_t bytes);
bool faulty_vfs_disk_has_room(int64_t more);
/* The n-th call (1 = the next) of write, sync, truncate or read fails, with `lasting` all after it too. 0 = none. */
void faulty_vfs_fail(int64_t nth, bool lasting);
int64_t faulty_vfs_calls(void); /* so far */

#endif
