/* The table of entities keeps Home Assistant's rules and its own: names for ever, no id that could stand for two. */
#include "homeassistant/entities.h"

#include "homeassistant/reference.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static const char *object_id(enum f2m_ha_scope scope, const char *id)
{
    static struct f2m_strbuf out;

    f2m_strbuf_deinit(&out);
    f2m_strbuf_init(&out, 0);
    f2m_ha_object_id(&out, scope, id);
    return out.data;
}

static bool ends_with_key(const char *key, const char *other)
{
    size_t len = strlen(key), n = strlen(other);

    return len > n && key[len - n - 1] == '_' && strcmp(key + len - n, other) == 0;
}

START_TEST(no_unique_id_can_stand_for_two_entities)
{
    for (size_t i = 0; i < f2m_ha_entities_len; i++)
        for (size_t j = 0; j < f2m_ha_entities_len; j++) {
            const struct f2m_ha_entity *a = &f2m_ha_entities[i], *b = &f2m_ha_entities[j];
            if (i == j || a->scope != b->scope)
                continue;
            ck_assert_msg(strcmp(a->key, b->key) != 0, "two keys %s", a->key);
            ck_assert_msg(strcmp(a->name, b->name) != 0, "two names %s", a->name);
            ck_assert_msg(!ends_with_key(a->key, b->key), "%s ends with %s", a->key, b->key);
        }
}
END_TEST

START_TEST(rows_say_what_their_platform_needs)
{
    for (size_t i = 0; i < f2m_ha_entities_len; i++) {
        const struct f2m_ha_entity *e = &f2m_ha_entities[i];
        bool is_enum = e->device_class && strcmp(e->device_class, "enum") == 0;
        ck_assert_ptr_nonnull(e->topic);
        ck_assert_msg((e->platform == F2M_HA_SWITCH) == (e->command != NULL), "%s", e->key);
        ck_assert_msg((is_enum || e->platform == F2M_HA_EVENT) == (e->options != NULL), "%s", e->key);
        ck_assert_msg(!is_enum || (!e->unit && !e->state_class), "%s: an enum has no unit", e->key);
        ck_assert_msg(!e->last_reset || strcmp(e->state_class, "total") == 0, "%s", e->key);
        ck_assert_msg(e->scope == F2M_HA_DEVICE || e->need == F2M_HA_NEEDS_NOTHING, "%s", e->key);
        ck_assert_msg(!e->on == !e->off, "%s", e->key);
    }
}
END_TEST

START_TEST(every_source_has_an_entity)
{
    for (size_t id = 0; id < F2M_SRC_COUNT; id++) {
        bool any = false;
        for (size_t i = 0; i < f2m_ha_entities_len; i++)
            any = any || f2m_ha_entities[i].need == (enum f2m_ha_need)(F2M_HA_NEEDS_SOURCE + id);
        ck_assert_msg(any, "%s has no entity", f2m_source_info[id].name);
    }
}
END_TEST

START_TEST(ids_hold_only_what_home_assistant_takes)
{
    ck_assert_str_eq(object_id(F2M_HA_DEVICE, "xyz-123_A"), "flip2mqtt_device_xyz-123_A");
    ck_assert_str_eq(object_id(F2M_HA_SITE, "xyz-123_A"), "flip2mqtt_site_xyz-123_A");
    ck_assert_str_eq(object_id(F2M_HA_BRIDGE, NULL), "flip2mqtt_bridge");
    ck_assert_str_eq(object_id(F2M_HA_DEVICE, "a b"), "flip2mqtt_device_a_b_e2bca18b");
    ck_assert_str_eq(object_id(F2M_HA_DEVICE, "a/b"), "flip2mqtt_device_a_b_e2480c78");
    ck_assert_str_eq(object_id(F2M_HA_DEVICE, ""), "flip2mqtt_device__4fd0bfc1");
}
END_TEST

START_TEST(long_ids_are_cut_and_stay_different)
{
    char a[201], b[201];

    memset(a, 'x', sizeof a - 1);
    a[200] = '\0';
    memcpy(b, a, sizeof b);
    b[199] = 'y';
    char *first = strdup(object_id(F2M_HA_DEVICE, a));
    ck_assert_uint_eq(strlen(first), strlen("flip2mqtt_device_") + 64 + 9);
    ck_assert_str_ne(first, object_id(F2M_HA_DEVICE, b));
    free(first);
}
END_TEST

START_TEST(slugs_are_home_assistants)
{
    static const struct {
        const char *text, *slug;
    } cases[] = {{"Garage battery", "garage_battery"}, {"  A--b (c) ", "a_b_c"}, {"\xc3\xa9", ""}, {"x1", "x1"}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        f2m_autostrbuf out;
        f2m_strbuf_init(&out, 0);
        f2m_ha_slug(&out, cases[i].text);
        ck_assert_str_eq(out.data, cases[i].slug);
    }
}
END_TEST

START_TEST(the_page_of_entities_is_current)
{
    f2m_autostrbuf written = {0}, page = {0};
    char part[4096];

    f2m_strbuf_init(&written, 0);
    f2m_strbuf_init(&page, 0);
    f2m_ha_write_reference(&written);
    FILE *f = fopen(F2M_SOURCE_DIR "/docs/home-assistant-entities.md", "r");
    ck_assert_ptr_nonnull(f);
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        f2m_strbuf_add(&page, part, n);
    fclose(f);
    ck_assert_msg(strcmp(page.data, written.data) == 0,
                  "docs/home-assistant-entities.md is old: build the target f2m-docs");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("homeassistant_entities");
    TCase *tc = tcase_create("entities");
    tcase_add_test(tc, no_unique_id_can_stand_for_two_entities);
    tcase_add_test(tc, rows_say_what_their_platform_needs);
    tcase_add_test(tc, every_source_has_an_entity);
    tcase_add_test(tc, ids_hold_only_what_home_assistant_takes);
    tcase_add_test(tc, long_ids_are_cut_and_stay_different);
    tcase_add_test(tc, slugs_are_home_assistants);
    tcase_add_test(tc, the_page_of_entities_is_current);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
