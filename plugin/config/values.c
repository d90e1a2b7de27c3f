/* The syntax of single values: text -> struct member and back. */
#include "config/table.h"
#include "config/template.h"
#include "util/json.h"
#include "util/number.h"
#include "util/secret.h"
#include "util/topic.h"
#include "util/xalloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *expected;
    enum f2m_quantity quantity;
    const char *noun; /* before a range */
} types[] = {
    [F2M_KEY_TEXT] = {"a text", F2M_QUANTITY_NONE, NULL},
    [F2M_KEY_FILE] = {"the path of a file", F2M_QUANTITY_NONE, NULL},
    [F2M_KEY_PATH] = {"a path", F2M_QUANTITY_NONE, NULL},
    [F2M_KEY_TOPIC] = {"a topic without + or #", F2M_QUANTITY_NONE, NULL},
    [F2M_KEY_FILTER] = {"a topic, where + and # stand for whole levels, # last", F2M_QUANTITY_NONE, NULL},
    [F2M_KEY_POINTER] = {"a JSON Pointer such as /battery/power", F2M_QUANTITY_NONE, NULL},
    [F2M_KEY_TEMPLATE] = {"a text or template", F2M_QUANTITY_NONE, NULL},
    [F2M_KEY_TOPIC_TEMPLATE] = {"a topic without + or #", F2M_QUANTITY_NONE, NULL},
    [F2M_KEY_BOOL] = {"true or false", F2M_QUANTITY_NONE, NULL},
    [F2M_KEY_INTEGER] = {"a whole number", F2M_QUANTITY_NONE, "a whole number"},
    [F2M_KEY_NUMBER] = {"a number", F2M_QUANTITY_NONE, "a number"},
    [F2M_KEY_PERCENTAGE] = {"a percentage such as 20 %", F2M_QUANTITY_PERCENTAGE, "a percentage"},
    [F2M_KEY_DURATION] = {"a duration such as 5min", F2M_QUANTITY_DURATION, "a duration"},
    [F2M_KEY_SECONDS] = {"a duration such as 60s", F2M_QUANTITY_DURATION, "a duration"},
    [F2M_KEY_SIZE] = {"a size such as 256 MB", F2M_QUANTITY_SIZE, "a size"},
    [F2M_KEY_CUSTOM] = {"a value", F2M_QUANTITY_NONE, NULL},
};

bool f2m_value_is_text(enum f2m_key_type type)
{
    return type <= F2M_KEY_TOPIC_TEMPLATE;
}

static bool has_range(const struct f2m_key *key)
{
    return key->min != 0 || key->max != 0;
}

static void expect_choice(const struct f2m_key *key, struct f2m_err *expected)
{
    f2m_autostrbuf list = {0};

    f2m_strbuf_init(&list, 400);
    for (const struct f2m_choice *c = key->choices; c->name; c++)
        f2m_strbuf_addf(&list, "%s%s", c == key->choices ? "" : c[1].name ? ", " : " or ", c->name);
    f2m_err_set(expected, "%s", list.data);
}

static void format_bound(const struct f2m_key *key, double bound, struct f2m_strbuf *out)
{
    char number[F2M_NUMBER_SIZE];
    enum f2m_quantity quantity = types[key->type].quantity;

    if (quantity == F2M_QUANTITY_NONE)
        f2m_strbuf_adds(out, f2m_number_format(bound, number));
    else
        f2m_quantity_format(bound, quantity, out);
}

void f2m_value_expected(const struct f2m_key *key, struct f2m_err *expected)
{
    f2m_autostrbuf text = {0};

    if (key->type == F2M_KEY_CHOICE) {
        expect_choice(key, expected);
        return;
    }
    f2m_strbuf_init(&text, 400);
    f2m_strbuf_adds(&text, has_range(key) ? types[key->type].noun : types[key->type].expected);
    if (has_range(key) && key->min == key->max) {
        f2m_strbuf_reset(&text);
        format_bound(key, key->min, &text);
    } else if (has_range(key)) {
        f2m_strbuf_adds(&text, isfinite(key->max) ? " from " : " of at least ");
        format_bound(key, key->min, &text);
        f2m_strbuf_adds(&text, isfinite(key->max) ? key->below ? " to below " : " to " : "");
        if (isfinite(key->max))
            format_bound(key, key->max, &text);
    }
    f2m_err_set(expected, "%s", text.data);
}

