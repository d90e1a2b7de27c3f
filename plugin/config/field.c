/* A commissioning field: a value, or a source that it is learnt from (Interface, Sites 3). */
#include "config/print.h"
#include "config/source.h"
#include "util/number.h"
#include "util/xalloc.h"

#include <stdlib.h>
#include <string.h>

static const char *expected_of(enum f2m_quantity quantity)
{
    switch (quantity) {
    case F2M_QUANTITY_ENERGY: return "an energy above 0 such as 13.5 kWh, or a source";
    case F2M_QUANTITY_POWER: return "a power above 0 such as 5 kW, or a source";
    default: return "a text, or a source such as { topic: … }";
    }
}

/* The canonical text of a value, to be freed; NULL with what was expected. */
static char *canonical(const struct f2m_key *key, const char *text, struct f2m_err *expected)
{
    enum f2m_quantity quantity = f2m_value_quantity((enum f2m_value_kind)key->kind);
    char number[F2M_NUMBER_SIZE];
    double value;

    f2m_err_set(expected, "%s", expected_of(quantity));
    if (quantity == F2M_QUANTITY_NONE)
        return *text && (!key->check || key->check(text, expected)) ? f2m_xstrdup(text) : NULL;
    if (!f2m_quantity_parse(f2m_slice_of(text), quantity, &value) || !(value > 0))
        return NULL;
    return f2m_xstrdup(f2m_number_format(value, number));
}

static void field_read(struct f2m_loader *loader, const struct f2m_key *key, const struct f2m_yaml *node, void *at)
{
    struct f2m_device_field *field = at;
    enum f2m_value_kind kind = (enum f2m_value_kind)key->kind;
    struct f2m_err expected;
    char found[F2M_FOUND_SIZE];

    field->line = node->at.line;
    field->col = node->at.col;
    if (node->type == F2M_YAML_MAP) {
        field->source = f2m_xcalloc(1, sizeof *field->source);
        f2m_source_read(loader, key->name, kind, node, field->source);
        return;
    }
    const char *text = f2m_scalar_text(loader, key->name, expected_of(f2m_value_quantity(kind)), node);
    if (!text)
        return;
    field->value = canonical(key, text, &expected);
    if (!field->value)
        f2m_report_error(&loader->report, node->at, "%s: expected %s, %s", key->name, expected.text,
                         f2m_found(node, false, found));
}

void f2m_field_free(struct f2m_device_field *field)
{
    free(field->value);
    if (field->source)
        f2m_source_free(field->source);
    free(field->source);
    field->value = NULL;
    field->source = NULL;
}

static void field_free(void *at)
{
    f2m_field_free(at);
}

static void source_read(struct f2m_loader *loader, const struct f2m_key *key, const struct f2m_yaml *node, void *at)
{
    f2m_source_read(loader, key->name, (enum f2m_value_kind)key->kind, node, at);
}

static void source_free(void *at)
{
    f2m_source_free(at);
}

static void source_schema(struct f2m_jw *w, const struct f2m_key *key)
{
    (void)key;
    f2m_jw_string(w, "$ref", "#/$defs/source");
}

static void field_schema(struct f2m_jw *w, const struct f2m_key *key)
{
    (void)key;
    f2m_jw_array(w, "type");
    f2m_jw_string(w, NULL, "string");
    f2m_jw_string(w, NULL, "number");
    f2m_jw_string(w, NULL, "object");
    f2m_jw_end(w);
}

const struct f2m_key_custom f2m_custom_source = {
    .type = "source",
    .read = source_read,
    .free = source_free,
    .print = f2m_print_source,
    .schema = source_schema,
};

const struct f2m_key_custom f2m_custom_field = {
    .type = "value or source",
    .read = field_read,
    .free = field_free,
    .print = f2m_print_field,
    .schema = field_schema,
};
