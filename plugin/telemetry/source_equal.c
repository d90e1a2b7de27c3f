/* Whether two sources are the same reading of the same thing. */
#include "telemetry/source.h"

#include "util/fnv.h"

#include <string.h>

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_map(const struct f2m_source *a, const struct f2m_source *b)
{
    if (a->map_len != b->map_len)
        return false;
    for (size_t i = 0; i < a->map_len; i++)
        if (!same_text(a->map[i].raw, b->map[i].raw) || !same_text(a->map[i].value, b->map[i].value))
            return false;
    return true;
}

static bool same_factor(const struct f2m_source *a, const struct f2m_source *b)
{
    return (a->unit ? a->unit->factor : 1) == (b->unit ? b->unit->factor : 1);
}

bool f2m_source_equal(const struct f2m_source *a, const struct f2m_source *b)
{
    if (a->op != b->op || a->op == F2M_SOURCE_NONE)
        return a->op == b->op;
    if (a->format != b->format || a->retained_accept != b->retained_accept || a->missing_zero != b->missing_zero ||
        a->scale != b->scale || a->offset != b->offset || a->sign != b->sign || a->max_age_ms != b->max_age_ms ||
        a->parts_len != b->parts_len || !same_factor(a, b) || !same_map(a, b) || !same_text(a->topic, b->topic) ||
        !same_text(a->path, b->path) || !same_text(a->timestamp_path, b->timestamp_path) ||
        !same_text(a->constant, b->constant))
        return false;
    for (size_t i = 0; i < a->parts_len; i++)
        if (!f2m_source_equal(&a->parts[i], &b->parts[i]))
            return false;
    return true;
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
    return text ? f2m_fnv(hash, text, strlen(text) + 1) : f2m_fnv(hash, "\xff", 1);
}

static uint64_t mix_source(uint64_t hash, const struct f2m_source *s)
{
    double factors[] = {s->scale, s->offset, s->unit ? s->unit->factor : 1, s->sign};
    int shape[] = {(int)s->op, s->missing_zero};

    hash = f2m_fnv(hash, shape, sizeof shape);
    hash = f2m_fnv(hash, factors, sizeof factors);
    hash = mix_text(mix_text(mix_text(hash, s->topic), s->path), s->constant);
    for (size_t i = 0; i < s->parts_len; i++)
        hash = mix_source(hash, &s->parts[i]);
    return hash;
}

uint64_t f2m_source_fingerprint(const struct f2m_source *s)
{
    return mix_source(F2M_FNV_START, s);
}
