#include "homeassistant/record.h"

#include "util/json.h"

struct f2m_slice f2m_ha_record_parse(struct f2m_slice stored)
{
    struct f2m_err err;

    if (f2m_json_check(stored, &err) < 0)
        return (struct f2m_slice){NULL, 0};
    struct f2m_slice root = f2m_json_root(stored);
    return f2m_json_type(root) == F2M_JSON_OBJECT ? root : (struct f2m_slice){NULL, 0};
}

static const struct f2m_ha_entity *find(const struct f2m_ha_subject *s, struct f2m_slice component)
{
    for (size_t i = 0; i < f2m_ha_entities_len; i++)
        if (f2m_ha_subject_has(s, &f2m_ha_entities[i]) && f2m_json_string_is(component, f2m_ha_entities[i].key))
            return &f2m_ha_entities[i];
    return NULL;
}

struct gone {
    char component[F2M_HA_MAX_COMPONENT], platform[F2M_HA_MAX_COMPONENT];
};

/* The next component that has to go. */
static bool next_gone(const struct f2m_ha_subject *s, struct f2m_json_iter *it, struct gone *gone)
{
    struct f2m_slice name, platform;

    while (f2m_json_next(it, &name, &platform)) {
        const struct f2m_ha_entity *now = find(s, name);
        if (now && f2m_json_string_is(platform, f2m_ha_platform_name(now->platform)))
            continue;
        if (f2m_json_type(platform) == F2M_JSON_STRING &&
            f2m_json_string_copy(name, gone->component, sizeof gone->component) &&
            f2m_json_string_copy(platform, gone->platform, sizeof gone->platform))
            return true;
    }
    return false;
}

void f2m_ha_record(const struct f2m_ha_subject *s, struct f2m_slice former, struct f2m_strbuf *out)
{
    struct f2m_json_iter it = f2m_json_iter(former);
    struct gone gone;

    f2m_strbuf_reset(out);
    struct f2m_jw w = f2m_jw(out);
    f2m_jw_object(&w, NULL);
    for (size_t i = 0; i < f2m_ha_entities_len; i++) {
        const struct f2m_ha_entity *e = &f2m_ha_entities[i];
        if (f2m_ha_subject_has(s, e) && !f2m_ha_record_conflicts(e, former))
            f2m_jw_string(&w, e->key, f2m_ha_platform_name(e->platform));
    }
    while (next_gone(s, &it, &gone)) {
        f2m_jw_key_text(&w, f2m_slice_of(gone.component));
        f2m_jw_string(&w, NULL, gone.platform);
    }
    f2m_jw_end(&w);
}

bool f2m_ha_record_outdated(const struct f2m_ha_subject *s, struct f2m_slice former)
{
    struct f2m_json_iter it = f2m_json_iter(former);
    struct gone gone;

    return next_gone(s, &it, &gone);
}

void f2m_ha_record_write_gone(const struct f2m_ha_subject *s, struct f2m_slice former, struct f2m_jw *w)
{
    struct f2m_json_iter it = f2m_json_iter(former);
    struct gone gone;

    while (next_gone(s, &it, &gone)) {
        f2m_jw_key_text(w, f2m_slice_of(gone.component));
        f2m_jw_object(w, NULL);
        f2m_jw_string(w, "p", gone.platform);
        f2m_jw_end(w);
    }
}

bool f2m_ha_record_conflicts(const struct f2m_ha_entity *e, struct f2m_slice former)
{
    struct f2m_slice platform = f2m_json_member(former, e->key);

    return platform.at && !f2m_json_string_is(platform, f2m_ha_platform_name(e->platform));
}
