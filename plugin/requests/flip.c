#include "requests/internal.h"

#include "flip/list.h"
#include "util/json.h"

#define PAGE 100 /* Flip: Basics, Pagination: the documented default */

static void call_page(struct f2m_requests *, struct request *, struct f2m_now, struct f2m_effects *);

void request_answer_reply(struct f2m_requests *r, struct request *q, const struct f2m_reply *reply,
                          struct f2m_effects *fx)
{
    struct answer answer = {.http_status = reply->status, .data = reply->body};
    if (reply->outcome != F2M_OUTCOME_OK) {
        answer.error = reply->message[0] ? reply->message : "Flip gave no reason";
        answer.data = (struct f2m_slice){NULL, 0};
    }
    request_answer(r, q, &answer, fx);
}

static void observe(struct f2m_requests *r, struct request *q, struct f2m_now now, struct f2m_slice body,
                    struct f2m_effects *fx)
{
    if (!r->c.observed)
        return;
    struct f2m_path_ids ids = f2m_envelope_ids(&q->envelope);
    r->c.observed(r->c.observed_ctx, now, q->operation.endpoint, &ids, body, fx);
}

static void on_reply(void *owner, uint64_t id, struct f2m_now now, const struct f2m_reply *reply,
                     struct f2m_effects *fx)
{
    struct f2m_requests *r = owner;
    struct request *q = request_find(r, id);
    if (!q)
        return; /* answered at its deadline already */
    if (reply->outcome == F2M_OUTCOME_OK)
        observe(r, q, now, reply->body, fx);
    request_answer_reply(r, q, reply, fx);
}

/* Adds a page's elements; how many there were, or -1 where the answer is no collection. 0 also where it is the former
 * page again: `skip` means nothing to the other side, and it would go on for ever. */
static int64_t add_page(struct request *q, struct f2m_slice body)
{
    struct f2m_slice array, name, element;
    if (!f2m_list_find(body, q->operation.collection, &array))
        return -1;
    struct f2m_json_iter it = f2m_json_iter(array);
    size_t before = q->items.len, start = before > 1 ? before + 1 : before; /* after "[", or after a comma */
    int64_t n = 0;
    for (; f2m_json_next(&it, &name, &element); n++) {
        if (q->items.len > 1)
            f2m_strbuf_addc(&q->items, ',');
        f2m_strbuf_add(&q->items, element.at, element.len);
    }
    size_t len = q->items.len > start ? q->items.len - start : 0;
    if (len && len == q->page_len && memcmp(q->items.data + start, q->items.data + q->page_at, len) == 0) {
        f2m_strbuf_truncate(&q->items, before);
        return 0;
    }
    q->page_at = start;
    q->page_len = len;
    return n;
}

static void on_page(void *owner, uint64_t id, struct f2m_now now, const struct f2m_reply *reply, struct f2m_effects *fx)
{
    struct f2m_requests *r = owner;
    struct request *q = request_find(r, id);
    if (!q)
        return;
    if (reply->outcome != F2M_OUTCOME_OK) {
        request_answer_reply(r, q, reply, fx);
        return;
    }
    int64_t n = add_page(q, reply->body);
    if (n < 0) {
        request_answer(r, q, &(struct answer){reply->status, "Flip's answer holds no list", {NULL, 0}}, fx);
        return;
    }
    q->skip += n;
    if (n >= PAGE && !q->items.overflow) {
        call_page(r, q, now, fx);
        return;
    }
    f2m_strbuf_addc(&q->items, ']');
    if (q->items.overflow) {
        const char *error = "the collection is too large for one answer: ask for pages with query.skip and query.limit";
        request_answer(r, q, &(struct answer){reply->status, error, {NULL, 0}}, fx);
        return;
    }
    observe(r, q, now, (struct f2m_slice){q->items.data, q->items.len}, fx);
    request_answer(r, q, &(struct answer){reply->status, NULL, {q->items.data, q->items.len}}, fx);
}

static void call(struct f2m_requests *r, struct request *q, struct f2m_now now, const char *query, f2m_cloud_done done,
                 struct f2m_effects *fx)
{
    struct f2m_err err;
    int failed = f2m_cloud_call(r->c.cloud, now,
                                &(struct f2m_call){
                                    .endpoint = q->operation.endpoint,
                                    .ids = f2m_envelope_ids(&q->envelope),
                                    .query = query,
                                    .body = q->envelope.body,
                                    .done = done,
                                    .owner = r,
                                    .id = q->id,
                                },
                                fx, &err);
    if (failed)
        request_answer(r, q, &(struct answer){.error = err.text}, fx);
}

static void call_page(struct f2m_requests *r, struct request *q, struct f2m_now now, struct f2m_effects *fx)
{
    f2m_autostrbuf query;
    f2m_strbuf_init(&query, F2M_MAX_QUERY_BYTES + 64);
    f2m_strbuf_addf(&query, "%s%sskip=%lld&limit=%d", q->query.data, q->query.len ? "&" : "", (long long)q->skip, PAGE);
    call(r, q, now, query.data, on_page, fx);
}

void request_call(struct f2m_requests *r, struct request *q, struct f2m_now now, struct f2m_effects *fx)
{
    if (q->operation.collection && !q->envelope.pages) {
        f2m_strbuf_addc(&q->items, '[');
        call_page(r, q, now, fx);
    } else {
        call(r, q, now, q->query.len ? q->query.data : NULL, on_reply, fx);
    }
}
