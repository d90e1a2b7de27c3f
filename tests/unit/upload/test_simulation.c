/*
 * Seeded worlds: a Flip with random faults, points closing under virtual time, crashes or a failing disk at random.
 * After every request: no more than 1,000 points, no point that is in another request or was judged already, never two
 * bodies for one key, every wait respected. At the end: every point was accepted at least once, or is rejected with a
 * message. F2M_SEED=n runs that seed alone, F2M_SEEDS=n so many of them.
 */
#include "world.h"

#include "util/json.h"
#include "util/limits.h"
#include "util/xalloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#define SEEDS 200

enum fate {
    WAITING,
    SETTLED, /* accepted, or rejected with a message */
};

struct known {
    UT_hash_handle hh;
    char key[24]; /* "A@300" */
    enum fate fate;
    bool poison;
    bool told;      /* Flip's verdict arrived, in this life of the process */
    char in_flight; /* in how many requests that are alive */
};

static struct known *points;
static uint64_t seed;
static struct f2m_rng chance; /* the world's own: the code under test draws from another */

static struct {
    bool whole;         /* a poison point refuses its whole request, else its index only */
    size_t size_limit;  /* points per request; 0 = none */
    int fault_percent;  /* of requests */
    int poison_percent; /* of points */
    bool crashes, disk_faults;
    int64_t auth_until, auth_refused_at; /* an outage of the token; when the last refusal was given */
    int64_t quiet_until;                 /* Retry-After was given: nothing before */
    bool healed;
} flip;

static int64_t below(int64_t n)
{
    return f2m_rng_below(&chance, n);
}

static bool percent(int64_t p)
{
    return below(100) < p;
}

/* ---- what must hold ---- */

static struct known *find(const char *key)
{
    struct known *k;
    HASH_FIND_STR(points, key, k);
    WORLD_MUST(k != NULL, "seed %" PRIu64 ": %s was never put", seed, key);
    return k;
}

/* Calls visit for every point of the n-th request in flight. */
static void each_point(size_t n, void (*visit)(struct known *, size_t index, void *), void *ctx)
{
    f2m_autostrbuf keys;
    f2m_strbuf_init(&keys, 0);
    f2m_strbuf_adds(&keys, world_points(n)); /* bodies are compared there */
    char *at = keys.data, *save = NULL;
    size_t i = 0;
    for (char *key = strtok_r(at, " ", &save); key; key = strtok_r(NULL, " ", &save))
        visit(find(key), i++, ctx);
}

static void fly(struct known *k, size_t i, void *ctx)
{
    (void)i;
    (void)ctx;
    WORLD_MUST(++k->in_flight == 1, "seed %" PRIu64 ": %s is on its way twice", seed, k->key);
    WORLD_MUST(!k->told, "seed %" PRIu64 ": %s is sent again after Flip's verdict", seed, k->key);
}

/* Its verdict is known: it is not sent again, whatever the disk does. */
static void tell(struct known *k, size_t i, void *ctx)
{
    const size_t *most = ctx;
    k->told = i < *most;
}

static void land(struct known *k, size_t i, void *ctx)
{
    (void)i;
    (void)ctx;
    k->in_flight--;
}

static void accept(struct known *k, size_t i, void *ctx)
{
    size_t *most = ctx;
    if (i < *most && (!k->poison || flip.whole))
        k->fate = SETTLED;
}

static void find_poison(struct known *k, size_t i, void *ctx)
{
    (void)i;
    *(bool *)ctx |= k->poison;
}

static size_t checked; /* requests in flight that were looked at */

static void check_new_requests(void)
{
    for (; checked < w.flying_len; checked++) {
        size_t n = world_points_count(checked);
        WORLD_MUST(n >= 1 && n <= F2M_MAX_POINTS_PER_REQUEST, "seed %" PRIu64 ": %zu points", seed, n);
        WORLD_MUST(w.now.mono_ms >= flip.quiet_until, "seed %" PRIu64 ": Retry-After is not respected", seed);
        WORLD_MUST(flip.auth_refused_at == 0 || w.now.mono_ms >= flip.auth_refused_at + 60000,
                   "seed %" PRIu64 ": the pause is not respected", seed);
        each_point(checked, fly, NULL);
    }
    size_t same[2] = {0, 0};
    for (size_t i = 0; i < w.flying_len; i++)
        same[strcmp(w.flying[i].path, "/v1/telemetry/BATTERY") == 0]++;
    WORLD_MUST(same[0] <= 1 && same[1] <= 1, "seed %" PRIu64 ": two batches to one endpoint", seed);
}

/* ---- Flip ---- */

/* Results as Flip gives them: FAILED with a message for poison points, where it judges by index. */
struct results {
    struct f2m_strbuf body;
    size_t most;
};

