/* What the battery hears: in order, filled in, written on change only, kept up, read back, and true again after every
 * reconnect and restart. Interface, section 2 `control`, Commands 4, 5, clarifications 15, 35, 37. */
#include "suite.h"

START_TEST(templates_know_the_command_the_device_and_the_time)
{
    world_open("{ modes: { DISCHARGE: [ { topic: \"inv/{{ device_id }}\", payload: \"{{ mode }} {{ power_mode }} "
               "{{ setpoint_w | scale(0.001) | round(1) }} {{ setpoint_w | percent_of(4 kW) }} "
               "{{ backup_reserve_percentage }} {{ enable_grid_import | default(\\\"-\\\") }} {{ starts_at | "
               "local(\\\"%H:%M\\\") }} {{ ends_at | local(\\\"%H:%M\\\") }} {{ duration_s | minutes }} {{ remaining_s "
               "}} {{ now }} {{ command_id }} {{ event_id }} {{ site_id }}\" } ] } }",
               NULL, NULL);
    world_push("c1", 60, 3660, .setpoint = 2000, .power_mode = "SETPOINT", .reserve = 20);
    world_run(61 * SECOND);
    ck_seen(battery,
            "inv/xyz-123=DISCHARGE SETPOINT 2 50 20 - 05:01 06:01 60 3600 2026-06-01T12:01:00.000Z c1 event-c1 "
            "abc-789; ");
}
END_TEST

START_TEST(in_order_with_delays_and_retained_only_where_said)
{
    world_open("{ modes: { DISCHARGE: [ { topic: a, payload: \"1\" }, { topic: b, payload: \"2\", delay: 5s },"
               " { topic: c, payload: \"3\", retain: true } ] }, restore: [ { topic: a, payload: \"0\" },"
               " { topic: c, payload: \"\", retain: true, delay: 3s } ] }",
               NULL, NULL);
    world_push("c1", 10, 60);
    world_run(10 * SECOND);
    ck_seen(battery, "a=1; ");
    world_run(5 * SECOND - 1);
    ck_seen(battery, "");
    world_run(1);
    ck_seen(battery, "b=2; !c=3; ");
    world_run(45 * SECOND);
    ck_seen(battery, "a=0; ");
    world_run(3 * SECOND);
    ck_seen(battery, "!c=; ");
}
END_TEST

START_TEST(a_repeated_identical_command_causes_no_second_write)
{
    world_open(SIMPLE, NULL, NULL);
    world_push("a", 10, 60, .setpoint = 1000);
    world_push("b", 60, 90, .setpoint = 1000);
    world_push("c", 70, 80, .setpoint = 1000);
    world_run(85 * SECOND);
    ck_seen(battery, "inv/w=1000; ");
    ck_seen(phases,
            "a:received; b:received; c:received; a:started; a:ended; b:started; b:replaced; c:started; c:ended; "
            "b:started; ");
    world_run(5 * SECOND);
    ck_seen(battery, "inv/w=0; ");
}
END_TEST

START_TEST(a_moved_end_is_written_where_the_battery_knows_the_end)
{
    world_open("{ modes: { DISCHARGE: [ { topic: t, payload: \"{{ remaining_s | minutes }}\" } ] } }", NULL, NULL);
    world_push("a", 10, 610);
    world_run(10 * SECOND);
    ck_seen(battery, "t=10; ");
    world_push("a", 10, 1210, .revision = 1);
    ck_seen(battery, "t=20; ");
    world_run(300 * SECOND);
    world_push("a", 10, 1210, .revision = 2, .device_status = "OK");
    ck_seen(battery, "");
}
END_TEST

START_TEST(what_counts_from_when_it_is_heard_is_written_again_at_every_take_over)
{
    world_open(
        "{ modes: { DISCHARGE: [ { topic: t, payload: \"{{ remaining_s | minutes | offset(0.5) | round(0) }}\" } ],"
        " CHARGE: [ { topic: t, payload: \"{{ duration_s | minutes }}\" } ] } }",
        NULL, NULL);
    world_push("a", 10, 62);
    world_push("b", 34, 75);
    world_run(10 * SECOND);
    ck_seen(battery, "t=1; "); /* holds until 70 */
    world_run(25 * SECOND);
    ck_seen(battery, "t=1; "); /* the same minute by the clock, but it must hold until 75 */
    world_push("b", 34, 85, .revision = 1);
    ck_seen(battery, "t=1; ");
    world_push("b", 34, 85, .revision = 2);
    ck_seen(battery, "");
    world_push("c", 120, 720, .mode = "CHARGE");
    world_push("d", 420, 1020, .mode = "CHARGE");
    world_run(500 * SECOND);
    ck_seen(battery, "t=10; t=10; ");
}
END_TEST

