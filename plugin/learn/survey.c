#include "learn/survey.h"

#include "learn/text.h"
#include "telemetry/payload.h"
#include "telemetry/source.h"
#include "util/number.h"
#include "util/xalloc.h"

#include <errno.h>
#include <stdlib.h>

/* One sign that a message bears. */
struct sighting {
    const struct f2m_recognise_preset *preset;
    const struct f2m_sign *sign;
    size_t index;
    struct f2m_captures captures;
    struct f2m_payload *payload;
};

struct f2m_survey *f2m_survey_new(const struct f2m_recognise *recognise, const char *base_topic)
{
    struct f2m_survey *s = f2m_xcalloc(1, sizeof *s);

    s->recognise = recognise;
    s->base_topic = base_topic;
    return s;
}

static void free_system(struct f2m_learn_system *system)
{
    for (size_t i = 0; i < F2M_PATTERN_PARAMETERS; i++)
        free(system->key[i]);
    free(system->samples);
    free(system);
}

void f2m_survey_free(struct f2m_survey *s)
{
    while (s && s->systems) {
        struct f2m_learn_system *next = s->systems->next;
        free_system(s->systems);
        s->systems = next;
    }
    free(s);
}

bool f2m_learn_complete(const struct f2m_learn_system *system)
{
    return (system->seen & system->preset->required) == system->preset->required;
}

/* ---- does the message bear the sign? ---- */

static bool has_member(struct f2m_payload *payload, enum f2m_source_format format, const char *pointer)
{
    struct f2m_scalar scalar;
    struct f2m_err err;
    int r = f2m_payload_scalar(payload, format, pointer, &scalar, &err);

    /* An object or array is no scalar, but there it is. */
    return r == 0 || (r == -EINVAL && format == F2M_FORMAT_JSON && payload->json == F2M_PAYLOAD_JSON);
}

static bool has_value(struct f2m_payload *payload, enum f2m_source_format format, const char *path,
                      struct f2m_scalar *scalar)
{
    struct f2m_err err;

    if (f2m_payload_scalar(payload, format, path, scalar, &err) != 0 || scalar->type == F2M_SCALAR_NULL)
        return false;
    return scalar->type != F2M_SCALAR_TEXT || !f2m_text_is_no_data(scalar->text);
}

static bool shape_fits(const struct f2m_sign *sign, struct f2m_payload *payload)
{
    struct f2m_scalar scalar;
    double number;

    switch (sign->shape) {
    case F2M_SIGN_ANY: return payload->bytes.len > 0;
    case F2M_SIGN_NUMBER: return f2m_number_parse(payload->bytes, &number);
    case F2M_SIGN_VALUE: return has_value(payload, sign->format, sign->path, &scalar);
    case F2M_SIGN_JSON:
    case F2M_SIGN_KEYVALUE: break;
    }
    for (size_t i = 0; i < sign->members_len; i++)
        if (payload->bytes.len == 0 || !has_member(payload, sign->format, sign->members[i]))
            return false;
    return true;
}

/* The place of the first pattern that fits, 0 where anything does; -1 where none does. */
static int rank_of(const struct f2m_sign_like *like, struct f2m_slice text)
{
    for (size_t i = 0; i < like->len; i++)
        if (f2m_glob_match(like->globs[i], text))
            return (int)i;
    return like->len ? -1 : 0;
}

static bool captures_fit(const struct sighting *sighting)
{
    for (size_t i = 0; i < F2M_PATTERN_PARAMETERS; i++) {
        struct f2m_slice text = sighting->captures.of[i];
        if (text.at && (!f2m_learn_text_usable(text) || rank_of(&sighting->preset->likes[i], text) < 0))
            return false;
    }
    return true;
}

/* ---- whose is it? ---- */

static bool same_key(const struct f2m_learn_system *system, const struct f2m_captures *captures)
{
    for (size_t i = 0; i < F2M_PATTERN_PARAMETERS; i++)
        if (system->key[i] && !f2m_slice_is(captures->of[i], system->key[i]))
            return false;
    return true;
}

static bool is_usual(const struct f2m_learn_system *system)
{
    for (size_t i = 0; i < system->preset->parameters_len; i++) {
        const char *fallback = system->preset->parameters[i].fallback;
        if (system->key[i] && fallback && strcmp(system->key[i], fallback) != 0)
            return false;
    }
    return true;
}

