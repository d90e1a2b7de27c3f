/*
 * flip2mqtt control test: a rehearsal of a command by the very same path as Flip's (modes, confirm, guard, restore), on
 * a journal in memory and without Flip. Prints what happened. Ctrl-C ends the command and restores the battery.
 */
#include "app/clock.h"
#include "app/command.h"
#include "app/tool.h"
#include "control/control.h"
#include "port/own_topic.h"
#include "store/sqlite.h"
#include "telemetry/telemetry.h"
#include "util/json.h"
#include "util/number.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define DEFAULT_FOR_MS 60000
#define LOOK_AROUND_MS 3000  /* for values, and for what a running bridge says of the battery */
#define AFTERWARDS_MS  90000 /* the most that the restore may take, confirmations included */
#define TURN_MS        500

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

struct rehearsal {
    struct f2m_config *config;
    const struct f2m_device *device;
    struct tool tool;
    struct f2m_store *store;
    struct f2m_counters counters;
    struct f2m_rng rng;
    struct f2m_outbox *outbox;
    struct f2m_telemetry *telemetry;
    struct f2m_control *control;
    struct f2m_effects *effects;
    struct f2m_strbuf own; /* "<base>/device/<id>/control" */
    bool owned_by_flip;    /* a running bridge says so */
    char id[F2M_REHEARSAL_ID_SIZE];
    int64_t started_ms;
};

static void say(const struct rehearsal *r, const char *what, const char *text, size_t len)
{
    printf("%6.1f s  %-10s %.*s\n", (double)(f2m_clock_now().mono_ms - r->started_ms) / 1000, what, (int)len, text);
    (void)fflush(stdout);
}

static void say_log(const struct rehearsal *r, const struct f2m_log_effect *log)
{
    char line[800];
    int len = snprintf(line, sizeof line, "%s %s", log->msg, log->pairs);
    say(r, "!", line, len < (int)sizeof line ? (size_t)len : sizeof line - 1);
}

/* ---- the turn ---- */

static void carry_out_publish(struct rehearsal *r, const struct f2m_publish *p)
{
    struct f2m_slice rest = f2m_own_topic_rest(f2m_slice_of(p->topic), r->config->mqtt.base_topic);
    char line[600];
    if (!rest.at) {
        int len = snprintf(line, sizeof line, "%s = %.*s", p->topic, (int)p->payload.len, p->payload.at);
        say(r, "to battery", line, len < (int)sizeof line ? (size_t)len : sizeof line - 1);
    } else if (rest.len > 8 && memcmp(rest.at + rest.len - 8, "/command", 8) == 0) {
        if (f2m_json_string_copy(f2m_json_member(p->payload, "phase"), line, sizeof line))
            say(r, "command", line, strlen(line));
    } else if (rest.len < 8 || memcmp(rest.at + rest.len - 8, "/control", 8) != 0) {
        return; /* state, pause and telemetry are the bridge's to publish */
    }
    (void)f2m_mqtt_publish(r->tool.mqtt, p);
}

static void carry_out(struct rehearsal *r)
{
    bool ok = f2m_store_commit(r->store) == 0; /* in memory: cannot fail but for want of it */
    f2m_control_committed(r->control, f2m_clock_now(), ok);
    for (size_t i = 0; i < f2m_effects_count(r->effects); i++) {
        const struct f2m_effect *e = f2m_effects_at(r->effects, i);
        if (e->type == F2M_FX_PUBLISH)
            carry_out_publish(r, &e->publish);
        else if (e->type == F2M_FX_LOG && e->log.level <= F2M_LOG_WARN)
            say_log(r, &e->log);
    }
    f2m_effects_reset(r->effects);
}

static void take_event(struct rehearsal *r, struct f2m_now now, const struct f2m_event *event)
{
    switch (event->type) {
    case F2M_EV_MQTT_MESSAGE:
        if (f2m_slice_is(event->message.topic, r->own.data) && event->message.retain) {
            struct f2m_err ignored;
            r->owned_by_flip =
                f2m_json_check(event->message.payload, &ignored) == 0 &&
                f2m_json_string_is(f2m_json_member(f2m_json_root(event->message.payload), "owner"), "flip");
        }
        (void)f2m_telemetry_message(r->telemetry, now, &event->message, r->effects);
        (void)f2m_control_message(r->control, now, &event->message, r->effects);
        break;
    case F2M_EV_MQTT_PUBLISHED: (void)f2m_control_published(r->control, now, &event->published, r->effects); break;
    default: break;
    }
}

