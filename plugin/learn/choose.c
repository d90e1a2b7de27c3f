#include "learn/choose.h"

#include "util/xalloc.h"

#include <stdlib.h>

static int count_bits(uint64_t bits)
{
    int n = 0;

    for (; bits; bits &= bits - 1)
        n++;
    return n;
}

/* What most topics have, then the better pattern, then the preset's default; then what came first. */
static bool is_better(const struct f2m_learn_value *a, const struct f2m_learn_value *b, const char *fallback)
{
    int a_topics = count_bits(a->seen), b_topics = count_bits(b->seen);

    if (a_topics != b_topics)
        return a_topics > b_topics;
    if (a->rank != b->rank)
        return a->rank < b->rank;
    return fallback && strcmp(a->text, fallback) == 0 && strcmp(b->text, fallback) != 0;
}

static const struct f2m_learn_value *best_of_topics(const struct f2m_learn_system *system, int parameter)
{
    const char *fallback = system->preset->parameters[parameter].fallback;
    const struct f2m_learn_value *best = NULL;

    for (size_t i = 0; i < system->values_len; i++) {
        const struct f2m_learn_value *v = &system->values[i];
        if (v->parameter == parameter && !v->given && (!best || is_better(v, best, fallback)))
            best = v;
    }
    return best;
}

static const struct f2m_learn_value *given_for(const struct f2m_learn_system *system, int parameter)
{
    for (size_t i = 0; i < system->values_len; i++) {
        const struct f2m_learn_value *v = &system->values[i];
        if (v->parameter != parameter || !v->given)
            continue;
        const struct f2m_learn_value *chosen = v->with < 0 ? NULL : best_of_topics(system, v->with);
        if (v->with < 0 || (chosen && strcmp(chosen->text, v->with_text) == 0))
            return v;
    }
    return NULL;
}

struct f2m_learn_choice f2m_learn_choose(const struct f2m_learn_system *system, int parameter)
{
    const struct f2m_recognise_parameter *p = &system->preset->parameters[parameter];

    if (system->key[parameter])
        return (struct f2m_learn_choice){system->key[parameter], F2M_LEARN_TOPIC};
    const struct f2m_learn_value *v = best_of_topics(system, parameter);
    if (v)
        return (struct f2m_learn_choice){v->text, F2M_LEARN_TOPIC};
    v = given_for(system, parameter);
    if (v)
        return (struct f2m_learn_choice){v->text, F2M_LEARN_PAYLOAD};
    if (p->from)
        return (struct f2m_learn_choice){"", F2M_LEARN_DEVICE};
    if (p->fallback)
        return (struct f2m_learn_choice){p->fallback, F2M_LEARN_DEFAULT};
    return (struct f2m_learn_choice){p->example ? p->example : "FILL-IN", F2M_LEARN_EXAMPLE};
}

uint64_t f2m_learn_heard(const struct f2m_learn_system *system)
{
    const struct f2m_recognise_preset *preset = system->preset;
    uint64_t heard = system->seen;

    for (size_t i = 0; i < preset->parameters_len; i++) {
        const struct f2m_learn_value *v = best_of_topics(system, (int)i);
        for (size_t k = 0; v && k < preset->signs_len; k++)
            if (preset->signs[k].pattern.parameters & (UINT32_C(1) << i) && !(v->seen & (UINT64_C(1) << k)))
                heard &= ~(UINT64_C(1) << k);
    }
    return heard;
}

bool f2m_learn_source_heard(const struct f2m_learn_system *system, enum f2m_source_id id, uint64_t heard)
{
    uint64_t wanted = system->preset->source[id];

    return system->preset->source_any[id] ? (wanted & heard) != 0 : wanted && (wanted & heard) == wanted;
}

