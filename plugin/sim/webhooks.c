#include "sim/webhooks.h"

#include "sim/signature.h"
#include "sim/sim.h"
#include "sim/validate.h"
#include "util/cleanup.h"

#include <inttypes.h>
#include <utlist.h>

#define TIMEOUT_MS   5000L /* Flip: Webhooks */
#define REDELIVERIES 4

enum delivery_state { WAITING, IN_FLIGHT, DELIVERED, FAILED };

struct sim_delivery {
    char id[SIM_UUID_SIZE + 4];
    char *event_type, *body; /* owned */
    enum delivery_state state;
    int attempts;
    int64_t due_ms; /* mono */
    long last_status;
    char last_error[CURL_ERROR_SIZE];
    CURL *easy; /* owned while in flight */
    struct curl_slist *headers;
    struct sim_delivery *prev, *next;
};

static void end_transfer(struct sim_webhooks *webhooks, struct sim_delivery *delivery)
{
    if (!delivery->easy)
        return;
    curl_multi_remove_handle(webhooks->multi, delivery->easy);
    curl_easy_cleanup(delivery->easy);
    curl_slist_free_all(delivery->headers);
    delivery->easy = NULL;
    delivery->headers = NULL;
    webhooks->in_flight--;
}

static void drop(struct sim_webhooks *webhooks, struct sim_delivery *delivery)
{
    end_transfer(webhooks, delivery);
    webhooks->dropped += delivery->state == WAITING || delivery->state == IN_FLIGHT;
    DL_DELETE(webhooks->deliveries, delivery);
    webhooks->kept--;
    free(delivery->event_type);
    free(delivery->body);
    free(delivery);
}

int sim_webhooks_init(struct sim_webhooks *webhooks, const char *url, const char *secret, int64_t retry_s)
{
    *webhooks = (struct sim_webhooks){
        .multi = curl_multi_init(),
        .url = url ? f2m_xstrdup(url) : NULL,
        .secret = secret ? f2m_xstrdup(secret) : NULL,
        .retry_ms = retry_s * 1000,
    };
    return webhooks->multi ? 0 : -1;
}

void sim_webhooks_clear(struct sim_webhooks *webhooks)
{
    while (webhooks->deliveries)
        drop(webhooks, webhooks->deliveries);
}

void sim_webhooks_deinit(struct sim_webhooks *webhooks)
{
    sim_webhooks_clear(webhooks);
    curl_multi_cleanup(webhooks->multi);
    free(webhooks->url);
    free(webhooks->secret);
    *webhooks = (struct sim_webhooks){0};
}

bool sim_webhook_secret_valid(const char *secret)
{
    unsigned char key[SIM_MAX_KEY_BYTES];
    return sim_secret_decode(secret, key) > 0;
}

static char *envelope(const char *event_type, const cJSON *object, int64_t wall_ms)
{
    sim_autojson *json = cJSON_CreateObject();
    sim_json_set_string(json, "event_type", event_type);
    cJSON *copy = cJSON_Duplicate(object, true);
    bool settings = strncmp(event_type, "settings.", 9) == 0;
    f2m_autofree char *type = f2m_xmemdup0(event_type, strcspn(event_type, "."));
    sim_json_set_string(copy, "object_type", settings ? "settings_request" : type);
    sim_json_set(json, "event_object", copy);
    sim_json_set_time(json, "timestamp", wall_ms);
    return cJSON_PrintUnformatted(json);
}

void sim_webhook_emit(struct sim *sim, const char *event_type, const cJSON *object)
{
    struct sim_webhooks *webhooks = &sim->webhooks;
    if (!webhooks->url)
        return;
    struct sim_delivery *delivery = f2m_xcalloc(1, sizeof *delivery);
    char id[SIM_UUID_SIZE];
    snprintf(delivery->id, sizeof delivery->id, "msg_%s", sim_uuid(sim, id));
    delivery->event_type = f2m_xstrdup(event_type);
    delivery->body = envelope(event_type, object, sim->wall_ms);
    delivery->due_ms = sim->mono_ms;
    DL_APPEND(webhooks->deliveries, delivery);
    if (++webhooks->kept > SIM_MAX_WEBHOOKS_KEPT)
        drop(webhooks, webhooks->deliveries);
}