/* Until the deadline, or until `over` says so. */
static void turn_until(struct rehearsal *r, int64_t deadline_ms, bool (*over)(const struct rehearsal *))
{
    struct f2m_event event;
    for (;;) {
        struct f2m_now now = f2m_clock_now();
        f2m_telemetry_tick(r->telemetry, now, r->effects);
        f2m_control_tick(r->control, now, r->effects);
        carry_out(r);
        if (now.mono_ms >= deadline_ms || (over && over(r)))
            return;
        int64_t due = f2m_control_deadline(r->control, now);
        int64_t wake = now.mono_ms + TURN_MS < due ? now.mono_ms + TURN_MS : due;
        if (tool_next(&r->tool, wake < deadline_ms ? wake : deadline_ms, &event))
            take_event(r, f2m_clock_now(), &event);
    }
}

static bool is_interrupted(const struct rehearsal *r)
{
    (void)r;
    return interrupted;
}

static bool is_over(const struct rehearsal *r)
{
    const char *reason;
    const char *phase = f2m_control_phase(r->control, r->id, &reason);
    bool running = phase && (strcmp(phase, "received") == 0 || strcmp(phase, "started") == 0);
    return interrupted || !running;
}

static bool is_settled(const struct rehearsal *r)
{
    return f2m_control_settled(r->control, r->device->id);
}

/* ---- the rehearsal ---- */

static bool read_number(const char *option, const char *text, enum f2m_quantity quantity, const char *example,
                        double *value)
{
    *value = NAN;
    if (!text || f2m_quantity_parse(f2m_slice_of(text), quantity, value))
        return true;
    fprintf(stderr, "flip2mqtt: --%s: expected a value such as '%s', found '%s'\n", option, example, text);
    return false;
}

static bool read_command(const struct f2m_options *o, struct f2m_rehearsal *c)
{
    if (!o->device || !o->mode) {
        fputs("flip2mqtt: control test: --device and --mode are needed\nTry 'flip2mqtt --help'.\n", stderr);
        return false;
    }
    *c = (struct f2m_rehearsal){.device_id = o->device, .power_mode = o->power_mode};
    if (!f2m_mode_parse(f2m_slice_of(o->mode), &c->mode)) {
        fprintf(stderr,
                "flip2mqtt: --mode: expected BACKUP, CHARGE, DISCHARGE, SAVINGS, SELF_CONSUMPTION or STANDBY, "
                "found '%s'\n",
                o->mode);
        return false;
    }
    c->duration_ms = o->for_ms ? o->for_ms : DEFAULT_FOR_MS;
    if (!read_number("setpoint", o->setpoint, F2M_QUANTITY_POWER, "2 kW", &c->setpoint_w) ||
        !read_number("reserve", o->reserve, F2M_QUANTITY_PERCENTAGE, "20 %", &c->reserve))
        return false;
    if (!c->power_mode && !isnan(c->setpoint_w))
        c->power_mode = "SETPOINT";
    return true;
}

static int tell_outcome(const struct rehearsal *r)
{
    const char *reason = "";
    const char *phase = f2m_control_phase(r->control, r->id, &reason);
    bool good = phase && strcmp(phase, "ended") == 0 && is_settled(r);
    printf("\n%s: %s%s%s\n", good ? "The battery did as it was told, and is restored" : "Not as it should be",
           phase ? phase : "unknown", reason && reason[0] ? ", " : "", reason ? reason : "");
    return good ? 0 : EX_UNAVAILABLE;
}

