/* What happens in the world: everything that breaks, and everything that people do. */
#include "sim.h"

#include <stdio.h>

static int64_t a_while(void)
{
    return percent(70) ? below(30 * SECOND) : below(20 * MINUTE);
}

static void break_broker(void)
{
    if (!s.broker_up)
        return;
    s.broker_up = false;
    s.broker_back = s.mono + a_while();
    s.up_at = NEVER;
    bridge_down();
}

static void break_cloud(void)
{
    s.cloud_up = false;
    s.cloud_back = s.mono + a_while();
    disturb();
}

static void crash(void)
{
    if (!s.alive)
        return;
    s.crash_now = percent(60);
    if (s.crash_now)
        return; /* in the next turn, which may be one that acts */
    bridge_kill();
    s.back_at = s.mono + a_while();
}

static void set_clock(void)
{
    static const int64_t steps[] = {1000, -1000, 30000, -30000, 5 * MINUTE, -5 * MINUTE, 2 * HOUR, -2 * HOUR};

    s.skew += steps[below(percent(30) ? 8 : 4)] + below(1000);
    s.battery.excused |= s.dialect->lease;
    sim_trace("clock is set, now %+lld ms off", (long long)s.skew);
    bridge_turn();
}

void chance_pause(void)
{
    if (!s.connected || s.crash_now || s.commit_fails)
        return; /* what is not stored is not so, and the switch shows it */
    s.paused = !s.paused;
    s.pause_back = s.paused ? s.mono + a_while() : NEVER;
    sim_trace("pause %d", s.paused);
    bridge_message("pause/set", s.paused ? "ON" : "OFF", false);
}

void chance_veto(void)
{
    if (!s.connected || s.crash_now || s.commit_fails)
        return;
    s.veto = !s.veto;
    s.veto_back = s.veto ? s.mono + a_while() : NEVER;
    sim_trace("veto %d", s.veto);
    bridge_message("house/veto", s.veto ? "on" : "off", false);
}

void chance_online(void)
{
    s.device_offline = !s.device_offline;
    s.online_at = s.mono;
    sim_trace("device %s", s.device_offline ? "offline" : "online");
    disturb();
    bridge_message("inv/LWT", s.device_offline ? "offline" : "online", false);
}

static void unset_clock(void)
{
    if (!s.alive || s.hold)
        return;
    s.hold = true;
    s.hold_back = s.mono + a_while();
    sim_trace("clock unset");
    disturb();
    f2m_control_hold(s.control, true);
    bridge_turn();
}

static void fail_commits(void)
{
    s.commit_fails = true;
    s.commit_back = s.mono + a_while();
    sim_trace("commits fail");
    disturb();
}

static void stick(void)
{
    if (!s.dialect->confirms)
        return;
    s.battery.stuck = true;
    s.unstuck_at = s.mono + a_while();
    sim_trace("battery is stuck");
    disturb();
}

static void deafen(void)
{
    s.battery.deaf = true;
    s.listens_at = s.mono + a_while();
    sim_trace("battery does not listen");
    disturb();
}

void chance_event(void)
{
    static const struct {
        int weight;
        void (*happens)(void);
    } events[] = {
        {30, flip_create}, {25, flip_change}, {6, break_broker}, {6, break_cloud},   {8, crash},
        {3, set_clock},    {4, chance_pause}, {4, chance_veto},  {2, chance_online}, {1, unset_clock},
        {2, fail_commits}, {2, stick},        {2, deafen},       {2, bridge_reload},
    };
    int64_t total = 0;

    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        total += events[i].weight;
    int64_t pick = below(total);
    for (size_t i = 0;; i++) {
        pick -= events[i].weight;
        if (pick < 0) {
            events[i].happens();
            return;
        }
    }
}

/* ---- what comes back ---- */

static bool due(int64_t *at)
{
    if (s.mono < *at)
        return false;
    *at = NEVER;
    return true;
}

static void restart(void)
{
    sim_trace("restart");
    bridge_start();
    disturb();
    s.trusted_at = s.mono;
    s.low_since = NEVER; /* it has not heard of it */
    bridge_turn();
    s.up_at = s.broker_up ? s.mono + below(5 * SECOND) : NEVER;
}

static void measure(void)
{
    s.soc_at = s.mono + MINUTE;
    if (percent(2) && !s.ending)
        s.soc_silent = !s.soc_silent;
    if (s.soc_silent && !s.ending)
        return;
    s.soc += s.battery.mode == DISCHARGE ? -1.0 : s.battery.mode == CHARGE ? 2.0 : 0.2;
    s.soc = s.soc < 15 ? 15 : s.soc > 99 ? 99 : s.soc;
    if (s.soc > 20)
        s.low_since = NEVER;
    else if (s.low_since == NEVER && s.connected && s.alive)
        s.low_since = s.mono;
    char text[32];
    snprintf(text, sizeof text, "%.1f", s.soc);
    bridge_message("inv/soc", text, false);
}

static void heal_bridge(void)
{
    if (due(&s.back_at) && !s.alive)
        restart();
    if (due(&s.commit_back)) {
        s.commit_fails = false;
        s.trusted_at = s.mono + 61 * SECOND; /* the room waits up to a minute */
        disturb();
    }
    if (due(&s.hold_back)) {
        s.hold = false;
        s.trusted_at = s.trusted_at > s.mono ? s.trusted_at : s.mono;
        disturb();
        if (s.alive)
            f2m_control_hold(s.control, false);
        bridge_turn();
    }
}

void chance_heal(void)
{
    heal_bridge();
    if (due(&s.broker_back)) {
        s.broker_up = true;
        s.up_at = s.mono + below(5 * SECOND);
    }
    if (due(&s.up_at))
        bridge_up();
    if (due(&s.cloud_back)) {
        s.cloud_up = true;
        disturb();
    }
    if (due(&s.unstuck_at)) {
        s.battery.stuck = false;
        s.battery.excused = true; /* what it did not take is told again */
        disturb();
    }
    if (due(&s.listens_at)) {
        s.battery.deaf = false;
        s.battery.excused = true; /* what it did not hear is told again */
        disturb();
    }
    if (s.connected && !s.crash_now && !s.commit_fails && due(&s.pause_back))
        chance_pause();
    if (s.connected && !s.crash_now && !s.commit_fails && due(&s.veto_back))
        chance_veto();
    if (s.mono >= s.soc_at)
        measure();
    battery_pass();
}

int64_t chance_next(void)
{
    const int64_t planned[] = {s.back_at, s.commit_back, s.hold_back,  s.broker_back, s.up_at,
                               s.soc_at,  s.cloud_back,  s.unstuck_at, s.listens_at,  s.battery.lease_until};
    int64_t first = NEVER;

    for (size_t i = 0; i < sizeof planned / sizeof *planned; i++)
        if (planned[i] < first)
            first = planned[i];
    return first;
}
