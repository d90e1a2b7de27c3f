/* What Flip answers decides what becomes of a batch: sent, rejected, searched, halved, or kept for another try. */
#include "world.h"

#include "util/limits.h"

#include <stdio.h>
#include <stdlib.h>

static void put(const char *device, int64_t start_s)
{
    ck_assert_int_eq(world_put(device, start_s), 0);
}

static void put_many(int n)
{
    for (int i = 0; i < n; i++)
        put("A", i * 300);
}

START_TEST(each_index_is_settled_for_itself)
{
    put("A", 0);
    put("A", 300);
    put("B", 600);
    ck_assert(world_until_request(15000));
    ck_assert_str_eq(w.flying[0].path, "/v1/telemetry/BATTERY");
    ck_assert_str_eq(world_points(0), "A@0 A@300 B@600");
    world_logs();
    world_answer(0, 200, "[{\"status\":\"OK\"},{\"status\":\"FAILED\",\"message\":\"bad soc\"},{\"status\":\"OK\"}]");
    ck_assert_str_eq(world_waiting(), "");
    ck_assert_str_eq(world_rejected(), "A@300:bad soc");
    ck_assert_uint_eq(w.counters.uploads, 1);
    ck_assert_int_eq(f2m_uploader_last_upload(w.uploader), w.now.wall_ms);
    ck_assert_str_eq(world_logs(), "info Flip is reachable and accepts the token \n"
                                   "warn Flip rejects a point device=A message=\"bad soc\"\n");
    world_run(600000);
    ck_assert_uint_eq(w.requests, 1);
}
END_TEST

START_TEST(each_endpoint_gets_its_own_points)
{
    put("A", 0);
    put("C", 0);
    world_run(15000);
    ck_assert_uint_eq(w.flying_len, 2);
    size_t counter = strcmp(w.flying[0].path, "/v1/telemetry/BATTERY_COUNTER") == 0 ? 0 : 1;
    ck_assert_str_eq(w.flying[counter].path, "/v1/telemetry/BATTERY_COUNTER");
    ck_assert_str_eq(world_points(counter), "C@0");
    ck_assert_str_eq(world_points(1 - counter), "A@0");
}
END_TEST

START_TEST(what_a_short_answer_leaves_out_is_sent_again)
{
    put("A", 0);
    put("A", 300);
    put("A", 600);
    ck_assert(world_until_request(15000));
    world_answer(0, 200, "{\"results\":[{\"status\":\"OK\"}]}");
    ck_assert_uint_eq(w.flying_len, 0); /* not at once: that would hammer */
    ck_assert_str_eq(world_waiting(), "A@300 A@600");
    ck_assert(world_until_request(2000));
    ck_assert_str_eq(world_points(0), "A@300 A@600");
    world_ok(0);
    ck_assert_str_eq(world_waiting(), "");
}
END_TEST

static const char *const violations[] = {
    "[{\"status\":\"OK\"},{\"status\":\"OK\"}]",
    "{}",
    "",
    "\"OK\"",
    "[\"OK\"]",
    "<html>",
    "[{\"status\":\"OK\"}",
    "{\"errors\":[{\"index\":0}]}",
    "[]",
    "null",
};

/* No success unless the contract's success is there. */
START_TEST(an_answer_that_breaks_the_contract_settles_nothing)
{
    put("A", 0);
    ck_assert(world_until_request(15000));
    world_answer(0, 200, violations[_i]);
    ck_assert_uint_eq(w.flying_len, 0);
    ck_assert_str_eq(world_waiting(), "A@0");
    ck_assert_str_eq(world_rejected(), "");
    world_logs();
    for (int i = 0; i < 5; i++) {
        ck_assert(world_until_request(301000));
        world_answer(0, 200, violations[_i]);
    }
    ck_assert_ptr_null(strstr(world_logs(), "breaks")); /* told once, before */
    ck_assert(world_until_request(301000));
    world_ok(0);
    ck_assert_str_eq(world_waiting(), "");
    ck_assert_ptr_nonnull(strstr(world_logs(), "info uploads succeed again operation=telemetry/report\n"));
    ck_assert_str_eq(f2m_uploader_trouble(w.uploader), "");
}
END_TEST

static const int transient[] = {0, 408, 425, 429, 500, 502, 503, 504, 301, 307};

