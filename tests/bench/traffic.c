/*
 * The two ends of a broker, for script/bench: a publisher at full speed, and a bare libmosquitto subscriber that only
 * counts, which no bridge on that library can beat.
 *   bench_traffic publish PORT TOPIC N       QoS 1, at most 100 without PUBACK; the 285-byte JSON of an inverter
 *   bench_traffic count PORT TOPIC N         QoS 1; "ready" once subscribed, and after N messages its CPU seconds
 */
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define OUTSTANDING 100 /* what the broker permits */

static long received, acknowledged, wanted;
static const char *filter; /* NULL = the publisher */
static bool ready;

static const char payload_format[] =
    "{\"status\":16,\"v_pv_1\":0.0,\"v_pv_2\":0.0,\"v_bat\":52.8,\"soc\":83,\"soh\":99,\"p_pv\":%ld,\"p_charge\":0,"
    "\"p_discharge\":512,\"v_ac_r\":234.1,\"f_ac\":50.04,\"p_inv\":502,\"p_rec\":0,\"p_to_grid\":0,\"p_to_user\":0,"
    "\"e_pv_day\":0.0,\"e_chg_all\":6369.4,\"e_dischg_all\":6039.3,\"time\":1671096718,\"datalog\":\"2222222222\"}";

static void on_connect(struct mosquitto *m, void *ctx, int reason)
{
    if (reason) {
        fprintf(stderr, "bench_traffic: %s\n", mosquitto_connack_string(reason));
        exit(EXIT_FAILURE);
    }
    (void)ctx;
    if (filter)
        (void)mosquitto_subscribe(m, NULL, filter, 1);
    else
        ready = true;
}

static void on_subscribe(struct mosquitto *m, void *ctx, int mid, int n, const int *granted)
{
    (void)m, (void)ctx, (void)mid, (void)n, (void)granted;
    puts("ready");
    (void)fflush(stdout);
}

static void on_message(struct mosquitto *m, void *ctx, const struct mosquitto_message *message)
{
    (void)m, (void)ctx, (void)message;
    received++;
}

static void on_publish(struct mosquitto *m, void *ctx, int mid)
{
    (void)m, (void)ctx, (void)mid;
    acknowledged++;
}

static void turn(struct mosquitto *m)
{
    int r = mosquitto_loop(m, 100, 1);
    if (r != MOSQ_ERR_SUCCESS) {
        fprintf(stderr, "bench_traffic: %s\n", mosquitto_strerror(r));
        exit(EXIT_FAILURE);
    }
}

static void publish_all(struct mosquitto *m, const char *topic)
{
    char payload[512];

    while (!ready)
        turn(m);
    for (long sent = 0; acknowledged < wanted; turn(m)) {
        for (; sent < wanted && sent - acknowledged < OUTSTANDING; sent++) {
            int len = snprintf(payload, sizeof payload, payload_format, 1000 + sent % 4000);
            if (mosquitto_publish(m, NULL, topic, len, payload, 1, false) != MOSQ_ERR_SUCCESS)
                exit(EXIT_FAILURE);
        }
    }
}

static double cpu_seconds(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    bool count = argc == 5 && strcmp(argv[1], "count") == 0;

    if (argc != 5 || (!count && strcmp(argv[1], "publish") != 0)) {
        fputs("usage: bench_traffic publish|count PORT TOPIC N\n", stderr);
        return 64;
    }
    filter = count ? argv[3] : NULL;
    wanted = strtol(argv[4], NULL, 10);
    (void)mosquitto_lib_init();
    struct mosquitto *m = mosquitto_new(NULL, true, NULL);
    mosquitto_connect_callback_set(m, on_connect);
    mosquitto_subscribe_callback_set(m, on_subscribe);
    mosquitto_message_callback_set(m, on_message);
    mosquitto_publish_callback_set(m, on_publish);
    (void)mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
    (void)mosquitto_int_option(m, MOSQ_OPT_SEND_MAXIMUM, OUTSTANDING);
    (void)mosquitto_int_option(m, MOSQ_OPT_TCP_NODELAY, 1);
    (void)mosquitto_int_option(m, MOSQ_OPT_RECEIVE_MAXIMUM, 65535); /* the broker, not we, says how many at once */
    if (mosquitto_connect(m, "127.0.0.1", (int)strtol(argv[2], NULL, 10), 60) != MOSQ_ERR_SUCCESS)
        return EXIT_FAILURE;
    if (count) {
        while (received < wanted)
            turn(m);
        printf("%.3f\n", cpu_seconds());
    } else {
        publish_all(m, argv[3]);
    }
    (void)mosquitto_disconnect(m);
    mosquitto_destroy(m);
    (void)mosquitto_lib_cleanup();
    return 0;
}
