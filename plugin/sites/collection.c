/*
 * A site's objects of one kind, in memory and in the store: F2M_STORE_OBJECT, key "<kind>/<site id>", value
 * {"baseline":true,"body":…} with Flip's own text in it. Written only where it changed.
 */
#include "sites/internal.h"
#include "util/xalloc.h"

#include <stdio.h>
#include <stdlib.h>

const struct f2m_kind_info f2m_sites_kind_info[F2M_KINDS_COUNT] = {
#define F2M_KIND_ROW(id, name, endpoint, pace, type) {name, F2M_ENDPOINT_##endpoint, type},
    F2M_KINDS(F2M_KIND_ROW)
#undef F2M_KIND_ROW
};

int64_t f2m_sites_kind_pace(const struct f2m_config *config, enum f2m_kind kind)
{
    const int64_t paces[F2M_KINDS_COUNT] = {
#define F2M_KIND_PACE(id, name, endpoint, pace, type) config->flip.poll.pace,
        F2M_KINDS(F2M_KIND_PACE)
#undef F2M_KIND_PACE
    };

    return paces[kind];
}

/* ---- the store ---- */

void f2m_sites_put(struct f2m_sites *s, struct f2m_now now, enum f2m_collection c, const char *key,
                   struct f2m_slice value)
{
    s->turn_wrote = true; /* also where it failed: the commit fails then, and everything is done again */
    (void)f2m_store_record_put(s->c.store, c, key, value, now.wall_ms);
}

void f2m_sites_delete(struct f2m_sites *s, enum f2m_collection c, const char *key)
{
    s->turn_wrote = true;
    (void)f2m_store_record_delete(s->c.store, c, key);
}

static const char *key_of(struct f2m_strbuf *out, const struct f2m_site_state *site, enum f2m_kind kind)
{
    f2m_strbuf_reset(out);
    f2m_strbuf_addf(out, "%s/", f2m_sites_kind_info[kind].name);
    f2m_strbuf_adds(out, site->id);
    return out->data;
}

/* ---- text ---- */

bool f2m_objects_text(const struct f2m_objects *objects, enum f2m_kind kind, size_t max, struct f2m_strbuf *out)
{
    bool comma = false;

    f2m_strbuf_reset(out);
    if (!objects->baseline && !objects->items)
        return false;
    if (kind == F2M_KIND_INFO) {
        if (objects->items)
            f2m_strbuf_add(out, objects->items->raw, objects->items->len);
        return objects->items != NULL;
    }
    f2m_strbuf_addc(out, '[');
    for (const struct f2m_item *item = objects->items; item; item = item->hh.next) {
        if (max && out->len + item->len + 2 > max)
            break;
        if (comma)
            f2m_strbuf_addc(out, ',');
        comma = true;
        f2m_strbuf_add(out, item->raw, item->len);
    }
    f2m_strbuf_addc(out, ']');
    return true;
}

static void fill(struct f2m_objects *objects, enum f2m_kind kind, struct f2m_slice body)
{
    struct f2m_json_iter it = f2m_json_iter(body);
    struct f2m_slice name, value;
    char fallback[32];
    struct f2m_item *item, *there;
    unsigned n = 0;

    if (kind == F2M_KIND_INFO) {
        item = f2m_item_new(kind, body, "");
        if (item)
            HASH_ADD_KEYPTR(hh, objects->items, item->id, strlen(item->id), item);
        return;
    }
    if (f2m_json_type(body) != F2M_JSON_ARRAY)
        return;
    while (f2m_json_next(&it, &name, &value)) {
        snprintf(fallback, sizeof fallback, "#%u", n++);
        item = f2m_item_new(kind, value, fallback);
        if (!item)
            continue;
        HASH_FIND_STR(objects->items, item->id, there);
        if (there)
            f2m_item_free(item);
        else
            HASH_ADD_KEYPTR(hh, objects->items, item->id, strlen(item->id), item);
    }
}

static uint64_t fingerprint(const struct f2m_objects *objects, const struct f2m_strbuf *text)
{
    return f2m_fnv(F2M_FNV_START + objects->baseline, text->data, text->len);
}

void f2m_objects_load(struct f2m_sites *s, struct f2m_site_state *site, enum f2m_kind kind)
{
    struct f2m_objects *objects = &site->objects[kind];
    struct f2m_err err;

    f2m_items_free(&objects->items);
    *objects = (struct f2m_objects){0};
    f2m_strbuf_reset(&s->text);
    if (f2m_store_record_get(s->c.store, F2M_STORE_OBJECT, key_of(&s->key, site, kind), &s->text) == 0) {
        struct f2m_slice record = {s->text.data, s->text.len};
        if (f2m_json_check(record, &err) == 0) {
            record = f2m_json_root(record);
            (void)f2m_json_bool(f2m_json_member(record, "baseline"), &objects->baseline);
            fill(objects, kind, f2m_json_member(record, "body"));
        }
    }
    if (f2m_objects_text(objects, kind, 0, &s->text))
        objects->saved = fingerprint(objects, &s->text);
}

