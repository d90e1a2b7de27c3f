#include "requests/internal.h"

#include "port/own_topic.h"
#include "requests/response_topic.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/json_writer.h"
#include "util/xalloc.h"

#include <stdlib.h>

#define MAX_ITEMS_BYTES ((size_t)16 << 20) /* one answer's list */

struct f2m_requests *f2m_requests_new(const struct f2m_requests_context *context)
{
    struct f2m_requests *r = f2m_xcalloc(1, sizeof *r);
    r->c = *context;
    f2m_strbuf_init(&r->topic, 0);
    f2m_strbuf_init(&r->text, MAX_ITEMS_BYTES + 4096);
    return r;
}

static void request_free(struct request *q)
{
    free(q->payload);
    free(q->response_topic);
    free((char *)(uintptr_t)q->correlation.at);
    f2m_strbuf_deinit(&q->query);
    f2m_strbuf_deinit(&q->items);
    free(q);
}

void f2m_requests_free(struct f2m_requests *r)
{
    if (!r)
        return;
    for (struct request *q = r->list, *next; q; q = next) {
        next = q->next;
        request_free(q);
    }
    outgoing_free(r);
    f2m_strbuf_deinit(&r->topic);
    f2m_strbuf_deinit(&r->text);
    free(r);
}

void f2m_requests_reload(struct f2m_requests *r, const struct f2m_config *config)
{
    r->c.config = config;
}

struct request *request_find(struct f2m_requests *r, uint64_t id)
{
    for (struct request *q = r->list; q; q = q->next)
        if (q->id == id)
            return q;
    return NULL;
}

static void write_answer(struct f2m_strbuf *out, struct f2m_slice transaction, const struct answer *a)
{
    f2m_strbuf_reset(out);
    struct f2m_jw w = f2m_jw(out);
    f2m_jw_object(&w, NULL);
    if (transaction.at)
        f2m_jw_raw(&w, "transaction", transaction);
    else
        f2m_jw_null(&w, "transaction");
    f2m_jw_string(&w, "status", a->error ? "error" : "ok");
    if (a->http_status)
        f2m_jw_integer(&w, "http_status", a->http_status);
    else
        f2m_jw_null(&w, "http_status");
    if (a->error)
        f2m_jw_string(&w, "error", a->error);
    else if (a->data.at)
        f2m_jw_raw(&w, "data", a->data);
    else
        f2m_jw_null(&w, "data");
    f2m_jw_end(&w);
}

/* response_topic NULL = bridge/response/<operation>. `instead` as in struct outgoing. */
static void publish(struct f2m_requests *r, struct f2m_slice operation, const char *response_topic,
                    struct f2m_slice correlation, struct f2m_slice transaction, const struct answer *a,
                    struct f2m_slice instead, struct f2m_effects *fx)
{
    r->c.counters->requests++;
    write_answer(&r->text, transaction, a);
    if (!response_topic) {
        f2m_own_topic(&r->topic, r->c.config->mqtt.base_topic, "bridge/response/");
        f2m_strbuf_add(&r->topic, operation.at, operation.len);
    }
    const struct outgoing texts = {
        .payload = {r->text.data, r->text.len}, .instead = instead, .correlation = correlation};
    outgoing_add(r, response_topic ? response_topic : r->topic.data, &texts, fx);
}

void request_answer(struct f2m_requests *r, struct request *q, const struct answer *a, struct f2m_effects *fx)
{
    struct request **at = &r->list;
    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    r->len--;
    f2m_autostrbuf instead;
    f2m_strbuf_init(&instead, 0);
    if (q->operation.kind == F2M_OPERATION_OUTBOX_RETRY || q->operation.kind == F2M_OPERATION_OUTBOX_DROP)
        write_answer(&instead, q->envelope.transaction,
                     &(struct answer){.error = "the database cannot be written: nothing was changed"});
    publish(r, f2m_slice_of(q->operation.name), q->response_topic, q->correlation, q->envelope.transaction, a,
            instead.len ? (struct f2m_slice){instead.data, instead.len} : (struct f2m_slice){NULL, 0}, fx);
    request_free(q);
}

