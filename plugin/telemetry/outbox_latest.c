#include "telemetry/outbox_latest.h"

#include "port/own_topic.h"
#include "util/json_writer.h"
#include "util/limits.h"
#include "util/xalloc.h"

#include <stdlib.h>
#include <uthash.h>

struct entry {
    UT_hash_handle hh;
    struct entry *next_dirty;
    int64_t start_ms;
    char *body; /* NULL = no point yet */
    size_t len;
    char *message;
    enum f2m_upload_state state;
    bool dirty;
    bool configured; /* while reloading */
    char id[];
};

struct f2m_latest {
    const struct f2m_config *config;
    struct entry *entries;
    struct entry *dirty;
    size_t known; /* entries with a point */
    struct f2m_strbuf topic, text;
};

static struct entry *find(const struct f2m_latest *l, const char *device_id)
{
    struct entry *e;
    HASH_FIND_STR(l->entries, device_id, e);
    return e;
}

static void entry_add(struct f2m_latest *l, const char *device_id)
{
    struct entry *e = find(l, device_id);
    if (!e) {
        size_t size = strlen(device_id) + 1;
        if (HASH_COUNT(l->entries) >= F2M_MAX_LATEST_POINTS)
            return;
        e = f2m_xcalloc(1, sizeof *e + size);
        memcpy(e->id, device_id, size);
        HASH_ADD_STR(l->entries, id, e);
    }
    e->configured = true;
}

static void add_devices(struct f2m_latest *l)
{
    for (size_t s = 0; s < l->config->sites_len; s++)
        for (size_t d = 0; d < l->config->sites[s].devices_len; d++)
            if (l->config->sites[s].devices[d].telemetry.endpoint != F2M_TELEMETRY_OFF)
                entry_add(l, l->config->sites[s].devices[d].id);
}

struct f2m_latest *f2m_latest_new(const struct f2m_config *config)
{
    struct f2m_latest *l = f2m_xcalloc(1, sizeof *l);
    l->config = config;
    f2m_strbuf_init(&l->topic, 0);
    f2m_strbuf_init(&l->text, 0);
    add_devices(l);
    return l;
}

static void entry_free(struct entry *e)
{
    free(e->body);
    free(e->message);
    free(e);
}

void f2m_latest_free(struct f2m_latest *l)
{
    if (!l)
        return;
    struct entry *all = l->entries;
    HASH_CLEAR(hh, l->entries);
    for (struct entry *e = all, *next; e; e = next) {
        next = e->hh.next;
        entry_free(e);
    }
    f2m_strbuf_deinit(&l->topic);
    f2m_strbuf_deinit(&l->text);
    free(l);
}

static void touch(struct f2m_latest *l, struct entry *e)
{
    if (e->dirty)
        return;
    e->dirty = true;
    e->next_dirty = l->dirty;
    l->dirty = e;
}

void f2m_latest_reload(struct f2m_latest *l, const struct f2m_config *config)
{
    struct entry *e, *next;
    l->config = config;
    for (e = l->entries; e; e = e->hh.next)
        e->configured = false;
    add_devices(l);
    /* The list of changes may hold entries that go: it and the table are built anew. */
    l->dirty = NULL;
    l->known = 0;
    struct entry *all = l->entries;
    HASH_CLEAR(hh, l->entries);
    for (e = all; e; e = next) {
        next = e->hh.next;
        if (!e->configured) {
            entry_free(e);
            continue;
        }
        bool dirty = e->dirty;
        e->dirty = false;
        HASH_ADD_STR(l->entries, id, e);
        l->known += e->body != NULL;
        if (dirty)
            touch(l, e);
    }
}

bool f2m_latest_closed(struct f2m_latest *l, const struct f2m_point *p)
{
    struct entry *e = find(l, p->device_id);
    if (!e || (e->body && p->start_ms <= e->start_ms))
        return false;
    if (!e->body)
        l->known++;
    if (!e->body || e->len != p->body.len) { /* mostly of the same length: the memory is reused */
        free(e->body);
        e->body = f2m_xmalloc(p->body.len + 1);
    }
    memcpy(e->body, p->body.at, p->body.len);
    e->len = p->body.len;
    e->start_ms = p->start_ms;
    e->state = F2M_UPLOAD_PENDING;
    free(e->message);
    e->message = NULL;
    touch(l, e);
    return true;
}

void f2m_latest_verdict(struct f2m_latest *l, const struct f2m_point *p, enum f2m_upload_state state,
                        const char *message)
{
    struct entry *e = find(l, p->device_id);
    if (!e || !e->body || e->start_ms != p->start_ms)
        return;
    e->state = state;
    free(e->message);
    e->message = message ? f2m_xstrdup(message) : NULL;
    touch(l, e);
}

static void retry(struct f2m_latest *l, struct entry *e)
{
    if (!e->body || e->state != F2M_UPLOAD_REJECTED)
        return;
    e->state = F2M_UPLOAD_PENDING;
    free(e->message);
    e->message = NULL;
    touch(l, e);
}

void f2m_latest_retry(struct f2m_latest *l, const char *device_id)
{
    struct entry *e = device_id ? find(l, device_id) : l->entries;
    for (; e; e = device_id ? NULL : e->hh.next)
        retry(l, e);
}

void f2m_latest_touch(struct f2m_latest *l)
{
    for (struct entry *e = l->entries; e; e = e->hh.next)
        if (e->body)
            touch(l, e);
}

const char *f2m_upload_state_name(enum f2m_upload_state state)
{
    static const char *const names[] = {"pending", "sent", "rejected"};
    return names[state];
}

static void publish(struct f2m_latest *l, const struct entry *e, struct f2m_effects *fx)
{
    f2m_strbuf_reset(&l->text);
    struct f2m_jw w = f2m_jw(&l->text);
    f2m_jw_object(&w, NULL);
    f2m_jw_raw(&w, "point", (struct f2m_slice){e->body, e->len});
    f2m_jw_object(&w, "upload");
    f2m_jw_string(&w, "state", f2m_upload_state_name(e->state));
    f2m_jw_string(&w, "message", e->message);
    f2m_jw_end(&w);
    f2m_jw_end(&w);
    const char *topic = f2m_own_topic_device(&l->topic, l->config->mqtt.base_topic, e->id, "telemetry");
    f2m_effects_publish_text(fx, topic, (struct f2m_slice){l->text.data, l->text.len}, true);
}

void f2m_latest_publish(struct f2m_latest *l, struct f2m_effects *fx)
{
    while (l->dirty) {
        struct entry *e = l->dirty;
        l->dirty = e->next_dirty;
        e->dirty = false;
        publish(l, e, fx);
    }
}

bool f2m_latest_find(const struct f2m_latest *l, const char *device_id, struct f2m_latest_point *out)
{
    const struct entry *e = find(l, device_id);
    if (!e || !e->body)
        return false;
    *out = (struct f2m_latest_point){.start_ms = e->start_ms, .state = e->state, .message = e->message};
    return true;
}

size_t f2m_latest_missing(const struct f2m_latest *l)
{
    return HASH_COUNT(l->entries) - l->known;
}
