#include "world.h"

#include "config/load.h"
#include "store/sqlite.h"
#include "telemetry/outbox.h"
#include "util/json.h"
#include "util/rfc3339.h"
#include "util/xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct world w;

/* ---- configuration ---- */

char *world_yaml(const char *control, const char *telemetry, const char *flip)
{
    struct f2m_strbuf out;

    f2m_strbuf_init(&out, 0);
    f2m_strbuf_addf(&out,
                    "version: 1\n"
                    "flip: { base_url: \"http://127.0.0.1:1\", token: fl_token%s%s }\n"
                    "mqtt: { server: \"mqtt://localhost\" }\n"
                    "storage: { path: /tmp/flip2mqtt-test.db }\n"
                    "sites:\n"
                    "  - id: abc-789\n"
                    "    timezone: America/Los_Angeles\n"
                    "    devices:\n"
                    "      - id: xyz-123\n"
                    "        type: BATTERY\n"
                    "        manufacturer_name: DeviceMaker\n"
                    "        product_name: Model 1\n"
                    "        serial_number: \"1\"\n"
                    "        install_date: 2022-02-22\n"
                    "        capacity: 13.5 kWh\n"
                    "        max_charge: 5 kW\n"
                    "        max_discharge: 4 kW\n"
                    "        telemetry: %s\n"
                    "        control: %s\n",
                    flip ? ", " : "", flip ? flip : "", telemetry ? telemetry : "{ endpoint: \"off\" }",
                    control ? control : "{}");
    return f2m_strbuf_take(&out);
}

struct f2m_config *world_load(const char *yaml)
{
    char path[] = "/tmp/f2m-control-XXXXXX";
    int fd = mkstemp(path);
    size_t len = strlen(yaml);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, yaml, len), (ssize_t)len);
    close(fd);
    struct f2m_findings findings = {0};
    struct f2m_config *config = f2m_config_load(&(struct f2m_config_options){.file = path}, &findings);
    unlink(path);
    if (!config) {
        f2m_autostrbuf text;
        f2m_strbuf_init(&text, 0);
        f2m_findings_print(&findings, &text);
        ck_abort_msg("%s", text.data);
    }
    f2m_findings_free(&findings);
    return config;
}

/* ---- life ---- */

static void moment(void *ctx, struct f2m_now now, const char *event_type, const char *site_id, struct f2m_slice command,
                   struct f2m_effects *fx)
{
    char id[128];

    (void)ctx;
    (void)now;
    (void)fx;
    ck_assert_str_eq(site_id, "abc-789");
    ck_assert(f2m_json_string_copy(f2m_json_member(command, "id"), id, sizeof id));
    f2m_strbuf_addf(&w.moments, "%s:%s; ", event_type, id);
}

void world_start(void)
{
    w.cloud = w.rehearsal ? NULL : f2m_cloud_new(w.config, &w.counters, &w.rng);
    w.outbox = f2m_outbox_new(w.config, w.store, &w.counters);
    w.telemetry = f2m_telemetry_new(w.config, w.store, w.outbox, &w.counters, w.now);
    struct f2m_control_context context = {w.config, w.store, w.cloud, w.telemetry, &w.rng, &w.counters};
    w.control = f2m_control_new(&context, w.now);
    f2m_control_on_moment(w.control, moment, NULL);
}

static struct f2m_strbuf *const texts[] = {&w.battery, &w.phases,        &w.patches,     &w.moments,
                                           &w.logs,    &w.control_topic, &w.pause_topic, &w.problems};
#define TEXTS (sizeof texts / sizeof *texts)

void world_open_yaml(const char *yaml)
{
    memset(&w, 0, sizeof w);
    for (size_t i = 0; i < TEXTS; i++)
        f2m_strbuf_init(texts[i], 0);
    w.config = world_load(yaml);
    w.store = f2m_fault_store_new(f2m_store_open_memory());
    w.fx = f2m_effects_new();
    w.rng.state = 1;
    w.now = (struct f2m_now){1000000, NOON};
    w.patch_status = w.poll_status = 200;
    w.unheard_reason = 0x10;
    world_start();
}

void world_open(const char *control, const char *telemetry, const char *flip)
{
    char *yaml = world_yaml(control, telemetry, flip);

    world_open_yaml(yaml);
    free(yaml);
    world_up();
}

