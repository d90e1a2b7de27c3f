#include "app/diagnose.h"

#include "config/suggest.h"
#include "util/number.h"
#include "util/slice.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MOST_OF_A_HOME_W 100000.0
#define MUCH_MORE        1.5 /* than the battery can: an overload, not another unit */
#define NEXT_TO_NOTHING  20.0

const char *verdict_name(enum verdict v)
{
    static const char *const names[] = {"ok", "look", "BAD"};

    return names[v];
}

static const char *text_of(double number)
{
    static char text[F2M_NUMBER_SIZE];

    return f2m_number_format(number, text);
}

static bool is_numeric(enum f2m_value_kind kind)
{
    return kind != F2M_VALUE_BOOL && kind != F2M_VALUE_MODE && kind != F2M_VALUE_TEXT;
}

static bool is_power(enum f2m_value_kind kind)
{
    return kind == F2M_VALUE_POWER || kind == F2M_VALUE_SIGNED_POWER;
}

/* ---- silence ---- */

static void words_on_silence(const struct diagnosis *x, const char *filter, struct f2m_strbuf *out)
{
    const struct listen *l = x->listen;
    struct f2m_suggestion near = {0};

    f2m_strbuf_addf(out, "nothing came on %s in %s s", filter, text_of((double)(x->listened_ms / 1000)));
    for (size_t i = 0; i < l->names_len; i++)
        if (strcmp(l->names[i], filter) != 0)
            f2m_suggest(&near, filter, l->names[i]);
    if (near.best)
        f2m_strbuf_addf(out, "; there is '%s': is that the one meant%s?", near.best,
                        strcasecmp(near.best, filter) == 0 ? " (capital and small letters differ)" : "");
    else if (l->looked_around && l->names_len == 0)
        f2m_strbuf_addf(out,
                        ", nor on any other topic: does the integration publish to this broker (%s:%d), and may this "
                        "user read it?",
                        l->config->mqtt.host, l->config->mqtt.port);
    else
        f2m_strbuf_adds(out, ": compare the spelling with what the integration publishes (mosquitto_sub -v -t '#'), or "
                             "listen longer with --for");
}

/* ---- payloads that cannot be read ---- */

/* What follows a number at the beginning of the text; NULL where there is no number. */
static const char *after_number(const char *text, double *number)
{
    char *end;

    *number = strtod(text, &end);
    if (end == text || !isfinite(*number))
        return NULL;
    while (*end == ' ')
        end++;
    return end;
}

static void words_on_trailing_text(const struct listen_source *s, const char *rest, struct f2m_strbuf *out)
{
    const struct f2m_unit *unit = f2m_unit_find(f2m_slice_of(rest));

    f2m_strbuf_addf(out, "after the number stands '%s': let the integration publish the number alone", rest);
    if (unit && unit->quantity == f2m_value_quantity(s->kind))
        f2m_strbuf_addf(out, ", and say `unit: \"%s\"` here", unit->name);
}

static void words_on_range(const struct listen_source *s, const struct listen_leaf *leaf, double raw,
                           struct f2m_strbuf *out)
{
    f2m_strbuf_adds(out, leaf->err.text);
    if (s->kind == F2M_VALUE_PERCENTAGE && raw > 100 && raw <= 10000)
        f2m_strbuf_addf(out, "; does the sender count in %s of a percent? then `scale: %s`",
                        raw <= 1000 ? "tenths" : "hundredths", raw <= 1000 ? "0.1" : "0.01");
    else if (raw < 0 && (s->id == F2M_SRC_BATTERY_CHARGE_POWER || s->id == F2M_SRC_BATTERY_DISCHARGE_POWER))
        f2m_strbuf_adds(out,
                        "; where one topic tells both directions, map it as battery_power with `positive`; where the "
                        "sender turns the sign round, `scale: -1`");
    else if (raw < 0)
        f2m_strbuf_adds(out, "; where the sender turns the sign round, `scale: -1`");
    else
        f2m_strbuf_adds(out, "; check `unit` and `scale`");
}

