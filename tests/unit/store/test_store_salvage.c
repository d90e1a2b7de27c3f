/* Whatever happens to the file, the store opens: intact, or with all that could be read, the damaged file set aside. */
#include "fixture.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POINTS 40
#define PAGE   1024

/* Points of two devices, rejected ones, records of both kinds. */
static void fill(void)
{
    struct f2m_store *s = fixture_open();
    for (int i = 0; i < POINTS; i++) {
        int64_t id;
        ck_assert_int_eq(fixture_put(s, i & 1 ? "A" : "B", i * 300000, &id), 0);
        if (i % 10 == 9)
            ck_assert_int_eq(f2m_store_point_reject(s, id, "no"), 0);
    }
    char key[32];
    for (int i = 0; i < 30; i++) {
        snprintf(key, sizeof(key), "command %d", i);
        fixture_record(s, F2M_STORE_COMMAND, key, "{\"phase\":\"running\"}", i);
    }
    fixture_record(s, F2M_STORE_DEVICE, "A", "baseline", 1);
    fixture_record(s, F2M_STORE_META, "client_id", "f2m-1", 1);
    fixture_commit(s);
    f2m_store_free(s);
}

struct found {
    int waiting, rejected, records;
};

static bool see_point(void *ctx, const struct f2m_point *p)
{
    ck_assert_msg(f2m_slice_is(p->body, fixture_body(p->device_id, p->start_ms)), "body of %s@%" PRId64, p->device_id,
                  p->start_ms);
    ++*(int *)ctx;
    return true;
}

static bool see_record(void *ctx, const char *key, struct f2m_slice value, int64_t changed_ms)
{
    (void)key, (void)changed_ms;
    ck_assert(f2m_slice_is(value, "{\"phase\":\"running\"}") || f2m_slice_is(value, "baseline") ||
              f2m_slice_is(value, "f2m-1"));
    ++*(int *)ctx;
    return true;
}

static struct found look(struct f2m_store *s)
{
    struct found f = {0, 0, 0};
    struct f2m_outbox_stats stats;
    struct f2m_point_query waiting = {.endpoint = F2M_TELEMETRY_OFF}, rejected = waiting;
    rejected.rejected = true;
    ck_assert_int_eq(f2m_store_points_each(s, &waiting, see_point, &f.waiting), 0);
    ck_assert_int_eq(f2m_store_points_each(s, &rejected, see_point, &f.rejected), 0);
    for (int c = 0; c < F2M_STORE_COLLECTIONS; c++)
        ck_assert_int_eq(f2m_store_records_each(s, (enum f2m_collection)c, see_record, &f.records), 0);
    ck_assert_int_eq(f2m_store_outbox_stats(s, &stats), 0);
    ck_assert_int_eq(stats.pending, f.waiting);
    ck_assert_int_eq(stats.rejected, f.rejected);
    return f;
}

/* Opens, checks that it works on and that the report fits; returns what is there. */
static struct found reopen(struct f2m_store_report *report)
{
    struct f2m_store *s = fixture_open_report(report);
    struct found f = look(s);
    ck_assert_int_eq(fixture_put(s, "new", 900000000, NULL), 0);
    fixture_commit(s);
    f2m_store_free(s);
    ck_assert(!report->damage[0] == !report->set_aside[0]);
    if (report->set_aside[0]) {
        ck_assert_int_eq(access(report->set_aside, F_OK), 0);
        ck_assert_int_eq(report->salvaged_points, f.waiting + f.rejected);
        ck_assert_int_eq(report->salvaged_records, f.records);
    }
    struct f2m_store_report again;
    f2m_store_free(fixture_open_report(&again));
    ck_assert_str_eq(again.damage, ""); /* no loop */
    return f;
}

static void whole(struct found f)
{
    ck_assert_int_eq(f.waiting, POINTS - POINTS / 10);
    ck_assert_int_eq(f.rejected, POINTS / 10);
    ck_assert_int_eq(f.records, 32);
}

START_TEST(a_file_that_is_no_database_is_set_aside)
{
    struct f2m_store_report report;
    f2m_store_free(fixture_open());
    fixture_write(fixture_path, "# a text\nfile, long enough to have a header of sorts, you would think, but no", 70);
    struct found f = reopen(&report);
    ck_assert_int_eq(f.waiting + f.rejected + f.records, 0);
    ck_assert_str_eq(report.damage, "file is not a database");
    ck_assert_str_eq(report.set_aside, fixture_file(".corrupt-20231114T221320Z"));
    size_t len;
    char *text = fixture_read(report.set_aside, &len);
    ck_assert_uint_eq(len, 70);
    ck_assert_int_eq(memcmp(text, "# a text\n", 9), 0);
    free(text);
    fixture_write(fixture_path, "again", 5); /* in the same second: the first is not lost */
    reopen(&report);
    ck_assert_str_eq(report.set_aside, fixture_file(".corrupt-20231114T221320Z-2"));
}
END_TEST

