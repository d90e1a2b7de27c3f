/* What a preset publishes for each of Flip's commands, and which ones it refuses, word for word. */
#include "case.h"

#include "control/internal.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One case for each preset, and one more where parameters change what is published. */
static const char *const cases[] = {
    "solarassistant-grid",
    "lxp",
    "enphase",
    "powerwall",
    "powerwall3",
    "franklinwh",
    "victron-idle",
    "statestream",
    "givtcp",
    "victron-three-phase",
    "deye",
    "sunsynk",
    "growatt",
    "growatt2mqtt",
    "solaredge",
    "sigenergy",
    "marstek",
    "marstek-raw",
    "e3dc",
    "evcc",
};
#define CASES (sizeof cases / sizeof cases[0])

/* Every command that Flip can give, and what a device must not do behind its owner's back. */
static const struct {
    const char *label;
    struct f2m_orders orders;
    bool open_end;
} commands[] = {
    {"DISCHARGE/SETPOINT 3000 W, reserve 25 %", {F2M_MODE_DISCHARGE, "SETPOINT", 3000, 25, 0}, false},
    {"DISCHARGE/SETPOINT 3000 W, no reserve, no end", {F2M_MODE_DISCHARGE, "SETPOINT", 3000, NAN, -1}, true},
    {"DISCHARGE/SETPOINT 0 W", {F2M_MODE_DISCHARGE, "SETPOINT", 0, 25, 0}, false},
    {"DISCHARGE/FOLLOW_LOAD, reserve 25 %", {F2M_MODE_DISCHARGE, "FOLLOW_LOAD", NAN, 25, 0}, false},
    {"CHARGE/SETPOINT 2000 W, grid allowed", {F2M_MODE_CHARGE, "SETPOINT", 2000, NAN, 1}, false},
    {"CHARGE/SETPOINT 2000 W, grid forbidden", {F2M_MODE_CHARGE, "SETPOINT", 2000, NAN, 0}, false},
    {"CHARGE/FOLLOW_LOAD", {F2M_MODE_CHARGE, "FOLLOW_LOAD", NAN, NAN, 0}, false},
    {"STANDBY", {F2M_MODE_STANDBY, "", NAN, NAN, -1}, false},
    {"BACKUP, grid allowed", {F2M_MODE_BACKUP, "", NAN, NAN, 1}, false},
    {"BACKUP, grid forbidden", {F2M_MODE_BACKUP, "", NAN, NAN, 0}, false},
    {"SELF_CONSUMPTION, reserve 30 %", {F2M_MODE_SELF_CONSUMPTION, "", NAN, 30, -1}, false},
    {"SAVINGS", {F2M_MODE_SAVINGS, "", NAN, NAN, -1}, false},
};

#define START INT64_C(1769860800000) /* 2026-01-31T12:00:00Z */
#define TWO_H INT64_C(7200000)

static void add_duration(struct f2m_strbuf *out, const char *what, int64_t ms)
{
    if (ms)
        f2m_strbuf_addf(out, " %s %lld s", what, (long long)(ms / 1000));
}

static bool expand(const struct f2m_scene *scene, const char *template, struct f2m_strbuf *out)
{
    struct f2m_err err;

    if (f2m_action_expand(scene, template, out, &err) == 0)
        return true;
    f2m_strbuf_reset(out);
    f2m_strbuf_addf(out, "  not possible: %s\n", err.text);
    return false;
}

/* False where one of them cannot be filled in: then the command is refused before anything is published. */
static bool add_list(const struct f2m_scene *scene, const struct f2m_control_publish *list, size_t len,
                     struct f2m_strbuf *out)
{
    for (size_t i = 0; i < len; i++) {
        f2m_autostrbuf topic, payload, equals;
        f2m_strbuf_init(&topic, 0);
        f2m_strbuf_init(&payload, 0);
        f2m_strbuf_init(&equals, 0);
        bool ok = expand(scene, list[i].topic, &topic) && expand(scene, list[i].payload, &payload) &&
                  (!list[i].confirm.topic || expand(scene, list[i].confirm.equals, &equals));
        if (!ok) {
            f2m_strbuf_adds(out, payload.len ? payload.data : equals.len ? equals.data : topic.data);
            return false;
        }
        f2m_strbuf_addf(out, "  %s = %s%s", topic.data, payload.data, list[i].retain ? " RETAINED" : "");
        add_duration(out, "after", list[i].delay_ms);
        add_duration(out, "every", list[i].refresh_ms);
        if (list[i].confirm.topic)
            f2m_strbuf_addf(out, " then %s%s = %s", list[i].confirm.topic,
                            list[i].confirm.path ? list[i].confirm.path : "", equals.data);
        f2m_strbuf_addc(out, '\n');
    }
    return true;
}

