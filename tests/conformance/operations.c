/* f2m-operations: the operations of bridge/request/… as JSON, from which the schemas, the AsyncAPI document and
 * docs/mqtt.md are written (script/docs). A tool of the build. */
#include "requests/operation.h"
#include "util/json_writer.h"

#include <stdio.h>
#include <sysexits.h>

static const char *const methods[] = {
    [F2M_HTTP_GET] = "GET", [F2M_HTTP_POST] = "POST", [F2M_HTTP_PATCH] = "PATCH", [F2M_HTTP_DELETE] = "DELETE"};

static void write_ids(struct f2m_jw *w, const char *path)
{
    f2m_jw_array(w, "ids");
    for (const char *brace = path; (brace = strchr(brace, '{')); brace++) {
        char id[64];
        (void)snprintf(id, sizeof id, "%.*s", (int)strcspn(brace + 1, "}"), brace + 1);
        f2m_jw_string(w, NULL, id);
    }
    f2m_jw_end(w);
}

static void write_operation(struct f2m_jw *w, const struct f2m_operation *op)
{
    const struct f2m_endpoint_info *info = op->kind == F2M_OPERATION_FLIP ? &f2m_endpoint_info[op->endpoint] : NULL;

    f2m_jw_object(w, NULL);
    f2m_jw_string(w, "name", op->name);
    f2m_jw_string(w, "group", f2m_group_name(op->group));
    f2m_jw_string(w, "method", info ? methods[info->method] : NULL);
    f2m_jw_string(w, "path", info ? info->path : NULL);
    f2m_jw_string(w, "token", !info ? NULL : info->token == F2M_TOKEN_SITE ? "site" : "client");
    write_ids(w, info ? info->path : "");
    f2m_jw_bool(w, "body", op->body);
    f2m_jw_bool(w, "paged", op->collection != NULL);
    f2m_jw_end(w);
}

int main(void)
{
    f2m_autostrbuf out = {0};
    struct f2m_operation op;

    f2m_strbuf_init(&out, 0);
    struct f2m_jw w = f2m_jw(&out);
    f2m_jw_array(&w, NULL);
    for (size_t i = 0; f2m_operation_at(i, &op); i++)
        write_operation(&w, &op);
    f2m_jw_end(&w);
    return puts(out.data) >= 0 && fflush(stdout) == 0 ? 0 : EX_IOERR;
}
