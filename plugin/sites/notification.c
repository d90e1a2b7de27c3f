/*
 * site/<id>/notification: Flip's news, each once (Interface, section 3.2; clarification 18). F2M_STORE_NOTIFICATION
 * remembers what was told: the key is type, object id and what makes the version; the value is empty, or the
 * notification itself while the broker has not acknowledged it: {"n":7,"site":"…","payload":{…}}.
 */
#include "port/own_topic.h"
#include "sites/internal.h"
#include "util/percent.h"
#include "util/xalloc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#define TAG_NUMBER (~((uint64_t)0xff << 56))

/* ---- what a notification is known by ---- */

/* An object begins, starts and ends once, whatever its updated_at says by then. */
static bool once_per_object(const char *type)
{
    static const char *const ends[] = {".created", ".started", ".ended"};
    size_t len = strlen(type);

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t n = strlen(ends[i]);
        if (len > n && strcmp(type + len - n, ends[i]) == 0)
            return true;
    }
    return false;
}

static const char *key_of(struct f2m_strbuf *out, const char *type, struct f2m_slice object)
{
    char id[F2M_MAX_ID_BYTES + 1];
    bool has_id = f2m_object_id(object, id);
    int64_t updated_ms = f2m_object_time(object, "updated_at");

    f2m_strbuf_reset(out);
    f2m_percent_encode(out, type);
    f2m_strbuf_addc(out, ' ');
    if (has_id)
        f2m_percent_encode(out, id);
    if (has_id && once_per_object(type))
        return out->data;
    if (has_id && updated_ms != F2M_NO_TIME)
        f2m_strbuf_addf(out, " %" PRId64, updated_ms);
    else
        f2m_strbuf_addf(out, " #%016" PRIx64, f2m_object_version(has_id ? type : "", object));
    return out->data;
}

/* ---- the envelope ---- */

static const char *object_type(const char *event_type)
{
    static const struct {
        const char *prefix, *type;
    } types[] = {
        {"event.", "event"}, {"command.", "command"}, {"enrollment.", "enrollment"}, {"settings.", "settings_request"}};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strncmp(event_type, types[i].prefix, strlen(types[i].prefix)) == 0)
            return types[i].type;
    return NULL;
}

static void write_object(struct f2m_jw *w, const char *event_type, struct f2m_slice object)
{
    const char *type = object_type(event_type);

    if (!type || f2m_json_member(object, "object_type").at) {
        f2m_jw_raw(w, "event_object", object);
        return;
    }
    f2m_jw_object(w, "event_object");
    f2m_jw_string(w, "object_type", type);
    struct f2m_slice inside = f2m_slice_trim((struct f2m_slice){object.at + 1, object.len - 2});
    if (inside.len)
        f2m_jw_raw(w, NULL, inside); /* members, as Flip wrote them */
    f2m_jw_end(w);
}

static void write_payload(struct f2m_strbuf *out, const char *event_type, struct f2m_slice object, int64_t timestamp_ms)
{
    f2m_strbuf_reset(out);
    struct f2m_jw w = f2m_jw(out);
    f2m_jw_object(&w, NULL);
    f2m_jw_string(&w, "event_type", event_type);
    write_object(&w, event_type, object);
    f2m_jw_time(&w, "timestamp", timestamp_ms);
    f2m_jw_end(&w);
}

/* ---- those that wait for the broker ---- */

/* It does not wait any more. */
static void leave(struct f2m_sites *s, struct f2m_pending *p)
{
    s->pending_len--;
    s->pending_bytes -= p->len;
    s->pending_sent -= p->sent;
    p->sent = false;
}

static void pending_free(struct f2m_sites *s, struct f2m_pending *p)
{
    if (!p->acked)
        leave(s, p);
    DL_DELETE(s->pending, p);
    free(p->key);
    free(p->site_id);
    free(p->payload);
    free(p);
}

static struct f2m_pending *pending_add(struct f2m_sites *s, uint64_t number, const char *key, const char *site_id,
                                       struct f2m_slice payload)
{
    struct f2m_pending *p = f2m_xcalloc(1, sizeof *p);

