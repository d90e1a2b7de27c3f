/* What happens at Flip: lives of events, enrollments and commands, by the seed alone. Changes of one object are far
 * enough apart for a poll to see each. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

static struct f2m_rng plan;

static int64_t draw(int64_t from, int64_t to)
{
    return from + f2m_rng_below(&plan, to - from + 1);
}

static bool maybe(int64_t p)
{
    return f2m_rng_below(&plan, 100) < p;
}

static struct happening *add(int64_t at, enum kind kind, int object, const char *type, const char *status)
{
    struct happening *h = &w.happenings[w.happenings_len++];
    *h = (struct happening){.at = at, .kind = kind, .object = object, .type = type, .status = status, .setpoint = 1000};
    if (at > w.end)
        w.end = at;
    return h;
}

static void event(int n)
{
    int64_t at = draw(20 * MINUTE, 6 * HOUR);
    struct object *o = &w.objects[EVENT][n];
    o->starts = at + draw(30 * MINUTE, 2 * HOUR);
    o->ends = o->starts + draw(30 * MINUTE, 2 * HOUR);
    add(at, EVENT, n, "event.created", "UPCOMING");
    if (maybe(40))
        add(at + draw(9 * MINUTE, 20 * MINUTE), EVENT, n, "event.updated", "UPCOMING");
    if (maybe(25)) {
        add(o->starts - draw(0, MINUTE), EVENT, n, "event.canceled", "CANCELED");
        return;
    }
    add(o->starts, EVENT, n, "event.updated", "ACTIVE");
    bool canceled = maybe(25);
    add(canceled ? o->starts + draw(9 * MINUTE, 29 * MINUTE) : o->ends, EVENT, n,
        canceled ? "event.canceled" : "event.updated", canceled ? "CANCELED" : "COMPLETED");
}

static void enrollment(int n)
{
    static const char *const next[] = {"ACTIVE", "NEEDS_ACTION", "REJECTED", "PAUSED"};
    int64_t at = draw(20 * MINUTE, 6 * HOUR);
    add(at, ENROLLMENT, n, "enrollment.created", "PENDING");
    at += draw(20 * MINUTE, HOUR);
    add(at, ENROLLMENT, n, "enrollment.updated", next[f2m_rng_below(&plan, 4)]);
    if (maybe(50))
        add(at + draw(20 * MINUTE, HOUR), ENROLLMENT, n, "enrollment.updated", "UNENROLLED");
}

static void command(int n)
{
    int64_t at = draw(20 * MINUTE, 6 * HOUR);
    struct object *o = &w.objects[COMMAND][n];
    o->starts = at + draw(40 * MINUTE, 2 * HOUR);
    o->ends = o->starts + draw(10 * MINUTE, HOUR);
    add(at, COMMAND, n, "command.created", "OK");
    if (maybe(40))
        add(at + draw(5 * MINUTE, 10 * MINUTE), COMMAND, n, "command.updated", "OK")->setpoint = 2000;
    if (maybe(25)) {
        add(at + draw(16 * MINUTE, 20 * MINUTE), COMMAND, n, "command.canceled", "CANCELED");
        return;
    }
    if (maybe(25)) { /* and perhaps in again */
        add(at + draw(16 * MINUTE, 20 * MINUTE), COMMAND, n, "command.updated", "OPT_OUT");
        return;
    }
    add(o->starts, COMMAND, n, "command.started", NULL)->silent = true;
    add(o->ends, COMMAND, n, "command.ended", NULL)->silent = true;
}

static int by_time(const void *a, const void *b)
{
    const struct happening *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

/* One battery: of two commands that overlap the later one would end the other's time early. */
static bool overlaps(int n)
{
    const struct object *a = &w.objects[COMMAND][n];
    for (int i = 0; i < n; i++) {
        const struct object *b = &w.objects[COMMAND][i];
        if (a->starts <= b->ends + MINUTE && b->starts <= a->ends + MINUTE)
            return true;
    }
    return false;
}

void scenario_make(uint64_t seed)
{
    int events, enrollments, commands;
    plan = (struct f2m_rng){seed};
    events = (int)draw(1, 8);
    enrollments = (int)draw(0, 4);
    commands = (int)draw(0, 4);
    w.hides_canceled = maybe(50);
    w.touches = maybe(50);
    for (int n = 0; n < events; n++)
        event(n);
    for (int n = 0; n < enrollments; n++)
        enrollment(n);
    for (int n = 0; n < commands; n++) {
        size_t before = w.happenings_len;
        int64_t end = w.end;
        command(n);
        if (overlaps(n)) {
            w.happenings_len = before;
            w.end = end;
            w.objects[COMMAND][n] = (struct object){.starts = -HOUR, .ends = -HOUR};
        }
    }
    qsort(w.happenings, w.happenings_len, sizeof *w.happenings, by_time);
}

int64_t scenario_quiet_until(void)
{
    for (size_t i = w.next; i < w.happenings_len; i++)
        if (w.happenings[i].silent)
            return w.happenings[i].at;
    return NEVER;
}
