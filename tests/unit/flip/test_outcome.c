/* An HTTP result becomes one of five outcomes by its status alone, with a clean short message for people. */
#include "fixture.h"

#include "flip/outcome.h"
#include "util/utf8.h"

static char message[F2M_REPLY_MESSAGE_SIZE];
static const char *const no_secrets[2] = {NULL, NULL};

static struct f2m_reply read_result(int status, const char *body)
{
    struct f2m_reply reply;
    f2m_outcome_read(&(struct f2m_http_result){.status = status, .body = f2m_slice_of(body)}, no_secrets, message,
                     &reply);
    return reply;
}

static const struct {
    int status;
    enum f2m_outcome outcome;
} statuses[] = {
    {200, F2M_OUTCOME_OK},     {204, F2M_OUTCOME_OK},     {207, F2M_OUTCOME_OK},     {100, F2M_OUTCOME_RETRY},
    {301, F2M_OUTCOME_RETRY},  {308, F2M_OUTCOME_RETRY},  {400, F2M_OUTCOME_REJECT}, {401, F2M_OUTCOME_AUTH},
    {403, F2M_OUTCOME_AUTH},   {404, F2M_OUTCOME_REJECT}, {405, F2M_OUTCOME_REJECT}, {408, F2M_OUTCOME_RETRY},
    {409, F2M_OUTCOME_REJECT}, {410, F2M_OUTCOME_REJECT}, {413, F2M_OUTCOME_SPLIT},  {422, F2M_OUTCOME_REJECT},
    {425, F2M_OUTCOME_RETRY},  {429, F2M_OUTCOME_RETRY},  {500, F2M_OUTCOME_RETRY},  {501, F2M_OUTCOME_RETRY},
    {503, F2M_OUTCOME_RETRY},  {599, F2M_OUTCOME_RETRY},  {999, F2M_OUTCOME_RETRY},  {0, F2M_OUTCOME_RETRY},
    {-200, F2M_OUTCOME_RETRY},
};

START_TEST(the_status_decides)
{
    ck_assert_int_eq(read_result(statuses[_i].status, NULL).outcome, statuses[_i].outcome);
    ck_assert_int_eq(read_result(statuses[_i].status, "{}").outcome, statuses[_i].outcome);
}
END_TEST

static const struct {
    int status;
    const char *body, *message;
} messages[] = {
    {422, "{\"message\":\"no such device\"}", "no such device"},
    {400, "{\"error\":\"Bad Request\"}", "Bad Request"},
    {400, "{\"error\":\"Bad Request\",\"message\":\"devices must not be empty\"}", "devices must not be empty"},
    {404, "{\"detail\":\"Not Found\"}", "Not Found"},
    {422,
     "{\"detail\":[{\"loc\":[\"body\",\"telemetry\",3,\"duration_s\"],\"msg\":\"field required\",\"type\":\"x\"}]}",
     "body.telemetry.3.duration_s: field required"},
    {422, "{\"message\":\"bad\",\"detail\":[{\"loc\":[\"a\"],\"msg\":\"m\"},{\"msg\":\"n\"},{},7]}", "bad: a: m; n"},
    {422, "{\"errors\":[{\"path\":\"devices[0]\",\"message\":\"empty\"}]}", "devices[0]: empty"},
    {422, "{\"message\":\"\",\"error\":\"e\"}", "e"},
    {422, "{\"message\":17}", "HTTP 422"},
    {422, "[\"x\"]", "HTTP 422"},
    {404, "<html>not here</html>", "HTTP 404"},
    {500, NULL, "HTTP 500"},
    {503, "{\"message\":\"down for\\nmaintenance\\u0007 \\u009bX\"}", "down for maintenance   X"},
    {307, "", "HTTP 307: redirects are not followed, check flip.base_url"},
    {200, "<html>", "HTTP 200 whose answer is no JSON: at byte 0: expected a value"},
    {200, "{\"message\":\"fine\"}", ""},
};

START_TEST(the_message_is_flips)
{
    struct f2m_reply reply = read_result(messages[_i].status, messages[_i].body);
    ck_assert_str_eq(reply.message, messages[_i].message);
}
END_TEST

