/* From a message to the sources that its topic feeds. Nothing here allocates in the steady state. */
#include "telemetry/prove.h"
#include "telemetry/room.h"
#include "util/log.h"
#include "util/route.h"
#include "util/utf8.h"

#include <errno.h>

struct delivery {
    struct f2m_telemetry *t;
    struct f2m_now now;
    const struct f2m_mqtt_message *message;
    struct f2m_payload *payload;
    struct f2m_effects *fx;
    struct f2m_telemetry_device *fed; /* took something, of which its provers do not know yet */
};

#define SHOWN_BYTES 200 /* of a payload in the log */

static void complain(struct delivery *x, struct f2m_telemetry_device *d, struct f2m_slot *slot)
{
    const struct f2m_source *source = &d->config->telemetry.sources[slot->id];
    char payload[SHOWN_BYTES + 1], shown[4 * SHOWN_BYTES], topic[512], reason[1024], id[F2M_SHOWN_ID];
    struct f2m_slice bytes = x->message->payload;

    if (slot->complained_ms != INT64_MIN && x->now.mono_ms - slot->complained_ms < F2M_COMPLAIN_EVERY_MS)
        return;
    slot->complained_ms = x->now.mono_ms;
    size_t len = bytes.len <= SHOWN_BYTES ? bytes.len : SHOWN_BYTES;
    for (size_t i = 0; i < len; i++)
        payload[i] = bytes.at[i] == '\0' ? ' ' : bytes.at[i];
    payload[len] = '\0';
    f2m_effects_log(x->fx, F2M_LOG_WARN, "telemetry", "unreadable payload",
                    "device=%s source=%s topic=%s path=%s reason=%s payload=%s",
                    f2m_log_value(d->config->id, id, sizeof id), f2m_source_info[slot->id].name,
                    f2m_log_value(x->message->topic.at, topic, sizeof topic), source->path ? source->path : "-",
                    f2m_log_value(x->t->err.text, reason, sizeof reason), f2m_log_value(payload, shown, sizeof shown));
}

static void tell_counter(struct delivery *x, const struct f2m_telemetry_device *d, const struct f2m_slot *slot,
                         enum f2m_counter_step step, double former)
{
    static const char *const texts[] = {
        [F2M_COUNTER_RESET] = "counter was reset, counting from 0",
        [F2M_COUNTER_REBASED] = "counter jumped, going on from there without energy",
    };
    char id[F2M_SHOWN_ID];

    if (step != F2M_COUNTER_RESET && step != F2M_COUNTER_REBASED)
        return;
    f2m_effects_log(x->fx, F2M_LOG_INFO, "telemetry", texts[step], "device=%s source=%s from_wh=%.15g to_wh=%.15g",
                    f2m_log_value(d->config->id, id, sizeof id), f2m_source_info[slot->id].name, former,
                    slot->counter->base);
}

static void read_counter(struct delivery *x, struct f2m_telemetry_device *d, struct f2m_slot *slot, int64_t at_ms)
{
    struct f2m_value v = f2m_source_reader_at(slot->reader, x->now.mono_ms);
    double former = slot->counter->base;

    if (v.fresh)
        tell_counter(x, d, slot, f2m_counter_read(slot->counter, v.number, at_ms, f2m_device_rating(d, slot->id)),
                     former);
}

/* A sample with a time of its own counts in the open interval or not at all (Interface, clarification 32); a replay
 * only has to be young (Interface, clarification 5). After the clock was set back the interval's beginning lies
 * ahead: what was sampled since the step is news all the same. */
static bool is_late(const struct delivery *x, const struct f2m_telemetry_device *d, const struct f2m_sample *sample)
{
    int64_t wall = x->now.wall_ms - (x->now.mono_ms - sample->at_ms);

    return !x->message->retain && sample->at_ms < x->now.mono_ms && wall < d->interval.opened_ms;
}

static void taken(struct delivery *x, struct f2m_telemetry_device *d, struct f2m_slot *slot, int64_t at_ms,
                  bool changed)
{
    d->heard = true;
    x->fed = d;
    if (slot->counter)
        read_counter(x, d, slot, at_ms);
    if (changed || !slot->shown_fresh)
        d->state_dirty = true;
}

