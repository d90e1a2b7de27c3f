/* A message goes to control when its topic begins with the bridge's prefix or is one of the named topics and filters;
 * and what waits for the broker's answer is found again by message id, within its bounds. */
#include "mqtt/pending.h"
#include "mqtt/sorter.h"
#include "util/limits.h"

#include <check.h>
#include <stdlib.h>

START_TEST(topics_are_sorted)
{
    static const char *const filters[] = {"homeassistant/status", "house/+/veto", "z/last", "a/first"};
    static const struct {
        const char *topic;
        enum f2m_inbox_lane lane;
    } table[] = {
        {"flip2mqtt/device/x/pause/set", F2M_INBOX_CONTROL},
        {"flip2mqttx/device", F2M_INBOX_TELEMETRY},
        {"flip2mqtt", F2M_INBOX_TELEMETRY},
        {"homeassistant/status", F2M_INBOX_CONTROL},
        {"homeassistant/status/x", F2M_INBOX_TELEMETRY},
        {"house/1/veto", F2M_INBOX_CONTROL},
        {"house/1/power", F2M_INBOX_TELEMETRY},
        {"z/last", F2M_INBOX_CONTROL},
        {"a/first", F2M_INBOX_CONTROL},
        {"m/middle", F2M_INBOX_TELEMETRY},
    };
    struct f2m_sorter sorter;
    f2m_sorter_init(&sorter, "flip2mqtt/", filters, 4);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        ck_assert_msg(f2m_sorter_lane(&sorter, table[i].topic) == table[i].lane, "%s", table[i].topic);
    f2m_sorter_deinit(&sorter);
    f2m_sorter_deinit(&sorter);
    ck_assert_int_eq(f2m_sorter_lane(&sorter, "flip2mqtt/x"), F2M_INBOX_TELEMETRY);
}
END_TEST

START_TEST(acknowledgements_find_their_tag)
{
    struct f2m_pending p = {0};
    f2m_pending_add(&p, 1, 0);
    for (int mid = 2; mid < 100; mid++)
        f2m_pending_add(&p, mid, (uint64_t)mid * 1000);
    ck_assert_uint_eq(p.unacked, 99);
    ck_assert_uint_eq(f2m_pending_ack(&p, 50), 50000);
    ck_assert_uint_eq(f2m_pending_ack(&p, 1), 0);
    ck_assert_uint_eq(f2m_pending_ack(&p, 99), 99000);
    ck_assert_uint_eq(p.unacked, 96);
    f2m_pending_reset(&p);
    ck_assert_uint_eq(p.unacked, 0);
    ck_assert_uint_eq(f2m_pending_ack(&p, 2), 0); /* of a connection that is gone */
    ck_assert_uint_eq(p.unacked, 0);
    f2m_pending_deinit(&p);
}
END_TEST

START_TEST(both_tables_are_bounded)
{
    struct f2m_pending p = {0};
    for (int mid = 1; mid <= F2M_MAX_UNACKED_PUBLISHES; mid++) {
        ck_assert(!f2m_pending_full(&p));
        f2m_pending_add(&p, mid, 0);
    }
    ck_assert(f2m_pending_full(&p));
    for (int mid = 1; mid <= F2M_MAX_PENDING_SUBSCRIPTIONS; mid++) {
        ck_assert(!f2m_pending_filters_full(&p));
        f2m_pending_add_filter(&p, mid, "a");
    }
    ck_assert(f2m_pending_filters_full(&p));
    f2m_pending_deinit(&p);
}
END_TEST

START_TEST(subscriptions_are_found_in_any_order)
{
    struct f2m_pending p = {0};
    f2m_pending_add_filter(&p, 7, "seven");
    f2m_pending_add_filter(&p, 8, "eight");
    f2m_pending_add_filter(&p, 9, "nine");
    static const struct {
        int mid;
        const char *filter;
    } order[] = {{8, "eight"}, {7, "seven"}, {9, "nine"}};
    for (size_t i = 0; i < 3; i++) {
        char *filter = f2m_pending_take_filter(&p, order[i].mid);
        ck_assert_str_eq(filter, order[i].filter);
        free(filter);
    }
    ck_assert_ptr_null(f2m_pending_take_filter(&p, 8));
    f2m_pending_add_filter(&p, 10, "ten");
    f2m_pending_deinit(&p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sorter");
    TCase *tcase = tcase_create("sorter");
    tcase_add_test(tcase, topics_are_sorted);
    tcase_add_test(tcase, acknowledgements_find_their_tag);
    tcase_add_test(tcase, both_tables_are_bounded);
    tcase_add_test(tcase, subscriptions_are_found_in_any_order);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
