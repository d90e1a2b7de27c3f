/*
 * A store that fails on demand, around a real one (f2m_store_open_memory() mostly). It behaves as the port and
 * store/sqlite.h promise: an injected error changes nothing, poisons the transaction where the call would have changed
 * something, and the commit that follows undoes everything since the last one and returns that error.
 */
#ifndef F2M_TESTS_SUPPORT_FAULT_STORE_H
#define F2M_TESTS_SUPPORT_FAULT_STORE_H

#include "port/store.h"

enum f2m_fault_call {
    F2M_FAULT_POINT_PUT,
    F2M_FAULT_POINTS_EACH,
    F2M_FAULT_POINTS_DELETE,
    F2M_FAULT_POINT_REJECT,
    F2M_FAULT_POINTS_RETRY,
    F2M_FAULT_POINTS_DROP,
    F2M_FAULT_OUTBOX_STATS,
    F2M_FAULT_OUTBOX_TRIM,
    F2M_FAULT_RECORD_PUT,
    F2M_FAULT_RECORD_GET,
    F2M_FAULT_RECORD_DELETE,
    F2M_FAULT_RECORDS_EACH,
    F2M_FAULT_RECORDS_TRIM,
    F2M_FAULT_COMMIT,
    F2M_FAULT_CALLS,
    F2M_FAULT_ANY = F2M_FAULT_CALLS,
};

/* Takes the inner store, which must be an f2m_store of store/sqlite.h; f2m_store_free() frees both. */
struct f2m_store *f2m_fault_store_new(struct f2m_store *inner);

/* The n-th call from now on (1 = the next) of that kind, F2M_FAULT_ANY of every kind, answers `error` (-EIO, -ENOSPC);
 * with `lasting` so do all of that kind after it. One plan at a time: a new one replaces the old. */
void f2m_fault_store_fail(struct f2m_store *, enum f2m_fault_call, int64_t nth, int error, bool lasting);
void f2m_fault_store_heal(struct f2m_store *);
/* While true: point_put answers -ENOSPC and poisons nothing, as a store does that knows its disk to be full. */
void f2m_fault_store_disk_full(struct f2m_store *, bool full);
/* Calls so far of that kind (F2M_FAULT_ANY: all): run a scenario once without faults to learn its n. */
int64_t f2m_fault_store_calls(const struct f2m_store *, enum f2m_fault_call);
/* A crash: what was not committed is gone; the plan and the counts go on. */
void f2m_fault_store_crash(struct f2m_store *);

#endif
