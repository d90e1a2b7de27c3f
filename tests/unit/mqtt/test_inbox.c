/* The inbox carries every event whole and in order, lets control overtake, drops only the oldest telemetry, and makes
 * the writer of control wait instead of losing anything. */
#include "mqtt/inbox.h"

#include "mqtt/lane.h"
#include "util/xalloc.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every allocation of the room goes through here (linked with --wrap). */
void *__real_f2m_xmalloc(size_t size);
void *__wrap_f2m_xmalloc(size_t size);
static atomic_int allocations;
void *__wrap_f2m_xmalloc(size_t size)
{
    allocations++;
    return __real_f2m_xmalloc(size);
}

static void push_text(struct f2m_inbox *inbox, enum f2m_inbox_lane lane, const char *topic, const char *payload)
{
    struct f2m_event event = {.type = F2M_EV_MQTT_MESSAGE,
                              .message = {.topic = f2m_slice_of(topic), .payload = f2m_slice_of(payload)}};
    f2m_inbox_push(inbox, lane, &event);
}

static bool readable(struct f2m_inbox *inbox, int timeout_ms)
{
    struct pollfd fd = {.fd = f2m_inbox_fd(inbox), .events = POLLIN};
    return poll(&fd, 1, timeout_ms) == 1;
}

static const char *pop_topic(struct f2m_inbox *inbox)
{
    static struct f2m_event event;
    if (!f2m_inbox_pop(inbox, &event))
        return NULL;
    ck_assert_int_eq(event.type, F2M_EV_MQTT_MESSAGE);
    return event.message.topic.at;
}

START_TEST(every_event_comes_out_as_it_went_in)
{
    struct f2m_inbox *inbox = f2m_inbox_new(NULL);
    struct f2m_event event;
    struct f2m_event message = {.type = F2M_EV_MQTT_MESSAGE,
                                .message = {.topic = f2m_slice_of("a/b"),
                                            .payload = {"x\0y", 3},
                                            .retain = true,
                                            .response_topic = f2m_slice_of("re/ply"),
                                            .correlation = {"\0\1", 2}}};
    struct f2m_event down = {.type = F2M_EV_MQTT_DOWN, .down = {0x87, "not authorised"}};
    struct f2m_event subscribed = {.type = F2M_EV_MQTT_SUBSCRIBED, .subscribed = {"t/#", 0x80}};
    struct f2m_event published = {.type = F2M_EV_MQTT_PUBLISHED, .published = {UINT64_MAX, 0x10}};

    f2m_inbox_push(inbox, F2M_INBOX_CONTROL, &(struct f2m_event){.type = F2M_EV_MQTT_UP});
    f2m_inbox_push(inbox, F2M_INBOX_CONTROL, &message);
    f2m_inbox_push(inbox, F2M_INBOX_CONTROL, &subscribed);
    f2m_inbox_push(inbox, F2M_INBOX_CONTROL, &published);
    f2m_inbox_push(inbox, F2M_INBOX_CONTROL, &down);

    ck_assert_uint_eq(f2m_inbox_ups(inbox), 0);
    ck_assert(f2m_inbox_pop(inbox, &event));
    ck_assert_int_eq(event.type, F2M_EV_MQTT_UP);
    ck_assert_uint_eq(f2m_inbox_ups(inbox), 1);
    ck_assert(f2m_inbox_pop(inbox, &event));
    ck_assert_int_eq(event.type, F2M_EV_MQTT_MESSAGE);
    ck_assert_str_eq(event.message.topic.at, "a/b");
    ck_assert_uint_eq(event.message.topic.len, 3);
    ck_assert_uint_eq(event.message.payload.len, 3);
    ck_assert_mem_eq(event.message.payload.at, "x\0y", 3);
    ck_assert(event.message.retain);
    ck_assert_str_eq(event.message.response_topic.at, "re/ply");
    ck_assert_uint_eq(event.message.correlation.len, 2);
    ck_assert_mem_eq(event.message.correlation.at, "\0\1", 2);
    ck_assert(f2m_inbox_pop(inbox, &event));
    ck_assert_int_eq(event.type, F2M_EV_MQTT_SUBSCRIBED);
    ck_assert_str_eq(event.subscribed.filter, "t/#");
    ck_assert_int_eq(event.subscribed.reason, 0x80);
    ck_assert(f2m_inbox_pop(inbox, &event));
    ck_assert_int_eq(event.type, F2M_EV_MQTT_PUBLISHED);
    ck_assert(event.published.tag == UINT64_MAX && event.published.reason == 0x10);
    ck_assert(f2m_inbox_pop(inbox, &event));
    ck_assert_int_eq(event.type, F2M_EV_MQTT_DOWN);
    ck_assert_str_eq(event.down.text, "not authorised");
    ck_assert_int_eq(event.down.reason, 0x87);
    ck_assert(!f2m_inbox_pop(inbox, &event));
    f2m_inbox_free(inbox);
}
END_TEST

