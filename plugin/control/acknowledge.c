/*
 * Statuses to Flip: `PATCH /v1/command/{id}`, durable, the latest per command wins. Interface, Commands 2,
 * clarifications 13, 37; Flip: State machines and timing. Flip gives up after 15 minutes without an answer and sends
 * another command.
 */
#include "control/internal.h"
#include "util/json.h"

#include <errno.h>
#include <inttypes.h>
#include <utlist.h>

#define FLIP_PATIENCE_MS (INT64_C(14) * 60 * 1000) /* 15 minutes, less what a call may take */
#define BUSY_RETRY_MS    1000

static const char *const names[] = {
    [F2M_ANSWER_NONE] = NULL,
    [F2M_ANSWER_OK] = "OK",
    [F2M_ANSWER_FAILED_OFFLINE] = "FAILED_OFFLINE",
    [F2M_ANSWER_FAILED_FAULT] = "FAILED_FAULT",
};

const char *f2m_answer_name(enum f2m_answer answer)
{
    return names[answer];
}

bool f2m_answer_parse(struct f2m_slice text, enum f2m_answer *answer)
{
    for (unsigned i = F2M_ANSWER_OK; i <= F2M_ANSWER_FAILED_FAULT; i++)
        if (f2m_slice_is(text, names[i])) {
            *answer = (enum f2m_answer)i;
            return true;
        }
    return false;
}

void f2m_acknowledge_ok_reason(const struct f2m_command *command, char reason[F2M_REASON_SIZE])
{
    snprintf(reason, F2M_REASON_SIZE, "%s%s%s", command->phase == F2M_PHASE_STARTED ? "started" : "scheduled",
             command->limited[0] ? "; " : "", command->limited);
}

/* Whether this command's answers go to Flip at all. */
static bool told_to_flip(const struct f2m_control *c, const struct f2m_command *command)
{
    const struct f2m_control_device *d = command->device;

    return c->c.cloud && strncmp(command->flip.id, F2M_REHEARSAL_PREFIX, strlen(F2M_REHEARSAL_PREFIX)) != 0 &&
           (!d || (d->config->control.acknowledge != F2M_ACKNOWLEDGE_OFF && !d->config->control.observe));
}

/* ---- the outbox ---- */

static void enqueue(struct f2m_control *c, struct f2m_command *command)
{
    if (command->ack.state != F2M_ACK_QUEUED && command->ack.state != F2M_ACK_SENT)
        DL_APPEND2(c->outgoing, command, out_back, out);
    if (command->ack.state == F2M_ACK_SENT)
        command->ack.again = true;
    else
        command->ack.state = F2M_ACK_QUEUED;
}

void f2m_acknowledge_forget(struct f2m_control *c, struct f2m_command *command)
{
    if (command->ack.state != F2M_ACK_QUEUED && command->ack.state != F2M_ACK_SENT)
        return;
    if (command->ack.state == F2M_ACK_SENT)
        c->acks_in_flight--;
    DL_DELETE2(c->outgoing, command, out_back, out);
    command->ack.state = F2M_ACK_IDLE;
}

void f2m_acknowledge_withdraw(struct f2m_control *c, struct f2m_command *command)
{
    f2m_acknowledge_forget(c, command);
    f2m_journal_delete(c, F2M_STORE_ACKNOWLEDGEMENT, command->flip.id);
}

static void body_of(struct f2m_control *c, const struct f2m_command *command)
{
    f2m_strbuf_reset(&c->body);
    struct f2m_jw w = f2m_jw(&c->body);
    f2m_jw_object(&w, NULL);
    f2m_jw_string(&w, "device_status", f2m_answer_name(command->ack.answer));
    f2m_jw_string(&w, "device_status_reason", command->ack.reason);
    f2m_jw_end(&w);
}

void f2m_acknowledge(struct f2m_control *c, struct f2m_now now, struct f2m_command *command, enum f2m_answer answer,
                     const char *reason)
{
    struct f2m_ack *ack = &command->ack;

    ack->answer = answer;
    if (reason != ack->reason)
        snprintf(ack->reason, sizeof ack->reason, "%s", reason);
    if (ack->state == F2M_ACK_OPEN)
        ack->state = F2M_ACK_IDLE;
    if (told_to_flip(c, command)) {
        enqueue(c, command);
        ack->turn = c->turn;
        ack->backoff = (struct f2m_backoff){0};
        body_of(c, command);
        f2m_journal_put(c, F2M_STORE_ACKNOWLEDGEMENT, command->flip.id, (struct f2m_slice){c->body.data, c->body.len},
                        now);
    }
    f2m_ledger_save(c, now, command);
}

