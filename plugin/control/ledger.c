/* Commands in memory and in the store: one JSON record per command id, written at each transition. */
#include "control/internal.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/xalloc.h"

#include <stdlib.h>
#include <utlist.h>

/* How long a command that is over is remembered at the least, so that it is not acted on twice. Counted while we run: a
 * wall clock that jumps ahead makes nobody forget. */
#define KEEP_MS INT64_C(7 * 24 * 3600 * 1000)

struct f2m_command *f2m_ledger_find(const struct f2m_control *c, const char *id)
{
    struct f2m_command *command;

    HASH_FIND_STR(c->commands, id, command);
    return command;
}

void f2m_ledger_attach(struct f2m_control *c, struct f2m_command *command)
{
    struct f2m_control_device *d = f2m_control_find(c, command->flip.device_id);

    command->device = d;
    if (!d)
        return;
    DL_APPEND(d->commands, command);
    if (command->phase == F2M_PHASE_STARTED)
        d->running = command;
    f2m_limits_apply(command);
    f2m_wake(c, d);
}

void f2m_ledger_detach(struct f2m_command *command)
{
    struct f2m_control_device *d = command->device;

    if (!d)
        return;
    DL_DELETE(d->commands, command);
    if (d->running == command)
        d->running = NULL;
    command->device = NULL;
}

static void command_free(struct f2m_control *c, struct f2m_command *command)
{
    f2m_acknowledge_forget(c, command);
    f2m_ledger_detach(command);
    HASH_DEL(c->commands, command);
    f2m_flip_command_deinit(&command->flip);
    free(command);
}

void f2m_ledger_clear(struct f2m_control *c)
{
    struct f2m_command *command, *next;

    HASH_ITER(hh, c->commands, command, next)
    {
        command_free(c, command);
    }
}

static void command_delete(struct f2m_control *c, struct f2m_command *command)
{
    f2m_journal_delete(c, F2M_STORE_COMMAND, command->flip.id);
    command_free(c, command);
}

/* With what Flip was still to be told of it. */
static void drop(struct f2m_control *c, struct f2m_command *command)
{
    f2m_acknowledge_withdraw(c, command);
    command_delete(c, command);
}

void f2m_ledger_drop_device(struct f2m_control *c, struct f2m_control_device *d)
{
    while (d->commands)
        drop(c, d->commands);
}

void f2m_ledger_drop_strangers(struct f2m_control *c)
{
    struct f2m_command *command, *next;

    HASH_ITER(hh, c->commands, command, next)
    if (!command->device)
        drop(c, command);
}

static bool deletable(const struct f2m_command *command)
{
    return f2m_phase_final(command->phase) && command->ack.state == F2M_ACK_IDLE;
}

static bool older(const struct f2m_command *a, const struct f2m_command *b)
{
    return a->shown != b->shown ? a->shown < b->shown : a->changed_ms < b->changed_ms;
}

/* A place where the table is full: of those that are over, the one that Flip has not shown for the longest. */
static bool make_room(struct f2m_control *c)
{
    struct f2m_command *oldest = NULL, *command, *next;

    if (HASH_COUNT(c->commands) < F2M_MAX_COMMANDS)
        return true;
    HASH_ITER(hh, c->commands, command, next)
    if (deletable(command) && (!oldest || older(command, oldest)))
        oldest = command;
    if (!oldest)
        return false;
    command_delete(c, oldest);
    return true;
}

void f2m_ledger_trim(struct f2m_control *c, struct f2m_now now)
{
    struct f2m_command *command, *next;

    /* What Flip's list still holds would be new to us the next time: an open-ended one that was replaced came back. */
    HASH_ITER(hh, c->commands, command, next)
    if (deletable(command) && command->shown < c->poll.number && now.mono_ms - command->changed_mono >= KEEP_MS)
        command_delete(c, command);
}

static struct f2m_command *insert(struct f2m_control *c, struct f2m_flip_command *flip)
{
    struct f2m_command *command = f2m_xcalloc(1, sizeof *command);

    command->flip = *flip;
    *flip = (struct f2m_flip_command){0};
    command->updated_ms = command->flip.updated_ms;
    command->seen_mono = INT64_MIN;
    command->answered_ms = INT64_MIN;
    command->refused_ms = INT64_MIN;
    command->ack.answered_mono = INT64_MIN;
    HASH_ADD_KEYPTR(hh, c->commands, command->flip.id, strlen(command->flip.id), command);
    return command;
}

struct f2m_command *f2m_ledger_add(struct f2m_control *c, struct f2m_now now, struct f2m_flip_command *flip)
{
    if (!make_room(c))
        return NULL;
    struct f2m_command *command = insert(c, flip);
    command->changed_ms = now.wall_ms;
    f2m_ledger_attach(c, command);
    return command;
}

/* Times that may be "never" are left out then. */
static void write_time(struct f2m_jw *w, const char *name, int64_t ms)
{
    if (ms != INT64_MIN)
        f2m_jw_integer(w, name, ms);
}

