#include "port/effect.h"

#include "util/strbuf.h"
#include "util/xalloc.h"

#include <stdlib.h>
#include <string.h>

/* Copied text lives in chunks that never move, so that earlier effects stay valid while later ones are added. */
#define CHUNK_BYTES ((size_t)64 << 10)

struct chunk {
    struct chunk *next;
    size_t used, size;
    char bytes[];
};

struct f2m_effects {
    struct f2m_effect *list;
    size_t len, cap;
    struct chunk *chunks; /* the first is the one being filled */
    struct f2m_strbuf pairs;
};

static struct chunk *chunk_new(size_t size, struct chunk *next)
{
    struct chunk *c = f2m_xmalloc(sizeof *c + size);
    *c = (struct chunk){.next = next, .size = size};
    return c;
}

struct f2m_effects *f2m_effects_new(void)
{
    struct f2m_effects *fx = f2m_xcalloc(1, sizeof *fx);
    fx->chunks = chunk_new(CHUNK_BYTES, NULL);
    f2m_strbuf_init(&fx->pairs, 0);
    return fx;
}

/* Keeps one chunk of the usual size; larger moments are given back. */
void f2m_effects_reset(struct f2m_effects *fx)
{
    struct chunk *keep = NULL;
    for (struct chunk *c = fx->chunks, *next; c; c = next) {
        next = c->next;
        explicit_bzero(c->bytes, c->used);
        if (!keep && c->size == CHUNK_BYTES) {
            keep = c;
        } else {
            free(c);
        }
    }
    if (!keep)
        keep = chunk_new(CHUNK_BYTES, NULL);
    keep->next = NULL;
    keep->used = 0;
    fx->chunks = keep;
    fx->len = 0;
}

void f2m_effects_withhold(struct f2m_effects *fx)
{
    size_t kept = 0;
    for (size_t i = 0; i < fx->len; i++) {
        if (fx->list[i].type == F2M_FX_PUBLISH)
            continue;
        if (fx->list[i].type == F2M_FX_WEBHOOK_REPLY)
            fx->list[i].webhook_reply.status = 503;
        fx->list[kept++] = fx->list[i];
    }
    fx->len = kept;
}

void f2m_effects_free(struct f2m_effects *fx)
{
    if (!fx)
        return;
    f2m_effects_reset(fx);
    free(fx->chunks);
    free(fx->list);
    f2m_strbuf_deinit(&fx->pairs);
    free(fx);
}

size_t f2m_effects_count(const struct f2m_effects *fx)
{
    return fx->len;
}

const struct f2m_effect *f2m_effects_at(const struct f2m_effects *fx, size_t i)
{
    return &fx->list[i];
}

static char *keep(struct f2m_effects *fx, const void *p, size_t len)
{
    if (fx->chunks->size - fx->chunks->used < len + 1)
        fx->chunks = chunk_new(len + 1 > CHUNK_BYTES ? len + 1 : CHUNK_BYTES, fx->chunks);
    char *copy = fx->chunks->bytes + fx->chunks->used;
    if (len)
        memcpy(copy, p, len);
    copy[len] = '\0';
    fx->chunks->used += len + 1;
    return copy;
}

static const char *keep_text(struct f2m_effects *fx, const char *s)
{
    return s ? keep(fx, s, strlen(s)) : NULL;
}

static struct f2m_slice keep_slice(struct f2m_effects *fx, struct f2m_slice s)
{
    return s.at ? (struct f2m_slice){keep(fx, s.at, s.len), s.len} : s;
}

static struct f2m_effect *add(struct f2m_effects *fx, enum f2m_effect_type type)
{
    if (fx->len == fx->cap) {
        fx->cap = fx->cap ? fx->cap * 2 : 64;
        fx->list = f2m_xreallocarray(fx->list, fx->cap, sizeof *fx->list);
    }
    struct f2m_effect *e = &fx->list[fx->len++];
    *e = (struct f2m_effect){.type = type};
    return e;
}

void f2m_effects_publish(struct f2m_effects *fx, const struct f2m_publish *p)
{
    struct f2m_effect *e = add(fx, F2M_FX_PUBLISH);
    e->publish = *p;
    e->publish.topic = keep_text(fx, p->topic);
    e->publish.payload = keep_slice(fx, p->payload);
    e->publish.correlation = keep_slice(fx, p->correlation);
}

void f2m_effects_publish_text(struct f2m_effects *fx, const char *topic, struct f2m_slice payload, bool retain)
{
    f2m_effects_publish(fx, &(struct f2m_publish){.topic = topic, .payload = payload, .retain = retain});
}

void f2m_effects_subscribe(struct f2m_effects *fx, const char *filter)
{
    add(fx, F2M_FX_SUBSCRIBE)->filter = keep_text(fx, filter);
}

void f2m_effects_unsubscribe(struct f2m_effects *fx, const char *filter)
{
    add(fx, F2M_FX_UNSUBSCRIBE)->filter = keep_text(fx, filter);
}

void f2m_effects_http(struct f2m_effects *fx, const struct f2m_http_request *r)
{
    struct f2m_effect *e = add(fx, F2M_FX_HTTP);
    e->http = *r;
    e->http.path = keep_text(fx, r->path);
    e->http.token = keep_text(fx, r->token);
    e->http.body = keep_slice(fx, r->body);
}

void f2m_effects_webhook_reply(struct f2m_effects *fx, uint64_t tag, int status)
{
    add(fx, F2M_FX_WEBHOOK_REPLY)->webhook_reply = (struct f2m_webhook_reply){.tag = tag, .status = status};
}

void f2m_effects_log(struct f2m_effects *fx, enum f2m_log_level level, const char *component, const char *msg,
                     const char *pairs_fmt, ...)
{
    va_list args;
    va_start(args, pairs_fmt);
    f2m_strbuf_reset(&fx->pairs);
    f2m_strbuf_vaddf(&fx->pairs, pairs_fmt, args);
    va_end(args);
    struct f2m_effect *e = add(fx, F2M_FX_LOG);
    e->log = (struct f2m_log_effect){
        .level = level,
        .component = keep_text(fx, component),
        .msg = keep_text(fx, msg),
        .pairs = keep(fx, fx->pairs.data, fx->pairs.len),
    };
}
