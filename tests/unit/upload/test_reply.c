/* Results are read by index, whatever holds them; what breaks the contract is told and settles nothing. */
#include "world.h"

#include "telemetry/upload_reply.h"
#include "util/json.h"

#include <errno.h>
#include <stdio.h>

static char seen[4000];

static void visit(void *ctx, size_t index, bool ok, const char *message)
{
    (void)ctx;
    snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%zu:%s;", index, ok ? "OK" : message);
}

static const struct {
    const char *body;
    size_t points;
    const char *seen; /* or the error */
    bool violation;
} cases[] = {
    {"[{\"status\":\"OK\"},{\"status\":\"OK\"}]", 2, "0:OK;1:OK;", false},
    {"[{\"status\":\"FAILED\",\"message\":\"bad soc\"}]", 1, "0:bad soc;", false},
    {"[{\"status\":\"OK\",\"message\":\"fine\"},{\"status\":\"FAILED\"}]", 2, "0:OK;1:status FAILED;", false},
    {"[{\"status\":\"PARTLY\",\"message\":null}]", 1, "0:status PARTLY;", false},
    {"[{\"status\":\"ok\"}]", 1, "0:status ok;", false},
    {"[{\"status\":true}]", 1, "0:status true;", false},
    {"[{\"status\":\"OK\"},{\"message\":\"x\"},{}]", 3, "0:OK;1:x;2:no status;", false},
    {"[{\"status\":\"FAILED\",\"message\":{\"a\":1}}]", 1, "0:{\"a\":1};", false},
    {"[{\"status\":\"FAILED\",\"message\":\"a\\u0000b\"}]", 1, "", true},
    {"{\"telemetry\":[{\"status\":\"OK\"}]}", 1, "0:OK;", false},
    {"{\"data\":[{\"status\":\"OK\"}],\"errors\":[]}", 1, "0:OK;", false},
    {"[{\"status\":\"OK\"}]", 3, "0:OK;", false},
    {"[]", 3, "", false},
    {"[{\"status\":\"OK\"},{\"status\":\"OK\"}]", 1, "2 results for 1 points", true},
    {"{}", 1, "the answer is an object, expected an array of results", true},
    {"\"OK\"", 1, "the answer is a string, expected an array of results", true},
    {"[\"OK\"]", 1, "result 0 is a string, expected an object", true},
    {"[{\"status\":\"OK\"},null]", 2, "result 1 is null, expected an object", true},
    {"{\"errors\":[{\"index\":0}]}", 1, "results without a status", true},
};

START_TEST(results_are_read)
{
    struct f2m_slice body = f2m_slice_of(cases[_i].body);
    struct f2m_err err = {""};
    size_t n = 99;
    seen[0] = '\0';
    if (f2m_json_check(body, &err) != 0) { /* never gets here in the product: the outcome is unknown already */
        ck_assert(cases[_i].violation);
        return;
    }
    int rc = f2m_upload_reply_read(body, cases[_i].points, visit, NULL, &n, &err);
    if (cases[_i].violation) {
        ck_assert_int_eq(rc, -EINVAL);
        ck_assert_str_eq(err.text, cases[_i].seen);
        ck_assert_str_eq(seen, "");
    } else {
        ck_assert_int_eq(rc, 0);
        ck_assert_str_eq(seen, cases[_i].seen);
    }
}
END_TEST

START_TEST(an_empty_answer_breaks_the_contract)
{
    struct f2m_err err = {""};
    size_t n;
    ck_assert_int_eq(f2m_upload_reply_read((struct f2m_slice){NULL, 0}, 1, visit, NULL, &n, &err), -EINVAL);
    ck_assert_str_eq(err.text, "the answer is nothing, expected an array of results");
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("reply");
    tcase_add_loop_test(t, results_are_read, 0, sizeof cases / sizeof *cases);
    tcase_add_test(t, an_empty_answer_breaks_the_contract);
    return world_main("telemetry results", t);
}