START_TEST(an_empty_file_is_set_aside)
{
    struct f2m_store_report report;
    fill();
    ck_assert_int_eq(truncate(fixture_path, 0), 0);
    reopen(&report);
    ck_assert_str_eq(report.damage, "the file is empty");
}
END_TEST

START_TEST(a_truncated_file_gives_what_is_left)
{
    size_t len;
    fill();
    void *file = fixture_read(fixture_path, &len);
    for (size_t pages = 1; pages < len / PAGE; pages++) {
        struct f2m_store_report report;
        fixture_write(fixture_path, file, pages * PAGE + pages % 3 * 100);
        struct found f = reopen(&report);
        ck_assert_str_ne(report.set_aside, "");
        if (pages + 1 == len / PAGE)
            ck_assert_int_ge(f.waiting + f.rejected, POINTS - 6);
        unlink(report.set_aside);
    }
    free(file);
}
END_TEST

/* One flipped bit, or a page of zeros or of noise. */
static void damage(unsigned char *page, int how, unsigned *seed)
{
    switch (how) {
    case 0: memset(page, 0, PAGE); break;
    case 1:
        for (int i = 0; i < PAGE; i++)
            page[i] = (unsigned char)rand_r(seed);
        break;
    default: page[rand_r(seed) % PAGE] ^= (unsigned char)(1 << rand_r(seed) % 8); break;
    }
}

static int lost(struct found f)
{
    return POINTS + 32 - f.waiting - f.rejected - f.records;
}

/* A broken page costs what lies on it, or below it. */
static void break_every_page(int how, unsigned seed)
{
    size_t len;
    fill();
    unsigned char *file = fixture_read(fixture_path, &len);
    int worst = 0, sum = 0;
    for (size_t page = 0; page < len / PAGE; page++) {
        struct f2m_store_report report;
        unsigned char *copy = malloc(len);
        memcpy(copy, file, len);
        damage(copy + page * PAGE, how, &seed);
        /* The version cannot be told from a newer program's: such a file is refused, not taken apart. */
        if (page == 0)
            memcpy(copy + 60, file + 60, 4);
        fixture_write(fixture_path, copy, len);
        free(copy);
        struct found f = reopen(&report);
        ck_assert_int_ge(lost(f), 0);
        if (!report.set_aside[0] || page == 0) /* the first page holds no rows, and is the same everywhere */
            whole(f);
        worst = lost(f) > worst ? lost(f) : worst;
        sum += lost(f);
        unlink(report.set_aside);
    }
    free(file);
    printf("damage %d: pages %zu, rows lost at worst %d, on average %.1f of %d\n", how, len / PAGE, worst,
           (double)sum / (double)(len / PAGE), POINTS + 32);
    fflush(stdout);
}

START_TEST(a_broken_page_costs_its_own_rows)
{
    unsigned seed = 1;
    break_every_page(_i, seed);
}
END_TEST

/* A collection larger than a page: what lies behind the broken page is read from the other end. */
START_TEST(a_broken_page_of_records_costs_its_own_rows)
{
    const int many = 400;
    struct f2m_store *s = fixture_open();
    for (int i = 0; i < many; i++) {
        char key[32];
        snprintf(key, sizeof(key), "command %03d", i);
        fixture_record(s, F2M_STORE_COMMAND, key, "{\"phase\":\"running\"}", i);
    }
    fixture_commit(s);
    f2m_store_free(s);
    size_t len;
    unsigned char *file = fixture_read(fixture_path, &len), *page = file;
    while (page < file + len && !(page[0] == 0x0a && memmem(page, PAGE, "running", 7) && memmem(page, PAGE, " 20", 3)))
        page += PAGE; /* a leaf of the table, not of its index */
    ck_assert(page < file + len);
    memset(page, 0, PAGE);
    fixture_write(fixture_path, file, len);
    free(file);
    struct f2m_store_report report;
    struct found f = reopen(&report);
    ck_assert_str_ne(report.set_aside, "");
    ck_assert_int_ge(f.records, many - 30);
    ck_assert_int_lt(f.records, many);
}
END_TEST

