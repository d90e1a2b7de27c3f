/* A source on one line: { topic: a/b, unit: W, max_age: 5min }. */
#include "config/print.h"

#include "util/number.h"

#include <string.h>

enum place {
    PLACE_WHOLE,
    PLACE_PART,
    PLACE_FACTOR,
};

struct printing {
    struct f2m_strbuf *out;
    const char *name;
    enum f2m_value_kind kind;
    bool first;
};

static void key(struct printing *p, const char *name)
{
    f2m_strbuf_addf(p->out, "%s%s: ", p->first ? "{ " : ", ", name);
    p->first = false;
}

static void text(struct printing *p, const char *name, const char *value)
{
    if (!value)
        return;
    key(p, name);
    f2m_yaml_write_scalar(p->out, value);
}

static void number(struct printing *p, const char *name, double value, double fallback)
{
    char buf[F2M_NUMBER_SIZE];

    if (value == fallback)
        return;
    key(p, name);
    f2m_strbuf_adds(p->out, f2m_number_format(value, buf));
}

static void print_map(struct printing *p, const struct f2m_source *source)
{
    if (!source->map)
        return;
    key(p, "map");
    f2m_strbuf_adds(p->out, source->map_len ? "{ " : "{");
    for (size_t i = 0; i < source->map_len; i++) {
        f2m_strbuf_adds(p->out, i ? ", " : "");
        f2m_yaml_write_scalar(p->out, source->map[i].raw);
        f2m_strbuf_adds(p->out, ": ");
        f2m_yaml_write_scalar(p->out, source->map[i].value);
    }
    f2m_strbuf_adds(p->out, source->map_len ? " }" : "}");
}

static void print_positive(struct printing *p, const struct f2m_source *source)
{
    if (p->kind != F2M_VALUE_SIGNED_POWER)
        return;
    if (strcmp(p->name, f2m_source_info[F2M_SRC_BATTERY_POWER].name) == 0)
        text(p, "positive", source->sign < 0 ? "discharging" : "charging");
    else
        text(p, "positive", source->sign < 0 ? "export" : "import");
}

static void print_source(struct printing *p, const struct f2m_source *source, enum place place);

static void print_parts(struct printing *p, const struct f2m_source *source, enum place place)
{
    static const char *const names[] = {
        [F2M_SOURCE_SUM] = "sum", [F2M_SOURCE_DIFFERENCE] = "difference", [F2M_SOURCE_PRODUCT] = "product"};
    bool factors = source->op == F2M_SOURCE_PRODUCT || place == PLACE_FACTOR;

    key(p, names[source->op]);
    for (size_t i = 0; i < source->parts_len; i++) {
        f2m_strbuf_adds(p->out, i ? ", " : "[");
        print_source(p, &source->parts[i], factors ? PLACE_FACTOR : PLACE_PART);
    }
    f2m_strbuf_addc(p->out, ']');
}

static void print_topic(struct printing *p, const struct f2m_source *source)
{
    static const char *const formats[] = {
        [F2M_FORMAT_TEXT] = "text", [F2M_FORMAT_JSON] = "json", [F2M_FORMAT_KEYVALUE] = "keyvalue"};

    text(p, "topic", source->topic);
    text(p, "path", source->path);
    if (source->format != (source->path ? F2M_FORMAT_JSON : F2M_FORMAT_TEXT))
        text(p, "format", formats[source->format]);
    text(p, "timestamp_path", source->timestamp_path);
    if (source->retained_accept)
        text(p, "retained", "accept");
    print_map(p, source);
}

static void print_source(struct printing *p, const struct f2m_source *source, enum place place)
{
    enum f2m_quantity quantity = f2m_value_quantity(p->kind);
    bool composed = source->op >= F2M_SOURCE_SUM;

    p->first = true;
    if (source->op == F2M_SOURCE_TOPIC)
        print_topic(p, source);
    else if (source->op == F2M_SOURCE_CONST)
        text(p, "const", source->constant);
    else
        print_parts(p, source, place);
    if (quantity != F2M_QUANTITY_NONE) {
        if (place != PLACE_FACTOR && (!composed || source->op == F2M_SOURCE_PRODUCT))
            text(p, "unit", source->unit ? source->unit->name : f2m_unit_canonical(quantity));
        number(p, "scale", source->scale, 1);
        number(p, "offset", source->offset, 0);
        if (place == PLACE_WHOLE)
            print_positive(p, source);
    }
    if (composed && source->missing_zero)
        text(p, "missing", "zero");
    if (source->max_age_ms && source->op != F2M_SOURCE_CONST) {
        key(p, "max_age");
        f2m_duration_format(source->max_age_ms, p->out);
    }
    p->first = false;
    f2m_strbuf_adds(p->out, " }");
}

static void write_source(struct f2m_yaml_writer *w, const struct f2m_key *k, const struct f2m_source *source)
{
    f2m_autostrbuf line = {0};
    struct printing p = {&line, k->name, (enum f2m_value_kind)k->kind, true};

    f2m_strbuf_init(&line, 0);
    print_source(&p, source, PLACE_WHOLE);
    f2m_yaml_write_raw(w, k->name, line.data);
}

void f2m_print_source(struct f2m_yaml_writer *w, const struct f2m_key *k, const void *at)
{
    const struct f2m_source *source = at;

    if (source->op != F2M_SOURCE_NONE)
        write_source(w, k, source);
}

void f2m_print_field(struct f2m_yaml_writer *w, const struct f2m_key *k, const void *at)
{
    const struct f2m_device_field *field = at;
    enum f2m_quantity quantity = f2m_value_quantity((enum f2m_value_kind)k->kind);
    f2m_autostrbuf value = {0};
    double canonical;

    if (field->source)
        write_source(w, k, field->source);
    if (!field->value)
        return;
    if (quantity == F2M_QUANTITY_NONE || !f2m_number_parse(f2m_slice_of(field->value), &canonical)) {
        f2m_yaml_write_text(w, k->name, field->value);
        return;
    }
    f2m_strbuf_init(&value, 0);
    f2m_quantity_format(canonical, quantity, &value);
    f2m_yaml_write_raw(w, k->name, value.data);
}
