/* The store keeps points and records as the port says: keys unique, in the order of time, changes undone together. */
#include "fixture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct f2m_store *s;

static void setup(void)
{
    fixture_setup();
    s = f2m_store_open_memory();
}

static void setup_file(void)
{
    fixture_setup();
    s = fixture_open();
}

static void teardown(void)
{
    f2m_store_free(s);
    fixture_teardown();
}

static void put(const char *device, int64_t start_s)
{
    ck_assert_int_eq(fixture_put(s, device, start_s * 1000, NULL), 0);
}

static struct f2m_outbox_stats stats(void)
{
    struct f2m_outbox_stats out;
    ck_assert_int_eq(f2m_store_outbox_stats(s, &out), 0);
    return out;
}

struct expectation {
    int n;
    const char *const *bodies;
};

static bool same_body(void *ctx, const struct f2m_point *p)
{
    struct expectation *e = ctx;
    ck_assert_str_eq(p->device_id, "A/ä");
    ck_assert_int_eq(p->endpoint, F2M_TELEMETRY_COUNTER);
    ck_assert_int_eq(p->start_ms, e->n);
    ck_assert_int_eq(p->closed_ms, 77);
    ck_assert(f2m_slice_is(p->body, e->bodies[e->n]));
    e->n++;
    return true;
}

START_TEST(any_text_is_a_body)
{
    static const char *const bodies[] = {"{}",
                                         "",
                                         "{\"device_id\":\"x\",\"start_time\":null}",
                                         "null true false,n t f",
                                         "\x01\x02 control bytes \x1f",
                                         "tab\tline\nreturn\r",
                                         "\xc3\xa4\xf0\x9f\x94\x8b"};
    struct expectation e = {0, bodies};
    for (int i = 0; i < 7; i++) {
        struct f2m_point p = {.device_id = "A/ä",
                              .start_ms = i,
                              .endpoint = F2M_TELEMETRY_COUNTER,
                              .body = f2m_slice_of(bodies[i]),
                              .closed_ms = 77};
        ck_assert_int_eq(f2m_store_point_put(s, &p, NULL), 0);
    }
    struct f2m_point_query q = {.endpoint = F2M_TELEMETRY_OFF};
    ck_assert_int_eq(f2m_store_points_each(s, &q, same_body, &e), 0);
    ck_assert_int_eq(e.n, 7);
    ck_assert_int_eq(stats().pending, 7);
}
END_TEST

START_TEST(an_existing_key_is_never_written_again)
{
    put("A", 300);
    struct f2m_point again = {.device_id = "A", .start_ms = 300000, .body = f2m_slice_of("other"), .closed_ms = 1};
    ck_assert_int_eq(f2m_store_point_put(s, &again, NULL), -EEXIST);
    fixture_commit(s);
    ck_assert_int_eq(f2m_store_point_put(s, &again, NULL), -EEXIST);
    ck_assert_str_eq(fixture_waiting(s), "A@300");
    ck_assert_int_eq(stats().pending, 1);
}
END_TEST

START_TEST(a_rejected_key_is_taken_too)
{
    int64_t id;
    ck_assert_int_eq(fixture_put(s, "A", 300000, &id), 0);
    ck_assert_int_eq(f2m_store_point_reject(s, id, "no"), 0);
    ck_assert_int_eq(fixture_put(s, "A", 300000, NULL), -EEXIST);
    ck_assert_str_eq(fixture_rejected(s), "A@300:no");
    ck_assert_str_eq(fixture_waiting(s), "");
}
END_TEST

START_TEST(the_key_is_device_and_start_and_endpoint)
{
    struct f2m_point p = {.device_id = "A", .start_ms = 300000, .endpoint = F2M_TELEMETRY_COUNTER};
    put("A", 300);
    put("B", 300);
    put("A", 301);
    ck_assert_int_eq(f2m_store_point_put(s, &p, NULL), 0);
    ck_assert_int_eq(f2m_store_point_put(s, &p, NULL), -EEXIST);
    ck_assert_int_eq(stats().pending, 4);
}
END_TEST

