#include "world.h"

#include "store/sqlite.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#include <math.h>
#include <stdlib.h>

#define MAX 3000

struct f2m_homeassistant *room;
struct f2m_config config;
struct f2m_site sites[2];
struct f2m_device devices[2][40];
struct f2m_store *store;
struct f2m_now now;
bool world_silent;
int world_reason;
size_t world_refusals;

struct publish {
    char *topic, *payload;
    uint64_t tag;
    bool withheld;
};
static struct publish publishes[MAX];
static size_t publishes_len, forgotten;
static uint64_t waiting[MAX];
static size_t waiting_len;
static cJSON *parsed[MAX];
static size_t parsed_len;
static struct f2m_effects *fx;
static struct f2m_rng rng;
static struct f2m_strbuf log_text, list_text, filters_text;
static bool states_seen;

static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

void world_map(struct f2m_device *d, enum f2m_source_id id)
{
    d->telemetry.sources[id] = (struct f2m_source){.op = F2M_SOURCE_TOPIC, .topic = text("t")};
}

void world_map_all(struct f2m_device *d)
{
    for (size_t id = 0; id < F2M_SRC_COUNT; id++)
        world_map(d, (enum f2m_source_id)id);
}

void world_setup(void)
{
    memset(sites, 0, sizeof sites);
    memset(devices, 0, sizeof devices);
    config = (struct f2m_config){.mqtt = {.base_topic = text("flip2mqtt")},
                                 .homeassistant = {true, text("homeassistant"), text("homeassistant/status")},
                                 .sites = sites,
                                 .sites_len = 1};
    sites[0] = (struct f2m_site){.id = text("abc-789"), .devices = devices[0], .devices_len = 1};
    devices[0][0] = (struct f2m_device){.id = text("xyz-123"),
                                        .name = text("Garage battery"),
                                        .manufacturer_name = {.value = text("DeviceMaker")},
                                        .product_name = {.value = text("Model 1")},
                                        .serial_number = {.value = text("123456789")},
                                        .capacity = 13500,
                                        .max_charge = NAN,
                                        .max_discharge = NAN,
                                        .site = &sites[0]};
    world_map(&devices[0][0], F2M_SRC_STATE_OF_CHARGE);
    world_map(&devices[0][0], F2M_SRC_BATTERY_POWER);
    now = (struct f2m_now){1000000, 1750000000000};
    rng.state = 7;
    store = f2m_fault_store_new(f2m_store_open_memory());
    fx = f2m_effects_new();
    publishes_len = forgotten = waiting_len = parsed_len = world_refusals = 0;
    world_silent = states_seen = false;
    f2m_strbuf_init(&log_text, 0);
    f2m_strbuf_init(&list_text, 0);
    f2m_strbuf_init(&filters_text, 0);
}

void world_teardown(void)
{
    f2m_homeassistant_free(room);
    f2m_store_free(store);
    f2m_effects_free(fx);
    for (size_t i = 0; i < publishes_len; i++) {
        free(publishes[i].topic);
        free(publishes[i].payload);
    }
    for (size_t i = 0; i < parsed_len; i++)
        cJSON_Delete(parsed[i]);
    f2m_strbuf_deinit(&log_text);
    f2m_strbuf_deinit(&list_text);
    f2m_strbuf_deinit(&filters_text);
    room = NULL;
}

/* ---- the broker ---- */

static void take_effects(void)
{
    for (size_t i = 0; i < f2m_effects_count(fx); i++) {
        const struct f2m_effect *e = f2m_effects_at(fx, i);
        if (e->type == F2M_FX_LOG)
            f2m_strbuf_addf(&log_text, "%s %s\n", e->log.msg, e->log.pairs);
        if (e->type == F2M_FX_SUBSCRIBE || e->type == F2M_FX_UNSUBSCRIBE)
            f2m_strbuf_addf(&filters_text, "%c%s\n", e->type == F2M_FX_SUBSCRIBE ? '+' : '-', e->filter);
        if (e->type != F2M_FX_PUBLISH)
            continue;
        ck_assert_uint_lt(publishes_len, MAX);
        ck_assert(e->publish.retain);
        publishes[publishes_len++] =
            (struct publish){.topic = f2m_xstrdup(e->publish.topic),
                             .payload = f2m_xmemdup0(e->publish.payload.at, e->publish.payload.len),
                             .tag = e->publish.tag};
        if (e->publish.tag)
            waiting[waiting_len++] = e->publish.tag;
    }
    f2m_effects_reset(fx);
}

