/*
 * Answers on their way out. A publish without a connection is dropped, and so is every publish of a turn that the disk
 * refuses; an answer waits for the broker, and is published again after such a turn.
 */
#include "requests/internal.h"

#include "util/xalloc.h"

#include <stdlib.h>

static void drop_first(struct f2m_requests *r)
{
    struct outgoing *o = r->outgoing;
    r->outgoing = o->next;
    r->outgoing_len--;
    r->outgoing_bytes -= o->payload.len + o->instead.len;
    free(o->topic);
    free((char *)(uintptr_t)o->payload.at);
    free((char *)(uintptr_t)o->instead.at);
    free((char *)(uintptr_t)o->correlation.at);
    free(o);
}

void outgoing_free(struct f2m_requests *r)
{
    while (r->outgoing)
        drop_first(r);
}

static struct f2m_slice copy(struct f2m_slice s)
{
    return s.at ? (struct f2m_slice){f2m_xmemdup0(s.at, s.len), s.len} : s;
}

void outgoing_add(struct f2m_requests *r, const char *topic, const struct outgoing *texts, struct f2m_effects *fx)
{
    struct outgoing *o = f2m_xcalloc(1, sizeof *o), **end = &r->outgoing;
    o->topic = f2m_xstrdup(topic);
    o->payload = copy(texts->payload);
    o->instead = copy(texts->instead);
    o->correlation = copy(texts->correlation);
    while (*end)
        end = &(*end)->next;
    *end = o;
    r->outgoing_len++;
    r->outgoing_bytes += o->payload.len + o->instead.len;
    while (r->outgoing != o &&
           (r->outgoing_len > F2M_MAX_ANSWERS_WAITING || r->outgoing_bytes > F2M_MAX_ANSWERS_WAITING_BYTES)) {
        f2m_effects_log(fx, F2M_LOG_WARN, "requests", "too many answers wait: the oldest is dropped", "%s", "");
        drop_first(r);
    }
    outgoing_publish(r, fx);
}

void outgoing_publish(struct f2m_requests *r, struct f2m_effects *fx)
{
    for (struct outgoing *o = r->outgoing; o && !r->away; o = o->next) {
        if (o->said)
            continue;
        f2m_effects_publish(
            fx, &(struct f2m_publish){.topic = o->topic, .payload = o->payload, .correlation = o->correlation});
        o->said = true;
    }
}

bool outgoing_due(const struct f2m_requests *r)
{
    for (const struct outgoing *o = r->outgoing; o && !r->away; o = o->next)
        if (!o->said)
            return true;
    return false;
}

/* The store is as before: what an answer told of it is not true any more. */
static void take_back(struct f2m_requests *r, struct outgoing *o)
{
    o->said = false;
    if (!o->instead.at)
        return;
    r->outgoing_bytes -= o->payload.len;
    free((char *)(uintptr_t)o->payload.at);
    o->payload = o->instead;
    o->instead = (struct f2m_slice){NULL, 0};
}

/* Also of an answer that waits for the broker: its own turn is the one that ends here. */
void f2m_requests_committed(struct f2m_requests *r, bool ok)
{
    struct outgoing *waiting = NULL, **end = &waiting;
    while (r->outgoing) {
        struct outgoing *o = r->outgoing;
        if (ok && o->said) {
            drop_first(r);
            continue;
        }
        if (ok) { /* what it tells is on disk now */
            r->outgoing_bytes -= o->instead.len;
            free((char *)(uintptr_t)o->instead.at);
            o->instead = (struct f2m_slice){NULL, 0};
        } else {
            take_back(r, o);
        }
        r->outgoing = o->next;
        o->next = NULL;
        *end = o;
        end = &o->next;
    }
    r->outgoing = waiting;
}

void f2m_requests_mqtt_up(struct f2m_requests *r, struct f2m_effects *fx)
{
    r->away = false;
    outgoing_publish(r, fx);
}

void f2m_requests_mqtt_down(struct f2m_requests *r)
{
    r->away = true;
}
