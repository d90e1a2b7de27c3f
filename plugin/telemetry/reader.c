/* A source with its present value: the tree of parts, flattened into its leaves in reading order. */
#include "telemetry/source.h"

#include "util/topic.h"
#include "util/xalloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct leaf {
    const struct f2m_source *source;
    double number;
    char *text;    /* TEXT kind: owned, grown as needed */
    int64_t at_ms; /* mono; F2M_AGE_UNKNOWN: shown, but never fresh */
    bool known;
};

struct f2m_source_reader {
    const struct f2m_source *source;
    enum f2m_value_kind kind;
    unsigned len;
    struct leaf leaves[];
};

static bool is_leaf(const struct f2m_source *s)
{
    return s->op == F2M_SOURCE_TOPIC || s->op == F2M_SOURCE_CONST;
}

static size_t count_leaves(const struct f2m_source *s)
{
    size_t n = 0;

    if (is_leaf(s))
        return 1;
    for (size_t i = 0; i < s->parts_len; i++)
        n += count_leaves(&s->parts[i]);
    return n;
}

static struct leaf *bind(struct leaf *leaf, const struct f2m_source *s)
{
    if (is_leaf(s)) {
        leaf->source = s;
        return leaf + 1;
    }
    for (size_t i = 0; i < s->parts_len; i++)
        leaf = bind(leaf, &s->parts[i]);
    return leaf;
}

static struct f2m_source_frame frame_of(const struct f2m_source_reader *r, bool retained)
{
    return (struct f2m_source_frame){
        .kind = r->kind,
        .part = !is_leaf(r->source),
        .max_age_ms = r->source->max_age_ms,
        .retained = retained,
    };
}

static void keep_text(struct leaf *leaf, struct f2m_slice text)
{
    if (leaf->text && strlen(leaf->text) >= text.len && text.len > 0) {
        memcpy(leaf->text, text.at, text.len);
        leaf->text[text.len] = '\0';
        return;
    }
    free(leaf->text);
    leaf->text = f2m_xmemdup0(text.at, text.len);
}

/* The configuration has checked that a const can be read; one that cannot stays unknown. */
static void set_constants(struct f2m_source_reader *r)
{
    struct f2m_source_frame frame = frame_of(r, false);
    struct f2m_sample sample;
    struct f2m_err err;

    for (unsigned i = 0; i < r->len; i++) {
        struct leaf *leaf = &r->leaves[i];
        if (leaf->source->op != F2M_SOURCE_CONST ||
            f2m_source_constant(leaf->source, &frame, &sample, &err) != F2M_OUTCOME_TAKEN)
            continue;
        leaf->known = true;
        leaf->number = sample.number;
        if (r->kind == F2M_VALUE_TEXT)
            keep_text(leaf, sample.text);
    }
}

struct f2m_source_reader *f2m_source_reader_new(const struct f2m_source *s, enum f2m_value_kind kind)
{
    if (s->op == F2M_SOURCE_NONE)
        return NULL;
    size_t len = count_leaves(s);
    struct f2m_source_reader *r = f2m_xcalloc(1, sizeof *r + len * sizeof r->leaves[0]);
    r->source = s;
    r->kind = kind;
    r->len = (unsigned)len;
    bind(r->leaves, s);
    set_constants(r);
    return r;
}

void f2m_source_reader_free(struct f2m_source_reader *r)
{
    if (!r)
        return;
    for (unsigned i = 0; i < r->len; i++)
        free(r->leaves[i].text);
    free(r);
}

void f2m_source_reader_rebind(struct f2m_source_reader *r, const struct f2m_source *s)
{
    r->source = s;
    bind(r->leaves, s);
}

size_t f2m_source_reader_leaves(const struct f2m_source_reader *r)
{
    return r->len;
}

const char *f2m_source_reader_topic(const struct f2m_source_reader *r, size_t leaf)
{
    const struct f2m_source *s = r->leaves[leaf].source;

    return s->op == F2M_SOURCE_TOPIC ? s->topic : NULL;
}

void f2m_source_reader_filters(const struct f2m_source_reader *r, void (*visit)(void *ctx, const char *filter),
                               void *ctx)
{
    for (unsigned i = 0; i < r->len; i++) {
        const char *topic = f2m_source_reader_topic(r, i);
        if (topic)
            visit(ctx, topic);
    }
}

/* ---- what holds at a moment ---- */

struct walk {
    const struct f2m_source_reader *reader;
    int64_t at_ms;
    bool held;     /* a value ends with max_age */
    unsigned leaf; /* the next one */
};