const struct f2m_sign_map *f2m_learn_map(const struct f2m_learn_system *system, enum f2m_source_id id, uint64_t heard)
{
    const struct f2m_recognise_preset *preset = system->preset;

    if (f2m_learn_source_heard(system, id, heard))
        return NULL;
    for (size_t i = 0; i < preset->signs_len; i++)
        for (size_t k = 0; heard & (UINT64_C(1) << i) && k < preset->signs[i].maps_len; k++)
            if (preset->signs[i].maps[k].source == id)
                return &preset->signs[i].maps[k];
    return NULL;
}

static bool is_known(const struct f2m_learn_system *system, enum f2m_source_id id, uint64_t heard)
{
    return f2m_learn_source_heard(system, id, heard) || f2m_learn_map(system, id, heard);
}

bool f2m_learn_sure(const struct f2m_learn_system *system)
{
    uint64_t heard = f2m_learn_heard(system);
    bool power =
        is_known(system, F2M_SRC_BATTERY_POWER, heard) || (is_known(system, F2M_SRC_BATTERY_CHARGE_POWER, heard) &&
                                                           is_known(system, F2M_SRC_BATTERY_DISCHARGE_POWER, heard));

    return power && is_known(system, F2M_SRC_STATE_OF_CHARGE, heard);
}

void f2m_learn_add_topic(const struct f2m_learn_system *system, const char *topic, struct f2m_strbuf *out)
{
    const struct f2m_recognise_preset *preset = system->preset;

    for (const char *open; (open = strstr(topic, "${")); topic = strchr(open, '}') + 1) {
        f2m_strbuf_add(out, topic, (size_t)(open - topic));
        struct f2m_slice name = {open + 2, strcspn(open + 2, "}")};
        for (size_t i = 0; i < preset->parameters_len; i++)
            if (f2m_slice_is(name, preset->parameters[i].name))
                f2m_strbuf_adds(out, f2m_learn_choose(system, (int)i).text);
    }
    f2m_strbuf_adds(out, topic);
}

/* ---- which ones ---- */

/* Whether the values of all parameters that both have in their keys are the same. */
static bool same_where_both(const struct f2m_learn_system *a, const struct f2m_learn_system *b)
{
    bool any = false;

    for (size_t i = 0; i < a->preset->parameters_len; i++)
        for (size_t k = 0; k < b->preset->parameters_len; k++) {
            if (!a->key[i] || !b->key[k] || strcmp(a->preset->parameters[i].name, b->preset->parameters[k].name) != 0)
                continue;
            if (strcmp(a->key[i], b->key[k]) != 0)
                return false;
            any = true;
        }
    return any;
}

static bool is_another_ones(const struct f2m_survey *s, const struct f2m_learn_system *system)
{
    for (const struct f2m_learn_system *other = s->systems; other && system->preset->unless; other = other->next)
        if (strcmp(other->preset->name, system->preset->unless) == 0 && f2m_learn_complete(other) &&
            same_where_both(system, other))
            return true;
    return false;
}

static int by_name_and_key(const void *a, const void *b)
{
    const struct f2m_learn_system *x = *(const struct f2m_learn_system *const *)a;
    const struct f2m_learn_system *y = *(const struct f2m_learn_system *const *)b;
    int order = strcmp(x->preset->name, y->preset->name);

    for (size_t i = 0; order == 0 && i < F2M_PATTERN_PARAMETERS; i++)
        if (x->key[i] && y->key[i])
            order = strcmp(x->key[i], y->key[i]);
    return order;
}

const struct f2m_learn_system **f2m_learn_systems(const struct f2m_survey *s, size_t *len)
{
    const struct f2m_learn_system **list = NULL;

    *len = 0;
    for (const struct f2m_learn_system *system = s->systems; system; system = system->next) {
        if (!f2m_learn_complete(system) || is_another_ones(s, system))
            continue;
        list = f2m_xreallocarray(list, *len + 1, sizeof *list);
        list[(*len)++] = system;
    }
    if (*len)
        qsort(list, *len, sizeof *list, by_name_and_key);
    return list;
}
