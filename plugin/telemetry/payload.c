#include "telemetry/payload.h"

#include "util/json.h"

#include <errno.h>
#include <string.h>

static bool check_json(struct f2m_payload *p, struct f2m_err *err)
{
    if (p->json == F2M_PAYLOAD_UNCHECKED) {
        p->json = f2m_json_check(p->bytes, err) == 0 ? F2M_PAYLOAD_JSON : F2M_PAYLOAD_NOT_JSON;
        if (p->json == F2M_PAYLOAD_NOT_JSON)
            f2m_err_wrap(err, "not JSON");
    } else if (p->json == F2M_PAYLOAD_NOT_JSON) {
        f2m_err_set(err, "not JSON");
    }
    return p->json == F2M_PAYLOAD_JSON;
}

static int json_string(struct f2m_payload *p, struct f2m_slice value, struct f2m_scalar *out, struct f2m_err *err)
{
    out->type = F2M_SCALAR_TEXT;
    out->text = (struct f2m_slice){value.at + 1, value.len - 2};
    if (memchr(out->text.at, '\\', out->text.len)) {
        if (!f2m_json_string_copy(value, p->decoded, sizeof p->decoded)) {
            f2m_err_set(err, "expected a text of at most %d bytes", F2M_MAX_TEXT_BYTES);
            return -EINVAL;
        }
        out->text = f2m_slice_of(p->decoded);
    }
    out->text = f2m_slice_trim(out->text);
    return 0;
}

static enum f2m_payload_index note_members(struct f2m_payload *p)
{
    struct f2m_json_iter it = f2m_json_iter(p->bytes);
    struct f2m_slice name, value;

    if (f2m_json_type(f2m_json_root(p->bytes)) != F2M_JSON_OBJECT || memchr(p->bytes.at, '\\', p->bytes.len))
        return F2M_PAYLOAD_NO_INDEX;
    while (f2m_json_next(&it, &name, &value)) {
        if (p->members == F2M_PAYLOAD_MEMBERS)
            return F2M_PAYLOAD_NO_INDEX;
        p->member[p->members].name = name;
        p->member[p->members++].value = value;
    }
    return F2M_PAYLOAD_INDEXED;
}

/* From the last member on, since of equal names the last wins. */
static bool find_member(const struct f2m_payload *p, struct f2m_slice token, struct f2m_slice *value)
{
    for (unsigned i = p->members; i-- > 0;) {
        struct f2m_slice name = p->member[i].name;
        if (name.len == token.len + 2 && memcmp(name.at + 1, token.at, token.len) == 0) {
            *value = p->member[i].value;
            return true;
        }
    }
    return false;
}

/* For one source the text is searched; for several the members are noted once. */
static bool find(struct f2m_payload *p, const char *path, struct f2m_slice *value)
{
    if (*path != '/' || !p->shared)
        return f2m_json_find(p->bytes, path, value);
    if (p->index == F2M_PAYLOAD_NOT_INDEXED)
        p->index = note_members(p);
    struct f2m_slice token = {path + 1, strcspn(path + 1, "/")};
    if (p->index == F2M_PAYLOAD_NO_INDEX || memchr(token.at, '~', token.len))
        return f2m_json_find(p->bytes, path, value);
    const char *rest = token.at + token.len;
    return find_member(p, token, value) && (*rest == '\0' || f2m_json_find(*value, rest, value));
}

static int json_scalar(struct f2m_payload *p, const char *path, struct f2m_scalar *out, struct f2m_err *err)
{
    struct f2m_slice value;

    if (!check_json(p, err))
        return -EINVAL;
    if (!find(p, path ? path : "", &value))
        return -ENOENT;
    out->text = value;
    enum f2m_json_type type = f2m_json_type(value);
    switch (type) {
    case F2M_JSON_STRING: return json_string(p, value, out, err);
    case F2M_JSON_NUMBER: out->type = F2M_SCALAR_NUMBER; return 0;
    case F2M_JSON_BOOL: out->type = F2M_SCALAR_BOOL; return 0;
    case F2M_JSON_NULL: out->type = F2M_SCALAR_NULL; return 0;
    case F2M_JSON_NONE:
    case F2M_JSON_ARRAY:
    case F2M_JSON_OBJECT: break;
    }
    f2m_err_set(err, "expected a number or a text, found %s", f2m_json_type_name(type));
    return -EINVAL;
}

/* Whether the key equals the pointer's one token, with ~1 and ~0 decoded. */
static bool key_is(struct f2m_slice key, const char *token)
{
    size_t i = 0;

    for (; *token && i < key.len; token++, i++) {
        char c = *token;
        if (c == '~' && (token[1] == '0' || token[1] == '1'))
            c = *++token == '0' ? '~' : '/';
        if (c != key.at[i])
            return false;
    }
    return *token == '\0' && i == key.len;
}

/* k=v,k=v: of equal keys the last wins, as in JSON. */
static int keyvalue_scalar(const struct f2m_payload *p, const char *path, struct f2m_scalar *out, struct f2m_err *err)
{
    const char *at = p->bytes.at, *end = at + p->bytes.len, *token = path && *path == '/' ? path + 1 : "";
    bool found = false, any = false;

    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        if (equals) {
            any = true;
            if (key_is(f2m_slice_trim((struct f2m_slice){at, (size_t)(equals - at)}), token)) {
                out->text = f2m_slice_trim((struct f2m_slice){equals + 1, (size_t)(stop - equals - 1)});
                found = true;
            }
        }
        at = comma ? comma + 1 : end;
    }
    out->type = F2M_SCALAR_TEXT;
    if (found)
        return 0;
    if (any)
        return -ENOENT;
    f2m_err_set(err, "expected key=value pairs");
    return -EINVAL;
}

int f2m_payload_scalar(struct f2m_payload *p, enum f2m_source_format format, const char *path, struct f2m_scalar *out,
                       struct f2m_err *err)
{
    struct f2m_slice text = f2m_slice_trim(p->bytes);

    /* An empty payload means no data in every format: Victron's way to say that a device is gone. */
    if (format == F2M_FORMAT_TEXT || text.len == 0) {
        *out = (struct f2m_scalar){F2M_SCALAR_TEXT, text};
        return 0;
    }
    if (format == F2M_FORMAT_KEYVALUE)
        return keyvalue_scalar(p, path, out, err);
    return json_scalar(p, path, out, err);
}
