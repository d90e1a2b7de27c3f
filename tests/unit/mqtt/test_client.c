/* The client against a real broker: it connects, subscribes, publishes, and says what the broker answered. */
#include "peer.h"
#include "support/process.h"
#include "util/limits.h"
#include "util/xalloc.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct broker broker;
static struct peer peer;

static void start_version(int version)
{
    broker_prepare(&broker, NULL);
    broker_start(&broker);
    struct f2m_mqtt_options options = peer_options(&broker);
    options.version = version;
    peer_start(&peer, &options);
    peer_await(&peer, F2M_EV_MQTT_UP);
}

static void end(void)
{
    peer_stop(&peer);
    broker_deinit(&broker);
}

static void check_round_trip(int version)
{
    start_version(version);
    ck_assert(f2m_mqtt_connected(peer.client));
    ck_assert_int_eq(f2m_mqtt_connecting_since(peer.client), 0);
    peer_subscribe(&peer, "t/#");
    ck_assert_int_eq(peer_publish(&peer, "t/a", "21.5", false, 7), 0);
    bool published = false, arrived = false;
    while (!published || !arrived) {
        ck_assert(peer_next(&peer, 10000));
        if (peer.event.type == F2M_EV_MQTT_PUBLISHED) {
            ck_assert_uint_eq(peer.event.published.tag, 7);
            ck_assert_int_eq(peer.event.published.reason, 0);
            published = true;
        } else {
            ck_assert_int_eq(peer.event.type, F2M_EV_MQTT_MESSAGE);
            ck_assert_str_eq(peer.event.message.topic.at, "t/a");
            ck_assert_mem_eq(peer.event.message.payload.at, "21.5", 4);
            ck_assert(!peer.event.message.retain);
            arrived = true;
        }
    }
    ck_assert_uint_eq(f2m_mqtt_stats(peer.client).unacked, 0);
    ck_assert_int_eq(f2m_mqtt_unsubscribe(peer.client, "t/#"), 0);
    end();
}

START_TEST(it_publishes_and_receives)
{
    check_round_trip(_i == 0 ? 5 : 311);
}
END_TEST

START_TEST(mqtt_5_says_when_nobody_subscribes)
{
    start_version(_i == 0 ? 5 : 311);
    ck_assert_int_eq(peer_publish(&peer, "inverter/set", "1", false, 9), 0);
    peer_await(&peer, F2M_EV_MQTT_PUBLISHED);
    ck_assert_uint_eq(peer.event.published.tag, 9);
    ck_assert_int_eq(peer.event.published.reason, _i == 0 ? 0x10 : 0);
    end();
}
END_TEST

START_TEST(retained_messages_come_with_a_subscription_and_are_marked)
{
    start_version(5);
    peer_publish(&peer, "t/kept", "old", true, 1);
    peer_await(&peer, F2M_EV_MQTT_PUBLISHED);
    peer_subscribe(&peer, "t/+");
    peer_await_message(&peer, "t/kept");
    ck_assert(peer.event.message.retain);
    peer_publish(&peer, "t/kept", "new", true, 0); /* live: arrives without the mark */
    peer_await_message(&peer, "t/kept");
    ck_assert(!peer.event.message.retain);
    ck_assert_mem_eq(peer.event.message.payload.at, "new", 3);
    end();
}
END_TEST

START_TEST(request_properties_are_passed_on)
{
    char port[16];
    start_version(5);
    peer_subscribe(&peer, "flip2mqtt/bridge/request/#");
    snprintf(port, sizeof port, "%d", broker.port);
    ck_assert_int_eq(run_program((const char *const[]){"mosquitto_pub",
                                                       "-V",
                                                       "5",
                                                       "-h",
                                                       "127.0.0.1",
                                                       "-p",
                                                       port,
                                                       "-q",
                                                       "1",
                                                       "-t",
                                                       "flip2mqtt/bridge/request/site/get",
                                                       "-m",
                                                       "{}",
                                                       "-D",
                                                       "publish",
                                                       "response-topic",
                                                       "a/b",
                                                       "-D",
                                                       "publish",
                                                       "correlation-data",
                                                       "c1",
                                                       NULL}),
                     0);
    peer_await(&peer, F2M_EV_MQTT_MESSAGE);
    ck_assert_str_eq(peer.event.message.response_topic.at, "a/b");
    ck_assert_uint_eq(peer.event.message.correlation.len, 2);
    ck_assert_mem_eq(peer.event.message.correlation.at, "c1", 2);

    peer_subscribe(&peer, "a/b");
    struct f2m_publish answer = {
        .topic = "a/b", .payload = f2m_slice_of("{}"), .expiry_s = 60, .correlation = f2m_slice_of("c1")};
    ck_assert_int_eq(f2m_mqtt_publish(peer.client, &answer), 0);
    peer_await_message(&peer, "a/b");
    ck_assert_ptr_null(peer.event.message.response_topic.at);
    ck_assert_mem_eq(peer.event.message.correlation.at, "c1", 2);
    end();
}
END_TEST

START_TEST(what_cannot_be_sent_is_refused_on_the_spot)
{
    start_version(5);
    ck_assert_int_eq(peer_publish(&peer, "a/#", "1", false, 3), 0x90);
    peer_await(&peer, F2M_EV_MQTT_PUBLISHED);
    ck_assert_uint_eq(peer.event.published.tag, 3);
    ck_assert_int_eq(peer.event.published.reason, 0x90);

    char *huge = f2m_xcalloc(1, F2M_MAX_PAYLOAD_BYTES + 2);
    memset(huge, 'x', F2M_MAX_PAYLOAD_BYTES + 1);
    ck_assert_int_eq(peer_publish(&peer, "a", huge, false, 0), 0x95);
    free(huge);

    ck_assert_int_eq(f2m_mqtt_subscribe(peer.client, "a/#/b"), 0x8f);
    peer_await(&peer, F2M_EV_MQTT_SUBSCRIBED);
    ck_assert_str_eq(peer.event.subscribed.filter, "a/#/b");
    ck_assert_int_eq(peer.event.subscribed.reason, 0x8f);
    ck_assert_uint_eq(f2m_mqtt_stats(peer.client).refused, 2);
    end();
}
END_TEST