START_TEST(points_come_in_the_order_of_time)
{
    put("B", 600);
    put("A", 900);
    put("C", 0);
    put("A", 300);
    struct f2m_point_query q = {.endpoint = F2M_TELEMETRY_OFF, .order = F2M_POINTS_NEWEST};
    ck_assert_str_eq(fixture_waiting(s), "C@0 A@300 B@600 A@900");
    ck_assert_str_eq(fixture_list(s, &q), "A@900 B@600 A@300 C@0");
    ck_assert_int_eq(stats().oldest_start_ms, 0);
}
END_TEST

START_TEST(a_query_selects)
{
    put("A", 300);
    put("B", 600);
    put("A", 900);
    struct f2m_point_query device = {.endpoint = F2M_TELEMETRY_OFF, .device_id = "A"};
    ck_assert_str_eq(fixture_list(s, &device), "A@300 A@900");
    struct f2m_point_query nobody = {.endpoint = F2M_TELEMETRY_OFF, .device_id = "Z"};
    ck_assert_str_eq(fixture_list(s, &nobody), "");
    struct f2m_point_query since = {.endpoint = F2M_TELEMETRY_INTERVAL, .closed_since_ms = 900000};
    ck_assert_str_eq(fixture_list(s, &since), "B@600 A@900");
    since.closed_since_ms = 900001;
    since.order = F2M_POINTS_NEWEST;
    ck_assert_str_eq(fixture_list(s, &since), "A@900");
    struct f2m_point_query counter = {.endpoint = F2M_TELEMETRY_COUNTER};
    ck_assert_str_eq(fixture_list(s, &counter), "");
}
END_TEST

static bool only_one(void *ctx, const struct f2m_point *p)
{
    (void)p;
    return ++*(int *)ctx < 1;
}

START_TEST(closed_since_finds_a_point_that_lasted_long)
{
    struct f2m_point p = {.device_id = "A", .start_ms = 1000, .body = f2m_slice_of("{}"), .closed_ms = 86400000};
    ck_assert_int_eq(f2m_store_point_put(s, &p, NULL), 0);
    put("B", 86100);
    struct f2m_point_query since = {.endpoint = F2M_TELEMETRY_OFF, .closed_since_ms = 86400000};
    int n = 0;
    ck_assert_int_eq(f2m_store_points_each(s, &since, only_one, &n), 0);
    ck_assert_int_eq(n, 1);
}
END_TEST

START_TEST(a_visitor_stops_the_walk)
{
    put("A", 300);
    put("A", 600);
    struct f2m_point_query q = {.endpoint = F2M_TELEMETRY_OFF};
    int n = 0;
    ck_assert_int_eq(f2m_store_points_each(s, &q, only_one, &n), 0);
    ck_assert_int_eq(n, 1);
    put("A", 900); /* the walk is over: changes are possible */
    fixture_commit(s);
}
END_TEST

START_TEST(deleting_forgets_waiting_and_rejected_points_and_ignores_others)
{
    int64_t ids[4] = {0, -1, 0, 12345};
    ck_assert_int_eq(fixture_put(s, "A", 300000, &ids[0]), 0);
    ck_assert_int_eq(fixture_put(s, "A", 600000, &ids[2]), 0);
    fixture_record(s, F2M_STORE_DEVICE, "A", "baseline", 1);
    ck_assert_int_eq(f2m_store_point_reject(s, ids[2], "no"), 0);
    put("A", 900);
    ck_assert_int_eq(f2m_store_points_delete(s, ids, 4), 0);
    ck_assert_int_eq(f2m_store_points_delete(s, ids, 4), 0);
    ck_assert_int_eq(f2m_store_points_delete(s, NULL, 0), 0);
    ck_assert_str_eq(fixture_waiting(s), "A@900");
    ck_assert_str_eq(fixture_rejected(s), "");
    ck_assert_str_eq(fixture_records(s, F2M_STORE_DEVICE), "A=baseline");
    ck_assert_int_eq(stats().pending, 1);
    ck_assert_int_eq(stats().rejected, 0);
}
END_TEST

