/* On a full disk points are refused, deletes work, and all recovers by itself; an I/O error never loses what was
 * committed nor keeps half of what was not. */
#include "faulty_vfs.h"
#include "fixture.h"
#include "util/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[4300];

/* Linked in place of the system's (CMakeLists.txt): the reserve, too, needs room on the disk of the faulty layer. */
int __real_posix_fallocate(int fd, off_t at, off_t len);
int __wrap_posix_fallocate(int fd, off_t at, off_t len);
int __wrap_posix_fallocate(int fd, off_t at, off_t len)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && st.st_size < at + len && !faulty_vfs_disk_has_room(at + len - st.st_size))
        return ENOSPC;
    return __real_posix_fallocate(fd, at, len);
}

static void setup(void)
{
    fixture_setup();
    faulty_vfs_register();
    snprintf(folder, sizeof(folder), "%s", fixture_path);
    *strrchr(folder, '/') = '\0';
}

static int open_faulty(struct f2m_store **s, struct f2m_store_report *report, struct f2m_err *err)
{
    struct f2m_store_options o = {.path = fixture_path, .create = true, .vfs = FAULTY_VFS, .wall_ms = 1700000000000};
    return f2m_store_open(&o, s, report, err);
}

static struct f2m_store *must_open(struct f2m_store_report *report)
{
    struct f2m_err err = {""};
    struct f2m_store *s = NULL;
    int rc = open_faulty(&s, report, &err);
    ck_assert_msg(rc == 0, "%d %s", rc, err.text);
    return s;
}

static struct f2m_outbox_stats stats(struct f2m_store *s)
{
    struct f2m_outbox_stats out;
    ck_assert_int_eq(f2m_store_outbox_stats(s, &out), 0);
    return out;
}

static bool has_reserve(void)
{
    return access(fixture_file(".reserve"), F_OK) == 0;
}

/* Puts and commits until the disk is full; the number of points that were committed. */
static int64_t fill_disk(struct f2m_store *s, int64_t from)
{
    for (int64_t n = from;; n++) {
        int rc = fixture_put(s, "A", n * 300000, NULL);
        int commit = f2m_store_commit(s);
        ck_assert(rc == 0 || rc == -ENOSPC);
        ck_assert(commit == 0 || commit == -ENOSPC);
        if (rc || commit)
            return n;
        ck_assert_int_lt(n, 100000);
    }
}

static bool take_id(void *ctx, const struct f2m_point *p)
{
    int64_t **at = ctx;
    *(*at)++ = p->id;
    return true;
}

START_TEST(a_full_disk_refuses_points_lets_deletes_work_and_recovers)
{
    static int64_t ids[100000];
    struct f2m_store_report report;
    struct f2m_store *s = must_open(&report);
    ck_assert(!report.reserve_missing && has_reserve());
    fixture_record(s, F2M_STORE_DEVICE, "A", "old", 1);
    faulty_vfs_disk(folder, F2M_STORE_RESERVE_BYTES + 200000);
    int64_t n = fill_disk(s, 0);
    ck_assert_int_gt(n, 30);
    ck_assert_int_eq(stats(s).pending, n);
    ck_assert(!has_reserve()); /* given up */
    ck_assert_int_eq(fixture_put(s, "A", n * 300000, NULL), -ENOSPC);
    ck_assert_int_eq(f2m_store_maintain(s), -ENOSPC);              /* there is room for the reserve alone */
    faulty_vfs_disk(folder, F2M_STORE_RESERVE_BYTES / 2 + 200000); /* others have taken half of what it gave */
    ck_assert_int_eq(f2m_store_maintain(s), -ENOSPC);
    ck_assert(!has_reserve());

    /* Uploads go on: what was uploaded goes, in steps, with records beside it. */
    int64_t *end = ids;
    struct f2m_point_query q = {.endpoint = F2M_TELEMETRY_OFF};
    ck_assert_int_eq(f2m_store_points_each(s, &q, take_id, &end), 0);
    ck_assert_int_eq(end - ids, n);
    for (int64_t i = 0; i < n - 5; i++) {
        ck_assert_int_eq(f2m_store_points_delete(s, &ids[i], 1), 0);
        ck_assert_int_eq(fixture_put(s, "B", n * 300000, NULL), -ENOSPC); /* refused, and nothing else is */
        fixture_record(s, F2M_STORE_DEVICE, "A", "new", i);
        ck_assert_int_eq(f2m_store_commit(s), 0);
    }
    ck_assert_int_eq(stats(s).pending, 5);

    faulty_vfs_disk(folder, INT64_MAX); /* room again */
    ck_assert_int_eq(f2m_store_maintain(s), 0);
    ck_assert(has_reserve());
    ck_assert_int_eq(fixture_put(s, "B", n * 300000, NULL), 0);
    fixture_commit(s);
    ck_assert_int_eq(stats(s).pending, 6);
    f2m_store_free(s);
    s = fixture_open(); /* sound */
    ck_assert_int_eq(stats(s).pending, 6);
    f2m_store_free(s);
}
END_TEST

