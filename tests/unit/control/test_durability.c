/* What the store did not take did not happen; a new configuration changes what it says and nothing else; a rehearsal
 * goes the same way without Flip. Interface, section 1, clarification 20. */
#include "suite.h"

#include <errno.h>

#define LEASED                                                                                                         \
    "{ modes: { DISCHARGE: [ { topic: inv/w, payload: \"{{ setpoint_w }}\", refresh: 60s } ] },"                       \
    " restore: [ { topic: inv/w, payload: \"0\" } ] }"

START_TEST(a_start_that_is_not_stored_does_not_happen_until_it_is)
{
    world_open(LEASED, NULL, NULL);
    world_push("a", 10, 100, .setpoint = 1000);
    world_phases();
    w.commit_fails = true;
    world_run(20 * SECOND);
    ck_seen(battery, "");
    ck_seen(phases, "");
    ck_seen(owner, "local");
    w.commit_fails = false;
    world_run(20 * SECOND);
    ck_seen(battery, "inv/w=1000; ");
    ck_seen(phases, "a:started; ");
    ck_seen(owner, "flip DISCHARGE 1000");
}
END_TEST

START_TEST(an_end_that_is_not_stored_is_made_good)
{
    world_open(LEASED, NULL, NULL);
    world_push("a", 10, 30, .setpoint = 1000);
    world_run(20 * SECOND);
    world_battery();
    w.commit_fails = true;
    world_run(20 * SECOND);
    ck_seen(battery, "");
    w.commit_fails = false;
    world_run(20 * SECOND);
    ck_seen(battery, "inv/w=0; ");
    world_run(HOUR);
    ck_seen(battery, "");
}
END_TEST

START_TEST(a_command_that_is_not_stored_is_taken_from_the_next_poll)
{
    world_open(LEASED, NULL, NULL);
    world_list({"a", 200, 300, .setpoint = 1000});
    w.commit_fails = true;
    f2m_control_poll_now(w.control);
    world_run(90 * SECOND);
    ck_seen(phases, "");
    ck_seen(patches, ""); /* OK means stored */
    w.commit_fails = false;
    world_run(61 * SECOND);
    ck_seen(phases, "a:received; ");
    ck_seen(patches, "a:OK(scheduled); ");
}
END_TEST

START_TEST(a_store_that_refuses_a_webhook_is_told_to_the_caller)
{
    world_open(LEASED, NULL, NULL);
    f2m_fault_store_fail(w.store, F2M_FAULT_RECORD_PUT, 1, -ENOSPC, false);
    ck_assert_int_eq(world_push("a", 200, 300, .setpoint = 1000), -ENOSPC);
    ck_seen(phases, "");
    world_run(2 * SECOND);
    ck_assert_int_eq(world_push("a", 200, 300, .setpoint = 1000), 0);
    ck_seen(phases, "a:received; ");
}
END_TEST

START_TEST(every_failing_store_call_is_survived)
{
    world_open(LEASED, NULL, NULL);
    for (int64_t nth = 1; nth < 40; nth++) {
        f2m_fault_store_fail(w.store, F2M_FAULT_ANY, nth, -EIO, false);
        int64_t start = (w.now.wall_ms - NOON) / SECOND + 5;
        char id[16];
        snprintf(id, sizeof id, "c%d", (int)nth);
        struct spec spec = {id, start, start + 20, .setpoint = 1000};
        world_push_spec(&spec);
        world_run(2 * SECOND);
        world_push_spec(&spec); /* delivered again after 503 */
        world_run(120 * SECOND);
        f2m_fault_store_heal(w.store);
        ck_assert_str_eq(world_owner(), "local");
        const char *battery = world_battery();
        ck_assert_msg(strlen(battery) > 8 && strcmp(battery + strlen(battery) - 9, "inv/w=0; ") == 0, "%d: %s",
                      (int)nth, battery);
    }
}
END_TEST

START_TEST(finished_commands_are_forgotten_after_a_week)
{
    world_open(LEASED, NULL, NULL);
    world_push("a", 10, 30, .setpoint = 1000);
    world_run(HOUR);
    ck_assert_ptr_nonnull(f2m_control_phase(w.control, "a", NULL));
    world_sleep(8 * 24 * HOUR);
    world_run(2 * HOUR);
    ck_assert_ptr_null(f2m_control_phase(w.control, "a", NULL));
    world_restart();
    ck_assert_ptr_null(f2m_control_phase(w.control, "a", NULL));
}
END_TEST

