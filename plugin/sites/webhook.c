/*
 * Flip's webhooks, verified by the listener: {"event_type","event_object","timestamp"}. Interface, Webhooks; Flip:
 * Webhooks. The Webhook-Id is stored last, in the same turn: what could not be stored is delivered again.
 */
#include "sites/internal.h"

#include <errno.h>
#include <stdio.h>

struct envelope {
    char type[128];
    struct f2m_slice object;
    int64_t timestamp_ms;
};

/* Whose news it is. */
struct addressee {
    struct f2m_site_state *site; /* NULL = nobody's here */
    bool named;                  /* the object names a site or device */
};

static bool read_envelope(struct f2m_slice body, struct envelope *e)
{
    struct f2m_err err;

    if (f2m_json_check(body, &err) < 0)
        return false;
    struct f2m_slice root = f2m_json_root(body);
    e->object = f2m_json_member(root, "event_object");
    e->timestamp_ms = f2m_object_time(root, "timestamp");
    return f2m_object_text(root, "event_type", e->type, sizeof e->type) && f2m_json_type(e->object) == F2M_JSON_OBJECT;
}

static bool by_device(const struct f2m_sites *s, struct f2m_slice value, struct addressee *a)
{
    char id[F2M_MAX_ID_BYTES + 1];
    const struct f2m_device_state *d;

    if (f2m_json_type(value) != F2M_JSON_STRING)
        return false;
    a->named = true;
    d = f2m_json_string_copy(value, id, sizeof id) ? f2m_sites_device(s, id) : NULL;
    if (d)
        a->site = d->site;
    return d != NULL;
}

static struct addressee addressee_of(const struct f2m_sites *s, struct f2m_slice object)
{
    struct f2m_slice site_id = f2m_json_member(object, "site_id"), name, value;
    char id[F2M_MAX_ID_BYTES + 1];
    struct addressee a = {0};

    if (f2m_json_type(site_id) == F2M_JSON_STRING) {
        a.named = true;
        if (f2m_json_string_copy(site_id, id, sizeof id))
            a.site = f2m_sites_site(s, id);
        return a;
    }
    if (by_device(s, f2m_json_member(object, "device_id"), &a))
        return a;
    struct f2m_json_iter it = f2m_json_iter(f2m_json_member(object, "device_ids"));
    while (f2m_json_next(&it, &name, &value))
        if (by_device(s, value, &a))
            return a;
    if (!a.named)
        a.site = s->sites; /* settings.apply may name nobody */
    return a;
}

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_about(const struct envelope *e, const char *type)
{
    size_t len = strlen(type);

    return (begins(e->type, type) && e->type[len] == '.') ||
           f2m_json_string_is(f2m_json_member(e->object, "object_type"), type);
}

static void log_unknown_type(struct f2m_sites *s, const char *type, struct f2m_effects *fx)
{
    static const char *const known[] = {"event.created",   "event.updated",      "event.canceled",    "command.created",
                                        "command.started", "command.ended",      "command.canceled",  "command.updated",
                                        "settings.apply",  "enrollment.created", "enrollment.updated"};
    uint64_t hash = f2m_fnv(F2M_FNV_START, type, strlen(type));
    char text[160];

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(type, known[i]) == 0)
            return;
    for (size_t i = 0; i < s->unknown_types_len; i++)
        if (s->unknown_types[i] == hash)
            return;
    if (s->unknown_types_len == F2M_MAX_UNKNOWN_TYPES)
        return;
    s->unknown_types[s->unknown_types_len++] = hash;
    f2m_effects_log(fx, F2M_LOG_INFO, F2M_COMPONENT, "webhook of a type that is not known: passed on", "type=%s",
                    f2m_log_value(type, text, sizeof text));
}

/* 0, or why it could not be stored. */
static int take_command(struct f2m_sites *s, struct f2m_now now, const struct envelope *e, struct f2m_effects *fx)
{
    if (!s->c.control)
        return 0;
    int rc = f2m_control_ingest(s->c.control, now, e->object, fx);
    if (rc != -EINVAL)
        return rc;
    f2m_control_poll_now(s->c.control); /* told in the log; perhaps the list has it right */
    return 0;
}

static int take(struct f2m_sites *s, struct f2m_now now, struct envelope *e, struct f2m_effects *fx)
{
    struct addressee a = addressee_of(s, e->object);
    bool command = is_about(e, "command"), event = is_about(e, "event"), enrollment = is_about(e, "enrollment");
    int rc = 0;

    if (event && f2m_json_string_is(f2m_json_member(e->object, "status"), "CANCELED"))
        snprintf(e->type, sizeof e->type, "event.canceled"); /* Interface, clarification 18: alone */
    if (a.site) {
        log_unknown_type(s, e->type, fx);
        rc = f2m_notification_tell(s, now, a.site->id, e->type, e->object, e->timestamp_ms, fx);
    } else if (!command) {
        s->c.counters->foreign_webhooks++;
    }
    if (rc >= 0 && command)
        rc = take_command(s, now, e, fx); /* also of a device that is not configured: control's business */
    if (a.site && (event || enrollment))
        (void)f2m_diff_take(s, now, a.site, event ? F2M_KIND_EVENTS : F2M_KIND_ENROLLMENTS, e->object, false, fx);
    return rc < 0 ? rc : 0;
}

int f2m_sites_webhook(struct f2m_sites *s, struct f2m_now now, const char *webhook_id, struct f2m_slice body,
                      struct f2m_effects *fx)
{
    struct envelope e;

    s->c.counters->webhooks++;
    if (!webhook_id[0] || !read_envelope(body, &e))
        return 400;
    f2m_strbuf_reset(&s->body);
    int rc = f2m_store_record_get(s->c.store, F2M_STORE_WEBHOOK, webhook_id, &s->body);
    if (rc == 0)
        return 204;
    if (rc == -ENOENT)
        rc = take(s, now, &e, fx);
    if (rc < 0)
        return 503;
    s->turn_wrote = true;
    s->added++;
    rc = f2m_store_record_put(s->c.store, F2M_STORE_WEBHOOK, webhook_id, f2m_slice_of(""), now.wall_ms);
    f2m_sites_wake(s);
    return rc < 0 ? 503 : 204;
}