START_TEST(an_emptied_outbox_gives_room_back)
{
    static int64_t ids[100000];
    struct f2m_store *s = must_open(NULL);
    faulty_vfs_disk(folder, F2M_STORE_RESERVE_BYTES + (5 << 20)); /* and it stays so */
    int64_t n = fill_disk(s, 0), *end = ids;
    struct f2m_point_query q = {.endpoint = F2M_TELEMETRY_OFF};
    ck_assert_int_eq(f2m_store_maintain(s), -ENOSPC);
    ck_assert_int_eq(f2m_store_points_each(s, &q, take_id, &end), 0);
    for (int64_t i = 0; i < n - 3; i += 1000) { /* request by request */
        ck_assert_int_eq(f2m_store_points_delete(s, ids + i, (size_t)(n - 3 - i < 1000 ? n - 3 - i : 1000)), 0);
        fixture_commit(s);
    }
    ck_assert_int_eq(f2m_store_maintain(s), 0);
    ck_assert(has_reserve());
    ck_assert_int_eq(fixture_put(s, "B", n * 300000, NULL), 0);
    fixture_commit(s);
    ck_assert_int_eq(stats(s).pending, 4);
    struct stat st;
    f2m_store_free(s);
    ck_assert_int_eq(stat(fixture_path, &st), 0);
    ck_assert_int_lt(st.st_size, 100000);
    s = fixture_open();
    ck_assert_int_eq(stats(s).pending, 4);
    f2m_store_free(s);
}
END_TEST

START_TEST(a_turn_that_does_not_fit_is_undone_whole)
{
    struct f2m_store *s = must_open(NULL);
    int64_t n = 0;
    fixture_record(s, F2M_STORE_DEVICE, "A", "old", 1);
    fixture_commit(s);
    faulty_vfs_disk(folder, F2M_STORE_RESERVE_BYTES + 100000);
    for (; n < 5000; n++) /* one large turn */
        if (fixture_put(s, "A", n * 300000, NULL))
            break;
    f2m_store_record_put(s, F2M_STORE_DEVICE, "A", f2m_slice_of("new"), 2); /* poisoned or not, the commit decides */
    ck_assert_int_eq(f2m_store_commit(s), -ENOSPC);
    ck_assert_str_eq(fixture_waiting(s), "");
    ck_assert_str_eq(fixture_records(s, F2M_STORE_DEVICE), "A=old");
    ck_assert_int_eq(stats(s).pending, 0);
    faulty_vfs_disk(folder, INT64_MAX);
    f2m_store_free(s);
    s = fixture_open();
    ck_assert_str_eq(fixture_records(s, F2M_STORE_DEVICE), "A=old");
    f2m_store_free(s);
}
END_TEST

