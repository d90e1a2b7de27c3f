/* When batches go: gathered and spread, backlog back to back with fresh points in front, waits and holds respected. */
#include "world.h"

#include "util/limits.h"

#include <stdio.h>

static void put(const char *device, int64_t start_s)
{
    ck_assert_int_eq(world_put(device, start_s), 0);
}

/* From the closing of a point to its request. */
static int64_t delay(int64_t start_s)
{
    int64_t closed = w.now.mono_ms;
    put("A", start_s);
    ck_assert(world_until_request(60000));
    int64_t waited = w.now.mono_ms - closed;
    world_ok(0);
    return waited;
}

START_TEST(points_are_gathered_and_spread)
{
    int64_t least = INT64_MAX, most = 0;
    world_turn();
    for (int i = 0; i < 200; i++) {
        int64_t waited = delay(i * 300);
        least = waited < least ? waited : least;
        most = waited > most ? waited : most;
    }
    ck_assert_int_ge(least, 2000);
    ck_assert_int_lt(least, 3000);
    ck_assert_int_le(most, 12000); /* a tenth of five minutes, at most ten seconds */
    ck_assert_int_gt(most, 11000);
}
END_TEST

START_TEST(a_short_interval_spreads_less)
{
    w.devices[0].telemetry.interval_ms = 10000;
    f2m_uploader_reload(w.uploader, &w.config);
    world_turn();
    for (int i = 0; i < 50; i++) {
        int64_t waited = delay(i * 10);
        ck_assert_int_ge(waited, 2000);
        ck_assert_int_le(waited, 3000);
    }
}
END_TEST

START_TEST(points_that_close_while_gathering_join_the_batch)
{
    world_turn();
    put("A", 0);
    world_pass(1000);
    put("B", 0);
    ck_assert(world_until_request(12000));
    ck_assert_str_eq(world_points(0), "A@0 B@0");
}
END_TEST

START_TEST(a_backlog_goes_at_once_at_start)
{
    put("A", 0);
    world_turn();
    world_restart();
    ck_assert(world_until_request(0));
    ck_assert_str_eq(world_points(0), "A@0");
}
END_TEST

START_TEST(one_batch_is_in_flight_per_endpoint)
{
    for (int i = 0; i < 2500; i++)
        put("A", i * 300);
    put("C", 0);
    world_run(60000);
    ck_assert_uint_eq(w.flying_len, 2);
    ck_assert_uint_eq(world_points_count(0) + world_points_count(1), F2M_MAX_POINTS_PER_REQUEST + 1);
    world_run(600000); /* however long the answer takes */
    ck_assert_uint_eq(w.flying_len, 2);
    ck_assert(f2m_uploader_busy(w.uploader));
}
END_TEST

/* P8: a backlog goes batch after batch, without a pause between them. */
START_TEST(a_backlog_goes_back_to_back)
{
    for (int i = 0; i < 20000; i++)
        put(i % 2 ? "A" : "B", i * 150);
    world_turn();
    world_turn();
    ck_assert(world_until_request(15000));
    int64_t begin = w.now.mono_ms;
    for (int i = 0; i < 20; i++) {
        ck_assert_uint_eq(w.flying_len, 1);
        ck_assert_uint_eq(world_points_count(0), 1000);
        world_ok(0);
    }
    ck_assert_int_eq(w.now.mono_ms, begin);
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).pending, 0);
    ck_assert_uint_eq(w.flying_len, 0);
}
END_TEST

/* P8: a point that closes during the catch-up is in the batch after the one in flight, at its front. */
START_TEST(live_points_are_not_delayed_by_more_than_one_batch)
{
    for (int i = 0; i < 5000; i++)
        put("A", i * 300);
    world_turn();
    w.now.wall_ms += 86400000;
    w.now.mono_ms += 86400000;
    ck_assert(world_until_request(15000));
    put("B", 2000000);
    world_pass(20);
    world_ok(0);
    ck_assert_uint_eq(w.flying_len, 1);
    const char *points = world_points(0);
    ck_assert(strncmp(points, "B@2000000 A@", 12) == 0);
}
END_TEST

START_TEST(held_devices_wait)
{
    f2m_uploader_hold(w.uploader, "A", true);
    f2m_uploader_hold(w.uploader, "A", true);
    put("A", 0);
    put("B", 0);
    ck_assert(world_until_request(15000));
    ck_assert_str_eq(world_points(0), "B@0");
    world_ok(0);
    world_run(600000);
    ck_assert_uint_eq(w.requests, 1);
    f2m_uploader_hold(w.uploader, "A", false);
    f2m_uploader_hold(w.uploader, "A", false);
    ck_assert(world_until_request(0));
    ck_assert_str_eq(world_points(0), "A@0");
}
END_TEST

START_TEST(unconfigured_devices_are_uploaded)
{
    put("gone", 0);
    ck_assert(world_until_request(15000));
    ck_assert_str_eq(world_points(0), "gone@0");
}
END_TEST

