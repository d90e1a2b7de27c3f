/*
 * What changed becomes a notification. Interface, clarification 18: the first poll is the baseline; CANCELED gives
 * event.canceled alone; an event that vanished is looked up, not assumed canceled. An older picture never replaces a
 * newer one, however they arrive.
 */
#include "sites/internal.h"
#include "util/xalloc.h"

#include <stdio.h>
#include <stdlib.h>

static bool same_version(const struct f2m_item *a, const struct f2m_item *b)
{
    return a->updated_ms == b->updated_ms && a->version == b->version;
}

/* The notification that a change of an object is; NULL = none. */
static const char *news(enum f2m_kind kind, const struct f2m_item *old, const struct f2m_item *item)
{
    if (kind == F2M_KIND_EVENTS && item->canceled)
        return old && old->canceled ? NULL : "event.canceled";
    if (old && same_version(old, item))
        return NULL;
    if (kind == F2M_KIND_EVENTS)
        return old ? "event.updated" : "event.created";
    if (kind == F2M_KIND_ENROLLMENTS)
        return old ? "enrollment.updated" : "enrollment.created";
    return NULL;
}

static void tell(struct f2m_sites *s, struct f2m_now now, const struct f2m_site_state *site, enum f2m_kind kind,
                 const struct f2m_item *old, const struct f2m_item *item, struct f2m_effects *fx)
{
    const char *type = news(kind, old, item);

    if (type)
        (void)f2m_notification_tell(s, now, site->id, type, (struct f2m_slice){item->raw, item->len}, F2M_NO_TIME, fx);
}

/* Whether ours is the newer picture. `taken_mono`: when the other one was asked for. */
static bool outdated(const struct f2m_item *ours, const struct f2m_item *fresh, int64_t taken_mono)
{
    if (ours->updated_ms != F2M_NO_TIME && fresh->updated_ms != F2M_NO_TIME && ours->updated_ms != fresh->updated_ms)
        return fresh->updated_ms < ours->updated_ms;
    return ours->seen_mono >= taken_mono;
}

/* What a poll does not show any more. True where it stays. */
static bool keep_missing(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site, enum f2m_kind kind,
                         struct f2m_item *item, int64_t began_mono, struct f2m_effects *fx)
{
    if (item->seen_mono >= began_mono)
        return true; /* it came after the question */
    if (kind != F2M_KIND_EVENTS || item->over)
        return false;
    f2m_sites_poll_lookup(s, now, site, item, fx);
    return true;
}

static void append(struct f2m_item **list, struct f2m_item *item)
{
    HASH_ADD_KEYPTR(hh, *list, item->id, strlen(item->id), item);
}

void f2m_diff_apply(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site, enum f2m_kind kind,
                    struct f2m_item *fresh, int64_t began_mono, struct f2m_effects *fx)
{
    struct f2m_objects *objects = &site->objects[kind];
    struct f2m_item *item, *next, *old, *merged = NULL;
    bool first = !objects->baseline;
    size_t bytes = 0;

    HASH_ITER(hh, fresh, item, next)
    {
        HASH_DEL(fresh, item);
        HASH_FIND_STR(objects->items, item->id, old);
        if (old)
            HASH_DEL(objects->items, old);
        if (old && outdated(old, item, began_mono)) {
            f2m_item_free(item);
            item = old;
        } else {
            if (old || !first)
                tell(s, now, site, kind, old, item, fx);
            f2m_item_free(old);
        }
        bytes += item->len;
        append(&merged, item);
    }
    HASH_ITER(hh, objects->items, item, next)
    {
        HASH_DEL(objects->items, item);
        bool room = HASH_COUNT(merged) < F2M_MAX_SITE_OBJECTS && bytes + item->len <= F2M_MAX_SITE_OBJECT_BYTES;
        if (room && keep_missing(s, now, site, kind, item, began_mono, fx)) {
            bytes += item->len;
            append(&merged, item);
        } else {
            f2m_item_free(item);
        }
    }
    objects->items = merged;
    objects->baseline = true;
    f2m_objects_changed(s, now, site, kind);
}

/* ---- one object ---- */

static size_t bytes_of(const struct f2m_objects *objects)
{
    size_t bytes = 0;

    for (const struct f2m_item *item = objects->items; item; item = item->hh.next)
        bytes += item->len;
    return bytes;
}

/* Flip lists events by their start, the latest first. */
static int later_first(const struct f2m_item *a, const struct f2m_item *b)
{
    return (a->starts_ms < b->starts_ms) - (a->starts_ms > b->starts_ms);
}

/* The new content in the old one's place. */
static void replace(struct f2m_item *old, struct f2m_item *item)
{
    UT_hash_handle hh = old->hh;
    struct f2m_item kept = *old;
    char *id = old->id;

    *old = *item;
    old->hh = hh;
    old->id = id;
    kept.id = item->id;
    *item = kept;
    f2m_item_free(item);
}

static void put(struct f2m_objects *objects, enum f2m_kind kind, struct f2m_item *old, struct f2m_item *item)
{
    if (kind == F2M_KIND_INFO)
        f2m_items_free(&objects->items);
    if (old && kind != F2M_KIND_INFO)
        replace(old, item);
    else
        append(&objects->items, item);
}

static bool take(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site, enum f2m_kind kind,
                 struct f2m_slice object, bool told_too, struct f2m_effects *fx)
{
    struct f2m_objects *objects = &site->objects[kind];
    struct f2m_item *old;

    f2m_strbuf_reset(&s->text);
    f2m_object_without(object, "object_type", &s->text);
    struct f2m_item *item = f2m_item_new(kind, (struct f2m_slice){s->text.data, s->text.len}, NULL);
    if (!item)
        return false;
    HASH_FIND_STR(objects->items, item->id, old);
    bool full = !old && (HASH_COUNT(objects->items) >= F2M_MAX_SITE_OBJECTS ||
                         bytes_of(objects) + item->len > F2M_MAX_SITE_OBJECT_BYTES);
    /* Two pictures without a time, or of the same: what comes last holds. */
    if (full || (old && outdated(old, item, INT64_MAX))) {
        f2m_item_free(item);
        return false;
    }
    item->seen_mono = now.mono_ms;
    if (told_too)
        tell(s, now, site, kind, old, item, fx);
    put(objects, kind, old, item);
    return true;
}

static void taken(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site, enum f2m_kind kind)
{
    if (kind == F2M_KIND_EVENTS)
        HASH_SORT(site->objects[kind].items, later_first);
    f2m_objects_changed(s, now, site, kind);
}

bool f2m_diff_take(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site, enum f2m_kind kind,
                   struct f2m_slice object, bool told_too, struct f2m_effects *fx)
{
    if (!take(s, now, site, kind, object, told_too, fx))
        return false;
    taken(s, now, site, kind);
    return true;
}

void f2m_diff_take_list(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site, enum f2m_kind kind,
                        struct f2m_slice list, bool told_too, struct f2m_effects *fx)
{
    struct f2m_json_iter it = f2m_json_iter(list);
    struct f2m_slice name, value;
    bool any = false;

    while (f2m_json_next(&it, &name, &value))
        any = take(s, now, site, kind, value, told_too, fx) || any;
    if (any)
        taken(s, now, site, kind);
}

void f2m_diff_remove(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site, enum f2m_kind kind,
                     const char *id)
{
    struct f2m_item *item;

    HASH_FIND_STR(site->objects[kind].items, id, item);
    if (!item)
        return;
    HASH_DEL(site->objects[kind].items, item);
    f2m_item_free(item);
    f2m_objects_changed(s, now, site, kind);
}
