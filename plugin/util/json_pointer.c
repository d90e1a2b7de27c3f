/* RFC 6901. */
#include "util/json.h"

#include "util/json_decode.h"

bool f2m_json_pointer_valid(const char *pointer)
{
    if (*pointer != '/')
        return *pointer == '\0';
    for (const char *c = strchr(pointer, '~'); c; c = strchr(c + 1, '~'))
        if (c[1] != '0' && c[1] != '1')
            return false;
    return true;
}

/* "0", "17": no sign, no leading zero. "-" (behind the last) names nothing. */
static bool element(struct f2m_slice array, struct f2m_slice token, struct f2m_slice *value)
{
    struct f2m_json_iter it = f2m_json_iter(array);
    struct f2m_slice name;
    size_t index = 0;

    if (token.len == 0 || token.len > 9 || (token.len > 1 && token.at[0] == '0'))
        return false;
    for (size_t i = 0; i < token.len; i++) {
        if (token.at[i] < '0' || token.at[i] > '9')
            return false;
        index = index * 10 + (size_t)(token.at[i] - '0');
    }
    do
        if (!f2m_json_next(&it, &name, value))
            return false;
    while (index-- > 0);
    return true;
}

/* The next byte of a reference token, ~0 and ~1 decoded. */
static char token_byte(struct f2m_slice *token)
{
    size_t used = token->at[0] == '~' && token->len > 1 ? 2 : 1;
    char c = used == 1 ? token->at[0] : token->at[1] == '0' ? '~' : '/';

    *token = (struct f2m_slice){token->at + used, token->len - used};
    return c;
}

static bool name_is(struct f2m_slice name, struct f2m_slice token, bool plain)
{
    struct f2m_slice raw;
    char piece[4];

    if (!f2m_json_inside(name, &raw))
        return false;
    if (plain && !memchr(raw.at, '\\', raw.len))
        return raw.len == token.len && memcmp(raw.at, token.at, raw.len) == 0;
    for (const char *at = raw.at; at < raw.at + raw.len;) {
        size_t n = f2m_json_decode(&at, raw.at + raw.len, piece);
        for (size_t i = 0; i < n; i++)
            if (token.len == 0 || token_byte(&token) != piece[i])
                return false;
    }
    return token.len == 0;
}

static bool member(struct f2m_slice object, struct f2m_slice token, struct f2m_slice *value)
{
    struct f2m_json_iter it = f2m_json_iter(object);
    bool plain = !memchr(token.at, '~', token.len), found = false;
    struct f2m_slice name, candidate;

    while (f2m_json_next(&it, &name, &candidate)) { /* to the end: of equal names the last wins */
        if (name_is(name, token, plain)) {
            *value = candidate;
            found = true;
        }
    }
    return found;
}

bool f2m_json_find(struct f2m_slice root, const char *pointer, struct f2m_slice *value)
{
    struct f2m_slice at = f2m_json_root(root);

    if (!f2m_json_pointer_valid(pointer))
        return false;
    while (*pointer == '/') {
        struct f2m_slice token = {pointer + 1, strcspn(pointer + 1, "/")};
        enum f2m_json_type type = f2m_json_type(at);
        if (!(type == F2M_JSON_OBJECT && member(at, token, &at)) &&
            !(type == F2M_JSON_ARRAY && element(at, token, &at)))
            return false;
        pointer += 1 + token.len;
    }
    *value = at;
    return at.len > 0;
}
