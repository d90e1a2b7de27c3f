/* A command holds the battery from its start to its end by the wall clock, the later start wins, and at the end the
 * battery goes back. Interface, Commands 1 to 5, clarifications 13, 25, 41, 44. */
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

START_TEST(control_topic_has_every_member)
{
    static const char *const members[] = {"owner",
                                          "mode",
                                          "power_mode",
                                          "setpoint_w",
                                          "backup_reserve_percentage",
                                          "enable_grid_import",
                                          "command_id",
                                          "event_id",
                                          "starts_at",
                                          "ends_at",
                                          "next"};

    world_open(MODES, NULL, NULL);
    for (int running = 0; running < 2; running++) {
        for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
            char pointer[64];
            snprintf(pointer, sizeof pointer, "/%s", members[i]);
            ck_assert_msg(strcmp(world_control_member(pointer), "absent") != 0, "%s", members[i]);
        }
        world_push("c1", -10, 60, .setpoint = 100, .power_mode = "SETPOINT", .reserve = 30);
    }
    ck_assert_str_eq(world_control_member(""),
                     "{\"owner\":\"flip\",\"mode\":\"DISCHARGE\",\"power_mode\":\"SETPOINT\",\"setpoint_w\":100,"
                     "\"backup_reserve_percentage\":30,\"enable_grid_import\":null,\"command_id\":\"c1\",\"event_id\":"
                     "\"event-c1\",\"starts_at\":\"2026-06-01T11:59:50.000Z\",\"ends_at\":\"2026-06-01T12:01:00.000Z\","
                     "\"next\":null}");
}
END_TEST

START_TEST(arrival_after_the_start_starts_at_once)
{
    world_open(MODES, NULL, NULL);
    world_push("c1", -30, 60, .setpoint = 1000);
    ck_seen(phases, "c1:received; c1:started; ");
    ck_seen(battery, "inv/mode=forced; inv/w=1000; ");
    ck_seen(patches, "c1:OK(scheduled); ");
}
END_TEST

START_TEST(arrival_after_the_end_is_refused_and_never_executed)
{
    world_open(MODES, NULL, NULL);
    world_push("c1", -120, -60, .setpoint = 1000);
    ck_seen(phases, "c1:rejected(already over); ");
    ck_seen(patches, "c1:FAILED_FAULT(already over); ");
    world_run(HOUR);
    ck_seen(battery, "");
}
END_TEST

START_TEST(history_that_asks_nothing_is_passed_over)
{
    world_open(MODES, NULL, NULL);
    world_push("c1", -120, -60, .setpoint = 1000, .device_status = "OK");
    world_push("c2", 120, 160, .setpoint = 1000, .device_status = "FAILED_FAULT");
    world_push("c3", 120, 160, .setpoint = 1000, .status = "CANCELED", .device_status = "OK");
    world_run(HOUR);
    ck_seen(phases, "");
    ck_seen(patches, "");
    ck_seen(battery, "");
}
END_TEST

START_TEST(overlap_later_start_wins_and_the_earlier_goes_on)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 100, .setpoint = 1000);
    world_push("b", 20, 50, .mode = "CHARGE", .power_mode = "FOLLOW_LOAD");
    world_phases();
    world_run(20 * SECOND);
    ck_seen(battery, "inv/mode=forced; inv/w=1000; inv/mode=charge; ");
    ck_seen(phases, "a:started; a:replaced; b:started; ");
    ck_seen(owner, "flip CHARGE");
    world_run(30 * SECOND);
    ck_seen(battery, "inv/mode=forced; inv/w=1000; ");
    ck_seen(phases, "b:ended; a:started; ");
    world_run(60 * SECOND);
    ck_seen(battery, "inv/mode=own; ");
    ck_seen(phases, "a:ended; ");
    ck_seen(moments, "command.created:a; command.created:b; command.started:a; command.started:b; command.ended:b; "
                     "command.ended:a; ");
}
END_TEST

