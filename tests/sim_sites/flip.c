/* Flip: its objects, its answers, its webhooks, and what its news amount to. */
#include "sim.h"

#include "util/json.h"
#include "util/json_writer.h"
#include "util/xalloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char letters[] = {'e', 'n', 'c'};

static int64_t wall(int64_t mono)
{
    return NOON + mono;
}

static void write_command(struct f2m_jw *j, const struct object *o)
{
    f2m_jw_string(j, "device_id", DEVICE);
    f2m_jw_null(j, "event_id");
    f2m_jw_object(j, "battery_commands");
    f2m_jw_string(j, "mode", "DISCHARGE");
    f2m_jw_string(j, "power_mode", "SETPOINT");
    f2m_jw_integer(j, "setpoint_w", o->setpoint);
    f2m_jw_end(j);
    f2m_jw_string(j, "device_status", o->device_status);
}

void object_json(enum kind kind, int object, struct f2m_strbuf *out)
{
    const struct object *o = &w.objects[kind][object];
    struct f2m_jw j = f2m_jw(out);
    char id[16];
    snprintf(id, sizeof id, "%c%d", letters[kind], object);
    f2m_jw_object(&j, NULL);
    f2m_jw_string(&j, "id", id);
    f2m_jw_string(&j, "status", o->status);
    if (kind == COMMAND)
        write_command(&j, o);
    else
        f2m_jw_string(&j, "site_id", SITE);
    if (kind == EVENT)
        f2m_jw_bool(&j, "is_participating", true);
    if (kind != ENROLLMENT) {
        f2m_jw_time(&j, "starts_at", wall(o->starts));
        f2m_jw_time(&j, "ends_at", wall(o->ends));
        f2m_jw_time(&j, "updated_at", wall(o->updated));
    } else {
        f2m_jw_null(&j, "status_reason");
    }
    f2m_jw_end(&j);
}

/* ---- what is told ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

void key_of(struct f2m_slice payload, char key[160])
{
    char type[64], id[32], version[64] = "";
    struct f2m_slice object = f2m_json_member(payload, "event_object");
    if (!f2m_json_string_copy(f2m_json_member(payload, "event_type"), type, sizeof type) ||
        !f2m_json_string_copy(f2m_json_member(object, "id"), id, sizeof id))
        sim_fail("a notification without type or id: %.*s", (int)payload.len, payload.at);
    if (!ends_with(type, ".created") && !ends_with(type, ".started") && !ends_with(type, ".ended") &&
        !f2m_json_string_copy(f2m_json_member(object, "updated_at"), version, sizeof version))
        (void)f2m_json_string_copy(f2m_json_member(object, "status"), version, sizeof version);
    snprintf(key, 160, "%s %s %s", type, id, version);
}

static struct told *find(struct told *list, size_t *len, const char *key)
{
    for (size_t i = 0; i < *len; i++)
        if (strcmp(list[i].key, key) == 0)
            return &list[i];
    if (*len == MAX_TOLD)
        sim_fail("more news than the test takes");
    struct told *t = &list[(*len)++];
    *t = (struct told){0};
    snprintf(t->key, sizeof t->key, "%s", key);
    return t;
}

void expect(const char *key)
{
    find(w.expected, &w.expected_len, key)->times = 1;
}

void note_told(struct f2m_slice payload)
{
    char key[160];
    key_of(payload, key);
    struct told *t = find(w.told, &w.told_len, key);
    t->times++;
    if (t->times > 1 + t->spare)
        sim_fail("told %d times: %s", t->times, key);
}

void spare(const char *key)
{
    find(w.told, &w.told_len, key)->spare++;
}

void compare(void)
{
    for (size_t i = 0; i < w.expected_len; i++)
        if (find(w.told, &w.told_len, w.expected[i].key)->times == 0)
            sim_fail("not told: %s", w.expected[i].key);
    for (size_t i = 0; i < w.told_len; i++)
        if (w.told[i].times && find(w.expected, &w.expected_len, w.told[i].key)->times == 0)
            sim_fail("told, but never happened: %s", w.told[i].key);
}

/* ---- what happens ---- */

static void deliver(const char *body, const char *id, int64_t at)
{
    if (w.deliveries_len == MAX_DELIVERIES)
        sim_fail("more webhooks than the test takes");
    struct delivery *d = &w.deliveries[w.deliveries_len++];
    *d = (struct delivery){.at = at, .body = f2m_xstrdup(body)};
    snprintf(d->id, sizeof d->id, "%s", id);
}

