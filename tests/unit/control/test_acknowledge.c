/* Flip gets a truthful answer to each question, once, well before 15 minutes, and also after a crash. Interface,
 * Commands 1, 2, clarifications 13, 14, 25, 37; Flip: State machines and timing. */
#include "suite.h"

#include <errno.h>

#define MODES "{ modes: { DISCHARGE: [ { topic: inv/w, payload: \"{{ setpoint_w }}\" } ] }, restore: [] }"
#define WITH_AVAILABILITY                                                                                              \
    "{ endpoint: \"off\", availability: { topic: inv/LWT } }" /* online: online, offline: offline */

START_TEST(scheduled_waits_for_an_offline_device)
{
    world_open(MODES, WITH_AVAILABILITY, NULL);
    world_message("inv/LWT", "offline", false);
    world_push("a", 3600, 7200, .setpoint = 1000);
    world_run(9 * MINUTE);
    ck_seen(patches, "");
    world_message("inv/LWT", "online", false);
    world_run(2 * SECOND);
    ck_seen(patches, "a:OK(scheduled); ");
}
END_TEST

START_TEST(scheduled_offline_until_the_timeout_is_told_and_not_executed_before_it_is_back)
{
    world_open(MODES, WITH_AVAILABILITY, NULL);
    world_message("inv/LWT", "offline", false);
    world_push("a", 900, 7200, .setpoint = 1000);
    world_run(10 * MINUTE - SECOND);
    ck_seen(patches, "");
    world_run(2 * SECOND);
    ck_seen(patches, "a:FAILED_OFFLINE(the device is offline); ");
    world_run(10 * MINUTE);
    ck_seen(battery, "");
    world_message("inv/LWT", "online", false);
    world_run(2 * SECOND);
    ck_seen(patches, "a:OK(scheduled); ");
    ck_seen(battery, "inv/w=1000; ");
}
END_TEST