START_TEST(a_publish_belongs_to_the_connection_that_the_caller_knows_of)
{
    start_version(5);
    broker_kill(&broker);
    broker_start(&broker);
    while (f2m_mqtt_stats(peer.client).connects < 2)
        ;
    /* The client is connected again, but neither the DOWN nor the new UP has been read. */
    ck_assert(!f2m_mqtt_connected(peer.client));
    ck_assert_int_eq(peer_publish(&peer, "a", "1", false, 0), -ENOTCONN);
    peer_await(&peer, F2M_EV_MQTT_UP);
    ck_assert_int_eq(peer_publish(&peer, "a", "1", false, 0), 0);
    end();
}
END_TEST

START_TEST(named_filters_go_to_the_control_lane)
{
    start_version(5);
    static const char *const filters[] = {"house/+/veto"};
    f2m_mqtt_control_filters(peer.client, filters, 1);
    peer_subscribe(&peer, "house/#");
    peer_subscribe(&peer, "flip2mqtt/#");
    /* Nothing is popped while they arrive, so the order of the lanes shows. */
    peer_publish(&peer, "house/1/power", "1", false, 0);
    peer_publish(&peer, "house/1/veto", "on", false, 0);
    peer_publish(&peer, "flip2mqtt/x", "1", false, 0);
    while (f2m_mqtt_stats(peer.client).unacked > 0)
        ;
    peer_publish(&peer, "nobody", "1", false, 77); /* its acknowledgement comes after all three */
    struct peer *p = &peer;
    while (f2m_mqtt_stats(p->client).unacked > 0)
        ;
    peer_await(&peer, F2M_EV_MQTT_MESSAGE);
    ck_assert_str_eq(peer.event.message.topic.at, "house/1/veto");
    peer_await(&peer, F2M_EV_MQTT_MESSAGE);
    ck_assert_str_eq(peer.event.message.topic.at, "flip2mqtt/x");
    peer_await(&peer, F2M_EV_MQTT_MESSAGE);
    ck_assert_str_eq(peer.event.message.topic.at, "house/1/power");
    end();
}
END_TEST

START_TEST(the_last_publish_before_the_stop_arrives_and_the_will_does_not)
{
    struct peer observer;
    broker_prepare(&broker, NULL);
    broker_start(&broker);
    struct f2m_mqtt_options options = peer_options(&broker);
    options.client_id = "observer";
    peer_start(&observer, &options);
    peer_await(&observer, F2M_EV_MQTT_UP);
    peer_subscribe(&observer, "flip2mqtt/bridge/state");

    options.client_id = "bridge";
    options.will_topic = "flip2mqtt/bridge/state";
    options.will_payload = "offline";
    peer_start(&peer, &options);
    peer_await(&peer, F2M_EV_MQTT_UP);
    for (int i = 0; i < 500; i++)
        peer_publish(&peer, "busy", "1", false, 0);
    peer_publish(&peer, "flip2mqtt/bridge/state", "goodbye", true, 0);
    peer_stop(&peer);
    peer_await_message(&observer, "flip2mqtt/bridge/state");
    ck_assert_mem_eq(observer.event.message.payload.at, "goodbye", 7);
    ck_assert(!peer_next(&observer, 200));
    peer_stop(&observer);
    broker_deinit(&broker);
}
END_TEST

START_TEST(the_will_speaks_for_a_process_that_dies)
{
    broker_prepare(&broker, NULL);
    broker_start(&broker);
    struct f2m_mqtt_options options = peer_options(&broker);
    int ready[2];
    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        options.client_id = "mortal";
        options.will_topic = "flip2mqtt/bridge/state";
        options.will_payload = "offline";
        peer_start(&peer, &options);
        peer_await(&peer, F2M_EV_MQTT_UP);
        ssize_t n = write(ready[1], "x", 1);
        pause();
        _exit((int)n);
    }
    char byte;
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    peer_start(&peer, &options);
    peer_await(&peer, F2M_EV_MQTT_UP);
    peer_subscribe(&peer, "flip2mqtt/bridge/state");
    peer_await_message(&peer, "flip2mqtt/bridge/state");
    ck_assert_mem_eq(peer.event.message.payload.at, "offline", 7);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mqtt client");
    TCase *tcase = tcase_create("mqtt client");
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, it_publishes_and_receives, 0, 2);
    tcase_add_loop_test(tcase, mqtt_5_says_when_nobody_subscribes, 0, 2);
    tcase_add_test(tcase, retained_messages_come_with_a_subscription_and_are_marked);
    tcase_add_test(tcase, request_properties_are_passed_on);
    tcase_add_test(tcase, what_cannot_be_sent_is_refused_on_the_spot);
    tcase_add_test(tcase, a_publish_belongs_to_the_connection_that_the_caller_knows_of);
    tcase_add_test(tcase, named_filters_go_to_the_control_lane);
    tcase_add_test(tcase, the_last_publish_before_the_stop_arrives_and_the_will_does_not);
    tcase_add_test(tcase, the_will_speaks_for_a_process_that_dies);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