static void feed_source(struct delivery *x, struct f2m_telemetry_device *d, struct f2m_slot *slot, size_t leaf)
{
    struct f2m_sample sample;
    bool changed = false;
    enum f2m_source_outcome outcome =
        f2m_source_reader_decode(slot->reader, leaf, x->now, x->message->retain, x->payload, &sample, &x->t->err);

    if (outcome == F2M_OUTCOME_TAKEN && is_late(x, d, &sample))
        outcome = F2M_OUTCOME_LATE;
    if (slot->power && (outcome == F2M_OUTCOME_TAKEN || outcome == F2M_OUTCOME_NO_DATA || outcome == F2M_OUTCOME_STALE))
        f2m_integral_advance(&slot->integral, slot->reader,
                             outcome == F2M_OUTCOME_TAKEN ? sample.at_ms : x->now.mono_ms);
    outcome = f2m_source_reader_put(slot->reader, leaf, outcome, &sample, x->now.mono_ms, &changed, &x->t->err);
    slot->outcome = (uint8_t)outcome;
    switch (outcome) {
    case F2M_OUTCOME_TAKEN: taken(x, d, slot, sample.at_ms, changed); break;
    case F2M_OUTCOME_NO_DATA:
    case F2M_OUTCOME_STALE: d->state_dirty = d->state_dirty || changed; break;
    case F2M_OUTCOME_LATE: x->t->counters->late++; break;
    case F2M_OUTCOME_INVALID:
        x->t->counters->invalid++;
        complain(x, d, slot);
        break;
    case F2M_OUTCOME_MISSING:
    case F2M_OUTCOME_NONE: break;
    }
}

static void feed_availability(struct delivery *x, struct f2m_telemetry_device *d)
{
    const struct f2m_availability *a = &d->config->telemetry.availability;
    struct f2m_scalar scalar;
    enum f2m_availability_state says;
    int got = f2m_payload_scalar(x->payload, a->path ? F2M_FORMAT_JSON : F2M_FORMAT_TEXT, a->path, &scalar, &x->t->err);

    if (got == -ENOENT)
        return;
    if (got == 0 && f2m_slice_is(scalar.text, a->online)) {
        says = F2M_AVAILABILITY_ONLINE;
    } else if (got == 0 && f2m_slice_is(scalar.text, a->offline)) {
        says = F2M_AVAILABILITY_OFFLINE;
    } else {
        x->t->counters->invalid++;
        return;
    }
    d->heard = true;
    if (says != d->availability)
        d->state_dirty = true;
    d->availability = says;
}

/* Once per message, when all that it says is taken: power and state of charge belong together. */
static void prove(struct delivery *x)
{
    struct f2m_telemetry_device *d = x->fed;

    x->fed = NULL;
    if (!d || !d->prove || !f2m_prove_feed(d->prove, d, x->now.mono_ms))
        return;
    char verdict[1200], id[F2M_SHOWN_ID];
    f2m_log_value(d->config->id, id, sizeof id);
    f2m_strbuf_reset(&x->t->text);
    f2m_prove_tell(d->prove, d->config, &x->t->text);
    if (x->t->text.len)
        f2m_effects_log(x->fx, F2M_LOG_WARN, "telemetry", "the sources contradict each other", "device=%s verdict=%s",
                        id, f2m_log_value(x->t->text.data, verdict, sizeof verdict));
    else
        f2m_effects_log(x->fx, F2M_LOG_INFO, "telemetry", "the sources agree again", "device=%s", id);
    d->state_dirty = true;
    f2m_agenda_move(&x->t->agenda, &d->due, x->now.mono_ms);
}

static void deliver(void *ctx, void *subscriber)
{
    struct delivery *x = ctx;
    struct f2m_feed *feed = subscriber;
    struct f2m_telemetry_device *d = feed->device;

    if (x->fed != d)
        prove(x);
    f2m_telemetry_catch_up(x->t, d, x->now, x->fx);
    x->payload->shared = x->payload->shared || feed->shared;
    bool dirty = d->state_dirty;
    if (feed->slot == F2M_FEED_AVAILABILITY)
        feed_availability(x, d);
    else
        feed_source(x, d, &d->slots[feed->slot], feed->leaf);
    /* Later deadlines are found when the present one comes; only news can make one earlier. */
    if (d->state_dirty && !dirty)
        f2m_agenda_move(&x->t->agenda, &d->due, x->now.mono_ms);
}

bool f2m_telemetry_message(struct f2m_telemetry *t, struct f2m_now now, const struct f2m_mqtt_message *m,
                           struct f2m_effects *fx)
{
    struct delivery x = {.t = t, .now = now, .message = m, .payload = &t->payload, .fx = fx};

    f2m_telemetry_look_at_clock(t, now, fx);
    f2m_payload_init(&t->payload, m->payload);
    if (f2m_router_match(t->router, m->topic, deliver, &x) == 0)
        return false;
    prove(&x);
    t->counters->messages++;
    return true;
}