START_TEST(retried_points_go_at_once)
{
    put("A", 0);
    ck_assert(world_until_request(15000));
    world_answer(0, 200, "[{\"status\":\"FAILED\",\"message\":\"unknown device\"}]");
    world_run(100000);
    ck_assert_int_eq(f2m_outbox_retry_unknown_device(w.outbox, w.now, "A", w.fx), 1);
    ck_assert(world_until_request(0));
    ck_assert_str_eq(world_points(0), "A@0");
}
END_TEST

START_TEST(a_flush_does_not_wait)
{
    world_turn();
    put("A", 0);
    put("C", 0);
    world_turn();
    ck_assert_uint_eq(w.flying_len, 0);
    f2m_uploader_flush(w.uploader, w.now, w.fx);
    world_turn();
    ck_assert_uint_eq(w.flying_len, 2);
    world_answer(1, 503, NULL);
    world_answer(0, 503, NULL);
    f2m_uploader_flush(w.uploader, w.now, w.fx);
    world_turn();
    ck_assert_uint_eq(w.flying_len, 0); /* a backoff forbids it */
}
END_TEST

/* Fails the batch often enough for a wait of minutes. */
static void fail_for_long(const struct f2m_http_result *result)
{
    put("A", 0);
    for (int i = 0; i < 12; i++) {
        ck_assert(world_until_request(400000));
        world_answer_with(0, result);
    }
}

START_TEST(a_cloud_that_answers_again_ends_the_wait_for_want_of_an_answer)
{
    world_turn();
    fail_for_long(&(struct f2m_http_result){.error = "connection lost"});
    f2m_uploader_reachable(w.uploader, w.now);
    ck_assert(world_until_request(2001));
    world_ok(0);
}
END_TEST

START_TEST(but_not_the_wait_that_flip_asked_for)
{
    world_turn();
    put("A", 0);
    ck_assert(world_until_request(400000));
    world_answer_with(0, &(struct f2m_http_result){.status = 503, .retry_after_s = 600});
    f2m_uploader_reachable(w.uploader, w.now);
    ck_assert(!world_until_request(599000));
}
END_TEST

START_TEST(nothing_to_do_is_no_wake_up)
{
    ck_assert_int_eq(world_deadline(), INT64_MAX);
    put("A", 0);
    ck_assert(world_until_request(15000));
    ck_assert_int_eq(f2m_uploader_deadline(w.uploader, w.now), INT64_MAX);
    world_ok(0);
    ck_assert_int_eq(world_deadline(), INT64_MAX);
}
END_TEST

/* A Flip that cannot be reached for thirty days: nothing is lost, and it is not called more than every few minutes. */
START_TEST(a_month_away_costs_nothing_but_time)
{
    for (int64_t day = 0; day < 29; day++) {
        put("A", day * 86400);
        world_turn();
        int64_t end = w.now.mono_ms + 86400000;
        while (w.now.mono_ms < end && world_until_request(end - w.now.mono_ms))
            world_answer_with(0, &(struct f2m_http_result){.error = "connection refused"});
    }
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).pending, 29);
    ck_assert_uint_eq(w.counters.dropped, 0);
    ck_assert_uint_lt(w.requests, 29 * 24 * 40);
    ck_assert(world_until_request(301000));
    world_ok(0);
    ck_assert_str_eq(world_waiting(), "");
}
END_TEST

/* Interface, clarification 44. */
START_TEST(while_the_clock_is_unset_points_wait)
{
    ck_assert_int_eq(world_put("A", 0), 0);
    f2m_uploader_wait(w.uploader, true);
    world_run(3600000);
    f2m_uploader_flush(w.uploader, w.now, w.fx);
    world_turn();
    ck_assert_uint_eq(w.requests, 0);
    ck_assert_str_eq(world_waiting(), "A@0");
    f2m_uploader_wait(w.uploader, false);
    ck_assert(world_until_request(15000));
    ck_assert_str_eq(world_points(0), "A@0");
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("timing");
    tcase_add_checked_fixture(t, world_setup, world_teardown);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, points_are_gathered_and_spread);
    tcase_add_test(t, a_short_interval_spreads_less);
    tcase_add_test(t, points_that_close_while_gathering_join_the_batch);
    tcase_add_test(t, a_backlog_goes_at_once_at_start);
    tcase_add_test(t, one_batch_is_in_flight_per_endpoint);
    tcase_add_test(t, a_backlog_goes_back_to_back);
    tcase_add_test(t, live_points_are_not_delayed_by_more_than_one_batch);
    tcase_add_test(t, held_devices_wait);
    tcase_add_test(t, unconfigured_devices_are_uploaded);
    tcase_add_test(t, retried_points_go_at_once);
    tcase_add_test(t, a_flush_does_not_wait);
    tcase_add_test(t, a_cloud_that_answers_again_ends_the_wait_for_want_of_an_answer);
    tcase_add_test(t, but_not_the_wait_that_flip_asked_for);
    tcase_add_test(t, nothing_to_do_is_no_wake_up);
    tcase_add_test(t, a_month_away_costs_nothing_but_time);
    tcase_add_test(t, while_the_clock_is_unset_points_wait);
    return world_main("timing", t);
}
