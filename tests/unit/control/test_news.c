/* What Flip shows comes by several ways, and not in the order in which it happened; what cannot be used is told once.
 */
#include "suite.h"

START_TEST(a_poll_from_before_a_webhook_of_the_same_moment_does_not_undo_it)
{
    world_open("{ modes: { DISCHARGE: [ { topic: inv/w, payload: \"1\" } ] } }", NULL, NULL);
    world_push("a", 10, 1000, .setpoint = 1000);
    world_run(20 * SECOND);
    ck_seen(battery, "inv/w=1; ");
    w.flip_silent = true;
    f2m_control_poll_now(w.control);
    world_turn();
    world_run(SECOND);
    size_t poll = w.flying_len - 1;
    ck_assert(!w.flying[poll].patch);
    world_push("a", 10, 1000, .setpoint = 1000, .status = "CANCELED"); /* updated_at as before */
    ck_assert(strstr(world_phases(), "a:canceled; ") != NULL);
    world_list({"a", 10, 1000, .setpoint = 1000, .device_status = "OK"});
    world_answer(poll, 200, w.list);
    world_run(SECOND);
    ck_seen(phases, "");
    ck_seen(battery, "");
    ck_seen(owner, "local");
}
END_TEST

START_TEST(an_answer_to_a_status_does_not_undo_a_webhook_of_the_same_moment)
{
    struct spec spec = {"a", 10, 1000, .setpoint = 1000};

    world_open("{ modes: { DISCHARGE: [ { topic: inv/w, payload: \"1\" } ] } }", NULL, NULL);
    world_run(SECOND);
    w.flip_silent = true;
    world_push_spec(&spec);
    ck_assert_uint_eq(w.flying_len, 1);
    ck_assert(w.flying[0].patch);
    spec.status = "CANCELED";
    world_push_spec(&spec);
    ck_seen(phases, "a:received; a:canceled; ");
    spec.status = "OK";
    world_answer(0, 200, world_command(&spec));
    world_run(20 * SECOND);
    ck_seen(phases, "");
    ck_seen(battery, "");
}
END_TEST

START_TEST(an_object_that_is_no_command_is_told_once)
{
    world_open(NULL, NULL, NULL);
    w.list = strdup("[{\"id\":7},{\"id\":8}]");
    world_run(10 * MINUTE);
    const char *told = strstr(w.logs.data, "cannot use a command of Flip's");
    ck_assert_ptr_nonnull(told);
    told = strstr(told + 1, "cannot use a command of Flip's"); /* the other one */
    ck_assert_ptr_nonnull(told);
    ck_assert_ptr_null(strstr(told + 1, "cannot use a command of Flip's"));
}
END_TEST

START_TEST(a_list_that_flip_refuses_to_show_is_told_once)
{
    world_open(NULL, NULL, NULL);
    w.poll_status = 422;
    world_run(10 * MINUTE);
    const char *told = strstr(w.logs.data, "Flip does not show its commands");
    ck_assert_ptr_nonnull(told);
    ck_assert_ptr_null(strstr(told + 1, "Flip does not show its commands"));
}
END_TEST

SUITE("news", a_poll_from_before_a_webhook_of_the_same_moment_does_not_undo_it,
      an_answer_to_a_status_does_not_undo_a_webhook_of_the_same_moment, an_object_that_is_no_command_is_told_once,
      a_list_that_flip_refuses_to_show_is_told_once)
