#include "speak.h"

#include "config/load.h"
#include "util/json.h"
#include "util/xalloc.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *path_of(const char *name, const char *suffix)
{
    static char path[1024];

    snprintf(path, sizeof path, F2M_SOURCE_DIR "/tests/fixtures/samples/%s%s", name, suffix);
    return path;
}

struct f2m_config *speech_config(const char *name)
{
    struct f2m_config_options options = {.file = path_of(name, ".yaml")};
    struct f2m_findings findings = {0};
    struct f2m_config *config = f2m_config_load(&options, &findings);

    ck_assert_msg(config != NULL, "%s: %s", name, findings.len ? findings.list[0].message : "?");
    f2m_findings_free(&findings);
    return config;
}

/* ---- values into payloads ---- */

static void replace(struct f2m_strbuf *payload, size_t at, size_t len, const char *number)
{
    char *rest = f2m_xstrdup(payload->data + at + len);

    f2m_strbuf_truncate(payload, at);
    f2m_strbuf_adds(payload, number);
    f2m_strbuf_adds(payload, rest);
    free(rest);
}

static bool find_pair(const struct f2m_strbuf *payload, const char *key, struct f2m_slice *value)
{
    size_t len = strlen(key);

    for (const char *at = payload->data; (at = strstr(at, key)); at += len) {
        if ((at > payload->data && at[-1] != ',') || at[len] != '=')
            continue;
        *value = (struct f2m_slice){at + len + 1, strcspn(at + len + 1, ",")};
        return true;
    }
    return false;
}

static void speak_leaf(const struct f2m_source *s, const char *topic, double value, struct f2m_strbuf *payload)
{
    struct f2m_slice found = {payload->data, payload->len};
    char number[64];

    if (strcmp(s->topic, topic) != 0)
        return;
    if (s->format == F2M_FORMAT_KEYVALUE ? !find_pair(payload, s->path + 1, &found)
                                         : s->path && !f2m_json_find(found, s->path, &found))
        return;
    snprintf(number, sizeof number, "%.6f", (value / (s->unit ? s->unit->factor : 1) - s->offset) / s->scale);
    replace(payload, (size_t)(found.at - payload->data), found.len, number);
}

/* The value of a whole, shared out over its parts. */
static void speak(const struct f2m_source *s, const char *topic, double value, struct f2m_strbuf *payload)
{
    value *= s->sign ? s->sign : 1;
    switch (s->op) {
    case F2M_SOURCE_TOPIC: speak_leaf(s, topic, value, payload); break;
    case F2M_SOURCE_SUM:
        for (size_t i = 0; i < s->parts_len; i++)
            speak(&s->parts[i], topic, value / (double)s->parts_len, payload);
        break;
    case F2M_SOURCE_DIFFERENCE:
        speak(&s->parts[0], topic, fmax(value, 0), payload);
        speak(&s->parts[1], topic, fmax(-value, 0), payload);
        break;
    case F2M_SOURCE_PRODUCT: /* volts and amps */
        speak(&s->parts[0], topic, 50, payload);
        speak(&s->parts[1], topic, value / 50, payload);
        break;
    case F2M_SOURCE_CONST:
    case F2M_SOURCE_NONE: break;
    }
}

void speech_payload(const struct speech *speech, const struct f2m_device *d, const double *values,
                    struct f2m_strbuf *out)
{
    f2m_strbuf_reset(out);
    f2m_strbuf_adds(out, speech->payload);
    for (size_t id = 0; id < F2M_SRC_COUNT; id++)
        if (!isnan(values[id]))
            speak(&d->telemetry.sources[id], speech->topic, values[id], out);
}

/* ---- recorded messages ---- */

static bool feeds(const struct f2m_source *s, const char *topic)
{
    for (size_t i = 0; i < s->parts_len; i++)
        if (feeds(&s->parts[i], topic))
            return true;
    return s->op == F2M_SOURCE_TOPIC && strcmp(s->topic, topic) == 0;
}

static bool is_heard(const struct f2m_device *d, const char *topic)
{
    for (size_t id = 0; id < F2M_SRC_COUNT; id++)
        if (feeds(&d->telemetry.sources[id], topic))
            return true;
    return false;
}

struct speech *speech_load(const char *name, const struct f2m_device *d, size_t *n)
{
    struct speech *list = NULL;
    FILE *f = fopen(path_of(name, ".jsonl"), "r");
    char *line = NULL;
    size_t size = 0;

    ck_assert_msg(f != NULL, "%s", name);
    *n = 0;
    for (ssize_t len; (len = getline(&line, &size, f)) > 0;) {
        f2m_autostrbuf topic, payload;
        struct f2m_slice json = {line, (size_t)len};
        f2m_strbuf_init(&topic, 0);
        f2m_strbuf_init(&payload, 0);
        ck_assert(f2m_json_string(f2m_json_member(json, "topic"), &topic));
        ck_assert(f2m_json_string(f2m_json_member(json, "payload"), &payload));
        if (!is_heard(d, topic.data))
            continue;
        list = f2m_xreallocarray(list, *n + 1, sizeof *list);
        list[(*n)++] = (struct speech){f2m_strbuf_take(&topic), f2m_strbuf_take(&payload)};
    }
    free(line);
    fclose(f);
    return list;
}

void speech_free(struct speech *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(list[i].topic);
        free(list[i].payload);
    }
    free(list);
}
