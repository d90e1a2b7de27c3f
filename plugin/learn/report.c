#include "learn/report.h"

#include "learn/choose.h"
#include "learn/text.h"

#include <inttypes.h>
#include <stdlib.h>

static const char BY_HAND[] =
    "To map a system that is not known, name its topics in a device (docs/configuration.md, \"sources\"):\n"
    "\n"
    "  telemetry:\n"
    "    sources:\n"
    "      state_of_charge: { topic: battery/soc, unit: \"%\" }\n"
    "      battery_power:   { topic: battery/data, path: /power, unit: W, positive: charging }\n"
    "\n"
    "Then `flip2mqtt doctor` shows what each topic was read as.\n";

void f2m_learn_add_name(const struct f2m_learn_system *system, struct f2m_strbuf *out)
{
    const char *separator = " (";

    f2m_strbuf_adds(out, system->preset->name);
    for (size_t i = 0; i < system->preset->parameters_len; i++) {
        const char *fallback = system->preset->parameters[i].fallback;
        if (!system->key[i] || (fallback && strcmp(system->key[i], fallback) == 0))
            continue;
        f2m_strbuf_addf(out, "%s%s ", separator, system->preset->parameters[i].name);
        f2m_learn_add_text(out, f2m_slice_of(system->key[i]), F2M_MAX_LEARN_TEXT_BYTES);
        separator = ", ";
    }
    if (*separator == ',')
        f2m_strbuf_addc(out, ')');
}

static void add_sign(const struct f2m_learn_system *system, size_t index, struct f2m_strbuf *out)
{
    const struct f2m_sign *sign = &system->preset->signs[index];
    const struct f2m_learn_sample *sample = &system->samples[index];

    f2m_learn_add_topic(system, sign->topic, out);
    if (!(system->seen & (UINT64_C(1) << index)))
        return;
    f2m_strbuf_adds(out, " = ");
    f2m_learn_add_text(out, (struct f2m_slice){sample->text, sample->len}, F2M_MAX_LEARN_SAMPLE_BYTES);
    if (sample->clipped)
        f2m_strbuf_adds(out, "…");
}

/* The first sign of a set. */
static size_t first_of(uint64_t signs)
{
    size_t i = 0;

    while (i < F2M_MAX_PRESET_SIGNS - 1 && !(signs & (UINT64_C(1) << i)))
        i++;
    return i;
}

static void add_sureness(const struct f2m_learn_system *system, const char *indent, struct f2m_strbuf *out)
{
    bool sure = f2m_learn_sure(system);

    f2m_strbuf_addf(out, "%s%s: every topic that the preset is known by is there, %" PRIu64 " message%s:\n", indent,
                    sure ? "Sure" : "Likely", system->messages, system->messages == 1 ? "" : "s");
    for (size_t i = 0; i < system->preset->signs_len; i++) {
        if (!system->preset->signs[i].required)
            continue;
        f2m_strbuf_addf(out, "%s  ", indent);
        add_sign(system, i, out);
        f2m_strbuf_addc(out, '\n');
    }
    if (!sure)
        f2m_strbuf_addf(
            out, "%sNot sure, since the battery's state of charge or power was not heard.%s\n", indent,
            system->preset->asks ? " It talks when it is asked: the bridge and `doctor` do, `learn` does not." : "");
    if (system->preset->experimental)
        f2m_strbuf_addf(
            out,
            "%sAn experimental preset: no recorded traffic of a real system stands behind it, so compare the "
            "numbers.\n",
            indent);
}

static void add_heard(const struct f2m_learn_system *system, const char *indent, struct f2m_strbuf *out)
{
    uint64_t heard = f2m_learn_heard(system);
    const char *separator = "Heard: ";

    for (size_t id = 0; id < F2M_SRC_COUNT; id++)
        if (f2m_learn_source_heard(system, (enum f2m_source_id)id, heard)) {
            f2m_strbuf_addf(out, "%s%s%s", *separator == 'H' ? indent : "", separator, f2m_source_info[id].name);
            separator = ", ";
        }
    f2m_strbuf_adds(out, *separator == ',' ? ".\n" : "");
    for (size_t id = 0; id < F2M_SRC_COUNT; id++) {
        uint64_t wanted = system->preset->source[id];
        if (!wanted || f2m_learn_source_heard(system, (enum f2m_source_id)id, heard))
            continue;
        f2m_strbuf_addf(out, "%sNot heard: %s, ", indent, f2m_source_info[id].name);
        const struct f2m_sign *sign = &system->preset->signs[first_of(wanted & ~heard)];
        f2m_learn_add_topic(system, sign->topic, out);
        f2m_strbuf_addf(out, "%s%s%s\n", sign->path ? " at " : "", sign->path ? sign->path : "",
                        f2m_learn_map(system, (enum f2m_source_id)id, heard) ? "; another way was" : "");
    }
}