static void add_result(struct known *k, size_t i, void *ctx)
{
    struct results *r = ctx;
    if (i >= r->most)
        return;
    f2m_strbuf_adds(&r->body, i ? "," : "");
    f2m_strbuf_adds(&r->body, k->poison && !flip.whole ? "{\"status\":\"FAILED\",\"message\":\"poison\"}"
                                                       : "{\"status\":\"OK\"}");
}

/* Flip processed the request; the answer holds the first `most` results, or is lost. */
static void process(size_t n, size_t most, bool lost)
{
    struct results r = {.most = most};
    f2m_strbuf_init(&r.body, 0);
    f2m_strbuf_addc(&r.body, '[');
    each_point(n, add_result, &r);
    f2m_strbuf_addc(&r.body, ']');
    size_t all = SIZE_MAX;
    each_point(n, accept, &all);
    each_point(n, land, NULL);
    if (!lost)
        each_point(n, tell, &most);
    checked--;
    if (lost)
        world_answer_with(n, &(struct f2m_http_result){.error = "connection reset"});
    else
        world_answer(n, 200, r.body.data);
    f2m_strbuf_deinit(&r.body);
}

static void refuse(size_t n, int status, int64_t retry_after_s, const char *body)
{
    each_point(n, land, NULL);
    checked--;
    if (retry_after_s > 0)
        flip.quiet_until = w.now.mono_ms + retry_after_s * 1000;
    world_answer_with(
        n, &(struct f2m_http_result){.status = status, .retry_after_s = retry_after_s, .body = f2m_slice_of(body)});
}

static void lose(size_t n)
{
    each_point(n, land, NULL);
    checked--;
    world_answer_with(n, &(struct f2m_http_result){.error = "timed out"});
}

static void misbehave(size_t n)
{
    int64_t how = below(10);
    if (how == 5 || how == 7 || how == 8)
        flip.auth_refused_at = 0; /* Flip answered: the token is accepted, the pause is over */
    switch (how) {
    case 0: refuse(n, 503, 0, NULL); break;
    case 1: refuse(n, 500, 0, "{\"message\":\"oops\"}"); break;
    case 2: refuse(n, 429, 1 + below(120), NULL); break;
    case 3: lose(n); break;
    case 4: process(n, SIZE_MAX, true); break;
    case 5: process(n, (size_t)below((int64_t)world_points_count(n) + 1), false); break;
    case 6: refuse(n, 200, 0, "<html>portal</html>"); break;
    case 7: refuse(n, 404, 0, "{\"message\":\"no such path\"}"); break;
    case 8: refuse(n, 200, 0, "{\"ok\":true}"); break;
    default: /* the token is refused for a while; a pause that is over already begins anew with this answer */
        flip.auth_until = w.now.mono_ms + below(300000);
        break;
    }
}

static void answer(size_t n)
{
    bool poison = false;
    size_t count = world_points_count(n);
    each_point(n, find_poison, &poison);
    if (w.now.mono_ms < flip.auth_until && !flip.healed) {
        /* Both endpoints may be refused at once: the pause runs from the first refusal. */
        if (flip.auth_refused_at == 0 || w.now.mono_ms >= flip.auth_refused_at + 60000)
            flip.auth_refused_at = w.now.mono_ms;
        refuse(n, percent(50) ? 401 : 403, 0, NULL);
    } else if (flip.size_limit > 0 && count > flip.size_limit) {
        refuse(n, 413, 0, "<html>");
    } else if (!flip.healed && percent(flip.fault_percent)) {
        misbehave(n);
    } else if (poison && flip.whole) {
        flip.auth_refused_at = 0;
        refuse(n, percent(50) ? 400 : 422, 0, "{\"message\":\"poison\"}");
    } else {
        flip.auth_refused_at = 0;
        process(n, SIZE_MAX, false);
    }
}

/* ---- the home ---- */

static void close_point(const char *device, int64_t start_s)
{
    struct known *k = f2m_xcalloc(1, sizeof *k);
    snprintf(k->key, sizeof k->key, "%s@%" PRId64, device, start_s);
    k->poison = percent(flip.poison_percent);
    HASH_ADD_STR(points, key, k);
    WORLD_MUST(world_put(device, start_s) == 0, "seed %" PRIu64 ": %s is refused", seed, k->key);
}

static void crash(void)
{
    struct known *k, *next;
    HASH_ITER(hh, points, k, next)
    {
        k->in_flight = 0;
        k->told = false;
    }
    checked = 0;
    flip.quiet_until = flip.auth_refused_at = 0; /* the new process knows of no wait */
    if (percent(30) && w.flying_len > 0) {       /* Flip may have processed what was in flight */
        size_t all = SIZE_MAX;
        each_point(0, accept, &all);
    }
    world_restart();
}

static void disturb_disk(void)
{
    switch (below(5)) {
    case 0: f2m_fault_store_disk_full(w.store, true); break;
    case 1: f2m_fault_store_fail(w.store, F2M_FAULT_ANY, 1 + below(20), -5 /* EIO */, percent(30)); break;
    case 2: f2m_fault_store_fail(w.store, F2M_FAULT_COMMIT, 1 + below(5), -5, percent(30)); break;
    default:
        f2m_fault_store_disk_full(w.store, false);
        f2m_fault_store_heal(w.store);
        break;
    }
}

