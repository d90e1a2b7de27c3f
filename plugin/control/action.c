/*
 * Publishes to the battery, one after the other: delay, publish, read-back, the next one; then refreshes. A list is
 * carried out from its beginning whenever the battery must hear what holds (start, change, reconnect, restart).
 */
#include "control/internal.h"
#include "util/xalloc.h"

#include <errno.h>
#include <stdlib.h>

#define RESTORE_AGAIN_MS 60000 /* not taken by the broker, not confirmed, nobody listening */

/* After a restart of the broker an integration may come back later than we do: tried again soon, then patiently. */
static const int64_t unheard_retry_ms[] = {2000, 5000, 10000, 30000};
#define UNHEARD_RETRIES (sizeof unheard_retry_ms / sizeof *unheard_retry_ms)
#define UNHEARD_TOLD    2 /* times in a row before Flip hears of it; a refusal is told at once */

void f2m_action_stop(struct f2m_control_device *d)
{
    free(d->action.steps);
    d->action = (struct f2m_action){0};
}

static int64_t due_of(const struct f2m_action *a, struct f2m_now now)
{
    return a->at < a->len ? now.mono_ms + a->list[a->at].delay_ms : INT64_MAX;
}

void f2m_action_begin(struct f2m_control_device *d, struct f2m_now now, enum f2m_action_kind kind,
                      const struct f2m_control_publish *list, size_t len)
{
    struct f2m_action *a = &d->action;

    f2m_action_stop(d);
    a->kind = kind;
    a->list = list;
    a->len = len;
    a->steps = f2m_xcalloc(len + 1, sizeof *a->steps);
    for (size_t i = 0; i < len; i++)
        a->steps[i].refresh_mono = a->steps[i].retry_mono = INT64_MAX;
    a->due_mono = due_of(a, now);
    a->again_mono = INT64_MAX;
}

void f2m_action_resume(struct f2m_control_device *d, struct f2m_now now)
{
    struct f2m_action *a = &d->action;

    a->at = a->len;
    for (size_t i = 0; i < a->len; i++) {
        a->steps[i].acked = true;
        if (a->list[i].refresh_ms > 0)
            a->steps[i].refresh_mono = now.mono_ms; /* nobody knows how old its lease is */
    }
}

static struct f2m_scene scene_of(const struct f2m_control_device *d, struct f2m_now now)
{
    if (d->action.kind == F2M_ACTION_MODE)
        return f2m_action_scene(d->running, now);
    return (struct f2m_scene){
        .device = d->config,
        .command_id = d->told.command_id,
        .event_id = d->told.event_id,
        .orders = &d->told.orders,
        .starts_ms = d->told.starts_ms,
        .ends_ms = d->told.ends_ms,
        .now = now,
    };
}

static uint64_t new_tag(struct f2m_control *c, const struct f2m_control_device *d)
{
    if (++c->last_tag == 0)
        c->last_tag = 1;
    return F2M_TAG_CONTROL | (uint64_t)(d->number & 0xffffff) << 32 | c->last_tag;
}

static int send_step(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d, size_t i,
                     struct f2m_effects *fx, struct f2m_err *err)
{
    const struct f2m_control_publish *p = &d->action.list[i];
    struct f2m_step *step = &d->action.steps[i];
    struct f2m_scene scene = scene_of(d, now);
    f2m_autostrbuf topic, payload;

    f2m_strbuf_init(&topic, F2M_MAX_CONTROL_BYTES);
    f2m_strbuf_init(&payload, F2M_MAX_CONTROL_BYTES);
    int rc = f2m_action_expand(&scene, p->topic, &topic, err);
    if (rc == 0 && p->payload)
        rc = f2m_action_expand(&scene, p->payload, &payload, err);
    if (rc < 0) {
        f2m_err_wrap(err, "not possible");
        return rc;
    }
    if (p->confirm.topic)
        f2m_confirm_arm(d, &p->confirm);
    step->tag = new_tag(c, d);
    step->acked = false; /* `unheard` until the broker says otherwise */
    step->refresh_mono = step->retry_mono = INT64_MAX;
    d->wrote = true;
    if (p->refresh_ms > 0 && d->action.kind == F2M_ACTION_MODE)
        step->refresh_mono = now.mono_ms + p->refresh_ms;
    f2m_publish_out(c,
                    &(struct f2m_publish){
                        .topic = topic.data,
                        .payload = {payload.data, payload.len},
                        .retain = p->retain,
                        .tag = step->tag,
                    },
                    fx);
    return 0;
}

void f2m_action_hurry(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d, struct f2m_effects *fx)
{
    struct f2m_err err;
    char topic[256];

    for (size_t i = 0; i < d->action.len; i++)
        if (send_step(c, now, d, i, fx, &err) < 0)
            f2m_effects_log(fx, F2M_LOG_WARN, F2M_COMPONENT, "restore is not complete", "topic=%s",
                            f2m_log_value(d->action.list[i].topic, topic, sizeof topic));
}