bool f2m_bool_parse(const char *text, bool *out)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true}, {"false", false}, {"yes", true}, {"no", false}, {"on", true}, {"off", false}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(text, words[i].word) != 0)
            continue;
        *out = words[i].value;
        return true;
    }
    return false;
}

static bool parse_choice(const struct f2m_key *key, const char *text, int *out)
{
    for (const struct f2m_choice *c = key->choices; c->name; c++) {
        if (strcmp(text, c->name) != 0)
            continue;
        *out = c->value;
        return true;
    }
    return false;
}

static bool parse_number(const struct f2m_key *key, const char *text, double *out)
{
    struct f2m_slice slice = f2m_slice_of(text);
    enum f2m_quantity quantity = types[key->type].quantity;
    bool ok = quantity == F2M_QUANTITY_NONE ? f2m_number_parse(slice, out) : f2m_quantity_parse(slice, quantity, out);

    return ok && (!has_range(key) || (*out >= key->min && *out <= key->max && !(key->below && *out == key->max)));
}

static bool is_whole(double value)
{
    return fabs(value) <= 9007199254740992.0 && value == trunc(value);
}

/* Whether a text fits a text type; says why not where there is more to say than the type's own words. */
static bool check_text(const struct f2m_key *key, const char *text, struct f2m_err *expected)
{
    if (!*text && !key->optional_text && key->type != F2M_KEY_POINTER)
        return false;
    switch (key->type) {
    case F2M_KEY_TOPIC: return f2m_topic_name_valid(text);
    case F2M_KEY_FILTER: return f2m_topic_filter_valid(text);
    case F2M_KEY_POINTER: return f2m_json_pointer_valid(text);
    case F2M_KEY_TEMPLATE: return f2m_template_check(text, expected) == 0;
    case F2M_KEY_TOPIC_TEMPLATE: return f2m_template_check_topic(text, expected) == 0;
    default: return !key->check || key->check(text, expected);
    }
}

/* 1 ms and 1 byte are the smallest steps: what is finer is cut. */
static bool store_number(const struct f2m_key *key, double value, void *at)
{
    switch (key->type) {
    case F2M_KEY_NUMBER:
    case F2M_KEY_PERCENTAGE: *(double *)at = value; return true;
    case F2M_KEY_INTEGER:
        if (!is_whole(value) || fabs(value) > 1e9)
            return false;
        *(int *)at = (int)value;
        return true;
    case F2M_KEY_SECONDS:
        if (!is_whole(value / 1000) || fabs(value) > 1e12)
            return false;
        *(int *)at = (int)(value / 1000);
        return true;
    default:
        if (fabs(value) > 9e15)
            return false;
        *(int64_t *)at = (int64_t)value;
        return true;
    }
}

bool f2m_value_parse(const struct f2m_key *key, const char *text, void *at, struct f2m_err *expected)
{
    double number;

    f2m_value_expected(key, expected);
    if (f2m_value_is_text(key->type)) {
        if (!check_text(key, text, expected))
            return false;
        f2m_value_free(key, at);
        *(char **)at = f2m_xstrdup(text);
        return true;
    }
    if (key->type == F2M_KEY_BOOL)
        return f2m_bool_parse(text, at);
    if (key->type == F2M_KEY_CHOICE)
        return parse_choice(key, text, at);
    return parse_number(key, text, &number) && store_number(key, number, at);
}

void f2m_value_free(const struct f2m_key *key, void *at)
{
    if (!f2m_value_is_text(key->type))
        return;
    f2m_secret_free(*(char **)at);
    *(char **)at = NULL;
}