START_TEST(flipped_bits_anywhere_never_change_a_body)
{
    size_t len;
    fill();
    unsigned char *file = fixture_read(fixture_path, &len);
    unsigned seed = 20261124;
    printf("seed %u\n", seed);
    for (int round = 0; round < 40; round++) {
        struct f2m_store_report report;
        unsigned char *copy = malloc(len);
        memcpy(copy, file, len);
        for (int bits = 1 + round % 4; bits > 0; bits--) {
            size_t at = 64 + (size_t)rand_r(&seed) % (len - 64); /* behind the version, see above */
            copy[at] ^= (unsigned char)(1 << rand_r(&seed) % 8);
        }
        fixture_write(fixture_path, copy, len);
        free(copy);
        struct found f = reopen(&report); /* checks every body */
        if (!report.set_aside[0])
            whole(f);
        unlink(report.set_aside);
    }
    free(file);
}
END_TEST

START_TEST(a_wrong_application_id_in_our_file_is_damage)
{
    struct f2m_store_report report;
    fill();
    fixture_sql(fixture_path, "PRAGMA application_id=7");
    whole(reopen(&report));
    ck_assert_str_eq(report.damage, "the application id is wrong, or the log is another database's");
    ck_assert_int_eq(unlink(report.set_aside), 0);
    unlink(fixture_path);
    fill();
    fixture_sql(fixture_path, "PRAGMA user_version=0");
    whole(reopen(&report));
    ck_assert_str_eq(report.damage, "the schema version is wrong");
}
END_TEST

START_TEST(without_the_names_the_points_know_their_device)
{
    struct f2m_store_report report;
    fill();
    fixture_sql(fixture_path, "DELETE FROM name");
    struct found f = reopen(&report);
    ck_assert_str_ne(report.set_aside, "");
    ck_assert_int_eq(f.waiting + f.rejected, POINTS);
    ck_assert_int_eq(f.records, 30);
}
END_TEST

START_TEST(a_missing_table_costs_only_itself)
{
    struct f2m_store_report report;
    fill();
    fixture_sql(fixture_path, "DROP TABLE rejected");
    struct found f = reopen(&report);
    ck_assert_str_ne(report.set_aside, "");
    ck_assert_int_eq(f.waiting, POINTS - POINTS / 10);
    ck_assert_int_eq(f.records, 32);
}
END_TEST