START_TEST(a_store_opens_on_a_full_disk_and_says_so)
{
    struct f2m_store_report report;
    struct f2m_store *s = must_open(&report);
    ck_assert_int_eq(fixture_put(s, "A", 300000, NULL), 0);
    fixture_commit(s);
    f2m_store_free(s);
    ck_assert_int_eq(unlink(fixture_file(".reserve")), 0);
    faulty_vfs_disk(folder, 100000);
    s = must_open(&report);
    ck_assert(report.reserve_missing);
    ck_assert_str_eq(fixture_waiting(s), "A@300");
    ck_assert_int_eq(fixture_put(s, "A", 600000, NULL), -ENOSPC);
    int64_t n;
    ck_assert_int_eq(f2m_store_outbox_trim(s, INT64_MAX, INT64_MAX, &n), 0);
    fixture_commit(s);
    ck_assert_str_eq(fixture_waiting(s), "");
    faulty_vfs_disk(folder, INT64_MAX);
    ck_assert_int_eq(f2m_store_maintain(s), 0);
    ck_assert_int_eq(fixture_put(s, "A", 600000, NULL), 0);
    f2m_store_free(s);
}
END_TEST

START_TEST(a_first_start_on_a_full_disk_fails_with_a_reason)
{
    struct f2m_err err = {""};
    struct f2m_store *s = NULL;
    f2m_store_free(fixture_open()); /* the folder */
    ck_assert_int_eq(unlink(fixture_path), 0);
    faulty_vfs_disk(folder, 1000);
    ck_assert_int_eq(open_faulty(&s, NULL, &err), -ENOSPC);
    ck_assert_ptr_nonnull(strstr(err.text, "database or disk is full"));
    ck_assert_int_ne(access(fixture_path, F_OK), 0);
    faulty_vfs_disk(folder, INT64_MAX);
    f2m_store_free(must_open(NULL));
}
END_TEST

/* Two committed turns and one in the middle; *committed counts what the store acknowledged. false: a commit failed. */
static bool scenario(struct f2m_store *s, int *committed)
{
    for (int turn = 0; turn < 3; turn++) {
        int64_t start = (int64_t)(turn + 1) * 300000, n;
        char text[8];
        snprintf(text, sizeof(text), "%d", turn + 1);
        int rc = fixture_put(s, "A", start, NULL);
        int64_t id = 0;
        if (!rc)
            rc = fixture_put(s, "B", start, &id);
        if (!rc)
            rc = f2m_store_point_reject(s, id, "no");
        if (!rc && turn == 1)
            rc = f2m_store_points_retry(s, "B", &n);
        if (!rc)
            rc = f2m_store_record_put(s, F2M_STORE_DEVICE, "A", f2m_slice_of(text), turn);
        if (!rc)
            rc = f2m_store_record_put(s, F2M_STORE_OBJECT, "o", f2m_slice_of(text), turn);
        int commit = f2m_store_commit(s);
        ck_assert_msg(!rc || commit, "a turn with a failed change was committed");
        if (commit) {
            ck_assert(commit == -EIO || commit == -ENOSPC);
            return false;
        }
        *committed = turn + 1;
    }
    return true;
}

/* Exactly the work of that many turns? */
static bool holds(struct f2m_store *s, int turns)
{
    static const char *const waiting[] = {"", "A@300", "A@300 B@300 A@600 B@600", "A@300 B@300 A@600 B@600 A@900"};
    static const char *const rejected[] = {"", "B@300:no", "", "B@900:no"};
    static const char *const records[] = {"", "A=1", "A=2", "A=3"};
    return strcmp(fixture_waiting(s), waiting[turns]) == 0 && strcmp(fixture_rejected(s), rejected[turns]) == 0 &&
           strcmp(fixture_records(s, F2M_STORE_DEVICE), records[turns]) == 0 &&
           stats(s).rejected == (turns % 2 ? 1 : 0);
}

/* What fails: a call of the file layer or an allocation of SQLite's, the n-th from now (0 = none), or all from it on.
 */
struct fault {
    const char *name;
    void (*plan)(int64_t nth, bool lasting);
    int64_t (*calls)(void);
    bool lasting;
    int64_t sparse; /* of the later calls only each n/sparse-th is tried; 0 = all */
};

