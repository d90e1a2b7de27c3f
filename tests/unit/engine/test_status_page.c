/* The status page tells at one look what the bridge knows, and shows what comes from outside as text, never as HTML. */
#include "world.h"

#include "util/strbuf.h"

static struct f2m_strbuf page;

static void look(void)
{
    f2m_strbuf_deinit(&page);
    f2m_strbuf_init(&page, 0);
    f2m_engine_status_page(engine, now, &page);
    ck_assert_ptr_nonnull(strstr(page.data, "</html>"));
}

#define shows(text)     ck_assert_msg(strstr(page.data, text), "no '%s' in %s", text, page.data)
#define shows_not(text) ck_assert_msg(!strstr(page.data, text), "'%s' in %s", text, page.data)

static void setup(void)
{
    f2m_strbuf_init(&page, 0);
}

static void teardown(void)
{
    f2m_strbuf_deinit(&page);
}

START_TEST(it_tells_what_is_connected_and_what_the_battery_says)
{
    look();
    shows("no broker");
    shows("nothing heard yet");
    shows("none yet");
    connect_all_but(NULL);
    message("soc", "55.5", false);
    message("power", "-1200", false);
    pass(2000);
    look();
    shows("broker connected");
    shows("<td>state of charge</td><td class=\"n\">55.5 %</td><td>2 s ago</td>");
    shows("-1200 W (discharging)");
    shows("The battery runs as you set it.");
}
END_TEST

START_TEST(it_tells_the_last_point_and_what_waits)
{
    connect_all_but(NULL);
    message("soc", "55.5", false);
    pass(10000);
    look();
    shows("Last point, from 2026-09-21T14:13:20.000Z: pending");
    shows("<td>Points waiting</td><td>1</td>");
}
END_TEST

START_TEST(a_value_that_is_too_old_is_marked)
{
    connect_all_but(NULL);
    message("soc", "55.5", false);
    pass(400000);
    look();
    shows("<tr class=\"old\"><td>state of charge</td>");
    shows("offline");
}
END_TEST

START_TEST(problems_stand_on_top)
{
    connect_all_but("soc");
    pass(1);
    look();
    shows("To mend");
    shows("<li>soc: the broker refuses the subscription");
}
END_TEST

START_TEST(names_are_text_not_html_and_secrets_are_not_there)
{
    reload_with("version: 1\n"
                "flip: { base_url: 'http://127.0.0.1:1', token: hush-hush }\n"
                "mqtt: { server: 'mqtt://user:hush@127.0.0.1', base_topic: base }\n"
                "sites: [{ id: s, devices: [{ id: d/1, name: '<script>\"&''</script>',\n"
                "  telemetry: { sources: { state_of_charge: soc } } }] }]\n");
    look();
    shows("&lt;script&gt;&quot;&amp;&#39;&lt;/script&gt;");
    shows_not("<script");
    shows_not("hush");
}
END_TEST

START_TEST(many_devices_are_cut_and_counted)
{
    f2m_autostrbuf text;
    f2m_strbuf_init(&text, 0);
    f2m_strbuf_adds(&text, "flip: { base_url: 'http://127.0.0.1:1', token: t }\n"
                           "mqtt: { server: 'mqtt://127.0.0.1', base_topic: base }\nsites:\n  - id: s\n    devices:\n");
    for (int i = 0; i < 103; i++)
        f2m_strbuf_addf(&text, "      - { id: b%d, telemetry: { sources: { state_of_charge: soc } } }\n", i);
    reload_with(text.data);
    look();
    shows("b99");
    shows_not("b100");
    shows("and 3 more devices");
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("status page");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, it_tells_what_is_connected_and_what_the_battery_says);
    tcase_add_test(tc, it_tells_the_last_point_and_what_waits);
    tcase_add_test(tc, a_value_that_is_too_old_is_marked);
    tcase_add_test(tc, problems_stand_on_top);
    tcase_add_test(tc, names_are_text_not_html_and_secrets_are_not_there);
    tcase_add_test(tc, many_devices_are_cut_and_counted);
    return world_main("status page", tc);
}
