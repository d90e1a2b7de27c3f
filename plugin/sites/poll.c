/*
 * Asks Flip for each site's objects: first at start, then each kind at its own pace with up to a tenth of jitter either
 * way, with backoff on failure, quiet while the client token is refused. At most F2M_MAX_SITE_POLLS calls at a time, so
 * that uploads and acknowledgements find a place. Flip: Endpoints; Flip, decisions 3, 16.
 */
#include "flip/list.h"
#include "sites/internal.h"
#include "util/percent.h"
#include "util/xalloc.h"

#include <stdio.h>
#include <stdlib.h>

#define PAGE 100 /* Flip's default */

/* A paged collection, possibly for several device types, while it is being gathered. */
struct f2m_pages {
    struct f2m_item *items;
    size_t bytes;
    bool charger; /* the second round, for EV_CHARGER */
    unsigned skip, pages;
    uint64_t last; /* hash of the page before */
};

void f2m_sites_pages_free(struct f2m_pages *pages)
{
    if (!pages)
        return;
    f2m_items_free(&pages->items);
    free(pages);
}

void f2m_sites_poll_soon(struct f2m_site_state *site, enum f2m_kind kind)
{
    struct f2m_poll *poll = &site->polls[kind];

    if (poll->in_flight) {
        poll->again = true;
    } else {
        poll->due_mono = INT64_MIN;
        f2m_backoff_reset(&poll->backoff);
    }
    f2m_sites_wake(site->room);
}

void f2m_sites_poll_at(struct f2m_site_state *site, enum f2m_kind kind, int64_t mono_ms)
{
    struct f2m_poll *poll = &site->polls[kind];

    poll->again = poll->in_flight;
    if (!poll->in_flight)
        poll->due_mono = mono_ms;
    f2m_sites_wake(site->room);
}

static void failed(struct f2m_sites *s, struct f2m_now now, struct f2m_poll *poll, int64_t retry_after_s)
{
    f2m_backoff_fail(&poll->backoff, s->c.rng, now, retry_after_s);
    poll->due_mono = poll->backoff.until_mono_ms;
}

static void succeeded(struct f2m_sites *s, struct f2m_now now, struct f2m_poll *poll, enum f2m_kind kind)
{
    int64_t every = f2m_sites_kind_pace(s->c.config, kind);

    f2m_backoff_reset(&poll->backoff);
    poll->due_mono = now.mono_ms + every - every / 10 + f2m_rng_below(s->c.rng, every / 5 + 1);
}

/* ---- asking ---- */

static bool has_charger(const struct f2m_site *site)
{
    for (size_t i = 0; i < site->devices_len; i++)
        if (site->devices[i].type == F2M_DEVICE_EV_CHARGER)
            return true;
    return false;
}

static void program_query(const struct f2m_ticket *ticket, struct f2m_strbuf *out)
{
    const char *zip_code = ticket->site->config->zip_code;

    f2m_strbuf_addf(out, "device_type=%s", ticket->pages->charger ? "EV_CHARGER" : "BATTERY");
    if (zip_code) {
        f2m_strbuf_adds(out, "&zip_code=");
        f2m_percent_encode(out, zip_code);
    }
    f2m_strbuf_addf(out, "&skip=%u&limit=%d", ticket->pages->skip, PAGE);
}

/* Takes the ticket. */
static bool ask(struct f2m_sites *s, struct f2m_now now, struct f2m_ticket *ticket, struct f2m_effects *fx)
{
    f2m_autostrbuf query;
    struct f2m_err err;

    f2m_strbuf_init(&query, 0);
    if (ticket->pages)
        program_query(ticket, &query);
    struct f2m_call call = {.endpoint = f2m_sites_kind_info[ticket->kind].endpoint,
                            .query = query.len ? query.data : NULL};
    if (f2m_ticket_call(s, now, ticket, &call, fx, &err) < 0)
        return false; /* too many calls wait */
    s->polls_in_flight++;
    return true;
}

static void start(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site, enum f2m_kind kind,
                  struct f2m_effects *fx)
{
    struct f2m_ticket *ticket = f2m_ticket_new(F2M_TICKET_POLL, site);
    struct f2m_poll *poll = &site->polls[kind];

