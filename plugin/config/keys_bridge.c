/* The keys outside `sites`: Flip, the broker, and the bridge itself. Interface, section 2. */
#include "config/checks.h"
#include "config/table.h"
#include "config/url.h"

#include <math.h>

#define SECOND 1e3
#define MINUTE 60e3
#define HOUR   3600e3
#define DAY    86400e3

/* ---- flip ---- */

#define AT(member) .at = offsetof(struct f2m_flip_config, member)
#define POLL(key, every, what)                                                                                         \
    {                                                                                                                  \
        .name = #key, .type = F2M_KEY_DURATION, AT(poll.key##_ms), .min = SECOND, .max = INFINITY, .fallback = every,  \
        .help = what                                                                                                   \
    }

static const struct f2m_key poll_keys[] = {
    POLL(commands, "60s", "How often commands are fetched; a webhook brings them at once."),
    POLL(events, "5min", "How often each site's events are fetched."),
    POLL(enrollments, "15min", "How often each site's enrollments are fetched."),
    POLL(programs, "6h", "How often each site's programs are fetched."),
    POLL(site, "6h", "How often each site and its devices are fetched."),
};
static const struct f2m_section poll = {
    .name = "flip.poll", F2M_KEYS(poll_keys), .help = "How often Flip is asked. The first poll is at the start."};

static const struct f2m_choice environments[] = {{"sandbox", 0}, {"production", 1}, {NULL, 0}};
static const struct f2m_choice unknown_devices[] = {{"ignore", 0}, {"reject", 1}, {NULL, 0}};

static const struct f2m_key flip_keys[] = {
    {.name = "environment",
     .type = F2M_KEY_CHOICE,
     .choices = environments,
     .fallback = "sandbox",
     .unstored = true,
     .help = "Which of Flip's clouds. `base_url` wins over it."},
    {.name = "base_url",
     .type = F2M_KEY_CUSTOM,
     .custom = &f2m_custom_base_url,
     AT(base_url),
     .help = "Another server, such as `flip-sim`, without `/v1`. Plain `http` only to this machine, unless `insecure: "
             "true`.",
     .example = "http://127.0.0.1:8080"},
    {.name = "token",
     .type = F2M_KEY_TEXT,
     AT(token),
     .required = true,
     .secret = true,
     .check = f2m_check_token,
     .help = "Flip's client token, from the developer portal.",
     .example = "!env FLIP_TOKEN"},
    {.name = "ca",
     .type = F2M_KEY_FILE,
     AT(ca),
     .help = "A file of certificates (PEM) to trust besides the system's.",
     .example = "/etc/ssl/flip-ca.pem"},
    {.name = "insecure",
     .type = F2M_KEY_BOOL,
     AT(insecure),
     .fallback = "false",
     .help = "Allows plain `http` to another machine: the token is readable on the way."},
    {.name = "unknown_devices",
     .type = F2M_KEY_CUSTOM,
     .custom = &f2m_custom_unknown_devices,
     .choices = unknown_devices,
     AT(reject_unknown_devices),
     .fallback = "ignore",
     .help =
         "What becomes of a command for a device that is not configured here: `ignore`, since another bridge may own "
         "it, or `reject` (FAILED_FAULT)."},
    {.name = "upload_delay",
     .type = F2M_KEY_DURATION,
     AT(upload_delay_ms),
     .min = SECOND,
     .max = HOUR,
     .fallback = "2s",
     .help = "How long a closed point waits for others, to be sent with them."},
    {.name = "poll", .type = F2M_KEY_SECTION, .section = &poll, .help = "How often Flip is asked."},
};
static const struct f2m_section flip = {
    .name = "flip", F2M_KEYS(flip_keys), .check = f2m_check_flip, .help = "Flip's cloud."};

/* ---- mqtt ---- */
#undef AT
#define AT(member) .at = offsetof(struct f2m_mqtt_config, member)

static const struct f2m_choice mqtt_versions[] = {{"5", 5}, {"3.1.1", 311}, {NULL, 0}};

