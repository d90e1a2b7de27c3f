#include "sim/request.h"

#include "util/cleanup.h"
#include "util/xalloc.h"

#include <string.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

char *sim_url_decode(const char *text, size_t len, bool plus_is_blank)
{
    char *out = f2m_xmalloc(len + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '+' && plus_is_blank) {
            c = ' ';
        } else if (c == '%') {
            int high = len - i > 2 ? hex_value(text[i + 1]) : -1;
            int low = high >= 0 ? hex_value(text[i + 2]) : -1;
            if (low < 0 || (high == 0 && low == 0)) {
                free(out);
                return NULL;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        out[n++] = c;
    }
    out[n] = '\0';
    return out;
}

static void add_query(struct sim_request *request, const char *part, size_t len)
{
    if (!len || request->queries == SIM_MAX_QUERY)
        return;
    const char *equals = memchr(part, '=', len);
    size_t name_len = equals ? (size_t)(equals - part) : len;
    char *name = sim_url_decode(part, name_len, true);
    char *value = equals ? sim_url_decode(equals + 1, len - name_len - 1, true) : f2m_xstrdup("");
    if (name && value) {
        request->query[request->queries++] = (struct sim_query){name, value};
        return;
    }
    free(name);
    free(value);
}

struct sim_request *sim_request_new(const char *method, const char *uri)
{
    struct sim_request *request = f2m_xcalloc(1, sizeof *request);
    size_t path_len = strcspn(uri, "?");
    request->method = f2m_xstrdup(method);
    request->path = f2m_xmemdup0(uri, path_len);
    f2m_strbuf_init(&request->body, SIM_MAX_BODY_BYTES);
    f2m_strbuf_init(&request->reply.body, SIM_MAX_REPLY_BYTES);
    request->reply.truncate_at = -1;
    const char *at = uri + path_len;
    while (*at) {
        at++;
        size_t len = strcspn(at, "&");
        add_query(request, at, len);
        at += len;
    }
    return request;
}

void sim_request_free(struct sim_request *request)
{
    if (!request)
        return;
    free(request->method);
    free(request->path);
    for (int i = 0; i < SIM_MAX_PARAMS; i++)
        free(request->param[i]);
    for (size_t i = 0; i < request->queries; i++) {
        free(request->query[i].name);
        free(request->query[i].value);
    }
    free(request->authorization);
    free(request->content_type);
    f2m_strbuf_deinit(&request->body);
    f2m_strbuf_deinit(&request->reply.body);
    free(request->reply.retry_after);
    cJSON_Delete(request->json);
    free(request);
}

const char *sim_request_query(const struct sim_request *request, const char *name)
{
    for (size_t i = 0; i < request->queries; i++) {
        if (strcmp(request->query[i].name, name) == 0)
            return request->query[i].value;
    }
    return NULL;
}

void sim_reply_text(struct sim_request *request, unsigned status, const char *content_type, const char *text)
{
    request->reply.status = status;
    request->reply.content_type = content_type;
    f2m_strbuf_reset(&request->reply.body);
    f2m_strbuf_adds(&request->reply.body, text);
}

void sim_reply_copy(struct sim_request *request, unsigned status, const cJSON *json)
{
    f2m_autofree char *text = cJSON_PrintUnformatted(json);
    sim_reply_text(request, status, "application/json", text ? text : "null");
}

void sim_reply_json(struct sim_request *request, unsigned status, cJSON *json)
{
    sim_reply_copy(request, status, json);
    cJSON_Delete(json);
}

void sim_reply_empty(struct sim_request *request, unsigned status)
{
    sim_reply_text(request, status, NULL, "");
}

void sim_reply_message(struct sim_request *request, unsigned status, const char *fmt, ...)
{
    f2m_autostrbuf text;
    f2m_strbuf_init(&text, 0);
    va_list args;
    va_start(args, fmt);
    f2m_strbuf_vaddf(&text, fmt, args);
    va_end(args);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "message", text.data);
    sim_reply_json(request, status, json);
}