START_TEST(earlier_one_that_ends_while_replaced_does_not_restore)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 40, .setpoint = 1000);
    world_push("b", 20, 50, .mode = "CHARGE");
    world_run(45 * SECOND);
    ck_seen(battery, "inv/mode=forced; inv/w=1000; inv/mode=charge; ");
    ck_seen(phases, "a:received; b:received; a:started; a:replaced; b:started; a:ended; ");
    world_run(5 * SECOND);
    ck_seen(battery, "inv/mode=own; ");
}
END_TEST

START_TEST(back_to_back_needs_no_restore_in_between)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 20, .setpoint = 1000);
    world_push("b", 20, 30, .mode = "CHARGE");
    world_run(40 * SECOND);
    ck_seen(battery, "inv/mode=forced; inv/w=1000; inv/mode=charge; inv/mode=own; ");
}
END_TEST

START_TEST(gap_between_two_commands_is_the_batterys_own)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 20, .setpoint = 1000);
    world_push("b", 21, 30, .setpoint = 1000);
    world_run(40 * SECOND);
    ck_seen(battery, "inv/mode=forced; inv/w=1000; inv/mode=own; inv/mode=forced; inv/w=1000; inv/mode=own; ");
}
END_TEST

START_TEST(open_end_runs_until_canceled)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 0, .setpoint = 1000);
    world_run(48 * HOUR);
    ck_seen(battery, "inv/mode=forced; inv/w=1000; ");
    ck_assert_str_eq(world_control_member("/ends_at"), "null");
    world_push("a", 10, 0, .setpoint = 1000, .status = "CANCELED", .revision = 5);
    ck_seen(battery, "inv/mode=own; ");
    ck_seen(phases, "a:received; a:started; a:canceled; ");
    ck_seen(patches, "a:OK(scheduled); a:OK(canceled); ");
}
END_TEST

START_TEST(open_end_that_was_replaced_does_not_come_back)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 0, .setpoint = 1000);
    world_push("b", 20, 30, .mode = "CHARGE");
    world_run(60 * SECOND);
    ck_seen(phases, "a:received; b:received; a:started; a:replaced; b:started; b:ended; ");
    ck_seen(battery, "inv/mode=forced; inv/w=1000; inv/mode=charge; inv/mode=own; ");
    ck_seen(owner, "local");
}
END_TEST

START_TEST(same_start_the_one_created_last_wins)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 30, .setpoint = 1000);
    world_push("b", 10, 30, .setpoint = 2000); /* created alike: the greater id */
    world_run(10 * SECOND);
    ck_seen(battery, "inv/mode=forced; inv/w=2000; ");
}
END_TEST

START_TEST(canceled_while_running_ends_at_once)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 100, .setpoint = 1000);
    world_run(20 * SECOND);
    world_battery();
    world_push("a", 10, 100, .setpoint = 1000, .status = "CANCELED", .revision = 5);
    ck_seen(battery, "inv/mode=own; ");
    ck_seen(owner, "local");
    world_run(HOUR);
    ck_seen(phases, "a:received; a:started; a:canceled; ");
    ck_seen(moments, "command.created:a; command.started:a; command.canceled:a; ");
}
END_TEST

START_TEST(opted_out_while_running_ends_at_once_and_back_in_goes_on)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 100, .setpoint = 1000);
    world_run(20 * SECOND);
    world_battery();
    world_push("a", 10, 100, .setpoint = 1000, .status = "OPT_OUT", .revision = 5);
    ck_seen(battery, "inv/mode=own; ");
    ck_seen(phases, "a:received; a:started; a:opted_out; ");
    ck_seen(patches, "a:OK(scheduled); a:OK(opted out); ");
    world_push("a", 10, 100, .setpoint = 1000, .revision = 6);
    ck_seen(battery, "inv/mode=forced; inv/w=1000; ");
    ck_seen(phases, "a:received; a:started; ");
    ck_seen(patches, "a:OK(scheduled); ");
}
END_TEST

START_TEST(first_seen_canceled_is_acknowledged_never_executed)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 100, .setpoint = 1000, .status = "CANCELED");
    world_push("b", 10, 100, .setpoint = 1000, .status = "OPT_OUT");
    world_run(HOUR);
    ck_seen(phases, "a:canceled; b:opted_out; ");
    ck_seen(patches, "a:OK(canceled); b:OK(opted out); ");
    ck_seen(battery, "");
}
END_TEST