    p->number = number;
    p->key = f2m_xstrdup(key);
    p->site_id = f2m_xstrdup(site_id);
    p->payload = f2m_xmemdup0(payload.at, payload.len);
    p->len = payload.len;
    DL_APPEND(s->pending, p);
    s->pending_len++;
    s->pending_bytes += p->len;
    return p;
}

static void put_settled(struct f2m_sites *s, struct f2m_now now, struct f2m_pending *p)
{
    f2m_sites_put(s, now, F2M_STORE_NOTIFICATION, p->key, f2m_slice_of(""));
    p->put_now = true;
    s->turn_pending = true;
}

/* The broker has it, or never will. */
static void settle(struct f2m_sites *s, struct f2m_now now, struct f2m_pending *p)
{
    leave(s, p);
    p->acked = true;
    put_settled(s, now, p);
}

static void make_room(struct f2m_sites *s, struct f2m_now now, size_t len, struct f2m_effects *fx)
{
    struct f2m_pending *p;
    char site[128];

    DL_FOREACH(s->pending, p)
    {
        if (s->pending_len < F2M_MAX_NOTIFICATIONS_WAITING &&
            s->pending_bytes + len <= F2M_MAX_NOTIFICATIONS_WAITING_BYTES)
            return;
        if (p->acked)
            continue;
        f2m_effects_log(fx, F2M_LOG_WARN, F2M_COMPONENT,
                        "too many notifications wait for the broker: the oldest is dropped", "site=%s",
                        f2m_log_value(p->site_id, site, sizeof site));
        s->c.counters->dropped++;
        settle(s, now, p);
    }
}

void f2m_notifications_free(struct f2m_sites *s)
{
    while (s->pending)
        pending_free(s, s->pending);
}

static int by_number(const struct f2m_pending *a, const struct f2m_pending *b)
{
    return (a->number > b->number) - (a->number < b->number);
}

static bool load_one(void *ctx, const char *key, struct f2m_slice value, int64_t changed_ms)
{
    struct f2m_sites *s = ctx;
    char site_id[F2M_MAX_ID_BYTES + 1];
    struct f2m_err err;
    int64_t number;

    (void)changed_ms;
    if (value.len == 0 || f2m_json_check(value, &err) < 0)
        return true;
    struct f2m_slice record = f2m_json_root(value), payload = f2m_json_member(record, "payload");
    if (payload.at && f2m_json_integer(f2m_json_member(record, "n"), &number) && number > 0 &&
        f2m_object_text(record, "site", site_id, sizeof site_id))
        (void)pending_add(s, (uint64_t)number, key, site_id, payload);
    return true;
}

void f2m_notifications_load(struct f2m_sites *s)
{
    (void)f2m_store_records_each(s->c.store, F2M_STORE_NOTIFICATION, load_one, s);
    DL_SORT(s->pending, by_number);
    if (s->pending && s->pending->prev->number > s->last_notification)
        s->last_notification = s->pending->prev->number; /* the head's prev is the tail */
}

void f2m_notifications_send(struct f2m_sites *s, struct f2m_now now, struct f2m_effects *fx)
{
    struct f2m_pending *p;

    if (!s->connected || now.mono_ms < s->quiet_mono || s->pending_sent == s->pending_len)
        return;
    DL_FOREACH(s->pending, p)
    {
        if (s->pending_sent >= F2M_MAX_NOTIFICATIONS_IN_FLIGHT)
            return; /* an acknowledgement goes on */
        if (p->sent || p->acked)
            continue;
        p->sent = p->sent_now = s->turn_pending = true;
        s->pending_sent++;
        f2m_own_topic_site(&s->topic, s->c.config->mqtt.base_topic, p->site_id, "notification");
        f2m_effects_publish(fx, &(struct f2m_publish){.topic = s->topic.data,
                                                      .payload = {p->payload, p->len},
                                                      .tag = F2M_TAG_SITES | p->number});
    }
}

