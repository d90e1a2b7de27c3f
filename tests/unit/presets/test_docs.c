/* docs/presets.md says what the presets say, and every preset says what the page needs. */
#include "case.h"

#include "config/preset.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(the_page_is_up_to_date)
{
    f2m_autostrbuf page, written;

    f2m_strbuf_init(&page, 0);
    f2m_strbuf_init(&written, 0);
    f2m_presets_write_reference(&page);
    ck_assert(case_read("../../docs", "presets", ".md", &written));
    ck_assert_msg(strcmp(page.data, written.data) == 0, "docs/presets.md is old: build the target f2m-docs");
}
END_TEST

START_TEST(every_preset_has_a_row_and_a_section)
{
    f2m_autostrbuf page, wanted;

    f2m_strbuf_init(&page, 0);
    f2m_strbuf_init(&wanted, 0);
    f2m_presets_write_reference(&page);
    for (const struct f2m_preset_text *preset = f2m_preset_texts; preset->name; preset++) {
        f2m_strbuf_reset(&wanted);
        f2m_strbuf_addf(&wanted, "\n| [%s](#%s) | ", preset->name, preset->name);
        ck_assert_msg(strstr(page.data, wanted.data) != NULL, "%s has no row", preset->name);
        f2m_strbuf_reset(&wanted);
        f2m_strbuf_addf(&wanted, "\n## %s\n", preset->name);
        ck_assert_msg(strstr(page.data, wanted.data) != NULL, "%s has no section", preset->name);
        ck_assert_msg(strstr(preset->text, "\ntraps:\n") != NULL, "%s says nothing of its traps", preset->name);
        ck_assert_msg(strstr(preset->text, "\nrecognise:\n") != NULL, "%s cannot be learnt", preset->name);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("presets");
    TCase *tcase = tcase_create("docs");

    tcase_add_test(tcase, the_page_is_up_to_date);
    tcase_add_test(tcase, every_preset_has_a_row_and_a_section);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
