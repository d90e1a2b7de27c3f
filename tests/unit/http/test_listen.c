/* Where the listener listens, and what it says where it cannot. */
#include "http/server.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(listen_addresses)
{
    static const struct {
        const char *listen, *error;
    } table[] = {
        {"[::1]:0", NULL},
        {"localhost:0", NULL},
        {":0", NULL},
        {"127.0.0.1", "cannot listen on 127.0.0.1: expected host:port"},
        {"::1:80", "cannot listen on ::1:80: expected host:port"},
        {"127.0.0.1:", "cannot listen on 127.0.0.1:: expected host:port"},
        {"192.0.2.1:0", "cannot listen on 192.0.2.1:0: Cannot assign requested address"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct f2m_err err = {""};
        struct f2m_server *s = f2m_server_new(&(struct f2m_server_options){.listen = table[i].listen}, &err);
        ck_assert_str_eq(err.text, table[i].error ? table[i].error : "");
        ck_assert_int_eq(s != NULL, table[i].error == NULL);
        f2m_server_free(s);
    }
    struct f2m_err err = {""};
    char taken[64];
    struct f2m_server *server = f2m_server_new(&(struct f2m_server_options){.listen = "127.0.0.1:0"}, &err);
    ck_assert_ptr_nonnull(server);
    snprintf(taken, sizeof taken, "127.0.0.1:%d", f2m_server_port(server));
    ck_assert_ptr_null(f2m_server_new(&(struct f2m_server_options){.listen = taken}, &err));
    ck_assert_ptr_nonnull(strstr(err.text, ": Address already in use"));
    f2m_server_free(server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("listen");
    TCase *tcase = tcase_create("listen");
    tcase_add_test(tcase, listen_addresses);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
