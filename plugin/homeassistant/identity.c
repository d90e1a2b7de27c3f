#include "homeassistant/identity.h"

#include "util/fnv.h"

#include <inttypes.h>
#include <string.h>

#define MAX_ID 64

static uint32_t hash(const char *text)
{
    uint64_t h = f2m_fnv(F2M_FNV_START, text, strlen(text));

    return (uint32_t)(h ^ h >> 32); /* folded */
}

static bool is_lower(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static void add_id(struct f2m_strbuf *out, const char *id)
{
    size_t len = strlen(id);
    bool changed = len == 0 || len > MAX_ID;

    for (size_t i = 0; i < len && i < MAX_ID; i++) {
        bool plain = is_lower(id[i]) || is_upper(id[i]) || id[i] == '_' || id[i] == '-';
        changed = changed || !plain;
        f2m_strbuf_addc(out, plain ? id[i] : '_');
    }
    if (changed)
        f2m_strbuf_addf(out, "_%08" PRIx32, hash(id));
}

void f2m_ha_object_id(struct f2m_strbuf *out, enum f2m_ha_scope scope, const char *id)
{
    static const char *const scopes[] = {
        [F2M_HA_BRIDGE] = "flip2mqtt_bridge", [F2M_HA_SITE] = "flip2mqtt_site", [F2M_HA_DEVICE] = "flip2mqtt_device"};

    f2m_strbuf_adds(out, scopes[scope]);
    if (!id)
        return;
    f2m_strbuf_addc(out, '_');
    add_id(out, id);
}

void f2m_ha_slug(struct f2m_strbuf *out, const char *text)
{
    bool gap = false, any = false;

    for (; *text; text++) {
        char c = is_upper(*text) ? (char)(*text - 'A' + 'a') : *text;
        if (!is_lower(c)) {
            gap = any;
            continue;
        }
        if (gap)
            f2m_strbuf_addc(out, '_');
        f2m_strbuf_addc(out, c);
        any = true;
        gap = false;
    }
}