static void close_rooms(void)
{
    f2m_control_free(w.control);
    f2m_telemetry_free(w.telemetry);
    f2m_outbox_free(w.outbox);
    f2m_cloud_free(w.cloud);
    for (size_t i = 0; i < w.flying_len; i++)
        free(w.flying[i].body);
    w.flying_len = 0;
    w.connected = false;
}

void world_kill(void)
{
    close_rooms();
    f2m_effects_reset(w.fx);
    f2m_fault_store_crash(w.store);
}

void world_restart(void)
{
    world_kill();
    world_start();
    world_up();
}

void world_close(void)
{
    close_rooms();
    f2m_store_free(w.store);
    f2m_effects_free(w.fx);
    f2m_config_free(w.config);
    free(w.list);
    for (size_t i = 0; i < TEXTS; i++)
        f2m_strbuf_deinit(texts[i]);
}

/* ---- effects ---- */

static void copy(struct f2m_strbuf *out, struct f2m_slice text)
{
    f2m_strbuf_reset(out);
    f2m_strbuf_add(out, text.at, text.len);
}

static void see_phase(struct f2m_slice payload)
{
    char id[128], phase[32], reason[256];
    struct f2m_err err;

    ck_assert_msg(f2m_json_check(payload, &err) == 0, "%s", err.text);
    struct f2m_slice root = f2m_json_root(payload);
    ck_assert(f2m_json_string_copy(f2m_json_member(root, "command_id"), id, sizeof id));
    ck_assert(f2m_json_string_copy(f2m_json_member(root, "phase"), phase, sizeof phase));
    ck_assert_int_eq(f2m_json_type(f2m_json_member(root, "command")), F2M_JSON_OBJECT);
    ck_assert_int_eq(f2m_json_type(f2m_json_member(root, "timestamp")), F2M_JSON_STRING);
    if (f2m_json_string_copy(f2m_json_member(root, "reason"), reason, sizeof reason))
        f2m_strbuf_addf(&w.phases, "%s:%s(%s); ", id, phase, reason);
    else
        f2m_strbuf_addf(&w.phases, "%s:%s; ", id, phase);
}

static int unheard(const char *topic)
{
    for (size_t i = 0; i < MAX_UNHEARD; i++)
        if (w.unheard[i] && strcmp(w.unheard[i], topic) == 0)
            return w.unheard_reason;
    return 0;
}

/* What the broker acknowledged, to be told in a turn of its own. */
static struct f2m_mqtt_published acked[256];
static size_t acked_len;

static void see_publish(const struct f2m_publish *p)
{
    if (!w.connected)
        return;
    if (w.on_publish)
        w.on_publish(w.ctx, p);
    if (p->tag && acked_len < sizeof acked / sizeof *acked)
        acked[acked_len++] = (struct f2m_mqtt_published){p->tag, unheard(p->topic)};
    if (strcmp(p->topic, "flip2mqtt/device/xyz-123/command") == 0) {
        ck_assert(!p->retain);
        w.last_expiry_s = p->expiry_s;
        see_phase(p->payload);
    } else if (strcmp(p->topic, "flip2mqtt/device/xyz-123/control") == 0) {
        ck_assert(p->retain);
        copy(&w.control_topic, p->payload);
    } else if (strcmp(p->topic, "flip2mqtt/device/xyz-123/pause") == 0) {
        ck_assert(p->retain);
        copy(&w.pause_topic, p->payload);
    } else if (strncmp(p->topic, "flip2mqtt/", 10) != 0) {
        f2m_strbuf_addf(&w.battery, "%s%s=%.*s; ", p->retain ? "!" : "", p->topic, (int)p->payload.len, p->payload.at);
    }
}