START_TEST(an_answer_that_is_no_json_is_unknown)
{
    ck_assert_int_eq(read_result(200, "<html>hotel login</html>").outcome, F2M_OUTCOME_RETRY);
    ck_assert_int_eq(read_result(200, "[{\"status\":\"OK\"}").outcome, F2M_OUTCOME_RETRY);
    ck_assert_ptr_null(read_result(200, "[1,]").body.at);
    ck_assert_int_eq(read_result(200, " \r\n").outcome, F2M_OUTCOME_OK);
    ck_assert_ptr_null(read_result(200, " ").body.at);
    struct f2m_reply reply = read_result(200, " [1] ");
    ck_assert(f2m_slice_is(reply.body, "[1]"));
    ck_assert_int_eq(reply.status, 200);
}
END_TEST

START_TEST(a_lost_answer_tells_the_transports_reason)
{
    struct f2m_reply reply;
    f2m_outcome_read(&(struct f2m_http_result){.error = "timed out", .status = 200}, no_secrets, message, &reply);
    ck_assert_int_eq(reply.outcome, F2M_OUTCOME_RETRY);
    ck_assert_int_eq(reply.status, 0);
    ck_assert_str_eq(reply.message, "timed out");
}
END_TEST

START_TEST(retry_after_is_bounded)
{
    static const int64_t given[] = {0, -1, 7, 315360000}, read[] = {0, 0, 7, 3600};
    for (size_t i = 0; i < 4; i++) {
        struct f2m_reply reply;
        f2m_outcome_read(&(struct f2m_http_result){.status = 429, .retry_after_s = given[i]}, no_secrets, message,
                         &reply);
        ck_assert_int_eq(reply.retry_after_s, read[i]);
    }
}
END_TEST

/* {"message":"<piece, n times><last>"} */
static const char *long_body(struct f2m_strbuf *out, const char *piece, int n, const char *last)
{
    f2m_strbuf_init(out, 0);
    f2m_strbuf_adds(out, "{\"message\":\"");
    for (int i = 0; i < n; i++)
        f2m_strbuf_adds(out, piece);
    f2m_strbuf_adds(out, last);
    f2m_strbuf_adds(out, "\"}");
    return out->data;
}

START_TEST(a_long_message_is_clipped_between_characters)
{
    f2m_autostrbuf body;
    read_result(422, long_body(&body, "\xC3\xA4", 300, ""));
    ck_assert_uint_le(strlen(message), 207);
    ck_assert_uint_gt(strlen(message), 198);
    ck_assert(f2m_utf8_valid(message, strlen(message)));
    ck_assert_str_eq(message + strlen(message) - 3, "\xE2\x80\xA6");
}
END_TEST

START_TEST(cleaning_fits_any_size)
{
    char buf[16];
    static const struct {
        const char *in, *out;
    } pairs[] = {
        {"exactly 15 byte", "exactly 15 byte"}, {"more than 15 bytes", "more than 15\xE2\x80\xA6"},
        {" \n trimmed\t ", "trimmed"},          {"bad \xFF utf8", "bad \xEF\xBF\xBD utf8"},
        {"a\x7f\x01\xC2\x85z", "a   z"},        {"", ""},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        f2m_outcome_clean(f2m_slice_of(pairs[i].in), buf, sizeof buf);
        ck_assert_str_eq(buf, pairs[i].out);
    }
}
END_TEST

START_TEST(a_secret_that_is_echoed_is_hidden)
{
    const char *const secrets[2] = {"client-secret", "site-secret"};
    struct f2m_reply reply;
    static const char body[] = "{\"message\":\"bad client-secret and site-secret, client-secret\"}";
    f2m_outcome_read(&(struct f2m_http_result){.status = 401, .body = f2m_slice_of(body)}, secrets, message, &reply);
    ck_assert_str_eq(message, "bad *** and ***, ***");
    f2m_autostrbuf edge;
    long_body(&edge, "x", 195, secrets[0]); /* the cut goes through it */
    f2m_outcome_read(&(struct f2m_http_result){.status = 401, .body = {edge.data, edge.len}}, secrets, message, &reply);
    ck_assert_ptr_null(strstr(message, "cli"));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("outcome");
    tcase_add_loop_test(t, the_status_decides, 0, sizeof statuses / sizeof *statuses);
    tcase_add_loop_test(t, the_message_is_flips, 0, sizeof messages / sizeof *messages);
    tcase_add_test(t, an_answer_that_is_no_json_is_unknown);
    tcase_add_test(t, a_lost_answer_tells_the_transports_reason);
    tcase_add_test(t, retry_after_is_bounded);
    tcase_add_test(t, a_long_message_is_clipped_between_characters);
    tcase_add_test(t, cleaning_fits_any_size);
    tcase_add_test(t, a_secret_that_is_echoed_is_hidden);
    return fixture_main("outcome", t);
}