START_TEST(integration_passes_on_what_it_says)
{
    static const struct {
        const char *message, *patches, *phases;
    } rows[] = {
        {"{\"id\":\"a\",\"device_status\":\"OK\",\"reason\":\"armed\"}", "a:OK(armed); ", ""},
        {"{\"id\":\"a\",\"device_status\":\"OK\"}", "a:OK(scheduled); ", ""},
        {"{\"id\":\"a\",\"device_status\":\"OK\",\"reason\":null}", "a:OK(scheduled); ", ""},
        {"{\"id\":\"a\",\"device_status\":\"FAILED_OFFLINE\",\"reason\":\"no link\"}", "a:FAILED_OFFLINE(no link); ",
         ""},
        {"{\"id\":\"a\",\"device_status\":\"FAILED_FAULT\",\"reason\":\"alarm 7\"}", "a:FAILED_FAULT(alarm 7); ",
         "a:rejected(alarm 7); "},
        {"{\"id\":\"a\",\"device_status\":\"FAILED\"}", "", ""},
        {"{\"id\":\"b\",\"device_status\":\"OK\"}", "", ""},
        {"{\"id\":\"a\",\"device_status\":\"OK\",\"reason\":5}", "", ""},
        {"OK", "", ""},
        {"[]", "", ""},
        {"", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        world_open("{ acknowledge: integration }", NULL, NULL);
        world_push("a", 3600, 7200, .setpoint = 1000);
        world_phases();
        ck_seen(patches, "");
        world_ack(rows[i].message);
        ck_assert_msg(strcmp(w.patches.data, rows[i].patches) == 0, "%s: %s", rows[i].message, w.patches.data);
        ck_assert_msg(strcmp(w.phases.data, rows[i].phases) == 0, "%s: %s", rows[i].message, w.phases.data);
        ck_assert_uint_eq(w.counters.invalid, rows[i].patches[0] == '\0');
        if (i + 1 < sizeof rows / sizeof *rows)
            world_close();
    }
}
END_TEST

START_TEST(integration_silent_until_the_timeout_and_a_late_answer_is_sent_on)
{
    world_open("{ acknowledge: integration, acknowledge_timeout: 30s }", NULL, NULL);
    world_push("a", 3600, 7200, .setpoint = 1000);
    world_run(29 * SECOND);
    ck_seen(patches, "");
    world_run(2 * SECOND);
    ck_seen(patches, "a:FAILED_OFFLINE(no answer from the integration within 30 s); ");
    world_run(MINUTE);
    world_ack("{\"id\":\"a\",\"device_status\":\"OK\",\"reason\":\"here now\"}");
    ck_seen(patches, "a:OK(here now); ");
    world_run(HOUR);
    ck_seen(phases, "a:received; a:started; ");
    world_run(2 * HOUR);
    world_patches();
    world_ack("{\"id\":\"a\",\"device_status\":\"OK\",\"reason\":\"too late\"}");
    ck_seen(patches, "");
}
END_TEST

START_TEST(timeout_ends_before_flip_loses_patience)
{
    world_open("{ acknowledge: integration, acknowledge_timeout: 890s }", NULL, NULL);
    /* updated_at is 3 minutes old when we see it */
    world_push("a", 3600, 7200, .setpoint = 1000, .revision = 3600 - 180);
    world_run(11 * MINUTE - SECOND);
    ck_seen(patches, "");
    world_run(2 * SECOND);
    ck_seen(patches, "a:FAILED_OFFLINE(no answer from the integration within 890 s); ");
}
END_TEST

START_TEST(timeout_goes_on_over_a_restart)
{
    world_open("{ acknowledge: integration, acknowledge_timeout: 60s }", NULL, NULL);
    world_push("a", 3600, 7200, .setpoint = 1000);
    world_run(40 * SECOND);
    world_kill();
    world_start();
    world_up();
    world_run(19 * SECOND);
    ck_seen(patches, "");
    world_run(2 * SECOND);
    ck_seen(patches, "a:FAILED_OFFLINE(no answer from the integration within 60 s); ");
}
END_TEST

START_TEST(integration_reports_a_fault_while_running)
{
    world_open("{ acknowledge: integration }", NULL, NULL);
    world_push("a", 10, 7200, .setpoint = 1000);
    world_ack("{\"id\":\"a\",\"device_status\":\"OK\"}");
    world_run(20 * SECOND);
    ck_seen(owner, "flip DISCHARGE 1000");
    world_ack("{\"id\":\"a\",\"device_status\":\"FAILED_FAULT\",\"reason\":\"alarm\"}");
    ck_seen(owner, "local");
    ck_seen(phases, "a:received; a:started; a:failed(alarm); ");
    ck_seen(patches, "a:OK(scheduled); a:FAILED_FAULT(alarm); ");
}
END_TEST

START_TEST(off_executes_and_never_answers)
{
    world_open("{ acknowledge: \"off\", modes: { DISCHARGE: [ { topic: inv/w, payload: \"1\" } ] } }", NULL, NULL);
    world_push("a", 10, 60, .setpoint = 1000);
    world_push("b", 10, 60, .mode = "NAP");
    world_run(HOUR);
    ck_seen(patches, "");
    ck_assert_uint_eq(w.patched, 0);
    ck_seen(battery, "inv/w=1; ");
    ck_seen(phases, "a:received; b:rejected(not possible: unknown mode NAP); a:started; a:ended; ");
}
END_TEST

START_TEST(observe_shows_and_neither_publishes_nor_answers)
{
    world_open("{ observe: true, modes: { DISCHARGE: [ { topic: inv/w, payload: \"1\" } ] },"
               " restore: [ { topic: inv/w, payload: \"0\" } ] }",
               NULL, NULL);
    world_push("a", 10, 60, .setpoint = 1000);
    world_run(20 * SECOND);
    ck_seen(owner, "flip DISCHARGE 1000");
    ck_assert(world_logged("command started (only observed)"));
    world_run(HOUR);
    ck_seen(owner, "local");
    ck_seen(battery, "");
    ck_seen(phases, "");
    ck_seen(patches, "");
}
END_TEST

START_TEST(not_possible_is_answered_and_never_executed)
{
    static const struct {
        const char *what, *reason;
        struct spec spec;
    } rows[] = {
        {"mode", "not possible: unknown mode NAP", {"a", 10, 60, .mode = "NAP"}},
        {"power mode", "not possible: unknown power_mode WILD", {"a", 10, 60, .power_mode = "WILD"}},
        {"not configured", "not possible: mode CHARGE is not configured", {"a", 10, 60, .mode = "CHARGE"}},
        {"template",
         "not possible: setpoint_w has no value, and the template no default",
         {"a", 10, 60, .mode = "DISCHARGE"}},
        {"status", "not possible: unknown status MAYBE", {"a", 10, 60, .setpoint = 5, .status = "MAYBE"}},
        {"order", "not possible: it ends before it starts", {"a", 60, 10, .setpoint = 5}},
        {"setpoint", "not possible: SETPOINT without a setpoint_w above 0", {"a", 10, 60, .power_mode = "SETPOINT"}},
        {"negative", "not possible: setpoint_w out of range: -5", {"a", 10, 60, .setpoint = -5}},
        {"reserve",
         "not possible: backup_reserve_percentage out of range: 101",
         {"a", 10, 60, .setpoint = 5, .reserve = 101}},
    };
    char expected[256];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        world_open(MODES, NULL, NULL);
        world_push_spec(&rows[i].spec);
        snprintf(expected, sizeof expected, "a:FAILED_FAULT(%s); ", rows[i].reason);
        ck_assert_msg(strcmp(w.patches.data, expected) == 0, "%s: %s", rows[i].what, w.patches.data);
        world_run(HOUR);
        ck_assert_msg(w.battery.len == 0, "%s: %s", rows[i].what, w.battery.data);
        ck_assert_msg(strcmp(w.patches.data, expected) == 0, "%s: %s", rows[i].what, w.patches.data);
        if (i + 1 < sizeof rows / sizeof *rows)
            world_close();
    }
}
END_TEST

