/* The client comes back by itself with an empty queue when the broker fails, and stays within its bounds. */
#include "mqtt/session.h"
#include "peer.h"
#include "support/process.h"
#include "util/limits.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
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

START_TEST(it_starts_without_a_broker_and_connects_when_there_is_one)
{
    broker_prepare(&broker, NULL);
    struct f2m_mqtt_options options = peer_options(&broker);
    peer_start(&peer, &options);
    for (int i = 0; i < 2; i++) {
        peer_await(&peer, F2M_EV_MQTT_DOWN);
        ck_assert_str_eq(peer.event.down.text, "connection refused");
        ck_assert_int_eq(peer.event.down.reason, 0);
    }
    ck_assert_int_eq(peer_publish(&peer, "a", "1", false, 1), -ENOTCONN);
    ck_assert(!f2m_mqtt_connected(peer.client));
    broker_start(&broker);
    peer_await(&peer, F2M_EV_MQTT_UP);
    end();
}
END_TEST

START_TEST(a_client_that_could_not_be_started_counts_as_not_connected)
{
    const struct f2m_publish publish = {.topic = "a", .payload = f2m_slice_of("1"), .tag = 1};

    ck_assert_int_eq(f2m_mqtt_publish(NULL, &publish), -ENOTCONN);
    ck_assert_int_eq(f2m_mqtt_subscribe(NULL, "a/#"), -ENOTCONN);
    ck_assert_int_eq(f2m_mqtt_unsubscribe(NULL, "a/#"), -ENOTCONN);
    ck_assert(f2m_mqtt_alive(NULL, (struct f2m_now){0}));
    ck_assert(f2m_mqtt_stop(NULL));
}
END_TEST

START_TEST(a_name_that_does_not_resolve_is_named)
{
    broker_prepare(&broker, NULL);
    struct f2m_mqtt_options options = peer_options(&broker);
    options.host = "name.invalid";
    peer_start(&peer, &options);
    peer_await(&peer, F2M_EV_MQTT_DOWN);
    ck_assert_str_eq(peer.event.down.text, "cannot resolve name.invalid");
    end();
}
END_TEST

START_TEST(a_broker_that_was_killed_is_found_again_and_gets_nothing_old)
{
    start_version(5);
    broker_signal(&broker, SIGSTOP); /* what goes out now is never acknowledged */
    ck_assert_int_eq(peer_publish(&peer, "stale/inflight", "1", true, 1), 0);
    broker_kill(&broker);
    peer_await(&peer, F2M_EV_MQTT_DOWN);
    ck_assert_int_eq(peer_publish(&peer, "stale/offline", "1", true, 2), -ENOTCONN);
    ck_assert_int_eq(f2m_mqtt_subscribe(peer.client, "stale/#"), -ENOTCONN);
    ck_assert_uint_eq(f2m_mqtt_stats(peer.client).unacked, 0);
    ck_assert_uint_eq(f2m_mqtt_stats(peer.client).dropped, 1);

    broker_start(&broker);
    peer_await(&peer, F2M_EV_MQTT_UP);
    peer_subscribe(&peer, "#");
    ck_assert_int_eq(peer_publish(&peer, "marker", "1", false, 0), 0);
    peer_await(&peer, F2M_EV_MQTT_MESSAGE);
    ck_assert_str_eq(peer.event.message.topic.at, "marker"); /* the first message: nothing stale is retained */
    ck_assert_uint_eq(f2m_mqtt_stats(peer.client).connects, 2);
    end();
}
END_TEST

START_TEST(up_and_down_follow_each_other)
{
    start_version(5);
    for (int i = 0; i < 2; i++) {
        broker_kill(&broker);
        ck_assert(peer_next(&peer, 10000));
        ck_assert_int_eq(peer.event.type, F2M_EV_MQTT_DOWN);
        ck_assert_str_eq(peer.event.down.text, "connection lost");
        broker_start(&broker);
        do {
            ck_assert(peer_next(&peer, 10000));
        } while (peer.event.type == F2M_EV_MQTT_DOWN); /* attempts while it was starting */
        ck_assert_int_eq(peer.event.type, F2M_EV_MQTT_UP);
    }
    end();
}
END_TEST

