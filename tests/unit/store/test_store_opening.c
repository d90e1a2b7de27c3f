/* A store is made, owned by one process, closed cleanly, brought up to date, and refused when it is not ours. */
#include "fixture.h"
#include "util/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_with(struct f2m_store_options o, struct f2m_err *err)
{
    struct f2m_store *s = NULL;
    o.path = o.path ? o.path : fixture_path;
    int rc = f2m_store_open(&o, &s, NULL, err);
    ck_assert(!rc == !!s);
    f2m_store_free(s);
    return rc;
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    ck_assert_msg(stat(path, &st) == 0, "%s", path);
    return st.st_mode & 07777;
}

static bool is_there(const char *suffix)
{
    return access(fixture_file(suffix), F_OK) == 0;
}

START_TEST(a_new_store_has_its_folder_and_files)
{
    umask(0);
    struct f2m_store *s = fixture_open();
    ck_assert_uint_eq(mode_of(fixture_path), 0640);
    ck_assert_uint_eq(mode_of(fixture_file("-wal")), 0640);
    ck_assert_uint_eq(mode_of(fixture_file(".reserve")), 0640);
    char folder[4200];
    snprintf(folder, sizeof(folder), "%s", fixture_path);
    *strrchr(folder, '/') = '\0';
    ck_assert_uint_eq(mode_of(folder), 0750);
    struct stat st;
    ck_assert_int_eq(stat(fixture_file(".reserve"), &st), 0);
    ck_assert_int_ge(st.st_blocks * 512, F2M_STORE_RESERVE_BYTES);
    ck_assert(!is_there("-shm"));
    f2m_store_free(s);
}
END_TEST

START_TEST(a_clean_close_leaves_no_log_and_everything_is_there_again)
{
    int64_t id;
    struct f2m_store *s = fixture_open();
    ck_assert_int_eq(fixture_put(s, "A", 300000, NULL), 0);
    ck_assert_int_eq(fixture_put(s, "B", 300000, &id), 0);
    ck_assert_int_eq(f2m_store_point_reject(s, id, "no"), 0);
    fixture_record(s, F2M_STORE_META, "k", "v", 1);
    fixture_record(s, F2M_STORE_OBJECT, "o", "w", 1);
    fixture_commit(s);
    ck_assert_int_eq(fixture_put(s, "C", 300000, NULL), 0); /* not committed */
    f2m_store_free(s);
    ck_assert(!is_there("-wal"));
    struct f2m_store_report report;
    s = fixture_open_report(&report);
    ck_assert(!report.recovered);
    ck_assert_str_eq(fixture_waiting(s), "A@300");
    ck_assert_str_eq(fixture_rejected(s), "B@300:no");
    ck_assert_str_eq(fixture_records(s, F2M_STORE_META), "k=v");
    ck_assert_str_eq(fixture_records(s, F2M_STORE_OBJECT), "o=w");
    struct f2m_outbox_stats stats;
    ck_assert_int_eq(f2m_store_outbox_stats(s, &stats), 0);
    ck_assert_int_eq(stats.pending, 1);
    ck_assert_int_eq(stats.rejected, 1);
    f2m_store_free(s);
}
END_TEST

START_TEST(the_second_process_is_told_that_it_is_taken)
{
    struct f2m_err err = {""};
    struct f2m_store *s = fixture_open();
    pid_t child = fork();
    if (child == 0)
        _exit(open_with((struct f2m_store_options){.create = true}, &err) == -EBUSY &&
                      strstr(err.text, "belongs to another running process") && strstr(err.text, fixture_path)
                  ? 0
                  : 1);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    f2m_store_free(s);
    ck_assert_int_eq(open_with((struct f2m_store_options){.create = true}, &err), 0);
}
END_TEST

START_TEST(the_lock_dies_with_its_process_and_the_log_is_replayed)
{
    int pipes[2];
    ck_assert_int_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        struct f2m_store *s = fixture_open();
        fixture_put(s, "A", 300000, NULL);
        fixture_commit(s);
        ck_assert_int_eq(write(pipes[1], "x", 1), 1);
        for (;;)
            pause();
    }
    char c;
    struct f2m_err err = {""};
    ck_assert_int_eq(read(pipes[0], &c, 1), 1);
    ck_assert_int_eq(open_with((struct f2m_store_options){.create = true}, &err), -EBUSY);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    struct f2m_store_report report;
    struct f2m_store *s = fixture_open_report(&report);
    ck_assert(report.recovered);
    ck_assert_str_eq(report.set_aside, "");
    ck_assert_str_eq(fixture_waiting(s), "A@300");
    f2m_store_free(s);
}
END_TEST

