/* The running or else next event of a site, by wall time. Interface, section 3.2 `event` and `participation`. */
#include "sites/internal.h"

static bool running(const struct f2m_item *e, int64_t wall_ms)
{
    if (e->over)
        return false;
    if (e->starts_ms == F2M_NO_TIME)
        return e->active; /* Flip says so, and we cannot read when */
    return e->starts_ms <= wall_ms && wall_ms < e->ends_ms;
}

/* Of several that run the one that began last, as with commands. */
static bool better_running(const struct f2m_item *a, const struct f2m_item *b)
{
    return !b || a->starts_ms > b->starts_ms || (a->starts_ms == b->starts_ms && strcmp(a->id, b->id) < 0);
}

static bool better_next(const struct f2m_item *a, const struct f2m_item *b)
{
    return !b || a->starts_ms < b->starts_ms || (a->starts_ms == b->starts_ms && strcmp(a->id, b->id) < 0);
}

const struct f2m_item *f2m_event_now(const struct f2m_site_state *site, int64_t wall_ms, bool *active)
{
    const struct f2m_item *now = NULL, *next = NULL;

    for (const struct f2m_item *e = site->objects[F2M_KIND_EVENTS].items; e; e = e->hh.next) {
        if (running(e, wall_ms)) {
            if (better_running(e, now))
                now = e;
        } else if (!e->over && e->starts_ms > wall_ms && better_next(e, next)) {
            next = e;
        }
    }
    *active = now != NULL;
    return now ? now : next;
}

void f2m_event_boundary(struct f2m_site_state *site, int64_t wall_ms)
{
    int64_t next = INT64_MAX;

    for (const struct f2m_item *e = site->objects[F2M_KIND_EVENTS].items; e; e = e->hh.next) {
        if (e->over || e->starts_ms == F2M_NO_TIME)
            continue;
        int64_t at = e->starts_ms > wall_ms ? e->starts_ms : e->ends_ms;
        if (at > wall_ms && at < next)
            next = at;
    }
    site->boundary_wall = next;
    f2m_sites_wake(site->room);
}

void f2m_event_text(const struct f2m_site_state *site, int64_t wall_ms, struct f2m_strbuf *out)
{
    bool active;
    const struct f2m_item *e = f2m_event_now(site, wall_ms, &active);

    f2m_strbuf_reset(out);
    if (!e) {
        f2m_strbuf_adds(out, "{\"phase\":\"none\"}");
        return;
    }
    f2m_object_without((struct f2m_slice){e->raw, e->len}, "phase", out);
    while (out->len && out->data[out->len - 1] != '}')
        f2m_strbuf_truncate(out, out->len - 1);
    f2m_strbuf_truncate(out, out->len - 1);
    /* It has an id at least: a comma is due. */
    f2m_strbuf_addf(out, ",\"phase\":\"%s\"}", active ? "active" : "upcoming");
}

const char *f2m_event_participation(const struct f2m_site_state *site, int64_t wall_ms)
{
    bool active, participating;
    const struct f2m_item *e = f2m_event_now(site, wall_ms, &active);

    if (!e || !f2m_json_bool(f2m_json_member((struct f2m_slice){e->raw, e->len}, "is_participating"), &participating))
        return "None";
    return participating ? "ON" : "OFF";
}
