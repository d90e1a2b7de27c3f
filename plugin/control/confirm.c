/*
 * Read-back: a topic that shows what the battery took over. A message after the publish counts; and where the topic is
 * a retained state, what it shows already counts too: an inverter that is set to what it is set to says nothing new.
 */
#include "control/internal.h"
#include "telemetry/payload.h"
#include "util/number.h"
#include "util/xalloc.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* The topic with + for every level that a template fills in; the whole topic is compared when it counts. */
static char *filter_of(const char *topic)
{
    f2m_autostrbuf out;

    f2m_strbuf_init(&out, F2M_MAX_CONTROL_BYTES);
    for (const char *at = topic;; at++) {
        const char *end = at;
        bool filled = false;
        for (bool inside = false; *end && (inside || *end != '/'); end++)
            if (strncmp(end, "{{", 2) == 0 || strncmp(end, "}}", 2) == 0)
                filled = (inside = *end == '{') || filled;
        f2m_strbuf_add(&out, filled ? "+" : at, filled ? 1 : (size_t)(end - at));
        at = end;
        if (!*at)
            return f2m_strbuf_take(&out);
        f2m_strbuf_addc(&out, '/');
    }
}

static void add_list(struct f2m_control *c, struct f2m_control_device *d, const struct f2m_control_publish *list,
                     size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!list[i].confirm.topic)
            continue;
        struct f2m_watch *w = &d->watches[d->watches_len++];
        *w = (struct f2m_watch){.device = d, .confirm = &list[i].confirm};
        w->filter = filter_of(list[i].confirm.topic);
        f2m_router_add(c->confirms, w->filter, w);
    }
}

static size_t count(const struct f2m_control_publish *list, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += list[i].confirm.topic != NULL;
    return n;
}

void f2m_confirm_build(struct f2m_control *c, struct f2m_control_device *d)
{
    const struct f2m_control_config *control = &d->config->control;
    size_t n = count(control->restore, control->restore_len);

    for (size_t i = 0; i < control->modes_len; i++)
        n += count(control->modes[i].publishes, control->modes[i].publishes_len);
    d->watches = f2m_xcalloc(n + 1, sizeof *d->watches);
    for (size_t i = 0; i < control->modes_len; i++)
        add_list(c, d, control->modes[i].publishes, control->modes[i].publishes_len);
    add_list(c, d, control->restore, control->restore_len);
}

void f2m_confirm_free(struct f2m_control_device *d)
{
    for (size_t i = 0; i < d->watches_len; i++) {
        free(d->watches[i].filter);
        free(d->watches[i].value);
        free(d->watches[i].topic);
    }
    free(d->watches);
    d->watches = NULL;
    d->watches_len = 0;
}

void f2m_confirm_message(struct f2m_control *c, struct f2m_watch *w, const struct f2m_mqtt_message *m,
                         struct f2m_effects *fx)
{
    struct f2m_payload payload;
    struct f2m_scalar scalar;
    struct f2m_err err;
    char topic[256], why[F2M_REASON_SIZE];

    f2m_payload_init(&payload, m->payload);
    int rc = f2m_payload_scalar(&payload, w->confirm->path ? F2M_FORMAT_JSON : F2M_FORMAT_TEXT, w->confirm->path,
                                &scalar, &err);
    if (rc < 0) {
        /* Other kinds of message may share the topic; what cannot be read at all is told. */
        if (rc == -EINVAL && c->c.counters) {
            c->c.counters->invalid++;
            f2m_effects_log(fx, F2M_LOG_WARN, F2M_COMPONENT, "cannot read a confirmation", "topic=%s reason=%s",
                            f2m_log_value(m->topic.at, topic, sizeof topic), f2m_log_value(err.text, why, sizeof why));
        }
        return;
    }
    free(w->value);
    free(w->topic);
    w->value = f2m_xmemdup0(scalar.text.at, scalar.text.len);
    w->topic = f2m_xmemdup0(m->topic.at, m->topic.len);
    w->arrived = true;
    if (m->retain)
        w->stateful = true;
    f2m_wake(c, w->device);
}

static struct f2m_watch *find(const struct f2m_control_device *d, const struct f2m_confirm *confirm)
{
    for (size_t i = 0; i < d->watches_len; i++)
        if (d->watches[i].confirm == confirm)
            return &d->watches[i];
    return NULL;
}

void f2m_confirm_arm(const struct f2m_control_device *d, const struct f2m_confirm *confirm)
{
    struct f2m_watch *w = find(d, confirm);

    if (w)
        w->arrived = false;
}

static bool equal(const char *a, const char *b)
{
    struct f2m_slice x = f2m_slice_trim(f2m_slice_of(a)), y = f2m_slice_trim(f2m_slice_of(b));
    double p, q;

    if (x.len == y.len && memcmp(x.at, y.at, x.len) == 0)
        return true;
    return f2m_number_parse(x, &p) && f2m_number_parse(y, &q) && fabs(p - q) < 1e-6 * (1 + fabs(p));
}

bool f2m_confirm_shown(const struct f2m_control_device *d, const struct f2m_confirm *confirm,
                       const struct f2m_scene *scene)
{
    const struct f2m_watch *w = find(d, confirm);
    f2m_autostrbuf topic, expected;
    struct f2m_err err;

    f2m_strbuf_init(&topic, F2M_MAX_CONTROL_BYTES);
    f2m_strbuf_init(&expected, F2M_MAX_CONTROL_BYTES);
    return w && w->value && (w->arrived || w->stateful) &&
           f2m_action_expand(scene, confirm->topic, &topic, &err) == 0 && strcmp(topic.data, w->topic) == 0 &&
           f2m_action_expand(scene, confirm->equals, &expected, &err) == 0 && equal(w->value, expected.data);
}

void f2m_confirm_complain(const struct f2m_control_device *d, const struct f2m_confirm *confirm,
                          const struct f2m_scene *scene, struct f2m_err *err)
{
    const struct f2m_watch *w = find(d, confirm);
    f2m_autostrbuf expected;
    struct f2m_err ignored;

    f2m_strbuf_init(&expected, F2M_MAX_CONTROL_BYTES);
    if (f2m_action_expand(scene, confirm->equals, &expected, &ignored) < 0)
        f2m_strbuf_adds(&expected, confirm->equals);
    if (w && w->value)
        f2m_err_set(err, "%.80s shows '%.40s', expected '%.40s'", w->filter, w->value, expected.data);
    else
        f2m_err_set(err, "%.80s shows nothing, expected '%.40s'", w ? w->filter : confirm->topic, expected.data);
}
