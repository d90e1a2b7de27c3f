/* A webhook counts only with a fitting Standard-Webhooks signature over id, timestamp and raw body, made within the
 * tolerance; several signatures and several keys are possible. */
#include "http/signature.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* The published vector of Standard Webhooks, and a second key for rotation. */
#define KEY_A     "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define KEY_B     "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define ID        "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define TIME      "1614265330"
#define TIME_MS   1614265330000
#define BODY      "{\"test\": 2432232314}"
#define SIGNED_A  "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define SIGNED_B  "v1,O4Gjv1HqPqsMrjmczoggs/sWA8gZD0VyHG+fLh4+ktI="
#define TOLERANCE 600000
#define VALID     F2M_SIGNATURE_VALID
#define MALFORMED F2M_SIGNATURE_MALFORMED
#define REFUSED   F2M_SIGNATURE_REFUSED

static const char *const key_a[] = {KEY_A};
static const char *const key_b[] = {KEY_B};
static const char *const both[] = {KEY_B, KEY_A};

static enum f2m_signature check(const char *const *secrets, size_t n, const struct f2m_webhook_headers *headers,
                                const char *body, int64_t wall_ms)
{
    struct f2m_err err = {""};
    struct f2m_webhook_keys *keys = f2m_webhook_keys_new(secrets, n, &err);
    ck_assert_msg(keys != NULL, "%s", err.text);
    enum f2m_signature answer = f2m_signature_check(keys, headers, f2m_slice_of(body), wall_ms, TOLERANCE);
    f2m_webhook_keys_free(keys);
    return answer;
}

