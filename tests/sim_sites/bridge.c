/* The bridge: both rooms over a real cloud and store, turn by turn, as the engine runs them. */
#include "sim.h"

#include "store/sqlite.h"
#include "support/fault_store.h"
#include "util/json.h"
#include "util/xalloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct f2m_config config;
static struct f2m_site site;
static struct f2m_device device;
static struct f2m_counters counters;
static struct f2m_rng rng;
static struct f2m_cloud *cloud;
static struct f2m_outbox *outbox;
static struct f2m_telemetry *telemetry;
static struct f2m_control *control;
static struct f2m_sites *sites;
static struct f2m_effects *fx;
static bool connected;

struct call {
    uint64_t tag;
    int64_t at;
    int status;
    char *body;
};
static struct call calls[64];
static size_t calls_len;
static struct {
    uint64_t tag;
    char key[160]; /* "" = no notification */
} unacked[4000];
static size_t unacked_len;

static struct f2m_now now(void)
{
    return (struct f2m_now){1000000 + w.mono, NOON + w.mono};
}

bool bridge_alive(void)
{
    return sites != NULL;
}

/* A literal in a configuration, which owns its texts otherwise. */
static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

void bridge_new(void)
{
    device = (struct f2m_device){
        .id = text(DEVICE), .site = &site, .capacity = NAN, .max_charge = NAN, .max_discharge = NAN};
    device.telemetry.endpoint = F2M_TELEMETRY_OFF;
    device.telemetry.interval_ms = device.telemetry.max_age_ms = 5 * MINUTE;
    device.control.acknowledge_timeout_ms = 10 * MINUTE;
    device.control.reserve_floor = NAN;
    site = (struct f2m_site){.id = text(SITE), .devices = &device, .devices_len = 1};
    config = (struct f2m_config){
        .flip = {.token = text("client"), .poll = {MINUTE, 5 * MINUTE, 15 * MINUTE, 6 * HOUR, 6 * HOUR}},
        .mqtt = {.base_topic = text("b")},
        .storage = {.max_age_ms = 24 * HOUR, .max_size = 1 << 28},
        .sites = &site,
        .sites_len = 1,
    };
    w.store = f2m_fault_store_new(f2m_store_open_memory());
    fx = f2m_effects_new();
    rng.state = w.seed;
}

static void moment(void *ctx, struct f2m_now at, const char *type, const char *site_id, struct f2m_slice command,
                   struct f2m_effects *effects)
{
    (void)ctx;
    f2m_sites_notify(sites, at, site_id, type, command, effects);
}

void bridge_start(void)
{
    cloud = f2m_cloud_new(&config, &counters, &rng);
    outbox = f2m_outbox_new(&config, w.store, &counters);
    telemetry = f2m_telemetry_new(&config, w.store, outbox, &counters, now());
    control = f2m_control_new(&(struct f2m_control_context){.config = &config,
                                                            .store = w.store,
                                                            .cloud = cloud,
                                                            .telemetry = telemetry,
                                                            .rng = &rng,
                                                            .counters = &counters},
                              now());
    f2m_control_on_moment(control, moment, NULL);
    sites = f2m_sites_new(&(struct f2m_sites_context){.config = &config,
                                                      .store = w.store,
                                                      .cloud = cloud,
                                                      .control = control,
                                                      .telemetry = telemetry,
                                                      .outbox = outbox,
                                                      .rng = &rng,
                                                      .counters = &counters},
                          now());
    connected = false;
    bridge_broker(w.broker_back == NEVER);
    bridge_run();
}

static void forget_unacked(void)
{
    for (size_t i = 0; i < unacked_len; i++)
        if (unacked[i].key[0])
            spare(unacked[i].key);
    unacked_len = 0;
}

void bridge_stop(void)
{
    f2m_sites_free(sites);
    f2m_control_free(control);
    f2m_telemetry_free(telemetry);
    f2m_outbox_free(outbox);
    f2m_cloud_free(cloud);
    sites = NULL;
    f2m_effects_reset(fx);
    f2m_fault_store_crash(w.store); /* what is not committed is gone */
    for (size_t i = 0; i < calls_len; i++)
        free(calls[i].body);
    calls_len = 0;
    forget_unacked();
}

void bridge_crash(void)
{
    w.crashes++;
    bridge_stop();
    w.back_at = w.mono + below(90 * SECOND);
}

void bridge_free(void)
{
    if (sites)
        bridge_stop();
    f2m_effects_free(fx);
    f2m_store_free(w.store);
}

/* ---- a turn ---- */

