/* Any payload, read as every kind of source: never a crash, never a value that its kind forbids, and the index of a
 * payload's members finds what a search finds. The first byte chooses among paths and formats. */
#include "fuzz.h"
#include "telemetry/source.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static char paths[][16] = {"/a", "/b/0", "/values/SOC", "", "/a~1b"};
static char time_path[] = "/t";
static struct f2m_map_entry map[] = {{paths[0] + 1, paths[0] + 1}, {NULL, NULL}};

static const struct f2m_now now = {.mono_ms = INT64_C(1) << 40, .wall_ms = INT64_C(1769860800000)};

static void check_value(enum f2m_value_kind kind, const struct f2m_sample *s)
{
    F2M_FUZZ_CHECK(s->at_ms <= now.mono_ms);
    if (kind == F2M_VALUE_TEXT) {
        F2M_FUZZ_CHECK(s->text.len <= F2M_MAX_TEXT_BYTES && s->text.len > 0);
        return;
    }
    F2M_FUZZ_CHECK(isfinite(s->number));
    if (kind == F2M_VALUE_PERCENTAGE)
        F2M_FUZZ_CHECK(s->number >= 0 && s->number <= 100);
    if (kind == F2M_VALUE_POWER || kind == F2M_VALUE_ENERGY || kind == F2M_VALUE_COUNTER)
        F2M_FUZZ_CHECK(s->number >= 0 && s->number <= F2M_MAX_ENERGY_WH);
    if (kind == F2M_VALUE_BOOL)
        F2M_FUZZ_CHECK(s->number == 0 || s->number == 1);
    if (kind == F2M_VALUE_MODE)
        F2M_FUZZ_CHECK(s->number > F2M_MODE_NONE && s->number < F2M_MODE_COUNT);
}

/* Alone and among others, a path leads to the same. */
static void check_index(struct f2m_slice bytes, const char *path)
{
    struct f2m_payload alone, shared;
    struct f2m_scalar a, b;
    struct f2m_err err;

    f2m_payload_init(&alone, bytes);
    f2m_payload_init(&shared, bytes);
    shared.shared = true;
    int got = f2m_payload_scalar(&alone, F2M_FORMAT_JSON, path, &a, &err);
    F2M_FUZZ_CHECK(f2m_payload_scalar(&shared, F2M_FORMAT_JSON, path, &b, &err) == got);
    if (got == 0)
        F2M_FUZZ_CHECK(a.type == b.type && a.text.len == b.text.len && memcmp(a.text.at, b.text.at, a.text.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct f2m_err err = {{0}};

    if (size == 0)
        return 0;
    struct f2m_slice bytes = {(const char *)data + 1, size - 1};
    struct f2m_source s = {.op = F2M_SOURCE_TOPIC, .scale = 1, .sign = data[0] & 0x80 ? -1 : 1};
    s.path = paths[data[0] % 5];
    s.format = (enum f2m_source_format)(data[0] / 5 % 3);
    s.timestamp_path = data[0] & 0x40 ? time_path : NULL;
    s.map = map;
    s.map_len = data[0] & 0x20 ? 1 : 0;
    for (int kind = F2M_VALUE_PERCENTAGE; kind <= F2M_VALUE_TEXT; kind++) {
        struct f2m_source_frame frame = {.kind = (enum f2m_value_kind)kind, .max_age_ms = 60000};
        struct f2m_sample sample = {.number = NAN};
        struct f2m_payload payload;
        f2m_payload_init(&payload, bytes);
        if (f2m_source_decode(&s, &frame, now, &payload, &sample, &err) == F2M_OUTCOME_TAKEN)
            check_value(frame.kind, &sample);
    }
    check_index(bytes, s.path);
    return 0;
}
