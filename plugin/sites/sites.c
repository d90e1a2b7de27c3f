/* The room's door: its life, what happens to it, when it wants to be called. */
#include "sites/internal.h"
#include "util/xalloc.h"

#include <stdlib.h>

#define STEP_MS       250 /* the clocks drifted apart by more: the wall clock was set */
#define TRIM_EVERY_MS INT64_C(3600000)
#define TRIM_AFTER    (F2M_MAX_NOTIFICATIONS / 5)
#define RETRY_MS      1000 /* after a commit that failed; doubled up to: */
#define RETRY_MOST_MS 60000

struct f2m_sites *f2m_sites_new(const struct f2m_sites_context *context, struct f2m_now now)
{
    struct f2m_sites *s = f2m_xcalloc(1, sizeof *s);

    s->c = *context;
    s->started_mono = now.mono_ms;
    s->trim_mono = now.mono_ms + TRIM_EVERY_MS;
    s->offset_ms = now.wall_ms - now.mono_ms;
    s->next_mono = INT64_MIN;
    f2m_strbuf_init(&s->topic, 0);
    f2m_strbuf_init(&s->text, 0);
    f2m_strbuf_init(&s->body, 0);
    f2m_strbuf_init(&s->key, 0);
    f2m_site_build(s, now);
    f2m_notifications_load(s);
    return s;
}

void f2m_sites_free(struct f2m_sites *s)
{
    if (!s)
        return;
    f2m_tickets_free(s);
    f2m_announce_drop(s);
    f2m_notifications_free(s);
    f2m_site_free_all(s);
    f2m_strbuf_deinit(&s->topic);
    f2m_strbuf_deinit(&s->text);
    f2m_strbuf_deinit(&s->body);
    f2m_strbuf_deinit(&s->key);
    free(s);
}

void f2m_sites_reload(struct f2m_sites *s, struct f2m_now now, const struct f2m_config *config, struct f2m_effects *fx)
{
    s->c.config = config;
    f2m_site_build(s, now);
    f2m_sites_announce(s, now, fx);
    f2m_topics_flush(s, now, fx);
}

void f2m_sites_mqtt_up(struct f2m_sites *s, struct f2m_now now, struct f2m_effects *fx)
{
    s->connected = true;
    s->quiet_mono = INT64_MIN;
    f2m_announce_drop(s);
    f2m_sites_announce(s, now, fx);
    f2m_sites_show(s, now, fx);
    f2m_notifications_down(s); /* whatever was under way on the old connection */
    f2m_notifications_send(s, now, fx);
}

void f2m_sites_show(struct f2m_sites *s, struct f2m_now now, struct f2m_effects *fx)
{
    f2m_topics_up(s);
    f2m_topics_flush(s, now, fx);
}

void f2m_sites_mqtt_down(struct f2m_sites *s, struct f2m_now now)
{
    (void)now;
    s->connected = false;
    f2m_announce_drop(s);
    f2m_notifications_down(s);
}

void f2m_sites_notify(struct f2m_sites *s, struct f2m_now now, const char *site_id, const char *event_type,
                      struct f2m_slice object, struct f2m_effects *fx)
{
    if (f2m_json_type(object) == F2M_JSON_OBJECT)
        (void)f2m_notification_tell(s, now, site_id, event_type, object, F2M_NO_TIME, fx);
}

void f2m_sites_problems(const struct f2m_sites *s, void (*visit)(void *ctx, const char *site_id, const char *text),
                        void *ctx)
{
    f2m_autostrbuf text;

    f2m_strbuf_init(&text, 4096);
    for (const struct f2m_site_state *site = s->sites; site; site = site->hh.next) {
        f2m_commission_problem(s, site, &text);
        if (text.len)
            visit(ctx, site->id, text.data);
    }
}

/* ---- time ---- */

static void notice_step(struct f2m_sites *s, struct f2m_now now)
{
    int64_t offset = now.wall_ms - now.mono_ms, moved = offset - s->offset_ms;

    s->offset_ms = offset;
    if (moved >= -STEP_MS && moved <= STEP_MS)
        return;
    for (struct f2m_site_state *site = s->sites; site; site = site->hh.next)
        site->boundary_wall = now.wall_ms;
    f2m_sites_wake(s);
}

/* An event begins or ends by the clock. */
static void move_phases(struct f2m_sites *s, struct f2m_now now)
{
    for (struct f2m_site_state *site = s->sites; site; site = site->hh.next) {
        if (now.wall_ms < site->boundary_wall)
            continue;
        f2m_event_boundary(site, now.wall_ms);
        f2m_topics_dirty(s, site, 1u << F2M_TOPIC_EVENT | 1u << F2M_TOPIC_PARTICIPATION);
    }
}