/* Values of further parameters that were not chosen: a second inverter, another sensor. */
static void add_others(const struct f2m_learn_system *system, const char *indent, struct f2m_strbuf *out)
{
    for (size_t i = 0; i < system->values_len; i++) {
        const struct f2m_learn_value *v = &system->values[i];
        struct f2m_learn_choice choice = f2m_learn_choose(system, v->parameter);
        if (v->given || strcmp(choice.text, v->text) == 0)
            continue;
        f2m_strbuf_addf(out, "%sAlso there, and not read: %s ", indent, system->preset->parameters[v->parameter].name);
        f2m_learn_add_text(out, f2m_slice_of(v->text), F2M_MAX_LEARN_TEXT_BYTES);
        f2m_strbuf_addf(out, " (beside %s)\n", choice.text);
    }
}

void f2m_learn_describe(const struct f2m_learn_system *system, const char *indent, struct f2m_strbuf *out)
{
    add_sureness(system, indent, out);
    add_heard(system, indent, out);
    add_others(system, indent, out);
}

/* ---- the whole ---- */

/* Systems of which something was seen, but not enough. */
static void add_partial(const struct f2m_survey *s, struct f2m_strbuf *out)
{
    size_t shown = 0;

    for (const struct f2m_learn_system *system = s->systems; system; system = system->next) {
        uint64_t required = system->preset->required;
        if (f2m_learn_complete(system) || !(system->seen & required) || shown++ >= F2M_LEARN_SHOWN_PARTIAL)
            continue;
        f2m_strbuf_adds(out, "Perhaps ");
        f2m_learn_add_name(system, out);
        f2m_strbuf_adds(out, ": there is ");
        add_sign(system, first_of(system->seen & required), out);
        f2m_strbuf_adds(out, ", but not ");
        add_sign(system, first_of(required & ~system->seen), out);
        f2m_strbuf_addc(out, '\n');
    }
    if (shown > F2M_LEARN_SHOWN_PARTIAL)
        f2m_strbuf_addf(out, "… and %zu more of which too little was seen.\n", shown - F2M_LEARN_SHOWN_PARTIAL);
}

static void add_nothing(struct f2m_survey *s, struct f2m_strbuf *out)
{
    f2m_strbuf_addf(out, "Recognised nothing in %" PRIu64 " messages.\n", s->messages);
    add_partial(s, out);
    if (s->messages == 0)
        f2m_strbuf_adds(out,
                        "Nothing was published at all: is this the broker that the battery talks to, may this user "
                        "read it, and is the battery's integration running?\n");
    else
        f2m_strbuf_adds(out, "\nWhat came, by the beginning of the topic (messages, an example):\n");
    f2m_learn_prefixes_write(&s->prefixes, F2M_LEARN_SHOWN_PREFIXES, out);
    f2m_strbuf_addf(out, "\n%s", BY_HAND);
}

size_t f2m_learn_report(struct f2m_survey *s, struct f2m_strbuf *out)
{
    size_t len;
    const struct f2m_learn_system **systems = f2m_learn_systems(s, &len);

    for (size_t i = 0; i < len; i++) {
        f2m_strbuf_addf(out, "\n%s", systems[i]->preset->description);
        f2m_strbuf_adds(out, ": ");
        f2m_learn_add_name(systems[i], out);
        f2m_strbuf_addc(out, '\n');
        f2m_learn_describe(systems[i], "  ", out);
    }
    if (len)
        add_partial(s, out);
    else
        add_nothing(s, out);
    if (s->turned_away)
        f2m_strbuf_addf(out,
                        "Besides, %" PRIu64 " messages came of more systems than %d of a kind: those are left out.\n",
                        s->turned_away, F2M_MAX_LEARN_SYSTEMS);
    free(systems);
    return len;
}