static inline struct f2m_value value_of(const struct leaf *leaf, int64_t max_age_ms, int64_t mono_ms, bool held)
{
    struct f2m_value v = {
        .known = leaf->known,
        .constant = leaf->source->op == F2M_SOURCE_CONST,
        .number = leaf->known ? leaf->number : NAN,
        .text = leaf->known ? leaf->text : NULL,
        .at_ms = leaf->at_ms,
        .until_ms = F2M_FOREVER,
    };

    if (v.constant) {
        v.at_ms = mono_ms;
        v.fresh = v.known;
    } else if (v.known && leaf->at_ms != F2M_AGE_UNKNOWN) {
        int64_t end = leaf->at_ms + max_age_ms + (held ? 0 : 1);
        v.fresh = mono_ms < end;
        if (v.fresh)
            v.until_ms = end;
    }
    return v;
}

static void combine(enum f2m_source_op op, size_t index, double *total, double number)
{
    if (index == 0)
        *total = number;
    else if (op == F2M_SOURCE_SUM)
        *total += number;
    else if (op == F2M_SOURCE_DIFFERENCE)
        *total -= number;
    else
        *total *= number;
}

static struct f2m_value tree_value(struct walk *w, const struct f2m_source *s);

/* The whole is known and fresh where all parts are; with `missing: zero` where any is. */
static struct f2m_value composed_value(struct walk *w, const struct f2m_source *s)
{
    struct f2m_value whole = {
        .known = !s->missing_zero && s->parts_len > 0,
        .fresh = !s->missing_zero && s->parts_len > 0,
        .constant = true,
        .number = 0,
        .at_ms = F2M_FOREVER,
        .until_ms = F2M_FOREVER,
    };

    for (size_t i = 0; i < s->parts_len; i++) {
        struct f2m_value part = tree_value(w, &s->parts[i]);
        bool counts = s->missing_zero ? part.fresh : part.known;
        combine(s->op, i, &whole.number, counts ? part.number : 0);
        whole.constant = whole.constant && (part.constant || !counts);
        whole.known = s->missing_zero ? whole.known || part.known : whole.known && part.known;
        whole.fresh = s->missing_zero ? whole.fresh || part.fresh : whole.fresh && part.fresh;
        if (counts && part.at_ms < whole.at_ms)
            whole.at_ms = part.at_ms;
        if (part.until_ms < whole.until_ms)
            whole.until_ms = part.until_ms;
    }
    if (whole.at_ms == F2M_FOREVER)
        whole.at_ms = F2M_AGE_UNKNOWN;
    whole.number = (whole.number * s->scale + s->offset) * (s->unit ? s->unit->factor : 1) * s->sign;
    return whole;
}

static struct f2m_value tree_value(struct walk *w, const struct f2m_source *s)
{
    if (!is_leaf(s))
        return composed_value(w, s);
    return value_of(&w->reader->leaves[w->leaf++], w->reader->source->max_age_ms, w->at_ms, w->held);
}

static struct f2m_value value_at(const struct f2m_source_reader *r, int64_t mono_ms, bool held)
{
    if (is_leaf(r->source))
        return value_of(&r->leaves[0], r->source->max_age_ms, mono_ms, held);
    struct walk w = {.reader = r, .at_ms = mono_ms, .held = held};
    struct f2m_value v = tree_value(&w, r->source);
    struct f2m_err err;
    if (!v.known)
        v.number = NAN;
    else if (r->kind == F2M_VALUE_BOOL)
        v.number = v.number != 0;
    else if (!f2m_source_settle(r->kind, &v.number, &err))
        v = (struct f2m_value){.number = NAN, .at_ms = F2M_AGE_UNKNOWN, .until_ms = v.until_ms};
    return v;
}

struct f2m_value f2m_source_reader_at(const struct f2m_source_reader *r, int64_t mono_ms)
{
    return value_at(r, mono_ms, false);
}

struct f2m_value f2m_source_reader_held(const struct f2m_source_reader *r, int64_t mono_ms)
{
    return value_at(r, mono_ms, true);
}

struct f2m_reading f2m_source_reader_read(const struct f2m_source_reader *r, struct f2m_now now)
{
    struct f2m_value v = f2m_source_reader_at(r, now.mono_ms);

