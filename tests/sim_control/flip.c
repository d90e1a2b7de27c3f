/* Flip in the world: creates, changes and cancels commands, pushes and shows them, takes answers, with every fault. */
#include "sim.h"

#include "util/json.h"
#include "util/xalloc.h"

#include <stdio.h>
#include <stdlib.h>

static void add_time(struct f2m_strbuf *out, const char *name, int64_t wall)
{
    char text[F2M_RFC3339_SIZE];

    if (wall == NEVER)
        f2m_strbuf_addf(out, "\"%s\":null,", name);
    else
        f2m_strbuf_addf(out, "\"%s\":\"%s\",", name, f2m_rfc3339_format(wall, text));
}

static void add_command(struct f2m_strbuf *out, const struct command *c, const struct picture *p)
{
    f2m_strbuf_addf(out, "{\"id\":\"%s\",\"event_id\":null,\"device_id\":\"%s\",", c->id,
                    c->foreign ? "another" : DEVICE);
    add_time(out, "starts_at", p->starts);
    add_time(out, "ends_at", p->ends);
    add_time(out, "created_at", c->created);
    add_time(out, "updated_at", p->updated);
    f2m_strbuf_addf(out, "\"status\":\"%s\",\"device_status\":\"%s\",\"battery_commands\":{\"mode\":\"%s\"", p->status,
                    p->device_status, p->mode);
    if (p->power_mode)
        f2m_strbuf_addf(out, ",\"power_mode\":\"%s\"", p->power_mode);
    if (p->setpoint != 0)
        f2m_strbuf_addf(out, ",\"setpoint_w\":%g", p->setpoint);
    f2m_strbuf_adds(out, "}}");
}

struct command *flip_find(const char *id)
{
    for (size_t i = 0; i < s.commands_len; i++)
        if (strcmp(s.commands[i].id, id) == 0)
            return &s.commands[i];
    return NULL;
}

/* Every change at Flip moves updated_at. */
static void touch(struct command *c)
{
    int64_t updated = true_wall();

    c->before = c->now;
    c->now.updated = updated > c->now.updated ? updated : c->now.updated + 1;
}

static void ask(struct command *c)
{
    c->now.device_status = "PENDING";
    c->pending_since = s.mono;
}

/* ---- the bridge has seen it ---- */

static void seen(struct command *c, const struct picture *p)
{
    if (p->updated >= c->seen.updated)
        c->seen = *p;
}

void flip_committed(bool ok)
{
    for (size_t i = 0; i < s.commands_len; i++)
        if (ok)
            s.commands[i].seen_committed = s.commands[i].seen;
        else
            s.commands[i].seen = s.commands[i].seen_committed;
}

void flip_deliver(struct command *c, const struct picture *p)
{
    f2m_autostrbuf text = {0};

    if (!s.alive)
        return;
    f2m_strbuf_init(&text, 0);
    add_command(&text, c, p);
    sim_trace("webhook %s", text.data);
    if (f2m_control_ingest(s.control, bridge_now(), (struct f2m_slice){text.data, text.len}, s.fx) == 0)
        seen(c, p);
    bridge_turn();
}

void flip_listed(const struct call *call)
{
    for (size_t i = 0; call->status == 200 && i < call->listed; i++)
        seen(&s.commands[i], &call->pictures[i]);
    if (call->status == 200 && call->one)
        seen(call->one, &call->pictures[0]);
}

/* ---- new commands and changes ---- */

static void choose_orders(struct picture *p)
{
    static const char *const modes[] = {"DISCHARGE", "DISCHARGE", "DISCHARGE", "CHARGE", "STANDBY", "NAP"};
    static const double setpoints[] = {1000, 2000, 4000, 6000};

    p->mode = modes[below(percent(3) ? 6 : 5)];
    p->power_mode = NULL;
    p->setpoint = 0;
    if (strcmp(p->mode, "STANDBY") == 0)
        return;
    p->power_mode = percent(70) ? "SETPOINT" : "FOLLOW_LOAD";
    if (strcmp(p->power_mode, "SETPOINT") == 0)
        p->setpoint = setpoints[below(4)];
}

void flip_create(void)
{
    static const int64_t leads[] = {-30 * MINUTE, -SECOND, 0, 10 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR, 3 * HOUR};
    static const int64_t lengths[] = {1, 500, 10 * SECOND, MINUTE, 10 * MINUTE, HOUR, 2 * HOUR};

    if (s.commands_len == MAX_COMMANDS)
        return;
    struct command *c = &s.commands[s.commands_len];
    *c = (struct command){.foreign = percent(3), .created = true_wall(), .last_patch = ""};
    snprintf(c->id, sizeof c->id, "c%zu", s.commands_len++);
    struct picture *p = &c->now;
    p->starts = true_wall() + leads[below(8)] + below(MINUTE);
    p->ends = percent(8) ? NEVER : p->starts + lengths[below(7)] + below(MINUTE);
    if (percent(20) && s.commands_len > 1) { /* back to back with another */
        p->starts = s.commands[below((int64_t)s.commands_len - 1)].now.ends;
        if (p->starts == NEVER || p->starts < true_wall() - HOUR)
            p->starts = true_wall();
        p->ends = p->starts + lengths[2 + below(5)];
    }
    choose_orders(p);
    p->status = percent(3) ? "CANCELED" : "OK";
    p->updated = true_wall();
    c->before = *p;
    ask(c);
    sim_trace("flip creates %s %s %g from %+lld s for %lld s", c->id, p->mode, p->setpoint,
              (long long)((p->starts - true_wall()) / 1000),
              p->ends == NEVER ? -1 : (long long)((p->ends - p->starts) / 1000));
    if (percent(60))
        flip_deliver(c, p);
}

