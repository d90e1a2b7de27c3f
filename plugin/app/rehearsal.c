#include "app/rehearsal.h"

#include "app/clock.h"
#include "port/own_topic.h"
#include "util/json.h"
#include "util/number.h"
#include "util/rfc3339.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define LOOK_AROUND_MS 3000  /* for values, and for what a running bridge says of the battery */
#define AFTERWARDS_MS  90000 /* the most that the restore may take, read-backs included */
#define TURN_MS        500
#define LOOK_EVERY_MS  5000

volatile sig_atomic_t rehearsal_interrupted;

/* ---- what the owner sees ---- */

static void say(const struct rehearsal *r, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void say(const struct rehearsal *r, const char *what, const char *fmt, ...)
{
    char line[800];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    printf("%6.1f s  %-12s %s\n", (double)(f2m_clock_now().mono_ms - r->started_ms) / 1000, what, line);
    (void)fflush(stdout);
}

static struct f2m_reading read_source(const struct rehearsal *r, enum f2m_source_id id)
{
    return f2m_telemetry_reading(r->telemetry, r->device->id, id, f2m_clock_now());
}

static double fresh_number(const struct rehearsal *r, enum f2m_source_id id)
{
    struct f2m_reading reading = read_source(r, id);
    return reading.known && reading.fresh ? reading.number : NAN;
}

/* Positive = charging; NAN where nothing says so. */
static double battery_power(const struct rehearsal *r)
{
    double power = fresh_number(r, F2M_SRC_BATTERY_POWER);
    double charge = fresh_number(r, F2M_SRC_BATTERY_CHARGE_POWER);
    double discharge = fresh_number(r, F2M_SRC_BATTERY_DISCHARGE_POWER);

    return isnan(power) ? charge - discharge : power;
}

/* What the battery really does, where telemetry shows it: now and then, and only news. */
static void look_at_battery(struct rehearsal *r, struct f2m_now now)
{
    double power = battery_power(r), soc = fresh_number(r, F2M_SRC_STATE_OF_CHARGE);
    char text[sizeof r->seen], number[F2M_NUMBER_SIZE];
    size_t len = 0;

    if (now.mono_ms < r->look_ms)
        return;
    r->look_ms = now.mono_ms + LOOK_EVERY_MS;
    text[0] = '\0';
    if (!isnan(power))
        len = (size_t)snprintf(text, sizeof text, "%s %s W", power < 0 ? "discharges" : "charges",
                               f2m_number_format(round(fabs(power)), number));
    if (!isnan(soc))
        (void)snprintf(text + len, sizeof text - len, "%sstate of charge %s %%", len ? ", " : "",
                       f2m_number_format(soc, number));
    if (!text[0] || strcmp(text, r->seen) == 0)
        return;
    memcpy(r->seen, text, sizeof r->seen);
    say(r, "battery", "%s", text);
}

/* The orders after the owner's limits. */
static void say_orders(const struct rehearsal *r, struct f2m_slice control)
{
    char mode[32], number[F2M_NUMBER_SIZE], setpoint[64] = "", reserve[64] = "";
    double value;

    if (!f2m_json_string_copy(f2m_json_member(control, "mode"), mode, sizeof mode))
        return;
    if (f2m_json_number(f2m_json_member(control, "setpoint_w"), &value))
        (void)snprintf(setpoint, sizeof setpoint, ", %s W%s", f2m_number_format(value, number),
                       value < r->setpoint_w ? " (limited)" : "");
    if (f2m_json_number(f2m_json_member(control, "backup_reserve_percentage"), &value))
        (void)snprintf(reserve, sizeof reserve, ", reserve %s %%", f2m_number_format(value, number));
    say(r, "control", "%s%s%s", mode, setpoint, reserve);
}

static void say_problem(void *rehearsal, const char *device_id, const char *text)
{
    const struct rehearsal *r = rehearsal;
    if (strcmp(device_id, r->device->id) == 0)
        say(r, "!", "%s", text);
}

static void say_problems(struct rehearsal *r)
{
    f2m_control_problems(r->control, f2m_clock_now(), say_problem, r);
}

/* ---- beside a running bridge ---- */

static struct f2m_slice member(struct f2m_slice object, const char *name)
{
    struct f2m_err ignored;
    return f2m_json_check(object, &ignored) == 0 ? f2m_json_member(f2m_json_root(object), name) : (struct f2m_slice){0};
}

/* What is said of the battery, by us or by a running bridge. */
static void hear_control(struct rehearsal *r, struct f2m_slice payload)
{
    if (f2m_json_string_is(member(payload, "command_id"), r->id))
        return;
    f2m_strbuf_reset(&r->kept);
    f2m_strbuf_add(&r->kept, payload.at, payload.len);
    r->flips = f2m_json_string_is(member(payload, "owner"), "flip");
}

/* The bridge's truth is retained, with what comes next: ours covers it only while the rehearsal runs. */
static void publish_control(struct rehearsal *r, const struct f2m_publish *p)
{
    struct f2m_publish own = *p;

    if (f2m_json_string_is(member(p->payload, "owner"), "flip")) {
        r->begun = true;
        say_orders(r, p->payload);
    } else if (!r->begun) {
        return;
    } else if (r->kept.len) {
        own.payload = (struct f2m_slice){r->kept.data, r->kept.len};
    }
    (void)f2m_mqtt_publish(r->tool.mqtt, &own);
}

static void warn_of_next(const struct rehearsal *r, int64_t ends_ms)
{
    struct f2m_slice next = member((struct f2m_slice){r->kept.data, r->kept.len}, "next");
    char text[64];
    int64_t starts_ms;

    if (next.at && f2m_json_string_copy(f2m_json_member(next, "starts_at"), text, sizeof text) &&
        f2m_rfc3339_parse(f2m_slice_of(text), &starts_ms) && starts_ms < ends_ms)
        say(r, "!", "Flip's next command begins at %s, and ends the rehearsal", text);
}

/* ---- the turn ---- */

static void carry_out_publish(struct rehearsal *r, const struct f2m_publish *p)
{
    char phase[32];

    if (strcmp(p->topic, r->control_topic.data) == 0) {
        publish_control(r, p);
        return;
    }
    if (strcmp(p->topic, r->command_topic.data) == 0) {
        if (f2m_json_string_copy(member(p->payload, "phase"), phase, sizeof phase))
            say(r, "command", "%s", phase);
    } else if (f2m_own_topic_rest(f2m_slice_of(p->topic), r->config->mqtt.base_topic).at) {
        return; /* state, pause, telemetry and other devices are the bridge's to publish */
    } else {
        say(r, "to battery", "%s = %.*s", p->topic, (int)p->payload.len, p->payload.at);
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
            say(r, "!", "%s %s", e->log.msg, e->log.pairs);
    }
    f2m_effects_reset(r->effects);
}

static void nothing(void *ctx, void *subscriber)
{
    (void)ctx;
    (void)subscriber;
}

static void take_message(struct rehearsal *r, struct f2m_now now, const struct f2m_mqtt_message *m)
{
    if (f2m_slice_is(m->topic, r->control_topic.data)) {
        hear_control(r, m->payload);
        return;
    }
    if (f2m_router_match(r->read_backs, m->topic, nothing, NULL) > 0)
        say(r, "from battery", "%.*s = %.*s%s", (int)m->topic.len, m->topic.at,
            m->payload.len > 200 ? 200 : (int)m->payload.len, m->payload.at, m->retain ? " (retained)" : "");
    (void)f2m_telemetry_message(r->telemetry, now, m, r->effects);
    (void)f2m_control_message(r->control, now, m, r->effects);
}

static void note_taken(struct rehearsal *r)
{
    const char *phase = f2m_control_phase(r->control, r->id, NULL);

    if (phase && strcmp(phase, "started") == 0 && f2m_control_settled(r->control, r->device->id))
        r->taken = true;
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
        look_at_battery(r, now);
        note_taken(r);
        if (now.mono_ms >= deadline_ms || over(r))
            return;
        int64_t due = f2m_control_deadline(r->control, now);
        int64_t wake = now.mono_ms + TURN_MS < due ? now.mono_ms + TURN_MS : due;
        if (!tool_next(&r->tool, wake < deadline_ms ? wake : deadline_ms, &event))
            continue;
        if (event.type == F2M_EV_MQTT_MESSAGE)
            take_message(r, f2m_clock_now(), &event.message);
        else if (event.type == F2M_EV_MQTT_PUBLISHED)
            (void)f2m_control_published(r->control, f2m_clock_now(), &event.published, r->effects);
    }
}

