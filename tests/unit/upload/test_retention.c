/* What goes by age and size, and what must not: a clock that jumps ages no point. */
#include "world.h"

#include <inttypes.h>

#define HOUR INT64_C(3600000)
#define DAY  (24 * HOUR)

static void put(const char *device, int64_t start_s)
{
    ck_assert_int_eq(world_put(device, start_s), 0);
}

START_TEST(old_points_go_counted_and_told_once)
{
    w.config.storage.max_age_ms = 3600000;
    for (int i = 0; i < 5; i++)
        put("A", i * 300);
    world_turn();
    w.now.mono_ms += 3600000;
    w.now.wall_ms += 3600000;
    put("A", 3600);
    ck_assert_int_le(f2m_outbox_deadline(w.outbox), w.now.mono_ms);
    world_pass(1);
    ck_assert_uint_eq(w.counters.dropped, 5);
    ck_assert_str_eq(world_waiting(), "A@3600");
    ck_assert_str_eq(world_logs(), "error the oldest points are lost reason=max-age count=5\n");
    world_pass(3600001);
    ck_assert_uint_eq(w.counters.dropped, 6);
    ck_assert_str_eq(world_logs(), "");
    ck_assert_int_le(f2m_outbox_deadline(w.outbox), w.now.mono_ms + 600000);
    world_pass(600000);
    ck_assert_str_eq(world_logs(), "warn no more points are lost count=6\n");
    ck_assert_int_eq(f2m_outbox_deadline(w.outbox), INT64_MAX);
}
END_TEST

START_TEST(a_full_outbox_loses_the_oldest)
{
    for (int i = 0; i < 3000; i++)
        put("A", i * 300);
    world_turn();
    int64_t bytes = f2m_outbox_stats(w.outbox).bytes;
    w.config.storage.max_size = bytes / 2;
    f2m_outbox_reload(w.outbox, &w.config);
    world_pass(1);
    ck_assert_uint_gt(w.counters.dropped, 500);
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).pending + (int64_t)w.counters.dropped, 3000);
    ck_assert_int_gt(f2m_outbox_stats(w.outbox).oldest_start_ms, 500 * 300000);
    ck_assert_ptr_nonnull(strstr(world_logs(), "reason=max-size"));
}
END_TEST

/* A burst must not wait for the minute's trim: it would fill a small disk first. */
START_TEST(the_cap_is_kept_while_points_pour_in)
{
    w.config.storage.max_size = 64000;
    w.config.flip.upload_delay_ms = 100000000;
    for (int i = 0; i < 5000; i++) {
        put("A", i * 300);
        world_turn();
        ck_assert_int_le(f2m_outbox_stats(w.outbox).bytes, 64000 + 4096);
    }
    world_turn();
    ck_assert_int_gt(f2m_outbox_stats(w.outbox).pending, 64);
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).pending + (int64_t)w.counters.dropped, 5000);
    ck_assert_str_eq(world_logs(), "error the oldest points are lost reason=max-size count=64\n");
}
END_TEST

/* Commands and Flip's objects lie in the same file. Where they fill it, the newest points must still get to Flip. */
START_TEST(the_newest_points_stay_whatever_fills_the_file)
{
    static char object[100000];
    memset(object, 'x', sizeof object);
    for (char key[2] = "a"; key[0] < 'k'; key[0]++)
        ck_assert_int_eq(f2m_store_record_put(w.store, F2M_STORE_OBJECT, key, (struct f2m_slice){object, sizeof object},
                                              w.now.wall_ms),
                         0);
    w.config.storage.max_size = 64000;
    w.config.flip.upload_delay_ms = 100000000;
    for (int i = 0; i < 100; i++) {
        put("A", i * 300);
        world_turn();
    }
    world_turn();
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).pending, 64);
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).oldest_start_ms, 36 * 300000);
    ck_assert_int_gt(f2m_outbox_deadline(w.outbox), w.now.mono_ms); /* no busy loop about it */
}
END_TEST