START_TEST(a_clock_that_jumps_ahead_makes_no_command_forgotten)
{
    world_open("{ acknowledge: off, modes: { DISCHARGE: [ { topic: inv/w, payload: \"1\" } ] } }", NULL, NULL);
    world_pause("ON");
    world_push("a", 10, 5 * HOUR / SECOND, .setpoint = 1000);
    world_pause("OFF");
    world_step_clock(30 * 24 * HOUR);
    world_run(2 * HOUR);
    world_step_clock(-30 * 24 * HOUR);
    world_list({"a", 10, 5 * HOUR / SECOND, .setpoint = 1000});
    world_run(2 * MINUTE);
    ck_seen(battery, ""); /* refused is refused */
    ck_seen(phases, "a:rejected(paused by owner); ");
}
END_TEST

START_TEST(what_flip_still_shows_is_not_forgotten)
{
    world_open(LEASED, NULL, NULL);
    world_list({"a", 10, 0, .setpoint = 1000, .device_status = "OK"},
               {"b", 100, 200, .setpoint = 2000, .device_status = "OK"});
    f2m_control_poll_now(w.control);
    world_run(HOUR);
    ck_seen(owner, "local");
    world_battery();
    world_sleep(8 * 24 * HOUR);
    world_run(2 * HOUR);
    ck_seen(battery, ""); /* an open-ended one that was replaced does not come back */
    ck_seen(phases, "a:received; b:received; a:started; a:replaced; b:started; b:ended; ");
    world_list_specs(NULL, 0);
    world_run(2 * HOUR);
    ck_assert_ptr_null(f2m_control_phase(w.control, "a", NULL));
}
END_TEST

START_TEST(where_a_command_stands_is_told_when_the_broker_is_back_also_after_a_restart)
{
    world_open(SIMPLE, NULL, NULL);
    world_push("a", 10, 20, .setpoint = 1000);
    world_push("b", 200, 300, .setpoint = 1000);
    world_phases();
    world_down();
    world_run(30 * SECOND);
    world_push("c", 400, 500, .setpoint = 1000);
    world_kill();
    world_start();
    ck_seen(phases, "");
    world_up();
    ck_seen(phases, "a:ended; c:received; "); /* nothing of a's start, which is over */
    world_down();
    world_up();
    ck_seen(phases, "");
}
END_TEST

/* ---- reload ---- */

static void reload(const char *control)
{
    char *yaml = world_yaml(control, NULL, NULL);
    struct f2m_config *old = w.config;

    w.config = world_load(yaml);
    free(yaml);
    f2m_cloud_reload(w.cloud, w.config);
    f2m_outbox_reload(w.outbox, w.config);
    f2m_telemetry_reload(w.telemetry, w.now, w.config, w.fx);
    f2m_control_reload(w.control, w.now, w.config, w.fx);
    f2m_config_free(old);
    world_turn();
}

START_TEST(reload_without_a_change_writes_leases_alone_which_go_on)
{
    world_open(LEASED, NULL, NULL);
    world_push("a", 10, 500, .setpoint = 1000);
    world_run(60 * SECOND);
    world_battery();
    reload(LEASED);
    ck_seen(battery, "inv/w=1000; "); /* at once: nobody knows how old the lease is */
    world_run(61 * SECOND);
    ck_seen(battery, "inv/w=1000; ");
    ck_seen(phases, "a:received; a:started; ");
}
END_TEST

START_TEST(reload_without_a_change_writes_nothing)
{
    world_open(SIMPLE, NULL, NULL);
    world_push("a", 10, 500, .setpoint = 1000);
    world_run(60 * SECOND);
    world_battery();
    reload(SIMPLE);
    world_run(61 * SECOND);
    ck_seen(battery, "");
}
END_TEST

START_TEST(reload_goes_on_with_what_nobody_heard_yet)
{
    world_open(SIMPLE, NULL, NULL);
    w.unheard[0] = "inv/w";
    world_push("a", 10, 500, .setpoint = 1000);
    world_run(20 * SECOND);
    world_battery();
    reload(SIMPLE);
    w.unheard[0] = NULL;
    world_run(10 * SECOND);
    ck_seen(battery, "inv/w=1000; inv/w=1000; ");
}
END_TEST

