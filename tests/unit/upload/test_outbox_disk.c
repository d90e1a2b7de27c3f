/* While the disk refuses writes points wait in memory, are sent from there, and go to disk when it works again. */
#include "world.h"

#include "util/limits.h"

#include <errno.h>

static void put(const char *device, int64_t start_s)
{
    ck_assert_int_eq(world_put(device, start_s), 0);
}

START_TEST(a_full_disk_keeps_points_in_memory_until_it_has_room)
{
    w.config.flip.upload_delay_ms = 1000000;
    put("A", 0);
    world_turn();
    f2m_fault_store_disk_full(w.store, true);
    put("A", 300);
    put("A", 600);
    ck_assert_int_eq(world_put("A", 300), -EEXIST);
    world_turn();
    ck_assert(f2m_outbox_disk_failing(w.outbox));
    ck_assert_uint_eq(w.counters.points_in_memory, 2);
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).pending, 3);
    ck_assert_str_eq(world_waiting(), "A@0");
    world_run(10000);
    ck_assert_str_eq(world_waiting(), "A@0");
    f2m_fault_store_disk_full(w.store, false);
    world_run(60000); /* the longest wait between two attempts */
    ck_assert_str_eq(world_waiting(), "A@0 A@300 A@600");
    ck_assert(!f2m_outbox_disk_failing(w.outbox));
    ck_assert_uint_eq(w.counters.points_in_memory, 0);
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).pending, 3);
}
END_TEST

/* Its verdict comes under the name that it was taken by. */
START_TEST(a_point_on_its_way_stays_in_memory)
{
    f2m_fault_store_disk_full(w.store, true);
    put("A", 0);
    ck_assert(world_until_request(15000));
    f2m_fault_store_disk_full(w.store, false);
    world_run(60000);
    ck_assert_str_eq(world_waiting(), "");
    for (int i = 0; i < 10 && !*world_waiting(); i++) { /* between two attempts there is time to store it */
        if (w.flying_len)
            world_answer(0, 503, NULL);
        world_run(1000);
    }
    ck_assert_str_eq(world_waiting(), "A@0");
    ck_assert(world_until_request(301000));
    world_ok(0);
    ck_assert_str_eq(world_waiting(), "");
    ck_assert_uint_eq(w.counters.points_in_memory, 0);
}
END_TEST

START_TEST(the_disk_is_told_of_once_and_when_it_works_again)
{
    f2m_fault_store_disk_full(w.store, true);
    for (int i = 0; i < 10; i++) {
        put("B", i * 300);
        world_turn();
    }
    ck_assert_str_eq(world_logs(), "error the disk refuses points: they wait in memory reason=disk-full\n");
    f2m_fault_store_disk_full(w.store, false);
    world_run(1000);
    world_turn();
    ck_assert_str_eq(world_logs(), "info the disk takes points again \n");
    ck_assert_str_eq(world_waiting(), "B@0 B@300 B@600 B@900 B@1200 B@1500 B@1800 B@2100 B@2400 B@2700");
}
END_TEST

START_TEST(a_failed_commit_gives_the_turns_points_back)
{
    f2m_fault_store_fail(w.store, F2M_FAULT_COMMIT, 1, -EIO, false);
    put("A", 0);
    put("B", 0);
    world_turn();
    ck_assert(w.commit_failed);
    ck_assert_str_eq(world_waiting(), "");
    ck_assert_uint_eq(w.counters.points_in_memory, 2);
    ck_assert_str_eq(world_published(), ""); /* a power cut could take them back */
    world_run(1000);
    world_turn();
    ck_assert_ptr_nonnull(strstr(world_published(), "pending"));
    ck_assert_str_eq(world_waiting(), "A@0 B@0");
    ck_assert(!f2m_outbox_disk_failing(w.outbox));
}
END_TEST

START_TEST(points_in_memory_are_sent_and_leave)
{
    f2m_fault_store_fail(w.store, F2M_FAULT_POINT_PUT, 1, -EIO, true);
    put("A", 0);
    ck_assert(world_until_request(15000));
    ck_assert_str_eq(world_points(0), "A@0");
    world_published();
    world_ok(0);
    ck_assert_ptr_nonnull(strstr(world_published(), "\"state\":\"sent\""));
    ck_assert_uint_eq(w.counters.points_in_memory, 0);
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).pending, 0);
    world_run(120000);
    ck_assert_uint_eq(w.requests, 1);
}
END_TEST