START_TEST(update_while_running_publishes_new_values_and_moves_the_end)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 100, .setpoint = 1000);
    world_run(20 * SECOND);
    world_battery();
    world_push("a", 10, 60, .setpoint = 1500, .revision = 5);
    ck_seen(battery, "inv/mode=forced; inv/w=1500; ");
    ck_seen(owner, "flip DISCHARGE 1500");
    world_run(39999);
    ck_seen(battery, "");
    world_run(1);
    ck_seen(battery, "inv/mode=own; ");
    ck_seen(phases, "a:received; a:started; a:ended; ");
    ck_seen(moments, "command.created:a; command.started:a; command.updated:a; command.ended:a; ");
}
END_TEST

START_TEST(update_of_nothing_but_the_status_is_no_update)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 100, .setpoint = 1000);
    world_run(20 * SECOND);
    world_battery();
    world_push("a", 10, 100, .setpoint = 1000, .device_status = "OK", .revision = 5);
    ck_seen(battery, "");
    ck_seen(moments, "command.created:a; command.started:a; ");
}
END_TEST

START_TEST(an_older_picture_changes_nothing)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 100, .setpoint = 1500, .revision = 5);
    world_push("a", 10, 100, .setpoint = 1000, .revision = 4);
    world_run(20 * SECOND);
    ck_seen(battery, "inv/mode=forced; inv/w=1500; ");
    ck_seen(patches, "a:OK(scheduled); ");
}
END_TEST

START_TEST(missing_from_a_later_poll_is_not_canceled)
{
    world_open(MODES, NULL, NULL);
    world_list({"a", 90, 200, .setpoint = 1000});
    world_run(61 * SECOND);
    ck_seen(phases, "a:received; ");
    world_list_specs(NULL, 0);
    world_run(150 * SECOND);
    ck_seen(phases, "a:started; a:ended; ");
}
END_TEST

START_TEST(start_moved_into_the_future_while_running)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 1000, .setpoint = 1000);
    world_run(20 * SECOND);
    world_battery();
    world_push("a", 600, 1000, .setpoint = 1000, .revision = 5);
    ck_seen(battery, "inv/mode=own; ");
    ck_seen(owner, "local");
    world_run(580 * SECOND);
    ck_seen(battery, "inv/mode=forced; inv/w=1000; ");
}
END_TEST

/* ---- clocks ---- */

START_TEST(clock_forward_over_the_end_restores_at_once)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 3600, .setpoint = 1000);
    world_run(20 * SECOND);
    world_battery();
    world_step_clock(HOUR);
    ck_seen(battery, "inv/mode=own; ");
    ck_seen(phases, "a:received; a:started; a:ended; ");
}
END_TEST

START_TEST(clock_forward_over_start_and_end_is_told)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 60, .setpoint = 1000);
    world_step_clock(HOUR);
    world_run(HOUR);
    ck_seen(battery, "");
    ck_seen(phases, "a:received; a:rejected(already over); ");
    ck_seen(patches, "a:OK(scheduled); a:FAILED_FAULT(already over); ");
}
END_TEST

START_TEST(clock_forward_to_the_start_starts)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 3600, 7200, .setpoint = 1000);
    world_step_clock(HOUR + SECOND);
    ck_seen(battery, "inv/mode=forced; inv/w=1000; ");
}
END_TEST

START_TEST(clock_back_inside_the_command_starts_nothing_twice)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 3600, .setpoint = 1000);
    world_run(1800 * SECOND);
    world_battery();
    world_step_clock(-1000 * SECOND);
    world_run(10 * SECOND);
    ck_seen(battery, "");
    world_run(2789 * SECOND);
    ck_seen(battery, "");
    world_run(SECOND);
    ck_seen(battery, "inv/mode=own; ");
    ck_seen(phases, "a:received; a:started; a:ended; ");
}
END_TEST

START_TEST(clock_back_a_little_before_the_start_starts_nothing_twice)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 3600, .setpoint = 1000);
    world_run(11 * SECOND);
    world_battery();
    world_step_clock(-30 * SECOND);
    world_run(MINUTE);
    ck_seen(battery, "");
    ck_seen(phases, "a:received; a:started; ");
}
END_TEST