    return (struct f2m_reading){
        .mapped = true,
        .known = v.known,
        .fresh = v.fresh,
        .number = v.number,
        .text = r->kind == F2M_VALUE_MODE && v.known ? f2m_mode_name((enum f2m_mode)v.number) : v.text,
        .age_ms = v.at_ms == F2M_AGE_UNKNOWN ? F2M_FOREVER : now.mono_ms - v.at_ms,
    };
}

/* ---- feeding ---- */

enum f2m_source_outcome f2m_source_reader_decode(const struct f2m_source_reader *r, size_t leaf, struct f2m_now now,
                                                 bool retained, struct f2m_payload *p, struct f2m_sample *out,
                                                 struct f2m_err *err)
{
    struct f2m_source_frame frame = frame_of(r, retained);

    return f2m_source_decode(r->leaves[leaf].source, &frame, now, p, out, err);
}

/* Puts the sample's value into the leaf; whether it says something else now. */
static bool set(const struct f2m_source_reader *r, struct leaf *leaf, const struct f2m_sample *sample)
{
    bool changed = !leaf->known;

    leaf->known = true;
    leaf->at_ms = sample->at_ms;
    if (r->kind == F2M_VALUE_TEXT) {
        changed = changed || !f2m_slice_is(sample->text, leaf->text);
        if (changed)
            keep_text(leaf, sample->text);
        return changed;
    }
    changed = changed || leaf->number != sample->number;
    leaf->number = sample->number;
    return changed;
}

/* The whole must be in its kind's range, where all of it is there. */
static bool whole_fits(const struct f2m_source_reader *r, int64_t mono_ms, struct f2m_err *err)
{
    struct walk w = {.reader = r, .at_ms = mono_ms};
    struct f2m_value whole = tree_value(&w, r->source);

    return !whole.fresh || f2m_source_settle(r->kind, &whole.number, err);
}

static enum f2m_source_outcome take(struct f2m_source_reader *r, struct leaf *leaf, const struct f2m_sample *sample,
                                    int64_t mono_ms, bool *changed, struct f2m_err *err)
{
    struct leaf before = *leaf;

    if (leaf->known && leaf->at_ms != F2M_AGE_UNKNOWN && sample->at_ms < leaf->at_ms)
        return F2M_OUTCOME_LATE;
    *changed = set(r, leaf, sample);
    if (is_leaf(r->source) || r->kind == F2M_VALUE_TEXT || whole_fits(r, mono_ms, err))
        return F2M_OUTCOME_TAKEN;
    *leaf = before;
    *changed = false;
    return F2M_OUTCOME_INVALID;
}

/* A replay of unknown age is only shown, and only where nothing fresh is in force. */
static bool show(struct f2m_source_reader *r, struct leaf *leaf, const struct f2m_sample *sample, int64_t mono_ms)
{
    bool in_force = leaf->known && leaf->at_ms != F2M_AGE_UNKNOWN && mono_ms - leaf->at_ms <= r->source->max_age_ms;

    return !in_force && set(r, leaf, sample);
}

enum f2m_source_outcome f2m_source_reader_put(struct f2m_source_reader *r, size_t leaf, enum f2m_source_outcome outcome,
                                              const struct f2m_sample *sample, int64_t mono_ms, bool *changed,
                                              struct f2m_err *err)
{
    if (outcome == F2M_OUTCOME_TAKEN)
        return take(r, &r->leaves[leaf], sample, mono_ms, changed, err);
    if (outcome == F2M_OUTCOME_NO_DATA) {
        *changed = r->leaves[leaf].known;
        r->leaves[leaf].known = false;
    } else if (outcome == F2M_OUTCOME_STALE) {
        *changed = show(r, &r->leaves[leaf], sample, mono_ms);
    }
    return outcome;
}

enum f2m_source_outcome f2m_source_reader_feed(struct f2m_source_reader *r, struct f2m_now now,
                                               const struct f2m_mqtt_message *m, struct f2m_err *err)
{
    enum f2m_source_outcome result = F2M_OUTCOME_NONE;
    struct f2m_payload payload;

    f2m_payload_init(&payload, m->payload);
    for (unsigned i = 0; i < r->len; i++) {
        const char *topic = f2m_source_reader_topic(r, i);
        struct f2m_sample sample;
        bool changed;
        if (!topic || !f2m_topic_matches(topic, m->topic.at))
            continue;
        enum f2m_source_outcome outcome = f2m_source_reader_decode(r, i, now, m->retain, &payload, &sample, err);
        outcome = f2m_source_reader_put(r, i, outcome, &sample, now.mono_ms, &changed, err);
        if (result != F2M_OUTCOME_TAKEN)
            result = outcome;
    }
    return result;
}
