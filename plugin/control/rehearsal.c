/* Rehearsal: a command of our own by the very same path, without Flip. Interface, section 1 (`control test`). */
#include "control/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

static void write_command(struct f2m_strbuf *out, struct f2m_now now, const struct f2m_rehearsal *r, const char *id)
{
    struct f2m_jw w = f2m_jw(out);

    f2m_jw_object(&w, NULL);
    f2m_jw_string(&w, "id", id);
    f2m_jw_null(&w, "event_id");
    f2m_jw_string(&w, "device_id", r->device_id);
    f2m_jw_time(&w, "starts_at", now.wall_ms);
    f2m_jw_time(&w, "ends_at", now.wall_ms + r->duration_ms);
    f2m_jw_number(&w, "duration_s", (double)r->duration_ms / 1000);
    f2m_jw_bool(&w, "is_preparatory_action", false);
    f2m_jw_object(&w, "battery_commands");
    f2m_jw_string(&w, "mode", f2m_mode_name(r->mode));
    f2m_jw_string(&w, "power_mode", r->power_mode);
    f2m_jw_number(&w, "setpoint_w", r->setpoint_w);
    f2m_jw_null(&w, "enable_grid_import");
    f2m_jw_number(&w, "backup_reserve_percentage", r->reserve);
    f2m_jw_end(&w);
    f2m_jw_string(&w, "status", "OK");
    f2m_jw_string(&w, "device_status", "OK");
    f2m_jw_null(&w, "device_status_reason");
    f2m_jw_time(&w, "created_at", now.wall_ms);
    f2m_jw_time(&w, "updated_at", now.wall_ms);
    f2m_jw_end(&w);
}

int f2m_control_rehearse(struct f2m_control *c, struct f2m_now now, const struct f2m_rehearsal *r,
                         char id[F2M_REHEARSAL_ID_SIZE], struct f2m_effects *fx, struct f2m_err *err)
{
    char buf[F2M_REHEARSAL_ID_SIZE];

    if (!f2m_control_find(c, r->device_id)) {
        f2m_err_set(err, "device %s is not configured", r->device_id);
        return -EINVAL;
    }
    if (!id)
        id = buf;
    snprintf(id, F2M_REHEARSAL_ID_SIZE, F2M_REHEARSAL_PREFIX "%" PRId64, now.wall_ms);
    f2m_autostrbuf text;
    f2m_strbuf_init(&text, 0);
    write_command(&text, now, r, id);
    int rc = f2m_control_ingest(c, now, (struct f2m_slice){text.data, text.len}, fx);
    if (rc < 0) {
        f2m_err_set(err, "the command could not be stored");
        return rc;
    }
    const struct f2m_command *command = f2m_ledger_find(c, id);
    if (!command || command->phase == F2M_PHASE_REJECTED || command->phase == F2M_PHASE_FAILED) {
        f2m_err_set(err, "%s", command ? command->reason : "the command was not taken");
        return -EINVAL;
    }
    return 0;
}