static size_t ignore_body(char *data, size_t size, size_t n, void *user)
{
    (void)data;
    (void)user;
    return size * n;
}

static void add_header(struct sim_delivery *delivery, const char *name, const char *value)
{
    f2m_autostrbuf line;
    f2m_strbuf_init(&line, 0);
    f2m_strbuf_addf(&line, "%s: %s", name, value);
    struct curl_slist *grown = curl_slist_append(delivery->headers, line.data);
    if (grown)
        delivery->headers = grown;
}

/* Every attempt carries the same id, its own time and so its own signature. */
static void add_headers(struct sim *sim, struct sim_delivery *delivery)
{
    f2m_autostrbuf signature;
    f2m_strbuf_init(&signature, 0);
    char timestamp[24];
    int64_t seconds = sim->wall_ms / 1000;
    snprintf(timestamp, sizeof timestamp, "%" PRId64, seconds);
    add_header(delivery, "Content-Type", "application/json");
    add_header(delivery, "Expect", ""); /* no waiting for 100-continue */
    add_header(delivery, "Webhook-Id", delivery->id);
    add_header(delivery, "Webhook-Timestamp", timestamp);
    if (sim->webhooks.secret && sim_sign(&signature, sim->webhooks.secret, delivery->id, seconds, delivery->body))
        add_header(delivery, "Webhook-Signature", signature.data);
}