void f2m_ledger_save(struct f2m_control *c, struct f2m_now now, struct f2m_command *command)
{
    f2m_strbuf_reset(&c->text);
    struct f2m_jw w = f2m_jw(&c->text);
    f2m_jw_object(&w, NULL);
    f2m_jw_raw(&w, "command", f2m_slice_of(command->flip.raw));
    f2m_jw_string(&w, "phase", f2m_phase_stored(command->phase));
    f2m_jw_string(&w, "reason", command->reason);
    f2m_jw_bool(&w, "begun", command->begun);
    f2m_jw_bool(&w, "untold", command->untold);
    f2m_jw_bool(&w, "held", command->held);
    f2m_jw_integer(&w, "updated_ms", command->updated_ms);
    write_time(&w, "answered_ms", command->answered_ms);
    write_time(&w, "refused_ms", command->refused_ms);
    f2m_jw_integer(&w, "changed_ms", command->changed_ms);
    if (command->ack.state == F2M_ACK_OPEN)
        f2m_jw_integer(&w, "asked_ms", command->ack.asked_ms);
    f2m_jw_string(&w, "answer", f2m_answer_name(command->ack.answer));
    f2m_jw_string(&w, "answer_reason", command->ack.reason);
    f2m_jw_bool(&w, "answer_ours", command->ack.ours);
    f2m_jw_end(&w);
    f2m_journal_put(c, F2M_STORE_COMMAND, command->flip.id, (struct f2m_slice){c->text.data, c->text.len}, now);
}

/* ---- reading ---- */

static int64_t read_ms(struct f2m_slice root, const char *name, int64_t absent)
{
    int64_t value;

    return f2m_json_integer(f2m_json_member(root, name), &value) ? value : absent;
}

static bool read_flag(struct f2m_slice root, const char *name)
{
    bool value;

    return f2m_json_bool(f2m_json_member(root, name), &value) && value;
}

static void read_text(struct f2m_slice root, const char *name, char *buf, size_t size)
{
    if (!f2m_json_string_copy(f2m_json_member(root, name), buf, size))
        buf[0] = '\0';
}

struct loading {
    struct f2m_control *control;
    struct f2m_now now;
};

/* The question was open when we stopped; how long it may stay so counts from when Flip asked. */
static void reopen(const struct loading *l, struct f2m_command *command, int64_t asked_ms)
{
    int64_t timeout = command->device ? command->device->config->control.acknowledge_timeout_ms : 0;
    int64_t left = asked_ms + timeout - l->now.wall_ms;

    if (left > timeout)
        left = timeout;
    command->ack.state = F2M_ACK_OPEN;
    command->ack.asked_ms = asked_ms;
    command->ack.deadline_mono = l->now.mono_ms + (left < 0 ? 0 : left);
}

static void restore_command(const struct loading *l, struct f2m_slice root, struct f2m_flip_command *flip,
                            enum f2m_phase phase)
{
    struct f2m_command *command = insert(l->control, flip);
    char answer[24];

    command->phase = phase;
    read_text(root, "reason", command->reason, sizeof command->reason);
    command->begun = read_flag(root, "begun");
    command->untold = read_flag(root, "untold");
    command->held = read_flag(root, "held");
    command->updated_ms = read_ms(root, "updated_ms", command->flip.updated_ms);
    command->answered_ms = read_ms(root, "answered_ms", INT64_MIN);
    command->refused_ms = read_ms(root, "refused_ms", INT64_MIN);
    command->changed_ms = read_ms(root, "changed_ms", l->now.wall_ms);
    command->changed_mono = l->now.mono_ms;
    read_text(root, "answer", answer, sizeof answer);
    if (!f2m_answer_parse(f2m_slice_of(answer), &command->ack.answer))
        command->ack.answer = F2M_ANSWER_NONE;
    read_text(root, "answer_reason", command->ack.reason, sizeof command->ack.reason);
    command->ack.ours = read_flag(root, "answer_ours");
    command->ack.answered_mono = l->now.mono_ms;
    f2m_ledger_attach(l->control, command);
    int64_t asked_ms = read_ms(root, "asked_ms", INT64_MIN);
    if (asked_ms != INT64_MIN)
        reopen(l, command, asked_ms);
}

static bool load_one(void *ctx, const char *id, struct f2m_slice value, int64_t changed_ms)
{
    const struct loading *l = ctx;
    struct f2m_flip_command flip;
    struct f2m_err err;
    enum f2m_phase phase;
    char name[24];

    (void)changed_ms;
    if (f2m_json_check(value, &err) < 0)
        return true;
    struct f2m_slice root = f2m_json_root(value);
    read_text(root, "phase", name, sizeof name);
    if (!f2m_phase_parse(f2m_slice_of(name), &phase) || f2m_ledger_find(l->control, id) ||
        f2m_flip_command_decode(f2m_json_member(root, "command"), &flip, &err) < 0)
        return true;
    restore_command(l, root, &flip, phase);
    return true;
}

void f2m_ledger_load(struct f2m_control *c, struct f2m_now now)
{
    struct loading l = {c, now};
    int rc = f2m_store_records_each(c->c.store, F2M_STORE_COMMAND, load_one, &l);

    if (rc < 0)
        c->failed = rc;
}