static void next_step(struct f2m_action *a, struct f2m_now now)
{
    a->at++;
    a->tries = 0;
    a->confirming = false;
    a->due_mono = due_of(a, now);
}

/* Restore goes on with what it can do; the trouble is told, and the whole list is tried again. */
static void restore_trouble(struct f2m_control_device *d, const struct f2m_err *err, struct f2m_effects *fx)
{
    char device[128], text[F2M_REASON_SIZE];

    d->action.unconfirmed = true;
    snprintf(text, sizeof text, "restore: %.180s", err->text);
    if (strcmp(text, d->trouble) == 0)
        return;
    memcpy(d->trouble, text, sizeof d->trouble);
    f2m_effects_log(fx, F2M_LOG_WARN, F2M_COMPONENT, "restore is not complete", "device=%s reason=%s",
                    f2m_log_value(d->config->id, device, sizeof device), f2m_log_value(err->text, text, sizeof text));
}

/* Waits for the read-back of the present step: 0 = go on, 1 = wait, -EPROTO = given up. */
static int confirm_step(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d, struct f2m_effects *fx,
                        struct f2m_err *err)
{
    struct f2m_action *a = &d->action;
    const struct f2m_confirm *confirm = &a->list[a->at].confirm;
    struct f2m_scene scene = scene_of(d, now);

    if (f2m_confirm_shown(d, confirm, &scene))
        return 0;
    if (now.mono_ms < a->due_mono)
        return 1;
    if (++a->tries < F2M_CONTROL_TRIES) {
        a->due_mono = now.mono_ms + confirm->within_ms;
        int rc = send_step(c, now, d, a->at, fx, err);
        return rc < 0 ? -EPROTO : 1;
    }
    f2m_confirm_complain(d, confirm, &scene, err);
    f2m_err_wrap(err, "not confirmed");
    return -EPROTO;
}

/* The present step as far as it goes: 0 = the next one, 1 = wait, negative = given up. */
static int advance(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d, struct f2m_effects *fx,
                   struct f2m_err *err)
{
    struct f2m_action *a = &d->action;

    if (!a->confirming) {
        if (now.mono_ms < a->due_mono)
            return 1;
        int rc = send_step(c, now, d, a->at, fx, err);
        if (rc < 0)
            return -EPROTO;
        if (!a->list[a->at].confirm.topic)
            return 0;
        a->confirming = true;
        a->due_mono = now.mono_ms + a->list[a->at].confirm.within_ms;
    }
    return confirm_step(c, now, d, fx, err);
}

/* What nobody heard is sent again from there on, in order: a later publish may be the one that carries it out. */
static void go_back(struct f2m_action *a, struct f2m_now now)
{
    for (size_t i = 0; i < a->at && !a->confirming; i++)
        if (now.mono_ms >= a->steps[i].retry_mono) {
            a->at = i;
            a->tries = 0;
            a->due_mono = now.mono_ms;
            return;
        }
}

/* Leases are kept up also while later steps wait for their delay or read-back. */
static int refresh_steps(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d,
                         struct f2m_effects *fx, struct f2m_err *err)
{
    const struct f2m_action *a = &d->action;

    for (size_t i = 0; i < a->at; i++)
        if (now.mono_ms >= a->steps[i].refresh_mono && send_step(c, now, d, i, fx, err) < 0)
            return -EPROTO;
    return 0;
}

int f2m_action_run(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d, struct f2m_effects *fx,
                   struct f2m_err *err)
{
    struct f2m_action *a = &d->action;
    bool restore = a->kind == F2M_ACTION_RESTORE;

    if (a->kind == F2M_ACTION_NONE)
        return 0;
    go_back(a, now);
    while (a->at < a->len) {
        int rc = advance(c, now, d, fx, err);
        if (rc > 0)
            break;
        if (rc < 0 && !restore)
            return -EPROTO;
        if (rc < 0)
            restore_trouble(d, err, fx);
        next_step(a, now);
    }
    if (restore && a->at >= a->len && a->again_mono == INT64_MAX)
        a->again_mono = now.mono_ms + RESTORE_AGAIN_MS;
    return refresh_steps(c, now, d, fx, err); /* a restore has none */
}

bool f2m_action_taken(const struct f2m_control_device *d)
{
    const struct f2m_action *a = &d->action;

    for (size_t i = 0; i < a->len; i++)
        if (!a->steps[i].acked)
            return false;
    return a->at >= a->len;
}

bool f2m_action_restored(const struct f2m_control_device *d)
{
    const struct f2m_action *a = &d->action;

    return a->kind == F2M_ACTION_RESTORE && !a->unconfirmed && f2m_action_taken(d);
}

