#include "control/flip_command.h"

#include "flip/outcome.h"
#include "util/json.h"
#include "util/limits.h"
#include "util/rfc3339.h"
#include "util/xalloc.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The first thing that makes it impossible is the one that is told. */
static void impossible(struct f2m_flip_command *c, const char *what, struct f2m_slice value)
{
    char text[64];
    f2m_autostrbuf plain = {0};

    if (c->impossible[0])
        return;
    f2m_strbuf_init(&plain, F2M_MAX_COMMAND_BYTES);
    if (f2m_json_string(value, &plain))
        value = (struct f2m_slice){plain.data, plain.len};
    f2m_outcome_clean(value, text, sizeof text);
    snprintf(c->impossible, sizeof c->impossible, "%s%s%s", what, text[0] ? " " : "", text);
}

static struct f2m_slice member(struct f2m_slice object, const char *name)
{
    struct f2m_slice value = f2m_json_member(object, name);

    return f2m_json_is_null(value) ? (struct f2m_slice){NULL, 0} : value;
}

/* An id: a string with something in it. NULL where it is none. */
static char *read_id(struct f2m_slice object, const char *name)
{
    char id[F2M_MAX_ID_BYTES + 1];

    if (!f2m_json_string_copy(member(object, name), id, sizeof id) || !id[0])
        return NULL;
    return f2m_xstrdup(id);
}

static bool read_time(struct f2m_slice object, const char *name, int64_t *wall_ms)
{
    char text[64];

    return f2m_json_string_copy(member(object, name), text, sizeof text) &&
           f2m_rfc3339_parse(f2m_slice_of(text), wall_ms);
}

static void read_times(struct f2m_flip_command *c, struct f2m_slice object)
{
    struct f2m_slice ends = member(object, "ends_at");

    if (!read_time(object, "starts_at", &c->starts_ms))
        impossible(c, "starts_at is no date-time:", member(object, "starts_at"));
    c->ends_ms = F2M_OPEN_END;
    if (ends.at && !read_time(object, "ends_at", &c->ends_ms))
        impossible(c, "ends_at is no date-time:", ends);
    if (c->ends_ms <= c->starts_ms)
        impossible(c, "it ends before it starts", (struct f2m_slice){NULL, 0});
    if (!read_time(object, "created_at", &c->created_ms))
        c->created_ms = 0;
    if (!read_time(object, "updated_at", &c->updated_ms))
        c->updated_ms = 0;
}

static void read_mode(struct f2m_flip_command *c, struct f2m_slice commands)
{
    struct f2m_slice mode = member(commands, "mode"), power_mode = member(commands, "power_mode");
    char name[32];

    if (!f2m_json_string_copy(mode, name, sizeof name) || !f2m_mode_parse(f2m_slice_of(name), &c->orders.mode)) {
        c->orders.mode = F2M_MODE_NONE;
        impossible(c, "unknown mode", mode);
    }
    if (!power_mode.at)
        return;
    bool known = f2m_json_string_is(power_mode, "SETPOINT") || f2m_json_string_is(power_mode, "FOLLOW_LOAD");
    if (!known || !f2m_json_string_copy(power_mode, c->orders.power_mode, sizeof c->orders.power_mode))
        impossible(c, "unknown power_mode", power_mode);
}

static double read_number(struct f2m_flip_command *c, struct f2m_slice commands, const char *name, double max)
{
    struct f2m_slice value = member(commands, name);
    double number = NAN;
    char what[64];

    if (!value.at || (f2m_json_number(value, &number) && number >= 0 && number <= max))
        return number;
    snprintf(what, sizeof what, "%s out of range:", name);
    impossible(c, what, value);
    return NAN;
}

#define MAX_SETPOINT_W 1e8 /* beyond is no home's battery */