START_TEST(an_absent_correlation_differs_from_an_empty_one)
{
    struct f2m_inbox *inbox = f2m_inbox_new(NULL);
    struct f2m_event event = {.type = F2M_EV_MQTT_MESSAGE,
                              .message = {.topic = f2m_slice_of("a"), .payload = {"", 0}, .correlation = {"", 0}}};
    f2m_inbox_push(inbox, F2M_INBOX_CONTROL, &event);
    ck_assert(f2m_inbox_pop(inbox, &event));
    ck_assert_ptr_nonnull(event.message.correlation.at);
    ck_assert_ptr_null(event.message.response_topic.at);
    ck_assert_ptr_nonnull(event.message.payload.at);
    ck_assert_uint_eq(event.message.payload.len, 0);
    f2m_inbox_free(inbox);
}
END_TEST

START_TEST(control_overtakes_telemetry_even_in_the_readers_hand)
{
    struct f2m_inbox *inbox = f2m_inbox_new(NULL);
    push_text(inbox, F2M_INBOX_TELEMETRY, "t1", "");
    push_text(inbox, F2M_INBOX_TELEMETRY, "t2", "");
    push_text(inbox, F2M_INBOX_CONTROL, "c1", "");
    ck_assert_str_eq(pop_topic(inbox), "c1");
    ck_assert_str_eq(pop_topic(inbox), "t1");
    push_text(inbox, F2M_INBOX_CONTROL, "c2", "");
    ck_assert_str_eq(pop_topic(inbox), "c2");
    ck_assert_str_eq(pop_topic(inbox), "t2");
    ck_assert_ptr_null(pop_topic(inbox));
    f2m_inbox_free(inbox);
}
END_TEST

START_TEST(the_oldest_telemetry_goes_when_there_are_too_many_messages)
{
    struct f2m_inbox *inbox = f2m_inbox_new(&(struct f2m_inbox_options){.telemetry = 3});
    const char *topics[] = {"1", "2", "3", "4", "5"};
    for (size_t i = 0; i < 5; i++)
        push_text(inbox, F2M_INBOX_TELEMETRY, topics[i], "");
    ck_assert_uint_eq(f2m_inbox_dropped(inbox), 2);
    ck_assert_str_eq(pop_topic(inbox), "3");
    ck_assert_str_eq(pop_topic(inbox), "4");
    ck_assert_str_eq(pop_topic(inbox), "5");
    ck_assert_ptr_null(pop_topic(inbox));
    f2m_inbox_free(inbox);
}
END_TEST

START_TEST(the_oldest_telemetry_goes_when_there_are_too_many_bytes)
{
    struct f2m_inbox *inbox = f2m_inbox_new(&(struct f2m_inbox_options){.bytes = 300000});
    char *payload = f2m_xmalloc(100001);
    memset(payload, 'x', 100000);
    payload[100000] = '\0';
    const char *topics[] = {"1", "2", "3", "4"};
    for (size_t i = 0; i < 4; i++)
        push_text(inbox, F2M_INBOX_TELEMETRY, topics[i], payload);
    ck_assert_uint_eq(f2m_inbox_dropped(inbox), 2);
    ck_assert_str_eq(pop_topic(inbox), "3");
    ck_assert_str_eq(pop_topic(inbox), "4");
    /* One that is larger than the bound by itself still gets through an empty lane. */
    struct f2m_inbox *tiny = f2m_inbox_new(&(struct f2m_inbox_options){.bytes = 10});
    push_text(tiny, F2M_INBOX_TELEMETRY, "big", payload);
    ck_assert_str_eq(pop_topic(tiny), "big");
    free(payload);
    f2m_inbox_free(tiny);
    f2m_inbox_free(inbox);
}
END_TEST

