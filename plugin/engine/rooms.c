#include "engine/internal.h"

#include "util/json_writer.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- what one room tells another through the engine ---- */

static void hold_uploads(void *engine, const char *device_id, bool hold)
{
    f2m_uploader_hold(((struct f2m_engine *)engine)->uploader, device_id, hold);
}

static void command_moment(void *engine, struct f2m_now now, const char *event_type, const char *site_id,
                           struct f2m_slice command, struct f2m_effects *fx)
{
    f2m_sites_notify(((struct f2m_engine *)engine)->sites, now, site_id, event_type, command, fx);
}

static void request_observed(void *engine, struct f2m_now now, enum f2m_endpoint endpoint,
                             const struct f2m_path_ids *ids, struct f2m_slice body, struct f2m_effects *fx)
{
    f2m_sites_observed(((struct f2m_engine *)engine)->sites, now, endpoint, ids, body, fx);
}

/* ---- the rooms as one ---- */

static void open_telemetry(struct f2m_engine *e, struct f2m_now now)
{
    e->cloud = f2m_cloud_new(e->config, &e->counters, &e->rng);
    e->outbox = f2m_outbox_new(e->config, e->store, &e->counters);
    e->telemetry = f2m_telemetry_new(e->config, e->store, e->outbox, &e->counters, now);
    e->uploader = f2m_uploader_new(e->config, e->cloud, e->outbox, e->store, &e->rng, &e->counters);
}

static void open_control(struct f2m_engine *e, struct f2m_now now)
{
    e->control = f2m_control_new(&(struct f2m_control_context){.config = e->config,
                                                               .store = e->store,
                                                               .cloud = e->cloud,
                                                               .telemetry = e->telemetry,
                                                               .rng = &e->rng,
                                                               .counters = &e->counters},
                                 now);
    f2m_control_on_moment(e->control, command_moment, e);
}

void open_rooms(struct f2m_engine *e, struct f2m_now now)
{
    open_telemetry(e, now);
    open_control(e, now);
    e->sites = f2m_sites_new(&(struct f2m_sites_context){.config = e->config,
                                                         .store = e->store,
                                                         .cloud = e->cloud,
                                                         .control = e->control,
                                                         .telemetry = e->telemetry,
                                                         .outbox = e->outbox,
                                                         .rng = &e->rng,
                                                         .counters = &e->counters,
                                                         .hold_uploads = hold_uploads,
                                                         .hold_ctx = e},
                             now);
    e->requests = f2m_requests_new(&(struct f2m_requests_context){.config = e->config,
                                                                  .cloud = e->cloud,
                                                                  .outbox = e->outbox,
                                                                  .store = e->store,
                                                                  .counters = &e->counters,
                                                                  .observed = request_observed,
                                                                  .observed_ctx = e});
    e->homeassistant = f2m_homeassistant_new(&(struct f2m_homeassistant_context){
        .config = e->config, .store = e->store, .rng = &e->rng, .version = e->version});
}

void close_rooms(struct f2m_engine *e)
{
    f2m_homeassistant_free(e->homeassistant);
    f2m_requests_free(e->requests);
    f2m_sites_free(e->sites);
    f2m_control_free(e->control);
    f2m_uploader_free(e->uploader);
    f2m_telemetry_free(e->telemetry);
    f2m_outbox_free(e->outbox);
    f2m_cloud_free(e->cloud);
}

void rooms_reload(struct f2m_engine *e, struct f2m_now now, struct f2m_effects *fx)
{
    f2m_homeassistant_reload(e->homeassistant, now, e->config, fx); /* before topics are cleared */
    f2m_cloud_reload(e->cloud, e->config);
    f2m_telemetry_reload(e->telemetry, now, e->config, fx);
    f2m_outbox_reload(e->outbox, e->config);
    f2m_uploader_reload(e->uploader, e->config);
    f2m_control_reload(e->control, now, e->config, fx);
    f2m_sites_reload(e->sites, now, e->config, fx);
    f2m_requests_reload(e->requests, e->config);
}

void rooms_mqtt_up(struct f2m_engine *e, struct f2m_now now, struct f2m_effects *fx)
{
    f2m_telemetry_mqtt_up(e->telemetry, now, fx);
    f2m_outbox_mqtt_up(e->outbox, now, fx);
    f2m_control_mqtt_up(e->control, now, fx);
    f2m_sites_mqtt_up(e->sites, now, fx);
    f2m_requests_mqtt_up(e->requests, fx);
}

void rooms_show(struct f2m_engine *e, struct f2m_now now, struct f2m_effects *fx)
{
    f2m_telemetry_show(e->telemetry);
    f2m_outbox_mqtt_up(e->outbox, now, fx); /* device/…/telemetry */
    f2m_control_show(e->control, now, fx);
    f2m_sites_show(e->sites, now, fx);
}

void rooms_mqtt_down(struct f2m_engine *e, struct f2m_now now)
{
    f2m_telemetry_mqtt_down(e->telemetry, now);
    f2m_control_mqtt_down(e->control, now);
    f2m_sites_mqtt_down(e->sites, now);
    f2m_requests_mqtt_down(e->requests);
    f2m_homeassistant_mqtt_down(e->homeassistant);
}

