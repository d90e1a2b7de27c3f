/* What the broker says of a publish to the battery: nobody listens, or it is refused. Interface, clarification 36. */
#include "suite.h"

START_TEST(nobody_listens_is_answered_and_tried_again)
{
    world_open(SIMPLE, NULL, NULL);
    w.unheard[0] = "inv/w";
    world_push("a", 10, 100, .setpoint = 1000);
    world_run(20 * SECOND);
    ck_seen(patches, "a:OK(scheduled); a:FAILED_OFFLINE(nobody listens on inv/w); ");
    ck_seen(problems, "xyz-123: nobody listens on inv/w; ");
    ck_seen(battery, "inv/w=1000; inv/w=1000; inv/w=1000; "); /* at 10, 12 and 17 s */
    w.unheard[0] = NULL;
    world_run(30 * SECOND);
    ck_seen(patches, "a:OK(started); ");
    ck_seen(battery, "inv/w=1000; ");
    ck_seen(problems, "");
}
END_TEST

START_TEST(a_client_that_is_full_is_no_refusal)
{
    world_open(SIMPLE, NULL, NULL);
    w.unheard[0] = "inv/w";
    w.unheard_reason = F2M_MQTT_FULL;
    world_push("a", 10, 100, .setpoint = 1000);
    world_run(12 * SECOND);
    ck_seen(patches, "a:OK(scheduled); ");
    ck_seen(problems, "");
    ck_assert(!f2m_control_settled(w.control, "xyz-123"));
    w.unheard[0] = NULL;
    world_battery();
    world_run(SECOND);
    ck_seen(battery, "inv/w=1000; ");
    world_run(MINUTE);
    ck_seen(battery, "");
    ck_seen(patches, "");
}
END_TEST

START_TEST(topics_that_a_full_client_did_not_take_come_a_little_later)
{
    world_open(SIMPLE, NULL, NULL);
    world_down();
    w.unheard[0] = "flip2mqtt/device/xyz-123/control";
    w.unheard[1] = "flip2mqtt/device/xyz-123/pause";
    w.unheard_reason = F2M_MQTT_FULL;
    world_up();
    w.unheard[0] = w.unheard[1] = NULL;
    f2m_strbuf_reset(&w.control_topic);
    f2m_strbuf_reset(&w.pause_topic);
    world_run(SECOND);
    ck_seen(owner, "local");
    ck_assert_str_eq(w.pause_topic.data, "OFF");
    f2m_strbuf_reset(&w.control_topic);
    f2m_strbuf_reset(&w.pause_topic);
    world_run(MINUTE);
    ck_assert_uint_eq(w.control_topic.len + w.pause_topic.len, 0);
}
END_TEST

START_TEST(an_integration_that_comes_back_a_moment_after_the_broker_is_no_failure)
{
    world_open(SIMPLE, NULL, NULL);
    world_push("a", 10, 100, .setpoint = 1000);
    world_run(20 * SECOND);
    world_patches();
    world_battery();
    world_down();
    w.unheard[0] = "inv/w";
    world_up();
    world_run(SECOND);
    ck_seen(problems, "");
    w.unheard[0] = NULL;
    world_run(2 * SECOND);
    ck_seen(battery, "inv/w=1000; inv/w=1000; ");
    world_run(MINUTE);
    ck_seen(battery, "");
    ck_seen(patches, "");
}
END_TEST

START_TEST(somebody_listens_again_after_a_restart_and_flip_hears_so)
{
    world_open(SIMPLE, NULL, NULL);
    w.unheard[0] = "inv/w";
    world_push("a", 10, 100, .setpoint = 1000);
    world_run(20 * SECOND);
    ck_seen(patches, "a:OK(scheduled); a:FAILED_OFFLINE(nobody listens on inv/w); ");
    w.unheard[0] = NULL;
    world_restart();
    ck_seen(patches, "a:OK(started); ");
    world_run(30 * SECOND);
    ck_seen(patches, "");
}
END_TEST

START_TEST(what_nobody_heard_is_sent_again_from_there_on_in_order)
{
    world_open("{ modes: { DISCHARGE: [ { topic: a, payload: \"1\" }, { topic: b, payload: \"2\" },"
               " { topic: write, payload: now } ] }, restore: [ { topic: a, payload: \"0\" }, { topic: write, payload: "
               "now } ] }",
               NULL, NULL);
    w.unheard[0] = "b";
    world_push("a", 10, 100, .setpoint = 1000);
    world_run(11 * SECOND);
    ck_seen(battery, "a=1; b=2; write=now; ");
    w.unheard[0] = NULL;
    world_run(2 * SECOND);
    ck_seen(battery, "b=2; write=now; ");
    w.unheard[0] = "a";
    world_run(88 * SECOND);
    ck_seen(battery, "a=0; write=now; ");
    w.unheard[0] = NULL;
    world_run(2 * SECOND);
    ck_seen(battery, "a=0; write=now; ");
    world_run(10 * MINUTE);
    ck_seen(battery, "");
}
END_TEST

START_TEST(refused_by_the_broker_is_answered)
{
    world_open(SIMPLE, NULL, NULL);
    w.unheard[0] = "inv/w";
    w.unheard_reason = 0x87;
    world_push("a", 10, 100, .setpoint = 1000);
    world_run(20 * SECOND);
    ck_seen(patches, "a:OK(scheduled); a:FAILED_FAULT(the broker refuses inv/w (reason 0x87)); ");
    ck_seen(problems, "xyz-123: the broker refuses inv/w (reason 0x87); ");
}
END_TEST

START_TEST(restore_that_nobody_hears_is_tried_until_somebody_does)
{
    world_open(SIMPLE, NULL, NULL);
    world_push("a", 10, 100, .setpoint = 1000);
    world_run(20 * SECOND);
    w.unheard[0] = "inv/w";
    world_run(90 * SECOND);
    ck_seen(problems, "xyz-123: nobody listens on inv/w; ");
    world_battery();
    w.unheard[0] = NULL;
    world_run(61 * SECOND);
    ck_seen(battery, "inv/w=0; ");
    ck_seen(problems, "");
    world_run(HOUR);
    ck_seen(battery, "");
}
END_TEST

SUITE("unheard", a_client_that_is_full_is_no_refusal, topics_that_a_full_client_did_not_take_come_a_little_later,
      nobody_listens_is_answered_and_tried_again,
      an_integration_that_comes_back_a_moment_after_the_broker_is_no_failure,
      somebody_listens_again_after_a_restart_and_flip_hears_so, what_nobody_heard_is_sent_again_from_there_on_in_order,
      refused_by_the_broker_is_answered, restore_that_nobody_hears_is_tried_until_somebody_does)
