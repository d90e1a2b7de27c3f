/*
 * Flip steers the battery: commands polled and pushed, their schedule, what is published to the battery, confirmation,
 * refresh, restore, acknowledgement, the owner's protection. Interface, section 4 "Commands", clarifications 13 to 15,
 * 25, 35 to 39, 44; Flip: Command, State machines and timing.
 *
 * Journal before act: every transition is in the store (F2M_STORE_COMMAND, _CONTROL, _ACKNOWLEDGEMENT) in the turn that
 * makes it, and the engine commits before effects get out.
 */
#ifndef F2M_CONTROL_CONTROL_H
#define F2M_CONTROL_CONTROL_H

#include "config/config.h"
#include "flip/cloud.h"
#include "port/counters.h"
#include "port/effect.h"
#include "port/event.h"
#include "port/store.h"
#include "telemetry/telemetry.h"
#include "util/now.h"
#include "util/rng.h"

struct f2m_control;

/* What the room works with; all borrowed for its life (config until the next reload). cloud NULL = a rehearsal
 * (`flip2mqtt control test`): nothing is polled or acknowledged to Flip. */
struct f2m_control_context {
    const struct f2m_config *config;
    struct f2m_store *store;
    struct f2m_cloud *cloud;
    struct f2m_telemetry *telemetry;
    struct f2m_rng *rng;
    struct f2m_counters *counters;
};

/* Reads what was journaled. Nothing is published before f2m_control_mqtt_up(). */
struct f2m_control *f2m_control_new(const struct f2m_control_context *, struct f2m_now);
void f2m_control_free(struct f2m_control *);
void f2m_control_reload(struct f2m_control *, struct f2m_now, const struct f2m_config *, struct f2m_effects *);

/* Filters of veto sources and confirm topics. */
void f2m_control_filters(const struct f2m_control *, void (*visit)(void *ctx, const char *filter), void *ctx);
/* A message on such a topic; true where it was one. */
bool f2m_control_message(struct f2m_control *, struct f2m_now, const struct f2m_mqtt_message *, struct f2m_effects *);
/* Messages on the bridge's own topics; retained ones are filtered out by the engine. A bad payload is logged, counted.
 */
void f2m_control_pause_set(struct f2m_control *, struct f2m_now, const char *device_id, struct f2m_slice payload,
                           struct f2m_effects *);
void f2m_control_command_ack(struct f2m_control *, struct f2m_now, const char *device_id, struct f2m_slice payload,
                             struct f2m_effects *);

/* All subscriptions are answered: publishes device/…/control and pause anew, and to the battery what holds now
 * (running mode again, or restore where a command ended meanwhile). */
void f2m_control_mqtt_up(struct f2m_control *, struct f2m_now, struct f2m_effects *);
void f2m_control_mqtt_down(struct f2m_control *, struct f2m_now);
/* Appends the payload of device/…/control; false where the device is not configured. */
bool f2m_control_describe(const struct f2m_control *, struct f2m_now, const char *device_id, struct f2m_strbuf *out);
/* Publishes device/…/control and pause anew; nothing to the battery. */
void f2m_control_show(struct f2m_control *, struct f2m_now, struct f2m_effects *);
/* The outcome of a tagged publish; true where the tag was ours (tags with F2M_TAG_CONTROL in the top byte). */
bool f2m_control_published(struct f2m_control *, struct f2m_now, const struct f2m_mqtt_published *,
                           struct f2m_effects *);
#define F2M_TAG_CONTROL ((uint64_t)0xC0 << 56)

/* One path for polled and pushed commands: a Command object of Flip's, checked JSON. Returns 0, -EINVAL where it is not
 * a usable command (told in the log), -ENOSPC/-EIO where it could not be stored (a webhook is answered 503 then). */
int f2m_control_ingest(struct f2m_control *, struct f2m_now, struct f2m_slice command, struct f2m_effects *);
/* Polls Flip at the next tick (after an opt-out, a webhook that could not be read, …). */
void f2m_control_poll_now(struct f2m_control *);

void f2m_control_tick(struct f2m_control *, struct f2m_now, struct f2m_effects *);
int64_t f2m_control_deadline(const struct f2m_control *, struct f2m_now); /* mono ms; starts and ends included */
/* Clean stop: no restore (Interface, clarification 15); the journal says what holds. */
void f2m_control_stop(struct f2m_control *, struct f2m_now, struct f2m_effects *);
/* Clock known to be unset (Interface, clarification 44): nothing is started while true, and the log says so once. */
void f2m_control_hold(struct f2m_control *, bool hold);

/* After every turn's commit: answers to Flip leave in the turn after the one that stored them. ok false: its publishes
 * are dropped and the store is as before, so memory goes back to what the journal says, and what should hold is told
 * anew (not before a second has passed). */
void f2m_control_committed(struct f2m_control *, struct f2m_now, bool ok);
/* What commissioning learnt from MQTT where the configuration gives a source; NAN = still unknown. */
void f2m_control_set_ratings(struct f2m_control *, const char *device_id, double max_charge_w, double max_discharge_w);

/* Rehearsal (`flip2mqtt control test`): a command of our own, "rehearsal-…", from now on for a while, by the very same
 * path, never acknowledged to Flip. power_mode NULL, setpoint_w and reserve NAN = null. -EINVAL where it was refused:
 * err says why. `id`, where not NULL, gets the command's id. */
struct f2m_rehearsal {
    const char *device_id;
    enum f2m_mode mode;
    const char *power_mode;
    double setpoint_w, reserve;
    int64_t duration_ms;
};
#define F2M_REHEARSAL_ID_SIZE 48
int f2m_control_rehearse(struct f2m_control *, struct f2m_now, const struct f2m_rehearsal *,
                         char id[F2M_REHEARSAL_ID_SIZE], struct f2m_effects *, struct f2m_err *)
    __attribute__((warn_unused_result));
/* The phase of a command as device/…/command tells it, and its reason ("" = none; until the next call that changes
 * something); NULL where there is no such command. */
const char *f2m_control_phase(const struct f2m_control *, const char *command_id, const char **reason);
/* Nothing is under way towards the battery: every publish is out, taken by the broker and confirmed. */
bool f2m_control_settled(const struct f2m_control *, const char *device_id);

/* News of commands for sites/ (Interface, clarifications 18, 41): command.created, .updated, .canceled as they are seen
 * (not for the very first poll), .started and .ended by the bridge's own clock; the Command as Flip sent it. */
typedef void (*f2m_control_moment)(void *ctx, struct f2m_now, const char *event_type, const char *site_id,
                                   struct f2m_slice command, struct f2m_effects *);
void f2m_control_on_moment(struct f2m_control *, f2m_control_moment, void *ctx);

/* Plain-word problems for bridge/health and doctor ("nobody listens on solar/set", "veto: house/grid_lost"); the
 * visitor gets one line each. */
void f2m_control_problems(const struct f2m_control *, struct f2m_now,
                          void (*visit)(void *ctx, const char *device_id, const char *text), void *ctx);

#endif