START_TEST(without_create_nothing_is_made)
{
    struct f2m_err err = {""};
    f2m_store_free(fixture_open());
    ck_assert_int_eq(open_with((struct f2m_store_options){.create = false}, &err), 0);
    ck_assert_int_eq(unlink(fixture_path), 0);
    char lock[sizeof fixture_path + 8];
    snprintf(lock, sizeof lock, "%s.lock", fixture_path);
    ck_assert_int_eq(unlink(lock), 0);
    ck_assert_int_eq(open_with((struct f2m_store_options){.create = false}, &err), -ENOENT);
    ck_assert_ptr_nonnull(strstr(err.text, "there is none"));
    ck_assert(!is_there("") && !is_there(".lock"));
}
END_TEST

START_TEST(a_path_that_cannot_be_is_an_error_with_a_reason)
{
    struct f2m_err err = {""};
    char longer[F2M_STORE_PATH_MAX + 2];
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    ck_assert_int_eq(open_with((struct f2m_store_options){.path = longer, .create = true}, &err), -ENAMETOOLONG);
    ck_assert_int_eq(open_with((struct f2m_store_options){.path = "/dev/null/a/b.db", .create = true}, &err), -ENOTDIR);
    ck_assert_str_eq(err.text, "cannot create the folder /dev/null/a: Not a directory");
    f2m_store_free(fixture_open());
    ck_assert_int_eq(unlink(fixture_path), 0);
    ck_assert_int_eq(mkdir(fixture_path, 0750), 0);
    ck_assert_int_lt(open_with((struct f2m_store_options){.create = true}, &err), 0);
    ck_assert_ptr_nonnull(strstr(err.text, fixture_path));
    ck_assert_int_eq(rmdir(fixture_path), 0); /* still there, as it was */
}
END_TEST

START_TEST(a_log_without_its_database_is_not_replayed)
{
    struct f2m_store *s = fixture_open();
    ck_assert_int_eq(fixture_put(s, "A", 300000, NULL), 0);
    fixture_commit(s);
    size_t len;
    void *log = fixture_read(fixture_file("-wal"), &len);
    f2m_store_free(s);
    fixture_write(fixture_file("-wal"), log, len);
    free(log);
    ck_assert_int_eq(unlink(fixture_path), 0);
    s = fixture_open();
    ck_assert_str_eq(fixture_waiting(s), "");
    f2m_store_free(s);
}
END_TEST

static void refused_untouched(const char *reason)
{
    struct f2m_err err = {""};
    size_t before, after;
    void *a = fixture_read(fixture_path, &before);
    ck_assert_int_eq(open_with((struct f2m_store_options){.create = true}, &err), -EPROTO);
    ck_assert_msg(strstr(err.text, reason) != NULL, "%s", err.text);
    ck_assert_ptr_nonnull(strstr(err.text, fixture_path));
    void *b = fixture_read(fixture_path, &after);
    ck_assert_uint_eq(before, after);
    ck_assert_int_eq(memcmp(a, b, before), 0);
    free(a);
    free(b);
}

START_TEST(a_newer_schema_is_refused_and_the_file_untouched)
{
    struct f2m_store *s = fixture_open();
    fixture_put(s, "A", 300000, NULL);
    fixture_commit(s);
    f2m_store_free(s);
    fixture_sql(fixture_path, "PRAGMA user_version=3");
    refused_untouched("written by a newer version of this program (schema 3, this one knows 2)");
}
END_TEST

START_TEST(a_newer_schema_in_the_log_is_refused_and_the_log_untouched)
{
    f2m_store_free(fixture_open());
    sqlite3 *db = NULL;
    ck_assert_int_eq(sqlite3_open(fixture_path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "PRAGMA user_version=3", NULL, NULL, NULL), SQLITE_OK);
    size_t len, log_len, again;
    void *file = fixture_read(fixture_path, &len);
    void *log = fixture_read(fixture_file("-wal"), &log_len);
    sqlite3_close(db);
    fixture_write(fixture_path, file, len);
    fixture_write(fixture_file("-wal"), log, log_len);
    refused_untouched("newer version");
    void *now = fixture_read(fixture_file("-wal"), &again);
    ck_assert_uint_eq(log_len, again);
    ck_assert_int_eq(memcmp(log, now, again), 0);
    free(file);
    free(log);
    free(now);
}
END_TEST

START_TEST(the_database_of_another_program_is_refused)
{
    f2m_store_free(fixture_open());
    ck_assert_int_eq(unlink(fixture_path), 0);
    fixture_sql(fixture_path, "CREATE TABLE states (id INTEGER PRIMARY KEY); INSERT INTO states VALUES (1)");
    refused_untouched("database of another program (application id 0)");
}
END_TEST

/* As the first release wrote it. */
static void write_version_1(void)
{
    f2m_store_free(fixture_open());
    ck_assert_int_eq(unlink(fixture_path), 0);
    fixture_sql(fixture_path,
                "PRAGMA page_size=1024; PRAGMA journal_mode=WAL; PRAGMA application_id=1177701713;"
                "CREATE TABLE point (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
                "CREATE TABLE name (no INTEGER PRIMARY KEY, collection INTEGER NOT NULL, key TEXT NOT NULL,"
                " UNIQUE (collection, key)) STRICT;"
                "CREATE TABLE rejected (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, body BLOB NOT NULL,"
                " message TEXT NOT NULL) STRICT;"
                "CREATE TABLE record (collection INTEGER, key TEXT, changed_ms INTEGER NOT NULL, value BLOB NOT NULL,"
                " PRIMARY KEY (collection, key)) STRICT, WITHOUT ROWID;"
                "PRAGMA user_version=1;");
}