START_TEST(a_rejected_point_is_kept_with_the_latest_message)
{
    int64_t a, b;
    ck_assert_int_eq(fixture_put(s, "A", 300000, &a), 0);
    ck_assert_int_eq(fixture_put(s, "B", 300000, &b), 0);
    ck_assert_int_eq(f2m_store_point_reject(s, a, "first"), 0);
    ck_assert_int_eq(f2m_store_point_reject(s, a, "second"), 0);
    ck_assert_int_eq(f2m_store_point_reject(s, 99, "unknown"), 0);
    fixture_commit(s);
    ck_assert_str_eq(fixture_waiting(s), "B@300");
    ck_assert_str_eq(fixture_rejected(s), "A@300:second");
    ck_assert_int_eq(stats().pending, 1);
    ck_assert_int_eq(stats().rejected, 1);
}
END_TEST

static void reject_two(void)
{
    int64_t a, b;
    ck_assert_int_eq(fixture_put(s, "A", 300000, &a), 0);
    ck_assert_int_eq(fixture_put(s, "B", 300000, &b), 0);
    ck_assert_int_eq(f2m_store_point_reject(s, a, "no"), 0);
    ck_assert_int_eq(f2m_store_point_reject(s, b, NULL), 0);
}

START_TEST(rejected_points_wait_again)
{
    int64_t n = -1;
    reject_two();
    ck_assert_str_eq(fixture_rejected(s), "A@300:no B@300:");
    ck_assert_int_eq(f2m_store_points_retry(s, "Z", &n), 0);
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(f2m_store_points_retry(s, "B", &n), 0);
    ck_assert_int_eq(n, 1);
    ck_assert_str_eq(fixture_waiting(s), "B@300");
    ck_assert_int_eq(f2m_store_points_retry(s, NULL, &n), 0);
    ck_assert_int_eq(n, 1);
    ck_assert_str_eq(fixture_waiting(s), "A@300 B@300");
    ck_assert_int_eq(stats().rejected, 0);
}
END_TEST

START_TEST(rejected_points_are_dropped)
{
    int64_t n = -1;
    reject_two();
    put("C", 600);
    ck_assert_int_eq(f2m_store_points_drop(s, "A", &n), 0);
    ck_assert_int_eq(n, 1);
    ck_assert_str_eq(fixture_rejected(s), "B@300:");
    ck_assert_int_eq(f2m_store_points_drop(s, NULL, &n), 0);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(f2m_store_points_drop(s, NULL, &n), 0);
    ck_assert_int_eq(n, 0);
    ck_assert_str_eq(fixture_waiting(s), "C@600");
}
END_TEST

START_TEST(trimming_by_age_takes_what_was_closed_before)
{
    int64_t id, dropped = -1;
    ck_assert_int_eq(fixture_put(s, "A", 0, &id), 0);
    ck_assert_int_eq(f2m_store_point_reject(s, id, "no"), 0);
    put("A", 300);
    put("A", 600);
    ck_assert_int_eq(f2m_store_outbox_trim(s, 300000, INT64_MAX, &dropped), 0);
    ck_assert_int_eq(dropped, 0);
    ck_assert_int_eq(f2m_store_outbox_trim(s, 300001, INT64_MAX, &dropped), 0);
    ck_assert_int_eq(dropped, 1);
    ck_assert_str_eq(fixture_rejected(s), "");
    ck_assert_int_eq(f2m_store_outbox_trim(s, 900000, INT64_MAX, &dropped), 0);
    ck_assert_int_eq(dropped, 1);
    ck_assert_str_eq(fixture_waiting(s), "A@600");
    ck_assert_int_eq(f2m_store_outbox_trim(s, INT64_MAX, INT64_MAX, &dropped), 0);
    ck_assert_int_eq(dropped, 1);
    ck_assert_int_eq(stats().pending, 0);
}
END_TEST

