/* The owner and the battery come first: pause, veto, limits, the reserve. Interface, Commands 6, clarifications 14, 15,
 * 25, 38, 39. */
#include "suite.h"

#define MODES                                                                                                          \
    "{ reserve_floor: 20 %, veto: { topic: house/grid_lost }, modes: { DISCHARGE: [ { topic: inv/w, payload: \"{{ "    \
    "setpoint_w | default(\\\"max\\\") }}\" } ], CHARGE: [ { topic: inv/w, payload: \"-{{ setpoint_w }} {{ "           \
    "backup_reserve_percentage }}\" } ] }, restore: [ { topic: inv/w, payload: \"0\" } ] }"
#define SOC "{ endpoint: \"off\", max_age: 5min, sources: { state_of_charge: inv/soc } }"

/* ---- pause ---- */

START_TEST(pause_ends_the_running_command_and_refuses_it)
{
    world_open(MODES, NULL, NULL);
    ck_assert_str_eq(w.pause_topic.data, "OFF");
    world_push("a", 10, 100, .setpoint = 1000);
    world_run(20 * SECOND);
    world_battery();
    world_pause("ON");
    ck_assert_str_eq(w.pause_topic.data, "ON");
    ck_seen(battery, "inv/w=0; ");
    ck_seen(owner, "local");
    ck_seen(phases, "a:received; a:started; a:failed(paused by owner); ");
    ck_seen(patches, "a:OK(scheduled); a:FAILED_FAULT(paused by owner); ");
    world_pause("OFF");
    ck_assert_str_eq(w.pause_topic.data, "OFF");
    world_run(HOUR);
    ck_seen(battery, "");
    ck_seen(phases, "");
}
END_TEST

START_TEST(commands_that_come_while_paused_are_refused_and_not_revived)
{
    world_open(MODES, NULL, NULL);
    world_pause(" on ");
    world_push("a", 100, 200, .setpoint = 1000);
    ck_seen(patches, "a:FAILED_FAULT(paused by owner); ");
    ck_seen(phases, "a:rejected(paused by owner); ");
    world_pause("OFF");
    world_run(HOUR);
    ck_seen(battery, "");
}
END_TEST

START_TEST(a_scheduled_command_is_refused_at_its_start_where_still_paused)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 100, 200, .setpoint = 1000);
    world_push("b", 300, 400, .setpoint = 1000);
    world_pause("ON");
    world_run(50 * SECOND);
    ck_seen(patches, "a:OK(scheduled); b:OK(scheduled); ");
    world_run(51 * SECOND);
    ck_seen(patches, "a:FAILED_FAULT(paused by owner); ");
    world_pause("OFF");
    world_run(250 * SECOND);
    ck_seen(battery, "inv/w=1000; ");
    ck_seen(phases, "a:received; b:received; a:rejected(paused by owner); b:started; ");
}
END_TEST

START_TEST(pause_survives_a_restart)
{
    world_open(MODES, NULL, NULL);
    world_pause("ON");
    world_restart();
    ck_assert_str_eq(w.pause_topic.data, "ON");
    world_push("a", 10, 200, .setpoint = 1000);
    ck_seen(patches, "a:FAILED_FAULT(paused by owner); ");
}
END_TEST

START_TEST(pause_is_obeyed_and_restored_also_while_the_clock_is_unset)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 100, .setpoint = 1000);
    world_run(20 * SECOND);
    world_battery();
    f2m_control_hold(w.control, true);
    world_run(SECOND);
    ck_seen(battery, "");
    world_pause("ON");
    ck_seen(battery, "inv/w=0; ");
}
END_TEST

START_TEST(pause_knows_every_word_for_true_and_false)
{
    static const char *const words[] = {"ON", "off", "True", "FALSE", "1", "0", "online", "Offline"};

    world_open(MODES, NULL, NULL);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        world_pause(words[i]);
        ck_assert_str_eq(w.pause_topic.data, i % 2 ? "OFF" : "ON");
    }
    ck_assert_uint_eq(w.counters.invalid, 0);
}
END_TEST

START_TEST(a_bad_pause_is_counted_and_changes_nothing)
{
    static const char *const bad[] = {"", "maybe", "{\"on\":1}", "ONN"};

    world_open(MODES, NULL, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        world_pause(bad[i]);
    ck_assert_uint_eq(w.counters.invalid, 4);
    ck_assert_str_eq(w.pause_topic.data, "OFF");
    ck_assert(world_logged("expected ON or OFF"));
    f2m_control_pause_set(w.control, w.now, "nobody", f2m_slice_of("ON"), w.fx);
    world_turn();
    ck_assert(world_logged("no such device is configured"));
}
END_TEST

/* ---- veto ---- */

START_TEST(veto_ends_control_with_its_topic_and_lets_later_ones_go_on)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 100, .setpoint = 1000);
    world_push("b", 200, 300, .setpoint = 500);
    world_run(20 * SECOND);
    world_battery();
    world_patches();
    world_message("house/grid_lost", "true", false);
    ck_seen(battery, "inv/w=0; ");
    ck_seen(patches, "a:FAILED_FAULT(veto: house/grid_lost); ");
    world_message("house/grid_lost", "false", false);
    world_run(5 * MINUTE);
    ck_seen(battery, "inv/w=500; inv/w=0; ");
}
END_TEST