static void start(struct sim *sim, struct sim_delivery *delivery)
{
    struct sim_webhooks *webhooks = &sim->webhooks;
    delivery->easy = curl_easy_init();
    if (!delivery->easy)
        return; /* tried again with the next turn */
    delivery->state = IN_FLIGHT;
    delivery->attempts++;
    delivery->last_error[0] = '\0';
    add_headers(sim, delivery);
    curl_easy_setopt(delivery->easy, CURLOPT_URL, webhooks->url);
    curl_easy_setopt(delivery->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(delivery->easy, CURLOPT_POSTFIELDS, delivery->body);
    curl_easy_setopt(delivery->easy, CURLOPT_HTTPHEADER, delivery->headers);
    curl_easy_setopt(delivery->easy, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    curl_easy_setopt(delivery->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(delivery->easy, CURLOPT_WRITEFUNCTION, ignore_body);
    curl_easy_setopt(delivery->easy, CURLOPT_ERRORBUFFER, delivery->last_error);
    curl_easy_setopt(delivery->easy, CURLOPT_PRIVATE, (void *)delivery);
    curl_multi_add_handle(webhooks->multi, delivery->easy);
    webhooks->in_flight++;
}

static void finish(struct sim *sim, struct sim_delivery *delivery, CURLcode result)
{
    struct sim_webhooks *webhooks = &sim->webhooks;
    delivery->last_status = 0;
    if (result == CURLE_OK)
        curl_easy_getinfo(delivery->easy, CURLINFO_RESPONSE_CODE, &delivery->last_status);
    else if (!delivery->last_error[0])
        snprintf(delivery->last_error, sizeof delivery->last_error, "%s", curl_easy_strerror(result));
    end_transfer(webhooks, delivery);
    if (delivery->last_status == 200 || delivery->last_status == 204) {
        delivery->state = DELIVERED;
        webhooks->delivered++;
    } else if (delivery->attempts > REDELIVERIES) {
        delivery->state = FAILED;
        webhooks->failed++;
    } else {
        delivery->state = WAITING;
        delivery->due_ms = sim->mono_ms + webhooks->retry_ms;
    }
}

int64_t sim_webhooks_run(struct sim *sim, int64_t most)
{
    struct sim_webhooks *webhooks = &sim->webhooks;
    struct sim_delivery *delivery;
    int running, left;
    DL_FOREACH(webhooks->deliveries, delivery)
    {
        if (delivery->state != WAITING || webhooks->in_flight >= SIM_MAX_WEBHOOKS_IN_FLIGHT)
            continue;
        if (delivery->due_ms <= sim->mono_ms)
            start(sim, delivery);
        else if (delivery->due_ms - sim->mono_ms < most)
            most = delivery->due_ms - sim->mono_ms;
    }
    curl_multi_perform(webhooks->multi, &running);
    for (CURLMsg *done; (done = curl_multi_info_read(webhooks->multi, &left));) {
        if (done->msg != CURLMSG_DONE)
            continue;
        CURLcode result = done->data.result;
        curl_easy_getinfo(done->easy_handle, CURLINFO_PRIVATE, (char **)&delivery);
        finish(sim, delivery, result);
        most = 0; /* another one may start */
    }
    return most;
}

static cJSON *show(const struct sim_delivery *delivery)
{
    static const char *const states[] = {"waiting", "in_flight", "delivered", "failed"};
    cJSON *json = cJSON_CreateObject();
    sim_json_set_string(json, "id", delivery->id);
    sim_json_set_string(json, "event_type", delivery->event_type);
    sim_json_set_string(json, "state", states[delivery->state]);
    sim_json_set_number(json, "attempts", delivery->attempts);
    sim_json_set_number(json, "last_status", (double)delivery->last_status);
    sim_json_set_string(json, "last_error", delivery->last_error[0] ? delivery->last_error : NULL);
    return json;
}

void sim_webhooks_get(struct sim *sim, struct sim_request *request)
{
    cJSON *json = cJSON_CreateObject();
    sim_json_set_string(json, "url", sim->webhooks.url);
    sim_json_set_number(json, "delivered", (double)sim->webhooks.delivered);
    sim_json_set_number(json, "failed", (double)sim->webhooks.failed);
    sim_json_set_number(json, "dropped", (double)sim->webhooks.dropped);
    cJSON *list = cJSON_AddArrayToObject(json, "deliveries");
    const struct sim_delivery *delivery;
    DL_FOREACH(sim->webhooks.deliveries, delivery)
    {
        cJSON_AddItemToArray(list, show(delivery));
    }
    sim_reply_json(request, 200, json);
}

static void replace(char **text, const cJSON *json, const char *name)
{
    if (!sim_json_get(json, name))
        return;
    const char *value = sim_json_string(json, name);
    free(*text);
    *text = value ? f2m_xstrdup(value) : NULL;
}

void sim_webhooks_post(struct sim *sim, struct sim_request *request)
{
    static const struct sim_field fields[] = {
        {.name = "url", .kind = SIM_STRING, .nullable = true},
        {.name = "secret", .kind = SIM_STRING, .nullable = true},
        {.name = "retry_s", .kind = SIM_NUMBER, .min = 0, .max = 86400},
        {0},
    };
    double retry_s;
    if (!sim_validate_body(request, fields))
        return;
    const char *secret = sim_json_string(request->json, "secret");
    if (secret && !sim_webhook_secret_valid(secret)) {
        sim_reply_invalid_one(request, "body", "secret", "value_error", "expected whsec_ and base64");
        return;
    }
    replace(&sim->webhooks.url, request->json, "url");
    replace(&sim->webhooks.secret, request->json, "secret");
    if (sim_json_number(request->json, "retry_s", &retry_s))
        sim->webhooks.retry_ms = (int64_t)(retry_s * 1000);
    sim_reply_empty(request, 204);
}

void sim_webhooks_send(struct sim *sim, struct sim_request *request)
{
    static const struct sim_field fields[] = {
        {.name = "event_type", .kind = SIM_ID, .required = true},
        {.name = "event_object", .kind = SIM_OBJECT, .required = true},
        {0},
    };
    if (!sim_validate_body(request, fields))
        return;
    sim_webhook_emit(sim, sim_json_string(request->json, "event_type"), sim_json_get(request->json, "event_object"));
    sim_reply_empty(request, 202);
}