static const struct f2m_key mqtt_keys[] = {
    {.name = "server",
     .type = F2M_KEY_CUSTOM,
     .custom = &f2m_custom_server,
     AT(host),
     .fallback = "mqtt://localhost:1883",
     .help = "The broker: `mqtt://` or, for TLS, `mqtts://`; ports 1883 and 8883 unless given. "
             "`mqtt://user:password@host` works too."},
    {.name = "username", .type = F2M_KEY_TEXT, AT(username), .help = "The broker's user.", .example = "flip2mqtt"},
    {.name = "password",
     .type = F2M_KEY_TEXT,
     AT(password),
     .secret = true,
     .help = "That user's password.",
     .example = "!file /run/secrets/mqtt_password"},
    {.name = "client_id",
     .type = F2M_KEY_TEXT,
     AT(client_id),
     .help = "Default: `flip2mqtt-` and 8 hexadecimal digits, made once and kept.",
     .example = "flip2mqtt-1a2b3c4d"},
    {.name = "base_topic",
     .type = F2M_KEY_TOPIC,
     AT(base_topic),
     .fallback = "flip2mqtt",
     .help = "What the bridge's own topics begin with."},
    {.name = "version",
     .type = F2M_KEY_CHOICE,
     AT(version),
     .choices = mqtt_versions,
     .fallback = "5",
     .help = "The MQTT version. 5 tells when nobody listens to a control topic, and bounds messages."},
    {.name = "keepalive",
     .type = F2M_KEY_SECONDS,
     AT(keepalive_s),
     .min = 5 * SECOND,
     .max = 65535 * SECOND,
     .fallback = "60s",
     .help = "A broken connection shows after about twice this time."},
    {.name = "ca",
     .type = F2M_KEY_FILE,
     AT(ca),
     .help = "Certificates (PEM) to trust instead of the system's.",
     .example = "/etc/ssl/mqtt-ca.pem"},
    {.name = "cert",
     .type = F2M_KEY_FILE,
     AT(cert),
     .help = "The client's certificate (PEM), together with `key`.",
     .example = "/etc/flip2mqtt/client.crt"},
    {.name = "key",
     .type = F2M_KEY_FILE,
     AT(key),
     .help = "The client's private key (PEM).",
     .example = "/etc/flip2mqtt/client.key"},
};
static const struct f2m_section mqtt = {
    .name = "mqtt", F2M_KEYS(mqtt_keys), .check = f2m_check_mqtt, .help = "The broker."};

/* ---- homeassistant, storage, http, requests ---- */
#undef AT
#define AT(member) .at = offsetof(struct f2m_homeassistant_config, member)

static const struct f2m_key homeassistant_keys[] = {
    {.name = "enabled",
     .type = F2M_KEY_BOOL,
     AT(enabled),
     .fallback = "true",
     .help = "Whether Home Assistant finds the bridge, sites and devices by itself."},
    {.name = "discovery_topic",
     .type = F2M_KEY_TOPIC,
     AT(discovery_topic),
     .fallback = "homeassistant",
     .help = "Home Assistant's discovery prefix."},
    {.name = "status_topic",
     .type = F2M_KEY_TOPIC,
     AT(status_topic),
     .fallback = "homeassistant/status",
     .help = "Where Home Assistant says that it came online."},
};
static const struct f2m_section homeassistant = {
    .name = "homeassistant", F2M_KEYS(homeassistant_keys), .help = "Home Assistant's discovery."};

#undef AT
#define AT(member) .at = offsetof(struct f2m_storage_config, member)

static const struct f2m_key storage_keys[] = {
    {.name = "path",
     .type = F2M_KEY_PATH,
     AT(path),
     .fallback = "/var/lib/flip2mqtt/flip2mqtt.db",
     .help = "The database: points that wait, commands, what was learnt."},
    {.name = "max_age",
     .type = F2M_KEY_DURATION,
     AT(max_age_ms),
     .min = SECOND,
     .max = 3660 * DAY,
     .fallback = "30d",
     .help = "Points older than this are dropped, counted and reported."},
    {.name = "max_size",
     .type = F2M_KEY_SIZE,
     AT(max_size),
     .min = 64e3,
     .max = 1e13,
     .fallback = "256 MB",
     .help = "At this size the oldest points go, counted and reported."},
};
static const struct f2m_section storage = {.name = "storage", F2M_KEYS(storage_keys), .help = "What is kept on disk."};

#undef AT
#define AT(member) .at = offsetof(struct f2m_http_config, member)