START_TEST(veto_holds_until_taken_back_however_old_and_as_a_retained_replay)
{
    world_open(MODES, NULL, NULL);
    world_message("house/grid_lost", "ON", true);
    world_run(HOUR);
    world_push("a", 3700, 7200, .setpoint = 1000);
    ck_seen(patches, "a:FAILED_FAULT(veto: house/grid_lost); ");
    world_message("house/grid_lost", "OFF", false);
    world_push("b", 3700, 7200, .setpoint = 1000);
    ck_seen(patches, "b:OK(scheduled); ");
}
END_TEST

START_TEST(a_veto_is_a_problem_with_its_topic_also_over_restarts_and_failed_commits)
{
    world_open(MODES, NULL, NULL);
    ck_seen(problems, "");
    world_message("house/grid_lost", "true", false);
    ck_seen(problems, "xyz-123: veto: house/grid_lost; ");
    world_restart();
    ck_seen(problems, "xyz-123: veto: house/grid_lost; ");
    world_message("house/grid_lost", "false", false);
    ck_seen(problems, "");
    w.commit_fails = true;
    world_message("house/grid_lost", "true", false);
    ck_seen(problems, "xyz-123: veto: house/grid_lost; ");
}
END_TEST

START_TEST(a_veto_that_cannot_be_read_is_counted)
{
    world_open(MODES, NULL, NULL);
    world_message("house/grid_lost", "perhaps", false);
    ck_assert_uint_eq(w.counters.invalid, 1);
    ck_assert(world_logged("cannot read a veto"));
}
END_TEST

/* ---- limits ---- */

START_TEST(setpoint_and_reserve_are_clamped_and_the_reason_says_so)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 100, .setpoint = 9000, .reserve = 5);
    ck_seen(patches, "a:OK(scheduled; setpoint_w limited to 4000 W, backup_reserve_percentage raised to 20 %); ");
    world_push("b", 200, 300, .mode = "CHARGE", .setpoint = 9000, .reserve = 50);
    ck_seen(patches, "b:OK(scheduled; setpoint_w limited to 5000 W); ");
    world_run(10 * SECOND);
    ck_seen(battery, "inv/w=4000; ");
    ck_seen(owner, "flip DISCHARGE 4000");
    ck_assert_str_eq(world_control_member("/backup_reserve_percentage"), "20");
    world_run(200 * SECOND);
    ck_seen(battery, "inv/w=0; inv/w=-5000 50; ");
}
END_TEST

START_TEST(reserve_floor_holds_where_flip_sends_none)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 100, .mode = "CHARGE", .setpoint = 1000);
    ck_seen(patches, "a:OK(scheduled); ");
    world_run(10 * SECOND);
    ck_seen(battery, "inv/w=-1000 20; ");
}
END_TEST

START_TEST(learnt_ratings_limit_where_the_configuration_gives_none)
{
    char *yaml = world_yaml(MODES, NULL, NULL);
    char *at = strstr(yaml, "max_discharge: 4 kW");

    memcpy(at, "max_discharge: 9 kW", 19);
    world_open_yaml(yaml);
    free(yaml);
    world_up();
    f2m_control_set_ratings(w.control, "xyz-123", 1000, 1000);
    world_push("a", 10, 100, .setpoint = 20000);
    ck_seen(patches, "a:OK(scheduled; setpoint_w limited to 9000 W); "); /* what the owner wrote wins */
}
END_TEST

/* ---- the guard ---- */

static void soc(const char *value)
{
    world_message("inv/soc", value, false);
}

START_TEST(guard_ends_a_discharge_at_the_reserve_and_goes_on_two_points_above)
{
    world_open(MODES, SOC, NULL);
    soc("50");
    world_push("a", 10, 3000, .setpoint = 1000, .reserve = 30);
    world_run(20 * SECOND);
    ck_seen(battery, "inv/w=1000; ");
    soc("30.5");
    world_run(SECOND);
    ck_seen(battery, "");
    soc("30");
    world_run(SECOND);
    ck_seen(battery, "inv/w=0; ");
    ck_seen(owner, "local");
    ck_seen(patches, "a:OK(scheduled); a:FAILED_FAULT(state of charge 30 % is at the reserve of 30 %); ");
    ck_seen(phases, "a:received; a:started; a:failed(state of charge 30 % is at the reserve of 30 %); ");
    soc("31.9");
    world_run(10 * SECOND);
    ck_seen(battery, "");
    soc("32");
    world_run(SECOND);
    ck_seen(battery, "inv/w=1000; ");
    ck_seen(phases, "a:started; ");
    ck_seen(patches, "a:OK(started); ");
    ck_seen(moments, "command.created:a; command.started:a; ");
}
END_TEST

