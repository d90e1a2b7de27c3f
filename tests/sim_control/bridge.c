/* The bridge in the world: the rooms that control needs, in turns as the engine makes them. */
#include "sim.h"

#include "config/load.h"
#include "store/sqlite.h"
#include "telemetry/outbox.h"
#include "util/xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct f2m_config *configs[16][2];

static struct f2m_config *load(const char *yaml)
{
    char path[] = "/tmp/f2m-sim-control-XXXXXX";
    int fd = mkstemp(path);
    struct f2m_findings findings = {0};

    if (fd < 0 || write(fd, yaml, strlen(yaml)) != (ssize_t)strlen(yaml))
        sim_fail("cannot write %s", path);
    close(fd);
    struct f2m_config *config = f2m_config_load(&(struct f2m_config_options){.file = path}, &findings);
    unlink(path);
    if (!config) {
        f2m_autostrbuf text;
        f2m_strbuf_init(&text, 0);
        f2m_findings_print(&findings, &text);
        sim_fail("%s", text.data);
    }
    f2m_findings_free(&findings);
    return config;
}

struct f2m_config *bridge_config(const struct dialect *d, bool integration)
{
    struct f2m_config **config = &configs[d - dialects][integration];
    f2m_autostrbuf yaml = {0};

    if (*config)
        return *config;
    f2m_strbuf_init(&yaml, 0);
    f2m_strbuf_addf(
        &yaml,
        "version: 1\n"
        "flip: { base_url: \"http://127.0.0.1:1\", token: fl_token }\n"
        "mqtt: { server: \"mqtt://localhost\" }\n"
        "storage: { path: /tmp/none.db }\n"
        "sites: [ { id: abc, devices: [ { id: xyz-123, type: BATTERY, manufacturer_name: M, product_name: P,\n"
        "  serial_number: \"1\", install_date: 2022-02-22, capacity: 13.5 kWh, max_charge: 4 kW, max_discharge: 4 kW,\n"
        "  telemetry: { endpoint: \"off\", max_age: 5min, availability: { topic: inv/LWT },\n"
        "    sources: { state_of_charge: inv/soc } },\n"
        "  control: { reserve_floor: 20 %%, veto: { topic: house/veto }, acknowledge: %s%s } } ] } ]\n",
        integration ? "integration" : "scheduled", d->yaml);
    return *config = load(yaml.data);
}

void bridge_start(void)
{
    struct f2m_now now = bridge_now();

    s.cloud = f2m_cloud_new(s.config, &s.counters, &s.rng);
    s.outbox = f2m_outbox_new(s.config, s.store, &s.counters);
    s.telemetry = f2m_telemetry_new(s.config, s.store, s.outbox, &s.counters, now);
    struct f2m_control_context context = {s.config, s.store, s.cloud, s.telemetry, &s.rng, &s.counters};
    s.control = f2m_control_new(&context, now);
    f2m_control_hold(s.control, s.hold);
    s.alive = true;
    s.battery.excused = true;
}

static void forget_traffic(void)
{
    for (size_t i = 0; i < s.calls_len; i++)
        free(s.calls[i].body);
    s.calls_len = s.acked_len = 0;
}

void bridge_free(void)
{
    if (!s.alive)
        return;
    f2m_control_free(s.control);
    f2m_telemetry_free(s.telemetry);
    f2m_outbox_free(s.outbox);
    f2m_cloud_free(s.cloud);
    forget_traffic();
    s.alive = s.connected = false;
}

void bridge_kill(void)
{
    sim_trace("crash");
    s.crashes++;
    bridge_free();
    f2m_effects_reset(s.fx);
    f2m_fault_store_crash(s.store);
    flip_committed(false);
    disturb();
}

/* ---- turns ---- */

static void carry_out_one(const struct f2m_effect *e)
{
    if (e->type == F2M_FX_LOG) {
        sim_trace("log %s %s", e->log.msg, e->log.pairs);
    } else if (e->type == F2M_FX_HTTP) {
        flip_request(&e->http);
    } else if (e->type == F2M_FX_PUBLISH && s.connected) {
        if (e->publish.tag && s.acked_len < sizeof s.acked / sizeof *s.acked)
            s.acked[s.acked_len++] = (struct f2m_mqtt_published){e->publish.tag, s.battery.deaf ? 0x10 : 0};
        battery_hear(&e->publish);
    }
}

