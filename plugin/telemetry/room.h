/* What the files of telemetry.c share. Inside of the room only. */
#ifndef F2M_TELEMETRY_ROOM_H
#define F2M_TELEMETRY_ROOM_H

#include "telemetry/agenda.h"
#include "telemetry/device.h"
#include "telemetry/telemetry.h"
#include "util/strbuf.h"

#define F2M_SHOWN_ID          300           /* bytes of a device's id in the log, quoted: it may hold any character */
#define F2M_TICK_SLICE        500           /* devices looked at in one tick: a few ms, so that the loop never blocks */
#define F2M_STATE_EVERY_MS    INT64_C(5000) /* Interface, clarification 33 */
#define F2M_COMPLAIN_EVERY_MS INT64_C(60000) /* per source: a log line about an unreadable payload */

struct f2m_router;

struct f2m_telemetry {
    const struct f2m_config *config; /* borrowed, as the next three */
    struct f2m_store *store;
    struct f2m_outbox *outbox;
    struct f2m_counters *counters;

    struct f2m_telemetry_device *devices; /* uthash, by id */
    struct f2m_router *router;            /* filter -> struct f2m_feed */
    struct f2m_agenda agenda;
    int64_t offset_ms; /* wall - mono at the last call */
    bool hold;
    bool mqtt_up;
    size_t records_unreadable; /* at start, not yet told */

    struct f2m_payload payload;    /* scratch, here so that it is not cleared per message */
    struct f2m_err err;            /* scratch too */
    struct f2m_strbuf text, topic; /* scratch: memory is kept */
};

bool f2m_telemetry_wants(const struct f2m_device *);
struct f2m_telemetry_device *f2m_telemetry_device(const struct f2m_telemetry *, const char *device_id);

/* close.c: notices a clock that was set; every device is due then. Before anything else of a call. */
void f2m_telemetry_look_at_clock(struct f2m_telemetry *, struct f2m_now, struct f2m_effects *);
/* Brings a device to now: the clock's steps, the intervals that are over. Before anything is read or changed. */
void f2m_telemetry_catch_up(struct f2m_telemetry *, struct f2m_telemetry_device *, struct f2m_now,
                            struct f2m_effects *);
/* Closes the open interval now (stop, reload). */
void f2m_telemetry_close_partial(struct f2m_telemetry *, struct f2m_telemetry_device *, struct f2m_now,
                                 struct f2m_effects *);
/* Hands the baselines of a device, where they changed, to the outbox, which has them on disk with the last point. */
void f2m_telemetry_save(struct f2m_telemetry *, struct f2m_telemetry_device *, struct f2m_now, struct f2m_effects *);

/* tick.c: when the device has something to do next. */
void f2m_telemetry_plan(struct f2m_telemetry *, struct f2m_telemetry_device *, struct f2m_now);

#endif