START_TEST(no_modes_at_all_is_ok_and_control_tells_the_integration)
{
    world_open("{}", NULL, NULL);
    world_push("a", 10, 60, .mode = "STANDBY");
    ck_seen(patches, "a:OK(scheduled); ");
    world_run(10 * SECOND);
    ck_seen(owner, "flip STANDBY");
}
END_TEST

START_TEST(the_longer_key_of_modes_comes_first)
{
    world_open("{ modes: { DISCHARGE: [ { topic: inv, payload: any } ],"
               " DISCHARGE/FOLLOW_LOAD: [ { topic: inv, payload: follow } ] } }",
               NULL, NULL);
    world_push("a", 10, 20, .power_mode = "FOLLOW_LOAD");
    world_push("b", 20, 30, .power_mode = "SETPOINT", .setpoint = 1000);
    world_push("c", 30, 40, .mode = "DISCHARGE");
    world_run(MINUTE);
    ck_seen(battery, "inv=follow; inv=any; ");
}
END_TEST

START_TEST(patch_that_fails_is_retried_and_survives_a_restart)
{
    world_open(MODES, NULL, NULL);
    w.patch_status = 500;
    world_push("a", 3600, 7200, .setpoint = 1000);
    world_run(30 * SECOND);
    ck_assert_uint_gt(w.patched, 2);
    world_restart();
    world_patches();
    w.patch_status = 200;
    world_run(5 * MINUTE);
    ck_seen(patches, "a:OK(scheduled); ");
    unsigned patched = w.patched;
    world_restart();
    world_run(HOUR / 2);
    ck_assert_uint_eq(w.patched, patched);
}
END_TEST

START_TEST(lost_answer_is_sent_again)
{
    world_open(MODES, NULL, NULL);
    w.patch_status = 0;
    world_push("a", 3600, 7200, .setpoint = 1000);
    w.patch_status = 200;
    world_patches();
    world_run(10 * SECOND);
    ck_seen(patches, "a:OK(scheduled); ");
}
END_TEST

START_TEST(the_latest_status_wins)
{
    world_open(MODES, NULL, NULL);
    w.patch_status = 503;
    world_push("a", 3600, 7200, .setpoint = 1000);
    world_push("a", 3600, 7200, .setpoint = 1000, .status = "CANCELED", .revision = 1);
    w.patch_status = 200;
    world_patches();
    world_run(10 * MINUTE);
    ck_seen(patches, "a:OK(canceled); ");
}
END_TEST