void f2m_notifications_down(struct f2m_sites *s)
{
    struct f2m_pending *p;

    DL_FOREACH(s->pending, p)
    p->sent = false;
    s->pending_sent = 0;
}

void f2m_notifications_save_again(struct f2m_sites *s, struct f2m_now now)
{
    struct f2m_pending *p;

    DL_FOREACH(s->pending, p)
    if (p->acked && !p->put_now)
        put_settled(s, now, p);
}

void f2m_notifications_committed(struct f2m_sites *s, bool ok)
{
    struct f2m_pending *p, *next;

    if (!s->turn_pending)
        return;
    s->turn_pending = false;
    DL_FOREACH_SAFE(s->pending, p, next)
    {
        if (ok ? p->acked && p->put_now : p->fresh) {
            pending_free(s, p); /* on disk as told, or never made */
            continue;
        }
        if (!ok && p->sent_now && p->sent) {
            p->sent = false;
            s->pending_sent--;
        }
        p->fresh = p->sent_now = p->put_now = false;
    }
}

static void refused(const struct f2m_pending *p, struct f2m_effects *fx)
{
    char site[128];

    f2m_effects_log(fx, F2M_LOG_WARN, F2M_COMPONENT, "the broker refused a notification", "site=%s",
                    f2m_log_value(p->site_id, site, sizeof site));
}

static void acknowledged(struct f2m_sites *s, struct f2m_now now, struct f2m_pending *p, int reason,
                         struct f2m_effects *fx)
{
    if (reason == F2M_MQTT_FULL) {
        p->sent = false;
        s->pending_sent--;
        s->quiet_mono = now.mono_ms + F2M_MQTT_QUIET_MS;
        f2m_sites_wake(s);
        return;
    }
    if (reason >= 0x80)
        refused(p, fx);
    settle(s, now, p);
    f2m_notifications_send(s, now, fx);
}

bool f2m_sites_published(struct f2m_sites *s, struct f2m_now now, const struct f2m_mqtt_published *published,
                         struct f2m_effects *fx)
{
    struct f2m_pending *p;

    if ((published->tag & ~TAG_NUMBER) != F2M_TAG_SITES)
        return false;
    if (published->tag & F2M_TAG_TOPIC) {
        f2m_topics_published(s, now, published->tag & (F2M_TAG_TOPIC - 1), published->reason, fx);
        return true;
    }
    if (published->tag & F2M_TAG_CLEARING) {
        f2m_announce_published(s, now, published->tag & (F2M_TAG_CLEARING - 1), published->reason, fx);
        return true;
    }
    DL_FOREACH(s->pending, p)
    if (p->sent && p->number == (published->tag & TAG_NUMBER)) {
        acknowledged(s, now, p, published->reason, fx);
        break;
    }
    return true;
}

/* ---- telling ---- */

static int remember(struct f2m_sites *s, struct f2m_now now, const char *key, const char *site_id)
{
    f2m_strbuf_reset(&s->text);
    struct f2m_jw w = f2m_jw(&s->text);
    f2m_jw_object(&w, NULL);
    f2m_jw_integer(&w, "n", (int64_t)s->last_notification);
    f2m_jw_string(&w, "site", site_id);
    f2m_jw_raw(&w, "payload", (struct f2m_slice){s->body.data, s->body.len});
    f2m_jw_end(&w);
    s->turn_wrote = true;
    s->added++;
    return f2m_store_record_put(s->c.store, F2M_STORE_NOTIFICATION, key, (struct f2m_slice){s->text.data, s->text.len},
                                now.wall_ms);
}

/* Our own acknowledgements move a command's updated_at (Interface, clarification 25), so one change may come under two
 * of them: by webhook, and in Flip's answer or a poll. What was told last of a command is known by its content as well:
 * its key and its value. False for other notifications. */
