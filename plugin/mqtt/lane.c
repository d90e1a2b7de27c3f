#include "mqtt/lane.h"

#include "util/xalloc.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX /* length of a text that is not there */

enum text {
    TEXT_TOPIC, /* also: the filter of SUBSCRIBED, the text of DOWN */
    TEXT_PAYLOAD,
    TEXT_RESPONSE_TOPIC,
    TEXT_CORRELATION,
    TEXT_COUNT,
};

/* What stands before the texts, each of which has a NUL behind it. */
struct record {
    uint64_t tag;
    size_t size; /* of all, a multiple of 8 */
    uint32_t len[TEXT_COUNT];
    int32_t reason;
    uint8_t type;
    bool retain;
};

static struct f2m_chunk *chunk_get(struct f2m_chunk_pool *pool, size_t size)
{
    struct f2m_chunk *chunk = pool->first;
    if (size <= F2M_CHUNK_BYTES && chunk) {
        pool->first = chunk->next;
        pool->count--;
        chunk->next = NULL;
        return chunk;
    }
    if (size < F2M_CHUNK_BYTES)
        size = F2M_CHUNK_BYTES;
    chunk = f2m_xmalloc(sizeof *chunk + size);
    *chunk = (struct f2m_chunk){.size = size};
    return chunk;
}

void f2m_chunk_pool_put(struct f2m_chunk_pool *pool, struct f2m_chunk *chunk)
{
    if (!chunk)
        return;
    if (chunk->size != F2M_CHUNK_BYTES || pool->count >= F2M_CHUNKS_KEPT) {
        free(chunk);
        return;
    }
    chunk->used = 0;
    chunk->at = 0;
    chunk->next = pool->first;
    pool->first = chunk;
    pool->count++;
}

static void chain_free(struct f2m_chunk *chunk)
{
    while (chunk) {
        struct f2m_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void f2m_chunk_pool_deinit(struct f2m_chunk_pool *pool)
{
    chain_free(pool->first);
    *pool = (struct f2m_chunk_pool){0};
}

void f2m_lane_deinit(struct f2m_lane *lane)
{
    chain_free(lane->first);
    *lane = (struct f2m_lane){0};
}

/* The event's texts in the order of enum text. */
static void texts_of(const struct f2m_event *event, struct f2m_slice texts[TEXT_COUNT])
{
    memset(texts, 0, TEXT_COUNT * sizeof *texts);
    switch (event->type) {
    case F2M_EV_MQTT_MESSAGE:
        texts[TEXT_TOPIC] = event->message.topic;
        texts[TEXT_PAYLOAD] = event->message.payload;
        texts[TEXT_RESPONSE_TOPIC] = event->message.response_topic;
        texts[TEXT_CORRELATION] = event->message.correlation;
        break;
    case F2M_EV_MQTT_SUBSCRIBED: texts[TEXT_TOPIC] = f2m_slice_of(event->subscribed.filter); break;
    case F2M_EV_MQTT_DOWN: texts[TEXT_TOPIC] = f2m_slice_of(event->down.text); break;
    default: break;
    }
}

static size_t size_of(const struct f2m_slice texts[TEXT_COUNT])
{
    size_t size = sizeof(struct record);
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        if (texts[i].at)
            size += texts[i].len + 1;
    }
    return (size + 7) & ~(size_t)7;
}

size_t f2m_lane_size_of(const struct f2m_event *event)
{
    struct f2m_slice texts[TEXT_COUNT];
    texts_of(event, texts);
    return size_of(texts);
}

static struct record record_of(const struct f2m_event *event)
{
    struct record r = {.type = (uint8_t)event->type};
    switch (event->type) {
    case F2M_EV_MQTT_MESSAGE: r.retain = event->message.retain; break;
    case F2M_EV_MQTT_SUBSCRIBED: r.reason = event->subscribed.reason; break;
    case F2M_EV_MQTT_DOWN: r.reason = event->down.reason; break;
    case F2M_EV_MQTT_PUBLISHED:
        r.reason = event->published.reason;
        r.tag = event->published.tag;
        break;
    default: break;
    }
    return r;
}

/* Room for size bytes at the end of the lane. */
static char *lane_reserve(struct f2m_lane *lane, struct f2m_chunk_pool *pool, size_t size)
{
    struct f2m_chunk *chunk = lane->last;
    if (!chunk || chunk->size - chunk->used < size) {
        chunk = chunk_get(pool, size);
        if (lane->last)
            lane->last->next = chunk;
        else
            lane->first = chunk;
        lane->last = chunk;
    }
    char *at = chunk->bytes + chunk->used;
    chunk->used += size;
    lane->records++;
    lane->bytes += size;
    return at;
}

void f2m_lane_append(struct f2m_lane *lane, struct f2m_chunk_pool *pool, const struct f2m_event *event)
{
    struct f2m_slice texts[TEXT_COUNT];
    texts_of(event, texts);
    struct record r = record_of(event);
    r.size = size_of(texts);
    char *start = lane_reserve(lane, pool, r.size);
    char *at = start + sizeof r;
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        r.len[i] = texts[i].at ? (uint32_t)texts[i].len : NONE;
        if (!texts[i].at)
            continue;
        memcpy(at, texts[i].at, texts[i].len);
        at[texts[i].len] = '\0';
        at += texts[i].len + 1;
    }
    memcpy(start, &r, sizeof r);
}

