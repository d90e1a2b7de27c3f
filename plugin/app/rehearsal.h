/*
 * The rehearsal itself: plays a command of our own in the room control, carries out what it says over MQTT, and tells a
 * person what happens. Beside a running bridge it leaves the retained truth about the battery as the bridge had it, and
 * gives way when Flip takes over.
 */
#ifndef F2M_APP_REHEARSAL_H
#define F2M_APP_REHEARSAL_H

#include "app/tool.h"
#include "control/control.h"
#include "telemetry/telemetry.h"
#include "util/route.h"
#include "util/strbuf.h"

#include <signal.h>

/* Everything is opened and freed by control_test.c. */
struct rehearsal {
    struct f2m_config *config;
    struct f2m_device *device;
    struct tool tool;
    struct f2m_store *store; /* in memory */
    struct f2m_counters counters;
    struct f2m_rng rng;
    struct f2m_outbox *outbox;
    struct f2m_telemetry *telemetry;
    struct f2m_control *control;
    struct f2m_effects *effects;
    struct f2m_router *read_backs;                  /* topics on which the battery answers */
    struct f2m_strbuf control_topic, command_topic; /* device/<id>/control, …/command */
    struct f2m_strbuf kept;                         /* what a running bridge last said on the former; empty = nothing */
    bool flips;                                     /* and that is: Flip controls the battery */
    bool begun, taken; /* it was started; and everything was taken, and confirmed where that was asked for */
    double setpoint_w; /* as asked for; NAN = null */
    char id[F2M_REHEARSAL_ID_SIZE];
    int64_t started_ms;
    int64_t look_ms; /* when the battery is looked at next, mono */
    char seen[96];   /* what it was seen doing last */
};

/* Set by the signal handler: the command ends, and the battery is restored. */
extern volatile sig_atomic_t rehearsal_interrupted;

/* The exit code: 0 where the battery did as it was told and is restored, 69 where not, 75 where Flip controls it. */
int rehearsal_play(struct rehearsal *, const struct f2m_rehearsal *command);

#endif
