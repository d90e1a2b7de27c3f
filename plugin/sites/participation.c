/*
 * Opting in and out of an event. The state changes only with Flip's answer; an error is told on site/<id>/notification.
 * One call per event at a time: of what is set meanwhile the latest is sent after it. Interface, section 3.2; Flip:
 * 5.24 (the event's commands become OPT_OUT, so they are polled at once).
 */
#include "sites/internal.h"
#include "util/boolean.h"
#include "util/xalloc.h"

#include <stdio.h>

static void fail(struct f2m_sites *s, struct f2m_now now, const struct f2m_site_state *site, const char *event_id,
                 const char *message, struct f2m_effects *fx)
{
    char id[128], event[128], text[256];

    f2m_effects_log(fx, F2M_LOG_WARN, F2M_COMPONENT, "participation is not changed", "site=%s event=%s reason=%s",
                    f2m_log_value(site->id, id, sizeof id),
                    f2m_log_value(event_id ? event_id : "none", event, sizeof event),
                    f2m_log_value(message, text, sizeof text));
    f2m_notification_error(s, now, site->id, event_id, message, fx);
}

static struct f2m_ticket *under_way(const struct f2m_sites *s, const struct f2m_site_state *site, const char *event_id)
{
    struct f2m_ticket *ticket;

    for (ticket = s->tickets; ticket; ticket = ticket->hh.next)
        if (ticket->purpose == F2M_TICKET_PARTICIPATION && ticket->site == site &&
            strcmp(ticket->event_id, event_id) == 0)
            return ticket;
    return NULL;
}

static void call(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site, const char *event_id, int wanted,
                 struct f2m_effects *fx)
{
    struct f2m_ticket *ticket = f2m_ticket_new(F2M_TICKET_PARTICIPATION, site);
    struct f2m_err err;

    ticket->event_id = f2m_xstrdup(event_id);
    ticket->wanted = wanted;
    struct f2m_call call = {
        .endpoint = F2M_ENDPOINT_EVENT_UPDATE,
        .ids = {.event_id = ticket->event_id},
        .body = f2m_slice_of(wanted ? "{\"is_participating\":true}" : "{\"is_participating\":false}"),
    };
    if (f2m_ticket_call(s, now, ticket, &call, fx, &err) < 0)
        fail(s, now, site, event_id, err.text, fx);
    else
        s->participations++;
}

static void set(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site, const char *event_id, int wanted,
                struct f2m_effects *fx)
{
    struct f2m_ticket *ticket = under_way(s, site, event_id);

    if (ticket)
        ticket->next = wanted;
    else if (s->participations >= F2M_MAX_PARTICIPATIONS)
        fail(s, now, site, event_id, "too many changes under way: try again later", fx);
    else
        call(s, now, site, event_id, wanted, fx);
}

void f2m_sites_participation_set(struct f2m_sites *s, struct f2m_now now, const char *site_id, const char *event_id,
                                 struct f2m_slice payload, struct f2m_effects *fx)
{
    struct f2m_site_state *site = f2m_sites_site(s, site_id);
    char message[256], id[128], current[F2M_MAX_ID_BYTES + 1];
    bool active, wanted;

    if (!site) {
        s->c.counters->invalid++;
        f2m_effects_log(fx, F2M_LOG_WARN, F2M_COMPONENT, "participation/set for a site that is not configured",
                        "site=%s", f2m_log_value(site_id, id, sizeof id));
        return;
    }
    if (!f2m_boolean_parse(payload, &wanted)) {
        s->c.counters->invalid++;
        f2m_outcome_clean(payload, id, 64);
        snprintf(message, sizeof message, "participation/set: expected ON or OFF, found '%s'", id);
        fail(s, now, site, event_id, message, fx);
        return;
    }
    if (!event_id) {
        const struct f2m_item *item = f2m_event_now(site, now.wall_ms, &active);
        if (!item) {
            fail(s, now, site, NULL, "participation/set: the site has no running or coming event", fx);
            return;
        }
        snprintf(current, sizeof current, "%s", item->id);
        event_id = current;
    }
    set(s, now, site, event_id, wanted, fx);
}

static void confirmed(struct f2m_sites *s, struct f2m_now now, const struct f2m_ticket *ticket, struct f2m_slice body,
                      struct f2m_effects *fx)
{
    if (f2m_json_string_is(f2m_json_member(body, "id"), ticket->event_id))
        (void)f2m_diff_take(s, now, ticket->site, F2M_KIND_EVENTS, body, true, fx);
    else
        f2m_sites_poll_soon(ticket->site, F2M_KIND_EVENTS); /* Flip said yes without showing the event */
    if (s->c.control)
        f2m_control_poll_now(s->c.control);
}

void f2m_participation_done(struct f2m_sites *s, struct f2m_now now, struct f2m_ticket *ticket,
                            const struct f2m_reply *reply, struct f2m_effects *fx)
{
    char message[256];

    s->participations--;
    if (ticket->site) {
        if (reply->outcome == F2M_OUTCOME_OK) {
            confirmed(s, now, ticket, reply->body, fx);
        } else {
            snprintf(message, sizeof message, "%s", reply->message[0] ? reply->message : "Flip gave no reason");
            fail(s, now, ticket->site, ticket->event_id, message, fx);
            f2m_sites_poll_soon(ticket->site, F2M_KIND_EVENTS); /* what holds now? */
        }
        if (ticket->next >= 0 && (ticket->next != ticket->wanted || reply->outcome != F2M_OUTCOME_OK))
            call(s, now, ticket->site, ticket->event_id, ticket->next, fx);
    }
    f2m_ticket_free(ticket);
}
