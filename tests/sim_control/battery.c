/* Batteries with the dialects of real projects: what they take, what they show, how they remember. */
#include "sim.h"

#include "util/json.h"

#include <stdio.h>
#include <stdlib.h>

const char *mode_name(enum mode mode)
{
    static const char *const names[] = {"own", "DISCHARGE", "CHARGE", "STANDBY"};

    return names[mode];
}

void post(int64_t delay, const char *topic, const char *payload, bool retain)
{
    if (s.posts_len == MAX_POSTS)
        sim_fail("more than %d messages on their way", MAX_POSTS);
    struct post *p = &s.posts[s.posts_len++];
    *p = (struct post){.due = s.mono + delay, .retain = retain};
    snprintf(p->topic, sizeof p->topic, "%s", topic);
    snprintf(p->payload, sizeof p->payload, "%s", payload);
}

static void set(enum mode mode)
{
    s.battery.mode = mode;
    s.battery.lease_until = NEVER;
}

static double number(const char *payload)
{
    char *end;
    double value = strtod(payload, &end);

    if (end == payload || *end)
        sim_fail("the battery hears '%s'", payload);
    return value;
}

/* SolarAssistant: texts, retained states a moment later. */
static void hear_solarassistant(const char *topic, const char *payload)
{
    struct battery *b = &s.battery;

    if (b->stuck)
        return;
    if (strcmp(topic, "sa/mode/set") == 0) {
        set(strcmp(payload, "Battery first") == 0 ? DISCHARGE
            : strcmp(payload, "Grid first") == 0  ? CHARGE
            : strcmp(payload, "Stop") == 0        ? STANDBY
                                                  : OWN);
        post(1 + below(3 * SECOND), "sa/mode/state", payload, false);
    } else {
        b->w = number(payload);
        post(1 + below(3 * SECOND), "sa/w/state", payload, false);
    }
}

/* lxp-bridge, eg4-bridge: two switches and a rate, each answered with an event. */
static void hear_lxp(const char *topic, const char *payload)
{
    struct battery *b = &s.battery;
    char result[64];

    if (b->stuck)
        return;
    if (strcmp(topic, "lxp/cmd/BA1/set/discharge_rate_pct") == 0)
        b->w = number(payload) * 40;
    else if (strcmp(topic, "lxp/cmd/BA1/set/forced_discharge") == 0)
        b->forced_discharge = strcmp(payload, "true") == 0;
    else
        b->forced_charge = strcmp(payload, "true") == 0;
    set(b->forced_discharge ? DISCHARGE : b->forced_charge ? CHARGE : OWN);
    snprintf(result, sizeof result, "lxp/result/BA1/set/%s", topic + strlen("lxp/cmd/BA1/set/"));
    post(1 + below(2 * SECOND), result, "OK", false);
}

/* Victron: one volatile setpoint, null releases. */
static void hear_victron(const char *topic, const char *payload)
{
    struct f2m_slice value = f2m_json_member(f2m_slice_of(payload), "value");
    struct f2m_err err;
    double w;

    (void)topic;
    if (f2m_json_check(f2m_slice_of(payload), &err) < 0)
        sim_fail("victron hears '%s'", payload);
    if (!f2m_json_number(value, &w)) {
        set(OWN);
        return;
    }
    set(w < 0 ? DISCHARGE : w > 0 ? CHARGE : STANDBY);
    s.battery.w = w < 0 ? -w : w;
}

/* GivTCP: minutes, after which it goes back by itself, or Cancel. */
static void hear_givtcp(const char *topic, const char *payload)
{
    if (strcmp(payload, "Cancel") == 0) {
        set(OWN);
        return;
    }
    set(strstr(topic, "forceExport") ? DISCHARGE : CHARGE);
    s.battery.lease_until = s.mono + (int64_t)number(payload) * MINUTE;
}

/* evcc: holds for a minute, unless told again. */
static void hear_evcc(const char *topic, const char *payload)
{
    (void)topic;
    set(strcmp(payload, "discharge") == 0 ? DISCHARGE
        : strcmp(payload, "charge") == 0  ? CHARGE
        : strcmp(payload, "hold") == 0    ? STANDBY
                                          : OWN);
    if (s.battery.mode != OWN)
        s.battery.lease_until = s.mono + MINUTE;
}

#define MODES(discharge, charge, standby, restore)                                                                     \
    ", modes: { DISCHARGE: [" discharge "], CHARGE: [" charge "]" standby " }, restore: [" restore "]"
#define SA_MODE(text)                                                                                                  \
    "{ topic: sa/mode/set, payload: \"" text "\", confirm: { topic: sa/mode/state, equals: \"" text                    \
    "\", within: 10s } }"
#define SA_W                                                                                                           \
    ", { topic: sa/w/set, payload: \"{{ setpoint_w | default(\\\"4000\\\") }}\", confirm: { topic: sa/w/state, "       \
    "equals:"                                                                                                          \
    " \"{{ setpoint_w | default(\\\"4000\\\") }}\", within: 10s } }"