START_TEST(a_clock_that_jumps_ahead_loses_no_point)
{
    w.config.storage.max_age_ms = HOUR;
    w.config.flip.upload_delay_ms = 100000000;
    put("A", 0);
    world_turn();
    w.now.wall_ms += 40 * DAY;
    world_pass(60000);
    put("B", 0);
    world_turn();
    world_run(HOUR - 120000);
    ck_assert_uint_eq(w.counters.dropped, 0);
    ck_assert_str_eq(world_waiting(), "A@0 B@0");
    world_run(60000 + 60000); /* an hour after the jump, and the minute of the trims */
    ck_assert_str_eq(world_waiting(), "B@0");
    world_run(60000 + 60000);
    ck_assert_str_eq(world_waiting(), "");
}
END_TEST

START_TEST(a_clock_that_jumps_ahead_and_back_loses_no_point)
{
    w.config.storage.max_age_ms = HOUR;
    w.config.flip.upload_delay_ms = 100000000;
    put("A", 0);
    world_turn();
    for (int i = 0; i < 3; i++) {
        w.now.wall_ms += 40 * DAY;
        world_run(10 * 60000);
        w.now.wall_ms -= 40 * DAY;
        world_run(5 * 60000);
        ck_assert_str_eq(world_waiting(), "A@0");
    }
    world_run(HOUR);
    ck_assert_str_eq(world_waiting(), "");
}
END_TEST

/* Without a clock of its own a machine begins in 1970 and is told the time later. */
START_TEST(a_clock_that_is_set_at_last_loses_no_point)
{
    int64_t right = w.now.wall_ms;
    w.config.storage.max_age_ms = HOUR;
    w.config.flip.upload_delay_ms = 100000000;
    put("A", 0);
    world_turn();
    world_restart();
    w.now = (struct f2m_now){5000, 1000};
    world_run(120000);
    w.now.wall_ms = right + 120000;
    world_run(HOUR - 60000);
    ck_assert_str_eq(world_waiting(), "A@0");
    world_run(180000);
    ck_assert_str_eq(world_waiting(), "");
}
END_TEST

START_TEST(a_start_with_a_clock_far_ahead_loses_no_point)
{
    w.config.storage.max_age_ms = HOUR;
    w.config.flip.upload_delay_ms = 100000000;
    put("A", 0);
    world_turn();
    world_logs();
    world_restart();
    w.now.mono_ms = 5000;
    w.now.wall_ms += 40 * DAY;
    world_run(HOUR - 60000);
    ck_assert_str_eq(world_waiting(), "A@0");
    ck_assert_str_eq(world_logs(), "warn points are older than storage.max_age: a long pause or a wrong clock; they "
                                   "are kept once more for as long age_s=3456000\n");
    world_run(180000);
    ck_assert_str_eq(world_waiting(), "");
    ck_assert_uint_eq(w.counters.dropped, 1);
}
END_TEST

/* The newest point carries the wrong time itself. */
START_TEST(a_start_after_a_jump_and_a_point_loses_no_earlier_one)
{
    w.config.storage.max_age_ms = HOUR;
    w.config.flip.upload_delay_ms = 100000000;
    put("A", 0);
    world_turn();
    w.now.wall_ms += 40 * DAY;
    put("B", 0);
    world_turn();
    world_restart();
    world_run(HOUR - 60000);
    ck_assert_str_eq(world_waiting(), "A@0 B@0");
    ck_assert_uint_eq(w.counters.dropped, 0);
    world_run(180000);
    ck_assert_str_eq(world_waiting(), "");
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("retention");
    tcase_add_checked_fixture(t, world_setup, world_teardown);
    tcase_add_test(t, old_points_go_counted_and_told_once);
    tcase_add_test(t, a_full_outbox_loses_the_oldest);
    tcase_add_test(t, the_cap_is_kept_while_points_pour_in);
    tcase_add_test(t, the_newest_points_stay_whatever_fills_the_file);
    tcase_add_test(t, a_clock_that_jumps_ahead_loses_no_point);
    tcase_add_test(t, a_clock_that_jumps_ahead_and_back_loses_no_point);
    tcase_add_test(t, a_clock_that_is_set_at_last_loses_no_point);
    tcase_add_test(t, a_start_with_a_clock_far_ahead_loses_no_point);
    tcase_add_test(t, a_start_after_a_jump_and_a_point_loses_no_earlier_one);
    return world_main("retention", t);
}