static bool content_of(const char *event_type, struct f2m_slice object, struct f2m_strbuf *key, char value[24])
{
    char id[F2M_MAX_ID_BYTES + 1];

    if ((strcmp(event_type, "command.updated") != 0 && strcmp(event_type, "command.canceled") != 0) ||
        !f2m_object_id(object, id))
        return false;
    f2m_strbuf_adds(key, "command ");
    f2m_percent_encode(key, id);
    bool flip_gave_up = f2m_json_string_is(f2m_json_member(object, "device_status"), "FAILED"); /* never ours */
    snprintf(value, 24, "#%016" PRIx64 "%s", f2m_object_version("command", object), flip_gave_up ? "F" : "");
    return true;
}

/* 0: it was told already; -ENOENT: it was not; else why that cannot be known. */
static int find_told(struct f2m_sites *s, const char *key, const char *content_key, const char *content)
{
    f2m_strbuf_reset(&s->body);
    int rc = f2m_store_record_get(s->c.store, F2M_STORE_NOTIFICATION, key, &s->body);
    if (rc != -ENOENT || !content_key)
        return rc;
    f2m_strbuf_reset(&s->body);
    rc = f2m_store_record_get(s->c.store, F2M_STORE_NOTIFICATION, content_key, &s->body);
    return rc == 0 && strcmp(s->body.data, content) != 0 ? -ENOENT : rc;
}

int f2m_notification_tell(struct f2m_sites *s, struct f2m_now now, const char *site_id, const char *event_type,
                          struct f2m_slice object, int64_t timestamp_ms, struct f2m_effects *fx)
{
    const char *key = key_of(&s->key, event_type, object);
    f2m_autostrbuf content_key;
    char content[24];

    f2m_strbuf_init(&content_key, 0);
    bool by_content = content_of(event_type, object, &content_key, content);
    int rc = find_told(s, key, by_content ? content_key.data : NULL, content);
    if (rc != -ENOENT)
        return rc;
    write_payload(&s->body, event_type, object, timestamp_ms == F2M_NO_TIME ? now.wall_ms : timestamp_ms);
    make_room(s, now, s->body.len, fx);
    s->last_notification++;
    rc = remember(s, now, key, site_id);
    if (rc == 0 && by_content)
        rc = f2m_store_record_put(s->c.store, F2M_STORE_NOTIFICATION, content_key.data, f2m_slice_of(content),
                                  now.wall_ms);
    if (rc < 0)
        return rc;
    pending_add(s, s->last_notification, key, site_id, (struct f2m_slice){s->body.data, s->body.len})->fresh = true;
    s->turn_pending = true;
    s->turn_notifications++;
    f2m_notifications_send(s, now, fx);
    return 1;
}

void f2m_notification_error(struct f2m_sites *s, struct f2m_now now, const char *site_id, const char *event_id,
                            const char *message, struct f2m_effects *fx)
{
    f2m_strbuf_reset(&s->body);
    struct f2m_jw w = f2m_jw(&s->body);
    f2m_jw_object(&w, NULL);
    f2m_jw_string(&w, "event_type", "participation.error");
    f2m_jw_object(&w, "event_object");
    f2m_jw_string(&w, "event_id", event_id);
    f2m_jw_string(&w, "message", message);
    f2m_jw_end(&w);
    f2m_jw_time(&w, "timestamp", now.wall_ms);
    f2m_jw_end(&w);
    f2m_own_topic_site(&s->topic, s->c.config->mqtt.base_topic, site_id, "notification");
    f2m_effects_publish_text(fx, s->topic.data, (struct f2m_slice){s->body.data, s->body.len}, false);
}

void f2m_notifications_trim(struct f2m_sites *s)
{
    s->turn_wrote = true;
    s->added = 0;
    /* By number alone: a clock that is wrong must not make us forget. */
    (void)f2m_store_records_trim(s->c.store, F2M_STORE_NOTIFICATION, 0, F2M_MAX_NOTIFICATIONS);
    (void)f2m_store_records_trim(s->c.store, F2M_STORE_WEBHOOK, 0, F2M_MAX_WEBHOOK_IDS);
}