static const struct f2m_key webhook_keys[] = {
    {.name = "path",
     .type = F2M_KEY_TEXT,
     AT(webhook_path),
     .fallback = "/webhook/flip",
     .check = f2m_check_url_path,
     .help = "The path that Flip posts to."},
    {.name = "secret",
     .type = F2M_KEY_TEXTS,
     AT(webhook_secrets),
     .len_at = offsetof(struct f2m_http_config, webhook_secrets_len),
     .required = true,
     .secret = true,
     .check = f2m_check_webhook_secret,
     .help = "The signing secret, `whsec_…`; a list of them during a rotation.",
     .example = "!env FLIP_WEBHOOK_SECRET"},
    {.name = "tolerance",
     .type = F2M_KEY_DURATION,
     AT(webhook_tolerance_ms),
     .min = SECOND,
     .max = DAY,
     .fallback = "10min",
     .help = "How far a webhook's time may lie from ours."},
};
static const struct f2m_section webhook = {
    .name = "http.webhook", F2M_KEYS(webhook_keys), .present = f2m_has_webhook, .help = "Flip's webhooks."};

static const struct f2m_key http_keys[] = {
    {.name = "listen",
     .type = F2M_KEY_TEXT,
     AT(listen),
     .check = f2m_url_listen_valid,
     .help =
         "Address and port of webhooks, `/healthz`, `/metrics` and the status page. Default, where `http` is given: "
         "`127.0.0.1:8099`.",
     .example = "127.0.0.1:8099"},
    {.name = "webhook", .type = F2M_KEY_SECTION, .section = &webhook, .help = "Flip's webhooks."},
};
static const struct f2m_section http = {
    .name = "http",
    F2M_KEYS(http_keys),
    .present = f2m_has_http,
    .check = f2m_check_http,
    .help = "Optional: a listener for webhooks, health, metrics and the status page.",
};

#undef AT
#define AT(member) .at = offsetof(struct f2m_requests_config, member)

static const struct f2m_key requests_keys[] = {
    {.name = "allow",
     .type = F2M_KEY_CUSTOM,
     .custom = &f2m_custom_allow,
     AT(allow),
     .fallback = "[read, participation, outbox]",
     .help = "Groups of requests that are taken over MQTT: `read` `participation` `device` `site` `enrollment` "
             "`commission` `control` `telemetry` `supplements` `token` `outbox`, or `all`.",
     .example = "[read, participation]"},
    {.name = "response_topics",
     .type = F2M_KEY_TEXTS,
     AT(response_topics),
     .len_at = offsetof(struct f2m_requests_config, response_topics_len),
     .check = f2m_check_filter,
     .help =
         "Topics (filters) that an MQTT 5 response topic must match. Default: any that the bridge does not use itself.",
     .example = "[my/app/#]"},
};
static const struct f2m_section requests = {
    .name = "requests", F2M_KEYS(requests_keys), .help = "Flip's endpoints as MQTT requests."};

/* ---- the whole ---- */
#undef AT
#define AT(member) .at = offsetof(struct f2m_config, member)

static const struct f2m_key root_keys[] = {
    {.name = "version",
     .type = F2M_KEY_INTEGER,
     .min = 1,
     .max = 1,
     .fallback = "1",
     .unstored = true,
     .help = "The version of this format."},
    {.name = "flip", .type = F2M_KEY_SECTION, .section = &flip, AT(flip), .required = true, .help = "Flip's cloud."},
    {.name = "mqtt", .type = F2M_KEY_SECTION, .section = &mqtt, AT(mqtt), .help = "The broker."},
    {.name = "homeassistant",
     .type = F2M_KEY_SECTION,
     .section = &homeassistant,
     AT(homeassistant),
     .help = "Home Assistant's discovery."},
    {.name = "storage", .type = F2M_KEY_SECTION, .section = &storage, AT(storage), .help = "What is kept on disk."},
    {.name = "http",
     .type = F2M_KEY_SECTION,
     .section = &http,
     AT(http),
     .help = "Optional: webhooks, health, metrics, status page."},
    {.name = "requests",
     .type = F2M_KEY_SECTION,
     .section = &requests,
     AT(requests),
     .help = "Flip's endpoints as MQTT requests."},
    {.name = "sites",
     .type = F2M_KEY_LIST,
     .section = &f2m_section_site,
     AT(sites),
     .len_at = offsetof(struct f2m_config, sites_len),
     .help = "The homes, each with its devices."},
};
const struct f2m_section f2m_section_root = {
    .name = "the configuration", F2M_KEYS(root_keys), .size = sizeof(struct f2m_config), .check = f2m_check_root};
