/* Answers to requests from MQTT show objects too: the topics follow at once, and differences become notifications. */
#include "flip/list.h"
#include "sites/internal.h"

static void take_list(struct f2m_sites *s, struct f2m_now now, struct f2m_site_state *site, enum f2m_kind kind,
                      struct f2m_slice body, struct f2m_effects *fx)
{
    struct f2m_slice list;

    if (f2m_list_find(body, f2m_sites_kind_info[kind].name, &list))
        f2m_diff_take_list(s, now, site, kind, list, true, fx);
}

/* POST /v1/commission: the answer does not name the site. */
static void commissioned(struct f2m_sites *s, struct f2m_now now, struct f2m_slice body, struct f2m_effects *fx)
{
    struct f2m_slice enrollment = f2m_json_member(body, "enrollment");
    char id[F2M_MAX_ID_BYTES + 1];
    struct f2m_site_state *site = NULL;

    if (f2m_object_text(enrollment, "site_id", id, sizeof id))
        site = f2m_sites_site(s, id);
    if (site)
        (void)f2m_diff_take(s, now, site, F2M_KIND_ENROLLMENTS, enrollment, true, fx);
    for (site = s->sites; site; site = site->hh.next)
        if (site->unknown)
            f2m_sites_poll_soon(site, F2M_KIND_DEVICES);
}

static void sites_listed(struct f2m_sites *s, struct f2m_now now, struct f2m_slice body, struct f2m_effects *fx)
{
    struct f2m_slice list, name, value;
    char id[F2M_MAX_ID_BYTES + 1];

    if (!f2m_list_find(body, "sites", &list))
        return;
    struct f2m_json_iter it = f2m_json_iter(list);
    while (f2m_json_next(&it, &name, &value)) {
        struct f2m_site_state *site = f2m_object_id(value, id) ? f2m_sites_site(s, id) : NULL;
        if (site)
            (void)f2m_diff_take(s, now, site, F2M_KIND_INFO, value, false, fx);
    }
}

/* What is to be done with an answer. */
enum act {
    ACT_NONE,
    ACT_TAKE,   /* one object of the kind */
    ACT_LIST,   /* some of them: perhaps not all, the request may have asked for a part */
    ACT_REMOVE, /* one is gone */
    ACT_POLL,   /* says nothing by itself: look */
};
static const struct {
    enum act act;
    enum f2m_kind kind;
    bool enrollments_too; /* other objects change with it */
    bool commands_too;
} acts[F2M_ENDPOINT_COUNT] = {
    [F2M_ENDPOINT_SITE_GET] = {ACT_TAKE, F2M_KIND_INFO, false, false},
    [F2M_ENDPOINT_SITE_UPDATE] = {ACT_TAKE, F2M_KIND_INFO, false, false},
    [F2M_ENDPOINT_DEVICES_GET] = {ACT_LIST, F2M_KIND_DEVICES, false, false},
    [F2M_ENDPOINT_DEVICE_GET] = {ACT_TAKE, F2M_KIND_DEVICES, false, false},
    [F2M_ENDPOINT_DEVICE_UPDATE] = {ACT_TAKE, F2M_KIND_DEVICES, false, false},
    [F2M_ENDPOINT_DEVICE_DELETE] = {ACT_REMOVE, F2M_KIND_DEVICES, true, false},
    [F2M_ENDPOINT_ENROLLMENT_CREATE] = {ACT_TAKE, F2M_KIND_ENROLLMENTS, false, false},
    [F2M_ENDPOINT_ENROLLMENTS_GET] = {ACT_LIST, F2M_KIND_ENROLLMENTS, false, false},
    [F2M_ENDPOINT_ENROLLMENT_DELETE] = {ACT_POLL, F2M_KIND_ENROLLMENTS, false, false},
    [F2M_ENDPOINT_EVENTS_GET] = {ACT_LIST, F2M_KIND_EVENTS, false, false},
    [F2M_ENDPOINT_EVENT_GET] = {ACT_TAKE, F2M_KIND_EVENTS, false, false},
    [F2M_ENDPOINT_EVENT_UPDATE] = {ACT_TAKE, F2M_KIND_EVENTS, false, true},
};

static void observe_site(struct f2m_sites *s, struct f2m_now now, enum f2m_endpoint endpoint,
                         struct f2m_site_state *site, const struct f2m_path_ids *ids, struct f2m_slice body,
                         struct f2m_effects *fx)
{
    enum f2m_kind kind = acts[endpoint].kind;

    switch (acts[endpoint].act) {
    case ACT_NONE: break;
    case ACT_TAKE: (void)f2m_diff_take(s, now, site, kind, body, true, fx); break;
    case ACT_LIST: take_list(s, now, site, kind, body, fx); break;
    case ACT_REMOVE: f2m_diff_remove(s, now, site, kind, ids->device_id); break;
    case ACT_POLL: f2m_sites_poll_soon(site, kind); break;
    }
    if (acts[endpoint].enrollments_too)
        f2m_sites_poll_soon(site, F2M_KIND_ENROLLMENTS);
    if (acts[endpoint].commands_too && s->c.control)
        f2m_control_poll_now(s->c.control);
}

void f2m_sites_observed(struct f2m_sites *s, struct f2m_now now, enum f2m_endpoint endpoint,
                        const struct f2m_path_ids *ids, struct f2m_slice body, struct f2m_effects *fx)
{
    struct f2m_site_state *site = ids && ids->site_id ? f2m_sites_site(s, ids->site_id) : NULL;

    if (endpoint == F2M_ENDPOINT_COMMISSION)
        commissioned(s, now, body, fx);
    else if (endpoint == F2M_ENDPOINT_SITES_GET)
        sites_listed(s, now, body, fx);
    else if (site)
        observe_site(s, now, endpoint, site, ids, body, fx);
    f2m_sites_wake(s);
}
