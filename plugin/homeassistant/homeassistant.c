#include "homeassistant/homeassistant.h"

#include "homeassistant/internal.h"
#include "util/cleanup.h"
#include "util/limits.h"
#include "util/xalloc.h"

#include <stdlib.h>

#define JITTER_LEAST_MS 1000
#define JITTER_MOST_MS  5000
#define RETRY_MS        5000

struct f2m_homeassistant *f2m_homeassistant_new(const struct f2m_homeassistant_context *context)
{
    struct f2m_homeassistant *h = f2m_xcalloc(1, sizeof *h);

    h->c = *context;
    h->again = f2m_xcalloc(F2M_MAX_DISCOVERY_IN_FLIGHT, sizeof *h->again);
    h->birth_ms = h->states_ms = h->retry_ms = h->search_ms = F2M_HA_NEVER;
    h->quiet_ms = INT64_MIN;
    f2m_strbuf_init(&h->topic, 0);
    f2m_strbuf_init(&h->text, 0);
    f2m_strbuf_init(&h->record, 0);
    f2m_strbuf_init(&h->key, 0);
    return h;
}

void f2m_homeassistant_free(struct f2m_homeassistant *h)
{
    if (!h)
        return;
    f2m_ha_round_drop(h);
    f2m_ha_search_drop(h);
    free(h->search_filter);
    free(h->again);
    free(h->bridge_id);
    free(h->refusal);
    f2m_strbuf_deinit(&h->topic);
    f2m_strbuf_deinit(&h->text);
    f2m_strbuf_deinit(&h->record);
    f2m_strbuf_deinit(&h->key);
    free(h);
}

void f2m_homeassistant_reload(struct f2m_homeassistant *h, struct f2m_now now, const struct f2m_config *config,
                              struct f2m_effects *fx)
{
    h->c.config = config;
    f2m_ha_round_start(h, now, false, fx);
}

void f2m_homeassistant_mqtt_up(struct f2m_homeassistant *h, struct f2m_now now, struct f2m_effects *fx)
{
    h->connected = true;
    f2m_ha_search_start(h, now, fx);
    f2m_ha_round_start(h, now, false, fx);
}

void f2m_homeassistant_mqtt_down(struct f2m_homeassistant *h)
{
    h->connected = false;
    h->birth_ms = h->states_ms = h->retry_ms = F2M_HA_NEVER;
    f2m_ha_round_drop(h);
    f2m_ha_search_drop(h);
}

bool f2m_homeassistant_published(struct f2m_homeassistant *h, struct f2m_now now, const struct f2m_mqtt_published *p,
                                 struct f2m_effects *fx)
{
    if ((p->tag & ((uint64_t)0xff << 56)) != F2M_TAG_HOMEASSISTANT)
        return false;
    f2m_ha_round_published(h, now, p, fx);
    return true;
}

void f2m_homeassistant_status(struct f2m_homeassistant *h, struct f2m_now now, struct f2m_slice payload)
{
    struct f2m_slice text = f2m_slice_trim(payload);

    if (!h->connected || !h->c.config->homeassistant.enabled || text.len == 0 || f2m_slice_is(text, "offline"))
        return;
    if (h->birth_ms != F2M_HA_NEVER) /* a birth on top of another does not put it off */
        return;
    h->birth_ms = now.mono_ms + JITTER_LEAST_MS + f2m_rng_below(h->c.rng, JITTER_MOST_MS - JITTER_LEAST_MS + 1);
}

void f2m_homeassistant_tick(struct f2m_homeassistant *h, struct f2m_now now, struct f2m_effects *fx)
{
    if (now.mono_ms >= h->birth_ms) {
        h->birth_ms = F2M_HA_NEVER;
        f2m_ha_round_start(h, now, true, fx);
    } else if (now.mono_ms >= h->retry_ms) {
        f2m_ha_round_start(h, now, h->after_birth, fx);
    }
    if (now.mono_ms >= h->search_ms)
        f2m_ha_search_end(h, now, fx);
    f2m_ha_round_go_on(h, now, fx);
    if (now.mono_ms >= h->states_ms) {
        h->states_ms = F2M_HA_NEVER;
        h->states_due = true;
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t f2m_homeassistant_deadline(const struct f2m_homeassistant *h)
{
    int64_t deadline = earlier(earlier(h->birth_ms, h->states_ms), earlier(h->retry_ms, h->search_ms));

    return h->again_len ? earlier(deadline, h->quiet_ms) : deadline;
}

bool f2m_homeassistant_states_due(struct f2m_homeassistant *h)
{
    bool due = h->states_due;

    h->states_due = false;
    return due;
}

void f2m_homeassistant_committed(struct f2m_homeassistant *h, struct f2m_now now, bool ok)
{
    if (!ok && h->sent_now) { /* nobody heard it, and no acknowledgement comes */
        h->retry_ms = now.mono_ms + RETRY_MS;
        free(f2m_take(h->bridge_id)); /* it may have been stored in this turn */
    }
    h->sent_now = false;
}

void f2m_homeassistant_problems(const struct f2m_homeassistant *h,
                                void (*visit)(void *ctx, const char *topic, const char *text), void *ctx)
{
    if (h->refusal)
        visit(ctx, h->refusal,
              "the broker refuses it, so Home Assistant does not hear of all entities (check the access "
              "rights of the broker's user)");
}
