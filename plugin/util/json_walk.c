/* Finding values in checked text. Nothing is read outside the slice even where the text was not checked. */
#include "util/json.h"

#include "util/json_bytes.h"
#include "util/json_decode.h"

static inline const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (unsigned char)*at <= ' ' && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

/* The first quote or backslash. */
static inline const char *skip_to_quote(const char *at, const char *end)
{
    for (; end - at >= F2M_BYTES; at += F2M_BYTES) {
        uint64_t word = f2m_bytes_load(at);
        uint64_t stop = f2m_bytes_ascii(f2m_bytes_mark(word, '"') | f2m_bytes_mark(word, '\\'), word);
        if (stop)
            return at + f2m_bytes_first(stop);
    }
    while (at < end && *at != '"' && *at != '\\')
        at++;
    return at;
}

/* From a backslash to behind the closing quote. */
static const char *skip_escaped(const char *at, const char *end)
{
    while (at < end && *at != '"')
        at = end - at > 2 ? skip_to_quote(at + 2, end) : end;
    return at < end ? at + 1 : end;
}

/* From the opening quote to behind the closing one. */
static inline const char *skip_string(const char *at, const char *end)
{
    at = skip_to_quote(at + 1, end);
    return at < end && *at == '"' ? at + 1 : skip_escaped(at, end);
}

/* The next quote or bracket. With bit 5 set, '[' is '{' and ']' is '}'. */
static inline const char *skip_to_structure(const char *at, const char *end)
{
    for (; end - at >= F2M_BYTES; at += F2M_BYTES) {
        uint64_t word = f2m_bytes_load(at), folded = word | 0x20 * F2M_BYTES_ONE;
        uint64_t stop = f2m_bytes_ascii(
            f2m_bytes_mark(word, '"') | f2m_bytes_mark(folded, '{') | f2m_bytes_mark(folded, '}'), word);
        if (stop)
            return at + f2m_bytes_first(stop);
    }
    while (at < end && *at != '"' && (*at | 0x20) != '{' && (*at | 0x20) != '}')
        at++;
    return at;
}

static const char *skip_container(const char *at, const char *end)
{
    size_t depth = 0;

    while ((at = skip_to_structure(at, end)) < end) {
        if (*at == '"') {
            at = skip_string(at, end);
            continue;
        }
        depth += (*at | 0x20) == '{' ? 1 : (size_t)-1;
        at++;
        if (depth == 0)
            return at;
    }
    return end;
}

/* Numbers and words end at a comma, a closing bracket or a blank. */
static inline const char *skip_scalar(const char *at, const char *end)
{
    while (at < end && *at != ',' && (unsigned char)*at > ' ' && (*at | 0x20) != '}')
        at++;
    return at;
}

static inline const char *skip_value(const char *at, const char *end)
{
    if (at == end)
        return end;
    if (*at == '"')
        return skip_string(at, end);
    return (*at | 0x20) == '{' ? skip_container(at, end) : skip_scalar(at, end);
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
    /* Also ends at what no checked text has here, so that every turn gets on. */
    if (at == it->end || *at == '}' || *at == ']' || *at == ',' || (unsigned char)*at < ' ') {
        it->at = it->end;
        return false;
    }
    const char *behind = skip_value(at, it->end);
    *name = (struct f2m_slice){NULL, 0};
    *value = (struct f2m_slice){at, (size_t)(behind - at)};
    /* Only a name has a colon behind it, so an array's string is not taken for one. */
    at = skip_blanks(behind, it->end);
    if (at < it->end && *at == ':') {
        *name = *value;
        at = skip_blanks(at + 1, it->end);
        behind = skip_value(at, it->end);
        *value = (struct f2m_slice){at, (size_t)(behind - at)};
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

/* A reference token as it stands in the pointer. */
struct token {
    struct f2m_slice text;
    bool plain; /* its bytes stand for themselves, in JSON too */
};

/* Takes "/token" off the pointer; false where it is malformed. */
static bool next_token(const char **pointer, struct token *token)
{
    const char *start = *pointer + 1, *at = start;

    if (**pointer != '/')
        return false;
    token->plain = true;
    for (; *at && *at != '/'; at++) {
        if (*at == '~' && at[1] != '0' && at[1] != '1')
            return false;
        if (*at == '~' || *at == '\\')
            token->plain = false;
    }
    token->text = (struct f2m_slice){start, (size_t)(at - start)};
    *pointer = at;
    return true;
}

static bool decoded_is(struct f2m_slice raw, struct f2m_slice token)
{
    char piece[4];

    for (const char *at = raw.at; at < raw.at + raw.len;) {
        size_t n = f2m_json_decode(&at, raw.at + raw.len, piece);
        for (size_t i = 0; i < n; i++)
            if (token.len == 0 || token_byte(&token) != piece[i])
                return false;
    }
    return token.len == 0;
}

/* `raw` is what stands between the quotes. Decoding only ever shortens, so most names are decided at a glance. */
static inline bool name_is(struct f2m_slice raw, const struct token *token)
{
    if (!token->plain)
        return decoded_is(raw, token->text);
    if (raw.len < token->text.len)
        return false;
    if (raw.len == token->text.len)
        return memcmp(raw.at, token->text.at, raw.len) == 0;
    return memchr(raw.at, '\\', raw.len) && decoded_is(raw, token->text);
}

/* `object` begins with its bracket. It is read to the end, since of equal names the last wins; what stands between the
 * strings and brackets is of no interest, so this is faster than f2m_json_next(). */
static bool member(struct f2m_slice object, const struct token *token, struct f2m_slice *value)
{
    const char *at = object.at + 1, *end = object.at + object.len;
    bool found = false;

    while ((at = skip_to_structure(at, end)) < end && *at != '}') {
        if (*at != '"') {
            at = skip_container(at, end);
            continue;
        }
        const char *name = at + 1;
        at = skip_string(at, end);
        if (at == end) /* an unchecked text's open string */
            return found;
        struct f2m_slice raw = {name, (size_t)(at - name - 1)};
        at = skip_blanks(at, end);
        if (at == end || *at != ':' || !name_is(raw, token))
            continue;
        const char *start = skip_blanks(at + 1, end);
        at = skip_value(start, end);
        *value = (struct f2m_slice){start, (size_t)(at - start)};
        found = true;
    }
    return found;
}

static bool child(struct f2m_slice parent, const struct token *token, struct f2m_slice *value)
{
    if (parent.len == 0)
        return false;
    if (parent.at[0] == '{')
        return member(parent, token, value);
    return parent.at[0] == '[' && element(parent, token->text, value);
}

bool f2m_json_find(struct f2m_slice root, const char *pointer, struct f2m_slice *value)
{
    struct f2m_slice at = f2m_json_root(root);
    struct token token;

    while (*pointer)
        if (!next_token(&pointer, &token) || !child(at, &token, &at))
            return false;
    *value = at;
    return at.len > 0;
}
