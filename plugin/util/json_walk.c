/* Finding values in checked text. Nothing is read outside the slice even where the text was not checked. */
#include "util/json.h"

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

/* From the opening quote to behind the closing one. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at < end ? at + 1 : end;
}

static const char *skip_container(const char *at, const char *end)
{
    size_t depth = 0;

    while (at < end) {
        switch (*at) {
        case '"': at = skip_string(at, end); continue;
        case '{':
        case '[': depth++; break;
        case '}':
        case ']':
            if (--depth == 0)
                return at + 1;
            break;
        default: break;
        }
        at++;
    }
    return end;
}

static const char *skip_value(const char *at, const char *end)
{
    if (at < end && *at == '"')
        return skip_string(at, end);
    if (at < end && (*at == '{' || *at == '['))
        return skip_container(at, end);
    while (at < end && *at != ',' && *at != '}' && *at != ']' && *at != ' ' && *at != '\n' && *at != '\r' &&
           *at != '\t')
        at++;
    return at;
}

struct f2m_slice f2m_json_root(struct f2m_slice text)
{
    return f2m_slice_trim(text);
}

struct f2m_json_iter f2m_json_iter(struct f2m_slice value)
{
    const char *start = value.len ? value.at : "", *end = start + value.len;
    const char *at = skip_blanks(start, end);

    if (at < end && (*at == '{' || *at == '['))
        return (struct f2m_json_iter){at + 1, end};
    return (struct f2m_json_iter){end, end};
}

bool f2m_json_next(struct f2m_json_iter *it, struct f2m_slice *name, struct f2m_slice *value)
{
    const char *at = skip_blanks(it->at, it->end);

    if (at < it->end && *at == ',')
        at = skip_blanks(at + 1, it->end);
    if (at == it->end || *at == '}' || *at == ']' || *at == ',') {
        it->at = it->end;
        return false;
    }
    const char *behind = skip_value(at, it->end);
    struct f2m_slice first = {at, (size_t)(behind - at)};
    /* Only a name has a colon behind it, so an array's string is not taken for one. */
    at = skip_blanks(behind, it->end);
    if (at < it->end && *at == ':') {
        *name = first;
        at = skip_blanks(at + 1, it->end);
        behind = skip_value(at, it->end);
        *value = (struct f2m_slice){at, (size_t)(behind - at)};
    } else {
        *name = (struct f2m_slice){NULL, 0};
        *value = first;
    }
    it->at = behind;
    return true;
}

size_t f2m_json_count(struct f2m_slice value)
{
    struct f2m_json_iter it = f2m_json_iter(value);
    struct f2m_slice name, member;
    size_t n = 0;

    while (f2m_json_next(&it, &name, &member))
        n++;
    return n;
}

struct f2m_slice f2m_json_member(struct f2m_slice object, const char *name)
{
    struct f2m_json_iter it = f2m_json_iter(object);
    struct f2m_slice found = {NULL, 0}, key, value;

    if (f2m_json_type(object) != F2M_JSON_OBJECT)
        return found;
    while (f2m_json_next(&it, &key, &value)) /* to the end: of equal names the last wins */
        if (f2m_json_string_is(key, name))
            found = value;
    return found;
}