static bool is_interrupted(const struct rehearsal *r)
{
    (void)r;
    return rehearsal_interrupted;
}

static bool is_over(const struct rehearsal *r)
{
    const char *phase = f2m_control_phase(r->control, r->id, NULL);
    bool running = phase && (strcmp(phase, "received") == 0 || strcmp(phase, "started") == 0);
    return rehearsal_interrupted || r->flips || !running;
}

static bool is_settled(const struct rehearsal *r)
{
    return r->flips || f2m_control_settled(r->control, r->device->id);
}

/* ---- the whole ---- */

static int tell_outcome(struct rehearsal *r)
{
    const char *reason = "";
    const char *phase = f2m_control_phase(r->control, r->id, &reason);
    bool restored = is_settled(r), ended = phase && strcmp(phase, "ended") == 0;
    bool writes = r->device->control.modes_len && !r->device->control.observe;
    const char *what = !restored ? "The battery is not restored"
                       : !ended  ? "Not carried out; the battery is restored"
                       : !r->taken
                           ? "Over before the battery had taken and confirmed it (give a longer --for); restored"
                       : writes ? "Carried out, and the battery is restored"
                                : "Rehearsed; nothing was published to the battery";

    if (!restored)
        say_problems(r);
    printf("\n%s: %s%s%s\n", what, phase ? phase : "unknown", reason[0] ? ", " : "", reason);
    return restored && ended && r->taken ? 0 : EX_UNAVAILABLE;
}

