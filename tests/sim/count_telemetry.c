/*
 * Feeds N messages through telemetry, for callgrind: the instructions of one message are the difference of two runs
 * divided by the difference of their N. The payload is 285 bytes of JSON.
 *   valgrind --tool=callgrind --callgrind-out-file=/dev/null count_telemetry MODE N
 * MODE: value (one source on a JSON path), five (five sources on one payload), text (a plain number), none (no source).
 */
#include "store/sqlite.h"
#include "telemetry/telemetry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char payload_format[] =
    "{\"status\":16,\"v_pv_1\":0.0,\"v_pv_2\":0.0,\"v_bat\":52.8,\"soc\":83,\"soh\":99,\"p_pv\":%d,\"p_charge\":0,"
    "\"p_discharge\":512,\"v_ac_r\":234.1,\"f_ac\":50.04,\"p_inv\":502,\"p_rec\":0,\"p_to_grid\":0,\"p_to_user\":0,"
    "\"e_pv_day\":0.0,\"e_chg_all\":6369.4,\"e_dischg_all\":6039.3,\"time\":1671096718,\"datalog\":\"2222222222\"}";

static struct f2m_source json(char *path)
{
    static char topic[] = "lxp/2222222222/inputs/all";

    return (struct f2m_source){.op = F2M_SOURCE_TOPIC,
                               .topic = topic,
                               .format = path ? F2M_FORMAT_JSON : F2M_FORMAT_TEXT,
                               .path = path,
                               .scale = 1,
                               .sign = 1,
                               .max_age_ms = 300000};
}

static void map(struct f2m_source *sources, const char *mode)
{
    static char pv[] = "/p_pv", soc[] = "/soc", charge[] = "/p_charge", discharge[] = "/p_discharge",
                energy[] = "/e_chg_all";

    if (strcmp(mode, "none") == 0)
        return;
    sources[F2M_SRC_SOLAR_POWER] = json(strcmp(mode, "text") == 0 ? NULL : pv);
    if (strcmp(mode, "five") != 0)
        return;
    sources[F2M_SRC_STATE_OF_CHARGE] = json(soc);
    sources[F2M_SRC_BATTERY_CHARGE_POWER] = json(charge);
    sources[F2M_SRC_BATTERY_DISCHARGE_POWER] = json(discharge);
    sources[F2M_SRC_BATTERY_CHARGE_ENERGY] = json(energy);
}

static void feed(struct f2m_telemetry *t, const char *mode, long n)
{
    struct f2m_effects *fx = f2m_effects_new();
    struct f2m_now now = {.mono_ms = 1000, .wall_ms = INT64_C(1769860800000)};
    char payloads[8][512];

    for (int i = 0; i < 8; i++)
        snprintf(payloads[i], sizeof payloads[i], strcmp(mode, "text") == 0 ? "%d.5" : payload_format, 3000 + i);
    for (long i = 0; i < n; i++) {
        struct f2m_mqtt_message m = {.topic = f2m_slice_of("lxp/2222222222/inputs/all"),
                                     .payload = f2m_slice_of(payloads[i % 8])};
        f2m_telemetry_message(t, now, &m, fx);
        f2m_telemetry_tick(t, now, fx);
        f2m_effects_reset(fx);
        now.mono_ms++;
        now.wall_ms++;
    }
    f2m_effects_free(fx);
}

int main(int argc, char **argv)
{
    static char id[] = "battery", base[] = "flip2mqtt";
    static struct f2m_device device = {
        .id = id, .name = id, .capacity = 13500, .max_charge = 5000, .max_discharge = 5000};
    struct f2m_site site = {.id = id, .devices = &device, .devices_len = 1};
    struct f2m_config config = {.sites = &site, .sites_len = 1, .mqtt.base_topic = base};
    struct f2m_counters counters = {0};

    if (argc != 3) {
        fprintf(stderr, "usage: count_telemetry value|five|text|none N\n");
        return 64;
    }
    device.site = &site;
    device.telemetry.interval_ms = device.telemetry.max_age_ms = 300000;
    map(device.telemetry.sources, argv[1]);
    struct f2m_store *store = f2m_store_open_memory();
    struct f2m_outbox *outbox = f2m_outbox_new(&config, store, &counters);
    struct f2m_telemetry *t =
        f2m_telemetry_new(&config, store, outbox, &counters, (struct f2m_now){1000, 1769860800000});
    feed(t, argv[1], strtol(argv[2], NULL, 10));
    f2m_telemetry_free(t);
    f2m_outbox_free(outbox);
    f2m_store_free(store);
    return 0;
}
