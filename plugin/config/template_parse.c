/* The syntax of templates. */
#include "config/template_parse.h"

#include "config/suggest.h"
#include "util/number.h"
#include "util/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct cursor {
    const char *at, *end;
};

static void skip_blanks(struct cursor *c)
{
    while (c->at < c->end && strchr(" \t\r\n", *c->at))
        c->at++;
}

static bool skip(struct cursor *c, char wanted)
{
    skip_blanks(c);
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

/* A name in buf, cut where it is too long to be one; false where none stands there. */
static bool read_name(struct cursor *c, char buf[64])
{
    size_t len = 0;

    skip_blanks(c);
    for (; c->at < c->end && (*c->at == '_' || (*c->at >= 'a' && *c->at <= 'z') || (*c->at >= 'A' && *c->at <= 'Z') ||
                              (*c->at >= '0' && *c->at <= '9'));
         c->at++)
        if (len < 63)
            buf[len++] = *c->at;
    buf[len] = '\0';
    return len > 0;
}

static int fail_at(const struct cursor *c, const char *expected, struct f2m_err *err)
{
    int left = (int)(c->end - c->at);

    if (left == 0)
        f2m_err_set(err, "expected %s, found }}", expected);
    else
        f2m_err_set(err, "expected %s, found '%.*s'", expected, left > 40 ? 40 : left, c->at);
    return -EINVAL;
}

static int read_variable(struct cursor *c, struct f2m_template_expression *out, struct f2m_err *err)
{
    struct f2m_suggestion near = {NULL, 0};
    char name[64], hint[F2M_SUGGEST_SIZE];

    if (!read_name(c, name))
        return fail_at(c, "a variable such as setpoint_w", err);
    for (size_t i = 0; i < f2m_template_variables_len; i++) {
        if (strcmp(name, f2m_template_variables[i].name) != 0)
            continue;
        out->variable = &f2m_template_variables[i];
        return 0;
    }
    for (size_t i = 0; i < f2m_template_variables_len; i++)
        f2m_suggest(&near, name, f2m_template_variables[i].name);
    f2m_err_set(
        err,
        "unknown variable '%s', expected mode, power_mode, setpoint_w, backup_reserve_percentage, "
        "enable_grid_import, starts_at, ends_at, duration_s, remaining_s, now, command_id, event_id, device_id or "
        "site_id%s",
        name, f2m_suggestion_text(&near, hint));
    return -EINVAL;
}

/* "…" or '…'; a backslash takes the next character as it is. */
static bool read_text(struct cursor *c, char out[F2M_TEMPLATE_ARGUMENT])
{
    size_t len = 0;

    skip_blanks(c);
    if (c->at == c->end || (*c->at != '"' && *c->at != '\''))
        return false;
    char quote = *c->at++;
    for (; c->at < c->end && *c->at != quote; c->at++) {
        if (*c->at == '\\' && c->at + 1 < c->end)
            c->at++;
        if (len + 1 == F2M_TEMPLATE_ARGUMENT)
            return false;
        out[len++] = *c->at;
    }
    out[len] = '\0';
    if (c->at == c->end)
        return false;
    c->at++;
    return true;
}

static bool read_number(struct cursor *c, bool quantity, double *out)
{
    const char *close = memchr(c->at, ')', (size_t)(c->end - c->at));
    struct f2m_slice text;

    if (!close)
        return false;
    text = (struct f2m_slice){c->at, (size_t)(close - c->at)};
    if (!f2m_number_parse(text, out) && !(quantity && (f2m_quantity_parse(text, F2M_QUANTITY_POWER, out) ||
                                                       f2m_quantity_parse(text, F2M_QUANTITY_ENERGY, out))))
        return false;
    c->at = close;
    return true;
}

/* What strftime makes of the broken-down time alone: %s would ask the process's own zone. */
static bool check_format(const char *format)
{
    for (const char *c = strchr(format, '%'); c; c = strchr(c + 2, '%'))
        if (!c[1] || !strchr("YmdHMSIpyjaAbBeuwZzFTDR%", c[1]))
            return false;
    return *format != '\0';
}

static bool read_argument(struct cursor *c, struct f2m_template_applied *by)
{
    switch (by->filter->argument) {
    case F2M_ARGUMENT_NONE: return true;
    case F2M_ARGUMENT_NUMBER: return read_number(c, false, &by->number);
    case F2M_ARGUMENT_DIGITS:
        return read_number(c, false, &by->number) && by->number >= 0 && by->number <= 9 &&
               by->number == (double)(int)by->number;
    case F2M_ARGUMENT_QUANTITY: return read_number(c, true, &by->number) && by->number > 0;
    case F2M_ARGUMENT_FORMAT: return read_text(c, by->text) && check_format(by->text);
    case F2M_ARGUMENT_VALUE:
        by->is_text = read_text(c, by->text);
        return by->is_text || read_number(c, false, &by->number);
    }
    return false;
}

static const struct f2m_template_filter *find_filter(const char *name, struct f2m_err *err)
{
    struct f2m_suggestion near = {NULL, 0};
    char hint[F2M_SUGGEST_SIZE];

    for (size_t i = 0; i < f2m_template_filters_len; i++)
        if (strcmp(name, f2m_template_filters[i].name) == 0)
            return &f2m_template_filters[i];
    for (size_t i = 0; i < f2m_template_filters_len; i++)
        f2m_suggest(&near, name, f2m_template_filters[i].name);
    f2m_err_set(err,
                "unknown filter '%s', expected scale, offset, round, min, max, percent_of, minutes, local, default or "
                "refuse%s",
                name, f2m_suggestion_text(&near, hint));
    return NULL;
}

static int refuse_filter(struct cursor from, const struct cursor *to, const struct f2m_template_filter *filter,
                         struct f2m_err *err)
{
    const char *close = memchr(to->at, ')', (size_t)(to->end - to->at));
    int len = (int)((close ? close + 1 : to->end) - from.at);

    f2m_err_set(err, "expected a filter such as %s, found '%.*s'", filter->example, len > 60 ? 60 : len, from.at);
    return -EINVAL;
}

static int read_filter(struct cursor *c, struct f2m_template_expression *out, struct f2m_err *err)
{
    struct f2m_template_applied *by = &out->filters[out->filters_len];
    char name[64];

    skip_blanks(c);
    struct cursor from = *c;
    if (!read_name(c, name))
        return fail_at(c, "a filter such as round(1) after |", err);
    if (out->filters_len == F2M_TEMPLATE_FILTERS) {
        f2m_err_set(err, "expected at most %d filters, found more", F2M_TEMPLATE_FILTERS);
        return -EINVAL;
    }
    *by = (struct f2m_template_applied){.filter = find_filter(name, err)};
    if (!by->filter)
        return -EINVAL;
    if (skip(c, '(')) {
        skip_blanks(c);
        if (!read_argument(c, by) || !skip(c, ')'))
            return refuse_filter(from, c, by->filter, err);
    } else if (by->filter->argument != F2M_ARGUMENT_NONE) {
        f2m_err_set(err, "expected a filter such as %s, found '%s' without an argument", by->filter->example, name);
        return -EINVAL;
    }
    out->filters_len++;
    return 0;
}

const char *f2m_template_kind_name(enum f2m_template_kind kind)
{
    static const char *const names[] = {
        [F2M_TEMPLATE_NULL] = "any value", [F2M_TEMPLATE_TEXT] = "a text", [F2M_TEMPLATE_NUMBER] = "a number",
        [F2M_TEMPLATE_BOOL] = "a boolean", [F2M_TEMPLATE_TIME] = "a time",
    };

    return names[kind];
}

/* Whether the filters fit what they get; after default("…") a value may be a text or what it was, which only the
 * moment tells. */
static int check_kinds(const struct f2m_template_expression *e, struct f2m_err *err)
{
    enum f2m_template_kind kind = e->variable->kind;

    for (size_t i = 0; i < e->filters_len; i++) {
        const struct f2m_template_applied *by = &e->filters[i];
        if (by->filter->argument == F2M_ARGUMENT_VALUE) {
            if (by->is_text || kind != F2M_TEMPLATE_NUMBER)
                kind = kind == F2M_TEMPLATE_TEXT && by->is_text ? kind : F2M_TEMPLATE_NULL;
            continue;
        }
        if (kind != F2M_TEMPLATE_NULL && kind != by->filter->takes) {
            f2m_err_set(err, "%s: expected %s, found %s", by->filter->name, f2m_template_kind_name(by->filter->takes),
                        f2m_template_kind_name(kind));
            return -EINVAL;
        }
        kind = by->filter->gives;
    }
    return 0;
}

int f2m_template_parse(struct f2m_slice text, struct f2m_template_expression *out, struct f2m_err *err)
{
    struct cursor c = {text.at, text.at + text.len};

    *out = (struct f2m_template_expression){0};
    int rc = read_variable(&c, out, err);
    while (rc == 0 && skip(&c, '|'))
        rc = read_filter(&c, out, err);
    if (rc < 0)
        return rc;
    skip_blanks(&c);
    if (c.at != c.end)
        return fail_at(&c, "| or }}", err);
    return check_kinds(out, err);
}

/* Where the }} that ends an expression stands: quotes may hide one. NULL = nowhere. */
static const char *find_close(const char *at, const char *end)
{
    char quote = '\0';

    for (; at < end; at++) {
        if (quote && *at == '\\')
            at++;
        else if (quote)
            quote = *at == quote ? '\0' : quote;
        else if (*at == '"' || *at == '\'')
            quote = *at;
        else if (*at == '}' && at + 1 < end && at[1] == '}')
            return at;
    }
    return NULL;
}

bool f2m_template_next(struct f2m_slice *rest, struct f2m_slice *plain, struct f2m_slice *inside, bool *error)
{
    *error = false;
    *plain = *inside = (struct f2m_slice){NULL, 0};
    if (rest->len == 0)
        return false;
    const char *end = rest->at + rest->len, *open = memmem(rest->at, rest->len, "{{", 2);
    /* In {"a":{{{ x }}}} the outermost brace is JSON's. */
    while (open && open + 2 < end && open[2] == '{')
        open++;
    if (open != rest->at) {
        *plain = (struct f2m_slice){rest->at, (size_t)((open ? open : end) - rest->at)};
    } else {
        const char *close = find_close(open + 2, end);
        *error = !close;
        *inside = (struct f2m_slice){open + 2, (size_t)((close ? close : end) - open - 2)};
        if (close)
            *plain = (struct f2m_slice){NULL, 0};
    }
    size_t taken = plain->at ? plain->len : *error ? rest->len : inside->len + 4;
    *rest = (struct f2m_slice){rest->at + taken, rest->len - taken};
    return true;
}