    ticket->kind = kind;
    ticket->began_mono = now.mono_ms;
    if (kind == F2M_KIND_PROGRAMS)
        ticket->pages = f2m_xcalloc(1, sizeof *ticket->pages);
    poll->again = false;
    poll->in_flight = ask(s, now, ticket, fx);
    if (!poll->in_flight)
        failed(s, now, poll, 0);
}

static bool wants(const struct f2m_site_state *site, enum f2m_kind kind)
{
    return !site->polls[kind].in_flight && (!site->unknown || kind == F2M_KIND_DEVICES);
}

void f2m_sites_poll_tick(struct f2m_sites *s, struct f2m_now now, struct f2m_effects *fx)
{
    size_t sites = HASH_COUNT(s->sites);

    if (f2m_cloud_paused(s->c.cloud, now))
        return;
    for (size_t i = 0; i < sites && s->polls_in_flight < F2M_MAX_SITE_POLLS; i++) {
        struct f2m_site_state *site = s->cursor ? s->cursor : s->sites;
        for (enum f2m_kind kind = 0; kind < F2M_KINDS_COUNT && s->polls_in_flight < F2M_MAX_SITE_POLLS; kind++)
            if (wants(site, kind) && now.mono_ms >= site->polls[kind].due_mono)
                start(s, now, site, kind, fx);
        if (s->polls_in_flight < F2M_MAX_SITE_POLLS)
            s->cursor = site->hh.next;
    }
}

int64_t f2m_sites_poll_next(const struct f2m_sites *s, struct f2m_now now, const struct f2m_site_state *site)
{
    int64_t next = INT64_MAX;

    if (s->polls_in_flight >= F2M_MAX_SITE_POLLS)
        return next; /* the answer wakes us */
    for (enum f2m_kind kind = 0; kind < F2M_KINDS_COUNT; kind++)
        if (wants(site, kind) && site->polls[kind].due_mono < next)
            next = site->polls[kind].due_mono;
    if (next != INT64_MAX && f2m_cloud_paused(s->c.cloud, now) && next < f2m_cloud_paused_until(s->c.cloud))
        next = f2m_cloud_paused_until(s->c.cloud);
    return next;
}

/* ---- answers ---- */

static void overflow(struct f2m_site_state *site, enum f2m_kind kind, struct f2m_effects *fx)
{
    char id[128];

    if (site->polls[kind].overflow_told)
        return;
    site->polls[kind].overflow_told = true;
    f2m_effects_log(fx, F2M_LOG_WARN, F2M_COMPONENT, "too many objects: the rest is left out", "site=%s kind=%s",
                    f2m_log_value(site->id, id, sizeof id), f2m_sites_kind_info[kind].name);
}

/* Adds the objects of a list. */
static void gather(struct f2m_site_state *site, enum f2m_kind kind, struct f2m_slice list, struct f2m_item **items,
                   size_t *bytes, struct f2m_effects *fx)
{
    struct f2m_json_iter it = f2m_json_iter(list);
    struct f2m_slice name, value;
    struct f2m_item *item, *there;
    char fallback[32];

    while (f2m_json_next(&it, &name, &value)) {
        if (HASH_COUNT(*items) >= F2M_MAX_SITE_OBJECTS || *bytes + value.len > F2M_MAX_SITE_OBJECT_BYTES) {
            overflow(site, kind, fx);
            break;
        }
        snprintf(fallback, sizeof fallback, "#%u", HASH_COUNT(*items));
        item = f2m_item_new(kind, value, fallback);
        if (!item)
            continue;
        HASH_FIND_STR(*items, item->id, there);
        if (there) {
            f2m_item_free(item);
            continue;
        }
        HASH_ADD_KEYPTR(hh, *items, item->id, strlen(item->id), item);
        *bytes += value.len;
    }
}

static void site_is_there(struct f2m_site_state *site)
{
    if (!site->unknown)
        return;
    site->unknown = site->unknown_told = false;
    for (enum f2m_kind kind = 0; kind < F2M_KINDS_COUNT; kind++)
        if (kind != F2M_KIND_DEVICES)
            f2m_sites_poll_soon(site, kind);
}