/* What may be different next time: everything stays, and is asked for again later. */
START_TEST(a_transient_failure_keeps_everything)
{
    put("A", 0);
    put("B", 0);
    ck_assert(world_until_request(15000));
    for (int i = 0; i < 4; i++) {
        if (transient[_i])
            world_answer(0, transient[_i], NULL);
        else
            world_answer_with(0, &(struct f2m_http_result){.error = "timed out"});
        ck_assert_uint_eq(w.flying_len, 0);
        ck_assert_str_eq(world_waiting(), "A@0 B@0");
        ck_assert(world_until_request(301000));
        ck_assert_str_eq(world_points(0), "A@0 B@0");
    }
    ck_assert_uint_eq(w.counters.retries, 4);
    world_ok(0);
    ck_assert_str_eq(world_waiting(), "");
    ck_assert_str_eq(world_rejected(), "");
}
END_TEST

START_TEST(retry_after_holds_for_both_endpoints)
{
    put("A", 0);
    put("C", 0);
    world_run(15000);
    ck_assert_uint_eq(w.flying_len, 2);
    world_ok(1);
    world_answer_with(0, &(struct f2m_http_result){.status = 429, .retry_after_s = 600});
    put("A", 300);
    put("C", 300);
    world_run(599900);
    ck_assert_uint_eq(w.flying_len, 0);
    world_run(1100);
    ck_assert_uint_eq(w.flying_len, 2);
}
END_TEST

/* Interface, clarification 10. */
START_TEST(a_refused_token_pauses_uploads_for_a_minute)
{
    put("A", 0);
    ck_assert(world_until_request(15000));
    for (int i = 0; i < 12; i++) { /* every minute, however long it lasts */
        world_answer(0, i % 2 ? 403 : 401, "{\"message\":\"revoked\"}");
        world_run(59999);
        ck_assert_uint_eq(w.flying_len, 0);
        world_run(1);
        ck_assert_uint_eq(w.flying_len, 1);
    }
    world_ok(0);
    ck_assert_str_eq(world_waiting(), "");
}
END_TEST

/* A wrong base URL must not cost a point. */
START_TEST(other_refusals_are_not_the_points_fault)
{
    static const int statuses[] = {404, 405, 409, 410, 415};
    put("A", 0);
    ck_assert(world_until_request(15000));
    for (int i = 0; i < 5; i++) {
        world_answer(0, statuses[i], "{\"message\":\"nothing here\"}");
        ck_assert_str_eq(world_rejected(), "");
        ck_assert_str_eq(world_waiting(), "A@0");
        if (i == 0) {
            ck_assert_str_eq(f2m_uploader_trouble(w.uploader),
                             "telemetry/report: HTTP 404: nothing here (check flip.base_url)");
            ck_assert_ptr_nonnull(strstr(world_logs(), "warn Flip does not take telemetry here: points wait"));
        }
        ck_assert(world_until_request(301000));
    }
    ck_assert_str_eq(world_logs(), "");
    world_ok(0);
    ck_assert_str_eq(f2m_uploader_trouble(w.uploader), "");
}
END_TEST

/* ---- the search for the poison point ---- */

/* Answers everything in flight as a Flip that refuses a whole batch where it holds one of the poison points; until
 * nothing is in flight and nothing is due for `ms`. Returns the number of requests. */
static size_t serve(const char *const *poison, size_t poison_len, int status, int64_t ms)
{
    size_t before = w.requests;
    while (w.flying_len > 0 || world_until_request(ms)) {
        f2m_autostrbuf points;
        f2m_strbuf_init(&points, 0);
        f2m_strbuf_adds(&points, world_points(0));
        f2m_strbuf_addc(&points, ' ');
        bool bad = false;
        for (size_t i = 0; i < poison_len; i++)
            bad |= strstr(points.data, poison[i]) != NULL;
        if (bad)
            world_answer(0, status, "{\"message\":\"bad value\"}");
        else
            world_ok(0);
        ck_assert_uint_lt(w.requests - before, 5000);
    }
    return w.requests - before;
}

static const char *const poisons[] = {"A@0 ", "A@150000 ", "A@299700 ", "A@149700 ", "A@300 ", "A@111000 "};

