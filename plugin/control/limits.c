/* Clamping, the owner's floor, and what a device can do at all. Interface, Commands 6, clarifications 14, 25. */
#include "control/internal.h"
#include "util/number.h"

#include <math.h>

static void note(struct f2m_command *command, const char *what, double value, const char *unit)
{
    char number[F2M_NUMBER_SIZE];
    size_t len = strlen(command->limited);

    snprintf(command->limited + len, sizeof command->limited - len, "%s%s %s %s", len ? ", " : "", what,
             f2m_number_format(value, number), unit);
}

void f2m_limits_apply(struct f2m_command *command)
{
    const struct f2m_control_device *d = command->device;
    struct f2m_orders *o = &command->orders;
    double floor = d->config->control.reserve_floor;
    double most = NAN;

    *o = command->flip.orders;
    command->limited[0] = '\0';
    if (o->mode == F2M_MODE_CHARGE)
        most = d->max_charge;
    if (o->mode == F2M_MODE_DISCHARGE)
        most = d->max_discharge;
    if (!isnan(most) && o->setpoint_w > most) {
        o->setpoint_w = most;
        note(command, "setpoint_w limited to", most, "W");
    }
    if (isnan(floor) || o->reserve >= floor)
        return;
    if (!isnan(o->reserve))
        note(command, "backup_reserve_percentage raised to", floor, "%");
    o->reserve = floor;
}

const struct f2m_control_mode *f2m_limits_mode(const struct f2m_control_config *control, const struct f2m_orders *o)
{
    const struct f2m_control_mode *any = NULL;

    for (size_t i = 0; i < control->modes_len; i++) {
        const struct f2m_control_mode *mode = &control->modes[i];
        if (mode->mode != o->mode)
            continue;
        if (!mode->power_mode)
            any = mode;
        else if (strcmp(mode->power_mode, o->power_mode) == 0)
            return mode;
    }
    return any;
}

/* Fills in everything that the command will publish, so that a missing value shows before the battery hears half. */
static int try_list(const struct f2m_scene *scene, const struct f2m_control_publish *list, size_t len,
                    struct f2m_err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < len; i++) {
        f2m_autostrbuf text;
        f2m_strbuf_init(&text, F2M_MAX_CONTROL_BYTES);
        rc = f2m_action_expand(scene, list[i].topic, &text, err);
        if (rc == 0 && list[i].payload)
            rc = f2m_action_expand(scene, list[i].payload, &text, err);
        if (rc == 0 && list[i].confirm.topic)
            rc = f2m_action_expand(scene, list[i].confirm.equals, &text, err);
    }
    return rc;
}

bool f2m_limits_possible(const struct f2m_command *command, struct f2m_now now, char reason[F2M_REASON_SIZE])
{
    const struct f2m_device *device = command->device->config;
    struct f2m_scene scene = f2m_action_scene(command, now);
    struct f2m_err err;

    if (command->flip.impossible[0]) {
        snprintf(reason, F2M_REASON_SIZE, "not possible: %s", command->flip.impossible);
        return false;
    }
    if (device->control.modes_len == 0)
        return true;
    const struct f2m_control_mode *mode = f2m_limits_mode(&device->control, &command->orders);
    if (!mode) {
        snprintf(reason, F2M_REASON_SIZE, "not possible: mode %s%s%s is not configured",
                 f2m_mode_name(command->orders.mode), command->orders.power_mode[0] ? "/" : "",
                 command->orders.power_mode);
        return false;
    }
    if (try_list(&scene, mode->publishes, mode->publishes_len, &err) < 0) {
        snprintf(reason, F2M_REASON_SIZE, "not possible: %.150s", err.text);
        return false;
    }
    return true;
}