static void mark_known(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site, int64_t began_mono,
                       struct f2m_effects *fx)
{
    struct f2m_item *item;

    for (struct f2m_device_state *d = site->devices; d; d = d->next) {
        HASH_FIND_STR(site->objects[F2M_KIND_DEVICES].items, d->config->id, item);
        if (item)
            f2m_commission_known(s, now, d, fx);
    }
    f2m_commission_looked(s, now, site, began_mono, fx);
}

/* The answer is complete. */
static void arrived(struct f2m_sites *s, struct f2m_now now, const struct f2m_ticket *ticket, struct f2m_item *items,
                    struct f2m_effects *fx)
{
    struct f2m_site_state *site = ticket->site;
    struct f2m_poll *poll = &site->polls[ticket->kind];

    succeeded(s, now, poll, ticket->kind);
    if (poll->again)
        poll->due_mono = INT64_MIN;
    f2m_diff_apply(s, now, site, ticket->kind, items, ticket->began_mono, fx);
    site_is_there(site);
    if (ticket->kind == F2M_KIND_DEVICES)
        mark_known(s, now, site, ticket->began_mono, fx);
}

/* A page of programs. True where another call goes on with the ticket. */
static bool page(struct f2m_sites *s, struct f2m_now now, struct f2m_ticket *ticket, struct f2m_slice list,
                 struct f2m_effects *fx)
{
    struct f2m_pages *pages = ticket->pages;
    uint64_t hash = f2m_fnv(F2M_FNV_START, list.at, list.len);
    bool again = pages->pages > 0 && hash == pages->last; /* `skip` means nothing to the other side */

    gather(ticket->site, ticket->kind, list, &pages->items, &pages->bytes, fx);
    pages->pages++;
    pages->last = hash;
    if (f2m_json_count(list) >= PAGE && !again && pages->pages < F2M_MAX_SITE_PAGES) {
        pages->skip += PAGE;
    } else if (!pages->charger && has_charger(ticket->site->config)) {
        pages->charger = true;
        pages->skip = pages->pages = 0;
    } else {
        struct f2m_item *items = pages->items;
        pages->items = NULL;
        arrived(s, now, ticket, items, fx);
        return false;
    }
    struct f2m_poll *poll = &ticket->site->polls[ticket->kind];
    poll->in_flight = ask(s, now, ticket, fx);
    if (!poll->in_flight)
        failed(s, now, poll, 0);
    return true;
}

static void complain(const struct f2m_site_state *site, enum f2m_kind kind, const char *message, struct f2m_effects *fx)
{
    char id[128], text[256];

    f2m_effects_log(fx, F2M_LOG_WARN, F2M_COMPONENT, "Flip refused to show a site's objects",
                    "site=%s kind=%s reason=%s", f2m_log_value(site->id, id, sizeof id), f2m_sites_kind_info[kind].name,
                    f2m_log_value(message, text, sizeof text));
}

/* Flip itself (not some proxy: the answer is JSON) does not know the site. */
static void site_is_unknown(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site, int64_t began_mono,
                            struct f2m_effects *fx)
{
    char id[128];

    site->unknown = true;
    if (!site->unknown_told)
        f2m_effects_log(fx, site->config->commission ? F2M_LOG_INFO : F2M_LOG_WARN, F2M_COMPONENT,
                        "Flip does not know this site", "site=%s", f2m_log_value(site->id, id, sizeof id));
    site->unknown_told = true;
    f2m_objects_forget(s, now, site);
    f2m_commission_looked(s, now, site, began_mono, fx);
}

static void refused(struct f2m_sites *s, struct f2m_now now, const struct f2m_ticket *ticket,
                    const struct f2m_reply *reply, struct f2m_effects *fx)
{
    struct f2m_poll *poll = &ticket->site->polls[ticket->kind];

    failed(s, now, poll, reply->retry_after_s);
    if (poll->again)
        poll->due_mono = INT64_MIN;
    bool not_found = reply->outcome == F2M_OUTCOME_REJECT && reply->status == 404 && reply->body.at;
    if (not_found && ticket->kind == F2M_KIND_DEVICES) {
        site_is_unknown(s, now, ticket->site, ticket->began_mono, fx);
        return;
    }
    /* Perhaps it is the site that is gone: its devices tell. */
    struct f2m_poll *devices = &ticket->site->polls[F2M_KIND_DEVICES];
    if (not_found && devices->due_mono > poll->due_mono)
        devices->due_mono = poll->due_mono;
    bool said_no = reply->outcome == F2M_OUTCOME_REJECT || reply->outcome == F2M_OUTCOME_AUTH;
    if (said_no && poll->backoff.failures == (not_found ? 2 : 1))
        complain(ticket->site, ticket->kind, reply->message, fx);
}