static int give_way(const struct rehearsal *r)
{
    say(r, "!", "Flip takes over: the rehearsal ends, and the battery is left to the running bridge");
    return EX_TEMPFAIL;
}

static void say_limits(const struct rehearsal *r)
{
    const struct f2m_control_config *control = &r->device->control;

    if (control->observe)
        say(r, "!", "`observe: true`: nothing is published to the battery");
    else if (control->modes_len == 0)
        say(r, "!", "no `modes` are configured: the battery moves only if something follows %s", r->control_topic.data);
}

static int begin(struct rehearsal *r, const struct f2m_rehearsal *command)
{
    struct f2m_err err;

    say(r, "listening", "for %d s, to the battery and to a running bridge", LOOK_AROUND_MS / 1000);
    turn_until(r, f2m_clock_now().mono_ms + LOOK_AROUND_MS, is_interrupted);
    if (r->flips) {
        fputs("flip2mqtt: control test: Flip controls this battery right now; rehearse when it is over\n", stderr);
        return EX_TEMPFAIL;
    }
    say_limits(r);
    warn_of_next(r, f2m_clock_now().wall_ms + command->duration_ms);
    r->setpoint_w = command->setpoint_w;
    f2m_control_mqtt_up(r->control, f2m_clock_now(), r->effects);
    if (f2m_control_rehearse(r->control, f2m_clock_now(), command, r->id, r->effects, &err) == 0)
        return 0;
    fprintf(stderr, "flip2mqtt: control test: %s\n", err.text);
    return EX_UNAVAILABLE;
}

int rehearsal_play(struct rehearsal *r, const struct f2m_rehearsal *command)
{
    int rc = begin(r, command);

    if (rc != 0)
        return rc;
    turn_until(r, f2m_clock_now().mono_ms + command->duration_ms + AFTERWARDS_MS, is_over);
    if (rehearsal_interrupted) {
        say(r, "you", "the command ends, the battery is restored");
        f2m_control_pause_set(r->control, f2m_clock_now(), r->device->id, f2m_slice_of("ON"), r->effects);
    }
    if (!is_settled(r))
        turn_until(r, f2m_clock_now().mono_ms + AFTERWARDS_MS, is_settled);
    return r->flips ? give_way(r) : tell_outcome(r);
}
