/* An enrollment is created only where the request agrees to the terms that the program shows and fills in its form. */
#include "world.h"

#define PROGRAM                                                                                                        \
    "{\"id\":\"p\",\"terms_and_conditions_version\":\"2025-01-01\",\"enrollment_form\":[{\"name\":\"account_id\","     \
    "\"label\":\"Utility Account Number\",\"type\":\"string\"},{\"name\":\"meter\",\"label\":\"Meter\","               \
    "\"type\":\"number\"}]}"
#define ASK(body)                                                                                                      \
    "{\"transaction\":1,\"site_id\":\"home\",\"body\":{\"program_id\":\"p\",\"device_ids\":[\"bat\"]" body "}}"
#define ATTRIBUTES                                                                                                     \
    ",\"program_specific_attributes\":[{\"name\":\"account_id\",\"value\":\"1\"},{\"name\":\"meter\",\"value\":\"2\"}]"
#define REFUSED(text) "{\"transaction\":1,\"status\":\"error\",\"http_status\":null,\"error\":\"" text "\"}"

START_TEST(with_agreement_and_form_it_is_created)
{
    world_ask(
        "enrollment/create",
        ASK(ATTRIBUTES ",\"has_agreed_to_terms_and_conditions\":true,\"terms_and_conditions_version\":\"2025-01-01\""));
    ck_assert_str_eq(world_call(0)->path, "/v1/site/home/program/p");
    ck_assert_int_eq(world_call(0)->method, F2M_HTTP_GET);
    world_reply(0, 200, PROGRAM);
    ck_assert_uint_eq(world_calls(), 2);
    ck_assert_str_eq(world_call(1)->path, "/v1/site/home/enrollments");
    ck_assert_int_eq(world_call(1)->method, F2M_HTTP_POST);
    ck_assert_ptr_nonnull(strstr(world_call(1)->body.at, "\"has_agreed_to_terms_and_conditions\":true"));
    world_reply(1, 200, "{\"id\":\"e\",\"status\":\"PENDING\"}");
    world_expect("enrollment/create", "{\"transaction\":1,\"status\":\"ok\",\"http_status\":200,"
                                      "\"data\":{\"id\":\"e\",\"status\":\"PENDING\"}}");
    ck_assert_str_eq(world_observed(), "enrollment/create");
}
END_TEST

static const struct {
    const char *ask, *answer;
} refusals[] = {
    {ASK(ATTRIBUTES),
     REFUSED("body.has_agreed_to_terms_and_conditions: expected true, with terms_and_conditions_version "
             "\\\"2025-01-01\\\", once the homeowner has read terms_and_conditions_text of the program")},
    {ASK(ATTRIBUTES ",\"has_agreed_to_terms_and_conditions\":false,\"terms_and_conditions_version\":\"2025-01-01\""),
     REFUSED("body.has_agreed_to_terms_and_conditions: expected true, with terms_and_conditions_version "
             "\\\"2025-01-01\\\", once the homeowner has read terms_and_conditions_text of the program")},
    {ASK(ATTRIBUTES ",\"has_agreed_to_terms_and_conditions\":true,\"terms_and_conditions_version\":\"2024\""),
     REFUSED("body.terms_and_conditions_version: the program shows \\\"2025-01-01\\\", the request agrees to another")},
    {ASK(ATTRIBUTES ",\"has_agreed_to_terms_and_conditions\":true"),
     REFUSED("body.terms_and_conditions_version: the program shows \\\"2025-01-01\\\", the request agrees to another")},
    {ASK(",\"has_agreed_to_terms_and_conditions\":true,\"terms_and_conditions_version\":\"2025-01-01\""),
     REFUSED("body.program_specific_attributes: missing account_id (Utility Account Number), meter (Meter)")},
    {ASK(",\"has_agreed_to_terms_and_conditions\":true,\"terms_and_conditions_version\":\"2025-01-01\","
         "\"program_specific_attributes\":[{\"name\":\"account_id\",\"value\":\"1\"},{\"name\":\"meter\",\"value\":2}]"),
     REFUSED("body.program_specific_attributes: missing meter (Meter)")},
};

START_TEST(without_it_is_refused_by_name_and_nothing_is_sent)
{
    world_ask("enrollment/create", refusals[_i].ask);
    world_reply(0, 200, PROGRAM);
    world_expect("enrollment/create", refusals[_i].answer);
    ck_assert_uint_eq(world_calls(), 1);
}
END_TEST

START_TEST(a_program_without_terms_and_form_needs_neither)
{
    world_ask("enrollment/create", ASK(""));
    world_reply(0, 200, "{\"id\":\"p\",\"terms_and_conditions_version\":null}");
    ck_assert_uint_eq(world_calls(), 2);
}
END_TEST

START_TEST(a_program_that_flip_does_not_know_ends_it)
{
    world_ask("enrollment/create", ASK(""));
    world_reply(0, 404, "{\"message\":\"no such program\"}");
    world_expect("enrollment/create",
                 "{\"transaction\":1,\"status\":\"error\",\"http_status\":404,\"error\":\"no such program\"}");
}
END_TEST

START_TEST(no_program_is_an_error)
{
    world_ask("enrollment/create", "{\"transaction\":1,\"site_id\":\"home\",\"body\":{}}");
    world_expect("enrollment/create", REFUSED("body.program_id: expected the id of a program"));
    ck_assert_uint_eq(world_calls(), 0);
}
END_TEST

START_TEST(after_the_deadline_nothing_is_created)
{
    world_ask("enrollment/create", ASK(""));
    world_pass(F2M_REQUEST_DEADLINE_MS);
    ck_assert_uint_eq(world_answers(), 1);
    world_reply(0, 200, "{\"id\":\"p\"}");
    ck_assert_uint_eq(world_calls(), 1);
    ck_assert_uint_eq(world_answers(), 1);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("agreement");
    tcase_add_test(t, with_agreement_and_form_it_is_created);
    tcase_add_loop_test(t, without_it_is_refused_by_name_and_nothing_is_sent, 0,
                        (int)(sizeof refusals / sizeof *refusals));
    tcase_add_test(t, a_program_without_terms_and_form_needs_neither);
    tcase_add_test(t, a_program_that_flip_does_not_know_ends_it);
    tcase_add_test(t, no_program_is_an_error);
    tcase_add_test(t, after_the_deadline_nothing_is_created);
    return world_main("requests_agreement", t);
}