START_TEST(trimming_by_size_takes_rejected_ones_first_then_the_oldest)
{
    int64_t id, dropped = -1;
    for (int i = 0; i < 1000; i++)
        put("A", i * 300);
    ck_assert_int_eq(fixture_put(s, "Z", 5000000, &id), 0);
    ck_assert_int_eq(f2m_store_point_reject(s, id, "no"), 0);
    fixture_commit(s);
    int64_t before = stats().bytes;
    ck_assert_int_eq(f2m_store_outbox_trim(s, 0, before, &dropped), 0);
    ck_assert_int_eq(dropped, 0);
    ck_assert_int_eq(f2m_store_outbox_trim(s, 0, before / 2, &dropped), 0);
    fixture_commit(s);
    ck_assert_int_le(stats().bytes, before / 2);
    ck_assert_int_gt(dropped, 400);
    ck_assert_int_lt(dropped, 700);
    ck_assert_int_eq(stats().rejected, 0);
    ck_assert_int_eq(stats().pending, 1001 - dropped);
    ck_assert_int_eq(stats().oldest_start_ms, (dropped - 1) * 300000);
    ck_assert_int_eq(f2m_store_outbox_trim(s, 0, 1, &dropped), 0); /* smaller than an empty one: ends */
    ck_assert_int_eq(stats().pending, 64);
    ck_assert_int_eq(stats().oldest_start_ms, 936 * 300000);
}
END_TEST

START_TEST(a_record_is_put_replaced_and_deleted)
{
    f2m_autostrbuf value;
    f2m_strbuf_init(&value, 0);
    for (int c = 0; c < F2M_STORE_COLLECTIONS; c++) {
        enum f2m_collection in = (enum f2m_collection)c;
        f2m_strbuf_reset(&value);
        ck_assert_int_eq(f2m_store_record_get(s, in, "k", &value), -ENOENT);
        ck_assert_int_eq(f2m_store_record_delete(s, in, "k"), 0);
        fixture_record(s, in, "k", "one", 1);
        fixture_record(s, in, "k", "two", 2);
        fixture_record(s, in, "a", "", 3);
        f2m_strbuf_adds(&value, ">");
        ck_assert_int_eq(f2m_store_record_get(s, in, "k", &value), 0);
        ck_assert_str_eq(value.data, ">two");
        ck_assert_str_eq(fixture_records(s, in), "a= k=two");
        ck_assert_int_eq(f2m_store_record_delete(s, in, "k"), 0);
        ck_assert_str_eq(fixture_records(s, in), "a=");
    }
}
END_TEST

START_TEST(a_value_holds_any_bytes)
{
    f2m_autostrbuf value;
    f2m_strbuf_init(&value, 0);
    ck_assert_int_eq(f2m_store_record_put(s, F2M_STORE_META, "k", (struct f2m_slice){"a\0\x01z", 4}, 1), 0);
    ck_assert_int_eq(f2m_store_record_get(s, F2M_STORE_META, "k", &value), 0);
    ck_assert_uint_eq(value.len, 4);
    ck_assert_int_eq(memcmp(value.data, "a\0\x01z", 4), 0);
}
END_TEST

START_TEST(records_are_trimmed_by_age_and_number)
{
    static const enum f2m_collection both[] = {F2M_STORE_META, F2M_STORE_WEBHOOK};
    for (int i = 0; i < 2; i++) {
        fixture_record(s, both[i], "a", "4", 4);
        fixture_record(s, both[i], "b", "1", 1);
        fixture_record(s, both[i], "c", "3", 3);
        fixture_record(s, both[i], "d", "2", 2);
        fixture_record(s, F2M_STORE_OBJECT, "x", "0", 0);
        ck_assert_int_eq(f2m_store_records_trim(s, both[i], 1, 0), 0);
        ck_assert_str_eq(fixture_records(s, both[i]), "a=4 b=1 c=3 d=2");
        ck_assert_int_eq(f2m_store_records_trim(s, both[i], 2, 0), 0);
        ck_assert_str_eq(fixture_records(s, both[i]), "a=4 c=3 d=2");
        ck_assert_int_eq(f2m_store_records_trim(s, both[i], 0, 2), 0);
        ck_assert_str_eq(fixture_records(s, both[i]), "a=4 c=3");
        ck_assert_str_eq(fixture_records(s, F2M_STORE_OBJECT), "x=0");
    }
}
END_TEST