START_TEST(reload_with_other_modes_writes_what_holds_now)
{
    world_open(LEASED, NULL, NULL);
    world_push("a", 10, 500, .setpoint = 1000);
    world_run(20 * SECOND);
    world_battery();
    reload("{ modes: { DISCHARGE: [ { topic: other, payload: \"{{ setpoint_w }}\" } ] },"
           " restore: [ { topic: other, payload: \"0\" } ] }");
    ck_seen(battery, "other=1000; ");
    world_run(500 * SECOND);
    ck_seen(battery, "other=0; ");
}
END_TEST

START_TEST(reload_that_drops_the_mode_refuses_and_restores)
{
    world_open(LEASED, NULL, NULL);
    world_push("a", 10, 500, .setpoint = 1000);
    world_run(20 * SECOND);
    world_battery();
    reload("{ modes: { CHARGE: [] }, restore: [ { topic: inv/w, payload: \"0\" } ] }");
    ck_seen(battery, "inv/w=0; ");
    ck_seen(patches, "a:OK(scheduled); a:FAILED_FAULT(not possible: mode DISCHARGE is not configured); ");
}
END_TEST

START_TEST(reload_without_the_device_releases_the_battery)
{
    world_open(LEASED, NULL, NULL);
    world_push("a", 10, 500, .setpoint = 1000);
    world_run(20 * SECOND);
    world_battery();
    char *yaml = world_yaml(LEASED, NULL, NULL), *at = strstr(yaml, "id: xyz-123");
    memcpy(at, "id: abc-123", 11);
    struct f2m_config *old = w.config;
    w.config = world_load(yaml);
    free(yaml);
    f2m_cloud_reload(w.cloud, w.config);
    f2m_outbox_reload(w.outbox, w.config);
    f2m_telemetry_reload(w.telemetry, w.now, w.config, w.fx);
    f2m_control_reload(w.control, w.now, w.config, w.fx);
    f2m_config_free(old);
    world_turn();
    ck_seen(battery, "inv/w=0; ");
    ck_assert_ptr_null(f2m_control_phase(w.control, "a", NULL));
}
END_TEST

/* The device is another bridge's now: what it is told there is no business of ours. */
static void restart_without_the_device(const char *flip)
{
    char *yaml = world_yaml(LEASED, NULL, flip), *at = strstr(yaml, "id: xyz-123");

    memcpy(at, "id: abc-123", 11);
    world_kill();
    f2m_config_free(w.config);
    w.config = world_load(yaml);
    free(yaml);
    world_start();
    world_up();
}

START_TEST(what_was_known_of_a_device_that_went_while_the_bridge_was_down_is_forgotten)
{
    world_open(LEASED, NULL, NULL);
    world_push("scheduled", 1000, 2000, .setpoint = 1000);
    world_push("over", -100, -50, .setpoint = 1000);
    w.patch_status = 503;
    world_push("unanswered", 3000, 4000, .setpoint = 1000);
    world_patches();
    w.patch_status = 200;
    restart_without_the_device(NULL);
    world_list({"scheduled", 1000, 2000, .setpoint = 1000, .revision = 7},
               {"over", -100, -50, .setpoint = 1000, .status = "CANCELED", .revision = 8},
               {"unanswered", 3000, 4500, .setpoint = 1000, .revision = 9});
    world_run(2 * HOUR);
    ck_seen(patches, "");
    ck_seen(battery, "");
    ck_assert_ptr_null(f2m_control_phase(w.control, "scheduled", NULL));
    ck_assert_uint_eq(w.counters.unknown_commands, 3);
}
END_TEST

START_TEST(a_device_that_went_while_the_bridge_was_down_is_answered_for_where_unknown_ones_are)
{
    world_open(LEASED, NULL, NULL);
    world_push("scheduled", 1000, 2000, .setpoint = 1000);
    world_patches();
    world_list({"scheduled", 1000, 2000, .setpoint = 1000, .revision = 7});
    restart_without_the_device("unknown_devices: reject");
    world_run(10 * SECOND);
    ck_seen(patches, "scheduled:FAILED_FAULT(unknown device); ");
}
END_TEST

START_TEST(reload_that_stops_answering_withdraws_what_flip_has_not_heard)
{
    world_open(NULL, NULL, NULL);
    w.patch_status = 503;
    world_push("a", 100, 500, .setpoint = 1000);
    world_run(SECOND);
    world_patches();
    reload("{ acknowledge: off }");
    w.patch_status = 200;
    world_run(HOUR);
    ck_seen(patches, "");
    world_restart();
    world_run(HOUR);
    ck_seen(patches, "");
}
END_TEST