static void change(struct command *c)
{
    switch (below(6)) {
    case 0: c->now.status = "CANCELED"; break;
    case 1: c->now.status = "OPT_OUT"; break;
    case 2: c->now.status = "OK"; break;
    case 3: choose_orders(&c->now); break;
    case 4:
        if (c->now.ends != NEVER && c->now.ends > true_wall())
            c->now.ends += below(HOUR);
        break;
    default:
        if (c->now.starts > true_wall())
            c->now.starts += below(10 * MINUTE);
        if (c->now.ends <= c->now.starts)
            c->now.ends = c->now.starts + MINUTE;
    }
}

void flip_change(void)
{
    if (s.commands_len == 0)
        return;
    struct command *c = &s.commands[below((int64_t)s.commands_len)];
    int kind = (int)below(10);
    if (kind == 0) { /* delivered twice */
        flip_deliver(c, &c->now);
        return;
    }
    if (kind == 1 && c->before.updated < c->now.updated) { /* out of order */
        struct picture old = c->before;
        flip_deliver(c, &old);
        return;
    }
    touch(c);
    change(c);
    ask(c);
    sim_trace("flip changes %s: %s %s %g", c->id, c->now.status, c->now.mode, c->now.setpoint);
    if (percent(60))
        flip_deliver(c, &c->now);
}

void flip_end_all(void)
{
    for (size_t i = 0; i < s.commands_len; i++)
        if ((s.commands[i].now.ends == NEVER || s.commands[i].now.ends > bridge_wall() + HOUR) &&
            strcmp(s.commands[i].now.status, "OK") == 0) {
            touch(&s.commands[i]);
            s.commands[i].now.status = "CANCELED";
            ask(&s.commands[i]);
        }
}

/* ---- calls ---- */

static char *list(struct call *call)
{
    struct f2m_strbuf out;

    call->listed = s.commands_len;
    for (size_t i = 0; i < s.commands_len; i++)
        call->pictures[i] = s.commands[i].now;

    f2m_strbuf_init(&out, 0);
    for (size_t i = 0; i < s.commands_len; i++) {
        f2m_strbuf_addc(&out, i ? ',' : '[');
        add_command(&out, &s.commands[i], &s.commands[i].now);
    }
    f2m_strbuf_adds(&out, s.commands_len ? "]" : "[]");
    return f2m_strbuf_take(&out);
}

static const char *known_status(struct f2m_slice body)
{
    static const char *const all[] = {"OK", "FAILED_OFFLINE", "FAILED_FAULT"};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (f2m_json_string_is(f2m_json_member(body, "device_status"), all[i]))
            return all[i];
    sim_fail("PATCH %.*s", (int)body.len, body.at);
}

/* Flip takes the answer. */
static char *take_patch(struct call *call, struct command *c, struct f2m_slice body)
{
    struct f2m_strbuf out;

    c->now.device_status = known_status(body);
    touch(c);
    call->one = c;
    call->pictures[0] = c->now;
    f2m_strbuf_init(&out, 0);
    add_command(&out, c, &c->now);
    return f2m_strbuf_take(&out);
}

void flip_request(const struct f2m_http_request *r)
{
    bool patch = r->method == F2M_HTTP_PATCH, lost = !s.cloud_up;
    struct command *c = patch ? flip_find(r->path + strlen("/v1/command/")) : NULL;

    if (s.calls_len == MAX_CALLS)
        sim_fail("more than %d calls", MAX_CALLS);
    if (patch && (!c || c->foreign))
        sim_fail("PATCH %s", r->path);
    struct call *call = &s.calls[s.calls_len++];
    *call = (struct call){.tag = r->tag, .due = s.mono + 20 + below(percent(80) ? 300 : 20 * SECOND)};
    if (!patch)
        sim_trace("GET %s", lost ? "(lost)" : "");
    if (patch) {
        sim_trace("PATCH %s %.*s%s", c->id, (int)r->body.len, r->body.at, lost ? " (lost)" : "");
        c->last_patch = known_status(r->body);
        c->patched++;
        s.patches++;
    }
    int trouble = (int)below(100);
    if (lost || trouble < 3) { /* the request is lost */
        call->due = s.mono + 30 * SECOND;
        return;
    }
    call->status = trouble < 6 ? 500 : 200;
    if (call->status == 200)
        call->body = patch ? take_patch(call, c, r->body) : list(call);
    else
        call->body = f2m_xstrdup("{\"message\":\"no\"}");
    if (trouble >= 97) { /* the answer is lost */
        call->status = 0;
        call->due = s.mono + 30 * SECOND;
    }
}