START_TEST(the_latest_status_wins_also_while_one_is_under_way)
{
    world_open(MODES, NULL, NULL);
    w.flip_silent = true;
    world_push("a", 3600, 7200, .setpoint = 1000);
    world_push("a", 3600, 7200, .setpoint = 1000, .status = "CANCELED", .revision = 1);
    ck_seen(patches, "a:OK(scheduled); ");
    for (size_t i = 0; i < w.flying_len; i++)
        if (w.flying[i].patch)
            world_answer(i, 200, "{\"id\":\"a\"}");
    ck_seen(patches, "a:OK(canceled); ");
}
END_TEST

START_TEST(refused_for_good_is_told_once_and_not_repeated)
{
    static const int statuses[] = {404, 409, 422, 400};

    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        world_open(MODES, NULL, NULL);
        w.patch_status = statuses[i];
        world_list({"a", 3600, 7200, .setpoint = 1000});
        world_run(10 * MINUTE);
        ck_assert_uint_eq(w.patched, 1);
        ck_assert(world_logged("Flip refuses the acknowledgement"));
        if (i + 1 < sizeof statuses / sizeof *statuses)
            world_close();
    }
}
END_TEST

START_TEST(whenever_flip_shows_pending_again_it_is_answered_again)
{
    world_open(MODES, NULL, NULL);
    world_list({"a", 3600, 7200, .setpoint = 1000});
    f2m_control_poll_now(w.control);
    world_run(SECOND);
    world_run(61 * SECOND); /* still PENDING in a poll that began after our PATCH ended: it got lost at Flip's */
    ck_seen(patches, "a:OK(scheduled); a:OK(scheduled); ");
    world_list({"a", 3600, 7200, .setpoint = 1000, .device_status = "OK"});
    world_run(10 * MINUTE);
    ck_seen(patches, "");
    world_list({"a", 3600, 7200, .setpoint = 1000, .revision = 9});
    world_run(61 * SECOND);
    ck_seen(patches, "a:OK(scheduled); ");
}
END_TEST

START_TEST(a_poll_that_began_before_our_patch_ended_is_no_question)
{
    world_open(MODES, NULL, NULL);
    w.flip_silent = true;
    world_run(61 * SECOND);
    world_push("a", 3600, 7200, .setpoint = 1000);
    ck_seen(patches, "a:OK(scheduled); ");
    size_t patch = w.flying[0].patch ? 0 : 1;
    ck_assert_uint_eq(w.flying_len, 2);
    world_answer(patch, 200, "{\"id\":\"a\",\"updated_at\":\"2026-06-01T12:00:30Z\"}");
    char list[2048];
    snprintf(list, sizeof list, "[%s]", world_command(&(struct spec){"a", 3600, 7200, .setpoint = 1000}));
    world_answer(0, 200, list);
    world_run(SECOND);
    ck_seen(patches, "");
}
END_TEST

START_TEST(a_webhook_delivered_twice_is_no_second_question)
{
    world_open(MODES, NULL, NULL);
    world_push("a", 3600, 7200, .setpoint = 1000);
    world_push("a", 3600, 7200, .setpoint = 1000);
    ck_seen(patches, "a:OK(scheduled); ");
    ck_seen(phases, "a:received; ");
}
END_TEST

START_TEST(updated_at_moved_by_our_own_patch_is_no_update)
{
    world_open(MODES, NULL, NULL);
    world_list({"a", -10, 7200, .setpoint = 1000});
    f2m_control_poll_now(w.control);
    world_run(SECOND);
    ck_seen(battery, "inv/w=1000; ");
    world_list({"a", -10, 7200, .setpoint = 1000, .device_status = "OK", .revision = 30});
    world_run(10 * MINUTE);
    ck_seen(battery, "");
    ck_seen(patches, "a:OK(scheduled); ");
    ck_seen(moments, "command.created:a; command.started:a; ");
}
END_TEST

START_TEST(unknown_device_is_counted_once_and_ignored)
{
    world_open(MODES, NULL, NULL);
    world_list({"a", 10, 60, .setpoint = 1000, .device = "another"});
    world_run(5 * MINUTE);
    ck_assert_uint_eq(w.counters.unknown_commands, 1);
    ck_seen(patches, "");
}
END_TEST