START_TEST(the_six_vectors)
{
    const struct {
        const char *what;
        const char *const *secrets;
        struct f2m_webhook_headers headers;
        const char *body;
        int64_t wall_ms;
        enum f2m_signature expected;
    } table[] = {
        {"valid", key_a, {ID, TIME, SIGNED_A}, BODY, TIME_MS, VALID},
        {"two signatures", key_a, {ID, TIME, SIGNED_B " " SIGNED_A}, BODY, TIME_MS, VALID},
        {"tampered", key_a, {ID, TIME, SIGNED_A}, "{\"test\": 2432232315}", TIME_MS, REFUSED},
        {"wrong key", key_b, {ID, TIME, SIGNED_A}, BODY, TIME_MS, REFUSED},
        {"old", key_a, {ID, TIME, SIGNED_A}, BODY, TIME_MS + TOLERANCE + 1, REFUSED},
        {"missing header", key_a, {ID, TIME, NULL}, BODY, TIME_MS, MALFORMED},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        ck_assert_msg(check(table[i].secrets, 1, &table[i].headers, table[i].body, table[i].wall_ms) ==
                          table[i].expected,
                      "%s", table[i].what);
}
END_TEST

START_TEST(during_a_rotation_both_keys_hold)
{
    ck_assert_int_eq(check(both, 2, &(struct f2m_webhook_headers){ID, TIME, SIGNED_A}, BODY, TIME_MS), VALID);
    ck_assert_int_eq(check(both, 2, &(struct f2m_webhook_headers){ID, TIME, SIGNED_B}, BODY, TIME_MS), VALID);
    ck_assert_int_eq(check(NULL, 0, &(struct f2m_webhook_headers){ID, TIME, SIGNED_A}, BODY, TIME_MS), REFUSED);
}
END_TEST

START_TEST(the_tolerance_holds_in_both_directions)
{
    const struct f2m_webhook_headers headers = {ID, TIME, SIGNED_A};
    ck_assert_int_eq(check(key_a, 1, &headers, BODY, TIME_MS + TOLERANCE), VALID);
    ck_assert_int_eq(check(key_a, 1, &headers, BODY, TIME_MS - TOLERANCE), VALID);
    ck_assert_int_eq(check(key_a, 1, &headers, BODY, TIME_MS - TOLERANCE - 1), REFUSED);
    ck_assert_int_eq(check(key_a, 1, &headers, BODY, 0), REFUSED);
}
END_TEST

START_TEST(what_is_signed_is_all_of_it)
{
    ck_assert_int_eq(check(key_a, 1, &(struct f2m_webhook_headers){"msg_other", TIME, SIGNED_A}, BODY, TIME_MS),
                     REFUSED);
    ck_assert_int_eq(check(key_a, 1, &(struct f2m_webhook_headers){ID, "1614265331", SIGNED_A}, BODY, TIME_MS),
                     REFUSED);
    ck_assert_int_eq(check(key_a, 1, &(struct f2m_webhook_headers){ID, TIME, SIGNED_A}, "", TIME_MS), REFUSED);
}
END_TEST

START_TEST(headers_are_read_strictly)
{
    char long_id[300];
    memset(long_id, 'a', sizeof long_id - 1);
    long_id[sizeof long_id - 1] = '\0';
    const struct {
        struct f2m_webhook_headers headers;
        enum f2m_signature expected;
    } table[] = {
        {{NULL, TIME, SIGNED_A}, MALFORMED},
        {{ID, NULL, SIGNED_A}, MALFORMED},
        {{"", TIME, SIGNED_A}, MALFORMED},
        {{"a b", TIME, SIGNED_A}, MALFORMED},
        {{"\xc3\xa4", TIME, SIGNED_A}, MALFORMED},
        {{long_id, TIME, SIGNED_A}, MALFORMED},
        {{ID, "", SIGNED_A}, MALFORMED},
        {{ID, "-5", SIGNED_A}, MALFORMED},
        {{ID, " 1614265330", SIGNED_A}, MALFORMED},
        {{ID, "1614265330.5", SIGNED_A}, MALFORMED},
        {{ID, "2021-02-25T15:02:10Z", SIGNED_A}, MALFORMED},
        {{ID, "99999999999999999999", SIGNED_A}, MALFORMED},
        {{ID, TIME, ""}, MALFORMED},
        {{ID, TIME, "   "}, MALFORMED},
        {{ID, TIME, "garbage"}, MALFORMED},
        {{ID, TIME, ",abc"}, MALFORMED},
        {{ID, TIME, SIGNED_A " garbage"}, MALFORMED},
        {{ID, TIME, "v1,"}, REFUSED},
        {{ID, TIME, "v1,AAAA"}, REFUSED},
        {{ID, TIME, "v1,not base64"}, MALFORMED}, /* two words, the second without a version */
        {{ID, TIME,
          "v1a,"
          "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
         REFUSED},                                                                /* another scheme */
        {{ID, TIME, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF="}, REFUSED}, /* a stray bit */
        {{ID, TIME, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE"}, REFUSED},  /* no padding */
        {{ID, TIME, "v2,xyz  " SIGNED_A " "}, VALID},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        ck_assert_msg(check(key_a, 1, &table[i].headers, BODY, TIME_MS) == table[i].expected, "row %zu", i);
}
END_TEST

START_TEST(too_many_signatures_are_malformed)
{
    char header[20 * 60] = "";
    for (int i = 0; i < 17; i++)
        memcpy(header + i * 48, SIGNED_B " ", 48);
    header[16 * 48] = '\0';
    ck_assert_int_eq(check(key_b, 1, &(struct f2m_webhook_headers){ID, TIME, header}, BODY, TIME_MS), VALID);
    header[16 * 48] = 'v';
    ck_assert_int_eq(check(key_b, 1, &(struct f2m_webhook_headers){ID, TIME, header}, BODY, TIME_MS), MALFORMED);
}
END_TEST

START_TEST(bad_secrets_are_refused_without_being_told)
{
    static const char *const bad[] = {"whsec_", "", "whsec_not-base64!", "whsec_AAA", "whsec_AAAB=AAA"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct f2m_err err = {""};
        const char *const secrets[] = {KEY_A, bad[i]};
        ck_assert_ptr_null(f2m_webhook_keys_new(secrets, 2, &err));
        ck_assert_str_eq(err.text, "webhook secret 2 of 2: expected whsec_ and base64");
    }
    f2m_webhook_keys_free(NULL);
}
END_TEST

START_TEST(base64_is_strict)
{
    static const struct {
        const char *text;
        int len;
        const char *bytes;
    } table[] = {
        {"", 0, ""},
        {"TQ==", 1, "M"},
        {"TWE=", 2, "Ma"},
        {"TWFu", 3, "Man"},
        {"TWFuTQ==", 4, "ManM"},
        {"TR==", -1, NULL},
        {"TWF=", -1, NULL},
        {"TQ=", -1, NULL},
        {"TQ", -1, NULL},
        {"T===", -1, NULL},
        {"====", -1, NULL},
        {"TW=u", -1, NULL},
        {"TW u", -1, NULL},
        {"TW-_", -1, NULL},
        {"TQ==TWFu", -1, NULL},
        {"TWFu\n", -1, NULL},
        {"+/+/", 3, "\xfb\xff\xbf"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        unsigned char out[8];
        int n = f2m_base64_decode(f2m_slice_of(table[i].text), out, sizeof out);
        ck_assert_msg(n == table[i].len, "%s gives %d", table[i].text, n);
        if (n > 0)
            ck_assert_mem_eq(out, table[i].bytes, (size_t)n);
    }
    unsigned char small[2];
    ck_assert_int_eq(f2m_base64_decode(f2m_slice_of("TWFu"), small, sizeof small), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("signature");
    TCase *tcase = tcase_create("signature");
    tcase_add_test(tcase, the_six_vectors);
    tcase_add_test(tcase, during_a_rotation_both_keys_hold);
    tcase_add_test(tcase, the_tolerance_holds_in_both_directions);
    tcase_add_test(tcase, what_is_signed_is_all_of_it);
    tcase_add_test(tcase, headers_are_read_strictly);
    tcase_add_test(tcase, too_many_signatures_are_malformed);
    tcase_add_test(tcase, bad_secrets_are_refused_without_being_told);
    tcase_add_test(tcase, base64_is_strict);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
