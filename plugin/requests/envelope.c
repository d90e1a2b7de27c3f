#include "requests/envelope.h"

#include "util/json.h"
#include "util/percent.h"

#include <errno.h>

struct f2m_path_ids f2m_envelope_ids(const struct f2m_envelope *e)
{
    struct f2m_path_ids ids = {0};
#define TAKE_ID(name) ids.name = e->name[0] ? e->name : NULL;
    F2M_PATH_IDS(TAKE_ID)
#undef TAKE_ID
    return ids;
}

bool f2m_envelope_transaction(struct f2m_slice root, struct f2m_slice *transaction)
{
    struct f2m_slice value = f2m_json_member(root, "transaction");
    enum f2m_json_type type = f2m_json_type(value);
    *transaction = (struct f2m_slice){NULL, 0};
    if (type == F2M_JSON_OBJECT || type == F2M_JSON_ARRAY || value.len > F2M_MAX_TRANSACTION_BYTES)
        return false;
    if (type != F2M_JSON_NULL)
        *transaction = value;
    return true;
}

static char *id_member(struct f2m_envelope *e, struct f2m_slice name)
{
#define FIND_ID(id)                                                                                                    \
    if (f2m_json_string_is(name, #id))                                                                                 \
        return e->id;
    F2M_PATH_IDS(FIND_ID)
#undef FIND_ID
    return NULL;
}

static int add_query_value(struct f2m_strbuf *query, struct f2m_slice name, struct f2m_slice value, struct f2m_err *err)
{
    f2m_autostrbuf key, text;
    f2m_strbuf_init(&key, F2M_MAX_QUERY_BYTES);
    f2m_strbuf_init(&text, F2M_MAX_QUERY_BYTES);
    (void)f2m_json_string(name, &key);
    enum f2m_json_type type = f2m_json_type(value);
    if (type == F2M_JSON_STRING)
        (void)f2m_json_string(value, &text);
    else
        f2m_strbuf_add(&text, value.at, value.len);
    if (type == F2M_JSON_OBJECT || type == F2M_JSON_ARRAY || type == F2M_JSON_NULL) {
        f2m_err_set(err, "query.%s: expected a text, a number, a boolean or a list of such", key.data);
        return -EINVAL;
    }
    if (query->len)
        f2m_strbuf_addc(query, '&');
    f2m_percent_encode(query, key.data);
    f2m_strbuf_addc(query, '=');
    f2m_percent_encode(query, text.data);
    if (query->overflow || key.overflow || text.overflow) {
        f2m_err_set(err, "query: longer than %d bytes", F2M_MAX_QUERY_BYTES);
        return -EINVAL;
    }
    return 0;
}

/* Arrays repeat the parameter: status=ACTIVE&status=UPCOMING. */
static int read_query(struct f2m_slice value, struct f2m_envelope *e, struct f2m_strbuf *query, struct f2m_err *err)
{
    if (f2m_json_type(value) != F2M_JSON_OBJECT) {
        f2m_err_set(err, "query: expected an object, found %s", f2m_json_type_name(f2m_json_type(value)));
        return -EINVAL;
    }
    f2m_strbuf_reset(query); /* of a name that stands twice the last one counts */
    e->pages = false;
    struct f2m_json_iter members = f2m_json_iter(value);
    struct f2m_slice name, member;
    while (f2m_json_next(&members, &name, &member)) {
        int r = 0;
        if (f2m_json_string_is(name, "skip") || f2m_json_string_is(name, "limit"))
            e->pages = true;
        if (f2m_json_type(member) == F2M_JSON_ARRAY) {
            struct f2m_json_iter elements = f2m_json_iter(member);
            struct f2m_slice none, element;
            while (r == 0 && f2m_json_next(&elements, &none, &element))
                r = add_query_value(query, name, element, err);
        } else {
            r = add_query_value(query, name, member, err);
        }
        if (r != 0)
            return r;
    }
    return 0;
}

static int read_member(struct f2m_slice name, struct f2m_slice value, struct f2m_envelope *e, struct f2m_strbuf *query,
                       struct f2m_err *err)
{
    if (f2m_json_string_is(name, "transaction"))
        return 0; /* read before everything else */
    if (f2m_json_string_is(name, "query"))
        return f2m_json_is_null(value) ? 0 : read_query(value, e, query, err);
    if (f2m_json_string_is(name, "body")) {
        if (!f2m_json_is_null(value))
            e->body = value;
        return 0;
    }
    f2m_autostrbuf text;
    f2m_strbuf_init(&text, F2M_MAX_ID_BYTES);
    (void)f2m_json_string(name, &text);
    char *id = id_member(e, name);
    if (!id) {
        f2m_err_set(err, "%s: unknown member; expected transaction, query, body or an id such as site_id", text.data);
        return -EINVAL;
    }
    if (f2m_json_is_null(value))
        return 0;
    if (!f2m_json_string_copy(value, id, F2M_MAX_ID_BYTES + 1) || !id[0]) {
        f2m_err_set(err, "%s: expected a text of 1 to %d bytes", text.data, F2M_MAX_ID_BYTES);
        return -EINVAL;
    }
    return 0;
}

static int check_body(const struct f2m_operation *op, const struct f2m_envelope *e, struct f2m_err *err)
{
    if (!op->body && e->body.at) {
        f2m_err_set(err, "body: %s takes none", op->name);
        return -EINVAL;
    }
    if (op->body && f2m_json_type(e->body) != F2M_JSON_OBJECT) {
        f2m_err_set(err, "body: expected an object, found %s",
                    e->body.at ? f2m_json_type_name(f2m_json_type(e->body)) : "none");
        return -EINVAL;
    }
    return 0;
}

/* The bridge's own operations would ignore any other id, and with it what the sender meant to spare. */
static int check_ids(const struct f2m_operation *op, const struct f2m_envelope *e, struct f2m_err *err)
{
    if (op->kind == F2M_OPERATION_FLIP)
        return 0;
    struct f2m_path_ids ids = f2m_envelope_ids(e);
    if (op->kind != F2M_OPERATION_OUTBOX_STATS)
        ids.device_id = NULL;
#define REFUSE_ID(id)                                                                                                  \
    if (ids.id) {                                                                                                      \
        f2m_err_set(err, "%s: %s does not know it", #id, op->name);                                                    \
        return -EINVAL;                                                                                                \
    }
    F2M_PATH_IDS(REFUSE_ID)
#undef REFUSE_ID
    return 0;
}

int f2m_envelope_read(struct f2m_slice payload, const struct f2m_operation *op, struct f2m_envelope *e,
                      struct f2m_strbuf *query, struct f2m_err *err)
{
    *e = (struct f2m_envelope){0};
    int r = f2m_json_check(payload, err);
    if (r != 0) {
        f2m_err_wrap(err, "the payload is no JSON");
        return r;
    }
    struct f2m_slice root = f2m_json_root(payload);
    if (f2m_json_type(root) != F2M_JSON_OBJECT) {
        f2m_err_set(err, "expected an object, found %s", f2m_json_type_name(f2m_json_type(root)));
        return -EINVAL;
    }
    if (!f2m_envelope_transaction(root, &e->transaction)) {
        f2m_err_set(err, "transaction: expected a short text or number (at most %d bytes)", F2M_MAX_TRANSACTION_BYTES);
        r = -EINVAL;
    }
    struct f2m_json_iter it = f2m_json_iter(root);
    struct f2m_slice name, value;
    while (r == 0 && f2m_json_next(&it, &name, &value))
        r = read_member(name, value, e, query, err);
    if (r == 0)
        r = check_body(op, e, err);
    return r ? r : check_ids(op, e, err);
}