/* True where the bridge survived it. */
static bool finish_turn(void)
{
    struct f2m_now now = bridge_now();

    f2m_cloud_tick(s.cloud, now, s.fx);
    f2m_telemetry_tick(s.telemetry, now, s.fx);
    f2m_control_tick(s.control, now, s.fx);
    if (s.crash_now && percent(30)) { /* before the commit */
        s.crash_now = false;
        bridge_kill();
        return false;
    }
    if (s.commit_fails)
        f2m_fault_store_fail(s.store, F2M_FAULT_COMMIT, 1, -EIO, false);
    bool ok = f2m_store_commit(s.store) == 0;
    f2m_fault_store_heal(s.store);
    if (!ok) {
        f2m_effects_withhold(s.fx);
        s.battery.excused = true;
    }
    flip_committed(ok);
    f2m_control_committed(s.control, now, ok);
    size_t n = f2m_effects_count(s.fx), some = s.crash_now ? (size_t)below((int64_t)n + 1) : n;
    for (size_t i = 0; i < some; i++)
        carry_out_one(f2m_effects_at(s.fx, i));
    f2m_effects_reset(s.fx);
    if (s.crash_now) { /* between commit and effects, or among them */
        s.crash_now = false;
        bridge_kill();
        return false;
    }
    return true;
}

static void tell_acknowledged(void)
{
    struct f2m_mqtt_published acked[256];
    size_t n = s.acked_len;

    memcpy(acked, s.acked, n * sizeof *acked);
    s.acked_len = 0;
    for (size_t i = 0; i < n && s.connected; i++)
        f2m_control_published(s.control, bridge_now(), &acked[i], s.fx);
}

void bridge_turn(void)
{
    if (!s.alive)
        return;
    for (int i = 0; i < 60; i++) {
        if (!finish_turn()) {
            s.back_at = s.mono + (percent(70) ? below(20 * SECOND) : below(40 * MINUTE));
            return;
        }
        if (s.acked_len == 0 && bridge_deadline() > s.mono) {
            check_turn();
            return;
        }
        tell_acknowledged();
    }
    sim_fail("the room wants a turn for ever");
}

int64_t bridge_deadline(void)
{
    struct f2m_now now = bridge_now();
    int64_t at = f2m_control_deadline(s.control, now), t = f2m_telemetry_deadline(s.telemetry, now);
    int64_t c = f2m_cloud_deadline(s.cloud);

    if (t < now.mono_ms + SECOND)
        t = now.mono_ms + SECOND; /* nothing here waits for telemetry */
    at = t < at ? t : at;
    at = c < at ? c : at;
    return at == INT64_MAX ? NEVER : at < INT64_MIN + 2000000 ? INT64_MIN : at - 1000000;
}

/* ---- what happens to it ---- */

void bridge_up(void)
{
    if (!s.alive || s.connected || !s.broker_up)
        return;
    sim_trace("connected");
    s.connected = true;
    s.acked_len = 0;
    s.battery.excused = true;
    s.settled_at = s.mono;
    f2m_telemetry_mqtt_up(s.telemetry, bridge_now(), s.fx);
    struct f2m_mqtt_message lwt = {
        f2m_slice_of("inv/LWT"), f2m_slice_of(s.device_offline ? "offline" : "online"), true, {NULL, 0}, {NULL, 0}};
    f2m_telemetry_message(s.telemetry, bridge_now(), &lwt, s.fx);
    f2m_control_mqtt_up(s.control, bridge_now(), s.fx);
    bridge_turn();
}

void bridge_down(void)
{
    if (!s.alive || !s.connected)
        return;
    sim_trace("disconnected");
    s.connected = false;
    s.acked_len = 0;
    disturb();
    f2m_telemetry_mqtt_down(s.telemetry, bridge_now());
    f2m_control_mqtt_down(s.control, bridge_now());
    bridge_turn();
}

void bridge_message(const char *topic, const char *payload, bool retain)
{
    struct f2m_mqtt_message m = {f2m_slice_of(topic), f2m_slice_of(payload), retain, {NULL, 0}, {NULL, 0}};

    if (!s.alive || !s.connected)
        return;
    if (strcmp(topic, "command/ack") == 0) {
        f2m_control_command_ack(s.control, bridge_now(), DEVICE, m.payload, s.fx);
    } else if (strcmp(topic, "pause/set") == 0) {
        f2m_control_pause_set(s.control, bridge_now(), DEVICE, m.payload, s.fx);
    } else {
        f2m_telemetry_message(s.telemetry, bridge_now(), &m, s.fx);
        f2m_control_message(s.control, bridge_now(), &m, s.fx);
    }
    bridge_turn();
}

void bridge_answer(struct call *call)
{
    struct f2m_http_result result = {.tag = call->tag, .status = call->status};

    if (!s.alive)
        return;
    if (call->status)
        result.body = f2m_slice_of(call->body);
    else
        result.error = "timed out";
    f2m_cloud_http_done(s.cloud, bridge_now(), &result, s.fx);
    flip_listed(call);
    bridge_turn();
}

void bridge_reload(void)
{
    if (!s.alive)
        return;
    sim_trace("reload");
    f2m_control_reload(s.control, bridge_now(), s.config, s.fx);
    bridge_turn();
}