static void read_orders(struct f2m_flip_command *c, struct f2m_slice object)
{
    struct f2m_slice commands = member(object, "battery_commands");
    bool import;

    c->orders = (struct f2m_orders){.setpoint_w = NAN, .reserve = NAN, .grid_import = -1};
    if (f2m_json_type(commands) != F2M_JSON_OBJECT) {
        impossible(c, "no battery_commands", (struct f2m_slice){NULL, 0});
        return;
    }
    read_mode(c, commands);
    c->orders.setpoint_w = read_number(c, commands, "setpoint_w", MAX_SETPOINT_W);
    c->orders.reserve = read_number(c, commands, "backup_reserve_percentage", 100);
    if (strcmp(c->orders.power_mode, "SETPOINT") == 0 && !(c->orders.setpoint_w > 0))
        impossible(c, "SETPOINT without a setpoint_w above 0", (struct f2m_slice){NULL, 0});
    if (f2m_json_bool(member(commands, "enable_grid_import"), &import))
        c->orders.grid_import = import;
}

static void read_status(struct f2m_flip_command *c, struct f2m_slice object)
{
    static const char *const names[] = {"OK", "CANCELED", "OPT_OUT"};
    struct f2m_slice status = member(object, "status"), device = member(object, "device_status");
    bool known = false;

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (f2m_json_string_is(status, names[i])) {
            c->status = (enum f2m_command_status)i;
            known = true;
        }
    if (!known)
        impossible(c, "unknown status", status);
    if (f2m_json_string_is(device, "PENDING"))
        c->device_status = F2M_DEVICE_STATUS_PENDING;
    else if (f2m_json_string_is(device, "OK"))
        c->device_status = F2M_DEVICE_STATUS_OK;
    else if (f2m_json_string_is(device, "FAILED") || f2m_json_string_is(device, "FAILED_OFFLINE") ||
             f2m_json_string_is(device, "FAILED_FAULT"))
        c->device_status = F2M_DEVICE_STATUS_FAILED;
}

int f2m_flip_command_decode(struct f2m_slice json, struct f2m_flip_command *out, struct f2m_err *err)
{
    struct f2m_flip_command c = {.ends_ms = F2M_OPEN_END};

    *out = c;
    if (f2m_json_check(json, err) < 0) {
        f2m_err_wrap(err, "a command");
        return -EINVAL;
    }
    struct f2m_slice object = f2m_json_root(json);
    if (object.len > F2M_MAX_COMMAND_BYTES) {
        f2m_err_set(err, "a command: expected at most %d bytes, found %zu", F2M_MAX_COMMAND_BYTES, object.len);
        return -EINVAL;
    }
    if (f2m_json_type(object) != F2M_JSON_OBJECT) {
        f2m_err_set(err, "a command: expected an object, found %s", f2m_json_type_name(f2m_json_type(object)));
        return -EINVAL;
    }
    c.id = read_id(object, "id");
    c.device_id = read_id(object, "device_id");
    if (!c.id || !c.device_id) {
        f2m_err_set(err, "a command: %s: expected a string of 1 to %d bytes", c.id ? "device_id" : "id",
                    F2M_MAX_ID_BYTES);
        f2m_flip_command_deinit(&c);
        return -EINVAL;
    }
    c.event_id = read_id(object, "event_id");
    /* Status first: that a command is canceled matters more than what else is wrong with it. */
    read_status(&c, object);
    read_times(&c, object);
    read_orders(&c, object);
    c.raw = f2m_xmemdup0(object.at, object.len);
    *out = c;
    return 0;
}

void f2m_flip_command_deinit(struct f2m_flip_command *c)
{
    free(c->raw);
    free(c->id);
    free(c->device_id);
    free(c->event_id);
    *c = (struct f2m_flip_command){0};
}

static bool same_number(double a, double b)
{
    return (isnan(a) && isnan(b)) || a == b;
}

static bool same_orders(const struct f2m_orders *a, const struct f2m_orders *b)
{
    return a->mode == b->mode && strcmp(a->power_mode, b->power_mode) == 0 &&
           same_number(a->setpoint_w, b->setpoint_w) && same_number(a->reserve, b->reserve) &&
           a->grid_import == b->grid_import;
}

bool f2m_flip_command_same(const struct f2m_flip_command *a, const struct f2m_flip_command *b)
{
    const char *event_a = a->event_id ? a->event_id : "", *event_b = b->event_id ? b->event_id : "";

    return strcmp(a->device_id, b->device_id) == 0 && strcmp(event_a, event_b) == 0 && a->starts_ms == b->starts_ms &&
           a->ends_ms == b->ends_ms && a->status == b->status && strcmp(a->impossible, b->impossible) == 0 &&
           same_orders(&a->orders, &b->orders);
}
