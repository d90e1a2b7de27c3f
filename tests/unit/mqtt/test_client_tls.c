/* Over TLS the client accepts the broker whose certificate an authority that it trusts has signed for the host name,
 * and no other; and it shows a client certificate where the broker wants one. */
#include "peer.h"
#include "support/process.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct broker broker;
static struct peer peer;
static struct certificates files;

static void start(const char *name, struct f2m_mqtt_options *options)
{
    static char settings[1024];
    broker_prepare(&broker, NULL);
    certificates_make(&files, broker.dir, name, "2");
    snprintf(settings, sizeof settings,
             "allow_anonymous true\ncafile %s\ncertfile %s\nkeyfile %s\nrequire_certificate true", files.ca, files.cert,
             files.key);
    broker.settings = settings;
    broker_start(&broker);
    *options = peer_options(&broker);
    options->host = "localhost";
    options->tls = true;
    options->ca = files.ca;
    options->cert = files.cert;
    options->key = files.key;
}

START_TEST(a_trusted_broker_is_accepted)
{
    struct f2m_mqtt_options options;
    start("localhost", &options);
    peer_start(&peer, &options);
    peer_await(&peer, F2M_EV_MQTT_UP);
    peer_subscribe(&peer, "t/#");
    ck_assert_int_eq(peer_publish(&peer, "t/a", "1", false, 0), 0);
    peer_await_message(&peer, "t/a");
    broker_kill(&broker);
    peer_await(&peer, F2M_EV_MQTT_DOWN);
    broker_start(&broker);
    peer_await(&peer, F2M_EV_MQTT_UP); /* a second time, over a fresh instance */
    peer_stop(&peer);
    broker_deinit(&broker);
}
END_TEST

START_TEST(an_unknown_authority_is_refused)
{
    struct f2m_mqtt_options options;
    start("localhost", &options);
    options.ca = NULL; /* the system's authorities do not know ours */
    peer_start(&peer, &options);
    peer_await(&peer, F2M_EV_MQTT_DOWN);
    ck_assert_str_eq(peer.event.down.text,
                     "certificate verify failed: it has expired, or its authority is not trusted (mqtt.ca)");
    peer_stop(&peer);
    broker_deinit(&broker);
}
END_TEST

START_TEST(another_host_name_is_refused)
{
    struct f2m_mqtt_options options;
    start("broker.example", &options);
    peer_start(&peer, &options);
    peer_await(&peer, F2M_EV_MQTT_DOWN);
    ck_assert_str_eq(peer.event.down.text, "host name verification failed");
    peer_stop(&peer);
    broker_deinit(&broker);
}
END_TEST

START_TEST(unreadable_files_are_named_at_the_start)
{
    struct f2m_err err = {""};
    struct f2m_mqtt_options options = {.host = "localhost",
                                       .port = 1,
                                       .tls = true,
                                       .ca = "/nonexistent/ca.pem",
                                       .client_id = "x",
                                       .version = 5,
                                       .keepalive_s = 60};
    struct f2m_inbox *inbox = f2m_inbox_new(NULL);
    ck_assert_ptr_null(f2m_mqtt_start(&options, inbox, &err));
    ck_assert_str_eq(err.text, "cannot read /nonexistent/ca.pem: No such file or directory");
    options.ca = NULL;
    options.cert = "/etc/passwd";
    ck_assert_ptr_null(f2m_mqtt_start(&options, inbox, &err));
    ck_assert_str_eq(err.text, "a client certificate needs its key, and the key its certificate");
    f2m_inbox_free(inbox);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mqtt client tls");
    TCase *tcase = tcase_create("mqtt client tls");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, a_trusted_broker_is_accepted);
    tcase_add_test(tcase, an_unknown_authority_is_refused);
    tcase_add_test(tcase, another_host_name_is_refused);
    tcase_add_test(tcase, unreadable_files_are_named_at_the_start);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