START_TEST(reload_keeps_pause_veto_and_open_questions)
{
    static const char with_veto[] = "{ acknowledge: integration, acknowledge_timeout: 30s, veto: { topic: v } }";

    world_open(with_veto, NULL, NULL);
    world_push("a", 100, 500, .setpoint = 1000);
    world_message("v", "true", false);
    world_pause("ON");
    reload(with_veto);
    world_run(31 * SECOND);
    ck_seen(patches, "a:FAILED_OFFLINE(no answer from the integration within 30 s); ");
    world_push("b", 100, 500, .setpoint = 1000);
    ck_seen(patches, "b:FAILED_FAULT(paused by owner); ");
    world_pause("OFF");
    world_push("c", 100, 500, .setpoint = 1000);
    ck_seen(patches, "c:FAILED_FAULT(veto: v); ");
}
END_TEST

/* ---- rehearsal ---- */

START_TEST(rehearsal_goes_the_same_way_without_flip)
{
    char id[F2M_REHEARSAL_ID_SIZE];
    const char *reason;
    struct f2m_err err;
    struct f2m_rehearsal r = {"xyz-123", F2M_MODE_DISCHARGE, "SETPOINT", 2000, 20, 60000};

    world_open(LEASED, NULL, NULL);
    world_close();
    char *yaml = world_yaml(LEASED, NULL, NULL);
    world_open_yaml(yaml);
    free(yaml);
    f2m_control_free(w.control);
    f2m_cloud_free(w.cloud);
    w.cloud = NULL;
    w.rehearsal = true;
    f2m_telemetry_free(w.telemetry);
    f2m_outbox_free(w.outbox);
    world_start();
    world_up();
    ck_assert_int_eq(f2m_control_rehearse(w.control, w.now, &r, id, w.fx, &err), 0);
    world_turn();
    ck_assert(strncmp(id, "rehearsal-", 10) == 0);
    ck_seen(battery, "inv/w=2000; ");
    ck_assert_str_eq(f2m_control_phase(w.control, id, &reason), "started");
    world_run(60 * SECOND);
    ck_assert_str_eq(f2m_control_phase(w.control, id, &reason), "ended");
    ck_assert_str_eq(reason, "");
    ck_seen(battery, "inv/w=0; ");
    ck_assert(f2m_control_settled(w.control, "xyz-123"));
    ck_assert_uint_eq(w.polls + w.patched, 0);
    r.mode = F2M_MODE_CHARGE;
    ck_assert_int_eq(f2m_control_rehearse(w.control, w.now, &r, NULL, w.fx, &err), -EINVAL);
    ck_assert_str_eq(err.text, "not possible: mode CHARGE/SETPOINT is not configured");
    r.device_id = "nobody";
    ck_assert_int_eq(f2m_control_rehearse(w.control, w.now, &r, NULL, w.fx, &err), -EINVAL);
    ck_assert_str_eq(err.text, "device nobody is not configured");
}
END_TEST

SUITE("durability", a_start_that_is_not_stored_does_not_happen_until_it_is, an_end_that_is_not_stored_is_made_good,
      a_command_that_is_not_stored_is_taken_from_the_next_poll, a_store_that_refuses_a_webhook_is_told_to_the_caller,
      every_failing_store_call_is_survived, finished_commands_are_forgotten_after_a_week,
      a_clock_that_jumps_ahead_makes_no_command_forgotten, what_flip_still_shows_is_not_forgotten,
      where_a_command_stands_is_told_when_the_broker_is_back_also_after_a_restart,
      reload_without_a_change_writes_leases_alone_which_go_on, reload_without_a_change_writes_nothing,
      reload_goes_on_with_what_nobody_heard_yet, reload_with_other_modes_writes_what_holds_now,
      reload_that_drops_the_mode_refuses_and_restores, reload_without_the_device_releases_the_battery,
      what_was_known_of_a_device_that_went_while_the_bridge_was_down_is_forgotten,
      a_device_that_went_while_the_bridge_was_down_is_answered_for_where_unknown_ones_are,
      reload_that_stops_answering_withdraws_what_flip_has_not_heard, reload_keeps_pause_veto_and_open_questions,
      rehearsal_goes_the_same_way_without_flip)
