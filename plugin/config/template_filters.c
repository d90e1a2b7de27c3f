/* The variables and filters of templates: one table each. Interface, section 2 and clarification 3. */
#include "config/template_parse.h"
#include "config/timezone.h"
#include "util/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const struct f2m_template_variable f2m_template_variables[] = {
    {"mode", F2M_TEMPLATE_TEXT},
    {"power_mode", F2M_TEMPLATE_TEXT},
    {"setpoint_w", F2M_TEMPLATE_NUMBER},
    {"backup_reserve_percentage", F2M_TEMPLATE_NUMBER},
    {"enable_grid_import", F2M_TEMPLATE_BOOL},
    {"starts_at", F2M_TEMPLATE_TIME},
    {"ends_at", F2M_TEMPLATE_TIME},
    {"duration_s", F2M_TEMPLATE_NUMBER},
    {"remaining_s", F2M_TEMPLATE_NUMBER},
    {"now", F2M_TEMPLATE_TIME},
    {"command_id", F2M_TEMPLATE_TEXT},
    {"event_id", F2M_TEMPLATE_TEXT},
    {"device_id", F2M_TEMPLATE_TEXT},
    {"site_id", F2M_TEMPLATE_TEXT},
};
const size_t f2m_template_variables_len = sizeof f2m_template_variables / sizeof f2m_template_variables[0];

static int finish(struct f2m_template_work *work, const struct f2m_template_applied *by, double number,
                  struct f2m_err *err)
{
    if (!isfinite(number)) {
        f2m_err_set(err, "%s: expected a number, found one that is too large", by->filter->name);
        return -EINVAL;
    }
    work->value.number = number;
    return 0;
}

static int apply_scale(struct f2m_template_work *work, const struct f2m_template_applied *by, struct f2m_err *err)
{
    return finish(work, by, work->value.number * by->number, err);
}

static int apply_offset(struct f2m_template_work *work, const struct f2m_template_applied *by, struct f2m_err *err)
{
    return finish(work, by, work->value.number + by->number, err);
}

static int apply_round(struct f2m_template_work *work, const struct f2m_template_applied *by, struct f2m_err *err)
{
    double power = pow(10, by->number);

    return finish(work, by, round(work->value.number * power) / power, err);
}

static int apply_min(struct f2m_template_work *work, const struct f2m_template_applied *by, struct f2m_err *err)
{
    return finish(work, by, fmin(work->value.number, by->number), err);
}

static int apply_max(struct f2m_template_work *work, const struct f2m_template_applied *by, struct f2m_err *err)
{
    return finish(work, by, fmax(work->value.number, by->number), err);
}

static int apply_percent_of(struct f2m_template_work *work, const struct f2m_template_applied *by, struct f2m_err *err)
{
    return finish(work, by, work->value.number * 100 / by->number, err);
}

static int apply_minutes(struct f2m_template_work *work, const struct f2m_template_applied *by, struct f2m_err *err)
{
    return finish(work, by, work->value.number / 60, err);
}

static int apply_local(struct f2m_template_work *work, const struct f2m_template_applied *by, struct f2m_err *err)
{
    const struct f2m_timezone *zone = f2m_timezone_find(work->timezone, err);
    struct tm local;

    if (!zone)
        return -EINVAL;
    f2m_timezone_local(zone, work->value.wall_ms, &local);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* check_format() has read it */
    size_t len = strftime(work->text, sizeof work->text, by->text, &local);
#pragma GCC diagnostic pop
    if (len == 0) {
        f2m_err_set(err, "local: expected a format that gives 1 to %zu bytes, found '%s'", sizeof work->text - 1,
                    by->text);
        return -EINVAL;
    }
    work->value.kind = F2M_TEMPLATE_TEXT;
    work->value.text = work->text;
    return 0;
}

static int apply_default(struct f2m_template_work *work, const struct f2m_template_applied *by, struct f2m_err *err)
{
    (void)err;
    if (work->value.kind != F2M_TEMPLATE_NULL)
        return 0;
    work->value.kind = by->is_text ? F2M_TEMPLATE_TEXT : F2M_TEMPLATE_NUMBER;
    work->value.number = by->number;
    work->value.text = by->text;
    return 0;
}

/* What a battery cannot do must not be acknowledged: this value makes the command impossible; every other one, and
 * none, writes nothing. */
static int apply_refuse(struct f2m_template_work *work, const struct f2m_template_applied *by, struct f2m_err *err)
{
    char number[F2M_NUMBER_SIZE];
    const char *refused = by->is_text ? by->text : f2m_number_format(by->number, number);
    char found[F2M_NUMBER_SIZE];
    const char *value = "";

    if (work->value.kind == F2M_TEMPLATE_TEXT)
        value = work->value.text;
    else if (work->value.kind == F2M_TEMPLATE_BOOL)
        value = work->value.boolean ? "true" : "false";
    else if (work->value.kind == F2M_TEMPLATE_NUMBER)
        value = f2m_number_format(work->value.number, found);
    if (work->value.kind != F2M_TEMPLATE_NULL && strcmp(value, refused) == 0) {
        f2m_err_set(err, "refuse: the battery cannot do it where this is %s", refused);
        return -EINVAL;
    }
    work->value.kind = F2M_TEMPLATE_TEXT;
    work->value.text = "";
    return 0;
}

#define NUMBERS F2M_TEMPLATE_NUMBER, F2M_TEMPLATE_NUMBER

const struct f2m_template_filter f2m_template_filters[] = {
    {"scale", F2M_ARGUMENT_NUMBER, NUMBERS, apply_scale, "scale(0.001)"},
    {"offset", F2M_ARGUMENT_NUMBER, NUMBERS, apply_offset, "offset(-5)"},
    {"round", F2M_ARGUMENT_DIGITS, NUMBERS, apply_round, "round(1)"},
    {"min", F2M_ARGUMENT_NUMBER, NUMBERS, apply_min, "min(5000)"},
    {"max", F2M_ARGUMENT_NUMBER, NUMBERS, apply_max, "max(100)"},
    {"percent_of", F2M_ARGUMENT_QUANTITY, NUMBERS, apply_percent_of, "percent_of(5 kW)"},
    {"minutes", F2M_ARGUMENT_NONE, NUMBERS, apply_minutes, "minutes"},
    {"local", F2M_ARGUMENT_FORMAT, F2M_TEMPLATE_TIME, F2M_TEMPLATE_TEXT, apply_local, "local(\"%H:%M\")"},
    {"default", F2M_ARGUMENT_VALUE, F2M_TEMPLATE_NULL, F2M_TEMPLATE_NULL, apply_default, "default(\"0\")"},
    {"refuse", F2M_ARGUMENT_VALUE, F2M_TEMPLATE_NULL, F2M_TEMPLATE_NULL, apply_refuse, "refuse(\"false\")"},
};
const size_t f2m_template_filters_len = sizeof f2m_template_filters / sizeof f2m_template_filters[0];