START_TEST(wrong_credentials_are_named_and_not_tried_again_soon)
{
    char file[128], settings[256];
    broker_prepare(&broker, NULL);
    snprintf(file, sizeof file, "%s/passwords", broker.dir);
    snprintf(settings, sizeof settings, "allow_anonymous false\npassword_file %s", file);
    broker.settings = settings;
    ck_assert_int_eq(run_program((const char *const[]){"mosquitto_passwd", "-b", "-c", file, "ann", "right", NULL}), 0);
    broker_start(&broker);
    struct f2m_mqtt_options options = peer_options(&broker);
    options.version = _i == 0 ? 5 : 311;
    options.username = "ann";
    options.password = "wrong";
    peer_start(&peer, &options);
    peer_await(&peer, F2M_EV_MQTT_DOWN);
    ck_assert_int_eq(peer.event.down.reason, _i == 0 ? 0x87 : 5);
    ck_assert_str_eq(peer.event.down.text, "not authorised");
    ck_assert(!peer_next(&peer, 1000)); /* an ordinary failure would have come back several times */
    peer_stop(&peer);
    options.password = "right";
    peer_start(&peer, &options);
    peer_await(&peer, F2M_EV_MQTT_UP);
    end();
}
END_TEST

START_TEST(unacknowledged_publishes_are_bounded)
{
    start_version(5);
    broker_signal(&broker, SIGSTOP);
    for (int i = 0; i < F2M_MAX_UNACKED_PUBLISHES; i++)
        ck_assert_int_eq(peer_publish(&peer, "a", "1", false, (uint64_t)i + 1), 0);
    ck_assert_uint_eq(f2m_mqtt_stats(peer.client).unacked, F2M_MAX_UNACKED_PUBLISHES);
    ck_assert_int_eq(peer_publish(&peer, "a", "1", false, 5000), 0x97);
    peer_await(&peer, F2M_EV_MQTT_PUBLISHED);
    ck_assert_uint_eq(peer.event.published.tag, 5000);
    ck_assert_int_eq(peer.event.published.reason, 0x97);
    broker_signal(&broker, SIGCONT);
    for (int i = 0; i < F2M_MAX_UNACKED_PUBLISHES; i++)
        peer_await(&peer, F2M_EV_MQTT_PUBLISHED);
    ck_assert_uint_eq(f2m_mqtt_stats(peer.client).unacked, 0);
    ck_assert_int_eq(peer_publish(&peer, "a", "1", false, 1), 0);
    end();
}
END_TEST

START_TEST(a_huge_payload_is_kept_out)
{
    char file[128], port[16];
    start_version(_i == 0 ? 5 : 311);
    peer_subscribe(&peer, "t/#");
    snprintf(file, sizeof file, "%s/huge", broker.dir);
    snprintf(port, sizeof port, "%d", broker.port);
    FILE *f = fopen(file, "we");
    ck_assert_ptr_nonnull(f);
    for (int i = 0; i < 3 << 20; i++)
        fputc('x', f);
    fclose(f);
    ck_assert_int_eq(run_program((const char *const[]){"mosquitto_pub", "-h", "127.0.0.1", "-p", port, "-q", "1", "-t",
                                                       "t/huge", "-f", file, NULL}),
                     0);
    peer_publish(&peer, "t/small", "1", false, 0);
    peer_await(&peer, F2M_EV_MQTT_MESSAGE);
    ck_assert_str_eq(peer.event.message.topic.at, "t/small");
    /* MQTT 5 announces the maximum, and the broker keeps it; 3.1.1 cannot. */
    ck_assert_uint_eq(f2m_mqtt_stats(peer.client).oversize, _i == 0 ? 0 : 1);
    end();
}
END_TEST

START_TEST(two_clients_with_one_id_are_noticed)
{
    struct peer other;
    start_version(5);
    struct f2m_mqtt_options options = peer_options(&broker);
    peer_start(&other, &options);
    do
        peer_await(&peer, F2M_EV_MQTT_DOWN);
    while (!strstr(peer.event.down.text, "another client"));
    ck_assert_ptr_nonnull(strstr(peer.event.down.text, "does another client use the id flip2mqtt-test?"));
    ck_assert(!peer_next(&peer, 1000)); /* and it backs off */
    peer_stop(&other);
    end();
}
END_TEST