/* False where the answer is not what was asked for. */
static bool read_answer(struct f2m_ticket *ticket, struct f2m_slice body, struct f2m_slice *list)
{
    if (ticket->kind != F2M_KIND_INFO)
        return body.at && f2m_list_find(body, f2m_sites_kind_info[ticket->kind].name, list);
    *list = body;
    return f2m_json_type(body) == F2M_JSON_OBJECT;
}

void f2m_sites_poll_done(struct f2m_sites *s, struct f2m_now now, struct f2m_ticket *ticket,
                         const struct f2m_reply *reply, struct f2m_effects *fx)
{
    struct f2m_slice list;
    struct f2m_item *items = NULL;
    size_t bytes = 0;

    s->polls_in_flight--;
    if (ticket->site) {
        struct f2m_poll *poll = &ticket->site->polls[ticket->kind];
        poll->in_flight = false;
        if (reply->outcome != F2M_OUTCOME_OK) {
            refused(s, now, ticket, reply, fx);
        } else if (!read_answer(ticket, reply->body, &list)) {
            failed(s, now, poll, 0);
            if (poll->backoff.failures == 1)
                complain(ticket->site, ticket->kind, "the answer is not what was asked for", fx);
        } else if (ticket->pages) {
            if (page(s, now, ticket, list, fx))
                return; /* the ticket went on, or is gone */
        } else if (ticket->kind == F2M_KIND_INFO) {
            items = f2m_item_new(ticket->kind, list, "");
            struct f2m_item *hash = NULL;
            HASH_ADD_KEYPTR(hh, hash, items->id, strlen(items->id), items);
            arrived(s, now, ticket, hash, fx);
        } else {
            gather(ticket->site, ticket->kind, list, &items, &bytes, fx);
            arrived(s, now, ticket, items, fx);
        }
    }
    f2m_ticket_free(ticket);
}

/* ---- an event that a poll does not show any more ---- */

void f2m_sites_poll_lookup(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site, struct f2m_item *item,
                           struct f2m_effects *fx)
{
    struct f2m_err err;

    if (item->looking || site->lookups >= F2M_MAX_EVENT_LOOKUPS)
        return; /* with the next poll */
    struct f2m_ticket *ticket = f2m_ticket_new(F2M_TICKET_LOOKUP, site);
    ticket->began_mono = now.mono_ms;
    ticket->event_id = f2m_xstrdup(item->id);
    struct f2m_call call = {.endpoint = F2M_ENDPOINT_EVENT_GET, .ids = {.event_id = ticket->event_id}};
    item->looking = f2m_ticket_call(s, now, ticket, &call, fx, &err) == 0;
    site->lookups += item->looking;
}

void f2m_sites_lookup_done(struct f2m_sites *s, struct f2m_now now, struct f2m_ticket *ticket,
                           const struct f2m_reply *reply, struct f2m_effects *fx)
{
    struct f2m_site_state *site = ticket->site;
    struct f2m_item *item = NULL;

    if (site) {
        site->lookups--;
        HASH_FIND_STR(site->objects[F2M_KIND_EVENTS].items, ticket->event_id, item);
    }
    if (item) {
        item->looking = false;
        if (reply->outcome == F2M_OUTCOME_OK && f2m_json_string_is(f2m_json_member(reply->body, "id"), item->id))
            (void)f2m_diff_take(s, now, site, F2M_KIND_EVENTS, reply->body, true, fx);
        else if (reply->status == 404 && reply->body.at)
            f2m_diff_remove(s, now, site, F2M_KIND_EVENTS, ticket->event_id);
    }
    f2m_ticket_free(ticket);
}
