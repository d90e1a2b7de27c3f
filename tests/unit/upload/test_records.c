/* A point and the baselines that account for it get on disk together, whatever the disk and Flip do meanwhile: a crash
 * counts no energy twice. In these tests a device's record is the start of its last point. */
#include "world.h"

#include "util/number.h"

#include <errno.h>
#include <stdio.h>

static void close_point(const char *device, int64_t start_s)
{
    char record[32];
    int len = snprintf(record, sizeof record, "%lld", (long long)start_s);
    ck_assert_int_eq(world_put(device, start_s), 0);
    f2m_outbox_record(w.outbox, w.now, device, (struct f2m_slice){record, (size_t)len}, w.fx);
}

/* What a crash now would leave as the device's record; -1 = none. */
static int64_t recorded(const char *device)
{
    f2m_autostrbuf text;
    f2m_strbuf_init(&text, 64);
    int err = f2m_store_record_get(w.store, F2M_STORE_DEVICE, device, &text);
    ck_assert(err == 0 || err == -ENOENT);
    int64_t record = -1;
    ck_assert(err != 0 || f2m_integer_parse((struct f2m_slice){text.data, text.len}, 0, INT64_MAX, &record));
    return record;
}

static void patience(void)
{
    w.config.flip.upload_delay_ms = 100000000; /* nothing is uploaded */
}

/* Flip takes nothing meanwhile. */
static void move_to_disk(void)
{
    for (int i = 0; i < 20 && w.counters.points_in_memory > 0; i++) {
        if (w.flying_len)
            world_answer(0, 503, NULL);
        world_run(1000);
    }
}

START_TEST(point_and_record_are_of_one_transaction)
{
    patience();
    close_point("A", 300);
    f2m_fault_store_crash(w.store); /* before the commit */
    ck_assert_int_eq(recorded("A"), -1);
    ck_assert_str_eq(world_waiting(), "");
    close_point("A", 600);
    world_turn();
    ck_assert_int_eq(recorded("A"), 600);
    ck_assert_str_eq(world_waiting(), "A@600");
}
END_TEST

START_TEST(a_record_without_a_point_is_written_too)
{
    f2m_outbox_record(w.outbox, w.now, "A", f2m_slice_of("7"), w.fx);
    f2m_fault_store_fail(w.store, F2M_FAULT_COMMIT, 1, -EIO, false);
    world_turn();
    ck_assert_int_eq(recorded("A"), -1);
    ck_assert_uint_eq(w.counters.points_in_memory, 0); /* it is no point */
    ck_assert_int_eq(f2m_outbox_stats(w.outbox).pending, 0);
    world_run(2000);
    ck_assert_int_eq(recorded("A"), 7);
}
END_TEST

/* A long wait goes to disk in several turns. A kill between two of them must find point and record in step. */
START_TEST(points_that_waited_bring_their_records_turn_by_turn)
{
    patience();
    f2m_fault_store_fail(w.store, F2M_FAULT_POINT_PUT, 1, -EIO, true);
    for (int i = 1; i <= 1200; i++)
        close_point("A", i);
    world_turn();
    f2m_fault_store_heal(w.store);
    int64_t last = -1, turns = 0;
    while (w.counters.points_in_memory > 0) {
        world_pass(1000);
        ck_assert_int_eq(recorded("A"), 1200 - (int64_t)w.counters.points_in_memory);
        turns += recorded("A") != last;
        last = recorded("A");
    }
    ck_assert_int_eq(turns, 3);
    ck_assert_int_eq(recorded("A"), 1200);
}
END_TEST

START_TEST(a_point_sent_from_memory_leaves_its_record)
{
    f2m_fault_store_disk_full(w.store, true);
    close_point("A", 300);
    ck_assert(world_until_request(15000));
    ck_assert_int_eq(recorded("A"), -1); /* not before Flip has it: a crash would lose its energy */
    world_ok(0);
    ck_assert_int_eq(recorded("A"), 300); /* a full disk has room for that */
    ck_assert_uint_eq(w.counters.points_in_memory, 0);
}
END_TEST

START_TEST(a_record_that_the_disk_refuses_is_tried_again)
{
    f2m_fault_store_fail(w.store, F2M_FAULT_ANY, 1, -EIO, true);
    close_point("A", 300);
    world_turn();
    f2m_fault_store_fail(w.store, F2M_FAULT_COMMIT, 1, -EIO, true);
    ck_assert(world_until_request(15000));
    world_ok(0);
    ck_assert_int_eq(recorded("A"), -1);
    ck_assert_int_eq(world_put("A", 300), -EEXIST); /* Flip has that key */
    f2m_fault_store_heal(w.store);
    world_run(61000);
    ck_assert_int_eq(recorded("A"), 300);
    ck_assert_str_eq(world_waiting(), "");
}
END_TEST