START_TEST(the_fd_wakes_at_once_for_control_and_soon_for_telemetry)
{
    struct f2m_inbox *inbox = f2m_inbox_new(NULL);
    ck_assert(!readable(inbox, 0));
    push_text(inbox, F2M_INBOX_TELEMETRY, "t", "");
    ck_assert(readable(inbox, 2000));
    ck_assert_str_eq(pop_topic(inbox), "t");
    ck_assert_ptr_null(pop_topic(inbox));
    ck_assert(!readable(inbox, 20)); /* quiet again */
    push_text(inbox, F2M_INBOX_CONTROL, "c", "");
    ck_assert(readable(inbox, 2000));
    push_text(inbox, F2M_INBOX_TELEMETRY, "t", "");
    ck_assert(readable(inbox, 0)); /* telemetry does not put the wake-up off */
    ck_assert_str_eq(pop_topic(inbox), "c");
    ck_assert_str_eq(pop_topic(inbox), "t");
    ck_assert_ptr_null(pop_topic(inbox));
    ck_assert(!readable(inbox, 20));
    f2m_inbox_free(inbox);
}
END_TEST

#define MANY 20000

static void *write_control(void *inbox)
{
    for (int i = 0; i < MANY; i++) {
        struct f2m_event event = {.type = F2M_EV_MQTT_PUBLISHED, .published = {(uint64_t)i + 1, 0}};
        f2m_inbox_push(inbox, F2M_INBOX_CONTROL, &event);
    }
    return NULL;
}

START_TEST(a_full_control_lane_makes_the_writer_wait_and_loses_nothing)
{
    struct f2m_inbox *inbox = f2m_inbox_new(&(struct f2m_inbox_options){.control = 10});
    pthread_t writer;
    pthread_create(&writer, NULL, write_control, inbox);
    uint64_t seen = 0;
    struct f2m_event event;
    while (seen < MANY) {
        ck_assert(readable(inbox, 5000));
        while (f2m_inbox_pop(inbox, &event))
            ck_assert_uint_eq(event.published.tag, ++seen);
    }
    pthread_join(writer, NULL);
    ck_assert_uint_eq(f2m_inbox_dropped(inbox), 0);
    f2m_inbox_free(inbox);
}
END_TEST

START_TEST(a_closed_inbox_lets_the_waiting_writer_go)
{
    struct f2m_inbox *inbox = f2m_inbox_new(&(struct f2m_inbox_options){.control = 10});
    pthread_t writer;
    pthread_create(&writer, NULL, write_control, inbox);
    ck_assert(readable(inbox, 5000));
    f2m_inbox_close(inbox);
    pthread_join(writer, NULL); /* hangs for ever if it still waits */
    struct f2m_event event;
    int left = 0;
    while (f2m_inbox_pop(inbox, &event))
        left++;
    ck_assert_int_ge(left, 1);
    ck_assert_int_le(left, 10);
    push_text(inbox, F2M_INBOX_TELEMETRY, "late", "");
    ck_assert_ptr_null(pop_topic(inbox));
    ck_assert(!f2m_inbox_push_own(inbox, &event));
    f2m_inbox_free(inbox);
}
END_TEST

START_TEST(the_reader_has_a_reserve_of_its_own)
{
    struct f2m_inbox *inbox = f2m_inbox_new(&(struct f2m_inbox_options){.control = 2});
    struct f2m_event event = {.type = F2M_EV_MQTT_PUBLISHED, .published = {1, 0x97}};
    f2m_inbox_push(inbox, F2M_INBOX_CONTROL, &event);
    f2m_inbox_push(inbox, F2M_INBOX_CONTROL, &event); /* full for the other thread */
    ck_assert(f2m_inbox_push_own(inbox, &event));
    ck_assert(f2m_inbox_push_own(inbox, &event));
    ck_assert(!f2m_inbox_push_own(inbox, &event));
    int n = 0;
    while (f2m_inbox_pop(inbox, &event))
        n++;
    ck_assert_int_eq(n, 4);
    ck_assert(f2m_inbox_push_own(inbox, &event)); /* given back by the reading */
    f2m_inbox_free(inbox);
}
END_TEST

static void *write_both(void *inbox)
{
    char payload[200];
    for (int i = 0; i < MANY; i++) {
        snprintf(payload, sizeof payload, "%d%*s", i, i % 150, "");
        push_text(inbox, F2M_INBOX_TELEMETRY, "t", payload);
        if (i % 10 == 0) {
            snprintf(payload, sizeof payload, "%d", i / 10);
            push_text(inbox, F2M_INBOX_CONTROL, "c", payload);
        }
    }
    f2m_inbox_push(inbox, F2M_INBOX_CONTROL, &(struct f2m_event){.type = F2M_EV_MQTT_DOWN, .down.text = "end"});
    return NULL;
}

