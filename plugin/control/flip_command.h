/*
 * Flip's Command as it comes over the wire. Strict in what it takes for granted (an id, a device), tolerant in the
 * rest: what cannot be understood does not make the object unusable, it makes the command impossible, and Flip is told
 * why. Flip: Command; Flip, decisions 2, 4, 5, 17, 18.
 */
#ifndef F2M_CONTROL_FLIP_COMMAND_H
#define F2M_CONTROL_FLIP_COMMAND_H

#include "config/config.h"
#include "util/err.h"
#include "util/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define F2M_OPEN_END INT64_MAX /* ends_at null: until replaced or canceled */

enum f2m_command_status {
    F2M_COMMAND_OK,
    F2M_COMMAND_CANCELED,
    F2M_COMMAND_OPT_OUT,
};

/* Command.device_status. FAILED, FAILED_OFFLINE and FAILED_FAULT read alike; anything else is no question to us. */
enum f2m_device_status {
    F2M_DEVICE_STATUS_OTHER,
    F2M_DEVICE_STATUS_PENDING,
    F2M_DEVICE_STATUS_OK,
    F2M_DEVICE_STATUS_FAILED,
};

/* What the battery is to do. */
struct f2m_orders {
    enum f2m_mode mode;  /* NONE where unknown */
    char power_mode[24]; /* "" = null */
    double setpoint_w;   /* NAN = null */
    double reserve;      /* %; NAN = null */
    int grid_import;     /* 0, 1; -1 = null: the device's own setting stays */
};

struct f2m_flip_command {
    char *raw; /* the object as Flip sent it; NULL = nothing here */
    char *id, *device_id;
    char *event_id; /* NULL = null */
    int64_t starts_ms, ends_ms;
    int64_t updated_ms; /* 0 where Flip gives none that can be read */
    int64_t created_ms;
    enum f2m_command_status status;
    enum f2m_device_status device_status;
    struct f2m_orders orders;
    char impossible[160]; /* why it cannot be executed; "" = it can. Fit for logs and topics */
};

/* 0, or -EINVAL: no checked JSON object, or without a usable id or device_id. `out` is overwritten, not freed. */
int f2m_flip_command_decode(struct f2m_slice json, struct f2m_flip_command *out, struct f2m_err *)
    __attribute__((warn_unused_result));
void f2m_flip_command_deinit(struct f2m_flip_command *); /* safe twice */
/* Same but for updated_at, device_status and device_status_reason (Interface, clarification 25). */
bool f2m_flip_command_same(const struct f2m_flip_command *, const struct f2m_flip_command *);

#endif