START_TEST(guard_uses_the_floor_where_the_command_has_no_reserve)
{
    world_open(MODES, SOC, NULL);
    soc("19");
    world_push("a", 10, 3000, .setpoint = 1000);
    world_run(20 * SECOND);
    ck_seen(battery, "");
    ck_seen(phases, "a:received; a:failed(state of charge 19 % is at the reserve of 20 %); ");
    world_run(HOUR);
    ck_seen(phases, "");
    ck_seen(owner, "local");
}
END_TEST

START_TEST(guard_ends_a_discharge_whose_state_of_charge_is_stale)
{
    world_open(MODES, SOC, NULL);
    soc("50");
    world_push("a", 10, 3000, .setpoint = 1000);
    world_run(5 * MINUTE - SECOND);
    ck_seen(battery, "inv/w=1000; ");
    world_run(3 * SECOND);
    ck_seen(battery, "inv/w=0; ");
    ck_seen(patches, "a:OK(scheduled); a:FAILED_FAULT(state of charge is too old); ");
    soc("50");
    world_run(2 * SECOND);
    ck_seen(battery, "inv/w=1000; ");
}
END_TEST

START_TEST(guard_gives_values_a_moment_after_a_restart)
{
    world_open(MODES, SOC, NULL);
    soc("50");
    world_push("a", 10, 3000, .setpoint = 1000);
    world_run(20 * SECOND);
    world_restart();
    world_run(30 * SECOND);
    ck_seen(battery, "inv/w=1000; inv/w=1000; ");
    soc("50");
    world_run(MINUTE);
    ck_seen(battery, "");
    world_down();
    world_run(30 * MINUTE); /* nothing can be known meanwhile */
    world_up();
    soc("45");
    world_run(10 * SECOND);
    ck_seen(battery, "inv/w=1000; ");
    ck_seen(phases, "a:received; a:started; ");
}
END_TEST

START_TEST(guard_leaves_other_modes_and_unmapped_batteries_alone)
{
    world_open(MODES, SOC, NULL);
    soc("5");
    world_push("a", 10, 3000, .mode = "CHARGE", .setpoint = 1000);
    world_run(10 * SECOND);
    ck_seen(battery, "inv/w=-1000 20; ");
    world_close();
    world_open(MODES, NULL, NULL);
    world_push("a", 10, 3000, .setpoint = 1000);
    world_run(1000 * SECOND);
    ck_seen(battery, "inv/w=1000; ");
}
END_TEST

START_TEST(guard_is_remembered_over_a_restart)
{
    world_open(MODES, SOC, NULL);
    soc("30");
    world_push("a", 10, 3000, .setpoint = 1000, .reserve = 30);
    world_run(20 * SECOND);
    world_restart();
    soc("31");
    world_run(20 * SECOND);
    ck_seen(battery, "");
    soc("33");
    world_run(2 * SECOND);
    ck_seen(battery, "inv/w=1000; ");
}
END_TEST

SUITE("owner", pause_ends_the_running_command_and_refuses_it,
      commands_that_come_while_paused_are_refused_and_not_revived,
      a_scheduled_command_is_refused_at_its_start_where_still_paused, pause_survives_a_restart,
      pause_is_obeyed_and_restored_also_while_the_clock_is_unset, pause_knows_every_word_for_true_and_false,
      a_bad_pause_is_counted_and_changes_nothing, veto_ends_control_with_its_topic_and_lets_later_ones_go_on,
      veto_holds_until_taken_back_however_old_and_as_a_retained_replay,
      a_veto_is_a_problem_with_its_topic_also_over_restarts_and_failed_commits, a_veto_that_cannot_be_read_is_counted,
      setpoint_and_reserve_are_clamped_and_the_reason_says_so, reserve_floor_holds_where_flip_sends_none,
      learnt_ratings_limit_where_the_configuration_gives_none,
      guard_ends_a_discharge_at_the_reserve_and_goes_on_two_points_above,
      guard_uses_the_floor_where_the_command_has_no_reserve, guard_ends_a_discharge_whose_state_of_charge_is_stale,
      guard_gives_values_a_moment_after_a_restart, guard_leaves_other_modes_and_unmapped_batteries_alone,
      guard_is_remembered_over_a_restart)