START_TEST(refresh_repeats_while_the_command_runs)
{
    world_open(
        "{ modes: { DISCHARGE: [ { topic: evcc/mode, payload: discharge, refresh: 30s },"
        " { topic: once, payload: \"{{ remaining_s }}\" } ] }, restore: [ { topic: evcc/mode, payload: normal } ] }",
        NULL, NULL);
    world_push("a", 10, 110);
    world_run(200 * SECOND);
    ck_seen(battery, "evcc/mode=discharge; once=100; evcc/mode=discharge; evcc/mode=discharge; evcc/mode=discharge; "
                     "evcc/mode=normal; ");
}
END_TEST

START_TEST(a_lease_is_kept_up_while_a_later_step_waits)
{
    world_open(
        "{ modes: { DISCHARGE: [ { topic: lease, payload: go, refresh: 30s }, { topic: late, payload: x, delay: 70s "
        "} ] } }",
        NULL, NULL);
    world_push("a", 10, 200);
    world_run(95 * SECOND);
    ck_seen(battery, "lease=go; lease=go; lease=go; late=x; ");
}
END_TEST

/* ---- the broker goes and comes ---- */

START_TEST(reconnect_publishes_what_holds_once)
{
    world_open(SIMPLE, NULL, NULL);
    world_push("a", 10, 100, .setpoint = 1000);
    world_run(20 * SECOND);
    ck_seen(battery, "inv/w=1000; ");
    world_down();
    world_run(20 * SECOND);
    world_up();
    world_run(10 * SECOND);
    ck_seen(battery, "inv/w=1000; ");
    ck_seen(owner, "flip DISCHARGE 1000");
}
END_TEST

START_TEST(started_while_away_acts_on_return_and_ended_while_away_restores)
{
    world_open(SIMPLE, NULL, NULL);
    world_push("a", 10, 100, .setpoint = 1000);
    world_down();
    world_run(20 * SECOND);
    world_up();
    ck_seen(battery, "inv/w=1000; ");
    world_down();
    world_run(HOUR);
    world_up();
    world_run(MINUTE);
    ck_seen(battery, "inv/w=0; ");
    ck_seen(owner, "local");
    world_down();
    world_up();
    ck_seen(battery, "");
}
END_TEST

START_TEST(started_and_ended_while_away_leaves_the_battery_alone)
{
    world_open(SIMPLE, NULL, NULL);
    world_push("a", 10, 100, .setpoint = 1000);
    world_down();
    world_run(HOUR);
    world_up();
    world_run(HOUR);
    ck_seen(battery, "");
}
END_TEST

START_TEST(restore_that_the_broker_did_not_take_is_repeated)
{
    world_open(SIMPLE, NULL, NULL);
    world_push("a", 10, 60, .setpoint = 1000);
    world_run(59 * SECOND);
    world_battery();
    /* the publish leaves, the connection breaks before the broker's word */
    w.now.mono_ms += SECOND;
    w.now.wall_ms += SECOND;
    f2m_control_tick(w.control, w.now, w.fx);
    ck_assert_int_eq(f2m_store_commit(w.store), 0);
    f2m_effects_reset(w.fx);
    world_down();
    world_up();
    world_run(SECOND);
    ck_seen(battery, "inv/w=0; ");
}
END_TEST

START_TEST(between_two_with_a_gap_restore_runs_first_after_being_away)
{
    world_open("{ modes: { DISCHARGE: [ { topic: inv/w, payload: \"{{ setpoint_w }}\" } ] },"
               " restore: [ { topic: inv/w, payload: \"0\" }, { topic: inv/x, payload: \"0\", delay: 2s } ] }",
               NULL, NULL);
    world_push("a", 10, 60, .setpoint = 1000);
    world_push("b", 100, 200, .setpoint = 1000);
    world_run(20 * SECOND);
    world_battery();
    world_down();
    world_run(100 * SECOND);
    world_up();
    ck_seen(battery, "inv/w=0; ");
    ck_seen(owner, "flip DISCHARGE 1000");
    world_run(2 * SECOND);
    ck_seen(battery, "inv/x=0; inv/w=1000; ");
}
END_TEST