static bool same(struct f2m_slice a, struct f2m_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* A second delivery of a request that is under way (QoS 1 may repeat): one call, one answer. Two automations that
 * happen to count their transactions alike get an answer each. */
static bool under_way(const struct f2m_requests *r, const struct request *fresh)
{
    if (!fresh->envelope.transaction.at)
        return false;
    for (const struct request *q = r->list; q; q = q->next)
        if (q->operation.name == fresh->operation.name && same(q->text, fresh->text) &&
            same(q->correlation, fresh->correlation) &&
            strcmp(q->response_topic ? q->response_topic : "", fresh->response_topic ? fresh->response_topic : "") == 0)
            return true;
    return false;
}

static struct request *request_new(struct f2m_requests *r, struct f2m_now now, const struct f2m_mqtt_message *m,
                                   const struct f2m_operation *op)
{
    struct request *q = f2m_xcalloc(1, sizeof *q);
    q->id = ++r->last_id;
    q->operation = *op;
    q->payload = f2m_xmemdup0(m->payload.at, m->payload.len);
    q->text = (struct f2m_slice){q->payload, m->payload.len};
    q->deadline_ms = now.mono_ms + F2M_REQUEST_DEADLINE_MS;
    if (m->response_topic.len)
        q->response_topic = f2m_xmemdup0(m->response_topic.at, m->response_topic.len);
    if (m->correlation.at)
        q->correlation = (struct f2m_slice){f2m_xmemdup0(m->correlation.at, m->correlation.len), m->correlation.len};
    f2m_strbuf_init(&q->query, F2M_MAX_QUERY_BYTES);
    f2m_strbuf_init(&q->items, MAX_ITEMS_BYTES);
    return q;
}

/* 0, or the error that the request is refused with. */
static int admit(struct f2m_requests *r, struct request *q, struct f2m_err *err)
{
    /* First, so that even a refusal carries the transaction. */
    int bad = f2m_envelope_read(q->text, &q->operation, &q->envelope, &q->query, err);
    if (q->response_topic && !f2m_response_topic_allowed(r->c.config, q->response_topic)) {
        f2m_err_set(err, "the response topic is not allowed: %.300s", q->response_topic);
        free(q->response_topic);
        q->response_topic = NULL; /* the refusal goes to bridge/response/… */
        return -1;
    }
    if (!(r->c.config->requests.allow & (1u << q->operation.group))) {
        const char *group = f2m_group_name(q->operation.group);
        f2m_err_set(err, "%s is not allowed: add '%s' to requests.allow in the configuration", q->operation.name,
                    group);
        return -1;
    }
    if (bad)
        return bad;
    if (r->len >= F2M_MAX_REQUESTS_IN_FLIGHT) {
        f2m_err_set(err, "too many requests under way (%d): try again later", F2M_MAX_REQUESTS_IN_FLIGHT);
        return -1;
    }
    return 0;
}

static void start(struct f2m_requests *r, struct request *q, struct f2m_now now, struct f2m_effects *fx)
{
    if (q->operation.kind != F2M_OPERATION_FLIP)
        request_outbox(r, q, now, fx);
    else if (q->operation.endpoint == F2M_ENDPOINT_ENROLLMENT_CREATE)
        request_enroll(r, q, now, fx);
    else
        request_call(r, q, now, fx);
}

static void refuse_unknown(struct f2m_requests *r, struct f2m_slice operation, const struct f2m_mqtt_message *m,
                           struct f2m_effects *fx)
{
    struct f2m_err ignored;
    struct f2m_slice transaction = {NULL, 0};
    if (f2m_json_check(m->payload, &ignored) == 0)
        (void)f2m_envelope_transaction(f2m_json_root(m->payload), &transaction);
    f2m_autofree char *topic = m->response_topic.len ? f2m_xmemdup0(m->response_topic.at, m->response_topic.len) : NULL;
    bool there = topic && f2m_response_topic_allowed(r->c.config, topic);
    publish(r, operation, there ? topic : NULL, m->correlation, transaction,
            &(struct answer){.error = "unknown operation; docs/mqtt.md lists them"}, (struct f2m_slice){NULL, 0}, fx);
}

void f2m_requests_message(struct f2m_requests *r, struct f2m_now now, struct f2m_slice operation,
                          const struct f2m_mqtt_message *m, struct f2m_effects *fx)
{
    struct f2m_operation op;
    if (!f2m_operation_find(operation, &op)) {
        refuse_unknown(r, operation, m, fx);
        return;
    }
    struct request *q = request_new(r, now, m, &op);
    struct f2m_err err;
    if (admit(r, q, &err) != 0) {
        struct answer answer = {.error = err.text};
        publish(r, operation, q->response_topic, q->correlation, q->envelope.transaction, &answer,
                (struct f2m_slice){NULL, 0}, fx);
        request_free(q);
        return;
    }
    if (under_way(r, q)) {
        request_free(q);
        return;
    }
    q->next = r->list;
    r->list = q;
    r->len++;
    start(r, q, now, fx);
}

void f2m_requests_tick(struct f2m_requests *r, struct f2m_now now, struct f2m_effects *fx)
{
    for (struct request *q = r->list, *next; q; q = next) {
        next = q->next;
        if (q->deadline_ms <= now.mono_ms)
            request_answer(r, q, &(struct answer){.error = "no answer from Flip within 60 s; the outcome is unknown"},
                           fx);
    }
    outgoing_publish(r, fx);
}

int64_t f2m_requests_deadline(const struct f2m_requests *r)
{
    int64_t deadline = outgoing_due(r) ? INT64_MIN : INT64_MAX;
    for (const struct request *q = r->list; q; q = q->next)
        if (q->deadline_ms < deadline)
            deadline = q->deadline_ms;
    return deadline;
}

void f2m_requests_stop(struct f2m_requests *r, struct f2m_now now, struct f2m_effects *fx)
{
    (void)now;
    while (r->list)
        request_answer(r, r->list, &(struct answer){.error = "the bridge is stopping; the outcome is unknown"}, fx);
}