static void one_step(void)
{
    check_new_requests();
    if (w.flying_len > 0 && percent(70)) {
        answer((size_t)below((int64_t)w.flying_len));
        return;
    }
    int64_t due = world_deadline();
    int64_t step = percent(50) ? below(5000) : below(60000);
    if (due - w.now.mono_ms < step)
        step = due > w.now.mono_ms ? due - w.now.mono_ms : 0;
    world_pass(step);
}

static void live(int64_t ms)
{
    int64_t end = w.now.mono_ms + ms, next_close = w.now.mono_ms, start_s = 0;
    int busy = 0;
    while (w.now.mono_ms < end) {
        int64_t before = w.now.mono_ms;
        if (w.now.mono_ms >= next_close) {
            for (int burst = percent(5) ? 20 : 1; burst > 0; burst--) {
                close_point("A", start_s);
                if (percent(50))
                    close_point("B", start_s);
                if (percent(50))
                    close_point("C", start_s);
                start_s += 60;
            }
            next_close = w.now.mono_ms + 60000;
            world_turn();
        }
        if (flip.crashes && below(60) == 0)
            crash();
        if (flip.disk_faults && below(20) == 0)
            disturb_disk();
        one_step();
        busy = w.now.mono_ms == before ? busy + 1 : 0;
        WORLD_MUST(busy < 2000, "seed %" PRIu64 ": nothing but work at one instant", seed);
    }
}

static bool reject_is_right(void *ctx, const struct f2m_point *p)
{
    (void)ctx;
    char key[24];
    snprintf(key, sizeof key, "%s@%" PRId64, p->device_id, p->start_ms / 1000);
    struct known *k = find(key);
    WORLD_MUST(k->poison, "seed %" PRIu64 ": %s is rejected without reason", seed, key);
    WORLD_MUST(strcmp(p->message, "poison") == 0, "seed %" PRIu64 ": %s: %s", seed, key, p->message);
    k->fate = SETTLED;
    return true;
}

/* Everything works again: all that waits must be settled soon, and without a busy loop. */
static void settle(void)
{
    flip.healed = true;
    f2m_fault_store_disk_full(w.store, false);
    f2m_fault_store_heal(w.store);
    int64_t end = w.now.mono_ms + 2 * 3600000;
    for (int steps = 0; w.now.mono_ms < end; steps++) {
        WORLD_MUST(steps < 100000, "seed %" PRIu64 ": it never settles", seed);
        check_new_requests();
        if (w.flying_len > 0)
            answer(0);
        else if (f2m_outbox_stats(w.outbox).pending == 0 && !f2m_outbox_disk_failing(w.outbox))
            break;
        else
            (void)world_until_request(3600000);
    }
    world_run(61000); /* what Flip rejected while it was in memory goes to disk */
    struct f2m_point_query rejected = {.endpoint = F2M_TELEMETRY_OFF, .rejected = true};
    WORLD_MUST(*world_waiting() == '\0', "seed %" PRIu64 ": still waiting: %s", seed, world_waiting());
    ck_assert_int_eq(f2m_store_points_each(w.store, &rejected, reject_is_right, NULL), 0);
}

static void run_seed(void)
{
    struct known *k, *next;
    chance.state = seed * 7919;
    memset(&flip, 0, sizeof flip);
    flip.whole = percent(50);
    flip.size_limit = percent(30) ? (size_t)(1 + below(30)) : 0;
    flip.fault_percent = (int)below(60);
    flip.poison_percent = percent(60) ? (int)below(8) : 0;
    flip.crashes = seed % 3 == 0;
    flip.disk_faults = seed % 3 == 1; /* never with crashes: what waits in memory would rightly be lost */
    checked = 0;
    world_setup();
    w.rng.state = seed;
    live(1200000 + below(2400000));
    settle();
    HASH_ITER(hh, points, k, next)
    {
        WORLD_MUST(k->fate != WAITING, "seed %" PRIu64 ": %s is lost", seed, k->key);
        HASH_DEL(points, k);
        free(k);
    }
    world_teardown();
}

START_TEST(every_point_arrives_or_is_rejected)
{
    const char *only = getenv("F2M_SEED"), *many = getenv("F2M_SEEDS");
    uint64_t first = only ? strtoull(only, NULL, 10) : 1;
    uint64_t n = only ? 1 : many ? strtoull(many, NULL, 10) : SEEDS;
    for (seed = first; seed < first + n; seed++)
        run_seed();
    printf("seeds %" PRIu64 " to %" PRIu64 "\n", first, first + n - 1);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("simulation");
    tcase_set_timeout(t, 600);
    tcase_add_test(t, every_point_arrives_or_is_rejected);
    return world_main("simulation", t);
}