static void turn_ends(void)
{
    int r = f2m_store_commit(store);

    if (r != 0)
        f2m_effects_withhold(fx);
    f2m_homeassistant_committed(room, now, r == 0);
    take_effects();
    states_seen = f2m_homeassistant_states_due(room) || states_seen;
}

void world_acknowledge(size_t n)
{
    while (n-- && waiting_len) {
        struct f2m_mqtt_published p = {.tag = waiting[0], .reason = world_refusals ? world_reason : 0};
        world_refusals -= world_refusals > 0;
        memmove(waiting, waiting + 1, --waiting_len * sizeof waiting[0]);
        ck_assert(f2m_homeassistant_published(room, now, &p, fx));
        turn_ends();
    }
}

size_t world_waiting(void)
{
    return waiting_len;
}

static void settle(void)
{
    turn_ends();
    while (!world_silent && waiting_len)
        world_acknowledge(1);
}

/* ---- life ---- */

void world_up(void)
{
    f2m_homeassistant_mqtt_up(room, now, fx);
    settle();
}

void world_down(void)
{
    waiting_len = 0;
    f2m_homeassistant_mqtt_down(room);
}

void world_start(void)
{
    room = f2m_homeassistant_new(&(struct f2m_homeassistant_context){&config, store, &rng, "1.2.3"});
    world_up();
}

void world_restart(void)
{
    f2m_homeassistant_free(room);
    f2m_fault_store_crash(store);
    waiting_len = 0;
    world_start();
}

void world_reload(void)
{
    f2m_homeassistant_reload(room, now, &config, fx);
    settle();
}

void world_status(const char *payload)
{
    f2m_homeassistant_status(room, now, f2m_slice_of(payload));
    settle();
}

const char *subscribed(void)
{
    return filters_text.data ? filters_text.data : "";
}

void world_message(const char *topic, const char *payload, bool retain)
{
    f2m_homeassistant_message(
        room,
        &(struct f2m_mqtt_message){.topic = f2m_slice_of(topic), .payload = f2m_slice_of(payload), .retain = retain});
}

void world_pass(int64_t ms)
{
    int64_t end = now.mono_ms + ms;

    for (;;) {
        int64_t deadline = f2m_homeassistant_deadline(room);
        int64_t next = deadline < end ? deadline : end;
        if (next > now.mono_ms) {
            now.wall_ms += next - now.mono_ms;
            now.mono_ms = next;
        }
        f2m_homeassistant_tick(room, now, fx);
        settle();
        if (now.mono_ms == end && f2m_homeassistant_deadline(room) > end)
            return;
    }
}

bool world_states_due(void)
{
    bool seen = states_seen;

    states_seen = false;
    return seen;
}

/* ---- looking ---- */

const char *held(const char *topic)
{
    for (size_t i = publishes_len; i > 0; i--)
        if (strcmp(publishes[i - 1].topic, topic) == 0)
            return publishes[i - 1].payload[0] ? publishes[i - 1].payload : NULL;
    return NULL;
}

cJSON *held_json(const char *topic)
{
    const char *payload = held(topic);

    ck_assert_msg(payload != NULL, "nothing on %s", topic);
    cJSON *json = cJSON_Parse(payload);
    ck_assert_msg(json != NULL, "no JSON: %s", payload);
    parsed[parsed_len++] = json;
    return json;
}

size_t held_len(void)
{
    size_t n = 0;

    for (size_t i = 0; i < publishes_len; i++) {
        bool last = true;
        for (size_t j = i + 1; j < publishes_len; j++)
            last = last && strcmp(publishes[i].topic, publishes[j].topic) != 0;
        n += last && publishes[i].payload[0];
    }
    return n;
}

const char *published(void)
{
    f2m_strbuf_reset(&list_text);
    for (size_t i = forgotten; i < publishes_len; i++)
        f2m_strbuf_addf(&list_text, "%s%s\n", publishes[i].payload[0] ? "" : "-", publishes[i].topic);
    return list_text.data;
}

size_t published_len(void)
{
    return publishes_len - forgotten;
}

const char *payload_at(size_t i)
{
    ck_assert_uint_lt(forgotten + i, publishes_len);
    return publishes[forgotten + i].payload;
}

void world_forget(void)
{
    forgotten = publishes_len;
    f2m_strbuf_reset(&log_text);
}

const char *logs(void)
{
    return log_text.data;
}

cJSON *component(const char *topic, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(held_json(topic), "cmps"), key);
}

const char *member(const cJSON *object, const char *name)
{
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return value ? value : "";
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
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