static void words_on_invalid(const struct listen_source *s, const struct listen_leaf *leaf, struct f2m_strbuf *out)
{
    const struct f2m_source *source = leaf->source;
    double number;
    const char *rest = after_number(leaf->text, &number);

    f2m_strbuf_adds(out, "cannot be read: ");
    if (strncmp(leaf->err.text, "timestamp", strlen("timestamp")) == 0)
        f2m_strbuf_addf(out, "%s; mend it at the sender, or leave `timestamp_path` out", leaf->err.text);
    else if (strncmp(leaf->err.text, "not JSON", strlen("not JSON")) == 0)
        f2m_strbuf_addf(out, "%s; leave `path` out where the payload is the value itself", leaf->err.text);
    else if (source->format == F2M_FORMAT_TEXT && leaf->members[0])
        f2m_strbuf_addf(out, "the payload is JSON: say with `path` where the value stands; it has %s", leaf->members);
    else if (leaf->members[0] && !leaf->text[0])
        f2m_strbuf_addf(out, "%s; further in it has %s", leaf->err.text, leaf->members);
    else if (is_numeric(s->kind) && rest && *rest)
        words_on_trailing_text(s, rest, out);
    else if (is_numeric(s->kind) && rest)
        words_on_range(s, leaf, number, out);
    else if (s->kind == F2M_VALUE_MODE || s->kind == F2M_VALUE_BOOL)
        f2m_strbuf_addf(out, "%s; translate the sender's texts with `map`", leaf->err.text);
    else
        f2m_strbuf_addf(out, "%s; is it the right topic and path?", leaf->err.text);
}

