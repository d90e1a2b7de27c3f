#include "config/template.h"

#include "config/template_parse.h"
#include "util/number.h"
#include "util/rfc3339.h"
#include "util/topic.h"

#include <errno.h>
#include <string.h>

#define UNCLOSED "expected }} after {{, found the end of the text"

bool f2m_template_has_variables(const char *text)
{
    return strstr(text, "{{") != NULL;
}

/* Checks every expression; `sample`, where not NULL, gets the text with an "x" for each of them. */
static int check(const char *text, struct f2m_strbuf *sample, struct f2m_err *err)
{
    struct f2m_slice rest = f2m_slice_of(text), plain, inside;
    struct f2m_template_expression expression;
    bool error;

    while (f2m_template_next(&rest, &plain, &inside, &error)) {
        if (error) {
            f2m_err_set(err, UNCLOSED);
            return -EINVAL;
        }
        if (!plain.at && f2m_template_parse(inside, &expression, err) < 0)
            return -EINVAL;
        if (sample && plain.at)
            f2m_strbuf_add(sample, plain.at, plain.len);
        else if (sample)
            f2m_strbuf_addc(sample, 'x');
    }
    return 0;
}

int f2m_template_check(const char *text, struct f2m_err *err)
{
    return check(text, NULL, err);
}

int f2m_template_check_topic(const char *text, struct f2m_err *err)
{
    f2m_autostrbuf sample = {0};

    f2m_strbuf_init(&sample, 0);
    int rc = check(text, &sample, err);
    if (rc < 0)
        return rc;
    if (f2m_topic_name_valid(sample.data))
        return 0;
    f2m_err_set(err, "expected a topic without + or #, found '%.200s'", text);
    return -EINVAL;
}

static struct f2m_template_value find_value(const struct f2m_template_values *values, const char *name)
{
    for (size_t i = 0; i < values->len; i++)
        if (strcmp(values->list[i].name, name) == 0)
            return values->list[i];
    return (struct f2m_template_value){.name = name, .kind = F2M_TEMPLATE_NULL};
}

/* A text that default() gave may be a number for the next filter. */
static int apply(const struct f2m_template_applied *by, struct f2m_template_work *work, struct f2m_err *err)
{
    struct f2m_template_value *value = &work->value;
    enum f2m_template_kind takes = by->filter->takes;

    if (takes != F2M_TEMPLATE_NULL && value->kind == F2M_TEMPLATE_NULL)
        return 0;
    if (takes == F2M_TEMPLATE_NUMBER && value->kind == F2M_TEMPLATE_TEXT &&
        f2m_number_parse(f2m_slice_of(value->text), &value->number))
        value->kind = F2M_TEMPLATE_NUMBER;
    if (takes != F2M_TEMPLATE_NULL && takes != value->kind) {
        f2m_err_set(err, "%s: expected %s, found %s", by->filter->name, f2m_template_kind_name(takes),
                    f2m_template_kind_name(value->kind));
        return -EINVAL;
    }
    return by->filter->apply(work, by, err);
}

static int write_value(const struct f2m_template_value *value, struct f2m_strbuf *out, struct f2m_err *err)
{
    char number[F2M_NUMBER_SIZE], time[F2M_RFC3339_SIZE];

    switch (value->kind) {
    case F2M_TEMPLATE_NULL:
        f2m_err_set(err, "%s has no value, and the template no default", value->name);
        return -ENODATA;
    case F2M_TEMPLATE_TEXT: f2m_strbuf_adds(out, value->text); return 0;
    case F2M_TEMPLATE_NUMBER: f2m_strbuf_adds(out, f2m_number_format(value->number, number)); return 0;
    case F2M_TEMPLATE_BOOL: f2m_strbuf_adds(out, value->boolean ? "true" : "false"); return 0;
    case F2M_TEMPLATE_TIME: f2m_strbuf_adds(out, f2m_rfc3339_format(value->wall_ms, time)); return 0;
    }
    return -EINVAL;
}

static int expand_one(struct f2m_slice inside, const struct f2m_template_values *values, const char *timezone,
                      struct f2m_strbuf *out, struct f2m_err *err)
{
    struct f2m_template_expression expression;
    struct f2m_template_work work = {.timezone = timezone};

    int rc = f2m_template_parse(inside, &expression, err);
    if (rc < 0)
        return rc;
    work.value = find_value(values, expression.variable->name);
    for (size_t i = 0; rc == 0 && i < expression.filters_len; i++)
        rc = apply(&expression.filters[i], &work, err);
    if (rc < 0)
        f2m_err_wrap(err, "%s", expression.variable->name);
    return rc < 0 ? rc : write_value(&work.value, out, err);
}

int f2m_template_expand(const char *text, const struct f2m_template_values *values, const char *timezone,
                        struct f2m_strbuf *out, struct f2m_err *err)
{
    struct f2m_slice rest = f2m_slice_of(text), plain, inside;
    bool error;
    int rc = 0;

    while (rc == 0 && f2m_template_next(&rest, &plain, &inside, &error)) {
        if (error) {
            f2m_err_set(err, UNCLOSED);
            return -EINVAL;
        }
        if (plain.at)
            f2m_strbuf_add(out, plain.at, plain.len);
        else
            rc = expand_one(inside, values, timezone, out, err);
    }
    if (rc == 0 && out->overflow) {
        f2m_err_set(err, "expected at most %zu bytes, found more", out->max);
        return -EINVAL;
    }
    return rc;
}