/* Its record would be older than what is on disk by then. */
START_TEST(no_point_passes_an_earlier_one_of_its_device)
{
    f2m_fault_store_disk_full(w.store, true);
    close_point("A", 300);
    ck_assert(world_until_request(15000));
    close_point("A", 600);
    close_point("B", 600);
    f2m_fault_store_disk_full(w.store, false);
    world_run(61000);
    ck_assert_str_eq(world_waiting(), "B@600");
    ck_assert_int_eq(recorded("A"), -1);
    world_answer(0, 503, NULL);
    move_to_disk();
    ck_assert_str_eq(world_waiting(), "A@300 B@600 A@600");
    ck_assert_int_eq(recorded("A"), 600);
}
END_TEST

START_TEST(no_point_is_put_on_disk_before_an_earlier_one_of_its_device)
{
    f2m_fault_store_disk_full(w.store, true);
    close_point("A", 300);
    ck_assert(world_until_request(15000));
    f2m_fault_store_disk_full(w.store, false);
    world_run(61000);
    ck_assert(!f2m_outbox_disk_failing(w.outbox));
    close_point("A", 600);
    close_point("B", 600);
    world_turn();
    ck_assert_str_eq(world_waiting(), "B@600"); /* a crash now would find A's point without its record */
    ck_assert_int_eq(recorded("A"), -1);
    world_ok(0);
    ck_assert_int_eq(recorded("A"), 300);
    move_to_disk();
    ck_assert_str_eq(world_waiting(), "B@600 A@600");
    ck_assert_int_eq(recorded("A"), 600);
}
END_TEST

/* The later point's energy must not come again, and its record must not be overwritten by the earlier one's. */
START_TEST(a_later_point_that_is_sent_first_accounts_for_both)
{
    f2m_fault_store_disk_full(w.store, true);
    close_point("A", 300);
    ck_assert(world_until_request(15000));
    world_answer(0, 200, "[{\"status\":\"FAILED\",\"message\":\"no\"}]");
    close_point("A", 600);
    ck_assert(world_until_request(15000));
    world_ok(0);
    ck_assert_int_eq(recorded("A"), 600);
    f2m_fault_store_disk_full(w.store, false);
    world_run(61000);
    ck_assert_str_eq(world_rejected(), "A@300:no");
    ck_assert_int_eq(recorded("A"), 600);
}
END_TEST

/* ---- device/<id>/telemetry ---- */

START_TEST(pending_is_told_only_of_a_point_on_disk)
{
    patience();
    f2m_fault_store_fail(w.store, F2M_FAULT_COMMIT, 1, -EIO, true);
    close_point("A", 300);
    world_turn();
    f2m_outbox_mqtt_up(w.outbox, w.now, w.fx);
    world_run(10000);
    ck_assert_str_eq(world_published(), "");
    f2m_fault_store_heal(w.store);
    world_run(61000);
    ck_assert_str_eq(world_waiting(), "A@300");
    ck_assert_ptr_nonnull(
        strstr(world_published(), "\"start_s\":300,\"duration_s\":300},\"upload\":{\"state\":\"pending\""));
}
END_TEST

START_TEST(a_point_sent_from_memory_is_told_as_sent)
{
    f2m_fault_store_fail(w.store, F2M_FAULT_POINT_PUT, 1, -EIO, true);
    close_point("A", 300);
    ck_assert(world_until_request(15000));
    ck_assert_str_eq(world_published(), "");
    world_ok(0);
    ck_assert_ptr_nonnull(
        strstr(world_published(), "\"start_s\":300,\"duration_s\":300},\"upload\":{\"state\":\"sent\""));
}
END_TEST

/* Everything was sent from memory, so nothing is there to be written: that alone says nothing about the disk. */
START_TEST(a_full_disk_is_not_told_as_working_because_nothing_waits)
{
    f2m_fault_store_disk_full(w.store, true);
    close_point("A", 300);
    ck_assert(world_until_request(15000));
    world_ok(0);
    world_logs();
    world_run(300000);
    ck_assert(f2m_outbox_disk_failing(w.outbox));
    ck_assert_str_eq(world_logs(), "");
    f2m_fault_store_disk_full(w.store, false);
    world_run(61000);
    ck_assert(!f2m_outbox_disk_failing(w.outbox));
    ck_assert_str_eq(world_logs(), "info the disk takes points again \n");
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("records");
    tcase_add_checked_fixture(t, world_setup, world_teardown);
    tcase_add_test(t, point_and_record_are_of_one_transaction);
    tcase_add_test(t, a_record_without_a_point_is_written_too);
    tcase_add_test(t, points_that_waited_bring_their_records_turn_by_turn);
    tcase_add_test(t, a_point_sent_from_memory_leaves_its_record);
    tcase_add_test(t, a_record_that_the_disk_refuses_is_tried_again);
    tcase_add_test(t, no_point_passes_an_earlier_one_of_its_device);
    tcase_add_test(t, no_point_is_put_on_disk_before_an_earlier_one_of_its_device);
    tcase_add_test(t, a_later_point_that_is_sent_first_accounts_for_both);
    tcase_add_test(t, pending_is_told_only_of_a_point_on_disk);
    tcase_add_test(t, a_point_sent_from_memory_is_told_as_sent);
    tcase_add_test(t, a_full_disk_is_not_told_as_working_because_nothing_waits);
    return world_main("outbox records", t);
}