static bool says_nothing(const char *text)
{
    static const char *const words[] = {"", "unavailable", "unknown", "none", "null"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

static bool is_listed(const struct f2m_source *source, const char *text)
{
    for (size_t i = 0; i < source->map_len; i++)
        if (strcmp(source->map[i].raw, text) == 0)
            return true;
    return false;
}

static void words_on_no_data(const struct listen_leaf *leaf, struct f2m_strbuf *out)
{
    if (leaf->source->map_len && !says_nothing(leaf->text))
        f2m_strbuf_addf(out, "the text '%s' is not in the `map` of this source: add it there", leaf->text);
    else
        f2m_strbuf_addf(out, "the sender says '%s', that it has no value: look at the integration, not at the bridge",
                        leaf->text);
}

static void words_on_missing(const struct listen_leaf *leaf, struct f2m_strbuf *out)
{
    f2m_strbuf_addf(out, "nothing stands at path %s", leaf->source->path ? leaf->source->path : "(none)");
    if (leaf->members[0])
        f2m_strbuf_addf(out, "; the payload has %s", leaf->members);
    else if (leaf->source->format == F2M_FORMAT_KEYVALUE)
        f2m_strbuf_adds(out, ": the payload has no such key");
    else
        f2m_strbuf_adds(out, ": the payload has no members");
}

/* Of what came last at one place; false where nothing is wrong with it. */
static bool diagnose_leaf(const struct diagnosis *x, const struct listen_source *s, const struct listen_leaf *leaf,
                          struct f2m_strbuf *out)
{
    bool welcome = s->role != LISTEN_TELEMETRY; /* a retained message */

    if (!leaf->filter)
        return false;
    if (leaf->refused)
        f2m_strbuf_addf(out, "the broker refuses the subscription to %s: give the broker's user the right to read it",
                        leaf->filter);
    else if (!leaf->messages)
        words_on_silence(x, leaf->filter, out);
    else if (s->role == LISTEN_AVAILABILITY && leaf->outcome != F2M_OUTCOME_MISSING &&
             !is_listed(s->source, leaf->text))
        f2m_strbuf_addf(out, "says '%s', which is neither `online: %s` nor `offline: %s`", leaf->text,
                        s->device->telemetry.availability.online, s->device->telemetry.availability.offline);
    else if (leaf->outcome == F2M_OUTCOME_INVALID)
        words_on_invalid(s, leaf, out);
    else if (leaf->outcome == F2M_OUTCOME_NO_DATA)
        words_on_no_data(leaf, out);
    else if (leaf->outcome == F2M_OUTCOME_MISSING)
        words_on_missing(leaf, out);
    else if (leaf->outcome == F2M_OUTCOME_STALE && !welcome)
        f2m_strbuf_adds(out,
                        leaf->source->timestamp_path
                            ? "only a retained message came, and its timestamp is older than max_age: is the sender "
                              "still there?"
                            : "only a retained message came, whose age nobody knows: it counts when a live one "
                              "comes; `retained: accept` takes it at once, for values that are published on change "
                              "only");
    else if (leaf->outcome == F2M_OUTCOME_LATE)
        f2m_strbuf_adds(out, "its timestamp lies before the open interval: is the sender's clock right?");
    return out->len > 0;
}

/* ---- values that can be read, and are odd ---- */

/* The rating of the battery in that direction, or what no home exceeds. */
static double most_of(const struct listen_source *s, double value)
{
    const struct f2m_device *d = s->device;

    switch (s->id) {
    case F2M_SRC_BATTERY_CHARGE_POWER: return d->max_charge;
    case F2M_SRC_BATTERY_DISCHARGE_POWER: return d->max_discharge;
    case F2M_SRC_BATTERY_POWER: return value >= 0 ? d->max_charge : d->max_discharge;
    default: return MOST_OF_A_HOME_W;
    }
}

static bool is_fraction(double x)
{
    return x != floor(x);
}

static bool in_canonical_unit(const struct f2m_source *source)
{
    return source->op == F2M_SOURCE_TOPIC && source->scale == 1 && source->offset == 0 &&
           (!source->unit || source->unit->factor == 1);
}

static void doubt_power(const struct listen_source *s, double value, struct f2m_strbuf *out)
{
    double most = most_of(s, value);
    bool battery = s->id == F2M_SRC_BATTERY_POWER || s->id == F2M_SRC_BATTERY_CHARGE_POWER ||
                   s->id == F2M_SRC_BATTERY_DISCHARGE_POWER;

    if (fabs(value) > MUCH_MORE * most) {
        f2m_strbuf_addf(out, "%s W is more than %s", text_of(value), battery ? "the battery can" : "a home has");
        f2m_strbuf_addf(out, " (%s W): does the sender mean another `unit`?", text_of(most));
    } else if (in_canonical_unit(s->source) && is_fraction(value) && fabs(value) < NEXT_TO_NOTHING &&
               fabs(value) >= 0.1) {
        f2m_strbuf_addf(out, "%s W is next to nothing: if the sender means kW, say `unit: kW`", text_of(value));
    }
}

static void doubt_energy(const struct diagnosis *x, const struct listen_source *s, double value, struct f2m_strbuf *out)
{
    double capacity = f2m_telemetry_reading(x->listen->telemetry, s->device->id, F2M_SRC_CAPACITY, x->now).number;

    if (s->kind == F2M_VALUE_COUNTER) {
        if (in_canonical_unit(s->source) && is_fraction(value))
            f2m_strbuf_addf(out, "counts parts of a Wh: if the sender means kWh, say `unit: kWh` (it reads %s Wh now)",
                            text_of(value));
    } else if (s->id == F2M_SRC_STORED_ENERGY && value > MUCH_MORE * capacity) {
        f2m_strbuf_addf(out, "%s Wh is more than", text_of(value));
        f2m_strbuf_addf(out, " the battery holds (%s Wh): check `unit`", text_of(capacity));
    } else if (in_canonical_unit(s->source) && value > 0 && value < 100) {
        f2m_strbuf_addf(out, "%s Wh is next to nothing: if the sender means kWh, say `unit: kWh`", text_of(value));
    }
}

static void doubt(const struct diagnosis *x, const struct listen_source *s, double value, struct f2m_strbuf *out)
{
    if (s->role != LISTEN_TELEMETRY)
        return;
    if (is_power(s->kind))
        doubt_power(s, value, out);
    else if (s->kind == F2M_VALUE_COUNTER || s->kind == F2M_VALUE_ENERGY)
        doubt_energy(x, s, value, out);
    else if (s->kind == F2M_VALUE_PERCENTAGE && in_canonical_unit(s->source) && value > 0 && value < 1)
        f2m_strbuf_addf(out, "%s %% is next to nothing: if the sender counts from 0 to 1, say `unit: ratio`",
                        text_of(value));
}

/* ---- a source ---- */

enum verdict diagnose_source(const struct diagnosis *x, const struct listen_source *s, struct f2m_strbuf *out)
{
    struct f2m_reading r = f2m_source_reader_read(s->reader, x->now);

    for (size_t i = 0; i < s->leaves_len; i++)
        if (diagnose_leaf(x, s, &s->leaves[i], out)) {
            if (s->role == LISTEN_COMMISSIONING && !r.known && s->device->site->commission)
                f2m_strbuf_adds(out, "; commissioning waits for it");
            return VERDICT_BAD;
        }
    if (s->role == LISTEN_VETO && r.fresh && r.number != 0) {
        f2m_strbuf_adds(out, "the veto is on: Flip controls nothing until it is off");
        return VERDICT_ASK;
    }
    if (s->role != LISTEN_COMMISSIONING && r.known && !r.fresh) {
        f2m_strbuf_addf(out,
                        "the value is older than max_age (%s s), so nothing is sent of it: raise `max_age` above the "
                        "time between two messages, or make the sender publish more often (`keepalive`)",
                        text_of((double)s->source->max_age_ms / 1000));
        return VERDICT_BAD;
    }
    if (r.known && is_numeric(s->kind))
        doubt(x, s, r.number, out);
    return out->len ? VERDICT_ASK : VERDICT_OK;
}

/* ---- a device ---- */

static double power_of(const struct diagnosis *x, const struct f2m_device *d, enum f2m_source_id id)
{
    struct f2m_reading r = f2m_telemetry_reading(x->listen->telemetry, d->id, id, x->now);

    return r.known ? r.number : 0;
}

static void tell_mismatch(const struct diagnosis *x, const struct f2m_device *d, diagnose_tell *tell, void *ctx)
{
    static const struct {
        const char *name;
        enum f2m_source_id id;
        int sign;
    } terms[] = {
        {"solar", F2M_SRC_SOLAR_POWER, 1},
        {" + grid import", F2M_SRC_GRID_POWER, 1},
        {" - battery charge", F2M_SRC_BATTERY_POWER, -1},
    };
    double home = 0;
    f2m_autostrbuf words;

    f2m_strbuf_init(&words, 0);
    f2m_strbuf_adds(&words, "the home would use less than nothing: ");
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
        double value = power_of(x, d, terms[i].id);
        home += terms[i].sign * value;
        f2m_strbuf_addf(&words, "%s %s W", terms[i].name, text_of(value));
    }
    f2m_strbuf_addf(&words,
                    " = %s W, so home power is not sent; check `positive` of battery_power and grid_power, and the "
                    "units. If another battery or solar system is behind the same meter, map home_power instead",
                    text_of(home));
    tell(ctx, VERDICT_BAD, words.data);
}

/* What the provers saw while doctor listened. */
static void tell_contradiction(const struct diagnosis *x, const struct f2m_device *d, diagnose_tell *tell, void *ctx)
{
    f2m_autostrbuf words;

    f2m_strbuf_init(&words, 0);
    f2m_telemetry_verdict(x->listen->telemetry, d->id, &words);
    if (words.len)
        tell(ctx, VERDICT_BAD, words.data);
}

static bool maps(const struct f2m_device *d, enum f2m_source_id id)
{
    return d->telemetry.sources[id].op != F2M_SOURCE_NONE;
}

void diagnose_device(const struct diagnosis *x, const struct f2m_device *d, diagnose_tell *tell, void *ctx)
{
    if (d->telemetry.endpoint == F2M_TELEMETRY_OFF || d->type != F2M_DEVICE_BATTERY)
        return;
    if (f2m_telemetry_mismatch(x->listen->telemetry, d->id, x->now))
        tell_mismatch(x, d, tell, ctx);
    tell_contradiction(x, d, tell, ctx);
    if (!maps(d, F2M_SRC_STATE_OF_CHARGE))
        tell(ctx, VERDICT_BAD,
             "state_of_charge is not mapped: Flip cannot plan with a battery whose charge it does not know");
    if (!maps(d, F2M_SRC_BATTERY_POWER) && !maps(d, F2M_SRC_BATTERY_CHARGE_POWER))
        tell(ctx, VERDICT_BAD, "no battery power is mapped: Flip pays for what it sees flowing");
    if (isnan(d->capacity) && !d->capacity_wh.source && !maps(d, F2M_SRC_CAPACITY))
        tell(ctx, VERDICT_ASK, "`capacity` is not given: stored energy and capacity are not sent");
    if (f2m_telemetry_online(x->listen->telemetry, d->id, x->now) == F2M_OFFLINE)
        tell(
            ctx, VERDICT_BAD,
            "counts as offline: every value of its points is null, until availability or a fresh value says otherwise");
}