void f2m_lane_drop_oldest(struct f2m_lane *lane, struct f2m_chunk_pool *pool)
{
    struct f2m_chunk *chunk = lane->first;
    struct record r;
    memcpy(&r, chunk->bytes + chunk->at, sizeof r);
    chunk->at += r.size;
    lane->records--;
    lane->bytes -= r.size;
    if (chunk->at == chunk->used)
        f2m_chunk_pool_put(pool, f2m_lane_take(lane));
}

struct f2m_chunk *f2m_lane_take(struct f2m_lane *lane)
{
    struct f2m_chunk *chunk = lane->first;
    if (!chunk)
        return NULL;
    lane->first = chunk->next;
    if (!lane->first)
        lane->last = NULL;
    chunk->next = NULL;
    struct record r;
    for (size_t at = chunk->at; at < chunk->used; at += r.size) {
        memcpy(&r, chunk->bytes + at, sizeof r);
        lane->records--;
        lane->bytes -= r.size;
    }
    return chunk;
}

bool f2m_chunk_read(struct f2m_chunk *chunk, struct f2m_event *event)
{
    if (!chunk || chunk->at == chunk->used)
        return false;
    struct record r;
    memcpy(&r, chunk->bytes + chunk->at, sizeof r);
    const char *at = chunk->bytes + chunk->at + sizeof r;
    struct f2m_slice texts[TEXT_COUNT] = {{0}};
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        if (r.len[i] == NONE)
            continue;
        texts[i] = (struct f2m_slice){at, r.len[i]};
        at += r.len[i] + 1;
    }
    chunk->at += r.size;
    *event = (struct f2m_event){.type = (enum f2m_event_type)r.type};
    switch (event->type) {
    case F2M_EV_MQTT_MESSAGE:
        event->message = (struct f2m_mqtt_message){texts[TEXT_TOPIC], texts[TEXT_PAYLOAD], r.retain,
                                                   texts[TEXT_RESPONSE_TOPIC], texts[TEXT_CORRELATION]};
        break;
    case F2M_EV_MQTT_SUBSCRIBED:
        event->subscribed = (struct f2m_mqtt_subscribed){texts[TEXT_TOPIC].at, r.reason};
        break;
    case F2M_EV_MQTT_DOWN: event->down = (struct f2m_mqtt_down){r.reason, texts[TEXT_TOPIC].at}; break;
    case F2M_EV_MQTT_PUBLISHED: event->published = (struct f2m_mqtt_published){r.tag, r.reason}; break;
    default: break;
    }
    return true;
}
