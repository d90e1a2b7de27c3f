#include "world.h"

#include "config/load.h"
#include "store/sqlite.h"

#include <stdlib.h>
#include <unistd.h>

static const char yaml[] = YAML_HEAD "sites:\n"
                                     "  - id: s\n"
                                     "    devices:\n"
                                     "      - id: d/1\n"
                                     "        telemetry:\n"
                                     "          interval: 10s\n"
                                     "          sources: { state_of_charge: soc, battery_power: power }\n";

struct f2m_config *config;
struct f2m_store *store;
struct f2m_engine *engine;
struct f2m_effects *fx;
struct f2m_now now;

static struct f2m_config *load(const char *text)
{
    char path[] = "/tmp/f2m-engine-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct f2m_findings findings = {0};
    struct f2m_config *c = f2m_config_load(&(struct f2m_config_options){.file = path}, &findings);
    ck_assert_msg(c, "%s", findings.len ? findings.list[0].message : "no configuration");
    f2m_findings_free(&findings);
    unlink(path);
    return c;
}

void start_at(int64_t wall_ms)
{
    now = (struct f2m_now){.mono_ms = 1000000, .wall_ms = wall_ms};
    engine = f2m_engine_new(
        &(struct f2m_engine_options){.config = config, .store = store, .version = "1", .seed = 7, .built_ms = BUILT},
        now);
}

void start_with(const char *text)
{
    f2m_engine_free(engine);
    f2m_config_free(config);
    config = load(text);
    start_at(START);
}

void reload_with(const char *text)
{
    struct f2m_config *old = config;
    config = load(text);
    f2m_engine_reload(engine, now, config, fx);
    f2m_config_free(old);
}

void world_setup(void)
{
    config = load(yaml);
    store = f2m_fault_store_new(f2m_store_open_memory());
    fx = f2m_effects_new();
    start_at(START);
}

void world_teardown(void)
{
    f2m_engine_free(engine);
    f2m_effects_free(fx);
    f2m_store_free(store);
    f2m_config_free(config);
}

void step(const struct f2m_event *event)
{
    f2m_engine_step(engine, now, event, fx);
}

void step_type(enum f2m_event_type type)
{
    step(&(struct f2m_event){.type = type});
}

void pass(int64_t ms)
{
    now.mono_ms += ms;
    now.wall_ms += ms;
    step_type(F2M_EV_TICK);
    f2m_engine_commit(engine, now, fx);
}

void message(const char *topic, const char *payload, bool retain)
{
    step(&(struct f2m_event){
        .type = F2M_EV_MQTT_MESSAGE,
        .message = {.topic = f2m_slice_of(topic), .payload = f2m_slice_of(payload), .retain = retain}});
}

/* The last publish on a topic since the last reset, or NULL. */
const char *published(const char *topic)
{
    for (size_t i = f2m_effects_count(fx); i-- > 0;) {
        const struct f2m_effect *e = f2m_effects_at(fx, i);
        if (e->type == F2M_FX_PUBLISH && strcmp(e->publish.topic, topic) == 0)
            return e->publish.payload.at;
    }
    return NULL;
}

bool logged(const char *words)
{
    for (size_t i = 0; i < f2m_effects_count(fx); i++) {
        const struct f2m_effect *e = f2m_effects_at(fx, i);
        if (e->type == F2M_FX_LOG && strstr(e->log.msg, words))
            return true;
    }
    return false;
}

/* Connects and has the broker grant everything but `refused`. */
void connect_all_but(const char *refused)
{
    step_type(F2M_EV_MQTT_UP);
    size_t n = f2m_effects_count(fx);
    for (size_t i = 0; i < n; i++) {
        if (f2m_effects_at(fx, i)->type != F2M_FX_SUBSCRIBE)
            continue;
        const char *filter = f2m_effects_at(fx, i)->filter;
        bool no = refused && strcmp(filter, refused) == 0;
        step(&(struct f2m_event){.type = F2M_EV_MQTT_SUBSCRIBED, .subscribed = {filter, no ? 0x87 : 1}});
    }
}

int world_main(const char *name, TCase *tc)
{
    Suite *suite = suite_create(name);

    tcase_add_checked_fixture(tc, world_setup, world_teardown);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