static bool load_one(void *ctx, const char *id, struct f2m_slice value, int64_t changed_ms)
{
    struct f2m_control *c = ctx;
    struct f2m_command *command = f2m_ledger_find(c, id);
    struct f2m_err err;
    char answer[24];

    (void)changed_ms;
    if (!command || f2m_json_check(value, &err) < 0)
        return true;
    struct f2m_slice root = f2m_json_root(value);
    if (!f2m_json_string_copy(f2m_json_member(root, "device_status"), answer, sizeof answer) ||
        !f2m_answer_parse(f2m_slice_of(answer), &command->ack.answer))
        return true;
    if (!f2m_json_string_copy(f2m_json_member(root, "device_status_reason"), command->ack.reason,
                              sizeof command->ack.reason))
        command->ack.reason[0] = '\0';
    enqueue(c, command);
    return true;
}

void f2m_acknowledge_load(struct f2m_control *c, struct f2m_now now)
{
    (void)now;
    int rc = f2m_store_records_each(c->c.store, F2M_STORE_ACKNOWLEDGEMENT, load_one, c);
    if (rc < 0)
        c->failed = rc;
}

/* ---- deciding ---- */

/* How long the question may stay open: as configured, and in any case before Flip loses patience. */
static int64_t deadline_of(const struct f2m_command *command, struct f2m_now now)
{
    int64_t timeout = command->device->config->control.acknowledge_timeout_ms;
    int64_t patience = command->flip.updated_ms + FLIP_PATIENCE_MS - now.wall_ms;

    /* Where Flip asked long ago (we were away) or its clock is elsewhere, only our own timeout makes sense. */
    if (command->flip.updated_ms > 0 && patience > 0 && patience < timeout)
        timeout = patience;
    return now.mono_ms + timeout;
}

static void open_question(struct f2m_control *c, struct f2m_now now, struct f2m_command *command)
{
    struct f2m_ack *ack = &command->ack;

    if (ack->state == F2M_ACK_OPEN)
        return;
    f2m_acknowledge_withdraw(c, command);
    ack->state = F2M_ACK_OPEN;
    ack->asked_ms = now.wall_ms;
    ack->deadline_mono = deadline_of(command, now);
    f2m_wake(c, command->device); /* looks at it every second from now on */
    f2m_ledger_save(c, now, command);
}

static bool offline(const struct f2m_control *c, const struct f2m_control_device *d, struct f2m_now now)
{
    return c->c.telemetry && f2m_telemetry_online(c->c.telemetry, d->config->id, now) == F2M_OFFLINE;
}

static bool integration(const struct f2m_command *command)
{
    return command->device->config->control.acknowledge == F2M_ACKNOWLEDGE_INTEGRATION;
}

void f2m_acknowledge_release(struct f2m_control *c, struct f2m_now now, struct f2m_command *command,
                             struct f2m_effects *fx)
{
    if (!command->held)
        return;
    command->held = false;
    if (command->phase == F2M_PHASE_GUARDED)
        f2m_phase_set(c, now, command, F2M_PHASE_RECEIVED, "", fx);
}

/* `scheduled`: OK once stored and the device is not offline. */
static bool decide(struct f2m_control *c, struct f2m_now now, struct f2m_command *command, struct f2m_effects *fx)
{
    char reason[F2M_REASON_SIZE];

    if (integration(command) || c->hold || offline(c, command->device, now))
        return false;
    f2m_acknowledge_release(c, now, command, fx);
    f2m_acknowledge_ok_reason(command, reason);
    f2m_acknowledge(c, now, command, F2M_ANSWER_OK, reason);
    return true;
}

void f2m_acknowledge_asked(struct f2m_control *c, struct f2m_now now, struct f2m_command *command,
                           struct f2m_effects *fx)
{
    if (!told_to_flip(c, command))
        return;
    switch (command->phase) {
    case F2M_PHASE_CANCELED: f2m_acknowledge(c, now, command, F2M_ANSWER_OK, "canceled"); return;
    case F2M_PHASE_OPTED_OUT: f2m_acknowledge(c, now, command, F2M_ANSWER_OK, "opted out"); return;
    case F2M_PHASE_ENDED: f2m_acknowledge(c, now, command, F2M_ANSWER_OK, "ended"); return;
    case F2M_PHASE_SUPERSEDED: f2m_acknowledge(c, now, command, F2M_ANSWER_OK, "replaced"); return;
    case F2M_PHASE_GUARDED:
    case F2M_PHASE_REJECTED:
    case F2M_PHASE_FAILED:
        f2m_acknowledge(c, now, command, command->held ? F2M_ANSWER_FAILED_OFFLINE : F2M_ANSWER_FAILED_FAULT,
                        command->reason);
        return;
    default: break;
    }
    if (command->ack.ours && command->ack.answer != F2M_ANSWER_NONE) {
        f2m_acknowledge(c, now, command, command->ack.answer, command->ack.reason);
    } else if (!decide(c, now, command, fx)) {
        open_question(c, now, command);
    }
}

