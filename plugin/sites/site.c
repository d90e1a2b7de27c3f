/* The sites and devices of the configuration, with what is remembered of each. */
#include "sites/internal.h"
#include "util/xalloc.h"

#include <stdlib.h>

struct f2m_site_state *f2m_sites_site(const struct f2m_sites *s, const char *site_id)
{
    struct f2m_site_state *site;

    HASH_FIND_STR(s->sites, site_id, site);
    return site;
}

struct f2m_device_state *f2m_sites_device(const struct f2m_sites *s, const char *device_id)
{
    struct f2m_device_state *d;

    HASH_FIND_STR(s->devices, device_id, d);
    return d;
}

static void device_free(struct f2m_device_state *d)
{
    f2m_learn_free(d);
    free(d);
}

static void leave_turn(struct f2m_sites *s, const struct f2m_site_state *site)
{
    for (struct f2m_site_state **at = &s->turn; *at; at = &(*at)->turn_next)
        if (*at == site) {
            *at = site->turn_next;
            return;
        }
}

static void site_free(struct f2m_sites *s, struct f2m_site_state *site)
{
    f2m_tickets_forget_site(s, site);
    f2m_topics_unqueue(s, site);
    leave_turn(s, site);
    for (enum f2m_kind kind = 0; kind < F2M_KINDS_COUNT; kind++)
        f2m_items_free(&site->objects[kind].items);
    free(site->id);
    free(site);
}

static void free_sites(struct f2m_sites *s, struct f2m_site_state *sites)
{
    struct f2m_site_state *site, *next;

    HASH_ITER(hh, sites, site, next)
    {
        HASH_DEL(sites, site);
        site_free(s, site);
    }
}

static void free_devices(struct f2m_sites *s, struct f2m_device_state *devices)
{
    struct f2m_device_state *d, *next;

    HASH_ITER(hh, devices, d, next)
    {
        HASH_DEL(devices, d);
        if (d->held && s->c.hold_uploads)
            s->c.hold_uploads(s->c.hold_ctx, d->hh.key, false);
        device_free(d);
    }
}

void f2m_site_free_all(struct f2m_sites *s)
{
    s->c.hold_uploads = NULL; /* nobody is there any more to be told */
    free_devices(s, s->devices);
    free_sites(s, s->sites);
    s->devices = NULL;
    s->sites = NULL;
    f2m_router_free(s->fields);
}

static struct f2m_site_state *site_new(struct f2m_sites *s, const struct f2m_site *config, struct f2m_now now)
{
    struct f2m_site_state *site = f2m_xcalloc(1, sizeof *site);

    site->room = s;
    site->id = f2m_xstrdup(config->id);
    site->number = ++s->last_site;
    for (enum f2m_kind kind = 0; kind < F2M_KINDS_COUNT; kind++) {
        site->polls[kind].due_mono = INT64_MIN; /* first at start */
        f2m_objects_load(s, site, kind);
    }
    f2m_event_boundary(site, now.wall_ms);
    f2m_topics_dirty(s, site, F2M_ALL_TOPICS);
    return site;
}

/* A reload: what failed is tried again at once, and nothing waits longer than its pace. */
static void refresh(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site)
{
    for (enum f2m_kind kind = 0; kind < F2M_KINDS_COUNT; kind++) {
        int64_t latest = now.mono_ms + f2m_sites_kind_pace(s->c.config, kind);
        if (site->polls[kind].backoff.failures || kind == F2M_KIND_PROGRAMS) /* zip code, device types */
            f2m_sites_poll_soon(site, kind);
        else if (site->polls[kind].due_mono > latest)
            site->polls[kind].due_mono = latest;
    }
}

static void add_device(struct f2m_sites *s, struct f2m_site_state *site, struct f2m_device_state ***tail,
                       const struct f2m_device *config, struct f2m_device_state **old)
{
    struct f2m_device_state *d;

    HASH_FIND_STR(*old, config->id, d);
    if (d)
        HASH_DEL(*old, d);
    else
        d = f2m_xcalloc(1, sizeof *d);
    bool fresh = !d->config;
    d->site = site;
    d->config = config;
    d->next = NULL;
    **tail = d;
    *tail = &d->next;
    HASH_ADD_KEYPTR(hh, s->devices, config->id, strlen(config->id), d);
    if (fresh) {
        f2m_learn_load(s, d);
        f2m_commission_load(s, d);
    }
    if (!d->known && site->config->commission)
        f2m_sites_poll_soon(site, F2M_KIND_DEVICES);
    f2m_learn_build(s, d);
    f2m_learn_ratings(s, d);
    f2m_commission_hold(s, d);
}

void f2m_site_build(struct f2m_sites *s, struct f2m_now now)
{
    struct f2m_site_state *old_sites = s->sites, *site;
    struct f2m_device_state *old_devices = s->devices;
    struct f2m_device_state **tail;

    s->sites = NULL;
    s->devices = NULL;
    s->cursor = NULL;
    f2m_router_free(s->fields);
    s->fields = f2m_router_new();
    for (size_t i = 0; i < s->c.config->sites_len; i++) {
        const struct f2m_site *config = &s->c.config->sites[i];
        HASH_FIND_STR(old_sites, config->id, site);
        if (site) {
            HASH_DEL(old_sites, site);
            refresh(s, now, site);
        } else {
            site = site_new(s, config, now);
        }
        site->config = config;
        site->devices = NULL;
        f2m_commission_reset(site);
        HASH_ADD_KEYPTR(hh, s->sites, site->id, strlen(site->id), site);
        tail = &site->devices;
        for (size_t k = 0; k < config->devices_len; k++)
            add_device(s, site, &tail, &config->devices[k], &old_devices);
    }
    free_devices(s, old_devices);
    free_sites(s, old_sites);
    f2m_objects_prune(s);
    s->announce_due = true;
    f2m_sites_wake(s);
}
