/* The table builds each endpoint's path, with ids percent-encoded, and finds an endpoint by its operation. */
#include "fixture.h"

#include <errno.h>

static const struct f2m_path_ids every_id = {
    .site_id = "s/1",
    .device_id = "d 1",
    .program_id = "p",
    .enrollment_id = "..",
    .event_id = "e\xC3\xA4",
    .command_id = "c%",
    .settings_request_id = "r",
};

START_TEST(paths_are_built_and_encoded)
{
    static const struct {
        enum f2m_endpoint endpoint;
        const char *path;
    } cases[] = {
        {F2M_ENDPOINT_SITE_TOKEN_CREATE, "/v1/auth/site/s%2F1"},
        {F2M_ENDPOINT_COMMANDS_GET, "/v1/commands"},
        {F2M_ENDPOINT_COMMAND_UPDATE, "/v1/command/c%25"},
        {F2M_ENDPOINT_SETTINGS_UPDATE, "/v1/settings/r"},
        {F2M_ENDPOINT_DEVICE_GET, "/v1/site/s%2F1/device/d%201"},
        {F2M_ENDPOINT_ENROLLMENT_DELETE, "/v1/site/s%2F1/enrollment/.."},
        {F2M_ENDPOINT_EVENT_GET, "/v1/site/s%2F1/event/e%C3%A4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        f2m_autostrbuf out;
        f2m_strbuf_init(&out, 0);
        struct f2m_err err;
        ck_assert_int_eq(f2m_endpoint_path(cases[i].endpoint, &every_id, NULL, &out, &err), 0);
        ck_assert_str_eq(out.data, cases[i].path);
    }
}
END_TEST

START_TEST(a_query_follows)
{
    f2m_autostrbuf out;
    f2m_strbuf_init(&out, 0);
    struct f2m_err err;
    ck_assert_int_eq(f2m_endpoint_path(F2M_ENDPOINT_SITES_GET, &every_id, "skip=0&limit=100", &out, &err), 0);
    ck_assert_str_eq(out.data, "/v1/sites?skip=0&limit=100");
    f2m_strbuf_reset(&out);
    ck_assert_int_eq(f2m_endpoint_path(F2M_ENDPOINT_SITES_GET, &every_id, "", &out, &err), 0);
    ck_assert_str_eq(out.data, "/v1/sites");
}
END_TEST

START_TEST(a_missing_id_is_named)
{
    f2m_autostrbuf out;
    f2m_strbuf_init(&out, 0);
    struct f2m_err err;
    struct f2m_path_ids ids = {.site_id = "s", .device_id = ""};
    ck_assert_int_eq(f2m_endpoint_path(F2M_ENDPOINT_DEVICE_GET, &ids, NULL, &out, &err), -EINVAL);
    ck_assert_str_eq(err.text, "missing device_id");
    ids.site_id = NULL;
    ck_assert_int_eq(f2m_endpoint_path(F2M_ENDPOINT_SITE_GET, &ids, NULL, &out, &err), -EINVAL);
    ck_assert_str_eq(err.text, "missing site_id");
}
END_TEST

START_TEST(every_operation_is_found_once)
{
    ck_assert_int_eq(F2M_ENDPOINT_COUNT, 24);
    for (unsigned i = 0; i < F2M_ENDPOINT_COUNT; i++) {
        enum f2m_endpoint found;
        ck_assert(f2m_endpoint_find(f2m_slice_of(f2m_endpoint_info[i].operation), &found));
        ck_assert_uint_eq(found, i);
    }
    enum f2m_endpoint found;
    ck_assert(!f2m_endpoint_find(f2m_slice_of("site/gets"), &found));
    ck_assert(!f2m_endpoint_find(f2m_slice_of(""), &found));
}
END_TEST

/* Interface, Sites 2: the kind of token is right for each path: /v1/site/… takes site tokens, nothing else does. */
START_TEST(tokens_follow_the_path)
{
    for (unsigned i = 0; i < F2M_ENDPOINT_COUNT; i++) {
        bool site = strncmp(f2m_endpoint_info[i].path, "/v1/site/", 9) == 0;
        ck_assert_int_eq(f2m_endpoint_info[i].token, site ? F2M_TOKEN_SITE : F2M_TOKEN_CLIENT);
    }
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("endpoint");
    tcase_add_test(t, paths_are_built_and_encoded);
    tcase_add_test(t, a_query_follows);
    tcase_add_test(t, a_missing_id_is_named);
    tcase_add_test(t, every_operation_is_found_once);
    tcase_add_test(t, tokens_follow_the_path);
    return fixture_main("endpoint", t);
}
