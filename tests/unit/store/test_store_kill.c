/* Every commit that was acknowledged is there after kill -9 at any moment, and nothing that is half of one. */
#include "fixture.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 25

/* As the bridge does with each interval, n counting up: two points, their baseline, the deletion of an older one, and
 * from time to time a rejected one. Each acknowledged n goes down the pipe. */
static void write_for_ever(int acknowledged, int64_t n)
{
    struct f2m_store *s = fixture_open();
    for (;; n++) {
        int64_t a, b;
        char text[32];
        snprintf(text, sizeof(text), "%" PRId64, n);
        if (fixture_put(s, "A", n * 300000, &a) || fixture_put(s, "B", n * 300000, &b))
            _exit(2);
        if (n % 3 == 0 && f2m_store_points_delete(s, &b, 1))
            _exit(3);
        if (n % 7 == 0 && f2m_store_point_reject(s, a, "no"))
            _exit(4);
        fixture_record(s, F2M_STORE_DEVICE, "A", text, n);
        fixture_record(s, F2M_STORE_COMMAND, "c", text, n);
        if (f2m_store_commit(s) || write(acknowledged, &n, sizeof(n)) != sizeof(n))
            _exit(5);
    }
}

struct sums {
    int64_t a, b, rejected, last;
};

static bool add(void *ctx, const struct f2m_point *p)
{
    struct sums *sum = ctx;
    ck_assert(f2m_slice_is(p->body, fixture_body(p->device_id, p->start_ms)));
    *(p->rejected ? &sum->rejected : p->device_id[0] == 'A' ? &sum->a : &sum->b) += 1;
    if (p->start_ms / 300000 > sum->last)
        sum->last = p->start_ms / 300000;
    return true;
}

static int64_t last_of(struct f2m_store *s, enum f2m_collection c, const char *key)
{
    f2m_autostrbuf value;
    f2m_strbuf_init(&value, 0);
    int rc = f2m_store_record_get(s, c, key, &value);
    ck_assert(rc == 0 || rc == -ENOENT);
    return strtoll(value.data, NULL, 10);
}

/* What is there must be exactly the work of some n ≥ the last acknowledged one. Returns that n. */
static int64_t verify(int64_t acknowledged)
{
    struct sums sum = {0, 0, 0, 0};
    struct f2m_outbox_stats stats;
    struct f2m_store *s = fixture_open(); /* nothing set aside */
    struct f2m_point_query waiting = {.endpoint = F2M_TELEMETRY_OFF}, rejected = waiting;
    rejected.rejected = true;
    ck_assert_int_eq(f2m_store_points_each(s, &waiting, add, &sum), 0);
    ck_assert_int_eq(f2m_store_points_each(s, &rejected, add, &sum), 0);
    ck_assert_int_eq(f2m_store_outbox_stats(s, &stats), 0);
    int64_t n = last_of(s, F2M_STORE_DEVICE, "A");
    ck_assert_int_eq(n, last_of(s, F2M_STORE_COMMAND, "c"));
    ck_assert_int_ge(n, acknowledged);
    ck_assert_int_le(n, acknowledged + 1);
    ck_assert_int_eq(sum.last, n);
    ck_assert_int_eq(sum.rejected, n / 7);
    ck_assert_int_eq(sum.a, n - n / 7);
    ck_assert_int_eq(sum.b, n - n / 3);
    ck_assert_int_eq(stats.pending, sum.a + sum.b);
    ck_assert_int_eq(stats.rejected, sum.rejected);
    f2m_store_free(s);
    return n;
}

/* Kills the writer some time after so many of its commits. Returns the last acknowledged one. */
static int64_t kill_after(int64_t n, int commits, long us)
{
    int pipes[2];
    ck_assert_int_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        close(pipes[0]);
        write_for_ever(pipes[1], n + 1);
    }
    close(pipes[1]);
    int64_t acknowledged = n;
    while (commits-- > 0)
        ck_assert_int_eq(read(pipes[0], &acknowledged, sizeof(acknowledged)), sizeof(acknowledged));
    struct pollfd end = {.fd = pipes[0], .events = 0};
    ppoll(&end, 1, &(struct timespec){0, us * 1000}, NULL); /* until the random moment, or its own end */
    kill(child, SIGKILL);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %d", status);
    while (read(pipes[0], &acknowledged, sizeof(acknowledged)) == sizeof(acknowledged))
        ;
    close(pipes[0]);
    return acknowledged;
}

START_TEST(an_acknowledged_commit_survives)
{
    unsigned seed = (unsigned)time(NULL);
    if (getenv("F2M_SEED"))
        seed = (unsigned)strtoul(getenv("F2M_SEED"), NULL, 10);
    printf("F2M_SEED=%u\n", seed);
    fflush(stdout);
    int64_t n = 0;
    for (int round = 0; round < ROUNDS; round++)
        n = verify(kill_after(n, round & 1 ? 1 + rand_r(&seed) % 40 : 0, rand_r(&seed) % 60000));
    printf("%d kills, %" PRId64 " commits\n", ROUNDS, n);
    ck_assert_int_ge(n, ROUNDS / 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store kill");
    TCase *t = tcase_create("kill -9");
    tcase_add_checked_fixture(t, fixture_setup, fixture_teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, an_acknowledged_commit_survives);
    suite_add_tcase(suite, t);
    return fixture_main(suite);
}
