/* A collection is found bare or under data, items or its own name; telemetry results under any single name. */
#include "fixture.h"

#include "flip/list.h"

static const struct {
    const char *body, *collection, *array; /* array NULL = none */
} cases[] = {
    {"[1]", "sites", "[1]"},
    {"[]", NULL, "[]"},
    {"{\"data\":[1]}", "sites", "[1]"},
    {"{\"items\":[1],\"total\":1}", "sites", "[1]"},
    {"{\"sites\":[1],\"data\":{}}", "sites", "[1]"},
    {"{\"sites\":[2],\"data\":[1]}", "sites", "[2]"},
    {"{\"sites\":{},\"data\":[1]}", "sites", "[1]"},
    {"{\"results\":[1]}", "sites", NULL},
    {"{\"results\":[1]}", NULL, "[1]"},
    {"{\"results\":[1],\"n\":1}", NULL, "[1]"},
    {"{\"results\":[1],\"errors\":[]}", NULL, NULL},
    {"{\"data\":[1],\"errors\":[]}", NULL, "[1]"},
    {"{}", NULL, NULL},
    {"\"[1]\"", NULL, NULL},
    {"null", "sites", NULL},
};

START_TEST(lists_are_found)
{
    struct f2m_slice array = {NULL, 0};
    bool found = f2m_list_find(f2m_slice_of(cases[_i].body), cases[_i].collection, &array);
    ck_assert_int_eq(found, cases[_i].array != NULL);
    if (found)
        ck_assert(f2m_slice_is(array, cases[_i].array));
}
END_TEST

START_TEST(no_body_has_no_list)
{
    struct f2m_slice array;
    ck_assert(!f2m_list_find((struct f2m_slice){NULL, 0}, NULL, &array));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("list");
    tcase_add_loop_test(t, lists_are_found, 0, sizeof cases / sizeof *cases);
    tcase_add_test(t, no_body_has_no_list);
    return fixture_main("list", t);
}
