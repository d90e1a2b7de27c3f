/*
 * flip2mqtt outbox list|stats|retry|drop: what waits, what Flip rejected and why. Beside a running bridge, which owns
 * the database, it asks the bridge over MQTT; else it opens the database. Either way the requests room gives the
 * answer.
 */
#include "app/clock.h"
#include "app/command.h"
#include "app/tool.h"
#include "port/own_topic.h"
#include "requests/requests.h"
#include "store/sqlite.h"
#include "util/json.h"
#include "util/json_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define ANSWER_MS 20000

/* The request's payload; the transaction tells our answer from others'. */
static void write_request(const struct f2m_options *o, struct f2m_strbuf *out)
{
    char transaction[32];
    (void)snprintf(transaction, sizeof transaction, "outbox-%x", (unsigned)getpid());
    struct f2m_jw w = f2m_jw(out);
    f2m_jw_object(&w, NULL);
    f2m_jw_string(&w, "transaction", transaction);
    if (o->device)
        f2m_jw_string(&w, "device_id", o->device);
    f2m_jw_end(&w);
}

/* ---- without a bridge: the database ---- */

static void ask_store(const struct f2m_options *o, struct f2m_config *config, struct f2m_store *store,
                      struct f2m_strbuf *answer)
{
    struct f2m_counters counters = {0};
    struct f2m_outbox *outbox = f2m_outbox_new(config, store, &counters);
    config->requests.allow |= 1u << F2M_GROUP_OUTBOX; /* the owner of the file needs no leave */
    struct f2m_requests *requests = f2m_requests_new(
        &(struct f2m_requests_context){.config = config, .outbox = outbox, .store = store, .counters = &counters});
    struct f2m_effects *fx = f2m_effects_new();
    f2m_autostrbuf operation, payload;
    f2m_strbuf_init(&operation, 0);
    f2m_strbuf_init(&payload, 0);
    f2m_strbuf_addf(&operation, "outbox/%s", o->words[1]);
    write_request(o, &payload);
    struct f2m_mqtt_message message = {.payload = {payload.data, payload.len}};
    f2m_requests_message(requests, f2m_clock_now(), (struct f2m_slice){operation.data, operation.len}, &message, fx);
    f2m_outbox_committed(outbox, f2m_clock_now(), f2m_store_commit(store) == 0, fx);
    for (size_t i = 0; i < f2m_effects_count(fx); i++) {
        const struct f2m_effect *e = f2m_effects_at(fx, i);
        if (e->type == F2M_FX_PUBLISH && strstr(e->publish.topic, "/bridge/response/"))
            f2m_strbuf_add(answer, e->publish.payload.at, e->publish.payload.len);
    }
    f2m_effects_free(fx);
    f2m_requests_free(requests);
    f2m_outbox_free(outbox);
}

/* ---- beside a running bridge: MQTT ---- */

static bool is_our_answer(const struct f2m_event *event, const char *topic, struct f2m_slice request)
{
    struct f2m_err ignored;
    if (event->type != F2M_EV_MQTT_MESSAGE || !f2m_slice_is(event->message.topic, topic) ||
        f2m_json_check(event->message.payload, &ignored) != 0)
        return false;
    struct f2m_slice want = f2m_json_member(request, "transaction");
    struct f2m_slice have = f2m_json_member(f2m_json_root(event->message.payload), "transaction");
    return have.len == want.len && memcmp(have.at, want.at, want.len) == 0;
}

static int ask_bridge_connected(struct tool *tool, const struct f2m_options *o, const struct f2m_config *config,
                                struct f2m_strbuf *answer, struct f2m_err *err)
{
    f2m_autostrbuf leaf, request_topic, response_topic, payload;
    f2m_strbuf_init(&leaf, 0);
    f2m_strbuf_init(&request_topic, 0);
    f2m_strbuf_init(&response_topic, 0);
    f2m_strbuf_init(&payload, 0);
    f2m_strbuf_addf(&leaf, "bridge/response/outbox/%s", o->words[1]);
    f2m_own_topic(&response_topic, config->mqtt.base_topic, leaf.data);
    f2m_strbuf_reset(&leaf);
    f2m_strbuf_addf(&leaf, "bridge/request/outbox/%s", o->words[1]);
    f2m_own_topic(&request_topic, config->mqtt.base_topic, leaf.data);
    write_request(o, &payload);
    (void)f2m_mqtt_subscribe(tool->mqtt, response_topic.data);
    int64_t deadline = f2m_clock_now().mono_ms + ANSWER_MS;
    struct f2m_event event;
    while (tool_next(tool, deadline, &event)) {
        if (event.type == F2M_EV_MQTT_SUBSCRIBED)
            (void)f2m_mqtt_publish(
                tool->mqtt, &(struct f2m_publish){.topic = request_topic.data, .payload = {payload.data, payload.len}});
        if (is_our_answer(&event, response_topic.data, (struct f2m_slice){payload.data, payload.len})) {
            f2m_strbuf_add(answer, event.message.payload.at, event.message.payload.len);
            return 0;
        }
    }
    f2m_err_set(err, "another process owns the database, but no bridge answers on %s", request_topic.data);
    return -ETIMEDOUT;
}

