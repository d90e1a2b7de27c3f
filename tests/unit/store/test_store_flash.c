/* The flash is spared: at home a closed point costs at most 1.5 kB of writes, and nothing is written between points. */
#include "fixture.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define INTERVALS 1000

/* Bytes passed to write calls by this process. Check's assertions write, too: none may stand between two of these. */
static int64_t written(void)
{
    char line[128];
    int64_t bytes = -1;
    FILE *f = fopen("/proc/self/io", "re");
    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, "wchar:", 6) == 0)
            bytes = strtoll(line + 6, NULL, 10);
    if (f)
        fclose(f);
    return bytes;
}

static int counter(char *at, size_t size, const char *name, int64_t n, const char *end)
{
    return snprintf(at, size,
                    "\"%s\":{\"source\":\"0123456789abcdef\",\"base\":%" PRId64 ".875,\"total\":%" PRId64
                    ".875,\"pending\":0,\"at\":%" PRId64 "}%s",
                    name, 1234000 + n, 1234000 + n, 1700000000000 + n * 300000, end);
}

static int put_record(struct f2m_store *s, enum f2m_collection c, const char *key, const char *value)
{
    return f2m_store_record_put(s, c, key, f2m_slice_of(value), 1);
}

/* What the telemetry room keeps per device, with all counters mapped. */
static int put_baseline(struct f2m_store *s, const char *device, int64_t n)
{
    char text[2048];
    size_t size = sizeof(text);
    int len = snprintf(text, size, "{\"high_water\":%" PRId64 ",\"counters\":{", 1700000000000 + n * 300000);
    len += counter(text + len, size - (size_t)len, "battery_charge_energy", n, ",");
    len += counter(text + len, size - (size_t)len, "battery_discharge_energy", n, ",");
    len += counter(text + len, size - (size_t)len, "solar_energy", n, ",");
    counter(text + len, size - (size_t)len, "home_energy", n, "}}");
    return put_record(s, F2M_STORE_DEVICE, device, text);
}

/* One interval closes a point per battery; seconds later they are uploaded. */
static int interval(struct f2m_store *s, int batteries, int64_t n)
{
    static const char *const devices[] = {"3f2c1a52-9f0e-4b57-8f3c-2f3e3d1f9a01",
                                          "3f2c1a52-9f0e-4b57-8f3c-2f3e3d1f9a02",
                                          "3f2c1a52-9f0e-4b57-8f3c-2f3e3d1f9a03"};
    int64_t ids[3];
    char wall[32];
    int rc = 0;
    for (int b = 0; b < batteries; b++) {
        rc |= fixture_put(s, devices[b], 1700000000000 + n * 300000, &ids[b]);
        rc |= put_baseline(s, devices[b], n);
    }
    snprintf(wall, sizeof(wall), "%" PRId64, 1700000300000 + n * 300000);
    rc |= put_record(s, F2M_STORE_META, "engine.wall", wall);
    rc |= f2m_store_commit(s);
    rc |= f2m_store_points_delete(s, ids, (size_t)batteries);
    return rc | f2m_store_commit(s);
}

START_TEST(a_closed_point_costs_little)
{
    int batteries = _i, rc = 0;
    struct f2m_store *s = fixture_open();
    fixture_record(s, F2M_STORE_META, "mqtt.client_id", "flip2mqtt-01234567", 1);
    fixture_record(s, F2M_STORE_META, "control.polled", "1", 1);
    fixture_commit(s);
    int64_t before = written();
    for (int64_t n = 0; n < INTERVALS; n++)
        rc |= interval(s, batteries, n);
    double per_point = (double)(written() - before) / (INTERVALS * batteries);
    ck_assert_int_eq(rc, 0);
    printf("%d batteries: %.0f bytes written per closed point\n", batteries, per_point);
    ck_assert_double_le(per_point, 1500);
    f2m_store_free(s);
}
END_TEST

static bool any_point(void *ctx, const struct f2m_point *p)
{
    (void)p;
    ++*(int *)ctx;
    return true;
}

