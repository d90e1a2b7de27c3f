/* What the templates of control publishes are filled in from. Interface, section 2. */
#include "config/template.h"
#include "control/internal.h"
#include "util/fnv.h"

#include <math.h>

#define VARIABLES 14

struct values {
    struct f2m_template_value list[VARIABLES];
    size_t len;
};

static struct f2m_template_value *add(struct values *v, const char *name, enum f2m_template_kind kind)
{
    v->list[v->len] = (struct f2m_template_value){.name = name, .kind = kind};
    return &v->list[v->len++];
}

static void add_text(struct values *v, const char *name, const char *text)
{
    if (text && text[0])
        add(v, name, F2M_TEMPLATE_TEXT)->text = text;
}

static void add_number(struct values *v, const char *name, double number)
{
    if (!isnan(number))
        add(v, name, F2M_TEMPLATE_NUMBER)->number = number;
}

static void add_time(struct values *v, const char *name, int64_t wall_ms)
{
    add(v, name, F2M_TEMPLATE_TIME)->wall_ms = wall_ms;
}

static void add_times(struct values *v, const struct f2m_scene *s)
{
    int64_t now = s->timeless ? 0 : s->now.wall_ms;

    add_time(v, "now", now);
    add_time(v, "starts_at", s->starts_ms);
    if (s->ends_ms == F2M_OPEN_END)
        return;
    int64_t remaining = s->ends_ms > now ? s->ends_ms - now : 0;
    add_time(v, "ends_at", s->ends_ms);
    add_number(v, "duration_s", (double)((s->ends_ms - s->starts_ms) / 1000));
    /* Whole seconds, rounded up: a lease must not end before the command does. */
    add_number(v, "remaining_s", (double)((remaining + 999) / 1000));
}

int f2m_action_expand(const struct f2m_scene *s, const char *text, struct f2m_strbuf *out, struct f2m_err *err)
{
    struct values v = {.len = 0};

    add_text(&v, "mode", f2m_mode_name(s->orders->mode));
    add_text(&v, "power_mode", s->orders->power_mode);
    add_number(&v, "setpoint_w", s->orders->setpoint_w);
    add_number(&v, "backup_reserve_percentage", s->orders->reserve);
    if (s->orders->grid_import >= 0)
        add(&v, "enable_grid_import", F2M_TEMPLATE_BOOL)->boolean = s->orders->grid_import != 0;
    add_times(&v, s);
    add_text(&v, "command_id", s->command_id);
    add_text(&v, "event_id", s->event_id);
    add_text(&v, "device_id", s->device->id);
    add_text(&v, "site_id", s->device->site->id);
    return f2m_template_expand(text, &(struct f2m_template_values){v.list, v.len}, s->device->site->timezone, out, err);
}

struct f2m_scene f2m_action_scene(const struct f2m_command *command, struct f2m_now now)
{
    return (struct f2m_scene){
        .device = command->device->config,
        .command_id = command->flip.id,
        .event_id = command->flip.event_id,
        .orders = &command->orders,
        .starts_ms = command->flip.starts_ms,
        .ends_ms = command->flip.ends_ms,
        .now = now,
    };
}

/* What counts from the moment at which the battery hears it is another thing with every end or start, also where
 * rounding makes the same text of it: the lease that runs already is over too early then. */
static uint64_t mix_anchor(uint64_t h, const char *text, const struct f2m_scene *scene)
{
    if (strstr(text, "remaining_s"))
        h = f2m_fnv(h, &scene->ends_ms, sizeof scene->ends_ms);
    if (strstr(text, "duration_s"))
        h = f2m_fnv(h, &scene->starts_ms, sizeof scene->starts_ms);
    return h;
}

uint64_t f2m_action_signature(const struct f2m_command *command)
{
    const struct f2m_control_mode *mode = f2m_limits_mode(&command->device->config->control, &command->orders);
    struct f2m_scene scene = f2m_action_scene(command, (struct f2m_now){0, 0});
    uint64_t h = F2M_FNV_START; /* over topic NUL payload NUL … */
    struct f2m_err err;

    scene.timeless = true;
    for (size_t i = 0; mode && i < mode->publishes_len; i++) {
        const char *const texts[] = {mode->publishes[i].topic, mode->publishes[i].payload};
        for (size_t k = 0; k < 2; k++) {
            f2m_autostrbuf text;
            f2m_strbuf_init(&text, F2M_MAX_CONTROL_BYTES);
            /* A value that is missing was found out before (limits.c); a part of the text still tells a change. */
            int rc = texts[k] ? f2m_action_expand(&scene, texts[k], &text, &err) : 0;
            f2m_strbuf_addc(&text, rc == 0 ? '\0' : '\1');
            h = f2m_fnv(h, text.data, text.len);
            if (texts[k])
                h = mix_anchor(h, texts[k], &scene);
        }
    }
    return h;
}