START_TEST(a_point_rejected_in_memory_is_kept_and_stored_later)
{
    f2m_fault_store_disk_full(w.store, true);
    put("A", 0);
    ck_assert(world_until_request(15000));
    world_answer(0, 200, "[{\"status\":\"FAILED\",\"message\":\"no\"}]");
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).rejected, 1);
    f2m_fault_store_disk_full(w.store, false);
    world_run(70000);
    world_turn();
    ck_assert_str_eq(world_rejected(), "A@0:no");
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).rejected, 1);
}
END_TEST

/* Without this, a disk that refuses the deletes would have every batch sent over and over. */
START_TEST(a_verdict_that_the_disk_refuses_is_not_forgotten)
{
    put("A", 0);
    put("B", 0);
    ck_assert(world_until_request(15000));
    f2m_fault_store_fail(w.store, F2M_FAULT_COMMIT, 1, -EIO, true);
    world_answer(0, 200, "[{\"status\":\"OK\"},{\"status\":\"FAILED\",\"message\":\"no\"}]");
    ck_assert_str_eq(world_waiting(), "A@0 B@0"); /* undone */
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).pending, 0);
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).rejected, 1);
    world_run(300000);
    ck_assert_uint_eq(w.requests, 1);
    f2m_fault_store_heal(w.store);
    world_run(61000);
    world_turn();
    ck_assert_str_eq(world_waiting(), "");
    ck_assert_str_eq(world_rejected(), "B@0:no");
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).pending, 0);
    ck_assert_uint_eq(w.requests, 1);
}
END_TEST

START_TEST(a_store_that_cannot_be_read_is_read_again)
{
    put("A", 0);
    world_turn();
    f2m_fault_store_fail(w.store, F2M_FAULT_POINTS_EACH, 1, -EIO, true);
    ck_assert(!world_until_request(60000));
    f2m_fault_store_heal(w.store);
    ck_assert(world_until_request(5000));
    ck_assert_str_eq(world_points(0), "A@0");
}
END_TEST

START_TEST(memory_is_bounded_and_loses_the_oldest)
{
    f2m_fault_store_disk_full(w.store, true);
    for (int i = 0; i < F2M_MAX_POINTS_IN_MEMORY + 10; i++)
        put("A", i * 300);
    ck_assert_uint_eq(w.counters.points_in_memory, F2M_MAX_POINTS_IN_MEMORY);
    ck_assert_uint_eq(w.counters.dropped, 10);
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).oldest_start_ms, 10 * 300000);
    world_turn();
    ck_assert_ptr_nonnull(strstr(world_logs(), "error the oldest points are lost reason=memory-full count=1\n"));
    f2m_fault_store_disk_full(w.store, false);
    w.config.flip.upload_delay_ms = 1000000;
    world_run(1500);
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).pending, F2M_MAX_POINTS_IN_MEMORY);
    while (w.flying_len)
        world_ok(0);
    world_run(3000);
    while (w.flying_len)
        world_ok(0);
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).pending, 0);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("disk");
    tcase_add_checked_fixture(t, world_setup, world_teardown);
    tcase_add_test(t, a_full_disk_keeps_points_in_memory_until_it_has_room);
    tcase_add_test(t, a_point_on_its_way_stays_in_memory);
    tcase_add_test(t, the_disk_is_told_of_once_and_when_it_works_again);
    tcase_add_test(t, a_failed_commit_gives_the_turns_points_back);
    tcase_add_test(t, points_in_memory_are_sent_and_leave);
    tcase_add_test(t, a_point_rejected_in_memory_is_kept_and_stored_later);
    tcase_add_test(t, a_verdict_that_the_disk_refuses_is_not_forgotten);
    tcase_add_test(t, a_store_that_cannot_be_read_is_read_again);
    tcase_add_test(t, memory_is_bounded_and_loses_the_oldest);
    return world_main("outbox disk", t);
}