START_TEST(a_broker_that_never_answers_does_not_hold_up_the_stop)
{
    broker_prepare(&broker, NULL);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)broker.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    struct f2m_mqtt_options options = peer_options(&broker);
    peer_start(&peer, &options);
    while (f2m_mqtt_connecting_since(peer.client) == 0)
        ;
    int64_t since = f2m_mqtt_connecting_since(peer.client);
    ck_assert(f2m_mqtt_alive(peer.client, (struct f2m_now){.mono_ms = since + 179000}));
    ck_assert(!f2m_mqtt_alive(peer.client, (struct f2m_now){.mono_ms = since + 181000}));
    ck_assert(!peer_next(&peer, 100));
    end();
    close(fd);
}
END_TEST

START_TEST(a_connect_that_hangs_is_left_behind)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    broker_prepare(&broker, NULL);
    address.sin_port = htons((uint16_t)broker.port);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 0), 0);
    for (int i = 0; i < 4; i++) { /* fills the backlog: further SYNs are dropped, as by a black hole */
        int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(other, (struct sockaddr *)&address, sizeof address);
    }
    struct f2m_mqtt_options options = peer_options(&broker);
    peer_start(&peer, &options);
    while (f2m_mqtt_connecting_since(peer.client) == 0)
        ;
    ck_assert(!peer_next(&peer, 500));
    int64_t before = f2m_session_clock();
    ck_assert(!f2m_mqtt_stop(peer.client)); /* its memory and its inbox stay until the process ends */
    int64_t took = f2m_session_clock() - before;
    ck_assert_int_le(took, 4000);
    broker_deinit(&broker);
}
END_TEST

START_TEST(too_many_open_files_are_an_error_and_no_crash)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < 1200)
        return; /* nobody can open so many here */
    limit.rlim_cur = 1200;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    broker_prepare(&broker, NULL);
    broker_start(&broker);
    struct f2m_mqtt_options options = peer_options(&broker);
    int last = 0, first = dup(0);
    while (last < 1100)
        last = dup(0);
    peer_start(&peer, &options);
    peer_await(&peer, F2M_EV_MQTT_DOWN);
    ck_assert_str_eq(peer.event.down.text, "too many open files");
    for (int fd = first; fd <= last; fd++)
        if (fd != f2m_inbox_fd(peer.inbox))
            close(fd);
    peer_await(&peer, F2M_EV_MQTT_UP);
    end();
}
END_TEST

START_TEST(a_half_open_broker_is_noticed_within_twice_the_keepalive)
{
    broker_prepare(&broker, NULL);
    broker_start(&broker);
    struct f2m_mqtt_options options = peer_options(&broker);
    options.keepalive_s = 5;
    peer_start(&peer, &options);
    peer_await(&peer, F2M_EV_MQTT_UP);
    broker_signal(&broker, SIGSTOP);
    ck_assert(peer_next(&peer, 13000));
    ck_assert_int_eq(peer.event.type, F2M_EV_MQTT_DOWN);
    ck_assert_str_eq(peer.event.down.text, "the broker does not answer any more");
    broker_signal(&broker, SIGCONT);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mqtt client faults");
    TCase *tcase = tcase_create("mqtt client faults");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, it_starts_without_a_broker_and_connects_when_there_is_one);
    tcase_add_test(tcase, a_client_that_could_not_be_started_counts_as_not_connected);
    tcase_add_test(tcase, a_name_that_does_not_resolve_is_named);
    tcase_add_test(tcase, a_broker_that_was_killed_is_found_again_and_gets_nothing_old);
    tcase_add_test(tcase, up_and_down_follow_each_other);
    tcase_add_loop_test(tcase, wrong_credentials_are_named_and_not_tried_again_soon, 0, 2);
    tcase_add_test(tcase, unacknowledged_publishes_are_bounded);
    tcase_add_loop_test(tcase, a_huge_payload_is_kept_out, 0, 2);
    tcase_add_test(tcase, two_clients_with_one_id_are_noticed);
    tcase_add_test(tcase, a_broker_that_never_answers_does_not_hold_up_the_stop);
    tcase_add_test(tcase, a_connect_that_hangs_is_left_behind);
    tcase_add_test(tcase, too_many_open_files_are_an_error_and_no_crash);
    if (getenv("F2M_SLOW_TESTS")) /* ten seconds of silence */
        tcase_add_test(tcase, a_half_open_broker_is_noticed_within_twice_the_keepalive);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