static int ask_bridge(const struct f2m_options *o, const struct f2m_config *config, struct f2m_strbuf *answer)
{
    struct tool tool = {0};
    struct f2m_err err;
    int r = tool_open(&tool, config, "outbox", &err);
    if (r == 0) {
        r = tool_connect(&tool, &err);
        if (r == 0)
            r = ask_bridge_connected(&tool, o, config, answer, &err);
        else
            f2m_err_wrap(&err, "the bridge owns the database, and the broker %s:%d is not there", config->mqtt.host,
                         config->mqtt.port);
        tool_close(&tool);
    }
    if (r == 0)
        return 0;
    fprintf(stderr, "flip2mqtt: outbox: %s\n", err.text);
    return EX_TEMPFAIL;
}

/* ---- showing ---- */

static void show_text(struct f2m_slice value, const char *absent)
{
    f2m_autostrbuf text;
    f2m_strbuf_init(&text, 0);
    if (f2m_json_type(value) == F2M_JSON_STRING)
        (void)f2m_json_string(value, &text);
    else if (value.at && !f2m_json_is_null(value))
        f2m_strbuf_add(&text, value.at, value.len);
    else
        f2m_strbuf_adds(&text, absent);
    fputs(text.data, stdout);
}

static void show_member(const char *label, struct f2m_slice data, const char *name)
{
    struct f2m_slice value = f2m_json_member(data, name);
    if (!value.at)
        return;
    printf("%-20s", label);
    show_text(value, "none");
    putchar('\n');
}

static void show_points(struct f2m_slice points)
{
    struct f2m_json_iter it = f2m_json_iter(points);
    struct f2m_slice none, point;
    while (f2m_json_next(&it, &none, &point)) {
        show_text(f2m_json_member(point, "state"), "?");
        fputs("  ", stdout);
        show_text(f2m_json_member(point, "start_time"), "?");
        fputs("  ", stdout);
        show_text(f2m_json_member(point, "device_id"), "?");
        fputs("  ", stdout);
        show_text(f2m_json_member(point, "message"), "");
        putchar('\n');
    }
}

static int show(const struct f2m_options *o, struct f2m_slice answer)
{
    struct f2m_slice data = f2m_json_member(answer, "data");
    if (!f2m_json_string_is(f2m_json_member(answer, "status"), "ok")) {
        fputs("flip2mqtt: outbox: ", stderr);
        f2m_autostrbuf text;
        f2m_strbuf_init(&text, 0);
        (void)f2m_json_string(f2m_json_member(answer, "error"), &text);
        fprintf(stderr, "%s\n", text.data);
        return EX_UNAVAILABLE;
    }
    if (o->json) {
        printf("%.*s\n", (int)data.len, data.at);
        return 0;
    }
    show_points(f2m_json_member(data, "points"));
    show_member("retried:", data, "retried");
    show_member("dropped:", data, "dropped");
    show_member("waiting:", data, "pending");
    show_member("rejected:", data, "rejected");
    show_member("oldest start_time:", data, "oldest_start_time");
    show_member("bytes:", data, "bytes");
    return 0;
}

static int answer_from(const struct f2m_options *o, struct f2m_config *config, struct f2m_strbuf *answer)
{
    struct f2m_store_options options = {.path = config->storage.path, .wall_ms = f2m_clock_now().wall_ms};
    struct f2m_store *store = NULL;
    struct f2m_err err;
    int r = f2m_store_open(&options, &store, NULL, &err);
    if (r == -EBUSY)
        return ask_bridge(o, config, answer);
    if (r != 0) {
        fprintf(stderr, "flip2mqtt: outbox: %s\n", err.text);
        return r == -ENOENT ? EX_UNAVAILABLE : EX_IOERR;
    }
    ask_store(o, config, store, answer);
    f2m_store_free(store);
    return 0;
}

int f2m_command_outbox(const struct f2m_options *o)
{
    static const char *const verbs[] = {"list", "stats", "retry", "drop"};
    bool known = false;
    for (size_t i = 0; o->words_len == 2 && i < sizeof verbs / sizeof *verbs; i++)
        known = known || strcmp(o->words[1], verbs[i]) == 0;
    if (!known) {
        fputs("flip2mqtt: outbox: expected list, stats, retry or drop\nTry 'flip2mqtt --help'.\n", stderr);
        return EX_USAGE;
    }
    struct f2m_config *config = f2m_command_load(o);
    if (!config)
        return EX_CONFIG;
    f2m_autostrbuf answer;
    f2m_strbuf_init(&answer, 0);
    int r = answer_from(o, config, &answer);
    if (r == 0)
        r = show(o, (struct f2m_slice){answer.data, answer.len});
    f2m_config_free(config);
    return r;
}