static void save(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site, enum f2m_kind kind)
{
    struct f2m_objects *objects = &site->objects[kind];

    if (!f2m_objects_text(objects, kind, 0, &s->text) && !objects->baseline)
        return;
    uint64_t print = fingerprint(objects, &s->text);
    if (print == objects->saved)
        return;
    objects->saved = print;
    objects->saved_now = true;
    f2m_strbuf_reset(&s->body);
    struct f2m_jw w = f2m_jw(&s->body);
    f2m_jw_object(&w, NULL);
    f2m_jw_bool(&w, "baseline", objects->baseline);
    if (s->text.len)
        f2m_jw_raw(&w, "body", (struct f2m_slice){s->text.data, s->text.len});
    f2m_jw_end(&w);
    f2m_sites_put(s, now, F2M_STORE_OBJECT, key_of(&s->key, site, kind), (struct f2m_slice){s->body.data, s->body.len});
}

void f2m_objects_changed(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site, enum f2m_kind kind)
{
    unsigned topics = 1u << kind;

    site->objects[kind].touched = true;
    site->unsaved |= 1u << kind;
    s->turn_wrote = true;
    f2m_sites_wake(s);
    if (kind == F2M_KIND_EVENTS) {
        topics |= 1u << F2M_TOPIC_EVENT | 1u << F2M_TOPIC_PARTICIPATION;
        f2m_event_boundary(site, now.wall_ms);
    }
    f2m_topics_dirty(s, site, topics);
}

void f2m_objects_save(struct f2m_sites *s, struct f2m_now now)
{
    if (now.mono_ms < s->resave_mono)
        return;
    for (struct f2m_site_state *site = s->queue; site; site = site->queue_next) {
        for (enum f2m_kind kind = 0; site->unsaved && kind < F2M_KINDS_COUNT; kind++)
            if (site->unsaved & (1u << kind))
                save(s, now, site, kind);
        site->unsaved = 0;
    }
}

void f2m_objects_forget(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site)
{
    for (enum f2m_kind kind = 0; kind < F2M_KINDS_COUNT; kind++) {
        struct f2m_objects *objects = &site->objects[kind];
        if (!objects->baseline && !objects->items)
            continue;
        f2m_items_free(&objects->items);
        *objects = (struct f2m_objects){.touched = true};
        site->unsaved &= ~(1u << kind);
        f2m_sites_delete(s, F2M_STORE_OBJECT, key_of(&s->key, site, kind));
        site->gone |= 1u << kind;
        f2m_topics_dirty(s, site, 1u << kind);
    }
    f2m_event_boundary(site, now.wall_ms);
    f2m_topics_dirty(s, site, 1u << F2M_TOPIC_EVENT | 1u << F2M_TOPIC_PARTICIPATION);
}

/* ---- what is not configured any more ---- */

struct prune {
    struct f2m_sites *s;
    char **keys;
    size_t len, cap;
};

static bool wanted(const struct f2m_sites *s, const char *key)
{
    const char *slash = strchr(key, '/');

    if (!slash)
        return false;
    if (strncmp(key, "learnt/", 7) == 0 || strncmp(key, "commissioned/", 13) == 0)
        return f2m_sites_device(s, slash + 1) != NULL;
    return f2m_sites_site(s, slash + 1) != NULL;
}

static bool collect(void *ctx, const char *key, struct f2m_slice value, int64_t changed_ms)
{
    struct prune *p = ctx;

    (void)value;
    (void)changed_ms;
    if (wanted(p->s, key))
        return true;
    if (p->len == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 16;
        p->keys = f2m_xreallocarray(p->keys, p->cap, sizeof *p->keys);
    }
    p->keys[p->len++] = f2m_xstrdup(key);
    return true;
}

void f2m_objects_prune(struct f2m_sites *s)
{
    struct prune p = {.s = s};

    (void)f2m_store_records_each(s->c.store, F2M_STORE_OBJECT, collect, &p);
    for (size_t i = 0; i < p.len; i++) {
        f2m_sites_delete(s, F2M_STORE_OBJECT, p.keys[i]);
        free(p.keys[i]);
    }
    free(p.keys);
}