bool f2m_value_given(const struct f2m_key *key, const void *at)
{
    if (f2m_value_is_text(key->type))
        return *(char *const *)at != NULL;
    if (key->type == F2M_KEY_NUMBER || key->type == F2M_KEY_PERCENTAGE)
        return isfinite(*(const double *)at);
    return true;
}

/* The largest unit that gives a whole number: 300000 ms is 5min, 90000 ms is 90s; kW and kWh from 1000 on. */
void f2m_quantity_format(double value, enum f2m_quantity quantity, struct f2m_strbuf *out)
{
    static const struct {
        enum f2m_quantity quantity;
        const char *unit; /* with the blank before it */
        double factor;
    } units[] = {
        {F2M_QUANTITY_DURATION, "d", 86400e3}, {F2M_QUANTITY_DURATION, "h", 3600e3},
        {F2M_QUANTITY_DURATION, "min", 60e3},  {F2M_QUANTITY_DURATION, "s", 1e3},
        {F2M_QUANTITY_DURATION, "ms", 1},      {F2M_QUANTITY_SIZE, " GB", 1e9},
        {F2M_QUANTITY_SIZE, " MB", 1e6},       {F2M_QUANTITY_SIZE, " kB", 1e3},
        {F2M_QUANTITY_SIZE, " B", 1},          {F2M_QUANTITY_ENERGY, " kWh", 1e3},
        {F2M_QUANTITY_POWER, " kW", 1e3},      {F2M_QUANTITY_ENERGY, " Wh", 1},
        {F2M_QUANTITY_POWER, " W", 1},         {F2M_QUANTITY_PERCENTAGE, " %", 1},
    };
    char number[F2M_NUMBER_SIZE];

    if (quantity == F2M_QUANTITY_DURATION && value == 0) {
        f2m_strbuf_adds(out, "0s");
        return;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (units[i].quantity != quantity)
            continue;
        bool last = units[i].factor == 1, decimal = units[i].unit[1] == 'k' && quantity != F2M_QUANTITY_SIZE;
        if (!last && (value < units[i].factor || (!decimal && fmod(value, units[i].factor) != 0)))
            continue;
        f2m_strbuf_addf(out, "%s%s", f2m_number_format(value / units[i].factor, number), units[i].unit);
        return;
    }
    f2m_strbuf_adds(out, f2m_number_format(value, number));
}

void f2m_duration_format(int64_t ms, struct f2m_strbuf *out)
{
    f2m_quantity_format((double)ms, F2M_QUANTITY_DURATION, out);
}

static void format_choice(const struct f2m_key *key, int value, struct f2m_strbuf *out)
{
    for (const struct f2m_choice *c = key->choices; c->name; c++) {
        if (c->value != value)
            continue;
        f2m_strbuf_adds(out, c->name);
        return;
    }
}

void f2m_value_format(const struct f2m_key *key, const void *at, struct f2m_strbuf *out)
{
    char number[F2M_NUMBER_SIZE];

    if (f2m_value_is_text(key->type)) {
        f2m_strbuf_adds(out, *(char *const *)at);
        return;
    }
    switch (key->type) {
    case F2M_KEY_BOOL: f2m_strbuf_adds(out, *(const bool *)at ? "true" : "false"); break;
    case F2M_KEY_CHOICE: format_choice(key, *(const int *)at, out); break;
    case F2M_KEY_INTEGER: f2m_strbuf_addf(out, "%d", *(const int *)at); break;
    case F2M_KEY_NUMBER: f2m_strbuf_adds(out, f2m_number_format(*(const double *)at, number)); break;
    case F2M_KEY_PERCENTAGE: f2m_quantity_format(*(const double *)at, F2M_QUANTITY_PERCENTAGE, out); break;
    case F2M_KEY_SECONDS: f2m_duration_format((int64_t) * (const int *)at * 1000, out); break;
    default: f2m_quantity_format((double)*(const int64_t *)at, types[key->type].quantity, out); break;
    }
}