static void give_up(struct f2m_control *c, struct f2m_now now, struct f2m_command *command, struct f2m_effects *fx)
{
    char reason[F2M_REASON_SIZE], id[128], why[F2M_REASON_SIZE];

    if (c->hold)
        snprintf(reason, sizeof reason, "the clock of the bridge is not set");
    else if (integration(command))
        snprintf(reason, sizeof reason, "no answer from the integration within %" PRId64 " s",
                 command->device->config->control.acknowledge_timeout_ms / 1000);
    else
        snprintf(reason, sizeof reason, "the device is offline");
    command->held = true;
    f2m_effects_log(fx, F2M_LOG_WARN, F2M_COMPONENT, "command not acknowledged in time", "command=%s reason=%s",
                    f2m_log_value(command->flip.id, id, sizeof id), f2m_log_value(reason, why, sizeof why));
    f2m_acknowledge(c, now, command, F2M_ANSWER_FAILED_OFFLINE, reason);
    if (command->phase == F2M_PHASE_STARTED)
        f2m_phase_set(c, now, command, F2M_PHASE_GUARDED, reason, fx);
}

bool f2m_acknowledge_review(struct f2m_control *c, struct f2m_now now, struct f2m_command *command,
                            struct f2m_effects *fx)
{
    if (f2m_phase_final(command->phase)) {
        /* Replaced for good, or over, while nobody had answered. */
        if (command->ack.state == F2M_ACK_OPEN)
            f2m_acknowledge(c, now, command, F2M_ANSWER_FAILED_OFFLINE, "not answered before its end");
        return false;
    }
    if (command->ack.state == F2M_ACK_OPEN) {
        if (!decide(c, now, command, fx) && now.mono_ms >= command->ack.deadline_mono)
            give_up(c, now, command, fx);
    } else if (command->held && !command->ack.ours) {
        decide(c, now, command, fx); /* it is back before the command is over */
    }
    return command->ack.state == F2M_ACK_OPEN || command->held;
}

/* ---- sending ---- */

static void log_ack(struct f2m_effects *fx, enum f2m_log_level level, const char *message,
                    const struct f2m_command *command, const char *text)
{
    char id[128], reason[256];

    f2m_effects_log(fx, level, F2M_COMPONENT, message, "command=%s device_status=%s reason=%s",
                    f2m_log_value(command->flip.id, id, sizeof id), f2m_answer_name(command->ack.answer),
                    f2m_log_value(text, reason, sizeof reason));
}

static int64_t updated_in(struct f2m_slice body, int64_t absent)
{
    char text[64];
    int64_t updated_ms;

    if (body.at && f2m_json_string_copy(f2m_json_member(body, "updated_at"), text, sizeof text) &&
        f2m_rfc3339_parse(f2m_slice_of(text), &updated_ms) && updated_ms > absent)
        return updated_ms;
    return absent;
}

/* The answer shows the command as it is now: canceled meanwhile, perhaps. */
static void read_answer(struct f2m_control *c, struct f2m_now now, struct f2m_slice body, struct f2m_effects *fx)
{
    if (!f2m_json_member(body, "device_id").at || !f2m_json_member(body, "battery_commands").at)
        return;
    (void)f2m_ingest(c, now, body, F2M_FROM_ANSWER, fx); /* what is wrong with it is told in the log */
    f2m_settle_all(c, now, fx);
}

/* Flip took it, or will never take it: either way it is off the list. */
static void settled(struct f2m_control *c, struct f2m_now now, struct f2m_command *command,
                    const struct f2m_reply *reply, struct f2m_effects *fx)
{
    bool taken = reply->outcome == F2M_OUTCOME_OK;

    if (taken) {
        command->ack.answered_mono = now.mono_ms;
        command->answered_ms = updated_in(reply->body, command->updated_ms);
        log_ack(fx, F2M_LOG_INFO, "command acknowledged", command, command->ack.reason);
    } else {
        command->refused_ms = command->updated_ms;
        log_ack(fx, F2M_LOG_WARN, "Flip refuses the acknowledgement", command, reply->message);
    }
    if (!command->ack.again) { /* else it stays on the list with the newer answer */
        f2m_acknowledge_withdraw(c, command);
        f2m_ledger_save(c, now, command);
    }
    command->ack.again = false;
    if (taken)
        read_answer(c, now, reply->body, fx);
}

