/* A command holds the battery from its start to its end by the wall clock, the later start wins, and at the end the
 * battery goes back. Interface, Commands 3 to 5, clarifications 13, 15, 25. */
#include "suite.h"

#define MODES                                                                                                          \
    "{ modes: { DISCHARGE: [ { topic: inv/mode, payload: forced }, { topic: inv/w, payload: \"{{ setpoint_w }}\" } ]," \
    " CHARGE: [ { topic: inv/mode, payload: charge } ] }, restore: [ { topic: inv/mode, payload: own } ] }"

START_TEST(scheduled_started_ended_restored_acknowledged)
{
    world_open(MODES, NULL, NULL);
    ck_assert_int_eq(world_push("c1", 60, 120, .setpoint = 2000), 0);
    ck_seen(phases, "c1:received; ");
    ck_seen(patches, "c1:OK(scheduled); ");
    ck_seen(battery, "");
    ck_seen(owner, "local");
    ck_assert_str_eq(world_control_member("/next/command_id"), "\"c1\"");
    ck_assert_str_eq(world_control_member("/next/starts_at"), "\"2026-06-01T12:01:00.000Z\"");
    world_run(59999);
    ck_seen(battery, "");
    world_run(1);
    ck_seen(battery, "inv/mode=forced; inv/w=2000; ");
    ck_seen(phases, "c1:started; ");
    ck_seen(owner, "flip DISCHARGE 2000");
    ck_assert_str_eq(world_control_member("/next"), "null");
    ck_assert_uint_eq(w.last_expiry_s, 60);
    world_run(59999);
    ck_seen(battery, "");
    world_run(1);
    ck_seen(battery, "inv/mode=own; ");
    ck_seen(phases, "c1:ended; ");
    ck_seen(owner, "local");
    ck_seen(patches, "");
    ck_seen(moments, "command.created:c1; command.started:c1; command.ended:c1; ");
    world_run(HOUR);
    ck_seen(battery, "");
}
END_TEST

SUITE("schedule", scheduled_started_ended_restored_acknowledged)