static int64_t pragma(const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    ck_assert_int_eq(sqlite3_open(fixture_path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return value;
}

START_TEST(version_1_is_brought_up_to_date)
{
    write_version_1();
    /* The rows of a newer database: their form has not changed since. */
    sqlite3 *db = NULL;
    char from[4300];
    snprintf(from, sizeof(from), "%s", fixture_path);
    snprintf(fixture_path, sizeof(fixture_path), "%.4000s2", from);
    struct f2m_store *s = fixture_open();
    fixture_put(s, "A", 300000, NULL);
    fixture_record(s, F2M_STORE_OBJECT, "o", "w", 1);
    fixture_commit(s);
    f2m_store_free(s);
    char sql[9000];
    snprintf(sql, sizeof(sql),
             "ATTACH '%s' AS f; INSERT INTO point SELECT * FROM f.point; INSERT INTO name SELECT * FROM f.name;"
             "INSERT INTO record SELECT * FROM f.record;",
             fixture_path);
    ck_assert_int_eq(sqlite3_open(from, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    snprintf(fixture_path, sizeof(fixture_path), "%.4100s", from);

    s = fixture_open();
    ck_assert_str_eq(fixture_waiting(s), "A@300");
    ck_assert_str_eq(fixture_records(s, F2M_STORE_OBJECT), "o=w");
    f2m_store_free(s);
    ck_assert_int_eq(pragma("PRAGMA user_version"), 2);
    ck_assert_int_eq(pragma("SELECT count(*) FROM sqlite_schema WHERE name = 'record_age'"), 1);
}
END_TEST

START_TEST(the_file_is_as_it_should_be)
{
    f2m_store_free(fixture_open());
    ck_assert_int_eq(pragma("PRAGMA page_size"), 1024);
    ck_assert_int_eq(pragma("PRAGMA application_id"), 1177701713);
    ck_assert_int_eq(pragma("PRAGMA user_version"), 2);
    ck_assert_int_eq(pragma("SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"), 1);
    /* Salvage puts a fresh first page over a broken one: the list of tables must lie on it whole (0x0d: a leaf). */
    size_t len;
    unsigned char *file = fixture_read(fixture_path, &len);
    ck_assert_uint_eq(file[100], 0x0d);
    free(file);
}
END_TEST

START_TEST(what_a_killed_predecessor_left_half_done_is_finished_or_removed)
{
    struct f2m_store *s = fixture_open();
    fixture_put(s, "A", 300000, NULL);
    fixture_commit(s);
    f2m_store_free(s);
    fixture_write(fixture_file(".fresh"), "half", 4);
    fixture_write(fixture_file(".source"), "half", 4);
    fixture_write(fixture_file(".salvaged"), "half", 4);
    s = fixture_open();
    ck_assert_str_eq(fixture_waiting(s), "A@300");
    f2m_store_free(s);
    ck_assert(!is_there(".fresh") && !is_there(".source") && !is_there(".salvaged"));
    /* Killed after the damaged file went aside, before the salvaged one took its place. */
    ck_assert_int_eq(rename(fixture_path, fixture_file(".salvaged")), 0);
    s = fixture_open();
    ck_assert_str_eq(fixture_waiting(s), "A@300");
    f2m_store_free(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store opening");
    TCase *t = tcase_create("opening");
    tcase_add_checked_fixture(t, fixture_setup, fixture_teardown);
    tcase_add_test(t, a_new_store_has_its_folder_and_files);
    tcase_add_test(t, a_clean_close_leaves_no_log_and_everything_is_there_again);
    tcase_add_test(t, the_second_process_is_told_that_it_is_taken);
    tcase_add_test(t, the_lock_dies_with_its_process_and_the_log_is_replayed);
    tcase_add_test(t, without_create_nothing_is_made);
    tcase_add_test(t, a_path_that_cannot_be_is_an_error_with_a_reason);
    tcase_add_test(t, a_log_without_its_database_is_not_replayed);
    tcase_add_test(t, a_newer_schema_is_refused_and_the_file_untouched);
    tcase_add_test(t, a_newer_schema_in_the_log_is_refused_and_the_log_untouched);
    tcase_add_test(t, the_database_of_another_program_is_refused);
    tcase_add_test(t, version_1_is_brought_up_to_date);
    tcase_add_test(t, the_file_is_as_it_should_be);
    tcase_add_test(t, what_a_killed_predecessor_left_half_done_is_finished_or_removed);
    suite_add_tcase(suite, t);
    return fixture_main(suite);
}
