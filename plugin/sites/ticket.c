/* Calls to Flip under way. A ticket outlives its site: after a reload the answer of a removed one is ignored. */
#include "sites/internal.h"
#include "util/cleanup.h"
#include "util/xalloc.h"

#include <stdlib.h>

struct f2m_ticket *f2m_ticket_new(enum f2m_ticket_purpose purpose, struct f2m_site_state *site)
{
    struct f2m_ticket *ticket = f2m_xcalloc(1, sizeof *ticket);

    ticket->purpose = purpose;
    ticket->site = site;
    ticket->next = -1;
    return ticket;
}

void f2m_ticket_free(struct f2m_ticket *ticket)
{
    if (!ticket)
        return;
    f2m_sites_pages_free(ticket->pages);
    free(ticket->event_id);
    free(ticket);
}

void f2m_tickets_free(struct f2m_sites *s)
{
    struct f2m_ticket *ticket, *next;

    HASH_ITER(hh, s->tickets, ticket, next)
    {
        HASH_DEL(s->tickets, ticket);
        f2m_ticket_free(ticket);
    }
}

void f2m_tickets_forget_site(struct f2m_sites *s, const struct f2m_site_state *site)
{
    struct f2m_ticket *ticket, *next;

    HASH_ITER(hh, s->tickets, ticket, next)
    if (ticket->site == site)
        ticket->site = NULL;
}

typedef void (*handler)(struct f2m_sites *, struct f2m_now, struct f2m_ticket *, const struct f2m_reply *,
                        struct f2m_effects *);
static const handler handlers[F2M_TICKET_PURPOSES] = {
    [F2M_TICKET_POLL] = f2m_sites_poll_done,
    [F2M_TICKET_LOOKUP] = f2m_sites_lookup_done,
    [F2M_TICKET_PARTICIPATION] = f2m_participation_done,
    [F2M_TICKET_COMMISSION] = f2m_commission_done,
};

static void done(void *owner, uint64_t number, struct f2m_now now, const struct f2m_reply *reply,
                 struct f2m_effects *fx)
{
    struct f2m_sites *s = owner;
    struct f2m_ticket *ticket;

    HASH_FIND(hh, s->tickets, &number, sizeof number, ticket);
    if (!ticket)
        return;
    HASH_DEL(s->tickets, ticket);
    handlers[ticket->purpose](s, now, ticket, reply, fx); /* takes the ticket */
    f2m_sites_wake(s);
}

int f2m_ticket_call(struct f2m_sites *s, struct f2m_now now, struct f2m_ticket *ticket, const struct f2m_call *wanted,
                    struct f2m_effects *fx, struct f2m_err *err)
{
    struct f2m_call call = *wanted;

    ticket->number = ++s->last_ticket;
    call.ids.site_id = ticket->site->id;
    call.done = done;
    call.owner = s;
    call.id = ticket->number;
    int rc = f2m_cloud_call(s->c.cloud, now, &call, fx, err);
    if (rc < 0)
        f2m_ticket_free(ticket);
    else
        HASH_ADD(hh, s->tickets, number, sizeof ticket->number, ticket);
    return rc;
}
