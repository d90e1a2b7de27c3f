#include "flip/endpoint.h"

#include "util/percent.h"

#include <errno.h>

const struct f2m_endpoint_info f2m_endpoint_info[F2M_ENDPOINT_COUNT] = {
#define F2M_ENDPOINT_ROW(id, method, path, token, operation, group)                                                    \
    [F2M_ENDPOINT_##id] = {F2M_HTTP_##method, path, F2M_TOKEN_##token, operation, F2M_GROUP_##group},
    F2M_ENDPOINTS(F2M_ENDPOINT_ROW)
#undef F2M_ENDPOINT_ROW
};

/* The id that stands between braces in a path of the table. */
static const char *path_id(const struct f2m_path_ids *ids, struct f2m_slice name)
{
#define F2M_PATH_ID_BY_NAME(member)                                                                                    \
    if (f2m_slice_is(name, #member))                                                                                   \
        return ids->member;
    F2M_PATH_IDS(F2M_PATH_ID_BY_NAME)
#undef F2M_PATH_ID_BY_NAME
    return NULL;
}

int f2m_endpoint_path(enum f2m_endpoint endpoint, const struct f2m_path_ids *ids, const char *query,
                      struct f2m_strbuf *out, struct f2m_err *err)
{
    const char *at = f2m_endpoint_info[endpoint].path;
    for (const char *brace; (brace = strchr(at, '{'));) {
        struct f2m_slice name = {brace + 1, strcspn(brace + 1, "}")};
        const char *id = path_id(ids, name);
        if (!id || !*id) {
            f2m_err_set(err, "missing %.*s", (int)name.len, name.at);
            return -EINVAL;
        }
        f2m_strbuf_add(out, at, (size_t)(brace - at));
        f2m_percent_encode(out, id);
        at = name.at + name.len + 1;
    }
    f2m_strbuf_adds(out, at);
    if (query && *query) {
        f2m_strbuf_addc(out, '?');
        f2m_strbuf_adds(out, query);
    }
    if (out->overflow) {
        f2m_err_set(err, "path too long");
        return -EINVAL;
    }
    return 0;
}

bool f2m_endpoint_find(struct f2m_slice operation, enum f2m_endpoint *endpoint)
{
    for (unsigned i = 0; i < F2M_ENDPOINT_COUNT; i++)
        if (f2m_slice_is(operation, f2m_endpoint_info[i].operation)) {
            *endpoint = (enum f2m_endpoint)i;
            return true;
        }
    return false;
}