START_TEST(clock_that_was_far_ahead_waits_for_the_real_start)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 3600, .setpoint = 1000);
    world_run(20 * SECOND);
    world_battery();
    world_step_clock(-HOUR);
    ck_seen(battery, "inv/mode=own; ");
    world_run(HOUR - 11 * SECOND);
    ck_seen(battery, "");
    world_run(SECOND);
    ck_seen(battery, "inv/mode=forced; inv/w=1000; ");
    ck_seen(moments, "command.created:a; command.started:a; ");
}
END_TEST

START_TEST(clock_back_after_the_end_starts_nothing_again)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 60, .setpoint = 1000);
    world_run(70 * SECOND);
    world_battery();
    world_step_clock(-40 * SECOND);
    world_run(HOUR);
    ck_seen(battery, "");
}
END_TEST

START_TEST(suspended_machine_acts_by_what_holds_when_it_wakes)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 3600, .setpoint = 1000);
    world_sleep(1800 * SECOND);
    ck_seen(battery, "inv/mode=forced; inv/w=1000; ");
    world_sleep(3 * HOUR);
    ck_seen(battery, "inv/mode=own; ");
}
END_TEST

START_TEST(unset_clock_starts_nothing_and_says_so)
{
    world_open(MODES, NULL, NULL);
    f2m_control_hold(w.control, true);
    world_push("a", 10, 60, .setpoint = 1000);
    world_run(30 * SECOND);
    ck_seen(battery, "");
    ck_seen(patches, "");
    ck_assert(world_logged("the clock is not set"));
    ck_seen(problems, "xyz-123: the clock is not set: no command is started; ");
    f2m_control_hold(w.control, false);
    world_turn();
    ck_seen(problems, "");
    ck_seen(battery, "inv/mode=forced; inv/w=1000; ");
    ck_seen(patches, "a:OK(scheduled); ");
}
END_TEST

START_TEST(unset_clock_does_not_call_a_command_over)
{
    world_open(MODES, NULL, NULL);
    f2m_control_hold(w.control, true);
    world_push("a", -100, -60, .setpoint = 1000);
    ck_seen(phases, "a:received; ");
    world_run(601 * SECOND);
    ck_seen(patches, "a:FAILED_OFFLINE(the clock of the bridge is not set); ");
    f2m_control_hold(w.control, false);
    world_run(SECOND);
    ck_seen(battery, "");
}
END_TEST

SUITE("schedule", scheduled_started_ended_restored_acknowledged, control_topic_has_every_member,
      arrival_after_the_start_starts_at_once, arrival_after_the_end_is_refused_and_never_executed,
      history_that_asks_nothing_is_passed_over, overlap_later_start_wins_and_the_earlier_goes_on,
      earlier_one_that_ends_while_replaced_does_not_restore, back_to_back_needs_no_restore_in_between,
      gap_between_two_commands_is_the_batterys_own, open_end_runs_until_canceled,
      open_end_that_was_replaced_does_not_come_back, same_start_the_one_created_last_wins,
      canceled_while_running_ends_at_once, opted_out_while_running_ends_at_once_and_back_in_goes_on,
      first_seen_canceled_is_acknowledged_never_executed, update_while_running_publishes_new_values_and_moves_the_end,
      update_of_nothing_but_the_status_is_no_update, an_older_picture_changes_nothing,
      missing_from_a_later_poll_is_not_canceled, start_moved_into_the_future_while_running,
      clock_forward_over_the_end_restores_at_once, clock_forward_over_start_and_end_is_told,
      clock_forward_to_the_start_starts, clock_back_inside_the_command_starts_nothing_twice,
      clock_back_a_little_before_the_start_starts_nothing_twice, clock_that_was_far_ahead_waits_for_the_real_start,
      clock_back_after_the_end_starts_nothing_again, suspended_machine_acts_by_what_holds_when_it_wakes,
      unset_clock_starts_nothing_and_says_so, unset_clock_does_not_call_a_command_over)
