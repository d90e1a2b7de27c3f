/* Whatever is asked, under whatever name: exactly one answer, JSON with the four members, at the latest at the
 * deadline. The first line of the input is the operation, the rest the payload. */
#include "fuzz.h"

#include "requests/requests.h"
#include "store/sqlite.h"
#include "util/json.h"
#include "util/limits.h"

#include <string.h>

static struct f2m_config config;
static struct f2m_counters counters;
static struct f2m_rng rng = {1};
static struct f2m_requests *requests;
static struct f2m_cloud *cloud;
static struct f2m_effects *fx;
static char token[] = "t", base[] = "b", discovery[] = "h";

static void open_room(void)
{
    config = (struct f2m_config){.flip = {.token = token},
                                 .mqtt = {.base_topic = base},
                                 .homeassistant = {.discovery_topic = discovery},
                                 .requests = {.allow = ~0u}};
    struct f2m_store *store = f2m_store_open_memory();
    cloud = f2m_cloud_new(&config, &counters, &rng);
    requests = f2m_requests_new(&(struct f2m_requests_context){.config = &config,
                                                               .cloud = cloud,
                                                               .outbox = f2m_outbox_new(&config, store, &counters),
                                                               .store = store,
                                                               .counters = &counters});
    fx = f2m_effects_new();
}

static void check_answer(const struct f2m_publish *p)
{
    struct f2m_err err;
    F2M_FUZZ_CHECK(strncmp(p->topic, "b/bridge/response/", 18) == 0);
    F2M_FUZZ_CHECK(f2m_json_check(p->payload, &err) == 0);
    struct f2m_slice root = f2m_json_root(p->payload), status = f2m_json_member(root, "status");
    bool ok = f2m_json_string_is(status, "ok");
    F2M_FUZZ_CHECK(ok || f2m_json_string_is(status, "error"));
    F2M_FUZZ_CHECK(f2m_json_count(root) == 4 && f2m_json_member(root, ok ? "data" : "error").at != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int64_t mono_ms = 1000;
    if (!requests)
        open_room();
    const char *text = (const char *)data, *end = size ? memchr(text, '\n', size) : NULL;
    struct f2m_slice operation = {text, end ? (size_t)(end - text) : size};
    if (operation.len == 0 || memchr(text, '\0', operation.len))
        return 0;
    size_t rest = end ? operation.len + 1 : size;
    struct f2m_mqtt_message m = {.payload = {text + rest, size - rest}};
    f2m_requests_message(requests, (struct f2m_now){mono_ms, 1750000000000}, operation, &m, fx);
    mono_ms += F2M_REQUEST_DEADLINE_MS;
    f2m_requests_tick(requests, (struct f2m_now){mono_ms, 1750000000000}, fx);
    size_t answers = 0, calls = 0;
    uint64_t tag = 0;
    for (size_t i = 0; i < f2m_effects_count(fx); i++) {
        const struct f2m_effect *e = f2m_effects_at(fx, i);
        answers += e->type == F2M_FX_PUBLISH;
        if (e->type == F2M_FX_PUBLISH)
            check_answer(&e->publish);
        if (e->type != F2M_FX_HTTP)
            continue;
        calls++;
        tag = e->http.tag;
    }
    F2M_FUZZ_CHECK(answers == 1 && calls <= 1);
    f2m_effects_reset(fx);
    struct f2m_http_result lost = {.tag = tag, .error = "timed out"};
    if (calls) /* too late: nothing more is said, and the next input finds an idle cloud */
        F2M_FUZZ_CHECK(f2m_cloud_http_done(cloud, (struct f2m_now){mono_ms, 1750000000000}, &lost, fx));
    for (size_t i = 0; i < f2m_effects_count(fx); i++)
        F2M_FUZZ_CHECK(f2m_effects_at(fx, i)->type == F2M_FX_LOG);
    f2m_effects_reset(fx);
    return 0;
}