START_TEST(one_poison_point_is_found_in_log2_rounds)
{
    put_many(F2M_MAX_POINTS_PER_REQUEST);
    size_t n = serve(&poisons[_i], 1, 422, 20000);
    char expected[64];
    snprintf(expected, sizeof expected, "%.*s:bad value", (int)strcspn(poisons[_i], " "), poisons[_i]);
    ck_assert_str_eq(world_rejected(), expected);
    ck_assert_str_eq(world_waiting(), "");
    ck_assert_uint_le(n, 1 + 11 + 10); /* the batch, the search, the halves that were put back meanwhile */
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).rejected, 1);
}
END_TEST

START_TEST(several_poison_points_are_found)
{
    static const char *const many[] = {"A@0 ", "A@300 ", "A@45000 ", "A@60000 ", "A@149700 "};
    put_many(500);
    size_t n = serve(many, 5, 400, 20000);
    ck_assert_str_eq(world_rejected(),
                     "A@0:bad value A@300:bad value A@45000:bad value A@60000:bad value A@149700:bad value");
    ck_assert_str_eq(world_waiting(), "");
    ck_assert_uint_le(n, 5 * 24);
}
END_TEST

START_TEST(a_single_refused_point_is_rejected_at_once)
{
    put("A", 0);
    ck_assert(world_until_request(15000));
    world_answer(0, 422, "{\"detail\":[{\"loc\":[\"body\",\"duration_s\"],\"msg\":\"too long\"}]}");
    ck_assert_str_eq(world_rejected(), "A@0:body.duration_s: too long");
}
END_TEST

START_TEST(fresh_points_flow_during_the_search)
{
    put_many(64);
    ck_assert(world_until_request(15000));
    world_answer(0, 422, NULL); /* the search begins */
    put("B", 300);
    size_t tests = 0;
    int64_t begin = w.now.mono_ms;
    bool arrived = false;
    while (!arrived && w.now.mono_ms - begin < 60000) {
        if (w.flying_len == 0) {
            ck_assert(world_until_request(20000));
        }
        arrived = strstr(world_points(0), "B@300") != NULL;
        if (strstr(world_points(0), "A@3000 ") || world_points_count(0) == 1) {
            world_answer(0, arrived ? 200 : 422, arrived ? "[{\"status\":\"OK\"}]" : NULL);
        } else {
            world_ok(0);
        }
        w.now.mono_ms += 1000; /* an answer takes a second */
        w.now.wall_ms += 1000;
        tests++;
    }
    ck_assert(arrived);
    ck_assert_int_le(w.now.mono_ms - begin, 15000);
}
END_TEST

START_TEST(a_search_that_a_crash_cuts_off_begins_again)
{
    put_many(100);
    ck_assert(world_until_request(15000));
    world_answer(0, 422, NULL);
    world_ok(0);
    world_restart();
    static const char *const poison[] = {"A@29700 "};
    serve(poison, 1, 422, 20000);
    ck_assert_str_eq(world_rejected(), "A@29700:bad value");
    ck_assert_str_eq(world_waiting(), "");
}
END_TEST

START_TEST(a_flip_that_refuses_everything_is_not_hammered)
{
    put_many(40);
    static const char *const all[] = {"A@"};
    int64_t begin = w.now.mono_ms;
    size_t n = serve(all, 1, 422, 20000);
    ck_assert_str_eq(world_waiting(), "");
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).rejected, 40);
    ck_assert_int_le((int64_t)n - 26, (w.now.mono_ms - begin) / 1000);
}
END_TEST

START_TEST(a_failure_during_the_search_does_not_lose_it)
{
    put_many(8);
    ck_assert(world_until_request(15000));
    world_answer(0, 422, NULL);
    ck_assert_uint_eq(world_points_count(0), 4);
    world_answer(0, 503, NULL);
    ck_assert(world_until_request(3000));
    ck_assert_uint_eq(world_points_count(0), 4);
    world_answer(0, 200, "[{\"status\":\"OK\"},{\"status\":\"OK\"}]"); /* short */
    ck_assert_str_eq(world_waiting(), "A@600 A@900 A@1200 A@1500 A@1800 A@2100");
    static const char *const poison[] = {"A@1500 "};
    serve(poison, 1, 422, 20000);
    ck_assert_str_eq(world_rejected(), "A@1500:bad value");
    ck_assert_str_eq(world_waiting(), "");
}
END_TEST

/* ---- 413 ---- */

