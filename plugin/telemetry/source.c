#include "telemetry/source.h"

#include "util/boolean.h"
#include "util/number.h"
#include "util/rfc3339.h"
#include "util/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static const char *const outcome_names[] = {
    [F2M_OUTCOME_NONE] = "nothing came",     [F2M_OUTCOME_TAKEN] = "taken",
    [F2M_OUTCOME_NO_DATA] = "no data",       [F2M_OUTCOME_MISSING] = "nothing at the path",
    [F2M_OUTCOME_STALE] = "retained, stale", [F2M_OUTCOME_LATE] = "late",
    [F2M_OUTCOME_INVALID] = "invalid",
};

const char *f2m_outcome_name(enum f2m_source_outcome outcome)
{
    return outcome_names[outcome];
}

static bool text_is_any_case(struct f2m_slice text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.at, word, text.len) == 0;
}

bool f2m_text_is_no_data(struct f2m_slice text)
{
    static const char *const words[] = {"unavailable", "unknown", "none", "null"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (text_is_any_case(text, words[i]))
            return true;
    return text.len == 0;
}

static bool read_bool(struct f2m_slice text, double *number)
{
    bool value;

    if (!f2m_boolean_parse(text, &value))
        return false;
    *number = value;
    return true;
}

/* A sender's 32-bit float printed with a double's digits: the decimal that it measured. */
static double without_float_noise(struct f2m_slice text, double number)
{
    char shortest[32];

    if (text.len < 12 || !memchr(text.at, '.', text.len) || (double)(float)number != number)
        return number;
    for (int digits = 6; digits < 9; digits++) {
        snprintf(shortest, sizeof shortest, "%.*g", digits, number);
        double candidate = strtod(shortest, NULL);
        if ((float)candidate == (float)number)
            return candidate;
    }
    return number;
}

#define CLIP 60 /* bytes of a payload that an error shows */

static int clipped(struct f2m_slice text)
{
    return (int)(text.len <= CLIP ? text.len : f2m_utf8_clip(text.at, CLIP));
}

static bool read_number(const struct f2m_source *s, struct f2m_slice text, double *number, struct f2m_err *err)
{
    double raw;

    if (!f2m_number_parse(text, &raw)) {
        f2m_err_set(err, "expected a number, found '%.*s'", clipped(text), text.at);
        return false;
    }
    raw = without_float_noise(text, raw);
    *number = (raw * s->scale + s->offset) * (s->unit ? s->unit->factor : 1) * s->sign;
    return true;
}

static bool read_plain_text(struct f2m_slice text, struct f2m_err *err)
{
    if (text.len > F2M_MAX_TEXT_BYTES || !f2m_utf8_valid(text.at, text.len) || memchr(text.at, '\0', text.len)) {
        f2m_err_set(err, "expected a UTF-8 text of at most %d bytes", F2M_MAX_TEXT_BYTES);
        return false;
    }
    return true;
}

/* Reads text as the source's kind, before any range rule. */
static bool read_kind(const struct f2m_source *s, const struct f2m_source_frame *frame, struct f2m_slice text,
                      struct f2m_sample *out, struct f2m_err *err)
{
    enum f2m_mode mode;

    switch (frame->kind) {
    case F2M_VALUE_BOOL:
        if (read_bool(text, &out->number))
            return true;
        f2m_err_set(err, "expected true or false, on or off, 1 or 0, online or offline, found '%.*s'", clipped(text),
                    text.at);
        return false;
    case F2M_VALUE_MODE:
        if (f2m_mode_parse(text, &mode)) {
            out->number = mode;
            return true;
        }
        f2m_err_set(err, "expected a mode such as SELF_CONSUMPTION, found '%.*s'", clipped(text), text.at);
        return false;
    case F2M_VALUE_TEXT: out->text = text; return read_plain_text(text, err);
    case F2M_VALUE_PERCENTAGE:
    case F2M_VALUE_POWER:
    case F2M_VALUE_SIGNED_POWER:
    case F2M_VALUE_ENERGY:
    case F2M_VALUE_COUNTER: break;
    }
    return read_number(s, text, &out->number, err) &&
           (frame->part || f2m_source_settle(frame->kind, &out->number, err));
}

static bool settle_unsigned(double *number, double max, const char *unit, struct f2m_err *err)
{
    if (*number <= max && *number >= F2M_SMALL_NEGATIVE) {
        *number = *number > 0 ? *number : 0;
        return true;
    }
    if (*number < 0)
        f2m_err_set(err, "expected 0 %s or more, found %.15g (is the sign right?)", unit, *number);
    else
        f2m_err_set(err, "expected at most %.15g %s, found %.15g", max, unit, *number);
    return false;
}

bool f2m_source_settle(enum f2m_value_kind kind, double *number, struct f2m_err *err)
{
    switch (kind) {
    case F2M_VALUE_PERCENTAGE:
        /* 99.9… × scale may miss the ends by a rounding. */
        if (*number > -1e-9 && *number < 100 + 1e-9) {
            *number = *number <= 0 ? 0 : *number >= 100 ? 100 : *number;
            return true;
        }
        f2m_err_set(err, "expected a percentage from 0 to 100, found %.15g", *number);
        return false;
    case F2M_VALUE_POWER: return settle_unsigned(number, F2M_MAX_POWER_W, "W", err);
    case F2M_VALUE_ENERGY: return settle_unsigned(number, F2M_MAX_ENERGY_WH, "Wh", err);
    case F2M_VALUE_COUNTER:
        if (*number >= 0 && *number <= F2M_MAX_ENERGY_WH)
            return true;
        f2m_err_set(err, "expected a counter from 0 to %.15g Wh, found %.15g", F2M_MAX_ENERGY_WH, *number);
        return false;
    case F2M_VALUE_SIGNED_POWER:
        if (fabs(*number) <= F2M_MAX_POWER_W)
            return true;
        f2m_err_set(err, "expected at most %.15g W either way, found %.15g", F2M_MAX_POWER_W, *number);
        return false;
    case F2M_VALUE_BOOL:
    case F2M_VALUE_MODE:
    case F2M_VALUE_TEXT: break;
    }
    return true;
}

static const char *mapped(const struct f2m_source *s, struct f2m_slice text)
{
    for (size_t i = 0; i < s->map_len; i++)
        if (f2m_slice_is(text, s->map[i].raw))
            return s->map[i].value;
    return NULL;
}

static bool is_numeric(enum f2m_value_kind kind)
{
    return kind != F2M_VALUE_BOOL && kind != F2M_VALUE_MODE && kind != F2M_VALUE_TEXT;
}

static enum f2m_source_outcome read_scalar(const struct f2m_source *s, const struct f2m_source_frame *frame,
                                           struct f2m_scalar scalar, struct f2m_sample *out, struct f2m_err *err)
{
    const char *stands_for = mapped(s, scalar.text);

    if (stands_for) {
        scalar = (struct f2m_scalar){F2M_SCALAR_TEXT, f2m_slice_trim(f2m_slice_of(stands_for))};
    } else if (scalar.type == F2M_SCALAR_NULL || (scalar.type == F2M_SCALAR_TEXT && f2m_text_is_no_data(scalar.text))) {
        return F2M_OUTCOME_NO_DATA;
    }
    if (scalar.type == F2M_SCALAR_BOOL && is_numeric(frame->kind)) {
        f2m_err_set(err, "expected a number, found a boolean");
        return F2M_OUTCOME_INVALID;
    }
    if (read_kind(s, frame, scalar.text, out, err))
        return F2M_OUTCOME_TAKEN;
    /* A table of texts that does not list this one says nothing about it; a number that is out of range is wrong. */
    return s->map_len && !stands_for && !f2m_number_parse(scalar.text, &(double){0}) ? F2M_OUTCOME_NO_DATA
                                                                                     : F2M_OUTCOME_INVALID;
}

#define MILLISECONDS_FROM 1e11 /* as seconds, the year 5138; as milliseconds, 1973 */

bool f2m_source_timestamp(const struct f2m_scalar *scalar, int64_t *wall_ms, struct f2m_err *err)
{
    double number;

    if (scalar->type != F2M_SCALAR_BOOL && f2m_number_parse(scalar->text, &number)) {
        if (number > 0 && number < MILLISECONDS_FROM * 1000) {
            *wall_ms = (int64_t)(number < MILLISECONDS_FROM ? number * 1000 : number);
            return true;
        }
    } else if (scalar->type == F2M_SCALAR_TEXT && f2m_rfc3339_parse(scalar->text, wall_ms)) {
        return true;
    }
    f2m_err_set(err, "expected a time with zone (2026-01-31T12:00:00Z) or seconds since 1970, found '%.*s'",
                clipped(scalar->text), scalar->text.at);
    return false;
}

/* Sets the sample's time from the payload. */
static bool place(const struct f2m_source *s, struct f2m_now now, struct f2m_payload *p, struct f2m_sample *out,
                  struct f2m_err *err)
{
    struct f2m_scalar scalar;
    int64_t wall;
    int got = f2m_payload_scalar(p, s->format, s->timestamp_path, &scalar, err);

    if (got == -ENOENT)
        f2m_err_set(err, "nothing stands there");
    if (got < 0 || !f2m_source_timestamp(&scalar, &wall, err)) {
        f2m_err_wrap(err, "timestamp %s", s->timestamp_path);
        return false;
    }
    if (wall > now.wall_ms + F2M_MAX_SOURCE_LEAD_MS) {
        f2m_err_set(err, "timestamp %s: %lld s ahead of this machine's clock", s->timestamp_path,
                    (long long)(wall - now.wall_ms) / 1000);
        return false;
    }
    out->at_ms = wall < now.wall_ms ? now.mono_ms - (now.wall_ms - wall) : now.mono_ms;
    return true;
}

enum f2m_source_outcome f2m_source_decode(const struct f2m_source *s, const struct f2m_source_frame *frame,
                                          struct f2m_now now, struct f2m_payload *p, struct f2m_sample *out,
                                          struct f2m_err *err)
{
    struct f2m_scalar scalar;
    bool ageless = frame->retained && !s->retained_accept;

    out->at_ms = now.mono_ms;
    if (s->timestamp_path && f2m_slice_trim(p->bytes).len > 0) {
        if (!place(s, now, p, out, err))
            return F2M_OUTCOME_INVALID;
        ageless = ageless && now.mono_ms - out->at_ms > frame->max_age_ms;
    }
    int got = f2m_payload_scalar(p, s->format, s->path, &scalar, err);
    if (got < 0)
        return got == -ENOENT ? F2M_OUTCOME_MISSING : F2M_OUTCOME_INVALID;
    enum f2m_source_outcome outcome = read_scalar(s, frame, scalar, out, err);
    if (!ageless || outcome == F2M_OUTCOME_INVALID)
        return outcome;
    out->at_ms = F2M_AGE_UNKNOWN;
    return outcome == F2M_OUTCOME_TAKEN ? F2M_OUTCOME_STALE : F2M_OUTCOME_MISSING;
}

enum f2m_source_outcome f2m_source_constant(const struct f2m_source *s, const struct f2m_source_frame *frame,
                                            struct f2m_sample *out, struct f2m_err *err)
{
    struct f2m_slice text = f2m_slice_trim(f2m_slice_of(s->constant));

    out->at_ms = 0;
    return read_scalar(s, frame, (struct f2m_scalar){F2M_SCALAR_TEXT, text}, out, err);
}