static int64_t delay(void)
{
    return percent(10) ? below(4 * MINUTE) : below(20 * SECOND);
}

static void emit(const struct happening *h)
{
    static unsigned number;
    f2m_autostrbuf body;
    char id[32], key[160];
    f2m_strbuf_init(&body, 0);
    f2m_strbuf_addf(&body, "{\"event_type\":\"%s\",\"timestamp\":null,\"event_object\": ", h->type);
    object_json(h->kind, h->object, &body);
    f2m_strbuf_addc(&body, '}');
    key_of((struct f2m_slice){body.data, body.len}, key);
    expect(key);
    if (w.channel == POLL_ONLY)
        return;
    snprintf(id, sizeof id, "w%u", ++number);
    deliver(body.data, id, w.mono + delay());
    if (percent(20))
        deliver(body.data, id, w.mono + delay()); /* re-delivered */
    if (percent(10)) {
        snprintf(id, sizeof id, "w%u", ++number);
        deliver(body.data, id, w.mono + delay()); /* the same under another id */
    }
}

void flip_tick(void)
{
    while (w.next < w.happenings_len && w.happenings[w.next].at <= w.mono) {
        const struct happening *h = &w.happenings[w.next++];
        struct object *o = &w.objects[h->kind][h->object];
        if (!h->silent) {
            o->there = true;
            o->status = h->status;
            o->setpoint = h->setpoint;
            o->device_status = "PENDING";
            o->updated = w.mono;
        }
        emit(h);
    }
}

int64_t flip_next(void)
{
    int64_t next = w.next < w.happenings_len ? w.happenings[w.next].at : NEVER;
    for (size_t i = 0; i < w.deliveries_len; i++)
        if (!w.deliveries[i].done && w.deliveries[i].at < next)
            next = w.deliveries[i].at;
    return next;
}

/* ---- answers ---- */

static void list(enum kind kind, struct f2m_strbuf *out)
{
    bool comma = false;
    f2m_strbuf_addc(out, '[');
    for (int n = MAX_OBJECTS; n-- > 0;) {
        const struct object *o = &w.objects[kind][n];
        if (!o->there || (kind == EVENT && w.hides_canceled && strcmp(o->status, "CANCELED") == 0))
            continue;
        f2m_strbuf_adds(out, comma ? "," : "");
        comma = true;
        object_json(kind, n, out);
    }
    f2m_strbuf_addc(out, ']');
}

static int one(enum kind kind, const char *path, struct f2m_strbuf *out)
{
    const char *slash = strrchr(path, '/');
    int n = slash && slash[1] ? (int)strtol(slash + 2, NULL, 10) : -1;
    if (n < 0 || n >= MAX_OBJECTS || !w.objects[kind][n].there) {
        f2m_strbuf_adds(out, "{\"message\":\"not found\"}");
        return 404;
    }
    object_json(kind, n, out);
    return 200;
}

int flip_answer(const struct f2m_http_request *r, struct f2m_strbuf *out)
{
    bool polled = w.channel != WEBHOOK_ONLY || w.mono < MINUTE; /* the baseline always works */
    if (strncmp(r->path, "/v1/auth/", 9) == 0) {
        f2m_strbuf_adds(out, "{\"site_access_token\":\"t\",\"expires_at\":\"2027-01-01T00:00:00Z\"}");
        return 200;
    }
    if (r->method == F2M_HTTP_PATCH) {
        const char *slash = strrchr(r->path, '/');
        struct object *o = &w.objects[COMMAND][strtol(slash + 2, NULL, 10)];
        o->device_status = "OK";
        if (w.touches)
            o->updated++;
        return one(COMMAND, r->path, out);
    }
    if (!polled || percent(3))
        return percent(50) ? 503 : 0;
    if (strstr(r->path, "/event/"))
        return one(EVENT, r->path, out);
    if (strstr(r->path, "/events"))
        list(EVENT, out);
    else if (strstr(r->path, "/enrollments"))
        list(ENROLLMENT, out);
    else if (strcmp(r->path, "/v1/commands") == 0)
        list(COMMAND, out);
    else if (strstr(r->path, "/devices"))
        f2m_strbuf_adds(out, "[{\"id\":\"" DEVICE "\"}]");
    else if (strstr(r->path, "/programs"))
        f2m_strbuf_adds(out, "[]");
    else
        f2m_strbuf_adds(out, "{\"id\":\"" SITE "\"}");
    return 200;
}