int64_t f2m_action_deadline(const struct f2m_control_device *d)
{
    const struct f2m_action *a = &d->action;
    int64_t first = INT64_MAX;

    if (a->kind == F2M_ACTION_NONE)
        return first;
    if (a->at < a->len && a->due_mono < first)
        first = a->due_mono;
    if (a->again_mono < first)
        first = a->again_mono;
    for (size_t i = 0; i < a->at; i++) {
        if (a->steps[i].refresh_mono < first)
            first = a->steps[i].refresh_mono;
        if (!a->confirming && a->steps[i].retry_mono < first)
            first = a->steps[i].retry_mono;
    }
    return first;
}

/* ---- what the broker says ---- */

static void tell_log(struct f2m_control_device *d, struct f2m_effects *fx)
{
    char device[128], text[F2M_REASON_SIZE];

    f2m_effects_log(fx, d->unheard[0] ? F2M_LOG_WARN : F2M_LOG_INFO, F2M_COMPONENT,
                    d->unheard[0] ? "the battery cannot hear" : "the battery hears again", "device=%s reason=%s",
                    f2m_log_value(d->config->id, device, sizeof device), f2m_log_value(d->unheard, text, sizeof text));
}

/* Flip hears that the battery cannot hear, and when it can again, also where that was found out before a restart: a
 * command that runs is answered with a failure for this reason only. */
static void tell_flip(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d, int reason, bool news)
{
    struct f2m_command *command = d->action.kind == F2M_ACTION_MODE ? d->running : NULL;
    char ok[F2M_REASON_SIZE];

    if (!command)
        return;
    bool failed = command->ack.answer == F2M_ANSWER_FAILED_OFFLINE || command->ack.answer == F2M_ANSWER_FAILED_FAULT;
    if (d->unheard[0]) {
        if (news)
            f2m_acknowledge(c, now, command, reason == 0x10 ? F2M_ANSWER_FAILED_OFFLINE : F2M_ANSWER_FAILED_FAULT,
                            d->unheard);
    } else if (failed && f2m_action_taken(d)) {
        f2m_acknowledge_ok_reason(command, ok);
        f2m_acknowledge(c, now, command, F2M_ANSWER_OK, ok);
    }
}

static bool any_unheard(const struct f2m_action *a)
{
    for (size_t i = 0; i < a->len; i++)
        if (a->steps[i].unheard)
            return true;
    return false;
}

static struct f2m_step *find_step(struct f2m_action *a, uint64_t tag)
{
    for (size_t i = 0; i < a->len; i++)
        if (a->steps[i].tag == tag)
            return &a->steps[i];
    return NULL;
}

static void miss(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d, struct f2m_step *step,
                 int reason)
{
    const char *topic = d->action.list[step - d->action.steps].topic;
    size_t times = step->misses < UNHEARD_RETRIES ? step->misses : UNHEARD_RETRIES - 1;
    struct f2m_scene scene = scene_of(d, now);
    struct f2m_err err;

    step->unheard = true;
    step->misses++;
    step->retry_mono = now.mono_ms + unheard_retry_ms[times];
    if (reason == 0x10 && step->misses < UNHEARD_TOLD)
        return;
    f2m_strbuf_reset(&c->text);
    if (f2m_action_expand(&scene, topic, &c->text, &err) < 0)
        f2m_strbuf_adds(&c->text, topic);
    snprintf(d->unheard, sizeof d->unheard,
             reason == 0x10 ? "nobody listens on %.150s" : "the broker refuses %.150s (reason 0x%02X)", c->text.data,
             (unsigned)reason);
}

bool f2m_action_published(struct f2m_control *c, struct f2m_now now, struct f2m_control_device *d, uint64_t tag,
                          int reason, struct f2m_effects *fx)
{
    struct f2m_action *a = &d->action;
    struct f2m_step *step = a->kind == F2M_ACTION_NONE ? NULL : find_step(a, tag);
    char before[F2M_REASON_SIZE];

    if (!step)
        return false;
    if (reason == F2M_MQTT_FULL) { /* says nothing about the battery */
        step->retry_mono = now.mono_ms + F2M_MQTT_QUIET_MS;
        return true;
    }
    memcpy(before, d->unheard, sizeof before);
    /* Where the broker keeps it, whoever comes later still hears it. */
    step->acked = reason < 0x80 && (reason != 0x10 || a->list[step - a->steps].retain);
    if (step->acked) {
        step->unheard = false;
        step->misses = 0;
        if (!any_unheard(a))
            d->unheard[0] = '\0';
    } else {
        miss(c, now, d, step, reason);
    }
    bool news = strcmp(before, d->unheard) != 0;
    if (news)
        tell_log(d, fx);
    tell_flip(c, now, d, reason, news);
    return true;
}
