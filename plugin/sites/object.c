/* One object of Flip's: a run of checked JSON. Flip: Event, Enrollment, Command; Flip, decision 5 (date-times). */
#include "sites/internal.h"
#include "util/xalloc.h"

#include <stdlib.h>

bool f2m_object_text(struct f2m_slice object, const char *member, char *buf, size_t size)
{
    struct f2m_slice value = f2m_json_member(object, member);

    return f2m_json_type(value) == F2M_JSON_STRING && f2m_json_string_copy(value, buf, size) && buf[0];
}

bool f2m_object_id(struct f2m_slice object, char id[F2M_MAX_ID_BYTES + 1])
{
    return f2m_object_text(object, "id", id, F2M_MAX_ID_BYTES + 1);
}

int64_t f2m_object_time(struct f2m_slice object, const char *member)
{
    char text[64];
    int64_t ms;

    if (!f2m_object_text(object, member, text, sizeof text) || !f2m_rfc3339_parse(f2m_slice_of(text), &ms))
        return F2M_NO_TIME;
    return ms;
}

/* ---- versions ---- */

/* The value without the blanks between its tokens: a webhook and an answer may be written differently. */
static uint64_t hash_compact(uint64_t hash, struct f2m_slice value)
{
    bool inside = false;

    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];
        if (!inside && (c == ' ' || c == '\t' || c == '\n' || c == '\r'))
            continue;
        hash = f2m_fnv(hash, &c, 1);
        if (inside && c == '\\' && i + 1 < value.len)
            hash = f2m_fnv(hash, &value.at[++i], 1);
        else if (c == '"')
            inside = !inside;
    }
    return hash;
}

static uint64_t hash_value(struct f2m_slice value)
{
    char text[64];
    int64_t ms;

    if (!value.at || f2m_json_is_null(value))
        return 0;
    if (f2m_json_type(value) == F2M_JSON_STRING && f2m_json_string_copy(value, text, sizeof text) &&
        f2m_rfc3339_parse(f2m_slice_of(text), &ms))
        return f2m_fnv(F2M_FNV_START, &ms, sizeof ms);
    return hash_compact(F2M_FNV_START, value);
}

/* What counts where there is no updated_at: the members whose change is news. */
static const struct {
    const char *prefix;
    const char *members[6];
} versions[] = {
    {"event", {"status", "is_participating", "starts_at", "ends_at", "schedule"}},
    {"enrollment", {"status", "status_reason", "enrolled_at", "unenrolled_at", "device_ids"}},
    {"command", {"status", "starts_at", "ends_at", "battery_commands"}},
};

static uint64_t hash_all(struct f2m_slice object)
{
    struct f2m_json_iter it = f2m_json_iter(object);
    struct f2m_slice name, value;
    uint64_t sum = 0;

    while (f2m_json_next(&it, &name, &value)) /* a sum: the order of members means nothing */
        if (!f2m_json_string_is(name, "object_type"))
            sum += f2m_fnv(hash_value(value), name.at, name.len);
    return sum;
}

uint64_t f2m_object_version(const char *type, struct f2m_slice object)
{
    uint64_t hash = F2M_FNV_START;

    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        size_t len = strlen(versions[i].prefix);
        if (strncmp(type, versions[i].prefix, len) != 0 || (type[len] && type[len] != '.'))
            continue;
        for (const char *const *member = versions[i].members; *member; member++) {
            uint64_t one = hash_value(f2m_json_member(object, *member));
            hash = f2m_fnv(hash, &one, sizeof one);
        }
        return hash;
    }
    return hash_all(object);
}

void f2m_object_without(struct f2m_slice object, const char *member, struct f2m_strbuf *out)
{
    struct f2m_json_iter it = f2m_json_iter(object);
    struct f2m_slice name, value;
    bool comma = false;

    if (!f2m_json_member(object, member).at) { /* byte for byte */
        f2m_strbuf_add(out, object.at, object.len);
        return;
    }
    f2m_strbuf_addc(out, '{');
    while (f2m_json_next(&it, &name, &value)) {
        if (f2m_json_string_is(name, member))
            continue;
        if (comma)
            f2m_strbuf_addc(out, ',');
        comma = true;
        f2m_strbuf_add(out, name.at, name.len);
        f2m_strbuf_addc(out, ':');
        f2m_strbuf_add(out, value.at, value.len);
    }
    f2m_strbuf_addc(out, '}');
}

/* ---- items ---- */

static void read_event(struct f2m_item *item, struct f2m_slice object)
{
    struct f2m_slice status = f2m_json_member(object, "status");
    struct f2m_slice ends = f2m_json_member(object, "ends_at");
    bool string = f2m_json_type(status) == F2M_JSON_STRING;

    item->canceled = string && f2m_json_string_is(status, "CANCELED");
    item->over = item->canceled || (string && f2m_json_string_is(status, "COMPLETED"));
    item->active = string && f2m_json_string_is(status, "ACTIVE");
    item->starts_ms = f2m_object_time(object, "starts_at");
    item->ends_ms = INT64_MAX;
    if (ends.at && !f2m_json_is_null(ends)) {
        int64_t ms = f2m_object_time(object, "ends_at");
        item->ends_ms = ms == F2M_NO_TIME ? INT64_MAX : ms;
    }
}

struct f2m_item *f2m_item_new(enum f2m_kind kind, struct f2m_slice object, const char *fallback_id)
{
    const char *type = f2m_sites_kind_info[kind].object_type;
    char id[F2M_MAX_ID_BYTES + 1];

    if (f2m_json_type(object) != F2M_JSON_OBJECT)
        return NULL;
    if (!f2m_object_id(object, id)) {
        if (!fallback_id)
            return NULL;
        memcpy(id, fallback_id, strlen(fallback_id) + 1);
    }
    struct f2m_item *item = f2m_xcalloc(1, sizeof *item);
    item->id = f2m_xstrdup(id);
    item->raw = f2m_xmemdup0(object.at, object.len);
    item->len = object.len;
    item->updated_ms = f2m_object_time(object, "updated_at");
    item->version = f2m_object_version(type ? type : "", object);
    item->seen_mono = INT64_MIN;
    if (kind == F2M_KIND_EVENTS)
        read_event(item, object);
    return item;
}

void f2m_item_free(struct f2m_item *item)
{
    if (!item)
        return;
    free(item->id);
    free(item->raw);
    free(item);
}

void f2m_items_free(struct f2m_item **items)
{
    struct f2m_item *item, *next;

    HASH_ITER(hh, *items, item, next)
    {
        HASH_DEL(*items, item);
        f2m_item_free(item);
    }
}