START_TEST(unknown_device_is_refused_where_told)
{
    world_open(MODES, NULL, "unknown_devices: reject");
    world_push("a", 10, 60, .setpoint = 1000, .device = "another");
    world_push("b", 10, 60, .setpoint = 1000, .device = "another", .device_status = "OK");
    world_run(5 * MINUTE);
    ck_seen(patches, "a:FAILED_FAULT(unknown device); ");
    ck_assert_uint_eq(w.counters.unknown_commands, 2);
    ck_seen(phases, "");
}
END_TEST

START_TEST(polled_at_start_and_then_every_minute_not_later)
{
    world_open(MODES, NULL, NULL);
    ck_assert_uint_eq(w.polls, 1);
    world_run(10 * MINUTE);
    ck_assert_uint_ge(w.polls, 11);
    ck_assert_uint_le(w.polls, 13);
    f2m_control_poll_now(w.control);
    unsigned polls = w.polls;
    world_turn();
    ck_assert_uint_eq(w.polls, polls + 1);
}
END_TEST

START_TEST(a_cloud_that_fails_is_not_hammered)
{
    world_open(MODES, NULL, NULL);
    w.poll_status = w.patch_status = 500;
    world_push("a", 3600, 7200, .setpoint = 1000);
    w.polls = w.patched = 0;
    world_run(HOUR);
    ck_assert_uint_lt(w.polls, 80); /* a minute apart, after a few quicker ones */
    ck_assert_uint_lt(w.patched, 60);
}
END_TEST

START_TEST(a_refused_token_pauses_everything_for_a_minute)
{
    world_open(MODES, NULL, NULL);
    w.poll_status = w.patch_status = 401;
    world_push("a", 3600, 7200, .setpoint = 1000);
    w.polls = w.patched = 0;
    world_run(10 * MINUTE);
    ck_assert_uint_le(w.polls + w.patched, 22);
    w.poll_status = w.patch_status = 200;
    world_patches();
    world_run(MINUTE + 2 * SECOND);
    ck_seen(patches, "a:OK(scheduled); ");
}
END_TEST

START_TEST(what_cannot_be_read_in_a_list_leaves_the_others)
{
    world_open(MODES, NULL, NULL);
    f2m_autostrbuf list;
    f2m_strbuf_init(&list, 0);
    f2m_strbuf_addf(&list, "{\"data\":[5,null,{},{\"id\":\"\"},{\"id\":\"x\"},%s]}",
                    world_command(&(struct spec){"a", 3600, 7200, .setpoint = 1000}));
    w.list = f2m_strbuf_take(&list);
    world_run(61 * SECOND);
    ck_seen(patches, "a:OK(scheduled); ");
    ck_assert_int_eq(f2m_control_ingest(w.control, w.now, f2m_slice_of("{\"id\":\"y\"}"), w.fx), -EINVAL);
    ck_assert_int_eq(f2m_control_ingest(w.control, w.now, f2m_slice_of("nonsense"), w.fx), -EINVAL);
}
END_TEST

SUITE("acknowledge", scheduled_waits_for_an_offline_device,
      scheduled_offline_until_the_timeout_is_told_and_not_executed_before_it_is_back,
      integration_passes_on_what_it_says, integration_silent_until_the_timeout_and_a_late_answer_is_sent_on,
      timeout_ends_before_flip_loses_patience, timeout_goes_on_over_a_restart,
      integration_reports_a_fault_while_running, off_executes_and_never_answers,
      observe_shows_and_neither_publishes_nor_answers, not_possible_is_answered_and_never_executed,
      no_modes_at_all_is_ok_and_control_tells_the_integration, the_longer_key_of_modes_comes_first,
      patch_that_fails_is_retried_and_survives_a_restart, lost_answer_is_sent_again, the_latest_status_wins,
      the_latest_status_wins_also_while_one_is_under_way, refused_for_good_is_told_once_and_not_repeated,
      whenever_flip_shows_pending_again_it_is_answered_again, a_poll_that_began_before_our_patch_ended_is_no_question,
      a_webhook_delivered_twice_is_no_second_question, updated_at_moved_by_our_own_patch_is_no_update,
      unknown_device_is_counted_once_and_ignored, unknown_device_is_refused_where_told,
      polled_at_start_and_then_every_minute_not_later, a_cloud_that_fails_is_not_hammered,
      a_refused_token_pauses_everything_for_a_minute, what_cannot_be_read_in_a_list_leaves_the_others)