static void describe(const struct f2m_device *d, struct f2m_strbuf *out)
{
    const struct f2m_control_config *control = &d->control;
    struct f2m_scene scene = {.device = d, .command_id = "c1", .starts_ms = START, .now = {.wall_ms = START}};

    if (control->modes_len == 0)
        f2m_strbuf_adds(out, "no modes: acknowledged, left to whatever follows device/…/control\n");
    for (size_t i = 0; control->modes_len && i < sizeof commands / sizeof commands[0]; i++) {
        const struct f2m_control_mode *mode = f2m_limits_mode(control, &commands[i].orders);
        f2m_autostrbuf list;
        f2m_strbuf_init(&list, 0);
        scene.orders = &commands[i].orders;
        scene.ends_ms = commands[i].open_end ? F2M_OPEN_END : START + TWO_H;
        f2m_strbuf_addf(out, "%s\n", commands[i].label);
        if (!mode) {
            f2m_strbuf_adds(out, "  not possible\n");
            continue;
        }
        if (mode->publishes_len == 0)
            f2m_strbuf_adds(out, "  nothing to publish\n");
        if (!add_list(&scene, mode->publishes, mode->publishes_len, &list))
            f2m_strbuf_adds(out, strstr(list.data, "  not possible"));
        else
            f2m_strbuf_adds(out, list.data);
    }
    static const struct f2m_orders none = {F2M_MODE_NONE, "", NAN, NAN, -1};
    scene.orders = &none;
    f2m_strbuf_adds(out, "restore\n");
    ck_assert_msg(add_list(&scene, control->restore, control->restore_len, out), "restore needs a command: %s",
                  out->data);
}

START_TEST(every_command_is_published_as_written)
{
    f2m_autostrbuf said;

    f2m_strbuf_init(&said, 0);
    struct f2m_config *config = case_load(cases[_i], &said);
    ck_assert_msg(config && said.len == 0, "%s", said.data);
    describe(&config->sites[0].devices[0], &said);
    ck_assert_msg(case_is_golden(cases[_i], ".control.txt", said.data), "%s: found\n%s", cases[_i], said.data);
    f2m_config_free(config);
}
END_TEST

/* A lease that counts minutes does not end before the command does. */
START_TEST(minutes_are_rounded_up)
{
    static const struct f2m_orders orders = {F2M_MODE_DISCHARGE, "SETPOINT", 3000, 25, 0};
    f2m_autostrbuf said;

    f2m_strbuf_init(&said, 0);
    struct f2m_config *config = case_load("givtcp", &said);
    ck_assert_msg(config && said.len == 0, "%s", said.data);
    const struct f2m_device *d = &config->sites[0].devices[0];
    struct f2m_scene scene = {.device = d,
                              .orders = &orders,
                              .command_id = "c1",
                              .starts_ms = START,
                              .ends_ms = START + TWO_H,
                              .now = {.wall_ms = START + 40000}};
    const struct f2m_control_mode *mode = f2m_limits_mode(&d->control, &orders);
    ck_assert(expand(&scene, mode->publishes[mode->publishes_len - 1].payload, &said));
    ck_assert_str_eq(said.data, "120"); /* 119 min 20 s are left */
    f2m_config_free(config);
}
END_TEST

/* Whatever is published is never kept by the broker: a battery that reconnects would obey an old command. */
START_TEST(nothing_is_retained)
{
    f2m_autostrbuf said;

    f2m_strbuf_init(&said, 0);
    struct f2m_config *config = case_load(cases[_i], &said);
    const struct f2m_control_config *control = &config->sites[0].devices[0].control;
    for (size_t i = 0; i < control->modes_len; i++)
        for (size_t k = 0; k < control->modes[i].publishes_len; k++)
            ck_assert(!control->modes[i].publishes[k].retain);
    for (size_t i = 0; i < control->restore_len; i++)
        ck_assert(!control->restore[i].retain);
    f2m_config_free(config);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("presets");
    TCase *tcase = tcase_create("control");

    tcase_add_loop_test(tcase, every_command_is_published_as_written, 0, (int)CASES);
    tcase_add_test(tcase, minutes_are_rounded_up);
    tcase_add_loop_test(tcase, nothing_is_retained, 0, (int)CASES);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