/* ---- crashes ---- */

START_TEST(restart_publishes_the_running_mode_again)
{
    world_open(SIMPLE, NULL, NULL);
    world_push("a", 10, 100, .setpoint = 1000);
    world_run(20 * SECOND);
    world_restart();
    world_run(10 * SECOND);
    ck_seen(battery, "inv/w=1000; inv/w=1000; ");
    ck_seen(phases, "a:received; a:started; ");
    world_run(100 * SECOND);
    ck_seen(battery, "inv/w=0; ");
}
END_TEST

START_TEST(restart_after_the_end_restores_first)
{
    world_open(SIMPLE, NULL, NULL);
    world_push("a", 10, 100, .setpoint = 1000);
    world_run(20 * SECOND);
    world_kill();
    w.now.mono_ms += HOUR;
    w.now.wall_ms += HOUR;
    world_battery();
    world_start();
    world_up();
    ck_seen(battery, "inv/w=0; ");
    ck_seen(phases, "a:received; a:started; a:ended; ");
    world_restart();
    ck_seen(battery, "");
}
END_TEST

START_TEST(crash_between_commit_and_publish_is_made_right)
{
    world_open(SIMPLE, NULL, NULL);
    world_push("a", 10, 100, .setpoint = 1000);
    w.lose_effects = true;
    world_run(20 * SECOND);
    w.lose_effects = false;
    world_restart();
    ck_seen(battery, "inv/w=1000; ");
    w.lose_effects = true;
    world_run(100 * SECOND);
    w.lose_effects = false;
    world_restart();
    ck_seen(battery, "inv/w=0; ");
}
END_TEST

START_TEST(clean_stop_does_not_restore)
{
    world_open(SIMPLE, NULL, NULL);
    world_push("a", 10, 100, .setpoint = 1000);
    world_run(20 * SECOND);
    world_battery();
    f2m_control_stop(w.control, w.now, w.fx);
    world_turn();
    ck_seen(battery, "");
    ck_assert_int_eq(f2m_control_deadline(w.control, w.now), INT64_MAX);
    world_restart();
    ck_seen(battery, "inv/w=1000; ");
}
END_TEST

/* ---- read-back ---- */

#define CONFIRMED                                                                                                      \
    "{ modes: { DISCHARGE: [ { topic: set/mode, payload: forced, confirm: { topic: state, path: /mode, equals: "       \
    "forced,"                                                                                                          \
    " within: 5s } }, { topic: set/w, payload: \"{{ setpoint_w }}\", confirm: { topic: w, equals: \"{{ setpoint_w "    \
    "}}\","                                                                                                            \
    " within: 5s } } ] }, restore: [ { topic: set/mode, payload: own, confirm: { topic: state, path: /mode, equals:"   \
    " own, within: 5s } } ] }"

START_TEST(confirm_waits_for_the_read_back_before_the_next_publish)
{
    world_open(CONFIRMED, NULL, NULL);
    world_push("a", 10, 100, .setpoint = 1000);
    world_run(12 * SECOND);
    ck_seen(battery, "set/mode=forced; ");
    world_message("state", "{\"mode\":\"own\"}", false);
    ck_seen(battery, "");
    world_message("state", "{\"mode\":\"forced\"}", false);
    ck_seen(battery, "set/w=1000; ");
    world_message("w", "1000.0", false);
    world_run(30 * SECOND);
    ck_seen(battery, "");
    ck_seen(phases, "a:received; a:started; ");
    ck_seen(patches, "a:OK(scheduled); ");
}
END_TEST

START_TEST(confirm_failing_after_its_tries_is_answered_and_restored)
{
    world_open(CONFIRMED, NULL, NULL);
    world_push("a", 10, 1000, .setpoint = 1000);
    world_run(24 * SECOND);
    ck_seen(battery, "set/mode=forced; set/mode=forced; set/mode=forced; ");
    world_message("state", "{\"mode\":\"eco\"}", false);
    world_run(SECOND);
    ck_seen(battery, "set/mode=own; ");
    ck_seen(phases, "a:received; a:started; a:failed(not confirmed: state shows 'eco', expected 'forced'); ");
    ck_seen(patches, "a:OK(scheduled); a:FAILED_FAULT(not confirmed: state shows 'eco', expected 'forced'); ");
    ck_seen(owner, "local");
    world_message("state", "{\"mode\":\"own\"}", false);
    world_run(HOUR);
    ck_seen(battery, "");
}
END_TEST