/* A complete one stays, and of the others the one with the parameters' defaults; then what was heard last. */
static bool is_worth_less(const struct f2m_learn_system *a, const struct f2m_learn_system *b)
{
    if (f2m_learn_complete(a) != f2m_learn_complete(b))
        return f2m_learn_complete(b);
    if (is_usual(a) != is_usual(b))
        return is_usual(b);
    return a->touched < b->touched;
}

/* Room for one more system of the preset; false where all that are there are complete. */
static bool make_room(struct f2m_survey *s, const struct f2m_recognise_preset *preset)
{
    struct f2m_learn_system **least = NULL;
    size_t n = 0;

    for (struct f2m_learn_system **at = &s->systems; *at; at = &(*at)->next) {
        if ((*at)->preset != preset)
            continue;
        n++;
        if (!least || is_worth_less(*at, *least))
            least = at;
    }
    if (n < F2M_MAX_LEARN_SYSTEMS)
        return true;
    if (!least || f2m_learn_complete(*least)) {
        s->turned_away++;
        return false;
    }
    struct f2m_learn_system *gone = *least;
    *least = gone->next;
    free_system(gone);
    return true;
}

static struct f2m_learn_system *system_of(struct f2m_survey *s, const struct sighting *sighting)
{
    const struct f2m_recognise_preset *preset = sighting->preset;

    for (struct f2m_learn_system *system = s->systems; system; system = system->next)
        if (system->preset == preset && same_key(system, &sighting->captures))
            return system;
    if (!make_room(s, preset))
        return NULL;
    struct f2m_learn_system *system = f2m_xcalloc(1, sizeof *system);
    system->preset = preset;
    system->samples = f2m_xcalloc(preset->signs_len, sizeof *system->samples);
    for (size_t i = 0; i < preset->parameters_len; i++)
        if (preset->key & (UINT32_C(1) << i))
            system->key[i] = f2m_xmemdup0(sighting->captures.of[i].at, sighting->captures.of[i].len);
    system->next = s->systems;
    s->systems = system;
    return system;
}

/* ---- what does it tell? ---- */

static void copy_text(char to[F2M_MAX_LEARN_TEXT_BYTES + 1], struct f2m_slice from)
{
    memcpy(to, from.at, from.len);
    to[from.len] = '\0';
}

static struct f2m_learn_value *value_of(struct f2m_learn_system *system, int parameter, bool given, int with,
                                        struct f2m_slice text, struct f2m_slice with_text)
{
    for (size_t i = 0; i < system->values_len; i++) {
        struct f2m_learn_value *v = &system->values[i];
        if (v->parameter != parameter || v->given != given || v->with != with)
            continue;
        /* Given again: the newest holds. */
        if (given ? with < 0 || f2m_slice_is(with_text, v->with_text) : f2m_slice_is(text, v->text))
            return v;
    }
    if (system->values_len == F2M_MAX_LEARN_VALUES)
        return NULL;
    struct f2m_learn_value *v = &system->values[system->values_len++];
    *v = (struct f2m_learn_value){.parameter = parameter, .given = given, .with = with};
    if (with >= 0)
        copy_text(v->with_text, with_text);
    return v;
}

/* The parameter beside the key that stands in the topic; -1 = none. */
static int further_parameter(const struct sighting *sighting)
{
    uint32_t further = sighting->sign->pattern.parameters & ~sighting->preset->key;

    for (int i = 0; i < F2M_PATTERN_PARAMETERS; i++)
        if (further & (UINT32_C(1) << i))
            return i;
    return -1;
}

static void note_captures(struct f2m_learn_system *system, const struct sighting *sighting)
{
    for (int i = 0; i < F2M_PATTERN_PARAMETERS; i++) {
        struct f2m_slice text = sighting->captures.of[i];
        if (!text.at || system->key[i])
            continue;
        struct f2m_learn_value *v = value_of(system, i, false, -1, text, text);
        if (!v)
            continue;
        v->rank = rank_of(&sighting->preset->likes[i], text);
        v->seen |= UINT64_C(1) << sighting->index;
        copy_text(v->text, text);
    }
}