/* A failed call: the whole cloud may be away, or only this command be trouble. */
static void failed(struct f2m_control *c, struct f2m_now now, struct f2m_command *command,
                   const struct f2m_reply *reply)
{
    command->ack.again = false;
    if (reply->outcome == F2M_OUTCOME_AUTH)
        return; /* the cloud pauses by itself */
    f2m_backoff_fail(&command->ack.backoff, c->c.rng, now, reply->retry_after_s);
    if (reply->status == 0 || reply->status == 429 || reply->status == 503)
        f2m_backoff_fail(&c->ack_backoff, c->c.rng, now, reply->retry_after_s);
}

static void done(void *owner, uint64_t id, struct f2m_now now, const struct f2m_reply *reply, struct f2m_effects *fx)
{
    struct f2m_control *c = owner;
    struct f2m_command *command;

    DL_SEARCH_SCALAR2(c->outgoing, command, ack.call, id, out);
    if (!command || command->ack.state != F2M_ACK_SENT)
        return; /* of before a rollback: it is sent once more */
    command->ack.state = F2M_ACK_QUEUED;
    c->acks_in_flight--;
    if (reply->outcome == F2M_OUTCOME_RETRY || reply->outcome == F2M_OUTCOME_AUTH) {
        failed(c, now, command, reply);
        return;
    }
    f2m_backoff_reset(&c->ack_backoff);
    f2m_backoff_reset(&command->ack.backoff);
    settled(c, now, command, reply, fx);
}

static bool send_ack(struct f2m_control *c, struct f2m_now now, struct f2m_command *command, struct f2m_effects *fx)
{
    struct f2m_err err;

    body_of(c, command);
    struct f2m_call call = {
        .endpoint = F2M_ENDPOINT_COMMAND_UPDATE,
        .ids = {.command_id = command->flip.id},
        .body = {c->body.data, c->body.len},
        .done = done,
        .owner = c,
        .id = ++c->last_call,
    };
    if (f2m_cloud_call(c->c.cloud, now, &call, fx, &err) < 0) {
        /* Too many calls wait: it is not lost, only later. */
        c->ack_backoff.failures = 1;
        c->ack_backoff.until_mono_ms = now.mono_ms + BUSY_RETRY_MS;
        return false;
    }
    command->ack.state = F2M_ACK_SENT;
    command->ack.again = false;
    command->ack.call = call.id;
    c->acks_in_flight++;
    return true;
}

void f2m_acknowledge_pump(struct f2m_control *c, struct f2m_now now, struct f2m_effects *fx)
{
    struct f2m_command *command, *next;

    if (!c->outgoing || f2m_cloud_paused(c->c.cloud, now) || !f2m_backoff_ready(&c->ack_backoff, now))
        return;
    DL_FOREACH_SAFE2(c->outgoing, command, next, out)
    {
        if (c->acks_in_flight >= F2M_MAX_ACKNOWLEDGEMENTS)
            return;
        if (command->ack.state == F2M_ACK_QUEUED && !told_to_flip(c, command)) { /* since the last reload */
            f2m_acknowledge_withdraw(c, command);
            continue;
        }
        if (command->ack.state == F2M_ACK_QUEUED && command->ack.turn != c->turn &&
            f2m_backoff_ready(&command->ack.backoff, now) && !send_ack(c, now, command, fx))
            return;
    }
}

int64_t f2m_acknowledge_deadline(const struct f2m_control *c, struct f2m_now now)
{
    const struct f2m_command *command;
    int64_t first = INT64_MAX;

    if (!c->outgoing || c->acks_in_flight >= F2M_MAX_ACKNOWLEDGEMENTS)
        return first;
    DL_FOREACH2(c->outgoing, command, out)
    if (command->ack.state == F2M_ACK_QUEUED) {
        int64_t at = command->ack.backoff.failures ? command->ack.backoff.until_mono_ms : now.mono_ms;
        first = at < first ? at : first;
    }
    if (first != INT64_MAX && c->ack_backoff.failures && first < c->ack_backoff.until_mono_ms)
        first = c->ack_backoff.until_mono_ms;
    if (first != INT64_MAX && f2m_cloud_paused(c->c.cloud, now) && first < f2m_cloud_paused_until(c->c.cloud))
        first = f2m_cloud_paused_until(c->c.cloud);
    return first;
}