static void see_http(const struct f2m_http_request *r)
{
    char status[32], reason[256];

    if (w.on_http)
        w.on_http(w.ctx, r);
    ck_assert_uint_lt(w.flying_len, MAX_FLYING);
    struct world_call *call = &w.flying[w.flying_len++];
    *call = (struct world_call){.tag = r->tag, .patch = r->method == F2M_HTTP_PATCH};
    if (!call->patch) {
        ck_assert_str_eq(r->path, "/v1/commands");
        w.polls++;
        return;
    }
    ck_assert(strncmp(r->path, "/v1/command/", 12) == 0);
    snprintf(call->id, sizeof call->id, "%s", r->path + 12);
    call->body = f2m_xmemdup0(r->body.at, r->body.len);
    ck_assert(f2m_json_string_copy(f2m_json_member(r->body, "device_status"), status, sizeof status));
    ck_assert(f2m_json_string_copy(f2m_json_member(r->body, "device_status_reason"), reason, sizeof reason));
    f2m_strbuf_addf(&w.patches, "%s:%s(%s); ", call->id, status, reason);
    w.patched++;
    w.last_sent_wall = w.now.wall_ms;
}

static void carry_out(void)
{
    for (size_t i = 0; i < f2m_effects_count(w.fx); i++) {
        const struct f2m_effect *e = f2m_effects_at(w.fx, i);
        if (e->type == F2M_FX_LOG)
            f2m_strbuf_addf(&w.logs, "%s %s\n", e->log.msg, e->log.pairs);
        else if (w.lose_effects)
            continue;
        else if (e->type == F2M_FX_PUBLISH)
            see_publish(&e->publish);
        else if (e->type == F2M_FX_HTTP)
            see_http(&e->http);
    }
    f2m_effects_reset(w.fx);
}

/* ---- turns ---- */

static void finish_turn(void)
{
    if (w.cloud)
        f2m_cloud_tick(w.cloud, w.now, w.fx);
    f2m_telemetry_tick(w.telemetry, w.now, w.fx);
    f2m_control_tick(w.control, w.now, w.fx);
    if (w.commit_fails)
        f2m_fault_store_fail(w.store, F2M_FAULT_COMMIT, 1, -EIO, false);
    bool ok = f2m_store_commit(w.store) == 0;
    if (!ok)
        f2m_effects_withhold(w.fx);
    f2m_outbox_committed(w.outbox, w.now, ok, w.fx);
    f2m_control_committed(w.control, w.now, ok);
    carry_out();
}

static void answer_default(void)
{
    char body[512], time[F2M_RFC3339_SIZE];

    while (w.flying_len > 0 && !w.flip_silent) {
        struct world_call *call = &w.flying[0];
        if (call->patch) {
            snprintf(body, sizeof body, "{\"id\":\"%s\",\"updated_at\":\"%s\"}", call->id,
                     f2m_rfc3339_format(NOON - HOUR + 500, time));
            world_answer(0, w.patch_status, body);
        } else {
            world_answer(0, w.poll_status, w.list ? w.list : "[]");
        }
    }
}

/* The room wants another turn at once. */
static bool due(void)
{
    return f2m_control_deadline(w.control, w.now) <= w.now.mono_ms;
}

void world_turn(void)
{
    finish_turn();
    for (int i = 0; i < 50 && (acked_len > 0 || (w.flying_len > 0 && !w.flip_silent) || due()); i++) {
        struct f2m_mqtt_published now_acked[256];
        size_t n = acked_len;
        memcpy(now_acked, acked, n * sizeof *acked);
        acked_len = 0;
        for (size_t k = 0; k < n && w.connected; k++)
            ck_assert(f2m_control_published(w.control, w.now, &now_acked[k], w.fx));
        finish_turn();
        answer_default();
    }
}

void world_answer(size_t i, int status, const char *body)
{
    struct world_call call = w.flying[i];
    struct f2m_http_result result = {.tag = call.tag, .status = status, .body = f2m_slice_of(status ? body : NULL)};

    ck_assert_uint_lt(i, w.flying_len);
    if (!status)
        result.error = "timed out";
    memmove(&w.flying[i], &w.flying[i + 1], (w.flying_len - i - 1) * sizeof call);
    w.flying_len--;
    ck_assert(f2m_cloud_http_done(w.cloud, w.now, &result, w.fx));
    free(call.body);
    finish_turn();
}

static int64_t deadline(void)
{
    int64_t at = f2m_control_deadline(w.control, w.now), t = f2m_telemetry_deadline(w.telemetry, w.now);
    int64_t c = w.cloud ? f2m_cloud_deadline(w.cloud) : INT64_MAX;

    at = t < at ? t : at;
    return c < at ? c : at;
}