/* One run with the n-th call failing: open, work, close, then look with everything sound. false: n is beyond the end.
 */
static bool run(const struct fault *f, int64_t n)
{
    struct f2m_store *s = NULL;
    struct f2m_store_report report;
    struct f2m_err err = {""};
    int committed = 0;
    fixture_setup();
    int64_t before = f->calls();
    f->plan(n, f->lasting);
    int rc = open_faulty(&s, &report, &err);
    ck_assert(rc == 0 || rc == -EIO || rc == -ENOSPC);
    ck_assert_msg(rc == 0 || err.text[0], "an error without a reason");
    if (!rc) {
        bool good = scenario(s, &committed);
        f->plan(0, false);
        if (!good && !f2m_store_maintain(s))
            ck_assert_msg(holds(s, committed), "call %" PRId64 ": not what was committed (%d)", n, committed);
        f2m_store_free(s);
    }
    bool reached = f->calls() - before >= n;
    f->plan(0, false);
    s = must_open(&report);
    ck_assert_msg(!report.set_aside[0], "call %" PRId64 ": %s", n, report.damage);
    /* A commit whose sync failed may be there after all: then it is there whole. */
    ck_assert_msg(holds(s, committed) || (committed < 3 && holds(s, committed + 1)), "call %" PRId64, n);
    f2m_store_free(s);
    fixture_teardown();
    return reached;
}

static sqlite3_mem_methods memory;
static int64_t allocations, allocation_fails;
static bool allocation_lasting;

static bool allocation_due(void)
{
    allocations++;
    return allocation_fails &&
           (allocations == allocation_fails || (allocation_lasting && allocations > allocation_fails));
}

static void *allocate(int size)
{
    return allocation_due() ? NULL : memory.xMalloc(size);
}

static void *reallocate(void *p, int size)
{
    return allocation_due() ? NULL : memory.xRealloc(p, size);
}

static void fail_allocation(int64_t nth, bool lasting)
{
    allocation_fails = nth ? allocations + nth : 0;
    allocation_lasting = lasting;
}

static int64_t count_allocations(void)
{
    return allocations;
}

static const struct fault faults[] = {
    {"single i/o", faulty_vfs_fail, faulty_vfs_calls, false, 0},
    {"lasting i/o", faulty_vfs_fail, faulty_vfs_calls, true, 0},
    {"single allocation", fail_allocation, count_allocations, false, 40},
    {"lasting allocation", fail_allocation, count_allocations, true, 40},
};

START_TEST(a_failure_at_any_call_leaves_what_was_committed)
{
    const struct fault *f = &faults[_i];
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory);
    sqlite3_mem_methods failing = memory;
    failing.xMalloc = allocate;
    failing.xRealloc = reallocate;
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK);
    faulty_vfs_register();
    int64_t n = 1, runs = 0;
    for (; run(f, n); runs++)
        n += 1 + (f->sparse ? n / f->sparse : 0);
    printf("%s errors: %" PRId64 " runs, %" PRId64 " calls\n", f->name, runs, n);
    ck_assert_int_gt(runs, 50);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store faults");
    TCase *full = tcase_create("disk full");
    tcase_add_checked_fixture(full, setup, fixture_teardown);
    tcase_set_timeout(full, 60);
    tcase_add_test(full, a_full_disk_refuses_points_lets_deletes_work_and_recovers);
    tcase_add_test(full, an_emptied_outbox_gives_room_back);
    tcase_add_test(full, a_turn_that_does_not_fit_is_undone_whole);
    tcase_add_test(full, a_store_opens_on_a_full_disk_and_says_so);
    tcase_add_test(full, a_first_start_on_a_full_disk_fails_with_a_reason);
    suite_add_tcase(suite, full);
    TCase *io = tcase_create("failures");
    tcase_set_timeout(io, 100);
    tcase_add_loop_test(io, a_failure_at_any_call_leaves_what_was_committed, 0, sizeof(faults) / sizeof(faults[0]));
    suite_add_tcase(suite, io);
    return fixture_main(suite);
}