START_TEST(two_threads_lose_nothing_but_counted_telemetry)
{
    struct f2m_inbox *inbox = f2m_inbox_new(&(struct f2m_inbox_options){.telemetry = 300, .control = 30});
    pthread_t writer;
    pthread_create(&writer, NULL, write_both, inbox);
    struct f2m_event event;
    long last_telemetry = -1, control = 0, telemetry = 0;
    bool ended = false;
    while (!ended || f2m_inbox_pop(inbox, &event)) {
        if (!ended && !f2m_inbox_pop(inbox, &event)) {
            ck_assert(readable(inbox, 5000));
            continue;
        }
        if (event.type == F2M_EV_MQTT_DOWN) {
            ended = true;
            continue;
        }
        long number = strtol(event.message.payload.at, NULL, 10);
        if (event.message.topic.at[0] == 'c') {
            ck_assert_int_eq(number, control++);
        } else {
            ck_assert_int_gt(number, last_telemetry);
            last_telemetry = number;
            telemetry++;
        }
    }
    pthread_join(writer, NULL);
    ck_assert_int_eq(control, MANY / 10);
    ck_assert_int_eq(telemetry + (long)f2m_inbox_dropped(inbox), MANY);
    ck_assert_int_eq(last_telemetry, MANY - 1);
    f2m_inbox_free(inbox);
}
END_TEST

START_TEST(the_steady_state_allocates_nothing)
{
    struct f2m_inbox *inbox = f2m_inbox_new(NULL);
    struct f2m_event event;
    int before = 0;
    for (int round = 0; round < 200; round++) {
        if (round == 10)
            before = allocations;
        for (int i = 0; i < 500; i++) {
            push_text(inbox, F2M_INBOX_TELEMETRY, "solar_assistant/total/battery_power/state", "-1234.5");
            if (i % 50 == 0)
                push_text(inbox, F2M_INBOX_CONTROL, "flip2mqtt/device/a/command/ack", "{}");
        }
        while (f2m_inbox_pop(inbox, &event))
            ;
    }
    ck_assert_int_gt(before, 0); /* the counting works */
    ck_assert_int_eq(allocations, before);
    f2m_inbox_free(inbox);
}
END_TEST

START_TEST(a_flood_leaves_little_memory_behind)
{
    struct f2m_lane lane = {0};
    struct f2m_chunk_pool pool = {0};
    struct f2m_event event = {.type = F2M_EV_MQTT_PUBLISHED, .published = {1, 0}};
    for (int i = 0; i < 100000; i++)
        f2m_lane_append(&lane, &pool, &event);
    ck_assert_uint_eq(lane.records, 100000);
    while (lane.records > 0)
        f2m_lane_drop_oldest(&lane, &pool);
    ck_assert_uint_eq(lane.bytes, 0);
    ck_assert_ptr_null(lane.first);
    ck_assert_uint_le(pool.count, F2M_CHUNKS_KEPT);
    f2m_lane_deinit(&lane);
    f2m_chunk_pool_deinit(&pool);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("inbox");
    TCase *tcase = tcase_create("inbox");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, every_event_comes_out_as_it_went_in);
    tcase_add_test(tcase, an_absent_correlation_differs_from_an_empty_one);
    tcase_add_test(tcase, control_overtakes_telemetry_even_in_the_readers_hand);
    tcase_add_test(tcase, the_oldest_telemetry_goes_when_there_are_too_many_messages);
    tcase_add_test(tcase, the_oldest_telemetry_goes_when_there_are_too_many_bytes);
    tcase_add_test(tcase, the_fd_wakes_at_once_for_control_and_soon_for_telemetry);
    tcase_add_test(tcase, a_full_control_lane_makes_the_writer_wait_and_loses_nothing);
    tcase_add_test(tcase, a_closed_inbox_lets_the_waiting_writer_go);
    tcase_add_test(tcase, the_reader_has_a_reserve_of_its_own);
    tcase_add_test(tcase, two_threads_lose_nothing_but_counted_telemetry);
    tcase_add_test(tcase, the_steady_state_allocates_nothing);
    tcase_add_test(tcase, a_flood_leaves_little_memory_behind);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
