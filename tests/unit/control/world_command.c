/* The commands of the tests, as Flip would send them: one by one, or as the list of a poll. */
#include "world.h"

#include "util/rfc3339.h"

#include <stdlib.h>

static void add_time(struct f2m_strbuf *out, const char *name, int64_t wall_ms)
{
    char time[F2M_RFC3339_SIZE];

    f2m_strbuf_addf(out, "\"%s\":\"%s\",", name, f2m_rfc3339_format(wall_ms, time));
}

static void add_number(struct f2m_strbuf *out, const char *name, double value, const char *after)
{
    if (value != 0)
        f2m_strbuf_addf(out, "\"%s\":%g%s", name, value, after);
    else
        f2m_strbuf_addf(out, "\"%s\":null%s", name, after);
}

static void add_command(struct f2m_strbuf *out, const struct spec *s)
{
    f2m_strbuf_addf(out, "{\"id\":\"%s\",\"event_id\":\"event-%s\",\"device_id\":\"%s\",", s->id, s->id,
                    s->device ? s->device : "xyz-123");
    add_time(out, "starts_at", NOON + s->starts_s * SECOND);
    if (s->ends_s)
        add_time(out, "ends_at", NOON + s->ends_s * SECOND);
    else
        f2m_strbuf_adds(out, "\"ends_at\":null,");
    f2m_strbuf_addf(out, "\"is_preparatory_action\":false,%s\"battery_commands\":{\"mode\":\"%s\",",
                    s->extra ? s->extra : "", s->mode ? s->mode : "DISCHARGE");
    if (s->power_mode)
        f2m_strbuf_addf(out, "\"power_mode\":\"%s\",", s->power_mode);
    add_number(out, "setpoint_w", s->setpoint, ",");
    add_number(out, "backup_reserve_percentage", s->reserve, ",\"enable_grid_import\":null},");
    f2m_strbuf_addf(out, "\"status\":\"%s\",\"device_status\":\"%s\",", s->status ? s->status : "OK",
                    s->device_status ? s->device_status : "PENDING");
    add_time(out, "created_at", NOON - HOUR);
    add_time(out, "updated_at", NOON - HOUR + s->revision * SECOND);
    f2m_strbuf_truncate(out, out->len - 1);
    f2m_strbuf_addc(out, '}');
}

const char *world_command(const struct spec *s)
{
    static struct f2m_strbuf out;

    if (!out.max)
        f2m_strbuf_init(&out, 0);
    f2m_strbuf_reset(&out);
    add_command(&out, s);
    return out.data;
}

int world_push_spec(const struct spec *s)
{
    int rc = f2m_control_ingest(w.control, w.now, f2m_slice_of(world_command(s)), w.fx);

    world_turn();
    return rc;
}

void world_list_specs(const struct spec *specs, size_t n)
{
    f2m_autostrbuf out;

    f2m_strbuf_init(&out, 0);
    for (size_t i = 0; i < n; i++) {
        f2m_strbuf_addc(&out, i ? ',' : '[');
        add_command(&out, &specs[i]);
    }
    f2m_strbuf_adds(&out, n ? "]" : "[]");
    free(w.list);
    w.list = f2m_strbuf_take(&out);
}