/* The log of a database of its own, put beside ours. */
START_TEST(the_log_of_another_database_is_no_part_of_ours)
{
    struct f2m_store_report report;
    size_t len, log_len;
    char other[4300];
    fill();
    snprintf(other, sizeof(other), "%s2", fixture_path);
    sqlite3 *db = NULL;
    ck_assert_int_eq(sqlite3_open(other, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db,
                                  "PRAGMA page_size=1024; PRAGMA journal_mode=WAL; CREATE TABLE t (x);"
                                  "INSERT INTO t VALUES (randomblob(3000)); INSERT INTO t VALUES (randomblob(3000));",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    snprintf(other, sizeof(other), "%s2-wal", fixture_path);
    void *log = fixture_read(other, &log_len);
    void *file = fixture_read(fixture_path, &len);
    sqlite3_close(db);
    fixture_write(fixture_file("-wal"), log, log_len);
    struct f2m_store *s = NULL;
    struct f2m_err err = {""};
    struct f2m_store_options o = {.path = fixture_path, .create = true, .wall_ms = 1700000000000};
    int rc = f2m_store_open(&o, &s, &report, &err);
    ck_assert_msg(rc == 0, "%s", err.text);
    whole(look(s));
    f2m_store_free(s);
    ck_assert_str_ne(report.set_aside, "");
    free(log);
    free(file);
}
END_TEST

START_TEST(damage_in_the_log_costs_at_most_what_came_after_it)
{
    size_t len, log_len;
    fill();
    struct f2m_store *s = fixture_open();
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(fixture_put(s, "C", 90000000 + i * 300000, NULL), 0);
        fixture_commit(s);
    }
    unsigned char *file = fixture_read(fixture_path, &len);
    unsigned char *log = fixture_read(fixture_file("-wal"), &log_len);
    f2m_store_free(s);
    unsigned seed = 3;
    for (int round = 0; round < 40; round++) {
        struct f2m_store_report report;
        size_t at = (size_t)rand_r(&seed) % log_len;
        log[at] ^= 4;
        fixture_write(fixture_path, file, len);
        fixture_write(fixture_file("-wal"), log, log_len);
        log[at] ^= 4;
        struct f2m_store *again = fixture_open_report(&report);
        struct found f = look(again);
        f2m_store_free(again);
        ck_assert_int_ge(f.waiting, POINTS - POINTS / 10);
        unlink(report.set_aside);
    }
    free(file);
    free(log);
}
END_TEST

/* SQLite itself cannot notice that a body changed. */
START_TEST(a_changed_body_is_noticed)
{
    struct f2m_store_report report = {0};
    size_t len;
    fill();
    unsigned char *file = fixture_read(fixture_path, &len);
    /* Some of what is found lies on pages that are free by now. */
    for (unsigned char *at = file; !report.set_aside[0]; at++) {
        at = memmem(at, len - (size_t)(at - file), "1729.5", 6);
        ck_assert_ptr_nonnull(at);
        at[0] = '9';
        fixture_write(fixture_path, file, len);
        at[0] = '1';
        struct found f = reopen(&report);
        ck_assert_int_eq(f.waiting + f.rejected, report.set_aside[0] ? POINTS - 1 : POINTS);
    }
    ck_assert_str_eq(report.damage, "a check sum is wrong");
    free(file);
}
END_TEST

static bool count_only(void *ctx, const struct f2m_point *p)
{
    (void)p;
    ++*(int *)ctx;
    return true;
}

/* Too large to be checked at each start: the damage shows while running, and the next start mends it. */
START_TEST(damage_among_many_points_is_mended_by_the_next_start)
{
    const int64_t many = 55000;
    struct f2m_store_report report;
    int rc = 0;
    struct f2m_store *s = fixture_open();
    for (int64_t n = 0; n < many; n++)
        rc |= fixture_put(s, "A", n * 300000, NULL);
    ck_assert_int_eq(rc, 0);
    fixture_commit(s);
    f2m_store_free(s);
    size_t len;
    unsigned char *file = fixture_read(fixture_path, &len);
    ck_assert_uint_gt(len, 8 << 20);
    unsigned seed = 5;
    size_t page = len / PAGE / 2;
    while (file[page * PAGE] != 0x0d) /* one with points on it */
        page++;
    damage(file + page * PAGE, 1, &seed);
    fixture_write(fixture_path, file, len);
    free(file);

    s = fixture_open();
    int seen = 0;
    struct f2m_point_query q = {.endpoint = F2M_TELEMETRY_OFF};
    ck_assert_int_eq(f2m_store_maintain(s), 0);
    ck_assert_int_eq(f2m_store_points_each(s, &q, count_only, &seen), -EIO);
    ck_assert_int_eq(f2m_store_maintain(s), -EIO);
    f2m_store_free(s);
    ck_assert_int_eq(access(fixture_file(".damaged"), F_OK), 0);

    s = fixture_open_report(&report);
    ck_assert_str_ne(report.set_aside, "");
    ck_assert_int_ge(report.salvaged_points, many - 6);
    ck_assert_int_lt(report.salvaged_points, many);
    seen = 0;
    ck_assert_int_eq(f2m_store_points_each(s, &q, count_only, &seen), 0);
    ck_assert_int_eq(seen, report.salvaged_points);
    f2m_store_free(s);
    ck_assert_int_ne(access(fixture_file(".damaged"), F_OK), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store salvage");
    TCase *t = tcase_create("damage");
    tcase_add_checked_fixture(t, fixture_setup, fixture_teardown);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, a_file_that_is_no_database_is_set_aside);
    tcase_add_test(t, an_empty_file_is_set_aside);
    tcase_add_test(t, a_truncated_file_gives_what_is_left);
    tcase_add_loop_test(t, a_broken_page_costs_its_own_rows, 0, 3);
    tcase_add_test(t, a_broken_page_of_records_costs_its_own_rows);
    tcase_add_test(t, flipped_bits_anywhere_never_change_a_body);
    tcase_add_test(t, a_wrong_application_id_in_our_file_is_damage);
    tcase_add_test(t, without_the_names_the_points_know_their_device);
    tcase_add_test(t, a_missing_table_costs_only_itself);
    tcase_add_test(t, the_log_of_another_database_is_no_part_of_ours);
    tcase_add_test(t, damage_in_the_log_costs_at_most_what_came_after_it);
    tcase_add_test(t, a_changed_body_is_noticed);
    tcase_add_test(t, damage_among_many_points_is_mended_by_the_next_start);
    suite_add_tcase(suite, t);
    return fixture_main(suite);
}