static void note_parameter(struct f2m_learn_system *system, const struct sighting *sighting,
                           const struct f2m_sign_gift *gift, struct f2m_slice text)
{
    int with = further_parameter(sighting);
    struct f2m_slice with_text = with < 0 ? (struct f2m_slice){"", 0} : sighting->captures.of[with];

    if (rank_of(&sighting->preset->likes[gift->parameter], text) < 0)
        return;
    struct f2m_learn_value *v = value_of(system, gift->parameter, true, with, text, with_text);
    if (v)
        copy_text(v->text, text);
}

static void note_fact(struct f2m_learn_system *system, const struct sighting *sighting,
                      const struct f2m_sign_gift *gift, struct f2m_slice text)
{
    size_t i = 0;

    while (i < system->facts_len && system->facts[i].gift != gift)
        i++;
    if (i == F2M_MAX_LEARN_FACTS)
        return;
    if (i == system->facts_len)
        system->facts[system->facts_len++] = (struct f2m_learn_fact){.gift = gift, .sign = sighting->sign};
    copy_text(system->facts[i].text, text);
}

static void note_gifts(struct f2m_learn_system *system, const struct sighting *sighting)
{
    const struct f2m_sign *sign = sighting->sign;

    for (size_t i = 0; i < sign->gifts_len; i++) {
        const struct f2m_sign_gift *gift = &sign->gifts[i];
        struct f2m_scalar scalar;
        double number;
        if (gift->text) {
            note_fact(system, sighting, gift, (struct f2m_slice){"", 0});
            continue;
        }
        if (!has_value(sighting->payload, sign->format, gift->path, &scalar) || !f2m_learn_text_usable(scalar.text))
            continue;
        if (gift->parameter >= 0)
            note_parameter(system, sighting, gift, scalar.text);
        else if (!gift->unit || (f2m_number_parse(scalar.text, &number) && number > 0))
            note_fact(system, sighting, gift, scalar.text);
    }
}

static void note_sample(struct f2m_learn_sample *sample, struct f2m_slice payload)
{
    sample->clipped = payload.len > F2M_MAX_LEARN_SAMPLE_BYTES;
    sample->len = sample->clipped ? F2M_MAX_LEARN_SAMPLE_BYTES : payload.len;
    if (sample->len)
        memcpy(sample->text, payload.at, sample->len);
}

/* The system, where that was the last sign that it lacked; else NULL. */
static const struct f2m_learn_system *note(struct f2m_survey *s, const struct sighting *sighting)
{
    struct f2m_learn_system *system = system_of(s, sighting);

    if (!system)
        return NULL;
    bool was_complete = f2m_learn_complete(system);
    system->seen |= UINT64_C(1) << sighting->index;
    system->messages += system->touched != s->messages;
    system->touched = s->messages;
    note_sample(&system->samples[sighting->index], sighting->payload->bytes);
    note_captures(system, sighting);
    note_gifts(system, sighting);
    return !was_complete && f2m_learn_complete(system) ? system : NULL;
}

static bool is_own(const struct f2m_survey *s, struct f2m_slice topic)
{
    size_t len = strlen(s->base_topic);

    return topic.len > len && memcmp(topic.at, s->base_topic, len) == 0 && topic.at[len] == '/';
}

void f2m_survey_message(struct f2m_survey *s, const struct f2m_mqtt_message *message,
                        void (*found)(void *ctx, const struct f2m_learn_system *), void *ctx)
{
    struct f2m_payload payload;

    if (is_own(s, message->topic))
        return;
    s->messages++;
    f2m_learn_prefixes_count(&s->prefixes, message->topic, message->payload);
    f2m_payload_init(&payload, message->payload);
    for (const struct f2m_recognise_preset *p = f2m_recognise_presets(s->recognise); p; p = p->next)
        for (size_t i = 0; i < p->signs_len; i++) {
            struct sighting sighting = {.preset = p, .sign = &p->signs[i], .index = i, .payload = &payload};
            if (!f2m_pattern_match(&sighting.sign->pattern, message->topic, &sighting.captures) ||
                !captures_fit(&sighting) || !shape_fits(sighting.sign, &payload))
                continue;
            const struct f2m_learn_system *system = note(s, &sighting);
            if (system && found)
                found(ctx, system);
        }
}