/* Small records whose commit failed. */
static void save_again(struct f2m_sites *s, struct f2m_now now)
{
    if (!s->resave || now.mono_ms < s->resave_mono)
        return;
    s->resave = false;
    for (struct f2m_device_state *d = s->devices; d; d = d->hh.next) {
        if (d->learnt_unsaved)
            f2m_learn_save(s, now, d);
        if (d->commissioned)
            f2m_commission_save(s, now, d);
    }
    f2m_objects_prune(s);
    f2m_notifications_save_again(s, now);
}

static void trim(struct f2m_sites *s, struct f2m_now now)
{
    if (s->added < TRIM_AFTER && (now.mono_ms < s->trim_mono || !s->added))
        return;
    s->trim_mono = now.mono_ms + TRIM_EVERY_MS;
    f2m_notifications_trim(s);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void plan(struct f2m_sites *s, struct f2m_now now)
{
    int64_t mono = s->added ? s->trim_mono : INT64_MAX, wall = INT64_MAX;

    if (s->resave)
        mono = earlier(mono, s->resave_mono);
    if (s->connected && now.mono_ms < s->quiet_mono)
        mono = earlier(mono, s->quiet_mono);
    for (const struct f2m_site_state *site = s->sites; site; site = site->hh.next) {
        mono = earlier(mono, f2m_sites_poll_next(s, now, site));
        mono = earlier(mono, f2m_commission_next(s, site));
        wall = earlier(wall, site->boundary_wall);
    }
    s->next_mono = mono;
    s->next_wall = wall;
}

void f2m_sites_tick(struct f2m_sites *s, struct f2m_now now, struct f2m_effects *fx)
{
    notice_step(s, now);
    if (now.mono_ms < s->next_mono && now.wall_ms < s->next_wall)
        return;
    save_again(s, now);
    trim(s, now);
    move_phases(s, now);
    f2m_sites_poll_tick(s, now, fx);
    for (struct f2m_site_state *site = s->sites; site; site = site->hh.next)
        f2m_commission_step(s, now, site, fx);
    f2m_objects_save(s, now);
    plan(s, now);
    f2m_sites_announce(s, now, fx); /* these may want to go on at once */
    f2m_topics_flush(s, now, fx);
    f2m_notifications_send(s, now, fx);
}

int64_t f2m_sites_deadline(const struct f2m_sites *s, struct f2m_now now)
{
    int64_t at = s->next_mono == INT64_MIN ? now.mono_ms : s->next_mono;

    if (s->next_wall != INT64_MAX)
        at = earlier(at, now.mono_ms + (s->next_wall - now.wall_ms));
    return at;
}

/* ---- the store said no ---- */

static void restore_objects(struct f2m_sites *s, struct f2m_now now, int64_t again_mono)
{
    for (struct f2m_site_state *site = s->sites; site; site = site->hh.next)
        for (enum f2m_kind kind = 0; kind < F2M_KINDS_COUNT; kind++) {
            struct f2m_objects *objects = &site->objects[kind];
            if (objects->touched) {
                f2m_objects_load(s, site, kind);
                f2m_event_boundary(site, now.wall_ms);
                f2m_topics_dirty(s, site, F2M_ALL_TOPICS);
                site->polls[kind].due_mono = again_mono;
            } else if (objects->saved_now) {
                objects->saved = 0;
                site->unsaved |= 1u << kind;
                f2m_topics_dirty(s, site, 0);
            }
            objects->touched = objects->saved_now = false;
        }
}

static void forget_touched(struct f2m_sites *s)
{
    for (struct f2m_site_state *site = s->sites; site; site = site->hh.next)
        for (enum f2m_kind kind = 0; kind < F2M_KINDS_COUNT; kind++)
            site->objects[kind].touched = site->objects[kind].saved_now = false;
    for (struct f2m_device_state *d = s->devices; d; d = d->hh.next)
        d->learnt_unsaved = false;
}

void f2m_sites_committed(struct f2m_sites *s, struct f2m_now now, bool ok)
{
    bool wrote = s->turn_wrote;
    uint64_t told = s->turn_notifications;

    s->turn_wrote = false;
    s->turn_notifications = 0;
    f2m_topics_committed(s, ok);
    f2m_announce_committed(s, ok);
    f2m_notifications_committed(s, ok);
    if (ok) {
        s->c.counters->notifications += told;
        if (wrote) {
            s->commit_failures = 0;
            forget_touched(s);
        }
        return;
    }
    int64_t wait = RETRY_MS << (s->commit_failures < 6 ? s->commit_failures : 6);
    int64_t again_mono = now.mono_ms + earlier(wait, RETRY_MOST_MS);
    if (!wrote)
        return;
    s->commit_failures++;
    restore_objects(s, now, again_mono);
    s->resave = s->announce_due = true;
    s->resave_mono = s->next_mono = again_mono;
}