START_TEST(a_restore_that_is_not_confirmed_is_tried_again)
{
    world_open(CONFIRMED, NULL, NULL);
    world_push("a", 10, 100, .setpoint = 1000);
    world_run(10 * SECOND);
    world_message("state", "{\"mode\":\"forced\"}", false);
    world_message("w", "1000", false);
    world_run(90 * SECOND);
    world_battery();
    world_run(20 * SECOND);
    ck_seen(battery, "set/mode=own; set/mode=own; ");
    ck_seen(problems, "xyz-123: restore: not confirmed: state shows 'forced', expected 'own'; ");
    world_run(60 * SECOND);
    ck_assert(strstr(world_battery(), "set/mode=own; "));
    world_message("state", "{\"mode\":\"own\"}", false);
    ck_seen(problems, "");
    world_run(HOUR);
    ck_seen(battery, "");
}
END_TEST

START_TEST(a_retained_state_that_is_so_already_confirms)
{
    world_open(CONFIRMED, NULL, NULL);
    world_message("state", "{\"mode\":\"forced\"}", true);
    world_push("a", 10, 100, .setpoint = 1000);
    world_run(10 * SECOND);
    ck_seen(battery, "set/mode=forced; set/w=1000; ");
}
END_TEST

START_TEST(an_old_event_does_not_confirm)
{
    world_open(CONFIRMED, NULL, NULL);
    world_message("state", "{\"mode\":\"forced\"}", false);
    world_push("a", 10, 100, .setpoint = 1000);
    world_run(12 * SECOND);
    ck_seen(battery, "set/mode=forced; ");
}
END_TEST

static void collect(void *ctx, const char *filter)
{
    f2m_strbuf_addf(ctx, "%s ", filter);
}

START_TEST(confirm_topics_may_be_templates_and_all_are_listened_on)
{
    f2m_autostrbuf filters;

    f2m_strbuf_init(&filters, 0);
    world_open("{ veto: house/grid_lost, modes: { DISCHARGE: [ { topic: s, payload: \"1\", confirm: { topic: \"r/{{ "
               "command_id }}/x\", equals: OK, within: 5s } } ] } }",
               NULL, NULL);
    f2m_control_filters(w.control, collect, &filters);
    ck_assert_str_eq(filters.data, "house/grid_lost r/+/x ");
    world_push("a", 10, 100);
    world_run(10 * SECOND);
    world_message("r/b/x", "OK", false);
    ck_assert(!f2m_control_settled(w.control, "xyz-123"));
    world_run(4 * SECOND);
    world_message("r/a/x", "OK", false);
    ck_assert(f2m_control_settled(w.control, "xyz-123"));
    world_run(MINUTE);
    ck_seen(battery, "s=1; ");
}
END_TEST

SUITE("battery", templates_know_the_command_the_device_and_the_time, in_order_with_delays_and_retained_only_where_said,
      a_repeated_identical_command_causes_no_second_write, a_moved_end_is_written_where_the_battery_knows_the_end,
      what_counts_from_when_it_is_heard_is_written_again_at_every_take_over, refresh_repeats_while_the_command_runs,
      a_lease_is_kept_up_while_a_later_step_waits, reconnect_publishes_what_holds_once,
      started_while_away_acts_on_return_and_ended_while_away_restores,
      started_and_ended_while_away_leaves_the_battery_alone, restore_that_the_broker_did_not_take_is_repeated,
      between_two_with_a_gap_restore_runs_first_after_being_away, restart_publishes_the_running_mode_again,
      restart_after_the_end_restores_first, crash_between_commit_and_publish_is_made_right, clean_stop_does_not_restore,
      confirm_waits_for_the_read_back_before_the_next_publish, confirm_failing_after_its_tries_is_answered_and_restored,
      a_restore_that_is_not_confirmed_is_tried_again, a_retained_state_that_is_so_already_confirms,
      an_old_event_does_not_confirm, confirm_topics_may_be_templates_and_all_are_listened_on)