static int rehearse(struct rehearsal *r, const struct f2m_rehearsal *command)
{
    struct f2m_err err;
    turn_until(r, f2m_clock_now().mono_ms + LOOK_AROUND_MS, is_interrupted);
    if (r->owned_by_flip) {
        fputs("flip2mqtt: control test: Flip controls this battery right now; rehearse when it is over\n", stderr);
        return EX_TEMPFAIL;
    }
    f2m_control_mqtt_up(r->control, f2m_clock_now(), r->effects);
    if (f2m_control_rehearse(r->control, f2m_clock_now(), command, r->id, r->effects, &err) != 0) {
        fprintf(stderr, "flip2mqtt: control test: %s\n", err.text);
        return EX_UNAVAILABLE;
    }
    turn_until(r, f2m_clock_now().mono_ms + command->duration_ms + AFTERWARDS_MS, is_over);
    if (interrupted) {
        say(r, "you", "Ctrl-C: the command ends, the battery is restored", 50);
        f2m_control_pause_set(r->control, f2m_clock_now(), r->device->id, f2m_slice_of("ON"), r->effects);
    }
    turn_until(r, f2m_clock_now().mono_ms + AFTERWARDS_MS, is_settled);
    return tell_outcome(r);
}

static void subscribe(void *tool, const char *filter)
{
    (void)f2m_mqtt_subscribe(((struct tool *)tool)->mqtt, filter);
}

static int open_rooms_and_rehearse(struct rehearsal *r, const struct f2m_rehearsal *command)
{
    struct f2m_now now = f2m_clock_now();
    r->started_ms = now.mono_ms;
    r->rng.state = (uint64_t)now.wall_ms;
    r->store = f2m_store_open_memory();
    r->effects = f2m_effects_new();
    r->outbox = f2m_outbox_new(r->config, r->store, &r->counters);
    r->telemetry = f2m_telemetry_new(r->config, r->store, r->outbox, &r->counters, now);
    r->control = f2m_control_new(&(struct f2m_control_context){.config = r->config,
                                                               .store = r->store,
                                                               .telemetry = r->telemetry,
                                                               .rng = &r->rng,
                                                               .counters = &r->counters},
                                 now);
    f2m_strbuf_init(&r->own, 0);
    f2m_own_topic_device(&r->own, r->config->mqtt.base_topic, r->device->id, "control");
    subscribe(&r->tool, r->own.data);
    f2m_telemetry_filters(r->telemetry, subscribe, &r->tool);
    f2m_control_filters(r->control, subscribe, &r->tool);
    int result = rehearse(r, command);
    f2m_strbuf_deinit(&r->own);
    f2m_control_free(r->control);
    f2m_telemetry_free(r->telemetry);
    f2m_outbox_free(r->outbox);
    f2m_effects_free(r->effects);
    f2m_store_free(r->store);
    return result;
}

static int connect_and_rehearse(struct rehearsal *r, const struct f2m_rehearsal *command)
{
    struct f2m_err err;
    int result = tool_open(&r->tool, r->config, "control-test", &err);
    if (result == 0)
        result = tool_connect(&r->tool, &err);
    if (result == 0)
        result = open_rooms_and_rehearse(r, command);
    else {
        fprintf(stderr, "flip2mqtt: control test: broker %s:%d: %s\n", r->config->mqtt.host, r->config->mqtt.port,
                err.text);
        result = EX_UNAVAILABLE;
    }
    if (r->tool.mqtt)
        tool_close(&r->tool);
    return result;
}

int f2m_command_control(const struct f2m_options *o)
{
    struct f2m_rehearsal command;
    if (o->words_len != 2 || strcmp(o->words[1], "test") != 0) {
        fputs("flip2mqtt: control: expected test\nTry 'flip2mqtt --help'.\n", stderr);
        return EX_USAGE;
    }
    if (!read_command(o, &command))
        return EX_USAGE;
    struct rehearsal r = {.config = f2m_command_load(o)};
    if (!r.config)
        return EX_CONFIG;
    r.device = f2m_config_device(r.config, o->device);
    int result = EX_USAGE;
    struct sigaction action = {.sa_handler = on_interrupt};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    if (r.device)
        result = connect_and_rehearse(&r, &command);
    else
        fprintf(stderr, "flip2mqtt: --device: '%s' is not in the configuration\n", o->device);
    f2m_config_free(r.config);
    return result;
}
