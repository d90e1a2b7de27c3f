#include "app/probe.h"

#include "app/clock.h"
#include "flip/cloud.h"
#include "http/client.h"

#include <errno.h>

struct probe {
    bool done;
    int result;
    struct f2m_err *err;
};

static void on_sites(void *owner, uint64_t id, struct f2m_now now, const struct f2m_reply *reply,
                     struct f2m_effects *fx)
{
    (void)id, (void)now, (void)fx;
    struct probe *p = owner;
    p->done = true;
    p->result = reply->outcome == F2M_OUTCOME_OK ? 0 : reply->outcome == F2M_OUTCOME_AUTH ? -EACCES : -EIO;
    if (p->result == 0)
        f2m_err_set(p->err, "reachable, the token is accepted");
    else if (p->result == -EACCES)
        f2m_err_set(p->err, "the token is refused (%d %s): compare flip.token with Flip's developer portal",
                    reply->status, reply->message);
    else
        f2m_err_set(p->err, "%s", reply->message);
}

static void carry_out(struct f2m_http *http, struct f2m_effects *fx)
{
    for (size_t i = 0; i < f2m_effects_count(fx); i++)
        if (f2m_effects_at(fx, i)->type == F2M_FX_HTTP)
            f2m_http_start(http, &f2m_effects_at(fx, i)->http);
    f2m_effects_reset(fx);
}

static void wait_for_answer(struct probe *p, struct f2m_http *http, struct f2m_cloud *cloud, struct f2m_effects *fx)
{
    while (!p->done) {
        carry_out(http, fx);
        (void)f2m_http_poll(http, NULL, 0, 1000);
        f2m_http_perform(http);
        struct f2m_http_result result;
        while (f2m_http_next_result(http, &result))
            (void)f2m_cloud_http_done(cloud, f2m_clock_now(), &result, fx);
    }
}

int probe_flip(const struct f2m_config *config, struct f2m_err *err)
{
    const struct f2m_flip_config *c = &config->flip;
    struct f2m_http *http =
        f2m_http_new(&(struct f2m_http_options){.base_url = c->base_url, .ca = c->ca, .insecure = c->insecure}, err);
    if (!http)
        return -EIO;
    struct f2m_counters counters = {0};
    struct f2m_rng rng = {0}; /* one call, no backoff */
    struct f2m_cloud *cloud = f2m_cloud_new(config, &counters, &rng);
    struct f2m_effects *fx = f2m_effects_new();
    struct probe p = {.err = err};
    struct f2m_call call = {.endpoint = F2M_ENDPOINT_SITES_GET, .query = "limit=1", .done = on_sites, .owner = &p};
    p.result = f2m_cloud_call(cloud, f2m_clock_now(), &call, fx, err);
    if (p.result == 0)
        wait_for_answer(&p, http, cloud, fx); /* ends: the client's own total timeout gives a result */
    f2m_effects_free(fx);
    f2m_cloud_free(cloud);
    f2m_http_free(http);
    return p.result;
}
