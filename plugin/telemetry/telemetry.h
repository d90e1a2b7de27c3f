/*
 * Telemetry: MQTT messages in, closed points out. Owns, per device, the latest values, the open interval, the energy
 * accounts and the counter baselines. Interface, Telemetry 1 to 5 and clarifications 5 to 9, 11, 21, 22, 28, 31 to 33.
 */
#ifndef F2M_TELEMETRY_TELEMETRY_H
#define F2M_TELEMETRY_TELEMETRY_H

#include "config/config.h"
#include "port/counters.h"
#include "port/effect.h"
#include "port/event.h"
#include "port/store.h"
#include "telemetry/outbox.h"
#include "telemetry/source.h" /* struct f2m_reading, enum f2m_source_outcome */
#include "util/now.h"

struct f2m_telemetry;

/* Reads the baselines and high-water marks of the store. Config, store, outbox and counters are borrowed. */
struct f2m_telemetry *f2m_telemetry_new(const struct f2m_config *, struct f2m_store *, struct f2m_outbox *,
                                        struct f2m_counters *, struct f2m_now);
void f2m_telemetry_free(struct f2m_telemetry *);

/* SIGHUP: devices whose sources did not change keep values, accounts and the open interval; the open interval of a
 * changed device closes as a partial point first; counters keep their baselines where topic and path are the same. */
void f2m_telemetry_reload(struct f2m_telemetry *, struct f2m_now, const struct f2m_config *, struct f2m_effects *);

/* Calls visit for every filter that sources and availability need (duplicates possible). */
void f2m_telemetry_filters(const struct f2m_telemetry *, void (*visit)(void *ctx, const char *filter), void *ctx);

/* True where the topic feeds at least one source or availability. */
bool f2m_telemetry_message(struct f2m_telemetry *, struct f2m_now, const struct f2m_mqtt_message *,
                           struct f2m_effects *);
/* After (re)connecting: keepalives, and device/…/state and …/telemetry anew. */
void f2m_telemetry_mqtt_up(struct f2m_telemetry *, struct f2m_now, struct f2m_effects *);
void f2m_telemetry_mqtt_down(struct f2m_telemetry *, struct f2m_now);
/* Publishes every device/…/state anew at the next tick. */
void f2m_telemetry_show(struct f2m_telemetry *);
/* Closes the intervals that are over, sends keepalives and states that are due. Bounded work per call: with many
 * devices it slices (then deadline is now). After f2m_outbox_tick() in a turn, so that points which that brings from
 * memory to disk and the baselines that belong to them are in one commit. */
void f2m_telemetry_tick(struct f2m_telemetry *, struct f2m_now, struct f2m_effects *);
int64_t f2m_telemetry_deadline(const struct f2m_telemetry *, struct f2m_now); /* mono ms */
/* Closes every open interval as a partial point. */
void f2m_telemetry_stop(struct f2m_telemetry *, struct f2m_now, struct f2m_effects *);

/* What other rooms may know of a device. */
enum f2m_online {
    F2M_ONLINE_UNKNOWN, /* nothing heard yet */
    F2M_ONLINE,
    F2M_OFFLINE,
};
/* Interface, Telemetry 4 and clarification 6; UNKNOWN for a device without sources and availability. */
enum f2m_online f2m_telemetry_online(const struct f2m_telemetry *, const char *device_id, struct f2m_now);

struct f2m_reading f2m_telemetry_reading(const struct f2m_telemetry *, const char *device_id, enum f2m_source_id,
                                         struct f2m_now);
/* The Flip mode in force on the device, for last_mode (Telemetry 3); NONE = Flip commands nothing. */
void f2m_telemetry_set_flip_mode(struct f2m_telemetry *, const char *device_id, enum f2m_mode);
/* Clock known to be unset (Interface, clarification 44): while true no interval closes. Afterwards the open interval
 * closes at the next boundary, with its true start and duration. */
void f2m_telemetry_hold(struct f2m_telemetry *, bool hold);
/* What commissioning learnt from MQTT where the configuration gives a source instead of a value; NAN = still unknown.
 */
void f2m_telemetry_set_ratings(struct f2m_telemetry *, const char *device_id, double capacity_wh, double max_charge_w,
                               double max_discharge_w);

/* What is wrong with a device, for device/…/state: all of it anew, text by text, and then done: what differs is shown.
 */
void f2m_telemetry_problem(struct f2m_telemetry *, const char *device_id, const char *text);
void f2m_telemetry_problems_done(struct f2m_telemetry *, struct f2m_now);

/* For doctor and health. */
/* What came of the last payload of a source; NONE where nothing came or nothing is mapped. */
enum f2m_source_outcome f2m_telemetry_outcome(const struct f2m_telemetry *, const char *device_id, enum f2m_source_id);
/* Home comes out below 0 by more than the sources' error: they do not fit together (Interface, clarification 8). */
bool f2m_telemetry_mismatch(const struct f2m_telemetry *, const char *device_id, struct f2m_now);
/* Appends what the provers found wrong with the device's signs and units, with the evidence and the next step; nothing
 * where nothing is proven (prover.h, grid_prover.h). */
void f2m_telemetry_verdict(const struct f2m_telemetry *, const char *device_id, struct f2m_strbuf *out);
/* Tells, per device, what its sources as a whole have wrong: they do not fit together, or a prover's verdict. */
void f2m_telemetry_problems(const struct f2m_telemetry *, struct f2m_now,
                            void (*tell)(void *ctx, const char *device_id, const char *text), void *ctx);
/* Appends the point that would be closed now; false where the device has no endpoint. */
bool f2m_telemetry_preview(const struct f2m_telemetry *, const char *device_id, struct f2m_now, struct f2m_strbuf *out);

#endif