/* A Flip that takes at most so many points. */
static size_t serve_limited(size_t limit, int64_t ms)
{
    size_t most = 0;
    while (w.flying_len > 0 || world_until_request(ms)) {
        size_t n = world_points_count(0);
        if (n > limit) {
            world_answer(0, 413, "<html>too large</html>");
        } else {
            most = n > most ? n : most;
            world_ok(0);
        }
    }
    return most;
}

START_TEST(too_large_halves_and_is_remembered)
{
    put_many(600);
    size_t before = w.requests;
    size_t most = serve_limited(200, 20000);
    ck_assert_uint_eq(most, 150);
    ck_assert_uint_eq(w.requests - before, 6); /* 600, 300, then 4 × 150 */
    ck_assert_str_eq(world_waiting(), "");
    ck_assert_str_eq(world_rejected(), "");
    world_restart();
    for (int i = 0; i < 400; i++)
        put("B", i * 300);
    ck_assert(world_until_request(15000));
    ck_assert_uint_eq(world_points_count(0), 150);
}
END_TEST

START_TEST(the_size_grows_again_slowly)
{
    put_many(20);
    ck_assert(world_until_request(15000));
    world_answer(0, 413, NULL);
    ck_assert_uint_eq(world_points_count(0), 10);
    world_ok(0);
    world_ok(0);
    for (int i = 0; i < 400; i++)
        put("B", i * 300);
    world_turn();
    size_t sizes[12];
    for (int i = 0; i < 12; i++) {
        ck_assert(world_until_request(15000));
        sizes[i] = world_points_count(0);
        world_ok(0);
    }
    ck_assert_uint_eq(sizes[0], 10);
    ck_assert_uint_eq(sizes[7], 10); /* ten full batches with the two before */
    ck_assert_uint_eq(sizes[8], 11);
}
END_TEST

START_TEST(only_a_point_too_large_alone_is_rejected)
{
    put_many(3);
    ck_assert(world_until_request(15000));
    serve_limited(0, 20000);
    ck_assert_str_eq(world_waiting(), "");
    ck_assert_str_eq(world_rejected(), "A@0:HTTP 413 A@300:HTTP 413 A@600:HTTP 413");
}
END_TEST

START_TEST(a_search_obeys_the_size)
{
    put_many(100);
    ck_assert(world_until_request(15000));
    world_answer(0, 422, NULL);
    ck_assert_uint_eq(world_points_count(0), 50);
    world_answer(0, 413, NULL);
    /* In turns: a batch of others, were there any, and the search. */
    ck_assert_uint_eq(world_points_count(0), 25);
    static const char *const poison[] = {"A@27000 "};
    serve(poison, 1, 422, 20000);
    ck_assert_str_eq(world_rejected(), "A@27000:bad value");
    ck_assert_str_eq(world_waiting(), "");
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("answers");
    tcase_add_checked_fixture(t, world_setup, world_teardown);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, each_index_is_settled_for_itself);
    tcase_add_test(t, each_endpoint_gets_its_own_points);
    tcase_add_test(t, what_a_short_answer_leaves_out_is_sent_again);
    tcase_add_loop_test(t, an_answer_that_breaks_the_contract_settles_nothing, 0,
                        sizeof violations / sizeof *violations);
    tcase_add_loop_test(t, a_transient_failure_keeps_everything, 0, sizeof transient / sizeof *transient);
    tcase_add_test(t, retry_after_holds_for_both_endpoints);
    tcase_add_test(t, a_refused_token_pauses_uploads_for_a_minute);
    tcase_add_test(t, other_refusals_are_not_the_points_fault);
    tcase_add_loop_test(t, one_poison_point_is_found_in_log2_rounds, 0, sizeof poisons / sizeof *poisons);
    tcase_add_test(t, several_poison_points_are_found);
    tcase_add_test(t, a_single_refused_point_is_rejected_at_once);
    tcase_add_test(t, fresh_points_flow_during_the_search);
    tcase_add_test(t, a_search_that_a_crash_cuts_off_begins_again);
    tcase_add_test(t, a_flip_that_refuses_everything_is_not_hammered);
    tcase_add_test(t, a_failure_during_the_search_does_not_lose_it);
    tcase_add_test(t, too_large_halves_and_is_remembered);
    tcase_add_test(t, the_size_grows_again_slowly);
    tcase_add_test(t, only_a_point_too_large_alone_is_rejected);
    tcase_add_test(t, a_search_obeys_the_size);
    return world_main("answers", t);
}
