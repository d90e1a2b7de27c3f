/* What must hold, whatever happens. */
#include "sim.h"

#include "util/json.h"

#define SETTLE_MS (5 * MINUTE)
#define ANSWER_MS (15 * MINUTE)
#define GRACE_MS  (60 * SECOND) /* a clock set back by less does not take a start back */
#define LAPSE_MS  (10 * SECOND) /* a lease may end earlier by that: smaller steps of the clock are not told */

/* By its LWT, or because it says nothing. */
static bool offline(void)
{
    return s.device_offline || f2m_telemetry_online(s.telemetry, DEVICE, bridge_now()) == F2M_OFFLINE;
}

static const char *phase_of(const struct command *c)
{
    const char *phase = f2m_control_phase(s.control, c->id, NULL);

    return phase ? phase : "";
}

static bool is(const struct command *c, const char *phase)
{
    return strcmp(phase_of(c), phase) == 0;
}

static struct command *started(void)
{
    struct command *one = NULL;

    for (size_t i = 0; i < s.commands_len; i++)
        if (is(&s.commands[i], "started")) {
            if (one)
                sim_fail("%s and %s are both started", one->id, s.commands[i].id);
            one = &s.commands[i];
        }
    return one;
}

static enum mode mode_of(const struct picture *p)
{
    return strcmp(p->mode, "DISCHARGE") == 0 ? DISCHARGE : strcmp(p->mode, "CHARGE") == 0 ? CHARGE : STANDBY;
}

static double watts_of(const struct picture *p)
{
    return p->setpoint == 0 || p->setpoint > 4000 ? 4000 : p->setpoint;
}

/* ---- when the battery takes something new ---- */

void check_publish(void)
{
    const struct battery *b = &s.battery;
    const struct command *c = started();

    if (b->mode == OWN || (b->mode == STANDBY && s.dialect->watts && !s.dialect->confirms))
        return;
    if (!c)
        sim_fail("the battery is told to %s, and no command is started", mode_name(b->mode));
    if (s.hold)
        return;
    if (bridge_wall() < c->seen.starts - GRACE_MS)
        sim_fail("act of %s before its start", c->id);
    if (bridge_wall() >= c->seen.ends && s.mono >= s.trusted_at && !s.commit_fails)
        sim_fail("act of %s after its end", c->id);
    if (mode_of(&c->seen) != b->mode && !(s.dialect->watts && b->mode == CHARGE))
        sim_fail("the battery is told to %s for %s, which is %s", mode_name(b->mode), c->id, c->seen.mode);
}

/* ---- after every turn ---- */

static bool trusted(void)
{
    return s.alive && !s.hold && !s.commit_fails && s.mono >= s.trusted_at;
}

void check_lapse(void)
{
    const struct command *c = s.alive ? started() : NULL;

    if (c && s.connected && trusted() && f2m_control_settled(s.control, DEVICE) && c->seen.ends != NEVER &&
        c->seen.ends - bridge_wall() > LAPSE_MS)
        sim_fail("the battery goes back by itself %lld s before the end of %s",
                 (long long)((c->seen.ends - bridge_wall()) / 1000), c->id);
}

static void check_battery(const struct command *c)
{
    struct battery *b = &s.battery;

    if (!s.connected || !f2m_control_settled(s.control, DEVICE))
        return;
    s.settled_at = s.mono;
    /* A lease of a day at the most, and not told of every step of the clock. */
    bool lapsed = s.dialect->lease && c && (c->seen.ends == NEVER || c->seen.ends - bridge_wall() <= LAPSE_MS);
    if (!b->stuck && trusted()) {
        enum mode expected = c ? mode_of(&c->seen) : OWN;
        if (b->mode != expected && !lapsed)
            sim_fail("settled with the battery in %s instead of %s", mode_name(b->mode), mode_name(expected));
        if (c && s.dialect->watts && expected == DISCHARGE && b->w != watts_of(&c->seen))
            sim_fail("settled at %g W instead of %g W for %s", b->w, watts_of(&c->seen), c->id);
    }
    bool refreshes = strcmp(s.dialect->name, "evcc") == 0;
    if (b->wrote && !b->changed && !b->excused && !b->stuck && !refreshes)
        sim_fail("the battery was told the same twice");
    b->wrote = b->changed = false;
    b->excused = b->stuck;
}

