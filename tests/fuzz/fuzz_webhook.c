/* A webhook body that carries a good signature and nevertheless anything at all: answered 204 or 400, told at most
 * once, and whatever is published of it is JSON. */
#include "fuzz.h"

#include "sites/sites.h"
#include "store/sqlite.h"
#include "util/json.h"

#include <math.h>
#include <string.h>

#define ROUND 256 /* inputs that one room takes */

static struct f2m_config config;
static struct f2m_site site;
static struct f2m_device device;
static struct f2m_counters counters;
static struct f2m_rng rng = {1};
static struct f2m_store *store;
static struct f2m_cloud *cloud;
static struct f2m_sites *sites;
static struct f2m_effects *fx;
static unsigned inputs;

static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

static void close_room(void)
{
    f2m_sites_free(sites);
    f2m_cloud_free(cloud);
    f2m_store_free(store);
}

static void open_room(struct f2m_now now)
{
    device =
        (struct f2m_device){.id = text("bat"), .site = &site, .capacity = NAN, .max_charge = NAN, .max_discharge = NAN};
    site = (struct f2m_site){.id = text("home"), .devices = &device, .devices_len = 1};
    config = (struct f2m_config){.flip = {.token = text("t"), .poll = {60000, 300000, 900000, 900000, 900000}},
                                 .mqtt = {.base_topic = text("b")},
                                 .sites = &site,
                                 .sites_len = 1};
    if (!fx)
        fx = f2m_effects_new();
    store = f2m_store_open_memory();
    cloud = f2m_cloud_new(&config, &counters, &rng);
    sites = f2m_sites_new(
        &(struct f2m_sites_context){
            .config = &config, .store = store, .cloud = cloud, .rng = &rng, .counters = &counters},
        now);
    f2m_sites_mqtt_up(sites, now, fx);
}

/* Commits, looks at what is published, acknowledges it; returns how many notifications there were. */
static size_t turn(struct f2m_now now)
{
    struct f2m_mqtt_published acks[64];
    size_t notifications = 0, acks_len = 0;
    struct f2m_err err;

    F2M_FUZZ_CHECK(f2m_store_commit(store) == 0);
    f2m_sites_committed(sites, now, true);
    for (size_t i = 0; i < f2m_effects_count(fx); i++) {
        const struct f2m_effect *e = f2m_effects_at(fx, i);
        if (e->type != F2M_FX_PUBLISH)
            continue;
        if (strstr(e->publish.topic, "/participation") == NULL)
            F2M_FUZZ_CHECK(f2m_json_check(e->publish.payload, &err) == 0);
        notifications += strstr(e->publish.topic, "/notification") != NULL;
        if (e->publish.tag && acks_len < 64)
            acks[acks_len++] = (struct f2m_mqtt_published){.tag = e->publish.tag};
    }
    f2m_effects_reset(fx);
    for (size_t i = 0; i < acks_len; i++)
        F2M_FUZZ_CHECK(f2m_sites_published(sites, now, &acks[i], fx));
    return notifications;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct f2m_now now = {1000000 + inputs, 1750000000000 + inputs};
    struct f2m_slice body = {(const char *)data, size};
    char id[32];

    if (inputs % ROUND == 0) {
        if (sites)
            close_room();
        open_room(now);
        (void)turn(now);
    }
    snprintf(id, sizeof id, "w%u", ++inputs);
    int status = f2m_sites_webhook(sites, now, id, body, fx);
    F2M_FUZZ_CHECK(status == 204 || status == 400);
    size_t told = turn(now);
    F2M_FUZZ_CHECK(told <= (status == 204 ? 1u : 0u));
    f2m_sites_tick(sites, now, fx);
    F2M_FUZZ_CHECK(turn(now) == 0);
    /* The same id, and the same under another id: never told again. */
    F2M_FUZZ_CHECK(f2m_sites_webhook(sites, now, id, body, fx) == status && turn(now) == 0);
    id[0] = 'x';
    F2M_FUZZ_CHECK(f2m_sites_webhook(sites, now, id, body, fx) == status && turn(now) == 0);
    return 0;
}