void rooms_tick(struct f2m_engine *e, struct f2m_now now, struct f2m_effects *fx)
{
    f2m_outbox_tick(e->outbox, now, fx);
    f2m_telemetry_tick(e->telemetry, now, fx);
    f2m_control_tick(e->control, now, fx);
    f2m_sites_tick(e->sites, now, fx);
    f2m_uploader_tick(e->uploader, now, fx);
    f2m_requests_tick(e->requests, now, fx);
    f2m_homeassistant_tick(e->homeassistant, now, fx);
    f2m_cloud_tick(e->cloud, now, fx);
}

void rooms_committed(struct f2m_engine *e, struct f2m_now now, bool ok, struct f2m_effects *fx)
{
    f2m_outbox_committed(e->outbox, now, ok, fx);
    f2m_control_committed(e->control, now, ok);
    f2m_sites_committed(e->sites, now, ok);
    f2m_requests_committed(e->requests, ok);
    f2m_homeassistant_committed(e->homeassistant, now, ok);
}

void rooms_stop(struct f2m_engine *e, struct f2m_now now, struct f2m_effects *fx)
{
    f2m_telemetry_stop(e->telemetry, now, fx);
    f2m_control_stop(e->control, now, fx);
    f2m_requests_stop(e->requests, now, fx);
}

static int64_t earliest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t rooms_deadline(const struct f2m_engine *e, struct f2m_now now)
{
    int64_t deadline = f2m_telemetry_deadline(e->telemetry, now);
    deadline = earliest(deadline, f2m_outbox_deadline(e->outbox));
    deadline = earliest(deadline, f2m_uploader_deadline(e->uploader, now));
    deadline = earliest(deadline, f2m_control_deadline(e->control, now));
    deadline = earliest(deadline, f2m_sites_deadline(e->sites, now));
    deadline = earliest(deadline, f2m_requests_deadline(e->requests));
    deadline = earliest(deadline, f2m_homeassistant_deadline(e->homeassistant));
    return earliest(deadline, f2m_cloud_deadline(e->cloud));
}

void hold_rooms(struct f2m_engine *e, bool hold)
{
    f2m_telemetry_hold(e->telemetry, hold);
    f2m_uploader_wait(e->uploader, hold);
    f2m_control_hold(e->control, hold);
}

/* ---- problems, in plain words ---- */

struct problems {
    struct f2m_telemetry *telemetry; /* shows those of a device */
    struct f2m_jw w;
    size_t n;
};

#define F2M_MAX_PROBLEMS 50

static void problem(struct problems *p, const char *about, const char *text)
{
    if (p->n++ >= F2M_MAX_PROBLEMS)
        return;
    char line[F2M_MAX_ID_BYTES + 512];
    (void)snprintf(line, sizeof line, "%s%s%s", about, about[0] ? ": " : "", text);
    f2m_jw_string(&p->w, NULL, line);
}

static void refused_topic(void *ctx, const char *filter)
{
    problem(ctx, filter, "the broker refuses the subscription (check the access rights of the broker's user)");
}

static void room_problem(void *ctx, const char *id, const char *text)
{
    problem(ctx, id, text);
}

static void device_problem(void *ctx, const char *id, const char *text)
{
    problem(ctx, id, text);
    f2m_telemetry_problem(((struct problems *)ctx)->telemetry, id, text);
}

static void clock_problem(struct problems *p, const struct f2m_clock_offset *offset)
{
    int64_t s = offset->seconds;
    char text[160];

    if (s > -F2M_CLOCK_OFFSET_TOLD_S && s < F2M_CLOCK_OFFSET_TOLD_S)
        return;
    (void)snprintf(text, sizeof text, "%" PRId64 " s %s Flip's: commands start by it; let NTP set it", s < 0 ? -s : s,
                   s < 0 ? "behind" : "ahead of");
    problem(p, "clock", text);
}

void collect_facts(struct f2m_engine *e, struct f2m_now now, struct f2m_health_facts *f)
{
    f2m_strbuf_reset(&e->text);
    struct problems p = {.telemetry = e->telemetry, .w = f2m_jw(&e->text)};
    f2m_jw_array(&p.w, NULL);
    f2m_subscriptions_refused(e->subscriptions, refused_topic, &p);
    f2m_control_problems(e->control, now, device_problem, &p);
    f2m_sites_problems(e->sites, room_problem, &p);
    f2m_homeassistant_problems(e->homeassistant, room_problem, &p);
    f2m_telemetry_problems(e->telemetry, now, device_problem, &p);
    f2m_telemetry_problems_done(e->telemetry, now);
    const char *trouble = f2m_uploader_trouble(e->uploader);
    if (trouble[0])
        problem(&p, "uploads", trouble);
    if (e->refused_reload.len)
        problem(&p, "configuration", e->refused_reload.data);
    clock_problem(&p, &e->clock_offset);
    f2m_jw_end(&p.w);
    enum f2m_cloud_state cloud = f2m_cloud_state(e->cloud);
    *f = (struct f2m_health_facts){
        .counters = &e->counters,
        .outbox = f2m_outbox_stats(e->outbox),
        .cloud = cloud == F2M_CLOUD_UNKNOWN ? -1 : cloud == F2M_CLOUD_ONLINE,
        .last_upload_ms = f2m_uploader_last_upload(e->uploader),
        .last_error = f2m_cloud_last_error(e->cloud),
        .clock_set = e->clock_set,
        .clock_offset = &e->clock_offset,
        .disk_failing = f2m_outbox_disk_failing(e->outbox),
        .problems = {e->text.data, e->text.len},
        .any_problem = p.n > 0,
    };
}