static void check_control(const struct command *c)
{
    struct f2m_slice root = f2m_slice_of(s.control_topic);
    struct f2m_err err;

    if (!s.connected || !trusted())
        return;
    if (f2m_json_check(root, &err) < 0)
        sim_fail("control is '%s'", s.control_topic);
    bool flip = f2m_json_string_is(f2m_json_member(root, "owner"), "flip");
    if (flip != (c != NULL))
        sim_fail("control says %s", s.control_topic);
    if (c && !f2m_json_string_is(f2m_json_member(root, "command_id"), c->id))
        sim_fail("control says %s instead of %s", s.control_topic, c->id);
    if (!c && !f2m_json_string_is(f2m_json_member(root, "mode"), "NONE"))
        sim_fail("control says %s", s.control_topic);
}

static void check_next(void)
{
    struct f2m_slice root = f2m_slice_of(s.control_topic), id;
    const struct command *next = NULL;

    if (!s.connected || !trusted() || s.integration || s.mono - s.good_since < 2 * SECOND)
        return;
    if (offline() || s.mono - s.online_at < 2 * SECOND)
        return; /* what was held back because of that comes next a moment later */
    for (size_t i = 0; i < s.commands_len; i++) {
        const struct command *c = &s.commands[i];
        if (is(c, "received") && strcmp(c->last_patch, "FAILED_OFFLINE") == 0)
            return; /* held, or not any more: the answer tells later */
        if (is(c, "received") && c->seen.starts > bridge_wall() && (!next || c->seen.starts < next->seen.starts))
            next = c;
    }
    id = f2m_json_member(f2m_json_member(root, "next"), "command_id");
    if (!next && id.at && !f2m_json_is_null(f2m_json_member(root, "next")))
        sim_fail("control says %s and nothing comes next", s.control_topic);
    const struct command *told = NULL;
    for (size_t i = 0; id.at && i < s.commands_len; i++)
        if (f2m_json_string_is(id, s.commands[i].id))
            told = &s.commands[i];
    if (next && (!told || told->seen.starts != next->seen.starts))
        sim_fail("control says %s and %s comes next", s.control_topic, next->id);
}

static void check_answers(void)
{
    if (!s.cloud_up || s.commit_fails || s.hold)
        return;
    for (size_t i = 0; i < s.commands_len; i++) {
        const struct command *c = &s.commands[i];
        int64_t since = c->pending_since > s.good_since ? c->pending_since : s.good_since;
        if (!c->foreign && strcmp(c->now.device_status, "PENDING") == 0 && s.mono - since > ANSWER_MS)
            sim_fail("%s is not answered within 15 minutes", c->id);
    }
}

void check_turn(void)
{
    if (!s.alive)
        return;
    const struct command *c = started();

    if (offline())
        s.online_at = s.mono; /* the room looks again a second later */
    /* One that is over before its first read-back leaves nothing but writes. */
    if (c != s.last_started && s.dialect->confirms && !f2m_control_settled(s.control, DEVICE))
        s.battery.excused = true;
    /* Whole minutes counted from another moment may come to the same. */
    if (s.dialect->lease && c && (c != s.last_started || c->seen.ends != s.last_ends))
        s.battery.excused = true;
    s.last_started = c;
    s.last_ends = c ? c->seen.ends : NEVER;
    check_battery(c);
    if (c && (s.paused || s.veto) && trusted())
        sim_fail("%s is started against the owner", c->id);
    check_control(c);
    check_next();
    check_answers();
    if (s.connected && !s.battery.stuck && !s.battery.deaf && trusted() && s.mono - s.settled_at > SETTLE_MS &&
        s.mono - s.good_since > SETTLE_MS)
        sim_fail("not settled for 5 minutes");
    if (c && trusted() && mode_of(&c->seen) == DISCHARGE && s.soc <= 20 && s.low_since != NEVER &&
        s.mono - s.low_since > 2 * SECOND && s.mono - s.low_since < 4 * MINUTE)
        sim_fail("%s discharges at %g %%", c->id, s.soc);
}