START_TEST(nothing_changes_what_is_undone)
{
    int64_t id;
    ck_assert_int_eq(fixture_put(s, "A", 300000, &id), 0);
    fixture_record(s, F2M_STORE_DEVICE, "A", "old", 1);
    fixture_record(s, F2M_STORE_COMMAND, "c", "old", 1);
    fixture_commit(s);
    fixture_commit(s); /* nothing changed: nothing to do */
    put("A", 600);
    fixture_record(s, F2M_STORE_DEVICE, "A", "new", 2);
    fixture_record(s, F2M_STORE_COMMAND, "c", "new", 2);
    ck_assert_int_eq(f2m_store_points_delete(s, &id, 1), 0);
    f2m_store_undo(s);
    ck_assert_str_eq(fixture_waiting(s), "A@300");
    ck_assert_str_eq(fixture_records(s, F2M_STORE_DEVICE), "A=old");
    ck_assert_str_eq(fixture_records(s, F2M_STORE_COMMAND), "c=old");
    ck_assert_int_eq(stats().pending, 1);
    put("A", 900); /* and goes on */
    fixture_commit(s);
    ck_assert_str_eq(fixture_waiting(s), "A@300 A@900");
}
END_TEST

START_TEST(a_point_out_of_range_is_refused_alone)
{
    struct f2m_point p = {.device_id = "A", .start_ms = -1};
    ck_assert_int_eq(f2m_store_point_put(s, &p, NULL), -EIO);
    p.start_ms = INT64_MAX;
    ck_assert_int_eq(f2m_store_point_put(s, &p, NULL), -EIO);
    p.start_ms = 1;
    p.endpoint = F2M_TELEMETRY_OFF;
    ck_assert_int_eq(f2m_store_point_put(s, &p, NULL), -EIO);
    put("A", 300);
    fixture_commit(s);
    ck_assert_str_eq(fixture_waiting(s), "A@300");
}
END_TEST

static TCase *tests_of(const char *name, void (*open)(void))
{
    TCase *t = tcase_create(name);
    tcase_add_checked_fixture(t, open, teardown);
    tcase_add_test(t, any_text_is_a_body);
    tcase_add_test(t, an_existing_key_is_never_written_again);
    tcase_add_test(t, a_rejected_key_is_taken_too);
    tcase_add_test(t, the_key_is_device_and_start_and_endpoint);
    tcase_add_test(t, points_come_in_the_order_of_time);
    tcase_add_test(t, a_query_selects);
    tcase_add_test(t, closed_since_finds_a_point_that_lasted_long);
    tcase_add_test(t, a_visitor_stops_the_walk);
    tcase_add_test(t, deleting_forgets_waiting_and_rejected_points_and_ignores_others);
    tcase_add_test(t, a_rejected_point_is_kept_with_the_latest_message);
    tcase_add_test(t, rejected_points_wait_again);
    tcase_add_test(t, rejected_points_are_dropped);
    tcase_add_test(t, trimming_by_age_takes_what_was_closed_before);
    tcase_add_test(t, trimming_by_size_takes_rejected_ones_first_then_the_oldest);
    tcase_add_test(t, a_record_is_put_replaced_and_deleted);
    tcase_add_test(t, a_value_holds_any_bytes);
    tcase_add_test(t, records_are_trimmed_by_age_and_number);
    tcase_add_test(t, nothing_changes_what_is_undone);
    tcase_add_test(t, a_point_out_of_range_is_refused_alone);
    return t;
}

int main(void)
{
    Suite *suite = suite_create("store operations");
    suite_add_tcase(suite, tests_of("in memory", setup));
    suite_add_tcase(suite, tests_of("in a file", setup_file));
    return fixture_main(suite);
}
