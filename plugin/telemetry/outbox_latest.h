/*
 * The latest point of each configured device, for `device/<id>/telemetry`: the text, and whether it waits, was sent or
 * rejected. Kept in memory for publishing anew after a reconnect. Interface, section 3.3 and clarification 11.
 */
#ifndef F2M_TELEMETRY_OUTBOX_LATEST_H
#define F2M_TELEMETRY_OUTBOX_LATEST_H

#include "config/config.h"
#include "port/effect.h"

enum f2m_upload_state {
    F2M_UPLOAD_PENDING,
    F2M_UPLOAD_SENT,
    F2M_UPLOAD_REJECTED,
};

const char *f2m_upload_state_name(enum f2m_upload_state); /* as device/<id>/telemetry says it */

struct f2m_latest;

/* What is known of a device's latest point. */
struct f2m_latest_point {
    int64_t start_ms;
    enum f2m_upload_state state;
    const char *message; /* NULL = none; until the next verdict */
};

struct f2m_latest *f2m_latest_new(const struct f2m_config *);
void f2m_latest_free(struct f2m_latest *);
/* Devices that are gone are forgotten, new ones join; the others keep their point. */
void f2m_latest_reload(struct f2m_latest *, const struct f2m_config *);

/* A point that is newer than the device's latest replaces it; an older one is none of our business. True where the
 * point is the latest now. */
bool f2m_latest_closed(struct f2m_latest *, const struct f2m_point *);
/* Only where this point is the latest. message: NULL = none. */
void f2m_latest_verdict(struct f2m_latest *, const struct f2m_point *, enum f2m_upload_state, const char *message);
/* Rejected latest points of a device (NULL = all) wait again. */
void f2m_latest_retry(struct f2m_latest *, const char *device_id);
void f2m_latest_touch(struct f2m_latest *); /* all are to be published */
/* Publishes what changed since the last call. */
void f2m_latest_publish(struct f2m_latest *, struct f2m_effects *);
/* False where there is none. */
bool f2m_latest_find(const struct f2m_latest *, const char *device_id, struct f2m_latest_point *);
/* Devices whose latest point is not known. */
size_t f2m_latest_missing(const struct f2m_latest *);

#endif