START_TEST(nothing_is_written_between_points)
{
    struct f2m_store *s = fixture_open();
    struct f2m_outbox_stats stats;
    struct f2m_point_query q = {.endpoint = F2M_TELEMETRY_OFF};
    f2m_autostrbuf value;
    int64_t n;
    int rc = 0, seen = 0;
    f2m_strbuf_init(&value, 0);
    ck_assert_int_eq(fixture_put(s, "A", 300000, NULL), 0);
    fixture_record(s, F2M_STORE_META, "k", "v", 1);
    fixture_commit(s);
    int64_t before = written();
    for (int i = 0; i < 1000; i++) {
        rc |= f2m_store_outbox_stats(s, &stats);
        rc |= f2m_store_outbox_trim(s, 1000, 1 << 30, &n);
        rc |= f2m_store_records_trim(s, F2M_STORE_WEBHOOK, 1, 100);
        rc |= f2m_store_record_get(s, F2M_STORE_META, "k", &value);
        rc |= f2m_store_points_retry(s, NULL, &n);
        rc |= f2m_store_points_each(s, &q, any_point, &seen);
        rc |= f2m_store_commit(s);
        rc |= f2m_store_maintain(s);
    }
    int64_t after = written();
    /* valgrind writes a few bytes of its own in the process's name. */
    ck_assert_int_le(after - before, getenv("F2M_VALGRIND") ? 200 : 0);
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(seen, 1000);
    f2m_store_free(s);
}
END_TEST

/* Two points are committed; one is deleted and `then` happens before the process is killed. What waits afterwards? */
static const char *after_kill(void (*then)(struct f2m_store *))
{
    int64_t id;
    pid_t child = fork();
    if (child == 0) {
        struct f2m_store *s = fixture_open();
        fixture_put(s, "A", 300000, &id);
        fixture_put(s, "A", 600000, NULL);
        fixture_commit(s);
        f2m_store_points_delete(s, &id, 1);
        fixture_commit(s);
        if (strcmp(fixture_waiting(s), "A@600") == 0)
            then(s);
        raise(SIGKILL);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    struct f2m_store *s = fixture_open();
    const char *waiting = fixture_waiting(s);
    struct f2m_outbox_stats stats;
    ck_assert_int_eq(f2m_store_outbox_stats(s, &stats), 0);
    ck_assert_int_eq(stats.pending, *waiting ? (int64_t)strlen(waiting) / 5 : 0);
    f2m_store_free(s);
    return waiting;
}

static void nothing(struct f2m_store *s)
{
    (void)s;
}

static void put_next(struct f2m_store *s)
{
    fixture_put(s, "A", 900000, NULL);
    fixture_commit(s);
}

static void close_cleanly(struct f2m_store *s)
{
    f2m_store_free(s);
}

static void fail_next(struct f2m_store *s)
{
    fixture_put(s, "A", 900000, NULL);
    f2m_store_undo(s);
    if (strcmp(fixture_waiting(s), "A@600") == 0) /* the deletion was acknowledged: it stays */
        f2m_store_free(s);
}

static void delete_more(struct f2m_store *s)
{
    int64_t ids[40];
    for (int i = 0; i < 40; i++)
        fixture_put(s, "B", i * 300000, &ids[i]);
    fixture_commit(s);
    f2m_store_points_delete(s, ids, 40); /* too many to be sent again */
    fixture_commit(s);
}

START_TEST(a_deletion_alone_rides_with_the_next_commit)
{
    ck_assert_str_eq(after_kill(nothing), "A@300 A@600"); /* sent again, nothing worse */
}
END_TEST

START_TEST(a_deletion_is_durable_with_the_next_commit)
{
    ck_assert_str_eq(after_kill(put_next), "A@600 A@900");
}
END_TEST

START_TEST(a_deletion_is_durable_with_a_clean_close)
{
    ck_assert_str_eq(after_kill(close_cleanly), "A@600");
}
END_TEST

START_TEST(a_failing_turn_does_not_bring_a_deleted_point_back)
{
    ck_assert_str_eq(after_kill(fail_next), "A@600");
}
END_TEST

START_TEST(many_deletions_do_not_wait)
{
    ck_assert_str_eq(after_kill(delete_more), "A@600");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store flash");
    TCase *t = tcase_create("flash");
    tcase_add_checked_fixture(t, fixture_setup, fixture_teardown);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_closed_point_costs_little, 1, 4);
    tcase_add_test(t, nothing_is_written_between_points);
    tcase_add_test(t, a_deletion_alone_rides_with_the_next_commit);
    tcase_add_test(t, a_deletion_is_durable_with_the_next_commit);
    tcase_add_test(t, a_deletion_is_durable_with_a_clean_close);
    tcase_add_test(t, a_failing_turn_does_not_bring_a_deleted_point_back);
    tcase_add_test(t, many_deletions_do_not_wait);
    suite_add_tcase(suite, t);
    return fixture_main(suite);
}