static void carry_publish(const struct f2m_publish *p)
{
    size_t len = strlen(p->topic);
    bool notification = len > 13 && strcmp(p->topic + len - 13, "/notification") == 0;
    if (!connected)
        return;
    if (unacked_len == sizeof unacked / sizeof *unacked)
        sim_fail("too many publishes at once");
    unacked[unacked_len].key[0] = '\0';
    if (notification) {
        note_told(p->payload);
        key_of(p->payload, unacked[unacked_len].key);
    }
    unacked[unacked_len++].tag = p->tag;
}

static void carry_call(const struct f2m_http_request *r)
{
    f2m_autostrbuf body;
    f2m_strbuf_init(&body, 0);
    if (calls_len == sizeof calls / sizeof *calls)
        sim_fail("too many calls at once");
    struct call *c = &calls[calls_len++];
    *c = (struct call){.tag = r->tag, .at = w.mono + (percent(80) ? 0 : below(10 * SECOND))};
    c->status = flip_answer(r, &body); /* of this moment; it may arrive late */
    c->body = f2m_strbuf_take(&body);
}

/* Commits; then, unless it crashes in between, effects get out. False where the bridge is gone. */
static bool turn_ends(void)
{
    int rc = f2m_store_commit(w.store);
    if (w.crash) {
        w.crash = false;
        bridge_crash();
        return false;
    }
    if (rc)
        f2m_effects_withhold(fx);
    w.refusals += rc != 0;
    f2m_control_committed(control, now(), rc == 0);
    f2m_outbox_committed(outbox, now(), rc == 0, fx);
    f2m_sites_committed(sites, now(), rc == 0);
    for (size_t i = 0; i < f2m_effects_count(fx); i++) {
        const struct f2m_effect *e = f2m_effects_at(fx, i);
        if (e->type == F2M_FX_PUBLISH)
            carry_publish(&e->publish);
        else if (e->type == F2M_FX_HTTP)
            carry_call(&e->http);
    }
    f2m_effects_reset(fx);
    return true;
}

static bool answer_one(void)
{
    for (size_t i = 0; i < calls_len; i++) {
        if (calls[i].at > w.mono)
            continue;
        struct call c = calls[i];
        calls[i] = calls[--calls_len];
        struct f2m_http_result result = {
            .tag = c.tag, .status = c.status, .error = c.status ? NULL : "reset", .body = f2m_slice_of(c.body)};
        (void)f2m_cloud_http_done(cloud, now(), &result, fx);
        free(c.body);
        return true;
    }
    return false;
}

static bool acknowledge_one(void)
{
    if (!unacked_len)
        return false;
    uint64_t tag = unacked[0].tag;
    memmove(unacked, unacked + 1, --unacked_len * sizeof *unacked);
    struct f2m_mqtt_published p = {.tag = tag};
    if (tag && !f2m_sites_published(sites, now(), &p, fx) && !f2m_control_published(control, now(), &p, fx))
        sim_fail("a tag of nobody's");
    return true;
}

void bridge_run(void)
{
    for (int turns = 0; sites; turns++) {
        if (turns > 5000)
            sim_fail("the bridge never comes to rest");
        f2m_control_tick(control, now(), fx);
        f2m_sites_tick(sites, now(), fx);
        f2m_cloud_tick(cloud, now(), fx);
        bool busy = answer_one() || acknowledge_one();
        if (!turn_ends())
            return;
        int64_t next = bridge_next();
        if (!busy && next > w.mono && !unacked_len)
            return;
    }
}

int64_t bridge_next(void)
{
    int64_t next = f2m_sites_deadline(sites, now()), other = f2m_control_deadline(control, now());
    next = other < next ? other : next;
    next = next <= now().mono_ms ? w.mono : next - (now().mono_ms - w.mono);
    for (size_t i = 0; i < calls_len; i++)
        next = calls[i].at < next ? calls[i].at : next;
    return next;
}

void bridge_broker(bool up)
{
    if (!sites || up == connected)
        return;
    connected = up;
    if (up) {
        f2m_control_mqtt_up(control, now(), fx);
        f2m_sites_mqtt_up(sites, now(), fx);
    } else {
        f2m_control_mqtt_down(control, now());
        f2m_sites_mqtt_down(sites, now());
        forget_unacked();
    }
    if (turn_ends())
        bridge_run();
}

int bridge_webhook(const char *id, const char *body)
{
    if (!sites)
        return 503;
    int status = f2m_sites_webhook(sites, now(), id, f2m_slice_of(body), fx);
    uint64_t refusals = w.refusals;
    if (!turn_ends() || w.refusals > refusals)
        return 503;
    bridge_run();
    return status;
}
