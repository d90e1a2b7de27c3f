/* The failing store of the tests fails exactly where it was told to, and as the real one would. */
#include "fixture.h"
#include "support/fault_store.h"

#include <errno.h>

static struct f2m_store *s;

static void setup(void)
{
    fixture_setup();
    s = f2m_fault_store_new(f2m_store_open_memory());
}

static void teardown(void)
{
    f2m_store_free(s);
    fixture_teardown();
}

START_TEST(without_a_plan_it_is_the_inner_store)
{
    int64_t id, n;
    struct f2m_outbox_stats stats;
    f2m_autostrbuf value;
    f2m_strbuf_init(&value, 0);
    ck_assert_int_eq(fixture_put(s, "A", 300000, &id), 0);
    ck_assert_int_eq(f2m_store_point_reject(s, id, "no"), 0);
    ck_assert_int_eq(f2m_store_points_retry(s, NULL, &n), 0);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(f2m_store_points_drop(s, NULL, &n), 0);
    fixture_record(s, F2M_STORE_META, "k", "v", 1);
    ck_assert_int_eq(f2m_store_record_get(s, F2M_STORE_META, "k", &value), 0);
    ck_assert_int_eq(f2m_store_records_trim(s, F2M_STORE_META, 1, 1), 0);
    ck_assert_int_eq(f2m_store_record_delete(s, F2M_STORE_META, "k"), 0);
    ck_assert_int_eq(f2m_store_outbox_trim(s, 1, 0, &n), 0);
    fixture_commit(s);
    ck_assert_str_eq(fixture_waiting(s), "A@300");
    ck_assert_str_eq(fixture_records(s, F2M_STORE_META), "");
    ck_assert_int_eq(f2m_store_points_delete(s, &id, 1), 0);
    ck_assert_int_eq(f2m_store_outbox_stats(s, &stats), 0);
    ck_assert_int_eq(stats.pending, 0);
    for (int call = 0; call < F2M_FAULT_CALLS; call++)
        ck_assert_int_eq(f2m_fault_store_calls(s, (enum f2m_fault_call)call), 1);
    ck_assert_int_eq(f2m_fault_store_calls(s, F2M_FAULT_ANY), F2M_FAULT_CALLS);
}
END_TEST

START_TEST(the_nth_call_fails_once)
{
    f2m_fault_store_fail(s, F2M_FAULT_POINTS_EACH, 2, -EIO, false);
    struct f2m_point_query q = {.endpoint = F2M_TELEMETRY_OFF};
    ck_assert_int_eq(f2m_store_points_each(s, &q, NULL, NULL), 0);
    ck_assert_int_eq(fixture_put(s, "A", 300000, NULL), 0);
    ck_assert_int_eq(f2m_store_points_each(s, &q, NULL, NULL), -EIO);
    ck_assert_str_eq(fixture_waiting(s), "A@300");
    fixture_commit(s);
}
END_TEST

START_TEST(a_lasting_fault_ends_when_healed)
{
    f2m_fault_store_fail(s, F2M_FAULT_ANY, 1, -ENOSPC, true);
    ck_assert_int_eq(fixture_put(s, "A", 300000, NULL), -ENOSPC);
    ck_assert_int_eq(f2m_store_commit(s), -ENOSPC);
    ck_assert_int_eq(fixture_put(s, "A", 300000, NULL), -ENOSPC);
    f2m_fault_store_heal(s);
    ck_assert_int_eq(f2m_store_commit(s), -ENOSPC); /* the change before it had failed */
    ck_assert_int_eq(fixture_put(s, "A", 300000, NULL), 0);
    fixture_commit(s);
}
END_TEST

START_TEST(a_failed_change_poisons_its_transaction)
{
    ck_assert_int_eq(fixture_put(s, "A", 300000, NULL), 0);
    f2m_fault_store_fail(s, F2M_FAULT_RECORD_PUT, 1, -EIO, false);
    ck_assert_int_eq(f2m_store_record_put(s, F2M_STORE_META, "k", f2m_slice_of("v"), 1), -EIO);
    ck_assert_int_eq(fixture_put(s, "A", 600000, NULL), -EIO);
    ck_assert_int_eq(f2m_store_commit(s), -EIO);
    ck_assert_str_eq(fixture_waiting(s), "");
    ck_assert_int_eq(fixture_put(s, "A", 600000, NULL), 0);
    fixture_commit(s);
    ck_assert_str_eq(fixture_waiting(s), "A@600");
}
END_TEST

START_TEST(a_failed_commit_undoes_everything)
{
    ck_assert_int_eq(fixture_put(s, "A", 300000, NULL), 0);
    f2m_fault_store_fail(s, F2M_FAULT_COMMIT, 1, -EIO, false);
    ck_assert_int_eq(f2m_store_commit(s), -EIO);
    ck_assert_str_eq(fixture_waiting(s), "");
    ck_assert_int_eq(f2m_store_commit(s), 0);
}
END_TEST

START_TEST(on_a_full_disk_only_new_points_are_refused)
{
    int64_t id;
    ck_assert_int_eq(fixture_put(s, "A", 300000, &id), 0);
    fixture_commit(s);
    f2m_fault_store_disk_full(s, true);
    ck_assert_int_eq(fixture_put(s, "A", 600000, NULL), -ENOSPC);
    ck_assert_int_eq(f2m_store_points_delete(s, &id, 1), 0);
    fixture_commit(s);
    ck_assert_str_eq(fixture_waiting(s), "");
    f2m_fault_store_disk_full(s, false);
    ck_assert_int_eq(fixture_put(s, "A", 600000, NULL), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fault store");
    TCase *t = tcase_create("faults");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, without_a_plan_it_is_the_inner_store);
    tcase_add_test(t, the_nth_call_fails_once);
    tcase_add_test(t, a_lasting_fault_ends_when_healed);
    tcase_add_test(t, a_failed_change_poisons_its_transaction);
    tcase_add_test(t, a_failed_commit_undoes_everything);
    tcase_add_test(t, on_a_full_disk_only_new_points_are_refused);
    suite_add_tcase(suite, t);
    return fixture_main(suite);
}