void world_run(int64_t ms)
{
    int64_t until = w.now.mono_ms + ms;

    world_turn();
    for (int turns = 0; w.now.mono_ms < until; turns++) {
        int64_t at = deadline(), step;
        ck_assert_msg(turns < 200000, "too many turns");
        if (at <= w.now.mono_ms)
            at = w.now.mono_ms + 1; /* what a busy loop costs at least */
        step = (at < until ? at : until) - w.now.mono_ms;
        w.now.mono_ms += step;
        w.now.wall_ms += step;
        world_turn();
    }
}

void world_sleep(int64_t ms)
{
    w.now.mono_ms += ms;
    w.now.wall_ms += ms;
    world_turn();
}

void world_step_clock(int64_t ms)
{
    w.now.wall_ms += ms;
    world_turn();
}

void world_up(void)
{
    w.connected = true;
    acked_len = 0;
    f2m_telemetry_mqtt_up(w.telemetry, w.now, w.fx);
    f2m_control_mqtt_up(w.control, w.now, w.fx);
    world_turn();
}

void world_down(void)
{
    w.connected = false;
    acked_len = 0;
    f2m_telemetry_mqtt_down(w.telemetry, w.now);
    f2m_control_mqtt_down(w.control, w.now);
    world_turn();
}

void world_message(const char *topic, const char *payload, bool retain)
{
    struct f2m_mqtt_message m = {f2m_slice_of(topic), f2m_slice_of(payload), retain, {NULL, 0}, {NULL, 0}};

    f2m_telemetry_message(w.telemetry, w.now, &m, w.fx);
    f2m_control_message(w.control, w.now, &m, w.fx);
    world_turn();
}

void world_pause(const char *payload)
{
    f2m_control_pause_set(w.control, w.now, "xyz-123", f2m_slice_of(payload), w.fx);
    world_turn();
}

void world_ack(const char *json)
{
    f2m_control_command_ack(w.control, w.now, "xyz-123", f2m_slice_of(json), w.fx);
    world_turn();
}

/* ---- what was seen ---- */

static const char *take_text(struct f2m_strbuf *seen)
{
    static char *last;

    free(last);
    last = f2m_xmemdup0(seen->data, seen->len);
    f2m_strbuf_reset(seen);
    return last;
}

const char *world_battery(void)
{
    return take_text(&w.battery);
}

const char *world_phases(void)
{
    return take_text(&w.phases);
}

const char *world_patches(void)
{
    return take_text(&w.patches);
}

const char *world_moments(void)
{
    return take_text(&w.moments);
}

const char *world_control_member(const char *name)
{
    static char text[1024];
    struct f2m_slice root = {w.control_topic.data, w.control_topic.len}, value;
    struct f2m_err err;

    ck_assert_msg(f2m_json_check(root, &err) == 0, "%s in '%s'", err.text, w.control_topic.data);
    if (!f2m_json_find(root, name, &value))
        return "absent";
    snprintf(text, sizeof text, "%.*s", (int)value.len, value.at);
    return text;
}

const char *world_owner(void)
{
    static char text[128];
    char owner[16], mode[32];
    struct f2m_slice root = {w.control_topic.data, w.control_topic.len};
    double setpoint;

    ck_assert(f2m_json_string_copy(f2m_json_member(root, "owner"), owner, sizeof owner));
    ck_assert(f2m_json_string_copy(f2m_json_member(root, "mode"), mode, sizeof mode));
    if (strcmp(owner, "local") == 0) {
        ck_assert_str_eq(mode, "NONE");
        return "local";
    }
    if (f2m_json_number(f2m_json_member(root, "setpoint_w"), &setpoint))
        snprintf(text, sizeof text, "%s %s %g", owner, mode, setpoint);
    else
        snprintf(text, sizeof text, "%s %s", owner, mode);
    return text;
}

static void note_problem(void *ctx, const char *device_id, const char *text)
{
    f2m_strbuf_addf(ctx, "%s: %s; ", device_id, text);
}

const char *world_problems(void)
{
    f2m_strbuf_reset(&w.problems);
    f2m_control_problems(w.control, w.now, note_problem, &w.problems);
    return w.problems.data;
}

bool world_logged(const char *text)
{
    return strstr(w.logs.data, text) != NULL;
}