#define LXP(what, value)                                                                                               \
    "{ topic: lxp/cmd/BA1/set/" what ", payload: \"" value "\", confirm: { topic: lxp/result/BA1/set/" what            \
    ", equals:"                                                                                                        \
    " OK, within: 10s } }"
#define W(value)         "{ topic: W/p/settings/0/AcPowerSetPoint, payload: '{\"value\": " value " }' }"
#define GIV(what, value) "{ topic: GivEnergy/control/S1/" what ", payload: \"" value "\" }"
#define MINUTES          "{{ remaining_s | default(\\\"86400\\\") | minutes | offset(0.5) | round(0) }}"
#define EVCC(mode)       "{ topic: evcc/site/batteryMode/set, payload: " mode ", refresh: 30s }"

const struct dialect dialects[] = {
    {"solarassistant",
     MODES(SA_MODE("Battery first") SA_W, SA_MODE("Grid first") SA_W, ", STANDBY: [" SA_MODE("Stop") "]",
           SA_MODE("Load first")),
     .watts = true, .standby = true, .confirms = true, .hear = hear_solarassistant},
    {"lxp",
     MODES(LXP("ac_charge", "false") ", " LXP(
               "discharge_rate_pct",
               "{{ setpoint_w | percent_of(4 kW) | round(0) | default(\\\"100\\\") }}") ", " LXP("forced_discharge",
                                                                                                 "true"),
           LXP("forced_discharge", "false") ", " LXP("ac_charge", "true"), "",
           LXP("forced_discharge", "false") ", " LXP("ac_charge", "false")),
     .watts = true, .confirms = true, .hear = hear_lxp},
    {"victron",
     MODES(W("{{ setpoint_w | default(\"4000\") | scale(-1) }}"), W("{{ setpoint_w | default(\"4000\") }}"),
           ", STANDBY: [" W("0") "]", W("null")),
     .watts = true, .standby = true, .hear = hear_victron},
    {"givtcp", MODES(GIV("forceExport", MINUTES), GIV("forceCharge", MINUTES), "", GIV("forceExport", "Cancel")),
     .lease = true, .hear = hear_givtcp},
    {"evcc", MODES(EVCC("discharge"), EVCC("charge"), ", STANDBY: [" EVCC("hold") "]", EVCC("normal")), .lease = true,
     .standby = true, .hear = hear_evcc},
    {"no modes", "", .standby = true, .hear = NULL},
};
const size_t dialects_len = sizeof dialects / sizeof *dialects;

/* An integration without modes follows the retained truth. */
static void follow(void)
{
    struct f2m_slice root = f2m_slice_of(s.control_topic);

    if (f2m_json_string_is(f2m_json_member(root, "owner"), "local"))
        set(OWN);
    else if (f2m_json_string_is(f2m_json_member(root, "mode"), "DISCHARGE"))
        set(DISCHARGE);
    else
        set(f2m_json_string_is(f2m_json_member(root, "mode"), "CHARGE") ? CHARGE : STANDBY);
}

/* An integration that answers what it hears of, mostly. */
static void answer(const struct f2m_publish *p)
{
    char id[32], ack[96];

    if (!s.integration || !f2m_json_string_is(f2m_json_member(p->payload, "phase"), "received") || percent(10) ||
        !f2m_json_string_copy(f2m_json_member(p->payload, "command_id"), id, sizeof id))
        return;
    snprintf(ack, sizeof ack, "{\"id\":\"%s\",\"device_status\":\"%s\"}", id,
             percent(90)   ? "OK"
             : percent(50) ? "FAILED_OFFLINE"
                           : "FAILED_FAULT");
    post(below(percent(80) ? 5 * SECOND : 15 * MINUTE), "command/ack", ack, false);
}

void battery_hear(const struct f2m_publish *p)
{
    char payload[64];

    if (strcmp(p->topic, "flip2mqtt/device/" DEVICE "/control") == 0) {
        snprintf(s.control_topic, sizeof s.control_topic, "%.*s", (int)p->payload.len, p->payload.at);
        sim_trace("control %s", s.control_topic);
        if (!s.dialect->hear)
            follow();
    } else if (strcmp(p->topic, "flip2mqtt/device/" DEVICE "/command") == 0) {
        sim_trace("phase %.40s", p->payload.at);
        answer(p);
    } else if (strncmp(p->topic, "flip2mqtt/", 10) != 0 && !s.battery.deaf) {
        struct battery before = s.battery;
        snprintf(payload, sizeof payload, "%.*s", (int)p->payload.len, p->payload.at);
        sim_trace("battery %s=%s%s", p->topic, payload, s.battery.stuck ? " (stuck)" : "");
        s.dialect->hear(p->topic, payload);
        s.acts++;
        s.battery.wrote = true;
        s.battery.excused |= s.battery.lapsed; /* who tells it cannot know that it is back already */
        s.battery.lapsed = false;
        if (before.mode == s.battery.mode && before.w == s.battery.w && before.lease_until == s.battery.lease_until)
            return;
        s.battery.changed = true;
        check_publish();
    }
}

void battery_pass(void)
{
    if (s.mono >= s.battery.lease_until) {
        sim_trace("battery goes back by itself");
        check_lapse();
        set(OWN);
        s.battery.lapsed = true;
    }
}