/* ---- a second after each start and end, before anybody gives the room another turn ---- */

/* It may wait for other reasons than time. */
static bool may_wait(const struct command *c)
{
    return s.integration || offline() || s.mono - s.online_at < 2 * SECOND ||
           strcmp(c->last_patch, "FAILED_OFFLINE") == 0;
}

/* A later one has its time, though the guard holds it back. */
static bool covered(const struct command *c)
{
    for (size_t i = 0; i < s.commands_len; i++) {
        const struct picture *p = &s.commands[i].seen;
        if (&s.commands[i] != c && is(&s.commands[i], "failed") && p->starts >= c->seen.starts &&
            p->ends > bridge_wall() - SECOND)
            return true;
    }
    return false;
}

void check_settled(void)
{
    if (s.latest_wall < bridge_wall())
        s.latest_wall = bridge_wall();
    if (!trusted() || s.crash_now)
        return;
    for (size_t i = 0; i < s.commands_len; i++) {
        const struct command *c = &s.commands[i];
        const struct picture *p = &c->seen;
        if (!p->updated || c->foreign)
            continue;
        bool over = p->ends <= bridge_wall() - SECOND, begun = p->starts <= bridge_wall() - SECOND;
        if (over && (is(c, "started") || is(c, "received")))
            sim_fail("%s is %s a second after its end", c->id, phase_of(c));
        if (begun && !over && is(c, "received") && !may_wait(c))
            sim_fail("%s is not started a second after its start", c->id);
        if (is(c, "started") && strcmp(p->status, "OK") != 0)
            sim_fail("%s is started and %s", c->id, p->status);
        if (begun && !over && is(c, "replaced") && p->ends != NEVER && p->ends > s.latest_wall && !started() &&
            !may_wait(c) && !covered(c))
            sim_fail("%s is replaced by nothing", c->id);
    }
}

/* ---- the end of the world ---- */

static void check_last_answer(const struct command *c)
{
    const char *status = c->now.device_status, *phase = phase_of(c);
    bool failed = strncmp(status, "FAILED", 6) == 0;

    if (strcmp(status, "PENDING") == 0)
        sim_fail("%s is never answered", c->id);
    if ((is(c, "canceled") || is(c, "opted_out")) && failed)
        sim_fail("%s is %s and answered %s", c->id, phase, status);
    if ((is(c, "rejected") || is(c, "failed")) && !failed)
        sim_fail("%s is %s and answered %s", c->id, phase, status);
    if (is(c, "ended") && strcmp(status, "FAILED_FAULT") == 0)
        sim_fail("%s ended and is answered %s", c->id, status);
}

void check_end(void)
{
    if (!s.connected || !f2m_control_settled(s.control, DEVICE))
        sim_fail("never settled");
    if (s.battery.mode != OWN)
        sim_fail("the battery is left in %s", mode_name(s.battery.mode));
    if (!strstr(s.control_topic, "\"owner\":\"local\""))
        sim_fail("control is left at %s", s.control_topic);
    for (size_t i = 0; i < s.commands_len; i++) {
        const struct command *c = &s.commands[i];
        if (c->foreign)
            continue;
        if (is(c, "received") || is(c, "started"))
            sim_fail("%s is left %s", c->id, phase_of(c));
        check_last_answer(c);
    }
}
