#include "telemetry/upload_batch.h"

#include "util/limits.h"
#include "util/xalloc.h"

#include <stdlib.h>

#define PREFIX "{\"telemetry\":["
#define SUFFIX "]}"

struct f2m_batch *f2m_batch_new(void)
{
    struct f2m_batch *b = f2m_xcalloc(1, sizeof *b);
    f2m_strbuf_init(&b->text, 0);
    f2m_strbuf_init(&b->devices, 0);
    f2m_batch_reset(b);
    return b;
}

void f2m_batch_free(struct f2m_batch *b)
{
    if (!b)
        return;
    f2m_strbuf_deinit(&b->text);
    f2m_strbuf_deinit(&b->devices);
    free(b->items);
    free(b);
}

void f2m_batch_reset(struct f2m_batch *b)
{
    b->len = 0;
    f2m_strbuf_reset(&b->devices);
    f2m_strbuf_reset(&b->text);
    f2m_strbuf_adds(&b->text, PREFIX);
}

bool f2m_batch_add(struct f2m_batch *b, const struct f2m_point *p)
{
    if (b->len > 0 && b->text.len + p->body.len > F2M_MAX_BATCH_BYTES)
        return false;
    if (b->len == b->cap) {
        b->cap = b->cap ? b->cap * 2 : 16;
        b->items = f2m_xreallocarray(b->items, b->cap, sizeof *b->items);
    }
    if (b->len > 0)
        f2m_strbuf_addc(&b->text, ',');
    b->items[b->len++] = (struct f2m_batch_item){
        .id = p->id,
        .start_ms = p->start_ms,
        .device_at = b->devices.len,
        .at = b->text.len,
        .end = b->text.len + p->body.len,
    };
    f2m_strbuf_add(&b->text, p->body.at, p->body.len);
    f2m_strbuf_add(&b->devices, p->device_id, strlen(p->device_id) + 1);
    return true;
}

struct f2m_point f2m_batch_point(const struct f2m_batch *b, size_t i)
{
    const struct f2m_batch_item *item = &b->items[i];
    return (struct f2m_point){
        .id = item->id, .device_id = b->devices.data + item->device_at, .start_ms = item->start_ms};
}

struct f2m_slice f2m_batch_request(struct f2m_batch *b)
{
    size_t end = b->items[b->len - 1].end;
    f2m_strbuf_truncate(&b->text, end);
    f2m_strbuf_adds(&b->text, SUFFIX);
    return (struct f2m_slice){b->text.data, b->text.len};
}

struct f2m_slice f2m_batch_request_of(const struct f2m_batch *b, size_t from, size_t n, struct f2m_strbuf *out)
{
    size_t at = b->items[from].at;
    f2m_strbuf_reset(out);
    f2m_strbuf_adds(out, PREFIX);
    f2m_strbuf_add(out, b->text.data + at, b->items[from + n - 1].end - at);
    f2m_strbuf_adds(out, SUFFIX);
    return (struct f2m_slice){out->data, out->len};
}
